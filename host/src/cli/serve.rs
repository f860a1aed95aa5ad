//! `serve`: the host itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use channel_host::api::{self, Token};
use channel_host::store::Store;
use channel_host::vault::{KEY_VARIABLE, Vault};
use channel_host::{Clock, Engine, Host, OnUncertain, Options};
use clap::{Args, ValueEnum};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use super::remote::{ADDRESS, TOKEN, is_loopback};
use super::{BUNDLED, Status, Usage, print};

/// A token file holds some tens of characters; more is another file.
const TOKEN_BYTES: u64 = 4096;

const HOUR: u64 = 60 * 60;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the REST API listens; port 0 is any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8370")]
    listen: SocketAddr,
    /// Let the REST API listen where other machines reach it. Whoever has the token can then do everything.
    #[arg(long)]
    listen_anywhere: bool,
    /// Where the webhooks listen, and nothing else does: what a tunnel or proxy may expose.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8371")]
    webhook_listen: SocketAddr,
    /// Where vendors reach the webhooks. Without it, webhooks are registered by hand.
    #[arg(long, value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,
    /// What becomes of a message of which nobody can tell whether it arrived.
    #[arg(long, value_enum, default_value_t)]
    on_uncertain: OnUncertainArg,
    /// How long to wait for a status that tells, before that [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=24 * HOUR))]
    uncertain_wait: Option<u64>,
    /// Let a channel that has this origin reach it though it is private or unencrypted; can be given several times.
    #[arg(long, value_name = "ORIGIN")]
    private_origin: Vec<String>,
    /// How often the vendors are asked where the webhooks lead [default: 3600].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=30 * 24 * HOUR))]
    check_every: Option<u64>,
    /// How long deliveries that are done are kept [default: 30].
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(0..=36_500))]
    keep_deliveries: Option<u64>,
    /// Fetch the files of messages as they come, and not only when somebody asks for one.
    #[arg(long)]
    fetch_media: bool,
    /// How long files of messages are kept [default: 30].
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    keep_media: Option<u64>,
    /// The most bytes of one file, in or out [default: 104857600].
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    media_bytes: Option<u64>,
    /// Bytes of all files, above which no more are fetched [default: 21474836480].
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=1 << 60))]
    media_space: Option<u64>,
    /// Write the log as JSON, one object a line.
    #[arg(long)]
    pub(super) log_json: bool,
}

/// What becomes of a message of which nobody can tell whether it arrived.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum OnUncertainArg {
    /// It is held and reported: nothing is sent twice.
    #[default]
    Hold,
    /// It is sent again: nothing is lost.
    Resend,
}

/// Checks where vendors reach the webhooks, and takes the slash at its end away.
fn public_url(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).map_err(|_| "write https:// and the host")?;
    if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) {
        return Err("it must be https; http is for this machine only");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password: leave them out");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it holds a query or fragment: leave them out");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

impl Arguments {
    fn options(&self) -> Options {
        let mut options = Options::recommended();
        options.public_url.clone_from(&self.public_url);
        options.on_uncertain = match self.on_uncertain {
            OnUncertainArg::Hold => OnUncertain::Hold,
            OnUncertainArg::Resend => OnUncertain::Resend,
        };
        options.private_origins.clone_from(&self.private_origin);
        if let Some(seconds) = self.uncertain_wait {
            options.uncertain_wait = Duration::from_secs(seconds);
        }
        if let Some(seconds) = self.check_every {
            options.check_every = Duration::from_secs(seconds);
        }
        if let Some(days) = self.keep_deliveries {
            options.keep_deliveries = Duration::from_secs(days * 24 * HOUR);
        }
        options.fetch_media = self.fetch_media;
        if let Some(days) = self.keep_media {
            options.keep_media = Duration::from_secs(days * 24 * HOUR);
        }
        if let Some(bytes) = self.media_bytes {
            options.media_bytes = bytes;
        }
        if let Some(bytes) = self.media_space {
            options.media_space = bytes;
        }
        options
    }
}

/// Runs the host until it is told to stop.
pub(super) async fn run(
    arguments: &Arguments,
    directory: &Path,
    engine: &Engine,
    json: bool,
) -> Result<Status> {
    if !arguments.listen.ip().is_loopback() {
        if !arguments.listen_anywhere {
            let sentence = format!(
                "{} can be reached by other machines: choose a loopback address, or say --listen-anywhere",
                arguments.listen
            );
            return Err(Usage(sentence).into());
        }
        tracing::warn!(listen = %arguments.listen, "the REST API can be reached by other machines");
    }
    let mut signals = Signals::listen().context("signals can't be heard")?;
    let listeners = Listeners::bind(arguments.listen, arguments.webhook_listen).await?;
    let (options, clock) = (arguments.options(), Clock::default());
    let key = std::env::var(KEY_VARIABLE).ok();
    let mut served =
        Served::start(engine, directory, key.as_deref(), listeners, options, clock).await?;
    announce(&served.api, &served.webhooks, directory, json)?;
    tokio::select! {
        ended = &mut served.servers => {
            ended.context("the servers failed")?;
            bail!("the servers ended by themselves");
        }
        name = signals.next() => tracing::info!(signal = name, "stopping"),
    }
    let cut_off = async { tracing::warn!(signal = signals.next().await, "requests are cut off") };
    served.stop(cut_off).await?;
    tracing::info!("stopped");
    Ok(Status::Done)
}

/// Where a host listens.
pub(super) struct Listeners {
    api: TcpListener,
    webhooks: TcpListener,
}

impl Listeners {
    pub(super) async fn bind(api: SocketAddr, webhooks: SocketAddr) -> Result<Self> {
        let (api, webhooks) = (listen(api).await?, listen(webhooks).await?);
        Ok(Self { api, webhooks })
    }

    /// The webhooks' address, for this machine.
    pub(super) fn webhooks(&self) -> Result<String> {
        Ok(url(self.webhooks.local_addr()?))
    }
}

/// A host that serves, on a directory of its own.
pub(super) struct Served {
    host: Host,
    /// The REST API's address.
    pub(super) api: String,
    /// The webhooks' address.
    pub(super) webhooks: String,
    servers: JoinHandle<()>,
    running: watch::Sender<()>,
    _address: Address,
}

impl Served {
    /// Starts one. Without a key for its secrets, the directory's file has it.
    pub(super) async fn start(
        engine: &Engine,
        directory: &Path,
        key: Option<&str>,
        listeners: Listeners,
        options: Options,
        clock: Clock,
    ) -> Result<Self> {
        let store = Store::open(directory)?;
        // The store is locked from here on: no other process makes files here.
        let vault = match key {
            Some(key) => Vault::from_environment(key, &store).await?,
            None => Vault::from_file(&directory.join("key"), &store).await?,
        };
        let token = token(&directory.join(TOKEN))?;
        let webhooks = listeners.webhooks()?;
        let api = url(listeners.api.local_addr()?);
        let parts = (store, vault);
        let host = Host::start(engine, parts, directory, BUNDLED, options, clock).await?;
        let address = Address::write(directory.join(ADDRESS), &api)?;

        let running = watch::Sender::new(());
        let stopped = || {
            let mut running = running.subscribe();
            // It fails once the sender is gone.
            async move { while running.changed().await.is_ok() {} }
        };
        let router = api::router(host.clone(), token);
        let of_api = api::serve(listeners.api, router, stopped());
        let router = api::webhooks(host.clone());
        let of_webhooks = api::serve(listeners.webhooks, router, stopped());
        let servers = tokio::spawn(async { _ = tokio::join!(of_api, of_webhooks) });
        Ok(Self {
            host,
            api,
            webhooks,
            servers,
            running,
            _address: address,
        })
    }

    /// Takes no more requests, lets those that run end, unless they are cut off, and stops the host.
    pub(super) async fn stop(self, cut_off: impl Future<Output = ()>) -> Result<()> {
        drop(self.running);
        tokio::select! {
            ended = self.servers => ended.context("the servers failed")?,
            () = cut_off => {}
        }
        self.host.stop().await;
        Ok(())
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("{address} can't be listened at"))
}

/// What to say to whoever started it.
fn announce(api: &str, webhooks: &str, directory: &Path, json: bool) -> Result<()> {
    let directory = directory.display().to_string();
    tracing::info!(api, webhooks, data = directory, "listening");
    print::write(&if json {
        let line = json!({"api": api, "webhooks": webhooks, "data": directory});
        format!("{line}\n")
    } else {
        format!("API {api}, webhooks {webhooks}, data {directory}\n")
    })
}

/// The address of a listener, for this machine.
fn url(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

/// The token of a file, which is made on the first start.
fn token(path: &Path) -> Result<Token> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = Token::generate()?;
            write(path, token.expose())?;
            tracing::info!(path = %path.display(), "made the token of the REST API");
            return Ok(token);
        }
        opened => opened.with_context(|| format!("{} can't be read", path.display()))?,
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let mode = file.metadata()?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let path = path.display();
            bail!("{path} is open to others (mode {mode:03o}): close it with `chmod 600 {path}`");
        }
    }
    let mut text = String::new();
    file.take(TOKEN_BYTES)
        .read_to_string(&mut text)
        .with_context(|| format!("{} can't be read", path.display()))?;
    Token::new(text.trim()).with_context(|| {
        let path = path.display();
        format!("{path} holds no token of 16 characters or more: delete it, and the next start makes one")
    })
}

/// Writes one line to a file that only its owner can read. It has its name when it is whole.
fn write(path: &Path, line: &str) -> Result<()> {
    let temporary = path.with_added_extension("part");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    written.with_context(|| format!("{} can't be written", path.display()))
}

/// The file that tells other commands where the host is. It goes when the host does.
struct Address(PathBuf);

impl Address {
    fn write(path: PathBuf, url: &str) -> Result<Self> {
        write(&path, url)?;
        Ok(Self(path))
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "the address could not be removed");
        }
    }
}

/// What tells the host to stop.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    outlives_terminal: bool,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        // As long as no handler has taken its place.
        let outlives_terminal = Self::ignores_hangup();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            outlives_terminal,
        })
    }

    /// Whether `nohup` started it, as far as the system tells: Linux does.
    fn ignores_hangup() -> bool {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // Signal 1 is the lowest bit.
        ignored.is_some_and(|mask| mask & 1 == 1)
    }

    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hangup.recv(), if !self.outlives_terminal => "SIGHUP",
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "CTRL-C",
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_and_nothing_but_an_address() {
        for (given, expected) in [
            (
                "https://hooks.example.com",
                Some("https://hooks.example.com"),
            ),
            (
                "https://example.com:8443/a/",
                Some("https://example.com:8443/a"),
            ),
            ("http://127.0.0.1:8371/", Some("http://127.0.0.1:8371")),
            ("http://hooks.example.com", None),
            ("https://user@example.com", None),
            ("https://example.com/?a", None),
            ("https://example.com/#a", None),
            ("ftp://127.0.0.1", None),
            ("example.com", None),
        ] {
            assert_eq!(public_url(given).ok().as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn a_token_is_made_once_and_is_its_owners() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("token");
        let made = token(&path)?;
        assert_eq!(token(&path)?.expose(), made.expose());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;

            assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
            let error = token(&path).err().context("refused")?;
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        Ok(())
    }

    #[test]
    fn a_token_file_without_a_token_is_refused() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("token");
        write(&path, "short")?;
        assert!(token(&path).is_err());
        Ok(())
    }

    #[test]
    fn the_address_is_there_while_the_host_is() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("address");
        let address = Address::write(path.clone(), "http://127.0.0.1:1")?;
        assert_eq!(fs::read_to_string(&path)?, "http://127.0.0.1:1\n");
        drop(address);
        assert!(!path.exists());
        Ok(())
    }

    #[test]
    fn everywhere_is_reached_on_this_machine() {
        let url = |address: &str| address.parse().map(super::url).ok();
        assert_eq!(url("0.0.0.0:1").as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(url("[::]:1").as_deref(), Some("http://[::1]:1"));
        assert_eq!(url("10.0.0.1:1").as_deref(), Some("http://10.0.0.1:1"));
    }
}
