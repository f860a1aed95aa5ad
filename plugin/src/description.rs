//! What this channel is, as data that a host and a user interface can act on.

use crate::bindings::exports::messaging::channel::channel::{
    AuthenticationMethod, AuthenticationRule, Description, HmacAlgorithm, HmacEncoding, HmacRule,
    MediaLimit, OriginRule, Pace, PaceScope, Secret, SettingMatch, SignedPart, WindowRule,
};
use crate::{message, settings, window};

/// The header that carries the host's secret with every delivery. 360dialog takes no underscore in it.
pub const SECRET_HEADER: &str = "x-channel-secret";

/// Template languages, by code. Others may exist. (Cloud API, "Supported languages".)
const LANGUAGES: &str = "af sq ar ar_AE ar_EG ar_LB ar_MA ar_QA ar_SA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da \
    prs_AF nl nl_BE en en_AE en_AU en_CA en_GB en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_US en_ZA et fil \
    fi fr fr_BE fr_CA fr_CH fr_CI fr_MA ka de de_AT de_CH el gu ha he hi hu id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk \
    ms ml mr nb ps_AF fa pl pt_BR pt_PT pa ro ru sr si_LK sk sl es es_AR es_CL es_CO es_CR es_DO es_EC es_ES es_HN es_MX \
    es_PA es_PE es_UY es_VE sw sv ta te th tr uk ur uz vi zu";

/// What media may be sent: kind, types, most bytes. (Cloud API, "Supported media types".)
pub(crate) const MEDIA: [(&str, &[&str], u64); 5] = [
    ("image", &["image/jpeg", "image/png"], 5 * MIB),
    ("video", &["video/mp4", "video/3gpp"], 16 * MIB),
    (
        "audio",
        &[
            "audio/aac",
            "audio/amr",
            "audio/mpeg",
            "audio/mp4",
            "audio/ogg",
        ],
        16 * MIB,
    ),
    (
        "document",
        &[
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.ms-excel",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ],
        100 * MIB,
    ),
    // An animated sticker; one that stands still may have 100 KB.
    ("sticker", &["image/webp"], 500 * 1024),
];
const MIB: u64 = 1024 * 1024;

/// What this channel is.
#[must_use]
pub fn describe() -> Description {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let when = |values: &[&str]| {
        Some(SettingMatch {
            pointer: "/webhook_authentication".into(),
            values: owned(values),
        })
    };
    Description {
        id: "channel-360dialog".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        contract_version: "0.1.0".into(),
        family: "whatsapp".into(),
        provider: "360dialog".into(),
        display_name: "WhatsApp (360dialog)".into(),
        documentation: Some("https://docs.360dialog.com".into()),
        settings_schema: settings::SCHEMA.into(),
        secrets: ["api_key", "webhook_hmac_secret"]
            .map(|name| Secret {
                pointer: format!("/{name}"),
                name: name.into(),
            })
            .into(),
        origins: [settings::Api::Cloud, settings::Api::Sandbox]
            .into_iter()
            .filter_map(settings::Api::base_url)
            .map(|origin| OriginRule::Fixed(origin.into()))
            .chain([OriginRule::Setting("/base_url".into())])
            .collect(),
        webhook_authentication: vec![
            AuthenticationRule {
                method: AuthenticationMethod::SecretHeader(SECRET_HEADER.into()),
                applies: when(&["header", "header_and_hmac"]),
            },
            AuthenticationRule {
                // 360dialog, "Signature validation". Senders write the hash with or without the prefix.
                method: AuthenticationMethod::Hmac(HmacRule {
                    signs: vec![SignedPart::Body],
                    header: "x-360dialog-signature".into(),
                    algorithm: HmacAlgorithm::Sha256,
                    encoding: HmacEncoding::Hex,
                    prefix: Some("sha256=".into()),
                    secret: "webhook_hmac_secret".into(),
                }),
                applies: when(&["hmac", "header_and_hmac"]),
            },
        ],
        window: Some(WindowRule {
            length_seconds: window::LENGTH_SECONDS,
            margin_seconds: window::MARGIN_SECONDS,
        }),
        // Cloud API, "Throughput" and "Pair rate limits". A burst and a second after it are together no more than 80.
        pacing: vec![
            Pace {
                scope: PaceScope::Channel,
                messages: 75,
                period_ms: 1000,
                burst: 5,
            },
            Pace {
                scope: PaceScope::Contact,
                messages: 1,
                period_ms: 6000,
                burst: 45,
            },
        ],
        message_kinds: owned(&message::KINDS),
        text_limit: Some(message::TEXT_LIMIT),
        media: MEDIA
            .map(|(kind, mime_types, max_bytes)| MediaLimit {
                kind: kind.into(),
                mime_types: owned(mime_types),
                max_bytes,
            })
            .into(),
        template_categories: owned(&["marketing", "utility", "authentication"]),
        template_languages: LANGUAGES.split_whitespace().map(Into::into).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn secrets_are_the_write_only_members_of_the_schema() {
        let description = describe();
        let schema: Value = serde_json::from_str(&description.settings_schema).unwrap();
        let write_only: Vec<_> = schema["properties"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, property)| property["writeOnly"] == true)
            .map(|(name, _)| format!("/{name}"))
            .collect();
        let secrets: Vec<_> = description.secrets.into_iter().map(|s| s.pointer).collect();
        assert_eq!(secrets, write_only);
        for name in ["api_key", "webhook_hmac_secret"] {
            let placeholder = format!("{{{{secret:{name}}}}}");
            assert!(
                [settings::API_KEY, settings::WEBHOOK_HMAC_SECRET].contains(&placeholder.as_str())
            );
        }
    }

    #[test]
    fn every_authentication_of_the_settings_has_a_rule() {
        let schema: Value = serde_json::from_str(settings::SCHEMA).unwrap();
        let member = &schema["properties"]["webhook_authentication"];
        let rules = describe().webhook_authentication;
        for choice in member["oneOf"].as_array().unwrap() {
            let choice = choice["const"].as_str().unwrap();
            let applying = rules
                .iter()
                .filter_map(|rule| rule.applies.as_ref())
                .filter(|applies| applies.values.iter().any(|value| value == choice))
                .count();
            assert_eq!(applying, choice.split("_and_").count(), "{choice}");
        }
        assert!(!SECRET_HEADER.contains('_'));
    }

    #[test]
    fn origins_are_the_default_addresses_and_the_setting() {
        assert_eq!(
            describe().origins,
            [
                OriginRule::Fixed("https://waba-v2.360dialog.io".into()),
                OriginRule::Fixed("https://waba-sandbox.360dialog.io".into()),
                OriginRule::Setting("/base_url".into()),
            ]
        );
    }

    #[test]
    fn every_kind_of_media_is_a_kind_of_message() {
        let description = describe();
        for limit in &description.media {
            assert!(
                description.message_kinds.contains(&limit.kind),
                "{}",
                limit.kind
            );
        }
        assert_eq!(description.template_languages.len(), 113);
    }
}
