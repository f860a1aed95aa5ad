//! Holding the space against the vendor's list.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{TemplatesError, space, vendor};
use crate::channel::Channel;
use crate::contract::template_store::{Listing, Page};
use crate::contract::templates::Definition;
use crate::contract::templates::space::{Synced, compare};
use crate::contract::types::Retry;
use crate::host::Shared;

/// How often a page is asked for before the whole is given up, and how long to wait between, at first.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// The longest that the vendor may make it wait before one page.
const PATIENCE: Duration = Duration::from_mins(1);

/// The most pages of one list: a vendor whose list never ends is not followed for ever.
const PAGES: usize = 1000;

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
    let known = by_place(space::stored(host, channel).await?);
    let mut listed = listed(host, channel, Listing::default()).await?;
    space::change(host, channel, |stored| {
        // What has changed since the list was asked for, the list may not know yet: the next look sees it.
        let mut stored = by_place(stored);
        let mut moved = BTreeSet::new();
        for place in known.keys().chain(stored.keys()) {
            if known.get(place) != stored.get(place) {
                moved.insert(place.clone());
            }
        }
        stored.retain(|place, _| !moved.contains(place));
        listed.retain(|it| !moved.contains(&it.key().place()));
        compare(listed, stored.into_values().collect(), add)
    })
    .await
}

fn by_place(templates: Vec<Definition>) -> BTreeMap<(String, String), Definition> {
    let placed = templates.into_iter().map(|it| (it.key().place(), it));
    placed.collect()
}
