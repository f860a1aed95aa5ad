//! What the host counts, for Prometheus (in the text of `OpenMetrics`).
//!
//! A label is a channel's id or a word of a closed set, so that there are as many series as channels allow, and none
//! that a stranger can make.

use std::array;
use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

use crate::contract::outbound::Window;
use crate::engine::CallError;

/// The content type of [`Metrics::encode`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The upper bounds of the histogram of calls, in seconds: from a fresh sandbox to a call that waits for the vendor.
const SECONDS: [f64; 10] = [
    0.0001, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.01, 0.1, 1.0, 5.0, 30.0,
];

type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
type Gauges<M> = Family<Labels<1>, M>;

/// The host's counters.
pub(crate) struct Metrics {
    /// Locked for each scrape, so that none sees the gauges of another half set.
    registry: Mutex<Registry>,
    received: Counters<1>,
    refused: Counters<2>,
    parked: Counters<2>,
    done: Counters<1>,
    calls: Counters<3>,
    call_seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    messages: Counters<2>,
    events: Counters<1>,
    duplicates: Counters<1>,
    windows: Counters<2>,
    media: Counters<2>,
    outbox_open: Gauges<Gauge>,
    outbox_age: Gauges<Gauge<f64, std::sync::atomic::AtomicU64>>,
    uncertain: Gauges<Gauge>,
    commits: Counter,
    jobs: Counter,
}

/// How things stand when somebody looks: what the store knows better than a counter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// The outbox of each channel. One that is left out is shown no more.
    pub(crate) outboxes: Vec<Outbox>,
    /// The commits that the store has made since the start.
    pub(crate) commits: u64,
    /// The jobs that were in them.
    pub(crate) jobs: u64,
}

/// The outbox of one channel.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    /// The channel's id.
    pub(crate) channel: String,
    /// Messages that are not settled.
    pub(crate) open: u32,
    /// Since when the oldest of them waits; zero where there is none.
    pub(crate) oldest: Duration,
    /// Those of them of which it is not known whether they arrived.
    pub(crate) uncertain: u32,
}

impl Metrics {
    /// All at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("channel_host");
        let r = &mut registry;
        let call_seconds = Family::new_with_constructor(call_histogram as fn() -> Histogram);
        let outbox_age = Gauges::default();
        r.register_with_unit(
            "sandbox_call_duration",
            "How long calls of plugins took",
            Unit::Seconds,
            call_seconds.clone(),
        );
        r.register_with_unit(
            "outbox_oldest_age",
            "How long the oldest open message has waited",
            Unit::Seconds,
            outbox_age.clone(),
        );
        Self {
            received: register(r, "deliveries_received", "Deliveries that were committed"),
            refused: register(r, "deliveries_refused", "Deliveries that were refused"),
            parked: register(r, "deliveries_parked", "Deliveries that were parked"),
            done: register(r, "deliveries_done", "Deliveries that became events"),
            calls: register(r, "sandbox_calls", "Calls of plugins"),
            messages: register(r, "messages", "Steps of messages that were sent"),
            events: register(r, "events_stored", "Events that were stored"),
            duplicates: register(r, "events_duplicate", "Events that were stored already"),
            windows: register(r, "windows_evaluated", "Windows that were evaluated"),
            media: register(
                r,
                "media",
                "Files that were fetched or uploaded, or were to be",
            ),
            outbox_open: register(r, "outbox_open", "Messages that are not settled"),
            uncertain: register(r, "outbox_uncertain", "Messages that perhaps arrived"),
            commits: register(r, "store_commits", "Commits of the store"),
            jobs: register(r, "store_jobs", "Jobs in the commits of the store"),
            call_seconds,
            outbox_age,
            registry: Mutex::new(registry),
        }
    }

    /// A delivery was committed.
    pub(crate) fn delivery_received(&self, channel: &str) {
        self.received.get_or_create(&[of(channel)]).inc();
    }

    /// A delivery was refused; without a channel where its path is nobody's.
    pub(crate) fn delivery_refused(&self, channel: Option<&str>, reason: &'static str) {
        let labels = [of(channel.unwrap_or_default()), word("reason", reason)];
        self.refused.get_or_create(&labels).inc();
    }

    /// A delivery was parked.
    pub(crate) fn delivery_parked(&self, channel: &str, reason: &'static str) {
        let labels = [of(channel), word("reason", reason)];
        self.parked.get_or_create(&labels).inc();
    }

    /// A delivery is done: it became `stored` new events, and `duplicates` that were known.
    pub(crate) fn delivery_done(&self, channel: &str, stored: u64, duplicates: u64) {
        let labels = [of(channel)];
        self.done.get_or_create(&labels).inc();
        self.events.get_or_create(&labels).inc_by(stored);
        self.duplicates.get_or_create(&labels).inc_by(duplicates);
    }

    /// A plugin's function (`inbox.receive`) was called. What it answered is no matter, as long as it did.
    pub(crate) fn called<T>(
        &self,
        channel: &str,
        function: &'static str,
        outcome: &Result<T, CallError>,
        took: Duration,
    ) {
        let outcome = outcome.as_ref().err().map_or("ok", CallError::reason);
        let function = word("function", function);
        self.call_seconds
            .get_or_create(array::from_ref(&function))
            .observe(took.as_secs_f64());
        let labels = [of(channel), function, word("outcome", outcome)];
        self.calls.get_or_create(&labels).inc();
    }

    /// A message that is sent came to a state.
    pub(crate) fn message_became(&self, channel: &str, state: &'static str) {
        let labels = [of(channel), word("state", state)];
        self.messages.get_or_create(&labels).inc();
    }

    /// A window was evaluated.
    pub(crate) fn window_evaluated(&self, channel: &str, window: &Window) {
        let result = match window {
            Window::Open(_) => "open",
            Window::Closed(_) => "closed",
            Window::Unknown => "unknown",
        };
        let labels = [of(channel), word("result", result)];
        self.windows.get_or_create(&labels).inc();
    }

    /// A file was asked of the vendor, or brought to it.
    pub(crate) fn media(&self, channel: &str, outcome: &'static str) {
        let labels = [of(channel), word("outcome", outcome)];
        self.media.get_or_create(&labels).inc();
    }

    /// All of it as text, with how things stand now.
    pub(crate) fn encode(&self, standing: &Standing) -> String {
        // A scrape that panicked left nothing worse than gauges that are set again here.
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        self.outbox_open.clear();
        self.outbox_age.clear();
        self.uncertain.clear();
        for outbox in &standing.outboxes {
            let labels = [of(&outbox.channel)];
            let (open, uncertain) = (outbox.open.into(), outbox.uncertain.into());
            self.outbox_open.get_or_create(&labels).set(open);
            self.uncertain.get_or_create(&labels).set(uncertain);
            let age = outbox.oldest.as_secs_f64();
            self.outbox_age.get_or_create(&labels).set(age);
        }
        let relaxed = Ordering::Relaxed;
        self.commits.inner().store(standing.commits, relaxed);
        self.jobs.inner().store(standing.jobs, relaxed);
        let mut written = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut written, &registry);
        written
    }
}

fn register<M: Metric + Clone + Default>(
    registry: &mut Registry,
    name: &'static str,
    about: &'static str,
) -> M {
    let metric = M::default();
    registry.register(name, about, metric.clone());
    metric
}

fn call_histogram() -> Histogram {
    Histogram::new(SECONDS)
}

fn of(channel: &str) -> (&'static str, Cow<'static, str>) {
    ("channel", channel.to_owned().into())
}

fn word(label: &'static str, word: &'static str) -> (&'static str, Cow<'static, str>) {
    (label, word.into())
}

#[cfg(test)]
mod tests;
