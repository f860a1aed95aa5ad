//! What `wit-bindgen` makes of the channel's exports, and of what Spin's cron trigger calls. The contract's types are those that the reference host has, and so is their JSON.
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

        // What Spin's cron trigger calls.
        package fermyon:spin-cron@2.0.0 {
            interface cron-types {
                record metadata { timestamp: u64 }
                variant error { other(string) }
            }

            world spin-cron {
                use cron-types.{metadata, error};
                export handle-cron-event: func(metadata: metadata) -> result<_, error>;
            }
        }

        world service {
            import messaging:channel/channel@0.1.0;
            import messaging:channel/connection@0.1.0;
            import messaging:channel/contacts@0.1.0;
            import messaging:channel/inbox@0.1.0;
            import messaging:channel/message@0.1.0;
            import messaging:channel/sender@0.1.0;
            import messaging:channel/template@0.1.0;
            import messaging:channel/template-store@0.1.0;
            import messaging:channel/window@0.1.0;

            include fermyon:spin-cron/spin-cron@2.0.0;
        }
    ",
    world: "dialog360:spin/service",
    generate_all,
    with: {
        "messaging:channel/channel@0.1.0/authentication-method": channel_contract::channel::AuthenticationMethod,
        "messaging:channel/channel@0.1.0/authentication-rule": channel_contract::channel::AuthenticationRule,
        "messaging:channel/channel@0.1.0/description": channel_contract::channel::Description,
        "messaging:channel/channel@0.1.0/hmac-algorithm": channel_contract::channel::HmacAlgorithm,
        "messaging:channel/channel@0.1.0/hmac-encoding": channel_contract::channel::HmacEncoding,
        "messaging:channel/channel@0.1.0/hmac-rule": channel_contract::channel::HmacRule,
        "messaging:channel/channel@0.1.0/media-limit": channel_contract::channel::MediaLimit,
        "messaging:channel/channel@0.1.0/origin-rule": channel_contract::channel::OriginRule,
        "messaging:channel/channel@0.1.0/pace": channel_contract::channel::Pace,
        "messaging:channel/channel@0.1.0/pace-scope": channel_contract::channel::PaceScope,
        "messaging:channel/channel@0.1.0/secret": channel_contract::channel::Secret,
        "messaging:channel/channel@0.1.0/setting-match": channel_contract::channel::SettingMatch,
        "messaging:channel/channel@0.1.0/signed-part": channel_contract::channel::SignedPart,
        "messaging:channel/channel@0.1.0/window-rule": channel_contract::channel::WindowRule,
        "messaging:channel/contacts@0.1.0/known-contact": channel_contract::contacts::KnownContact,
        "messaging:channel/connection@0.1.0/connected": channel_contract::connection::Connected,
        "messaging:channel/connection@0.1.0/registration": channel_contract::connection::Registration,
        "messaging:channel/events@0.1.0": channel_contract::events,
        "messaging:channel/outbound@0.1.0": channel_contract::outbound,
        "messaging:channel/storage@0.1.0": channel_contract::storage,
        "messaging:channel/template-store@0.1.0/deletion": channel_contract::template_store::Deletion,
        "messaging:channel/template-store@0.1.0/listing": channel_contract::template_store::Listing,
        "messaging:channel/template-store@0.1.0/page": channel_contract::template_store::Page,
        "messaging:channel/template-store@0.1.0/submitted": channel_contract::template_store::Submitted,
        "messaging:channel/template-store@0.1.0/template-error": channel_contract::template_store::TemplateError,
        "messaging:channel/template-store@0.1.0/template-id": channel_contract::template_store::TemplateId,
        "messaging:channel/templates@0.1.0": channel_contract::templates,
        "messaging:channel/types@0.1.0": channel_contract::types,
    },
});

#[cfg(target_family = "wasm")]
export!(Spin);
#[cfg(target_family = "wasm")]
use crate::entry::Spin;
