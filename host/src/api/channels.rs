//! Channels: adding, changing, connecting and removing them.

use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, NoContent, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::openapi::{Routes, body_optional, op};
use super::problem::{Checked, Problem};
use super::{Named, broken};
use crate::contract::channel::Description;
use crate::contract::connection::Registration;
use crate::{Addition, Change, Component, Connection, Host, channel};

/// The bytes of a request that adds a channel, with a component in base64.
const ADDITION_BYTES: usize = 32 << 20;

pub(super) fn routes() -> Routes {
    let add = post_with(add, |it| {
        op(it, "add_channel", "Add a channel").response::<201, Json<Connection>>()
    });
    Routes::new()
        .route(
            "/channels",
            get_with(list, |it| op(it, "list_channels", "List the channels"))
                .merge(add.layer(DefaultBodyLimit::max(ADDITION_BYTES))),
        )
        .route(
            "/channels/{channel}",
            get_with(show, |it| {
                op(
                    it,
                    "get_channel",
                    "Show how a channel is configured and stands",
                )
            })
            .patch_with(change, |it| op(it, "change_channel", "Change settings"))
            .delete_with(remove, |it| {
                op(
                    it,
                    "remove_channel",
                    "Remove a channel with all that belongs to it",
                )
            }),
        )
        .route(
            "/channels/{channel}/connect",
            post_with(connect, |it| {
                body_optional(op(
                    it,
                    "connect_channel",
                    "Register a channel's webhook again",
                ))
            }),
        )
        .route(
            "/channels/{channel}/disconnect",
            post_with(disconnect, |it| {
                op(it, "disconnect_channel", "Give a channel's webhook back")
            }),
        )
        .route(
            "/channels/{channel}/check",
            post_with(check, |it| {
                op(it, "check_channel", "Ask the vendor how the account is")
            }),
        )
        .route(
            "/channels/{channel}/webhook",
            get_with(webhook, |it| {
                op(
                    it,
                    "get_webhook",
                    "Show what to register by hand, with the secret",
                )
            }),
        )
        .route(
            "/channels/{channel}/description",
            get_with(description, |it| {
                op(it, "get_description", "Show what a channel is")
            }),
        )
}

/// The channels of a host.
#[derive(Serialize, JsonSchema)]
struct Channels {
    channels: Vec<Connection>,
    /// Those that can't run.
    broken: Vec<Broken>,
}

/// A channel that can't run.
#[derive(Serialize, JsonSchema)]
struct Broken {
    /// Its name.
    name: String,
    /// Why.
    detail: String,
}

async fn list(State(host): State<Host>) -> Json<Channels> {
    let broken = host.broken().into_iter();
    Json(Channels {
        channels: host.channels(),
        broken: broken
            .map(|(name, detail)| Broken { name, detail })
            .collect(),
    })
}

/// A channel to add.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ToAdd {
    /// As the channel's description says.
    #[schemars(with = "Map<String, Value>")]
    settings: Box<RawValue>,
    /// Its name, where the settings have no place for one.
    name: Option<String>,
    /// In base64; absent for the one that the host carries.
    component: Option<String>,
    /// Replace a webhook that leads to another system.
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

/// Settings to change.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ToChange {
    /// The members to change; null takes one away.
    settings: Map<String, Value>,
    /// Replace a webhook that leads to another system.
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

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
struct Removal {
    /// Also where its webhook can't be given back.
    force: bool,
}

async fn remove(
    Named(channel): Named,
    Checked(Query(removal)): Checked<Query<Removal>>,
) -> Result<NoContent, Problem> {
    channel.remove(removal.force).await?;
    Ok(NoContent)
}

/// How to connect.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ToConnect {
    /// Replace a webhook that leads to another system.
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
