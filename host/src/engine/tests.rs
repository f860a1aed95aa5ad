//! Components in text form, too small to be channels or broken on purpose. Whole hostile channels are tested from outside.

use std::time::{Duration, Instant};

use wasmtime::component::Component;

use super::*;
use crate::capability::Lent;

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
fn exports_that_are_nearly_a_channel_are_told_what_is_odd_about_them() {
    let channel = "messaging:channel/channel@0.1.0";
    let said = |from: &str, to: &str| refusal(&exporting("0.1.0").replace(from, to)).to_string();
    let unversioned = refusal(&exporting("").replace('@', "")).to_string();
    assert_eq!(
        unversioned,
        "it exports `messaging:channel/channel` without a version: build it against a version of messaging:channel"
    );
    let mixed = said("message@0.1.0", "message@0.2.0");
    assert!(
        mixed.starts_with(
            "it does not export `message` of messaging:channel 0.1.0, and has interfaces of 0.2.0"
        ),
        "{mixed}"
    );
    let again = format!(
        r#"(export "{channel}" (instance $channel)) (export "messaging:channel/channel@0.1.7""#
    );
    let twice = said(&format!(r#"(export "{channel}""#), &again);
    assert!(
        twice.starts_with("it exports the interface `channel` more than once"),
        "{twice}"
    );
    let function = said(
        &format!(r#""{channel}" (instance $channel)"#),
        &format!(r#""{channel}" (func $f)"#),
    );
    assert!(
        function.starts_with("its export `messaging:channel/channel@0.1.0` is not an interface"),
        "{function}"
    );
    let capability = refusal(
        r#"(component (instance $i) (export "messaging:channel/http@0.1.0" (instance $i)))"#,
    );
    assert!(matches!(capability, LoadError::NotAChannel), "{capability}");
}

#[test]
fn limits_that_let_nothing_run_are_refused_by_name() {
    let day = Duration::from_hours(24);
    let good = Limits::recommended;
    #[rustfmt::skip]
    let refused = [
        ("`deadline` is zero", Limits { deadline: Duration::ZERO, ..good() }),
        ("`deadline` is longer than a day", Limits { deadline: Duration::MAX, ..good() }),
        ("`queue` is longer than a day", Limits { queue: Duration::MAX, ..good() }),
        ("`sandboxes` is 0", Limits { sandboxes: 0, ..good() }),
        ("`sandboxes_per_plugin` is 0", Limits { sandboxes_per_plugin: 0, ..good() }),
        ("`sandboxes_per_plugin` is 16, more than the 3", Limits { sandboxes: 3, ..good() }),
    ];
    for (said, limits) in refused {
        let error = Engine::new(limits, &Cache::Off).err().unwrap();
        assert!(
            matches!(&error, EngineError::Limits(why) if why.contains(said)),
            "{said}: {error}"
        );
    }
    let mut limits = Limits::recommended();
    limits.deadline = day;
    limits.queue = Duration::ZERO;
    limits.sandboxes = limits.sandboxes_per_plugin;
    assert!(Engine::new(limits, &Cache::Off).is_ok());
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
    assert_eq!(function("wasi:cli/stdout@0.3.0"), ["wasi:cli/stdout@0.3.0"]);
    assert_eq!(function("wasi:cli/stdout"), ["wasi:cli/stdout"]);
    let types = r#"(component (import "any:thing/types@1.0.0" (instance (type $t string) (export "t" (type (eq $t))))))"#;
    assert!(imports(types).is_empty());
}

/// Runs a function of a component without parameters and result, as calls are run.
async fn run(engine: &Engine, text: &str) -> Result<(), CallError> {
    let component = Component::from_binary(&engine.shared.wasmtime, &wasm(text)).unwrap();
    let mut linker = lent::wasi(&engine.shared.wasmtime).unwrap();
    Shape::of(&component).refuse_unlent(&mut linker).unwrap();
    let pre = linker.instantiate_pre(&component).unwrap();
    let limits = engine.limits();
    let mut store = call::store(engine, Lent::default());
    let result = async {
        let instance = pre.instantiate_async(&mut store).await?;
        let run = instance.get_typed_func::<(), (Vec<u8>,)>(&mut store, "run")?;
        run.call_async(&mut store, ()).await
    };
    match result.await {
        Ok(_) => Ok(()),
        Err(error) => Err(CallError::of(&error, limits, limits.deadline)),
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
    // No whole number of pages: what the pool rounds must not pass for the plugin's own bound.
    limits.memory_bytes = (4 << 20) + 1000;
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
async fn timers_of_an_endless_loops_thread_go_on() {
    let engine = engine(Limits::recommended());
    let endless = running("(loop $l (br $l)) (i32.const 0)");
    // A task of its own, as a server's calls are: what it wakes, tokio's scheduler runs.
    let call = tokio::spawn(async move { run(&engine, &endless).await });
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Looked at every 61 ticks, not even twenty would have come before the deadline of five seconds.
    assert!(!call.is_finished());
    call.abort();
}

#[tokio::test]
async fn too_many_handles_are_named() {
    // A handle of its own table, taken again and again; and one that the host lends, with what it is for on our side.
    let own = r#"(component
        (type $thing (resource (rep i32)))
        (core func $new (canon resource.new $thing))
        (core module $m
            (import "" "new" (func $new (param i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "run") (result i32) (loop $l (drop (call $new (i32.const 1))) (br $l)) (unreachable)))
        (core instance $m (instantiate $m (with "" (instance (export "new" (func $new))))))
        (func (export "run") (result (list u8))
            (canon lift (core func $m "run") (memory (core memory $m "memory")))))"#;
    let lent = r#"(component
        (import "wasi:io/streams@0.2.6" (instance $streams (export "output-stream" (type (sub resource)))))
        (alias export $streams "output-stream" (type $stream))
        (import "wasi:cli/stdout@0.2.6" (instance $stdout
            (export "output-stream" (type $s (eq $stream)))
            (export "get-stdout" (func (result (own $s))))))
        (core func $get (canon lower (func $stdout "get-stdout")))
        (core module $m
            (import "" "get" (func $get (result i32)))
            (memory (export "memory") 1)
            (func (export "run") (result i32) (loop $l (drop (call $get)) (br $l)) (unreachable)))
        (core instance $m (instantiate $m (with "" (instance (export "get" (func $get))))))
        (func (export "run") (result (list u8))
            (canon lift (core func $m "run") (memory (core memory $m "memory")))))"#;
    for text in [own, lent] {
        let error = run(&engine(Limits::recommended()), text).await;
        assert!(
            matches!(
                error,
                Err(CallError::Limit {
                    name: "handles",
                    limit: 256,
                    ..
                })
            ),
            "{error:?}"
        );
    }
}

/// A component that fits the contract would be long in text; waiting needs only its sandboxes.
#[tokio::test]
async fn what_finds_no_sandbox_in_time_is_busy_and_says_what_to_raise() {
    let busy = CallError::Busy {
        after: Duration::from_secs(5),
        limit: "sandboxes",
    };
    assert_eq!(busy.reason(), "busy");
    assert_eq!(
        busy.to_string(),
        "no sandbox became free within 5000 ms: call less at one time, or raise the limit `sandboxes` or `queue`"
    );
    let semaphore = Arc::new(Semaphore::new(1));
    let latest = || Instant::now() + Duration::from_millis(1);
    let held = call::acquire(&semaphore, latest()).await.unwrap();
    assert!(call::acquire(&semaphore, latest()).await.is_none());
    drop(held);
    // A wait of no time at all still takes what is free.
    assert!(call::acquire(&semaphore, Instant::now()).await.is_some());
}

#[tokio::test]
async fn names_of_functions_can_not_write_to_a_terminal() {
    let named = running("(unreachable)").replace("$my_function", r#"$"\1b[2Kfine\nmore""#);
    let trap = run(&engine(Limits::recommended()), &named).await;
    let Err(CallError::Trapped { frames, .. }) = trap else {
        panic!("{trap:?}");
    };
    assert_eq!(frames, [r"\u{1b}[2Kfine\u{a}more"]);
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
