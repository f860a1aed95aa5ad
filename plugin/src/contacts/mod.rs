//! What the channel remembers of contacts and groups: who was seen, under which names, and how each window stands.

mod memory;
mod name;
mod record;

pub(crate) use memory::update;
pub(crate) use name::{all as names, group as group_name, key};
pub(crate) use record::{Cause, Free, Opened, State};

use crate::bindings::exports::messaging::channel::contacts::KnownContact;
use crate::bindings::messaging::channel::outbound::WindowState;
use crate::bindings::messaging::channel::storage::Failure;
use crate::bindings::messaging::channel::types::{Contact, Recipient};
use crate::storage::Storage;
use memory::Memory;

/// What is remembered of a contact's or a group's window; `None` where it is not known. A contact may be named by any of its names.
///
/// # Errors
///
/// The store's.
pub fn window(storage: &impl Storage, to: &Recipient) -> Result<Option<WindowState>, Failure> {
    let mut memory = Memory::new(storage);
    let mut recall = |names: &[String]| memory.recall(names);
    let record = match to {
        Recipient::Phone(number) => recall(name::phone(number).as_slice())?,
        Recipient::UserId(id) => match recall(name::user(id).as_slice())? {
            Some(record) => Some(record),
            None => recall(name::parent(id).as_slice())?,
        },
        Recipient::Group(id) => recall(name::group(id).as_slice())?,
        Recipient::Contact(contact) => recall(&names(contact))?,
    };
    Ok(record.map(|record| record.state.into()))
}

/// Learns that whoever was dialled is the one that the vendor names in its answer: it may write the number otherwise, or know a
/// user id with it. From then on the contact was seen, so it is greeted by nobody.
///
/// # Errors
///
/// The store's.
pub(crate) fn reached(
    storage: &impl Storage,
    dialled: &str,
    named: &Contact,
) -> Result<(), Failure> {
    let mut known = names(named);
    known.extend(name::phone(dialled).filter(|name| !known.contains(name)));
    if known.len() < 2 {
        return Ok(());
    }
    update(storage, |memory| {
        let mut names = known.clone();
        // The strongest comes first: a user id, or of two numbers the one that has one, or else the greater.
        if name::kind(&names[0]) == "phone" {
            let homes = [memory.home(&names[0])?, memory.home(&names[1])?];
            let [of_named, of_dialled] = homes.each_ref().map(|home| name::kind(home));
            let both_are_bare = (of_named, of_dialled) == ("phone", "phone");
            if of_dialled > of_named || both_are_bare && homes[1] > homes[0] {
                names.swap(0, 1);
            }
        }
        let record = memory.contact(&names, false)?;
        record.greet &= !record.fresh;
        Ok(())
    })?;
    Ok(())
}

/// Learns contacts from elsewhere, and returns how many are new. What is newer stays, so the same list can be imported again.
///
/// A contact that is not `greeted` is known, and greeted with its next message that opens the window, once; one that is known here as
/// greeted stays so. One without any name is left out.
///
/// # Errors
///
/// The store's. Some contacts may have been learned then; the call can be made again.
pub fn import(storage: &impl Storage, contacts: Vec<KnownContact>) -> Result<u32, Failure> {
    let contacts: Vec<(Vec<String>, State, bool)> = contacts
        .into_iter()
        .map(|known| (names(&known.contact), known.window.into(), known.greeted))
        .filter(|(names, ..)| !names.is_empty())
        .collect();
    let outcome = update(storage, |memory| {
        for (names, state, greeted) in &contacts {
            let record = memory.contact(names, false)?;
            record.state.merge(state.clone());
            record.greet &= !greeted;
        }
        Ok(())
    })?;
    Ok(outcome.new)
}

/// Forgets everything about a contact, under all names that it is known by. Returns whether there was anything.
///
/// # Errors
///
/// The store's. The call can be made again with the same names: what leads from them to the others goes last.
pub fn forget(storage: &impl Storage, contact: &Contact) -> Result<bool, Failure> {
    let mut any = false;
    for name in names(contact) {
        let mut memory = Memory::new(storage);
        let path = memory.path(&name)?;
        let home = &path[path.len() - 1];
        let record = memory.record(home)?;
        any |= record.is_some() || path.len() > 1;
        for other in record.into_iter().flat_map(|record| record.names) {
            let end = memory.home(&other)?;
            // A name that has gone over to another contact is that one's.
            let is_its_own = end == *home || memory.record(&end)?.is_none();
            if is_its_own && !path.contains(&other) {
                storage.delete(&other)?;
            }
        }
        for key in path.iter().rev() {
            storage.delete(key)?;
        }
    }
    Ok(any)
}

#[cfg(test)]
pub(crate) mod tests;
