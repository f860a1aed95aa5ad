//! Any bytes as a webhook: events keep what they promise, and are the same each time.
#![no_main]

use channel_360dialog::bindings::messaging::channel::events::{Delivery, Event};
use channel_360dialog::webhook::normalize;
use libfuzzer_sys::fuzz_target;

#[path = "../src/webhook/tests/promises.rs"]
mod promises;

fuzz_target!(|body: &[u8]| {
    let delivery = Delivery {
        method: "POST".to_owned(),
        path: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_vec(),
    };
    let settings = Some(r#"{"phone_number":"+15550783881"}"#);
    match (
        normalize(settings, &delivery),
        normalize(settings, &delivery),
    ) {
        (Ok(events), Ok(again)) => {
            promises::check(&String::from_utf8_lossy(&delivery.body), &events);
            // As text, where a number that is none would be itself.
            assert_eq!(format!("{events:?}"), format!("{again:?}"));
        }
        (Err(rejection), Err(again)) => assert_eq!(rejection, again),
        (first, second) => panic!("{first:?}, then {second:?}"),
    }
});
