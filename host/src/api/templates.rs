//! Templates: those at the vendor, and those of a channel's space.

use aide::axum::routing::{delete_with, get_with, post_with};
use axum::Json;
use axum::extract::{Path, Query};
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::openapi::{Raw, Routes, op};
use super::problem::{Checked, Problem};
use super::{Named, broken};
use crate::contract::outbound::TemplateMessage;
use crate::contract::template_store::{Deletion, Listing, Page, TemplateId};
use crate::contract::templates::{Draft, Finding, ParameterSpec, Rendered, TemplateKey};
use crate::templates::{Addition, Submission, Submitting, Synced, Template, Templates};

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/channels/{channel}/templates",
            get_with(list, |it| {
                op(it, "list_templates", "List the templates that were added")
            })
            .post_with(add, |it| {
                op(it, "add_template", "Add a template, or replace it")
            }),
        )
        .route(
            "/channels/{channel}/templates/sync",
            post_with(sync, |it| {
                let summary =
                    "Hold the templates against the vendor's, and add all that are approved";
                op(it, "sync_templates", summary)
            }),
        )
        .route(
            "/channels/{channel}/templates/lint",
            post_with(lint, |it| {
                let summary = "Tell what the vendor will refuse of a draft, or its review reject";
                op(it, "lint_template", summary)
            }),
        )
        .route(
            "/channels/{channel}/templates/{name}/{language}",
            get_with(show, |it| {
                op(
                    it,
                    "get_template",
                    "Show a template, and what happened to it",
                )
            })
            .delete_with(remove, |it| {
                let summary = "Remove a template from the channel; the vendor's stays";
                op(it, "remove_template", summary)
            }),
        )
        .route(
            "/channels/{channel}/templates/{name}/{language}/parameters",
            get_with(parameters, |it| {
                let summary = "Tell what must be given to send a template";
                op(it, "get_template_parameters", summary)
            }),
        )
        .route(
            "/channels/{channel}/templates/{name}/{language}/render",
            post_with(render, |it| {
                op(
                    it,
                    "render_template",
                    "Show a message as the person will read it",
                )
            }),
        )
        .route(
            "/channels/{channel}/vendor/templates",
            get_with(page, |it| {
                op(
                    it,
                    "list_vendor_templates",
                    "List the templates at the vendor, a page at a time",
                )
            })
            .post_with(submit, |it| {
                op(it, "submit_template", "Submit a draft for review")
            })
            .put_with(edit, |it| {
                op(
                    it,
                    "edit_vendor_template",
                    "Change a template at the vendor",
                )
            }),
        )
        .route(
            "/channels/{channel}/vendor/templates/{name}",
            delete_with(delete_all, |it| {
                let summary = "Delete a template at the vendor in all its languages";
                op(it, "delete_vendor_templates", summary)
            }),
        )
        .route(
            "/channels/{channel}/vendor/templates/{name}/{language}",
            delete_with(delete, |it| {
                op(
                    it,
                    "delete_vendor_template",
                    "Delete a template at the vendor",
                )
            }),
        )
}

/// The templates that were added.
#[derive(Serialize, JsonSchema)]
struct Stored {
    templates: Vec<Template>,
}

async fn list(Named(channel): Named) -> Result<Json<Stored>, Problem> {
    let templates = channel.templates().stored().await?;
    Ok(Json(Stored { templates }))
}

async fn add(
    Named(channel): Named,
    Checked(Json(addition)): Checked<Json<Addition>>,
) -> Result<Json<Template>, Problem> {
    Ok(Json(channel.templates().add(&addition).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
struct Syncing {
    /// Add all that are approved; true where absent.
    add: bool,
}

impl Default for Syncing {
    fn default() -> Self {
        Self { add: true }
    }
}

async fn sync(
    Named(channel): Named,
    Checked(Query(Syncing { add })): Checked<Query<Syncing>>,
) -> Result<Json<Synced>, Problem> {
    Ok(Json(channel.templates().sync(add).await?))
}

/// What a reading of a draft found.
#[derive(Serialize, JsonSchema)]
struct Findings {
    findings: Vec<Finding>,
}

async fn lint(
    Named(channel): Named,
    Checked(Json(given)): Checked<Json<Raw<Draft>>>,
) -> Result<Json<Findings>, Problem> {
    let findings = channel.templates().lint(&draft(&given)?).await?;
    Ok(Json(Findings { findings }))
}

/// A draft in the contract's form, or in the vendor's own.
fn draft(given: &Raw<Draft>) -> Result<Draft, Problem> {
    Draft::read_open(given.bytes()).map_err(|problems| Problem::unprocessable(&problems))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Key {
    /// The template's name.
    name: String,
    /// Its language.
    language: String,
}

impl From<Key> for TemplateKey {
    fn from(Key { name, language }: Key) -> Self {
        Self { name, language }
    }
}

async fn stored(templates: &Templates, key: Key) -> Result<Template, Problem> {
    let key = TemplateKey::from(key);
    let found = templates.get(&key).await?;
    found.ok_or_else(|| not_added(&key))
}

fn not_added(TemplateKey { name, language }: &TemplateKey) -> Problem {
    Problem::not_found(format!(
        "the template `{name}` in `{language}` was not added to this channel"
    ))
}

async fn show(
    Named(channel): Named,
    Checked(Path(key)): Checked<Path<Key>>,
) -> Result<Json<Template>, Problem> {
    stored(&channel.templates(), key).await.map(Json)
}

async fn remove(
    Named(channel): Named,
    Checked(Path(key)): Checked<Path<Key>>,
) -> Result<NoContent, Problem> {
    let key = TemplateKey::from(key);
    if channel.templates().remove(&key).await? {
        Ok(NoContent)
    } else {
        Err(not_added(&key))
    }
}

/// What must be given to send a template.
#[derive(Serialize, JsonSchema)]
struct Parameters {
    parameters: Vec<ParameterSpec>,
}

async fn parameters(
    Named(channel): Named,
    Checked(Path(key)): Checked<Path<Key>>,
) -> Result<Json<Parameters>, Problem> {
    let templates = channel.templates();
    let definition = stored(&templates, key).await?.definition;
    let parameters = templates.parameters(&definition).await?;
    Ok(Json(Parameters { parameters }))
}

async fn render(
    Named(channel): Named,
    Checked(Path(key)): Checked<Path<Key>>,
    Checked(Json(message)): Checked<Json<Raw<TemplateMessage>>>,
) -> Result<Json<Rendered>, Problem> {
    let templates = channel.templates();
    let message = TemplateMessage::read(message.bytes());
    let message = message.map_err(|problems| Problem::unprocessable(&problems))?;
    let definition = stored(&templates, key).await?.definition;
    Ok(Json(templates.render(&definition, &message).await?))
}

async fn page(
    Named(channel): Named,
    Checked(Query(listing)): Checked<Query<Listing>>,
) -> Result<Json<Page>, Problem> {
    Ok(Json(channel.templates().page(&listing).await?))
}

async fn submit(
    Named(channel): Named,
    Checked(Query(submitting)): Checked<Query<Submitting>>,
    Checked(Json(given)): Checked<Json<Raw<Draft>>>,
) -> Result<Json<Submission>, Problem> {
    let (templates, draft) = (channel.templates(), draft(&given)?);
    Ok(Json(templates.submit(&draft, submitting).await?))
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
struct Which {
    /// The vendor's id of it; found by name and language where absent.
    id: Option<String>,
}

async fn edit(
    Named(channel): Named,
    Checked(Query(which)): Checked<Query<Which>>,
    Checked(Json(given)): Checked<Json<Raw<Draft>>>,
) -> Result<Json<Submission>, Problem> {
    let templates = channel.templates();
    let edited = templates.edit(which.id.as_deref(), &draft(&given)?).await?;
    Ok(Json(edited))
}

async fn delete(
    Named(channel): Named,
    Checked(Path(key)): Checked<Path<Key>>,
    Checked(Query(which)): Checked<Query<Which>>,
) -> Result<NoContent, Problem> {
    let (key, id) = (key.into(), which.id);
    let deletion = Deletion::One(TemplateId { key, id });
    channel.templates().delete(&deletion).await?;
    Ok(NoContent)
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Name {
    /// The template's name.
    name: String,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
struct Everywhere {
    /// Has to be true: every language goes.
    all_languages: bool,
}

async fn delete_all(
    Named(channel): Named,
    Checked(Path(Name { name })): Checked<Path<Name>>,
    Checked(Query(everywhere)): Checked<Query<Everywhere>>,
) -> Result<NoContent, Problem> {
    if !everywhere.all_languages {
        let message = "this deletes the template in every language: say all_languages=true, or name one language in the address";
        return Err(broken("/all_languages", "required", message));
    }
    let deletion = Deletion::AllLanguages(name);
    channel.templates().delete(&deletion).await?;
    Ok(NoContent)
}
