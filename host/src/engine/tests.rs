//! Components in text form, too small to be channels or broken on purpose. Whole hostile channels are tested from outside.

use std::time::{Duration, Instant};

use wasmtime::component::Component;

use super::*;

fn engine(limits: Limits) -> Engine {
    Engine::new(limits, &Cache::Off).unwrap()
}

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn refusal(text: &str) -> LoadError {
    let engine = engine(Limits::recommended());
    engine.load("test", &wasm(text)).err().unwrap()
}

/// A component with the interfaces of `pure` at a version, whose functions have no parameters and no result.
fn exporting(version: &str) -> String {
    r#"(component
        (core module $m (func (export "f")))
        (core instance $m (instantiate $m))
        (func $f (canon lift (core func $m "f")))
        (instance $channel (export "describe" (func $f)) (export "validate" (func $f)))
        (instance $webhook (export "normalize" (func $f)))
        (instance $message (export "build" (func $f)))
        (export "messaging:channel/channel@VERSION" (instance $channel))
        (export "messaging:channel/webhook@VERSION" (instance $webhook))
        (export "messaging:channel/message@VERSION" (instance $message)))"#
        .replace("VERSION", version)
}

#[test]
fn the_version_of_the_contract_is_a_version() {
    assert_eq!(offered_version().to_string(), crate::contract::VERSION);
}

#[test]
fn what_is_no_component_is_named() {
    let engine = engine(Limits::recommended());
    let load = |bytes: &[u8]| engine.load("test", bytes).err().unwrap();
    assert!(matches!(load(b""), LoadError::NotWasm));
    assert!(matches!(load(b"(component)"), LoadError::NotWasm));
    assert!(matches!(load(&wasm("(module)")), LoadError::CoreModule));
    assert!(matches!(
        load(b"\0asm\x0d\0\x01\0rubbish"),
        LoadError::Invalid(_)
    ));
    assert!(matches!(load(&wasm("(component)")), LoadError::NotAChannel));
}

#[test]
fn a_component_that_is_too_large_is_not_compiled() {
    let mut limits = Limits::recommended();
    limits.component_bytes = 8;
    let error = engine(limits)
        .load("test", &wasm("(component (type string))"))
        .err()
        .unwrap();
    assert!(matches!(error, LoadError::TooLarge { limit: 8 }), "{error}");
}

#[test]
fn a_file_is_read_only_as_far_as_the_limit_allows() {
    let mut limits = Limits::recommended();
    limits.component_bytes = 1000;
    let engine = engine(limits);
    let endless = engine.read("/dev/zero".as_ref()).unwrap_err();
    assert!(
        matches!(endless, LoadError::TooLarge { limit: 1000 }),
        "{endless}"
    );
    let absent = engine.load_file("no/such.wasm".as_ref()).err().unwrap();
    assert!(
        absent.to_string().starts_with("no/such.wasm can't be read"),
        "{absent}"
    );
}

#[test]
fn a_component_of_another_version_is_told_which_side_is_newer() {
    let newer = refusal(&exporting("0.2.0")).to_string();
    assert!(
        newer.contains("0.2.0") && newer.contains("0.1.0"),
        "{newer}"
    );
    assert!(newer.contains("update the host"), "{newer}");
    let older = refusal(&exporting("0.0.9")).to_string();
    assert!(
        older.contains("0.0.9") && older.contains("older"),
        "{older}"
    );
}

#[test]
fn a_missing_interface_is_named() {
    let text =
        r#"(component (instance $i) (export "messaging:channel/channel@0.1.0" (instance $i)))"#;
    let error = refusal(text).to_string();
    assert_eq!(
        error,
        "it does not export `webhook`, `message`: every channel does"
    );
}

#[test]
fn a_function_of_another_type_is_named_also_at_a_later_patch_of_the_contract() {
    for version in ["0.1.0", "0.1.7"] {
        let error = refusal(&exporting(version));
        let LoadError::Function { name, detail } = &error else {
            panic!("{error}");
        };
        assert_eq!(name, "channel.describe");
        assert!(!detail.is_empty());
    }
}

fn imports(text: &str) -> Vec<String> {
    let engine = engine(Limits::recommended());
    let component = engine.compile(&wasm(text)).unwrap();
    Shape::of(&component).not_lent(&["http"])
}

#[test]
fn an_import_that_is_not_lent_is_named_and_types_are_no_import() {
    let function = |name: &str| {
        imports(&format!(
            r#"(component (import "{name}" (instance (export "f" (func)))))"#
        ))
    };
    assert_eq!(
        function("wasi:filesystem/types@0.2.6"),
        ["wasi:filesystem/types@0.2.6"]
    );
    assert_eq!(
        function("wasi:sockets/tcp@0.2.6"),
        ["wasi:sockets/tcp@0.2.6"]
    );
    assert_eq!(
        function("wasi:clocks/wall-clock@0.2.6"),
        ["wasi:clocks/wall-clock@0.2.6"]
    );
    assert_eq!(
        function("messaging:channel/storage@0.1.0"),
        ["messaging:channel/storage@0.1.0"]
    );
    assert_eq!(
        function("messaging:channel/http@0.2.0"),
        ["messaging:channel/http@0.2.0"]
    );
    assert!(function("messaging:channel/http@0.1.0").is_empty());
    assert!(function("wasi:cli/stdout@0.2.6").is_empty());
    let types = r#"(component (import "any:thing/types@1.0.0" (instance (type $t string) (export "t" (type (eq $t))))))"#;
    assert!(imports(types).is_empty());
}

/// Runs a function of a component without parameters and result, as calls are run.
async fn run(engine: &Engine, text: &str) -> Result<(), CallError> {
    let component = Component::from_binary(&engine.shared.wasmtime, &wasm(text)).unwrap();
    let mut linker = engine.shared.linker.clone();
    Shape::of(&component).refuse_unlent(&mut linker).unwrap();
    let pre = linker.instantiate_pre(&component).unwrap();
    let limits = engine.limits();
    let mut store = call::store(engine);
    let result = async {
        let instance = pre.instantiate_async(&mut store).await?;
        let run = instance.get_typed_func::<(), (Vec<u8>,)>(&mut store, "run")?;
        run.call_async(&mut store, ()).await
    };
    match result.await {
        Ok(_) => Ok(()),
        Err(error) => Err(CallError::of(&error, limits)),
    }
}

/// A component whose function `run` has a body and returns a list of bytes.
fn running(body: &str) -> String {
    format!(
        r#"(component
            (core module $m
                (memory (export "memory") 2)
                (table $t 1 funcref)
                (func $deep (param i32) (result i32)
                    (i32.add (i32.const 1) (call $deep (local.get 0))))
                (func $my_function (export "run") (result i32) {body}))
            (core instance $m (instantiate $m))
            (func (export "run") (result (list u8))
                (canon lift (core func $m "run") (memory (core memory $m "memory")))))"#
    )
}

#[tokio::test]
async fn each_limit_ends_the_call_with_its_name() {
    let mut limits = Limits::recommended();
    limits.deadline = Duration::from_millis(100);
    limits.memory_bytes = 4 << 20;
    limits.table_elements = 100;
    limits.transfer_bytes = 1000;
    let engine = engine(limits);

    let limit = async |body: &str| match run(&engine, &running(body)).await {
        Err(CallError::Limit { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        limit("(drop (memory.grow (i32.const 100))) (i32.const 0)").await,
        "memory_bytes"
    );
    assert_eq!(
        limit("(drop (table.grow $t (ref.null func) (i32.const 500))) (i32.const 0)").await,
        "table_elements"
    );
    assert_eq!(limit("(call $deep (i32.const 0))").await, "stack_bytes");
    let giant = "(i32.store (i32.const 4) (i32.const 100000)) (i32.const 0)";
    assert_eq!(limit(giant).await, "transfer_bytes");

    let begin = Instant::now();
    let endless = run(&engine, &running("(loop $l (br $l)) (i32.const 0)")).await;
    assert!(
        matches!(endless, Err(CallError::Deadline { .. })),
        "{endless:?}"
    );
    assert!(begin.elapsed() < Duration::from_secs(3));

    let fine = run(&engine, &running("(i32.const 0)")).await;
    assert_eq!(fine, Ok(()));
}

#[tokio::test]
async fn a_trap_names_the_functions_and_an_unreadable_result_says_so() {
    let engine = engine(Limits::recommended());
    let trap = run(&engine, &running("(unreachable)")).await;
    let Err(CallError::Trapped { reason, frames }) = trap else {
        panic!("{trap:?}");
    };
    assert!(reason.contains("unreachable"), "{reason}");
    assert_eq!(frames, ["my_function"]);

    let outside = "(i32.store (i32.const 0) (i32.const 131072)) (i32.store (i32.const 4) (i32.const 9)) (i32.const 0)";
    let outside = run(&engine, &running(outside)).await;
    assert!(
        matches!(outside, Err(CallError::Unreadable(_))),
        "{outside:?}"
    );
}

#[tokio::test]
async fn an_endless_loop_lets_other_tasks_of_its_thread_run() {
    let mut limits = Limits::recommended();
    limits.deadline = Duration::from_secs(1);
    let engine = engine(limits);
    let endless = running("(loop $l (br $l)) (i32.const 0)");
    let mut other = 0;
    let count = async {
        loop {
            tokio::task::yield_now().await;
            other += 1;
        }
    };
    tokio::select! {
        result = run(&engine, &endless) => assert!(matches!(result, Err(CallError::Deadline { .. })), "{result:?}"),
        () = count => unreachable!(),
    }
    assert!(other > 20, "{other} turns in a second");
}

#[tokio::test]
async fn a_function_that_is_not_lent_fails_by_name_where_such_a_component_is_run_at_all() {
    let engine = engine(Limits::recommended());
    let calling = r#"(component
        (import "messaging:channel/storage@0.1.0" (instance $storage (export "wipe" (func))))
        (core func $wipe (canon lower (func $storage "wipe")))
        (core module $m
            (import "" "wipe" (func $wipe))
            (memory (export "memory") 1)
            (func (export "run") (result i32) (call $wipe) (i32.const 0)))
        (core instance $m (instantiate $m (with "" (instance (export "wipe" (func $wipe))))))
        (func (export "run") (result (list u8))
            (canon lift (core func $m "run") (memory (core memory $m "memory")))))"#;
    let refused = run(&engine, calling).await;
    let Err(CallError::Trapped { reason, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        reason,
        "it called messaging:channel/storage@0.1.0 wipe, which is not lent here"
    );
}
