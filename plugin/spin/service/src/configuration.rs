//! What the variables say: the channel's settings, and the service's own.

use std::rc::Rc;

use channel_contract::channel::Description;
use channel_contract::settings::placeholder;
use serde_json::{Map, Value};
use spin_interfaces::secrets::PREFIX as SECRET;
use spin_interfaces::variables::Variables;

use crate::bindings::messaging::channel::channel;

/// What the names of variables begin with that are members of the channel's settings.
const SETTING: &str = "setting_";

/// What the channel says of itself, which it is asked once an instance.
pub(crate) fn description() -> Rc<Description> {
    thread_local! {
        static DESCRIPTION: Rc<Description> = Rc::new(channel::describe());
    }
    DESCRIPTION.with(Rc::clone)
}

/// A variable that is set: an empty one is not.
pub(crate) fn variable<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    let value = variables.get(name)?;
    (!value.is_empty()).then_some(value)
}

/// The shortest value that can't be guessed, in bytes.
pub(crate) const SECRET_BYTES: usize = 16;

/// A variable whose value nobody may guess. One that is too short is none.
pub(crate) fn secret<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    let value = variable(variables, name).filter(|value| value.len() >= SECRET_BYTES);
    if value.is_none() {
        eprintln!(
            "the variable {name} is not set, or shorter than {SECRET_BYTES} bytes: give it a long random value"
        );
    }
    value
}

/// The channel's settings, with a placeholder for each secret that is set.
pub(crate) fn settings(variables: &Variables, description: &Description) -> Map<String, Value> {
    let members = variables.iter().filter_map(|(name, value)| {
        let member = name.strip_prefix(SETTING).filter(|_| !value.is_empty())?;
        Some((member.to_owned(), Value::from(value.as_str())))
    });
    let secrets = description.secrets.iter().filter_map(|secret| {
        variable(variables, &format!("{SECRET}{}", secret.name))?;
        let member = secret.pointer.strip_prefix('/')?;
        Some((member.to_owned(), Value::from(placeholder(&secret.name))))
    });
    members.chain(secrets).collect()
}
