//! A small stand-in for Spin: it serves the application by its manifest, over the interfaces that Spin lends.

mod runner;
mod store;

pub use runner::{APPLICATION, Application, Import, imports, load, origin};
pub use store::Keys;
