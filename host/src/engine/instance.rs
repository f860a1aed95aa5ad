//! One sandbox, and the functions of the contract that can be called in it.

use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use wasmtime::Store;
use wasmtime::component::{self, ComponentNamedList, Lift, Lower};

use super::call::Plugin;
use super::error::CallError;
use super::sandbox::{self, Exceeded, Sandbox};
use crate::contract::account::{AccountError, BlockedPage, BusinessNumber, BusinessProfile};
use crate::contract::channel::Description;
use crate::contract::connection::{
    AccountHealth, ConnectError, Connected, Registration, WebhookTarget,
};
use crate::contract::contacts::KnownContact;
use crate::contract::events::{Delivery, Event, Rejection};
use crate::contract::inbox::{ReceiveError, Reception};
use crate::contract::media::{
    MediaLocation, Upload, UploadAnswer, UploadError, UploadRequest, UploadedMedia,
};
use crate::contract::outbound::{Message, Payload, TemplateMessage, Window, WindowState};
use crate::contract::sender::Sent;
use crate::contract::storage;
use crate::contract::template_store::{Deletion, Listing, Page, Submitted, TemplateError};
use crate::contract::templates::{
    Definition, Draft, Finding, ParameterSpec, Rendered, TemplateKey,
};
use crate::contract::types::{Contact, Error, Problem, Recipient, Timestamp};

/// One sandbox of a plugin, kept for several calls.
///
/// What a call leaves behind in the plugin's memory, the next one sees: for channels, whose pure functions remember
/// nothing, this saves the start. A call that fails, or whose future is dropped, poisons it.
pub struct Instance {
    pub(super) store: Store<Sandbox>,
    pub(super) inside: component::Instance,
    pub(super) plugin: Plugin,
    pub(super) poisoned: bool,
    // Dropped after the store, so that the pool has room again before the next one is let in.
    pub(super) _permits: [Option<OwnedSemaphorePermit>; 3],
}

impl Instance {
    /// As [`Plugin::describe`].
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one.
    pub async fn describe(&mut self) -> Result<Description, CallError> {
        self.call(("channel", "describe"), ()).await
    }

    /// As [`Plugin::validate`].
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one.
    pub async fn validate(&mut self, settings: &str) -> Result<Vec<Problem>, CallError> {
        self.call(("channel", "validate"), (settings,)).await
    }

    /// As [`Plugin::normalize`].
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one.
    pub async fn normalize(
        &mut self,
        settings: Option<&str>,
        delivery: &Delivery,
    ) -> Result<Result<Vec<Event>, Rejection>, CallError> {
        self.call(("webhook", "normalize"), (settings, delivery))
            .await
    }

    /// As [`Plugin::build`].
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one.
    pub async fn build(
        &mut self,
        settings: &str,
        message: &Message,
        window: &Window,
        definition: Option<&Definition>,
    ) -> Result<Result<Vec<Payload>, Vec<Problem>>, CallError> {
        self.call(
            ("message", "build"),
            (settings, message, window, definition),
        )
        .await
    }

    /// As [`Plugin::evaluate`].
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one, or the channel has no `window`.
    pub async fn evaluate(
        &mut self,
        state: &WindowState,
        now: Timestamp,
    ) -> Result<Window, CallError> {
        self.call(("window", "evaluate"), (state, now)).await
    }

    /// Checks the credentials and registers the webhook; without a target it only checks. Uses HTTP.
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one, or the channel has no `connection`.
    pub async fn connect(
        &mut self,
        settings: &str,
        target: Option<&WebhookTarget>,
    ) -> Result<Result<Connected, ConnectError>, CallError> {
        self.call(("connection", "connect"), (settings, target))
            .await
    }

    /// Puts back the webhook that was registered before. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::connect`].
    pub async fn disconnect(
        &mut self,
        settings: &str,
        target: &WebhookTarget,
        previous: &[Registration],
    ) -> Result<Result<(), Error>, CallError> {
        self.call(("connection", "disconnect"), (settings, target, previous))
            .await
    }

    /// How the account is. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::connect`].
    pub async fn health(
        &mut self,
        settings: &str,
        target: Option<&WebhookTarget>,
    ) -> Result<Result<AccountHealth, Error>, CallError> {
        self.call(("connection", "health"), (settings, target))
            .await
    }

    /// Takes a delivery in at `now`. Uses storage.
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one, or the channel has no `inbox`.
    pub async fn receive(
        &mut self,
        settings: &str,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Result<Reception, ReceiveError>, CallError> {
        self.call(("inbox", "receive"), (settings, delivery, now))
            .await
    }

    /// Sends one part of a message, once. Uses HTTP.
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one, or the channel has no `sender`.
    pub async fn send(
        &mut self,
        settings: &str,
        payload: &Payload,
        reference: Option<&str>,
    ) -> Result<Result<Sent, Error>, CallError> {
        self.call(("sender", "send"), (settings, payload, reference))
            .await
    }

    /// Tells the person that their message, and those before it, were read. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::send`].
    pub async fn mark_read(
        &mut self,
        settings: &str,
        message_id: &str,
    ) -> Result<Result<(), Error>, CallError> {
        self.call(("sender", "mark-read"), (settings, message_id))
            .await
    }

    /// Shows the person that an answer to their message is being written. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::send`].
    pub async fn typing(
        &mut self,
        settings: &str,
        message_id: &str,
    ) -> Result<Result<(), Error>, CallError> {
        self.call(("sender", "typing"), (settings, message_id))
            .await
    }

    /// What is remembered of a contact's or a group's window. Uses storage.
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one, or the channel has no `contacts`.
    pub async fn window(
        &mut self,
        to: &Recipient,
    ) -> Result<Result<Option<WindowState>, storage::Failure>, CallError> {
        self.call(("contacts", "window"), (to,)).await
    }

    /// Learns contacts from elsewhere; how many are new. Uses storage.
    ///
    /// # Errors
    ///
    /// As [`Instance::window`].
    pub async fn import(
        &mut self,
        contacts: &[KnownContact],
    ) -> Result<Result<u32, storage::Failure>, CallError> {
        self.call(("contacts", "import"), (contacts,)).await
    }

    /// Forgets a contact; whether there was anything. Uses storage.
    ///
    /// # Errors
    ///
    /// As [`Instance::window`].
    pub async fn forget(
        &mut self,
        contact: &Contact,
    ) -> Result<Result<bool, storage::Failure>, CallError> {
        self.call(("contacts", "forget"), (contact,)).await
    }

    /// Where media that came in can be fetched. Uses HTTP.
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one, or the channel has no `media`.
    pub async fn locate(
        &mut self,
        settings: &str,
        media_id: &str,
    ) -> Result<Result<MediaLocation, Error>, CallError> {
        self.call(("media", "locate"), (settings, media_id)).await
    }

    /// How to upload a file; or why not. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::locate`].
    pub async fn upload_form(
        &mut self,
        settings: &str,
        upload: &Upload,
    ) -> Result<Result<UploadRequest, UploadError>, CallError> {
        self.call(("media", "upload-form"), (settings, upload))
            .await
    }

    /// What an upload gave.
    ///
    /// # Errors
    ///
    /// As [`Instance::locate`].
    pub async fn uploaded(
        &mut self,
        upload: &Upload,
        answer: &UploadAnswer,
    ) -> Result<Result<UploadedMedia, Error>, CallError> {
        self.call(("media", "uploaded"), (upload, answer)).await
    }

    /// What people see of the business. Uses HTTP.
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one, or the channel has no `account`.
    pub async fn profile(
        &mut self,
        settings: &str,
    ) -> Result<Result<BusinessProfile, Error>, CallError> {
        self.call(("account", "profile"), (settings,)).await
    }

    /// Changes what people see of the business. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::profile`].
    pub async fn update_profile(
        &mut self,
        settings: &str,
        profile: &BusinessProfile,
    ) -> Result<Result<(), AccountError>, CallError> {
        self.call(("account", "update-profile"), (settings, profile))
            .await
    }

    /// The number and its quality. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::profile`].
    pub async fn number(
        &mut self,
        settings: &str,
    ) -> Result<Result<BusinessNumber, Error>, CallError> {
        self.call(("account", "number"), (settings,)).await
    }

    /// One page of the people who are blocked. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::profile`].
    pub async fn blocked(
        &mut self,
        settings: &str,
        cursor: Option<&str>,
    ) -> Result<Result<BlockedPage, Error>, CallError> {
        self.call(("account", "blocked"), (settings, cursor)).await
    }

    /// Blocks people. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::profile`].
    pub async fn block(
        &mut self,
        settings: &str,
        people: &[Recipient],
    ) -> Result<Result<(), AccountError>, CallError> {
        self.call(("account", "block"), (settings, people)).await
    }

    /// Blocks people no longer. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::profile`].
    pub async fn unblock(
        &mut self,
        settings: &str,
        people: &[Recipient],
    ) -> Result<Result<(), AccountError>, CallError> {
        self.call(("account", "unblock"), (settings, people)).await
    }

    /// What the vendor will refuse of a draft, or its review reject, and what would be better; with settings, by the rules of
    /// their account.
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one, or the channel has no `template`.
    pub async fn lint(
        &mut self,
        settings: Option<&str>,
        draft: &Draft,
    ) -> Result<Vec<Finding>, CallError> {
        self.call(("template", "lint"), (settings, draft)).await
    }

    /// What must be given to send a template.
    ///
    /// # Errors
    ///
    /// As [`Instance::lint`].
    pub async fn parameters(
        &mut self,
        definition: &Definition,
    ) -> Result<Vec<ParameterSpec>, CallError> {
        self.call(("template", "parameters"), (definition,)).await
    }

    /// A template's message as the person will read it.
    ///
    /// # Errors
    ///
    /// As [`Instance::lint`].
    pub async fn render(
        &mut self,
        definition: &Definition,
        message: &TemplateMessage,
    ) -> Result<Rendered, CallError> {
        self.call(("template", "render"), (definition, message))
            .await
    }

    /// Submits a draft for review. Uses HTTP.
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one, or the channel has no `template-store`.
    pub async fn submit(
        &mut self,
        settings: &str,
        draft: &Draft,
    ) -> Result<Result<Submitted, TemplateError>, CallError> {
        self.call(("template-store", "submit"), (settings, draft))
            .await
    }

    /// One page of the templates at the vendor. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::submit`].
    pub async fn list_templates(
        &mut self,
        settings: &str,
        listing: &Listing,
    ) -> Result<Result<Page, TemplateError>, CallError> {
        self.call(("template-store", "list"), (settings, listing))
            .await
    }

    /// Changes a template at the vendor. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::submit`].
    pub async fn edit_template(
        &mut self,
        settings: &str,
        id: Option<&str>,
        draft: &Draft,
    ) -> Result<Result<Submitted, TemplateError>, CallError> {
        self.call(("template-store", "edit"), (settings, id, draft))
            .await
    }

    /// Deletes templates at the vendor. Uses HTTP.
    ///
    /// # Errors
    ///
    /// As [`Instance::submit`].
    pub async fn delete_templates(
        &mut self,
        settings: &str,
        deletion: &Deletion,
    ) -> Result<Result<(), TemplateError>, CallError> {
        self.call(("template-store", "delete"), (settings, deletion))
            .await
    }

    /// The templates that were added to the space. Uses storage.
    ///
    /// # Errors
    ///
    /// As [`Instance::submit`].
    pub async fn stored_templates(
        &mut self,
    ) -> Result<Result<Vec<Definition>, TemplateError>, CallError> {
        self.call(("template-store", "stored"), ()).await
    }

    /// One template that was added to the space. Uses storage.
    ///
    /// # Errors
    ///
    /// As [`Instance::submit`].
    pub async fn stored_template(
        &mut self,
        key: &TemplateKey,
    ) -> Result<Result<Option<Definition>, TemplateError>, CallError> {
        self.call(("template-store", "get"), (key,)).await
    }

    /// Adds a template to the space, or replaces it. Uses storage.
    ///
    /// # Errors
    ///
    /// As [`Instance::submit`].
    pub async fn add_template(
        &mut self,
        definition: &Definition,
    ) -> Result<Result<(), TemplateError>, CallError> {
        self.call(("template-store", "add"), (definition,)).await
    }

    /// Removes a template from the space. Returns whether it was there. Uses storage.
    ///
    /// # Errors
    ///
    /// As [`Instance::submit`].
    pub async fn remove_template(
        &mut self,
        key: &TemplateKey,
    ) -> Result<Result<bool, TemplateError>, CallError> {
        self.call(("template-store", "remove"), (key,)).await
    }

    async fn call<P, R>(
        &mut self,
        (interface, name): (&'static str, &'static str),
        params: P,
    ) -> Result<R, CallError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: Send + Sync + 'static,
        (R,): ComponentNamedList + Lift,
    {
        if self.poisoned {
            return Err(CallError::Poisoned);
        }
        let function = self.plugin.inner.functions.get(&(interface, name));
        let function = *function.ok_or(CallError::Absent(interface))?;
        // Until the call has ended well, so that one whose future is dropped leaves it poisoned.
        self.poisoned = true;
        let limits = self.plugin.inner.engine.limits();
        let sandbox = self.store.data_mut();
        let allowed = match sandbox.lent.http {
            Some(_) => limits.deadline_with_http,
            None => limits.deadline,
        };
        sandbox.deadline = Instant::now() + allowed;
        sandbox.requests_left = limits.http_requests;
        sandbox.ticks_left = sandbox::ticks(limits);
        self.store.set_epoch_deadline(1);
        let store = &mut self.store;
        let typed = self
            .inside
            .get_func(&mut *store, function)
            .ok_or_else(|| wasmtime::Error::msg("a function that was there is gone"))
            .and_then(|function| function.typed::<P, (R,)>(&mut *store));
        let outcome = match typed {
            Ok(function) => timeout(allowed, function.call_async(store, params))
                .await
                .unwrap_or_else(|_| Err(Exceeded::Deadline.into())),
            Err(error) => Err(error),
        };
        match outcome {
            Ok((result,)) => {
                self.poisoned = false;
                let plugin = self.plugin.name();
                for line in self.store.data().output.take() {
                    tracing::debug!(target: "plugin", plugin, function = name, "{line}");
                }
                Ok(result)
            }
            Err(error) => Err(self.plugin.failed(name, allowed, &self.store, &error)),
        }
    }
}
