//! What a message says. Cloud API, messages webhook: the member that a message's `type` names.

use super::attribute;
use super::message::Members;
use super::wire::{self, Text as Scalar};
use crate::bindings::messaging::channel::events::{self, Choice, Content};
use crate::bindings::messaging::channel::types::{
    self, Attribute, CardAddress, CardEmail, CardName, CardOrganisation, CardPhone, CardUrl,
    ContactCard,
};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub(super) struct Text<'a> {
    #[serde(borrow)]
    body: Option<Scalar<'a>>,
}

/// Image, video, audio, voice, document, sticker.
#[derive(Deserialize)]
pub(super) struct Media<'a> {
    #[serde(borrow)]
    id: Option<Scalar<'a>>,
    #[serde(borrow)]
    url: Option<Scalar<'a>>,
    #[serde(borrow)]
    mime_type: Option<Scalar<'a>>,
    #[serde(borrow)]
    sha256: Option<Scalar<'a>>,
    #[serde(borrow)]
    file_size: Option<Scalar<'a>>,
    #[serde(borrow)]
    caption: Option<Scalar<'a>>,
    #[serde(borrow)]
    filename: Option<Scalar<'a>>,
    #[serde(borrow)]
    voice: Option<Scalar<'a>>,
    #[serde(borrow)]
    animated: Option<Scalar<'a>>,
    /// On-premise API.
    #[serde(borrow)]
    link: Option<&'a RawValue>,
    #[serde(borrow)]
    file: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Location<'a> {
    #[serde(borrow)]
    latitude: Option<Scalar<'a>>,
    #[serde(borrow)]
    longitude: Option<Scalar<'a>>,
    #[serde(borrow)]
    name: Option<Scalar<'a>>,
    #[serde(borrow)]
    address: Option<Scalar<'a>>,
    #[serde(borrow)]
    url: Option<Scalar<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Card<'a> {
    #[serde(borrow)]
    name: Option<Name<'a>>,
    #[serde(borrow)]
    phones: Option<Vec<Phone<'a>>>,
    #[serde(borrow)]
    emails: Option<Vec<Email<'a>>>,
    #[serde(borrow)]
    addresses: Option<Vec<Address<'a>>>,
    #[serde(borrow)]
    org: Option<Organisation<'a>>,
    #[serde(borrow)]
    urls: Option<Vec<Url<'a>>>,
    #[serde(borrow)]
    birthday: Option<Scalar<'a>>,
    #[serde(borrow)]
    origin: Option<Scalar<'a>>,
    #[serde(borrow)]
    vcard: Option<Scalar<'a>>,
}

#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow)]
    formatted_name: Option<Scalar<'a>>,
    #[serde(borrow)]
    first_name: Option<Scalar<'a>>,
    #[serde(borrow)]
    last_name: Option<Scalar<'a>>,
    #[serde(borrow)]
    middle_name: Option<Scalar<'a>>,
    #[serde(borrow)]
    suffix: Option<Scalar<'a>>,
    #[serde(borrow)]
    prefix: Option<Scalar<'a>>,
}

#[derive(Deserialize)]
struct Phone<'a> {
    #[serde(borrow)]
    phone: Option<Scalar<'a>>,
    #[serde(borrow)]
    wa_id: Option<Scalar<'a>>,
    #[serde(borrow, rename = "type")]
    label: Option<Scalar<'a>>,
}

#[derive(Deserialize)]
struct Email<'a> {
    #[serde(borrow)]
    email: Option<Scalar<'a>>,
    #[serde(borrow, rename = "type")]
    label: Option<Scalar<'a>>,
}

#[derive(Deserialize)]
struct Address<'a> {
    #[serde(borrow)]
    street: Option<Scalar<'a>>,
    #[serde(borrow)]
    city: Option<Scalar<'a>>,
    #[serde(borrow)]
    state: Option<Scalar<'a>>,
    #[serde(borrow)]
    zip: Option<Scalar<'a>>,
    #[serde(borrow)]
    country: Option<Scalar<'a>>,
    #[serde(borrow)]
    country_code: Option<Scalar<'a>>,
    #[serde(borrow, rename = "type")]
    label: Option<Scalar<'a>>,
}

#[derive(Deserialize)]
struct Organisation<'a> {
    #[serde(borrow)]
    company: Option<Scalar<'a>>,
    #[serde(borrow)]
    department: Option<Scalar<'a>>,
    #[serde(borrow)]
    title: Option<Scalar<'a>>,
}

#[derive(Deserialize)]
struct Url<'a> {
    #[serde(borrow)]
    url: Option<Scalar<'a>>,
    #[serde(borrow, rename = "type")]
    label: Option<Scalar<'a>>,
}

/// The reply says what it is by its member, not always by `type`.
#[derive(Deserialize)]
pub(super) struct Interactive<'a> {
    #[serde(borrow)]
    button_reply: Option<Reply<'a>>,
    #[serde(borrow)]
    list_reply: Option<Reply<'a>>,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    id: Option<Scalar<'a>>,
    #[serde(borrow)]
    title: Option<Scalar<'a>>,
    #[serde(borrow)]
    description: Option<Scalar<'a>>,
}

/// A tap on a quick-reply button of a template.
#[derive(Deserialize)]
pub(super) struct Button<'a> {
    #[serde(borrow)]
    payload: Option<Scalar<'a>>,
    #[serde(borrow)]
    text: Option<Scalar<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Reaction<'a> {
    #[serde(borrow)]
    message_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    emoji: Option<Scalar<'a>>,
}

/// The kind of a message that does not name it: the member that it has.
pub(super) fn kind(members: &Members<'_>) -> Option<&'static str> {
    [
        ("text", members.text.is_some()),
        ("image", members.image.is_some()),
        ("video", members.video.is_some()),
        ("audio", members.audio.is_some()),
        ("voice", members.voice.is_some()),
        ("document", members.document.is_some()),
        ("sticker", members.sticker.is_some()),
        ("location", members.location.is_some()),
        ("contacts", members.contacts.is_some()),
        ("interactive", members.interactive.is_some()),
        ("button", members.button.is_some()),
        ("reaction", members.reaction.is_some()),
    ]
    .into_iter()
    .find_map(|(kind, present)| present.then_some(kind))
}

/// The content of a message of this kind; `None` where the kind has no type here, or its member is missing or incomplete.
pub(super) fn content(
    kind: &str,
    members: &Members<'_>,
    attributes: &mut Vec<Attribute>,
) -> Option<Content> {
    let mut media =
        |path, media: &Option<Media<'_>>| media.as_ref().map(|media| media.media(path, attributes));
    Some(match kind {
        "text" => Content::Text(events::Text {
            text: members.text.as_ref()?.body.as_ref()?.0.to_string(),
        }),
        "image" => Content::Image(media("image", &members.image)?),
        "video" => Content::Video(media("video", &members.video)?),
        "audio" => Content::Audio(media("audio", &members.audio)?),
        "voice" => Content::Audio(events::Media {
            voice: Some(true),
            ..media("voice", &members.voice)?
        }),
        "document" => Content::Document(media("document", &members.document)?),
        "sticker" => Content::Sticker(media("sticker", &members.sticker)?),
        "location" => Content::Location(members.location.as_ref()?.location()?),
        "contacts" => Content::Contacts(events::Cards {
            contacts: members.contacts.as_ref()?.iter().map(Card::card).collect(),
        }),
        "interactive" => {
            let interactive = members.interactive.as_ref()?;
            match (&interactive.button_reply, &interactive.list_reply) {
                (Some(reply), _) => Content::ButtonReply(reply.choice()),
                (None, Some(reply)) => Content::ListReply(reply.choice()),
                (None, None) => return None,
            }
        }
        "button" => {
            let button = members.button.as_ref()?;
            Content::TemplateReply(Choice {
                id: wire::owned(button.payload.as_ref()),
                title: wire::owned(button.text.as_ref()),
                description: None,
            })
        }
        "reaction" => {
            let reaction = members.reaction.as_ref()?;
            Content::Reaction(events::Reaction {
                message_id: wire::owned(reaction.message_id.as_ref())?,
                emoji: wire::owned(reaction.emoji.as_ref()),
            })
        }
        _ => return None,
    })
}

impl Media<'_> {
    fn media(&self, member: &str, attributes: &mut Vec<Attribute>) -> events::Media {
        for (name, value) in [
            ("link", self.link),
            ("file", self.file),
            ("status", self.status),
        ] {
            if value.is_some() {
                attribute(attributes, format!("/{member}/{name}"), value);
            }
        }
        let flag = |text: &Option<Scalar<'_>>| text.as_ref().and_then(Scalar::boolean);
        events::Media {
            id: wire::owned(self.id.as_ref()),
            url: wire::owned(self.url.as_ref()),
            mime_type: wire::owned(self.mime_type.as_ref()),
            sha256: wire::owned(self.sha256.as_ref()),
            size: self.file_size.as_ref().and_then(Scalar::whole),
            caption: wire::owned(self.caption.as_ref()),
            filename: wire::owned(self.filename.as_ref()),
            voice: flag(&self.voice),
            animated: flag(&self.animated),
        }
    }
}

impl Location<'_> {
    fn location(&self) -> Option<types::Location> {
        Some(types::Location {
            latitude: self.latitude.as_ref()?.number()?,
            longitude: self.longitude.as_ref()?.number()?,
            name: wire::owned(self.name.as_ref()),
            address: wire::owned(self.address.as_ref()),
            url: wire::owned(self.url.as_ref()),
        })
    }
}

impl Reply<'_> {
    fn choice(&self) -> Choice {
        Choice {
            id: wire::owned(self.id.as_ref()),
            title: wire::owned(self.title.as_ref()),
            description: wire::owned(self.description.as_ref()),
        }
    }
}

impl Card<'_> {
    fn card(&self) -> ContactCard {
        let own = |text: &Option<Scalar<'_>>| wire::owned(text.as_ref());
        ContactCard {
            name: self.name.as_ref().map(|name| CardName {
                formatted_name: own(&name.formatted_name),
                first_name: own(&name.first_name),
                last_name: own(&name.last_name),
                middle_name: own(&name.middle_name),
                suffix: own(&name.suffix),
                prefix: own(&name.prefix),
            }),
            phones: self
                .phones
                .iter()
                .flatten()
                .map(|phone| CardPhone {
                    phone: own(&phone.phone),
                    contact_phone: own(&phone.wa_id),
                    label: own(&phone.label),
                })
                .collect(),
            emails: self
                .emails
                .iter()
                .flatten()
                .map(|email| CardEmail {
                    email: own(&email.email),
                    label: own(&email.label),
                })
                .collect(),
            addresses: self
                .addresses
                .iter()
                .flatten()
                .map(|address| CardAddress {
                    street: own(&address.street),
                    city: own(&address.city),
                    state: own(&address.state),
                    zip: own(&address.zip),
                    country: own(&address.country),
                    country_code: own(&address.country_code),
                    label: own(&address.label),
                })
                .collect(),
            organisation: self
                .org
                .as_ref()
                .map(|org| CardOrganisation {
                    company: own(&org.company),
                    department: own(&org.department),
                    title: own(&org.title),
                })
                .filter(|org| {
                    org.company.is_some() || org.department.is_some() || org.title.is_some()
                }),
            urls: self
                .urls
                .iter()
                .flatten()
                .map(|url| CardUrl {
                    url: own(&url.url),
                    label: own(&url.label),
                })
                .collect(),
            birthday: own(&self.birthday),
            origin: own(&self.origin),
            vcard: own(&self.vcard),
        }
    }
}
