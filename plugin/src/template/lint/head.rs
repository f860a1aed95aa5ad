//! Name, language, category, time to live, and the vendor's own members.

use serde_json::Value;

use super::{Context, Findings};
use crate::bindings::messaging::channel::templates::{Draft, TemplateCategory};
use crate::bindings::messaging::channel::types::Foreign;

const SOURCE: &str = "Cloud API, templates";
const SOURCE_CATEGORY: &str = "Cloud API, template categorization";
const SOURCE_LANGUAGE: &str = "Cloud API, supported languages of templates";
const SOURCE_TTL: &str = "Cloud API, time-to-live of templates";

/// The languages that Meta lists. It adds to them, so others are possible. (Cloud API, supported languages of templates.)
const LANGUAGES: &str = "af sq ar ar_AE ar_EG ar_LB ar_MA ar_QA ar_SA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da prs_AF nl \
    nl_BE en en_AE en_AU en_CA en_GB en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_US en_ZA et fil fi fr fr_BE fr_CA \
    fr_CH fr_CI fr_MA ka de de_AT de_CH el gu ha he hi hu id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk ms ml mr nb ps_AF fa pl \
    pt_BR pt_PT pa ro ru sr si_LK sk sl es es_AR es_CL es_CO es_CR es_DO es_EC es_ES es_HN es_MX es_PA es_PE es_UY es_VE sw sv \
    ta te th tr uk ur uz vi zu";

/// The categories of old, with today's. (Cloud API, template categorization; 360dialog, WhatsApp API, message templates.)
const OLD_CATEGORIES: [(&str, &str); 13] = [
    ("TRANSACTIONAL", "utility"),
    ("OTP", "authentication"),
    ("ACCOUNT_UPDATE", "utility"),
    ("ALERT_UPDATE", "utility"),
    ("APPOINTMENT_UPDATE", "utility"),
    ("AUTO_REPLY", "utility"),
    ("ISSUE_RESOLUTION", "utility"),
    ("PAYMENT_UPDATE", "utility"),
    ("PERSONAL_FINANCE_UPDATE", "utility"),
    ("RESERVATION_UPDATE", "utility"),
    ("SHIPPING_UPDATE", "utility"),
    ("TICKET_UPDATE", "utility"),
    ("TRANSPORTATION_UPDATE", "utility"),
];

/// Members of the request that Meta knows and the contract does not. (Cloud API, templates; order details templates; template
/// library.)
const KNOWN: [&str; 6] = [
    "cta_url_link_tracking_opted_out",
    "display_format",
    "sub_category",
    LIBRARY,
    "library_template_body_inputs",
    "library_template_button_inputs",
];

/// The name of the template in Meta's library that the new one is made of: its content is there.
const LIBRARY: &str = "library_template_name";

/// Whether the template is made of one in Meta's library. (Cloud API, template library.)
pub(super) fn is_from_library(draft: &Draft) -> bool {
    draft.other.iter().any(|member| member.kind == LIBRARY)
}

pub(super) fn head(context: &Context<'_>, findings: &mut Findings) {
    let draft = context.draft;
    let in_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !(1..=512).contains(&draft.name.len()) || !draft.name.bytes().all(in_name) {
        findings.refused.add(
            "/name",
            "bad_name",
            "This can't be a template's name: give 1 to 512 small letters, digits and underscores",
            SOURCE,
        );
    }
    language(&draft.language, findings);
    category(context, findings);
    if let Some(seconds) = draft.ttl_seconds {
        time_to_live(seconds, &draft.category, findings);
    }
    for (i, member) in draft.other.iter().enumerate() {
        other(&format!("/other/{i}"), member, findings);
    }
}

fn language(language: &str, findings: &mut Findings) {
    if LANGUAGES.split(' ').any(|known| known == language) {
        return;
    }
    if is_language(language) {
        findings.advice.add(
            "/language",
            "unknown_language",
            format_args!("Meta did not list the language {language} when this was written: see whether it does now"),
            SOURCE_LANGUAGE,
        );
    } else {
        findings.refused.add(
            "/language",
            "bad_language",
            "This is no language's code: write it as in de or en_US, with an underscore",
            SOURCE_LANGUAGE,
        );
    }
}

/// As in `en`, `fil` or `pt_BR`.
fn is_language(code: &str) -> bool {
    let (language, region) = match code.split_once('_') {
        Some((language, region)) => (language, Some(region)),
        None => (code, None),
    };
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && region.is_none_or(|region| {
            (2..=4).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_alphabetic())
        })
}

fn category(context: &Context<'_>, findings: &mut Findings) {
    let TemplateCategory::Other(category) = &context.draft.category else {
        return;
    };
    let old = OLD_CATEGORIES
        .iter()
        .find(|(old, _)| category.eq_ignore_ascii_case(old));
    match old {
        Some(_) if context.on_premise => {}
        Some((_, today)) => findings.refused.add(
            "/category",
            "old_category",
            format_args!(
                "The category {category} is no more: give {today}, or marketing where it advertises"
            ),
            SOURCE_CATEGORY,
        ),
        None => findings.refused.add(
            "/category",
            "bad_category",
            format_args!(
                "There is no category {category}: give marketing, utility or authentication"
            ),
            SOURCE_CATEGORY,
        ),
    }
}

fn time_to_live(seconds: i32, category: &TemplateCategory, findings: &mut Findings) {
    let (range, longest) = match category {
        TemplateCategory::Authentication => (30..=900, true),
        TemplateCategory::Utility => (30..=43_200, true),
        TemplateCategory::Marketing => (43_200..=2_592_000, false),
        TemplateCategory::Other(_) => return,
    };
    if range.contains(&seconds) || (longest && seconds == -1) {
        return;
    }
    let or = if longest { ", or -1 for 30 days" } else { "" };
    findings.refused.add(
        "/ttl_seconds",
        "out_of_range",
        format_args!(
            "In this category Meta tries for {} to {} seconds: give so many{or}",
            range.start(),
            range.end()
        ),
        SOURCE_TTL,
    );
}

fn other(at: &str, member: &Foreign, findings: &mut Findings) {
    let kind = member.kind.as_str();
    let pointer = format!("{at}/kind");
    if kind == "allow_category_change" {
        findings.not_allowed(
            pointer,
            "Meta took allow_category_change away on 2025-04-09: leave it out; a template gets the category that Meta finds right",
            SOURCE_CATEGORY,
        );
    } else if !KNOWN.contains(&kind) {
        findings.advice.add(
            pointer,
            "unknown",
            format_args!("Nothing is known here of the member {kind}, so it was not checked: compare it with Meta's documents"),
            SOURCE,
        );
    } else if kind == LIBRARY && !names(member.json.as_deref()) {
        findings.refused.add(
            format_args!("{at}/json"),
            "bad_value",
            "The template in Meta's library is called by a text: give its name",
            "Cloud API, template library",
        );
    }
}

fn names(json: Option<&str>) -> bool {
    json.and_then(|json| serde_json::from_str::<Value>(json).ok())
        .as_ref()
        .and_then(Value::as_str)
        .is_some_and(|name| !name.trim().is_empty())
}
