//! The contract held against components: what they export and import, and that another channel fits the same host.

use anyhow::{Context, Result};
use channel_host::check::check;
use channel_host::contract::events::{EventBody, MessageState};
use channel_host::{Cache, Engine, Limits, LoadError};
use channel_tests::{CHANNEL_360DIALOG, CHANNEL_HOSTILE, CHANNEL_SMS, delivery};
use serde_json::json;
use wasmtime::component::types::ComponentItem;

mod peer;
mod vendors;

/// A message, as the SMS gateway posts it.
const SMS_RECEIVED: &str = "MessageSid=SM1&From=%2B16315551234&To=%2B15550783881&Body=Hi+there";

fn engine() -> Result<Engine> {
    Ok(Engine::new(Limits::recommended(), &Cache::Off)?)
}

async fn broken(component: &[u8]) -> Result<Vec<String>> {
    let rules = check(&engine()?, component).await;
    assert!(!rules.is_empty());
    Ok(rules
        .into_iter()
        .filter(|rule| !rule.met)
        .map(|rule| format!("{}: {}", rule.name, rule.detail))
        .collect())
}

#[tokio::test]
async fn both_channels_keep_every_rule() -> Result<()> {
    for component in [CHANNEL_360DIALOG, CHANNEL_SMS] {
        assert_eq!(
            broken(&std::fs::read(component)?).await?,
            [""; 0],
            "{component}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_channel_exports_what_it_fills_and_nothing_else() -> Result<()> {
    let engine = engine()?;
    let channel = engine.load_file(CHANNEL_360DIALOG.as_ref())?;
    let mut interfaces = channel.interfaces().to_vec();
    interfaces.sort_unstable();
    assert_eq!(
        interfaces,
        [
            "account",
            "channel",
            "connection",
            "contacts",
            "inbox",
            "media",
            "message",
            "sender",
            "template",
            "template-store",
            "webhook",
            "window"
        ]
    );
    let sms = engine.load_file(CHANNEL_SMS.as_ref())?;
    let mut interfaces = sms.interfaces().to_vec();
    interfaces.sort_unstable();
    assert_eq!(
        interfaces,
        [
            "channel",
            "connection",
            "inbox",
            "message",
            "sender",
            "webhook"
        ]
    );
    Ok(())
}

/// The SMS channel as it was when the contract was 0.1.0; built once.
const FROZEN: &[u8] = include_bytes!("frozen/0.1.0.wasm");

#[tokio::test]
async fn a_component_of_the_past_still_gives_what_it_gave() -> Result<()> {
    let frozen = engine()?.load("frozen", FROZEN).context(
        "the contract has changed: put its types back, or, while 0.1.0 is a draft, follow wit/VERSIONING.md",
    )?;
    let events = frozen
        .normalize(None, &delivery(SMS_RECEIVED))
        .await?
        .expect("a message");
    assert_eq!(
        serde_json::to_value(&events)?,
        json!([{"id": "86ce2279506c0de6c91e1d6f92f42cb1fc4d2e3194afba7f01265d847a58df6c", "type": "message",
            "contact": {"phone": "16315551234"},
            "origin": {"envelope": "form", "phone_number": "15550783881", "own": true},
            "message": {"id": "SM1", "content": {"type": "text", "text": "Hi there"}},
            "raw": {"Body": "Hi there", "From": "+16315551234", "MessageSid": "SM1", "To": "+15550783881"}}])
    );
    Ok(())
}

/// The interfaces of WASI 0.2 that Rust's standard library imports, whether a program uses them or not.
const RUST_STD: [&str; 14] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure-seed",
];

/// Of the contract a channel imports the functions of the capabilities that it uses. It may import types as well.
#[test]
fn channels_import_what_they_use_and_what_the_standard_library_does() -> Result<()> {
    let engine = wasmtime::Engine::default();
    for (component, capabilities) in [
        (CHANNEL_360DIALOG, &["http", "storage"][..]),
        (CHANNEL_SMS, &["http"]),
    ] {
        let component = wasmtime::component::Component::from_file(&engine, component)?;
        let mut used = Vec::new();
        for (name, import) in component.component_type().imports(&engine) {
            let ComponentItem::ComponentInstance(instance) = import.ty else {
                panic!("{name} is no interface");
            };
            let interface = name.split('@').next().unwrap_or(name);
            let Some(interface) = interface.strip_prefix("messaging:channel/") else {
                assert!(RUST_STD.contains(&interface), "{name}");
                continue;
            };
            let mut exports = instance.exports(&engine);
            if exports.any(|(_, export)| matches!(export.ty, ComponentItem::ComponentFunc(_))) {
                used.push(interface.to_owned());
            }
        }
        used.sort_unstable();
        assert_eq!(used, capabilities);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_channel_is_told_so_by_rule() -> Result<()> {
    let core = wat::parse_str("(module)")?;
    let empty = wat::parse_str("(component)")?;
    let newer = wat::parse_str(
        r#"(component (instance $i) (export "messaging:channel/webhook@0.9.0" (instance $i)))"#,
    )?;
    for (component, words) in [
        (&b"hello"[..], "not"),
        (&core, "module"),
        (&empty, "messaging:channel"),
        (&newer, "0.9.0"),
    ] {
        let broken = broken(component).await?;
        assert!(broken.iter().any(|rule| rule.contains(words)), "{broken:?}");
    }
    let hostile = broken(&std::fs::read(CHANNEL_HOSTILE)?).await?;
    assert!(
        hostile.iter().any(|rule| rule.contains("describe")),
        "{hostile:?}"
    );
    Ok(())
}

#[test]
fn another_version_is_refused_before_anything_runs() -> Result<()> {
    let newer = wat::parse_str(
        r#"(component (instance $i) (export "messaging:channel/webhook@0.9.0" (instance $i)))"#,
    )?;
    let Err(error) = engine()?.load("newer", &newer) else {
        panic!("a component of another version was loaded");
    };
    let sentence = error.to_string();
    assert!(
        sentence.contains("0.9.0") && sentence.contains("0.1.0"),
        "{sentence}"
    );
    assert!(!matches!(error, LoadError::Missing(_)));
    Ok(())
}

#[tokio::test]
async fn a_channel_without_windows_says_so() -> Result<()> {
    let sms = engine()?.load_file(CHANNEL_SMS.as_ref())?;
    let state = channel_host::contract::outbound::WindowState {
        opened: None,
        refused: None,
        free_entry_point: None,
    };
    assert_eq!(
        sms.evaluate(&state, 0).await.unwrap_err().reason(),
        "absent"
    );
    Ok(())
}

#[tokio::test]
async fn another_vendors_webhooks_come_out_the_same_way() -> Result<()> {
    let sms = engine()?.load_file(CHANNEL_SMS.as_ref())?;
    let events = sms
        .normalize(None, &delivery(SMS_RECEIVED))
        .await?
        .expect("a message");
    assert!(
        matches!(&events[0].body, EventBody::Message(message) if message.id.as_deref() == Some("SM1")),
        "{events:?}"
    );
    assert_eq!(
        events[0]
            .contact
            .as_ref()
            .and_then(|contact| contact.phone.as_deref()),
        Some("16315551234")
    );
    let events = sms
        .normalize(
            None,
            &delivery(
                "MessageSid=SM2&MessageStatus=delivered&From=%2B15550783881&To=%2B16315551234",
            ),
        )
        .await?
        .expect("a receipt");
    assert!(
        matches!(&events[0].body, EventBody::Status(status) if status.state == MessageState::Delivered),
        "{events:?}"
    );
    Ok(())
}
