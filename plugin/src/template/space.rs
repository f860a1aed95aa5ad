//! The templates that were added to the space.
//!
//! What is kept of one is what the vendor would list, so there is no second form of it; and beside that, when webhooks last told
//! of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{read, write};
use crate::api::percent_encoded;
use crate::bindings::exports::messaging::channel::template_store::TemplateError;
use crate::bindings::messaging::channel::storage::Failure;
use crate::bindings::messaging::channel::templates::{Definition, TemplateKey};
use crate::contacts;
use crate::storage::Storage;

/// What the keys of templates begin with.
const KIND: &str = "template";

/// The member that is ours, beside the vendor's.
const TOLD: &str = "told_by_webhooks";

/// All of them.
///
/// # Errors
///
/// The store's.
pub fn stored(storage: &impl Storage) -> Result<Vec<Definition>, TemplateError> {
    all(storage).map_err(TemplateError::Storage)
}

fn all(storage: &impl Storage) -> Result<Vec<Definition>, Failure> {
    let mut definitions = Vec::new();
    for key in keys(storage)? {
        // Somebody may have removed it meanwhile.
        let kept = storage.get(&key)?.as_deref().and_then(Kept::read);
        definitions.extend(kept.map(|kept| kept.definition));
    }
    Ok(definitions)
}

/// The keys of all of them.
pub(super) fn keys(storage: &impl Storage) -> Result<Vec<String>, Failure> {
    let mut keys = Vec::new();
    let mut cursor = None;
    loop {
        let page = storage.list(KIND, cursor.as_deref())?;
        keys.extend(page.keys);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

/// One of them; `None` where it was not added.
///
/// # Errors
///
/// The store's.
pub fn get(storage: &impl Storage, key: &TemplateKey) -> Result<Option<Definition>, TemplateError> {
    let bytes = storage.get(&self::key(&key.name, &key.language));
    let bytes = bytes.map_err(TemplateError::Storage)?;
    let kept = bytes.as_deref().and_then(Kept::read);
    Ok(kept.map(|kept| kept.definition))
}

/// Adds one, or replaces it.
///
/// # Errors
///
/// The store's.
pub fn add(storage: &impl Storage, definition: &Definition) -> Result<(), TemplateError> {
    let key = key(&definition.name, &definition.language);
    let add = || {
        // What webhooks told, and when, a list does not know.
        let before = storage.get(&key)?.as_deref().and_then(Kept::read);
        let kept = Kept {
            definition: definition.clone(),
            told: before.map(|before| before.told).unwrap_or_default(),
        };
        storage.set(&key, &kept.written())
    };
    add().map_err(TemplateError::Storage)
}

/// Removes one. Returns whether it was there.
///
/// # Errors
///
/// The store's.
pub fn remove(storage: &impl Storage, key: &TemplateKey) -> Result<bool, TemplateError> {
    let key = self::key(&key.name, &key.language);
    let remove = || {
        let was_there = storage.get(&key)?.is_some();
        storage.delete(&key)?;
        Ok(was_there)
    };
    remove().map_err(TemplateError::Storage)
}

/// A template of the space, as it is kept.
pub(super) struct Kept {
    pub(super) definition: Definition,
    /// When the last webhook told of each kind of change, in milliseconds since 1970.
    pub(super) told: BTreeMap<String, u64>,
}

impl Kept {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut listed: Value = serde_json::from_slice(bytes).ok()?;
        let told = listed.as_object_mut()?.remove(TOLD).unwrap_or_default();
        Some(Self {
            definition: read::definition(&listed)?,
            told: serde_json::from_value(told).unwrap_or_default(),
        })
    }

    pub(super) fn written(&self) -> Vec<u8> {
        let mut written = write::definition(&self.definition);
        if !self.told.is_empty() {
            // It is an object that is not empty: a template has a name.
            written.pop();
            let told = json!(self.told);
            written = format!("{written},\"{TOLD}\":{told}}}");
        }
        written.into_bytes()
    }
}

/// Where a template is kept. The language is one however it is written: webhooks have `en-US` for `en_US`. (Cloud API,
/// `message_template_status_update`.)
pub(super) fn key(name: &str, language: &str) -> String {
    let language = language.replace('-', "_").to_lowercase();
    // Escaped they hold no slash.
    let name = format!("{}/{}", percent_encoded(name), percent_encoded(&language));
    contacts::key(KIND, &name).expect("a name with a slash in it is not empty")
}
