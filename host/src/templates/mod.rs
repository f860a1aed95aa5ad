//! Templates: those at the vendor, and those that were added to the space of a channel.
//!
//! The vendor's own rules are the plugin's: the host asks it, keeps what it stores, and tells what has changed.

mod change;
mod space;
mod sync;
mod vendor;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::CallError;
use crate::channel::Channel;
use crate::contract::outbound::{Content, Message, TemplateMessage};
use crate::contract::storage::Failure;
use crate::contract::template_store::{Deletion, Listing, Page, Submitted, TemplateError};
use crate::contract::templates::{
    Definition, Draft, Finding, ParameterFormat, ParameterSpec, Rendered, TemplateBody,
    TemplateCategory, TemplateContent, TemplateKey, TemplateStatus, TemplateText,
};
use crate::contract::types::{Error, Problem};
use crate::host::{Shared, whole};
use crate::store::StoreError;

pub(crate) use change::StoredChange;
use space::Step;
pub(crate) use space::sendable;
pub(crate) use sync::refresh;
pub use sync::{Left, Synced};

/// Why something with templates did not work.
#[derive(Debug, thiserror::Error)]
pub enum TemplatesError {
    /// The draft or the change breaks rules.
    #[error("{} of the template's rules are broken", .0.len())]
    Invalid(Vec<Finding>),
    /// What is to be added is not said clearly enough.
    #[error("what is to be added is not clear")]
    Incomplete(Vec<Problem>),
    /// There is no such template.
    #[error("there is no such template: compare the name and the language with the list")]
    Missing,
    /// It can't be done while the template stands so.
    #[error("{}", .0.message)]
    Conflict(Problem),
    /// The vendor, or the way to it, refused.
    #[error("{}", .0.sentence())]
    Refused(Box<Error>),
    /// The plugin failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The channel's storage failed.
    #[error(transparent)]
    Storage(#[from] Failure),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TemplateError> for TemplatesError {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::Invalid(findings) => Self::Invalid(findings),
            TemplateError::Missing => Self::Missing,
            TemplateError::Conflict(problem) => Self::Conflict(problem),
            TemplateError::Failed(error) => Self::Refused(error.into()),
            TemplateError::Storage(failure) => Self::Storage(failure),
        }
    }
}

/// A template of the space: what it says, and whether it can be sent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Template {
    /// It is approved.
    pub sendable: bool,
    /// As it was last seen.
    #[serde(flatten)]
    pub definition: Definition,
    /// What happened to it, the latest last: what webhooks told (`template`), and what this host found (`stored_template`). Not
    /// read for a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<serde_json::Value>")]
    pub history: Vec<Box<RawValue>>,
}

impl From<Definition> for Template {
    fn from(definition: Definition) -> Self {
        Self {
            sendable: definition.status == TemplateStatus::Approved,
            definition,
            history: Vec::new(),
        }
    }
}

/// The name and language of a definition.
pub(crate) fn key(definition: &Definition) -> TemplateKey {
    TemplateKey {
        name: definition.name.clone(),
        language: definition.language.clone(),
    }
}

/// What is to be added to the space: a template that the vendor has, or the five fields of one.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Addition {
    /// Its name.
    pub name: Option<String>,
    /// Its language; may be left out where it has only one.
    pub language: Option<String>,
    /// Either of the vendor's ids of it.
    pub id: Option<String>,
    /// Its text. Where it is given, the vendor is not asked: the template is added as one that is approved, until the next look at
    /// the vendor's list.
    pub content: Option<String>,
    /// Its category; needed with the text.
    pub category: Option<TemplateCategory>,
}

impl Addition {
    fn of(draft: &Draft) -> Self {
        Self {
            name: Some(draft.name.clone()),
            language: Some(draft.language.clone()),
            ..Self::default()
        }
    }
}

/// What came of a submission, or would.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Submission {
    /// What it does to the vendor's templates.
    pub outcome: Outcome,
    /// It is in the space, and can be sent once it is approved.
    pub added: bool,
    /// What the vendor said; absent where it was not asked.
    #[serde(flatten)]
    #[schemars(with = "Submitted")]
    pub submitted: Option<Submitted>,
}

/// What a submission does to the vendor's templates.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There is a new one.
    Created,
    /// One is changed.
    Edited,
    /// It is there as it is.
    Unchanged,
}

/// How to submit a draft.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Submitting {
    /// Add it as well: it can be sent once it is approved.
    pub add: bool,
    /// Only tell what would be done.
    pub dry_run: bool,
}

/// The templates of a channel. Cheap to clone.
#[derive(Clone)]
pub struct Templates {
    pub(crate) host: Arc<Shared>,
    pub(crate) channel: Arc<Channel>,
}

impl Templates {
    /// What the vendor will refuse of a draft, or its review reject, and what would be better.
    ///
    /// # Errors
    ///
    /// The plugin failed, or has no templates.
    pub async fn lint(&self, draft: &Draft) -> Result<Vec<Finding>, CallError> {
        let mut sandbox = self.channel.plugin.instantiate().await?;
        let settings = &self.channel.current().settings;
        sandbox.lint(Some(settings), draft).await
    }

    /// What must be given to send a template.
    ///
    /// # Errors
    ///
    /// As [`Templates::lint`].
    pub async fn parameters(
        &self,
        definition: &Definition,
    ) -> Result<Vec<ParameterSpec>, CallError> {
        let mut sandbox = self.channel.plugin.instantiate().await?;
        sandbox.parameters(definition).await
    }

    /// A message of a template as the person will read it.
    ///
    /// # Errors
    ///
    /// As [`Templates::lint`].
    pub async fn render(
        &self,
        definition: &Definition,
        message: &TemplateMessage,
    ) -> Result<Rendered, CallError> {
        let mut sandbox = self.channel.plugin.instantiate().await?;
        sandbox.render(definition, message).await
    }

    /// One page of the vendor's list.
    ///
    /// # Errors
    ///
    /// The vendor, or the way to it, refused; or the plugin failed or has no templates.
    pub async fn page(&self, listing: &Listing) -> Result<Page, TemplatesError> {
        vendor::page(&self.host, &self.channel, listing).await
    }

    /// Submits a draft for review. One that is there already is changed where the vendor allows it; one that is there as it is, is
    /// left alone.
    ///
    /// # Errors
    ///
    /// It breaks rules, or can't be submitted as things stand; else as [`Templates::page`].
    pub async fn submit(
        &self,
        draft: &Draft,
        submitting: Submitting,
    ) -> Result<Submission, TemplatesError> {
        let (templates, draft) = (self.clone(), draft.clone());
        whole(async move {
            let Self { host, channel } = &templates;
            let Submitting { add, dry_run } = submitting;
            match vendor::submit(host, channel, &draft, dry_run).await {
                (Ok(submitted), wrote) => {
                    let outcome = match (wrote, submitted.edited) {
                        (false, _) => Outcome::Unchanged,
                        (true, true) => Outcome::Edited,
                        (true, false) => Outcome::Created,
                    };
                    templates
                        .submission(submitted, outcome, &draft, add && !dry_run)
                        .await
                }
                // The vendor would have been asked for more than how things stand.
                (Err(_), true) if dry_run => {
                    let there = templates.found(&Addition::of(&draft)).await;
                    let outcome = match there {
                        Ok(_) => Outcome::Edited,
                        Err(TemplatesError::Missing) => Outcome::Created,
                        Err(error) => return Err(error),
                    };
                    Ok(Submission {
                        outcome,
                        added: false,
                        submitted: None,
                    })
                }
                (Err(error), _) => Err(error),
            }
        })
        .await
    }

    /// Changes a template at the vendor.
    ///
    /// # Errors
    ///
    /// As [`Templates::submit`].
    pub async fn edit(
        &self,
        id: Option<&str>,
        draft: &Draft,
    ) -> Result<Submission, TemplatesError> {
        let (templates, draft) = (self.clone(), draft.clone());
        let id = id.map(str::to_owned);
        whole(async move {
            let Self { host, channel } = &templates;
            let submitted = vendor::edit(host, channel, (id.as_deref(), &draft)).await?;
            let key = TemplateKey {
                name: draft.name.clone(),
                language: draft.language.clone(),
            };
            let is_stored = space::get(host, channel, &key).await?.is_some();
            templates
                .submission(submitted, Outcome::Edited, &draft, is_stored)
                .await
        })
        .await
    }

    async fn submission(
        &self,
        submitted: Submitted,
        outcome: Outcome,
        draft: &Draft,
        add: bool,
    ) -> Result<Submission, TemplatesError> {
        // Its content is the vendor's word from now on, which may differ from the draft's.
        let added = add
            && match self.add(&Addition::of(draft)).await {
                Ok(_) => true,
                Err(TemplatesError::Missing) => false,
                Err(error) => return Err(error),
            };
        Ok(Submission {
            outcome,
            added,
            submitted: Some(submitted),
        })
    }

    /// Deletes templates at the vendor. Those of them that are in the space stay there, and are no longer offered.
    ///
    /// # Errors
    ///
    /// As [`Templates::submit`].
    pub async fn delete(&self, deletion: &Deletion) -> Result<(), TemplatesError> {
        let (Self { host, channel }, deletion) = (self.clone(), deletion.clone());
        whole(async move {
            vendor::delete(&host, &channel, &deletion).await?;
            let is_deleted = |it: &Definition| match &deletion {
                Deletion::One(one) => key(it) == one.key,
                Deletion::AllLanguages(name) => it.name == *name,
            };
            space::change(&host, &channel, |mut stored| {
                stored.retain(is_deleted);
                (stored.into_iter().map(Step::gone).collect(), ())
            })
            .await
        })
        .await
    }

    /// The templates that were added to the space, by name and language.
    ///
    /// # Errors
    ///
    /// The plugin or its storage failed, or it has no templates.
    pub async fn stored(&self) -> Result<Vec<Template>, TemplatesError> {
        let stored = space::stored(&self.host, &self.channel).await?;
        Ok(stored.into_iter().map(Template::from).collect())
    }

    /// One template of the space, with its history.
    ///
    /// # Errors
    ///
    /// As [`Templates::stored`].
    pub async fn get(&self, key: &TemplateKey) -> Result<Option<Template>, TemplatesError> {
        let Some(definition) = self.stored_as(key).await? else {
            return Ok(None);
        };
        let (id, key) = (self.channel.id.clone(), key.clone());
        let history = self
            .host
            .store
            .read(move |connection| change::history(connection, &id, &key))
            .await?;
        Ok(Some(Template {
            history,
            ..definition.into()
        }))
    }

    async fn stored_as(&self, key: &TemplateKey) -> Result<Option<Definition>, TemplatesError> {
        space::get(&self.host, &self.channel, key).await
    }

    /// Adds a template to the space, or replaces it.
    ///
    /// # Errors
    ///
    /// The vendor has no such template, or the fields are not enough; else as [`Templates::page`].
    pub async fn add(&self, addition: &Addition) -> Result<Template, TemplatesError> {
        let definition = match &addition.content {
            Some(text) => typed(addition, text).map_err(TemplatesError::Incomplete)?,
            None => self.found(addition).await?,
        };
        let added = definition.clone();
        space::change(&self.host, &self.channel, |stored| {
            let before = stored.into_iter().find(|it| key(it) == key(&added));
            (vec![Step::put(before, added)], ())
        })
        .await?;
        Ok(definition.into())
    }

    /// Removes a template from the space. Returns whether it was there.
    ///
    /// # Errors
    ///
    /// As [`Templates::stored`].
    pub async fn remove(&self, unwanted: &TemplateKey) -> Result<bool, TemplatesError> {
        space::change(&self.host, &self.channel, |mut stored| {
            stored.retain(|it| key(it) == *unwanted);
            let found = !stored.is_empty();
            (stored.into_iter().map(Step::remove).collect(), found)
        })
        .await
    }

    /// Holds the space against the vendor's list, and adds all that is approved.
    ///
    /// # Errors
    ///
    /// As [`Templates::page`]; then nothing has changed.
    pub async fn sync(&self) -> Result<Synced, TemplatesError> {
        sync::sync(&self.host, &self.channel, true).await
    }

    /// The one template of the vendor's list that is meant.
    async fn found(&self, addition: &Addition) -> Result<Definition, TemplatesError> {
        let Addition {
            name, language, id, ..
        } = addition;
        if name.is_none() && id.is_none() {
            return Err(TemplatesError::Incomplete(vec![missing(
                "name",
                "name it, or give its id",
            )]));
        }
        let filter = Listing {
            name: name.clone(),
            language: language.clone(),
            ..Listing::default()
        };
        let mut listed = sync::listed(&self.host, &self.channel, filter).await?;
        listed.retain(|it| {
            name.as_ref().is_none_or(|name| it.name == *name)
                && language
                    .as_ref()
                    .is_none_or(|language| it.language == *language)
                && (id.is_none() || it.id == *id || it.external_id == *id)
        });
        let languages: Vec<_> = listed.iter().map(|it| it.language.clone()).collect();
        match (listed.pop(), listed.is_empty()) {
            (Some(found), true) => Ok(found),
            (Some(_), false) => {
                let remedy = format!("it is there in {}: name one", languages.join(", "));
                Err(TemplatesError::Incomplete(vec![missing(
                    "language", &remedy,
                )]))
            }
            (None, _) => Err(TemplatesError::Missing),
        }
    }
}

fn missing(member: &str, remedy: &str) -> Problem {
    Problem {
        pointer: format!("/{member}"),
        code: "required".to_owned(),
        message: format!("{member} is missing: {remedy}"),
        source: None,
    }
}

/// A template of the five fields of a form.
fn typed(addition: &Addition, text: &str) -> Result<Definition, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut needed = |member: &str, value: &Option<String>| {
        let given = value.clone().filter(|value| !value.trim().is_empty());
        if given.is_none() {
            problems.push(missing(
                member,
                "the text alone does not say which template it is",
            ));
        }
        given.unwrap_or_default()
    };
    let (name, language) = (
        needed("name", &addition.name),
        needed("language", &addition.language),
    );
    let Some(category) = &addition.category else {
        problems.push(missing("category", "give the one that it was approved in"));
        return Err(problems);
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    // What stands between double braces is a number or a name (`templates.parameter-format`).
    let by_name = text
        .split("{{")
        .skip(1)
        .any(|variable| variable.trim_start().starts_with(char::is_alphabetic));
    let format = if by_name {
        ParameterFormat::Named
    } else {
        ParameterFormat::Positional
    };
    Ok(Definition {
        name,
        language,
        category: category.clone(),
        status: TemplateStatus::Approved,
        content: TemplateContent {
            parameter_format: Some(format),
            body: Some(TemplateBody {
                text: Some(TemplateText {
                    text: text.to_owned(),
                    examples: Vec::new(),
                }),
                security_recommendation: None,
            }),
            ..TemplateContent::default()
        },
        id: addition.id.clone(),
        external_id: None,
        namespace: None,
        quality: None,
        rejected_reason: None,
        previous_category: None,
        coming_category: None,
        ttl_seconds: None,
        created: None,
        modified: None,
        attributes: Vec::new(),
    })
}

/// The template that a message names, and where it stands in the message.
fn named(message: &Message) -> Option<(&'static str, &TemplateMessage)> {
    match (&message.content, &message.fallback) {
        (Content::Template(template), _) => Some(("/content", template)),
        (_, Some(template)) => Some(("/fallback", template)),
        _ => None,
    }
}

/// The stored template that a message names; absent where it names none, or the channel keeps none. Only what was added can be
/// sent.
pub(crate) async fn definition(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    message: &Message,
) -> Result<Result<Option<Definition>, Problem>, TemplatesError> {
    let Some((at, template)) = named(message) else {
        return Ok(Ok(None));
    };
    if !channel.plugin.has("template-store") {
        return Ok(Ok(None));
    }
    let wanted = TemplateKey {
        name: template.name.clone(),
        language: template.language.clone(),
    };
    if let Some(definition) = space::get(host, channel, &wanted).await? {
        return Ok(Ok(Some(definition)));
    }
    let stored = space::stored(host, channel).await?;
    Ok(Err(not_added(at, &wanted, &stored)))
}

/// Names what would work: another language of it, or adding it.
fn not_added(at: &str, wanted: &TemplateKey, stored: &[Definition]) -> Problem {
    let TemplateKey { name, language } = wanted;
    let languages: Vec<_> = stored
        .iter()
        .filter(|it| it.name == *name)
        .map(|it| it.language.as_str())
        .collect();
    let (member, message) = if languages.is_empty() {
        let message = format!(
            "The template {name} was not added to this channel: add it (templates add, or templates sync for all that are approved), or name one that was"
        );
        ("name", message)
    } else {
        let message = format!(
            "The template {name} was added in {}, not in {language}: send it in that language, or add this one",
            languages.join(", ")
        );
        ("language", message)
    };
    Problem {
        pointer: format!("{at}/{member}"),
        code: "template_not_added".to_owned(),
        message,
        source: None,
    }
}
