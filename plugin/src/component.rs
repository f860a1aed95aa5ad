//! The glue: each export of the component calls the function of the same name, and the capabilities are the host's.

use crate::api::Http;
use crate::bindings::exports::messaging::channel::account::{
    AccountError, BlockedPage, BusinessNumber, BusinessProfile,
};
use crate::bindings::exports::messaging::channel::connection::{
    AccountHealth, ConnectError, Connected, Registration, WebhookTarget,
};
use crate::bindings::exports::messaging::channel::contacts::KnownContact;
use crate::bindings::exports::messaging::channel::inbox::{ReceiveError, Reception};
use crate::bindings::exports::messaging::channel::media::{
    MediaLocation, Upload, UploadAnswer, UploadError, UploadRequest, UploadedMedia,
};
use crate::bindings::exports::messaging::channel::sender::Sent;
use crate::bindings::exports::messaging::channel::template_store::{
    Deletion, Listing, Page, Submitted, TemplateError,
};
use crate::bindings::exports::messaging::channel::{
    account, channel, connection, contacts, inbox, media, message, sender, template,
    template_store, webhook, window,
};
use crate::bindings::messaging::channel::events::{Delivery, Event, Rejection};
use crate::bindings::messaging::channel::outbound::{
    Message, Payload, TemplateMessage, Window, WindowState,
};
use crate::bindings::messaging::channel::templates::{
    Definition, Draft, Finding, ParameterSpec, Rendered, TemplateKey,
};
use crate::bindings::messaging::channel::types::{Contact, Error, Problem, Recipient};
use crate::bindings::messaging::channel::{http, storage};
use crate::storage::Storage;

pub(crate) struct Component;

/// What the host lends.
struct Host;

impl Http for Host {
    fn send(&self, request: &http::Request) -> Result<http::Response, http::Failure> {
        http::send(request)
    }
}

impl Storage for Host {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, storage::Failure> {
        storage::get(key)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), storage::Failure> {
        storage::set(key, value)
    }

    fn delete(&self, key: &str) -> Result<(), storage::Failure> {
        storage::delete(key)
    }

    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, storage::Failure> {
        storage::compare_and_swap(key, expected, value)
    }

    fn list(
        &self,
        prefix: &str,
        cursor: Option<&str>,
    ) -> Result<storage::KeyPage, storage::Failure> {
        storage::list(prefix, cursor)
    }
}

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

impl connection::Guest for Component {
    fn connect(settings: String, target: Option<WebhookTarget>) -> Result<Connected, ConnectError> {
        crate::connection::connect(&Host, &settings, target.as_ref())
    }

    fn disconnect(
        settings: String,
        target: WebhookTarget,
        previous: Vec<Registration>,
    ) -> Result<(), Error> {
        crate::connection::disconnect(&Host, &settings, &target, &previous)
    }

    fn health(settings: String, target: Option<WebhookTarget>) -> Result<AccountHealth, Error> {
        crate::connection::health(&Host, &settings, target.as_ref())
    }
}

impl sender::Guest for Component {
    fn send(settings: String, payload: Payload, reference: Option<String>) -> Result<Sent, Error> {
        crate::sender::send(&Host, &Host, &settings, &payload, reference.as_deref())
    }

    fn mark_read(settings: String, message_id: String) -> Result<(), Error> {
        crate::sender::mark_read(&Host, &settings, &message_id)
    }

    fn typing(settings: String, message_id: String) -> Result<(), Error> {
        crate::sender::typing(&Host, &settings, &message_id)
    }
}

impl inbox::Guest for Component {
    fn receive(settings: String, delivery: Delivery, now: u64) -> Result<Reception, ReceiveError> {
        crate::inbox::receive(&Host, &settings, &delivery, now)
    }
}

impl contacts::Guest for Component {
    fn window(to: Recipient) -> Result<Option<WindowState>, storage::Failure> {
        crate::contacts::window(&Host, &to)
    }

    fn import(contacts: Vec<KnownContact>) -> Result<u32, storage::Failure> {
        crate::contacts::import(&Host, contacts)
    }

    fn forget(contact: Contact) -> Result<bool, storage::Failure> {
        crate::contacts::forget(&Host, &contact)
    }
}

impl media::Guest for Component {
    fn locate(settings: String, media_id: String) -> Result<MediaLocation, Error> {
        crate::media::locate(&Host, &settings, &media_id)
    }

    fn upload_form(settings: String, upload: Upload) -> Result<UploadRequest, UploadError> {
        crate::media::upload_form(&Host, &settings, &upload)
    }

    fn uploaded(upload: Upload, answer: UploadAnswer) -> Result<UploadedMedia, Error> {
        crate::media::uploaded(&upload, answer)
    }
}

impl account::Guest for Component {
    fn profile(settings: String) -> Result<BusinessProfile, Error> {
        crate::account::profile(&Host, &settings)
    }

    fn update_profile(settings: String, profile: BusinessProfile) -> Result<(), AccountError> {
        crate::account::update_profile(&Host, &settings, &profile)
    }

    fn number(settings: String) -> Result<BusinessNumber, Error> {
        crate::account::number(&Host, &settings)
    }

    fn blocked(settings: String, cursor: Option<String>) -> Result<BlockedPage, Error> {
        crate::account::blocked(&Host, &settings, cursor.as_deref())
    }

    fn block(settings: String, recipients: Vec<Recipient>) -> Result<(), AccountError> {
        crate::account::block(&Host, &settings, &recipients)
    }

    fn unblock(settings: String, recipients: Vec<Recipient>) -> Result<(), AccountError> {
        crate::account::unblock(&Host, &settings, &recipients)
    }
}

impl template::Guest for Component {
    fn lint(settings: Option<String>, draft: Draft) -> Vec<Finding> {
        crate::template::lint(settings.as_deref(), &draft)
    }

    fn parameters(definition: Definition) -> Vec<ParameterSpec> {
        crate::template::parameters(&definition)
    }

    fn render(definition: Definition, message: TemplateMessage) -> Rendered {
        crate::template::render(&definition, &message)
    }
}

impl template_store::Guest for Component {
    fn submit(settings: String, draft: Draft) -> Result<Submitted, TemplateError> {
        crate::template::submit(&Host, &settings, &draft)
    }

    fn list(settings: String, listing: Listing) -> Result<Page, TemplateError> {
        crate::template::list(&Host, &settings, &listing)
    }

    fn edit(
        settings: String,
        id: Option<String>,
        draft: Draft,
    ) -> Result<Submitted, TemplateError> {
        crate::template::edit(&Host, &settings, id.as_deref(), &draft)
    }

    fn delete(settings: String, deletion: Deletion) -> Result<(), TemplateError> {
        crate::template::delete(&Host, &settings, &deletion)
    }

    fn stored() -> Result<Vec<Definition>, TemplateError> {
        crate::template::stored(&Host)
    }

    fn get(key: TemplateKey) -> Result<Option<Definition>, TemplateError> {
        crate::template::get(&Host, &key)
    }

    fn add(definition: Definition) -> Result<(), TemplateError> {
        crate::template::add(&Host, &definition)
    }

    fn remove(key: TemplateKey) -> Result<bool, TemplateError> {
        crate::template::remove(&Host, &key)
    }
}
