//! Questions that the vendor's own button asks, and a button that calls the business.

use super::{BODY_LIMIT, BUTTON_LIMIT, LINE_LIMIT, interactive, texts};
use crate::bindings::messaging::channel::outbound::{AddressRequest, CallButton, Prompt};
use crate::message::json::strings;
use crate::message::wire::{Action, AddressForm, Content, Parameters, SavedAddress};
use crate::problem::Problems;

const SOURCE_LOCATION: &str = "Cloud API, interactive location request messages";
const SOURCE_PERMISSION: &str = "Cloud API, call permission request messages";
const SOURCE_CONTACT: &str = "Cloud API, business-scoped user ids, requesting contact information";
const SOURCE_ADDRESS: &str = "Cloud API, interactive address messages";
const SOURCE_CALL: &str = "Cloud API, call button messages and deep links";

/// That the text is required is not said in so many words; with it the message is taken in any case.
pub(in crate::message) fn location_request<'a>(
    prompt: &'a Prompt,
    problems: &mut Problems,
) -> Content<'a> {
    let body = prompt.body.as_deref().unwrap_or_default();
    let footer = prompt.footer.as_deref();
    texts(body, BODY_LIMIT, footer, SOURCE_LOCATION, problems);
    let action = Action::Named {
        name: "send_location",
        parameters: None,
    };
    interactive("location_request_message", None, Some(body), footer, action)
}

/// How often a person may be asked (once a day, twice a week) is Meta's to count: it answers 138009.
pub(in crate::message) fn call_permission_request<'a>(
    prompt: &'a Prompt,
    problems: &mut Problems,
) -> Content<'a> {
    const KIND: &str = "call_permission_request";
    let (body, footer) = (prompt.body.as_deref(), prompt.footer.as_deref());
    problems.optional_text("/content/body", body, BODY_LIMIT, SOURCE_PERMISSION);
    problems.optional_text("/content/footer", footer, LINE_LIMIT, SOURCE_PERMISSION);
    let action = Action::Named {
        name: KIND,
        parameters: None,
    };
    interactive(KIND, None, body, footer, action)
}

pub(in crate::message) fn contact_request<'a>(
    prompt: &'a Prompt,
    problems: &mut Problems,
) -> Content<'a> {
    const KIND: &str = "request_contact_info";
    let body = prompt.body.as_deref().unwrap_or_default();
    let footer = prompt.footer.as_deref();
    texts(body, BODY_LIMIT, footer, SOURCE_CONTACT, problems);
    let action = Action::Named {
        name: KIND,
        parameters: None,
    };
    interactive(KIND, None, Some(body), footer, action)
}

pub(in crate::message) fn address_request<'a>(
    request: &'a AddressRequest,
    problems: &mut Problems,
) -> Content<'a> {
    const KIND: &str = "address_message";
    const SOURCE: &str = SOURCE_ADDRESS;
    let footer = request.footer.as_deref();
    texts(&request.body, BODY_LIMIT, footer, SOURCE, problems);
    if request.country != "IN" {
        problems.add(
            "/content/country",
            "bad_country",
            "WhatsApp asks for addresses in India only: give IN, or ask in a text or flow",
            SOURCE,
        );
    }
    let values = request
        .values
        .as_deref()
        .and_then(|json| address("/content/values", json, problems));
    let validation_errors = request
        .validation_errors
        .as_deref()
        .and_then(|json| strings("/content/validation_errors", json, SOURCE, problems))
        .map(|(object, _)| object);
    let mut saved_addresses = Vec::with_capacity(request.saved_addresses.len());
    for (i, saved) in request.saved_addresses.iter().enumerate() {
        let at = format!("/content/saved_addresses/{i}");
        problems.text(format_args!("{at}/id"), &saved.id, usize::MAX, SOURCE);
        saved_addresses.push(SavedAddress {
            id: &saved.id,
            value: address(&format!("{at}/value"), &saved.value, problems),
        });
    }
    let action = Action::Named {
        name: KIND,
        parameters: Some(Parameters::Address(AddressForm {
            country: &request.country,
            values,
            saved_addresses,
            validation_errors,
        })),
    };
    interactive(KIND, None, Some(&request.body), footer, action)
}

/// An Indian address.
fn address<'a>(
    pointer: &str,
    json: &'a str,
    problems: &mut Problems,
) -> Option<&'a serde_json::value::RawValue> {
    let (object, members) = strings(pointer, json, SOURCE_ADDRESS, problems)?;
    let pin = members.get("in_pin_code").and_then(|pin| pin.as_str());
    if pin.is_some_and(|pin| pin.chars().count() > 6) {
        problems.add(
            format_args!("{pointer}/in_pin_code"),
            "too_long",
            "An Indian PIN code has at most 6 characters: correct it",
            SOURCE_ADDRESS,
        );
    }
    Some(object)
}

pub(in crate::message) fn call_button<'a>(
    call: &'a CallButton,
    problems: &mut Problems,
) -> Content<'a> {
    const KIND: &str = "voice_call";
    const SOURCE: &str = SOURCE_CALL;
    let footer = call.footer.as_deref();
    texts(&call.body, BODY_LIMIT, footer, SOURCE, problems);
    let (display_text, payload) = (call.title.as_deref(), call.payload.as_deref());
    problems.optional_text("/content/title", display_text, BUTTON_LIMIT, SOURCE);
    call_limits("/content", call.ttl_minutes, payload, problems);
    let parameters = Parameters::Call {
        display_text,
        ttl_minutes: call.ttl_minutes,
        payload,
    };
    let empty = display_text.is_none() && payload.is_none() && call.ttl_minutes.is_none();
    let action = Action::Named {
        name: KIND,
        parameters: (!empty).then_some(parameters),
    };
    interactive(KIND, None, Some(&call.body), footer, action)
}

/// For how many minutes a call button works, and what comes back with the call.
pub(in crate::message) fn call_limits(
    at: &str,
    ttl_minutes: Option<u32>,
    payload: Option<&str>,
    problems: &mut Problems,
) {
    const SOURCE: &str = SOURCE_CALL;
    problems.optional_text(format_args!("{at}/payload"), payload, 512, SOURCE);
    if ttl_minutes.is_some_and(|minutes| !(1..=43_200).contains(&minutes)) {
        problems.add(
            format_args!("{at}/ttl_minutes"),
            "out_of_range",
            "A call button works for 1 to 43200 minutes (30 days): give so many, or leave it out for a week",
            SOURCE,
        );
    }
}
