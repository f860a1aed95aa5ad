//! Holding the space against the vendor's list.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::space::{self, Step};
use super::{TemplatesError, key, vendor};
use crate::channel::Channel;
use crate::contract::template_store::{Listing, Page};
use crate::contract::templates::{Definition, TemplateKey, TemplateStatus};
use crate::contract::types::Retry;
use crate::host::Shared;

/// How often a page is asked for before the whole is given up, and how long to wait between, at first.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// The longest that the vendor may make it wait before one page.
const PATIENCE: Duration = Duration::from_mins(1);

/// The most pages of one list: a vendor whose list never ends is not followed for ever.
const PAGES: usize = 1000;

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

/// All templates that the vendor has, whatever the size of its pages. One that comes twice, since the list moved meanwhile, counts
/// once.
pub(super) async fn listed(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    mut listing: Listing,
) -> Result<Vec<Definition>, TemplatesError> {
    let mut all: Vec<Definition> = Vec::new();
    for _ in 0..PAGES {
        let page = page(host, channel, &listing).await?;
        all.extend(page.templates);
        match page.next {
            Some(next) if listing.cursor.as_ref() != Some(&next) => listing.cursor = Some(next),
            _ => break,
        }
    }
    all.sort_by(|a, b| (&a.name, &a.language).cmp(&(&b.name, &b.language)));
    all.dedup_by(|a, b| a.name == b.name && a.language == b.language);
    Ok(all)
}

/// One page, asked for again where that may help.
async fn page(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    listing: &Listing,
) -> Result<Page, TemplatesError> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match vendor::page(host, channel, listing).await {
            Err(TemplatesError::Refused(error))
                if matches!(error.retry, Retry::Backoff | Retry::After(_)) =>
            {
                let asked = match error.retry {
                    Retry::After(seconds) => Duration::from_secs(seconds.into()),
                    _ => Duration::ZERO,
                };
                tokio::time::sleep(pause.max(asked.min(PATIENCE))).await;
                pause *= 2;
            }
            answered => return answered,
        }
    }
    vendor::page(host, channel, listing).await
}

/// Holds the space against the vendor's list where there is anything in it, and adds nothing.
pub(crate) async fn refresh(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
) -> Result<(), TemplatesError> {
    if channel.plugin.has("template-store") && !space::stored(host, channel).await?.is_empty() {
        sync(host, channel, false).await?;
    }
    Ok(())
}

/// Holds the space against the vendor's list: what stands otherwise is changed, what is gone is no longer offered; and, where
/// `add`, all that is approved is added.
pub(super) async fn sync(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    add: bool,
) -> Result<Synced, TemplatesError> {
    let listed = listed(host, channel, Listing::default()).await?;
    space::change(host, channel, |stored| compare(listed, stored, add)).await
}

fn compare(listed: Vec<Definition>, stored: Vec<Definition>, add: bool) -> (Vec<Step>, Synced) {
    let mut synced = Synced {
        listed: listed.len(),
        ..Synced::default()
    };
    let mut steps = Vec::new();
    let mut gone = stored;
    for now in listed {
        match gone.iter().position(|it| key(it) == key(&now)) {
            Some(at) => {
                let before = gone.swap_remove(at);
                let after = seen_again(&before, now);
                if before != after {
                    synced.changed.push(key(&after));
                    steps.push(Step::put(Some(before), after));
                }
            }
            None if now.status != TemplateStatus::Approved => synced.left.push(Left {
                key: key(&now),
                status: now.status,
                rejected_reason: now.rejected_reason,
            }),
            None if add => {
                synced.added.push(key(&now));
                steps.push(Step::put(None, now));
            }
            None => {}
        }
    }
    gone.retain(|it| it.status != TemplateStatus::Deleted);
    for before in gone {
        synced.gone.push(key(&before));
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
    fn what_a_list_leaves_out_stays_known() {
        let mut before = template("a", "de", "approved");
        before.namespace = Some("n".to_owned());
        let mut now = template("a", "de", "approved");
        now.id = None;
        assert_eq!(seen_again(&before, now), before);
    }
}
