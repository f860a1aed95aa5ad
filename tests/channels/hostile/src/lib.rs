//! A channel that does harm: each of its exports does what it is told to.

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    clippy::all
)]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "messaging:channel/pure", generate_all });

    #[cfg(target_family = "wasm")]
    export!(Hostile with_types_in self);
    #[cfg(target_family = "wasm")]
    use super::Hostile;
}

use bindings::exports::messaging::channel::{channel, message, webhook};
use bindings::messaging::channel::events::{
    Delivery, Event, EventBody, Origin, Rejection, RejectionReason, UnknownItem,
};
use bindings::messaging::channel::outbound::{Message, Payload, Window};
use bindings::messaging::channel::templates::Definition;
use bindings::messaging::channel::types::Problem;
use std::hint::black_box;

/// The channel.
pub struct Hostile;

/// Does what the word says; returns only from a word that it does not know.
fn harm(word: &str) {
    match word {
        "trap" => panic!("told to"),
        "loop" => {
            let mut turns = 0_u64;
            loop {
                turns = black_box(turns.wrapping_add(1));
            }
        }
        "memory" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "recurse" => {
            black_box(recurse(black_box(u64::MAX)));
        }
        "exit" => std::process::exit(3),
        "shout" => {
            for _ in 0..1_000 {
                println!("{}", "noise ".repeat(100));
            }
        }
        _ => {}
    }
}

fn recurse(depth: u64) -> u64 {
    if depth == 0 {
        0
    } else {
        black_box(recurse(black_box(depth - 1))) + 1
    }
}

impl channel::Guest for Hostile {
    fn describe() -> channel::Description {
        panic!("a channel that does not say what it is")
    }

    fn validate(settings: String) -> Vec<Problem> {
        harm(&settings);
        Vec::new()
    }
}

impl webhook::Guest for Hostile {
    /// The body is a word of harm, or a number: that many bytes are returned.
    fn normalize(_: Option<String>, delivery: Delivery) -> Result<Vec<Event>, Rejection> {
        let word = String::from_utf8_lossy(&delivery.body);
        harm(&word);
        let Ok(bytes) = word.parse() else {
            return Err(Rejection {
                reason: RejectionReason::Foreign,
                detail: word.into_owned(),
            });
        };
        Ok(vec![Event {
            id: "1".to_owned(),
            time: None,
            contact: None,
            origin: Origin {
                envelope: "hostile".to_owned(),
                field: None,
                account_id: None,
                phone_number_id: None,
                phone_number: None,
                entry_time: None,
                own: true,
            },
            body: EventBody::Unknown(UnknownItem {
                field: None,
                reason: None,
            }),
            attributes: Vec::new(),
            raw: "x".repeat(bytes),
        }])
    }
}

impl message::Guest for Hostile {
    fn build(
        settings: String,
        _: Message,
        _: Window,
        _: Option<Definition>,
    ) -> Result<Vec<Payload>, Vec<Problem>> {
        harm(&settings);
        Ok(Vec::new())
    }
}
