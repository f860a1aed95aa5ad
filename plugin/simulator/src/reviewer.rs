//! The reviewer of templates, and Meta's later decisions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::templates::{Template, TemplateStatus, categories};
use crate::simulator::Flavour;
use crate::state::State;

/// The fields of webhooks that tell of templates (Cloud API, webhooks).
const STATUS: &str = "message_template_status_update";
const CATEGORY: &str = "template_category_update";

/// Why templates are refused (Cloud API, webhooks: template status).
const REASONS: [&str; 7] = [
    "ABUSIVE_CONTENT",
    "CATEGORY_NOT_AVAILABLE",
    "INCORRECT_CATEGORY",
    "INVALID_FORMAT",
    "PROMOTIONAL",
    "SCAM",
    "TAG_CONTENT_MISMATCH",
];

/// What is decided on a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "command", derive(clap::Subcommand))]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// It may be sent.
    Approve,
    /// It may not be sent.
    Reject {
        /// Why: one of Meta's reasons, such as `INVALID_FORMAT`.
        reason: String,
    },
    /// It is moved to another category.
    Recategorise {
        /// The category, such as `MARKETING`.
        category: String,
    },
    /// It may not be sent for a while: its quality is low. The third time it is disabled (Cloud API, template pausing).
    Pause,
    /// It may not be sent any more.
    Disable,
    /// It may be sent again.
    Reinstate,
}

/// Why nothing can be decided.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// No template has that name, and that language.
    #[error("there is no template {0}")]
    Unknown(String),
    /// Several have that name.
    #[error("template {0} has several languages: name one")]
    Ambiguous(String),
    /// Where the template stands, this can't be decided.
    #[error("template {name} is {status}: what can be decided is {possible}")]
    Impossible {
        /// The template.
        name: String,
        /// Where it stands, in Meta's words.
        status: &'static str,
        /// What can be decided.
        possible: &'static str,
    },
    /// Meta has no such reason.
    #[error("Meta has no reason {}: choose one of {}", .0, REASONS.join(", "))]
    Reason(String),
    /// The template can't be moved there.
    #[error("template {name} can't be moved to {category}: choose one of {possible}")]
    Category {
        /// The template.
        name: String,
        /// The category.
        category: String,
        /// Where it can be moved.
        possible: String,
    },
}

impl State {
    /// Lets the reviewer decide.
    pub(crate) fn decide(
        &mut self,
        name: &str,
        language: Option<&str>,
        decision: Decision,
    ) -> Result<(), ReviewError> {
        let is = |it: &&Template| {
            it.name == name && language.is_none_or(|language| it.language == language)
        };
        let mut meant = self.templates.all().iter().filter(is);
        let id = match (meant.next(), meant.next()) {
            (Some(template), None) => template.id.clone(),
            (Some(_), Some(_)) => return Err(ReviewError::Ambiguous(name.to_owned())),
            (None, _) => {
                let language = language.map(|language| format!(" in {language}"));
                return Err(ReviewError::Unknown(format!(
                    "{name}{}",
                    language.unwrap_or_default()
                )));
            }
        };
        self.settle(&id, decision)
    }

    /// Approves the template with this id, as Meta does where nobody plays the reviewer.
    pub(crate) fn approve(&mut self, id: &str) {
        let template = self.templates.all().iter().find(|it| it.id == id);
        if template.is_some_and(|it| it.status == TemplateStatus::Pending) {
            // What waits can always be approved.
            let _ = self.settle(id, Decision::Approve);
        }
    }

    fn settle(&mut self, id: &str, decision: Decision) -> Result<(), ReviewError> {
        let (now, flavour) = (self.now(), self.options.flavour);
        let Some(template) = self.templates.get_mut(id) else {
            return Err(ReviewError::Unknown(id.to_owned()));
        };
        let (field, told) = template.decided(decision, flavour, now)?;
        template.modified = now;
        let mut value = json!({
            // A number, unlike elsewhere; an id is made of digits.
            "message_template_id": template.id.parse::<u64>().ok(),
            "message_template_name": template.name,
            // With a hyphen, as Meta's own examples have it: who reads it must take both.
            "message_template_language": template.language.replace('_', "-"),
        });
        if field == STATUS {
            value["message_template_category"] = template.category.as_str().into();
        }
        if let (Value::Object(value), Value::Object(told)) = (&mut value, told) {
            value.extend(told);
        }
        // The webhooks of the on-premise API know contacts, messages, statuses and errors only.
        if flavour != Flavour::OnPremise {
            self.tell_account(field, &value);
        }
        Ok(())
    }
}

impl Template {
    /// Decides. Returns what a webhook tells of it: the field, and the members of its value.
    ///
    /// What follows what: a review ends in approval or rejection, and a rejection can be appealed; only what may be sent is
    /// paused or disabled, and either can end (Cloud API, template review; template pausing).
    fn decided(
        &mut self,
        decision: Decision,
        flavour: Flavour,
        now: u64,
    ) -> Result<(&'static str, Value), ReviewError> {
        use TemplateStatus::{Approved, Disabled, Paused, Pending, Rejected};

        let told = match (self.status, decision) {
            (Pending | Rejected, Decision::Approve) => {
                self.status = Approved;
                self.rejected_reason = None;
                json!({"event": "APPROVED", "reason": "NONE"})
            }
            (Pending, Decision::Reject { reason }) => {
                let reason = reason.to_uppercase();
                if !REASONS.contains(&reason.as_str()) {
                    return Err(ReviewError::Reason(reason));
                }
                self.status = Rejected;
                self.rejected_reason = Some(reason.clone());
                // The sentences are assumed.
                let why = format!("The template was rejected: {reason}.");
                let advice = "Edit the template and submit it again.";
                json!({"event": "REJECTED", "reason": reason,
                    "rejection_info": {"reason": why, "recommendation": advice}})
            }
            (Pending | Approved | Paused, Decision::Recategorise { category }) => {
                let previous = self.recategorise(&category, flavour)?;
                let told = json!({"previous_category": previous, "new_category": self.category});
                return Ok((CATEGORY, told));
            }
            (Approved, Decision::Pause) => {
                self.pauses += 1;
                match self.pauses {
                    1 => self.paused("FIRST_PAUSE", 3),
                    2 => self.paused("SECOND_PAUSE", 6),
                    _ => self.disabled(now),
                }
            }
            (Approved | Paused, Decision::Disable) => self.disabled(now),
            (Paused, Decision::Reinstate) => {
                self.status = Approved;
                // That a pause ends with this event is assumed.
                json!({"event": "REINSTATED", "reason": "NONE",
                    "other_info": {"title": "UNPAUSE", "description": "The template may be sent again."}})
            }
            (Disabled, Decision::Reinstate) => {
                self.status = Approved;
                json!({"event": "REINSTATED", "reason": "NONE"})
            }
            (status, _) => {
                return Err(ReviewError::Impossible {
                    name: self.name.clone(),
                    status: status.as_str(),
                    possible: match status {
                        Pending => "to approve, reject or recategorise it",
                        Approved => "to recategorise, pause or disable it",
                        Rejected => "to approve it",
                        Paused => "to recategorise, disable or reinstate it",
                        Disabled => "to reinstate it",
                    },
                });
            }
        };
        Ok((STATUS, told))
    }

    /// Moves it to another category. Returns the one before.
    fn recategorise(&mut self, category: &str, flavour: Flavour) -> Result<String, ReviewError> {
        let category = category.to_uppercase();
        let possible = categories(flavour).iter().copied();
        let possible: Vec<_> = possible.filter(|it| *it != self.category).collect();
        if !possible.contains(&category.as_str()) {
            return Err(ReviewError::Category {
                name: self.name.clone(),
                category,
                possible: possible.join(", "),
            });
        }
        let previous = std::mem::replace(&mut self.category, category);
        self.previous_category = Some(previous.clone());
        Ok(previous)
    }

    /// The pause does not end by itself here: the reviewer ends it. The sentence is assumed.
    fn paused(&mut self, title: &str, hours: u32) -> Value {
        self.status = TemplateStatus::Paused;
        let description = format!("The template is paused for {hours} hours: its quality is low.");
        json!({"event": "PAUSED", "reason": "NONE",
            "other_info": {"title": title, "description": description}})
    }

    fn disabled(&mut self, now: u64) -> Value {
        self.status = TemplateStatus::Disabled;
        json!({"event": "DISABLED", "reason": "NONE", "disable_info": {"disable_date": now / 1000},
            "other_info": {"title": "DISABLED", "description": "The template may not be sent any more."}})
    }
}
