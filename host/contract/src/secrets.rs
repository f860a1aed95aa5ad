//! Secrets on their way out and back: placeholders are filled, values masked, credentials in answers sealed.

use std::fmt::Write as _;

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::http::Seal;
use crate::plain;
use crate::settings::{SECRET_BYTES, Secret, placeholder};

/// The secrets of one channel: those of its settings, the host's own, and what was sealed for it.
pub trait Secrets: Send + Sync {
    /// The secret of this name.
    fn get(&self, name: &str) -> Option<Secret>;

    /// All of them with their names, to be masked in what comes back.
    fn all(&self) -> Vec<(String, Secret)>;

    /// Whether this host seals. Asked before a request that wants it is sent.
    fn seals(&self) -> bool;

    /// Keeps a value that came in an answer, in place of one of the same name. False where it could not.
    fn keep(&self, name: &str, value: Secret) -> bool;
}

/// What a placeholder begins with.
pub const OPEN: &str = "{{secret:";

/// What it ends with.
const CLOSE: &str = "}}";

/// The longest name of a sealed string, with its members.
const NAME_BYTES: usize = 256;

/// How many strings one answer may have sealed.
const SEALED: usize = 256;

/// Values shorter than this are not masked: they stand in every answer by chance, and are no secrets.
const MASKED_BYTES: usize = 8;

/// A sealed value that is one lower-case word of at most so many letters, or a media type, is not masked: a registration
/// holds such words beside its credentials, and so does every other answer.
const WORD_BYTES: usize = 12;

/// How much of an answer is searched at a time, which bounds the memory for what is found.
const PART_BYTES: usize = 64 << 10;

/// How a value is written where it is put in, so that it can't break out of its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Escape {
    /// As it is.
    None,
    /// As the content of a JSON string.
    Json,
    /// As a part of a form.
    Form,
}

impl Escape {
    /// For a body of this type; none where it isn't known how.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        if essence == "application/json" || essence.ends_with("+json") {
            Some(Self::Json)
        } else if essence == "application/x-www-form-urlencoded" {
            Some(Self::Form)
        } else {
            None
        }
    }

    fn write(self, value: &str) -> String {
        match self {
            Self::None => value.to_owned(),
            Self::Json => json(value),
            Self::Form => form(value),
        }
    }
}

/// Whether there is a placeholder in it.
#[must_use]
pub fn asks(text: &[u8]) -> bool {
    find(text, OPEN).is_some()
}

/// Puts the values of secrets in for their placeholders. What was put in is not looked at again.
///
/// # Errors
///
/// A sentence that says why not: a secret is absent, or the result is longer than `limit`.
pub fn fill(
    text: &[u8],
    secrets: &dyn Secrets,
    escape: Escape,
    limit: usize,
) -> Result<Vec<u8>, String> {
    let mut filled = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = find(rest, OPEN) {
        filled.extend_from_slice(&rest[..start]);
        rest = &rest[start + OPEN.len()..];
        let end = find(rest, CLOSE).ok_or("a placeholder of a secret has no end: write }}")?;
        let name = String::from_utf8_lossy(&rest[..end]);
        let secret = secrets.get(&name).ok_or_else(|| {
            let shown: String = name.chars().take(NAME_BYTES).collect();
            format!(
                "there is no secret for {}: set it, or leave the placeholder out",
                plain(&placeholder(&shown))
            )
        })?;
        filled.extend_from_slice(escape.write(secret.expose()).as_bytes());
        rest = &rest[end + CLOSE.len()..];
        if filled.len() + rest.len() > limit {
            return Err(format!("with its secrets it is longer than {limit} bytes"));
        }
    }
    filled.extend_from_slice(rest);
    Ok(filled)
}

fn find(text: &[u8], part: &str) -> Option<usize> {
    text.windows(part.len())
        .position(|window| window == part.as_bytes())
}

/// What has to be replaced in answers, and by what.
///
/// Text is searched backwards for reversed patterns. So the search knows at each byte the longest pattern that begins
/// there, and looks at each byte once, whatever the patterns are: forwards, one that matches nearly would be tried again
/// and again.
pub struct Mask {
    patterns: NFA,
    start: StateID,
    /// By pattern.
    placeholders: Vec<String>,
    /// Bytes of the longest pattern.
    longest: usize,
}

impl Mask {
    /// Masks these secrets in the forms that an answer may repeat them in. `sealed` says whether a name is one of a
    /// value that came in an answer. None where they are too many to search for.
    pub fn new(secrets: &[(String, Secret)], sealed: impl Fn(&str) -> bool) -> Option<Self> {
        let mut patterns = Vec::new();
        let mut placeholders = Vec::new();
        // Of two with one value the one that is not sealed is shown: a channel looks for its own in what it had sealed before.
        let (found, own): (Vec<_>, Vec<_>) = secrets.iter().partition(|(name, _)| sealed(name));
        for (name, secret) in own.into_iter().chain(found) {
            let placeholder = placeholder(name);
            let value = secret.expose();
            let masked = value.len() >= MASKED_BYTES && !(sealed(name) && is_word(value));
            let forms = if masked { forms(value) } else { Vec::new() };
            // A secret whose value is a part of a placeholder must not spoil it.
            for form in forms.iter().chain([&placeholder]) {
                patterns.push(form.bytes().rev().collect::<Vec<u8>>());
                placeholders.push(placeholder.clone());
            }
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        let patterns = NFA::builder()
            .match_kind(MatchKind::Standard)
            .build(&patterns)
            .ok()?;
        let start = patterns.start_state(Anchored::No).ok()?;
        Some(Self {
            patterns,
            start,
            placeholders,
            longest,
        })
    }

    /// The text with a placeholder in place of each secret; none where it becomes longer than `limit`.
    #[must_use]
    pub fn mask(&self, text: &[u8], limit: usize) -> Option<Vec<u8>> {
        let mut masked = Vec::with_capacity(text.len());
        let mut found = Vec::new();
        let mut copied = 0;
        for part in (0..text.len()).step_by(PART_BYTES) {
            let next = part + PART_BYTES;
            let end = text.len().min(next + self.longest);
            let mut state = self.start;
            for position in (part..end).rev() {
                state = self
                    .patterns
                    .next_state(Anchored::No, state, text[position]);
                if position < next && self.patterns.is_match(state) {
                    // A state's own pattern comes before those that it ends with, which are shorter.
                    found.push((position, self.patterns.match_pattern(state, 0)));
                }
            }
            for (position, pattern) in found.drain(..).rev() {
                if position < copied {
                    continue;
                }
                masked.extend_from_slice(&text[copied..position]);
                masked.extend_from_slice(self.placeholders[pattern].as_bytes());
                copied = position + self.patterns.pattern_len(pattern);
                if masked.len() > limit {
                    return None;
                }
            }
        }
        masked.extend_from_slice(&text[copied..]);
        (masked.len() <= limit).then_some(masked)
    }
}

fn is_word(value: &str) -> bool {
    value.len() <= WORD_BYTES && value.bytes().all(|b| b.is_ascii_lowercase())
        || value.starts_with("application/")
        || value.starts_with("text/")
}

/// The forms of a value: as it is, in JSON (some write `\/`), in addresses, in base64 and hexadecimal.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![
        value.to_owned(),
        json(value),
        json(value).replace('/', "\\/"),
        form(value),
        STANDARD_NO_PAD.encode(value),
        URL_SAFE_NO_PAD.encode(value),
        hex::encode(value),
        hex::encode_upper(value),
    ];
    forms.sort();
    forms.dedup();
    forms
}

/// As the content of a JSON string.
fn json(value: &str) -> String {
    let quoted = Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As a part of a form.
fn form(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Keeps the members of a JSON answer that it should, and gives the answer with their placeholders. None where the
/// answer may hold credentials that were not found or could not be kept (it is no JSON, or over a bound), and where it
/// speaks of placeholders itself: written back, it would ask for secrets.
pub fn seal(body: &[u8], seals: &[Seal], secrets: &dyn Secrets) -> Option<Vec<u8>> {
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    let mut taken = Vec::new();
    for seal in seals {
        if let Some(member) = answer.pointer_mut(&seal.pointer) {
            take(member, seal.name.clone(), &mut taken)?;
        }
    }
    let answer = answer.to_string().into_bytes();
    let placeholders = answer.windows(OPEN.len());
    if placeholders.filter(|part| *part == OPEN.as_bytes()).count() != taken.len() {
        return None;
    }
    for (name, value) in taken {
        if !secrets.keep(&name, Secret::new(value)) {
            return None;
        }
    }
    Some(answer)
}

/// Takes the strings out of a member and puts their placeholders in. None where one is over a bound.
fn take(member: &mut Value, name: String, taken: &mut Vec<(String, String)>) -> Option<()> {
    if name.len() > NAME_BYTES {
        return None;
    }
    match member {
        Value::String(text) if !text.is_empty() => {
            if text.len() > SECRET_BYTES || taken.len() == SEALED {
                return None;
            }
            let value = std::mem::replace(text, placeholder(&name));
            taken.push((name, value));
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                take(item, format!("{name}/{index}"), taken)?;
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                take(member, format!("{name}/{}", escaped(key)), taken)?;
            }
        }
        _ => {}
    }
    Some(())
}

/// A member's name as a part of a placeholder: what could end it, or be read in two ways, is written as `%2F`.
fn escaped(key: &str) -> String {
    let mut escaped = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
