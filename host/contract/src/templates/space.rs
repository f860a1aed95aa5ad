//! The space of a channel: which templates were added to it, and what follows from that.

use std::collections::BTreeMap;

use crate::boundary::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Definition, Draft, ParameterFormat, TemplateBody, TemplateCategory, TemplateContent,
    TemplateKey, TemplateStatus, TemplateText,
};
use crate::outbound::{Content, Message};
use crate::template_store::{Listing, Submitted};
use crate::types::Problem;

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
    /// The template that a draft becomes.
    #[must_use]
    pub fn of(draft: &Draft) -> Self {
        Self {
            name: Some(draft.name.clone()),
            language: Some(draft.language.clone()),
            ..Self::default()
        }
    }

    /// What to ask the vendor's list for.
    ///
    /// # Errors
    ///
    /// Neither a name nor an id is given.
    pub fn filter(&self) -> Result<Listing, Vec<Problem>> {
        if self.name.is_none() && self.id.is_none() {
            return Err(vec![missing("name", "name it, or give its id")]);
        }
        // Its language is picked here, however the vendor writes it.
        Ok(Listing {
            name: self.name.clone(),
            ..Listing::default()
        })
    }

    /// The one of the listed that is meant; none where there is no such template.
    ///
    /// # Errors
    ///
    /// Several are meant.
    pub fn pick(&self, mut listed: Vec<Definition>) -> Result<Option<Definition>, Vec<Problem>> {
        let Self {
            name, language, id, ..
        } = self;
        listed.retain(|it| {
            name.as_ref().is_none_or(|name| it.name == *name)
                && language
                    .as_ref()
                    .is_none_or(|wanted| one_language(&it.language) == one_language(wanted))
                && (id.is_none() || it.id == *id || it.external_id == *id)
        });
        if listed.len() > 1 {
            let languages: Vec<_> = listed.iter().map(|it| it.language.as_str()).collect();
            let remedy = format!("it is there in {}: name one", languages.join(", "));
            return Err(vec![missing("language", &remedy)]);
        }
        Ok(listed.pop())
    }

    /// The template that these fields and its text describe: one that is approved, as far as is known.
    ///
    /// # Errors
    ///
    /// Fields that are missing.
    pub fn typed(&self, text: &str) -> Result<Definition, Vec<Problem>> {
        let mut problems = Vec::new();
        if text.trim().is_empty() {
            problems.push(missing("content", "give the text that was approved"));
        }
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
            needed("name", &self.name),
            needed("language", &self.language),
        );
        let Some(category) = &self.category else {
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
            id: self.id.clone(),
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
}

fn missing(member: &str, remedy: &str) -> Problem {
    Problem {
        pointer: format!("/{member}"),
        code: "required".to_owned(),
        message: format!("{member} is missing: {remedy}"),
        source: None,
    }
}

impl TemplateKey {
    /// What tells it from others. Vendors write a language with a hyphen here and an underscore there, and mean one.
    #[must_use]
    pub fn place(&self) -> (String, String) {
        (self.name.clone(), one_language(&self.language))
    }
}

fn one_language(language: &str) -> String {
    language.replace('-', "_").to_lowercase()
}

impl Definition {
    /// Its name and language.
    #[must_use]
    pub fn key(&self) -> TemplateKey {
        TemplateKey {
            name: self.name.clone(),
            language: self.language.clone(),
        }
    }
}

/// What a look at the vendor's list came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Synced {
    /// How many templates the vendor has.
    pub listed: usize,
    /// Those that were added to the space.
    pub added: Vec<TemplateKey>,
    /// Those of the space that stand otherwise than before.
    pub changed: Vec<TemplateKey>,
    /// Those of the space that the vendor no longer has: they are kept, and not offered.
    pub gone: Vec<TemplateKey>,
    /// Those that are not in the space because they are not approved.
    pub left: Vec<Left>,
}

/// A template that was not added.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Left {
    /// Which.
    #[serde(flatten)]
    pub key: TemplateKey,
    /// Where it stands.
    pub status: TemplateStatus,
    /// Why it was rejected, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_reason: Option<String>,
}

/// What came of a submission, or would.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Submission {
    /// What it does to the vendor's templates.
    pub outcome: Outcome,
    /// It is in the space, and can be sent once it is approved.
    pub added: bool,
    /// Why it is not, though it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_added: Option<String>,
    /// What the vendor said; absent where it was not asked.
    #[serde(flatten)]
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

/// A step in the space: a template is added, replaced or removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// As it was; absent where it was not there.
    pub before: Option<Definition>,
    /// As it shall be; absent where it goes.
    pub after: Option<Definition>,
}

impl Step {
    /// A template as it was, where it was there, and as it shall be.
    #[must_use]
    pub fn put(before: Option<Definition>, after: Definition) -> Self {
        Self {
            before,
            after: Some(after),
        }
    }

    /// A template that goes.
    #[must_use]
    pub fn remove(before: Definition) -> Self {
        Self {
            before: Some(before),
            after: None,
        }
    }

    /// The vendor no longer has it: it is kept, so that it can be seen why it is not offered.
    #[must_use]
    pub fn gone(before: Definition) -> Self {
        let after = Definition {
            status: TemplateStatus::Deleted,
            ..before.clone()
        };
        Self::put(Some(before), after)
    }
}

/// Holds a space against the vendor's list: what stands otherwise is changed, what is gone is no longer offered; and, where `add`, all
/// that is approved is added.
#[must_use]
pub fn compare(listed: Vec<Definition>, stored: Vec<Definition>, add: bool) -> (Vec<Step>, Synced) {
    let mut synced = Synced {
        listed: listed.len(),
        ..Synced::default()
    };
    let mut steps = Vec::new();
    let mut gone: BTreeMap<_, _> = stored
        .into_iter()
        .map(|it| (it.key().place(), it))
        .collect();
    for now in listed {
        match gone.remove(&now.key().place()) {
            Some(before) => {
                let after = seen_again(&before, now);
                if before != after {
                    synced.changed.push(after.key());
                    steps.push(Step::put(Some(before), after));
                }
            }
            None if now.status != TemplateStatus::Approved => synced.left.push(Left {
                key: now.key(),
                status: now.status,
                rejected_reason: now.rejected_reason,
            }),
            None if add => {
                synced.added.push(now.key());
                steps.push(Step::put(None, now));
            }
            None => {}
        }
    }
    gone.retain(|_, it| it.status != TemplateStatus::Deleted);
    for before in gone.into_values() {
        synced.gone.push(before.key());
        steps.push(Step::gone(before));
    }
    (steps, synced)
}

/// A stored template as the vendor lists it now. What a list leaves out stays as it was known.
fn seen_again(before: &Definition, now: Definition) -> Definition {
    Definition {
        id: now.id.or_else(|| before.id.clone()),
        external_id: now.external_id.or_else(|| before.external_id.clone()),
        namespace: now.namespace.or_else(|| before.namespace.clone()),
        created: now.created.or(before.created),
        ..now
    }
}

/// The template that a message names, and where it stands in the message.
#[must_use]
pub fn named(message: &Message) -> Option<(&'static str, TemplateKey)> {
    let (at, template) = match (&message.content, &message.fallback) {
        (Content::Template(template), _) => ("/content", template),
        (_, Some(template)) => ("/fallback", template),
        _ => return None,
    };
    let key = TemplateKey {
        name: template.name.clone(),
        language: template.language.clone(),
    };
    Some((at, key))
}

/// Says of a template that was not added what would work: another language of it, or adding it. `at` is where the message names it.
#[must_use]
pub fn not_added(at: &str, wanted: &TemplateKey, stored: &[Definition]) -> Problem {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(name: &str, language: &str, status: &str) -> Definition {
        let json = json!({"name": name, "language": language, "category": "utility", "status": status,
            "content": {"body": {"text": {"text": "Hi"}}}, "id": format!("{name}-{language}")});
        serde_json::from_value(json).unwrap()
    }

    fn named(keys: &[TemplateKey]) -> Vec<String> {
        keys.iter()
            .map(|it| format!("{} {}", it.name, it.language))
            .collect()
    }

    #[test]
    fn the_space_follows_the_vendor_s_list() {
        let listed = || {
            vec![
                template("a", "de", "approved"),
                template("a", "en", "paused"),
                template("b", "en", "approved"),
                template("c", "en", "rejected"),
            ]
        };
        let stored = vec![
            template("a", "de", "approved"),
            template("a", "en", "approved"),
            template("z", "en", "approved"),
            template("y", "en", "deleted"),
        ];
        let (steps, synced) = compare(listed(), stored.clone(), false);
        assert_eq!(synced.listed, 4);
        assert_eq!(synced.added, []);
        assert_eq!(named(&synced.changed), ["a en"]);
        assert_eq!(named(&synced.gone), ["z en"]);
        assert_eq!(synced.left.len(), 1);
        assert_eq!(synced.left[0].key.name, "c");
        assert_eq!(steps.len(), 2);
        let (steps, synced) = compare(listed(), stored, true);
        assert_eq!(named(&synced.added), ["b en"]);
        assert_eq!(steps.len(), 3);
    }

    #[test]
    fn a_language_is_one_however_it_is_written() {
        let (steps, synced) = compare(
            vec![template("a", "en_US", "paused")],
            vec![template("a", "en-us", "approved")],
            true,
        );
        assert_eq!(steps.len(), 1);
        assert_eq!(
            (synced.changed.len(), synced.gone.len(), synced.added.len()),
            (1, 0, 0)
        );
        let wanted = Addition {
            name: Some("a".to_owned()),
            language: Some("en-us".to_owned()),
            ..Addition::default()
        };
        let listed = vec![
            template("a", "en_US", "approved"),
            template("a", "de", "approved"),
        ];
        let picked = wanted.pick(listed).unwrap().unwrap();
        assert_eq!(picked.language, "en_US");
    }

    #[test]
    fn what_a_list_leaves_out_stays_known() {
        let mut before = template("a", "de", "approved");
        before.namespace = Some("n".to_owned());
        let mut now = template("a", "de", "approved");
        now.id = None;
        assert_eq!(seen_again(&before, now), before);
    }
}
