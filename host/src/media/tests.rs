//! Against vendors that write what a test tells them.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::fetch::{Order, Trouble, download, sha256};
use super::files::Part;
use crate::capability::{Client, Connections, HttpLimits, Origins, Secrets};
use crate::contract::channel::{Description, OriginRule};
use crate::contract::media::MediaLocation;
use crate::contract::types::Header;
use crate::settings::Secret;

const MOST: u64 = 1000;

/// A vendor that answers every request with the same bytes and closes the connection.
struct Vendor {
    origin: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Vendor {
    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vendor = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            requests: Arc::default(),
        };
        let (answer, requests) = (answer.into(), Arc::clone(&vendor.requests));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut part = [0; 1024];
                    match stream.read(&mut part).await {
                        Ok(0) | Err(_) => break,
                        Ok(length) => request.extend_from_slice(&part[..length]),
                    }
                }
                let request = String::from_utf8(request).unwrap();
                requests.lock().unwrap().push(request);
                // Whoever has read enough goes.
                let _ = stream.write_all(&answer).await;
            }
        });
        vendor
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn location(&self) -> MediaLocation {
        location(&format!("{}/file?a=b", self.origin))
    }

    /// Fetches as a channel that may reach it does, to a folder that has nothing else in it.
    async fn fetch(&self, location: &MediaLocation) -> Fetched {
        self.fetch_hashed(location, None).await
    }

    async fn fetch_hashed(&self, location: &MediaLocation, sha256: Option<&str>) -> Fetched {
        let directory = tempfile::tempdir().unwrap();
        let client = client(&self.origin);
        let outcome = download(Order {
            client: &client,
            location,
            sha256,
            directory: directory.path().to_owned(),
            most: MOST,
        });
        Fetched {
            outcome: outcome.await,
            directory,
        }
    }
}

struct Fetched {
    outcome: Result<Part, Trouble>,
    directory: TempDir,
}

impl Fetched {
    #[track_caller]
    fn bytes(&self) -> Vec<u8> {
        let part = self.outcome.as_ref().unwrap();
        std::fs::read(&part.path).unwrap()
    }

    /// The trouble's kind and its sentence. Nothing is left on disk.
    #[track_caller]
    fn trouble(&self) -> (&'static str, String) {
        let left = std::fs::read_dir(self.directory.path()).unwrap().count();
        assert_eq!(left, 0, "something is left");
        match self.outcome.as_ref().unwrap_err() {
            Trouble::Gone(reason) => ("gone", reason.clone()),
            Trouble::Later(reason, _) => ("later", reason.clone()),
            Trouble::Soon(reason) => ("soon", reason.clone()),
            Trouble::Ours(error) => ("ours", error.to_string()),
        }
    }
}

struct Key;

impl Secrets for Key {
    fn get(&self, name: &str) -> Option<Secret> {
        (name == "key").then(|| Secret::new("s3cret".to_owned()))
    }

    fn all(&self) -> Vec<(String, Secret)> {
        vec![("key".to_owned(), Secret::new("s3cret".to_owned()))]
    }

    fn seals(&self) -> bool {
        false
    }

    fn keep(&self, _: &str, _: Secret) -> bool {
        false
    }
}

fn client(origin: &str) -> Client {
    let description = Description {
        origins: vec![OriginRule::Fixed(origin.to_owned())],
        ..description()
    };
    let origins = Origins::of(&description, "{}").unwrap();
    Client::new(
        &Connections::new().unwrap(),
        origins.with_private([origin]).unwrap(),
        &[],
        Arc::new(Key),
        HttpLimits::recommended(),
    )
}

fn description() -> Description {
    let description = serde_json::json!({
        "id": "test", "version": "1.0.0", "contract_version": "0.1.0", "family": "test",
        "provider": "Example", "display_name": "Test", "settings_schema": {},
    });
    serde_json::from_value(description).unwrap()
}

fn location(url: &str) -> MediaLocation {
    MediaLocation {
        url: url.to_owned(),
        headers: vec![Header {
            name: "x-key".to_owned(),
            value: "{{secret:key}}".to_owned(),
        }],
        mime_type: None,
        sha256: None,
        size: None,
        expires: None,
    }
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_file_comes_with_the_key_and_has_the_hash_that_was_named() {
    let vendor = Vendor::answering(ok("Hello")).await;
    let hash = Sha256::digest("Hello");
    for named in [
        hex::encode(hash),
        hex::encode_upper(hash),
        BASE64_STANDARD.encode(hash),
        BASE64_STANDARD_NO_PAD.encode(hash),
        "neither of them".to_owned(),
    ] {
        let location = MediaLocation {
            sha256: Some(named.clone()),
            ..vendor.location()
        };
        let fetched = vendor.fetch_hashed(&location, Some(&named)).await;
        assert_eq!(fetched.bytes(), b"Hello", "{named}");
    }
    let request = vendor.requests()[0].to_lowercase();
    assert!(
        request.starts_with("get /file?a=b http/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("x-key: s3cret\r\n"), "{request}");
}

#[tokio::test]
async fn other_bytes_than_were_named_are_refused_in_either_encoding() {
    let vendor = Vendor::answering(ok("Hello")).await;
    let other = Sha256::digest("Hullo");
    for named in [hex::encode(other), BASE64_STANDARD.encode(other)] {
        let location = MediaLocation {
            sha256: Some(named.clone()),
            ..vendor.location()
        };
        let (kind, reason) = vendor.fetch(&location).await.trouble();
        assert_eq!(kind, "soon");
        assert!(reason.contains("SHA-256"), "{reason}");
        let of_event = vendor.fetch_hashed(&vendor.location(), Some(&named)).await;
        assert_eq!(of_event.trouble().0, "soon");
    }
}

#[tokio::test]
async fn what_is_too_large_is_not_taken_whoever_says_so() {
    let large = "x".repeat(2000);
    let vendor = Vendor::answering(ok(&large)).await;
    let told = MediaLocation {
        size: Some(2000),
        ..vendor.location()
    };
    let (kind, reason) = vendor.fetch(&told).await.trouble();
    assert_eq!(kind, "later");
    assert!(reason.contains("1000 bytes"), "{reason}");
    assert!(vendor.requests().is_empty(), "it need not be asked for");

    let lying = MediaLocation {
        size: Some(1),
        ..vendor.location()
    };
    assert_eq!(vendor.fetch(&lying).await.trouble(), (kind, reason.clone()));

    for unannounced in [
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{large}"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n{large}\r\n0\r\n\r\n"),
    ] {
        let vendor = Vendor::answering(unannounced).await;
        let fetched = vendor.fetch(&vendor.location()).await;
        assert_eq!(fetched.trouble(), (kind, reason.clone()));
    }
}

#[tokio::test]
async fn what_breaks_off_may_be_tried_again() {
    for cut in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nHello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nHello\r\n",
        "HTTP/1.1 200",
        "",
    ] {
        let vendor = Vendor::answering(cut).await;
        let fetched = vendor.fetch(&vendor.location()).await;
        assert_eq!(fetched.trouble().0, "soon", "{cut:?}");
    }
}

#[tokio::test]
async fn a_refusal_says_whether_to_ask_again() {
    for (status, expected) in [
        ("404 Not Found", "gone"),
        ("410 Gone", "gone"),
        ("400 Bad Request", "gone"),
        ("401 Unauthorized", "later"),
        ("403 Forbidden", "later"),
        ("429 Too Many Requests", "later"),
        ("204 No Content", "soon"),
        ("500 Internal Server Error", "soon"),
        ("503 Service Unavailable", "soon"),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        let vendor = Vendor::answering(answer).await;
        let (kind, reason) = vendor.fetch(&vendor.location()).await.trouble();
        assert_eq!(kind, expected, "{status}");
        assert!(reason.contains(&status[..3]), "{reason}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Vendor::answering(ok("Hello")).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n",
        elsewhere.origin
    );
    let vendor = Vendor::answering(redirect).await;
    let (kind, reason) = vendor.fetch(&vendor.location()).await.trouble();
    assert_eq!(kind, "later");
    assert!(reason.contains("redirect"), "{reason}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_plugin_reaches_no_origin_that_was_not_granted() {
    let vendor = Vendor::answering(ok("Hello")).await;
    let elsewhere = Vendor::answering(ok("Hello")).await;
    let fetched = vendor.fetch(&elsewhere.location()).await;
    let (kind, reason) = fetched.trouble();
    assert_eq!(kind, "later");
    assert!(
        reason.contains("is not an origin of this channel"),
        "{reason}"
    );
    for url in [
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data/",
        "not an address",
        &format!("{}/{{{{secret:key}}}}", vendor.origin),
    ] {
        let fetched = vendor.fetch(&location(url)).await;
        assert_eq!(fetched.trouble().0, "later", "{url}");
    }
    assert!(elsewhere.requests().is_empty() && vendor.requests().is_empty());
}

#[tokio::test]
async fn a_compressed_file_is_not_taken_for_the_file() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nHello";
    let vendor = Vendor::answering(answer).await;
    let (kind, reason) = vendor.fetch(&vendor.location()).await.trouble();
    assert_eq!(kind, "later");
    assert!(reason.contains("compresses"), "{reason}");
}

#[test]
fn a_hash_is_read_in_both_encodings_and_nothing_else_is_one() {
    let hash = Sha256::digest("a");
    let hex = hex::encode(hash);
    for text in [
        hex.clone(),
        hex.to_uppercase(),
        BASE64_STANDARD.encode(hash),
    ] {
        assert_eq!(sha256(&text), Some(hex.clone()), "{text}");
    }
    for text in ["", "abc", &hex[2..], &BASE64_STANDARD.encode([0; 31])] {
        assert_eq!(sha256(text), None, "{text}");
    }
}
