use super::*;
use crate::contract::events::{Origin, UnknownItem};
use crate::inbox::BATCH_BYTES;
use crate::store::Store;

async fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let written: Result<_, StoreError> = store
        .write(|connection| {
            Ok(connection.execute_batch(
                "INSERT INTO channel (id, name, plugin, description, settings, state, added)
                 VALUES ('one', 'one', 'bundled', '{}', '{}', 'connected', 0)",
            )?)
        })
        .await;
    written.unwrap();
    (directory, store)
}

fn event(id: String) -> Event {
    Event {
        id,
        time: None,
        contact: None,
        origin: Origin {
            envelope: "cloud".into(),
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
        raw: format!(r#"{{"text":"{}"}}"#, "x".repeat(150)),
    }
}

fn taken(delivery: i64, events: Vec<Event>) -> Taken {
    Taken {
        delivery,
        received: 0,
        bytes: 10,
        outcome: Outcome::Done {
            events,
            elsewhere: Vec::new(),
            replies: Vec::new(),
            writes: Writes::new(),
        },
    }
}

/// What undoes a delivery is kept in a journal that each statement's end must not go through.
#[tokio::test]
async fn large_deliveries_are_committed_in_seconds() {
    let (_directory, store) = store().await;
    let batch: Vec<Taken> = (0..64_u64)
        .map(|delivery| {
            // Scattered, as hashes are.
            let id = |event: u64| {
                let id = (delivery * 2000 + event).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                event_id(id)
            };
            let events = (0..2000).map(|number| event(id(number))).collect();
            taken(i64::try_from(delivery).unwrap(), events)
        })
        .collect();
    let began = Instant::now();
    let committed = store.write(move |connection| {
        let mut committed = Committed::default();
        for taken in &batch {
            assert!(commit_alone(connection, "one", 0, taken, &mut committed)?);
        }
        Ok::<_, StoreError>(committed)
    });
    let committed = committed.await.unwrap();
    assert_eq!(committed.done, [(2000, 0); 64]);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

fn event_id(id: u64) -> String {
    format!("{id:016x}{id:016x}{id:016x}{id:016x}")
}

#[tokio::test]
async fn what_is_undone_is_not_counted() {
    let (_directory, store) = store().await;
    let committed: Result<_, StoreError> = store
        .write(|connection| {
            connection.execute_batch(
                "CREATE TEMP TRIGGER bad BEFORE UPDATE ON main.delivery WHEN NEW.events = 2
                 BEGIN SELECT RAISE(ABORT, 'bad'); END;
                 INSERT INTO delivery (id, channel, received, state, request, body)
                 VALUES (1, 'one', 0, 'pending', '{}', x''), (2, 'one', 0, 'pending', '{}', x'')",
            )?;
            let mut committed = Committed::default();
            let good = taken(1, vec![event("a".to_owned())]);
            let bad = taken(2, vec![event("b".to_owned()), event("c".to_owned())]);
            assert!(commit_alone(connection, "one", 0, &good, &mut committed)?);
            assert!(!commit_alone(connection, "one", 0, &bad, &mut committed)?);
            Ok(committed)
        })
        .await;
    let committed = committed.unwrap();
    assert_eq!(
        (committed.done, committed.told.latest),
        (vec![(1, 0)], Some(1))
    );
    assert_eq!(committed.parked, ["store"]);
    assert_eq!((committed.deliveries, committed.bytes), (2, 20));
}

#[tokio::test]
async fn a_batch_is_bounded_by_bytes_and_never_empty() {
    let (_directory, store) = store().await;
    let large = i64::try_from(BATCH_BYTES).unwrap();
    let sizes = [large + 1, large - 1, 1, 1];
    let written: Result<_, StoreError> = store
        .write(move |connection| {
            for size in sizes {
                connection.execute(
                    r#"INSERT INTO delivery (channel, received, state, request, body)
                       VALUES ('one', 0, 'pending', '{"method":"POST"}', zeroblob(?1))"#,
                    [size],
                )?;
            }
            Ok(())
        })
        .await;
    written.unwrap();
    for expected in [vec![1], vec![2, 3], vec![4]] {
        let batch = store.read_now(|connection| pending(connection, "one", BATCH));
        let ids: Vec<i64> = batch.unwrap().into_iter().map(|it| it.id).collect();
        assert_eq!(ids, expected);
        let done: Result<_, StoreError> = store
            .write(move |connection| {
                for id in ids {
                    connection.execute("UPDATE delivery SET state = 'done' WHERE id = ?1", [id])?;
                }
                Ok(())
            })
            .await;
        done.unwrap();
    }
}
