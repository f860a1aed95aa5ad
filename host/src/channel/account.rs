//! A channel's account at its vendor, as the plugin speaks with it.

use std::sync::Arc;
use std::time::Instant;

use super::keyring::{Keyring, PATH};
use super::{Channel, ChannelError, Current};
use crate::capability::{Client, Lent};
use crate::contract::connection::{
    AccountHealth, ConnectError, Connected, Registration, WebhookTarget,
};
use crate::host::Shared;
use crate::{CallError, Plugin};

/// An origin that is nobody's (RFC 2606).
const NOWHERE: &str = "https://host.invalid";

/// A channel's account at its vendor.
pub(super) struct Account<'a> {
    pub(super) host: &'a Arc<Shared>,
    pub(super) plugin: &'a Plugin,
    pub(super) http: &'a Arc<Client>,
    pub(super) settings: &'a str,
    pub(super) keyring: &'a Keyring,
}

impl<'a> Account<'a> {
    pub(super) fn of(host: &'a Arc<Shared>, channel: &'a Channel, current: &'a Current) -> Self {
        Self {
            host,
            plugin: &channel.plugin,
            http: &current.http,
            settings: &current.settings,
            keyring: &channel.keyring,
        }
    }

    fn lent(&self) -> Lent {
        Lent {
            http: Some(Arc::clone(self.http) as _),
            storage: None,
        }
    }

    /// Where the vendor would have to deliver. Without a public address it is nowhere, so nothing leads there.
    pub(super) fn wanted(&self) -> Option<WebhookTarget> {
        let base = self.host.options.public_url.as_deref();
        self.target_at(base.unwrap_or(NOWHERE), false)
    }

    /// Where the vendor shall deliver; absent without a public address.
    fn target(&self, replace_foreign: bool) -> Option<WebhookTarget> {
        let base = self.host.options.public_url.as_deref()?;
        self.target_at(base, replace_foreign)
    }

    fn target_at(&self, base: &str, replace_foreign: bool) -> Option<WebhookTarget> {
        let path = self.keyring.own(PATH)?;
        Some(WebhookTarget {
            url: format!("{base}/webhooks/{}", path.expose()),
            replace_foreign,
        })
    }

    /// Proves the credentials. Changes nothing.
    pub(super) async fn prove(&self) -> Result<Connected, ChannelError> {
        Ok(self.register(None).await??)
    }

    /// Proves the credentials and registers the webhook.
    pub(super) async fn connect(&self, replace_foreign: bool) -> Result<Connected, ChannelError> {
        let target = self.target(replace_foreign);
        let mut connected = self.register(target.as_ref()).await?;
        if let Err(ConnectError::Occupied(found)) = &connected
            && self.is_ours(found)
        {
            // This host, at an address that it had before. What was sealed of it is ours and replaces nothing.
            let secrets = self.keyring.snapshot();
            connected = self.register(self.target(true).as_ref()).await?;
            self.keyring.replace(secrets);
            if let Ok(connected) = &mut connected {
                connected.previous.retain(|it| !self.is_ours(it));
            }
        }
        Ok(connected?)
    }

    async fn register(
        &self,
        target: Option<&WebhookTarget>,
    ) -> Result<Result<Connected, ConnectError>, CallError> {
        let began = Instant::now();
        let connected = match self.plugin.instantiate_with(self.lent()).await {
            Ok(mut sandbox) => sandbox.connect(self.settings, target).await,
            Err(error) => Err(error),
        };
        self.host
            .metrics
            .called("", "connection.connect", &connected, began.elapsed());
        connected
    }

    /// Whether a registration has this channel's path, which nobody else knows.
    pub(super) fn is_ours(&self, registration: &Registration) -> bool {
        let path = self.keyring.own(PATH);
        let url = registration.url.as_deref();
        path.zip(url)
            .is_some_and(|(path, url)| url.ends_with(path.expose()))
    }

    /// A registration as it may be shown: whoever sees ours need not be able to post there, and the address of another
    /// system may be a secret of it.
    pub(super) fn shown(&self, registration: &mut Registration) {
        let path = self
            .keyring
            .own(PATH)
            .filter(|_| self.is_ours(registration));
        if let Some(url) = &mut registration.url {
            *url = path.map_or_else(|| origin(url), |path| url.replace(path.expose(), "…"));
        }
    }

    pub(super) async fn health(
        &self,
        target: Option<&WebhookTarget>,
    ) -> Result<AccountHealth, ChannelError> {
        let mut sandbox = self.plugin.instantiate_with(self.lent()).await?;
        Ok(sandbox.health(self.settings, target).await??)
    }

    /// Gives the webhook that was registered with this address back to what was there before.
    pub(super) async fn disconnect(
        &self,
        base: &str,
        connected: &Connected,
    ) -> Result<(), ChannelError> {
        let Some(target) = self.target_at(base, false) else {
            return Ok(());
        };
        let mut sandbox = self.plugin.instantiate_with(self.lent()).await?;
        let given_back = sandbox.disconnect(self.settings, &target, &connected.previous);
        Ok(given_back.await??)
    }

    /// Gives the webhook back after something else went wrong.
    pub(super) async fn give_back(&self, current: &Current) {
        if let (Some(base), Some(connected)) = (&current.base, &current.connected)
            && let Err(error) = self.disconnect(base, connected).await
        {
            tracing::warn!(%error, "a webhook could not be given back");
        }
    }
}

/// The origin of an address: what is behind it may be a secret of somebody else's.
pub(super) fn origin(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| "another address".to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}
