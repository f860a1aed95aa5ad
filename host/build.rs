//! Builds the channel that the command carries, and says where it and its example lie.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "bundled")]
    bundle();
}

#[cfg(feature = "bundled")]
fn bundle() {
    let component = component_build::build_or_exit("channel-360dialog");
    println!("cargo::rustc-env=BUNDLED_COMPONENT={}", component.display());
    let example = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../plugin/examples/webhook.json"
    );
    println!("cargo::rustc-env=BUNDLED_EXAMPLE={example}");
}
