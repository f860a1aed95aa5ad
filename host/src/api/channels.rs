//! Channels: adding, changing, connecting and removing them.

use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::problem::{Checked, Problem};
use super::{Named, broken};
use crate::contract::channel::Description;
use crate::contract::connection::Registration;
use crate::{Addition, Change, Component, Connection, Host, channel};

/// The bytes of a request that adds a channel, with a component in base64.
const ADDITION_BYTES: usize = 32 << 20;

pub(super) fn routes() -> Router<Host> {
    let add = post(add).layer(DefaultBodyLimit::max(ADDITION_BYTES));
    Router::new()
        .route("/channels", get(list).merge(add))
        .route(
            "/channels/{channel}",
            get(show).patch(change).delete(remove),
        )
        .route("/channels/{channel}/connect", post(connect))
        .route("/channels/{channel}/disconnect", post(disconnect))
        .route("/channels/{channel}/check", post(check))
        .route("/channels/{channel}/webhook", get(webhook))
        .route("/channels/{channel}/description", get(description))
}

async fn list(State(host): State<Host>) -> Json<Value> {
    let broken: Vec<_> = host
        .broken()
        .into_iter()
        .map(|(name, detail)| json!({"name": name, "detail": detail}))
        .collect();
    Json(json!({"channels": host.channels(), "broken": broken}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToAdd {
    settings: Box<RawValue>,
    name: Option<String>,
    /// In base64; absent for the one that the host carries.
    component: Option<String>,
    #[serde(default)]
    replace_foreign: bool,
}

async fn add(
    State(host): State<Host>,
    Checked(Json(given)): Checked<Json<ToAdd>>,
) -> Result<Response, Problem> {
    let component = match given.component {
        None => Component::Bundled,
        Some(text) => Component::Bytes(
            STANDARD
                .decode(text)
                .map_err(|_| broken("/component", "base64", "write the file's bytes in base64"))?,
        ),
    };
    let channel = host
        .add(Addition {
            component,
            settings: Box::<str>::from(given.settings).into(),
            name: given.name,
            replace_foreign: given.replace_foreign,
        })
        .await?;
    let location = [(LOCATION, format!("/channels/{}", channel.id()))];
    let shown = Json(channel.shown_with_secret());
    Ok((StatusCode::CREATED, location, shown).into_response())
}

async fn show(Named(channel): Named) -> Json<Connection> {
    Json(channel.shown())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToChange {
    settings: Map<String, Value>,
    #[serde(default)]
    replace_foreign: bool,
}

async fn change(
    Named(channel): Named,
    Checked(Json(given)): Checked<Json<ToChange>>,
) -> Result<Json<Connection>, Problem> {
    let change = Change {
        members: given.settings,
        replace_foreign: given.replace_foreign,
    };
    channel.change(change).await?;
    Ok(Json(channel.shown()))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Removal {
    force: bool,
}

async fn remove(
    Named(channel): Named,
    Checked(Query(removal)): Checked<Query<Removal>>,
) -> Result<StatusCode, Problem> {
    channel.remove(removal.force).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ToConnect {
    replace_foreign: bool,
}

async fn connect(
    Named(channel): Named,
    Checked(given): Checked<Option<Json<ToConnect>>>,
) -> Result<Json<Connection>, Problem> {
    let given = given.map(|Json(given)| given).unwrap_or_default();
    channel.connect(given.replace_foreign).await?;
    Ok(Json(channel.shown_with_secret()))
}

async fn disconnect(Named(channel): Named) -> Result<Json<Connection>, Problem> {
    channel.disconnect().await?;
    Ok(Json(channel.shown()))
}

async fn check(Named(channel): Named) -> Result<Json<channel::Checked>, Problem> {
    Ok(Json(channel.check().await?))
}

async fn webhook(Named(channel): Named) -> Json<Registration> {
    Json(channel.registration())
}

async fn description(Named(channel): Named) -> Json<Description> {
    Json(channel.description().clone())
}
