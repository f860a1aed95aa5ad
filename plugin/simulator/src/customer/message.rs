//! The messages that customers' acts make (Cloud API, webhooks: messages).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Act, ActError, Attachment, AttachmentKind, Customer, EntryPoint, Who, read_phone};
use crate::api::media::is_animated;
use crate::simulator::Flavour;
use crate::state::State;

/// An ad, where nothing else is said of it; and that its address is made of its id: assumed.
const AD_ID: &str = "120226305854810726";
const AD_HEADLINE: &str = "Chat with us";
const AD_BODY: &str = "We answer on WhatsApp";

impl State {
    /// Lets a customer do something. Returns the id of the message that it makes.
    pub(crate) fn act(&mut self, who: &Who, act: Act) -> Result<String, ActError> {
        if self.options.flavour == Flavour::OnPremise {
            return Err(ActError::OnPremise);
        }
        let former = self.customers.meet(who)?;
        if former
            .phone
            .as_ref()
            .is_some_and(|it| self.blocked.contains(it))
        {
            return Err(ActError::Blocked);
        }
        let mut customer = former.clone();
        let mut message = self.message(&mut customer, act)?;
        let (id, now) = (self.wamid(), self.now());
        message["id"] = id.as_str().into();
        message["timestamp"] = (now / 1000).to_string().into();
        // A system message names the customer itself, and comes without `contacts`.
        let contact = (message["type"] != "system").then(|| {
            if let Some(phone) = &customer.phone {
                message["from"] = phone.as_str().into();
            }
            message["from_user_id"] = customer.user_id.as_str().into();
            // Each message opens the window (Cloud API, customer service windows). That a reaction does not, nor what becomes
            // of an older message, is assumed.
            if !matches!(
                message["type"].as_str(),
                Some("reaction" | "edit" | "revoke")
            ) {
                customer.wrote = Some(now);
            }
            customer.contact()
        });
        self.customers.remember(&former.user_id, customer);
        self.tell("messages", &message, contact.as_ref());
        Ok(id)
    }

    /// What the customer's message says: its `type`, the member of that name, and what it refers to.
    fn message(&mut self, customer: &mut Customer, act: Act) -> Result<Value, ActError> {
        Ok(match act {
            Act::Say { text, quoting } => {
                written(&text)?;
                let mut message = json!({"type": "text", "text": {"body": text}});
                if let Some(quoted) = quoting {
                    message["context"] = self.quoted(&quoted, customer);
                }
                message
            }
            Act::Tap { button } => self.tapped(customer, &button)?,
            Act::Choose { row } => self.chosen(customer, &row)?,
            Act::Fill { mut fields } => {
                let (sent, token) = self.flow(customer)?;
                fields.insert("flow_token".to_owned(), token.into());
                let response = Value::Object(fields).to_string();
                let reply = json!({"name": "flow", "body": "Sent", "response_json": response});
                json!({
                    "type": "interactive",
                    "interactive": {"type": "nfm_reply", "nfm_reply": reply},
                    "context": self.quoted(&sent.id, customer),
                })
            }
            Act::GiveAddress { values } => self.address(customer, &values)?,
            Act::PermitCalls { refuse } => self.call_permission(customer, refuse)?,
            Act::ShareNumber { phone } => self.own_number(customer, phone.as_deref())?,
            Act::Order {
                product,
                quantity,
                text,
            } => self.order(customer, &product, quantity, text),
            Act::Edit { message, text } => {
                written(&text)?;
                let new = json!({"type": "text", "text": {"body": text}});
                json!({"type": "edit", "edit": {"original_message_id": message, "message": new}})
            }
            Act::Revoke { message } => {
                json!({"type": "revoke", "revoke": {"original_message_id": message}})
            }
            Act::SendUnsupported { kind } => unsupported(&kind),
            Act::Send(attachment) => self.file(attachment)?,
            Act::Location {
                latitude,
                longitude,
                name,
                address,
            } => {
                // Assumed, as of what the business sends.
                let is_on_earth =
                    (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
                if !is_on_earth {
                    return Err(ActError::Nowhere);
                }
                let mut location = json!({"latitude": latitude, "longitude": longitude});
                insert(&mut location, [("name", name), ("address", address)]);
                let mut message = json!({"type": "location", "location": location});
                if let Some(request) = self.location_request(customer) {
                    message["context"] = self.quoted(&request.id, customer);
                }
                message
            }
            Act::ShareContact { name, phone } => {
                let digits = read_phone(&phone)?;
                let first_name = name.split(' ').next();
                let card = json!({
                    "origin": "other",
                    "name": {"formatted_name": name, "first_name": first_name},
                    "phones": [{"phone": format!("+{digits}"), "wa_id": digits, "type": "CELL"}],
                });
                json!({"type": "contacts", "contacts": [card]})
            }
            Act::React { emoji, to } => {
                let to = match to {
                    Some(to) => to,
                    None => self.reactable(customer)?.id.clone(),
                };
                let mut reaction = json!({"message_id": to});
                insert(&mut reaction, [("emoji", emoji)]);
                json!({"type": "reaction", "reaction": reaction})
            }
            Act::FromAd {
                text,
                headline,
                body,
                source_id,
                ctwa_clid,
            } => {
                written(&text)?;
                customer.entry_point = Some(EntryPoint::Unanswered(self.now()));
                let source_id = source_id.unwrap_or_else(|| AD_ID.to_owned());
                let referral = json!({
                    "source_url": format!("https://fb.me/{source_id}"),
                    "source_id": source_id,
                    "source_type": "ad",
                    "headline": headline.as_deref().unwrap_or(AD_HEADLINE),
                    "body": body.as_deref().unwrap_or(AD_BODY),
                    "ctwa_clid": ctwa_clid.unwrap_or_else(|| format!("SIM{:010}", self.count())),
                });
                json!({"type": "text", "text": {"body": text}, "referral": referral})
            }
            Act::ChangeNumber { phone } => self.moved(customer, &phone)?,
        })
    }

    /// The answer to a message that asks for an address. What its body says is assumed.
    fn address(&self, customer: &Customer, values: &Map<String, Value>) -> Result<Value, ActError> {
        let asking = self.asking(customer, "address_message")?;
        let response = json!({"values": values}).to_string();
        let reply = json!({"name": "address_message", "body": "Sent", "response_json": response});
        Ok(json!({
            "type": "interactive",
            "interactive": {"type": "nfm_reply", "nfm_reply": reply},
            "context": self.quoted(&asking.id, customer),
        }))
    }

    /// The answer to a message that asks whether the business may call.
    fn call_permission(&self, customer: &Customer, refuse: bool) -> Result<Value, ActError> {
        const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;
        let asking = self.asking(customer, "call_permission_request")?;
        let mut reply = json!({"response": "reject", "response_source": "user_action"});
        if !refuse {
            reply["response"] = "accept".into();
            reply["expiration_timestamp"] = ((self.now() + WEEK_MS) / 1000).into();
        }
        Ok(json!({
            "type": "interactive",
            "interactive": {"type": "call_permission_reply", "call_permission_reply": reply},
            "context": self.quoted(&asking.id, customer),
        }))
    }

    /// The answer to a message that asks for the number. That later webhooks keep a private one back all the same is assumed.
    fn own_number(&self, customer: &Customer, phone: Option<&str>) -> Result<Value, ActError> {
        let asking = self.asking(customer, "request_contact_info")?;
        let phone = phone.or(customer.phone.as_deref());
        let phone = read_phone(phone.ok_or(ActError::NoNumber)?)?;
        let card = json!({
            "origin": "contact_request",
            "phones": [{"phone": format!("+{phone}"), "wa_id": phone, "type": "CELL"}],
        });
        let context = self.quoted(&asking.id, customer);
        Ok(json!({"type": "contacts", "contacts": [card], "context": context}))
    }

    /// An order. What the product costs is assumed.
    fn order(
        &self,
        customer: &Customer,
        product: &str,
        quantity: u32,
        text: Option<String>,
    ) -> Value {
        let item = json!({"product_retailer_id": product, "quantity": quantity, "item_price": 30, "currency": "USD"});
        let mut order = json!({"catalog_id": self.catalog(customer), "product_items": [item]});
        insert(&mut order, [("text", text)]);
        json!({"type": "order", "order": order})
    }

    /// Gives a customer another number. What tells of it names the new number and the new user id; of one whose number is
    /// private, both user ids (Cloud API, webhooks: system messages; that `from_user_id` is the old one is assumed).
    fn moved(&mut self, customer: &mut Customer, phone: &str) -> Result<Value, ActError> {
        let former = customer.clone();
        self.customers.relocate(customer, &read_phone(phone)?)?;
        let name = customer.name.as_deref().map(|name| format!(" {name}"));
        let name = name.unwrap_or_default();
        let says = |from: &str, to: &str| format!("User{name} changed from {from} to {to}");
        let (old_id, new_id) = (&former.user_id, &customer.user_id);
        Ok(match (&former.phone, &customer.phone) {
            (Some(old), Some(new)) => json!({"from": old, "type": "system", "system": {
                "type": "user_changed_number", "body": says(old, new), "wa_id": new, "user_id": new_id}}),
            _ => json!({"from_user_id": old_id, "type": "system", "system": {
                "type": "user_changed_user_id", "body": says(old_id, new_id), "user_id": new_id}}),
        })
    }

    /// Keeps a file, and makes the message that it comes with. The member `url` is left out: Meta has it in some only.
    fn file(&mut self, attachment: Attachment) -> Result<Value, ActError> {
        let (mime_type, kind) = attachment.classify()?;
        let hash = BASE64_STANDARD.encode(Sha256::digest(&attachment.file.bytes));
        let mut media = json!({"mime_type": mime_type, "sha256": hash});
        match kind {
            AttachmentKind::Audio => media["voice"] = false.into(),
            AttachmentKind::Voice => media["voice"] = true.into(),
            AttachmentKind::Sticker => {
                media["animated"] = is_animated(&attachment.file.bytes).into();
            }
            AttachmentKind::Document => media["filename"] = attachment.file.name.as_str().into(),
            AttachmentKind::Image | AttachmentKind::Video => {}
        }
        media["id"] = self.keep(mime_type, attachment.file.bytes.clone()).into();
        insert(&mut media, [("caption", attachment.caption)]);
        let mut message = json!({"type": kind.member()});
        message[kind.member()] = media;
        Ok(message)
    }
}

/// What the API tells of a message that it does not know.
fn unsupported(kind: &str) -> Value {
    let title = "Message type unknown";
    let error = json!({"code": 131_051, "title": title, "message": title,
        "error_data": {"details": "Message type is currently not supported."}});
    json!({"type": "unsupported", "errors": [error], "unsupported": {"type": kind}})
}

/// WhatsApp sends no empty text: assumed, as of what the business sends.
fn written(text: &str) -> Result<(), ActError> {
    let is_written = !text.is_empty();
    is_written.then_some(()).ok_or(ActError::NoText)
}

/// Inserts the members that there are.
fn insert<const N: usize>(object: &mut Value, members: [(&str, Option<String>); N]) {
    for (name, text) in members {
        if let Some(text) = text {
            object[name] = text.into();
        }
    }
}
