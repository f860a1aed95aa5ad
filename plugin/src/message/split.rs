//! Long text in several messages.
//!
//! A part ends where a paragraph, a sentence or a line does, else after a word, and only where a word itself is too long within
//! it; never within what reads as one character (Unicode, UAX #29). What is bold, italic, struck out or code where a part ends
//! is closed there and opened again in the next. (WhatsApp, "How to format your messages".)

use std::borrow::Cow;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

/// The most that is opened at one place, in code points: bold, italic, struck out, and a block of code.
const MAX_OPEN: usize = 6;

/// A pair of marks, and what stands between them.
struct Span<'a> {
    mark: &'a str,
    open: usize,
    close: usize,
}

impl Span<'_> {
    fn opening(&self) -> Range<usize> {
        self.open..self.open + self.mark.len()
    }

    fn closing(&self) -> Range<usize> {
        self.close..self.close + self.mark.len()
    }

    /// Whether it is open where a part ends and the next begins.
    fn holds(&self, end: usize, next: usize) -> bool {
        self.opening().end < end && next <= self.close
    }

    /// Whether a part may end and the next begin there: not within a mark, nor so that nothing stands between two.
    fn allows(&self, end: usize, next: usize) -> bool {
        let (opening, closing) = (self.opening(), self.closing());
        let within = |mark: &Range<usize>, at: usize| mark.start < at && at < mark.end;
        let opens_at_the_end = opening.start < end && end <= opening.end;
        let closes_at_the_beginning = closing.start <= next && next < closing.end;
        let torn = within(&opening, next) || within(&closing, end);
        !(opens_at_the_end || closes_at_the_beginning || torn)
    }
}

/// How good an end is; the last is the best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Character,
    Word,
    /// Of a sentence or line.
    Sentence,
    Paragraph,
}

/// Where a part ends, and where the next begins: the space between them is not sent.
#[derive(Clone, Copy)]
struct Cut {
    end: usize,
    next: usize,
}

/// `text` in parts of at most `limit` code points.
pub(super) fn split(text: &str, limit: usize) -> Vec<Cow<'_, str>> {
    if text.chars().nth(limit).is_none() {
        return vec![Cow::Borrowed(text)];
    }
    let text = text.trim_end();
    let spans = spans(text);
    let mut parts = Vec::new();
    let mut start = 0;
    let mut open = String::new();
    loop {
        let opened = open.chars().count();
        let rest = &text[start..];
        if rest.chars().nth(limit - opened).is_none() {
            parts.push(join(open, rest, ""));
            return parts;
        }
        let room = if spans.is_empty() {
            limit
        } else {
            limit - opened - MAX_OPEN
        };
        let cut = cut(text, start, room, &spans);
        let held: Vec<&Span> = spans
            .iter()
            .filter(|span| span.holds(cut.end, cut.next))
            .collect();
        let close: String = held.iter().rev().map(|span| span.mark).collect();
        let next = held.iter().map(|span| span.mark).collect();
        parts.push(join(
            std::mem::replace(&mut open, next),
            &text[start..cut.end],
            &close,
        ));
        start = cut.next;
    }
}

fn join<'a>(open: String, part: &'a str, close: &str) -> Cow<'a, str> {
    if open.is_empty() && close.is_empty() {
        Cow::Borrowed(part)
    } else {
        Cow::Owned(open + part + close)
    }
}

/// The best end within `room` code points from `start`; of equal ones the last. Ends in the first half are no better than
/// those of words: fewer parts are better than short ones.
fn cut(text: &str, start: usize, room: usize, spans: &[Span<'_>]) -> Cut {
    let mut ends: Vec<(End, Cut)> = Vec::new();
    let mut count = 0;
    // The space that was passed: where it began, and how many lines it ends.
    let mut space: Option<(usize, usize)> = None;
    let mut before = "";
    let mut last = start;
    for (offset, character) in text[start..].grapheme_indices(true) {
        let at = start + offset;
        last = at;
        if character.trim().is_empty() {
            let lines = usize::from(character.contains('\n'));
            let (began, ended) = space.unwrap_or((at, 0));
            space = Some((began, ended + lines));
        } else {
            let (kind, end) = match space.take() {
                Some((began, 0)) if ends_sentence(before) => (End::Sentence, began),
                Some((began, 0)) => (End::Word, began),
                Some((began, 1)) => (End::Sentence, began),
                Some((began, _)) => (End::Paragraph, began),
                None if ends_sentence_without_space(before) => (End::Sentence, at),
                None => (End::Character, at),
            };
            let kind = if count * 2 < room {
                kind.min(End::Word)
            } else {
                kind
            };
            // Nothing but space is no part.
            if !before.is_empty() {
                ends.push((kind, Cut { end, next: at }));
            }
            before = character;
        }
        count += character.chars().count();
        if count > room {
            break;
        }
    }
    // Those that open before `last`, and close after `start`.
    let near: Vec<&Span> = spans[..spans.partition_point(|span| span.open <= last)]
        .iter()
        .filter(|span| span.closing().end > start)
        .collect();
    ends.sort_by_key(|(kind, _)| *kind);
    let allowed = |cut: &Cut| near.iter().all(|span| span.allows(cut.end, cut.next));
    let best = ends.into_iter().rev().map(|(_, cut)| cut).find(allowed);
    best.unwrap_or_else(|| {
        // What reads as one character is longer than a message, so it has to be cut.
        let code_point = text[start..].char_indices().nth(room);
        let end = code_point.map_or(text.len(), |(offset, _)| start + offset);
        Cut { end, next: end }
    })
}

fn ends_sentence(character: &str) -> bool {
    matches!(character, "." | "!" | "?" | "…" | "\u{61F}" | "\u{964}")
        || ends_sentence_without_space(character)
}

/// Where Chinese and Japanese end a sentence.
fn ends_sentence_without_space(character: &str) -> bool {
    matches!(character, "。" | "！" | "？")
}

/// All pairs of marks, in the order in which they open.
fn spans(text: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    // Opened in this line and not yet closed.
    let mut pending: Vec<Span> = Vec::new();
    let mut before = None;
    let mut at = 0;
    // Whether there may be another end of a block, or of code in this line, so that it is not looked for again and again.
    let (mut blocks, mut codes) = (true, true);
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        let code = if blocks && rest.starts_with("```") {
            let found = rest[3..].find("```");
            blocks = found.is_some();
            found.map(|length| (3, length))
        } else if codes && character == '`' {
            let line = rest[1..].lines().next().unwrap_or_default();
            let found = line.find('`');
            codes = found.is_some();
            found.map(|length| (1, length))
        } else {
            None
        };
        if let Some((mark, length)) = code.filter(|(_, length)| *length > 0) {
            // Nothing is formatted in code.
            let close = at + mark + length;
            spans.push(Span {
                mark: &rest[..mark],
                open: at,
                close,
            });
            at = close + mark;
            before = Some('`');
            continue;
        }
        let after = rest[character.len_utf8()..].chars().next();
        if character == '\n' {
            pending.clear();
            codes = true;
        } else if matches!(character, '*' | '_' | '~') {
            let opened = pending.iter().rposition(|span| rest.starts_with(span.mark));
            let closes = before.is_some_and(|c: char| !c.is_whitespace())
                && !after.is_some_and(char::is_alphanumeric);
            let opens = after.is_some_and(|c| !c.is_whitespace())
                && !before.is_some_and(char::is_alphanumeric);
            match opened {
                Some(i) if closes && pending[i].opening().end < at => {
                    // What was opened within it and not closed are no marks.
                    let span = pending.drain(i..).next();
                    spans.extend(span.map(|span| Span { close: at, ..span }));
                }
                None if opens => pending.push(Span {
                    mark: &rest[..1],
                    open: at,
                    close: at,
                }),
                _ => {}
            }
        }
        before = Some(character);
        at += character.len_utf8();
    }
    spans.sort_by_key(|span| span.open);
    spans
}

#[cfg(test)]
mod tests;
