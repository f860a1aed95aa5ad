//! Templates as they are submitted.

use serde_json::{Value, json};

use super::Template;
use super::check::kind;
use super::flaw::{Flaw, insist};
use crate::simulator::Flavour;

/// The categories of today (Cloud API, template categorization).
const CATEGORIES: [&str; 3] = ["AUTHENTICATION", "MARKETING", "UTILITY"];

/// Those of the on-premise API: the oldest, then three (360dialog's clients of that time), then today's.
const ON_PREMISE_CATEGORIES: [&str; 16] = [
    "ACCOUNT_UPDATE",
    "PAYMENT_UPDATE",
    "PERSONAL_FINANCE_UPDATE",
    "SHIPPING_UPDATE",
    "RESERVATION_UPDATE",
    "ISSUE_RESOLUTION",
    "APPOINTMENT_UPDATE",
    "TRANSPORTATION_UPDATE",
    "TICKET_UPDATE",
    "ALERT_UPDATE",
    "AUTO_REPLY",
    "TRANSACTIONAL",
    "OTP",
    "AUTHENTICATION",
    "MARKETING",
    "UTILITY",
];

/// The categories that a template can have.
pub(crate) fn categories(flavour: Flavour) -> &'static [&'static str] {
    match flavour {
        Flavour::Cloud | Flavour::Sandbox => &CATEGORIES,
        Flavour::OnPremise => &ON_PREMISE_CATEGORIES,
    }
}

/// What somebody wants a template to be.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) language: String,
    pub(super) category: String,
    pub(super) parameter_format: String,
    pub(super) components: Vec<Value>,
    /// Which API it is submitted to.
    pub(super) flavour: Flavour,
}

impl Draft {
    /// Reads a template to create (Cloud API, templates: create). That the on-premise API checks the same is assumed, but for
    /// what its own documentation contradicts (see [`Draft::suits_review`]). There is no template library, so components are
    /// required.
    pub(super) fn read(body: &Value, flavour: Flavour) -> Result<Self, Flaw> {
        let required = |member: &str| {
            let text = body[member].as_str().filter(|text| !text.is_empty());
            text.map(str::to_owned)
                .ok_or_else(|| Flaw::new(format!("{member} is required")))
        };
        let (name, language) = (required("name")?, required("language")?);
        let in_name = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
        insist(name.len() <= 512 && name.bytes().all(in_name), || {
            "name must have at most 512 characters: lower-case letters, digits and underscores"
                .to_owned()
        })?;
        insist(is_language(&language), || {
            format!("language must be written as in en or en_US, not {language}")
        })?;
        required("category")?;
        insist(body["components"].is_array(), || {
            "components is required".to_owned()
        })?;
        let draft = Self {
            name,
            language,
            category: String::new(),
            parameter_format: "POSITIONAL".to_owned(),
            components: Vec::new(),
            flavour,
        };
        draft.changed(body)
    }

    pub(super) fn of(template: &Template, flavour: Flavour) -> Self {
        Self {
            name: template.name.clone(),
            language: template.language.clone(),
            category: template.category.clone(),
            parameter_format: template.parameter_format.clone(),
            components: template.components.clone(),
            flavour,
        }
    }

    /// Changes what an edit may change: all but the name and the language (Cloud API, template management: edit).
    pub(super) fn changed(mut self, body: &Value) -> Result<Self, Flaw> {
        for (member, own) in [("name", &self.name), ("language", &self.language)] {
            let same = body.get(member).is_none_or(|value| value == own);
            insist(same, || format!("{member} can't be changed"))?;
        }
        if let Some(category) = body.get("category") {
            let category = category.as_str().unwrap_or_default().to_uppercase();
            let known = categories(self.flavour);
            insist(known.contains(&category.as_str()), || {
                format!("category must be one of {}", known.join(", "))
            })?;
            self.category = category;
        }
        if let Some(format) = body.get("parameter_format") {
            let format = format.as_str().unwrap_or_default().to_uppercase();
            insist(["POSITIONAL", "NAMED"].contains(&format.as_str()), || {
                "parameter_format must be positional or named".to_owned()
            })?;
            self.parameter_format = format;
        }
        if let Some(components) = body.get("components") {
            let components = components.as_array().filter(|them| !them.is_empty());
            let components =
                components.ok_or_else(|| Flaw::new("components must be a list, and not empty"))?;
            self.components.clone_from(components);
        }
        Ok(self)
    }

    pub(super) fn is(&self, category: &str) -> bool {
        self.category == category
    }

    /// The components as Meta keeps them: it fills in the text of an authentication template, and gives its button the
    /// type URL (Cloud API, authentication templates). That the text is English in every language is assumed, and so is
    /// the button's address.
    pub(super) fn kept(&self) -> Vec<Value> {
        let mut components = self.components.clone();
        if !self.is("AUTHENTICATION") {
            return components;
        }
        for component in &mut components {
            if kind(component) == "BODY" && component.get("text").is_none() {
                let warns = component["add_security_recommendation"] == true;
                let warning = if warns {
                    " For your security, do not share this code."
                } else {
                    ""
                };
                component["text"] =
                    format!("*{{{{1}}}}* is your verification code.{warning}").into();
                component["example"] = json!({"body_text": [["123456"]]});
            }
            let buttons = component.get_mut("buttons").and_then(Value::as_array_mut);
            for button in buttons.into_iter().flatten().filter(|it| kind(it) == "OTP") {
                let address = "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp";
                button["type"] = json!("URL");
                button["url"] = json!(format!("{address}{{{{1}}}}"));
                button["example"] = json!([format!("{address}123456")]);
            }
        }
        components
    }
}

/// As in `en`, `fil` or `pt_BR`. A language that is written so and unknown is taken: Meta adds to them.
fn is_language(language: &str) -> bool {
    let (language, region) = match language.split_once('_') {
        Some((language, region)) => (language, Some(region)),
        None => (language, None),
    };
    let region_fits = |region: &str| {
        (2..=4).contains(&region.len()) && region.bytes().all(|it| it.is_ascii_alphabetic())
    };
    (2..=3).contains(&language.len())
        && language.bytes().all(|it| it.is_ascii_lowercase())
        && region.is_none_or(region_fits)
}
