//! Items that come to another channel's address than their own: one webhook may serve all numbers of an account.
//!
//! The delivery is copied to the channel of the number, and where it has items of the account as a whole to all of its channels; each
//! tells what is its own. Only within one account, as the vendor named it to whoever showed its key: nobody else's webhook speaks for
//! a number.

use std::sync::Arc;

use crate::channel::Channel;
use crate::contract::events::{Event, EventBody, Origin};
use crate::host::Shared;

/// Takes the events out that belong to other channels of this host alone, and returns the channels that have any.
pub(super) fn take_elsewhere(
    host: &Shared,
    here: &Channel,
    events: &mut Vec<Event>,
) -> Vec<Arc<Channel>> {
    let account = account(here);
    let is_shared = |event: &Event| is_of_account(account.as_deref(), event);
    if events
        .iter()
        .all(|event| event.origin.own && !is_shared(event))
    {
        return Vec::new();
    }
    let mut others = host.registry.all();
    others.retain(|other| {
        let is_kin = other.description.id == here.description.id && self::account(other) == account;
        other.id != here.id && account.is_some() && is_kin
    });
    let everywhere = events.iter().any(is_shared);
    let mut elsewhere: Vec<Arc<Channel>> = Vec::new();
    events.retain(|event| {
        let mut others = others.iter().filter(|_| !event.origin.own);
        let Some(other) = others.find(|other| is_of(other, &event.origin)) else {
            return true;
        };
        if !elsewhere.iter().any(|known| known.id == other.id) {
            elsewhere.push(Arc::clone(other));
        }
        false
    });
    if everywhere { others } else { elsewhere }
}

/// Whether an event is of the account as a whole: of itself or its templates, and of no number.
fn is_of_account(account: Option<&str>, event: &Event) -> bool {
    let origin = &event.origin;
    account.is_some()
        && origin.account_id.as_deref() == account
        && origin.phone_number_id.is_none()
        && origin.phone_number.is_none()
        && matches!(event.body, EventBody::Account(_) | EventBody::Template(_))
}

/// Whether an event of a delivery that came elsewhere is this channel's too.
pub(super) fn is_of_copy(channel: &Channel, event: &Event) -> bool {
    is_of(channel, &event.origin) || is_of_account(account(channel).as_deref(), event)
}

/// Whether an item names a channel's number and account.
fn is_of(channel: &Channel, origin: &Origin) -> bool {
    let current = channel.current();
    let Some(connected) = &current.connected else {
        return false;
    };
    let another_account = |account| connected.account_id.as_ref() != Some(account);
    if origin.account_id.as_ref().is_some_and(another_account) {
        return false;
    }
    let ids = (&origin.phone_number_id, &connected.phone_number_id);
    if let (Some(named), Some(ours)) = ids {
        return named == ours;
    }
    let named = digits(origin.phone_number.as_deref());
    !named.is_empty() && named == digits(connected.phone_number.as_deref())
}

fn account(channel: &Channel) -> Option<String> {
    let current = channel.current();
    current.connected.as_ref()?.account_id.clone()
}

fn digits(number: Option<&str>) -> String {
    let characters = number.unwrap_or_default().chars();
    characters.filter(char::is_ascii_digit).collect()
}
