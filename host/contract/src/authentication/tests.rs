use std::collections::BTreeMap;

use http::HeaderValue;
use serde_json::json;

use super::*;
use crate::channel::AuthenticationRule;
use crate::types::Foreign;

const URL: &str = "https://host.example/in/1?a=b";

/// RFC 4231, test case 2; RFC 2202, test case 2.
const KEY: &str = "Jefe";
const BODY: &[u8] = b"what do ya want for nothing?";
const SHA1: &str = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
const SHA256: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
const SHA512: &str = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";

struct Known(BTreeMap<String, Secret>);

impl Secrets for Known {
    fn get(&self, name: &str) -> Option<Secret> {
        self.0.get(name).cloned()
    }

    fn all(&self) -> Vec<(String, Secret)> {
        self.0.clone().into_iter().collect()
    }

    fn seals(&self) -> bool {
        false
    }

    fn keep(&self, _: &str, _: Secret) -> bool {
        false
    }
}

fn known(secrets: &[(&str, &str)]) -> Known {
    let secret = |(name, value): &(&str, &str)| {
        let value = Secret::new((*value).to_owned());
        ((*name).to_owned(), value)
    };
    Known(secrets.iter().map(secret).collect())
}

fn description(webhook_authentication: Vec<AuthenticationRule>) -> Description {
    let schema = json!({"properties": {
        "way": {"default": "header"},
        "deep": {"properties": {"a/b": {"default": "on"}}},
        "signed": {"type": "boolean"},
        "plain": {},
    }});
    Description {
        id: "test".to_owned(),
        version: "1.0.0".to_owned(),
        contract_version: "0.1.0".to_owned(),
        family: "test".to_owned(),
        provider: "test".to_owned(),
        display_name: "Test".to_owned(),
        documentation: None,
        settings_schema: schema.to_string(),
        secrets: Vec::new(),
        origins: Vec::new(),
        webhook_authentication,
        window: None,
        pacing: Vec::new(),
        message_kinds: Vec::new(),
        text_limit: None,
        media: Vec::new(),
        template_categories: Vec::new(),
        template_languages: Vec::new(),
    }
}

fn always(method: AuthenticationMethod) -> AuthenticationRule {
    AuthenticationRule {
        method,
        applies: None,
    }
}

fn when(pointer: &str, values: &[&str], method: AuthenticationMethod) -> AuthenticationRule {
    AuthenticationRule {
        method,
        applies: Some(SettingMatch {
            pointer: pointer.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }),
    }
}

fn secret_header() -> AuthenticationMethod {
    AuthenticationMethod::SecretHeader("X-Webhook-Secret".to_owned())
}

fn hmac(change: impl FnOnce(&mut HmacRule)) -> AuthenticationMethod {
    let mut rule = HmacRule {
        signs: vec![SignedPart::Body],
        header: "X-Signature".to_owned(),
        algorithm: HmacAlgorithm::Sha256,
        encoding: HmacEncoding::Hex,
        prefix: Some("sha256=".to_owned()),
        secret: "key".to_owned(),
    };
    change(&mut rule);
    AuthenticationMethod::Hmac(rule)
}

fn headers(given: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

/// The verdict on [`BODY`] at [`URL`], with both secrets set.
fn verify(
    rules: Vec<AuthenticationRule>,
    settings: &str,
    given: &[(&str, &str)],
) -> Result<(), Refused> {
    let secrets = known(&[("webhook", "w-secret"), ("key", KEY)]);
    let request = Request {
        headers: &headers(given),
        body: BODY,
        url: URL,
    };
    Authentication::new(&description(rules), settings).verify(request, &secrets)
}

fn reason(verdict: &Result<(), Refused>) -> &'static str {
    verdict.as_ref().map_or_else(Refused::reason, |()| "ok")
}

#[test]
fn the_secret_header_holds_the_secret_once() {
    let name = "x-webhook-secret";
    for (given, expected) in [
        (&[(name, "w-secret")][..], "ok"),
        (&[("X-WEBHOOK-SECRET", "w-secret")], "ok"),
        (&[], "missing"),
        (&[("x-other", "w-secret")], "missing"),
        (&[(name, "")], "wrong_secret"),
        (&[(name, "w-secre")], "wrong_secret"),
        (&[(name, "w-secret2")], "wrong_secret"),
        (&[(name, "W-SECRET")], "wrong_secret"),
        (&[(name, "{{secret:webhook}}")], "wrong_secret"),
        (&[(name, "Bearer w-secret")], "wrong_secret"),
        (&[(name, "w-secret, w-secret")], "wrong_secret"),
        (&[(name, "w-sécret")], "wrong_secret"),
        (&[(name, "w-secret"), (name, "w-secret")], "repeated"),
        (&[(name, "wrong"), (name, "w-secret")], "repeated"),
    ] {
        let verdict = verify(vec![always(secret_header())], "{}", given);
        assert_eq!(reason(&verdict), expected, "{given:?}");
    }
}

#[test]
fn every_hash_is_that_of_the_published_vectors() {
    for (algorithm, hash) in [
        (HmacAlgorithm::Sha1, SHA1),
        (HmacAlgorithm::Sha256, SHA256),
        (HmacAlgorithm::Sha512, SHA512),
    ] {
        let base64 = STANDARD.encode(hex::decode(hash).unwrap());
        for (encoding, written) in [(HmacEncoding::Hex, hash), (HmacEncoding::Base64, &base64)] {
            let rule = hmac(|rule| {
                rule.algorithm = algorithm;
                rule.encoding = encoding;
                rule.prefix = None;
            });
            let verdict = verify(vec![always(rule)], "{}", &[("x-signature", written)]);
            assert_eq!(verdict, Ok(()), "{algorithm:?} {encoding:?}");
        }
    }
}

#[test]
fn a_signature_is_the_whole_hash_with_or_without_its_prefix() {
    let (upper, prefixed) = (SHA256.to_uppercase(), format!("sha256={SHA256}"));
    let twice = format!("sha256={prefixed}");
    let longer = format!("{SHA256}00");
    let name = "x-signature";
    for (given, expected) in [
        (&[(name, SHA256)][..], "ok"),
        (&[(name, &upper)], "ok"),
        (&[(name, &prefixed)], "ok"),
        (&[], "missing"),
        (&[(name, SHA256), (name, SHA256)], "repeated"),
        (&[(name, "")], "wrong_signature"),
        (&[(name, "sha256=")], "wrong_signature"),
        (&[(name, &SHA256[..32])], "wrong_signature"),
        (&[(name, &SHA256[..63])], "wrong_signature"),
        (&[(name, &longer)], "wrong_signature"),
        (&[(name, &twice)], "wrong_signature"),
        (&[(name, SHA1)], "wrong_signature"),
        (&[(name, "not hexadecimal")], "wrong_signature"),
        (
            &[(name, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=")],
            "wrong_signature",
        ),
    ] {
        let verdict = verify(vec![always(hmac(|_| {}))], "{}", given);
        assert_eq!(reason(&verdict), expected, "{given:?}");
    }
    // The same without a prefix in the rule.
    let bare = hmac(|rule| rule.prefix = None);
    let verdict = verify(vec![always(bare)], "{}", &[(name, &prefixed)]);
    assert_eq!(reason(&verdict), "wrong_signature");
}

#[test]
fn a_prefix_may_look_like_the_hash() {
    let begins_alike = hmac(|rule| rule.prefix = Some("5b".to_owned()));
    let rules = || vec![always(begins_alike.clone())];
    let prefixed = format!("5b{SHA256}");
    for written in [SHA256, &prefixed] {
        let verdict = verify(rules(), "{}", &[("x-signature", written)]);
        assert_eq!(verdict, Ok(()), "{written}");
    }
}

#[test]
fn another_body_has_another_signature() {
    let secrets = known(&[("key", KEY)]);
    let authentication = Authentication::new(&description(vec![always(hmac(|_| {}))]), "{}");
    let headers = headers(&[("x-signature", SHA256)]);
    for (body, expected) in [
        (BODY, "ok"),
        (&BODY[1..], "wrong_signature"),
        (b"", "wrong_signature"),
    ] {
        let request = Request {
            headers: &headers,
            body,
            url: URL,
        };
        let verdict = authentication.verify(request, &secrets);
        assert_eq!(reason(&verdict), expected);
    }
}

#[test]
fn texts_headers_and_the_url_are_signed_in_order() {
    // The example in a vendor's public documentation of such a scheme.
    let secrets = known(&[("key", "8f742231b10e8888abcd99yyyzzz85a5")]);
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let text = |text: &str| SignedPart::Text(text.to_owned());
    let rule = hmac(|rule| {
        let time = SignedPart::Header("X-Request-Timestamp".to_owned());
        rule.signs = vec![text("v0:"), time, text(":"), SignedPart::Body];
        rule.prefix = Some("v0=".to_owned());
    });
    let authentication = Authentication::new(&description(vec![always(rule)]), "{}");
    let name = "x-request-timestamp";
    for (times, expected) in [
        (&[(name, "1531420618")][..], "ok"),
        (&[(name, "1531420619")], "wrong_signature"),
        (&[], "missing"),
        (&[(name, "1531420618"), (name, "1531420618")], "repeated"),
    ] {
        let mut headers = headers(times);
        headers.insert("x-signature", HeaderValue::from_static(signature));
        let request = Request {
            headers: &headers,
            body,
            url: URL,
        };
        let verdict = authentication.verify(request, &secrets);
        assert_eq!(reason(&verdict), expected, "{times:?}");
    }

    // By `openssl dgst -sha256 -hmac Jefe`.
    let url_and_body = "9506c5b6a43e163cee28adc617733182becc5bf5453c55f356806bcc1385457f";
    let given = [("x-signature", url_and_body)];
    let signs = |parts: &[SignedPart]| vec![always(hmac(|rule| rule.signs = parts.to_vec()))];
    let ordered = signs(&[SignedPart::Url, SignedPart::Body]);
    assert_eq!(verify(ordered, "{}", &given), Ok(()));
    let turned = signs(&[SignedPart::Body, SignedPart::Url]);
    assert_eq!(reason(&verify(turned, "{}", &given)), "wrong_signature");
}

#[test]
fn without_its_secret_a_rule_refuses() {
    for (rule, name) in [(secret_header(), "webhook"), (hmac(|_| {}), "key")] {
        let authentication = Authentication::new(&description(vec![always(rule)]), "{}");
        // The hash of the body under an empty key, which anybody can make.
        let hash = <Hmac<Sha256> as Mac>::new_from_slice(b"").unwrap();
        let empty = hex::encode(hash.chain_update(BODY).finalize().into_bytes());
        let headers = headers(&[("x-webhook-secret", ""), ("x-signature", &empty)]);
        let request = Request {
            headers: &headers,
            body: BODY,
            url: URL,
        };
        let expected = Err(Refused::NoSecret(name.to_owned()));
        for secrets in [known(&[]), known(&[("webhook", ""), ("key", "")])] {
            assert_eq!(authentication.verify(request, &secrets), expected);
        }
    }
}

#[test]
fn all_rules_that_apply_must_pass() {
    let both = || {
        vec![
            when("/way", &["header", "both"], secret_header()),
            when("/way", &["hmac", "both"], hmac(|_| {})),
        ]
    };
    let secret = ("x-webhook-secret", "w-secret");
    let signature = ("x-signature", SHA256);
    let (wrong_secret, wrong_signature) = (("x-webhook-secret", "x"), ("x-signature", "x"));
    for (settings, given, expected) in [
        (r#"{"way": "both"}"#, &[secret, signature][..], "ok"),
        (r#"{"way": "both"}"#, &[secret], "missing"),
        (r#"{"way": "both"}"#, &[signature], "missing"),
        (
            r#"{"way": "both"}"#,
            &[secret, wrong_signature],
            "wrong_signature",
        ),
        (
            r#"{"way": "both"}"#,
            &[wrong_secret, signature],
            "wrong_secret",
        ),
        (r#"{"way": "hmac"}"#, &[signature], "ok"),
        (r#"{"way": "hmac"}"#, &[signature, wrong_secret], "ok"),
        (r#"{"way": "hmac"}"#, &[secret], "missing"),
        // The default.
        ("{}", &[secret], "ok"),
        ("{}", &[signature], "missing"),
        (r#"{"way": null}"#, &[secret], "ok"),
        // What no rule knows, and what can't be read.
        (r#"{"way": "none"}"#, &[secret, signature], "no_rule"),
        (r#"{"way": ""}"#, &[secret, signature], "no_rule"),
        (r#"{"way": ["header"]}"#, &[secret, signature], "no_rule"),
        ("[]", &[secret], "ok"),
        ("", &[secret, signature], "no_rule"),
        ("{", &[secret, signature], "no_rule"),
    ] {
        let verdict = verify(both(), settings, given);
        assert_eq!(reason(&verdict), expected, "{settings} {given:?}");
    }
}

#[test]
fn rules_look_at_inner_members_and_at_what_is_no_string() {
    let secret = [("x-webhook-secret", "w-secret")];
    for (pointer, value, settings, expected) in [
        ("/deep/a~1b", "on", "{}", "ok"),
        ("/deep/a~1b", "on", r#"{"deep": {"a/b": "off"}}"#, "no_rule"),
        ("/deep/a~1b", "off", r#"{"deep": {"a/b": "off"}}"#, "ok"),
        ("/signed", "true", r#"{"signed": true}"#, "ok"),
        ("/signed", "true", r#"{"signed": false}"#, "no_rule"),
        ("/plain", "1", r#"{"plain": 1}"#, "ok"),
        ("/plain", "null", "{}", "no_rule"),
        ("/unknown", "x", "{}", "no_rule"),
        ("way", "header", "{}", "no_rule"),
    ] {
        let rules = vec![when(pointer, &[value], secret_header())];
        let verdict = verify(rules, settings, &secret);
        assert_eq!(reason(&verdict), expected, "{pointer} {value} {settings}");
    }
}

#[test]
fn without_rules_or_with_unknown_ones_everything_is_refused() {
    let given = [("x-webhook-secret", "w-secret"), ("x-signature", SHA256)];
    let other = AuthenticationMethod::Other(Foreign {
        kind: "mutual_tls".to_owned(),
        json: None,
    });
    let nameless = AuthenticationMethod::SecretHeader("no name".to_owned());
    let unbound = hmac(|rule| rule.signs = vec![SignedPart::Text("v0".to_owned())]);
    let strange = hmac(|rule| rule.signs.push(SignedPart::Header(String::new())));
    assert_eq!(reason(&verify(Vec::new(), "{}", &given)), "no_rule");
    for method in [other, nameless, unbound, strange] {
        let rules = vec![always(secret_header()), always(method.clone())];
        let verdict = verify(rules, "{}", &given);
        assert_eq!(reason(&verdict), "unknown_rule", "{method:?}");
    }
}

#[test]
fn a_refusal_names_the_rule_and_nothing_of_the_delivery() {
    let given = [("x-webhook-secret", "given-value")];
    let refused = verify(vec![always(secret_header())], "{}", &given).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the header `x-webhook-secret` does not hold the webhook's secret; register the webhook again"
    );
    for shown in [refused.to_string(), format!("{refused:?}")] {
        assert!(!shown.contains("given-value"), "{shown}");
        assert!(!shown.contains("w-secret"), "{shown}");
    }
}

#[test]
fn headers_that_may_hold_a_secret_are_not_handed_on() {
    let rules = vec![
        when("/way", &["header"], secret_header()),
        when("/way", &["hmac"], hmac(|_| {})),
    ];
    let authentication = Authentication::new(&description(rules), r#"{"way": "hmac"}"#);
    let mut given = headers(&[
        ("Content-Type", "application/json"),
        ("X-Webhook-Secret", "w-secret"),
        ("X-Signature", SHA256),
        ("Authorization", "Bearer x"),
        ("Cookie", "a=b"),
        ("Proxy-Authorization", "Basic x"),
        ("X-Twice", "1"),
        ("X-Twice", "2"),
    ]);
    given.insert("x-bytes", HeaderValue::from_bytes(b"a\xffb").unwrap());
    let mut kept: Vec<_> = authentication
        .delivery_headers(&given)
        .into_iter()
        .map(|header| (header.name, header.value))
        .collect();
    kept.sort();
    let expected = [
        ("content-type", "application/json"),
        ("x-bytes", "a\u{fffd}b"),
        ("x-twice", "1"),
        ("x-twice", "2"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(kept, expected);
}
