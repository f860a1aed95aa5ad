//! A body of each type of message as it is documented, and for each limit the last value that is taken and the first one that
//! is refused.

use super::*;

/// The bodies, but for `messaging_product` and `to` (Cloud API, messages).
const BODIES: [(&str, &str); 31] = [
    (
        "text",
        r#"{"type":"text","text":{"body":"Hi https://example.com","preview_url":true}}"#,
    ),
    (
        "quoting",
        r#"{"type":"text","text":{"body":"You're welcome"},"context":{"message_id":"wamid.IN"},"biz_opaque_callback_data":"job-17"}"#,
    ),
    (
        "image",
        r#"{"type":"image","image":{"link":"https://example.com/a.jpg","caption":"Look"}}"#,
    ),
    (
        "video",
        r#"{"type":"video","video":{"link":"https://example.com/a.mp4","caption":"Look"}}"#,
    ),
    (
        "audio",
        r#"{"type":"audio","audio":{"link":"https://example.com/a.mp3"}}"#,
    ),
    (
        "voice",
        r#"{"type":"audio","audio":{"link":"https://example.com/a.ogg","voice":true}}"#,
    ),
    (
        "document",
        r#"{"type":"document","document":{"link":"https://example.com/a.pdf","filename":"order.pdf","caption":"Your receipt"}}"#,
    ),
    (
        "sticker",
        r#"{"type":"sticker","sticker":{"link":"https://example.com/a.webp"}}"#,
    ),
    (
        "location",
        r#"{"type":"location","location":{"latitude":37.4421,"longitude":"-122.1616","name":"Philz Coffee","address":"101 Forest Ave"}}"#,
    ),
    (
        "contacts",
        r#"{"type":"contacts","contacts":[{"name":{"formatted_name":"Barbara Johnson","first_name":"Barbara"},"phones":[{"phone":"+16505559999","type":"WORK","wa_id":"16505559999"}],"emails":[{"email":"b@example.com","type":"WORK"}],"addresses":[{"street":"1 Hacker Way","city":"Menlo Park","country_code":"us"}],"org":{"company":"Lucky Shrub"},"urls":[{"url":"https://example.com"}],"birthday":"1990-12-31"}]}"#,
    ),
    (
        "reaction",
        r#"{"type":"reaction","reaction":{"message_id":"wamid.IN","emoji":"😀"}}"#,
    ),
    (
        "removal",
        r#"{"type":"reaction","reaction":{"message_id":"wamid.IN","emoji":""}}"#,
    ),
    (
        "button",
        r#"{"type":"interactive","interactive":{"type":"button","header":{"type":"image","image":{"link":"https://example.com/a.jpg"}},"body":{"text":"Keep or change?"},"footer":{"text":"Lucky Shrub"},"action":{"buttons":[{"type":"reply","reply":{"id":"change","title":"Change"}},{"type":"reply","reply":{"id":"cancel","title":"Cancel"}}]}}}"#,
    ),
    (
        "list",
        r#"{"type":"interactive","interactive":{"type":"list","header":{"type":"text","text":"Shipping"},"body":{"text":"Which option?"},"action":{"button":"Options","sections":[{"title":"Fast","rows":[{"id":"px","title":"Express","description":"1-2 days"}]}]}}}"#,
    ),
    (
        "cta_url",
        r#"{"type":"interactive","interactive":{"type":"cta_url","header":{"type":"text","text":"Dates"},"body":{"text":"Tap below"},"action":{"name":"cta_url","parameters":{"display_text":"See dates","url":"https://example.com/?c=1"}}}}"#,
    ),
    (
        "flow",
        r#"{"type":"interactive","interactive":{"type":"flow","body":{"text":"Book"},"action":{"name":"flow","parameters":{"flow_message_version":"3","flow_id":"123","flow_cta":"Book!","flow_token":"t-1","flow_action":"navigate","flow_action_payload":{"screen":"WELCOME","data":{"k":"v"}},"mode":"draft"}}}}"#,
    ),
    (
        "product",
        r#"{"type":"interactive","interactive":{"type":"product","body":{"text":"New"},"action":{"catalog_id":"194836987003835","product_retailer_id":"di9ozbzfi4"}}}"#,
    ),
    (
        "bare product",
        r#"{"type":"interactive","interactive":{"type":"product","action":{"catalog_id":"194836987003835","product_retailer_id":"di9ozbzfi4"}}}"#,
    ),
    (
        "product_list",
        r#"{"type":"interactive","interactive":{"type":"product_list","header":{"type":"text","text":"Menu"},"body":{"text":"Choose"},"action":{"catalog_id":"194836987003835","sections":[{"title":"Popular","product_items":[{"product_retailer_id":"di9ozbzfi4"}]}]}}}"#,
    ),
    (
        "catalog_message",
        r#"{"type":"interactive","interactive":{"type":"catalog_message","body":{"text":"Our catalog"},"action":{"name":"catalog_message","parameters":{"thumbnail_product_retailer_id":"2lc20305pt"}}}}"#,
    ),
    (
        "location_request_message",
        r#"{"type":"interactive","interactive":{"type":"location_request_message","body":{"text":"Where are you?"},"action":{"name":"send_location"}}}"#,
    ),
    (
        "address_message",
        r#"{"type":"interactive","interactive":{"type":"address_message","body":{"text":"Delivery address?"},"action":{"name":"address_message","parameters":{"country":"IN","values":{"in_pin_code":"400064"},"saved_addresses":[{"id":"1","value":{"city":"Mumbai"}}]}}}}"#,
    ),
    (
        "call_permission_request",
        r#"{"type":"interactive","interactive":{"type":"call_permission_request","body":{"text":"May we call you?"},"action":{"name":"call_permission_request"}}}"#,
    ),
    (
        "voice_call",
        r#"{"type":"interactive","interactive":{"type":"voice_call","body":{"text":"Call us"},"action":{"name":"voice_call","parameters":{"display_text":"Call on WhatsApp","ttl_minutes":100,"payload":"p1"}}}}"#,
    ),
    (
        "request_contact_info",
        r#"{"type":"interactive","interactive":{"type":"request_contact_info","body":{"text":"Please share your number"},"action":{"name":"request_contact_info"}}}"#,
    ),
    (
        "carousel",
        r#"{"type":"interactive","interactive":{"type":"carousel","body":{"text":"Offers"},"action":{"cards":[{"card_index":0,"type":"cta_url","header":{"type":"image","image":{"link":"https://e.com/1.png"}},"body":{"text":"Deal 1"},"action":{"name":"cta_url","parameters":{"display_text":"Shop","url":"https://e.com/1"}}},{"card_index":1,"type":"cta_url","header":{"type":"image","image":{"link":"https://e.com/2.png"}},"action":{"name":"cta_url","parameters":{"display_text":"Shop","url":"https://e.com/2"}}}]}}}"#,
    ),
    (
        "product carousel",
        r#"{"type":"interactive","interactive":{"type":"carousel","body":{"text":"Featured"},"action":{"cards":[{"card_index":0,"type":"product","action":{"product_retailer_id":"abc","catalog_id":"123"}},{"card_index":1,"type":"product","action":{"product_retailer_id":"def","catalog_id":"123"}}]}}}"#,
    ),
    (
        "order_details",
        r#"{"type":"interactive","interactive":{"type":"order_details","body":{"text":"Your order"},"action":{"name":"review_and_pay","parameters":{"reference_id":"o-1","type":"digital-goods","payment_type":"br","payment_settings":[{"type":"payment_link","payment_link":{"uri":"https://pay.example.com/1"}}],"currency":"BRL","total_amount":{"value":50000,"offset":100},"order":{"status":"pending","tax":{"value":0,"offset":100},"items":[{"retailer_id":"1","name":"Cake","amount":{"value":50000,"offset":100},"quantity":1}],"subtotal":{"value":50000,"offset":100}}}}}}"#,
    ),
    (
        "order_status",
        r#"{"type":"interactive","interactive":{"type":"order_status","body":{"text":"On its way"},"action":{"name":"review_order","parameters":{"reference_id":"o-1","order":{"status":"shipped","description":"By bike"}}}}}"#,
    ),
    (
        "individual",
        r#"{"type":"text","text":{"body":"Hi"},"recipient_type":"individual"}"#,
    ),
    (
        "unpreviewed",
        r#"{"type":"text","text":{"body":"Hi","preview_url":false}}"#,
    ),
];

/// Limits: which body, where in its content, how a value of so many is made, how many are taken at most, and the code with which
/// one more is refused.
type Limit = (&'static str, &'static str, fn(usize) -> Value, usize, u32);

const LIMITS: [Limit; 41] = [
    ("text", "/body", long, 4096, 131_001),
    ("image", "/caption", long, 1024, 100),
    ("video", "/caption", long, 1024, 100),
    ("document", "/caption", long, 1024, 100),
    ("contacts", "", contacts, 257, 131_009),
    ("button", "/header", header, 60, 131_009),
    ("button", "/body/text", long, 1024, 131_009),
    ("button", "/footer/text", long, 60, 131_009),
    ("button", "/action/buttons", buttons, 3, 131_009),
    ("button", "/action/buttons/0/reply/id", long, 256, 131_009),
    ("button", "/action/buttons/0/reply/title", long, 20, 131_009),
    ("list", "/header", header, 60, 131_009),
    ("list", "/body/text", long, 4096, 131_009),
    ("list", "/action/button", long, 20, 131_009),
    ("list", "/action/sections", sections_of_rows, 10, 131_009),
    ("list", "/action/sections", rows_in_one_section, 10, 131_009),
    (
        "list",
        "/action/sections",
        rows_in_two_sections,
        10,
        131_009,
    ),
    ("list", "/action/sections/0/title", long, 24, 131_009),
    ("list", "/action/sections/0/rows/0/id", long, 200, 131_009),
    ("list", "/action/sections/0/rows/0/title", long, 24, 131_009),
    (
        "list",
        "/action/sections/0/rows/0/description",
        long,
        72,
        131_009,
    ),
    ("cta_url", "/body/text", long, 1024, 131_009),
    (
        "cta_url",
        "/action/parameters/display_text",
        long,
        20,
        131_009,
    ),
    ("flow", "/action/parameters/flow_cta", long, 20, 131_009),
    ("product", "/body/text", long, 1024, 131_009),
    (
        "product_list",
        "/action/sections",
        sections_of_products,
        10,
        131_009,
    ),
    (
        "product_list",
        "/action/sections",
        products_in_one_section,
        30,
        131_009,
    ),
    (
        "product_list",
        "/action/sections",
        products_in_two_sections,
        30,
        131_009,
    ),
    (
        "product_list",
        "/action/sections/0/title",
        long,
        24,
        131_009,
    ),
    ("catalog_message", "/body/text", long, 1024, 131_009),
    (
        "location_request_message",
        "/body/text",
        long,
        1024,
        131_009,
    ),
    (
        "address_message",
        "/action/parameters/values/in_pin_code",
        long,
        6,
        131_009,
    ),
    (
        "voice_call",
        "/action/parameters/display_text",
        long,
        20,
        131_009,
    ),
    (
        "voice_call",
        "/action/parameters/payload",
        long,
        512,
        131_009,
    ),
    (
        "voice_call",
        "/action/parameters/ttl_minutes",
        number,
        43_200,
        131_009,
    ),
    ("carousel", "/body/text", long, 1024, 131_009),
    ("carousel", "/action/cards", cards, 10, 131_009),
    ("carousel", "/action/cards/0/card_index", number, 9, 131_009),
    ("carousel", "/action/cards/0/body/text", long, 160, 131_009),
    ("carousel", "/action/cards/0/body/text", breaks, 2, 131_009),
    (
        "carousel",
        "/action/cards/0/action/parameters/display_text",
        long,
        20,
        131_009,
    ),
];

/// The same of payments.
const PAYMENTS: [Limit; 3] = [
    (
        "order_details",
        "/action/parameters/reference_id",
        id,
        60,
        131_009,
    ),
    (
        "order_details",
        "/action/parameters/order/items/0/name",
        long,
        60,
        131_009,
    ),
    (
        "order_status",
        "/action/parameters/order/description",
        long,
        120,
        131_009,
    ),
];

/// What there must be at least: one less is refused.
const LEAST: [Limit; 7] = [
    ("contacts", "", contacts, 1, 131_009),
    ("button", "/action/buttons", buttons, 1, 131_009),
    ("list", "/action/sections", sections_of_rows, 1, 131_009),
    ("list", "/action/sections", rows_in_one_section, 1, 131_009),
    (
        "product_list",
        "/action/sections",
        products_in_one_section,
        1,
        131_009,
    ),
    ("carousel", "/action/cards", cards, 2, 131_009),
    (
        "voice_call",
        "/action/parameters/ttl_minutes",
        number,
        1,
        131_009,
    ),
];

/// What else is taken: which body, where in its content, and the value as JSON.
const RIGHT: [(&str, &str, &str); 6] = [
    ("location", "/latitude", "-90"),
    ("location", "/latitude", r#""90""#),
    ("location", "/longitude", "180"),
    ("list", "/action/sections/0/title", "null"),
    ("flow", "/action/parameters/flow_action_payload", "null"),
    (
        "address_message",
        "/header",
        r#"{"type":"text","text":"Where?"}"#,
    ),
];

/// What is refused, and with which code; null is what is missing.
const WRONG: [(&str, &str, &str, u32); 72] = [
    ("text", "/body", "null", 131_008),
    ("text", "/body", r#""""#, 131_008),
    ("text", "/preview_url", r#""yes""#, 131_009),
    ("text", "/previewUrl", "true", 100),
    ("text", "", r#""Hi""#, 131_009),
    ("image", "/link", "null", 131_008),
    ("image", "/id", r#""1""#, 131_009),
    ("image", "", r#"{"id":"1"}"#, 131_009),
    ("image", "/link", r#""http://example.com/a.jpg""#, 131_009),
    ("image", "/filename", r#""a.jpg""#, 100),
    ("audio", "/caption", r#""a""#, 100),
    ("voice", "/voice", r#""yes""#, 131_009),
    ("sticker", "/caption", r#""a""#, 100),
    ("location", "/latitude", "null", 131_008),
    ("location", "/latitude", "-90.1", 131_009),
    ("location", "/longitude", r#""180.1""#, 131_009),
    ("location", "/longitude", r#""east""#, 131_009),
    ("contacts", "/0/name/formatted_name", "null", 131_008),
    ("contacts", "/0/name/first_name", "null", 131_009),
    ("contacts", "/0/phones/0/number", r#""1""#, 100),
    ("contacts", "/0/birthday", r#""31.12.1990""#, 131_009),
    ("reaction", "/message_id", "null", 131_008),
    ("reaction", "/emoji", "null", 131_008),
    ("reaction", "/emoji", r#""+1""#, 131_009),
    ("button", "/type", r#""hologram""#, 131_009),
    ("button", "/body", "null", 131_008),
    ("button", "/body/text", r#""""#, 131_008),
    ("button", "/header/type", r#""audio""#, 131_009),
    ("button", "/header/image", r#"{"id":"1"}"#, 131_009),
    ("button", "/header/image", "null", 131_008),
    ("button", "/buttons", "[]", 100),
    ("button", "/action/buttons/0/type", "null", 131_008),
    ("button", "/action/buttons/0/type", r#""url""#, 131_009),
    (
        "button",
        "/action/buttons/0/reply/id",
        r#""cancel""#,
        131_009,
    ),
    ("button", "/action/buttons/0/reply/id", r#"" a""#, 131_009),
    ("button", "/action/buttons/0/reply/id", r#""😀""#, 131_009),
    (
        "button",
        "/action/buttons/0/reply/title",
        r#""Cancel""#,
        131_009,
    ),
    ("list", "/header/type", r#""image""#, 131_009),
    (
        "list",
        "/action/sections",
        r#"[{"title":"A","rows":[{"id":"1","title":"A"}]},{"rows":[{"id":"2","title":"B"}]}]"#,
        131_008,
    ),
    (
        "cta_url",
        "/action/parameters/url",
        r#""example.com""#,
        131_009,
    ),
    ("cta_url", "/action/name", r#""url""#, 131_009),
    (
        "flow",
        "/action/parameters/flow_message_version",
        r#""2""#,
        131_009,
    ),
    ("flow", "/action/parameters/flow_id", "null", 131_008),
    (
        "flow",
        "/action/parameters/flow_name",
        r#""booking""#,
        131_009,
    ),
    (
        "flow",
        "/action/parameters/flow_cta",
        r#""Book 😀""#,
        131_009,
    ),
    (
        "flow",
        "/action/parameters/flow_action",
        r#""fly""#,
        131_009,
    ),
    ("flow", "/action/parameters/mode", r#""test""#, 131_009),
    (
        "flow",
        "/action/parameters/flow_action_payload/screen",
        "null",
        131_008,
    ),
    (
        "flow",
        "/action/parameters/flow_action_payload/data",
        "{}",
        131_009,
    ),
    ("product", "/header", r#"{"type":"text","text":"A"}"#, 100),
    ("product", "/action/product_retailer_id", "null", 131_008),
    ("product_list", "/header", "null", 131_008),
    ("product_list", "/body", "null", 131_008),
    ("product_list", "/action/catalog_id", "null", 131_008),
    ("catalog_message", "/body", "null", 131_008),
    (
        "location_request_message",
        "/action/name",
        r#""send""#,
        131_009,
    ),
    (
        "address_message",
        "/action/parameters/country",
        r#""BR""#,
        131_009,
    ),
    (
        "address_message",
        "/action/parameters/country",
        "null",
        131_008,
    ),
    ("call_permission_request", "/action/name", "null", 131_008),
    ("request_contact_info", "/body", "null", 131_008),
    ("carousel", "/footer", r#"{"text":"A"}"#, 100),
    ("carousel", "/body", "null", 131_008),
    ("carousel", "/action/cards/0/card_index", "1", 131_009),
    ("carousel", "/action/cards/0/type", r#""button""#, 131_009),
    ("carousel", "/action/cards/0/header", "null", 131_008),
    (
        "carousel",
        "/action/cards/0/header",
        r#"{"type":"video","video":{"link":"https://e.com/a"}}"#,
        131_009,
    ),
    (
        "product carousel",
        "/action/cards/0/action/catalog_id",
        r#""456""#,
        131_009,
    ),
    (
        "product carousel",
        "/action/cards/0/action/catalog_id",
        "null",
        131_008,
    ),
    (
        "order_details",
        "/action/parameters/reference_id",
        r#""o/1""#,
        131_009,
    ),
    (
        "order_details",
        "/action/parameters/total_amount",
        "null",
        131_008,
    ),
    (
        "order_details",
        "/action/parameters/order/items",
        "[]",
        131_009,
    ),
    (
        "order_status",
        "/action/parameters/order/status",
        r#""eaten""#,
        131_009,
    ),
];

/// The body of that name, to a phone number.
fn body(name: &str) -> Value {
    let (_, text) = BODIES.iter().find(|(known, _)| *known == name).expect(name);
    let mut body: Value = serde_json::from_str(text).expect(name);
    body["messaging_product"] = "whatsapp".into();
    body["to"] = "+16315551234".into();
    body
}

/// The same with another value somewhere in its content.
fn changed(name: &str, pointer: &str, value: Value) -> Value {
    let mut body = body(name);
    let kind = body["type"].as_str().expect("a body has a type");
    let pointer = format!("/{kind}{pointer}");
    match body.pointer_mut(&pointer) {
        Some(old) if !value.is_null() => *old = value,
        _ => return with(body, &pointer, value),
    }
    body
}

fn long(length: usize) -> Value {
    "ä".repeat(length).into()
}

fn id(length: usize) -> Value {
    "a".repeat(length).into()
}

fn number(number: usize) -> Value {
    number.into()
}

fn breaks(count: usize) -> Value {
    format!("a{}", "\nb".repeat(count)).into()
}

fn header(length: usize) -> Value {
    json!({"type": "text", "text": long(length)})
}

/// So many elements, each made of its place.
fn many(count: usize, element: impl Fn(usize) -> Value) -> Value {
    (0..count).map(element).collect()
}

fn contacts(count: usize) -> Value {
    many(
        count,
        |_| json!({"name": {"formatted_name": "Ada", "last_name": "L"}}),
    )
}

fn buttons(count: usize) -> Value {
    many(count, |at| button(&at.to_string(), &at.to_string()))
}

fn rows(count: usize) -> Value {
    let rows = many(count, |at| json!({"id": at.to_string(), "title": "Row"}));
    json!({"title": "Section", "rows": rows})
}

fn products(count: usize) -> Value {
    let products = many(count, |at| json!({"product_retailer_id": at.to_string()}));
    json!({"title": "Section", "product_items": products})
}

fn sections_of_rows(count: usize) -> Value {
    many(count, |_| rows(1))
}

fn rows_in_one_section(count: usize) -> Value {
    json!([rows(count)])
}

fn rows_in_two_sections(count: usize) -> Value {
    json!([rows(5), rows(count - 5)])
}

fn sections_of_products(count: usize) -> Value {
    many(count, |_| products(1))
}

fn products_in_one_section(count: usize) -> Value {
    json!([products(count)])
}

fn products_in_two_sections(count: usize) -> Value {
    json!([products(15), products(count - 15)])
}

fn cards(count: usize) -> Value {
    many(count, |at| {
        let mut card = body("carousel")["interactive"]["action"]["cards"][0].take();
        card["card_index"] = at.into();
        card
    })
}

/// The code that a body is refused with, by a simulator that has seen nothing else.
fn refusal(body: &Value) -> Option<u32> {
    send(&mut state(), body)
}

#[test]
fn what_is_documented_is_taken() {
    for (name, _) in BODIES {
        let body = body(name);
        assert_eq!(refusal(&body), None, "{body}");
    }
}

#[test]
fn each_limit_is_where_it_is_documented() {
    for (name, pointer, made, most, code) in LIMITS.into_iter().chain(PAYMENTS) {
        for (count, expected) in [(most, None), (most + 1, Some(code))] {
            let body = changed(name, pointer, made(count));
            assert_eq!(refusal(&body), expected, "{pointer} of {count}: {body}");
        }
    }
    for (name, pointer, made, least, code) in LEAST {
        for (count, expected) in [(least, None), (least - 1, Some(code))] {
            let body = changed(name, pointer, made(count));
            assert_eq!(refusal(&body), expected, "{pointer} of {count}: {body}");
        }
    }
}

#[test]
fn what_is_missing_or_wrong_is_refused() -> serde_json::Result<()> {
    let right = RIGHT.map(|(name, pointer, value)| (name, pointer, value, None));
    let wrong = WRONG.map(|(name, pointer, value, code)| (name, pointer, value, Some(code)));
    for (name, pointer, value, expected) in right.into_iter().chain(wrong) {
        let body = changed(name, pointer, serde_json::from_str(value)?);
        assert_eq!(refusal(&body), expected, "{pointer}: {body}");
    }
    Ok(())
}

#[test]
fn pins_and_groups_are_not_for_this_number() {
    let pin = json!({"type": "pin", "message_id": "wamid.X", "expiration_days": 7});
    let pin = message("pin", pin);
    assert_eq!(send(&mut state(), &pin), Some(131_002));
    let mut to_group = with(pin, "/recipient_type", "group".into());
    assert_eq!(send(&mut state(), &to_group), Some(131_041));
    for (days, expected) in [(0, 131_009), (1, 131_041), (30, 131_041), (31, 131_009)] {
        to_group["pin"]["expiration_days"] = days.into();
        assert_eq!(send(&mut state(), &to_group), Some(expected), "{days}");
    }
}
