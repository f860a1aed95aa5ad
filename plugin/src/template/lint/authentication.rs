//! Codes to sign in with: Meta writes their text.

use super::buttons::buttons;
use super::text::label;
use super::{Context, Findings};
use crate::bindings::messaging::channel::templates::{
    CodeApp, OneTimeCodeButton, OneTimeCodeKind, TemplateButton, TemplateContent,
};

pub(super) const SOURCE: &str = "Cloud API, authentication templates";

/// All that such a template is made of.
pub(super) fn content(content: &TemplateContent, context: &Context<'_>, findings: &mut Findings) {
    if content.header.is_some() {
        findings.not_allowed(
            "/content/header",
            "A template for sign-in codes has no header: take it out",
            SOURCE,
        );
    }
    match &content.body {
        Some(body) if body.text.is_some() => findings.not_allowed(
            "/content/body/text",
            "Meta writes the text of sign-in codes: leave it out",
            SOURCE,
        ),
        Some(_) => {}
        None if super::head::is_from_library(context.draft) => {}
        None => super::required_body("/content/body", findings),
    }
    if let Some(footer) = &content.footer {
        if footer.text.is_some() {
            findings.not_allowed(
                "/content/footer/text",
                "Meta writes what stands below a sign-in code: leave the text out; code_expiration_minutes may be given",
                SOURCE,
            );
        }
        match footer.code_expiration_minutes {
            Some(1..=90) => {}
            Some(minutes) => findings.refused.add(
                "/content/footer/code_expiration_minutes",
                "out_of_range",
                format_args!("A code can't expire after {minutes} minutes: give 1 to 90"),
                SOURCE,
            ),
            None if footer.text.is_some() => {}
            None => findings.refused.add(
                "/content/footer/code_expiration_minutes",
                "required",
                "The footer says after how many minutes the code expires: give them, or leave the footer out",
                SOURCE,
            ),
        }
    }
    let is_code = |button: &TemplateButton| matches!(button, TemplateButton::OneTimeCode(_));
    for (i, _) in content
        .buttons
        .iter()
        .enumerate()
        .filter(|(_, button)| !is_code(button))
    {
        findings.not_allowed(
            format_args!("/content/buttons/{i}"),
            "A template for sign-in codes has no other button than the code's: take it out",
            SOURCE,
        );
    }
    if !content.buttons.iter().any(is_code) && !super::head::is_from_library(context.draft) {
        findings.refused.add(
            "/content/buttons",
            "required",
            "A template for sign-in codes has a button that hands over the code: give one of type one_time_code",
            SOURCE,
        );
    }
    buttons("/content/buttons", &content.buttons, context, findings);
}

/// A button that hands over a code.
pub(super) fn button(at: &str, button: &OneTimeCodeButton, findings: &mut Findings) {
    let takes_apps = match &button.kind {
        OneTimeCodeKind::CopyCode => false,
        OneTimeCodeKind::OneTap | OneTimeCodeKind::ZeroTap => true,
        OneTimeCodeKind::Other(kind) => {
            findings.refused.add(
                format_args!("{at}/kind"),
                "bad_value",
                format_args!(
                    "A code can't be handed over by {kind}: give copy_code, one_tap or zero_tap"
                ),
                SOURCE,
            );
            false
        }
    };
    if let Some(text) = &button.autofill_text {
        label(&format!("{at}/autofill_text"), text, findings);
    }
    if takes_apps && !(1..=5).contains(&button.apps.len()) {
        findings.refused.add(
            format_args!("{at}/apps"),
            "wrong_count",
            format_args!(
                "The number of apps that may take the code is {}: give 1 to 5",
                button.apps.len()
            ),
            SOURCE,
        );
    }
    for (i, app) in button.apps.iter().enumerate() {
        let at = format!("{at}/apps/{i}");
        self::app(&at, app, findings);
        if button.apps[..i].contains(app) {
            findings.refused.add(
                at,
                "not_unique",
                "Another app has the same package and hash: leave one out",
                SOURCE,
            );
        }
    }
    if button.kind == OneTimeCodeKind::ZeroTap && button.zero_tap_terms_accepted != Some(true) {
        findings.refused.add(
            format_args!("{at}/zero_tap_terms_accepted"),
            "required",
            "Codes without a tap need Meta's terms for them accepted: read them, and give true",
            SOURCE,
        );
    }
}

fn app(at: &str, app: &CodeApp, findings: &mut Findings) {
    let name = app.package_name.as_str();
    if name.chars().count() > 224
        || !name.contains('.')
        || name.split('.').any(|part| part.trim().is_empty())
    {
        findings.refused.add(
            format_args!("{at}/package_name"),
            "bad_package",
            "This is no app's package: give 2 or more parts with dots between them, such as com.example.app, in 224 characters at most",
            SOURCE,
        );
    }
    let hash = app.signature_hash.as_bytes();
    let in_hash = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    if hash.len() != 11 || !hash.iter().all(in_hash) {
        findings.refused.add(
            format_args!("{at}/signature_hash"),
            "bad_hash",
            "This is no hash of an app's signature: give its 11 characters of letters, digits, +, / and =",
            SOURCE,
        );
    }
}
