//! From the contract's types, which read the public JSON, to the channel's own: the same records under another crate's name.

use channel_360dialog::bindings::messaging::channel as ours;
use channel_contract as contract;

/// The same value in the type of the channel's bindings.
pub(crate) trait Bound<T> {
    fn bound(self) -> T;
}

impl<T: Bound<U>, U> Bound<Option<U>> for Option<T> {
    fn bound(self) -> Option<U> {
        self.map(T::bound)
    }
}

impl<T: Bound<U>, U> Bound<Vec<U>> for Vec<T> {
    fn bound(self) -> Vec<U> {
        self.into_iter().map(T::bound).collect()
    }
}

macro_rules! scalars {
    ($($type:ty),+) => {$(
        impl Bound<$type> for $type {
            fn bound(self) -> $type {
                self
            }
        }
    )+};
}
scalars!(String, bool, u32, u64, i64, f64);

macro_rules! records {
    ($($module:ident :: $name:ident { $($member:ident),+ })+) => {$(
        impl Bound<ours::$module::$name> for contract::$module::$name {
            fn bound(self) -> ours::$module::$name {
                ours::$module::$name { $($member: self.$member.bound()),+ }
            }
        }
    )+};
}

macro_rules! variants {
    ($($module:ident :: $name:ident { $($case:ident),+ })+) => {$(
        impl Bound<ours::$module::$name> for contract::$module::$name {
            fn bound(self) -> ours::$module::$name {
                match self {
                    $(Self::$case(value) => ours::$module::$name::$case(value.bound()),)+
                }
            }
        }
    )+};
}

records! {
    types::Contact { phone, user_id, parent_user_id, username, name, identity_hash }
    types::Attribute { path, value }
    types::Foreign { kind, json }
    types::Location { latitude, longitude, name, address, url }
    types::ContactCard { name, phones, emails, addresses, organisation, urls, birthday, origin, vcard }
    types::CardName { formatted_name, first_name, last_name, middle_name, suffix, prefix }
    types::CardPhone { phone, contact_phone, label }
    types::CardEmail { email, label }
    types::CardAddress { street, city, state, zip, country, country_code, label }
    types::CardOrganisation { company, department, title }
    types::CardUrl { url, label }
    outbound::Message { to, content, reply_to, degrade, fallback, attributes }
    outbound::Text { text, preview_url }
    outbound::CaptionedMedia { source, caption }
    outbound::Audio { source, voice }
    outbound::Document { source, caption, filename }
    outbound::Cards { contacts }
    outbound::Reaction { message_id, emoji }
    outbound::DocumentHeader { source, filename }
    outbound::Buttons { header, body, footer, buttons }
    outbound::Button { id, title }
    outbound::ChoiceList { header, body, footer, button, sections }
    outbound::Section { title, rows }
    outbound::Row { id, title, description }
    outbound::LinkButton { header, body, footer, title, url }
    outbound::Flow { header, body, footer, title, flow, token, action, screen, screen_data, draft }
    outbound::ProductMessage { body, footer, catalog_id, product_id }
    outbound::ProductsMessage { header, body, footer, catalog_id, sections }
    outbound::ProductSection { title, products }
    outbound::CatalogMessage { body, footer, thumbnail_product_id }
    outbound::Prompt { body, footer }
    outbound::AddressRequest { body, footer, country, values, saved_addresses, validation_errors }
    outbound::SavedAddress { id, value }
    outbound::CallButton { body, footer, title, ttl_minutes, payload }
    outbound::Carousel { body, cards }
    outbound::LinkCard { header, body, title, url }
    outbound::ReplyCard { header, body, buttons }
    outbound::ProductCard { catalog_id, product_id }
    outbound::TemplateMessage { name, language, header, body, buttons, cards, offer_expires, other }
    outbound::TemplateParameter { name, value }
    outbound::Currency { fallback, code, amount_1000 }
    outbound::ButtonParameter { index, value }
    outbound::FlowParameter { token, screen_data }
    outbound::ProductsParameter { thumbnail_product_id, sections }
    outbound::CallParameter { ttl_minutes, payload }
    outbound::CardParameters { header, body, buttons }
}

variants! {
    types::Recipient { Phone, UserId, Group, Contact }
    types::Scalar { Text, Integer, Number, Boolean }
    types::MediaSource { Id, Link }
    outbound::Content {
        Text, Image, Video, Audio, Document, Sticker, Location, Contacts, Reaction, Buttons, List, LinkButton, Flow, Product,
        Products, Catalog, LocationRequest, AddressRequest, CallPermissionRequest, ContactRequest, CallButton, Carousel,
        Template, Other
    }
    outbound::Header { Text, Image, Video, Document, Other }
    outbound::FlowReference { Id, Name }
    outbound::Card { Link, Replies, Product, Other }
    outbound::HeaderParameter { Text, Image, Video, Gif, Document, Location, Product }
    outbound::ParameterValue { Text, Currency, DateTime }
    outbound::ButtonValue { Payload, UrlSuffix, Code, Flow, Catalog, Products, OrderDetails, Call }
}

impl Bound<ours::outbound::Degradation> for contract::outbound::Degradation {
    fn bound(self) -> ours::outbound::Degradation {
        match self {
            Self::SplitText => ours::outbound::Degradation::SplitText,
            Self::ButtonsToList => ours::outbound::Degradation::ButtonsToList,
        }
    }
}
