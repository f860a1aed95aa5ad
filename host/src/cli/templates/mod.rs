//! `templates`: from a draft to a message that can be sent.

mod drafts;
mod parameters;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::{Value, json};

use super::channels::Name;
use super::messages::{self, Delivery};
use super::remote::Failure;
use super::{Session, Status, complain, print, print_line, read};
use parameters::Parameters;

pub(super) use drafts::{Offline, offline};

/// How often `watch` has the vendor asked, in seconds, and the least.
const EVERY: u64 = 60;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Offline(Offline),
    #[command(flatten)]
    Online(Online),
}

#[derive(Debug, Subcommand)]
pub(super) enum Online {
    /// Submit drafts for review. What is there already is changed where it differs, and left alone where it does not.
    Submit {
        #[command(flatten)]
        channel: Name,
        /// Files that hold one draft each, in the contract's form or the vendor's own; `-` is standard input.
        #[arg(value_name = "DRAFT.json", required = true)]
        drafts: Vec<PathBuf>,
        /// Add them as well: they can be sent once they are approved.
        #[arg(long)]
        add_when_approved: bool,
        /// Only tell what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// List the templates that were added to the channel; with --vendor, those at the vendor.
    List {
        #[command(flatten)]
        channel: Name,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show a template, and what happened to it.
    Show(Key),
    /// Look at the vendor's list again and again, and print what changes, until no template waits for its review. Fails where one
    /// of those that waited was rejected.
    Watch {
        #[command(flatten)]
        channel: Name,
        /// Only templates of this name.
        name: Option<String>,
        /// How long to wait between two looks, in seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = EVERY, value_parser = clap::value_parser!(u64).range(1..))]
        every: u64,
    },
    /// Hold the channel's templates against the vendor's, and add all that are approved.
    Sync(Name),
    /// Add a template to the channel, so that it can be sent: one that the vendor has, or one by all its five fields.
    Add {
        #[command(flatten)]
        channel: Name,
        #[command(flatten)]
        template: Addition,
    },
    /// Remove a template from the channel. The vendor's stays.
    Remove(Key),
    /// Change a template at the vendor.
    Edit {
        #[command(flatten)]
        channel: Name,
        /// The draft, in the contract's form or the vendor's own; `-` is standard input.
        #[arg(value_name = "DRAFT.json")]
        draft: PathBuf,
        /// The vendor's id of the template; found by name and language where absent.
        #[arg(long)]
        id: Option<String>,
    },
    /// Delete a template at the vendor.
    Delete {
        #[command(flatten)]
        channel: Name,
        /// The template's name.
        name: String,
        /// Its language.
        #[arg(required_unless_present = "all_languages")]
        language: Option<String>,
        /// The vendor's id of it; found by name and language where absent.
        #[arg(long, requires = "language")]
        id: Option<String>,
        /// Delete it in all its languages.
        #[arg(long, conflicts_with = "language")]
        all_languages: bool,
    },
    /// Send a template.
    Send {
        #[command(flatten)]
        key: Key,
        /// The phone number.
        #[arg(long, value_name = "PHONE")]
        to: String,
        #[command(flatten)]
        parameters: Parameters,
        #[command(flatten)]
        delivery: Delivery,
    },
}

#[derive(Debug, Args)]
pub(super) struct Key {
    #[command(flatten)]
    channel: Name,
    /// The template's name.
    name: String,
    /// Its language, as it was approved.
    language: String,
}

#[derive(Debug, Args)]
pub(super) struct Listing {
    /// List those at the vendor, to the end of its list.
    #[arg(long)]
    vendor: bool,
    /// At most so many.
    #[arg(long, requires = "vendor")]
    limit: Option<u32>,
    /// Pass over so many first, where the vendor counts.
    #[arg(long, requires = "vendor")]
    offset: Option<u32>,
    /// The order, in the vendor's word.
    #[arg(long, requires = "vendor")]
    sort: Option<String>,
    /// Only this name.
    #[arg(long)]
    name: Option<String>,
    /// Only this language.
    #[arg(long)]
    language: Option<String>,
    /// Only this category.
    #[arg(long)]
    category: Option<String>,
    /// Only this status.
    #[arg(long)]
    status: Option<String>,
}

#[derive(Debug, Args, Serialize)]
pub(super) struct Addition {
    /// Its name.
    #[arg(long, required_unless_present = "id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its language.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Either of the vendor's ids of it.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Its text. With it the vendor is not asked.
    #[arg(long, requires_all = ["name", "language", "category"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// Its category.
    #[arg(long, requires = "content")]
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
}

/// Runs a command that talks to a host.
pub(super) async fn online(session: &Session, command: Online) -> Result<Status> {
    let remote = &session.remote;
    match command {
        Online::Submit {
            channel: Name { channel },
            drafts,
            add_when_approved,
            dry_run,
        } => {
            let query = [
                ("add", add_when_approved.then(|| "true".to_owned())),
                ("dry_run", dry_run.then(|| "true".to_owned())),
            ];
            return submit(session, &channel, &drafts, &query).await;
        }
        Online::List {
            channel: Name { channel },
            listing,
        } => list(session, &channel, listing).await?,
        Online::Show(key) => {
            let segments = key.segments();
            session.show(&remote.get(&segments, &[]).await?, template)?;
        }
        Online::Watch {
            channel: Name { channel },
            name,
            every,
        } => return watch(session, &channel, name.as_deref(), every).await,
        Online::Sync(Name { channel }) => {
            let segments = ["channels", &channel, "templates", "sync"];
            session.show(&remote.post(&segments, &json!({})).await?, synced)?;
        }
        Online::Add {
            channel: Name { channel },
            template: addition,
        } => {
            let segments = ["channels", &channel, "templates"];
            let answer = remote.post(&segments, &json!(addition)).await?;
            session.show(&answer, template)?;
        }
        Online::Remove(key) => {
            let request = remote.request(Method::DELETE, &key.segments(), &[]);
            session.show(&remote.send(request).await?, |_| "removed\n".to_owned())?;
        }
        Online::Edit {
            channel: Name { channel },
            draft,
            id,
        } => {
            let segments = ["channels", &channel, "vendor", "templates"];
            let request = remote.request(Method::PUT, &segments, &[("id", id)]);
            let request = request.header(CONTENT_TYPE, "application/json");
            let answer = remote.send(request.body(read(&draft)?)).await?;
            session.show(&answer, |it| submission(&draft.display().to_string(), it))?;
        }
        Online::Delete {
            channel: Name { channel },
            name,
            language,
            id,
            all_languages,
        } => {
            let mut segments = vec!["channels", &channel, "vendor", "templates", &name];
            segments.extend(language.as_deref());
            let query = [
                ("id", id),
                ("all_languages", all_languages.then(|| "true".to_owned())),
            ];
            let request = remote.request(Method::DELETE, &segments, &query);
            session.show(&remote.send(request).await?, |_| "deleted\n".to_owned())?;
        }
        Online::Send {
            key,
            to,
            parameters,
            delivery,
        } => {
            let mut content = parameters.message(&key.name, &key.language)?;
            content["type"] = "template".into();
            let message = json!({"to": {"phone": to}, "content": content}).to_string();
            let channel = &key.channel.channel;
            return messages::post(session, channel, message.into_bytes(), &delivery).await;
        }
    }
    Ok(Status::Done)
}

impl Key {
    fn segments(&self) -> [&str; 5] {
        let Name { channel } = &self.channel;
        ["channels", channel, "templates", &self.name, &self.language]
    }
}

/// Submits every draft, and goes on where one is refused.
async fn submit(
    session: &Session,
    channel: &str,
    drafts: &[PathBuf],
    query: &[(&str, Option<String>)],
) -> Result<Status> {
    let mut status = Status::Done;
    for path in drafts {
        let source = path.display().to_string();
        let submitted = async {
            let draft = read(path)?;
            let segments = ["channels", channel, "vendor", "templates"];
            let request = session.remote.request(Method::POST, &segments, query);
            let request = request.header(CONTENT_TYPE, "application/json");
            let mut answer = session.remote.send(request.body(draft)).await?;
            answer.value["source"] = source.clone().into();
            session.sum_up(&answer.value, |it| submission(&source, it))?;
            Ok::<_, anyhow::Error>(answer.value["not_added"].is_null())
        };
        match submitted.await {
            Ok(true) => {}
            // It is submitted, and not all that was asked for.
            Ok(false) => status = Status::Failed,
            Err(error) => {
                status = super::status(&error);
                refused(session, &source, &error)?;
            }
        }
    }
    Ok(status)
}

/// Tells which file was refused, and why.
fn refused(session: &Session, source: &str, error: &anyhow::Error) -> Result<()> {
    match error.downcast_ref::<Failure>() {
        Some(Failure::Problem(problem)) if session.json => {
            print_line(&json!({"source": source, "problem": problem.details}))?;
        }
        Some(failure) => complain(&anyhow::Error::from(Failure::Unreachable(format!(
            "{}: {failure}",
            channel_host::plain(source)
        )))),
        None => complain(error),
    }
    Ok(())
}

fn submission(source: &str, submission: &Value) -> String {
    let outcome = print::text(submission, "/outcome");
    let mut text = format!("{}: {outcome}", channel_host::plain(source));
    for (word, member) in [("", "/status"), ("", "/category"), ("id ", "/id")] {
        let value = print::text(submission, member);
        if !value.is_empty() {
            let _ = write!(text, ", {word}{value}");
        }
    }
    if submission["added"] == true {
        text += ", added";
    }
    let not_added = print::text(submission, "/not_added");
    if !not_added.is_empty() {
        let _ = write!(text, ", not added: {not_added}");
    }
    text + "\n"
}

async fn list(session: &Session, channel: &str, listing: Listing) -> Result<()> {
    let Listing {
        vendor,
        limit,
        offset,
        sort,
        name,
        language,
        category,
        status,
    } = listing;
    let filters = [
        ("name", name),
        ("language", language),
        ("category", category),
        ("status", status),
    ];
    if !vendor {
        let segments = ["channels", channel, "templates"];
        let mut answer = session.remote.get(&segments, &[]).await?;
        if let Some(templates) = answer.value["templates"].as_array_mut() {
            templates.retain(|template| {
                filters.iter().all(|(member, value)| {
                    let is = template[member].as_str().unwrap_or_default();
                    value
                        .as_ref()
                        .is_none_or(|value| value.eq_ignore_ascii_case(is))
                })
            });
        }
        return session.sum_up(&answer.value, templates);
    }
    let paging = [
        ("limit", limit.map(|it| it.to_string())),
        ("offset", offset.map(|it| it.to_string())),
        ("sort", sort),
    ];
    let query = [&filters[..], &paging[..]].concat();
    let is_page = limit.is_some() || offset.is_some();
    let listed = vendors(session, channel, &query, is_page).await?;
    session.sum_up(&listed, templates)
}

/// One page of the vendor's list, or all of it.
async fn vendors(
    session: &Session,
    channel: &str,
    query: &[(&str, Option<String>)],
    is_page: bool,
) -> Result<Value> {
    let segments = ["channels", channel, "vendor", "templates"];
    let mut cursor: Option<String> = None;
    let mut all = Vec::new();
    loop {
        let query = [query, &[("cursor", cursor.clone())]].concat();
        let mut page = session.remote.get(&segments, &query).await?.value;
        if let Some(templates) = page["templates"].as_array_mut() {
            all.append(templates);
        }
        let next = page["next"].as_str().map(str::to_owned);
        if is_page || next.is_none() || next == cursor {
            return Ok(json!({"templates": all, "next": next, "total": page["total"]}));
        }
        cursor = next;
    }
}

fn templates(answer: &Value) -> String {
    let rows = print::list(answer, "/templates").iter().map(|template| {
        let members = [
            "/name",
            "/language",
            "/category",
            "/status",
            "/quality",
            "/id",
        ];
        let [name, language, category, status, quality, id] =
            members.map(|member| print::text(template, member));
        [
            name,
            language,
            category,
            status,
            quality,
            reason(template),
            id,
        ]
    });
    let headings = [
        "NAME", "LANGUAGE", "CATEGORY", "STATUS", "QUALITY", "REASON", "ID",
    ];
    let mut text = print::listing(headings, rows, "there is no template");
    let total = print::text(answer, "/total");
    if !total.is_empty() && !print::text(answer, "/next").is_empty() {
        let _ = writeln!(text, "there are {total} in all");
    }
    text
}

/// Why a template was rejected, in the vendor's word, and what its channel says to do about it.
fn reason(template: &Value) -> String {
    let said = ["/rejected_reason", "/attributes/~1remedy"].map(|it| print::text(template, it));
    let said: Vec<_> = said.into_iter().filter(|it| !it.is_empty()).collect();
    said.join(": ")
}

fn template(template: &Value) -> String {
    let sendable = match template["sendable"].as_bool() {
        Some(true) => "yes".to_owned(),
        Some(false) => format!("no: it is {}", print::text(template, "/status")),
        None => String::new(),
    };
    let mut text = print::pairs([
        ("template", print::text(template, "/name")),
        ("language", print::text(template, "/language")),
        ("can be sent", sendable),
        ("status", print::text(template, "/status")),
        ("reason", reason(template)),
        ("quality", print::text(template, "/quality")),
        ("category", print::text(template, "/category")),
        ("before", print::text(template, "/previous_category")),
        ("will be", print::text(template, "/coming_category")),
        ("id", print::text(template, "/id")),
        ("external id", print::text(template, "/external_id")),
        ("namespace", print::text(template, "/namespace")),
        ("body", print::text(template, "/content/body/text/text")),
    ]);
    let steps = print::list(template, "/history");
    if !steps.is_empty() {
        let rows = steps
            .iter()
            .map(|step| [print::text(step, "/time"), happened(step)]);
        text += &print::listing(["TIME", "WHAT"], rows, "");
    }
    text
}

/// What an event says of a template.
fn happened(event: &Value) -> String {
    let change = &event["stored_template"];
    if !change.is_object() {
        let told = event["template"]["change"].as_object();
        let told = told.into_iter().flatten();
        let words = told.filter(|(name, value)| *name != "type" && !value.is_null());
        let words = words.map(|(name, value)| format!("{name}: {}", print::text(value, "")));
        return format!("the vendor: {}", words.collect::<Vec<_>>().join(", "));
    }
    let (before, after) = (&change["before"], &change["after"]);
    match (before.is_object(), after.is_object()) {
        (false, _) => format!("added: {}", print::text(after, "/status")),
        (true, false) => "removed".to_owned(),
        (true, true) => {
            let members = ["status", "category", "quality", "rejected_reason"];
            let mut changes: Vec<_> = members
                .iter()
                .filter(|member| before[**member] != after[**member])
                .map(|member| {
                    let pointer = format!("/{member}");
                    let [was, is] = [before, after].map(|it| print::text(it, &pointer));
                    format!("{member}: {was} -> {is}")
                })
                .collect();
            if change["content_changed"] == true {
                changes.push("another content".to_owned());
            }
            changes.join(", ")
        }
    }
}

fn synced(synced: &Value) -> String {
    let mut text = format!("{} at the vendor\n", print::text(synced, "/listed"));
    for (word, member) in [
        ("added", "/added"),
        ("changed", "/changed"),
        ("gone", "/gone"),
    ] {
        for key in print::list(synced, member) {
            let _ = writeln!(text, "{word}: {}", named(key));
        }
    }
    for left in print::list(synced, "/left") {
        let _ = write!(
            text,
            "not added, {}: {}",
            print::text(left, "/status"),
            named(left)
        );
        let reason = reason(left);
        if !reason.is_empty() {
            let _ = write!(text, " ({reason})");
        }
        text.push('\n');
    }
    text
}

/// A template's name and language.
pub(super) fn named(key: &Value) -> String {
    format!(
        "{} {}",
        print::text(key, "/name"),
        print::text(key, "/language")
    )
}

/// How often in a row a look may fail before the watch ends.
const FAILED_LOOKS: u32 = 10;

async fn watch(session: &Session, channel: &str, name: Option<&str>, every: u64) -> Result<Status> {
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    let mut waited = BTreeSet::new();
    let mut failed = 0;
    loop {
        let now = match look(session, channel, name).await {
            Ok(now) => now,
            Err(error) if super::status(&error) == Status::Failed && failed < FAILED_LOOKS => {
                complain(&error);
                failed += 1;
                tokio::time::sleep(Duration::from_secs(every)).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        failed = 0;
        for (key, template) in &now {
            if known.get(key).map(seen) != Some(seen(template)) {
                session.sum_up(template, |it| {
                    let [status, category, quality] = seen(it);
                    let said = [status, category, quality, reason(it)];
                    let said: Vec<_> = said.into_iter().filter(|it| !it.is_empty()).collect();
                    format!("{key}: {}\n", said.join(", "))
                })?;
            }
        }
        let is = |key: &String, status: &str| now.get(key).is_some_and(|it| it["status"] == status);
        let pending: Vec<_> = now
            .keys()
            .filter(|key| is(key, "pending"))
            .cloned()
            .collect();
        if pending.is_empty() {
            let is_named = name.is_none() || !now.is_empty();
            let is_done = is_named && waited.iter().all(|key| is(key, "approved"));
            return Ok(if is_done {
                Status::Done
            } else {
                Status::Refused
            });
        }
        waited.extend(pending);
        known = now;
        tokio::time::sleep(Duration::from_secs(every)).await;
    }
}

/// How a template stands, in the words that `watch` tells of.
fn seen(template: &Value) -> [String; 3] {
    ["/status", "/category", "/quality"].map(|member| print::text(template, member))
}

/// What the vendor lists now, by name and language; the channel's templates are held against it, and none is added.
async fn look(
    session: &Session,
    channel: &str,
    name: Option<&str>,
) -> Result<BTreeMap<String, Value>> {
    let segments = ["channels", channel, "templates", "sync"];
    let add = [("add", Some("false".to_owned()))];
    let request = session.remote.request(Method::POST, &segments, &add);
    session.remote.send(request).await?;
    let query = [("name", name.map(str::to_owned))];
    let listed = vendors(session, channel, &query, false).await?;
    let listed = print::list(&listed, "/templates").iter();
    Ok(listed.map(|it| (named(it), it.clone())).collect())
}
