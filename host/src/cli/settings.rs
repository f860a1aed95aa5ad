//! A channel's settings on the command line. Secrets never stand there, where others could read them.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;
use channel_host::contract::channel::{Description, Secret};
use clap::Args;
use serde_json::{Map, Value};

use super::{Usage, read};

#[derive(Debug, Args)]
pub(super) struct SettingsArgs {
    /// Settings as a JSON object, secrets too; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// One setting, more important than the file's; can be given several times. One that is no text is written as JSON.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// One secret: from a file, from standard input (`-`) or from an environment variable (`env:NAME`).
    #[arg(long, value_name = "NAME=FILE", value_parser = assignment)]
    secret: Vec<(String, String)>,
    /// What to call the channel.
    #[arg(long)]
    pub(super) name: Option<String>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

impl SettingsArgs {
    /// The settings of the file and those beside it, with the secrets in their places.
    pub(super) fn read(&self, description: &Description) -> Result<Map<String, Value>> {
        let secrets = self.secret.iter().map(|(_, from)| Path::new(from));
        let inputs = self.settings.as_deref().into_iter().chain(secrets);
        if inputs.filter(|path| path.as_os_str() == "-").count() > 1 {
            return Err(
                Usage("standard input can be read only once: name files".to_owned()).into(),
            );
        }
        let mut settings = match &self.settings {
            Some(path) => object(path)?,
            None => Map::new(),
        };
        let schema = schema(description);
        for (name, value) in &self.set {
            if let Some(secret) = description.secrets.iter().find(|it| is_within(it, name)) {
                let secret = &secret.name;
                let sentence = format!(
                    "`{name}` is secret, and others can read the command line: give it as --secret {secret}=FILE, --secret {secret}=- or --secret {secret}=env:VARIABLE"
                );
                return Err(Usage(sentence).into());
            }
            let value = typed(name, value, &schema["properties"][name]["type"])?;
            settings.insert(name.clone(), value);
        }
        let mut settings = Value::Object(settings);
        for (name, from) in &self.secret {
            let secret = description.secrets.iter().find(|it| is_called(it, name));
            let Some(secret) = secret else {
                let known = description.secrets.iter();
                let known: Vec<_> = known.map(|it| it.name.as_str()).collect();
                let sentence = format!(
                    "the channel has no secret `{name}`: its secrets are {}",
                    known.join(", ")
                );
                return Err(Usage(sentence).into());
            };
            place(&mut settings, &secret.pointer, secret_of(name, from)?);
        }
        match settings {
            Value::Object(settings) => Ok(settings),
            _ => Err(Usage("a secret takes the place of all settings".to_owned()).into()),
        }
    }

    /// Whether this secret is given beside the file.
    pub(super) fn names_secret(&self, secret: &Secret) -> bool {
        self.secret.iter().any(|(name, _)| is_called(secret, name))
    }
}

/// The schema of a channel's settings.
pub(super) fn schema(description: &Description) -> Value {
    serde_json::from_str(&description.settings_schema).unwrap_or_default()
}

fn object(path: &Path) -> Result<Map<String, Value>> {
    // serde's sentence may quote a value, which may be a secret.
    let wrong = |_| Usage(format!("{} holds no JSON object", path.display()));
    Ok(serde_json::from_slice(&read(path)?).map_err(wrong)?)
}

/// A secret goes by its name, or by its member's.
fn is_called(secret: &Secret, name: &str) -> bool {
    secret.name == name || secret.pointer.strip_prefix('/') == Some(name)
}

/// Whether a secret is a member of the settings, or lies inside it.
fn is_within(secret: &Secret, member: &str) -> bool {
    let first = secret.pointer.split('/').nth(1).unwrap_or_default();
    unescaped(first) == member
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// A value in the type that the schema has for it.
fn typed(name: &str, value: &str, kind: &Value) -> Result<Value, Usage> {
    let is_text = |kind: &Value| kind == "string";
    let takes_text = match kind {
        Value::Array(kinds) => kinds.iter().any(is_text),
        // The host says what is wrong with a setting that there is not.
        Value::Null => true,
        kind => is_text(kind),
    };
    if takes_text {
        return Ok(value.into());
    }
    let wrong = |error| Usage(format!("`{name}` is no text, so write it as JSON: {error}"));
    serde_json::from_str(value).map_err(wrong)
}

/// Puts a value where a JSON Pointer leads, with the objects that are missing on the way.
fn place(mut at: &mut Value, pointer: &str, value: Value) {
    for token in pointer.split('/').skip(1) {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[unescaped(token)];
    }
    *at = value;
}

/// A secret's value, from where the command line says. Nothing of that is repeated: it may be the secret itself, in
/// the wrong place.
fn secret_of(name: &str, from: &str) -> Result<Value, Usage> {
    let value = match from.strip_prefix("env:") {
        Some(variable) => env::var(variable).map_err(|_| {
            Usage(format!("the environment variable for the secret `{name}` is not set"))
        })?,
        None => read(Path::new(from))
            .ok()
            .and_then(|value| String::from_utf8(value).ok())
            .ok_or_else(|| {
                Usage(format!(
                    "the secret `{name}` can't be read: --secret takes a file's name, `-` or `env:VARIABLE`, never the secret"
                ))
            })?,
    };
    // Editors and `echo` end a file with one.
    let value = value.strip_suffix('\n').unwrap_or(&value);
    Ok(value.strip_suffix('\r').unwrap_or(value).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Write;

    fn description() -> Result<Description> {
        let description = json!({
            "id": "a", "version": "1", "contract_version": "0", "family": "f", "provider": "p", "display_name": "A",
            "settings_schema": {"properties": {
                "name": {"type": "string"}, "count": {"type": "integer"}, "either": {"type": ["string", "null"]}
            }},
            "secrets": [{"pointer": "/api_key", "name": "key"}, {"pointer": "/login/pass~1word", "name": "password"}],
        });
        Ok(serde_json::from_value(description)?)
    }

    fn given(set: &[&str], secret: &[String]) -> Result<SettingsArgs, String> {
        let set = set.iter().map(|text| assignment(text));
        let secret = secret.iter().map(|text| assignment(text));
        Ok(SettingsArgs {
            settings: None,
            set: set.collect::<Result<_, _>>()?,
            secret: secret.collect::<Result<_, _>>()?,
            name: None,
        })
    }

    #[test]
    fn values_have_the_type_that_the_schema_names() -> Result<()> {
        let set = ["name=7", "count=7", "either=null", "unknown=a=b"];
        let settings = given(&set, &[]).map_err(Usage)?.read(&description()?)?;
        let expected = json!({"name": "7", "count": 7, "either": "null", "unknown": "a=b"});
        assert_eq!(Value::Object(settings), expected);
        let wrong = given(&["count=many"], &[]).map_err(Usage)?;
        assert!(wrong.read(&description()?).is_err());
        Ok(())
    }

    #[test]
    fn a_secret_among_the_settings_is_refused_with_the_remedy() -> Result<()> {
        for set in ["api_key=hidden", r#"login={"pass/word":"hidden"}"#] {
            let settings = given(&[set], &[]).map_err(Usage)?.read(&description()?);
            let sentence = settings.err().map(|error| error.to_string());
            let sentence = sentence.unwrap_or_default();
            assert!(sentence.contains("--secret "), "{sentence}");
            assert!(!sentence.contains("hidden"), "{sentence}");
        }
        Ok(())
    }

    #[test]
    fn a_secret_is_read_from_a_file_into_its_place() -> Result<()> {
        let mut file = tempfile::NamedTempFile::new()?;
        writeln!(file, "k3y")?;
        let from = file.path().display();
        let secret = [format!("api_key={from}"), format!("password={from}")];
        let settings = given(&[], &secret).map_err(Usage)?.read(&description()?)?;
        let expected = json!({"api_key": "k3y", "login": {"pass/word": "k3y"}});
        assert_eq!(Value::Object(settings), expected);
        Ok(())
    }

    #[test]
    fn a_secret_in_place_of_its_file_is_not_repeated() -> Result<()> {
        for from in ["key=S3CRET", "key=env:S3CRET", "other=S3CRET"] {
            let settings = given(&[], &[from.to_owned()]).map_err(Usage)?;
            let error = settings.read(&description()?).err();
            let sentence = error.map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(
                !sentence.is_empty() && !sentence.contains("S3CRET"),
                "{sentence}"
            );
        }
        Ok(())
    }

    #[test]
    fn standard_input_is_taken_once() -> Result<()> {
        let twice = ["key=-".to_owned(), "password=-".to_owned()];
        assert!(
            given(&[], &twice)
                .map_err(Usage)?
                .read(&description()?)
                .is_err()
        );
        Ok(())
    }
}
