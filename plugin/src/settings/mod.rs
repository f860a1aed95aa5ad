//! The settings: read at call time by [`Settings::parse`], and judged beforehand by [`validate`].

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

mod validate;

pub use validate::validate;

/// The settings as JSON Schema (2020-12).
pub const SCHEMA: &str = include_str!("schema.json");

/// The placeholder of the API key. The host puts the key in; the key never comes here.
pub const API_KEY: &str = "{{secret:api_key}}";

/// The placeholder of the secret that 360dialog signs webhooks with.
pub const WEBHOOK_HMAC_SECRET: &str = "{{secret:webhook_hmac_secret}}";

/// The settings as they are used: whatever is absent or `null` is `None`, members of no use here are ignored.
///
/// [`validate`] says what is wrong with settings; this only reads them.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Settings<'a> {
    /// The number, as it was typed.
    #[serde(borrow, deserialize_with = "text")]
    pub phone_number: Option<Cow<'a, str>>,
    /// Which of 360dialog's APIs; see [`Settings::api`].
    pub api: Option<Api>,
    /// Where the API is; see [`Settings::base_url`].
    #[serde(borrow, deserialize_with = "text")]
    pub base_url: Option<Cow<'a, str>>,
    /// What a person who writes for the first time is sent.
    #[serde(borrow, deserialize_with = "text")]
    pub greeting: Option<Cow<'a, str>>,
    /// How webhooks are authenticated; the secret header where absent.
    pub webhook_authentication: Option<WebhookAuthentication>,
    /// Which webhooks are registered; see [`Settings::has_account_webhook`].
    pub webhook_scope: Option<WebhookScope>,
    /// Which of the two APIs of templates is asked first; Meta's where absent.
    pub template_api: Option<TemplateApi>,
}

impl<'a> Settings<'a> {
    /// The settings in a JSON object.
    ///
    /// # Errors
    ///
    /// Where it is no JSON object, or a member has a value that [`validate`] refuses for its type or choice.
    pub fn parse(settings: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(settings)
    }

    /// Which of 360dialog's APIs the number is on.
    #[must_use]
    pub fn api(&self) -> Api {
        self.api.unwrap_or_default()
    }

    /// Whether the account's webhook is this channel's too.
    #[must_use]
    pub fn has_account_webhook(&self) -> bool {
        self.api() == Api::Cloud && self.webhook_scope == Some(WebhookScope::NumberAndAccount)
    }

    /// Where the API is: the member, or 360dialog's own address.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref().or(self.api().base_url())
    }
}

/// 360dialog's APIs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// The Cloud API.
    #[default]
    Cloud,
    /// The sandbox: one's own number only, 200 messages.
    Sandbox,
    /// The on-premise API, which ended on 2025-10-23.
    #[serde(alias = "on-premise")]
    OnPremise,
}

impl Api {
    /// 360dialog's own address, where there is still one.
    #[must_use]
    pub const fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Cloud => Some("https://waba-v2.360dialog.io"),
            Self::Sandbox => Some("https://waba-sandbox.360dialog.io"),
            Self::OnPremise => None,
        }
    }
}

/// How a delivery is known to be 360dialog's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookAuthentication {
    /// By a secret header that was registered with the webhook.
    #[default]
    Header,
    /// By 360dialog's signature.
    Hmac,
    /// By both.
    HeaderAndHmac,
}

/// Whose webhooks are registered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookScope {
    /// The number's.
    #[default]
    Number,
    /// The number's, and that of the account.
    NumberAndAccount,
}

/// 360dialog's APIs of templates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateApi {
    /// Meta's, as 360dialog passes it on: `/message_templates`.
    #[default]
    Graph,
    /// 360dialog's own, which is older: `/v1/configs/templates`.
    Configs,
}

/// Text that is borrowed where JSON allows it; serde copies an `Option<Cow<str>>` otherwise.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    Ok(Option::<Text<'de>>::deserialize(deserializer)?.map(|Text(text)| text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_and_defaults_are_the_cloud_api_s() {
        let settings = Settings::parse(
            r#"{"name": "Shop", "phone_number": "+4930123456", "greeting": "Hi", "api": null, "extra": 1}"#,
        )
        .unwrap();
        assert_eq!(settings.api(), Api::Cloud);
        assert_eq!(settings.base_url(), Some("https://waba-v2.360dialog.io"));
        assert!(matches!(settings.greeting, Some(Cow::Borrowed("Hi"))));
        assert_eq!(settings.webhook_authentication, None);
    }

    #[test]
    fn each_api_has_its_own_address() {
        let base_url = |settings| {
            Settings::parse(settings)
                .unwrap()
                .base_url()
                .map(str::to_owned)
        };
        assert_eq!(
            base_url(r#"{"api": "sandbox"}"#).as_deref(),
            Some("https://waba-sandbox.360dialog.io")
        );
        assert_eq!(base_url(r#"{"api": "on-premise"}"#), None);
        assert_eq!(
            base_url(r#"{"base_url": "http://localhost:8090"}"#).as_deref(),
            Some("http://localhost:8090")
        );
    }

    #[test]
    fn what_can_t_be_used_is_an_error() {
        for settings in ["", "null", "7", r#"{"api": "graph"}"#, r#"{"greeting": 7}"#] {
            assert!(Settings::parse(settings).is_err(), "{settings}");
        }
    }
}
