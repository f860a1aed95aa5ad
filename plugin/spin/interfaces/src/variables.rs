//! The component's variables: `[component.….variables]` of the manifest.

use std::collections::BTreeMap;

/// Variables by their names.
pub type Variables = BTreeMap<String, String>;

/// The component's variables. They are read once an instance: a provider such as a vault may be far away.
///
/// # Errors
///
/// The provider's sentence, where it could not be asked.
#[cfg(target_family = "wasm")]
pub fn read() -> Result<std::rc::Rc<Variables>, String> {
    use std::cell::OnceCell;
    use std::rc::Rc;

    use spin_sdk::experimental::wasi::config::store::{Error, get_all};

    thread_local! {
        static VARIABLES: OnceCell<Rc<Variables>> = const { OnceCell::new() };
    }
    VARIABLES.with(|variables| {
        if let Some(variables) = variables.get() {
            return Ok(Rc::clone(variables));
        }
        let read = get_all().map_err(|error| match error {
            Error::Upstream(sentence) | Error::Io(sentence) => sentence,
        })?;
        let read = Rc::new(read.into_iter().collect());
        Ok(Rc::clone(variables.get_or_init(|| read)))
    })
}
