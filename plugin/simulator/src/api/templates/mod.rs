//! Templates of messages: what the account has, and the two shapes in which 360dialog manages them.

mod buttons;
mod check;
mod configs;
mod draft;
mod flaw;
mod graph;
#[cfg(test)]
mod tests;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use self::check::{is_emoji, variables};
pub(crate) use self::configs::configs;
pub(crate) use self::draft::categories;
pub(crate) use self::graph::graph;

use self::draft::Draft;
use self::flaw::{Flaw, subcode};
use crate::delivery::millis;
use crate::refusal::Refusal;
use crate::state::State;
use crate::timeline::Task;

/// How many templates an account has whose business is not verified; each language counts (Cloud API, templates: limits). By
/// 360dialog's own page languages do not count: Meta's limit is taken, as it is Meta that refuses.
const MOST: usize = 250;

/// How many may be created in an hour (Cloud API, templates: limits).
const MOST_IN_AN_HOUR: usize = 100;

const HOUR_MS: u64 = 60 * 60 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// How long the name of a deleted template that was approved is blocked (Cloud API, template management: delete).
const BLOCKED_MS: u64 = 30 * DAY_MS;

/// How often an approved template may be edited, and in which time (Cloud API, template management: edit).
const EDITS: [(usize, u64); 2] = [(1, DAY_MS), (10, 30 * DAY_MS)];

/// The status of every refusal (Cloud API, error codes: templates).
const REFUSED: StatusCode = StatusCode::BAD_REQUEST;

/// The title of Meta's code 100 (Cloud API, error codes).
const TITLE: &str = "Invalid parameter";

/// Where a template stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TemplateStatus {
    /// It waits for the reviewer.
    Pending,
    /// It may be sent.
    Approved,
    /// It was refused.
    Rejected,
    /// It may not be sent for a while.
    Paused,
    /// It may not be sent any more.
    Disabled,
}

impl TemplateStatus {
    /// As Meta writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Paused => "PAUSED",
            Self::Disabled => "DISABLED",
        }
    }
}

/// A template.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Template {
    /// Meta's id: digits.
    pub id: String,
    /// The name.
    pub name: String,
    /// The language, as in `en_US`.
    pub language: String,
    /// The category as it stands now.
    pub category: String,
    /// The category before Meta moved it.
    pub previous_category: Option<String>,
    /// Where it stands.
    pub status: TemplateStatus,
    /// Why it was refused.
    pub rejected_reason: Option<String>,
    /// The components as they were submitted; what is Meta's own in an authentication template is filled in.
    pub components: Vec<Value>,
    /// `POSITIONAL` or `NAMED`.
    pub parameter_format: String,
    /// When it was created, in milliseconds since 1970.
    pub created: u64,
    /// When it last changed, in milliseconds since 1970.
    pub modified: u64,
    /// How often it was paused.
    pub(crate) pauses: u32,
    /// When it was edited while it was approved.
    edits: Vec<u64>,
}

impl Template {
    /// Whether it may be edited once more while it is approved.
    fn may_be_edited(&self, now: u64) -> bool {
        let within = |time: u64| self.edits.iter().filter(|edit| **edit + time > now).count();
        EDITS.iter().all(|(most, time)| within(*time) < *most)
    }

    /// Its quality. A low one is why a template is paused or disabled (Cloud API, template pausing); that nothing is known
    /// of the others is assumed.
    fn quality(&self) -> &'static str {
        match self.status {
            TemplateStatus::Paused | TemplateStatus::Disabled => "RED",
            _ => "UNKNOWN",
        }
    }

    /// Why it was refused, as lists have it: `NONE` where it was not.
    fn reason(&self) -> &str {
        self.rejected_reason.as_deref().unwrap_or("NONE")
    }
}

/// The name of a deleted template, in which language, and until when nobody can have it.
#[derive(Debug)]
struct Blocked {
    name: String,
    language: String,
    until: u64,
}

/// The templates.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    all: Vec<Template>,
    /// When the latest were created, whatever became of them.
    created: Vec<u64>,
    blocked: Vec<Blocked>,
}

impl Templates {
    /// All of them, in the order in which they were created.
    pub(crate) fn all(&self) -> &[Template] {
        &self.all
    }

    pub(crate) fn find(&self, name: &str, language: &str) -> Option<&Template> {
        let is = |it: &&Template| it.name == name && it.language == language;
        self.all.iter().find(is)
    }

    /// That an unknown one has no subcode is assumed.
    fn get(&self, id: &str) -> Result<&Template, Flaw> {
        let template = self.all.iter().find(|it| it.id == id);
        template.ok_or_else(|| Flaw::new(format!("There is no template {id}.")))
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Template> {
        self.all.iter_mut().find(|it| it.id == id)
    }

    /// Whether the account can have this one too (Cloud API, templates: limits; template management: delete).
    fn has_room(&self, draft: &Draft, now: u64) -> Result<(), Flaw> {
        let Draft { name, language, .. } = draft;
        if self.find(name, language).is_some() {
            let sentence = format!("There is already {language} content for the template {name}.");
            return Err(Flaw::known(subcode::TAKEN, sentence));
        }
        let is_used = self.all.iter().any(|it| it.name == *name);
        let blocks = |it: &&Blocked| {
            // A name that other languages still have is free for more of them: assumed.
            let same = it.name == *name && (it.language == *language || !is_used);
            same && now < it.until
        };
        if self.blocked.iter().any(|it| blocks(&it)) {
            let sentence = format!(
                "The name {name} can't be used for {language} while the deleted template of that name is removed: \
                 wait for 30 days or choose another name."
            );
            return Err(Flaw::known(subcode::BLOCKED, sentence));
        }
        if self.all.len() >= MOST {
            let sentence =
                format!("The account has {MOST} templates, which is as many as it can have.");
            return Err(Flaw::known(subcode::TOO_MANY, sentence));
        }
        let lately = self
            .created
            .iter()
            .filter(|created| **created + HOUR_MS > now)
            .count();
        if lately >= MOST_IN_AN_HOUR {
            let sentence = format!("{MOST_IN_AN_HOUR} templates were created within an hour.");
            return Err(Flaw::known(subcode::TOO_MANY, sentence));
        }
        Ok(())
    }

    /// Deletes those. Returns how many they are.
    fn remove(&mut self, now: u64, which: impl Fn(&Template) -> bool) -> Result<usize, Flaw> {
        let chosen = |it: &&Template| which(it);
        let disabled = |it: &Template| it.status == TemplateStatus::Disabled;
        if let Some(it) = self.all.iter().filter(chosen).find(|it| disabled(it)) {
            // Cloud API, template management: delete. The sentence is assumed.
            let sentence = format!("The template {} is disabled: it can't be deleted.", it.name);
            return Err(Flaw::new(sentence));
        }
        let before = self.all.len();
        let was_approved = |it: &&Template| it.status == TemplateStatus::Approved;
        let blocked = self.all.iter().filter(chosen).filter(was_approved);
        self.blocked.retain(|it| now < it.until);
        self.blocked.extend(blocked.map(|it| Blocked {
            name: it.name.clone(),
            language: it.language.clone(),
            until: now + BLOCKED_MS,
        }));
        self.all.retain(|it| !which(it));
        Ok(before - self.all.len())
    }
}

impl State {
    /// Creates a template, which waits for the reviewer then.
    fn submit(&mut self, body: &Value) -> Result<Template, Flaw> {
        let draft = Draft::read(body, self.options.flavour)?;
        draft.check()?;
        let now = self.now();
        self.templates.has_room(&draft, now)?;
        let template = self.template(draft, TemplateStatus::Pending);
        self.templates
            .created
            .retain(|created| *created + HOUR_MS > now);
        self.templates.created.push(now);
        self.templates.all.push(template.clone());
        self.plan_review(&template.id);
        Ok(template)
    }

    /// Edits a template, which waits for the reviewer then (Cloud API, template management: edit).
    fn edit(&mut self, id: &str, body: &Value) -> Result<(), Flaw> {
        use TemplateStatus::{Approved, Paused, Rejected};

        let now = self.now();
        let template = self.templates.get(id)?;
        let Template { name, status, .. } = template;
        if !matches!(status, Approved | Rejected | Paused) {
            let sentence = format!(
                "The template {name} is {}: only one that is APPROVED, REJECTED or PAUSED can be edited.",
                status.as_str()
            );
            return Err(Flaw::known(subcode::NOT_NOW, sentence));
        }
        let approved = *status == Approved;
        let changed = Draft::of(template, self.options.flavour).changed(body)?;
        if approved && changed.category != template.category {
            let sentence =
                format!("The category of the template {name} can't change: it is approved.");
            return Err(Flaw::new(sentence));
        }
        if approved && !template.may_be_edited(now) {
            let sentence =
                "An approved template can be edited once in 24 hours and 10 times in 30 days.";
            return Err(Flaw::new(sentence));
        }
        changed.check()?;
        if let Some(template) = self.templates.get_mut(id) {
            template.components = changed.kept();
            template.category = changed.category;
            template.parameter_format = changed.parameter_format;
            template.status = TemplateStatus::Pending;
            template.rejected_reason = None;
            template.modified = now;
            if approved {
                template.edits.push(now);
            }
        }
        self.plan_review(id);
        Ok(())
    }

    /// Adds a template that is approved, instead of one of that name and language. It is not checked, and nothing is told.
    pub(crate) fn add_template(
        &mut self,
        name: &str,
        language: &str,
        category: &str,
        components: Vec<Value>,
    ) {
        let texts = Value::from(components.clone()).to_string();
        let is_number = |variable: &str| variable.bytes().all(|byte| byte.is_ascii_digit());
        let named = variables(&texts)
            .into_iter()
            .any(|variable| !is_number(variable));
        let draft = Draft {
            name: name.to_owned(),
            language: language.to_owned(),
            category: category.to_owned(),
            parameter_format: if named { "NAMED" } else { "POSITIONAL" }.to_owned(),
            components,
            flavour: self.options.flavour,
        };
        let template = self.template(draft, TemplateStatus::Approved);
        let others = |it: &Template| it.name != name || it.language != language;
        self.templates.all.retain(others);
        self.templates.all.push(template);
    }

    fn template(&mut self, draft: Draft, status: TemplateStatus) -> Template {
        let now = self.now();
        Template {
            // Of 15 digits, as Meta's often are.
            id: format!("594{:012}", self.count()),
            components: draft.kept(),
            name: draft.name,
            language: draft.language,
            category: draft.category,
            previous_category: None,
            status,
            rejected_reason: None,
            parameter_format: draft.parameter_format,
            created: now,
            modified: now,
            pauses: 0,
            edits: Vec::new(),
        }
    }

    /// Where nobody plays the reviewer, Meta approves after a while.
    fn plan_review(&mut self, id: &str) {
        if let Some(wait) = self.options.review {
            let due = self.now().saturating_add(millis(wait));
            self.timeline.add(due, Task::Review(id.to_owned()));
        }
    }
}

/// Meta's answer to a template that was created (Cloud API, templates: create).
fn created(template: &Template) -> Value {
    json!({"id": template.id, "status": template.status.as_str(), "category": template.category})
}

/// As Meta's Graph API has it.
fn explained(flaw: Flaw) -> Refusal {
    Refusal::Graph {
        status: REFUSED,
        code: 100,
        title: TITLE,
        details: flaw.sentence.clone(),
        explained: flaw.subcode.map(|subcode| (subcode, flaw.sentence)),
    }
}

/// As 360dialog's own calls have it (360dialog, message templates).
fn detailed(flaw: Flaw) -> Refusal {
    Refusal::Gateway {
        status: REFUSED,
        message: TITLE.to_owned(),
        details: vec![flaw.sentence],
    }
}
