//! The JSON of the Cloud API's messages, as far as it is written here. It borrows from the message.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::bindings::messaging::channel::outbound;

/// The Cloud API's way to write a variant: `"type": "image", "image": …`.
pub(super) struct Tagged<'a, T>(pub(super) &'a str, pub(super) T);

/// What a message says, under its type.
pub(super) type Content<'a> = Tagged<'a, Body<'a>>;

/// What stands above the text, under its type.
pub(super) type Header<'a> = Tagged<'a, Head<'a>>;

impl<T: Serialize> Serialize for Tagged<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("type", self.0)?;
        map.serialize_entry(self.0, &self.1)?;
        map.end()
    }
}

#[derive(Serialize)]
pub(super) struct Envelope<'a> {
    pub(super) messaging_product: &'static str,
    pub(super) recipient_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recipient: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<Context<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recipient_identity_key_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) messaging_account_id: Option<&'a str>,
    #[serde(flatten)]
    pub(super) content: Content<'a>,
}

impl Envelope<'_> {
    pub(super) fn to_json(&self) -> Vec<u8> {
        // Only a failing writer or a key that is no string could fail, and there is neither.
        serde_json::to_vec(self).expect("memory takes every byte, and every key is a string")
    }
}

#[derive(Serialize)]
pub(super) struct Context<'a> {
    pub(super) message_id: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Body<'a> {
    Text(Text<'a>),
    Media(Media<'a>),
    Location(Location<'a>),
    Contacts(Vec<ContactCard<'a>>),
    Reaction(Reaction<'a>),
    Interactive(Box<Interactive<'a>>),
    Template(Template<'a>),
    /// As it was given.
    Other(&'a RawValue),
}

#[derive(Serialize)]
pub(super) struct Text<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preview_url: Option<bool>,
    pub(super) body: Cow<'a, str>,
}

/// Media of any kind: exactly one of `id` and `link`.
#[derive(Default, Serialize)]
pub(super) struct Media<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) caption: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) voice: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Location<'a> {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Reaction<'a> {
    pub(super) message_id: &'a str,
    pub(super) emoji: &'a str,
}

#[derive(Serialize)]
pub(super) struct ContactCard<'a> {
    pub(super) name: Name<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) phones: Vec<Phone<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) emails: Vec<Email<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) addresses: Vec<Address<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) org: Option<Organisation<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) urls: Vec<Page<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) birthday: Option<&'a str>,
}

/// Members that all may be left out.
macro_rules! optional_members {
    ($($name:ident { $($(#[$attribute:meta])* $member:ident),+ })+) => {$(
        #[derive(Default, Serialize)]
        pub(super) struct $name<'a> {
            $(
                $(#[$attribute])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub(super) $member: Option<&'a str>,
            )+
        }
    )+};
}

optional_members! {
    Name { formatted_name, first_name, last_name, middle_name, suffix, prefix }
    Phone { phone, wa_id, #[serde(rename = "type")] kind }
    Email { email, #[serde(rename = "type")] kind }
    Address { street, city, state, zip, country, country_code, #[serde(rename = "type")] kind }
    Organisation { company, department, title }
    Page { url, #[serde(rename = "type")] kind }
}

#[derive(Serialize)]
pub(super) struct Interactive<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) header: Option<Header<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Line<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) footer: Option<Line<'a>>,
    pub(super) action: Action<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Head<'a> {
    Text(&'a str),
    Media(Media<'a>),
}

#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Action<'a> {
    Buttons {
        buttons: Vec<Tagged<'static, Reply<'a>>>,
    },
    List {
        button: &'a str,
        sections: Vec<Section<'a>>,
    },
    Product {
        catalog_id: &'a str,
        product_retailer_id: &'a str,
    },
    Products {
        catalog_id: &'a str,
        sections: Vec<ProductSection<'a>>,
    },
    Cards {
        cards: Vec<CarouselCard<'a>>,
    },
    Named {
        name: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        parameters: Option<Parameters<'a>>,
    },
}

impl<'a> Action<'a> {
    /// A button that opens a web page.
    pub(super) fn link(display_text: &'a str, url: &'a str) -> Self {
        Self::Named {
            name: "cta_url",
            parameters: Some(Parameters::Link { display_text, url }),
        }
    }
}

/// What the action of a name is given.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Parameters<'a> {
    Link {
        display_text: &'a str,
        url: &'a str,
    },
    Flow(Flow<'a>),
    Catalog {
        thumbnail_product_retailer_id: &'a str,
    },
    Address(AddressForm<'a>),
    Call {
        #[serde(skip_serializing_if = "Option::is_none")]
        display_text: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl_minutes: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<&'a str>,
    },
}

#[derive(Serialize)]
pub(super) struct Flow<'a> {
    pub(super) flow_message_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow_name: Option<&'a str>,
    pub(super) flow_cta: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow_action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow_action_payload: Option<FlowStart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<&'static str>,
}

/// Where a flow begins, and with what.
#[derive(Serialize)]
pub(super) struct FlowStart<'a> {
    pub(super) screen: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<&'a RawValue>,
}

#[derive(Serialize)]
pub(super) struct AddressForm<'a> {
    pub(super) country: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) values: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) saved_addresses: Vec<SavedAddress<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) validation_errors: Option<&'a RawValue>,
}

#[derive(Serialize)]
pub(super) struct SavedAddress<'a> {
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<&'a RawValue>,
}

#[derive(Serialize)]
pub(super) struct CarouselCard<'a> {
    pub(super) card_index: usize,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) header: Option<Header<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Line<'a>>,
    pub(super) action: Action<'a>,
}

#[derive(Serialize)]
pub(super) struct Reply<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
}

#[derive(Serialize)]
pub(super) struct Section<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<&'a str>,
    pub(super) rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
pub(super) struct Row<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Template<'a> {
    pub(super) name: &'a str,
    pub(super) language: Language<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) components: Vec<Part<'a>>,
}

/// A part of a template that something is sent for.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Part<'a> {
    Component(Component<'a>),
    /// As it was given, under its type.
    Other {
        #[serde(rename = "type")]
        kind: &'a str,
        #[serde(flatten)]
        members: BTreeMap<String, &'a RawValue>,
    },
}

#[derive(Serialize)]
pub(super) struct Language<'a> {
    pub(super) code: &'a str,
}

#[derive(Serialize)]
pub(super) struct Component<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(flatten)]
    pub(super) button: Option<Button>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parameters: Vec<Parameter<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cards: Vec<Card<'a>>,
}

/// Which button of the template.
#[derive(Serialize)]
pub(super) struct Button {
    pub(super) sub_type: &'static str,
    /// A string, although some of Meta's samples have a number.
    pub(super) index: String,
}

#[derive(Serialize)]
pub(super) struct Card<'a> {
    pub(super) card_index: usize,
    pub(super) components: Vec<Component<'a>>,
}

#[derive(Serialize)]
pub(super) struct Parameter<'a> {
    #[serde(flatten)]
    pub(super) value: Tagged<'static, Value<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameter_name: Option<&'a str>,
}

impl<'a> Parameter<'a> {
    /// A parameter without a name.
    pub(super) fn new(kind: &'static str, value: Value<'a>) -> Self {
        Self {
            value: Tagged(kind, value),
            parameter_name: None,
        }
    }
}

/// What a parameter holds. The kind that it is tagged with tells apart what looks alike.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Currency {
        fallback_value: &'a str,
        code: &'a str,
        amount_1000: i64,
    },
    DateTime {
        fallback_value: &'a str,
    },
    Media(Media<'a>),
    /// Templates write degrees as strings.
    Location {
        latitude: String,
        longitude: String,
        name: &'a str,
        address: &'a str,
    },
    Product {
        product_retailer_id: &'a str,
        catalog_id: &'a str,
    },
    Flow {
        #[serde(skip_serializing_if = "Option::is_none")]
        flow_token: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        flow_action_data: Option<&'a RawValue>,
    },
    Products {
        thumbnail_product_retailer_id: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        sections: Vec<ProductSection<'a>>,
    },
    OrderDetails {
        order_details: &'a RawValue,
    },
    Offer {
        expiration_time_ms: u64,
    },
    Minutes(u32),
}

#[derive(Serialize)]
pub(super) struct ProductSection<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<&'a str>,
    pub(super) product_items: Vec<ProductItem<'a>>,
}

impl<'a> From<&'a outbound::ProductSection> for ProductSection<'a> {
    fn from(section: &'a outbound::ProductSection) -> Self {
        Self {
            title: section.title.as_deref(),
            product_items: section
                .products
                .iter()
                .map(|product_retailer_id| ProductItem {
                    product_retailer_id,
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ProductItem<'a> {
    pub(super) product_retailer_id: &'a str,
}
