use proptest::prelude::*;

use super::*;

#[track_caller]
fn assert_split(text: &str, limit: usize, expected: &[&str]) {
    let parts = split(text, limit);
    assert_eq!(parts, expected);
    for part in parts {
        assert!(part.chars().count() <= limit, "{part}");
    }
}

#[test]
fn a_part_ends_where_the_text_does_best() {
    assert_split("short", 10, &["short"]);
    assert_split("exactly 10", 10, &["exactly 10"]);
    // A paragraph, though a sentence and a word end later.
    assert_split(
        "One two.\n\nThree. Four five",
        22,
        &["One two.\n\nThree.", "Four five"],
    );
    assert_split(
        "One two three.\n\nFour. Five six",
        20,
        &["One two three.", "Four. Five six"],
    );
    assert_split(
        "One two three\nfour five six",
        18,
        &["One two three", "four five six"],
    );
    assert_split(
        "One two! Three four five",
        16,
        &["One two!", "Three four five"],
    );
    assert_split("one two three four", 10, &["one two", "three four"]);
    assert_split("abcdefghijkl", 5, &["abcde", "fghij", "kl"]);
    // An address stays whole where it can.
    assert_split(
        "see https://example.com/a",
        24,
        &["see", "https://example.com/a"],
    );
    assert_split("一二三。四五六七八九", 6, &["一二三。", "四五六七八九"]);
    assert_split("a b   \n  ", 3, &["a b"]);
}

#[test]
fn what_reads_as_one_character_stays_so() {
    assert_split("👩‍👩‍👧👩‍👩‍👧", 7, &["👩‍👩‍👧", "👩‍👩‍👧"]);
    assert_split("🇩🇪🇫🇷🇮🇹", 3, &["🇩🇪", "🇫🇷", "🇮🇹"]);
    assert_split(
        "e\u{301}e\u{301}e\u{301}",
        3,
        &["e\u{301}", "e\u{301}", "e\u{301}"],
    );
    assert_split("a\r\nb", 3, &["a", "b"]);
    // Nothing else is left to do with more marks than a message holds.
    let marks = format!("e{}", "\u{301}".repeat(9));
    assert_eq!(split(&marks, 5).concat(), marks);
}

#[test]
fn what_is_open_is_closed_and_opened_again() {
    assert_split("*one two three four*", 17, &["*one two*", "*three four*"]);
    assert_split(
        "*one _two three four_*",
        20,
        &["*one _two_*", "*_three four_*"],
    );
    assert_split(
        "```\nlet a = 1;\nlet b = 2;\nlet c = 3;\n```",
        32,
        &["```\nlet a = 1;\nlet b = 2;```", "```let c = 3;\n```"],
    );
    // No marks: nothing is closed, they stand within words, or are alone.
    assert_split(
        "2*3 and a_b_c or * one",
        12,
        &["2*3 and", "a_b_c or *", "one"],
    );
    // Nothing is formatted in code.
    assert_split(
        "`a *b c* d` and more of it",
        20,
        &["`a *b c* d`", "and more of it"],
    );
    // A mark is not torn off what it opens or closes.
    assert_split(
        "abcdef *ghijkl* mnopqrs",
        16,
        &["abcdef", "*ghijkl* mnopqrs"],
    );
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,9}",
        3 => Just(" ".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just("\n\n".to_owned()),
        1 => Just(". ".to_owned()),
        1 => prop::sample::select(vec!["*", "_", "~", "`", "```"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["👩‍👩‍👧", "🇩🇪", "e\u{301}", "\r\n", "。"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

/// All but space and marks.
fn letters(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '*' | '_' | '~' | '`'))
        .collect()
}

proptest! {
    #[test]
    fn nothing_is_lost_or_torn(text in texts(), limit in 24_usize..60) {
        // Blank text is refused before.
        prop_assume!(!text.trim().is_empty());
        let parts = split(&text, limit);
        for part in &parts {
            prop_assert!(part.chars().count() <= limit, "{part:?}");
            prop_assert!(!part.trim().is_empty());
        }
        let joined: String = parts.iter().map(|part| letters(part)).collect();
        prop_assert_eq!(joined, letters(&text));
        // Each character of the parts is one of the text.
        let whole: Vec<&str> = text.graphemes(true).collect();
        for part in &parts {
            for character in part.graphemes(true) {
                prop_assert!(whole.contains(&character), "{character:?} of {part:?}");
            }
        }
        if parts.len() == 1 {
            prop_assert_eq!(parts[0].trim_end(), text.trim_end());
        }
    }

    #[test]
    fn marks_stay_pairs(words in prop::collection::vec("[a-z]{1,9}", 2..40), mark in prop::sample::select(vec!["*", "_", "~", "`", "```"])) {
        let text = format!("before {mark}{}{mark} after", words.join(" "));
        for part in split(&text, 30) {
            prop_assert_eq!(part.matches(mark).count() % 2, 0, "{}", part);
            prop_assert!(!part.contains(&mark.repeat(2)) || mark == "`");
        }
    }
}

#[test]
fn many_marks_cost_no_more_than_few() {
    // In the time of a test, not of its square.
    let text = "*a*.".repeat(45 * 1000);
    let parts = split(&text, 4096);
    assert!(parts.len() <= 45);
    assert_eq!(parts.concat(), text);
}
