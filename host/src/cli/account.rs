//! `account`: the business's account at the vendor.

use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::channels::Name;
use super::contacts::Contact;
use super::{Session, Status, print};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what people see of the business.
    Profile(Name),
    /// Change what people see of the business. What is not named is left as it is.
    SetProfile {
        #[command(flatten)]
        channel: Name,
        #[command(flatten)]
        profile: Profile,
    },
    /// Show the number, its quality and its limit.
    Number(Name),
    /// List the people who are blocked.
    Blocked {
        #[command(flatten)]
        channel: Name,
        /// Go on where the page before ended.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Block a person.
    Block {
        #[command(flatten)]
        channel: Name,
        #[command(flatten)]
        person: Contact,
    },
    /// Block a person no longer.
    Unblock {
        #[command(flatten)]
        channel: Name,
        #[command(flatten)]
        person: Contact,
    },
}

#[derive(Debug, Args, Serialize)]
#[group(required = true, multiple = true)]
pub(super) struct Profile {
    /// A line about the business.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    /// Its address.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Its description.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Its e-mail address.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// A web page of it; can be given several times, and replaces all that there are.
    #[arg(long = "website", value_name = "URL")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    websites: Vec<String>,
    /// Its line of business, in the vendor's word.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    industry: Option<String>,
    /// The vendor's handle of a picture that was uploaded for this.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    picture_handle: Option<String>,
}

/// Runs one command.
pub(super) async fn run(session: &Session, command: Command) -> Result<Status> {
    let remote = &session.remote;
    match command {
        Command::Profile(Name { channel }) => {
            let segments = ["channels", &channel, "profile"];
            session.show(&remote.get(&segments, &[]).await?, profile)?;
        }
        Command::SetProfile {
            channel: Name { channel },
            profile,
        } => {
            let segments = ["channels", &channel, "profile"];
            let request = remote.request(Method::PATCH, &segments, &[]);
            let answer = remote.send(request.json(&profile)).await?;
            session.show(&answer, |_| "changed\n".to_owned())?;
        }
        Command::Number(Name { channel }) => {
            let segments = ["channels", &channel, "number"];
            session.show(&remote.get(&segments, &[]).await?, number)?;
        }
        Command::Blocked {
            channel: Name { channel },
            cursor,
        } => {
            let segments = ["channels", &channel, "blocked"];
            let query = [("cursor", cursor)];
            session.show(&remote.get(&segments, &query).await?, blocked)?;
        }
        Command::Block {
            channel: Name { channel },
            person,
        } => {
            let recipient = match (person.phone, person.user_id) {
                (Some(phone), _) => json!({"phone": phone}),
                (None, user_id) => json!({"user_id": user_id}),
            };
            let body = json!({"recipients": [recipient]});
            let segments = ["channels", &channel, "blocked"];
            let answer = remote.post(&segments, &body).await?;
            session.show(&answer, |_| "blocked\n".to_owned())?;
        }
        Command::Unblock {
            channel: Name { channel },
            person,
        } => {
            let query = [("phone", person.phone), ("user_id", person.user_id)];
            let segments = ["channels", &channel, "blocked"];
            let request = remote.request(Method::DELETE, &segments, &query);
            let answer = remote.send(request).await?;
            session.show(&answer, |_| "no longer blocked\n".to_owned())?;
        }
    }
    Ok(Status::Done)
}

fn profile(profile: &Value) -> String {
    let websites = print::list(profile, "/websites").iter();
    let websites: Vec<_> = websites.map(|website| print::text(website, "")).collect();
    let text = print::pairs([
        ("about", print::text(profile, "/about")),
        ("address", print::text(profile, "/address")),
        ("description", print::text(profile, "/description")),
        ("e-mail", print::text(profile, "/email")),
        ("websites", websites.join(" ")),
        ("industry", print::text(profile, "/industry")),
        ("picture", print::text(profile, "/picture_url")),
    ]);
    if text.is_empty() {
        "the profile is empty\n".to_owned()
    } else {
        text
    }
}

fn number(number: &Value) -> String {
    print::pairs([
        ("number", print::text(number, "/phone_number")),
        ("id", print::text(number, "/id")),
        ("name", print::text(number, "/verified_name")),
        ("name's review", print::text(number, "/name_status")),
        ("quality", print::text(number, "/quality")),
        ("messaging limit", print::text(number, "/messaging_limit")),
    ])
}

fn blocked(page: &Value) -> String {
    let rows = print::list(page, "/contacts")
        .iter()
        .map(|person| ["/phone", "/user_id"].map(|member| print::text(person, member)));
    let mut text = print::listing(["PHONE", "USER ID"], rows, "nobody is blocked");
    let next = print::text(page, "/next");
    if !next.is_empty() {
        for part in ["there are more: --cursor ", &next, "\n"] {
            text += part;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_the_last_names_the_next() {
        let mut page =
            json!({"contacts": [{"phone": "16315551234"}, {"user_id": "US.1"}], "next": "c2"});
        let listed = "PHONE        USER ID\n16315551234\n             US.1\n";
        assert_eq!(
            blocked(&page),
            format!("{listed}there are more: --cursor c2\n")
        );
        page = json!({"contacts": []});
        assert_eq!(blocked(&page), "nobody is blocked\n");
    }

    #[test]
    fn only_what_is_named_is_changed() -> Result<()> {
        use clap::{FromArgMatches as _, Subcommand as _};

        let of = |arguments: &[&str]| {
            let command = Command::augment_subcommands(clap::Command::new("account"));
            let matches = command
                .try_get_matches_from([&["account", "set-profile", "Shop"], arguments].concat());
            Command::from_arg_matches(&matches?)
        };
        let Command::SetProfile { profile, .. } =
            of(&["--about", "Plants", "--website", "https://example.com"])?
        else {
            panic!("another command");
        };
        let expected = json!({"about": "Plants", "websites": ["https://example.com"]});
        assert_eq!(serde_json::to_value(profile)?, expected);
        assert!(of(&[]).is_err(), "nothing is changed");
        Ok(())
    }
}
