//! What people read: aligned, on one line each, with nothing in it that could move the cursor.

use std::io::{self, Write};

use anyhow::Result;
use jiff::Timestamp;
use serde_json::Value;

/// The cells of one thing's line.
pub(super) type Row = fn(&Value) -> Vec<String>;

/// Prints the members of a list, or one thing: as JSON, or for people. An empty list is a sentence for them.
pub(super) fn list(answer: &Value, json: bool, row: Row, none: &str) -> Result<()> {
    let things = match answer {
        Value::Array(things) => things.as_slice(),
        thing => std::slice::from_ref(thing),
    };
    if json {
        let lines: Vec<_> = things.iter().map(|thing| format!("{thing}\n")).collect();
        write(&lines.concat())
    } else if things.is_empty() && !none.is_empty() {
        write(&format!("{none}\n"))
    } else {
        let rows: Vec<_> = things.iter().map(row).collect();
        write(&table(&rows))
    }
}

/// Columns as wide as their longest cell. A line ends with its last cell, however long that is.
fn table(rows: &[Vec<String>]) -> String {
    let mut widths = Vec::new();
    for row in rows {
        let aligned = row.len().saturating_sub(1);
        widths.resize(widths.len().max(aligned), 0);
        for (width, cell) in widths.iter_mut().zip(&row[..aligned]) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &Vec<String>| {
        let widths = widths.iter().copied().chain([0]);
        let cells = row.iter().zip(widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Writes text to standard output, whole.
pub(super) fn write(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Foreign text: what could move the cursor, begin a line or turn the direction of writing is shown as `\u{1b}` instead.
pub(super) fn plain(text: &str) -> String {
    let turns = |c| matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || turns(c) {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// A text as it is, and other JSON as such. What is absent is a dash.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    }
}

/// Milliseconds since 1970 as a date and a time; a dash where there are none.
fn time(value: &Value) -> String {
    let time = value.as_i64().map(Timestamp::from_millisecond);
    match time {
        Some(Ok(time)) => format!("{time:.3}"),
        _ => text(value),
    }
}

pub(super) fn id(made: &Value) -> Vec<String> {
    vec![text(&made["id"])]
}

pub(super) fn customer(it: &Value) -> Vec<String> {
    let names = ["phone", "username", "user_id", "name"];
    let mut row: Vec<_> = names.iter().map(|name| text(&it[name])).collect();
    row.push(format!("wrote {}", time(&it["wrote"])));
    row
}

pub(super) fn template(it: &Value) -> Vec<String> {
    let names = ["name", "language", "category", "status", "rejected_reason"];
    names.iter().map(|name| text(&it[name])).collect()
}

pub(super) fn clock(it: &Value) -> Vec<String> {
    let stands = if it["frozen"] == true {
        "stands still"
    } else {
        "goes on"
    };
    vec![time(&it["time"]), stands.to_owned()]
}

/// The fault, and what else the rule says, as `name=value`. What is null or false goes without saying.
pub(super) fn rule(it: &Value) -> Vec<String> {
    let members = it.as_object().into_iter().flatten();
    let others = members.filter(|(name, value)| {
        let said = !value.is_null() && **value != false;
        *name != "fault" && said
    });
    let others: Vec<_> = others
        .map(|(name, value)| format!("{name}={}", text(value)))
        .collect();
    vec![text(&it["fault"]), others.join(" ")]
}

pub(super) fn request(it: &Value) -> Vec<String> {
    let query = it["query"].as_str().filter(|query| !query.is_empty());
    let query = query.map(|query| format!("?{}", plain(query)));
    let [method, path, body] = ["method", "path", "body"].map(|name| text(&it[name]));
    vec![
        text(&it["sequence"]),
        time(&it["time"]),
        text(&it["status"]),
        format!("{method} {path}{} {body}", query.unwrap_or_default()),
    ]
}

pub(super) fn message(it: &Value) -> Vec<String> {
    let body = &it["body"];
    let kind = body["type"].as_str().unwrap_or_default();
    let content = &body[kind];
    let content = if kind == "text" {
        &content["body"]
    } else {
        content
    };
    let statuses = it["statuses"].as_array().into_iter().flatten();
    let statuses: Vec<_> = statuses.map(text).collect();
    let to = if body["to"].is_null() {
        &body["recipient"]
    } else {
        &body["to"]
    };
    vec![
        text(&it["id"]),
        time(&it["time"]),
        text(to),
        if statuses.is_empty() {
            "-".to_owned()
        } else {
            statuses.join(" ")
        },
        format!("{}: {}", plain(kind), text(content)),
    ]
}

/// What became of a webhook last, and how often it was tried.
pub(super) fn delivery(it: &Value) -> Vec<String> {
    let attempts = it["attempts"].as_array().map_or(&[][..], Vec::as_slice);
    let outcome = match attempts.last() {
        None => "not tried".to_owned(),
        Some(last) if last["failed"].is_null() => format!("answered {}", text(&last["status"])),
        Some(last) => text(&last["failed"]),
    };
    let tried = match attempts.len() {
        0 | 1 => String::new(),
        times => format!(" ({times} times tried)"),
    };
    vec![
        text(&it["id"]),
        format!("{outcome}{tried}"),
        text(&it["body"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_aligned_and_lines_end_with_text() {
        let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect();
        let rows = [
            row(&["für", "a", "long and last"]),
            row(&["b", "", "c"]),
            row(&["only"]),
        ];
        assert_eq!(table(&rows), "für  a  long and last\nb       c\nonly\n");
    }

    #[test]
    fn foreign_text_stays_on_its_line() {
        assert_eq!(text(&json!("a\nb\u{1b}[2J")), "a\\u{a}b\\u{1b}[2J");
        assert_eq!(text(&json!({"a": "\u{202e}"})), "{\"a\":\"\\u{202e}\"}");
        assert_eq!(text(&Value::Null), "-");
    }

    #[test]
    fn a_request_is_one_line() {
        let seen = json!({"sequence": 3, "time": 1_795_331_739_123_u64, "method": "GET", "path": "/health_status",
            "query": "fields=id", "headers": {}, "body": {"a": 1}, "status": 200});
        let line = "GET /health_status?fields=id {\"a\":1}";
        let expected = ["3", "2026-11-22T07:15:39.123Z", "200", line];
        assert_eq!(request(&seen), expected);
    }

    #[test]
    fn a_message_tells_to_whom_what_and_how_far() {
        let sent = json!({"id": "wamid.A", "time": 0, "statuses": ["sent", "read"],
            "body": {"to": "16315551234", "type": "text", "text": {"body": "Hi\nthere"}}});
        let row = message(&sent);
        assert_eq!(
            row[2..],
            ["16315551234", "sent read", "text: Hi\\u{a}there"]
        );
    }

    #[test]
    fn a_delivery_tells_what_became_of_it() {
        let failed = json!({"time": 0, "failed": "the connection failed"});
        let taken = json!({"time": 0, "status": 200});
        for (attempts, expected) in [
            (json!([]), "not tried"),
            (json!([taken]), "answered 200"),
            (
                json!([taken, failed]),
                "the connection failed (2 times tried)",
            ),
        ] {
            let told = delivery(&json!({"id": 1, "attempts": attempts, "body": "b"}));
            assert_eq!(told, ["1", expected, "b"]);
        }
    }

    #[test]
    fn a_rule_is_its_fault_and_the_rest() {
        let told = rule(
            &json!({"fault": "status", "path": "/messages", "status": 500, "body": null, "done": false}),
        );
        assert_eq!(told, ["status", "path=/messages status=500"]);
    }
}
