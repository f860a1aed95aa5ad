//! Templates: what is sent, and the limits of values.

use super::*;
use crate::bindings::messaging::channel::outbound::{
    ButtonParameter, ButtonValue, CardParameters, Currency, FlowParameter, HeaderParameter,
    ParameterValue, ProductCard, ProductSection, ProductsParameter, TemplateParameter,
};
use crate::bindings::messaging::channel::types::Foreign;

pub(super) fn value(text: &str) -> TemplateParameter {
    TemplateParameter {
        name: None,
        value: ParameterValue::Text(text.into()),
    }
}

pub(super) fn named(name: &str, text: &str) -> TemplateParameter {
    TemplateParameter {
        name: Some(name.into()),
        ..value(text)
    }
}

pub(super) fn button(index: u32, value: ButtonValue) -> ButtonParameter {
    ButtonParameter { index, value }
}

pub(super) fn content(change: impl FnOnce(&mut TemplateMessage)) -> Content {
    let mut template = template("order_confirmation");
    change(&mut template);
    Content::Template(template)
}

/// Asserts what stands in `components`; none where there are none.
#[track_caller]
fn assert_components(content: Content, components: Option<Value>) {
    let mut template = json!({"name": "order_confirmation", "language": {"code": "en_US"}});
    if let Some(components) = components {
        template["components"] = components;
    }
    assert_sent(content, json!({"type": "template", "template": template}));
}

#[test]
fn without_parameters_there_are_no_components() {
    assert_components(content(|_| ()), None);
}

#[test]
fn the_body_s_values_are_sent_in_order_or_by_name() {
    assert_components(
        content(|t| t.body = vec![value("Jessica"), value("SKBUP2-4CPIG9")]),
        Some(json!([{"type": "body", "parameters": [
            {"type": "text", "text": "Jessica"},
            {"type": "text", "text": "SKBUP2-4CPIG9"},
        ]}])),
    );
    assert_components(
        content(|t| t.body = vec![named("first_name", "Jessica")]),
        Some(json!([{"type": "body", "parameters": [
            {"type": "text", "parameter_name": "first_name", "text": "Jessica"},
        ]}])),
    );
    assert_components(
        content(|t| {
            t.body = vec![
                TemplateParameter {
                    name: None,
                    value: ParameterValue::Currency(Currency {
                        fallback: "$100.99".into(),
                        code: "USD".into(),
                        amount_1000: 100_990,
                    }),
                },
                TemplateParameter {
                    name: None,
                    value: ParameterValue::DateTime("February 25, 1977".into()),
                },
            ];
        }),
        Some(json!([{"type": "body", "parameters": [
            {"type": "currency", "currency": {"fallback_value": "$100.99", "code": "USD", "amount_1000": 100_990}},
            {"type": "date_time", "date_time": {"fallback_value": "February 25, 1977"}},
        ]}])),
    );
}

#[test]
fn header_body_and_buttons_are_sent_together() {
    assert_components(
        content(|t| {
            t.header = Some(HeaderParameter::Document(DocumentHeader {
                source: id("1376223850470843"),
                filename: Some("r.pdf".into()),
            }));
            t.body = vec![
                named("first_name", "Jessica"),
                named("order_number", "SK-1"),
            ];
            t.buttons = vec![
                button(0, ButtonValue::UrlSuffix("abc".into())),
                button(2, ButtonValue::Payload("STOP".into())),
            ];
        }),
        Some(json!([
            {"type": "header", "parameters": [
                {"type": "document", "document": {"id": "1376223850470843", "filename": "r.pdf"}},
            ]},
            {"type": "body", "parameters": [
                {"type": "text", "parameter_name": "first_name", "text": "Jessica"},
                {"type": "text", "parameter_name": "order_number", "text": "SK-1"},
            ]},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "abc"}]},
            {"type": "button", "sub_type": "quick_reply", "index": "2", "parameters": [
                {"type": "payload", "payload": "STOP"},
            ]},
        ])),
    );
}

#[test]
fn each_header_has_its_parameter() {
    for (header, parameter) in [
        (
            HeaderParameter::Text(value("Pablo")),
            json!({"type": "text", "text": "Pablo"}),
        ),
        (
            HeaderParameter::Image(link("https://x.com/y.jpg")),
            json!({"type": "image", "image": {"link": "https://x.com/y.jpg"}}),
        ),
        (
            HeaderParameter::Video(id("1")),
            json!({"type": "video", "video": {"id": "1"}}),
        ),
        (
            HeaderParameter::Gif(id("2")),
            json!({"type": "gif", "gif": {"id": "2"}}),
        ),
        (
            HeaderParameter::Location(Location {
                latitude: 37.44,
                longitude: -122.16,
                name: Some("Philz".into()),
                address: Some("101 Forest Ave".into()),
                url: None,
            }),
            json!({"type": "location", "location": {
                "latitude": "37.44", "longitude": "-122.16", "name": "Philz", "address": "101 Forest Ave",
            }}),
        ),
        (
            HeaderParameter::Product(ProductCard {
                catalog_id: "194".into(),
                product_id: "di9".into(),
            }),
            json!({"type": "product", "product": {"product_retailer_id": "di9", "catalog_id": "194"}}),
        ),
    ] {
        assert_components(
            content(|t| t.header = Some(header)),
            Some(json!([{"type": "header", "parameters": [parameter]}])),
        );
    }
    assert_refused(
        content(|t| t.header = Some(HeaderParameter::Location(place()))),
        &[
            ("/content/header/name", "required"),
            ("/content/header/address", "required"),
        ],
    );
}

#[test]
fn each_button_has_its_parameter() {
    for (value, sub_type, parameter) in [
        (
            ButtonValue::Code("25OFF".into()),
            "copy_code",
            json!({"type": "coupon_code", "coupon_code": "25OFF"}),
        ),
        (
            ButtonValue::Flow(FlowParameter {
                token: Some("t-1".into()),
                screen_data: Some(r#" {"k": 1.50} "#.into()),
            }),
            "flow",
            json!({"type": "action", "action": {"flow_token": "t-1", "flow_action_data": {"k": 1.5}}}),
        ),
        (
            ButtonValue::Catalog(Some("2lc".into())),
            "catalog",
            json!({"type": "action", "action": {"thumbnail_product_retailer_id": "2lc"}}),
        ),
        (
            ButtonValue::Products(ProductsParameter {
                thumbnail_product_id: "2lc".into(),
                sections: vec![ProductSection {
                    title: Some("Popular".into()),
                    products: vec!["2lc".into()],
                }],
            }),
            "mpm",
            json!({"type": "action", "action": {
                "thumbnail_product_retailer_id": "2lc",
                "sections": [{"title": "Popular", "product_items": [{"product_retailer_id": "2lc"}]}],
            }}),
        ),
        (
            ButtonValue::OrderDetails(r#"{"reference_id": "o-1"}"#.into()),
            "order_details",
            json!({"type": "action", "action": {"order_details": {"reference_id": "o-1"}}}),
        ),
    ] {
        assert_components(
            content(|t| t.buttons = vec![button(9, value)]),
            Some(
                json!([{"type": "button", "sub_type": sub_type, "index": "9", "parameters": [parameter]}]),
            ),
        );
    }
    assert_components(
        content(|t| t.buttons = vec![button(0, ButtonValue::Catalog(None))]),
        None,
    );
}

#[test]
fn an_offer_stands_before_the_buttons() {
    assert_components(
        content(|t| {
            t.header = Some(HeaderParameter::Image(id("1602186516975000")));
            t.body = vec![value("Pablo")];
            t.offer_expires = Some(1_798_562_800_000);
            t.buttons = vec![
                button(0, ButtonValue::Code("CARIBE25".into())),
                button(1, ButtonValue::UrlSuffix("n3mtql".into())),
            ];
        }),
        Some(json!([
            {"type": "header", "parameters": [{"type": "image", "image": {"id": "1602186516975000"}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Pablo"}]},
            {"type": "limited_time_offer", "parameters": [
                {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_798_562_800_000_u64}},
            ]},
            {"type": "button", "sub_type": "copy_code", "index": "0", "parameters": [
                {"type": "coupon_code", "coupon_code": "CARIBE25"},
            ]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "n3mtql"}]},
        ])),
    );
}

fn card(header: HeaderParameter, suffix: &str) -> CardParameters {
    CardParameters {
        header: Some(header),
        body: Vec::new(),
        buttons: vec![button(1, ButtonValue::UrlSuffix(suffix.into()))],
    }
}

fn cards(count: usize) -> Vec<CardParameters> {
    (0..count)
        .map(|i| card(HeaderParameter::Image(id(&i.to_string())), "a"))
        .collect()
}

#[test]
fn cards_are_sent_side_by_side() {
    let json = |i: usize| {
        json!({"card_index": i, "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"id": i.to_string()}}]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "a"}]},
        ]})
    };
    assert_components(
        content(|t| t.cards = cards(2)),
        Some(json!([{"type": "carousel", "cards": [json(0), json(1)]}])),
    );
    assert_accepted(content(|t| t.cards = cards(10)));
    for count in [1, 11] {
        assert_refused(
            content(|t| t.cards = cards(count)),
            &[("/content/cards", "wrong_count")],
        );
    }
    assert_refused(
        content(|t| {
            t.cards = cards(3);
            t.cards[1] = card(HeaderParameter::Video(id("1")), "");
            t.cards[2].header = None;
        }),
        &[
            ("/content/cards/1/header", "bad_header"),
            ("/content/cards/1/buttons/0/url_suffix", "blank"),
            ("/content/cards/2/header", "bad_header"),
        ],
    );
}

#[test]
fn name_and_language_are_as_the_vendor_writes_them() {
    for (name, good) in [
        ("a".repeat(512), true),
        ("order_2".into(), true),
        ("a".repeat(513), false),
        (String::new(), false),
        ("Order".into(), false),
        ("order-2".into(), false),
    ] {
        let expected: &[_] = if good {
            &[]
        } else {
            &[("/content/name", "bad_name")]
        };
        assert_refused(content(|t| t.name = name), expected);
    }
    for (language, good) in [
        ("en", true),
        ("zh_Hans", true),
        ("", false),
        ("en-US", false),
    ] {
        let expected: &[_] = if good {
            &[]
        } else {
            &[("/content/language", "bad_language")]
        };
        assert_refused(content(|t| t.language = language.into()), expected);
    }
}

#[test]
fn a_value_is_one_line_without_wide_gaps() {
    for good in ["x", "a    b", " a ", "é"] {
        assert_accepted(content(|t| t.body = vec![value(good)]));
    }
    for (bad, code) in [
        ("", "blank"),
        ("  ", "blank"),
        ("a     b", "bad_whitespace"),
        ("a\nb", "bad_whitespace"),
        ("a\rb", "bad_whitespace"),
        ("a\tb", "bad_whitespace"),
    ] {
        assert_refused(
            content(|t| t.body = vec![value("good"), value(bad)]),
            &[("/content/body/1/text", code)],
        );
        assert_refused(
            content(|t| t.header = Some(HeaderParameter::Text(value(bad)))),
            &[("/content/header/text", code)],
        );
    }
}

#[test]
fn values_have_limits() {
    type Of = fn(String) -> ButtonValue;

    let long = |count| "é".repeat(count);
    let body = |count, offer_expires| {
        content(|t| {
            t.body = vec![value(&long(count))];
            t.offer_expires = offer_expires;
        })
    };
    let too_long = &[("/content/body/0/text", "too_long")];
    assert_accepted(body(32_768, None));
    assert_refused(body(32_769, None), too_long);
    assert_accepted(body(1024, Some(1)));
    assert_refused(body(1025, Some(1)), too_long);

    let header = |count| content(|t| t.header = Some(HeaderParameter::Text(value(&long(count)))));
    assert_accepted(header(60));
    assert_refused(header(61), &[("/content/header/text", "too_long")]);

    for (word, max, of) in [
        ("payload", 256, ButtonValue::Payload as Of),
        ("url_suffix", 2000, ButtonValue::UrlSuffix as Of),
        ("code", 15, ButtonValue::Code as Of),
    ] {
        let with = |count| content(|t| t.buttons = vec![button(0, of(long(count)))]);
        assert_accepted(with(max));
        let pointer = format!("/content/buttons/0/{word}");
        assert_refused(with(max + 1), &[(&pointer, "too_long")]);
    }

    let currency = |code: &str| {
        content(|t| {
            t.body = vec![TemplateParameter {
                name: None,
                value: ParameterValue::Currency(Currency {
                    fallback: "1".into(),
                    code: code.into(),
                    amount_1000: 1000,
                }),
            }];
        })
    };
    assert_accepted(currency("EUR"));
    assert_refused(
        currency("euro"),
        &[("/content/body/0/currency/code", "bad_currency")],
    );
}

#[test]
fn products_are_counted() {
    let with = |sections: &[usize]| {
        content(|t| {
            t.buttons = vec![button(
                0,
                ButtonValue::Products(ProductsParameter {
                    thumbnail_product_id: "p".into(),
                    sections: sections
                        .iter()
                        .map(|count| ProductSection {
                            title: Some("t".repeat(24)),
                            products: vec!["p".into(); *count],
                        })
                        .collect(),
                }),
            )];
        })
    };
    for good in [&[30][..], &[3; 10]] {
        assert_accepted(with(good));
    }
    let sections = "/content/buttons/0/products/sections";
    for bad in [&[31][..], &[1; 11], &[]] {
        assert_refused(with(bad), &[(sections, "wrong_count")]);
    }
    let empty = format!("{sections}/1/products");
    assert_refused(with(&[1, 0]), &[(&empty, "wrong_count")]);
}

#[test]
fn what_can_t_be_sent_is_refused() {
    for (content, expected) in [
        (
            content(|t| {
                t.other = vec![Foreign {
                    kind: "tap_target_configuration".into(),
                    json: None,
                }];
            }),
            &[("/content/other/0/json", "bad_json")][..],
        ),
        (
            content(|t| t.buttons = vec![button(0, ButtonValue::OrderDetails("[1]".into()))]),
            &[("/content/buttons/0/order_details", "bad_json")],
        ),
        (
            content(|t| t.buttons = vec![button(0, ButtonValue::OrderDetails("{} {}".into()))]),
            &[("/content/buttons/0/order_details", "bad_json")],
        ),
        (
            content(|t| t.buttons = vec![button(10, ButtonValue::Payload("a".into()))]),
            &[("/content/buttons/0/index", "out_of_range")],
        ),
        (
            content(|t| t.buttons = vec![button(1, ButtonValue::Payload("a".into())); 2]),
            &[("/content/buttons/1/index", "not_unique")],
        ),
        (
            content(|t| t.body = vec![value("a"), named("b", "b")]),
            &[("/content/body", "mixed_parameters")],
        ),
        (
            content(|t| t.body = vec![named("b", "1"), named("b", "2")]),
            &[("/content/body/1/name", "not_unique")],
        ),
    ] {
        assert_refused(content, expected);
    }
}
