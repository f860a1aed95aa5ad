//! What Meta will refuse of a draft, or its review reject, and what would be better.
//!
//! What Meta's documents, and its own editor, state plainly is refused. Where they are vague, or others have measured what Meta
//! does not tell, rejection is likely. It reads the draft alone: nothing is asked of the vendor, and nothing else in this crate
//! asks here but what submits.

use std::fmt::Display;

use serde_json::Value;

use super::draft::{BAD_COMPONENTS, pointer, settled};
use crate::api;
use crate::bindings::messaging::channel::templates::{
    Draft, Finding, ParameterFormat, Severity, TemplateBody, TemplateCategory, TemplateContent,
    TemplateFooter, TemplateHeader,
};
use crate::bindings::messaging::channel::types::Foreign;
use crate::problem::Problems;
use crate::settings::{Api, Settings};

mod authentication;
mod buttons;
mod carousel;
mod head;
mod text;

const SOURCE: &str = "Cloud API, template components";
const SOURCE_CALL: &str = "Cloud API, call permission request templates";
const SOURCE_OFFER: &str = "Cloud API, limited-time offer templates";

/// The longest body; beside an offer; and the one that some providers report as the longest. (Cloud API, template components;
/// limited-time offer templates; Bird, WhatsApp templates.)
const BODY_LIMIT: usize = 1024;
const OFFER_BODY_LIMIT: usize = 600;

/// The components that have a member of their own in the contract, by Meta's word for them.
const TYPED: [(&str, &str); 7] = [
    ("BODY", "body"),
    ("BUTTONS", "buttons"),
    ("CALL_PERMISSION_REQUEST", "call_permission_request"),
    ("CAROUSEL", "carousel"),
    ("FOOTER", "footer"),
    ("HEADER", "header"),
    ("LIMITED_TIME_OFFER", "offer"),
];

/// Everything that can be said of a draft, by the rules of the settings' API; without settings, of the Cloud API.
///
/// The on-premise API has the old categories, and takes variables at the edges, between few words and without examples. (360dialog,
/// WhatsApp API, message templates: what it lists as approved.)
#[must_use]
pub fn lint(settings: Option<&str>, draft: &Draft) -> Vec<Finding> {
    let settings = settings.and_then(|settings| Settings::parse(settings).ok());
    lint_for(
        settings.map_or(Api::Cloud, |settings| settings.api()),
        draft,
    )
}

/// The same for an API.
pub(super) fn lint_for(api: Api, draft: &Draft) -> Vec<Finding> {
    let mut problems = Problems::default();
    let settled = settled(draft, &mut problems);
    let problems = problems.into_vec();
    let mut findings = Findings::default();
    let context = Context {
        draft: &settled,
        on_premise: api == Api::OnPremise,
    };
    head::head(&context, &mut findings);
    // Of what can't be read nothing is known, not that something is missing.
    if problems
        .iter()
        .all(|problem| problem.code != BAD_COMPONENTS)
    {
        content(&settled.content, &context, &mut findings);
    }
    let mut found = findings.into_vec();
    for finding in &mut found {
        finding.problem.pointer = pointer(&finding.problem.pointer, draft);
    }
    // What is wrong with its form is told of it as it came.
    let of_form = problems.into_iter().map(|problem| Finding {
        severity: Severity::Refused,
        problem,
    });
    of_form.chain(found).collect()
}

/// What was found so far.
#[derive(Default)]
struct Findings {
    refused: Problems,
    likely_rejected: Problems,
    advice: Problems,
}

impl Findings {
    /// What does not belong here.
    fn not_allowed(&mut self, pointer: impl Display, message: impl Display, source: &str) {
        self.refused.add(pointer, "not_allowed", message, source);
    }

    fn into_vec(self) -> Vec<Finding> {
        [
            (Severity::Refused, self.refused),
            (Severity::LikelyRejected, self.likely_rejected),
            (Severity::Advice, self.advice),
        ]
        .into_iter()
        .flat_map(|(severity, problems)| {
            let finding = move |problem| Finding { severity, problem };
            problems.into_vec().into_iter().map(finding)
        })
        .collect()
    }
}

/// What a check of a part has to know of the whole.
struct Context<'a> {
    draft: &'a Draft,
    on_premise: bool,
}

impl Context<'_> {
    fn named(&self) -> bool {
        self.draft.content.parameter_format == Some(ParameterFormat::Named)
    }

    fn is_authentication(&self) -> bool {
        self.draft.category == TemplateCategory::Authentication
    }

    /// Adds that a part needs another category. What an old category may have is not known.
    fn only_in(
        &self,
        pointer: &str,
        categories: &[TemplateCategory],
        message: &str,
        source: &str,
        findings: &mut Findings,
    ) {
        let category = &self.draft.category;
        if !matches!(category, TemplateCategory::Other(_)) && !categories.contains(category) {
            findings
                .refused
                .add(pointer, "wrong_category", message, source);
        }
    }
}

fn content(content: &TemplateContent, context: &Context<'_>, findings: &mut Findings) {
    const MARKETING: [TemplateCategory; 1] = [TemplateCategory::Marketing];
    if context.is_authentication() {
        authentication::content(content, context, findings);
    } else {
        if let Some(header) = &content.header {
            self::header("/content/header", header, context, findings);
        }
        let limit = if content.offer.is_some() {
            OFFER_BODY_LIMIT
        } else {
            BODY_LIMIT
        };
        match &content.body {
            Some(body) => self::body("/content/body", body, limit, context, findings),
            None if head::is_from_library(context.draft) => {}
            None => required_body("/content/body", findings),
        }
        if let Some(footer) = &content.footer {
            self::footer(footer, context, findings);
        }
        buttons::buttons("/content/buttons", &content.buttons, context, findings);
        buttons::shown(content, findings);
    }
    if !content.carousel.is_empty() {
        context.only_in(
            "/content/carousel",
            &MARKETING,
            "A carousel is for the category marketing only: change the category, or take the cards out",
            carousel::SOURCE,
            findings,
        );
        carousel::carousel(content, context, findings);
    }
    if content.offer.is_some() {
        context.only_in(
            "/content/offer",
            &MARKETING,
            "An offer that ends is for the category marketing only: change the category, or take the offer out",
            SOURCE_OFFER,
            findings,
        );
        offer(content, findings);
    }
    if content.call_permission_request {
        context.only_in(
            "/content/call_permission_request",
            &[TemplateCategory::Marketing, TemplateCategory::Utility],
            "A request to call is for the categories marketing and utility only: change the category, or leave it out",
            SOURCE_CALL,
            findings,
        );
    }
    for (i, component) in content.other.iter().enumerate() {
        let kind = component.kind.to_uppercase();
        let is_there = match kind.as_str() {
            "HEADER" => content.header.is_some(),
            "BODY" => content.body.is_some(),
            "FOOTER" => content.footer.is_some(),
            _ => false,
        };
        if is_there {
            findings.refused.add(
                format_args!("/content/other/{i}/kind"),
                "twice",
                format_args!("There are two components of type {kind}: leave one of them out"),
                SOURCE,
            );
            continue;
        }
        foreign(
            &format!("/content/other/{i}/kind"),
            component,
            &TYPED,
            "component",
            findings,
        );
    }
}

/// What the contract has no type for goes out as it is.
fn foreign(
    pointer: &str,
    foreign: &Foreign,
    typed: &[(&str, &str)],
    what: &str,
    findings: &mut Findings,
) {
    let kind = &foreign.kind;
    match typed
        .iter()
        .find(|(word, _)| kind.eq_ignore_ascii_case(word))
    {
        Some((_, name)) => findings.not_allowed(
            pointer,
            format_args!("This {what} goes by a name of its own, which is checked: give it as {name}"),
            SOURCE,
        ),
        None => findings.advice.add(
            pointer,
            "unknown",
            format_args!("Nothing is known here of the {what} {kind}, so it was not checked: compare it with Meta's documents"),
            SOURCE,
        ),
    }
}

fn header(at: &str, header: &TemplateHeader, context: &Context<'_>, findings: &mut Findings) {
    let example = match header {
        TemplateHeader::Text(text) => return text::header(at, text, context, findings),
        TemplateHeader::Image(example)
        | TemplateHeader::Video(example)
        | TemplateHeader::Document(example) => example,
        TemplateHeader::Gif(example) => {
            findings.advice.add(
                at,
                "unsupported",
                "This version sends no animation above a template, only Meta's marketing API does: take a film or picture",
                SOURCE,
            );
            example
        }
        TemplateHeader::Location | TemplateHeader::Product => return,
        TemplateHeader::Other(format) => {
            let typed = [
                ("TEXT", "text"),
                ("IMAGE", "image"),
                ("VIDEO", "video"),
                ("GIF", "gif"),
                ("DOCUMENT", "document"),
                ("LOCATION", "location"),
                ("PRODUCT", "product"),
            ];
            return other_header(at, format, &typed, findings);
        }
    };
    media_example(
        &format!("{at}/example"),
        example.as_deref(),
        context,
        findings,
    );
}

/// A header of text that has none, or of a format that Meta does not have.
fn other_header(at: &str, header: &Foreign, typed: &[(&str, &str)], findings: &mut Findings) {
    let kind = header.kind.as_str();
    let json = header.json.as_deref().unwrap_or_default();
    let json: Value = serde_json::from_str(json).unwrap_or_default();
    if (kind.is_empty() || kind.eq_ignore_ascii_case("TEXT"))
        && api::text(json.get("text")).is_none()
    {
        findings.refused.add(
            format_args!("{at}/text"),
            "required",
            "There is a header without a text: give the text, or leave the header out",
            SOURCE,
        );
    } else if typed
        .iter()
        .any(|(word, _)| kind.eq_ignore_ascii_case(word))
    {
        foreign(&format!("{at}/kind"), header, typed, "header", findings);
    } else {
        let formats: Vec<_> = typed.iter().map(|(_, name)| *name).collect();
        findings.refused.add(
            format_args!("{at}/kind"),
            "bad_header",
            format_args!(
                "Meta has no header of the format {kind}: give one of {}",
                formats.join(", ")
            ),
            SOURCE,
        );
    }
}

fn media_example(
    pointer: &str,
    example: Option<&str>,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    match example {
        Some(example) => findings.refused.text(pointer, example, usize::MAX, SOURCE),
        None if context.on_premise => {}
        None => findings.refused.add(
            pointer,
            "required",
            "The review wants to see an example of the file above: upload one, and give its handle",
            SOURCE,
        ),
    }
}

fn required_body(pointer: &str, findings: &mut Findings) {
    findings.refused.add(
        pointer,
        "required",
        "A template has a body: give its text",
        SOURCE,
    );
}

fn body(
    at: &str,
    body: &TemplateBody,
    limit: usize,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    if body.security_recommendation.is_some() {
        context.only_in(
            &format!("{at}/security_recommendation"),
            &[TemplateCategory::Authentication],
            "Meta's advice not to share the code is for the category authentication only: leave it out",
            authentication::SOURCE,
            findings,
        );
    }
    match &body.text {
        Some(text) => text::body(&format!("{at}/text"), text, limit, context, findings),
        // What an old category of sign-in codes may leave to Meta is not known.
        None if matches!(context.draft.category, TemplateCategory::Other(_)) => {}
        None if head::is_from_library(context.draft) => {}
        None => required_body(&format!("{at}/text"), findings),
    }
}

fn footer(footer: &TemplateFooter, context: &Context<'_>, findings: &mut Findings) {
    if footer.code_expiration_minutes.is_some() {
        context.only_in(
            "/content/footer/code_expiration_minutes",
            &[TemplateCategory::Authentication],
            "Codes that expire are for the category authentication only: leave the minutes out",
            authentication::SOURCE,
            findings,
        );
    }
    match &footer.text {
        Some(text) => text::footer(text, findings),
        None if footer.code_expiration_minutes.is_some() => {}
        None => findings.refused.add(
            "/content/footer/text",
            "required",
            "There is a footer without a text: give the text, or leave the footer out",
            SOURCE,
        ),
    }
}

fn offer(content: &TemplateContent, findings: &mut Findings) {
    const SOURCE: &str = SOURCE_OFFER;
    if let Some(offer) = &content.offer {
        findings
            .refused
            .text("/content/offer/text", &offer.text, 16, SOURCE);
    }
    if content.footer.is_some() {
        findings.not_allowed(
            "/content/footer",
            "A template with an offer that ends has no footer: take it out",
            SOURCE,
        );
    }
    match content.header {
        None | Some(TemplateHeader::Image(_) | TemplateHeader::Video(_)) => {}
        Some(_) => findings.refused.add(
            "/content/header",
            "bad_header",
            "Above an offer that ends is a picture or a film: give one of them, or no header",
            SOURCE,
        ),
    }
}
