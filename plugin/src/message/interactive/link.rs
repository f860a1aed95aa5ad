//! A button that opens a web page, and one that opens a flow.

use super::{BODY_LIMIT, BUTTON_LIMIT, Headers, header, interactive, page, texts};
use crate::bindings::messaging::channel::outbound::{Flow, FlowReference, LinkButton};
use crate::emoji::is_emoji;
use crate::message::json::filled_object;
use crate::message::wire::{self, Action, Content, FlowStart, Parameters};
use crate::problem::Problems;

const SOURCE_LINK: &str = "Cloud API, interactive call-to-action URL button messages";
const SOURCE_FLOW: &str = "Cloud API, flows, sending a flow";

pub(in crate::message) fn link_button<'a>(
    link: &'a LinkButton,
    problems: &mut Problems,
) -> Content<'a> {
    const SOURCE: &str = SOURCE_LINK;
    let footer = link.footer.as_deref();
    texts(&link.body, BODY_LIMIT, footer, SOURCE, problems);
    problems.text("/content/title", &link.title, BUTTON_LIMIT, SOURCE);
    page("/content/url", &link.url, SOURCE, problems);
    let header = link.header.as_ref().and_then(|given| {
        header(
            "/content/header",
            given,
            Headers::TextOrMedia,
            SOURCE,
            problems,
        )
    });
    let action = Action::link(&link.title, &link.url);
    interactive("cta_url", header, Some(&link.body), footer, action)
}

pub(in crate::message) fn flow<'a>(flow: &'a Flow, problems: &mut Problems) -> Content<'a> {
    const SOURCE: &str = SOURCE_FLOW;
    let footer = flow.footer.as_deref();
    texts(&flow.body, BODY_LIMIT, footer, SOURCE, problems);
    // An older page of Meta's has 30; 20 is taken by both.
    problems.text("/content/title", &flow.title, BUTTON_LIMIT, SOURCE);
    if flow.title.chars().any(is_emoji) {
        problems.add(
            "/content/title",
            "bad_title",
            "There is an emoji on the button of a flow: take it off",
            SOURCE,
        );
    }
    let (flow_id, flow_name) = match &flow.flow {
        FlowReference::Id(id) => {
            problems.text("/content/flow/id", id, usize::MAX, SOURCE);
            (Some(id.as_str()), None)
        }
        FlowReference::Name(name) => {
            problems.text("/content/flow/name", name, usize::MAX, SOURCE);
            (None, Some(name.as_str()))
        }
    };
    for (pointer, text) in [
        ("/content/token", &flow.token),
        ("/content/screen", &flow.screen),
    ] {
        problems.optional_text(pointer, text.as_deref(), usize::MAX, SOURCE);
    }
    let action = flow.action.as_deref();
    if !matches!(action, None | Some("navigate" | "data_exchange")) {
        problems.add(
            "/content/action",
            "bad_choice",
            "A flow begins with navigate or data_exchange: give one of them, or leave it out for navigate",
            SOURCE,
        );
    }
    let data = flow
        .screen_data
        .as_deref()
        .and_then(|data| filled_object("/content/screen_data", data, SOURCE, problems));
    if flow.screen_data.is_some() && flow.screen.is_none() {
        problems.add(
            "/content/screen",
            "required",
            "The data is for the first screen: name it, or leave screen_data out",
            SOURCE,
        );
    }
    let header = flow.header.as_ref().and_then(|given| {
        header(
            "/content/header",
            given,
            Headers::TextOrMedia,
            SOURCE,
            problems,
        )
    });
    let parameters = Parameters::Flow(wire::Flow {
        flow_message_version: "3",
        flow_id,
        flow_name,
        flow_cta: &flow.title,
        flow_token: flow.token.as_deref(),
        flow_action: action,
        flow_action_payload: flow
            .screen
            .as_deref()
            .map(|screen| FlowStart { screen, data }),
        mode: flow
            .draft
            .map(|draft| if draft { "draft" } else { "published" }),
    });
    let action = Action::Named {
        name: "flow",
        parameters: Some(parameters),
    };
    interactive("flow", header, Some(&flow.body), footer, action)
}
