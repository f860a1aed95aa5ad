//! 360dialog's Cloud API, as far as a channel uses it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Accepted, Answer, Peer, Request, Vendor, Webhook, now};

/// The account that the number belongs to.
pub(crate) const ACCOUNT: &str = "102290129340398";

/// The path that files are downloaded from.
pub(crate) const DOWNLOAD: &str = "/whatsapp_business/attachments/";

/// Meta's id of a number.
pub(crate) fn number_id(number: &str) -> String {
    format!("1{number}")
}

/// A text message of a person's, as a webhook. `time` is in seconds since 1970.
pub(crate) fn message(peer: &Peer, id: &str, from: &str, text: &str, time: u64) -> Value {
    let message = json!({"from": from, "id": id, "timestamp": time.to_string(), "type": "text",
        "text": {"body": text}});
    let contact = json!({"profile": {"name": "Ada"}, "wa_id": from});
    webhook(peer, "messages", &message, &contact)
}

/// A picture or another file of a person's, as a webhook: `media` is the object of its kind.
pub(crate) fn file(peer: &Peer, id: &str, kind: &str, media: &Value) -> Value {
    let message = json!({"from": "16315551234", "id": id, "timestamp": now().to_string(), "type": kind, kind: media});
    let contact = json!({"profile": {"name": "Ada"}, "wa_id": "16315551234"});
    webhook(peer, "messages", &message, &contact)
}

/// Where a file is, as `GET /{media-id}` answers.
pub(crate) fn location(id: &str, mime_type: &str, sha256: &str, size: usize) -> Value {
    json!({"messaging_product": "whatsapp", "id": id, "mime_type": mime_type, "sha256": sha256,
        "file_size": size.to_string(),
        "url": format!("https://lookaside.fbsbx.com{DOWNLOAD}?mid={id}&ext=1&hash=h")})
}

/// A status of a message that was accepted, as a webhook.
pub(crate) fn status(peer: &Peer, message: &Accepted, state: &str) -> Value {
    let mut status = json!({"id": message.id, "status": state, "timestamp": now().to_string(),
        "recipient_id": digits(&message.to)});
    if let Some(reference) = &message.reference {
        status["biz_opaque_callback_data"] = reference.as_str().into();
    }
    let contact = json!({"profile": {"name": "Ada"}, "wa_id": digits(&message.to)});
    webhook(peer, "statuses", &status, &contact)
}

fn webhook(peer: &Peer, list: &str, item: &Value, contact: &Value) -> Value {
    let number = &peer.0.number;
    json!({"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "changes": [{
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": number, "phone_number_id": number_id(number)},
            "contacts": [contact],
            list: [item],
        },
    }]}]})
}

fn graph(status: u16, code: u32) -> Answer {
    let error = json!({"message": format!("(#{code})"), "type": "OAuthException", "code": code});
    Answer::Status(status, json!({ "error": error }))
}

/// What may come of a request in a storm: it was throttled, accepted or not, or nobody can tell.
pub(crate) fn weather(kind: usize) -> Answer {
    let accept = |answer| Answer::Accept(Box::new(answer));
    match kind % 12 {
        0 => graph(429, 130_429),
        1 => graph(400, 131_056),
        2 => Answer::Status(429, Value::Null),
        3 => graph(500, 131_016),
        4 => Answer::Status(503, json!({"error": "busy"})),
        5 => Answer::Status(502, Value::Null),
        6 => accept(Answer::Status(500, Value::Null)),
        7 => Answer::Cut,
        8 => accept(Answer::Cut),
        9 => accept(Answer::Beginning(b"{\"messages\": [{\"id".to_vec())),
        10 => Answer::Delay(Duration::from_millis(300), Box::new(Answer::Usual)),
        _ => graph(400, 131_026),
    }
}

pub(super) fn answer(peer: &Peer, request: &Request) -> (u16, Value) {
    if request.header("d360-api-key") != Some(&peer.0.key) {
        let sentence = "Invalid api_key";
        return (
            401,
            json!({"meta": {"success": false, "http_code": 401, "developer_message": sentence}}),
        );
    }
    match request.line().as_str() {
        "GET /health_status" => (200, health(peer, &request.query)),
        "GET /v1/configs/webhook" => (200, registered(peer)),
        "POST /v1/configs/webhook" => {
            register(peer, &request.json());
            (200, registered(peer))
        }
        "GET /waba_webhook" => (
            200,
            json!({"waba_id": ACCOUNT, "phone_numbers": [peer.0.number], "url": "", "headers": {}}),
        ),
        "POST /messages" => send(peer, &request.json()),
        "POST /media" => (
            200,
            json!({"id": format!("MEDIA{}", peer.requests().len())}),
        ),
        _ => (404, json!({"error": "Not found"})),
    }
}

/// How the number is. `fields` adds the number itself.
fn health(peer: &Peer, query: &str) -> Value {
    let number = &peer.0.number;
    let entity = |kind: &str, id: &str| json!({"entity_type": kind, "id": id, "can_send_messages": "AVAILABLE"});
    let mut health = json!({
        "id": number_id(number),
        "health_status": {
            "can_send_messages": "AVAILABLE",
            "entities": [entity("PHONE_NUMBER", &number_id(number)), entity("WABA", ACCOUNT)],
        },
    });
    if query.contains("display_phone_number") {
        health["display_phone_number"] = number.as_str().into();
    }
    health
}

/// The registration; empty where there is none.
fn registered(peer: &Peer) -> Value {
    let Some(webhook) = peer.webhook(Vendor::Cloud) else {
        return json!({"url": "", "headers": {}});
    };
    let headers: serde_json::Map<_, _> = webhook
        .headers
        .into_iter()
        .map(|(name, value)| (name, Value::from(value)))
        .collect();
    json!({"url": webhook.url, "headers": headers})
}

fn register(peer: &Peer, body: &Value) {
    let url = body["url"].as_str().unwrap_or_default();
    let headers = body["headers"].as_object().into_iter().flatten();
    let webhook = Webhook {
        url: url.to_owned(),
        headers: headers
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
    };
    peer.set_webhook(Vendor::Cloud, (!url.is_empty()).then_some(webhook));
}

/// Takes a message, or the mark that one was read.
fn send(peer: &Peer, body: &Value) -> (u16, Value) {
    if body["status"] == "read" && body["message_id"].is_string() {
        return (200, json!({"success": true}));
    }
    let (to, kind) = (body["to"].as_str(), body["type"].as_str());
    let user = body["recipient"].as_str();
    let (Some(address), Some(kind), "whatsapp") = (
        to.or(user),
        kind,
        body["messaging_product"].as_str().unwrap_or_default(),
    ) else {
        let sentence = "(#131009) Parameter value is not valid";
        return (
            400,
            json!({"error": {"message": sentence, "type": "OAuthException", "code": 131_009}}),
        );
    };
    let text = body["text"]["body"]
        .as_str()
        .map_or_else(|| body[kind].to_string(), str::to_owned);
    let reference = body["biz_opaque_callback_data"].as_str();
    let id = peer.accept(Vendor::Cloud, address, &text, reference);
    let contact = match to {
        Some(to) => json!({"input": to, "wa_id": digits(to)}),
        None => json!({"input": address, "user_id": address}),
    };
    (
        200,
        json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": id}]}),
    )
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
