//! What the vendor told of a channel's account of its own accord: how it stands, what it may no longer do, its limits.
//!
//! The host can't tell a good word of a vendor's from a bad one. It shows the latest, and asks for the account's health.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Channel, State, connect};
use crate::contract::events::{AccountChange, AccountSubject};
use crate::contract::json;
use crate::contract::types::Timestamp;
use crate::events::{self, Standing};
use crate::host::Shared;
use crate::store::StoreError;

/// The most that are kept: the latest.
const KEPT: usize = 50;

/// How long to wait before the vendor is asked: it seldom tells one thing alone.
const SOON: Duration = Duration::from_secs(2);

/// The latest that was told of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountNotice {
    /// When it happened.
    #[serde(with = "json::timestamp")]
    pub time: Timestamp,
    /// What was told.
    #[serde(flatten)]
    pub change: AccountChange,
}

impl AccountNotice {
    /// Whether it is about the same as another, so that only the later one holds. What befalls an account, and what it is
    /// alerted of, has a word for each case; everything else has a last word.
    fn is_about(&self, other: &Self) -> bool {
        let subject = |notice: &Self| {
            let change = &notice.change;
            let case = match change.subject {
                AccountSubject::Account | AccountSubject::Alert => change.code.clone(),
                _ => None,
            };
            (change.subject.clone(), case, change.phone_number.clone())
        };
        subject(self) == subject(other)
    }

    /// What of it holds at a time: a restriction ends by itself.
    pub(crate) fn at(mut self, now: Timestamp) -> Option<Self> {
        let restrictions = &mut self.change.restrictions;
        let was_restricted = !restrictions.is_empty();
        restrictions.retain(|it| it.until.is_none_or(|until| until > now));
        (!was_restricted || !restrictions.is_empty()).then_some(self)
    }
}

/// Whether the health of an account may have changed. Who answers one conversation, and what one person bought, is not its health.
fn is_of_health(change: &AccountChange) -> bool {
    !matches!(
        change.subject,
        AccountSubject::Handover | AccountSubject::Tracking
    )
}

/// Adds a notice to those that are known, the latest first. Returns whether it is news.
fn add(known: &mut Vec<AccountNotice>, notice: AccountNotice) -> bool {
    if let Some(earlier) = known.iter().position(|it| it.is_about(&notice)) {
        if known[earlier].time > notice.time {
            return false;
        }
        known.remove(earlier);
    }
    let place = known.partition_point(|it| it.time > notice.time);
    known.insert(place, notice);
    known.truncate(KEPT);
    place < KEPT
}

/// What a notice led to.
pub(crate) struct Noted {
    /// What the channel knows now.
    pub(crate) account: Vec<AccountNotice>,
    /// The sequence of the event that tells of it.
    pub(crate) told: Option<i64>,
}

/// Writes a notice down, and tells of it; absent where it is no news.
pub(crate) fn take(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    notice: &AccountNotice,
) -> Result<Option<Noted>, StoreError> {
    if !is_of_health(&notice.change) {
        return Ok(None);
    }
    let (state, detail, sending, known): (String, Option<String>, Option<String>, String) =
        connection
            .prepare_cached("SELECT state, detail, sending, account FROM channel WHERE id = ?1")?
            .query_row([channel], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
    let mut known = read(&known);
    if !add(&mut known, notice.clone()) {
        return Ok(None);
    }
    connection
        .prepare_cached("UPDATE channel SET account = ?2 WHERE id = ?1")?
        .execute(params![
            channel,
            serde_json::to_string(&known).unwrap_or_default()
        ])?;
    let channel_state = Standing {
        state: &state,
        detail: detail.as_deref(),
        sending: sending.and_then(|json| serde_json::from_str(&json).ok()),
        account: Some(notice),
    };
    let state = events::Notice::Channel { channel_state };
    Ok(Some(Noted {
        account: known,
        told: events::store_notice(connection, channel, now, &state)?,
    }))
}

/// The notices that a store has of a channel.
pub(super) fn read(json: &str) -> Vec<AccountNotice> {
    serde_json::from_str(json).unwrap_or_default()
}

/// Asks the vendor soon how the account is. Whoever asks meanwhile gets the same answer.
pub(crate) fn check_soon(host: &Arc<Shared>, channel: &Arc<Channel>) {
    if channel.asking.swap(true, Ordering::Relaxed) {
        return;
    }
    // A host that ends need not wait for it: it asks again when it starts.
    let (host, channel) = (Arc::downgrade(host), Arc::downgrade(channel));
    tokio::spawn(async move {
        tokio::time::sleep(SOON).await;
        let (Some(host), Some(channel)) = (host.upgrade(), channel.upgrade()) else {
            return;
        };
        channel.asking.store(false, Ordering::Relaxed);
        if host.is_stopping() || channel.current().state == State::Disconnected {
            return;
        }
        if let Err(error) = connect::check(&host, &channel).await {
            tracing::warn!(channel = channel.id, %error, "its account could not be checked");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::events::Restriction;

    fn notice(time: Timestamp, subject: AccountSubject, code: &str, state: &str) -> AccountNotice {
        AccountNotice {
            time,
            change: AccountChange {
                subject,
                code: Some(code.to_owned()),
                state: Some(state.to_owned()),
                previous: None,
                reason: None,
                description: None,
                severity: None,
                phone_number: None,
                name: None,
                effective: None,
                restrictions: Vec::new(),
            },
        }
    }

    #[test]
    fn the_latest_word_of_each_subject_is_kept_in_whatever_order_they_come() {
        let words = [
            notice(1, AccountSubject::Account, "BANNED", "yes"),
            notice(5, AccountSubject::Account, "BANNED", "no"),
            notice(4, AccountSubject::Account, "LIMITED", "yes"),
            notice(2, AccountSubject::Quality, "UP", "high"),
            notice(3, AccountSubject::Quality, "DOWN", "low"),
        ];
        let mut expected = vec![words[1].clone(), words[2].clone(), words[4].clone()];
        for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 0, 4, 2, 3]] {
            let mut known = Vec::new();
            for index in order {
                add(&mut known, words[index].clone());
            }
            assert_eq!(known, expected, "{order:?}");
        }
        assert!(!add(&mut expected, words[0].clone()), "it is older");
        let other_number = AccountNotice {
            change: AccountChange {
                phone_number: Some("1".to_owned()),
                ..words[0].change.clone()
            },
            ..words[0].clone()
        };
        assert!(add(&mut expected, other_number));
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let mut known = Vec::new();
        for time in 1..=60 {
            let code = time.to_string();
            assert!(add(
                &mut known,
                notice(time, AccountSubject::Alert, &code, "")
            ));
        }
        assert_eq!((known.len(), known[0].time), (KEPT, 60));
        let old = notice(2, AccountSubject::Alert, "old", "");
        assert!(!add(&mut known, old));
    }

    #[test]
    fn a_restriction_ends_by_itself_and_what_is_stored_is_read_again() {
        let mut restricted = notice(1, AccountSubject::Other("odd".into()), "R", "");
        let restriction = |until| Restriction {
            kind: "no_calls".to_owned(),
            until,
            remedy: None,
        };
        restricted.change.restrictions = vec![restriction(Some(10)), restriction(Some(20))];
        let stored = serde_json::to_string(&[restricted.clone()]).unwrap();
        assert_eq!(read(&stored), [restricted.clone()]);

        let kept = |now| {
            let kept = restricted.clone().at(now)?;
            Some(kept.change.restrictions.len())
        };
        assert_eq!([kept(9), kept(10), kept(20)], [Some(2), Some(1), None]);
        restricted.change.restrictions.push(restriction(None));
        assert!(restricted.at(99).is_some());
        assert!(notice(1, AccountSubject::Name, "", "").at(99).is_some());
    }
}
