//! Deliveries: what came to the webhooks, and taking in again what was parked.

use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::openapi::{Routes, answers, op};
use super::problem::{Checked, Problem};
use super::{Named, known_state, named};
use crate::{DeliveryFilter, Host, Stored};

/// The states of deliveries.
const STATES: [&str; 3] = ["pending", "done", "parked"];

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/channels/{channel}/deliveries",
            get_with(list, |it| {
                op(
                    it,
                    "list_deliveries",
                    "List a channel's deliveries, the latest first",
                )
            }),
        )
        .route(
            "/channels/{channel}/deliveries/replay",
            post_with(replay_all, |it| {
                op(it, "replay_channel", "Take in again all that is parked")
            }),
        )
        .route(
            "/deliveries/{delivery}",
            get_with(show, |it| op(it, "get_delivery", "Show a delivery")),
        )
        .route(
            "/deliveries/{delivery}/body",
            get_with(body, |it| {
                let it = op(it, "get_body", "Show a delivery's body as it came");
                answers(it, "*/*", "The body, in the type that came with it")
            }),
        )
        .route(
            "/deliveries/{delivery}/replay",
            post_with(replay, |it| {
                op(it, "replay_delivery", "Take in again what is parked")
            }),
        )
}

/// Some deliveries.
#[derive(Serialize, JsonSchema)]
struct Deliveries {
    deliveries: Vec<Stored>,
}

/// What is taken in again.
#[derive(Serialize, JsonSchema)]
struct Replayed {
    /// How many deliveries.
    replayed: usize,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Address {
    /// The delivery's number.
    delivery: i64,
}

async fn list(
    Named(channel): Named,
    Checked(Query(filter)): Checked<Query<DeliveryFilter>>,
) -> Result<Json<Deliveries>, Problem> {
    known_state(filter.state.as_deref(), &STATES)?;
    let deliveries = channel.deliveries(filter).await?;
    Ok(Json(Deliveries { deliveries }))
}

async fn replay_all(Named(channel): Named) -> Result<Json<Replayed>, Problem> {
    let replayed = channel.replay(None).await?;
    Ok(Json(Replayed { replayed }))
}

async fn show(
    State(host): State<Host>,
    Checked(Path(Address { delivery: id })): Checked<Path<Address>>,
) -> Result<Json<Stored>, Problem> {
    let (stored, _) = delivery(&host, id).await?;
    Ok(Json(stored))
}

async fn body(
    State(host): State<Host>,
    Checked(Path(Address { delivery: id })): Checked<Path<Address>>,
) -> Result<Response, Problem> {
    let (stored, body) = delivery(&host, id).await?;
    let headers = stored.request.headers.into_iter();
    let mut types = headers.filter(|header| header.name.eq_ignore_ascii_case("content-type"));
    let own = types.next().and_then(|header| header.value.try_into().ok());
    let own = own.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream"));
    // Whoever posted it chose its type: no browser shall show it as a page of this address.
    let headers: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, own),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, body).into_response())
}

async fn replay(
    State(host): State<Host>,
    Checked(Path(Address { delivery: id })): Checked<Path<Address>>,
) -> Result<Json<Replayed>, Problem> {
    let (stored, _) = delivery(&host, id).await?;
    let replayed = named(&host, &stored.channel)?.replay(Some(id)).await?;
    if replayed == 0 {
        let detail = format!(
            "the delivery is {}: only one that is parked can be taken in again",
            stored.state
        );
        let title = "The delivery is not parked";
        return Err(Problem::conflict("not-parked", title, detail));
    }
    Ok(Json(Replayed { replayed }))
}

async fn delivery(host: &Host, id: i64) -> Result<(Stored, Vec<u8>), Problem> {
    let delivery = host.delivery(id).await?;
    delivery.ok_or_else(|| Problem::not_found(format!("there is no delivery {id}, or no more")))
}
