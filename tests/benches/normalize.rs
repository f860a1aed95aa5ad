//! What the sandbox costs: `normalize` native, in a sandbox that is used again, and in a fresh one for each webhook, with all
//! limits on.
//!
//! Criterion gives the times. A machine's clock changes its pace, so the ratios come from rounds in which the three take turns: the
//! median of each round's own ratio.

use channel_360dialog::bindings::messaging::channel::events::Delivery as NativeDelivery;
use channel_360dialog::webhook;
use channel_host::contract::events::Delivery;
use channel_host::{Cache, Engine, Limits, Plugin};
use channel_tests::{CHANNEL_360DIALOG, delivery};
use criterion::{Criterion, Throughput};
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Rounds, and calls of each kind in a round.
const ROUNDS: usize = 300;
const CALLS: u32 = 20;

/// A webhook as 360dialog posts it: 2 messages and 2 statuses in 1.6 KB.
const WEBHOOK: &str = include_str!("../../plugin/examples/webhook.json");

/// The same items, `items` in all, in one body.
fn batch(items: usize) -> String {
    let mut body: Value = serde_json::from_str(WEBHOOK).expect("the example is JSON");
    for (change, list) in ["messages", "statuses"].iter().enumerate() {
        let list = &mut body["entry"][0]["changes"][change]["value"][list];
        let few = list.as_array().expect("a list").clone();
        let many = few
            .iter()
            .cycle()
            .take(items / 2)
            .enumerate()
            .map(|(n, item)| {
                let mut item = item.clone();
                item["id"] = json!(format!("wamid.{n}"));
                item
            });
        *list = many.collect();
    }
    body.to_string()
}

fn native(delivery: &Delivery) -> NativeDelivery {
    NativeDelivery {
        method: delivery.method.clone(),
        path: delivery.path.clone(),
        query: Vec::new(),
        headers: Vec::new(),
        body: delivery.body.clone(),
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let engine = Engine::new(Limits::recommended(), &Cache::Off).expect("an engine");
    let channel = engine
        .load_file(CHANNEL_360DIALOG.as_ref())
        .expect("the channel loads");
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();

    let mut ratios = Vec::new();
    for (name, body) in [("webhook", WEBHOOK.to_owned()), ("batch-50", batch(50))] {
        let delivery = delivery(body);
        measure(&mut criterion, &runtime, &channel, name, &delivery);
        ratios.push((name, compare(&runtime, &channel, &delivery)));
    }
    criterion.final_summary();

    println!("ratios to native (median of {ROUNDS} rounds):");
    for (name, (warm, fresh)) in ratios {
        println!("  {name}: warm sandbox {warm:.2}, fresh sandbox {fresh:.2}");
    }
}

fn measure(
    criterion: &mut Criterion,
    runtime: &Runtime,
    channel: &Plugin,
    name: &str,
    delivery: &Delivery,
) {
    let native_delivery = native(delivery);
    let mut instance = runtime
        .block_on(channel.instantiate())
        .expect("an instance");
    let mut group = criterion.benchmark_group(format!("normalize {name}"));
    group.throughput(Throughput::Bytes(delivery.body.len() as u64));
    group.bench_function("native", |bencher| {
        bencher.iter(|| webhook::normalize(None, black_box(&native_delivery)));
    });
    group.bench_function("warm sandbox", |bencher| {
        bencher.iter(|| runtime.block_on(instance.normalize(None, black_box(delivery))));
    });
    group.bench_function("fresh sandbox", |bencher| {
        bencher.iter(|| runtime.block_on(channel.normalize(None, black_box(delivery))));
    });
    group.finish();
}

/// The medians of warm and fresh sandbox to native.
fn compare(runtime: &Runtime, channel: &Plugin, delivery: &Delivery) -> (f64, f64) {
    let native_delivery = native(delivery);
    let mut instance = runtime
        .block_on(channel.instantiate())
        .expect("an instance");
    let mut warm = Vec::with_capacity(ROUNDS);
    let mut fresh = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let native = time(|| {
            black_box(webhook::normalize(None, black_box(&native_delivery))).expect("events");
        });
        let in_warm = time(|| {
            runtime
                .block_on(instance.normalize(None, black_box(delivery)))
                .expect("an answer")
                .expect("events");
        });
        let in_fresh = time(|| {
            runtime
                .block_on(channel.normalize(None, black_box(delivery)))
                .expect("an answer")
                .expect("events");
        });
        warm.push(in_warm / native);
        fresh.push(in_fresh / native);
    }
    (median(&mut warm), median(&mut fresh))
}

fn time(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    start.elapsed().as_secs_f64()
}

fn median(ratios: &mut [f64]) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}
