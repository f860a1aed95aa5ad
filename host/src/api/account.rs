//! The business's account at the vendor: its profile, its number, and whom it has blocked.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Named;
use super::contacts::Whom;
use super::problem::{Checked, Problem};
use crate::contract::account::{BlockedPage, BusinessNumber, BusinessProfile};
use crate::contract::types::{self, Recipient};
use crate::{ChannelError, Host};

pub(super) fn routes() -> Router<Host> {
    Router::new()
        .route("/channels/{channel}/profile", get(profile).patch(change))
        .route("/channels/{channel}/number", get(number))
        .route(
            "/channels/{channel}/blocked",
            get(blocked).post(block).delete(unblock),
        )
}

async fn profile(Named(channel): Named) -> Result<Json<BusinessProfile>, Problem> {
    Ok(Json(channel.profile().await?))
}

async fn change(
    Named(channel): Named,
    Checked(Json(profile)): Checked<Json<Box<RawValue>>>,
) -> Result<StatusCode, Problem> {
    let profile = BusinessProfile::read(profile.get().as_bytes());
    let profile = profile.map_err(|problems| Problem::unprocessable(&problems))?;
    channel.update_profile(&profile).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn number(Named(channel): Named) -> Result<Json<BusinessNumber>, Problem> {
    Ok(Json(channel.number().await?))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Page {
    /// What the page before says is the next; absent for the first.
    cursor: Option<String>,
}

async fn blocked(
    Named(channel): Named,
    Checked(Query(page)): Checked<Query<Page>>,
) -> Result<Json<BlockedPage>, Problem> {
    Ok(Json(channel.blocked(page.cursor.as_deref()).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToBlock {
    recipients: Vec<Recipient>,
}

async fn block(
    Named(channel): Named,
    Checked(Json(given)): Checked<Json<ToBlock>>,
) -> Result<StatusCode, Problem> {
    channel.block(&given.recipients).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unblock(
    Named(channel): Named,
    Checked(Query(whom)): Checked<Query<Whom>>,
) -> Result<StatusCode, Problem> {
    let unblocked = channel.unblock(&[whom.recipient()?]).await;
    unblocked.map_err(|error| match error {
        ChannelError::Invalid(problems) => Problem::unprocessable(&of_one(problems)),
        error => error.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// The problems of a list of people, for who has named one in the address.
fn of_one(mut problems: Vec<types::Problem>) -> Vec<types::Problem> {
    for problem in &mut problems {
        if let Some(member) = problem.pointer.strip_prefix("/recipients/0") {
            problem.pointer = member.to_owned();
        }
    }
    problems
}
