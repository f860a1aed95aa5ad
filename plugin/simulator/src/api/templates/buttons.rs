//! Checks of buttons and carousels (Cloud API, template components: buttons; media card carousel templates).

use serde_json::Value;

use super::check::{is_filled, kind, short, variables};
use super::draft::Draft;
use super::flaw::{Checked, Flaw, insist, require, subcode};

/// How many buttons there can be.
const MOST: usize = 10;

/// How many there can be of a type. That one `REQUEST_CONTACT_INFO` is the most is assumed.
const MOST_OF: [(&str, usize); 13] = [
    ("QUICK_REPLY", 10),
    ("URL", 2),
    ("PHONE_NUMBER", 1),
    ("COPY_CODE", 1),
    ("FLOW", 1),
    ("VOICE_CALL", 1),
    ("CATALOG", 1),
    ("MPM", 1),
    ("SPM", 1),
    ("OTP", 1),
    ("ORDER_DETAILS", 1),
    ("REQUEST_CONTACT_INFO", 1),
    ("APP", 1),
];

/// The types whose label is the business's to write.
const LABELLED: [&str; 4] = ["QUICK_REPLY", "URL", "PHONE_NUMBER", "FLOW"];

/// The buttons of a template or a card.
pub(super) fn buttons(draft: &Draft, component: &Value) -> Checked {
    let buttons = component["buttons"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    insist(!buttons.is_empty(), || {
        "BUTTONS needs a list of buttons".to_owned()
    })?;
    require(buttons.len() <= MOST, subcode::TOO_MANY_BUTTONS, || {
        format!("there can be {MOST} buttons")
    })?;
    let kinds: Vec<_> = buttons.iter().map(kind).collect();
    for kind in &kinds {
        let known = MOST_OF.iter().find(|(it, _)| it == kind);
        let (_, most) = known.ok_or_else(|| Flaw::new(format!("{kind} is no type of button")))?;
        let count = kinds.iter().filter(|it| *it == kind).count();
        require(count <= *most, subcode::TOO_MANY_BUTTONS, || {
            format!("there can be {most} of type {kind}")
        })?;
    }
    let replies: Vec<_> = kinds.iter().map(|kind| kind == "QUICK_REPLY").collect();
    let turns = replies.windows(2).filter(|pair| pair[0] != pair[1]).count();
    insist(turns <= 1, || {
        "quick replies must stand together, before or after the other buttons".to_owned()
    })?;
    let labels: Vec<_> = buttons
        .iter()
        .filter_map(|it| it["text"].as_str())
        .collect();
    for (index, label) in labels.iter().enumerate() {
        // WhatsApp Manager's own check.
        insist(!labels[..index].contains(label), || {
            format!("two buttons are labelled {label}")
        })?;
    }
    buttons
        .iter()
        .zip(&kinds)
        .try_for_each(|(it, kind)| button(draft, it, kind))
}

fn button(draft: &Draft, button: &Value, kind: &str) -> Checked {
    let label = button["text"].as_str().unwrap_or_default();
    insist(!label.is_empty() || !LABELLED.contains(&kind), || {
        format!("a {kind} button needs a text")
    })?;
    short("the text of a button", label, 25)?;
    insist(variables(label).is_empty(), || {
        "the text of a button has no variables".to_owned()
    })?;
    let example = button["example"].get(0).unwrap_or(&button["example"]);
    let example_is_given = || {
        draft.exemplified(is_filled(example), || {
            format!("the {kind} button needs an example")
        })
    };
    match kind {
        "URL" => {
            let url = button["url"].as_str().unwrap_or_default();
            insist(!url.is_empty(), || "a URL button needs a url".to_owned())?;
            short("the url of a button", url, 2000)?;
            match variables(url).len() {
                0 => Ok(()),
                1 if url.ends_with("}}") => example_is_given(),
                _ => Err(Flaw::known(
                    subcode::VARIABLE,
                    "a url has one variable, at its end",
                )),
            }
        }
        "PHONE_NUMBER" => {
            let number = button["phone_number"].as_str().unwrap_or_default();
            insist(!number.is_empty(), || {
                "a PHONE_NUMBER button needs a phone_number".to_owned()
            })?;
            short("the phone_number of a button", number, 20)
        }
        "COPY_CODE" => {
            example_is_given()?;
            let code = example.as_str().unwrap_or_default();
            short("the example of a COPY_CODE button", code, 15)?;
            insist(code.bytes().all(|it| it.is_ascii_alphanumeric()), || {
                "a code has letters and digits only".to_owned()
            })
        }
        "OTP" => insist(draft.is("AUTHENTICATION"), || {
            "OTP buttons are for AUTHENTICATION only".to_owned()
        }),
        "FLOW" => {
            let names = ["flow_id", "flow_name", "flow_json"];
            let named = names.iter().any(|name| button.get(*name).is_some());
            insist(named, || {
                "a FLOW button needs a flow_id, a flow_name or a flow_json".to_owned()
            })
        }
        _ => Ok(()),
    }
}

/// The cards of a carousel.
pub(super) fn carousel(draft: &Draft, component: &Value) -> Checked {
    let cards = component["cards"].as_array().map_or(&[][..], Vec::as_slice);
    insist((2..=10).contains(&cards.len()), || {
        "a CAROUSEL has 2 to 10 cards".to_owned()
    })?;
    let kinds_of = |card: &Value| {
        let components = card["components"].as_array().into_iter().flatten();
        components.map(kind).collect::<Vec<_>>()
    };
    for card in cards {
        insist(kinds_of(card) == kinds_of(&cards[0]), || {
            "all cards of a CAROUSEL have the same components".to_owned()
        })?;
        let kinds = kinds_of(card);
        let has = |kind: &str| kinds.iter().any(|it| it == kind);
        insist(has("HEADER") && has("BUTTONS"), || {
            "a card has a HEADER and BUTTONS".to_owned()
        })?;
        for component in card["components"].as_array().into_iter().flatten() {
            match kind(component).as_str() {
                "HEADER" => header(draft, component)?,
                "BODY" => draft.body(component, 160)?,
                "BUTTONS" => {
                    let count = component["buttons"].as_array().map_or(0, Vec::len);
                    insist((1..=2).contains(&count), || {
                        "a card has 1 or 2 buttons".to_owned()
                    })?;
                    buttons(draft, component)?;
                }
                other => return Err(Flaw::new(format!("a card has no {other}"))),
            }
        }
    }
    Ok(())
}

/// The header of a card (product card carousel templates have a PRODUCT).
fn header(draft: &Draft, component: &Value) -> Checked {
    let handle = &component["example"]["header_handle"];
    let handle = handle.get(0).unwrap_or(handle);
    match component["format"].as_str() {
        Some("IMAGE" | "VIDEO") => draft.exemplified(is_filled(handle), || {
            "the HEADER of a card needs an example: header_handle".to_owned()
        }),
        Some("PRODUCT") => Ok(()),
        _ => Err(Flaw::known(
            subcode::HEADER,
            "the HEADER of a card is an IMAGE, a VIDEO or a PRODUCT",
        )),
    }
}
