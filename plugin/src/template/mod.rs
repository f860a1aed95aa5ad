//! Templates: the vendor's JSON of them, what can be said of them without asking anybody, those at the vendor, and those that were
//! added to the space.
#![allow(clippy::result_large_err, reason = "the errors are the contract's own")]

mod components;
mod content;
mod draft;
mod event;
mod lint;
mod parameters;
mod read;
mod render;
mod request;
mod same;
mod space;
mod submit;
#[cfg(test)]
mod tests;
pub(crate) mod variables;
mod vendor;
mod write;

pub(crate) use event::changed;
pub use lint::lint;
pub use parameters::parameters;
pub(crate) use read::remedy;
pub(crate) use render::label;
pub use render::render;
pub use space::{add, get, remove, stored};
pub use submit::{delete, edit, submit};
pub use vendor::list;
