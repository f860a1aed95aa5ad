//! Events, pulled and streamed.

use std::time::Instant;

use super::*;
use crate::events::PAGE;

/// A message or a status, as it is stored, and its type.
fn event(number: i64) -> (&'static str, String) {
    let (kind, rest) = if number % 2 == 1 {
        (
            "message",
            r#""message":{"content":{"type":"welcome_request"}}"#,
        )
    } else {
        ("status", r#""status":{"state":"read"}"#)
    };
    let origin = r#""origin":{"envelope":"test","own":true},"raw":{}"#;
    let json = format!(r#"{{"id":"e{number}","type":"{kind}",{rest},{origin}}}"#);
    (kind, json)
}

/// Tells of so many messages and statuses, by turns.
async fn tell(home: &Home, count: i64) {
    let told: Result<i64, StoreError> = home
        .store
        .write(move |connection| {
            connection.execute_batch(
                "INSERT OR IGNORE INTO channel (id, name, plugin, description, settings, state, added)
                 VALUES ('c0', 'c0', 'none', '{}', '{}', '', 0)",
            )?;
            let latest = "SELECT coalesce(max(sequence), 0) FROM event";
            let begin: i64 = connection.query_row(latest, [], |row| row.get(0))?;
            for number in begin + 1..=begin + count {
                let (kind, json) = event(number);
                connection.execute(
                    "INSERT INTO event (channel, id, type, at, json) VALUES ('c0', ?1, ?2, 0, ?3)",
                    rusqlite::params![number, kind, json],
                )?;
            }
            Ok(begin + count)
        })
        .await;
    home.host.events().committed(Some(told.unwrap()));
}

fn sequences(page: &Value) -> Vec<i64> {
    let events = page["events"].as_array().unwrap().iter();
    events
        .map(|event| event["sequence"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn events_are_pulled_page_by_page() {
    let home = Home::empty().await;
    let served = home.served().await;
    let empty = served.ask("GET", "/events", "").await.done(200);
    assert_eq!(empty, json!({"events": [], "next": 0}));
    tell(&home, 5).await;
    let mut first: Value = serde_json::from_str(&event(1).1).unwrap();
    first["channel"] = "c0".into();
    first["sequence"] = 1.into();
    for (query, expected, next) in [
        ("", &[1, 2, 3, 4, 5][..], 5),
        ("?after=0&limit=2", &[1, 2], 2),
        ("?after=2&limit=2", &[3, 4], 4),
        ("?after=4&limit=2", &[5], 5),
        ("?after=5&limit=2", &[], 5),
        ("?after=9", &[], 9),
        ("?type=status", &[2, 4], 5),
        ("?type=status&limit=1", &[2], 2),
        ("?type=status,%20message,&after=3", &[4, 5], 5),
        ("?type=call", &[], 5),
        ("?limit=0", &[1], 1),
    ] {
        let page = served
            .ask("GET", &format!("/events{query}"), "")
            .await
            .done(200);
        assert_eq!(sequences(&page), expected, "{query}");
        assert_eq!(page["next"], next, "{query}");
        if expected.contains(&1) {
            assert_eq!(page["events"][0], first);
        }
    }
    tell(&home, 1010).await;
    let page = served.ask("GET", "/events?limit=99999", "").await.done(200);
    assert_eq!(sequences(&page).len(), PAGE);
}

#[tokio::test]
async fn only_a_channels_events_are_pulled_by_its_name() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = home.served().await;
    tell(&home, 2).await;
    home.write(
        r#"INSERT INTO event (channel, id, type, at, json) VALUES ('c1', 'x', 'channel', 0,
           '{"id":"x","time":"2026-11-22T07:15:39Z","type":"channel","channel_state":{"state":"connected"}}')"#,
    )
    .await;
    for channel in ["c1", "Front%20desk"] {
        let page = served
            .ask("GET", &format!("/events?channel={channel}"), "")
            .await;
        assert_eq!(sequences(&page.done(200)), [3]);
    }
}

#[tokio::test]
async fn who_waits_gets_the_next_event() {
    let home = Home::empty().await;
    let served = home.served().await;
    tell(&home, 3).await;
    let began = Instant::now();
    let page = served
        .ask("GET", "/events?after=3&wait=1", "")
        .await
        .done(200);
    assert_eq!(page, json!({"events": [], "next": 3}));
    assert!(began.elapsed() >= Duration::from_secs(1));

    let wait = served.ask("GET", "/events?after=3&wait=9&type=message", "");
    let later = async {
        // A status does not end the wait for a message.
        tell(&home, 1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        tell(&home, 1).await;
    };
    let (page, ()) = tokio::join!(wait, later);
    assert_eq!(sequences(&page.done(200)), [5]);
}

#[tokio::test]
async fn who_waits_is_answered_when_the_server_stops() {
    let home = Home::empty().await;
    let served = home.served().await;
    let bearer = format!("authorization: Bearer {TOKEN}");
    let mut waiting = served.begin("GET", "/events?wait=30", &[&bearer]).await;
    waiting.write_all(b"\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    served.stop().await;
    let answer = Answer::read(&mut waiting).await;
    assert_eq!(answer.done(200), json!({"events": [], "next": 0}));
}

/// A stream of events.
struct Stream(TcpStream);

impl Stream {
    async fn open(served: &Served, path: &str, headers: &[&str]) -> Self {
        let bearer = format!("authorization: Bearer {TOKEN}");
        let mut all = vec![&*bearer];
        all.extend(headers);
        let mut stream = served.begin("GET", path, &all).await;
        stream.write_all(b"\r\n").await.unwrap();
        let mut stream = Self(stream);
        let head = stream.read_until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        stream
    }

    async fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        let read = async {
            while !text.ends_with(end) {
                text.push(char::from(self.0.read_u8().await.unwrap()));
            }
        };
        timeout(Duration::from_secs(10), read).await.unwrap();
        text
    }

    /// The next event: its lines, without those of the transfer's chunks.
    async fn next(&mut self) -> Vec<String> {
        let text = self.read_until("\n\n").await;
        let lines = text.lines().filter(|line| line.contains(':'));
        lines.map(str::to_owned).collect()
    }

    async fn sequences(&mut self, count: usize) -> Vec<i64> {
        let mut sequences = Vec::new();
        while sequences.len() < count {
            let event = self.next().await;
            let id = event
                .iter()
                .find_map(|line| line.strip_prefix("id: "))
                .unwrap();
            sequences.push(id.parse().unwrap());
        }
        sequences
    }
}

#[tokio::test]
async fn a_stream_begins_at_the_present_end() {
    let home = Home::empty().await;
    let served = home.served().await;
    tell(&home, 3).await;
    let accept = "accept: text/event-stream";
    for (path, header) in [("/events", &[accept][..]), ("/events/stream", &[])] {
        let mut stream = Stream::open(&served, path, header).await;
        let begin = stream.next().await;
        let [id] = &*begin else { panic!("{begin:?}") };
        let present: i64 = id.strip_prefix("id: ").unwrap().parse().unwrap();
        tell(&home, 1).await;
        let sequence = present + 1;
        let (kind, json) = event(sequence);
        assert_eq!(
            stream.next().await,
            [
                format!("id: {sequence}"),
                format!("event: {kind}"),
                format!(
                    r#"data: {{"channel":"c0","sequence":{sequence},{}"#,
                    &json[1..]
                ),
            ]
        );
    }
}

#[tokio::test]
async fn a_stream_goes_on_where_it_broke_off() {
    let home = Home::empty().await;
    let served = home.served().await;
    tell(&home, 250).await;
    let mut stream = Stream::open(&served, "/events/stream?after=0", &[]).await;
    assert_eq!(stream.sequences(250).await, (1..=250).collect::<Vec<_>>());
    drop(stream);
    // The address is that of the first time; the header says where it broke off.
    let last = ["last-event-id: 249"];
    let mut stream = Stream::open(&served, "/events/stream?after=0&type=status", &last).await;
    tell(&home, 4).await;
    assert_eq!(stream.sequences(3).await, [250, 252, 254]);

    let bearer = format!("authorization: Bearer {TOKEN}");
    let headers = [&*bearer, "last-event-id: x"];
    let answer = served.ask_with("GET", "/events/stream", &headers, "").await;
    answer.problem(400, "bad-request");
}

#[tokio::test]
async fn a_stream_ends_with_the_server_and_lets_the_host_go() {
    let home = Home::empty().await;
    let served = home.served().await;
    tell(&home, 1).await;
    let mut idle = Stream::open(&served, "/events/stream?after=1", &[]).await;
    let mut busy = Stream::open(&served, "/events/stream?after=0", &[]).await;
    assert_eq!(busy.sequences(1).await, [1]);
    served.stop().await;
    for stream in [&mut idle, &mut busy] {
        let mut rest = String::new();
        stream.0.read_to_string(&mut rest).await.unwrap();
        // The end of a chunked body: it was not cut off.
        assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
    }
    let Home {
        directory,
        store,
        host,
    } = home;
    host.stop().await;
    drop(store);
    // The tasks of the host that were ended are dropped when their turn comes.
    let path = directory.path().join("store");
    let closed = async {
        while Store::open(&path).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), closed).await.unwrap();
}
