//! Builds the component that the application is measured beside, and finds the interfaces that Spin lends.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let component = component_build::build_or_exit("spin-handwritten");
    println!("cargo::rustc-env=SPIN_HANDWRITTEN={}", component.display());
    bind_spin();
}

/// Writes the call of `bindgen!` for Spin's synchronous interfaces: the macro takes a path only as a literal, and the
/// interfaces lie in the SDK's package, wherever cargo keeps it.
fn bind_spin() {
    let wit = sdk().join("wit/deps");
    let folder = |name: &str| {
        let folder = wit.join(name).into_os_string().into_string();
        folder.expect("cargo's folder has a name in Unicode")
    };
    let bindings = format!(
        r#"wasmtime::component::bindgen!({{
            inline: "
                package tests:spin;
                world lent {{
                    import wasi:config/store@0.2.0-draft-2024-09-27;
                    import wasi:keyvalue/store@0.2.0-draft2;
                    import wasi:keyvalue/atomics@0.2.0-draft2;
                }}
            ",
            path: [{keyvalue:?}, {config:?}],
            world: "tests:spin/lent",
            imports: {{ default: trappable }},
            with: {{
                "wasi:keyvalue/store.bucket": crate::store::Bucket,
                "wasi:keyvalue/atomics.cas": crate::store::Cas,
            }},
        }});"#,
        keyvalue = folder("wasi-keyvalue-2024-10-17"),
        config = folder("wasi-runtime-config-2024-09-27"),
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("spin.rs"), bindings).expect("cargo's folder can be written to");
}

/// Where spin-sdk lies.
fn sdk() -> PathBuf {
    let mut metadata = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    metadata.args(["metadata", "--locked", "--format-version", "1"]);
    metadata.args(["--filter-platform", "wasm32-wasip2"]);
    let output = metadata.output().expect("cargo runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let sdk = packages.find(|package| package["name"] == "spin-sdk");
    let manifest = sdk.and_then(|sdk| sdk["manifest_path"].as_str());
    let manifest = PathBuf::from(manifest.expect("the workspace uses spin-sdk"));
    manifest
        .parent()
        .expect("a file lies in a folder")
        .to_owned()
}
