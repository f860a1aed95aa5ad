//! Everything that is wrong with settings, before anything is done with them.

use serde_json::{Map, Value};

use super::{API_KEY, Api, TemplateApi, WEBHOOK_HMAC_SECRET, WebhookAuthentication, WebhookScope};
use crate::bindings::messaging::channel::types::Problem;
use crate::problem::Problems;
use crate::url::Url;

const SOURCE: &str = "channel-360dialog, settings";
const SOURCE_GREETING: &str = "Cloud API, text messages";
const SOURCE_NUMBER: &str = "ITU-T E.164";
const SOURCE_ON_PREMISE: &str = "360dialog, hosting type change: On-Premise API to Cloud API";
const SOURCE_WEBHOOK: &str = "360dialog, webhook URL";
const SOURCE_TEMPLATES: &str = "360dialog, templates";
const SOURCE_SIGNATURE: &str = "360dialog, signature validation";

/// The members, all of them strings.
const MEMBERS: [&str; 10] = [
    "name",
    "phone_number",
    "api",
    "base_url",
    "api_key",
    "greeting",
    "webhook_authentication",
    "webhook_scope",
    "webhook_hmac_secret",
    "template_api",
];

/// How alike (Jaro-Winkler) a member's name must be to one that is known for that to be proposed.
const ALIKE: f64 = 0.8;

/// Where the on-premise API was.
const DEAD_HOSTS: [&str; 2] = ["waba.360dialog.io", "waba.messagepipe.io"];

/// Everything that is wrong with settings; nothing where they are good.
#[must_use]
pub fn validate(settings: &str) -> Vec<Problem> {
    let mut problems = Problems::default();
    match serde_json::from_str(settings) {
        Ok(Value::Object(members)) => Validation {
            members,
            problems: &mut problems,
        }
        .run(),
        Ok(_) => problems.add(
            "",
            "wrong_type",
            "The settings are no JSON object: write {\"name\": …, \"phone_number\": …, \"api_key\": …}",
            SOURCE,
        ),
        // serde_json's message names a place and what it expected there, never a value.
        Err(error) => problems.add(
            "",
            "bad_json",
            format_args!("The settings are no JSON ({error}): correct the text"),
            SOURCE,
        ),
    }
    problems.into_vec()
}

struct Validation<'a> {
    members: Map<String, Value>,
    problems: &'a mut Problems,
}

impl Validation<'_> {
    fn run(mut self) {
        // Null says the same as absent.
        self.members.retain(|_, value| !value.is_null());
        self.names_and_types();

        if let Some(name) = self.required("name") {
            self.problems.text("/name", &name, 100, SOURCE);
        }
        if let Some(number) = self.required("phone_number") {
            self.phone_number(&number);
        }
        let api = self.choice::<Api>("api", r#""cloud", "sandbox" or "on_premise""#);
        self.base_url(api);
        self.required("api_key");
        self.secret("api_key", API_KEY);
        if let Some(greeting) = self.text("greeting") {
            self.problems
                .optional_text("/greeting", Some(&greeting), 4096, SOURCE_GREETING);
        }
        self.webhook();
        self.webhook_scope(api);
        self.template_api(api);
    }

    fn names_and_types(&mut self) {
        for (name, value) in &self.members {
            // A name of anybody's own may hold the two characters that a JSON Pointer escapes.
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            if !MEMBERS.contains(&name.as_str()) {
                match nearest(name) {
                    Some(known) => self.problems.add(
                        pointer,
                        "unknown_member",
                        format_args!("There is no such setting: did you mean \"{known}\"?"),
                        SOURCE,
                    ),
                    None => self.problems.add(
                        pointer,
                        "unknown_member",
                        format_args!(
                            "There is no such setting: leave it out; there are {}",
                            MEMBERS.join(", ")
                        ),
                        SOURCE,
                    ),
                }
            } else if !value.is_string() {
                self.problems.add(
                    pointer,
                    "wrong_type",
                    "This setting is text: write it as a JSON string",
                    SOURCE,
                );
            }
        }
    }

    /// The text of a member; a member of another type has its problem already.
    fn text(&self, name: &str) -> Option<String> {
        self.members.get(name)?.as_str().map(str::to_owned)
    }

    fn required(&mut self, name: &str) -> Option<String> {
        if !self.members.contains_key(name) {
            self.problems.add(
                format_args!("/{name}"),
                "required",
                "This setting is required: give it",
                SOURCE,
            );
        }
        self.text(name)
    }

    /// The value of a choice; its default where absent, none where it is wrong.
    fn choice<T: Default + for<'de> serde::Deserialize<'de>>(
        &mut self,
        name: &str,
        choices: &str,
    ) -> Option<T> {
        let Some(value) = self.members.get(name) else {
            return Some(T::default());
        };
        let choice = T::deserialize(value).ok();
        if choice.is_none() && value.is_string() {
            self.problems.add(
                format_args!("/{name}"),
                "bad_choice",
                format_args!("There is no such choice: write {choices}"),
                SOURCE,
            );
        }
        choice
    }

    fn phone_number(&mut self, number: &str) {
        if is_e164(number) {
            return;
        }
        let remedy = match e164(number) {
            Some(number) => format!("write {number}"),
            None => "write + and country code and the rest in digits, without the national 0, such as +4930123456".to_owned(),
        };
        self.problems.add(
            "/phone_number",
            "bad_number",
            format_args!("This is no number in international form: {remedy}"),
            SOURCE_NUMBER,
        );
    }

    fn base_url(&mut self, api: Option<Api>) {
        let Some(base_url) = self.text("base_url") else {
            if api == Some(Api::OnPremise) && !self.members.contains_key("base_url") {
                self.problems.add(
                    "/base_url",
                    "required",
                    "The on-premise API has no address of its own any more: name the server that stands for it, \
                     or set api to \"cloud\"",
                    SOURCE_ON_PREMISE,
                );
            }
            return;
        };
        let host = Url::parse(&base_url).map(|url| url.host.trim_end_matches('.'));
        let dead = host.is_ok_and(|host| {
            DEAD_HOSTS
                .iter()
                .any(|dead| host.eq_ignore_ascii_case(dead))
        });
        if dead {
            self.problems.add(
                "/base_url",
                "dead_host",
                "This address ended on 2025-10-23 with Meta's last on-premise client: set api to \"cloud\" and base_url to \
                 https://waba-v2.360dialog.io, or leave base_url out",
                SOURCE_ON_PREMISE,
            );
        } else if let Err(message) = check_base_url(&base_url) {
            self.problems.add("/base_url", "bad_url", message, SOURCE);
        }
    }

    /// A secret is set by its placeholder and by nothing else. The value itself is never repeated.
    fn secret(&mut self, name: &str, placeholder: &str) {
        let Some(value) = self.text(name) else {
            return;
        };
        let pointer = format!("/{name}");
        if value.trim().is_empty() {
            self.problems
                .add(pointer, "blank", "This secret is blank: give it", SOURCE);
        } else if value != placeholder {
            self.problems.add(
                pointer,
                "secret_in_sandbox",
                format_args!(
                    "A secret must not enter the sandbox: the host has to keep it and to write {placeholder} here"
                ),
                SOURCE,
            );
        }
    }

    fn webhook_scope(&mut self, api: Option<Api>) {
        let scope = self.choice("webhook_scope", r#""number" or "number_and_account""#);
        if let (Some(WebhookScope::NumberAndAccount), Some(Api::Sandbox | Api::OnPremise)) =
            (scope, api)
        {
            self.problems.add(
                "/webhook_scope",
                "no_account_webhook",
                "Only the Cloud API has a webhook for the account: set webhook_scope to \"number\", or api to \"cloud\"",
                SOURCE_WEBHOOK,
            );
        }
    }

    fn template_api(&mut self, api: Option<Api>) {
        let given = self.members.contains_key("template_api");
        let chosen = self.choice("template_api", r#""graph" or "configs""#);
        if given && (chosen, api) == (Some(TemplateApi::Graph), Some(Api::OnPremise)) {
            self.problems.add(
                "/template_api",
                "no_graph",
                "The on-premise API has only the older API of templates: set template_api to \"configs\", or leave it out",
                SOURCE_TEMPLATES,
            );
        }
    }

    fn webhook(&mut self) {
        const SECRET: &str = "webhook_hmac_secret";
        let authentication = self.choice::<WebhookAuthentication>(
            "webhook_authentication",
            r#""header", "hmac" or "header_and_hmac""#,
        );
        self.secret(SECRET, WEBHOOK_HMAC_SECRET);
        match (authentication, self.members.contains_key(SECRET)) {
            (Some(WebhookAuthentication::Header), true) => self.problems.add(
                format_args!("/{SECRET}"),
                "unused",
                "Nothing uses this secret: set webhook_authentication to \"header_and_hmac\" or \"hmac\", or leave the \
                 secret out",
                SOURCE_SIGNATURE,
            ),
            (Some(WebhookAuthentication::Hmac | WebhookAuthentication::HeaderAndHmac), false) => {
                self.problems.add(
                    format_args!("/{SECRET}"),
                    "required",
                    "The signature needs its key: give the platform secret from 360dialog's Partner Hub, or set \
                     webhook_authentication to \"header\"",
                    SOURCE_SIGNATURE,
                );
            }
            _ => {}
        }
    }
}

/// The known member that `name` was probably meant to be.
fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let likeness = |member: &str| strsim::jaro_winkler(member, &name);
    MEMBERS
        .into_iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|member| likeness(member) >= ALIKE)
}

/// `+`, and 7 to 15 digits that don't begin with 0.
fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// The number in international form, where nothing has to be guessed: separators go, 00 is +. A number without
/// either may lack its country code, and (0) is a digit that must not be dialled from abroad.
fn e164(number: &str) -> Option<String> {
    if number.contains("(0") {
        return None;
    }
    let plain: String = number
        .chars()
        .filter(|c| {
            !(c.is_whitespace()
                || matches!(c, '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2014}'))
        })
        .collect();
    let plain = match plain.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => plain,
    };
    is_e164(&plain).then_some(plain)
}

/// What is wrong with a base address.
fn check_base_url(base_url: &str) -> Result<(), String> {
    let url = Url::parse(base_url).map_err(|reason| {
        format!("The address {reason}: write https:// and the host, such as https://waba-v2.360dialog.io")
    })?;
    if !url.host.is_ascii() {
        return Err("The host holds letters beyond ASCII: write it in its xn-- form".into());
    }
    if !url.secure && !url.is_loopback() {
        return Err(
            "The address is not encrypted: write https://; http is allowed on this machine only, for a simulator"
                .into(),
        );
    }
    if url.user_info.is_some() {
        return Err(
            "The address holds a user or password: leave everything before the @ out".into(),
        );
    }
    if url.has_query_or_fragment {
        return Err(
            "The address holds a query or fragment: leave out everything from ? or # on".into(),
        );
    }
    if url.path.ends_with('/') {
        return Err(format!(
            "The address ends in a slash: write {}",
            base_url.trim_end_matches('/')
        ));
    }
    let mut segments = url.path.split('/').skip(1);
    if segments.any(|segment| matches!(segment, "" | "." | "..")) {
        return Err("The path holds an empty or dotted part: write it without".into());
    }
    for end in ["/v1/messages", "/messages", "/v1"] {
        if let Some(base) = url
            .path
            .ends_with(end)
            .then(|| &base_url[..base_url.len() - end.len()])
        {
            return Err(format!("The channel adds {end} itself: write {base}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
