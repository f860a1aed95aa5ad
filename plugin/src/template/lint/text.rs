//! Texts and the variables in them.

use std::fmt::Display;
use std::iter::once;

use unicode_segmentation::UnicodeSegmentation as _;

use super::super::variables::{Mark, braced};
use super::buttons::is_short_link;
use super::{BODY_LIMIT, Context, Findings, SOURCE};
use crate::bindings::messaging::channel::templates::{TemplateCategory, TemplateText};
use crate::emoji::is_emoji;

const SOURCE_VARIABLES: &str = "Cloud API, templates, parameter formats";
const SOURCE_REVIEW: &str = "Cloud API, template review";
const SOURCE_MANAGER: &str = "WhatsApp Manager, check of templates";
const SOURCE_ERRORS: &str = "Cloud API, error codes of template management";

/// Some providers report that longer bodies of marketing and utility are refused. (Bird, WhatsApp templates.)
const BODY_ADVICE: usize = 550;

/// The longest name of a variable. (WhatsApp Manager.)
const VARIABLE_LIMIT: usize = 32;

/// The languages that are written without a space between words.
const UNSPACED: [&str; 4] = ["ja", "lo", "th", "zh"];

/// What stands before, between and after the variables: always one piece more than there are variables.
fn around<'a>(text: &'a str, variables: &[Mark<'_>]) -> Vec<&'a str> {
    let starts = once(0).chain(variables.iter().map(|variable| variable.range.end));
    let ends = variables.iter().map(|variable| variable.range.start);
    starts
        .zip(ends.chain(once(text.len())))
        .map(|(start, end)| &text[start..end])
        .collect()
}

fn is_number(name: &str) -> bool {
    !name.starts_with('0') && !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

fn is_name(name: &str) -> bool {
    (1..=VARIABLE_LIMIT).contains(&name.len())
        && !name.bytes().all(|b| b.is_ascii_digit())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A variable in the wrong form, or in no form at all. Returns whether it is good.
pub(super) fn variable(
    pointer: impl Display,
    name: &str,
    numbers: bool,
    names: bool,
    findings: &mut Findings,
) -> bool {
    let (code, message) = match (is_number(name), is_name(name)) {
        (true, _) if numbers => return true,
        (_, true) if names => return true,
        (true, _) => (
            "mixed_formats",
            format!(
                "{{{{{name}}}}} has a number, but this template's variables have names: name it, or leave parameter_format out"
            ),
        ),
        (_, true) => (
            "mixed_formats",
            format!(
                "{{{{{name}}}}} has a name, but this template's variables have numbers: number it, or set parameter_format to named"
            ),
        ),
        _ => (
            "bad_variable",
            format!(
                "{{{{{name}}}}} is no variable: between the braces write a number such as 1, or a name of at most \
                 {VARIABLE_LIMIT} small letters, digits and underscores, without spaces and characters such as #, $ and %"
            ),
        ),
    };
    findings
        .refused
        .add(pointer, code, message, SOURCE_VARIABLES);
    false
}

/// The variables of a header or body, and their examples.
fn parameters(
    at: &str,
    text: &TemplateText,
    variables: &[Mark<'_>],
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let pointer = format!("{at}/text");
    let named = context.named();
    if around(&text.text, variables)
        .iter()
        .any(|piece| piece.contains(['{', '}']))
    {
        findings.likely_rejected.add(
            &pointer,
            "bad_braces",
            "A brace stands outside of a variable: write variables as {{1}}, with two braces on each side, and no others",
            SOURCE_REVIEW,
        );
    }
    let mut names: Vec<&str> = Vec::new();
    for Mark { name, .. } in variables {
        if !variable(&pointer, name, !named, named, findings) {
            continue;
        }
        if !names.contains(name) {
            names.push(name);
        } else if named {
            findings.refused.add(
                &pointer,
                "not_unique",
                format_args!("{{{{{name}}}}} stands here twice: give each place a name of its own"),
                SOURCE_MANAGER,
            );
        }
    }
    if let Some(missing) = (1..=names.len())
        .map(|number| number.to_string())
        .find(|number| !named && !names.contains(&number.as_str()))
    {
        findings.refused.add(
            &pointer,
            "bad_numbers",
            format_args!("{{{{{missing}}}}} is missing: number the variables of each part from 1 on, without a gap"),
            SOURCE_VARIABLES,
        );
    }
    if named {
        named_examples(at, text, &names, context, findings);
    } else {
        numbered_examples(at, text, names.len(), context, findings);
    }
    for (i, example) in text.examples.iter().enumerate() {
        findings.refused.text(
            format_args!("{at}/examples/{i}/value"),
            &example.value,
            usize::MAX,
            SOURCE,
        );
    }
}

fn numbered_examples(
    at: &str,
    text: &TemplateText,
    wanted: usize,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let given = text.examples.len();
    let pointer = format!("{at}/examples");
    if given < wanted && !context.on_premise {
        findings.refused.add(
            pointer,
            "required",
            format_args!("Each of the {wanted} variables needs an example, and {given} are given: give one for each, in order"),
            SOURCE,
        );
    } else if given > wanted {
        findings.advice.add(
            pointer,
            "wrong_count",
            format_args!("There are {given} examples for {wanted} variables: give one for each"),
            SOURCE,
        );
    }
    for (i, _) in text
        .examples
        .iter()
        .enumerate()
        .filter(|(_, example)| example.name.is_some())
    {
        findings.not_allowed(
            format_args!("{at}/examples/{i}/name"),
            "The variables have numbers, and so no names: leave the name out, or set parameter_format to named",
            SOURCE_VARIABLES,
        );
    }
}

fn named_examples(
    at: &str,
    text: &TemplateText,
    names: &[&str],
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let given = |name: &str| {
        let mut examples = text.examples.iter();
        examples.any(|example| example.name.as_deref() == Some(name))
    };
    for name in names {
        if !given(name) && !context.on_premise {
            findings.refused.add(
                format_args!("{at}/examples"),
                "required",
                format_args!("{{{{{name}}}}} has no example: give one with the name {name}"),
                SOURCE,
            );
        }
    }
    for (i, example) in text.examples.iter().enumerate() {
        let pointer = format!("{at}/examples/{i}/name");
        match example.name.as_deref() {
            None => findings.refused.add(
                pointer,
                "required",
                "The variables have names: say which one this is an example of",
                SOURCE_VARIABLES,
            ),
            Some(name) if !names.contains(&name) => findings.refused.add(
                pointer,
                "not_in_template",
                format_args!("The text has no variable {{{{{name}}}}}: correct the name, or leave the example out"),
                SOURCE_VARIABLES,
            ),
            Some(_) if text.examples[..i].iter().any(|e| e.name == example.name) => {
                findings.refused.add(
                    pointer,
                    "not_unique",
                    "Another example has the same name: give each variable one",
                    SOURCE_VARIABLES,
                );
            }
            Some(_) => {}
        }
    }
}

/// A text of one line without emoji, in which nothing is formatted if so said.
fn plain(pointer: &str, pieces: &[&str], formatting: bool, source: &str, findings: &mut Findings) {
    let any = |found: fn(char) -> bool| pieces.iter().any(|piece| piece.contains(found));
    if any(is_emoji) {
        findings.refused.add(
            pointer,
            "has_emoji",
            "There is no emoji in this place: take it out",
            source,
        );
    }
    if any(|c| matches!(c, '\n' | '\r')) {
        findings.refused.add(
            pointer,
            "has_line_break",
            "This text has one line only: take the line break out",
            source,
        );
    }
    if !formatting && any(|c| matches!(c, '*' | '_' | '~' | '`')) {
        findings.refused.add(
            pointer,
            "has_formatting",
            "Nothing is bold, italic or struck through in this place: take *, _, ~ and ` out",
            source,
        );
    }
}

pub(super) fn header(
    at: &str,
    text: &TemplateText,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let pointer = format!("{at}/text");
    findings.refused.text(&pointer, &text.text, 60, SOURCE);
    let variables: Vec<_> = braced(&text.text).collect();
    if variables.len() > 1 {
        findings.refused.add(
            &pointer,
            "too_many_variables",
            "A header has at most one variable: move the others into the body",
            SOURCE,
        );
    }
    plain(
        &pointer,
        &around(&text.text, &variables),
        false,
        SOURCE,
        findings,
    );
    parameters(at, text, &variables, context, findings);
}

pub(super) fn footer(text: &str, findings: &mut Findings) {
    let pointer = "/content/footer/text";
    findings.refused.text(pointer, text, 60, SOURCE);
    no_variables(pointer, text, findings);
    plain(pointer, &[text], true, SOURCE_MANAGER, findings);
}

fn no_variables(pointer: &str, text: &str, findings: &mut Findings) {
    if braced(text).next().is_some() {
        findings.refused.add(
            pointer,
            "has_variable",
            "There is no variable in this place: move it into the body",
            SOURCE,
        );
    }
}

/// What is written on a button.
pub(super) fn label(pointer: &str, text: &str, findings: &mut Findings) {
    findings.refused.text(pointer, text, 25, SOURCE);
    no_variables(pointer, text, findings);
    let pieces = around(text, &braced(text).collect::<Vec<_>>()).concat();
    plain(pointer, &[&pieces], false, SOURCE_MANAGER, findings);
}

pub(super) fn body(
    at: &str,
    text: &TemplateText,
    limit: usize,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let pointer = format!("{at}/text");
    let whole = text.text.as_str();
    findings.refused.text(&pointer, whole, limit, SOURCE);
    let length = whole.chars().count();
    if limit == BODY_LIMIT && (BODY_ADVICE + 1..=BODY_LIMIT).contains(&length) {
        findings.advice.add(
            &pointer,
            "long",
            format_args!("Some bodies of more than {BODY_ADVICE} characters were refused, and this has {length}: shorten it"),
            "Bird, WhatsApp templates",
        );
    }
    let variables: Vec<_> = braced(whole).collect();
    let pieces = around(whole, &variables);
    if !context.on_premise {
        places(&pointer, whole, &pieces, context, findings);
    }
    let between = pieces.get(1..variables.len()).unwrap_or_default();
    if between.iter().any(|piece| piece.trim().is_empty()) {
        findings.refused.add(
            &pointer,
            "adjacent_variables",
            "Two variables stand side by side: put text between them, or make one of them",
            SOURCE_MANAGER,
        );
    }
    parameters(at, text, &variables, context, findings);
    emoji(&pointer, whole, context, findings);
    // A line may end as on Windows.
    if whole.replace('\r', "").contains("\n\n\n") {
        findings.likely_rejected.add(
            &pointer,
            "too_many_line_breaks",
            "There are more than 2 line breaks in a row: leave one empty line at most",
            SOURCE_MANAGER,
        );
    }
    if whole.split_whitespace().any(is_short_link) {
        short_link(&pointer, findings);
    }
}

/// Nobody sees where a shortened address leads.
pub(super) fn short_link(pointer: &str, findings: &mut Findings) {
    findings.likely_rejected.add(
        pointer,
        "short_link",
        "This leads through a service that shortens addresses: give the whole address, on the business's own domain",
        SOURCE_REVIEW,
    );
}

/// Where the variables of a body stand, and among how many words.
fn places(
    pointer: &str,
    text: &str,
    pieces: &[&str],
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let ([first, .., last], count) = (pieces, pieces.len() - 1) else {
        return;
    };
    // Punctuation behind the last variable does not help. (Developers' reports.)
    let skipped = |c: char| {
        c.is_whitespace() || c.is_ascii_punctuation() || "…。！？、，：；»”’؟،।".contains(c)
    };
    if first.trim_start().is_empty() || last.trim_end_matches(skipped).is_empty() {
        findings.refused.add(
            pointer,
            "variable_at_edge",
            "A variable stands at the very start or end of the body (2388299): put words before the first and behind the last; \
             punctuation alone is not enough",
            SOURCE_ERRORS,
        );
    }
    // Meta publishes no number; three providers measured the same. (Mercuri, Syniverse, Maqsam.)
    let words = text
        .split_whitespace()
        .filter(|word| !word.contains("{{"))
        .count();
    let language = context.draft.language.split('_').next().unwrap_or_default();
    let wanted = 2 * count + 1;
    if words < wanted && !UNSPACED.contains(&language) {
        findings.likely_rejected.add(
            pointer,
            "too_few_words",
            format_args!(
                "There are too few words for {count} variables (2388293): add {} words at least, or use fewer variables",
                wanted - words
            ),
            SOURCE_ERRORS,
        );
    }
}

fn emoji(pointer: &str, text: &str, context: &Context<'_>, findings: &mut Findings) {
    let limit = match context.draft.category {
        TemplateCategory::Marketing => 10,
        TemplateCategory::Utility => 6,
        TemplateCategory::Authentication | TemplateCategory::Other(_) => return,
    };
    let count = text
        .graphemes(true)
        .filter(|grapheme| grapheme.contains(is_emoji))
        .count();
    if count > limit {
        findings.likely_rejected.add(
            pointer,
            "too_many_emoji",
            format_args!("The body has {count} emoji: in this category use {limit} at most"),
            SOURCE_MANAGER,
        );
    }
}
