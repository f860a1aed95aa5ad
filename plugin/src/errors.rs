//! The vendor's error codes as a class to act on. Cloud API, error codes; on-premise API, error codes.

use crate::bindings::messaging::channel::types::{ErrorClass, Retry};

/// Seconds until a message that Meta held back for the person's sake may be tried again.
const DAY: u32 = 86_400;

/// What to do about a code, and whether the same request may succeed later. Nothing is known of codes that are not listed.
pub(crate) fn classify(code: Option<&str>) -> (ErrorClass, Retry) {
    let Some(code) = code.and_then(|code| code.parse::<u32>().ok()) else {
        return (ErrorClass::Unknown, Retry::Unknown);
    };
    match code {
        0
        | 3
        | 10
        | 104
        | 190
        | 200..=299
        | 368
        | 402
        | 1005
        | 1031
        | 131_005
        | 131_031
        | 131_042
        | 131_044 => (ErrorClass::Unauthorised, Retry::AfterChange),
        4 | 429 | 613 | 1015 | 80_007 | 130_429 | 131_056 => {
            (ErrorClass::RateLimited, Retry::Backoff)
        }
        471 | 131_048 => (ErrorClass::RateLimited, Retry::After(DAY)),
        133_016 => (ErrorClass::RateLimited, Retry::After(3 * DAY)),
        470 | 131_047 => (ErrorClass::WindowClosed, Retry::Never),
        1 | 2 | 500 | 1000 | 1011 | 1014 | 1016 | 131_000 | 131_016 | 131_057 | 133_004 => {
            (ErrorClass::Temporary, Retry::Backoff)
        }
        131_049 => (ErrorClass::Recipient, Retry::After(DAY)),
        472 | 1007 | 1013 | 1026 | 130_403 | 130_472 | 130_497 | 131_021 | 131_026 | 131_050
        | 131_062 => (ErrorClass::Recipient, Retry::Never),
        480 | 1028 | 131_030 | 137_000 => (ErrorClass::Recipient, Retry::AfterChange),
        2001 | 2003 | 132_001 | 132_068 | 132_069 => (ErrorClass::Template, Retry::AfterChange),
        132_015 => (ErrorClass::Template, Retry::After(3 * 3600)),
        2000
        | 2004..=2013
        | 2017
        | 2060..=2062
        | 132_000
        | 132_005
        | 132_007
        | 132_008
        | 132_012
        | 132_016
        | 132_018 => (ErrorClass::Template, Retry::Never),
        33 | 131_037 | 131_045 | 131_053 | 133_010 => (ErrorClass::Invalid, Retry::AfterChange),
        100
        | 1001
        | 1002
        | 1008..=1010
        | 1025
        | 131_001
        | 131_002
        | 131_006
        | 131_008
        | 131_009
        | 131_051 => (ErrorClass::Invalid, Retry::Never),
        _ => (ErrorClass::Unknown, Retry::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_both_apis() {
        for (code, class) in [
            ("131047", ErrorClass::WindowClosed),
            ("470", ErrorClass::WindowClosed),
            ("131056", ErrorClass::RateLimited),
            ("190", ErrorClass::Unauthorised),
            ("132000", ErrorClass::Template),
            ("131026", ErrorClass::Recipient),
            ("131000", ErrorClass::Temporary),
            ("100", ErrorClass::Invalid),
            ("999999", ErrorClass::Unknown),
            ("soon", ErrorClass::Unknown),
        ] {
            assert_eq!(classify(Some(code)).0, class, "{code}");
        }
        assert_eq!(classify(None), (ErrorClass::Unknown, Retry::Unknown));
    }
}
