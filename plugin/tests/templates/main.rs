//! Templates in their public JSON: what is said of drafts, what leaves, and how it reads.

mod bindings;
mod cases;
mod form;
mod lint;
mod pairs;
mod properties;
