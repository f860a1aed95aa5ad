//! What is filled in when a template is sent, or shown.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::{Usage, read};

/// What is filled in.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Parameters {
    /// A file that holds all that is filled in, as the content of a message has it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["header", "header_image", "header_video", "header_document", "body", "url", "code", "payload"])]
    parameters: Option<PathBuf>,
    /// The variable in the header's text.
    #[arg(long, value_name = "TEXT", group = "above")]
    header: Option<String>,
    /// The picture above: an address, or the vendor's id of an upload.
    #[arg(long, value_name = "LINK|ID", group = "above")]
    header_image: Option<String>,
    /// The film above.
    #[arg(long, value_name = "LINK|ID", group = "above")]
    header_video: Option<String>,
    /// The file above.
    #[arg(long, value_name = "LINK|ID", group = "above")]
    header_document: Option<String>,
    /// The value of the body's next variable; or NAME=TEXT with --named.
    #[arg(long, value_name = "TEXT")]
    body: Vec<String>,
    /// The body's variables have names.
    #[arg(long)]
    named: bool,
    /// The end of a button's address: the button's place, from 0, and the text.
    #[arg(long, value_name = "INDEX=TEXT", value_parser = placed)]
    url: Vec<(u32, String)>,
    /// The code that a button copies.
    #[arg(long, value_name = "INDEX=CODE", value_parser = placed)]
    code: Vec<(u32, String)>,
    /// What comes back when a button is tapped.
    #[arg(long, value_name = "INDEX=TEXT", value_parser = placed)]
    payload: Vec<(u32, String)>,
}

fn placed(argument: &str) -> Result<(u32, String), String> {
    let parts = argument.split_once('=');
    let (index, text) = parts.ok_or("write the button's place, from 0, and the text: 0=TEXT")?;
    let index = index
        .parse()
        .map_err(|_| format!("`{index}` is no place of a button"))?;
    Ok((index, text.to_owned()))
}

impl Parameters {
    /// The content of a message of this template.
    pub(super) fn message(&self, name: &str, language: &str) -> Result<Value> {
        let mut members = match &self.parameters {
            Some(path) => {
                let read: Map<String, Value> = serde_json::from_slice(&read(path)?)
                    .map_err(|error| Usage(format!("{} is no object: {error}", path.display())))?;
                read
            }
            None => self.members()?,
        };
        members.insert("name".to_owned(), name.into());
        members.insert("language".to_owned(), language.into());
        Ok(members.into())
    }

    fn members(&self) -> Result<Map<String, Value>> {
        let mut members = Map::new();
        let media = [
            ("image", &self.header_image),
            ("video", &self.header_video),
            ("document", &self.header_document),
        ];
        for (kind, given) in media {
            if let Some(given) = given {
                let source = if given.contains("://") { "link" } else { "id" };
                members.insert("header".to_owned(), json!({"type": kind, source: given}));
            }
        }
        if let Some(text) = &self.header {
            members.insert("header".to_owned(), json!({"type": "text", "text": text}));
        }
        let mut body = Vec::new();
        for value in &self.body {
            body.push(match (self.named, value.split_once('=')) {
                (true, Some((name, text))) => json!({"name": name, "text": text}),
                (true, None) => {
                    return Err(Usage(format!("write {value} as NAME=TEXT")).into());
                }
                (false, _) => json!({"text": value}),
            });
        }
        let kinds = [
            ("url_suffix", &self.url),
            ("code", &self.code),
            ("payload", &self.payload),
        ];
        let buttons = kinds.iter().flat_map(|(kind, given)| {
            let value = move |(index, text): &(u32, String)| json!({"index": index, *kind: text});
            given.iter().map(value)
        });
        members.insert("buttons".to_owned(), buttons.collect());
        members.insert("body".to_owned(), body.into());
        Ok(members)
    }
}
