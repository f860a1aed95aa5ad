//! A stand-in for 360dialog's WhatsApp API, on this machine: it answers as 360dialog does, delivers webhooks as it does,
//! and somebody plays the customers, the reviewer of templates, the clock and the network.
//!
//! Each rule names the section of 360dialog's or Meta's documentation that it comes from, or says "assumed".
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use simulator_360dialog::{Act, Options, Simulator, Who};
//!
//! let simulator = Simulator::start(Options::default()).await?;
//! println!("the API's base address: {}", simulator.url());
//! // Somebody registers a webhook there; then:
//! simulator.customer(&Who::phone("16315551234"), Act::say("Hi"))?;
//! # Ok(())
//! # }
//! ```

mod api;
#[cfg(feature = "command")]
mod cli;
mod clock;
mod control;
mod customer;
mod delivery;
mod fault;
mod post;
mod refusal;
mod request;
mod reviewer;
mod simulator;
mod state;
mod timeline;

pub use api::messages::Sent;
pub use api::templates::{Template, TemplateStatus};
#[cfg(feature = "command")]
pub use cli::run as run_command;
pub use clock::Clock;
pub use customer::{Act, ActError, Attachment, AttachmentKind, Customer, File, Who};
pub use delivery::{Attempt, Delivery, Outcome, Webhook};
pub use fault::{Fault, FaultStatus, Rule};
pub use request::Seen;
pub use reviewer::{Decision, ReviewError};
pub use simulator::{Flavour, Options, Simulator, StartError};
