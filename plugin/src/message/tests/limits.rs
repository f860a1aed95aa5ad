//! The last good and the first bad value of every limit.

use super::*;

/// So many letters of two bytes each: limits count code points.
fn letters(count: usize) -> String {
    "é".repeat(count)
}

pub(super) fn place() -> Location {
    Location {
        latitude: 90.0,
        longitude: -180.0,
        name: None,
        address: None,
        url: None,
    }
}

pub(super) fn with_buttons(count: usize) -> Buttons {
    Buttons {
        header: None,
        body: "Which?".into(),
        footer: None,
        buttons: (0..count)
            .map(|i| Button {
                id: format!("id-{i}"),
                title: format!("Title {i}"),
            })
            .collect(),
    }
}

/// A list with a section for every number of rows.
pub(super) fn with_rows(rows: &[usize]) -> ChoiceList {
    ChoiceList {
        header: None,
        body: "Which?".into(),
        footer: None,
        button: "Choose".into(),
        sections: rows
            .iter()
            .enumerate()
            .map(|(i, count)| Section {
                title: Some(format!("Part {i}")),
                rows: (0..*count)
                    .map(|j| Row {
                        id: format!("id-{i}-{j}"),
                        title: "Same title".into(),
                        description: None,
                    })
                    .collect(),
            })
            .collect(),
    }
}

/// Asserts that a text may have `max` code points and no more, and that it must not be blank.
#[track_caller]
fn assert_limit(pointer: &str, max: usize, content: impl Fn(String) -> Content) {
    assert_accepted(content(letters(1)));
    assert_accepted(content(letters(max)));
    assert_refused(content(letters(max + 1)), &[(pointer, "too_long")]);
    assert_refused(content(" \n".into()), &[(pointer, "blank")]);
    assert_refused(content(String::new()), &[(pointer, "blank")]);
}

#[test]
fn texts_have_limits() {
    assert_limit("/content/text", 4096, |t| text(&t));
    assert_limit("/content/caption", 1024, |t| {
        Content::Image(CaptionedMedia {
            source: id("1"),
            caption: Some(t),
        })
    });
    assert_limit("/content/caption", 1024, |t| {
        Content::Video(CaptionedMedia {
            source: id("1"),
            caption: Some(t),
        })
    });
    assert_limit("/content/caption", 1024, |t| {
        Content::Document(Document {
            source: id("1"),
            caption: Some(t),
            filename: None,
        })
    });
}

#[test]
fn media_has_a_good_source() {
    for good in [
        id("1"),
        link("https://e.com/a.webp"),
        link("HTTPS://e.com:8080/a?b=c#d"),
    ] {
        assert_accepted(Content::Sticker(good));
    }
    for (bad, code) in [
        (id(""), "bad_id"),
        (id("1 2"), "bad_id"),
        (link(""), "bad_url"),
        (link("/a.webp"), "bad_url"),
        (link("e.com/a.webp"), "bad_url"),
        (link("http://e.com/a.webp"), "bad_url"),
        (link("https://u:p@e.com/a.webp"), "bad_url"),
        (link("ftp://e.com/a.webp"), "bad_url"),
        (link("https://"), "bad_url"),
        (link("https://e.com/a b.webp"), "bad_url"),
        (link("data:image/webp;base64,AAAA"), "bad_url"),
    ] {
        let member = if code == "bad_id" { "id" } else { "link" };
        let pointer = format!("/content/{member}");
        assert_refused(Content::Sticker(bad.clone()), &[(&pointer, code)]);
        assert_refused(
            Content::Audio(Audio {
                source: bad,
                voice: None,
            }),
            &[(&pointer, code)],
        );
    }
    assert_refused(
        Content::Document(Document {
            source: id("1"),
            caption: None,
            filename: Some(String::new()),
        }),
        &[("/content/filename", "blank")],
    );
}

#[test]
fn a_place_is_on_this_earth() {
    assert_accepted(Content::Location(place()));
    for (latitude, longitude, member) in [
        (90.001, 0.0, "latitude"),
        (-90.001, 0.0, "latitude"),
        (f64::NAN, 0.0, "latitude"),
        (0.0, 180.001, "longitude"),
        (0.0, f64::NEG_INFINITY, "longitude"),
    ] {
        let location = Location {
            latitude,
            longitude,
            ..place()
        };
        assert_refused(
            Content::Location(location),
            &[(&format!("/content/{member}"), "out_of_range")],
        );
    }
    let location = Location {
        name: Some(String::new()),
        url: Some("https://e.com".into()),
        ..place()
    };
    assert_refused(
        Content::Location(location),
        &[("/content/url", "unsupported"), ("/content/name", "blank")],
    );
}

#[test]
fn a_reaction_is_an_emoji_to_a_message() {
    let reaction = |message_id: &str, emoji: &str| {
        Content::Reaction(Reaction {
            message_id: message_id.into(),
            emoji: Some(emoji.into()),
        })
    };
    for emoji in ["👍", "❤️", "1️⃣", "👩‍👩‍👧"] {
        assert_accepted(reaction("wamid.IN", emoji));
    }
    assert_refused(reaction("", "👍"), &[("/content/message_id", "blank")]);
    assert_refused(reaction("wamid.IN", ""), &[("/content/emoji", "blank")]);
    assert_refused(
        reaction("wamid.IN", ":+1:"),
        &[("/content/emoji", "bad_emoji")],
    );
}

#[test]
fn buttons_have_limits() {
    let with = |change: &dyn Fn(&mut Buttons)| {
        let mut buttons = with_buttons(2);
        change(&mut buttons);
        Content::Buttons(buttons)
    };
    assert_limit("/content/body", 1024, |t| with(&|b| b.body.clone_from(&t)));
    assert_limit("/content/footer", 60, |t| {
        with(&|b| b.footer = Some(t.clone()))
    });
    assert_limit("/content/header/text", 60, |t| {
        with(&|b| b.header = Some(Header::Text(t.clone())))
    });
    assert_limit("/content/buttons/1/id", 256, |t| {
        with(&|b| b.buttons[1].id.clone_from(&t))
    });
    assert_limit("/content/buttons/1/title", 20, |t| {
        with(&|b| b.buttons[1].title.clone_from(&t))
    });
    assert_accepted(Content::Buttons(with_buttons(1)));
    assert_accepted(Content::Buttons(with_buttons(3)));
    for count in [0, 4] {
        assert_refused(
            Content::Buttons(with_buttons(count)),
            &[("/content/buttons", "wrong_count")],
        );
    }
    for id in [" a", "👍"] {
        assert_refused(
            with(&|b| b.buttons[0].id = id.into()),
            &[("/content/buttons/0/id", "bad_id")],
        );
    }
    assert_refused(
        with(&|b| b.buttons[1] = b.buttons[0].clone()),
        &[
            ("/content/buttons/1/id", "not_unique"),
            ("/content/buttons/1/title", "not_unique"),
        ],
    );
    assert_refused(
        with(&|b| b.header = Some(Header::Video(link("x")))),
        &[("/content/header/link", "bad_url")],
    );
}

#[test]
fn lists_have_limits() {
    let with = |change: &dyn Fn(&mut ChoiceList)| {
        let mut list = with_rows(&[1, 1]);
        change(&mut list);
        Content::List(list)
    };
    assert_limit("/content/body", 4096, |t| with(&|l| l.body.clone_from(&t)));
    assert_limit("/content/footer", 60, |t| {
        with(&|l| l.footer = Some(t.clone()))
    });
    assert_limit("/content/header/text", 60, |t| {
        with(&|l| l.header = Some(Header::Text(t.clone())))
    });
    assert_limit("/content/button", 20, |t| {
        with(&|l| l.button.clone_from(&t))
    });
    assert_limit("/content/sections/1/title", 24, |t| {
        with(&|l| l.sections[1].title = Some(t.clone()))
    });
    assert_limit("/content/sections/1/rows/0/id", 200, |t| {
        with(&|l| l.sections[1].rows[0].id.clone_from(&t))
    });
    assert_limit("/content/sections/1/rows/0/title", 24, |t| {
        with(&|l| l.sections[1].rows[0].title.clone_from(&t))
    });
    assert_limit("/content/sections/1/rows/0/description", 72, |t| {
        with(&|l| l.sections[1].rows[0].description = Some(t.clone()))
    });
    assert_refused(
        with(&|l| l.header = Some(Header::Image(id("1")))),
        &[("/content/header/type", "not_allowed")],
    );
    assert_refused(
        with(&|l| l.sections[1].rows[0].id = "id-0-0".into()),
        &[("/content/sections/1/rows/0/id", "not_unique")],
    );
}

#[test]
fn sections_and_rows_are_counted() {
    for good in [&[1][..], &[10], &[5, 5], &[1; 10]] {
        assert_accepted(Content::List(with_rows(good)));
    }
    let sections = ("/content/sections", "wrong_count");
    for (rows, expected) in [
        (&[][..], &[sections][..]),
        (&[11], &[sections]),
        (&[5, 6], &[sections]),
        // Too many sections, and so too many rows.
        (&[1; 11], &[sections, sections]),
        (&[0], &[("/content/sections/0/rows", "wrong_count")]),
        (&[1, 0], &[("/content/sections/1/rows", "wrong_count")]),
    ] {
        assert_refused(Content::List(with_rows(rows)), expected);
    }
    let untitled = |rows: &[usize]| {
        let mut list = with_rows(rows);
        list.sections[0].title = None;
        Content::List(list)
    };
    assert_accepted(untitled(&[2]));
    assert_refused(
        untitled(&[1, 1]),
        &[("/content/sections/0/title", "required")],
    );
}
