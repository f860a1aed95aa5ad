//! What WhatsApp checks at once when a template is created or edited (Cloud API, template components; limited-time
//! offer templates; template review).

use serde_json::Value;

use super::buttons;
use super::draft::Draft;
use super::flaw::{Checked, Flaw, insist, require, subcode};
use crate::simulator::Flavour;

impl Draft {
    /// Checks the components (Cloud API, template components).
    pub(super) fn check(&self) -> Checked {
        let kinds: Vec<_> = self.components.iter().map(kind).collect();
        let has = |kind: &str| kinds.iter().any(|it| it == kind);
        for (index, kind) in kinds.iter().enumerate() {
            insist(!kinds[..index].contains(kind), || {
                format!("there can be one {kind} only")
            })?;
        }
        // The subcode is assumed.
        require(has("BODY"), subcode::BODY, || {
            "a BODY is required".to_owned()
        })?;
        for category in ["CAROUSEL", "LIMITED_TIME_OFFER"] {
            insist(!has(category) || self.is("MARKETING"), || {
                format!("{category} is for MARKETING only")
            })?;
        }
        if has("CAROUSEL") {
            insist(!has("HEADER") && !has("FOOTER") && !has("BUTTONS"), || {
                "next to a CAROUSEL there is a BODY only".to_owned()
            })?;
        }
        let offers = has("LIMITED_TIME_OFFER");
        insist(!offers || !has("FOOTER"), || {
            "a limited-time offer has no FOOTER".to_owned()
        })?;
        for (component, kind) in self.components.iter().zip(&kinds) {
            match kind.as_str() {
                "HEADER" => self.header(component, offers)?,
                "BODY" => self.body(component, if offers { 600 } else { 1024 })?,
                "FOOTER" => self.footer(component)?,
                "BUTTONS" => buttons::buttons(self, component)?,
                "CAROUSEL" => buttons::carousel(self, component)?,
                "LIMITED_TIME_OFFER" => {
                    let text = &component["limited_time_offer"]["text"];
                    short(
                        "the text of a limited-time offer",
                        text.as_str().unwrap_or_default(),
                        16,
                    )?;
                }
                "CALL_PERMISSION_REQUEST" => {}
                _ => return Err(Flaw::new(format!("{kind} is no type of component"))),
            }
        }
        Ok(())
    }

    fn header(&self, header: &Value, offers: bool) -> Checked {
        let format = header["format"].as_str().unwrap_or_default();
        let wrong = |sentence: &str| Flaw::known(subcode::HEADER, sentence);
        if offers && !["IMAGE", "VIDEO"].contains(&format) {
            return Err(wrong(
                "the HEADER of a limited-time offer is an IMAGE or a VIDEO",
            ));
        }
        match format {
            "TEXT" => {
                let text = text(header, subcode::HEADER)?;
                short("the text of the HEADER", text, 60)?;
                let parameters = self.parameters(text)?;
                if parameters.len() > 1 {
                    return Err(wrong("a HEADER has at most one variable"));
                }
                let around = parameters
                    .iter()
                    .fold(text.to_owned(), |text, it| text.replace(it, ""));
                if around.contains(['*', '_', '~', '`', '\n']) || around.chars().any(is_emoji) {
                    return Err(wrong(
                        "the text of a HEADER has no emoji, no formatting and one line",
                    ));
                }
                self.examples(&header["example"], "header", &parameters)
            }
            "IMAGE" | "VIDEO" | "DOCUMENT" | "GIF" => {
                let handle = &header["example"]["header_handle"];
                let handle = handle.get(0).unwrap_or(handle);
                self.exemplified(is_filled(handle), || {
                    format!("a HEADER with format {format} needs an example: header_handle")
                })
            }
            "LOCATION" if self.is("AUTHENTICATION") => {
                Err(wrong("a LOCATION is for MARKETING and UTILITY only"))
            }
            "LOCATION" | "PRODUCT" => Ok(()),
            _ => Err(wrong(
                "the format of a HEADER is TEXT, IMAGE, VIDEO, DOCUMENT, GIF, LOCATION or PRODUCT",
            )),
        }
    }

    pub(super) fn body(&self, body: &Value, longest: usize) -> Checked {
        if self.is("AUTHENTICATION") && body.get("text").is_none() {
            // The text is Meta's (Cloud API, authentication templates).
            return Ok(());
        }
        let text = text(body, subcode::BODY)?;
        short("the text of the BODY", text, longest)?;
        let parameters = self.parameters(text)?;
        // WhatsApp Manager's own check; its subcode is assumed.
        let between = text.split("}}").filter_map(|it| it.split_once("{{"));
        let adjacent = between.skip(1).any(|(text, _)| text.trim().is_empty());
        require(!adjacent, subcode::VARIABLE, || {
            "There must be text between two variables.".to_owned()
        })?;
        self.suits_review(text)?;
        self.examples(&body["example"], "body", &parameters)
    }

    /// Where the variables of a body stand, and among how many words. The on-premise API does not look: its documentation
    /// lists `Hello {{1}}! This is a test message, setup with API version {{2}}` as approved, and without an example.
    fn suits_review(&self, text: &str) -> Checked {
        if self.flavour == Flavour::OnPremise {
            return Ok(());
        }
        require(
            !has_variable_at_edge(text),
            subcode::VARIABLE_AT_EDGE,
            || "Variables can't be at the start or the end of the template.".to_owned(),
        )?;
        require(self.has_words(text), subcode::FEW_WORDS, || {
            "The template has too many variables for its length: use fewer of them, or more words."
                .to_owned()
        })
    }

    /// Whether there are enough words for the variables. Meta publishes no number: that it takes `2 * variables + 1` words
    /// without a variable is what three other providers measured. Languages that are written without spaces are not
    /// checked: assumed.
    fn has_words(&self, text: &str) -> bool {
        let language = self.language.split('_').next().unwrap_or_default();
        let count = variables(text).len();
        let words = text
            .split_whitespace()
            .filter(|word| !word.contains("{{"))
            .count();
        count == 0 || ["ja", "lo", "th", "zh"].contains(&language) || words > 2 * count
    }

    fn footer(&self, footer: &Value) -> Checked {
        if self.is("AUTHENTICATION")
            && let Some(minutes) = footer.get("code_expiration_minutes")
        {
            let possible = minutes
                .as_u64()
                .is_some_and(|minutes| (1..=90).contains(&minutes));
            return require(possible, subcode::FOOTER, || {
                "code_expiration_minutes is 1 to 90".to_owned()
            });
        }
        let text = text(footer, subcode::FOOTER)?;
        short("the text of the FOOTER", text, 60)?;
        let plain =
            variables(text).is_empty() && !text.contains('\n') && !text.chars().any(is_emoji);
        require(plain, subcode::FOOTER, || {
            "a FOOTER has no variables, no emoji and one line".to_owned()
        })
    }

    /// The parameters of a text, each once (Cloud API, templates: parameter formats).
    fn parameters<'a>(&self, text: &'a str) -> Result<Vec<&'a str>, Flaw> {
        let mut parameters = Vec::new();
        let named = self.parameter_format == "NAMED";
        for variable in variables(text) {
            let is_new = !parameters.contains(&variable);
            if is_new {
                parameters.push(variable);
            }
            let in_name = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
            let good =
                is_new && (1..=32).contains(&variable.len()) && variable.bytes().all(in_name);
            require(!named || good, subcode::VARIABLE, || {
                format!(
                    "{{{{{variable}}}}}: a named variable has at most 32 lower-case letters, digits and underscores, \
                     and stands once in its component"
                )
            })?;
        }
        let counted = |number: usize| parameters.contains(&number.to_string().as_str());
        require(
            named || (1..=parameters.len()).all(counted),
            subcode::VARIABLE,
            || "variables are numbered from {{1}}, without a gap".to_owned(),
        )?;
        Ok(parameters)
    }

    /// Every parameter needs an example. Of a list, both forms are taken: `[["a","b"]]`, which is Meta's, and `["a","b"]`,
    /// which 360dialog's documentation has; and a single text for one parameter.
    fn examples(&self, example: &Value, part: &str, parameters: &[&str]) -> Checked {
        let given = if self.parameter_format == "NAMED" {
            let named = example[format!("{part}_text_named_params")].as_array();
            let is = |it: &Value, name: &str| it["param_name"] == name && is_filled(&it["example"]);
            let has = |name: &&str| named.is_some_and(|named| named.iter().any(|it| is(it, name)));
            parameters.iter().all(has)
        } else {
            let texts = &example[format!("{part}_text")];
            let texts = texts
                .get(0)
                .filter(|first| first.is_array())
                .unwrap_or(texts);
            let count = match texts {
                Value::Array(texts) => texts.iter().filter(|text| is_filled(text)).count(),
                text => usize::from(is_filled(text)),
            };
            count >= parameters.len()
        };
        self.exemplified(given, || {
            format!(
                "every variable of the {} needs an example",
                part.to_uppercase()
            )
        })
    }

    /// Requires an example. The on-premise API does not (see [`Draft::suits_review`]); that this goes for files and buttons
    /// too is assumed.
    pub(super) fn exemplified(&self, given: bool, sentence: impl FnOnce() -> String) -> Checked {
        let suffices = given || self.flavour == Flavour::OnPremise;
        require(suffices, subcode::NO_EXAMPLE, sentence)
    }
}

/// The type of a component or button, in capitals.
pub(super) fn kind(component: &Value) -> String {
    component["type"]
        .as_str()
        .unwrap_or_default()
        .to_uppercase()
}

/// The text of a component, which must have one.
fn text(component: &Value, subcode: u32) -> Result<&str, Flaw> {
    let text = component["text"]
        .as_str()
        .filter(|text| !text.trim().is_empty());
    text.ok_or_else(|| Flaw::known(subcode, format!("a {} needs a text", kind(component))))
}

/// A limit of characters.
pub(super) fn short(what: &str, text: &str, longest: usize) -> Checked {
    require(text.chars().count() <= longest, subcode::TOO_LONG, || {
        format!("{what} has more than {longest} characters")
    })
}

/// Whether there is an example.
pub(super) fn is_filled(example: &Value) -> bool {
    example.as_str().is_some_and(|example| !example.is_empty())
}

/// The variables of a text: what stands between `{{` and `}}`.
pub(crate) fn variables(text: &str) -> Vec<&str> {
    let opened = text.split("{{").skip(1);
    opened
        .filter_map(|rest| Some(rest.split_once("}}")?.0))
        .collect()
}

/// Punctuation after the last variable does not help (developers' reports).
fn has_variable_at_edge(text: &str) -> bool {
    let skipped = |it: char| it.is_whitespace() || (it.is_ascii_punctuation() && it != '}');
    let (start, end) = (text.trim_start(), text.trim_end_matches(skipped));
    !variables(text).is_empty() && (start.starts_with("{{") || end.ends_with("}}"))
}

/// Pictographs and the older symbols.
pub(crate) fn is_emoji(it: char) -> bool {
    matches!(it, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}')
}
