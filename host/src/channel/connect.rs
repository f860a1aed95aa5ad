//! Adding, changing, connecting and removing channels.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, RwLock};

use rusqlite::{Connection as Database, params};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

use super::account::{Account, origin};
use super::keyring::{self, Keyring, PATH, WEBHOOK};
use super::{AccountNotice, Channel, ChannelError, Current, State, settings};
use crate::contract::channel::Description;
use crate::contract::connection::{Ability, AccountHealth, Connected, Registration, WebhookTarget};
use crate::contract::types::{Header, Timestamp};
use crate::contract::{FULL, json};
use crate::events::{self, Notice, Standing};
use crate::host::Shared;
use crate::media::{self, Transfers};
use crate::plugins::Component;
use crate::settings::{Secret, Settings};
use crate::store::StoreError;
use crate::vault::VaultError;

/// Random bytes of a path and of a webhook's secret.
const RANDOM_BYTES: usize = 24;

/// What is told of a channel that was added and not connected, since the host went down meanwhile.
const CUT_OFF: &str = "connecting was cut off: connect it again";

/// What is told of a channel whose webhook may be another than it should be.
const HALF_WAY: &str = "registering the webhook failed half-way, and what was registered before could not be put back: connect the channel again, or disconnect it";

/// What is told of a channel whose webhook this host can't register.
const BY_HAND: &str = "this host has no public address: register the webhook's address and headers at the vendor by hand";

/// A channel to add.
#[derive(Clone, Debug)]
pub struct Addition {
    /// Its component.
    pub component: Component,
    /// Its settings, with secrets.
    pub settings: String,
    /// What to call it, where the settings do not say.
    pub name: Option<String>,
    /// Replace a webhook that leads elsewhere.
    pub replace_foreign: bool,
}

/// A change of a channel's settings.
#[derive(Clone, Debug)]
pub struct Change {
    /// The members to change; `null` takes one away, the placeholder of a secret leaves it as it is.
    pub members: Map<String, Value>,
    /// Replace a webhook that leads elsewhere.
    pub replace_foreign: bool,
}

/// A channel as it is shown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Channel")]
pub struct Connection {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The channel's own id, and its version.
    pub plugin: String,
    /// Whose component it is: `bundled`, or a file's hash.
    pub component: String,
    /// The company whose API it speaks.
    pub provider: String,
    /// How it stands.
    pub state: State,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether messages can be sent, by the vendor's last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sending: Option<Ability>,
    /// What the vendor told of the account of its own accord, the latest first: the last word of each subject. A restriction
    /// stands here until it ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account: Vec<AccountNotice>,
    /// Its settings, with a placeholder for each secret.
    #[schemars(with = "Map<String, Value>")]
    pub settings: Box<RawValue>,
    /// What connecting told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected: Option<Connected>,
    /// When it was added.
    #[serde(with = "json::timestamp")]
    pub added: Timestamp,
    /// Since when it has heard everything.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub listening_since: Option<Timestamp>,
    /// When the last delivery came, since the host was started.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_delivery: Option<Timestamp>,
    /// What has to be registered at the vendor by hand, where the host could not do it, for whoever connects the channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register: Option<Registration>,
}

/// How a channel's account is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// What the vendor says.
    #[serde(flatten)]
    pub health: AccountHealth,
    /// How the channel stands now.
    pub state: State,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Adds a channel: checks its settings, proves its credentials, registers its webhook.
pub(crate) async fn add(
    host: &Arc<Shared>,
    addition: Addition,
) -> Result<Arc<Channel>, ChannelError> {
    let plugins = Arc::clone(&host.plugins);
    let component = addition.component;
    let taken = tokio::task::spawn_blocking(move || plugins.take(&component)).await;
    let (component, plugin) = taken.map_err(|_| StoreError::Panicked)??;
    let missing: Vec<_> = FULL.into_iter().filter(|name| !plugin.has(name)).collect();
    if !missing.is_empty() {
        return Err(ChannelError::Incomplete(missing));
    }
    let description = plugin.describe().await?;
    let mut declared = description.secrets.iter().map(|secret| &secret.name);
    if let Some(name) = declared.find(|name| keyring::RESERVED.contains(&name.as_str())) {
        return Err(ChannelError::Reserved(name.clone()));
    }
    let examined = settings::examine(&plugin, &description, &addition.settings).await?;
    let name = settings::name(&examined.visible).or(addition.name);
    let name = name.unwrap_or_else(|| description.display_name.clone());

    let _one_at_a_time = host.registry.changing.lock().await;
    let wanted = settings::unique(&description, &examined.visible);
    free(host, None, &name, &wanted)?;
    let mut secrets = examined.secrets;
    secrets.insert(PATH.to_owned(), random()?);
    secrets.insert(WEBHOOK.to_owned(), random()?);
    let keyring = Arc::new(Keyring::new(secrets));
    let (authentication, http) = host.gates(&description, &examined.visible, &keyring)?;
    let now = host.clock.now();
    let current = Current {
        name,
        settings: examined.visible,
        authentication,
        http,
        state: State::NotReceiving,
        detail: Some(CUT_OFF.to_owned()),
        sending: None,
        connected: None,
        base: None,
        listening_since: None,
        added: now,
    };
    let id = Uuid::now_v7().to_string();
    let row = (
        current.name.clone(),
        component.clone(),
        serde_json::to_string(&description).unwrap_or_default(),
    );
    let secrets = sealed(host, &id, &keyring.snapshot())?;
    let (of, kept) = (id.clone(), current.clone());
    // On disk before the vendor hears of it: whatever happens from here on can be undone.
    host.store
        .write(move |connection| {
            let (name, component, description) = row;
            connection.execute(
                "INSERT INTO channel (id, name, plugin, description, settings, state, detail, added)
                 VALUES (?1, ?2, ?3, ?4, '{}', ?5, ?6, ?7)",
                params![of, name, component, description, kept.state.word(), kept.detail, now],
            )?;
            write(connection, &of, now, &kept, None, Some(&secrets)).map(drop)
        })
        .await?;
    let channel = Channel {
        id,
        plugin,
        description,
        component,
        keyring,
        storage: Mutex::default(),
        changing: Mutex::default(),
        arrived: Notify::new(),
        due: Notify::new(),
        transfers: Transfers::default(),
        current: RwLock::new(Arc::new(current)),
        last_delivery: AtomicU64::new(0),
        account: RwLock::default(),
        asking: AtomicBool::new(false),
    };
    let channel = host.registry.start(host, channel);
    if let Err(error) = establish(host, &channel, addition.replace_foreign).await {
        delete(host, &channel).await?;
        return Err(error);
    }
    let plugin = &channel.description.id;
    tracing::info!(channel = channel.id, plugin, "channel added");
    Ok(channel)
}

/// A channel as it shall be, and the secrets that it shall have.
struct Next {
    current: Current,
    keyring: Arc<Keyring>,
    /// It is configured otherwise than before.
    changed: bool,
}

/// Connects a channel whose changes are held off, and remembers what was registered before.
async fn establish(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    replace_foreign: bool,
) -> Result<(), ChannelError> {
    let mut current = (*channel.current()).clone();
    let keyring = Arc::new(Keyring::new(channel.keyring.snapshot()));
    (current.authentication, current.http) =
        host.gates(&channel.description, &current.settings, &keyring)?;
    let mut next = Next {
        current,
        keyring,
        changed: false,
    };
    register(host, channel, &mut next, replace_foreign).await?;
    commit(host, channel, next).await
}

/// Proves the credentials, and registers the webhook unless another channel has the number. Where that fails half-way, what was
/// registered before is put back. Returns whether it is another number than before.
async fn register(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    next: &mut Next,
    replace_foreign: bool,
) -> Result<bool, ChannelError> {
    let old = channel.current();
    let wanted = next.current.clone();
    let account = Account {
        host,
        plugin: &channel.plugin,
        http: &wanted.http,
        settings: &wanted.settings,
        keyring: &next.keyring,
    };
    let mut connected = account.prove().await?;
    number_is_free(host, channel, &connected)?;
    let description = &channel.description;
    let moved = number(description, &old.settings, old.connected.as_ref())
        != number(description, &wanted.settings, Some(&connected));
    let before = old.connected.as_ref().filter(|_| !moved);
    if let Some(base) = &host.options.public_url {
        let mut known = connected;
        let mut is_foreign = false;
        let registered = match account.connect(false).await {
            Err(ChannelError::Occupied(found)) if replace_foreign => {
                is_foreign = true;
                // Others may be replaced with it, and only one is named at a time.
                let others = account.health(None).await.map(|it| it.registrations);
                let others = others.unwrap_or_default().into_iter();
                known
                    .previous
                    .extend(others.filter(|it| it.scope != found.scope && !account.is_ours(it)));
                known.previous.push(found);
                remember(&mut known, before);
                // On disk before it is replaced.
                next.current.connected = Some(known.clone());
                next.current.base = Some(base.clone());
                let secrets = next.keyring.snapshot();
                store(host, channel, &next.current, Some(&secrets)).await?;
                account.connect(true).await
            }
            registered => registered,
        };
        connected = match registered {
            Err(error @ (ChannelError::Occupied(_) | ChannelError::Invalid(_))) if !is_foreign => {
                return Err(error);
            }
            Err(error) => {
                remember(&mut known, before);
                let half = Half {
                    account,
                    known,
                    is_foreign,
                    moved,
                    changed: next.changed,
                };
                undo(host, channel, base, half).await?;
                return Err(error);
            }
            Ok(connected) => connected,
        };
    }
    remember(&mut connected, before);
    if moved {
        next.current.listening_since = None;
    }
    set_connected(host, &mut next.current, connected);
    Ok(moved)
}

/// What may have been registered at the vendor, though registering failed.
struct Half<'a> {
    account: Account<'a>,
    /// The account, and what was registered there before.
    known: Connected,
    is_foreign: bool,
    moved: bool,
    changed: bool,
}

/// Puts back what was registered before. Where that fails too, the channel says so, and remembers what has to be put back.
async fn undo(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    base: &str,
    half: Half<'_>,
) -> Result<(), ChannelError> {
    let old = channel.current();
    let was_ours = !half.is_foreign
        && !half.moved
        && old.connected.is_some()
        && old.state != State::Disconnected;
    let undone = if was_ours && half.changed {
        let account = Account::of(host, channel, &old);
        account.connect(false).await.map(drop)
    } else if was_ours {
        // Registered in part or not, it is as it shall be.
        Ok(())
    } else {
        half.account.disconnect(base, &half.known).await
    };
    let mut current = (*old).clone();
    let mut secrets = channel.keyring.snapshot();
    if let Err(error) = undone {
        tracing::warn!(channel = channel.id, %error, "what was registered before could not be put back");
        // What is registered for another number is none of this channel's.
        if !half.moved {
            let mut sealed = half.account.keyring.snapshot();
            sealed.retain(|name, _| !is_declared(&channel.description, name));
            secrets.extend(sealed);
            current.connected = Some(half.known);
            current.base.get_or_insert_with(|| base.to_owned());
            current.state = State::NotReceiving;
            current.detail = Some(HALF_WAY.to_owned());
            current.listening_since = None;
        }
    }
    store(host, channel, &current, Some(&secrets)).await?;
    channel.keyring.replace(secrets);
    channel.put(current);
    Ok(())
}

/// Makes a channel what it shall be.
async fn commit(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    next: Next,
) -> Result<(), ChannelError> {
    let Next {
        mut current,
        keyring,
        ..
    } = next;
    store(host, channel, &current, Some(&keyring.snapshot())).await?;
    channel.keyring.replace(keyring.snapshot());
    // The keyring of the channel's life is the one that its HTTP reads.
    (current.authentication, current.http) =
        host.gates(&channel.description, &current.settings, &channel.keyring)?;
    channel.put(current);
    channel.due.notify_one();
    Ok(())
}

fn is_declared(description: &Description, secret: &str) -> bool {
    description.secrets.iter().any(|it| it.name == secret)
}

/// Changes a channel's settings. What the vendor must agree to is proved first; where that fails, nothing changes.
pub(crate) async fn change(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    change: Change,
) -> Result<(), ChannelError> {
    let _one_at_a_time = host.registry.changing.lock().await;
    let _alone = channel.changing.lock().await;
    let old = channel.current();
    let old_secrets = channel.keyring.snapshot();
    let description = &channel.description;
    let changed = settings::change(description, &old.settings, &old_secrets, &change.members);
    let new = settings::examine(&channel.plugin, description, &changed).await?;
    let name = settings::name(&new.visible).unwrap_or_else(|| old.name.clone());
    let wanted = settings::unique(description, &new.visible);
    free(host, Some(channel), &name, &wanted)?;

    let proved = settings::must_be_proved(description, (&old.settings, &old_secrets), &new);
    let Settings {
        visible, secrets, ..
    } = new;
    // What is not of the settings stays: the host's own, and what was sealed.
    let mut all = old_secrets.clone();
    all.retain(|name, _| !is_declared(description, name));
    all.extend(secrets);
    let keyring = Arc::new(Keyring::new(all));
    let (authentication, http) = host.gates(description, &visible, &keyring)?;
    let current = Current {
        name,
        settings: visible,
        authentication,
        http,
        ..(*old).clone()
    };
    let mut next = Next {
        current,
        keyring,
        changed: true,
    };
    let moved = proved
        && old.state != State::Disconnected
        && register(host, channel, &mut next, change.replace_foreign).await?;
    if moved {
        // The other number's webhook would go on to lead here.
        Account::of(host, channel, &old).give_back(&old).await;
    }
    let _alone_on_storage = channel.storage.lock().await;
    if moved {
        // Windows and greetings were the other number's.
        let id = channel.id.clone();
        host.store
            .write(move |connection| {
                connection.execute("DELETE FROM storage WHERE channel = ?1", [id])?;
                Ok::<_, StoreError>(())
            })
            .await?;
    }
    commit(host, channel, next).await?;
    let id = channel.id.clone();
    host.store
        .write(move |connection| Ok::<_, StoreError>(media::forget_answers(connection, &id)?))
        .await?;
    tracing::info!(channel = channel.id, proved, "settings changed");
    Ok(())
}

/// Connects a channel again: after it was disconnected, or because its webhook leads elsewhere.
pub(crate) async fn connect(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    replace_foreign: bool,
) -> Result<(), ChannelError> {
    // No other channel takes its number meanwhile.
    let _one_at_a_time = host.registry.changing.lock().await;
    let _alone = channel.changing.lock().await;
    establish(host, channel, replace_foreign).await
}

/// Gives a channel's webhook back to what was registered before.
pub(crate) async fn disconnect(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
) -> Result<(), ChannelError> {
    let _alone = channel.changing.lock().await;
    let mut current = (*channel.current()).clone();
    if let (Some(base), Some(connected)) = (&current.base, &current.connected) {
        let account = Account::of(host, channel, &current);
        account.disconnect(base, connected).await?;
        current.base = None;
        current.connected = Some(Connected {
            previous: Vec::new(),
            ..connected.clone()
        });
    }
    current.state = State::Disconnected;
    current.detail = None;
    current.listening_since = None;
    store(host, channel, &current, None).await?;
    channel.put(current);
    Ok(())
}

/// Removes a channel with all that belongs to it. Unless `force`, only where its webhook could be given back.
pub(crate) async fn remove(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    force: bool,
) -> Result<(), ChannelError> {
    if channel.current().state != State::Disconnected {
        match disconnect(host, channel).await {
            Err(error) if force => {
                tracing::warn!(channel = channel.id, %error, "removed without giving its webhook back");
            }
            other => other?,
        }
    }
    delete(host, channel).await
}

/// Deletes a channel with all that belongs to it.
async fn delete(host: &Arc<Shared>, channel: &Channel) -> Result<(), ChannelError> {
    host.registry.stop(&channel.id);
    let id = channel.id.clone();
    host.store
        .write(move |connection| {
            connection.execute("DELETE FROM channel WHERE id = ?1", [id])?;
            Ok::<_, StoreError>(())
        })
        .await?;
    // What can't be removed now goes with the next sweep.
    if let Err(error) = host.files.remove(&channel.id).await {
        tracing::warn!(channel = channel.id, %error, "the files of a channel could not be removed");
    }
    Ok(host.inbox.recount().await?)
}

/// Asks the vendor how a channel's account is, and where its webhook leads.
pub(crate) async fn check(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
) -> Result<Checked, ChannelError> {
    let _alone = channel.changing.lock().await;
    let current = channel.current();
    let account = Account::of(host, channel, &current);
    let mut target = account.wanted();
    let mut health = account.health(target.as_ref()).await?;
    let by_hand = current.base.is_none() || host.options.public_url.is_none();
    let ours = health.registrations.iter().find(|it| account.is_ours(it));
    if let (Some(false), true, Some(ours)) = (health.receiving, by_hand, ours) {
        // At an address that only whoever registered it knows.
        target = ours.url.clone().map(|url| WebhookTarget {
            url,
            replace_foreign: false,
        });
        health = account.health(target.as_ref()).await?;
    }
    let now = host.clock.now();
    let mut next = (*current).clone();
    match health.receiving {
        Some(true)
            if next.state == State::NotReceiving
                || next.state == State::Disconnected && !by_hand =>
        {
            next.state = State::Connected;
            next.detail = None;
            next.listening_since = next.listening_since.or(Some(now));
        }
        Some(false) if next.state != State::Disconnected => {
            let url = health.registrations.iter().find_map(|it| it.url.as_deref());
            next.state = State::NotReceiving;
            let remedy = match host.options.public_url {
                Some(_) => "connect the channel again",
                None => "register the webhook's address and headers at the vendor by hand",
            };
            next.detail = Some(match url {
                Some(url) if target.is_some_and(|target| target.url == url) => {
                    format!("the webhook is registered without this channel's secret: {remedy}")
                }
                Some(url) => format!(
                    "the vendor delivers to {}: {remedy}, replacing that",
                    origin(url)
                ),
                None => format!("no webhook is registered at the vendor: {remedy}"),
            });
            next.listening_since = None;
        }
        _ => {}
    }
    next.sending = Some(health.sending.clone());
    let shown = |it: &Current| (it.state, it.detail.clone(), it.sending.clone());
    if shown(&next) != shown(&current) {
        store(host, channel, &next, None).await?;
        channel.put(next.clone());
    }
    for registration in &mut health.registrations {
        account.shown(registration);
    }
    Ok(Checked {
        health,
        state: next.state,
        detail: next.detail,
    })
}

/// Remembers that deliveries come.
pub(crate) async fn heard(host: &Arc<Shared>, channel: &Arc<Channel>) -> Result<(), ChannelError> {
    let _alone = channel.changing.lock().await;
    let mut current = (*channel.current()).clone();
    // A late delivery says nothing of a webhook that was given back, or leads elsewhere: the next check does.
    let by_hand = current.state == State::NotReceiving && current.base.is_none();
    if current.state != State::Connected && !by_hand {
        return Ok(());
    }
    current.state = State::Receiving;
    current.detail = None;
    current.listening_since = current.listening_since.or(Some(host.clock.now()));
    store(host, channel, &current, None).await?;
    channel.put(current);
    Ok(())
}

/// What has to be registered at the vendor: the channel's address and headers, with the secret in them.
pub(crate) fn registration(host: &Shared, channel: &Channel) -> Registration {
    let current = channel.current();
    let path = channel.keyring.own(PATH);
    let path = path.as_ref().map_or("", |path| path.expose());
    let base = host.options.public_url.as_deref();
    let base = base.unwrap_or("https://<this host's public address>");
    let secret = channel.keyring.own(WEBHOOK);
    let header = current.authentication.secret_header();
    let header = header.zip(secret).map(|(name, secret)| Header {
        name: name.to_owned(),
        value: secret.expose().to_owned(),
    });
    Registration {
        scope: None,
        url: Some(format!("{base}/webhooks/{path}")),
        headers: header.into_iter().collect(),
    }
}

/// A channel as it is shown to whoever connects it, who may have to register its webhook by hand.
pub(crate) fn shown_with_secret(host: &Shared, channel: &Channel) -> Connection {
    let current = channel.current();
    let by_hand = current.base.is_none() && current.state == State::NotReceiving;
    Connection {
        register: by_hand.then(|| registration(host, channel)),
        ..shown(host, channel)
    }
}

/// A channel as it is shown.
pub(crate) fn shown(host: &Shared, channel: &Channel) -> Connection {
    let current = channel.current();
    let description = &channel.description;
    let mut connected = current.connected.clone();
    let previous = connected.iter_mut().flat_map(|it| &mut it.previous);
    for url in previous.filter_map(|it| it.url.as_mut()) {
        *url = origin(url);
    }
    Connection {
        id: channel.id.clone(),
        name: current.name.clone(),
        plugin: format!("{} {}", description.id, description.version),
        component: channel.component.clone(),
        provider: description.provider.clone(),
        state: current.state,
        detail: current.detail.clone(),
        sending: current.sending.clone(),
        account: channel.account(host.clock.now()),
        settings: RawValue::from_string(current.settings.clone()).unwrap_or_default(),
        connected,
        added: current.added,
        listening_since: current.listening_since,
        last_delivery: channel.last_heard(),
        register: None,
    }
}

/// What was there before ours, an earlier connection may have seen: where ours was in its place this time, that counts.
fn remember(connected: &mut Connected, before: Option<&Connected>) {
    for earlier in before.into_iter().flat_map(|before| &before.previous) {
        let seen_again = |now: &Registration| now.scope == earlier.scope;
        if !connected.previous.iter().any(seen_again) {
            connected.previous.push(earlier.clone());
        }
    }
}

fn set_connected(host: &Shared, current: &mut Current, connected: Connected) {
    current.connected = Some(connected);
    if host.options.public_url.is_some() {
        current.base.clone_from(&host.options.public_url);
        current.state = State::Connected;
        current.detail = None;
        current.listening_since = current.listening_since.or(Some(host.clock.now()));
    } else if !matches!(current.state, State::Connected | State::Receiving)
        && current.base.is_none()
    {
        current.state = State::NotReceiving;
        current.detail = Some(BY_HAND.to_owned());
    }
}

/// What tells a channel's number from others: the vendor's word, or what was typed where it has none.
fn number(description: &Description, settings: &str, connected: Option<&Connected>) -> Vec<String> {
    let known = connected.and_then(|it| it.phone_number_id.clone().or(it.phone_number.clone()));
    match known {
        Some(known) => vec![known],
        None => settings::unique(description, settings)
            .into_iter()
            .map(|(_, value)| value)
            .collect(),
    }
}

/// Whether no other channel has the name, or a member that only one may have.
fn free(
    host: &Shared,
    own: Option<&Channel>,
    name: &str,
    wanted: &[(String, String)],
) -> Result<(), ChannelError> {
    for other in others(host, own) {
        let current = other.current();
        let taken = |member: &str| ChannelError::Taken {
            member: member.to_owned(),
            by: current.name.clone(),
        };
        if current.name.eq_ignore_ascii_case(name) {
            return Err(taken("name"));
        }
        let has = settings::unique(&other.description, &current.settings);
        if let Some((member, _)) = wanted.iter().find(|wanted| has.contains(wanted)) {
            return Err(taken(member));
        }
    }
    Ok(())
}

/// Whether no other channel is connected to the number that the vendor names.
fn number_is_free(host: &Shared, own: &Channel, proved: &Connected) -> Result<(), ChannelError> {
    let Some(wanted) = &proved.phone_number_id else {
        return Ok(());
    };
    for other in others(host, Some(own)) {
        let theirs = other.current();
        let connected = theirs.connected.as_ref();
        if connected.and_then(|it| it.phone_number_id.as_ref()) == Some(wanted) {
            return Err(ChannelError::Taken {
                member: "phone_number".to_owned(),
                by: theirs.name.clone(),
            });
        }
    }
    Ok(())
}

fn others(host: &Shared, own: Option<&Channel>) -> Vec<Arc<Channel>> {
    let mut others = host.registry.all();
    others.retain(|other| own.is_none_or(|own| own.id != other.id));
    others
}

type Sealed = Vec<(String, Vec<u8>)>;

fn sealed(
    host: &Shared,
    channel: &str,
    secrets: &BTreeMap<String, Secret>,
) -> Result<Sealed, VaultError> {
    secrets
        .iter()
        .map(|(name, secret)| Ok((name.clone(), host.vault.seal(channel, name, secret)?)))
        .collect()
}

/// Commits how a channel is configured and stands; with its secrets where they may have changed.
async fn store(
    host: &Arc<Shared>,
    channel: &Channel,
    current: &Current,
    secrets: Option<&BTreeMap<String, Secret>>,
) -> Result<(), ChannelError> {
    let secrets = secrets
        .map(|secrets| sealed(host, &channel.id, secrets))
        .transpose()?;
    let connected = current.connected.as_ref();
    let connected = connected
        .map(|connected| keyring::seal_connected(&host.vault, &channel.id, connected))
        .transpose()?;
    let (id, current, now) = (channel.id.clone(), current.clone(), host.clock.now());
    let latest = host
        .store
        .write(move |connection| {
            write(
                connection,
                &id,
                now,
                &current,
                connected.as_deref(),
                secrets.as_ref(),
            )
        })
        .await?;
    host.events.committed(latest);
    Ok(())
}

/// Writes down how a channel is configured and stands. Tells of it where its state has changed.
fn write(
    connection: &Database,
    id: &str,
    now: Timestamp,
    current: &Current,
    connected: Option<&str>,
    secrets: Option<&Sealed>,
) -> Result<Option<i64>, StoreError> {
    let json = |sending: &Ability| serde_json::to_string(sending).unwrap_or_default();
    let sending = current.sending.as_ref().map(json);
    let before: (String, Option<String>, Option<String>) = connection
        .prepare_cached("SELECT state, detail, sending FROM channel WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    connection.execute(
        "UPDATE channel SET name = ?2, settings = ?3, state = ?4, detail = ?5, connected = ?6, listening_since = ?7,
             base = ?8, sending = ?9
         WHERE id = ?1",
        params![
            id,
            current.name,
            current.settings,
            current.state.word(),
            current.detail,
            connected,
            current.listening_since,
            current.base,
            sending,
        ],
    )?;
    if let Some(secrets) = secrets {
        keyring::write(connection, id, secrets)?;
    }
    // That messages can be sent is no news as long as nobody said otherwise.
    let usual = || json(&Ability::Available);
    let is_same = before.0 == current.state.word()
        && before.1 == current.detail
        && before.2.unwrap_or_else(usual) == sending.unwrap_or_else(usual);
    if is_same {
        return Ok(None);
    }
    let channel_state = Standing {
        state: current.state.word(),
        detail: current.detail.as_deref(),
        sending: current.sending.clone(),
        account: None,
    };
    events::store_notice(connection, id, now, &Notice::Channel { channel_state })
}

/// A secret that the host invents.
fn random() -> Result<Secret, getrandom::Error> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(Secret::new(hex::encode(bytes)))
}
