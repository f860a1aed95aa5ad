//! The templates at the vendor, as the plugin speaks of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::TemplatesError;
use crate::capability::{Http, Lent};
use crate::channel::Channel;
use crate::contract::http::{Failure, Request, Response};
use crate::contract::template_store::{Deletion, Listing, Page, Submitted, TemplateError};
use crate::contract::templates::Draft;
use crate::host::Shared;
use crate::{CallError, Instance};

/// One page of the vendor's list.
pub(crate) async fn page(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    listing: &Listing,
) -> Result<Page, TemplatesError> {
    ask(
        host,
        channel,
        "template-store.list",
        async |sandbox, settings| sandbox.list_templates(settings, listing).await,
    )
    .await
}

/// What the vendor said, and whether more was asked of it than how things stand.
pub(super) type Noted = (Result<Submitted, TemplatesError>, bool);

/// Submits a draft. A trial asks nothing of the vendor but how things stand: it fails where more would be needed.
pub(super) async fn submit(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    draft: &Draft,
    is_trial: bool,
) -> Noted {
    let submit =
        async |sandbox: &mut Instance, settings: &str| sandbox.submit(settings, draft).await;
    noted(host, channel, is_trial, "template-store.submit", submit).await
}

/// Changes a template, likewise.
pub(super) async fn edit(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    (id, draft): (Option<&str>, &Draft),
    is_trial: bool,
) -> Noted {
    let edit = async |sandbox: &mut Instance, settings: &str| {
        sandbox.edit_template(settings, id, draft).await
    };
    noted(host, channel, is_trial, "template-store.edit", edit).await
}

async fn noted(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    is_trial: bool,
    function: &'static str,
    call: impl AsyncFnOnce(&mut Instance, &str) -> Result<Result<Submitted, TemplateError>, CallError>,
) -> Noted {
    let noting = Arc::new(Noting {
        http: Arc::clone(&channel.current().http) as _,
        is_trial,
        wrote: AtomicBool::new(false),
    });
    let http = Arc::clone(&noting) as _;
    let submitted = ask_by(host, channel, http, function, call).await;
    (submitted, noting.wrote.load(Ordering::Relaxed))
}

/// Deletes templates.
pub(crate) async fn delete(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    deletion: &Deletion,
) -> Result<(), TemplatesError> {
    ask(
        host,
        channel,
        "template-store.delete",
        async |sandbox, settings| sandbox.delete_templates(settings, deletion).await,
    )
    .await
}

/// A call that may ask the vendor, and has no storage.
async fn ask<T>(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    function: &'static str,
    call: impl AsyncFnOnce(&mut Instance, &str) -> Result<Result<T, TemplateError>, CallError>,
) -> Result<T, TemplatesError> {
    let http = Arc::clone(&channel.current().http) as _;
    ask_by(host, channel, http, function, call).await
}

async fn ask_by<T>(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    http: Arc<dyn Http>,
    function: &'static str,
    call: impl AsyncFnOnce(&mut Instance, &str) -> Result<Result<T, TemplateError>, CallError>,
) -> Result<T, TemplatesError> {
    let lent = Lent {
        http: Some(http),
        storage: None,
    };
    let settings = &channel.current().settings;
    let call = async |sandbox: &mut Instance| call(sandbox, settings).await;
    Ok(channel.call(host, function, lent, call).await??)
}

/// Notes whether anything but reading was asked, and refuses that in a trial.
struct Noting {
    http: Arc<dyn Http>,
    is_trial: bool,
    wrote: AtomicBool,
}

#[async_trait]
impl Http for Noting {
    async fn send(
        &self,
        request: Request,
        deadline: tokio::time::Instant,
    ) -> Result<Response, Failure> {
        if request.method != "GET" {
            self.wrote.store(true, Ordering::Relaxed);
            if self.is_trial {
                return Err(Failure::Denied("a trial changes nothing".to_owned()));
            }
        }
        self.http.send(request, deadline).await
    }
}
