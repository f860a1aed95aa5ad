//! What holds of the events of every body. The fuzz target includes this file too.

use super::Event;
use serde_json::value::RawValue;

/// The text of all events is at most so many times as long as the body: once as `raw`, four times at most as attributes, whose
/// paths repeat what they lead through, and five times at most as typed members: `1e20,` is a number of 21 digits.
const GROWTH: usize = 10;

/// And so many bytes for each event: eleven ids and names that items share, of 512 bytes at most, the event's own id, and words
/// of ours.
const EACH: usize = 11 * 512 + 256;

/// Panics where the events of a body break a promise.
pub(super) fn check(body: &str, events: &[Event]) {
    for event in events {
        assert!(body.contains(&event.raw), "raw is the item as it came");
        assert!(serde_json::from_str::<&RawValue>(&event.raw).is_ok());
    }
    let size = text(events);
    let bound = GROWTH * body.len() + EACH * events.len();
    assert!(
        size <= bound,
        "{size} bytes of {} events from {} bytes",
        events.len(),
        body.len()
    );
}

/// Bytes in all strings: what stands between the quotes of the debug form.
fn text(events: &[Event]) -> usize {
    let debug = format!("{events:?}");
    let mut quoted = false;
    let mut size = 0;
    let mut rest = debug.chars();
    while let Some(char) = rest.next() {
        match char {
            '"' => quoted = !quoted,
            '\\' => {
                size += 1;
                if rest.next() == Some('u') {
                    size += 3;
                    rest.find(|char| *char == '}');
                }
            }
            _ if quoted => size += char.len_utf8(),
            _ => {}
        }
    }
    size
}
