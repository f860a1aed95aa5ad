//! What messages of the business let a customer do.

use serde_json::{Value, json};

use super::{ActError, Customer, digits};
use crate::api::messages::Sent;
use crate::api::templates::Templates;
use crate::state::State;

/// A button or a row.
struct Offer {
    title: String,
    id: String,
    /// What picking it makes: a message's `type`, and the member of that name.
    message: Value,
}

/// The token of a flow that has none of its own: assumed.
const NO_TOKEN: &str = "unused";

impl State {
    /// The messages that reached a customer, the latest first. Those to the number from when nobody had it are the oldest.
    /// Those to a former number are not among them: assumed.
    fn received<'a>(&'a self, customer: &'a Customer) -> impl Iterator<Item = &'a Sent> {
        let to_number = self.messages.all().iter().rev().filter(|sent| {
            let to = sent.body["to"].as_str().and_then(digits);
            sent.customer.is_none() && to.is_some() && to == customer.phone
        });
        let sent = self.messages.latest_to(&customer.user_id).chain(to_number);
        sent.filter(|sent| !sent.statuses.contains(&"failed"))
    }

    /// What a tap on a button makes.
    pub(super) fn tapped(&self, customer: &Customer, button: &str) -> Result<Value, ActError> {
        let buttons = |sent: &Sent| {
            let mut buttons = reply_buttons(sent);
            buttons.extend(quick_replies(&self.templates, sent));
            buttons
        };
        self.picked(customer, button, buttons, ActError::NoButtons)
    }

    /// What the choice of a list's row makes.
    pub(super) fn chosen(&self, customer: &Customer, row: &str) -> Result<Value, ActError> {
        self.picked(customer, row, rows, ActError::NoList)
    }

    /// What is picked from the latest message that offers something.
    fn picked(
        &self,
        customer: &Customer,
        wanted: &str,
        offers: impl Fn(&Sent) -> Vec<Offer>,
        nothing: ActError,
    ) -> Result<Value, ActError> {
        let offering = |sent| Some((sent, offers(sent))).filter(|(_, offers)| !offers.is_empty());
        let (sent, offers) = self.received(customer).find_map(offering).ok_or(nothing)?;
        let by_title = offers.iter().find(|offer| offer.title == wanted);
        let picked = by_title.or_else(|| offers.iter().find(|offer| offer.id == wanted));
        let Some(picked) = picked else {
            return Err(ActError::NotOffered {
                wanted: wanted.to_owned(),
                offered: offers.into_iter().map(|offer| offer.title).collect(),
            });
        };
        let mut message = picked.message.clone();
        message["context"] = self.quoted(&sent.id, customer);
        Ok(message)
    }

    /// The latest message with a flow, and the flow's token.
    pub(super) fn flow<'a>(
        &'a self,
        customer: &'a Customer,
    ) -> Result<(&'a Sent, &'a str), ActError> {
        let flow = |sent| Some((sent, flow_token(&self.templates, sent)?));
        self.received(customer)
            .find_map(flow)
            .ok_or(ActError::NoFlow)
    }

    /// The latest message of a type that asks for something.
    pub(super) fn asking<'a>(
        &'a self,
        customer: &'a Customer,
        kind: &'static str,
    ) -> Result<&'a Sent, ActError> {
        let mut received = self.received(customer);
        let asking = received.find(|sent| is(&sent.body["interactive"], kind));
        asking.ok_or(ActError::NotAsked(kind))
    }

    /// The id of the catalog of the latest message with one; of a catalog of its own where there is none: assumed.
    pub(super) fn catalog(&self, customer: &Customer) -> String {
        let id = |sent: &Sent| {
            Some(
                sent.body
                    .pointer("/interactive/action/catalog_id")?
                    .as_str()?
                    .to_owned(),
            )
        };
        let latest = self.received(customer).find_map(id);
        latest.unwrap_or_else(|| "1948".to_owned())
    }

    /// The latest message, where that asks for a location.
    pub(super) fn location_request<'a>(&'a self, customer: &'a Customer) -> Option<&'a Sent> {
        let is_request =
            |sent: &&Sent| sent.body["interactive"]["type"] == "location_request_message";
        self.received(customer).next().filter(is_request)
    }

    /// The latest message that can be reacted to. A reaction can't (Cloud API, reaction messages).
    pub(super) fn reactable<'a>(&'a self, customer: &'a Customer) -> Result<&'a Sent, ActError> {
        let mut received = self.received(customer);
        let latest = received.find(|sent| sent.body["type"] != "reaction");
        latest.ok_or(ActError::NothingToReactTo)
    }

    /// The context of an answer to a message: of the business, or else the customer's own (Cloud API, webhooks: messages).
    pub(super) fn quoted(&self, id: &str, customer: &Customer) -> Value {
        let of_business = self.messages.find(id);
        let business = of_business.map(|_| &self.options.number);
        match business.or(customer.phone.as_ref()) {
            Some(author) => json!({"from": author, "id": id}),
            None => json!({"id": id}),
        }
    }
}

/// The buttons of an interactive message (Cloud API, interactive reply buttons).
fn reply_buttons(sent: &Sent) -> Vec<Offer> {
    let buttons = items(&sent.body["interactive"]["action"]["buttons"]).iter();
    let offer = |button: &Value| {
        let reply = &button["reply"];
        let (id, title) = (text(&reply["id"]), text(&reply["title"]));
        let answer = json!({"type": "button_reply", "button_reply": {"id": id, "title": title}});
        let message = json!({"type": "interactive", "interactive": answer});
        Offer { title, id, message }
    };
    buttons.map(offer).collect()
}

/// The rows of an interactive list (Cloud API, interactive list messages).
fn rows(sent: &Sent) -> Vec<Offer> {
    let sections = items(&sent.body["interactive"]["action"]["sections"]).iter();
    let rows = sections.flat_map(|section| items(&section["rows"]));
    let offer = |row: &Value| {
        let (id, title) = (text(&row["id"]), text(&row["title"]));
        let mut reply = json!({"id": id, "title": title});
        if let Some(description) = row.get("description") {
            reply["description"] = description.clone();
        }
        let answer = json!({"type": "list_reply", "list_reply": reply});
        let message = json!({"type": "interactive", "interactive": answer});
        Offer { title, id, message }
    };
    rows.map(offer).collect()
}

/// The quick replies of a template. Without a payload of its own a button has its label's (Cloud API, webhooks: button
/// messages).
fn quick_replies(templates: &Templates, sent: &Sent) -> Vec<Offer> {
    let buttons = template_buttons(templates, sent).into_iter();
    let offer = |(button, parameter): (&Value, &Value)| {
        let title = text(&button["text"]);
        let payload = parameter["payload"].as_str();
        let id = payload.map_or_else(|| title.clone(), str::to_owned);
        let message = json!({"type": "button", "button": {"payload": id, "text": title}});
        Offer { title, id, message }
    };
    let replies = buttons.filter(|(button, _)| is(button, "QUICK_REPLY"));
    replies.map(offer).collect()
}

/// The token of a message's flow; none where it has no flow.
fn flow_token<'a>(templates: &'a Templates, sent: &'a Sent) -> Option<&'a str> {
    let interactive = &sent.body["interactive"];
    let token = if is(interactive, "flow") {
        &interactive["action"]["parameters"]["flow_token"]
    } else {
        let buttons = template_buttons(templates, sent);
        let flow = buttons.into_iter().find(|(button, _)| is(button, "FLOW"));
        &flow?.1["action"]["flow_token"]
    };
    Some(token.as_str().unwrap_or(NO_TOKEN))
}

/// The buttons of a template, of its cards too, each with the parameter that the message gives it, or null.
fn template_buttons<'a>(templates: &'a Templates, sent: &'a Sent) -> Vec<(&'a Value, &'a Value)> {
    let message = &sent.body["template"];
    let name = message["name"].as_str().unwrap_or_default();
    let language = message["language"]["code"].as_str().unwrap_or_default();
    let Some(template) = templates.find(name, language) else {
        return Vec::new();
    };
    let filled = items(&message["components"]);
    let mut found = buttons(&template.components, filled);
    for (card, filled) in cards(&template.components).zip(cards(filled)) {
        let (components, filled) = (&card["components"], &filled["components"]);
        found.extend(buttons(items(components), items(filled)));
    }
    found
}

fn cards(components: &[Value]) -> impl Iterator<Item = &Value> {
    components.iter().flat_map(|it| items(&it["cards"]))
}

/// The buttons of components, each with its parameter: the one with its place among the buttons (Cloud API, templates).
fn buttons<'a>(written: &'a [Value], filled: &'a [Value]) -> Vec<(&'a Value, &'a Value)> {
    let components = written.iter().filter(|component| is(component, "BUTTONS"));
    let buttons = components.flat_map(|component| items(&component["buttons"]));
    let with_parameter = |(place, button): (usize, &'a Value)| {
        let place = place.to_string();
        let is_there = |it: &Value| it["index"].to_string().trim_matches('"') == place;
        let fills = |it: &&Value| is(it, "button") && is_there(it);
        let filled = filled.iter().find(fills);
        let parameter = filled.map_or(&Value::Null, |it| &it["parameters"][0]);
        (button, parameter)
    };
    buttons.enumerate().map(with_parameter).collect()
}

/// Whether its `type` is this, in whatever case.
fn is(typed: &Value, kind: &str) -> bool {
    let own = typed["type"].as_str();
    own.is_some_and(|own| own.eq_ignore_ascii_case(kind))
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
