use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::contract::channel::{Description, OriginRule};
use crate::settings::Secret;

mod exchange;
mod rules;
mod secrets;

/// A marked secret.
const KEY: &str = "k-7f\"3/9d+MARKED";

/// What a scripted peer does with a request.
enum Act {
    /// Writes this and goes on.
    Answer(Vec<u8>),
    /// Writes this and closes.
    Close(Vec<u8>),
    /// Never answers.
    Wait,
}

/// A peer on loopback that keeps what it was sent.
struct Peer {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Peer {
    async fn start(script: impl Fn(usize, &str) -> Act + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Self {
            port: listener.local_addr().unwrap().port(),
            requests: Arc::default(),
            connections: Arc::default(),
        };
        let (requests, connections) = (Arc::clone(&peer.requests), Arc::clone(&peer.connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().unwrap() += 1;
                tokio::spawn(serve(stream, script.clone(), Arc::clone(&requests)));
            }
        });
        peer
    }

    /// A peer that gives this answer to everything.
    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_, _| Act::Answer(answer.clone())).await
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// A client that may reach it.
    fn client(&self, secrets: &Arc<Kept>) -> Client {
        client(&[&self.origin()], &[&self.origin()], secrets)
    }
}

async fn serve(
    mut stream: TcpStream,
    script: impl Fn(usize, &str) -> Act,
    requests: Arc<Mutex<Vec<String>>>,
) {
    while let Some(request) = read(&mut stream).await {
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            requests.len()
        };
        match script(number, &request) {
            Act::Answer(answer) => stream.write_all(&answer).await.unwrap(),
            Act::Close(answer) => {
                stream.write_all(&answer).await.unwrap();
                return;
            }
            Act::Wait => std::future::pending().await,
        }
    }
}

/// One request as it came.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => request.extend_from_slice(&part[..length]),
        }
    }
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Secrets in memory.
#[derive(Default)]
struct Kept {
    values: Mutex<BTreeMap<String, String>>,
    seals: bool,
    /// Whether keeping fails.
    full: bool,
}

impl Kept {
    fn of(values: &[(&str, &str)]) -> Arc<Self> {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Arc::new(Self {
            values: Mutex::new(values.collect()),
            seals: true,
            full: false,
        })
    }

    fn values(&self) -> Vec<(String, String)> {
        self.values.lock().unwrap().clone().into_iter().collect()
    }
}

impl Secrets for Kept {
    fn get(&self, name: &str) -> Option<Secret> {
        self.values
            .lock()
            .unwrap()
            .get(name)
            .cloned()
            .map(Secret::new)
    }

    fn all(&self) -> Vec<(String, Secret)> {
        let values = self.values().into_iter();
        values
            .map(|(name, value)| (name, Secret::new(value)))
            .collect()
    }

    fn seals(&self) -> bool {
        self.seals
    }

    fn keep(&self, name: &str, value: Secret) -> bool {
        let mut values = self.values.lock().unwrap();
        if !self.full {
            values.insert(name.to_owned(), value.expose().to_owned());
        }
        !self.full
    }
}

/// A lookup of names that a test decides.
struct Names(Vec<IpAddr>);

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        let found = self.0.clone().into_iter().map(|ip| SocketAddr::new(ip, 0));
        Box::pin(async move { Ok(Box::new(found) as Addrs) })
    }
}

fn names(addresses: &[&str]) -> Connections {
    let addresses = addresses.iter().map(|ip| ip.parse().unwrap());
    Connections::over(Arc::new(Names(addresses.collect()))).unwrap()
}

fn description(origins: Vec<OriginRule>) -> Description {
    Description {
        id: "test".to_owned(),
        version: "1.0.0".to_owned(),
        contract_version: "0.1.0".to_owned(),
        family: "test".to_owned(),
        provider: "test".to_owned(),
        display_name: "Test".to_owned(),
        documentation: None,
        settings_schema: "{}".to_owned(),
        secrets: Vec::new(),
        origins,
        webhook_authentication: Vec::new(),
        window: None,
        pacing: Vec::new(),
        message_kinds: Vec::new(),
        text_limit: None,
        media: Vec::new(),
        template_categories: Vec::new(),
        template_languages: Vec::new(),
    }
}

fn origins(granted: &[&str], private: &[&str]) -> Origins {
    let fixed = granted
        .iter()
        .map(|origin| OriginRule::Fixed((*origin).to_owned()));
    Origins::of(&description(fixed.collect()), "{}")
        .unwrap()
        .with_private(private.iter().copied())
        .unwrap()
}

fn client(granted: &[&str], private: &[&str], secrets: &Arc<Kept>) -> Client {
    client_over(
        &Connections::new().unwrap(),
        origins(granted, private),
        secrets,
    )
}

fn client_over(connections: &Connections, origins: Origins, secrets: &Arc<Kept>) -> Client {
    let declared = [channel::Secret {
        pointer: "/api_key".to_owned(),
        name: "api_key".to_owned(),
    }];
    let secrets = Arc::clone(secrets) as Arc<dyn Secrets>;
    Client::new(
        connections,
        origins,
        &declared,
        secrets,
        HttpLimits::recommended(),
    )
}

fn get(url: impl Into<String>) -> Request {
    Request {
        method: "GET".to_owned(),
        url: url.into(),
        headers: Vec::new(),
        body: None,
        fill_body: false,
        timeout_ms: None,
        seal: Vec::new(),
    }
}

fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Request {
    Request {
        method: "POST".to_owned(),
        body: Some(body.into()),
        ..get(url)
    }
}

fn with(mut request: Request, headers: &[(&str, &str)]) -> Request {
    request
        .headers
        .extend(headers.iter().map(|(name, value)| Header {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        }));
    request
}

async fn send(client: &Client, request: Request) -> Result<Response, Failure> {
    client
        .send(request, Instant::now() + Duration::from_secs(10))
        .await
}

/// The sentence of a denial.
async fn denied(client: &Client, request: Request) -> String {
    match send(client, request).await {
        Err(Failure::Denied(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut headers = response.headers.iter();
    let header = headers.find(|header| header.name == name)?;
    Some(&header.value)
}
