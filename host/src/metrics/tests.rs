use super::*;
use crate::contract::outbound::{ClosedWindow, OpenWindow, Opening, OpeningCause};

/// The samples, in order of their text.
fn samples(metrics: &Metrics, standing: &Standing) -> Vec<String> {
    let written = metrics.encode(standing);
    let lines = written.lines().filter(|line| !line.starts_with('#'));
    let mut samples: Vec<String> = lines.map(str::to_owned).collect();
    samples.sort();
    samples
}

#[test]
fn what_happens_is_counted() {
    let metrics = Metrics::new();
    metrics.delivery_received("a");
    metrics.delivery_received("a");
    metrics.delivery_received("b");
    metrics.delivery_refused(Some("a"), "wrong_secret");
    metrics.delivery_refused(None, "unknown_path");
    metrics.delivery_parked("a", "deadline");
    metrics.delivery_done("a", 3, 1);
    metrics.delivery_done("a", 0, 2);
    metrics.message_became("a", "accepted");
    let samples = samples(&metrics, &Standing::default());
    assert_eq!(
        samples,
        [
            r#"channel_host_deliveries_done_total{channel="a"} 2"#,
            r#"channel_host_deliveries_parked_total{channel="a",reason="deadline"} 1"#,
            r#"channel_host_deliveries_received_total{channel="a"} 2"#,
            r#"channel_host_deliveries_received_total{channel="b"} 1"#,
            r#"channel_host_deliveries_refused_total{channel="",reason="unknown_path"} 1"#,
            r#"channel_host_deliveries_refused_total{channel="a",reason="wrong_secret"} 1"#,
            r#"channel_host_events_duplicate_total{channel="a"} 3"#,
            r#"channel_host_events_stored_total{channel="a"} 3"#,
            r#"channel_host_messages_total{channel="a",state="accepted"} 1"#,
            "channel_host_store_commits_total 0",
            "channel_host_store_jobs_total 0",
        ]
    );
}

#[test]
fn calls_are_counted_by_function_and_outcome_and_timed_by_function() {
    let metrics = Metrics::new();
    let function = "inbox.receive";
    let took = Duration::from_micros(300);
    metrics.called("a", function, &Ok(()), took);
    metrics.called("a", function, &Ok(()), Duration::from_secs(2));
    let failed: Result<(), _> = Err(CallError::Poisoned);
    metrics.called("b", function, &failed, took);
    let samples = samples(&metrics, &Standing::default());
    for sample in [
        r#"channel_host_sandbox_calls_total{channel="a",function="inbox.receive",outcome="ok"} 2"#,
        r#"channel_host_sandbox_calls_total{channel="b",function="inbox.receive",outcome="poisoned"} 1"#,
        r#"channel_host_sandbox_call_duration_seconds_bucket{le="0.00025",function="inbox.receive"} 0"#,
        r#"channel_host_sandbox_call_duration_seconds_bucket{le="0.0005",function="inbox.receive"} 2"#,
        r#"channel_host_sandbox_call_duration_seconds_bucket{le="+Inf",function="inbox.receive"} 3"#,
        r#"channel_host_sandbox_call_duration_seconds_count{function="inbox.receive"} 3"#,
    ] {
        assert!(samples.iter().any(|line| line == sample), "{samples:#?}");
    }
}

#[test]
fn windows_and_requests_are_counted_by_what_came_of_them() {
    let metrics = Metrics::new();
    let open = Window::Open(OpenWindow {
        until: 1,
        because: Opening {
            at: 0,
            cause: OpeningCause::Message,
            id: None,
        },
    });
    let closed = Window::Closed(ClosedWindow {
        since: None,
        because: None,
    });
    for window in [&open, &open, &closed, &Window::Unknown] {
        metrics.window_evaluated("a", window);
    }
    let samples = samples(&metrics, &Standing::default());
    let expected = [
        "channel_host_store_commits_total 0".to_owned(),
        "channel_host_store_jobs_total 0".to_owned(),
        r#"channel_host_windows_evaluated_total{channel="a",result="closed"} 1"#.to_owned(),
        r#"channel_host_windows_evaluated_total{channel="a",result="open"} 2"#.to_owned(),
        r#"channel_host_windows_evaluated_total{channel="a",result="unknown"} 1"#.to_owned(),
    ];
    assert_eq!(samples, expected);
}

#[test]
fn gauges_are_those_of_the_scrape_and_a_channel_that_is_gone_has_none() {
    let outbox = |channel: &str, open| Outbox {
        channel: channel.to_owned(),
        open,
        oldest: Duration::from_millis(1500),
        uncertain: 1,
    };
    let metrics = Metrics::new();
    let first = Standing {
        outboxes: vec![outbox("a", 7), outbox("b", 1)],
        commits: 5,
        jobs: 50,
    };
    assert_eq!(samples(&metrics, &first).len(), 8);
    let second = Standing {
        outboxes: vec![outbox("a", 2)],
        commits: 6,
        jobs: 60,
    };
    assert_eq!(
        samples(&metrics, &second),
        [
            r#"channel_host_outbox_oldest_age_seconds{channel="a"} 1.5"#,
            r#"channel_host_outbox_open{channel="a"} 2"#,
            r#"channel_host_outbox_uncertain{channel="a"} 1"#,
            "channel_host_store_commits_total 6",
            "channel_host_store_jobs_total 60",
        ]
    );
}

#[test]
fn the_text_says_what_each_number_is() {
    let metrics = Metrics::new();
    metrics.delivery_received(r#"a"b"#);
    let written = metrics.encode(&Standing::default());
    for line in [
        "# HELP channel_host_deliveries_received Deliveries that were committed.",
        "# TYPE channel_host_deliveries_received counter",
        r#"channel_host_deliveries_received_total{channel="a\"b"} 1"#,
        "# EOF",
    ] {
        assert!(written.lines().any(|written| written == line), "{written}");
    }
}
