//! The made-up SMS gateway's API.

use serde_json::{Value, json};

use super::{Peer, Request, Vendor, Webhook};

/// The path that its API lies below.
pub(super) const BASE: &str = "/sms";

/// A message of a person's, as the gateway posts it.
pub(crate) fn message(peer: &Peer, id: &str, from: &str, text: &str) -> String {
    let to = format!("+{}", peer.0.number);
    form(&[
        ("MessageSid", id),
        ("From", from),
        ("To", &to),
        ("Body", text),
    ])
}

pub(super) fn answer(peer: &Peer, request: &Request, path: &str) -> (u16, Value) {
    let token = request
        .header("authorization")
        .and_then(|it| it.strip_prefix("Bearer "));
    if token != Some(&peer.0.key) {
        return (401, json!({"error": "The token is not known."}));
    }
    let number = format!("+{}", peer.0.number);
    match (request.method.as_str(), path) {
        ("GET", "/account") => (
            200,
            json!({"id": "AC1", "number": number, "state": "active"}),
        ),
        ("GET", "/webhook") => (200, registered(peer)),
        ("PUT", "/webhook") => {
            let url = request.json()["url"].as_str().map(str::to_owned);
            let headers = Vec::new();
            peer.set_webhook(Vendor::Sms, url.map(|url| Webhook { url, headers }));
            (200, registered(peer))
        }
        ("POST", "/messages") => send(peer, request, &number),
        _ => (404, json!({"error": "There is nothing here."})),
    }
}

fn registered(peer: &Peer) -> Value {
    json!({"url": peer.webhook(Vendor::Sms).map(|webhook| webhook.url)})
}

fn send(peer: &Peer, request: &Request, number: &str) -> (u16, Value) {
    let pairs = pairs(&request.body);
    let member = |name: &str| {
        let pair = pairs.iter().find(|(member, _)| member == name);
        pair.map(|(_, value)| value.as_str())
    };
    let (Some(from), Some(to), Some(text)) = (member("From"), member("To"), member("Body")) else {
        return (400, json!({"error": "From, To and Body are needed."}));
    };
    if from != number {
        return (400, json!({"error": "From is not the account's number."}));
    }
    let id = peer.accept(Vendor::Sms, to, text, member("Reference"));
    (201, json!({"id": id, "state": "queued"}))
}

/// A form's body. reqwest's addresses write and read the same encoding in their query.
fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://form").expect("an address");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

fn pairs(form: &[u8]) -> Vec<(String, String)> {
    let mut url = reqwest::Url::parse("http://form").expect("an address");
    url.set_query(Some(&String::from_utf8_lossy(form)));
    url.query_pairs().into_owned().collect()
}
