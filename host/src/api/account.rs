//! The business's account at the vendor: its profile, its number, and whom it has blocked.

use aide::axum::routing::get_with;
use axum::Json;
use axum::extract::Query;
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Named;
use super::contacts::Whom;
use super::openapi::{Raw, Routes, op};
use super::problem::{Checked, Problem};
use crate::ChannelError;
use crate::contract::account::{BlockedPage, BusinessNumber, BusinessProfile};
use crate::contract::types::{self, Recipient};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/channels/{channel}/profile",
            get_with(profile, |it| {
                op(it, "get_profile", "Show what people see of the business")
            })
            .patch_with(change, |it| {
                op(
                    it,
                    "change_profile",
                    "Change what people see of the business",
                )
            }),
        )
        .route(
            "/channels/{channel}/number",
            get_with(number, |it| {
                op(
                    it,
                    "get_number",
                    "Show the number, its quality and its limit",
                )
            }),
        )
        .route(
            "/channels/{channel}/blocked",
            get_with(blocked, |it| {
                op(it, "list_blocked", "List the people who are blocked")
            })
            .post_with(block, |it| op(it, "block", "Block people"))
            .delete_with(unblock, |it| op(it, "unblock", "Block a person no longer")),
        )
}

async fn profile(Named(channel): Named) -> Result<Json<BusinessProfile>, Problem> {
    Ok(Json(channel.profile().await?))
}

async fn change(
    Named(channel): Named,
    Checked(Json(profile)): Checked<Json<Raw<BusinessProfile>>>,
) -> Result<NoContent, Problem> {
    let profile = BusinessProfile::read(profile.bytes());
    let profile = profile.map_err(|problems| Problem::unprocessable(&problems))?;
    channel.update_profile(&profile).await?;
    Ok(NoContent)
}

async fn number(Named(channel): Named) -> Result<Json<BusinessNumber>, Problem> {
    Ok(Json(channel.number().await?))
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
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

/// People to block.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ToBlock {
    recipients: Vec<Recipient>,
}

async fn block(
    Named(channel): Named,
    Checked(Json(given)): Checked<Json<ToBlock>>,
) -> Result<NoContent, Problem> {
    channel.block(&given.recipients).await?;
    Ok(NoContent)
}

async fn unblock(
    Named(channel): Named,
    Checked(Query(whom)): Checked<Query<Whom>>,
) -> Result<NoContent, Problem> {
    let unblocked = channel.unblock(&[whom.recipient()?]).await;
    unblocked.map_err(|error| match error {
        ChannelError::Invalid(problems) => Problem::unprocessable(&of_one(problems)),
        error => error.into(),
    })?;
    Ok(NoContent)
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
