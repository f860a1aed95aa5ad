//! Templates: those at the vendor, and those that were added to the space of a channel.
//!
//! The vendor's own rules are the plugin's: the host asks it, keeps what it stores, and tells what has changed.

mod change;
mod space;
mod sync;
mod vendor;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::CallError;
use crate::channel::Channel;
use crate::contract::outbound::{Message, TemplateMessage};
use crate::contract::storage::Failure;
use crate::contract::template_store::{Deletion, Listing, Page, TemplateError};
use crate::contract::templates::space::{Step, named, not_added};
use crate::contract::templates::{
    Definition, Draft, Finding, ParameterSpec, Rendered, Severity, TemplateKey, TemplateStatus,
};
use crate::contract::types::{Error, Problem};
use crate::host::{Shared, whole};
use crate::store::StoreError;

pub use crate::contract::templates::space::{
    Addition, Left, Outcome, Submission, Submitting, Synced,
};
pub(crate) use change::StoredChange;
pub(crate) use space::sendable;
pub(crate) use sync::refresh;

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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
            let dry_run = submitting.dry_run;
            let there = match templates.found(&Addition::of(&draft)).await {
                Ok(there) => Some(there),
                Err(TemplatesError::Missing) => None,
                Err(error) => return Err(error),
            };
            let noted = match &there {
                Some(there) => {
                    let there = (there.id.as_deref(), &draft);
                    vendor::edit(host, channel, there, dry_run).await
                }
                None => vendor::submit(host, channel, &draft, dry_run).await,
            };
            templates
                .submission(&draft, there.is_some(), noted, submitting)
                .await
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
            let noted = vendor::edit(host, channel, (id.as_deref(), &draft), false).await;
            templates
                .submission(&draft, true, noted, Submitting::default())
                .await
        })
        .await
    }

    /// What a submission came to. What is in the space already is seen there as it now stands.
    async fn submission(
        &self,
        draft: &Draft,
        was_there: bool,
        (submitted, wrote): vendor::Noted,
        Submitting { add, dry_run }: Submitting,
    ) -> Result<Submission, TemplatesError> {
        let is_edited = submitted.as_ref().is_ok_and(|it| it.edited);
        let outcome = match (was_there || is_edited, wrote) {
            (false, _) => Outcome::Created,
            (true, true) => Outcome::Edited,
            (true, false) => Outcome::Unchanged,
        };
        let mut submission = Submission {
            outcome,
            added: false,
            not_added: None,
            submitted: None,
        };
        match submitted {
            // The vendor would have been asked for more than how things stand.
            Err(_) if dry_run && wrote => return Ok(submission),
            submitted => submission.submitted = Some(submitted?),
        }
        let addition = Addition::of(draft);
        let key = TemplateKey {
            name: draft.name.clone(),
            language: draft.language.clone(),
        };
        if dry_run || !add && self.stored_as(&key).await?.is_none() {
            return Ok(submission);
        }
        // Its content is the vendor's word from now on, which may differ from the draft's. That it was submitted holds in any case.
        match self.add(&addition).await {
            Ok(_) => submission.added = true,
            Err(TemplatesError::Missing) => {
                let why = "the vendor does not list it yet: add it, or sync, later";
                submission.not_added = Some(why.to_owned());
            }
            Err(error) => submission.not_added = Some(error.to_string()),
        }
        Ok(submission)
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
                Deletion::One(one) => it.key().place() == one.key.place(),
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
            Some(text) => {
                let typed = addition.typed(text).map_err(TemplatesError::Incomplete)?;
                self.well_named(&typed).await?;
                typed
            }
            None => self.found(addition).await?,
        };
        let added = definition.clone();
        space::change(&self.host, &self.channel, |stored| {
            let before = stored
                .into_iter()
                .find(|it| it.key().place() == added.key().place());
            (vec![Step::put(before, added)], ())
        })
        .await?;
        Ok(definition.into())
    }

    /// Whether a template that was typed in can have that name and language at all.
    async fn well_named(&self, typed: &Definition) -> Result<(), TemplatesError> {
        let draft = Draft {
            name: typed.name.clone(),
            language: typed.language.clone(),
            category: typed.category.clone(),
            content: typed.content.clone(),
            ttl_seconds: None,
            other: Vec::new(),
        };
        let mut findings = self.lint(&draft).await?;
        findings.retain(|it| {
            it.severity == Severity::Refused
                && matches!(&*it.problem.pointer, "/name" | "/language")
        });
        if findings.is_empty() {
            Ok(())
        } else {
            Err(TemplatesError::Invalid(findings))
        }
    }

    /// Removes a template from the space. Returns whether it was there.
    ///
    /// # Errors
    ///
    /// As [`Templates::stored`].
    pub async fn remove(&self, unwanted: &TemplateKey) -> Result<bool, TemplatesError> {
        space::change(&self.host, &self.channel, |mut stored| {
            stored.retain(|it| it.key().place() == unwanted.place());
            let found = !stored.is_empty();
            (stored.into_iter().map(Step::remove).collect(), found)
        })
        .await
    }

    /// Holds the space against the vendor's list, and adds all that is approved where `add`.
    ///
    /// # Errors
    ///
    /// As [`Templates::page`]; then nothing has changed.
    pub async fn sync(&self, add: bool) -> Result<Synced, TemplatesError> {
        sync::sync(&self.host, &self.channel, add).await
    }

    /// The one template of the vendor's list that is meant.
    async fn found(&self, addition: &Addition) -> Result<Definition, TemplatesError> {
        let filter = addition.filter().map_err(TemplatesError::Incomplete)?;
        let listed = sync::listed(&self.host, &self.channel, filter).await?;
        let found = addition.pick(listed).map_err(TemplatesError::Incomplete)?;
        found.ok_or(TemplatesError::Missing)
    }
}

/// The stored template that a message names; absent where it names none, or the channel keeps none. Only what was added can be
/// sent.
pub(crate) async fn definition(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    message: &Message,
) -> Result<Result<Option<Definition>, Problem>, TemplatesError> {
    let Some((at, wanted)) = named(message) else {
        return Ok(Ok(None));
    };
    if !channel.plugin.has("template-store") {
        return Ok(Ok(None));
    }
    if let Some(definition) = space::get(host, channel, &wanted).await? {
        return Ok(Ok(Some(definition)));
    }
    let stored = space::stored(host, channel).await?;
    Ok(Err(not_added(at, &wanted, &stored)))
}
