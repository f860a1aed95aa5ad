//! Submitting, editing and deleting templates at the vendor.

use std::borrow::Cow;

use serde_json::Value;

use super::draft::settled;
use super::lint::lint_for;
use super::same::says_the_same;
use super::vendor::{Wanted, ask, changed, find, managed};
use super::{read, request, write};
use crate::api::{self, Client, Http, JSON, object, percent_encoded};
use crate::bindings::exports::messaging::channel::template_store::{
    Deletion, Submitted, TemplateError,
};
use crate::bindings::messaging::channel::templates::{
    Definition, Draft, Severity, TemplateKey, TemplateStatus,
};
use crate::bindings::messaging::channel::types::{Error, ErrorClass, Problem, Scalar};
use crate::problem::Problems;
use crate::settings::{Api, TemplateApi};

const SOURCE: &str = "Cloud API, template management";
const SOURCE_CONFIGS: &str = "360dialog, templates";

/// Meta's subcodes for a name that there is in this language already, or that is being deleted or was deleted a short time ago.
const TAKEN: [&str; 2] = ["2388023", "2388024"];

/// Submits a draft for review. One that exists is edited where the vendor allows it; where it says the same already, it is left as it
/// is.
///
/// # Errors
///
/// What breaks a rule; what stands in the way; or what 360dialog, or the way to it, said.
pub fn submit(http: &impl Http, settings: &str, draft: &Draft) -> Result<Submitted, TemplateError> {
    let client = managed(http, settings)?;
    let draft = checked(&client, draft)?;
    let body = request::request(&draft);
    let post = |api: TemplateApi| client.send("POST", api.path(), JSON, body.clone().into());
    let (api, result) = ask(&client, post);
    let error = match object(result) {
        Ok(answer) => return Ok(created(api, &answer)),
        Err(error) => error,
    };
    // What is refused for another reason has no template of its name as a rule; only Meta's API says which reason it was.
    let is_about_the_request = !matches!(
        error.class,
        ErrorClass::Unauthorised | ErrorClass::RateLimited | ErrorClass::Temporary
    );
    if is_about_the_request
        && let Ok((api, found)) = find(&client, Wanted::Key(&draft.name, &draft.language))
        && let Some(existing) = found.first()
    {
        return change(&client, api, existing, &draft);
    }
    if is_taken(&error) {
        return Err(conflict(
            "taken",
            "A template of this name and language is being deleted, or was deleted within the last 30 days: use a new name, or \
             wait",
            SOURCE,
        ));
    }
    Err(TemplateError::Failed(error))
}

/// Changes a template: that with `id`, or the one of the draft's name and language.
///
/// # Errors
///
/// As [`submit`]; [`TemplateError::Missing`] where there is none.
pub fn edit(
    http: &impl Http,
    settings: &str,
    id: Option<&str>,
    draft: &Draft,
) -> Result<Submitted, TemplateError> {
    let client = managed(http, settings)?;
    let draft = checked(&client, draft)?;
    let key = TemplateKey {
        name: draft.name.clone(),
        language: draft.language.clone(),
    };
    let (api, existing) = one(&client, id, &key)?;
    change(&client, api, &existing, &draft)
}

/// Deletes a template, or all languages of a name.
///
/// # Errors
///
/// [`TemplateError::Missing`] where there is none; what stands in the way; or what 360dialog, or the way to it, said.
pub fn delete(http: &impl Http, settings: &str, deletion: &Deletion) -> Result<(), TemplateError> {
    let client = managed(http, settings)?;
    let (api, existing) = match deletion {
        Deletion::One(template) => {
            let (api, existing) = one(&client, template.id.as_deref(), &template.key)?;
            (api, vec![existing])
        }
        Deletion::AllLanguages(name) => {
            find(&client, Wanted::Name(name)).map_err(TemplateError::Failed)?
        }
    };
    let Some(template) = existing.first() else {
        return Err(TemplateError::Missing);
    };
    if existing
        .iter()
        .all(|template| template.status == TemplateStatus::Disabled)
    {
        return Err(conflict(
            "disabled",
            "A template that Meta has disabled can't be deleted: leave it, and use a new name",
            SOURCE,
        ));
    }
    let name = percent_encoded(&template.name);
    let path = api.path();
    let path = match (api, deletion, &template.id) {
        (TemplateApi::Graph, Deletion::One(_), Some(id)) => {
            format!("{path}?hsm_id={}&name={name}", percent_encoded(id))
        }
        (TemplateApi::Graph, Deletion::One(_), None) => return Err(TemplateError::Missing),
        (TemplateApi::Graph, Deletion::AllLanguages(_), _) => format!("{path}?name={name}"),
        (TemplateApi::Configs, Deletion::One(_), _) => {
            only_language(&client, template)?;
            format!("{path}/{name}")
        }
        (TemplateApi::Configs, Deletion::AllLanguages(_), _) => format!("{path}/{name}"),
    };
    changed(client.delete(&path)).map(drop)
}

/// `/v1/configs/templates` deletes all languages of a name: one is deleted where there is no other.
fn only_language<H: Http>(
    client: &Client<'_, H>,
    template: &Definition,
) -> Result<(), TemplateError> {
    let (_, all) = find(client, Wanted::Name(&template.name)).map_err(TemplateError::Failed)?;
    if all.len() <= 1 {
        return Ok(());
    }
    let languages: Vec<_> = all
        .iter()
        .map(|template| template.language.as_str())
        .collect();
    let remedy = or_graph(client, "delete all languages of the name");
    Err(conflict(
        "several_languages",
        &format!(
            "This API deletes all languages of a name, and this one has {}: {remedy}",
            languages.join(", ")
        ),
        SOURCE_CONFIGS,
    ))
}

/// A remedy, and the API that can do better where the number has it.
fn or_graph<H: Http>(client: &Client<'_, H>, remedy: &str) -> String {
    match client.api() {
        Api::Cloud => format!("{remedy}, or set template_api to \"graph\""),
        Api::Sandbox | Api::OnPremise => remedy.to_owned(),
    }
}

/// The template with an id, where there is one, and this key.
fn one<H: Http>(
    client: &Client<'_, H>,
    id: Option<&str>,
    key: &TemplateKey,
) -> Result<(TemplateApi, Definition), TemplateError> {
    let (api, found) = find(client, Wanted::new(id, key)).map_err(TemplateError::Failed)?;
    let template = found.into_iter().next().ok_or(TemplateError::Missing)?;
    // An id that was copied from elsewhere changes no template that nobody named.
    if !Wanted::new(None, key).matches(&template) {
        return Err(conflict(
            "other_key",
            &format!(
                "The template with this id is {} in {}, not {} in {}, and keeps name and language: give those, or leave the id out",
                template.name, template.language, key.name, key.language
            ),
            SOURCE,
        ));
    }
    Ok((api, template))
}

/// The draft in our form, where nothing in it will be refused.
fn checked<'a, H: Http>(
    client: &Client<'_, H>,
    draft: &'a Draft,
) -> Result<Cow<'a, Draft>, TemplateError> {
    let mut findings = lint_for(client.api(), draft);
    findings.retain(|finding| finding.severity == Severity::Refused);
    if findings.is_empty() {
        Ok(settled(draft, &mut Problems::default()))
    } else {
        Err(TemplateError::Invalid(findings))
    }
}

fn is_taken(error: &Error) -> bool {
    error.attributes.iter().any(|attribute| {
        let code = match &attribute.value {
            Scalar::Text(text) => text.clone(),
            Scalar::Integer(number) => number.to_string(),
            Scalar::Number(_) | Scalar::Boolean(_) => return false,
        };
        attribute.path.ends_with("/error_subcode") && TAKEN.contains(&code.as_str())
    })
}

fn conflict(code: &str, message: &str, source: &str) -> TemplateError {
    TemplateError::Conflict(Problem {
        pointer: String::new(),
        code: code.into(),
        message: message.into(),
        source: Some(source.into()),
    })
}

/// What the answer to a creation says.
fn created(api: TemplateApi, answer: &Value) -> Submitted {
    let text = |member| api::text(answer.get(member));
    let (id, external_id) = match (text("id"), text("external_id")) {
        // The whole template, as it is listed.
        (id, external_id) if external_id.is_some() || answer.get("name").is_some() => {
            (id, external_id)
        }
        (id, _) => match api {
            TemplateApi::Graph => (id.clone(), id),
            TemplateApi::Configs => (None, id),
        },
    };
    Submitted {
        id,
        external_id,
        // A review begins by itself. (360dialog, create and manage template messages.)
        status: text("status").map_or(TemplateStatus::Pending, |word| read::status(&word)),
        category: text("category").map(|word| read::category(&word)),
        namespace: text("namespace"),
        edited: false,
    }
}

/// Makes a template say what the draft says.
fn change<H: Http>(
    client: &Client<'_, H>,
    api: TemplateApi,
    existing: &Definition,
    draft: &Draft,
) -> Result<Submitted, TemplateError> {
    let is_approved = existing.status == TemplateStatus::Approved;
    let submitted = Submitted {
        id: existing.id.clone(),
        external_id: existing.external_id.clone(),
        status: existing.status.clone(),
        category: Some(existing.category.clone()),
        namespace: existing.namespace.clone(),
        edited: false,
    };
    let is_done = is_approved || existing.status == TemplateStatus::Pending;
    if is_done && says_the_same(existing, draft) {
        return Ok(submitted);
    }
    if let Some(message) = not_editable(&existing.status) {
        return Err(conflict("not_editable", &message, SOURCE));
    }
    if api == TemplateApi::Configs {
        let remedy = or_graph(
            client,
            "delete it and submit the draft again, use a new name",
        );
        return Err(conflict(
            "no_edit",
            &format!(
                "A template of this name and language exists, and this API edits none: {remedy}"
            ),
            SOURCE_CONFIGS,
        ));
    }
    if is_approved && existing.category != draft.category {
        return Err(conflict(
            "category",
            &format!(
                "An approved template keeps its category: set category to {}, or use a new name",
                write::category(&existing.category)
            ),
            SOURCE,
        ));
    }
    let Some(id) = &existing.id else {
        return Err(TemplateError::Missing);
    };
    let path = format!("{}/{}", api.path(), percent_encoded(id));
    let body = request::edit(draft, !is_approved);
    let answer = changed(client.send("POST", &path, JSON, body.into()))?;
    let text = |member| api::text(answer.get(member));
    Ok(Submitted {
        // What was changed is reviewed. (360dialog, create and manage template messages.)
        status: text("status").map_or(TemplateStatus::Pending, |word| read::status(&word)),
        // A new category is what was asked for, until the vendor says what it gave.
        category: text("category")
            .map(|word| read::category(&word))
            .or_else(|| (existing.category == draft.category).then(|| draft.category.clone())),
        edited: true,
        ..submitted
    })
}

/// Why a template with this status can't be edited, and what can be done. (Cloud API, template management.)
fn not_editable(status: &TemplateStatus) -> Option<String> {
    Some(match status {
        TemplateStatus::Approved | TemplateStatus::Rejected | TemplateStatus::Paused => return None,
        TemplateStatus::Pending | TemplateStatus::InAppeal => {
            "The template is in review: wait for the result, delete it, or use a new name".into()
        }
        TemplateStatus::Disabled => {
            "Meta has disabled the template, which can be neither edited nor deleted: use a new name".into()
        }
        TemplateStatus::PendingDeletion | TemplateStatus::Deleted => {
            "The template is being deleted, and the name of one that was approved is blocked for 30 days: use a new name".into()
        }
        TemplateStatus::Archived => {
            "The template was archived: take it out of the archive, or use a new name".into()
        }
        status => format!(
            "The template stands as {}, and is edited only when approved, rejected or paused: wait, delete it, or use a new name",
            write::status(status)
        ),
    })
}
