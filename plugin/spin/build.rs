//! Composes the application: the channel as it is released, the adapter that lends it HTTP and storage, and the service
//! that Spin calls.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId, types::Package};

/// What the composed component exports: what Spin's HTTP trigger calls, and what its cron trigger does.
const EXPORTS: [&str; 2] = ["wasi:http/handler@0.3.0", "handle-cron-event"];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let channel = component_build::build_or_exit("channel-360dialog");
    println!("cargo::rustc-env=CHANNEL={}", channel.display());
    for (variable, suffix, arguments) in [
        ("APPLICATION", "", &[][..]),
        (
            "APPLICATION_WITHOUT_ATOMICS",
            "-without-atomics",
            &["--no-default-features"],
        ),
    ] {
        let build = |package: &str| {
            component_build::build_as(package, &format!("{package}{suffix}"), arguments)
        };
        let application = channel.with_file_name(format!("channel-360dialog-spin{suffix}.wasm"));
        let composed = compose(&channel, &build("spin-adapter")?, &build("channel-spin")?)?;
        component_build::write(&application, &composed)?;
        println!("cargo::rerun-if-changed={}", application.display());
        println!("cargo::rustc-env={variable}={}", application.display());
    }
    Ok(())
}

/// The adapter's exports go to the channel, the channel's to the service, which also knows the adapter's types. Whatever else
/// they import, the application does.
fn compose(channel: &Path, adapter: &Path, service: &Path) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let adapter = register(&mut graph, "adapter", adapter)?;
    let channel = register(&mut graph, "channel", channel)?;
    let service = register(&mut graph, "service", service)?;
    let adapter = (adapter, graph.instantiate(adapter));
    let channel = (channel, graph.instantiate(channel));
    let service = (service, graph.instantiate(service));
    plug(&mut graph, adapter, channel)?;
    plug(&mut graph, adapter, service)?;
    plug(&mut graph, channel, service)?;
    for name in EXPORTS {
        let export = graph.alias_instance_export(service.1, name)?;
        graph.export(export, name)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}

fn register(graph: &mut CompositionGraph, name: &str, component: &Path) -> Result<PackageId> {
    let bytes = fs::read(component).with_context(|| component.display().to_string())?;
    let package = Package::from_bytes(name, None, bytes, graph.types_mut())?;
    Ok(graph.register_package(package)?)
}

/// Gives what one exports to another that imports it.
fn plug(
    graph: &mut CompositionGraph,
    from: (PackageId, NodeId),
    to: (PackageId, NodeId),
) -> Result<()> {
    let exports = &graph.types()[graph[from.0].ty()].exports;
    let imports = &graph.types()[graph[to.0].ty()].imports;
    let names: Vec<String> = exports
        .keys()
        .filter(|name| imports.contains_key(*name))
        .cloned()
        .collect();
    for name in names {
        let export = graph.alias_instance_export(from.1, &name)?;
        graph.set_instantiation_argument(to.1, &name, export)?;
    }
    Ok(())
}
