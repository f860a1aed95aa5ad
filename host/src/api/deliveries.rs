//! Deliveries: what came to the webhooks, and taking in again what was parked.

use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::problem::{Checked, Problem};
use super::{Named, known_state, named};
use crate::{DeliveryFilter, Host, Stored};

/// The states of deliveries.
const STATES: [&str; 3] = ["pending", "done", "parked"];

pub(super) fn routes() -> Router<Host> {
    Router::new()
        .route("/channels/{channel}/deliveries", get(list))
        .route("/channels/{channel}/deliveries/replay", post(replay_all))
        .route("/deliveries/{delivery}", get(show))
        .route("/deliveries/{delivery}/body", get(body))
        .route("/deliveries/{delivery}/replay", post(replay))
}

async fn list(
    Named(channel): Named,
    Checked(Query(filter)): Checked<Query<DeliveryFilter>>,
) -> Result<Json<Value>, Problem> {
    known_state(filter.state.as_deref(), &STATES)?;
    let deliveries = channel.deliveries(filter).await?;
    Ok(Json(json!({"deliveries": deliveries})))
}

async fn replay_all(Named(channel): Named) -> Result<Json<Value>, Problem> {
    let replayed = channel.replay(None).await?;
    Ok(Json(json!({"replayed": replayed})))
}

async fn show(
    State(host): State<Host>,
    Checked(Path(id)): Checked<Path<i64>>,
) -> Result<Json<Stored>, Problem> {
    let (stored, _) = delivery(&host, id).await?;
    Ok(Json(stored))
}

async fn body(
    State(host): State<Host>,
    Checked(Path(id)): Checked<Path<i64>>,
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
    Checked(Path(id)): Checked<Path<i64>>,
) -> Result<Json<Value>, Problem> {
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
    Ok(Json(json!({"replayed": replayed})))
}

async fn delivery(host: &Host, id: i64) -> Result<(Stored, Vec<u8>), Problem> {
    let delivery = host.delivery(id).await?;
    delivery.ok_or_else(|| Problem::not_found(format!("there is no delivery {id}, or no more")))
}
