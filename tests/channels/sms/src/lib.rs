//! "Example SMS", a made-up gateway with form-encoded webhooks and text alone, to keep the host honest.
//! Its API takes the token as a bearer: `GET /account`, `GET` and `PUT /webhook`, `POST /messages`. It answers in JSON.
#![allow(clippy::result_large_err, reason = "the errors are the contract's own")]

use bindings::exports::messaging::channel::{channel, connection, inbox, message, sender, webhook};
use bindings::messaging::channel::events::{self, Delivery, Event, EventBody, MessageState, RejectionReason};
use bindings::messaging::channel::http::{self, Failure, Header, Request};
use bindings::messaging::channel::outbound::{Content, Message, Payload, Window};
use bindings::messaging::channel::templates::Definition;
use bindings::messaging::channel::types::{Contact, Error, ErrorClass, Problem, Recipient, Retry};
use blake2::{Blake2s256, Digest};
use channel::{AuthenticationMethod, AuthenticationRule, Description, HmacRule, OriginRule, Secret, SignedPart};
use connection::{Ability, AccountHealth, ConnectError, Connected, Registration, WebhookTarget};
use serde_json::{Value, json};
use std::collections::BTreeMap;

mod bindings {
    #![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
    wit_bindgen::generate!({ path: "../../../wit", world: "messaging:channel/full", generate_all });
    #[cfg(target_family = "wasm")]
    use super::Sms;
    #[cfg(target_family = "wasm")]
    export!(Sms with_types_in self);
}

/// The channel.
pub struct Sms;

impl channel::Guest for Sms {
    fn describe() -> Description {
        let text = |title: &str, help: &str| json!({"type": "string", "title": title, "description": help});
        let schema = json!({"type": "object", "required": ["number", "auth_token"], "properties": {
            "number": {"type": "string", "x-unique": true, "title": "Number", "description": "With + and its country."},
            "auth_token": text("Auth token", "The token on the gateway's page of keys."),
            "base_url": text("Address", "The API's address, where something stands in for the gateway.")}});
        let (signs, header, secret) = (vec![SignedPart::Body], "X-Example-Signature".into(), "auth_token".into());
        let (algorithm, encoding) = (channel::HmacAlgorithm::Sha256, channel::HmacEncoding::Hex);
        let method = AuthenticationMethod::Hmac(HmacRule { signs, header, algorithm, encoding, prefix: None, secret });
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
            origins: vec![OriginRule::Fixed("https://api.sms.example".into()), OriginRule::Setting("/base_url".into())],
            webhook_authentication: vec![AuthenticationRule { method, applies: None }],
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
        let settings = parse(&settings);
        let digits = settings["number"].as_str().and_then(|number| number.strip_prefix('+')).unwrap_or_default();
        let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_url = text(&settings, "base_url").is_none_or(|url| url.starts_with("http"));
        let rules = [
            (is_number, problem("/number", "invalid_number", "Write the number with + and 7 to 15 digits.")),
            (text(&settings, "auth_token").is_some(), problem("/auth_token", "required", "Set the gateway's token.")),
            (is_url, problem("/base_url", "bad_url", "Write an address with https://, or leave it out.")),
        ];
        rules.into_iter().filter_map(|(kept, problem)| (!kept).then_some(problem)).collect()
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
        let phone = Some(person.trim_start_matches('+').into());
        let raw = json!(form).to_string();
        let own = settings.is_none_or(|settings| parse(&settings)["number"] == ours);
        let (envelope, phone_number) = ("form".into(), Some(ours.trim_start_matches('+').into()));
        let (field, account_id, phone_number_id, entry_time) = (None, None, None, None);
        let origin = events::Origin { envelope, field, account_id, phone_number_id, phone_number, entry_time, own };
        let who =
            Contact { phone, user_id: None, parent_user_id: None, username: None, name: None, identity_hash: None };
        let id = format!("{:x}", Blake2s256::digest(&raw));
        Ok(vec![Event { id, time: None, contact: Some(who), origin, body, attributes: vec![], raw }])
    }
}

fn received(id: Option<String>, text: events::Text) -> EventBody {
    let (content, context, referral, group_id, errors) = (events::Content::Text(text), None, None, None, vec![]);
    EventBody::Message(events::Message { id, content, reply_to: None, context, referral, group_id, errors })
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
    fn build(settings: String, said: Message, _: Window, _: Option<Definition>) -> Result<Vec<Payload>, Vec<Problem>> {
        let (Recipient::Phone(to), Content::Text(said)) = (said.to, said.content) else {
            return Err(vec![problem("", "unsupported", "Send text to a phone number: nothing else can be sent.")]);
        };
        if said.text.chars().count() > 1600 {
            return Err(vec![problem("/content/text", "too_long", "Write at most 1600 characters.")]);
        }
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("From", &text(&parse(&settings), "number").unwrap_or_default())
            .extend_pairs([("To", &to), ("Body", &said.text)])
            .finish();
        let (method, path, content_type) =
            ("POST".into(), "/messages".into(), "application/x-www-form-urlencoded".into());
        Ok(vec![Payload { method, path, content_type, body: body.into_bytes() }])
    }
}

impl inbox::Guest for Sms {
    fn receive(settings: String, delivery: Delivery, _: u64) -> Result<inbox::Reception, inbox::ReceiveError> {
        let events = <Self as webhook::Guest>::normalize(Some(settings), delivery);
        let events = events.map_err(inbox::ReceiveError::Rejected)?;
        Ok(inbox::Reception { events, replies: vec![], answer: None })
    }
}

impl connection::Guest for Sms {
    fn connect(settings: String, target: Option<WebhookTarget>) -> Result<Connected, ConnectError> {
        let account = account(&settings).map_err(ConnectError::Failed)?;
        let (account_id, phone_number) = (text(&account, "id"), text(&account, "number"));
        let (mut previous, phone_number_id, settles_in_seconds, warnings) = (vec![], None, None, vec![]);
        if let Some(target) = target {
            previous = registered(&settings).map_err(ConnectError::Failed)?;
            previous.retain(|it| it.url.as_ref() != Some(&target.url));
            if let (Some(foreign), false) = (previous.first(), target.replace_foreign) {
                return Err(ConnectError::Occupied(foreign.clone()));
            }
            register(&settings, Some(&target.url)).map_err(ConnectError::Failed)?;
        }
        Ok(Connected { account_id, phone_number_id, phone_number, previous, settles_in_seconds, warnings })
    }

    fn disconnect(settings: String, target: WebhookTarget, previous: Vec<Registration>) -> Result<(), Error> {
        let ours = registered(&settings)?.iter().any(|it| it.url.as_ref() == Some(&target.url));
        if ours { register(&settings, previous.first().and_then(|it| it.url.as_deref())) } else { Ok(()) }
    }

    fn health(settings: String, target: Option<WebhookTarget>) -> Result<AccountHealth, Error> {
        let sending = if account(&settings)?["state"] == "active" { Ability::Available } else { Ability::Blocked };
        let registrations = registered(&settings)?;
        let receiving = target.map(|target| registrations.iter().any(|it| it.url.as_ref() == Some(&target.url)));
        Ok(AccountHealth { sending, receiving, registrations, errors: vec![], attributes: vec![] })
    }
}

impl sender::Guest for Sms {
    fn send(settings: String, payload: Payload, reference: Option<String>) -> Result<sender::Sent, Error> {
        let mut form = form_urlencoded::Serializer::new(String::from_utf8_lossy(&payload.body).into_owned());
        form.extend_pairs(reference.map(|reference| ("Reference", reference)));
        let said = ask(&settings, &payload.method, &payload.path, Some((&payload.content_type, form.finish())))?;
        let (message_id, status) = (text(&said, "id"), text(&said, "state"));
        Ok(sender::Sent { message_id, status, contact: None, attributes: vec![] })
    }

    fn mark_read(_: String, _: String) -> Result<(), Error> {
        Err(error(ErrorClass::Invalid, Retry::Never, "SMS knows no read receipts."))
    }

    fn typing(_: String, _: String) -> Result<(), Error> {
        Err(error(ErrorClass::Invalid, Retry::Never, "SMS knows no typing indicator."))
    }
}

/// The account whose token this is. Any web server answers 200; only the gateway names a number.
fn account(settings: &str) -> Result<Value, Error> {
    let account = ask(settings, "GET", "/account", None)?;
    let stranger = || error(ErrorClass::Unknown, Retry::AfterChange, "This is not the gateway: check base_url.");
    account["number"].is_string().then_some(account).ok_or_else(stranger)
}

fn registered(settings: &str) -> Result<Vec<Registration>, Error> {
    let url = text(&ask(settings, "GET", "/webhook", None)?, "url");
    Ok(url.map(|url| Registration { scope: None, url: Some(url), headers: vec![] }).into_iter().collect())
}

fn register(settings: &str, url: Option<&str>) -> Result<(), Error> {
    ask(settings, "PUT", "/webhook", Some(("application/json", json!({ "url": url }).to_string()))).map(drop)
}

fn ask(settings: &str, method: &str, path: &str, body: Option<(&str, String)>) -> Result<Value, Error> {
    let base_url = text(&parse(settings), "base_url").unwrap_or_else(|| "https://api.sms.example/v1".into());
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let mut headers = vec![header("Authorization", "Bearer {{secret:auth_token}}")];
    headers.extend(body.iter().map(|(content_type, _)| header("Content-Type", content_type)));
    let (url, body) = (format!("{}{path}", base_url.trim_end_matches('/')), body.map(|it| it.1.into_bytes()));
    let request =
        Request { method: method.into(), url, headers, body, fill_body: false, timeout_ms: None, seal: vec![] };
    let answer = http::send(&request).map_err(|failure| match failure {
        Failure::Denied(why) => error(ErrorClass::Invalid, Retry::Never, &why),
        Failure::Interrupted(why) if request.method == "POST" => error(ErrorClass::Uncertain, Retry::Unknown, &why),
        Failure::Unreachable(why) | Failure::Interrupted(why) => error(ErrorClass::Temporary, Retry::Backoff, &why),
        other => error(ErrorClass::Uncertain, Retry::Unknown, &format!("There is no answer to read: {other}")),
    })?;
    let said = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    let (class, retry) = match answer.status {
        200..300 => return Ok(said),
        401 | 403 => (ErrorClass::Unauthorised, Retry::AfterChange),
        429 => (ErrorClass::RateLimited, Retry::Backoff),
        500.. => (ErrorClass::Temporary, Retry::Backoff),
        _ => (ErrorClass::Invalid, Retry::Never),
    };
    Err(error(class, retry, &text(&said, "error").unwrap_or_else(|| format!("HTTP status {}", answer.status))))
}

fn parse(settings: &str) -> Value {
    serde_json::from_str(settings).unwrap_or_default()
}

fn text(object: &Value, member: &str) -> Option<String> {
    object[member].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn problem(pointer: &str, code: &str, message: &str) -> Problem {
    Problem { pointer: pointer.into(), code: code.into(), message: message.into(), source: None }
}

fn error(class: ErrorClass, retry: Retry, message: &str) -> Error {
    let [code, title, details, link, remedy] = [const { None }; 5];
    Error { class, retry, code, title, message: Some(message.into()), details, link, remedy, attributes: vec![] }
}
