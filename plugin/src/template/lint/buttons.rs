//! Buttons.

use serde_json::Value;

use super::super::variables::braced;
use super::text::{label, short_link, variable};
use super::{Context, Findings, SOURCE, authentication, foreign};
use crate::bindings::messaging::channel::templates::{
    AppButton, CallTemplateButton, CopyCodeButton, FlowButton, LabelledButton, PhoneButton,
    TemplateButton, TemplateCategory, TemplateContent, TemplateFlow, TemplateHeader, UrlButton,
};
use crate::url::Url;

const SOURCE_MANAGER: &str = "WhatsApp Manager, check of templates";
const SOURCE_REVIEW: &str = "Cloud API, template review";

/// Hosts of services that shorten addresses. (Cloud API, template review, names the first three and means all.)
const SHORTENERS: [&str; 12] = [
    "bit.ly",
    "tinyurl.com",
    "goo.gl",
    "buff.ly",
    "cutt.ly",
    "is.gd",
    "ow.ly",
    "rb.gy",
    "rebrand.ly",
    "shorturl.at",
    "t.co",
    "t.ly",
];

/// Hosts of links into WhatsApp itself.
const WHATSAPP: [&str; 2] = ["wa.me", "api.whatsapp.com"];

/// The kinds of button that have a case of their own in the contract, by Meta's word for them.
const TYPED: [(&str, &str); 13] = [
    ("APP", "app"),
    ("CATALOG", "catalog"),
    ("COPY_CODE", "copy_code"),
    ("FLOW", "flow"),
    ("MPM", "products"),
    ("ORDER_DETAILS", "order_details"),
    ("OTP", "one_time_code"),
    ("PHONE_NUMBER", "phone_number"),
    ("QUICK_REPLY", "quick_reply"),
    ("REQUEST_CONTACT_INFO", "contact_request"),
    ("SPM", "product"),
    ("URL", "url"),
    ("VOICE_CALL", "call"),
];

/// What holds of a kind of button.
struct Kind {
    /// How many there can be.
    max: usize,
    /// There can't be others beside it.
    alone: bool,
}

fn kind(button: &TemplateButton) -> Kind {
    let (max, alone) = match button {
        TemplateButton::QuickReply(_) | TemplateButton::Other(_) => (10, false),
        TemplateButton::Url(_) => (2, false),
        TemplateButton::PhoneNumber(_)
        | TemplateButton::CopyCode(_)
        | TemplateButton::Flow(_)
        | TemplateButton::Call(_)
        | TemplateButton::ContactRequest(_)
        | TemplateButton::App(_) => (1, false),
        TemplateButton::Catalog(_)
        | TemplateButton::Products(_)
        | TemplateButton::Product(_)
        | TemplateButton::OneTimeCode(_)
        | TemplateButton::OrderDetails(_) => (1, true),
    };
    Kind { max, alone }
}

fn is_reply(button: &TemplateButton) -> bool {
    matches!(button, TemplateButton::QuickReply(_))
}

/// What is written on it, where the draft says so.
fn written(button: &TemplateButton) -> Option<&str> {
    match button {
        TemplateButton::QuickReply(button)
        | TemplateButton::Catalog(button)
        | TemplateButton::Products(button)
        | TemplateButton::Product(button)
        | TemplateButton::OrderDetails(button)
        | TemplateButton::ContactRequest(button) => button.text.as_deref(),
        TemplateButton::Url(button) => Some(&button.text),
        TemplateButton::PhoneNumber(button) => Some(&button.text),
        TemplateButton::CopyCode(button) => button.text.as_deref(),
        TemplateButton::Flow(button) => Some(&button.text),
        TemplateButton::Call(button) => Some(&button.text),
        TemplateButton::OneTimeCode(button) => button.text.as_deref(),
        TemplateButton::App(button) => Some(&button.text),
        TemplateButton::Other(_) => None,
    }
}

/// The buttons of a template or a card. `at` is where the list stands.
pub(super) fn buttons(
    at: &str,
    buttons: &[TemplateButton],
    context: &Context<'_>,
    findings: &mut Findings,
) {
    if buttons.len() > 10 {
        findings.refused.add(
            at,
            "wrong_count",
            format_args!("There are {} buttons: leave 10 at most", buttons.len()),
            SOURCE,
        );
    }
    let turns: Vec<usize> = (1..buttons.len())
        .filter(|&i| is_reply(&buttons[i - 1]) != is_reply(&buttons[i]))
        .collect();
    if let Some(second) = turns.get(1) {
        findings.refused.add(
            format_args!("{at}/{second}"),
            "not_grouped",
            "Quick replies stand side by side: put all of them before or behind the other buttons",
            SOURCE,
        );
    }
    for (i, button) in buttons.iter().enumerate() {
        let pointer = format!("{at}/{i}");
        let Kind { max, alone } = kind(button);
        let same = |other: &&TemplateButton| {
            std::mem::discriminant(*other) == std::mem::discriminant(button)
        };
        // Told once: of the first that is too many.
        if buttons[..i].iter().filter(same).count() == max {
            findings.refused.add(
                &pointer,
                "too_many_of_kind",
                format_args!("Of this kind there are at most {max} buttons: leave this one out"),
                SOURCE,
            );
        }
        if alone && buttons.len() > 1 {
            findings.likely_rejected.add(
                &pointer,
                "not_alone",
                "A button of this kind has no others beside it: leave them out",
                SOURCE,
            );
        }
        if let Some(text) = written(button) {
            let pointer = format!("{pointer}/text");
            label(&pointer, text, findings);
            if buttons[..i]
                .iter()
                .any(|other| written(other) == Some(text))
            {
                findings.refused.add(
                    pointer,
                    "not_unique",
                    "Another button has the same text: give each one of its own",
                    SOURCE_MANAGER,
                );
            }
        }
        self::button(&pointer, button, context, findings);
    }
}

/// What only some of the people see. (Cloud API, template components.)
pub(super) fn shown(content: &TemplateContent, findings: &mut Findings) {
    let buttons = &content.buttons;
    let mixed = buttons.iter().any(is_reply) && !buttons.iter().all(is_reply);
    if buttons.len() > 3 || mixed {
        findings.advice.add(
            "/content/buttons",
            "not_on_desktop",
            "WhatsApp on the desktop does not show templates with more than 3 buttons, or with quick replies beside others: use fewer, \
             or of one kind",
            SOURCE,
        );
    }
    // In a carousel every card has a header of its own.
    let product = |button: &TemplateButton| matches!(button, TemplateButton::Product(_));
    if buttons.iter().any(product) && !matches!(content.header, Some(TemplateHeader::Product)) {
        findings.refused.add(
            "/content/header",
            "bad_header",
            "A button that shows the product goes with the product above: give a header of type product",
            SOURCE,
        );
    }
}

fn button(at: &str, button: &TemplateButton, context: &Context<'_>, findings: &mut Findings) {
    match button {
        TemplateButton::QuickReply(LabelledButton { text }) => {
            if text.is_none() {
                findings.refused.add(
                    format_args!("{at}/text"),
                    "required",
                    "A quick reply has a text: give it",
                    SOURCE,
                );
            }
        }
        TemplateButton::Url(button) => url(at, button, context, findings),
        TemplateButton::PhoneNumber(button) => phone(at, button, findings),
        TemplateButton::CopyCode(button) => copy_code(at, button, context, findings),
        TemplateButton::Flow(button) => flow(at, button, findings),
        TemplateButton::Call(button) => call(at, button, findings),
        TemplateButton::Catalog(button) => fixed(at, button, "View catalog", findings),
        TemplateButton::Products(button) => fixed(at, button, "View items", findings),
        TemplateButton::ContactRequest(LabelledButton { text }) => {
            if text
                .as_ref()
                .is_some_and(|text| text != "Share Contact Info")
            {
                findings.refused.add(
                    format_args!("{at}/text"),
                    "fixed_text",
                    "Meta writes this button's text: leave it out, or give Share Contact Info",
                    SOURCE,
                );
            }
        }
        TemplateButton::OneTimeCode(button) => {
            context.only_in(
                at,
                &[TemplateCategory::Authentication],
                "Codes to sign in with are for the category authentication only: change the category, or take the button out",
                authentication::SOURCE,
                findings,
            );
            authentication::button(at, button, findings);
        }
        TemplateButton::App(button) => app(at, button, findings),
        // Which texts there are is not documented.
        TemplateButton::Product(_) | TemplateButton::OrderDetails(_) => {}
        TemplateButton::Other(button) => {
            foreign(&format!("{at}/kind"), button, &TYPED, "button", findings);
        }
    }
}

fn fixed(at: &str, button: &LabelledButton, text: &str, findings: &mut Findings) {
    if button.text.as_ref().is_some_and(|given| given != text) {
        findings.likely_rejected.add(
            format_args!("{at}/text"),
            "fixed_text",
            format_args!("Meta fixes this button's text: give {text}"),
            SOURCE,
        );
    }
}

fn url(at: &str, button: &UrlButton, context: &Context<'_>, findings: &mut Findings) {
    let pointer = format!("{at}/url");
    let url = button.url.as_str();
    findings.refused.text(&pointer, url, 2000, SOURCE);
    let variables: Vec<_> = braced(url).collect();
    let fixed = match variables.as_slice() {
        [] => url,
        [only] if only.range.end == url.len() => {
            // In a template with names, too, Meta's samples have a number here.
            if variable(&pointer, only.name, true, context.named(), findings)
                && only.name.bytes().all(|b| b.is_ascii_digit())
                && only.name != "1"
            {
                findings.refused.add(
                    &pointer,
                    "bad_numbers",
                    "The variable of an address has a count of its own: write {{1}}",
                    SOURCE,
                );
            }
            &url[..only.range.start]
        }
        [first, ..] => {
            findings.refused.add(
                &pointer,
                "bad_place",
                "An address has one variable at most, at its very end: move it there",
                SOURCE,
            );
            &url[..first.range.start]
        }
    };
    match Url::parse(fixed) {
        Err(reason) if !url.trim().is_empty() => findings.refused.add(
            &pointer,
            "bad_url",
            format_args!("The page's address {reason}: give a whole one, with https:// before it"),
            SOURCE,
        ),
        Ok(parsed) if is_of(parsed.host, &WHATSAPP) => findings.refused.add(
            &pointer,
            "whatsapp_link",
            "A button does not lead into WhatsApp itself: give a page of the business, or use quick replies",
            SOURCE_REVIEW,
        ),
        Ok(parsed) if is_of(parsed.host, &SHORTENERS) => short_link(&pointer, findings),
        _ => {}
    }
    let pointer = format!("{at}/example");
    match (&button.example, variables.is_empty()) {
        (Some(example), false) => findings.refused.text(pointer, example, usize::MAX, SOURCE),
        (None, false) if !context.on_premise => findings.refused.add(
            pointer,
            "required",
            "The review wants to see an example of the address (2388043): give it with the variable filled in",
            SOURCE,
        ),
        (Some(_), true) => findings.advice.add(
            pointer,
            "not_in_template",
            "The address has no variable: leave the example out",
            SOURCE,
        ),
        (None, _) => {}
    }
}

/// Whether it is one of these hosts, or below one.
fn is_of(host: &str, hosts: &[&str]) -> bool {
    let host = host.to_ascii_lowercase();
    hosts.iter().any(|known| {
        host.strip_suffix(known)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Whether a word of a text is a shortened address, with or without `https://` before it.
pub(super) fn is_short_link(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let address = word.split_once("://").map_or(word, |(_, rest)| rest);
    let host = address.split(['/', '?', '#', ':']).next();
    host.is_some_and(|host| is_of(host, &SHORTENERS))
}

fn phone(at: &str, button: &PhoneButton, findings: &mut Findings) {
    let pointer = format!("{at}/phone_number");
    let number = button.phone_number.as_str();
    findings.refused.text(&pointer, number, 20, SOURCE);
    let written = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')');
    if !number.chars().all(written) {
        findings.likely_rejected.add(
            pointer,
            "bad_number",
            "This is no phone number: write country code and number in digits",
            SOURCE,
        );
    }
}

fn copy_code(at: &str, button: &CopyCodeButton, context: &Context<'_>, findings: &mut Findings) {
    if button.text.is_some() {
        findings.advice.add(
            format_args!("{at}/text"),
            "fixed_text",
            "Meta writes this button's text: leave it out",
            SOURCE,
        );
    }
    let pointer = format!("{at}/example");
    match &button.example {
        Some(code) => {
            findings.refused.text(&pointer, code, 15, SOURCE);
            if !code.chars().all(|c| c.is_ascii_alphanumeric()) {
                findings.refused.add(
                    pointer,
                    "bad_code",
                    "A code has letters and digits only: take the rest out",
                    SOURCE,
                );
            }
        }
        None if context.on_premise => {}
        None => findings.refused.add(
            pointer,
            "required",
            "The review wants to see an example of the code: give it",
            SOURCE,
        ),
    }
}

fn flow(at: &str, button: &FlowButton, findings: &mut Findings) {
    match &button.flow {
        Some(TemplateFlow::Id(id)) => {
            let pointer = format_args!("{at}/flow/id");
            findings.refused.text(pointer, id, usize::MAX, SOURCE);
        }
        Some(TemplateFlow::Name(name)) => {
            let pointer = format_args!("{at}/flow/name");
            findings.refused.text(pointer, name, usize::MAX, SOURCE);
        }
        Some(TemplateFlow::Definition(_)) => {}
        None => findings.refused.add(
            format_args!("{at}/flow"),
            "required",
            "Nothing says which flow the button opens: give its id, its name or the flow itself",
            SOURCE,
        ),
    }
    // Meta lists it in capitals.
    let action = button.action.as_ref().map(|action| action.to_lowercase());
    for (member, given, words) in [
        ("action", &action, &["navigate", "data_exchange"][..]),
        ("icon", &button.icon, &["DOCUMENT", "PROMOTION", "REVIEW"]),
    ] {
        if let Some(given) = given
            && !words.contains(&given.as_str())
        {
            findings.refused.add(
                format_args!("{at}/{member}"),
                "bad_value",
                format_args!(
                    "A flow's {member} is not {given}: give one of {}",
                    words.join(", ")
                ),
                SOURCE,
            );
        }
    }
    findings.refused.optional_text(
        format_args!("{at}/screen"),
        button.screen.as_deref(),
        usize::MAX,
        SOURCE,
    );
}

fn call(at: &str, button: &CallTemplateButton, findings: &mut Findings) {
    let length = button.text.chars().count();
    if (21..=25).contains(&length) {
        findings.advice.add(
            format_args!("{at}/text"),
            "long",
            format_args!("On a call button some of Meta's documents have at most 20 characters, and this has {length}: shorten it"),
            SOURCE,
        );
    }
}

fn app(at: &str, button: &AppButton, findings: &mut Findings) {
    let link: Value = serde_json::from_str(&button.link).unwrap_or_default();
    let has = |member: &str| link.get(member).is_some();
    if !has("meta_app_id") || !has("android_deep_link") {
        findings.likely_rejected.add(
            format_args!("{at}/link"),
            "bad_value",
            "A link into an app is an object with meta_app_id and android_deep_link: give both",
            "Marketing Messages API, app deep links",
        );
    }
}
