//! Reply buttons and lists.

use super::basic::source;
use super::wire::{self, Action, Body, Interactive, Line, Reply, Tagged};
use crate::bindings::messaging::channel::outbound::{Buttons, ChoiceList, Header};
use crate::problem::Problems;

const SOURCE_BUTTONS: &str = "Cloud API, interactive reply buttons messages";
const SOURCE_LIST: &str = "Cloud API, interactive list messages";

/// The longest header and the longest footer.
const LINE_LIMIT: usize = 60;

pub(super) fn buttons<'a>(buttons: &'a Buttons, problems: &mut Problems) -> Tagged<Body<'a>> {
    const SOURCE: &str = SOURCE_BUTTONS;
    problems.text("/content/body", &buttons.body, 1024, SOURCE);
    if !(1..=3).contains(&buttons.buttons.len()) {
        problems.add(
            "/content/buttons",
            "wrong_count",
            format_args!(
                "There are {} buttons: give 1 to 3, or send up to 10 choices as a list",
                buttons.buttons.len()
            ),
            SOURCE,
        );
    }
    for (i, button) in buttons.buttons.iter().enumerate() {
        let before = &buttons.buttons[..i];
        let at = format!("/content/buttons/{i}");
        choice(
            &at,
            &button.id,
            256,
            before.iter().any(|other| other.id == button.id),
            problems,
            SOURCE,
        );
        let spaced = button.id.starts_with(char::is_whitespace);
        let wordless = !button
            .id
            .contains(|c: char| c.is_ascii() || c.is_alphanumeric());
        if (spaced || wordless) && !button.id.trim().is_empty() {
            problems.add(
                format_args!("{at}/id"),
                "bad_id",
                "The id begins with a space or is nothing but emoji: begin it with a letter or digit",
                SOURCE,
            );
        }
        problems.text(format_args!("{at}/title"), &button.title, 20, SOURCE);
        if before.iter().any(|other| other.title == button.title) {
            problems.add(
                format_args!("{at}/title"),
                "not_unique",
                "Another button has the same title: give each its own",
                SOURCE,
            );
        }
    }
    let header = buttons.header.as_ref().and_then(|header| {
        Some(match header {
            Header::Text(text) => header_text(text, problems, SOURCE),
            Header::Other(foreign) => {
                problems.add(
                    "/content/header/type",
                    "unsupported",
                    format_args!(
                        "This version puts no {} above buttons: use text, image, video or document",
                        foreign.kind
                    ),
                    SOURCE,
                );
                return None;
            }
            Header::Image(image) => Tagged(
                "image",
                wire::Header::Media(source("/content/header", image, problems)),
            ),
            Header::Video(video) => Tagged(
                "video",
                wire::Header::Media(source("/content/header", video, problems)),
            ),
            Header::Document(document) => Tagged(
                "document",
                wire::Header::Media(wire::Media {
                    filename: document.filename.as_deref(),
                    ..source("/content/header", &document.source, problems)
                }),
            ),
        })
    });
    interactive(
        "button",
        header,
        &buttons.body,
        footer(buttons.footer.as_deref(), problems, SOURCE),
        Action::Buttons {
            buttons: buttons
                .buttons
                .iter()
                .map(|button| {
                    let (id, title) = (&button.id, &button.title);
                    Tagged("reply", Reply { id, title })
                })
                .collect(),
        },
    )
}

pub(super) fn list<'a>(list: &'a ChoiceList, problems: &mut Problems) -> Tagged<Body<'a>> {
    const SOURCE: &str = SOURCE_LIST;
    problems.text("/content/body", &list.body, 4096, SOURCE);
    problems.text("/content/button", &list.button, 20, SOURCE);
    let header = match &list.header {
        None => None,
        Some(Header::Text(text)) => Some(header_text(text, problems, SOURCE)),
        Some(_) => {
            problems.add(
                "/content/header",
                "not_allowed",
                "Above a list there is only text: give a header of text, or send the media on its own",
                SOURCE,
            );
            None
        }
    };
    sections(list, problems);
    interactive(
        "list",
        header,
        &list.body,
        footer(list.footer.as_deref(), problems, SOURCE),
        Action::List {
            button: &list.button,
            sections: list
                .sections
                .iter()
                .map(|section| wire::Section {
                    title: section.title.as_deref(),
                    rows: section
                        .rows
                        .iter()
                        .map(|row| wire::Row {
                            id: &row.id,
                            title: &row.title,
                            description: row.description.as_deref(),
                        })
                        .collect(),
                })
                .collect(),
        },
    )
}

fn sections(list: &ChoiceList, problems: &mut Problems) {
    const SOURCE: &str = SOURCE_LIST;
    let several = list.sections.len() > 1;
    if !(1..=10).contains(&list.sections.len()) {
        problems.add(
            "/content/sections",
            "wrong_count",
            format_args!("There are {} sections: give 1 to 10", list.sections.len()),
            SOURCE,
        );
    }
    let rows: usize = list.sections.iter().map(|section| section.rows.len()).sum();
    if rows > 10 {
        problems.add(
            "/content/sections",
            "wrong_count",
            format_args!("There are {rows} rows in all sections together: give at most 10"),
            SOURCE,
        );
    }
    let mut ids: Vec<&str> = Vec::with_capacity(rows);
    for (i, section) in list.sections.iter().enumerate() {
        let at = format!("/content/sections/{i}");
        let title = format!("{at}/title");
        match section.title.as_deref() {
            None if several => problems.add(
                title,
                "required",
                "Where there are several sections, each needs a title: give it",
                SOURCE,
            ),
            given => problems.optional_text(title, given, 24, SOURCE),
        }
        if section.rows.is_empty() {
            problems.add(
                format_args!("{at}/rows"),
                "wrong_count",
                "The section has no row: give one, or leave the section out",
                SOURCE,
            );
        }
        for (j, row) in section.rows.iter().enumerate() {
            let at = format!("{at}/rows/{j}");
            let taken = ids.contains(&row.id.as_str());
            ids.push(&row.id);
            choice(&at, &row.id, 200, taken, problems, SOURCE);
            problems.text(format_args!("{at}/title"), &row.title, 24, SOURCE);
            problems.optional_text(
                format_args!("{at}/description"),
                row.description.as_deref(),
                72,
                SOURCE,
            );
        }
    }
}

/// The id of a button or row.
fn choice(at: &str, id: &str, max: usize, taken: bool, problems: &mut Problems, source: &str) {
    let pointer = format!("{at}/id");
    problems.text(&pointer, id, max, source);
    if taken {
        problems.add(
            &pointer,
            "not_unique",
            "Another one has the same id: give each its own",
            source,
        );
    }
}

fn header_text<'a>(
    text: &'a str,
    problems: &mut Problems,
    source: &str,
) -> Tagged<wire::Header<'a>> {
    problems.text("/content/header/text", text, LINE_LIMIT, source);
    Tagged("text", wire::Header::Text(text))
}

fn footer<'a>(footer: Option<&'a str>, problems: &mut Problems, source: &str) -> Option<Line<'a>> {
    problems.optional_text("/content/footer", footer, LINE_LIMIT, source);
    footer.map(|text| Line { text })
}

fn interactive<'a>(
    kind: &'static str,
    header: Option<Tagged<wire::Header<'a>>>,
    body: &'a str,
    footer: Option<Line<'a>>,
    action: Action<'a>,
) -> Tagged<Body<'a>> {
    Tagged(
        "interactive",
        Body::Interactive(Interactive {
            kind,
            header,
            body: Line { text: body },
            footer,
            action,
        }),
    )
}
