//! What `wit-bindgen` makes of the two interfaces. The contract's other types are the contract's own.
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    clippy::all
)]

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package dialog360:spin;

        world adapter {
            export messaging:channel/http@0.1.0;
            export messaging:channel/storage@0.1.0;
        }
    ",
    world: "dialog360:spin/adapter",
    with: { "messaging:channel/types@0.1.0": channel_contract::types },
    additional_derives: [PartialEq],
});

#[cfg(target_family = "wasm")]
export!(Component);
#[cfg(target_family = "wasm")]
use crate::component::Component;
