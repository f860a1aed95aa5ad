use serde_json::{Value, json};

use super::*;
use crate::contract::types::{ErrorClass, Retry};
use crate::events::{Events, Query};
use crate::store::Store;

/// A store with one channel and a message of so many parts.
struct Outbox {
    _directory: tempfile::TempDir,
    store: Store,
}

impl Outbox {
    async fn with(parts: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let outbox = Self {
            _directory: directory,
            store,
        };
        outbox
            .write(move |connection| {
                connection.execute(
                    "INSERT INTO channel (id, name, plugin, description, settings, state, added)
                     VALUES ('c', 'c', 'bundled', '{}', '{}', 'connected', 0)",
                    [],
                )?;
                connection.execute(
                    "INSERT INTO message (id, channel, contact, recipient, message, state, open, part, parts, due, accepted)
                     VALUES ('m', 'c', 'phone:1', '{}', '{}', 'queued', 1, 0, ?1, 0, 0)",
                    [parts],
                )?;
                for number in 0..parts {
                    connection.execute(
                        "INSERT INTO part (message, number, method, path, content_type, body, reference, state)
                         VALUES (1, ?1, 'POST', '/', 'application/json', x'', 'ref-' || ?1, 'queued')",
                        [number],
                    )?;
                }
                Ok(Settled::default())
            })
            .await;
        outbox
    }

    async fn write(
        &self,
        job: impl FnOnce(&Connection) -> Result<Settled, StoreError> + Send + 'static,
    ) -> Settled {
        self.store.write(job).await.unwrap()
    }

    async fn begin(&self, part: u32) -> bool {
        let begun = self
            .store
            .write(move |connection| begin(connection, 1, part, 5));
        begun.await.unwrap()
    }

    async fn finish(&self, outcome: Outcome) {
        let part = self.stands().2;
        self.finish_part(part, outcome).await;
    }

    async fn finish_part(&self, part: u32, outcome: Outcome) {
        self.write(move |connection| finish(connection, "c", (1, part), 6, &outcome))
            .await;
    }

    async fn resend(&self) -> bool {
        let again = self
            .store
            .write(|connection| resend(connection, "c", 9, "m"));
        again.await.unwrap().latest.is_some()
    }

    async fn cancel(&self) -> bool {
        let cancelled = self
            .write(|connection| cancel(connection, "c", 9, "m"))
            .await;
        cancelled.latest.is_some()
    }

    async fn execute(&self, statement: &'static str) {
        self.write(move |connection| {
            connection.execute(statement, [])?;
            Ok(Settled::default())
        })
        .await;
    }

    /// One value of the store.
    fn value<T: rusqlite::types::FromSql>(&self, select: &str) -> T {
        let read = |connection: &Connection| {
            Ok::<_, StoreError>(connection.query_row(select, [], |row| row.get(0))?)
        };
        self.store.read_now(read).unwrap()
    }

    async fn told(&self, state: MessageState, reference: &str, id: &str) -> Settled {
        self.takes("c", status(state, Some(reference), Some(id)))
            .await
    }

    /// Takes a status of a channel in.
    async fn takes(&self, channel: &'static str, status: Status) -> Settled {
        self.takes_of(channel, None, status).await
    }

    async fn takes_of(
        &self,
        channel: &'static str,
        phone: Option<&'static str>,
        status: Status,
    ) -> Settled {
        self.write(move |connection| {
            let mut event = json!({"time": "2026-11-22T07:15:39Z", "status": status});
            if let Some(phone) = phone {
                event["contact"] = json!({"phone": phone});
            }
            let insert = "INSERT INTO event (channel, id, type, at, json)
                 SELECT 'c', 'status-' || count(*), 'status', 7, ?1 FROM event RETURNING sequence";
            let event = connection.query_row(insert, [event.to_string()], |row| row.get(0))?;
            let (reference, id) = (status.reference.as_deref(), status.message_id.as_deref());
            match find(connection, channel, reference, id)? {
                Some(place) => settle(connection, channel, 7, (event, &status), &place),
                None => Ok(Settled::default()),
            }
        })
        .await
    }

    /// The steps that the message shows: their states, parts, and whose they are.
    fn history(&self) -> Vec<(String, Option<u32>, Option<String>)> {
        let standing = crate::outbox::get(&self.store, "m").unwrap().unwrap();
        let step = |step: crate::MessageStep| {
            let contact: Value = serde_json::from_str(step.contact.as_ref()?.get()).ok()?;
            contact["phone"].as_str().map(str::to_owned)
        };
        let steps = standing.history.into_iter();
        steps
            .map(|it| (it.state.clone(), it.part, step(it)))
            .collect()
    }

    async fn recover(&self) {
        let recovered = self.store.write(|connection| recover(connection, 8));
        recovered.await.unwrap();
    }

    async fn decide(&self, resend: bool) {
        self.write(move |connection| decide(connection, "c", 100, 50, resend))
            .await;
    }

    async fn expire(&self) {
        self.write(|connection| expire(connection, "c", 6)).await;
    }

    /// State, whether it stands in the queue, and the part to send next.
    fn stands(&self) -> (String, bool, u32) {
        let select = "SELECT state, open, part FROM message WHERE sequence = 1";
        let read = |connection: &Connection| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            Ok::<_, StoreError>(connection.query_row(select, [], row)?)
        };
        self.store.read_now(read).unwrap()
    }

    /// The steps that were told of, and the vendor's id in the last.
    async fn steps(&self) -> (Vec<String>, Option<String>) {
        let events = Events::open(self.store.clone()).await.unwrap();
        let query = Query {
            kinds: vec!["delivery".to_owned()],
            limit: 100,
            ..Query::default()
        };
        let told = events.page(query).await.unwrap();
        let deliveries: Vec<Value> = told
            .iter()
            .map(|told| serde_json::from_str::<Value>(&told.json).unwrap()["delivery"].clone())
            .collect();
        let word = |step: &Value, member: &str| step[member].as_str().map(str::to_owned);
        (
            deliveries
                .iter()
                .filter_map(|it| word(it, "state"))
                .collect(),
            deliveries.last().and_then(|it| word(it, "message_id")),
        )
    }
}

fn status(state: MessageState, reference: Option<&str>, id: Option<&str>) -> Status {
    let errors = match state {
        MessageState::Failed => vec![failure(ErrorClass::Recipient)],
        _ => Vec::new(),
    };
    Status {
        message_id: id.map(str::to_owned),
        state,
        reference: reference.map(str::to_owned),
        group_id: None,
        errors,
        pricing: None,
        conversation: None,
        payment: None,
    }
}

fn failure(class: ErrorClass) -> Error {
    Error {
        class,
        retry: Retry::Unknown,
        code: Some("7".to_owned()),
        title: None,
        message: None,
        details: None,
        link: None,
        remedy: None,
        attributes: Vec::new(),
    }
}

fn sent(id: &str) -> Outcome {
    Outcome::Accepted(Sent {
        message_id: Some(id.to_owned()),
        status: None,
        contact: None,
        attributes: Vec::new(),
    })
}

fn uncertain() -> Outcome {
    Outcome::Uncertain(failure(ErrorClass::Uncertain))
}

fn closed(state: &str) -> (String, bool, u32) {
    (state.to_owned(), false, 1)
}

#[tokio::test]
async fn a_message_moves_on_and_never_back() {
    let outbox = Outbox::with(1).await;
    assert!(outbox.begin(0).await);
    assert!(!outbox.begin(0).await, "it is sent once at a time");
    outbox.finish(sent("w")).await;
    assert_eq!(outbox.stands(), closed("accepted"));
    for (state, stands) in [
        (MessageState::Delivered, "delivered"),
        (MessageState::Sent, "delivered"),
        (MessageState::Read, "read"),
        (MessageState::Delivered, "read"),
        (MessageState::Failed, "read"),
        (MessageState::Other("odd".to_owned()), "read"),
    ] {
        outbox.told(state, "ref-0", "w").await;
        assert_eq!(outbox.stands(), closed(stands));
    }
    let (steps, id) = outbox.steps().await;
    assert_eq!(steps, ["accepted", "delivered", "read"]);
    assert_eq!(id.as_deref(), Some("w"));
    let history = outbox.history().into_iter().map(|(state, ..)| state);
    assert_eq!(
        history.collect::<Vec<_>>(),
        ["delivered", "sent", "read", "delivered", "failed", "odd"],
        "all of them, as they came"
    );
}

#[tokio::test]
async fn each_participant_of_a_group_has_steps_and_the_furthest_counts() {
    let of_group = |state| Status {
        group_id: Some("g".to_owned()),
        ..status(state, Some("ref-0"), Some("w"))
    };
    let told = [
        ("1", MessageState::Failed, "failed"),
        ("2", MessageState::Sent, "sent"),
        ("3", MessageState::Failed, "sent"),
        ("2", MessageState::Read, "read"),
        ("4", MessageState::Delivered, "read"),
    ];
    let outbox = Outbox::with(1).await;
    outbox.begin(0).await;
    outbox.finish(sent("w")).await;
    for (participant, state, stands) in told.clone() {
        outbox
            .takes_of("c", Some(participant), of_group(state))
            .await;
        assert_eq!(outbox.stands().0, stands, "{participant}");
    }
    let expected = told.map(|(participant, state, _)| {
        let state = json!(state).as_str().unwrap().to_owned();
        (state, None, Some(participant.to_owned()))
    });
    assert_eq!(outbox.history(), expected);
}

#[tokio::test]
async fn the_latest_hundred_steps_are_shown() {
    let outbox = Outbox::with(2).await;
    outbox.begin(0).await;
    outbox.finish(sent("w0")).await;
    outbox.told(MessageState::Sent, "ref-0", "w0").await;
    for _ in 0..100 {
        outbox.told(MessageState::Pending, "ref-1", "w1").await;
    }
    let last = ("pending".to_owned(), Some(2), None);
    assert_eq!(outbox.history(), vec![last; 100]);
}

#[tokio::test]
async fn a_status_is_matched_by_the_vendor_s_id_where_it_has_no_reference() {
    let outbox = Outbox::with(1).await;
    outbox.begin(0).await;
    outbox.finish(sent("w")).await;
    let foreign = status(MessageState::Read, None, Some("x"));
    outbox.takes("c", foreign).await;
    assert_eq!(outbox.stands(), closed("accepted"));
    let ours = status(MessageState::Read, None, Some("w"));
    outbox.takes("another channel", ours.clone()).await;
    assert_eq!(outbox.stands(), closed("accepted"));
    assert!(outbox.history().is_empty());
    outbox.takes("c", ours).await;
    assert_eq!(outbox.stands(), closed("read"));
}

#[tokio::test]
async fn a_status_may_be_faster_than_the_answer_and_outlives_one_that_is_lost() {
    for answer in [
        sent("w"),
        uncertain(),
        Outcome::Again(failure(ErrorClass::Temporary), 9),
    ] {
        let outbox = Outbox::with(1).await;
        outbox.begin(0).await;
        outbox.told(MessageState::Delivered, "ref-0", "w").await;
        assert_eq!(outbox.stands(), ("sending".to_owned(), true, 0));
        outbox.finish(answer).await;
        assert_eq!(outbox.stands(), closed("delivered"));
        assert_eq!(
            outbox.steps().await,
            (vec!["delivered".to_owned()], Some("w".to_owned()))
        );
    }
}

#[tokio::test]
async fn what_is_uncertain_waits_for_a_status_and_is_then_held_or_sent_again() {
    let waits = ("uncertain".to_owned(), true, 0);
    let outbox = Outbox::with(1).await;
    outbox.begin(0).await;
    outbox.finish(uncertain()).await;
    assert_eq!(outbox.stands(), waits);
    assert!(!outbox.begin(0).await, "it is not sent while nobody knows");
    let settled = outbox.told(MessageState::Sent, "ref-0", "w").await;
    assert!(settled.due, "the queue goes on");
    assert_eq!(outbox.stands(), closed("sent"));

    let outbox = Outbox::with(1).await;
    outbox.begin(0).await;
    outbox.finish(uncertain()).await;
    outbox.decide(false).await;
    assert_eq!(outbox.stands(), ("held".to_owned(), false, 0));
    assert_eq!(outbox.steps().await.0, ["uncertain", "held"]);
    outbox.told(MessageState::Read, "ref-0", "w").await;
    assert_eq!(outbox.stands(), closed("read"), "better late than never");

    let outbox = Outbox::with(1).await;
    outbox.begin(0).await;
    outbox.finish(uncertain()).await;
    outbox.decide(true).await;
    assert_eq!(outbox.stands(), ("queued".to_owned(), true, 0));
    outbox.told(MessageState::Sent, "ref-0", "w").await;
    assert_eq!(outbox.stands(), closed("sent"), "it need not be sent again");
    assert!(!outbox.begin(0).await);
}

#[tokio::test]
async fn a_crash_leaves_an_attempt_uncertain_unless_a_status_has_told() {
    let outbox = Outbox::with(1).await;
    outbox.begin(0).await;
    outbox.recover().await;
    assert_eq!(outbox.stands(), ("uncertain".to_owned(), true, 0));

    let outbox = Outbox::with(1).await;
    outbox.begin(0).await;
    outbox.told(MessageState::Sent, "ref-0", "w").await;
    outbox.recover().await;
    assert_eq!(outbox.stands(), closed("sent"));
}

#[tokio::test]
async fn parts_go_one_after_the_other_and_the_message_stands_where_the_last_does() {
    let outbox = Outbox::with(2).await;
    outbox.begin(0).await;
    outbox.finish(sent("w0")).await;
    assert_eq!(outbox.stands(), ("queued".to_owned(), true, 1));
    outbox.told(MessageState::Read, "ref-0", "w0").await;
    assert_eq!(outbox.stands(), ("queued".to_owned(), true, 1));
    outbox.begin(1).await;
    outbox.finish(sent("w1")).await;
    assert_eq!(outbox.stands(), ("accepted".to_owned(), false, 2));
    outbox.told(MessageState::Delivered, "ref-1", "w1").await;
    assert_eq!(outbox.stands(), ("delivered".to_owned(), false, 2));
    assert_eq!(outbox.steps().await.0, ["accepted", "delivered"]);
}

#[tokio::test]
async fn a_failed_part_ends_the_message_once() {
    let outbox = Outbox::with(2).await;
    outbox.begin(0).await;
    outbox.finish(sent("w0")).await;
    outbox.told(MessageState::Failed, "ref-0", "w0").await;
    assert_eq!(outbox.stands(), ("failed".to_owned(), false, 1));
    outbox.told(MessageState::Failed, "ref-0", "w0").await;
    assert_eq!(outbox.steps().await.0, ["failed"]);
    assert!(!outbox.begin(1).await);
}

#[tokio::test]
async fn what_a_status_says_has_failed_can_be_sent_again_from_that_part_on() {
    let outbox = Outbox::with(3).await;
    for (part, id) in ["w0", "w1", "w2"].into_iter().enumerate() {
        assert!(outbox.begin(u32::try_from(part).unwrap()).await);
        outbox.finish(sent(id)).await;
    }
    outbox.told(MessageState::Failed, "ref-1", "w1").await;
    assert_eq!(outbox.stands(), ("failed".to_owned(), false, 3));
    assert!(outbox.resend().await);
    assert!(!outbox.resend().await, "it is queued already");
    assert_eq!(outbox.stands(), ("queued".to_owned(), true, 1));
    assert!(outbox.value::<bool>("SELECT error IS NULL FROM message"));
    outbox.told(MessageState::Sent, "ref-1", "w1").await;
    assert_eq!(
        outbox.stands(),
        ("queued".to_owned(), true, 1),
        "this tells of the attempt that failed"
    );
    assert!(outbox.begin(1).await);
    outbox.finish(sent("again")).await;
    assert_eq!(
        outbox.stands(),
        ("accepted".to_owned(), false, 3),
        "the part behind it had arrived"
    );
}

#[tokio::test]
async fn the_answer_of_a_part_counts_though_another_has_ended_the_message() {
    let outbox = Outbox::with(2).await;
    outbox.begin(0).await;
    outbox.finish(sent("w0")).await;
    outbox.begin(1).await;
    outbox.told(MessageState::Failed, "ref-0", "w0").await;
    outbox.finish(sent("w1")).await;
    assert_eq!(outbox.stands(), ("failed".to_owned(), false, 1));
    assert_eq!(
        outbox.value::<u32>("SELECT count(*) FROM attempt WHERE ended IS NULL"),
        0
    );
    let id = "SELECT vendor_id FROM part WHERE number = 1 AND state = 'accepted'";
    assert_eq!(outbox.value::<String>(id), "w1");
    outbox.told(MessageState::Delivered, "ref-1", "w1").await;
    assert_eq!(outbox.stands(), ("failed".to_owned(), false, 1));

    assert!(outbox.resend().await);
    outbox.begin(0).await;
    outbox.finish(sent("again")).await;
    assert_eq!(outbox.stands(), ("accepted".to_owned(), false, 2));
}

#[tokio::test]
async fn an_answer_of_the_attempt_before_is_not_one_of_the_next() {
    let outbox = Outbox::with(1).await;
    outbox.begin(0).await;
    outbox.told(MessageState::Failed, "ref-0", "w").await;
    assert!(outbox.resend().await);
    outbox.finish_part(0, sent("w")).await;
    assert_eq!(outbox.stands(), ("queued".to_owned(), true, 0));
    assert!(outbox.begin(0).await);
}

#[tokio::test]
async fn an_attempt_that_nobody_makes_any_more_is_uncertain() {
    let outbox = Outbox::with(1).await;
    let sending = |connection: &Connection| sending(connection, "c");
    outbox.begin(0).await;
    assert_eq!(outbox.store.read_now(sending).unwrap(), [1]);
    outbox.write(|connection| lost(connection, "c", 1, 8)).await;
    assert_eq!(outbox.stands(), ("uncertain".to_owned(), true, 0));
    assert!(outbox.store.read_now(sending).unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_decided_while_a_delivery_in_time_may_hold_the_status() {
    let outbox = Outbox::with(1).await;
    outbox.begin(0).await;
    outbox.finish(uncertain()).await;
    // Its time was over at 56.
    for received in [56, 57] {
        outbox
            .write(move |connection| {
                connection.execute(
                    "INSERT INTO delivery (channel, received, state, request, body)
                     VALUES ('c', ?1, 'pending', '{}', x'')",
                    [received],
                )?;
                Ok(Settled::default())
            })
            .await;
    }
    outbox.decide(false).await;
    assert_eq!(outbox.stands(), ("uncertain".to_owned(), true, 0));
    outbox
        .execute("UPDATE delivery SET state = 'done' WHERE received = 56")
        .await;
    outbox.decide(false).await;
    assert_eq!(outbox.stands(), ("held".to_owned(), false, 0));
}

#[tokio::test]
async fn what_waits_is_cancelled_and_what_is_on_its_way_is_not() {
    let outbox = Outbox::with(2).await;
    assert!(outbox.begin(0).await);
    assert!(!outbox.cancel().await, "it is being sent");
    outbox
        .finish(Outcome::Again(failure(ErrorClass::Temporary), 50))
        .await;
    assert!(outbox.cancel().await);
    assert!(!outbox.cancel().await, "it is told once");
    assert_eq!(
        outbox.value::<String>("SELECT state FROM message"),
        "cancelled"
    );
    assert!(!outbox.begin(0).await && !outbox.resend().await);

    // Its first part had arrived all the same: the second is not sent because of that.
    outbox.told(MessageState::Delivered, "ref-0", "w").await;
    assert_eq!(
        outbox.value::<String>("SELECT state FROM message"),
        "cancelled"
    );
    assert_eq!(outbox.value::<i64>("SELECT open FROM message"), 0);
}

#[tokio::test]
async fn what_waits_when_its_time_is_over_fails_once() {
    let outbox = Outbox::with(2).await;
    outbox.execute("UPDATE message SET expires = 6").await;
    assert!(outbox.begin(0).await);
    outbox.expire().await;
    assert_eq!(outbox.stands().0, "sending", "its answer settles it");
    outbox.finish(sent("w")).await;
    outbox.execute("UPDATE message SET expires = 5").await;
    assert!(!outbox.begin(1).await, "whoever notices first");
    outbox.expire().await;
    outbox.expire().await;
    assert_eq!(outbox.stands(), ("failed".to_owned(), false, 1));
    assert_eq!(outbox.steps().await.0, ["failed"]);
    let error: String = outbox.value("SELECT error ->> 'code' FROM message");
    assert_eq!(error, "expired");
    // What is told of the first part does not let the second one leave.
    outbox.told(MessageState::Delivered, "ref-0", "w").await;
    assert!(!outbox.resend().await);
    assert_eq!(outbox.stands(), ("failed".to_owned(), false, 1));
}

#[tokio::test]
async fn what_is_uncertain_is_not_sent_again_once_its_time_is_over() {
    let outbox = Outbox::with(1).await;
    outbox.execute("UPDATE message SET expires = 6").await;
    outbox.begin(0).await;
    outbox.finish(uncertain()).await;
    outbox.expire().await;
    assert_eq!(outbox.stands().0, "uncertain", "a status may tell");
    outbox.decide(true).await;
    assert_eq!(outbox.stands(), ("failed".to_owned(), false, 0));
    assert_eq!(outbox.steps().await.0, ["uncertain", "failed"]);
    outbox.told(MessageState::Sent, "ref-0", "w").await;
    assert_eq!(outbox.stands(), closed("sent"), "it had arrived");
}

#[tokio::test]
async fn what_has_failed_was_sent_before_that() {
    let outbox = Outbox::with(1).await;
    assert!(outbox.begin(0).await);
    outbox.finish(sent("w")).await;
    outbox.told(MessageState::Failed, "ref-0", "w").await;
    outbox.told(MessageState::Sent, "ref-0", "w").await;
    assert_eq!(
        outbox.value::<String>("SELECT state FROM message"),
        "failed"
    );
    assert!(
        outbox
            .value::<Option<String>>("SELECT error FROM message")
            .is_some()
    );
    // It has arrived all the same.
    outbox.told(MessageState::Delivered, "ref-0", "w").await;
    assert_eq!(
        outbox.value::<String>("SELECT state FROM message"),
        "delivered"
    );
    assert_eq!(
        outbox.value::<Option<String>>("SELECT error FROM message"),
        None
    );
}
