//! What can be done with one channel.

use std::sync::Arc;

use futures_util::Stream;

use super::{Shared, whole};
use crate::capability::Lent;
use crate::channel::connect::{self, Change, Checked, Connection};
use crate::channel::{Channel, ChannelError};
use crate::contract::account::{BlockedPage, BusinessNumber, BusinessProfile};
use crate::contract::channel::Description;
use crate::contract::connection::Registration;
use crate::contract::contacts::KnownContact;
use crate::contract::types::{Contact, Recipient};
use crate::inbox::ledger::{self, Ledger};
use crate::inbox::{self, Stored};
use crate::media::{self, Media, MediaError, NewMedia, Uploaded};
use crate::outbox::{self, Seen, SendError, Standing};
use crate::store::StoreError;
use crate::templates::Templates;
use crate::{CallError, Instance};

/// A channel of a host. Cheap to clone.
#[derive(Clone)]
pub struct ChannelHandle {
    pub(super) host: Arc<Shared>,
    pub(super) channel: Arc<Channel>,
}

impl ChannelHandle {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.channel.id
    }

    /// How it is configured and stands.
    #[must_use]
    pub fn shown(&self) -> Connection {
        connect::shown(&self.host, &self.channel)
    }

    /// The same for whoever connects it: with what has to be registered by hand, where that is so, and the secret in it.
    #[must_use]
    pub fn shown_with_secret(&self) -> Connection {
        connect::shown_with_secret(&self.host, &self.channel)
    }

    /// What it is.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.channel.description
    }

    /// What has to be registered at the vendor, with the secret in it.
    #[must_use]
    pub fn registration(&self) -> Registration {
        connect::registration(&self.host, &self.channel)
    }

    /// Changes settings. What the vendor must agree to is proved first; where that fails, nothing changes.
    ///
    /// # Errors
    ///
    /// The settings are wrong, or could not be proved.
    pub async fn change(&self, change: Change) -> Result<(), ChannelError> {
        let Self { host, channel } = self.clone();
        whole(async move { connect::change(&host, &channel, change).await }).await
    }

    /// Registers its webhook again.
    ///
    /// # Errors
    ///
    /// The vendor, or the way to it, refused.
    pub async fn connect(&self, replace_foreign: bool) -> Result<(), ChannelError> {
        let Self { host, channel } = self.clone();
        whole(async move { connect::connect(&host, &channel, replace_foreign).await }).await
    }

    /// Gives its webhook back to what was registered before.
    ///
    /// # Errors
    ///
    /// The vendor, or the way to it, refused.
    pub async fn disconnect(&self) -> Result<(), ChannelError> {
        let Self { host, channel } = self.clone();
        whole(async move { connect::disconnect(&host, &channel).await }).await
    }

    /// Removes it with all that belongs to it: deliveries, events, messages, contacts. Unless `force`, only where its
    /// webhook could be given back.
    ///
    /// # Errors
    ///
    /// The vendor, or the way to it, refused.
    pub async fn remove(&self, force: bool) -> Result<(), ChannelError> {
        let Self { host, channel } = self.clone();
        whole(async move { connect::remove(&host, &channel, force).await }).await
    }

    /// Asks the vendor how the account is, and where the webhook leads.
    ///
    /// # Errors
    ///
    /// The vendor, or the way to it, refused.
    pub async fn check(&self) -> Result<Checked, ChannelError> {
        let Self { host, channel } = self.clone();
        whole(async move { connect::check(&host, &channel).await }).await
    }

    /// Accepts a message, given as JSON: from then on it is sent, or an event says why not. The same `key` with the same
    /// message is the same message.
    ///
    /// # Errors
    ///
    /// It can't be sent.
    pub async fn send(&self, message: &[u8], key: Option<&str>) -> Result<Standing, SendError> {
        outbox::accept(&self.host, &self.channel, message, key).await
    }

    /// Its messages, the latest first.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn messages(&self, filter: outbox::Filter) -> Result<Vec<Standing>, StoreError> {
        outbox::list(&self.host.store, &self.channel.id, filter).await
    }

    /// Sends a message again that was held or has failed. Returns whether it was one.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn resend(&self, id: &str) -> Result<bool, StoreError> {
        outbox::resend(&self.host, &self.channel, id).await
    }

    /// Cancels a message that waits to be sent, or is held: nothing more of it is sent. Returns whether it was one.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn cancel(&self, id: &str) -> Result<bool, StoreError> {
        outbox::cancel(&self.host, &self.channel, id).await
    }

    /// A contact's window.
    ///
    /// # Errors
    ///
    /// The plugin or its storage failed.
    pub async fn window(&self, to: &Recipient) -> Result<Seen, SendError> {
        outbox::seen(&self.host, &self.channel, to).await
    }

    /// Learns contacts from elsewhere. Returns how many are new.
    ///
    /// # Errors
    ///
    /// The plugin or its storage failed, or the channel remembers no contacts.
    pub async fn import(&self, contacts: Vec<KnownContact>) -> Result<u32, SendError> {
        let channel = self.clone();
        whole(async move {
            let import = async |sandbox: &mut Instance| sandbox.import(&contacts).await;
            channel.with_storage("contacts.import", import).await
        })
        .await
    }

    /// Forgets a contact under all its names. Returns whether there was anything.
    ///
    /// # Errors
    ///
    /// As [`ChannelHandle::import`].
    pub async fn forget(&self, contact: &Contact) -> Result<bool, SendError> {
        let (channel, contact) = (self.clone(), contact.clone());
        whole(async move {
            let forget = async |sandbox: &mut Instance| sandbox.forget(&contact).await;
            channel.with_storage("contacts.forget", forget).await
        })
        .await
    }

    /// Tells a person that a message of theirs, named by the vendor's id, and those before it, were read.
    ///
    /// # Errors
    ///
    /// The vendor, or the way to it, refused; or the channel does not have this.
    pub async fn mark_read(&self, message_id: &str) -> Result<(), ChannelError> {
        self.with_http("sender.mark-read", async |sandbox, settings| {
            sandbox.mark_read(settings, message_id).await
        })
        .await
    }

    /// Shows a person that an answer is being written to a message of theirs, named by the vendor's id.
    ///
    /// # Errors
    ///
    /// As [`ChannelHandle::mark_read`].
    pub async fn typing(&self, message_id: &str) -> Result<(), ChannelError> {
        self.with_http("sender.typing", async |sandbox, settings| {
            sandbox.typing(settings, message_id).await
        })
        .await
    }

    /// What people see of the business.
    ///
    /// # Errors
    ///
    /// As [`ChannelHandle::mark_read`].
    pub async fn profile(&self) -> Result<BusinessProfile, ChannelError> {
        self.with_http("account.profile", async |sandbox, settings| {
            sandbox.profile(settings).await
        })
        .await
    }

    /// Changes what people see of the business. A member that is absent is left as it is.
    ///
    /// # Errors
    ///
    /// It breaks rules; else as [`ChannelHandle::mark_read`].
    pub async fn update_profile(&self, profile: &BusinessProfile) -> Result<(), ChannelError> {
        self.with_http("account.update-profile", async |sandbox, settings| {
            sandbox.update_profile(settings, profile).await
        })
        .await
    }

    /// The business's number and its quality.
    ///
    /// # Errors
    ///
    /// As [`ChannelHandle::mark_read`].
    pub async fn number(&self) -> Result<BusinessNumber, ChannelError> {
        self.with_http("account.number", async |sandbox, settings| {
            sandbox.number(settings).await
        })
        .await
    }

    /// One page of the people who are blocked: the first, or the one that the page before names as the next.
    ///
    /// # Errors
    ///
    /// As [`ChannelHandle::mark_read`].
    pub async fn blocked(&self, cursor: Option<&str>) -> Result<BlockedPage, ChannelError> {
        self.with_http("account.blocked", async |sandbox, settings| {
            sandbox.blocked(settings, cursor).await
        })
        .await
    }

    /// Blocks people.
    ///
    /// # Errors
    ///
    /// As [`ChannelHandle::update_profile`]. Some of them may be blocked all the same.
    pub async fn block(&self, people: &[Recipient]) -> Result<(), ChannelError> {
        self.with_http("account.block", async |sandbox, settings| {
            sandbox.block(settings, people).await
        })
        .await
    }

    /// Blocks people no longer.
    ///
    /// # Errors
    ///
    /// As [`ChannelHandle::block`].
    pub async fn unblock(&self, people: &[Recipient]) -> Result<(), ChannelError> {
        self.with_http("account.unblock", async |sandbox, settings| {
            sandbox.unblock(settings, people).await
        })
        .await
    }

    /// Its templates: those at the vendor, and those of its space.
    #[must_use]
    pub fn templates(&self) -> Templates {
        let Self { host, channel } = self.clone();
        Templates { host, channel }
    }

    /// Its deliveries, the latest first.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn deliveries(&self, filter: inbox::Filter) -> Result<Vec<Stored>, StoreError> {
        self.host.inbox.list(&self.channel.id, filter).await
    }

    /// Lets it take in again what is parked: one delivery, or all. Returns how many.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn replay(&self, one: Option<i64>) -> Result<usize, StoreError> {
        self.host.inbox.replay(&self.channel, one).await
    }

    /// A file of a message that came in, by the vendor's id of it: fetched from the vendor where it is not here.
    ///
    /// # Errors
    ///
    /// It can't be had, now or at all.
    pub async fn media(&self, id: &str) -> Result<Media, MediaError> {
        let (Self { host, channel }, id) = (self.clone(), id.to_owned());
        whole(async move { media::get(&host, &channel, &id).await }).await
    }

    /// Uploads a file, to be named in a message. What the vendor has already is not uploaded again.
    ///
    /// # Errors
    ///
    /// It breaks a rule, or the vendor, or the way to it, refused.
    pub async fn upload<B: AsRef<[u8]>, E: std::fmt::Display>(
        &self,
        new: NewMedia,
        bytes: impl Stream<Item = Result<B, E>>,
    ) -> Result<Uploaded, MediaError> {
        let Self { host, channel } = self.clone();
        let part = media::receive(&host, bytes).await?;
        whole(async move { media::upload(&host, &channel, new, part).await }).await
    }

    /// A call that may ask the vendor, and has no storage.
    async fn with_http<T, E>(
        &self,
        function: &'static str,
        call: impl AsyncFnOnce(&mut Instance, &str) -> Result<Result<T, E>, CallError>,
    ) -> Result<T, ChannelError>
    where
        ChannelError: From<E>,
    {
        let (host, channel) = (&self.host, &self.channel);
        let current = channel.current();
        let lent = Lent {
            http: Some(Arc::clone(&current.http) as _),
            storage: None,
        };
        let call = async |sandbox: &mut Instance| call(sandbox, &current.settings).await;
        Ok(channel.call(host, function, lent, call).await??)
    }

    /// A call that is alone on the channel's storage: what it wrote is committed as a whole, or not at all.
    async fn with_storage<T>(
        &self,
        function: &'static str,
        call: impl AsyncFnOnce(
            &mut Instance,
        )
            -> Result<Result<T, crate::contract::storage::Failure>, CallError>,
    ) -> Result<T, SendError> {
        let (host, channel) = (&self.host, &self.channel);
        let _alone = channel.storage.lock().await;
        let keys = host.options.storage_keys;
        let ledger = Arc::new(Ledger::new(host.store.clone(), &channel.id, keys));
        let lent = Lent {
            http: None,
            storage: Some(Arc::clone(&ledger) as _),
        };
        let value = channel.call(host, function, lent, call).await??;
        let (id, writes) = (channel.id.clone(), ledger.keep());
        host.store
            .write(move |connection| ledger::commit(connection, &id, &writes))
            .await?;
        Ok(value)
    }
}
