//! Gathering everything that is wrong, so that one answer names it all.

use std::fmt::Display;

use crate::bindings::messaging::channel::types::Problem;

/// The problems found so far. A check adds to it and goes on.
#[derive(Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem. Pointer and message are written out only here, so a good message costs nothing.
    pub(crate) fn add(
        &mut self,
        pointer: impl Display,
        code: &str,
        message: impl Display,
        source: &str,
    ) {
        self.0.push(Problem {
            pointer: pointer.to_string(),
            code: code.to_owned(),
            message: message.to_string(),
            source: Some(source.to_owned()),
        });
    }

    /// A text that is there: not blank, and at most `max` code points long.
    pub(crate) fn text(&mut self, pointer: impl Display, text: &str, max: usize, source: &str) {
        if text.trim().is_empty() {
            self.add(pointer, "blank", "This text is blank: give it", source);
        } else {
            self.length(pointer, text, max, source);
        }
    }

    /// A text that may be left out, but not left blank.
    pub(crate) fn optional_text(
        &mut self,
        pointer: impl Display,
        text: Option<&str>,
        max: usize,
        source: &str,
    ) {
        match text {
            None => {}
            Some(text) if text.trim().is_empty() => {
                self.add(
                    pointer,
                    "blank",
                    "This text is blank: give it, or leave it out",
                    source,
                );
            }
            Some(text) => self.length(pointer, text, max, source),
        }
    }

    /// At most `max` code points. Meta doesn't say what it counts; code points is the common reading.
    pub(crate) fn length(&mut self, pointer: impl Display, text: &str, max: usize, source: &str) {
        // No code point is longer than its bytes, so most texts need no counting.
        if text.len() <= max {
            return;
        }
        let length = text.chars().count();
        if length > max {
            self.add(
                pointer,
                "too_long",
                format_args!("This text has {length} characters: shorten it to {max}"),
                source,
            );
        }
    }

    /// What was found.
    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    /// `value`, unless something was found.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.0)
        }
    }
}
