//! Through real sockets, with a real host.

mod events;
mod kept;
mod openapi;
mod refused;

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::settings::Secret;
use crate::store::{Store, StoreError};
use crate::vault::Vault;
use crate::{Cache, Clock, Engine, Limits, Options};

pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The part of the channel's address that nobody can guess, and what its vendor puts into `x-secret`.
pub(super) const PATH: &str = "f00d";
pub(super) const SECRET: &str = "beef";

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Limits::recommended(), &Cache::User).unwrap());

/// A host in a directory of its own.
pub(super) struct Home {
    pub(super) directory: TempDir,
    pub(super) store: Store,
    pub(super) host: Host,
}

impl Home {
    /// With no channel.
    pub(super) async fn empty() -> Self {
        Self::start(Options::recommended(), async |_, _, _| {}).await
    }

    /// With the channel `c1`, called `Front desk`. Its component builds messages, and has neither `inbox` nor `sender`:
    /// deliveries are parked.
    pub(super) async fn with_channel(options: Options) -> Self {
        Self::start(options, put_channel).await
    }

    async fn start(options: Options, prepare: impl AsyncFnOnce(&TempDir, &Store, &Vault)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("store")).unwrap();
        let vault = Vault::from_file(&directory.path().join("key"), &store)
            .await
            .unwrap();
        prepare(&directory, &store, &vault).await;
        let parts = (store.clone(), vault);
        let clock = Clock::default();
        let host = Host::start(&ENGINE, parts, directory.path(), None, options, clock);
        Self {
            host: host.await.unwrap(),
            directory,
            store,
        }
    }

    pub(super) async fn write(&self, sql: &'static str) {
        let written: Result<_, StoreError> = self
            .store
            .write(move |connection| Ok(connection.execute_batch(sql)?))
            .await;
        written.unwrap();
    }

    /// Serves the API.
    pub(super) async fn served(&self) -> Served {
        let token = Token::new(TOKEN).unwrap();
        let served = Served::start(router(self.host.clone(), token)).await;
        Served {
            is_described: true,
            ..served
        }
    }
}

async fn put_channel(directory: &TempDir, store: &Store, vault: &Vault) {
    let plugins = directory.path().join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    let frozen = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/frozen/0.1.0.wasm");
    std::fs::copy(frozen, plugins.join("frozen.wasm")).unwrap();
    let description = json!({
        "id": "sms", "version": "1.0.0", "contract_version": "0.1.0", "family": "sms",
        "provider": "Example", "display_name": "SMS", "settings_schema": {},
        "webhook_authentication": [{"method": {"secret_header": "x-secret"}}],
    })
    .to_string();
    let sealed = [("webhook_path", PATH), ("webhook", SECRET)].map(|(name, value)| {
        let secret = Secret::new(value.to_owned());
        (name, vault.seal("c1", name, &secret).unwrap())
    });
    let written: Result<_, StoreError> = store
        .write(move |connection| {
            connection.execute(
                "INSERT INTO channel (id, name, plugin, description, settings, state, added)
                 VALUES ('c1', 'Front desk', 'frozen', ?1, '{}', 'receiving', 0)",
                [description],
            )?;
            for (name, sealed) in sealed {
                let insert = "INSERT INTO secret (channel, name, sealed) VALUES ('c1', ?1, ?2)";
                connection.execute(insert, rusqlite::params![name, sealed])?;
            }
            Ok(())
        })
        .await;
    written.unwrap();
}

/// A router that is served.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    /// Whether its answers are held against the description of the API.
    is_described: bool,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    pub(super) async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, router, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            is_described: false,
            stop,
            task,
        }
    }

    /// Stops; fails where that takes longer than it should.
    pub(super) async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(Duration::from_secs(3), self.task)
            .await
            .unwrap()
            .unwrap();
    }

    /// Sends a request with the token.
    pub(super) async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("authorization: Bearer {TOKEN}");
        let json = "content-type: application/json";
        self.ask_with(method, path, &[&bearer, json], body).await
    }

    /// Sends a request with these headers.
    pub(super) async fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> Answer {
        let mut stream = self.begin(method, path, headers).await;
        let rest = format!(
            "connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        // The server may answer before it has read a body to its end.
        let _ = stream.write_all(rest.as_bytes()).await;
        let answer = Answer::read(&mut stream).await;
        if self.is_described {
            openapi::holds(method, path, &answer);
        }
        answer
    }

    /// Begins a request; its head is not at its end.
    pub(super) async fn begin(&self, method: &str, path: &str, headers: &[&str]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// As it came, in small letters.
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    /// Reads until the connection ends; fails after some seconds.
    pub(super) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let read = timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
        let _ = read.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("{text:?}"));
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Whether it is a problem of this status and kind, and nothing else. Returns it.
    #[track_caller]
    pub(super) fn problem(&self, status: u16, kind: &str) -> Value {
        let problem = self.json();
        assert_eq!(
            (self.status, &problem["status"]),
            (status, &json!(status)),
            "{self:?}"
        );
        assert_eq!(problem["type"], format!("/problems/{kind}"), "{self:?}");
        let content_type = "content-type: application/problem+json";
        assert!(self.head.contains(content_type), "{self:?}");
        problem
    }

    #[track_caller]
    pub(super) fn done(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }
}
