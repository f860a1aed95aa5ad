//! What other projects' tests send, where it lies beside this project: our body for the same message is the same.

use super::*;

/// A case by the end of its name, and the message that says the same. The body is compared with ours, or with the part of it at
/// the pointer.
const USED: [(&str, &str, &str); 14] = [
    (
        "testctaurlbutton",
        "/interactive",
        r#"{"type": "link_button",
        "header": {"type": "image", "link": "https://www.luckyshrub.com/assets/lucky-shrub-banner-logo-v1.png"},
        "body": "Tap the button below to see available dates.", "footer": "Dates subject to change.", "title": "See Dates",
        "url": "https://www.luckyshrub.com?clickID=kqDGWd24Q5TRwoEQTICY7W1JKoXvaZOXWAS7h1P76s0R7Paec4"}"#,
    ),
    (
        "testlist",
        "/interactive",
        r#"{"type": "list", "header": {"type": "text", "text": "Choose Shipping Option"},
        "body": "Which shipping option do you prefer?", "footer": "Lucky Shrub: Your gateway to succulents™",
        "button": "Shipping Options", "sections": [{"title": "I want it ASAP!", "rows": [
            {"id": "priority_express", "title": "Priority Mail Express", "description": "Next Day to 2 Days"},
            {"id": "priority_mail", "title": "Priority Mail", "description": "1–3 Days"}]}]}"#,
    ),
    (
        "testreplybuttons",
        "/interactive",
        r#"{"type": "buttons", "header": {"type": "image", "id": "2762702990552401"},
        "body": "Hi Pablo! Your gardening workshop is scheduled for 9am tomorrow. Use the buttons if you need to reschedule. Thank you!",
        "footer": "Lucky Shrub: Your gateway to succulents!™", "buttons": [
            {"id": "change-button", "title": "Change"}, {"id": "cancel-button", "title": "Cancel"}]}"#,
    ),
    (
        "testmediacarousel-urlbuttons",
        "/interactive",
        r#"{"type": "carousel", "body": "Here are our latest arrivals:", "cards": [
        {"type": "link", "header": {"type": "image", "link": "https://www.luckyshrub.com/assets/blue-echeveria.jpeg"},
            "body": "*Blue Echeveria*\n\nA rosette-shaped succulent with powdery blue leaves.",
            "title": "Buy now", "url": "https://shop.luckyshrub.com/latest/blue-echeveria"},
        {"type": "link", "header": {"type": "image", "link": "https://www.luckyshrub.com/assets/zebra-haworthia.jpeg"},
            "body": "*Zebra Haworthia*\n\nStriking white stripes on deep green leaves.",
            "title": "Buy now", "url": "https://shop.luckyshrub.com/latest/zebra-haworthia"}]}"#,
    ),
    (
        "testinteractivetemplate-marshal",
        "/template",
        r#"{"type": "template", "name": "hello_world", "language": "en_US",
        "header": {"type": "text", "text": "Hello World"}, "body": [{"text": "Jane"}]}"#,
    ),
    (
        "testnewlocationparameter-marshal",
        "",
        r#"{"type": "location", "latitude": 37.44211676562361,
        "longitude": -122.16155960083124, "name": "Philz Coffee", "address": "101 Forest Ave, Palo Alto, CA 94301"}"#,
    ),
    (
        "calls-message-endpoints-for-normal-messages",
        "",
        r#"{"type": "text", "text": "Message content"}"#,
    ),
    (
        "calls-message-endpoints-for-a-reply-to-messages",
        "",
        r#"{"type": "text", "text": "Message content"}"#,
    ),
    (
        "cta-url-interactive-payload",
        "/interactive/action",
        r#"{"type": "link_button", "body": "See dates", "title": "See Dates",
        "url": "https://example.com/dates"}"#,
    ),
    (
        "send/recipient-phone",
        "",
        r#"{"type": "text", "text": "Hi"}"#,
    ),
    (
        "send/recipient-bsuid",
        "",
        r#"{"type": "text", "text": "Hi"}"#,
    ),
    (
        "send-invalid/recipient-neither",
        "/to/phone",
        r#"{"type": "text", "text": "Hi"}"#,
    ),
    (
        "send-invalid/recipient-bsuid-in-phone-field",
        "/to/phone",
        r#"{"type": "text", "text": "Hi"}"#,
    ),
    (
        "send-invalid/recipient-phone-in-bsuid-field",
        "/to/user_id",
        r#"{"type": "text", "text": "Hi"}"#,
    ),
];

/// Cases that are not compared, and why.
const UNUSED: [(&str, &str); 21] = [
    (
        "testnewlocationheader-marshal",
        "part of a template's definition",
    ),
    (
        "testlocationtemplate-marshal",
        "degrees as numbers and a policy: ours are strings without one, which Meta takes as well",
    ),
    (
        "testauthtemplate-marshal",
        "a button without its index, which Meta wants",
    ),
    (
        "testmediacarousel-quickreplybuttons",
        "a picture and a film side by side: refused here until it is certain that Meta takes them",
    ),
    (
        "legacy-whatsapp360-dialog-send-interactive",
        "the on-premise API",
    ),
    ("for-image-attachment-messa", "no body was recorded"),
    ("for-document-attachment-me", "no body was recorded"),
    (
        "whatsapp-cloud-send-interactive-message",
        "no action was recorded",
    ),
    ("whatsapp-cloud-send-template-2", "no values were recorded"),
    (
        "whatsapp-cloud-send-template",
        "an answer was recorded in the place of the body",
    ),
    ("whatsapp-cloud-csat-template", "a template's status"),
    ("translates-a-text-message", "no body was recorded"),
    ("containing-an-image", "no body was recorded"),
    ("containing-a-video", "no body was recorded"),
    ("containing-a-document", "no body was recorded"),
    ("buttons-max-3", "no body was recorded"),
    ("buttons-min-4-max-10", "no body was recorded"),
    ("buttons-more-than-10", "no body was recorded"),
    (
        "recipient-both",
        "to and recipient at once: of one contact we write the first alone, which is what counts for Meta",
    ),
    (
        "send/markasread-",
        "no message; the tests of `sender` read it",
    ),
    ("send-response/", "an answer; the tests of `sender` read it"),
];

/// Whether all of `theirs` is in `ours`. What is `null` is absent, and a phone number is the same with `+`.
fn holds(ours: &Value, theirs: &Value) -> bool {
    match theirs {
        Value::Null => ours.is_null(),
        Value::Object(members) => members
            .iter()
            .all(|(name, value)| holds(&ours[name.as_str()], value)),
        Value::Array(items) => {
            let ours = ours.as_array().map_or(&[][..], Vec::as_slice);
            ours.len() == items.len() && ours.iter().zip(items).all(|(a, b)| holds(a, b))
        }
        Value::String(text) => ours
            .as_str()
            .is_some_and(|ours| ours == text || ours.strip_prefix('+') == Some(text)),
        _ => ours == theirs,
    }
}

#[test]
fn other_projects_send_the_same() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/cases");
    let Ok(index) = std::fs::read(format!("{beside}/index.json")) else {
        eprintln!("skipped: no recorded cases beside the project");
        return;
    };
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let mut used = 0;
    for entry in index["entries"].as_array().expect("entries") {
        let (kind, name) = (entry["kind"].as_str(), entry["id"].as_str().expect("id"));
        if !matches!(kind, Some("send" | "send-invalid" | "send-response")) {
            continue;
        }
        let case = USED.iter().find(|(end, ..)| name.ends_with(end));
        let Some((_, pointer, content)) = case else {
            let why = UNUSED.iter().find(|(part, _)| name.contains(part));
            let (_, why) = why.unwrap_or_else(|| panic!("{name} is neither used nor not"));
            println!("not used: {name}: {why}");
            continue;
        };
        used += 1;
        let file = format!("{beside}/{}", entry["file"].as_str().expect("file"));
        let case: Value =
            serde_json::from_slice(&std::fs::read(&file).expect("a case")).expect("JSON");
        let content: Value = serde_json::from_str(content).expect("JSON");
        let theirs = case["requests"]
            .as_array()
            .and_then(|requests| requests.last())
            .map_or(&Value::Null, |request| &request["body"]);
        let mut message = json!({"to": {"phone": "+123456789"}, "content": content});
        match (&case["input"]["to"], &case["input"]["userId"]) {
            (Value::String(to), Value::String(id)) if to.is_empty() && !id.is_empty() => {
                message["to"] = json!({ "user_id": id });
            }
            (Value::String(to), _) => message["to"] = json!({ "phone": to }),
            _ => {}
        }
        if let Some(id) = theirs["context"].get("message_id") {
            message["reply_to"] = id.clone();
        }
        match sent(&message) {
            Ok(payloads) => {
                assert_ne!(kind, Some("send-invalid"), "{name} is sent");
                let ours = &payloads[0]["body"];
                let ours = ours.pointer(pointer).expect(name);
                assert!(holds(ours, theirs), "{name}: {ours} is not {theirs}");
            }
            Err(problems) => {
                assert_eq!(kind, Some("send-invalid"), "{name}: {problems:?}");
                assert_eq!(problems[0].0, *pointer, "{name}");
            }
        }
    }
    assert_eq!(used, USED.len());
}
