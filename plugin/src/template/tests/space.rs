use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::json;

use super::reading::definition;
use crate::bindings::messaging::channel::storage::{Failure, KeyPage};
use crate::bindings::messaging::channel::templates::TemplateKey;
use crate::storage::Storage;
use crate::template::{add, get, remove, stored};

/// A store whose pages have two keys.
#[derive(Default)]
pub(super) struct Store {
    values: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl Storage for Store {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.values.borrow().get(key).cloned())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), Failure> {
        assert!((1..=256).contains(&key.len()), "{key}");
        self.values.borrow_mut().insert(key.into(), value.into());
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), Failure> {
        self.values.borrow_mut().remove(key);
        Ok(())
    }

    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, Failure> {
        let is_expected = self.values.borrow().get(key).map(Vec::as_slice) == expected;
        if is_expected {
            self.set(key, value)?;
        }
        Ok(is_expected)
    }

    fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, Failure> {
        let values = self.values.borrow();
        let keys = values.keys().filter(|key| key.starts_with(prefix));
        let mut keys = keys.filter(|key| cursor.is_none_or(|cursor| key.as_str() > cursor));
        let page: Vec<_> = keys.by_ref().take(2).cloned().collect();
        let next = keys.next().and(page.last().cloned());
        Ok(KeyPage { keys: page, next })
    }
}

fn key(name: &str, language: &str) -> TemplateKey {
    TemplateKey {
        name: name.into(),
        language: language.into(),
    }
}

#[test]
fn templates_are_added_replaced_listed_and_removed() {
    let store = Store::default();
    store.set("phone:49", b"{}").unwrap();
    let long = "x".repeat(512);
    let names = ["a", "b", "c/d", "ü", long.as_str()];
    for name in names {
        add(
            &store,
            &definition(&json!({"name": name, "language": "en_US"})),
        )
        .unwrap();
    }
    add(&store, &definition(&json!({"name": "a", "language": "de"}))).unwrap();
    let changed = definition(&json!({"name": "a", "language": "en_US", "status": "PAUSED"}));
    add(&store, &changed).unwrap();

    assert_eq!(stored(&store).unwrap().len(), names.len() + 1);
    assert_eq!(
        get(&store, &key("a", "en_US")).unwrap(),
        Some(changed.clone())
    );
    assert_eq!(get(&store, &key("a", "en-us")).unwrap(), Some(changed));
    assert_eq!(get(&store, &key("a", "en")).unwrap(), None);
    for name in names {
        assert!(
            get(&store, &key(name, "en_US")).unwrap().is_some(),
            "{name}"
        );
        assert!(remove(&store, &key(name, "en_US")).unwrap(), "{name}");
        assert!(!remove(&store, &key(name, "en_US")).unwrap(), "{name}");
    }
    let [left] = stored(&store).unwrap().try_into().unwrap();
    assert_eq!(left.language, "de");
}
