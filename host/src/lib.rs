//! A host for messaging channels that are WebAssembly components.
//!
//! A channel implements the contract in `wit/` (package `messaging:channel`). This library runs one as untrusted code: it
//! checks that a component fits the contract, calls it in a sandbox with limits on everything, and keeps secrets
//! out of it.
//!
//! ```no_run
//! use channel_host::contract::events::Delivery;
//! use channel_host::{Cache, Engine, Limits};
//!
//! # async fn example(delivery: Delivery) -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(Limits::recommended(), &Cache::User)?;
//! let plugin = engine.load_file("channel.wasm".as_ref())?;
//! match plugin.normalize(None, &delivery).await? {
//!     Ok(events) => println!("{} events", events.len()),
//!     Err(rejection) => println!("rejected: {}", rejection.detail),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A [`Host`] runs channels: it takes their webhooks in, keeps what must survive in a [`store`], sends their messages and
//! tells their [`events`]; [`api`] serves all that over HTTP. What single calls may use of it, [`capability`] says.
//!
//! The cargo feature `bundled` (default) builds the `channel-host` command with a channel in it and needs the
//! `wasm32-wasip2` target; `command` builds it without one. The library needs neither.

pub mod api;
pub mod capability;
mod channel;
pub mod check;
mod clock;
mod engine;
pub mod events;
mod host;
mod inbox;
mod media;
mod metrics;
mod outbox;
mod plugins;
mod server;
pub mod store;
pub mod templates;
pub mod vault;

#[doc(inline)]
pub use channel_contract as contract;
pub use channel_contract::plain;
#[doc(inline)]
pub use channel_contract::settings;

pub use channel::{AccountNotice, Addition, Change, ChannelError, Checked, Connection, State};
pub use clock::Clock;
pub use engine::{Cache, CallError, Engine, EngineError, Instance, Limits, LoadError, Plugin};
pub use host::{ChannelHandle, DeliverError, Host, HostError, Incoming, OnUncertain, Options};
pub use inbox::{Filter as DeliveryFilter, Receive, Stored};
pub use media::{Media, MediaError, NewMedia, Uploaded};
pub use outbox::{Filter as MessageFilter, MessageStep, Seen, SendError, Standing};
pub use plugins::Component;
