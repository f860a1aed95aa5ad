//! The business's account: its profile, its number, and whom it has blocked.
#![allow(clippy::result_large_err, reason = "the errors are the contract's own")]

use serde::Serialize;
use serde_json::{Value, json};

use crate::api::{self, Call, Client, Http, JSON, object, percent_encoded};
use crate::bindings::exports::messaging::channel::account::{
    AccountError, BlockedPage, BusinessNumber, BusinessProfile,
};
use crate::bindings::messaging::channel::types::{Contact, Error, Problem, Recipient};
use crate::connection::{STATUS, entities};
use crate::message::{phone, user_id};
use crate::problem::Problems;
use crate::settings::Api;
use crate::url::Url;

/// 360dialog, business profile: the members that it tells.
const PROFILE: &str = "/whatsapp_business_profile";
const PROFILE_FIELDS: &str = "?fields=about,address,description,email,profile_picture_url,websites,vertical,messaging_product";

/// 360dialog, block users.
const BLOCKED: &str = "/block_users";

/// Graph API, WhatsApp Business phone number: the field of the messaging limit. (Cloud API, messaging limits.)
const LIMIT_FIELD: &str = "whatsapp_business_manager_messaging_limit";

const SOURCE_PROFILE: &str = "360dialog, business profile";
const SOURCE_BLOCKED: &str = "360dialog, block users";

/// What people see of the business.
///
/// # Errors
///
/// What 360dialog, or the way to it, said.
pub fn profile(http: &impl Http, settings: &str) -> Result<BusinessProfile, Error> {
    let client = cloud(http, settings)?;
    let answer = object(client.get(&format!("{PROFILE}{PROFILE_FIELDS}"), Vec::new()))?;
    // The Graph API gives a list of one.
    let profile = answer.pointer("/data/0").unwrap_or(&answer);
    let text = |name| api::text(profile.get(name));
    Ok(BusinessProfile {
        about: text("about"),
        address: text("address"),
        description: text("description"),
        email: text("email"),
        websites: profile
            .get("websites")
            .and_then(Value::as_array)
            .map(|websites| {
                websites
                    .iter()
                    .filter_map(|website| api::text(Some(website)))
                    .collect()
            }),
        industry: text("vertical"),
        picture_url: text("profile_picture_url"),
        picture_handle: None,
    })
}

/// What the Cloud API takes; what is absent stays as it is.
#[derive(Serialize)]
struct Change<'a> {
    messaging_product: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    websites: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vertical: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_picture_handle: Option<&'a str>,
}

/// Changes what people see of the business.
///
/// # Errors
///
/// What breaks a rule, all of it; or what 360dialog, or the way to it, said.
pub fn update_profile(
    http: &impl Http,
    settings: &str,
    profile: &BusinessProfile,
) -> Result<(), AccountError> {
    let client = cloud(http, settings).map_err(AccountError::Failed)?;
    let problems = check(profile);
    if !problems.is_empty() {
        return Err(AccountError::Invalid(problems));
    }
    let change = Change {
        messaging_product: "whatsapp",
        about: profile.about.as_deref(),
        address: profile.address.as_deref(),
        description: profile.description.as_deref(),
        email: profile.email.as_deref(),
        websites: profile.websites.as_deref(),
        vertical: profile.industry.as_deref(),
        profile_picture_handle: profile.picture_handle.as_deref(),
    };
    // Strings and lists of them: nothing in it can fail to be written.
    let body = serde_json::to_vec(&change).unwrap_or_default();
    let result = client.send("POST", PROFILE, JSON, body);
    api::answer(result, Call::Repeatable)
        .map(drop)
        .map_err(AccountError::Failed)
}

/// 360dialog, business profile: address 256, description 512, email 128, two websites of 256 characters.
fn check(profile: &BusinessProfile) -> Vec<Problem> {
    let mut problems = Problems::default();
    for (pointer, text, max) in [
        ("/address", &profile.address, 256),
        ("/description", &profile.description, 512),
        ("/email", &profile.email, 128),
    ] {
        if let Some(text) = text {
            problems.length(pointer, text, max, SOURCE_PROFILE);
        }
    }
    if profile
        .email
        .as_ref()
        .is_some_and(|email| !email.is_empty() && !email.contains('@'))
    {
        problems.add(
            "/email",
            "bad_email",
            "This is no e-mail address: write it as in shop@example.com",
            SOURCE_PROFILE,
        );
    }
    let websites = profile.websites.as_deref().unwrap_or_default();
    if websites.len() > 2 {
        problems.add(
            "/websites",
            "too_many",
            "There can be two websites: leave the others out",
            SOURCE_PROFILE,
        );
    }
    for (at, website) in websites.iter().enumerate() {
        let pointer = format!("/websites/{at}");
        problems.length(&pointer, website, 256, SOURCE_PROFILE);
        if let Err(reason) = Url::parse(website) {
            problems.add(
                pointer,
                "bad_url",
                format_args!("The website {reason}: write its whole address"),
                SOURCE_PROFILE,
            );
        }
    }
    if profile.picture_url.is_some() {
        problems.add(
            "/picture_url",
            "read_only",
            "The picture is not changed by an address: upload it for this purpose, and give the handle as picture_handle",
            SOURCE_PROFILE,
        );
    }
    let BusinessProfile {
        about,
        address,
        description,
        email,
        websites,
        industry,
        picture_url,
        picture_handle,
    } = profile;
    if [
        about,
        address,
        description,
        email,
        industry,
        picture_url,
        picture_handle,
    ]
    .iter()
    .all(|member| member.is_none())
        && websites.is_none()
    {
        problems.add(
            "",
            "nothing_to_change",
            "Nothing is to be changed: give a member of the profile",
            SOURCE_PROFILE,
        );
    }
    problems.into_vec()
}

/// The number and its quality.
///
/// # Errors
///
/// What 360dialog, or the way to it, said.
pub fn number(http: &impl Http, settings: &str) -> Result<BusinessNumber, Error> {
    let client = cloud(http, settings)?;
    // Whether 360dialog passes the field of the limit on is not documented; the others it does.
    let with_limit = client.get(&format!("{STATUS},{LIMIT_FIELD}"), Vec::new());
    let status = match with_limit {
        Ok(response) if response.status == 400 => object(client.get(STATUS, Vec::new())),
        result => object(result),
    }?;
    let mut taken = Vec::new();
    let mut take = |pointer: &str| {
        let found = api::text(status.pointer(pointer))?;
        taken.push(pointer.to_owned());
        Some(found)
    };
    let id = take("/id").or_else(|| {
        let number = entities(&status).find(|entity| entity["entity_type"] == "PHONE_NUMBER")?;
        api::text(number.get("id"))
    });
    Ok(BusinessNumber {
        id,
        phone_number: take("/display_phone_number"),
        verified_name: take("/verified_name"),
        name_status: take("/name_status"),
        quality: take("/quality_rating"),
        messaging_limit: take(&format!("/{LIMIT_FIELD}")),
        attributes: api::scalars(&status, &taken),
    })
}

/// One page of the people who are blocked.
///
/// # Errors
///
/// What 360dialog, or the way to it, said.
pub fn blocked(
    http: &impl Http,
    settings: &str,
    cursor: Option<&str>,
) -> Result<BlockedPage, Error> {
    let client = cloud(http, settings)?;
    let after = cursor.map(|cursor| format!("&after={}", percent_encoded(cursor)));
    let page = object(client.get(
        &format!("{BLOCKED}?limit=100{}", after.unwrap_or_default()),
        Vec::new(),
    ))?;
    let people = page
        .get("data")
        .and_then(Value::as_array)
        .map(Vec::as_slice);
    let contacts = people
        .unwrap_or_default()
        .iter()
        .filter_map(|person| {
            api::contact(
                api::text(person.get("wa_id")),
                api::text(person.get("user_id")),
            )
        })
        .collect();
    // The last page has a cursor as well, but nothing that leads on.
    let leads_on = page
        .pointer("/paging/next")
        .is_some_and(|next| !next.is_null());
    Ok(BlockedPage {
        contacts,
        next: api::text(page.pointer("/paging/cursors/after")).filter(|_| leads_on),
    })
}

/// Blocks people.
///
/// # Errors
///
/// Whoever is no person, all of them; or what 360dialog, or the way to it, said.
pub fn block(http: &impl Http, settings: &str, people: &[Recipient]) -> Result<(), AccountError> {
    change_blocked(http, settings, "POST", people)
}

/// Blocks people no longer.
///
/// # Errors
///
/// As [`block`].
pub fn unblock(http: &impl Http, settings: &str, people: &[Recipient]) -> Result<(), AccountError> {
    change_blocked(http, settings, "DELETE", people)
}

fn change_blocked(
    http: &impl Http,
    settings: &str,
    method: &str,
    people: &[Recipient],
) -> Result<(), AccountError> {
    let client = cloud(http, settings).map_err(AccountError::Failed)?;
    let mut problems = Problems::default();
    let mut users = Vec::new();
    for (at, person) in people.iter().enumerate() {
        let at = format!("/recipients/{at}");
        let (_, to, recipient) = match person {
            Recipient::Phone(number) => phone(&format!("{at}/phone"), number, &mut problems),
            Recipient::UserId(id) => user_id(&format!("{at}/user_id"), id, &mut problems),
            Recipient::Contact(Contact {
                phone: Some(number),
                ..
            }) => phone(&format!("{at}/contact/phone"), number, &mut problems),
            Recipient::Contact(Contact {
                user_id: Some(id), ..
            }) => user_id(&format!("{at}/contact/user_id"), id, &mut problems),
            Recipient::Contact(_) | Recipient::Group(_) => {
                problems.add(
                    at,
                    "no_person",
                    "Only people are blocked: give a phone or a user_id",
                    SOURCE_BLOCKED,
                );
                continue;
            }
        };
        users.push(json!({ "user": to.as_deref().or(recipient) }));
    }
    if people.is_empty() {
        problems.add(
            "/recipients",
            "missing",
            "Nobody is named: give a phone or a user_id",
            SOURCE_BLOCKED,
        );
    }
    let users = problems.or(users).map_err(AccountError::Invalid)?;
    let body = json!({"messaging_product": "whatsapp", "block_users": users});
    let result = client.send(method, BLOCKED, JSON, body.to_string().into_bytes());
    api::answer(result, Call::Repeatable)
        .map(drop)
        .map_err(AccountError::Failed)
}

/// The API, where it is the Cloud API.
fn cloud<'a, H: Http>(http: &'a H, settings: &'a str) -> Result<Client<'a, H>, Error> {
    let client = Client::new(http, settings)?;
    match client.api() {
        Api::Cloud => Ok(client),
        Api::Sandbox | Api::OnPremise => Err(api::invalid(
            "Only the Cloud API tells of the account",
            "Use a number of your own, with api \"cloud\" in the settings",
        )),
    }
}

#[cfg(test)]
mod tests;
