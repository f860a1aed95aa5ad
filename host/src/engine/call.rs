//! Calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{timeout, timeout_at};
use wasmtime::Store;
use wasmtime::component::{
    self, ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Linker, Lower,
};

use super::error::{CallError, LoadError};
use super::sandbox::{self, Exceeded, Sandbox};
use super::{Engine, Shape};
use crate::capability::Lent;
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
use crate::contract::outbound::{Message, Payload, Window, WindowState};
use crate::contract::sender::Sent;
use crate::contract::storage;
use crate::contract::templates::Definition;
use crate::contract::types::{Contact, Error, Problem, Recipient, Timestamp};
use crate::plain;

/// A channel, ready to be called. Cheap to clone.
///
/// Every method runs in a fresh sandbox that ends with the call, so no call knows of another.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    name: String,
    interfaces: Vec<&'static str>,
    component: InstancePre<Sandbox>,
    functions: Functions,
    sandboxes: Arc<Semaphore>,
    /// The share of them that is for calls that are lent HTTP.
    with_http: Arc<Semaphore>,
}

/// Where the functions lie in the component.
struct Functions {
    describe: ComponentExportIndex,
    validate: ComponentExportIndex,
    normalize: ComponentExportIndex,
    build: ComponentExportIndex,
    evaluate: Option<ComponentExportIndex>,
    connect: Option<ComponentExportIndex>,
    disconnect: Option<ComponentExportIndex>,
    health: Option<ComponentExportIndex>,
    receive: Option<ComponentExportIndex>,
    send: Option<ComponentExportIndex>,
    mark_read: Option<ComponentExportIndex>,
    typing: Option<ComponentExportIndex>,
    window: Option<ComponentExportIndex>,
    import: Option<ComponentExportIndex>,
    forget: Option<ComponentExportIndex>,
    locate: Option<ComponentExportIndex>,
    upload_form: Option<ComponentExportIndex>,
    uploaded: Option<ComponentExportIndex>,
    profile: Option<ComponentExportIndex>,
    update_profile: Option<ComponentExportIndex>,
    number: Option<ComponentExportIndex>,
    blocked: Option<ComponentExportIndex>,
    block: Option<ComponentExportIndex>,
    unblock: Option<ComponentExportIndex>,
}

impl Plugin {
    /// A plugin of a component whose shape has been found good.
    pub(super) fn new(
        engine: &Engine,
        name: &str,
        shape: &Shape,
        linker: &Linker<Sandbox>,
    ) -> Result<Self, LoadError> {
        let component = linker
            .instantiate_pre(shape.component())
            .map_err(|error| LoadError::Link(plain(&format!("{error:#}"))))?;
        let find = |interface: &'static str, function| {
            let missing = || LoadError::Missing(vec![interface]);
            shape.index(interface, function).ok_or_else(missing)
        };
        let functions = Functions {
            describe: find("channel", "describe")?,
            validate: find("channel", "validate")?,
            normalize: find("webhook", "normalize")?,
            build: find("message", "build")?,
            evaluate: shape.index("window", "evaluate"),
            connect: shape.index("connection", "connect"),
            disconnect: shape.index("connection", "disconnect"),
            health: shape.index("connection", "health"),
            receive: shape.index("inbox", "receive"),
            send: shape.index("sender", "send"),
            mark_read: shape.index("sender", "mark-read"),
            typing: shape.index("sender", "typing"),
            window: shape.index("contacts", "window"),
            import: shape.index("contacts", "import"),
            forget: shape.index("contacts", "forget"),
            locate: shape.index("media", "locate"),
            upload_form: shape.index("media", "upload-form"),
            uploaded: shape.index("media", "uploaded"),
            profile: shape.index("account", "profile"),
            update_profile: shape.index("account", "update-profile"),
            number: shape.index("account", "number"),
            blocked: shape.index("account", "blocked"),
            block: shape.index("account", "block"),
            unblock: shape.index("account", "unblock"),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                engine: engine.clone(),
                name: name.to_owned(),
                interfaces: shape.exports.keys().copied().collect(),
                component,
                functions,
                sandboxes: Arc::new(Semaphore::new(
                    engine.limits().sandboxes_per_plugin as usize,
                )),
                with_http: Arc::new(Semaphore::new(engine.limits().sandboxes_with_http as usize)),
            }),
        })
    }

    /// What logs call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The contract's interfaces that it exports (`webhook`, `window`), sorted.
    #[must_use]
    pub fn interfaces(&self) -> &[&'static str] {
        &self.inner.interfaces
    }

    /// Whether it exports an interface of the contract.
    #[must_use]
    pub fn has(&self, interface: &str) -> bool {
        self.inner.interfaces.contains(&interface)
    }

    /// What it is.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn describe(&self) -> Result<Description, CallError> {
        self.instantiate().await?.describe().await
    }

    /// Everything that is wrong with settings, whose secrets have been [taken out](crate::settings).
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn validate(&self, settings: &str) -> Result<Vec<Problem>, CallError> {
        self.instantiate().await?.validate(settings).await
    }

    /// The events of a delivery, or why it is none of the channel's.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn normalize(
        &self,
        settings: Option<&str>,
        delivery: &Delivery,
    ) -> Result<Result<Vec<Event>, Rejection>, CallError> {
        self.instantiate()
            .await?
            .normalize(settings, delivery)
            .await
    }

    /// The requests that send a message, or what stands in the way.
    ///
    /// # Errors
    ///
    /// The call failed.
    pub async fn build(
        &self,
        settings: &str,
        message: &Message,
        window: &Window,
        definition: Option<&Definition>,
    ) -> Result<Result<Vec<Payload>, Vec<Problem>>, CallError> {
        self.instantiate()
            .await?
            .build(settings, message, window, definition)
            .await
    }

    /// How a contact's window stands at `now`.
    ///
    /// # Errors
    ///
    /// The call failed, or the channel has no `window`.
    pub async fn evaluate(&self, state: &WindowState, now: Timestamp) -> Result<Window, CallError> {
        if !self.has("window") {
            return Err(CallError::Absent("window"));
        }
        self.instantiate().await?.evaluate(state, now).await
    }

    /// A sandbox of one's own, for several calls. It counts as one of the plugin's as long as it lives; where there are
    /// as many as the limits allow, this waits for one to end, up to the limit `queue`; `deadline_with_http` longer where
    /// it is lent HTTP and the vendor holds up all that are.
    ///
    /// # Errors
    ///
    /// No sandbox became free, or the component's start went over a limit or failed.
    pub async fn instantiate(&self) -> Result<Instance, CallError> {
        self.instantiate_with(Lent::default()).await
    }

    /// A sandbox of one's own that may use what is lent to it.
    ///
    /// # Errors
    ///
    /// As [`Plugin::instantiate`].
    pub async fn instantiate_with(&self, lent: Lent) -> Result<Instance, CallError> {
        let inner = &self.inner;
        let shared = &inner.engine.shared;
        let queue = shared.limits.queue;
        // First the share of calls that may wait for the vendor: they hold nothing that others want while they queue.
        let with_http = if lent.http.is_some() {
            let patience = queue + shared.limits.deadline_with_http;
            let with_http = acquire(&inner.with_http, Instant::now() + patience).await;
            Some(with_http.ok_or_else(|| self.busy("sandboxes_with_http", patience))?)
        } else {
            None
        };
        // Then the plugin's own share: a plugin that floods waits here and keeps nobody else out.
        let latest = Instant::now() + queue;
        let own = acquire(&inner.sandboxes, latest).await;
        let own = own.ok_or_else(|| self.busy("sandboxes_per_plugin", queue))?;
        let all = acquire(&shared.sandboxes, latest).await;
        let all = all.ok_or_else(|| self.busy("sandboxes", queue))?;

        let mut store = store(&inner.engine, lent);
        let started = timeout(
            shared.limits.deadline,
            inner.component.instantiate_async(&mut store),
        )
        .await
        .unwrap_or_else(|_| Err(Exceeded::Deadline.into()));
        match started {
            Ok(inside) => Ok(Instance {
                store,
                inside,
                plugin: self.clone(),
                poisoned: false,
                _permits: [Some(own), Some(all), with_http],
            }),
            Err(error) => {
                let allowed = shared.limits.deadline;
                Err(self.failed("start", allowed, &store, &error))
            }
        }
    }

    /// Tells the log that a call found no sandbox.
    fn busy(&self, limit: &'static str, after: Duration) -> CallError {
        let error = CallError::Busy { after, limit };
        tracing::warn!(target: "plugin", plugin = self.name(), %error, "call failed");
        error
    }

    /// Tells the log about a failed call.
    fn failed(
        &self,
        function: &'static str,
        allowed: Duration,
        store: &Store<Sandbox>,
        error: &wasmtime::Error,
    ) -> CallError {
        let plugin = self.name();
        for line in store.data().output.take() {
            tracing::warn!(target: "plugin", plugin, function, "{line}");
        }
        let error = CallError::of(error, self.inner.engine.limits(), allowed);
        tracing::warn!(target: "plugin", plugin, function, %error, "call failed");
        error
    }
}

/// A store that is held to the limits of its engine.
pub(super) fn store(engine: &Engine, lent: Lent) -> Store<Sandbox> {
    let limits = engine.limits();
    let mut store = Store::new(&engine.shared.wasmtime, Sandbox::new(limits, lent));
    store.limiter(|sandbox| sandbox);
    store.set_hostcall_fuel(limits.transfer_bytes);
    store.set_max_component_handles(limits.handles);
    store.epoch_deadline_callback(Sandbox::tick);
    store.set_epoch_deadline(1);
    store
}

/// A place among the sandboxes that may live, if there is one in time.
pub(super) async fn acquire(
    sandboxes: &Arc<Semaphore>,
    latest: Instant,
) -> Option<OwnedSemaphorePermit> {
    let acquired = timeout_at(latest.into(), Arc::clone(sandboxes).acquire_owned()).await;
    // The inner error is that of a closed semaphore, and none of ours ever is.
    acquired.ok()?.ok()
}

/// One sandbox of a plugin, kept for several calls.
///
/// What a call leaves behind in the plugin's memory, the next one sees: for channels, whose pure functions remember
/// nothing, this saves the start. A call that fails, or whose future is dropped, poisons it.
pub struct Instance {
    store: Store<Sandbox>,
    inside: component::Instance,
    plugin: Plugin,
    poisoned: bool,
    // Dropped after the store, so that the pool has room again before the next one is let in.
    _permits: [Option<OwnedSemaphorePermit>; 3],
}

impl Instance {
    /// As [`Plugin::describe`].
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one.
    pub async fn describe(&mut self) -> Result<Description, CallError> {
        let function = self.plugin.inner.functions.describe;
        self.call("describe", function, ()).await
    }

    /// As [`Plugin::validate`].
    ///
    /// # Errors
    ///
    /// The call failed, or an earlier one.
    pub async fn validate(&mut self, settings: &str) -> Result<Vec<Problem>, CallError> {
        let function = self.plugin.inner.functions.validate;
        self.call("validate", function, (settings,)).await
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
        let function = self.plugin.inner.functions.normalize;
        self.call("normalize", function, (settings, delivery)).await
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
        let function = self.plugin.inner.functions.build;
        self.call("build", function, (settings, message, window, definition))
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
        let function = self.plugin.inner.functions.evaluate;
        let function = function.ok_or(CallError::Absent("window"))?;
        self.call("evaluate", function, (state, now)).await
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
        let function = self.plugin.inner.functions.connect;
        let function = function.ok_or(CallError::Absent("connection"))?;
        self.call("connect", function, (settings, target)).await
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
        let function = self.plugin.inner.functions.disconnect;
        let function = function.ok_or(CallError::Absent("connection"))?;
        self.call("disconnect", function, (settings, target, previous))
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
        let function = self.plugin.inner.functions.health;
        let function = function.ok_or(CallError::Absent("connection"))?;
        self.call("health", function, (settings, target)).await
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
        let function = self.plugin.inner.functions.receive;
        let function = function.ok_or(CallError::Absent("inbox"))?;
        self.call("receive", function, (settings, delivery, now))
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
        let function = self.plugin.inner.functions.send;
        let function = function.ok_or(CallError::Absent("sender"))?;
        self.call("send", function, (settings, payload, reference))
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
        let function = self.plugin.inner.functions.mark_read;
        let function = function.ok_or(CallError::Absent("sender"))?;
        self.call("mark-read", function, (settings, message_id))
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
        let function = self.plugin.inner.functions.typing;
        let function = function.ok_or(CallError::Absent("sender"))?;
        self.call("typing", function, (settings, message_id)).await
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
        let function = self.plugin.inner.functions.window;
        let function = function.ok_or(CallError::Absent("contacts"))?;
        self.call("window", function, (to,)).await
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
        let function = self.plugin.inner.functions.import;
        let function = function.ok_or(CallError::Absent("contacts"))?;
        self.call("import", function, (contacts,)).await
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
        let function = self.plugin.inner.functions.forget;
        let function = function.ok_or(CallError::Absent("contacts"))?;
        self.call("forget", function, (contact,)).await
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
        let function = self.plugin.inner.functions.locate;
        let function = function.ok_or(CallError::Absent("media"))?;
        self.call("locate", function, (settings, media_id)).await
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
        let function = self.plugin.inner.functions.upload_form;
        let function = function.ok_or(CallError::Absent("media"))?;
        self.call("upload-form", function, (settings, upload)).await
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
        let function = self.plugin.inner.functions.uploaded;
        let function = function.ok_or(CallError::Absent("media"))?;
        self.call("uploaded", function, (upload, answer)).await
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
        let function = self.plugin.inner.functions.profile;
        let function = function.ok_or(CallError::Absent("account"))?;
        self.call("profile", function, (settings,)).await
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
        let function = self.plugin.inner.functions.update_profile;
        let function = function.ok_or(CallError::Absent("account"))?;
        self.call("update-profile", function, (settings, profile))
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
        let function = self.plugin.inner.functions.number;
        let function = function.ok_or(CallError::Absent("account"))?;
        self.call("number", function, (settings,)).await
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
        let function = self.plugin.inner.functions.blocked;
        let function = function.ok_or(CallError::Absent("account"))?;
        self.call("blocked", function, (settings, cursor)).await
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
        let function = self.plugin.inner.functions.block;
        let function = function.ok_or(CallError::Absent("account"))?;
        self.call("block", function, (settings, people)).await
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
        let function = self.plugin.inner.functions.unblock;
        let function = function.ok_or(CallError::Absent("account"))?;
        self.call("unblock", function, (settings, people)).await
    }

    async fn call<P, R>(
        &mut self,
        name: &'static str,
        function: ComponentExportIndex,
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
