//! What Spin calls, and what the service asks of it.

use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use spin_interfaces::store::{Failure, SpinBucket, Store, open};
use spin_interfaces::variables::{Variables, read};
use spin_sdk::http::{self as spin, IntoResponse};
use spin_sdk::http_service;
use spin_sdk::wit_bindgen::{backpressure_dec, backpressure_inc};

use crate::bindings::{Error, Guest, Metadata};
use crate::{Unread, World, refresh, serve};

/// How much of the platform's answer is read.
const ANSWER_BYTES: usize = 64 << 10;

/// The part of the application that the service's keys are.
const PART: &str = "service";

/// How many requests an instance answers. With it go the connections that its swaps have opened, which Spin closes only then.
const REQUESTS: u32 = 32;

/// While it is there, Spin hands this instance no further request: the channel's requests and the store hold the whole instance
/// as long as they last, and would hold it for others too, whose time runs.
struct Alone;

impl Alone {
    fn begin() -> Self {
        backpressure_inc();
        Self
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        thread_local! {
            static ANSWERED: Cell<u32> = const { Cell::new(0) };
        }
        ANSWERED.set(ANSWERED.get() + 1);
        // One that never asks again ends.
        if ANSWERED.get() < REQUESTS {
            backpressure_dec();
        }
    }
}

#[http_service]
async fn handle(request: spin::Request) -> impl IntoResponse {
    let _alone = Alone::begin();
    let (head, mut body) = request.into_parts();
    let body = async |limit| {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Unread::BrokenOff)?;
            bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
            if bytes.len() > limit {
                return Err(Unread::TooLarge);
            }
        }
        Ok(bytes)
    };
    let response: Response<Vec<u8>> = serve(&Spin, &head, body).await;
    response.map(|body| Full::new(Bytes::from(body)))
}

pub(crate) struct Spin;

impl Guest for Spin {
    fn handle_cron_event(_: Metadata) -> Result<(), Error> {
        refresh(&Self).map_err(Error::Other)
    }
}

impl World for Spin {
    type Bucket = SpinBucket;

    fn variables(&self) -> Result<impl AsRef<Variables>, String> {
        read()
    }

    fn store(&self, variables: &Variables) -> Result<Store<SpinBucket>, Failure> {
        open(variables, PART)
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Result<StatusCode, String> {
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let response = spin::send(request).await;
        let (head, mut body) = response.map_err(|code| format!("{code:?}"))?.into_parts();
        // A connection is used again only after its answer was read.
        let mut read = 0;
        while read < ANSWER_BYTES
            && let Some(Ok(frame)) = body.frame().await
        {
            read += frame.data_ref().map_or(0, Bytes::len);
        }
        Ok(head.status)
    }

    async fn sleep(&self, time: Duration) {
        spin_sdk::time::sleep(time).await;
    }
}
