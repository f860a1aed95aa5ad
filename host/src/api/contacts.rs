//! Contacts of a channel, and whether they may be written to.

use axum::extract::Query;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Named;
use super::problem::{Checked, Problem};
use crate::Host;
use crate::contract::contacts::{self, KnownContact};
use crate::contract::outbound::{Window, WindowState};
use crate::contract::types::{self, Contact, Recipient};

pub(super) fn routes() -> Router<Host> {
    Router::new()
        .route("/channels/{channel}/window", get(window))
        .route("/channels/{channel}/contacts", post(import).delete(forget))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Whom {
    phone: Option<String>,
    user_id: Option<String>,
    group: Option<String>,
}

impl Whom {
    pub(super) fn recipient(self) -> Result<Recipient, Problem> {
        match (self.phone, self.user_id, self.group) {
            // In a query a plus that is not encoded means a space.
            (Some(phone), None, None) => Ok(Recipient::Phone(phone.trim().to_owned())),
            (None, Some(id), None) => Ok(Recipient::UserId(id)),
            (None, None, Some(id)) => Ok(Recipient::Group(id)),
            _ => Err(Problem::bad_request(
                "say whom in one parameter: phone, user_id or group",
            )),
        }
    }
}

#[derive(Serialize)]
struct Seen {
    window: Window,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<WindowState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<types::Problem>,
}

async fn window(
    Named(channel): Named,
    Checked(Query(whom)): Checked<Query<Whom>>,
) -> Result<Json<Seen>, Problem> {
    let seen = channel.window(&whom.recipient()?).await?;
    Ok(Json(Seen {
        window: seen.window,
        state: seen.state,
        warning: seen.warning,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToImport {
    contacts: Vec<KnownContact>,
}

async fn import(
    Named(channel): Named,
    Checked(Json(given)): Checked<Json<ToImport>>,
) -> Result<Json<Value>, Problem> {
    let nobody = contacts::nobody(&given.contacts);
    if !nobody.is_empty() {
        return Err(Problem::unprocessable(&nobody));
    }
    let new = channel.import(given.contacts).await?;
    Ok(Json(json!({"new": new})))
}

async fn forget(
    Named(channel): Named,
    Checked(Query(whom)): Checked<Query<Whom>>,
) -> Result<Json<Value>, Problem> {
    let (phone, user_id) = match whom.recipient()? {
        Recipient::Phone(phone) => (Some(phone), None),
        Recipient::UserId(id) => (None, Some(id)),
        Recipient::Group(_) | Recipient::Contact(_) => {
            return Err(Problem::bad_request(
                "a group is no contact: say whom by phone or user_id",
            ));
        }
    };
    let contact = Contact {
        phone,
        user_id,
        parent_user_id: None,
        username: None,
        name: None,
        identity_hash: None,
    };
    let forgotten = channel.forget(&contact).await?;
    Ok(Json(json!({"forgotten": forgotten})))
}
