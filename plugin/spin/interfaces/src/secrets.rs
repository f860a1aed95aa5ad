//! The secrets that variables hold.

use crate::variables::Variables;
use channel_contract::secrets::Secrets;
use channel_contract::settings::Secret;

/// What the names of variables begin with whose values may stand in a channel's request. No other variable can get there.
pub const PREFIX: &str = "secret_";

/// The variables that are secrets, by the names that placeholders have. An empty variable is one that is not set.
#[derive(Debug)]
pub struct OfVariables<'a>(pub &'a Variables);

impl Secrets for OfVariables<'_> {
    fn get(&self, name: &str) -> Option<Secret> {
        let value = self.0.get(&format!("{PREFIX}{name}"))?;
        (!value.is_empty()).then(|| Secret::new(value.clone()))
    }

    fn all(&self) -> Vec<(String, Secret)> {
        let names = self.0.keys().filter_map(|name| name.strip_prefix(PREFIX));
        let secrets = names.filter_map(|name| Some((name.to_owned(), self.get(name)?)));
        secrets.collect()
    }

    fn seals(&self) -> bool {
        false
    }

    fn keep(&self, _: &str, _: Secret) -> bool {
        false
    }
}
