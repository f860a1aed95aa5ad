//! Reply buttons and lists.

use super::{
    BODY_LIMIT, BUTTON_LIMIT, Headers, choice_id, header, interactive, replies, section_title,
    texts,
};
use crate::bindings::messaging::channel::outbound::{Buttons, ChoiceList};
use crate::message::wire::{Action, Content, Reply, Row, Section, Tagged};
use crate::problem::Problems;

const SOURCE_BUTTONS: &str = "Cloud API, interactive reply buttons messages";
const SOURCE_LIST: &str = "Cloud API, interactive list messages";

/// The longest text above a list.
const LIST_BODY_LIMIT: usize = 4096;

/// The most rows of a list, in all sections together.
const MAX_ROWS: usize = 10;

/// The longest id of a row.
const ROW_ID_LIMIT: usize = 200;

/// What is written on the button of a list that stands for buttons: a sign, since nobody says what language the person reads.
const MENU: &str = "\u{2630}";

pub(in crate::message) fn buttons<'a>(
    buttons: &'a Buttons,
    problems: &mut Problems,
) -> Content<'a> {
    const SOURCE: &str = SOURCE_BUTTONS;
    let footer = buttons.footer.as_deref();
    texts(&buttons.body, BODY_LIMIT, footer, SOURCE, problems);
    if !(1..=3).contains(&buttons.buttons.len()) {
        problems.add(
            "/content/buttons",
            "wrong_count",
            format_args!(
                "There are {} buttons: give 1 to 3, or send up to 10 choices as a list (degrade: buttons_to_list)",
                buttons.buttons.len()
            ),
            SOURCE,
        );
    }
    replies("/content/buttons", &buttons.buttons, SOURCE, problems);
    let header = buttons.header.as_ref().and_then(|given| {
        header(
            "/content/header",
            given,
            Headers::TextOrMedia,
            SOURCE,
            problems,
        )
    });
    interactive(
        "button",
        header,
        Some(&buttons.body),
        footer,
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

/// More buttons than there can be, as the rows of a list. Its limits hold; what the problems name are the buttons.
pub(in crate::message) fn as_list<'a>(
    buttons: &'a Buttons,
    problems: &mut Problems,
) -> Content<'a> {
    const SOURCE: &str = SOURCE_LIST;
    let footer = buttons.footer.as_deref();
    texts(&buttons.body, LIST_BODY_LIMIT, footer, SOURCE, problems);
    if buttons.buttons.len() > MAX_ROWS {
        problems.add(
            "/content/buttons",
            "wrong_count",
            format_args!(
                "There are {} buttons: give at most 10, which is what a list holds",
                buttons.buttons.len()
            ),
            SOURCE,
        );
    }
    for (i, button) in buttons.buttons.iter().enumerate() {
        let taken = buttons.buttons[..i]
            .iter()
            .any(|other| other.id == button.id);
        let at = format!("/content/buttons/{i}");
        choice_id(&at, &button.id, ROW_ID_LIMIT, taken, SOURCE, problems);
        // What is written on a button is no longer than on a row, so that it reads the same if it becomes one again.
        let title = format!("{at}/title");
        problems.text(title, &button.title, BUTTON_LIMIT, SOURCE);
    }
    let header = buttons
        .header
        .as_ref()
        .and_then(|given| header("/content/header", given, Headers::Text, SOURCE, problems));
    interactive(
        "list",
        header,
        Some(&buttons.body),
        footer,
        Action::List {
            button: MENU,
            sections: vec![Section {
                title: None,
                rows: buttons
                    .buttons
                    .iter()
                    .map(|button| Row {
                        id: &button.id,
                        title: &button.title,
                        description: None,
                    })
                    .collect(),
            }],
        },
    )
}

pub(in crate::message) fn list<'a>(list: &'a ChoiceList, problems: &mut Problems) -> Content<'a> {
    const SOURCE: &str = SOURCE_LIST;
    let footer = list.footer.as_deref();
    texts(&list.body, LIST_BODY_LIMIT, footer, SOURCE, problems);
    problems.text("/content/button", &list.button, BUTTON_LIMIT, SOURCE);
    let header = list
        .header
        .as_ref()
        .and_then(|given| header("/content/header", given, Headers::Text, SOURCE, problems));
    sections(list, problems);
    interactive(
        "list",
        header,
        Some(&list.body),
        footer,
        Action::List {
            button: &list.button,
            sections: list
                .sections
                .iter()
                .map(|section| Section {
                    title: section.title.as_deref(),
                    rows: section
                        .rows
                        .iter()
                        .map(|row| Row {
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
    if rows > MAX_ROWS {
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
        section_title(&title, section.title.as_deref(), several, SOURCE, problems);
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
            choice_id(&at, &row.id, ROW_ID_LIMIT, taken, SOURCE, problems);
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
