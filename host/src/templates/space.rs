//! The templates that were added to a channel's space: the plugin keeps them in its storage.

use std::sync::Arc;

use super::TemplatesError;
use super::change::{StoredChange, record};
use crate::capability::Lent;
use crate::channel::Channel;
use crate::contract::template_store::TemplateError;
use crate::contract::templates::space::Step;
use crate::contract::templates::{Definition, TemplateKey, TemplateStatus};
use crate::host::Shared;
use crate::inbox::ledger::{self, Ledger};
use crate::{CallError, Instance};

/// The most templates that a refusal names.
const NAMED: usize = 20;

/// The templates of a space, by name and language.
pub(crate) async fn stored(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
) -> Result<Vec<Definition>, TemplatesError> {
    let mut stored = look(host, channel, "template-store.stored", async |sandbox| {
        sandbox.stored_templates().await
    })
    .await?;
    stored.sort_by(|a, b| (&a.name, &a.language).cmp(&(&b.name, &b.language)));
    Ok(stored)
}

/// One template of a space.
pub(crate) async fn get(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    key: &TemplateKey,
) -> Result<Option<Definition>, TemplatesError> {
    look(host, channel, "template-store.get", async |sandbox| {
        sandbox.stored_template(key).await
    })
    .await
}

/// The templates that could go to whom nothing else may be sent to.
pub(crate) async fn sendable(host: &Arc<Shared>, channel: &Arc<Channel>) -> Vec<TemplateKey> {
    if !channel.plugin.has("template-store") {
        return Vec::new();
    }
    match stored(host, channel).await {
        Ok(mut stored) => {
            stored.retain(|it| it.status == TemplateStatus::Approved);
            stored.iter().take(NAMED).map(Definition::key).collect()
        }
        Err(error) => {
            tracing::warn!(channel = channel.id, %error, "its templates could not be read");
            Vec::new()
        }
    }
}

/// Looks into a space. It only reads, so it need not wait for deliveries; what it wrote would be dropped.
async fn look<T>(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    function: &'static str,
    call: impl AsyncFnOnce(&mut Instance) -> Result<Result<T, TemplateError>, CallError>,
) -> Result<T, TemplatesError> {
    let ledger = Ledger::new(host.store.clone(), &channel.id, host.options.storage_keys);
    let lent = Lent {
        http: None,
        storage: Some(Arc::new(ledger)),
    };
    Ok(channel.call(host, function, lent, call).await??)
}

/// Changes a space: all the steps and what is told of them, or nothing. Alone on the channel's storage.
pub(super) async fn change<T>(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    steps: impl FnOnce(Vec<Definition>) -> (Vec<Step>, T),
) -> Result<T, TemplatesError> {
    let _alone = channel.storage.lock().await;
    let keys = host.options.storage_keys;
    let ledger = Arc::new(Ledger::new(host.store.clone(), &channel.id, keys));
    let lent = Lent {
        http: None,
        storage: Some(Arc::clone(&ledger) as _),
    };
    let mut sandbox = channel.plugin.instantiate_with(lent).await?;
    let (steps, result) = steps(sandbox.stored_templates().await??);
    let mut changes = Vec::new();
    for Step { before, after } in &steps {
        match (before, after) {
            (_, Some(after)) => sandbox.add_template(after).await??,
            (Some(before), None) => drop(sandbox.remove_template(&before.key()).await??),
            (None, None) => {}
        }
        changes.extend(StoredChange::between(before.as_ref(), after.as_ref()));
    }
    drop(sandbox);
    let (id, writes, now) = (channel.id.clone(), ledger.keep(), host.clock.now());
    let latest = host
        .store
        .write(move |connection| {
            ledger::commit(connection, &id, &writes)?;
            record(connection, &id, now, &changes)
        })
        .await?;
    host.events.committed(latest);
    Ok(result)
}
