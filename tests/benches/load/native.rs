//! The channel linked natively: the same code without a sandbox, on the same storage.
//!
//! Its types are converted as far as a text message needs; the sandbox lifts and lowers them instead.

use async_trait::async_trait;
use channel_360dialog::bindings::messaging::channel::events as native;
use channel_360dialog::bindings::messaging::channel::storage::{Failure, KeyPage};
use channel_360dialog::bindings::messaging::channel::types::Contact as NativeContact;
use channel_360dialog::{inbox, storage};
use channel_host::capability::{Lent, Storage};
use channel_host::contract::events::{Content, Delivery, Event, EventBody, Message, Origin, Text};
use channel_host::contract::inbox::{ReceiveError, Reception};
use channel_host::contract::storage as contract;
use channel_host::contract::types::{Contact, Timestamp};
use channel_host::{CallError, Receive};
use std::sync::Arc;
use tokio::runtime::Handle;

/// The channel linked natively.
pub(crate) struct Native;

#[async_trait]
impl Receive for Native {
    async fn receive(
        &self,
        lent: Lent,
        settings: &str,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Result<Reception, ReceiveError>, CallError> {
        let lent = Lender(lent.storage.expect("a delivery is lent storage"));
        let delivery = native::Delivery {
            method: delivery.method.clone(),
            path: delivery.path.clone(),
            query: Vec::new(),
            headers: Vec::new(),
            body: delivery.body.clone(),
        };
        let reception = inbox::receive(&lent, settings, &delivery, now).expect("it is taken in");
        assert!(reception.replies.is_empty(), "nobody is greeted");
        Ok(Ok(Reception {
            events: reception.events.into_iter().map(event).collect(),
            replies: Vec::new(),
            answer: None,
        }))
    }
}

/// The host's storage, whose operations are done at once.
struct Lender(Arc<dyn Storage>);

fn at_once<T>(operation: impl Future<Output = Result<T, contract::Failure>>) -> Result<T, Failure> {
    let done = tokio::task::block_in_place(|| Handle::current().block_on(operation));
    done.map_err(|failure| Failure::Unavailable(failure.to_string()))
}

impl storage::Storage for Lender {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        at_once(self.0.get(key))
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), Failure> {
        at_once(self.0.set(key, value.to_vec()))
    }

    fn delete(&self, key: &str) -> Result<(), Failure> {
        at_once(self.0.delete(key))
    }

    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, Failure> {
        let expected = expected.map(<[u8]>::to_vec);
        at_once(self.0.compare_and_swap(key, expected, value.to_vec()))
    }

    fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, Failure> {
        let page = at_once(self.0.list(prefix, cursor))?;
        Ok(KeyPage {
            keys: page.keys,
            next: page.next,
        })
    }
}

fn event(event: native::Event) -> Event {
    let native::EventBody::Message(message) = event.body else {
        panic!("the load is messages");
    };
    let native::Content::Text(text) = message.content else {
        panic!("the messages are text");
    };
    Event {
        id: event.id,
        time: event.time,
        contact: event.contact.map(contact),
        origin: Origin {
            envelope: event.origin.envelope,
            field: event.origin.field,
            account_id: event.origin.account_id,
            phone_number_id: event.origin.phone_number_id,
            phone_number: event.origin.phone_number,
            entry_time: event.origin.entry_time,
            own: event.origin.own,
        },
        body: EventBody::Message(Message {
            id: message.id,
            content: Content::Text(Text { text: text.text }),
            reply_to: message.reply_to,
            context: None,
            referral: None,
            group_id: message.group_id,
            errors: Vec::new(),
        }),
        attributes: Vec::new(),
        raw: event.raw,
    }
}

fn contact(contact: NativeContact) -> Contact {
    Contact {
        phone: contact.phone,
        user_id: contact.user_id,
        parent_user_id: contact.parent_user_id,
        username: contact.username,
        name: contact.name,
        identity_hash: contact.identity_hash,
    }
}
