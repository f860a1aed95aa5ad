//! The templates of the contract's types, which read the public JSON, as the channel's own.

use channel_360dialog::bindings::messaging::channel as ours;
use channel_contract as contract;

#[macro_use]
#[path = "../messages/bindings.rs"]
mod messages;

pub(crate) use messages::Bound;

scalars!(i32);

/// Variants with cases that hold nothing, named first, and with cases that hold something.
macro_rules! words {
    ($($name:ident { $($word:ident),+ } { $($case:ident),* })+) => {$(
        impl Bound<ours::templates::$name> for contract::templates::$name {
            fn bound(self) -> ours::templates::$name {
                match self {
                    $(Self::$word => ours::templates::$name::$word,)+
                    $(Self::$case(value) => ours::templates::$name::$case(value.bound()),)*
                }
            }
        }
    )+};
}

records! {
    templates::Draft { name, language, category, content, ttl_seconds, other }
    templates::Definition {
        name, language, category, status, content, id, external_id, namespace, quality, rejected_reason, previous_category,
        coming_category, ttl_seconds, created, modified, attributes
    }
    templates::TemplateContent {
        parameter_format, header, body, footer, buttons, carousel, offer, call_permission_request, other
    }
    templates::TemplateText { text, examples }
    templates::TemplateExample { name, value }
    templates::TemplateBody { text, security_recommendation }
    templates::TemplateFooter { text, code_expiration_minutes }
    templates::LabelledButton { text }
    templates::UrlButton { text, url, example }
    templates::PhoneButton { text, phone_number }
    templates::CopyCodeButton { text, example }
    templates::FlowButton { text, flow, action, screen, icon }
    templates::CallTemplateButton { text, ttl_minutes }
    templates::OneTimeCodeButton { kind, text, autofill_text, apps, zero_tap_terms_accepted }
    templates::CodeApp { package_name, signature_hash }
    templates::AppButton { text, link }
    templates::TemplateCard { header, body, buttons }
    templates::TemplateOffer { text, has_expiration }
}

variants! {
    templates::TemplateButton {
        QuickReply, Url, PhoneNumber, CopyCode, Flow, Call, Catalog, Products, Product, OneTimeCode, OrderDetails,
        ContactRequest, App, Other
    }
    templates::TemplateFlow { Id, Name, Definition }
}

words! {
    ParameterFormat { Positional, Named } {}
    TemplateCategory { Marketing, Utility, Authentication } { Other }
    TemplateStatus {
        Draft, Pending, Approved, Rejected, Paused, Disabled, InAppeal, PendingDeletion, Deleted, LimitExceeded, Archived
    } { Other }
    TemplateQuality { Green, Yellow, Red, Unrated } { Other }
    TemplateHeader { Location, Product } { Text, Image, Video, Gif, Document, Other }
    OneTimeCodeKind { CopyCode, OneTap, ZeroTap } { Other }
}
