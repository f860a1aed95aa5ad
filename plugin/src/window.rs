//! The customer service window: for 24 hours after a person wrote or called, free-form messages are allowed.
//!
//! The rule: Cloud API, "Customer service windows". The vendor never says when a window ends, so it is
//! reckoned from the person's last message by the vendor's own clock, less a margin.

use crate::bindings::messaging::channel::outbound::{
    ClosedWindow, OpenWindow, Window, WindowState,
};

/// How long a window is, in seconds.
pub const LENGTH_SECONDS: u32 = 24 * 60 * 60;

/// How much earlier the channel takes it for closed, in seconds: a message takes time on its way.
pub const MARGIN_SECONDS: u32 = 60;

/// How a window stands at `now`.
///
/// The one boundary is 24 hours less a minute after the opening: before it the window is open, from it on
/// closed. The vendor's word that it is closed counts for more, unless the opening is later. A free entry
/// point makes messages free for a while and opens nothing.
#[must_use]
pub fn evaluate(state: &WindowState, now: u64) -> Window {
    let Some(opened) = &state.opened else {
        return match state.refused {
            Some(_) => Window::Closed(ClosedWindow {
                since: None,
                because: None,
            }),
            None => Window::Unknown,
        };
    };
    // Clocks differ: an opening that lies ahead is one of this moment, and no longer window.
    let opened_at = opened.at.min(now);
    let until = opened_at.saturating_add(u64::from(LENGTH_SECONDS - MARGIN_SECONDS) * 1000);
    let refused = state.refused.filter(|refused| *refused >= opened_at);
    let end = refused.map_or(until, |refused| refused.min(now).min(until));
    if refused.is_none() && now < until {
        Window::Open(OpenWindow {
            until,
            because: opened.clone(),
        })
    } else {
        Window::Closed(ClosedWindow {
            since: Some(end),
            because: Some(opened.clone()),
        })
    }
}

/// An instant as RFC 3339 writes it, to the second: a sentence about a window names one.
pub(crate) fn rfc3339(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to a date by Howard Hinnant's `civil_from_days`: years begin in March, so the leap day is the last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// An instant that is written as in RFC 3339, in milliseconds.
pub(crate) fn instant(text: &str) -> Option<u64> {
    let number = |range| -> Option<u64> {
        let digits: &str = text.get(range)?;
        let is_number = digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| digits.parse().ok())?
    };
    let at = |index: usize| text.as_bytes().get(index).copied();
    if [at(4), at(7), at(13), at(16)] != [b'-', b'-', b':', b':'].map(Some) {
        return None;
    }
    if !matches!(at(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let days = days(number(0..4)?, number(5..7)?, number(8..10)?)?;
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    // A leap second is written as 60.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = text.get(19..)?;
    let digits = rest.strip_prefix('.').unwrap_or_default();
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let milliseconds: u64 = format!("{:0<3.3}", &digits[..length]).parse().ok()?;
    let zone = if length == 0 {
        rest
    } else {
        &rest[1 + length..]
    };
    let ahead = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), zone @ ..] => {
            let zone: Vec<u8> = zone.iter().copied().filter(|b| *b != b':').collect();
            if zone.len() != 4 || !zone.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let zone: i64 = str::from_utf8(&zone).ok()?.parse().ok()?;
            let minutes = zone / 100 * 60 + zone % 100;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    let instant = seconds.checked_add_signed(-ahead * 60)? * 1000 + milliseconds;
    Some(instant)
}

/// Days from 1970-01-01 to a date; `None` where it is none of the years 1970 to 9999.
pub(crate) fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Howard Hinnant's `days_from_civil`: years are taken to begin in March.
    let year = if month <= 2 { year - 1 } else { year };
    let days_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + days_of_year;
    days.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::messaging::channel::outbound::{EntryPoint, Opening, OpeningCause};

    const DAY: u64 = 86_400_000;
    const AT: u64 = 1_795_000_000_000;
    const T: u64 = AT + DAY - 60_000;

    fn opening(at: u64) -> Opening {
        Opening {
            at,
            cause: OpeningCause::Message,
            id: Some("wamid.IN".into()),
        }
    }

    fn state(opened: Option<u64>, refused: Option<u64>) -> WindowState {
        WindowState {
            opened: opened.map(opening),
            refused,
            free_entry_point: None,
        }
    }

    fn open(until: u64, at: u64) -> Window {
        Window::Open(OpenWindow {
            until,
            because: opening(at),
        })
    }

    fn closed(since: u64, at: u64) -> Window {
        Window::Closed(ClosedWindow {
            since: Some(since),
            because: Some(opening(at)),
        })
    }

    #[test]
    fn instants_are_read_in_every_form_of_rfc_3339() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2023-03-02T13:39:27Z", 1_677_764_367_000),
            ("2023-03-02T13:39:27.5Z", 1_677_764_367_500),
            ("2023-03-02 13:39:27.123456+00:00", 1_677_764_367_123),
            ("2023-03-02T15:39:27+0200", 1_677_764_367_000),
            ("2023-03-02T08:09:27-05:30", 1_677_764_367_000),
        ] {
            assert_eq!(instant(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "2023-03-02",
            "2023-03-02T13:39:27",
            "2023-13-02T13:39:27Z",
            "2023-03-02T24:39:27Z",
            "+023-03-02T13:39:27Z",
            "2023-03-02T13:39:27+2",
            "2023-03-02T13:39:27++1:00",
            "1970-01-01T00:00:00+01:00",
            "2023-03-02T13:39:27é",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn the_boundary_is_a_minute_before_a_day() {
        for (opened, refused, now, expected) in [
            (Some(AT), None, AT, open(T, AT)),
            (Some(AT), None, T - 1, open(T, AT)),
            (Some(AT), None, T, closed(T, AT)),
            (Some(AT), None, T + 1, closed(T, AT)),
            (Some(AT), None, AT + 30 * DAY, closed(T, AT)),
            // An opening that lies ahead is one of now.
            (Some(AT), None, AT - 5_000, open(T - 5_000, AT)),
            (Some(u64::MAX), None, AT, open(T, u64::MAX)),
            // A refusal closes it, unless the opening is later.
            (Some(AT), Some(AT - 1), AT + 1, open(T, AT)),
            (Some(AT), Some(AT), AT + 1, closed(AT, AT)),
            (Some(AT), Some(AT + 1), AT + 2, closed(AT + 1, AT)),
            (Some(AT), Some(T + 9), T + 10, closed(T, AT)),
            (Some(AT), Some(AT + 9), AT + 5, closed(AT + 5, AT)),
            (None, None, AT, Window::Unknown),
            (
                None,
                Some(AT),
                AT + 1,
                Window::Closed(ClosedWindow {
                    since: None,
                    because: None,
                }),
            ),
        ] {
            assert_eq!(
                evaluate(&state(opened, refused), now),
                expected,
                "opened {opened:?}, refused {refused:?}, now {now}"
            );
        }
    }

    #[test]
    fn the_end_of_time_does_not_overflow() {
        assert_eq!(
            evaluate(&state(Some(u64::MAX), None), u64::MAX),
            closed(u64::MAX, u64::MAX)
        );
    }

    #[test]
    fn a_free_entry_point_opens_nothing() {
        let state = WindowState {
            free_entry_point: Some(EntryPoint {
                at: AT,
                until: None,
            }),
            ..state(None, None)
        };
        assert_eq!(evaluate(&state, AT + 1), Window::Unknown);
    }

    #[test]
    fn instants_read_as_in_rfc_3339() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (951_868_799_999, "2000-02-29T23:59:59Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00Z"),
            (1_767_225_599_000, "2025-12-31T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(milliseconds), text);
        }
    }
}
