//! Templates: those at the vendor, and those that were added to the space, which the channel keeps.
#![allow(clippy::result_large_err, reason = "the errors are the contract's own")]

use channel_contract::template_store::{Listing, TemplateError};
use channel_contract::templates::space::{Step, Synced, compare};
use channel_contract::templates::{Definition, TemplateKey, TemplateStatus};
use serde_json::json;

use crate::bindings::messaging::channel::template_store;

/// The most templates that a refusal names.
const NAMED: usize = 20;

/// The most pages of one list: a vendor whose list never ends is not followed for ever.
const PAGES: usize = 1000;

/// The templates of the space, by name and language.
pub(crate) fn stored() -> Result<Vec<Definition>, TemplateError> {
    let mut stored = template_store::stored()?;
    stored.sort_by(|a, b| (&a.name, &a.language).cmp(&(&b.name, &b.language)));
    Ok(stored)
}

/// The templates that could go to whom nothing else may be sent to.
pub(crate) fn sendable() -> Vec<TemplateKey> {
    let mut stored = stored().unwrap_or_else(|error| {
        eprintln!("the templates can't be read: {}", json!(error));
        Vec::new()
    });
    stored.retain(|it| it.status == TemplateStatus::Approved);
    stored.iter().take(NAMED).map(Definition::key).collect()
}

/// All templates that the vendor has, whatever the size of its pages. One that comes twice, since the list moved meanwhile, counts
/// once.
pub(crate) fn listed(
    settings: &str,
    mut listing: Listing,
) -> Result<Vec<Definition>, TemplateError> {
    let mut all: Vec<Definition> = Vec::new();
    for _ in 0..PAGES {
        let page = template_store::list(settings, &listing)?;
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

/// Holds the space against the vendor's list: what stands otherwise is changed, what is gone is no longer offered; and, where
/// `add`, all that is approved is added.
pub(crate) fn sync(settings: &str, add: bool) -> Result<Synced, TemplateError> {
    let listed = listed(settings, Listing::default())?;
    let (steps, synced) = compare(listed, template_store::stored()?, add);
    // No step of a comparison removes anything.
    for Step { after, .. } in &steps {
        after.as_ref().map_or(Ok(()), template_store::add)?;
    }
    Ok(synced)
}

/// Holds the space against the vendor's list where there is anything in it, and adds nothing.
pub(crate) fn refresh(settings: &str) -> Result<(), TemplateError> {
    if !template_store::stored()?.is_empty() {
        sync(settings, false)?;
    }
    Ok(())
}
