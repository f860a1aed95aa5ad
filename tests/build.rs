//! Builds the components that the tests load.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for (package, variable) in [
        ("channel-360dialog", "CHANNEL_360DIALOG"),
        ("channel-sms", "CHANNEL_SMS"),
        ("channel-hostile", "CHANNEL_HOSTILE"),
    ] {
        let component = component_build::build_or_exit(package);
        println!("cargo::rustc-env={variable}={}", component.display());
    }
}
