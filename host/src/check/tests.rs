use serde_json::json;

use super::*;
use crate::contract::channel::{HmacAlgorithm, HmacEncoding};
use crate::{Cache, Limits};

async fn broken(component: &[u8]) -> Vec<Rule> {
    let engine = Engine::new(Limits::recommended(), &Cache::Off).unwrap();
    let mut rules = check(&engine, component).await;
    rules.retain(|rule| !rule.met);
    rules
}

#[tokio::test]
async fn what_is_no_channel_breaks_a_rule_that_says_what_it_is() {
    let other =
        r#"(component (instance $i) (export "messaging:channel/channel@0.9.0" (instance $i)))"#;
    for (component, rule, word) in [
        (b"hello".to_vec(), "is a component", "not WebAssembly"),
        (
            wat::parse_str("(module)").unwrap(),
            "is a component",
            "core module",
        ),
        (
            wat::parse_str("(component)").unwrap(),
            "speaks this version of the contract",
            "not a channel",
        ),
        (
            wat::parse_str(other).unwrap(),
            "speaks this version of the contract",
            "0.9.0",
        ),
    ] {
        let [found] = <[Rule; 1]>::try_from(broken(&component).await).unwrap();
        assert_eq!(found.name, rule);
        assert!(found.detail.contains(word), "{}", found.detail);
    }
}

#[tokio::test]
async fn missing_interfaces_and_functions_are_each_a_broken_rule() {
    let bare =
        r#"(component (instance $i) (export "messaging:channel/channel@0.1.0" (instance $i)))"#;
    let found = broken(&wat::parse_str(bare).unwrap()).await;
    let names: Vec<&str> = found.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "exports webhook",
            "exports message",
            "channel.describe has the contract's type",
            "channel.validate has the contract's type",
        ]
    );
}

#[test]
fn a_plugins_text_forges_no_line() {
    assert_eq!(
        plain("no\x1b[2K\nmet everything\u{202e}é\u{9b}"),
        "no\\u{1b}[2K\\u{a}met everything\\u{202e}é\\u{9b}"
    );
    let mut rules = Rules(Vec::new());
    rules.broken("rule", "no\nmet    everything");
    assert_eq!(rules.0[0].detail, "no\\u{a}met    everything");
}

#[tokio::test]
async fn a_call_that_failed_is_not_repeated() {
    let mut rules = Rules(Vec::new());
    let calls = std::cell::Cell::new(0);
    let call = || async {
        calls.set(calls.get() + 1);
        Err::<(), _>(CallError::Absent("window"))
    };
    assert_eq!(twice(&mut rules, "f", call).await, None);
    assert_eq!(calls.get(), 1);
    assert!(!rules.0[0].met);
}

#[tokio::test]
async fn a_part_of_the_world_full_is_told_that_it_has_all_three() {
    let part = r#"(component (instance $i)
        (export "messaging:channel/channel@0.1.0" (instance $i))
        (export "messaging:channel/inbox@0.1.0" (instance $i)))"#;
    let engine = Engine::new(Limits::recommended(), &Cache::Off).unwrap();
    let rules = check(&engine, &wat::parse_str(part).unwrap()).await;
    let rule = |word: &str| {
        let found = rules.iter().find(|rule| rule.name.contains(word));
        found.unwrap_or_else(|| panic!("{word}: {rules:?}"))
    };
    let full = rule("world `full`");
    assert!(!full.met);
    assert!(full.detail.contains("no connection, sender"), "{full:?}");
    let told = &rule("further interfaces").detail;
    assert!(
        told.starts_with("it has inbox; it has no connection, sender, window"),
        "{told}"
    );
}

#[test]
fn secrets_have_names_of_their_own() {
    let named = |names: &[&str]| {
        let secrets: Vec<Secret> = names
            .iter()
            .map(|name| Secret {
                pointer: format!("/{name}"),
                name: (*name).to_owned(),
            })
            .collect();
        misnamed(&secrets)
    };
    assert_eq!(named(&["key", "api_key2", "webhook_key"]), [""; 0]);
    for names in [
        &["webhook"][..],
        &["webhook_path"],
        &["a", "a"],
        &["Key"],
        &["2key"],
        &["_a"],
        &["a-b"],
        &[""],
        &["a}}"],
    ] {
        assert_eq!(named(names).len(), 1, "{names:?}");
    }
}

#[test]
fn a_keyed_hash_signs_the_body_or_the_url_with_a_secret_of_the_settings() {
    let secrets = [Secret {
        pointer: "/key".into(),
        name: "key".into(),
    }];
    let text = || SignedPart::Text("v0:".into());
    let header = || SignedPart::Header("X-Time".into());
    for (signs, secret, word) in [
        (vec![SignedPart::Body], "key", None),
        (vec![SignedPart::Url], "key", None),
        (vec![text(), header(), SignedPart::Body], "key", None),
        (vec![], "key", Some("neither body nor url")),
        (vec![text(), header()], "key", Some("neither body nor url")),
        (vec![SignedPart::Body], "other", Some("no secret")),
    ] {
        let hmac = HmacRule {
            signs,
            header: "X-Sum".into(),
            algorithm: HmacAlgorithm::Sha256,
            encoding: HmacEncoding::Hex,
            prefix: None,
            secret: secret.into(),
        };
        match (unsound(&hmac, &secrets).as_slice(), word) {
            ([], None) => {}
            ([found], Some(word)) => assert!(found.contains(word), "{found}"),
            (found, word) => panic!("{hmac:?}: {found:?} instead of {word:?}"),
        }
    }
}

#[test]
fn an_origin_is_https_or_this_machine_and_nothing_more() {
    for good in [
        "https://api.example.com",
        "https://api.example.com:8443",
        "https://[2001:db8::1]",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://[::1]:80",
    ] {
        assert!(is_origin(good), "{good}");
    }
    for bad in [
        "",
        "api.example.com",
        "https://",
        "https://api.example.com/",
        "https://api.example.com/v1",
        "https://user@api.example.com",
        "https://api.example.com?x",
        "https://*.example.com",
        "https://api.example.com:99999",
        "http://api.example.com",
        "http://localhost.example.com",
        "http://[::2]",
        "ftp://localhost",
    ] {
        assert!(!is_origin(bad), "{bad}");
    }
}

#[test]
fn a_pointer_is_looked_up_in_the_schema_member_by_member() {
    let schema = json!({"properties": {
        "key": {"type": "string"},
        "a/b": {},
        "deep": {"properties": {"inner": {}}},
    }});
    for good in ["/key", "/a~1b", "/deep/inner"] {
        assert!(declares(&schema, good), "{good}");
    }
    for bad in ["", "key", "/", "/other", "/key/inner", "/deep/other"] {
        assert!(!declares(&schema, bad), "{bad}");
    }
}
