//! What people read: aligned, on one line each, with nothing in it that could move the cursor.

use std::io::{self, Write};

use anyhow::Result;
use channel_host::plain;
use serde_json::Value;

/// A member's text on one line; empty where it is absent.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => plain(text),
        Some(other) => plain(&other.to_string()),
    }
}

/// A list's members.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// Columns as wide as their longest cell.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut table = String::new();
    for row in rows {
        let cells = widths.iter().zip(row);
        let cells: Vec<_> = cells
            .map(|(width, cell)| format!("{cell:width$}"))
            .collect();
        table += cells.join("  ").trim_end();
        table.push('\n');
    }
    table
}

/// A table under headings; a sentence where it has no rows.
pub(super) fn listing<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    none: &str,
) -> String {
    let mut all = vec![headings.map(str::to_owned)];
    all.extend(rows);
    if all.len() == 1 {
        format!("{none}\n")
    } else {
        table(&all)
    }
}

/// Names and values, without those that have none.
pub(super) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let rows: Vec<_> = pairs
        .map(|(name, value)| [name.to_owned(), value])
        .collect();
    table(&rows)
}

/// Problems that stand in the way of nothing, one a line.
pub(super) fn warnings(problems: &[Value]) -> String {
    let line = |problem| match text(problem, "/pointer") {
        whole if whole.is_empty() => format!("warning: {}\n", text(problem, "/message")),
        pointer => format!("warning: {pointer}: {}\n", text(problem, "/message")),
    };
    problems.iter().map(line).collect()
}

/// Writes text to standard output, whole.
pub(super) fn write(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_aligned_and_lines_end_with_text() {
        let rows = [
            ["für".to_owned(), "a".to_owned(), String::new()],
            ["b".to_owned(), String::new(), "c".to_owned()],
        ];
        assert_eq!(table(&rows), "für  a\nb       c\n");
    }

    #[test]
    fn a_list_without_rows_is_a_sentence() {
        assert_eq!(listing(["A", "B"], [], "nothing"), "nothing\n");
    }

    #[test]
    fn foreign_text_stays_on_its_line() {
        let value = json!({"name": "a\nb\u{1b}[2J", "count": 3, "gone": null});
        assert_eq!(text(&value, "/name"), "a\\u{a}b\\u{1b}[2J");
        assert_eq!(text(&value, "/count"), "3");
        assert_eq!(text(&value, "/gone"), "");
    }
}
