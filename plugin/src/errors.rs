//! The vendor's error codes, as what to do about them.
//!
//! The codes: Cloud API, error codes; on-premise API, error codes. Meta says of each what it means and how to solve it, and of
//! none whether to try again: that is judged from its solutions. What may help once or a few times is tried again, waiting
//! longer each time.

use crate::bindings::messaging::channel::types::ErrorClass::{
    Invalid, RateLimited, Recipient, Template, Temporary, Unauthorised, Unknown, WindowClosed,
};
use crate::bindings::messaging::channel::types::Retry::{After, AfterChange, Backoff, Never};
use crate::bindings::messaging::channel::types::{ErrorClass, Retry};

/// In seconds.
const HOUR: u32 = 3600;
/// In seconds.
const DAY: u32 = 24 * HOUR;

/// The remedy for a key that is no longer one.
pub(crate) const KEY: &str = "The API key is wrong, or a newer one has replaced it: generate one in the 360dialog Hub (that ends \
    all older ones) and set api_key";
/// The remedy for too many requests.
pub(crate) const SLOWER: &str = "Too much was asked for at once: send more slowly";
const PERMISSION: &str =
    "The key lacks a right, or the account may not do this: have it granted in the 360dialog Hub";
const RESTRICTED: &str = "Meta has restricted the account: see what for in Meta's Business Support Home, and appeal there";
const META_PAYMENT: &str = "Put the payment method of the WhatsApp Business account in order";
/// The remedy for what is down.
pub(crate) const DOWN: &str = "WhatsApp is not available at the moment: wait, and look at the status pages of 360dialog and Meta";
const REQUEST: &str = "The request does not fit: correct what the details name";
const NOT_A_TYPE: &str = "WhatsApp does not take this type of message here: send it as another";
const FLOW: &str = "Meta holds the flow back for its errors: correct it in the WhatsApp Manager";

/// What is known of a code.
struct Known {
    code: u32,
    class: ErrorClass,
    retry: Retry,
    remedy: &'static str,
}

macro_rules! codes {
    ($($code:literal => $class:expr, $retry:expr, $remedy:expr;)+) => {
        /// By code. 200 stands for all from 200 to 299.
        const CODES: &[Known] = &[
            $(Known { code: $code, class: $class, retry: $retry, remedy: $remedy }),+
        ];
    };
}

codes! {
    0 => Unauthorised, AfterChange, KEY;
    1 => Temporary, Backoff, "Try again a few times; where it stays, look at Meta's status page and at the request";
    2 => Temporary, Backoff, DOWN;
    3 => Unauthorised, AfterChange, PERMISSION;
    4 => RateLimited, Backoff, SLOWER;
    10 => Unauthorised, AfterChange, PERMISSION;
    33 => Invalid, AfterChange, "The number's id is wrong, or the number was deleted: check it in the 360dialog Hub";
    100 => Invalid, Never, REQUEST;
    104 => Unauthorised, AfterChange, KEY;
    190 => Unauthorised, AfterChange, KEY;
    200 => Unauthorised, AfterChange, PERMISSION;
    368 => Unauthorised, AfterChange, RESTRICTED;
    400 => Invalid, Backoff, "The media could not be fetched: give a link that opens without a login, or upload it";
    402 => Unauthorised, AfterChange, META_PAYMENT;
    408 => Unknown, Never, "The message was not delivered in time: send it again if it still matters";
    410 => Unknown, Never, "The message was not delivered in time: send it again if it still matters";
    429 => RateLimited, Backoff, SLOWER;
    430 => Invalid, AfterChange, "The number's registration or certificate is not in order: register it again in the 360dialog Hub";
    432 => Invalid, AfterChange, "The number's registration or certificate is not in order: register it again in the 360dialog Hub";
    433 => Invalid, AfterChange, "The number's registration or certificate is not in order: register it again in the 360dialog Hub";
    470 => WindowClosed, Never, "More than 24 hours have passed since the person wrote: send an approved template";
    471 => RateLimited, After(DAY), "People have blocked or reported the number: look at its quality in the WhatsApp Manager and pause campaigns";
    472 => Recipient, Never, "Meta keeps marketing from this person for an experiment: reach them in another way";
    480 => Recipient, AfterChange, "The person has another device or WhatsApp anew: check who it is, or leave recipient_identity_key_hash out";
    500 => Temporary, Backoff, "Try again a few times; where it stays, ask 360dialog's support";
    501 => Invalid, Never, NOT_A_TYPE;
    506 => Invalid, Never, "The same message was sent a moment ago: send it once";
    613 => RateLimited, Backoff, SLOWER;
    1000 => Temporary, Backoff, "Try again a few times; where it stays, ask 360dialog's support";
    1001 => Invalid, Never, "Shorten the message";
    1002 => Invalid, Never, "Send to a phone number or user id as individual, and to a group as group";
    1004 => Invalid, Never, "It is there already: use it";
    1005 => Unauthorised, AfterChange, PERMISSION;
    1006 => Invalid, AfterChange, "What the request names is not there, or the person is not on WhatsApp: check the id or number";
    1007 => Recipient, Never, "The person can't be reached on WhatsApp, or has an old version of it: reach them in another way";
    1008 => Invalid, Never, "A member is missing that is needed: add what the details name";
    1009 => Invalid, Never, "A value does not fit: correct what the details name";
    1010 => Invalid, Never, REQUEST;
    1011 => Temporary, Backoff, DOWN;
    1013 => Recipient, Never, "The person can't be reached on WhatsApp, or has an old version of it: reach them in another way";
    1014 => Temporary, Backoff, "Try again a few times; where it stays, ask 360dialog's support";
    1015 => RateLimited, Backoff, SLOWER;
    1016 => Temporary, Backoff, DOWN;
    1017 => Temporary, Backoff, DOWN;
    1018 => Temporary, Backoff, DOWN;
    1021 => Recipient, Never, "The number can't write to itself: give another recipient";
    1022 => Invalid, AfterChange, "No webhook is registered: connect the channel";
    1023 => Temporary, Backoff, DOWN;
    1024 => Unauthorised, AfterChange, "The password of the on-premise API has to be changed: change it";
    1025 => Invalid, Never, REQUEST;
    1026 => Recipient, Never, "The person can't be reached on WhatsApp, or has an old version of it: reach them in another way";
    1028 => Recipient, AfterChange, "The person has another device or WhatsApp anew: check who it is, or leave recipient_identity_key_hash out";
    1031 => Unauthorised, AfterChange, RESTRICTED;
    2000 => Template, Never, "Give as many values as the template has variables";
    2001 => Template, AfterChange, "Check name and language, and that the template is approved";
    2002 => Template, Backoff, "WhatsApp could not fetch the template: try again, then check its name and language";
    2003 => Template, AfterChange, "Check name and language, and that the template is approved";
    2004 => Template, Never, "The text with its values is too long: shorten the values";
    2005 => Template, Never, "The text with its values is too long: shorten the values";
    2006 => Template, Never, "A value has line breaks, tabs or more than 4 spaces in a row: write it in one line";
    2007 => Template, Never, "A value holds characters that Meta does not allow: rewrite it";
    2008 => Template, Never, "A value is of the wrong kind, or the header's media is missing: give what the template asks for";
    2009 => Template, Never, "A value is of the wrong kind, or the header's media is missing: give what the template asks for";
    2010 => Template, Never, "A value is of the wrong kind, or the header's media is missing: give what the template asks for";
    2011 => Template, Never, "A value is of the wrong kind, or the header's media is missing: give what the template asks for";
    2012 => Template, Never, "A value is of the wrong kind, or the header's media is missing: give what the template asks for";
    2013 => Template, Never, "A value is of the wrong kind, or the header's media is missing: give what the template asks for";
    2014 => Template, Never, "The template's namespace is missing: send by the Cloud API, which needs none";
    2015 => Invalid, Never, "A value does not fit: correct what the details name";
    2016 => Invalid, Never, "A value does not fit: correct what the details name";
    2017 => Template, Never, "A value holds characters that Meta does not allow: rewrite it";
    2023 => Invalid, Never, "The products can't be shown: check the catalogue, that it is linked, and that Meta approved them";
    2024 => Invalid, Never, "The products can't be shown: check the catalogue, that it is linked, and that Meta approved them";
    2025 => Invalid, Never, "The products can't be shown: check the catalogue, that it is linked, and that Meta approved them";
    2026 => Invalid, Never, "The products can't be shown: check the catalogue, that it is linked, and that Meta approved them";
    2027 => Invalid, Never, "The products can't be shown: check the catalogue, that it is linked, and that Meta approved them";
    2028 => Invalid, Never, "The products can't be shown: check the catalogue, that it is linked, and that Meta approved them";
    2029 => Invalid, Never, "The products can't be shown: check the catalogue, that it is linked, and that Meta approved them";
    2030 => Invalid, Never, "The products can't be shown: check the catalogue, that it is linked, and that Meta approved them";
    2036 => Invalid, Never, "A value does not fit: correct what the details name";
    2040 => Invalid, Never, "The order can't be sent or changed so: check its kind and its state";
    2046 => Invalid, Never, "The order can't be sent or changed so: check its kind and its state";
    2047 => Invalid, Never, "The order can't be sent or changed so: check its kind and its state";
    2050 => Unauthorised, AfterChange, "The business has not given what the law asks of it: fill it in in the WhatsApp Manager";
    2060 => Template, Never, "The template was rejected: rewrite it and submit it again";
    2061 => Template, Never, "The template is paused for its quality: rewrite it, or wait until Meta lets it go";
    2062 => Template, Never, "The template is disabled for its quality: make a new one";
    2068 => Template, AfterChange, FLOW;
    2069 => Template, AfterChange, FLOW;
    80_007 => RateLimited, Backoff, SLOWER;
    130_403 => Recipient, Never, "This business has blocked the person: unblock them first";
    130_429 => RateLimited, Backoff, SLOWER;
    130_472 => Recipient, Never, "Meta keeps marketing from this person for an experiment: reach them in another way";
    130_497 => Recipient, Never, "Meta lets this account message nobody in that country: leave out its numbers";
    130_501 => Invalid, Never, NOT_A_TYPE;
    131_000 => Temporary, Backoff, "Try again a few times; where it stays, ask 360dialog's support";
    131_001 => Invalid, Never, "Shorten the message";
    131_002 => Invalid, Never, "Send to a phone number or user id as individual, and to a group as group";
    131_005 => Unauthorised, AfterChange, PERMISSION;
    131_006 => Invalid, Never, "What the request names is not there: check its ids";
    131_008 => Invalid, Never, "A member is missing that is needed: add what the details name";
    131_009 => Invalid, Never, "A value does not fit: correct what the details name";
    131_014 => Invalid, Never, "The call has ended or never was: start another";
    131_016 => Temporary, Backoff, DOWN;
    131_020 => Invalid, Never, "A group of one takes no messages: add somebody first";
    131_021 => Recipient, Never, "The number can't write to itself: give another recipient";
    131_026 => Recipient, Never, "The person can't be reached on WhatsApp, or has an old version of it: reach them in another way";
    131_030 => Recipient, AfterChange, "A test number writes to numbers on its list only: add this one to it";
    131_031 => Unauthorised, AfterChange, RESTRICTED;
    131_037 => Invalid, AfterChange, "The number's display name is not approved: get it approved in the WhatsApp Manager";
    131_041 => Invalid, Never, "There is no such group: check its id";
    131_042 => Unauthorised, AfterChange, META_PAYMENT;
    131_043 => Unknown, Never, "The message was not delivered in time: send it again if it still matters";
    131_044 => Unauthorised, AfterChange, META_PAYMENT;
    131_045 => Invalid, AfterChange, "The number's registration or certificate is not in order: register it again in the 360dialog Hub";
    131_047 => WindowClosed, Never, "More than 24 hours have passed since the person wrote: send an approved template";
    131_048 => RateLimited, After(DAY), "People have blocked or reported the number: look at its quality in the WhatsApp Manager and pause campaigns";
    131_049 => Recipient, After(DAY), "Meta held a marketing message back for the person's sake: wait a day or longer, and send fewer";
    131_050 => Recipient, Never, "The person wants no marketing messages: send none until they resume";
    131_051 => Invalid, Never, NOT_A_TYPE;
    131_052 => Invalid, Never, "The media could not be fetched: give a link that opens without a login, or upload it";
    131_053 => Invalid, AfterChange, "The media is of a wrong type or size, or its link does not open: correct it";
    131_055 => Invalid, Never, "Only marketing templates go this way: send it as any other message";
    131_056 => RateLimited, Backoff, "Too many messages went to this person at once: leave 6 seconds between them";
    131_057 => Temporary, After(60), "The account is being worked on: wait a minute";
    131_059 => Invalid, Never, "The page's cursor is too old: begin with the first page";
    131_060 => Unknown, Never, "WhatsApp could not hand over the message: ask the person to send it again";
    131_062 => Recipient, Never, "This message can't go to a user id: give the phone number";
    131_063 => Template, AfterChange, "Marketing templates are turned off for this way of sending: turn them on in the WhatsApp Manager";
    131_064 => RateLimited, After(DAY), "Templates or direct messages are in the wrong category: correct the category, and wait until Meta lifts the limit";
    131_065 => Invalid, Never, "No offer of your highest price was left: raise it, or leave it out";
    131_201 => Unknown, Never, "Only a part of it was done: look at the group, and do the rest";
    131_202 => Invalid, Never, "Somebody is named twice, or too many are: correct the list of people";
    131_203 => Invalid, Never, "Somebody is named twice, or too many are: correct the list of people";
    131_204 => Invalid, Never, "Somebody is named twice, or too many are: correct the list of people";
    131_207 => Unauthorised, AfterChange, "The group is suspended: see why in the WhatsApp Manager";
    131_208 => RateLimited, Backoff, SLOWER;
    131_209 => Invalid, Never, "A group's picture is square and at least 192 pixels wide: give another";
    131_210 => Invalid, Never, "A group's picture is square and at least 192 pixels wide: give another";
    131_211 => RateLimited, Never, "No further groups can be made: use one that there is";
    131_212 => Invalid, Never, "The person is not in the group, or no longer asks to be: look at the group";
    131_213 => Invalid, Never, "The person is not in the group, or no longer asks to be: look at the group";
    131_214 => RateLimited, After(7 * DAY), "Meta lets this number make no groups for 7 days: wait";
    131_215 => Invalid, AfterChange, "The number can't have groups: see what Meta asks for in the WhatsApp Manager";
    132_000 => Template, Never, "Give as many values as the template has variables";
    132_001 => Template, AfterChange, "Check name and language, and that the template is approved";
    132_005 => Template, Never, "The text with its values is too long: shorten the values";
    132_007 => Template, Never, "A value holds characters that Meta does not allow: rewrite it";
    132_008 => Template, Never, "A value does not fit its variable: correct it";
    132_012 => Template, Never, "A value is of the wrong kind, or the header's media is missing: give what the template asks for";
    132_015 => Template, After(3 * HOUR), "The template is paused for its quality: rewrite it, or wait until Meta lets it go";
    132_016 => Template, Never, "The template is disabled for its quality: make a new one";
    132_018 => Template, Never, "A value has line breaks, tabs or more than 4 spaces in a row: write it in one line";
    132_068 => Template, AfterChange, FLOW;
    132_069 => Template, After(HOUR), FLOW;
    133_000 => Unknown, Backoff, "The number was taken off by half: deregister it again";
    133_001 => Unknown, Never, "The backup of the old number can't be read: register it without one";
    133_002 => Unknown, Never, "The backup of the old number can't be read: register it without one";
    133_003 => Unknown, Never, "The backup of the old number can't be read: register it without one";
    133_004 => Temporary, Backoff, DOWN;
    133_005 => Unauthorised, AfterChange, "The PIN is wrong: give the right one, or reset it in the WhatsApp Manager";
    133_006 => Unauthorised, AfterChange, "Verify the number before it is registered";
    133_007 => Unauthorised, AfterChange, RESTRICTED;
    133_008 => RateLimited, After(HOUR), "The PIN was tried too often: wait as long as the details say";
    133_009 => RateLimited, After(HOUR), "The PIN was tried too often: wait as long as the details say";
    133_010 => Invalid, AfterChange, "The number is not registered: register it in the 360dialog Hub";
    133_015 => RateLimited, After(300), "The number was deleted a moment ago: wait 5 minutes before it is registered";
    133_016 => RateLimited, After(3 * DAY), "The number was registered too often: wait 72 hours";
    134_011 => Unauthorised, AfterChange, "Accept the terms of WhatsApp's payments in the WhatsApp Manager";
    134_100 => Template, Never, "Only marketing templates go this way: send it as any other message";
    134_101 => Template, After(600), "The template is still being copied: wait ten minutes";
    134_102 => Template, AfterChange, "The template can't be used for marketing messages yet: ask 360dialog's support";
    134_103 => Template, AfterChange, "The template can't be used for marketing messages yet: ask 360dialog's support";
    135_000 => Invalid, Backoff, "Check the request's values; where they are right, ask 360dialog's support";
    136_024 => Invalid, Never, "The code does not fit, or the number is verified already: check its state";
    136_025 => Invalid, Never, "The code does not fit, or the number is verified already: check its state";
    137_000 => Recipient, AfterChange, "The person has another device or WhatsApp anew: check who it is, or leave recipient_identity_key_hash out";
    138_000 => Invalid, AfterChange, "Calls are not enabled, or can't be: see the number's call settings in the WhatsApp Manager";
    138_001 => Recipient, Never, "The person can't be called: write instead";
    138_002 => RateLimited, Backoff, SLOWER;
    138_003 => Recipient, After(300), "There is a call with this person already: wait until it has ended";
    138_004 => Temporary, Backoff, "The call was not connected: try once more";
    138_005 => RateLimited, Backoff, SLOWER;
    138_006 => Recipient, AfterChange, "The person has not allowed calls: ask with call_permission_request";
    138_007 => Temporary, Backoff, "The call was not connected: try once more";
    138_009 => RateLimited, After(DAY), "The person was asked for calls too often: wait a day";
    138_012 => RateLimited, After(DAY), "The business has called as often as it may in 24 hours: wait until the instant in the details";
    138_013 => RateLimited, Backoff, SLOWER;
    138_018 => Invalid, AfterChange, "Calls are not enabled, or can't be: see the number's call settings in the WhatsApp Manager";
    139_000 => Template, AfterChange, FLOW;
    139_001 => Invalid, AfterChange, "The flow could not be changed: do what the details say";
    139_002 => Invalid, AfterChange, "The flow could not be changed: do what the details say";
    139_003 => Invalid, AfterChange, "The flow could not be changed: do what the details say";
    139_004 => Invalid, AfterChange, "The flow could not be changed: do what the details say";
    139_100 => Invalid, Backoff, "Some people could not be blocked: try those again that the details name";
    139_101 => Invalid, Never, "The list of blocked people is full: take some off";
    139_102 => Temporary, Backoff, "The list of blocked people was changed at the same time: try again";
    139_103 => Temporary, Backoff, DOWN;
    147_001 => Invalid, AfterChange, "The username is not to be had: do what the details say";
    147_002 => Invalid, AfterChange, "The username is not to be had: do what the details say";
    147_003 => Invalid, AfterChange, "The username is not to be had: do what the details say";
    147_004 => Invalid, AfterChange, "The username is not to be had: do what the details say";
    147_005 => Invalid, AfterChange, "The username is not to be had: do what the details say";
    200_005 => Invalid, AfterChange, "Template insights are not enabled: enable them in the WhatsApp Manager";
    200_006 => Invalid, AfterChange, "Template insights are not enabled: enable them in the WhatsApp Manager";
    200_007 => Invalid, AfterChange, "Template insights are not enabled: enable them in the WhatsApp Manager";
    1_752_041 => Invalid, Never, "Nothing is to be done: the request was made before";
    2_388_001 => Template, AfterChange, "The template or number could not be changed: do what the details say";
    2_388_012 => Invalid, Never, "The number is in the account already: use it there";
    2_388_019 => Template, AfterChange, "There are as many templates as there may be: delete some, or verify the business";
    2_388_023 => Template, AfterChange, "There is such a template already, or it is being deleted: wait, or give another name";
    2_388_024 => Template, AfterChange, "There is such a template already, or it is being deleted: wait, or give another name";
    2_388_039 => Template, AfterChange, "The template is in review: wait until that has ended";
    2_388_040 => Template, AfterChange, "A text of the template is too long: shorten what the details name";
    2_388_042 => Template, AfterChange, "A variable of the template is written wrong: correct it";
    2_388_043 => Template, AfterChange, "A part of the template lacks something, mostly an example: add it";
    2_388_047 => Template, AfterChange, "The template's header has a wrong format: correct it";
    2_388_072 => Template, AfterChange, "The template's body has a wrong format: correct it";
    2_388_073 => Template, AfterChange, "The template's footer has a wrong format: correct it";
    2_388_091 => Invalid, Never, "The number can't be verified so: ask 360dialog's support";
    2_388_093 => Invalid, Never, "The number can't be verified so: ask 360dialog's support";
    2_388_103 => Invalid, AfterChange, "The number can't move yet: do what the details say";
    2_388_275 => Template, AfterChange, "The template has too many buttons: leave some out";
    2_388_293 => Template, AfterChange, "The template has too many variables for its words: write more text";
    2_388_295 => Template, AfterChange, "The template's sample media is no good: give another";
    2_388_299 => Template, AfterChange, "A template neither begins nor ends with a variable: put text around it";
    2_494_100 => Temporary, Backoff, "The account is being worked on: wait a few minutes";
    2_494_164 => Invalid, AfterChange, "The sign-up in WhatsApp is not in order: correct what the details name";
    2_494_165 => Invalid, AfterChange, "The sign-up in WhatsApp is not in order: correct what the details name";
    2_494_166 => Invalid, AfterChange, "The sign-up in WhatsApp is not in order: correct what the details name";
    2_494_167 => Invalid, AfterChange, "The sign-up in WhatsApp is not in order: correct what the details name";
    2_494_168 => Invalid, AfterChange, "The sign-up in WhatsApp is not in order: correct what the details name";
    2_494_176 => Invalid, AfterChange, "The sign-up in WhatsApp is not in order: correct what the details name";
    2_494_177 => Invalid, AfterChange, "The sign-up in WhatsApp is not in order: correct what the details name";
    2_494_179 => Invalid, AfterChange, "The sign-up in WhatsApp is not in order: correct what the details name";
    2_494_191 => Invalid, AfterChange, "The thread could not be taken over: see who has it";
    2_593_079 => Invalid, AfterChange, "The sign-up is not complete: finish it in the 360dialog Hub";
    2_593_085 => Invalid, AfterChange, "The sign-up is not complete: finish it in the 360dialog Hub";
    2_593_107 => Invalid, Never, "The app's history can be asked for once, within 24 hours of connecting: connect the number anew";
    2_593_108 => Invalid, Never, "The app's history can be asked for once, within 24 hours of connecting: connect the number anew";
    2_593_109 => Unknown, Never, "The business does not share the app's history: turn sharing on in the app, and connect the number anew";
}

// They are searched by halves.
const _: () = {
    let mut i = 1;
    while i < CODES.len() {
        assert!(CODES[i - 1].code < CODES[i].code);
        i += 1;
    }
};

fn find(code: &str) -> Option<&'static Known> {
    let code = match code.parse().ok()? {
        200..=299 => 200,
        code => code,
    };
    let at = CODES.binary_search_by_key(&code, |known| known.code).ok()?;
    CODES.get(at)
}

/// What to do about a code, and whether the same request may succeed later. A code that is not known is not tried again.
pub(crate) fn classify(code: Option<&str>) -> (ErrorClass, Retry) {
    match code.map(find) {
        Some(Some(known)) => (known.class, known.retry),
        Some(None) => (Unknown, Never),
        None => (Unknown, Retry::Unknown),
    }
}

/// What the operator should do about a code, in a sentence.
pub(crate) fn remedy(code: &str) -> Option<&'static str> {
    find(code).map(|known| known.remedy)
}

#[cfg(test)]
mod tests;
