//! Templates: those at the vendor, and those that were added to the space of the channel.

use channel_contract::outbound::Message;
use channel_contract::template_store::{Listing, TemplateError};
use channel_contract::templates::space::{
    Addition, Outcome, Submission, Submitting, named, not_added,
};
use channel_contract::templates::{Definition, Draft, TemplateKey, TemplateStatus};
use http::request::Parts;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::problem::Problem;
use super::{decoded, json_of, known_members, read};
use crate::Unread;
use crate::bindings::messaging::channel::{template, template_store};
use crate::templates::{listed, stored, sync};

/// Answers a request below `templates` or `vendor`.
pub(super) async fn route(
    settings: &str,
    what: &[&str],
    head: &Parts,
    body: impl AsyncFnOnce(usize) -> Result<Vec<u8>, Unread>,
) -> Result<(StatusCode, Value), Problem> {
    let query = head.uri.query().unwrap_or_default();
    let shown = match (what, &head.method) {
        (["templates"], &Method::GET) => {
            let stored = stored()?.into_iter().map(Template::from);
            json!({"templates": stored.collect::<Vec<_>>()})
        }
        (["templates"], &Method::POST) => add(settings, &read(&head.headers, body).await?)?,
        (["templates", "sync"], &Method::POST) => json!(sync(settings, true)?),
        (["templates", "lint"], &Method::POST) => {
            let draft = draft(&read(&head.headers, body).await?)?;
            json!({"findings": template::lint(Some(settings), &draft)})
        }
        (["templates", name, language], &Method::GET) => {
            let key = key(name, language)?;
            let found = template_store::get(&key)?;
            json!(Template::from(found.ok_or_else(|| absent(&key))?))
        }
        (["templates", name, language], &Method::DELETE) => {
            let key = key(name, language)?;
            if !template_store::remove(&key)? {
                return Err(absent(&key));
            }
            return Ok((StatusCode::NO_CONTENT, Value::Null));
        }
        (["vendor", "templates"], &Method::GET) => {
            json!(template_store::list(settings, &known_members(query)?)?)
        }
        (["vendor", "templates"], &Method::POST) => {
            let submitting = known_members(query)?;
            let draft = draft(&read(&head.headers, body).await?)?;
            json!(submit(settings, submitting, &draft)?)
        }
        (["templates"] | ["vendor", "templates"], _) => {
            return Err(Problem::method_not_allowed("GET, POST"));
        }
        (["templates", "sync" | "lint"], _) => return Err(Problem::method_not_allowed("POST")),
        (["templates", _, _], _) => return Err(Problem::method_not_allowed("GET, DELETE")),
        _ => return Err(Problem::no_address()),
    };
    Ok((StatusCode::OK, shown))
}

/// A template of the space: what it says, and whether it can be sent.
#[derive(Serialize)]
struct Template {
    sendable: bool,
    #[serde(flatten)]
    definition: Definition,
}

impl From<Definition> for Template {
    fn from(definition: Definition) -> Self {
        Self {
            sendable: definition.status == TemplateStatus::Approved,
            definition,
        }
    }
}

fn key(name: &str, language: &str) -> Result<TemplateKey, Problem> {
    match (decoded(name), decoded(language)) {
        (Some(name), Some(language)) => Ok(TemplateKey { name, language }),
        _ => Err(Problem::no_address()),
    }
}

fn absent(TemplateKey { name, language }: &TemplateKey) -> Problem {
    Problem::not_found(format!(
        "the template `{name}` in `{language}` was not added to this channel"
    ))
}

/// A draft in the contract's form, or in the vendor's own.
fn draft(body: &[u8]) -> Result<Draft, Problem> {
    Draft::read_open(body).map_err(|problems| Problem::unprocessable(&problems))
}

/// Adds a template to the space, or replaces it.
fn add(settings: &str, body: &[u8]) -> Result<Value, Problem> {
    let remedy = "send a template's name, language, id, content and category, each a text";
    let addition: Addition = json_of(body, remedy)?;
    let definition = match &addition.content {
        Some(text) => addition
            .typed(text)
            .map_err(|problems| Problem::unprocessable(&problems))?,
        None => found(settings, &addition)?.ok_or(TemplateError::Missing)?,
    };
    template_store::add(&definition)?;
    Ok(json!(Template::from(definition)))
}

/// The one template of the vendor's list that is meant.
fn found(settings: &str, addition: &Addition) -> Result<Option<Definition>, Problem> {
    let filter: Result<Listing, _> = addition.filter();
    let filter = filter.map_err(|problems| Problem::unprocessable(&problems))?;
    let picked = addition.pick(listed(settings, filter)?);
    picked.map_err(|problems| Problem::unprocessable(&problems))
}

/// Submits a draft for review. One that is there already is changed where the vendor allows it.
fn submit(settings: &str, submitting: Submitting, draft: &Draft) -> Result<Submission, Problem> {
    if submitting.dry_run {
        return Err(Problem::bad_request(
            "this application can't try a submission: leave dry_run out; templates/lint tells what will be refused",
        ));
    }
    let wanted = Addition::of(draft);
    let (submitted, outcome) = match found(settings, &wanted)? {
        Some(there) => {
            let edited = template_store::edit(settings, there.id.as_deref(), draft)?;
            let outcome = if edited.edited {
                Outcome::Edited
            } else {
                Outcome::Unchanged
            };
            (edited, outcome)
        }
        None => (template_store::submit(settings, draft)?, Outcome::Created),
    };
    let mut submission = Submission {
        outcome,
        added: false,
        not_added: None,
        submitted: Some(submitted),
    };
    if !submitting.add {
        return Ok(submission);
    }
    // Its content is the vendor's word from now on, which may differ from the draft's. That it was submitted holds in any case.
    match found(settings, &wanted) {
        Ok(Some(definition)) => {
            template_store::add(&definition)?;
            submission.added = true;
        }
        Ok(None) => {
            let why = "the vendor does not list it yet: add it, or sync, later";
            submission.not_added = Some(why.to_owned());
        }
        Err(problem) => submission.not_added = Some(problem.detail()),
    }
    Ok(submission)
}

/// The stored template that a message names; absent where it names none. Only what was added can be sent.
pub(super) fn named_by(message: &Message) -> Result<Option<Definition>, Problem> {
    let Some((at, wanted)) = named(message) else {
        return Ok(None);
    };
    if let Some(definition) = template_store::get(&wanted)? {
        return Ok(Some(definition));
    }
    let problem = not_added(at, &wanted, &stored()?);
    Err(Problem::unprocessable(&[problem]))
}
