//! `channel`: the channels of the running host.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use channel_host::contract::channel::Description;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::settings::{self, SettingsArgs};
use super::{PluginArg, Session, Status, Usage, engine, load, messages, print};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a channel: prove its credentials and register its webhook.
    Add {
        #[command(flatten)]
        plugin: PluginArg,
        #[command(flatten)]
        settings: SettingsArgs,
        #[command(flatten)]
        replace: Replace,
    },
    /// Change settings. What the vendor must agree to is proved first; where that fails, nothing changes.
    Set {
        #[command(flatten)]
        channel: Name,
        #[command(flatten)]
        settings: SettingsArgs,
        /// Take this setting away; can be given several times.
        #[arg(long, value_name = "NAME")]
        unset: Vec<String>,
        #[command(flatten)]
        replace: Replace,
    },
    /// Show how a channel is configured and stands.
    Show(Name),
    /// List the channels.
    List,
    /// Ask the vendor how the account is, and where the webhook leads. Fails where it can't send or receive.
    Check(Name),
    /// Register a channel's webhook again.
    Connect {
        #[command(flatten)]
        channel: Name,
        #[command(flatten)]
        replace: Replace,
    },
    /// Give a channel's webhook back to what was registered before.
    Disconnect(Name),
    /// Remove a channel with all that belongs to it: deliveries, events, messages, contacts.
    Remove {
        #[command(flatten)]
        channel: Name,
        /// Remove it though its webhook can't be given back.
        #[arg(long)]
        force: bool,
    },
    /// Print what to register at the vendor by hand, with the secret in it.
    Webhook(Name),
}

#[derive(Debug, Args)]
pub(super) struct Name {
    /// The channel's name or id.
    #[arg(value_name = "CHANNEL")]
    pub(super) channel: String,
}

#[derive(Debug, Args)]
pub(super) struct Replace {
    /// Replace a webhook that leads to another system.
    #[arg(long)]
    replace_webhook: bool,
}

/// Runs one command.
pub(super) async fn run(session: &Session, command: &Command, no_cache: bool) -> Result<Status> {
    let remote = &session.remote;
    match command {
        Command::Add {
            plugin,
            settings,
            replace,
        } => {
            let body = addition(plugin, settings, replace, no_cache).await?;
            session.show(&remote.post(&["channels"], &body).await?, connection)?;
        }
        Command::Set {
            channel: Name { channel },
            settings,
            unset,
            replace,
        } => {
            let body = change(session, channel, settings, unset, replace).await?;
            let request = remote.request(Method::PATCH, &["channels", channel], &[]);
            session.show(&remote.send(request.json(&body)).await?, connection)?;
        }
        Command::Show(Name { channel }) => {
            let answer = remote.get(&["channels", channel], &[]).await?;
            session.show(&answer, connection)?;
        }
        Command::List => {
            session.show(&remote.get(&["channels"], &[]).await?, list)?;
        }
        Command::Check(Name { channel }) => {
            let answer = remote
                .post(&["channels", channel, "check"], &json!({}))
                .await?;
            session.show(&answer, checked)?;
            let sick = answer.value["sending"] == "blocked" || answer.value["receiving"] == false;
            if sick {
                return Ok(Status::Refused);
            }
        }
        Command::Connect {
            channel: Name { channel },
            replace,
        } => {
            let body = json!({"replace_foreign": replace.replace_webhook});
            let answer = remote
                .post(&["channels", channel, "connect"], &body)
                .await?;
            session.show(&answer, connection)?;
        }
        Command::Disconnect(Name { channel }) => {
            let segments = ["channels", channel, "disconnect"];
            session.show(&remote.post(&segments, &json!({})).await?, connection)?;
        }
        Command::Remove {
            channel: Name { channel },
            force,
        } => {
            let query = [("force", force.then(|| "true".to_owned()))];
            let request = remote.request(Method::DELETE, &["channels", channel], &query);
            let answer = remote.send(request).await?;
            session.show(&answer, |_| "removed\n".to_owned())?;
        }
        Command::Webhook(Name { channel }) => {
            let answer = remote.get(&["channels", channel, "webhook"], &[]).await?;
            session.show(&answer, |found| print::pairs(registration(found)))?;
        }
    }
    Ok(Status::Done)
}

/// The body of an addition. Which of its settings are secret, the component says, here in a sandbox.
async fn addition(
    plugin: &PluginArg,
    settings: &SettingsArgs,
    replace: &Replace,
    no_cache: bool,
) -> Result<Value> {
    let engine = engine(no_cache)?;
    let description = load(&engine, plugin)?.describe().await?;
    let mut body = json!({"replace_foreign": replace.replace_webhook});
    let mut members = settings.read(&description)?;
    if let Some(name) = &settings.name {
        // Where the settings have no place for a name, the host keeps it.
        if settings::schema(&description)["properties"]["name"].is_object() {
            members.insert("name".to_owned(), name.as_str().into());
        } else {
            body["name"] = name.as_str().into();
        }
    }
    body["settings"] = members.into();
    if let Some(path) = &plugin.plugin {
        body["component"] = STANDARD.encode(engine.read(path)?).into();
    }
    Ok(body)
}

/// The body of a change.
async fn change(
    session: &Session,
    channel: &str,
    settings: &SettingsArgs,
    unset: &[String],
    replace: &Replace,
) -> Result<Value> {
    let answer = session
        .remote
        .get(&["channels", channel, "description"], &[])
        .await?;
    let description: Description = serde_json::from_value(answer.value)?;
    let nested = description
        .secrets
        .iter()
        .find(|secret| secret.pointer.matches('/').count() > 1 && settings.names_secret(secret));
    if let Some(secret) = nested {
        // The other members beside it would be lost.
        let sentence = format!(
            "{} lies inside another setting: give that one whole, by --settings FILE",
            secret.pointer
        );
        return Err(Usage(sentence).into());
    }
    let mut members = settings.read(&description)?;
    if let Some(name) = &settings.name {
        members.insert("name".to_owned(), name.as_str().into());
    }
    for name in unset {
        members.insert(name.clone(), Value::Null);
    }
    if members.is_empty() && !replace.replace_webhook {
        return Err(Usage("name a setting to change: --set NAME=VALUE".to_owned()).into());
    }
    Ok(json!({"settings": members, "replace_foreign": replace.replace_webhook}))
}

/// Whether messages can be sent.
fn sending(shown: &Value) -> String {
    match &shown["sending"] {
        // The vendor's own word for something else.
        Value::Object(_) => print::text(shown, "/sending/other"),
        _ => print::text(shown, "/sending"),
    }
}

/// What the vendor told of the account, on one line.
fn notice(notice: &Value) -> String {
    let words = ["/subject", "/phone_number", "/code", "/state", "/severity"];
    let mut said: Vec<_> = words
        .map(|member| print::text(notice, member))
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    let restrictions = print::list(notice, "/restrictions").iter();
    said.extend(restrictions.map(|it| {
        let [kind, until] = ["/kind", "/until"].map(|member| print::text(it, member));
        if until.is_empty() {
            kind
        } else {
            format!("{kind} until {until}")
        }
    }));
    said.push(format!("since {}", print::text(notice, "/time")));
    let sentence = ["/description", "/reason"].map(|member| print::text(notice, member));
    let sentence = sentence.into_iter().find(|text| !text.is_empty());
    let sentence = sentence.map(|text| format!(": {text}"));
    said.join(" ") + &sentence.unwrap_or_default()
}

fn list(answer: &Value) -> String {
    let rows = print::list(answer, "/channels").iter().map(|channel| {
        let [name, state, plugin, id] =
            ["/name", "/state", "/plugin", "/id"].map(|member| print::text(channel, member));
        // The latest; `show` has all.
        let latest = print::list(channel, "/account").first().map(notice);
        let detail = std::iter::once(print::text(channel, "/detail")).chain(latest);
        let detail: Vec<_> = detail.filter(|text| !text.is_empty()).collect();
        [name, state, sending(channel), plugin, id, detail.join("; ")]
    });
    let headings = ["NAME", "STATE", "SENDING", "CHANNEL", "ID", "DETAIL"];
    print::listing(
        headings,
        rows,
        "there is no channel yet: add one with `channel-host channel add`",
    )
}

fn connection(shown: &Value) -> String {
    let members = [
        ("name", "/name"),
        ("id", "/id"),
        ("state", "/state"),
        ("detail", "/detail"),
        ("channel", "/plugin"),
        ("component", "/component"),
        ("provider", "/provider"),
        ("number", "/connected/phone_number"),
        ("number's id", "/connected/phone_number_id"),
        ("account", "/connected/account_id"),
        ("added", "/added"),
        ("listening since", "/listening_since"),
        ("last delivery", "/last_delivery"),
    ];
    let mut rows: Vec<_> = members
        .map(|(name, member)| (name.to_owned(), print::text(shown, member)))
        .into();
    rows.push(("sending".to_owned(), sending(shown)));
    let notices = print::list(shown, "/account").iter();
    rows.extend(notices.map(|it| ("told".to_owned(), notice(it))));
    let settings = shown["settings"].as_object().into_iter().flatten();
    rows.extend(settings.map(|(name, value)| {
        let name = format!("setting {}", channel_host::plain(name));
        (name, print::text(value, ""))
    }));
    if let Some(seconds) = shown["connected"]["settles_in_seconds"].as_u64() {
        let sentence = format!("delivers here within {seconds} seconds");
        rows.push(("the vendor".to_owned(), sentence));
    }
    let mut text = print::pairs(rows.iter().map(|(name, value)| (&**name, value.clone())));
    text += &print::warnings(print::list(shown, "/connected/warnings"));
    if shown["register"].is_object() {
        text += "register this at the vendor by hand:\n";
        text += &print::pairs(registration(&shown["register"]));
    }
    text
}

/// What has to be registered, its header with the secret in it.
fn registration(registration: &Value) -> Vec<(&'static str, String)> {
    let mut rows = vec![("url", print::text(registration, "/url"))];
    rows.extend(print::list(registration, "/headers").iter().map(|header| {
        let [name, value] = ["/name", "/value"].map(|member| print::text(header, member));
        ("header", format!("{name}: {value}"))
    }));
    rows
}

fn checked(checked: &Value) -> String {
    let receiving = match checked["receiving"].as_bool() {
        Some(true) => "yes",
        Some(false) => "no",
        None => "the vendor does not tell",
    };
    let mut rows = vec![
        ("sending", sending(checked)),
        ("receiving", receiving.to_owned()),
        ("state", print::text(checked, "/state")),
        ("detail", print::text(checked, "/detail")),
    ];
    let registrations = print::list(checked, "/registrations").iter();
    rows.extend(registrations.map(|found| ("webhook", print::text(found, "/url"))));
    let errors = print::list(checked, "/errors").iter();
    rows.extend(errors.map(|error| ("error", messages::error(error))));
    print::pairs(rows)
}
