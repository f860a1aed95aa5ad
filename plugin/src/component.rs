//! The glue: each export of the component calls the function of the same name.

use crate::bindings::exports::messaging::channel::{channel, message, webhook, window};
use crate::bindings::messaging::channel::events::{Delivery, Event, Rejection};
use crate::bindings::messaging::channel::outbound::{Message, Payload, Window, WindowState};
use crate::bindings::messaging::channel::templates::Definition;
use crate::bindings::messaging::channel::types::Problem;

pub(crate) struct Component;

impl channel::Guest for Component {
    fn describe() -> channel::Description {
        crate::description::describe()
    }

    fn validate(settings: String) -> Vec<Problem> {
        crate::settings::validate(&settings)
    }
}

impl webhook::Guest for Component {
    fn normalize(settings: Option<String>, delivery: Delivery) -> Result<Vec<Event>, Rejection> {
        crate::webhook::normalize(settings.as_deref(), &delivery)
    }
}

impl message::Guest for Component {
    fn build(
        settings: String,
        message: Message,
        window: Window,
        definition: Option<Definition>,
    ) -> Result<Vec<Payload>, Vec<Problem>> {
        crate::message::build(&settings, &message, &window, definition.as_ref())
    }
}

impl window::Guest for Component {
    fn evaluate(state: WindowState, now: u64) -> Window {
        crate::window::evaluate(&state, now)
    }
}
