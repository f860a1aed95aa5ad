use std::sync::Mutex;

use super::*;
use crate::contract::types::Recipient;

const NOW: Timestamp = 1_000_000_000_000;
const HOUR: u64 = 60 * 60 * 1000;

fn head(hours_ago: u64) -> Head {
    Head {
        sequence: 1,
        id: "m".to_owned(),
        contact: "phone:1".to_owned(),
        message: String::new(),
        part: 0,
        attempts: 0,
        accepted: NOW - hours_ago * HOUR,
        fallback: false,
        has_original: false,
    }
}

#[test]
fn who_says_when_to_try_again_is_waited_for_longer() {
    let outcome = |retry, hours_ago| {
        let error = error(ErrorClass::RateLimited, retry);
        classify(error, &head(hours_ago), NOW)
    };
    let day = 24 * 60 * 60;
    assert!(
        matches!(outcome(Retry::After(day), 1), Outcome::Again(_, due) if due >= NOW + 24 * HOUR)
    );
    assert!(matches!(
        outcome(Retry::After(day), 6 * 24),
        Outcome::Failed(_)
    ));
    assert!(matches!(outcome(Retry::Backoff, 23), Outcome::Again(..)));
    assert!(matches!(outcome(Retry::Backoff, 24), Outcome::Failed(_)));
}

#[test]
fn a_message_whose_window_can_t_be_looked_at_does_not_leave() {
    let busy = CallError::Busy {
        after: Duration::ZERO,
        limit: "sandboxes",
    };
    for passes in [
        SendError::Call(busy),
        SendError::Storage(storage::Failure::Unavailable("closed".to_owned())),
        SendError::Store(StoreError::Closed),
    ] {
        let outcome = unseen(&passes, &head(0), NOW);
        assert!(matches!(outcome, Outcome::Again(..)), "{outcome:?}");
    }
    let poisoned = SendError::Call(CallError::Poisoned);
    let Outcome::Failed(error) = unseen(&poisoned, &head(0), NOW) else {
        panic!("it must fail");
    };
    assert_eq!(error.message, Some(poisoned.to_string()));
}

/// Answers in this order, the last first; never where there is none left.
struct Scripted(Mutex<Vec<Failure>>);

#[async_trait]
impl Http for Scripted {
    async fn send(&self, _: Request, _: tokio::time::Instant) -> Result<Response, Failure> {
        let next = self.0.lock().unwrap().pop();
        match next {
            Some(failure) => Err(failure),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn what_has_left_stays_so_though_a_later_request_is_denied() {
    let denied = || Failure::Denied("not this origin".to_owned());
    let interrupted = Failure::Interrupted("cut".to_owned());
    let watched = Watched {
        http: Arc::new(Scripted(Mutex::new(vec![denied(), interrupted, denied()]))),
        left: AtomicUsize::new(0),
    };
    let send = || {
        let request = Request {
            method: "POST".to_owned(),
            url: "https://vendor.example".to_owned(),
            headers: Vec::new(),
            body: None,
            fill_body: false,
            timeout_ms: None,
            seal: Vec::new(),
        };
        watched.send(request, tokio::time::Instant::now())
    };
    for left in [false, true, true] {
        send().await.unwrap_err();
        assert_eq!(watched.has_left(), left);
    }

    watched.left.store(0, Ordering::Relaxed);
    let cut_off = tokio::time::timeout(Duration::from_millis(10), send());
    cut_off.await.unwrap_err();
    assert!(watched.has_left(), "it was on its way");
}

#[test]
fn a_phone_has_one_queue_however_it_is_written() {
    let queue = |phone: &str| super::super::queue(&Recipient::Phone(phone.to_owned()));
    assert_eq!(queue("+1 (631) 555-1234"), "phone:16315551234");
    assert_eq!(queue("16315551234"), "phone:16315551234");
}

#[tokio::test]
async fn the_first_open_message_of_each_contact_is_a_head_once_it_is_due() {
    let directory = tempfile::tempdir().unwrap();
    let store = crate::store::Store::open(directory.path()).unwrap();
    let found: Result<(Vec<i64>, Vec<String>), StoreError> = store
        .write(|connection| {
            connection.execute(
                "INSERT INTO channel (id, name, plugin, description, settings, state, added)
                 VALUES ('c', 'c', 'bundled', '{}', '{}', 'connected', 0)",
                [],
            )?;
            for (sequence, contact, state, open, due) in [
                (1, "settled", "accepted", 0, 1),
                (2, "settled", "queued", 1, 5),
                (3, "settled", "queued", 1, 1),
                (4, "sending", "sending", 1, 1),
                (5, "sending", "queued", 1, 1),
                (6, "uncertain", "uncertain", 1, 1),
                (7, "uncertain", "queued", 1, 1),
                (8, "waiting", "queued", 1, 9),
                (9, "waiting", "queued", 1, 1),
                (10, "longest", "queued", 1, 2),
            ] {
                connection.execute(
                    "INSERT INTO message (sequence, id, channel, contact, recipient, message, state, open, part, parts, due, accepted)
                     VALUES (?1, ?1, 'c', ?2, '{}', '{}', ?3, ?4, 0, 1, ?5, 0)",
                    params![sequence, contact, state, open, due],
                )?;
            }
            let heads = heads(connection, "c", 8)?.iter().map(|head| head.sequence).collect();
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {HEADS}"))?;
            let plan = plan.query_map(params!["c", 8, LOOK], |row| row.get("detail"))?;
            Ok((heads, plan.collect::<rusqlite::Result<_>>()?))
        })
        .await;
    let (heads, plan) = found.unwrap();
    assert_eq!(heads, [10, 2]);
    assert!(
        plan[0].contains("message_due (channel=? AND due<?)"),
        "{plan:?}"
    );
    assert!(
        !plan.iter().any(|step| step.contains("TEMP B-TREE")),
        "{plan:?}"
    );
}
