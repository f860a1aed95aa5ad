//! Templates at the vendor: 360dialog's `/message_templates`, which is Meta's, and its older `/v1/configs/templates`.
//!
//! The on-premise API has the older one alone. On the Cloud API one of both is asked, and the other where that is not there: 360dialog
//! gives the older one up, and says of neither that every number has it.
//!
//! Ids: lists of `/message_templates` have Meta's id, which stands for both here; those of `/v1/configs/templates` have 360dialog's,
//! and Meta's as `external_id`. The answer to a creation names Meta's in either, unless it holds the whole template.

use serde_json::{Value, json};

use super::{read, write};
use crate::api::{self, Call, Client, Http, object, percent_encoded};
use crate::bindings::exports::messaging::channel::template_store::{Listing, Page, TemplateError};
use crate::bindings::messaging::channel::http::{Failure, Response};
use crate::bindings::messaging::channel::templates::{Definition, TemplateKey};
use crate::bindings::messaging::channel::types::Error;
use crate::settings::{Api, TemplateApi};

/// The members that 360dialog's documentation asks for.
const FIELDS: &str = "id,name,status,category,language,components,rejected_reason,quality_score";
/// Those that Meta has besides. (Cloud API, message templates.)
const MORE_FIELDS: &str =
    ",parameter_format,message_send_ttl_seconds,previous_category,correct_category";

/// What a cursor of ours begins with: `/v1/configs/templates` has none, and counts.
const OFFSET: &str = "offset:";

/// How many templates are asked for at once where nobody says how many: an unverified business has no more. (Cloud API, template
/// limits.)
const AT_ONCE: u32 = 250;

/// The most pages that are read to find some: more than an account can fill.
const MOST_PAGES: u32 = 100;

impl TemplateApi {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Graph => "/message_templates",
            Self::Configs => "/v1/configs/templates",
        }
    }
}

/// The number's API, where it has templates to manage.
pub(super) fn managed<'a, H: Http>(
    http: &'a H,
    settings: &'a str,
) -> Result<Client<'a, H>, TemplateError> {
    let client = Client::new(http, settings).map_err(TemplateError::Failed)?;
    match client.api() {
        Api::Cloud | Api::OnPremise => Ok(client),
        Api::Sandbox => Err(TemplateError::Failed(api::invalid(
            "The sandbox has two templates of its own, and manages none",
            "Use a number of your own, with api \"cloud\" in the settings",
        ))),
    }
}

/// Asks one of both APIs, and the other where there is no such path. Returns which one answered.
pub(super) fn ask<H: Http>(
    client: &Client<'_, H>,
    request: impl Fn(TemplateApi) -> Result<Response, Failure>,
) -> (TemplateApi, Result<Response, Failure>) {
    let (first, second) = match (client.api(), client.settings.template_api) {
        (Api::OnPremise, _) => (TemplateApi::Configs, None),
        (_, Some(TemplateApi::Configs)) => (TemplateApi::Configs, Some(TemplateApi::Graph)),
        _ => (TemplateApi::Graph, Some(TemplateApi::Configs)),
    };
    let result = request(first);
    if is_missing(&result)
        && let Some(second) = second
    {
        let other = request(second);
        if !is_missing(&other) {
            return (second, other);
        }
    }
    (first, result)
}

pub(super) fn is_missing(result: &Result<Response, Failure>) -> bool {
    matches!(result, Ok(Response { status: 404, .. }))
}

/// One page of the templates at the vendor.
///
/// The name is filtered by where the API is known to; everything else is here, so a page may hold fewer, or none.
///
/// # Errors
///
/// What 360dialog, or the way to it, said.
pub fn list(http: &impl Http, settings: &str, listing: &Listing) -> Result<Page, TemplateError> {
    let client = managed(http, settings)?;
    let (_, page) = page(&client, listing).map_err(TemplateError::Failed)?;
    Ok(page)
}

fn page<H: Http>(client: &Client<'_, H>, listing: &Listing) -> Result<(TemplateApi, Page), Error> {
    let cursor = listing.cursor.as_deref();
    let offset = cursor.and_then(|cursor| cursor.strip_prefix(OFFSET)?.parse().ok());
    let offset = offset.or(listing.offset);
    let get = |api| match api {
        TemplateApi::Graph => graph_page(client, listing),
        TemplateApi::Configs => configs_page(client, listing, offset),
    };
    let (api, result) = match cursor {
        Some(cursor) if cursor.starts_with(OFFSET) => {
            (TemplateApi::Configs, get(TemplateApi::Configs))
        }
        Some(_) => (TemplateApi::Graph, get(TemplateApi::Graph)),
        None => ask(client, get),
    };
    let response = api::answer(result, Call::Repeatable)?;
    let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let member = match api {
        TemplateApi::Graph => "data",
        TemplateApi::Configs => "waba_templates",
    };
    // Any web server answers 200: without a list it is another's answer.
    let items = answer.get(member).and_then(Value::as_array);
    let items = items.ok_or_else(|| api::unreadable(&response))?;
    let definition = |item| {
        let mut definition = read::definition(item)?;
        if api == TemplateApi::Graph && definition.external_id.is_none() {
            definition.external_id.clone_from(&definition.id);
        }
        Some(definition)
    };
    let (next, total) = match api {
        TemplateApi::Graph => {
            // The last page has a cursor as well, but nothing that leads on; the address may be of another host.
            let leads_on = answer
                .pointer("/paging/next")
                .is_some_and(|next| !next.is_null());
            let after = api::text(answer.pointer("/paging/cursors/after"));
            (after.filter(|_| leads_on), None)
        }
        TemplateApi::Configs => {
            let total = answer.get("total").and_then(Value::as_u64);
            let end = u64::from(offset.unwrap_or_default()) + items.len() as u64;
            let leads_on = !items.is_empty() && total.is_some_and(|total| end < total);
            (leads_on.then(|| format!("{OFFSET}{end}")), total)
        }
    };
    let is_filtered_here = listing.language.is_some()
        || listing.category.is_some()
        || listing.status.is_some()
        || (listing.name.is_some() && !filters_by_name(client));
    Ok((
        api,
        Page {
            templates: items
                .iter()
                .filter_map(definition)
                .filter(|definition| is_wanted(definition, listing))
                .collect(),
            next,
            total: total
                .filter(|_| !is_filtered_here)
                .and_then(|total| total.try_into().ok()),
        },
    ))
}

fn is_wanted(definition: &Definition, listing: &Listing) -> bool {
    let category = listing.category.as_ref();
    listing.name.as_ref().is_none_or(|name| definition.name == *name)
        && (listing.language.as_ref())
            .is_none_or(|language| is_same_language(&definition.language, language))
        // It may be named in the vendor's word.
        && category.is_none_or(|wanted| definition.category == read::category(write::category(wanted)))
        && (listing.status.as_ref())
            .is_none_or(|wanted| definition.status == read::status(write::status(wanted)))
}

/// Webhooks write `en-US` for `en_US`. (Cloud API, `message_template_status_update`.)
pub(super) fn is_same_language(a: &str, b: &str) -> bool {
    a.replace('-', "_")
        .eq_ignore_ascii_case(&b.replace('-', "_"))
}

/// `GET /message_templates`: nothing but the page and the members is chosen by a documented parameter.
fn graph_page<H: Http>(client: &Client<'_, H>, listing: &Listing) -> Result<Response, Failure> {
    let path = TemplateApi::Graph.path();
    // By itself it lists 25.
    let limit = listing.limit.unwrap_or(AT_ONCE);
    let after = listing.cursor.as_deref().map(percent_encoded);
    let after = after.map(|cursor| format!("&after={cursor}"));
    let query = format!("&limit={limit}{}", after.unwrap_or_default());
    // Whether 360dialog passes all of Meta's members on is not documented.
    match client.get(
        &format!("{path}?fields={FIELDS}{MORE_FIELDS}{query}"),
        Vec::new(),
    ) {
        Ok(response) if response.status == 400 => {
            client.get(&format!("{path}?fields={FIELDS}{query}"), Vec::new())
        }
        result => result,
    }
}

/// `GET /v1/configs/templates`, with what is asked for and nothing else.
fn configs_page<H: Http>(
    client: &Client<'_, H>,
    listing: &Listing,
    offset: Option<u32>,
) -> Result<Response, Failure> {
    let name = listing.name.as_ref().filter(|_| filters_by_name(client));
    let filters = name.map(|name| json!({"business_templates.name": name}).to_string());
    let query: Vec<_> = [
        ("limit", listing.limit.map(|limit| limit.to_string())),
        ("offset", offset.map(|offset| offset.to_string())),
        ("sort", listing.sort.clone()),
        ("filters", filters),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("{name}={}", percent_encoded(&value?))))
    .collect();
    let path = TemplateApi::Configs.path();
    if query.is_empty() {
        client.get(path, Vec::new())
    } else {
        client.get(&format!("{path}?{}", query.join("&")), Vec::new())
    }
}

/// Whether `/v1/configs/templates` takes a filter for the name: that of the on-premise API sorts by other names, and may filter by
/// others as well.
fn filters_by_name<H: Http>(client: &Client<'_, H>) -> bool {
    client.api() == Api::Cloud
}

/// Which templates to look for.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// With this id, in one of its two forms.
    Id(&'a str),
    /// All languages of this name.
    Name(&'a str),
    /// The one with this key.
    Key(&'a str, &'a str),
}

impl<'a> Wanted<'a> {
    /// By the id, where there is one.
    pub(super) fn new(id: Option<&'a str>, key: &'a TemplateKey) -> Self {
        id.map_or(Self::Key(&key.name, &key.language), Self::Id)
    }

    pub(super) fn matches(self, template: &Definition) -> bool {
        match self {
            Self::Id(id) => [&template.id, &template.external_id]
                .into_iter()
                .any(|its| its.as_deref() == Some(id)),
            Self::Name(name) => template.name == name,
            Self::Key(name, language) => {
                template.name == name && is_same_language(&template.language, language)
            }
        }
    }
}

/// The templates at the vendor that are wanted, and which API has them.
pub(super) fn find<H: Http>(
    client: &Client<'_, H>,
    wanted: Wanted<'_>,
) -> Result<(TemplateApi, Vec<Definition>), Error> {
    let mut listing = Listing {
        // The on-premise API lists a thousand by itself.
        limit: (client.api() == Api::Cloud).then_some(AT_ONCE),
        cursor: None,
        offset: None,
        sort: None,
        name: match wanted {
            Wanted::Id(_) => None,
            Wanted::Name(name) | Wanted::Key(name, _) => Some(name.to_owned()),
        },
        language: None,
        category: None,
        status: None,
    };
    let mut found = Vec::new();
    let mut pages = 0;
    loop {
        let (api, page) = page(client, &listing)?;
        found.extend(
            page.templates
                .into_iter()
                .filter(|template| wanted.matches(template)),
        );
        pages += 1;
        let is_all = !found.is_empty() && !matches!(wanted, Wanted::Name(_));
        if is_all || page.next.is_none() || pages == MOST_PAGES {
            return Ok((api, found));
        }
        listing.cursor = page.next;
    }
}

/// What an answer to a change says; that there is no such template is no failure of the vendor's.
pub(super) fn changed(result: Result<Response, Failure>) -> Result<Value, TemplateError> {
    if is_missing(&result) {
        return Err(TemplateError::Missing);
    }
    object(result).map_err(TemplateError::Failed)
}
