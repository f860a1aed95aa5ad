use serde_json::json;

use super::*;
use crate::outbound::{Message, Posted};
use crate::templates::Draft;

#[track_caller]
fn refused(json: &str) -> Vec<Problem> {
    match Message::read(json.as_bytes()) {
        Ok(message) => panic!("accepted: {message:?}"),
        Err(problems) => problems,
    }
}

/// Checks pointer, code and a word of the sentence of the only problem.
#[track_caller]
fn refuses(json: &str, pointer: &str, code: &str, word: &str) {
    let problems = refused(json);
    let [problem] = problems.as_slice() else {
        panic!("{json}: {problems:?}");
    };
    assert_eq!(
        (problem.pointer.as_str(), problem.code.as_str()),
        (pointer, code),
        "{json}: {problem:?}"
    );
    assert!(
        problem.message.contains(word),
        "{json}: {}",
        problem.message
    );
    for rust in [
        "struct", "enum", "variant", "Option", "element", "field", "u32", "\u{1}", "map",
    ] {
        assert!(
            !problem.message.contains(rust),
            "{json}: {}",
            problem.message
        );
    }
}

/// A message of this content, which has members that are optional elsewhere in it.
fn message(content: &str) -> String {
    format!(
        r#"{{"to": {{"contact": {{"phone": "1", "username": "u"}}}}, "content": {content}, "reply_to": "r"}}"#
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_wrong_type_is_named_by_its_pointer() {
    let text = r#"{"type": "text", "text": "Hi"}"#;
    for (given, pointer, word) in [
        (
            r#"{"to": {"phone": 1}, "content": {"type": "text", "text": "x"}}"#.to_owned(),
            "/to/phone",
            "write a string",
        ),
        (format!(r#"{{"to": "1", "content": {text}}}"#), "/to", ""),
        (
            format!(r#"{{"to": [], "content": {text}}}"#),
            "/to",
            "write an object",
        ),
        (
            format!(r#"{{"to": {{"contact": []}}, "content": {text}}}"#),
            "/to/contact",
            "write an object",
        ),
        (
            format!(r#"{{"to": {{"phone": "1"}}, "content": {text}, "degrade": "split_text"}}"#),
            "/degrade",
            "an array",
        ),
        (
            format!(r#"{{"to": {{"phone": "1"}}, "content": {text}, "attributes": []}}"#),
            "/attributes",
            "an object",
        ),
        (
            format!(
                r#"{{"to": {{"phone": "1"}}, "content": {text}, "attributes": {{"/a~": {{}}}}}}"#
            ),
            "/attributes/~1a~0",
            "true or false",
        ),
        (message("[]"), "/content", "an object"),
        (message("7"), "/content", "an object"),
        (message("null"), "/content", "an object"),
        (
            message(r#"{"type": 1, "text": "x"}"#),
            "/content/type",
            "a string",
        ),
        (
            message(r#"{"type": "text", "text": {"body": "x"}}"#),
            "/content/text",
            "this is an object; write a string",
        ),
        (
            message(r#"{"type": "text", "text": "x", "preview_url": "yes"}"#),
            "/content/preview_url",
            "true or false",
        ),
        (
            message(r#"{"type": "text", "text": true}"#),
            "/content/text",
            "a string",
        ),
        (
            message(r#"{"type": "image", "link": 5}"#),
            "/content/link",
            "a string",
        ),
        (
            message(r#"{"type": "image", "link": "x", "caption": 5}"#),
            "/content/caption",
            "a string",
        ),
        (
            message(r#"{"type": "location", "latitude": "1", "longitude": 2}"#),
            "/content/latitude",
            "a number",
        ),
        (
            message(
                r#"{"type": "buttons", "body": "b", "buttons": [{"id": "1", "title": "a"}, {"id": 2, "title": "b"}]}"#,
            ),
            "/content/buttons/1/id",
            "this is a number; write a string",
        ),
        (
            message(r#"{"type": "buttons", "body": "b", "buttons": {"id": "1", "title": "a"}}"#),
            "/content/buttons",
            "an array",
        ),
        (
            message(r#"{"type": "call_button", "body": "b", "ttl_minutes": -1}"#),
            "/content/ttl_minutes",
            "out of range",
        ),
        (
            message(r#"{"type": "call_button", "body": "b", "ttl_minutes": 1.5}"#),
            "/content/ttl_minutes",
            "a whole number",
        ),
        (
            message(
                r#"{"type": "template", "name": "n", "language": "en", "offer_expires": "tomorrow"}"#,
            ),
            "/content/offer_expires",
            "RFC 3339",
        ),
        (
            message(
                r#"{"type": "template", "name": "n", "language": "en", "body": [{"text": "a"}, {"text": 1}]}"#,
            ),
            "/content/body/1/text",
            "a string",
        ),
        (
            message(
                r#"{"type": "template", "name": "n", "language": "en", "buttons": [{"index": "0", "code": "1"}]}"#,
            ),
            "/content/buttons/0/index",
            "a whole number",
        ),
        (
            format!(r#"{{"to": "phone", "content": {text}}}"#),
            "/to",
            "an object",
        ),
        ("[1]".to_owned(), "", "no object"),
        ("[]".to_owned(), "", "no object"),
        ("null".to_owned(), "", "no object"),
    ] {
        refuses(&given, pointer, "wrong_type", word);
    }
}

#[test]
fn a_record_is_no_list() {
    let given = r#"[{"phone": "1"}, {"type": "text", "text": "x"}, null, [], null, {}]"#;
    refuses(given, "", "wrong_type", "no object");
    let given = message(r#"{"type": "buttons", "body": "b", "buttons": [["1", "t"]]}"#);
    refuses(
        &given,
        "/content/buttons/0",
        "wrong_type",
        "write an object",
    );
}

#[test]
fn a_missing_member_is_named_by_its_pointer() {
    for (given, pointer) in [
        (
            r#"{"content": {"type": "text", "text": "x"}}"#.to_owned(),
            "/to",
        ),
        (r#"{"to": {"phone": "1"}}"#.to_owned(), "/content"),
        ("{}".to_owned(), "/to"),
        (message("{}"), "/content/type"),
        (message(r#"{"type": "text"}"#), "/content/text"),
        (
            message(r#"{"type": "template", "language": "en"}"#),
            "/content/name",
        ),
        (
            message(
                r#"{"type": "buttons", "body": "b", "buttons": [{"id": "1", "title": "t"}, {"id": "1"}, {"id": "2"}]}"#,
            ),
            "/content/buttons/1/title",
        ),
        (
            message(r#"{"type": "buttons", "body": "b", "header": {"type": "text"}}"#),
            "/content/header/text",
        ),
    ] {
        refuses(&given, pointer, "required", "missing");
    }
}

#[test]
fn of_members_that_exclude_each_other_one_is_needed_and_no_two_fit() {
    for (given, pointer, code, word) in [
        (
            message(r#"{"type": "image", "caption": "c"}"#),
            "/content",
            "required",
            "id, link",
        ),
        (
            message(r#"{"type": "image", "id": "1", "link": "https://example.com"}"#),
            "",
            "contradictory",
            "`id`",
        ),
        (
            message(r#"{"type": "buttons", "body": "b", "header": {"type": "image"}}"#),
            "/content/header",
            "required",
            "`link`",
        ),
        (
            message(
                r#"{"type": "template", "name": "n", "language": "en", "body": [{"name": "x"}]}"#,
            ),
            "/content/body/0",
            "required",
            "date_time",
        ),
        (
            message(
                r#"{"type": "template", "name": "n", "language": "en", "buttons": [{"index": 0}]}"#,
            ),
            "/content/buttons/0",
            "required",
            "url_suffix",
        ),
        (
            r#"{"to": {}, "content": {"type": "text", "text": "x"}}"#.to_owned(),
            "/to",
            "required",
            "`phone`",
        ),
        (
            r#"{"to": {"phone": "1", "group": "2"}, "content": {"type": "text", "text": "x"}}"#
                .to_owned(),
            "/to",
            "contradictory",
            "`phone`",
        ),
    ] {
        let problem = &refused(&given)[0];
        assert!(problem.pointer.starts_with(pointer), "{given}: {problem:?}");
        assert!(
            code.is_empty() || problem.code == code,
            "{given}: {problem:?}"
        );
        assert!(problem.message.contains(word), "{given}: {problem:?}");
        assert!(
            !problem.pointer.is_empty() && !problem.message.contains("enum"),
            "{given}: {problem:?}"
        );
    }
}

#[test]
fn an_unknown_word_is_told_with_the_known_ones() {
    refuses(
        &message(r#"{"type": "telepathy"}"#),
        "/content/type",
        "unknown_value",
        "`text`, `image`",
    );
    refuses(
        &message(r#"{"type": "buttons", "body": "b", "header": {"type": "gif"}}"#),
        "/content/header/type",
        "unknown_value",
        "`video`",
    );
    refuses(
        &message(r#"{"type": "sticker", "url": "x"}"#),
        "/content/url",
        "unknown_member",
        "`link`",
    );
    let rest = r#""content": {"type": "text", "text": "x"}"#;
    refuses(
        &format!(r#"{{"to": {{"fone": "1"}}, {rest}}}"#),
        "/to/fone",
        "unknown_member",
        "`phone`",
    );
    refuses(
        &format!(r#"{{"to": {{"phone": "1"}}, {rest}, "degrade": ["split_text", "all"]}}"#),
        "/degrade/1",
        "unknown_value",
        "`split_text`",
    );
}

#[test]
fn every_unknown_or_doubled_member_is_a_problem_of_its_own() {
    let given = r#"{"to": {"phone": "1"}, "to": {"phone": "2", "phone": "3"}, "a/b": 1,
        "content": {"type": "buttons", "body": "b", "buttons": [{"id": "1", "id": "1", "title": "t", "x": 2}]}}"#;
    let found: Vec<_> = refused(given)
        .into_iter()
        .map(|p| (p.pointer, p.code))
        .collect();
    let expected = [
        ("/to/phone", "duplicate_member"),
        ("/to", "duplicate_member"),
        ("/content/buttons/0/id", "duplicate_member"),
        ("/a~1b", "unknown_member"),
        ("/content/buttons/0/x", "unknown_member"),
    ];
    let expected: Vec<_> = expected.map(|(p, c)| (p.to_owned(), c.to_owned())).into();
    assert_eq!(found, expected);
    assert!(serde_json::from_str::<Message>(r#"{"to": {"phone": "1"}, "to": {"phone": "2"}, "content": {"type": "text", "text": "x"}}"#).is_err());
}

#[test]
fn a_draft_is_read_the_same_way() {
    let given = json!({"name": "n", "language": 1, "category": "utility", "content": {"body": {"text": {"text": "b"}}}});
    let problems = Draft::read(given.to_string().as_bytes()).unwrap_err();
    assert_eq!(
        (problems[0].pointer.as_str(), problems[0].code.as_str()),
        ("/language", "wrong_type")
    );
}

#[test]
fn what_is_handed_in_is_a_message_and_when_it_expires() {
    let posted = |expires: &str| {
        format!(
            r#"{{"to": {{"phone": "1"}}, "content": {{"type": "text", "text": "x"}}, "expires": {expires}}}"#
        )
    };
    let read = Posted::read(posted(r#""2026-11-22T08:15:39+01:00""#).as_bytes()).unwrap();
    assert_eq!(read.expires, Some(1_795_331_739_000));
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(written["expires"], "2026-11-22T07:15:39Z");
    assert_eq!(written["content"]["text"], "x");
    let absent = Posted::read(posted("null").as_bytes()).unwrap();
    assert_eq!((absent.expires, absent.message), (None, read.message));

    for (given, pointer, code) in [
        (posted(r#""tomorrow""#), "/expires", "wrong_type"),
        (posted("5"), "/expires", "wrong_type"),
        (
            posted("null").replace("\"text\": \"x\"", "\"text\": 1"),
            "/content/text",
            "wrong_type",
        ),
        (
            posted("null").replace("\"expires\"", "\"expire\": 1, \"to\""),
            "/to",
            "duplicate_member",
        ),
        (posted(r#"null, "ttl": 1"#), "/ttl", "unknown_member"),
        (
            r#"{"content": {"type": "text", "text": "x"}}"#.to_owned(),
            "/to",
            "required",
        ),
    ] {
        let problems = Posted::read(given.as_bytes()).unwrap_err();
        assert_eq!(
            (problems[0].pointer.as_str(), problems[0].code.as_str()),
            (pointer, code),
            "{given}: {problems:?}"
        );
    }
}

#[test]
fn what_is_no_json_is_malformed() {
    for given in ["", "{", "{} {}", r#"{"to": NaN}"#, &"[".repeat(100_000)] {
        refuses(given, "", "malformed", "not JSON");
    }
    let problems = Message::read(b"{\"to\": \"\xff\"}").unwrap_err();
    assert_eq!(problems[0].code, "malformed");
}

#[test]
fn a_large_text_costs_little_and_has_no_end_of_problems() {
    let many: Vec<String> = (0..200_000).map(|n| format!("\"{n}\": 1")).collect();
    let text = r#""to": {"phone": "1"}, "content": {"type": "text", "text": "x"}"#;
    assert_eq!(
        refused(&format!("{{{text}, {}}}", many.join(", "))).len(),
        PROBLEMS
    );
    let ones = vec!["1"; 500_000].join(",");
    let given = format!(
        r#"{{"to": {{"phone": 1}}, "content": {{"type": "text", "text": "x"}}, "x": [{ones}]}}"#
    );
    refuses(&given, "", "wrong_type", "write a string");
}
