//! Contacts of a channel, and whether they may be written to.

use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::Query;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Named;
use super::openapi::{Routes, op};
use super::problem::{Checked, Problem};
use crate::contract::contacts::{self, KnownContact};
use crate::contract::outbound::{Window, WindowState};
use crate::contract::types::{self, Contact, Recipient};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/channels/{channel}/window",
            get_with(window, |it| {
                op(
                    it,
                    "get_window",
                    "Tell whether free-form messages are allowed to a contact",
                )
            }),
        )
        .route(
            "/channels/{channel}/contacts",
            post_with(import, |it| {
                op(it, "import_contacts", "Learn contacts from elsewhere")
            })
            .delete_with(forget, |it| {
                op(it, "forget_contact", "Forget a contact under all its names")
            }),
        )
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Whom {
    /// A phone number.
    phone: Option<String>,
    /// A vendor's id of a person.
    user_id: Option<String>,
    /// A group.
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

/// How a contact's window stands.
#[derive(Serialize, JsonSchema)]
struct Seen {
    window: Window,
    /// What is remembered of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<WindowState>,
    /// What to know about it.
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

/// Contacts from elsewhere.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ToImport {
    contacts: Vec<KnownContact>,
}

/// What came of an import.
#[derive(Serialize, JsonSchema)]
struct Imported {
    /// How many were not known before.
    new: u32,
}

async fn import(
    Named(channel): Named,
    Checked(Json(given)): Checked<Json<ToImport>>,
) -> Result<Json<Imported>, Problem> {
    let nobody = contacts::nobody(&given.contacts);
    if !nobody.is_empty() {
        return Err(Problem::unprocessable(&nobody));
    }
    let new = channel.import(given.contacts).await?;
    Ok(Json(Imported { new }))
}

/// What came of forgetting.
#[derive(Serialize, JsonSchema)]
struct Forgotten {
    /// Whether there was anything.
    forgotten: bool,
}

async fn forget(
    Named(channel): Named,
    Checked(Query(whom)): Checked<Query<Whom>>,
) -> Result<Json<Forgotten>, Problem> {
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
    Ok(Json(Forgotten { forgotten }))
}
