//! "Example SMS", a made-up gateway with form-encoded webhooks and text alone, to keep the host honest.
use std::collections::BTreeMap;

use bindings::exports::messaging::channel::channel::{self, Description, HmacRule, OriginRule, Secret};
use bindings::exports::messaging::channel::{message, webhook};
use bindings::messaging::channel::events::{self, Delivery, Event, EventBody, MessageState, RejectionReason};
use bindings::messaging::channel::outbound::{Content, Message, Payload, Window};
use bindings::messaging::channel::templates::Definition;
use bindings::messaging::channel::types::{Contact, Problem, Recipient};
use blake2::{Blake2s256, Digest};
use serde_json::{Value, json};

mod bindings {
    #![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
    wit_bindgen::generate!({ path: "../../../wit", world: "messaging:channel/pure", generate_all });
    #[cfg(target_family = "wasm")]
    use super::Sms;
    #[cfg(target_family = "wasm")]
    export!(Sms with_types_in self);
}

const FORM: &str = "application/x-www-form-urlencoded";
type Built = Result<Vec<Payload>, Vec<Problem>>;
/// The channel.
pub struct Sms;

impl channel::Guest for Sms {
    fn describe() -> Description {
        let text = |title: &str, help: &str| json!({"type": "string", "title": title, "description": help});
        let schema = json!({"type": "object", "required": ["number", "auth_token"], "properties": {
            "number": text("Number", "The number to send from, with + and country code."),
            "auth_token": text("Auth token", "The token on the gateway's page of keys.")}});
        let method = channel::AuthenticationMethod::Hmac(HmacRule {
            signs: vec![channel::SignedPart::Body],
            header: "X-Example-Signature".into(),
            algorithm: channel::HmacAlgorithm::Sha256,
            encoding: channel::HmacEncoding::Hex,
            prefix: None,
            secret: "auth_token".into(),
        });
        Description {
            id: "channel-sms".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            contract_version: "0.1.0".into(),
            family: "sms".into(),
            provider: "Example SMS".into(),
            display_name: "SMS by Example".into(),
            documentation: None,
            settings_schema: schema.to_string(),
            secrets: vec![Secret { pointer: "/auth_token".into(), name: "auth_token".into() }],
            origins: vec![OriginRule::Fixed("https://api.sms.example".into())],
            webhook_authentication: vec![channel::AuthenticationRule { method, applies: None }],
            window: None,
            pacing: vec![],
            message_kinds: vec!["text".into()],
            text_limit: Some(1600),
            media: vec![],
            template_categories: vec![],
            template_languages: vec![],
        }
    }

    fn validate(settings: String) -> Vec<Problem> {
        let settings: Value = serde_json::from_str(&settings).unwrap_or_default();
        let number = settings["number"].as_str().and_then(|number| number.strip_prefix('+'));
        let mut problems = vec![];
        if !number.is_some_and(|it| (7..=15).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_digit())) {
            problems.push(problem("/number", "invalid_number", "Write the number with + and 7 to 15 digits."));
        }
        if settings["auth_token"].as_str().is_none_or(str::is_empty) {
            problems.push(problem("/auth_token", "required", "Set the auth token from the gateway's page of keys."));
        }
        problems
    }
}

impl webhook::Guest for Sms {
    fn normalize(settings: Option<String>, delivery: Delivery) -> Result<Vec<Event>, events::Rejection> {
        let reject = |reason, detail: &str| Err(events::Rejection { reason, detail: detail.into() });
        let pairs = form_urlencoded::parse(&delivery.body);
        let form: BTreeMap<_, _> = pairs.into_owned().collect();
        if std::str::from_utf8(&delivery.body).is_err() || form.len() < pairs.count() {
            return reject(RejectionReason::Malformed, "The body is not UTF-8, or a member stands twice.");
        }
        let get = |name: &str| form.get(name).cloned();
        let (id @ Some(_), Some(from), Some(to)) = (get("MessageSid"), get("From"), get("To")) else {
            return reject(RejectionReason::Foreign, "The form has no MessageSid, From or To.");
        };
        let (person, ours, body) = match (get("MessageStatus"), get("Body")) {
            (Some(word), _) => (to, from, status(id, word, get("Reference"))),
            (None, Some(text)) => (from, to, received(id, events::Text { text })),
            _ => return reject(RejectionReason::Foreign, "The form has neither MessageStatus nor Body."),
        };
        let settings: Option<Value> = settings.and_then(|text| serde_json::from_str(&text).ok());
        let phone = Some(person.trim_start_matches('+').into());
        let raw = json!(form).to_string();
        let origin = events::Origin {
            envelope: "form".into(),
            field: None,
            account_id: None,
            phone_number_id: None,
            phone_number: Some(ours.trim_start_matches('+').into()),
            entry_time: None,
            own: settings.is_none_or(|settings| settings["number"] == ours),
        };
        let contact =
            Contact { phone, user_id: None, parent_user_id: None, username: None, name: None, identity_hash: None };
        let id = format!("{:x}", Blake2s256::digest(&raw));
        Ok(vec![Event { id, time: None, contact: Some(contact), origin, body, attributes: vec![], raw }])
    }
}

fn received(id: Option<String>, text: events::Text) -> EventBody {
    let text = events::Content::Text(text);
    let (context, referral, group_id, errors) = (None, None, None, vec![]);
    EventBody::Message(events::Message { id, content: text, reply_to: None, context, referral, group_id, errors })
}

fn status(message_id: Option<String>, word: String, reference: Option<String>) -> EventBody {
    let state = match word.as_str() {
        "sent" => MessageState::Sent,
        "delivered" => MessageState::Delivered,
        "failed" | "undelivered" => MessageState::Failed,
        _ => MessageState::Other(word),
    };
    let (group_id, errors, pricing, conversation, payment) = (None, vec![], None, None, None);
    EventBody::Status(events::Status { message_id, state, reference, group_id, errors, pricing, conversation, payment })
}

impl message::Guest for Sms {
    fn build(settings: String, message: Message, _: Window, _: Option<Definition>) -> Built {
        let settings: Value = serde_json::from_str(&settings).unwrap_or_default();
        let (Recipient::Phone(to), Content::Text(text)) = (message.to, message.content) else {
            return Err(vec![problem("", "unsupported", "Send text to a phone number: nothing else can be sent.")]);
        };
        if text.text.chars().count() > 1600 {
            return Err(vec![problem("/content/text", "too_long", "Write at most 1600 characters.")]);
        }
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("From", settings["number"].as_str().unwrap_or_default())
            .extend_pairs([("To", &to), ("Body", &text.text)])
            .finish();
        let (method, path, content_type) = ("POST".into(), "/v1/messages".into(), FORM.into());
        Ok(vec![Payload { method, path, content_type, body: body.into_bytes() }])
    }
}

fn problem(pointer: &str, code: &str, message: &str) -> Problem {
    Problem { pointer: pointer.into(), code: code.into(), message: message.into(), source: None }
}
