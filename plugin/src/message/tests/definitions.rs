//! Whether templates fit their definition.

use super::templates::{button, content, named, value};
use super::*;
use crate::bindings::messaging::channel::outbound::{
    ButtonValue, CardParameters, HeaderParameter, ProductCard,
};
use crate::bindings::messaging::channel::templates::{
    CopyCodeButton, LabelledButton, ParameterFormat, TemplateBody, TemplateButton, TemplateCard,
    TemplateCategory, TemplateContent, TemplateFooter, TemplateHeader, TemplateOffer,
    TemplateStatus, TemplateText, UrlButton,
};

/// An approved template whose body has one number.
fn definition() -> Definition {
    Definition {
        name: "order_confirmation".into(),
        language: "en_US".into(),
        category: TemplateCategory::Utility,
        status: TemplateStatus::Approved,
        content: TemplateContent {
            parameter_format: None,
            header: None,
            body: Some(body("Hi {{1}}, and {{ 1 }} again.")),
            footer: None,
            buttons: Vec::new(),
            carousel: Vec::new(),
            offer: None,
            call_permission_request: false,
            other: Vec::new(),
        },
        id: None,
        external_id: None,
        namespace: None,
        quality: None,
        rejected_reason: None,
        previous_category: None,
        coming_category: None,
        ttl_seconds: None,
        created: None,
        modified: None,
        attributes: Vec::new(),
    }
}

fn defined_text(text: &str) -> TemplateText {
    TemplateText {
        text: text.into(),
        examples: Vec::new(),
    }
}

fn body(text: &str) -> TemplateBody {
    TemplateBody {
        text: Some(defined_text(text)),
        security_recommendation: None,
    }
}

/// Asserts what does not fit, after changes to a definition and a message that fit each other.
#[track_caller]
fn assert_fit(
    define: impl FnOnce(&mut Definition),
    send: impl FnOnce(&mut TemplateMessage),
    expected: &[(&str, &str)],
) {
    let mut definition = definition();
    define(&mut definition);
    let message = message(content(|t| {
        t.body = vec![value("Ada")];
        send(t);
    }));
    let problems = build("{}", &message, &Window::Unknown, Some(&definition))
        .err()
        .unwrap_or_default();
    let found: Vec<_> = problems
        .iter()
        .map(|problem| (problem.pointer.as_str(), problem.code.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_definition_that_fits_changes_nothing() {
    assert_fit(|_| (), |_| (), &[]);
    assert_fit(
        |d| {
            d.content.parameter_format = Some(ParameterFormat::Named);
            d.content.body = Some(body("Hi {{name}}, order {{order}}."));
        },
        |t| t.body = vec![named("order", "1"), named("name", "Ada")],
        &[],
    );
    // Such templates are no longer approved, but there are some.
    assert_fit(
        |d| d.content.body = Some(body("Hi {{1}}, order {{order_id}} ships {{2}}.")),
        |t| t.body = vec![value("Jane"), named("order_id", "A-1"), value("Friday")],
        &[],
    );
    assert_fit(
        |d| d.content.body = Some(body("Static.")),
        |t| t.body.clear(),
        &[],
    );
}

#[test]
fn only_an_approved_template_of_that_name_is_sent() {
    for status in [
        TemplateStatus::Draft,
        TemplateStatus::Pending,
        TemplateStatus::Rejected,
        TemplateStatus::Paused,
        TemplateStatus::Disabled,
        TemplateStatus::InAppeal,
        TemplateStatus::PendingDeletion,
        TemplateStatus::Deleted,
        TemplateStatus::LimitExceeded,
        TemplateStatus::Archived,
        TemplateStatus::Other("locked".into()),
    ] {
        assert_fit(
            |d| d.status = status,
            |_| (),
            &[("/content/name", "not_approved")],
        );
    }
    assert_fit(
        |d| d.name = "other".into(),
        |_| (),
        &[("/content/name", "other_template")],
    );
    assert_fit(
        |d| d.language = "en".into(),
        |_| (),
        &[("/content/language", "other_template")],
    );
}

#[test]
fn the_body_s_variables_are_counted_and_named() {
    assert_fit(
        |_| (),
        |t| t.body.clear(),
        &[("/content/body", "wrong_count")],
    );
    assert_fit(
        |_| (),
        |t| t.body.push(value("more")),
        &[("/content/body", "wrong_count")],
    );
    assert_fit(
        |d| d.content.body = Some(body("Hi {{name}}.")),
        |t| t.body = vec![named("nam", "Ada")],
        &[
            ("/content/body/0/name", "not_in_template"),
            ("/content/body", "required"),
        ],
    );
    assert_fit(
        |d| d.content.body = Some(body("Hi {{name}}.")),
        |t| t.body = vec![named("name", "Ada"), named("name", "Eve")],
        &[("/content/body/1/name", "not_in_template")],
    );
    assert_fit(
        |d| d.content.body = Some(body("Hi {{name}}.")),
        |_| (),
        &[
            ("/content/body", "wrong_count"),
            ("/content/body", "required"),
        ],
    );
}

#[test]
fn a_text_is_not_too_long_with_its_values() {
    let long =
        |count: usize| move |t: &mut TemplateMessage| t.body = vec![value(&"é".repeat(count))];
    let define = |change: fn(&mut TemplateContent)| {
        move |d: &mut Definition| {
            d.content.body = Some(body("Hi {{1}}, {{1}}."));
            change(&mut d.content);
        }
    };
    let alone = |_: &mut TemplateContent| ();
    let footer = |c: &mut TemplateContent| {
        c.footer = Some(TemplateFooter {
            text: Some("Bye".into()),
            code_expiration_minutes: None,
        });
    };
    let offer = |c: &mut TemplateContent| {
        c.offer = Some(TemplateOffer {
            text: "Soon".into(),
            has_expiration: None,
        });
    };
    // The text has 6 characters beside the value, which stands there twice.
    for (change, limit) in [(alone as fn(&mut _), 32_768), (footer, 1024), (offer, 600)] {
        assert_fit(define(change), long((limit - 6) / 2), &[]);
        assert_fit(
            define(change),
            long((limit - 6) / 2 + 1),
            &[("/content/body/0", "too_long")],
        );
    }
    assert_fit(
        |d| d.content.body = Some(body("{{1}}, {{2}}")),
        |t| t.body = vec![value("a"), value(&"b".repeat(32_768))],
        &[("/content/body/1", "too_long")],
    );
}

#[test]
fn the_header_takes_what_was_approved() {
    let image = |d: &mut Definition| d.content.header = Some(TemplateHeader::Image(None));
    assert_fit(image, |_| (), &[("/content/header", "required")]);
    assert_fit(
        image,
        |t| t.header = Some(HeaderParameter::Video(id("1"))),
        &[("/content/header", "wrong_kind")],
    );
    assert_fit(
        image,
        |t| t.header = Some(HeaderParameter::Image(id("1"))),
        &[],
    );
    let header = |text: &'static str| {
        move |d: &mut Definition| {
            d.content.header = Some(TemplateHeader::Text(defined_text(text)));
        }
    };
    assert_fit(
        header("Sale {{1}}"),
        |_| (),
        &[("/content/header", "required")],
    );
    assert_fit(header("Sale"), |_| (), &[]);
    assert_fit(
        header("Sale"),
        |t| t.header = Some(HeaderParameter::Text(value("x"))),
        &[("/content/header", "not_in_template")],
    );
}

#[test]
fn the_buttons_take_what_was_approved() {
    let define = |d: &mut Definition| {
        d.content.buttons = vec![
            TemplateButton::QuickReply(LabelledButton {
                text: Some("Stop".into()),
            }),
            TemplateButton::Url(UrlButton {
                text: "Track".into(),
                url: "https://x.com/{{1}}".into(),
                example: None,
            }),
            TemplateButton::Url(UrlButton {
                text: "Home".into(),
                url: "https://x.com".into(),
                example: None,
            }),
            TemplateButton::CopyCode(CopyCodeButton {
                text: None,
                example: None,
            }),
        ];
    };
    let url = || button(1, ButtonValue::UrlSuffix("a".into()));
    let code = || button(3, ButtonValue::Code("25OFF".into()));
    assert_fit(define, |t| t.buttons = vec![url(), code()], &[]);
    assert_fit(
        define,
        |_| (),
        &[
            ("/content/buttons", "required"),
            ("/content/buttons", "required"),
        ],
    );
    assert_fit(
        define,
        |t| {
            t.buttons = vec![
                url(),
                code(),
                button(0, ButtonValue::UrlSuffix("a".into())),
                button(2, ButtonValue::UrlSuffix("a".into())),
                button(4, ButtonValue::Payload("a".into())),
            ];
        },
        &[
            ("/content/buttons/2", "wrong_kind"),
            ("/content/buttons/3", "not_in_template"),
            ("/content/buttons/4/index", "not_in_template"),
        ],
    );
}

#[test]
fn a_sign_in_code_is_short_and_goes_to_a_phone() {
    let define = |d: &mut Definition| {
        d.category = TemplateCategory::Authentication;
        d.content.body = Some(TemplateBody {
            text: None,
            security_recommendation: Some(true),
        });
    };
    assert_fit(define, |t| t.body = vec![value(&"1".repeat(15))], &[]);
    assert_fit(
        define,
        |t| t.body = vec![value(&"1".repeat(16))],
        &[("/content/body/0/text", "too_long")],
    );
    assert_fit(
        define,
        |t| t.body.clear(),
        &[("/content/body", "wrong_count")],
    );

    let mut definition = definition();
    define(&mut definition);
    let to_user = Message {
        to: Recipient::UserId("US.1".into()),
        ..message(content(|t| t.body = vec![value("123456")]))
    };
    let problems = build("{}", &to_user, &Window::Unknown, Some(&definition)).unwrap_err();
    let [problem] = problems.try_into().unwrap();
    assert_eq!(
        (problem.pointer.as_str(), problem.code.as_str()),
        ("/to/user_id", "not_allowed")
    );
}

#[test]
fn cards_and_offers_are_as_approved() {
    let define = |header: TemplateHeader| {
        move |d: &mut Definition| {
            let card = TemplateCard {
                header: Some(header),
                body: None,
                buttons: Vec::new(),
            };
            d.content.carousel = vec![card; 2];
        }
    };
    let with = |count, header: HeaderParameter| {
        move |t: &mut TemplateMessage| {
            let card = CardParameters {
                header: Some(header),
                body: Vec::new(),
                buttons: Vec::new(),
            };
            t.cards = vec![card; count];
        }
    };
    let image = || HeaderParameter::Image(id("1"));
    let product = || {
        HeaderParameter::Product(ProductCard {
            catalog_id: "1".into(),
            product_id: "2".into(),
        })
    };
    let wrong = &[("/content/cards", "wrong_count")];
    assert_fit(define(TemplateHeader::Image(None)), with(2, image()), &[]);
    assert_fit(define(TemplateHeader::Image(None)), with(3, image()), wrong);
    assert_fit(define(TemplateHeader::Image(None)), |_| (), wrong);
    assert_fit(|_| (), with(2, image()), wrong);
    assert_fit(define(TemplateHeader::Product), with(10, product()), &[]);
    assert_fit(
        define(TemplateHeader::Product),
        with(2, image()),
        &[
            ("/content/cards/0/header", "wrong_kind"),
            ("/content/cards/1/header", "wrong_kind"),
        ],
    );

    let offer = |d: &mut Definition| {
        d.content.offer = Some(TemplateOffer {
            text: "Soon over!".into(),
            has_expiration: Some(true),
        });
    };
    assert_fit(offer, |t| t.offer_expires = Some(1), &[]);
    assert_fit(offer, |_| (), &[("/content/offer_expires", "required")]);
    assert_fit(
        |_| (),
        |t| t.offer_expires = Some(1),
        &[("/content/offer_expires", "not_in_template")],
    );
}
