//! The contract as Rust: what `wit-bindgen` makes of `wit/`, and nothing else.
//!
//! These types are the channel's domain types; there is no second set.
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    clippy::all
)]

wit_bindgen::generate!({
    path: "../wit",
    inline: "
        package dialog360:plugin;

        world plugin {
            include messaging:channel/full@0.1.0;
            export messaging:channel/window@0.1.0;
            export messaging:channel/contacts@0.1.0;
            export messaging:channel/media@0.1.0;
            export messaging:channel/account@0.1.0;
            export messaging:channel/template@0.1.0;
            export messaging:channel/template-store@0.1.0;
        }
    ",
    world: "dialog360:plugin/plugin",
    generate_all,
    additional_derives: [PartialEq],
});

#[cfg(target_family = "wasm")]
export!(Component);
#[cfg(target_family = "wasm")]
use crate::component::Component;
