//! A plugin, and its calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{timeout, timeout_at};
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, InstancePre, Linker};

use super::error::{CallError, LoadError};
use super::instance::Instance;
use super::sandbox::{Exceeded, Sandbox};
use super::{Engine, INTERFACES, Shape};
use crate::capability::Lent;
use crate::contract::channel::Description;
use crate::contract::events::{Delivery, Event, Rejection};
use crate::contract::outbound::{Message, Payload, Window, WindowState};
use crate::contract::templates::Definition;
use crate::contract::types::{Problem, Timestamp};
use crate::plain;

/// A channel, ready to be called. Cheap to clone.
///
/// Every method runs in a fresh sandbox that ends with the call, so no call knows of another.
#[derive(Clone)]
pub struct Plugin {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) engine: Engine,
    name: String,
    interfaces: Vec<&'static str>,
    component: InstancePre<Sandbox>,
    pub(super) functions: Functions,
    sandboxes: Arc<Semaphore>,
    /// The share of them that is for calls that are lent HTTP.
    with_http: Arc<Semaphore>,
}

/// Where the functions lie in the component, by the names of their interfaces and their own.
type Functions = HashMap<(&'static str, &'static str), ComponentExportIndex>;

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
        let all = INTERFACES.iter().flat_map(|interface| {
            let names = interface.functions.iter().map(|function| function.name);
            names.map(|name| (interface.name, name))
        });
        let functions = all
            .filter_map(|(interface, name)| {
                Some(((interface, name), shape.index(interface, name)?))
            })
            .collect();
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
    pub(super) fn failed(
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
