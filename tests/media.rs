//! Files of messages, both ways: through the host, the sandboxed channel and real HTTP.

mod hosted;
mod peer;
mod running;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use channel_host::api::{self, Token};
use channel_host::contract::media::UploadPurpose;
use channel_host::{Change, ChannelHandle, Media, MediaError, NewMedia, Uploaded};
use futures_util::stream;
use hosted::{Hosted, until};
use peer::{Answer, Peer, cloud};
use running::Running;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use simulator_360dialog::{Act, Attachment, File, Simulator, Who};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0 a picture";
const DOWNLOAD: &str = cloud::DOWNLOAD;

/// Lets the peer have a file: it can be looked up and downloaded once.
fn offer(peer: &Peer, id: &str, mime_type: &'static str, bytes: &[u8]) {
    let hash = hex::encode(Sha256::digest(bytes));
    located(peer, id, mime_type, &hash, bytes.len());
    peer.next(DOWNLOAD, Answer::File(mime_type, bytes.to_vec()));
}

fn located(peer: &Peer, id: &str, mime_type: &str, hash: &str, size: usize) {
    let location = cloud::location(id, mime_type, hash, size);
    peer.next(&format!("/{id}"), Answer::Status(200, location));
}

/// A webhook with a picture of a person's.
fn picture_of(peer: &Peer, id: &str, bytes: &[u8]) -> Value {
    let picture = json!({"id": id, "mime_type": "image/jpeg",
        "sha256": BASE64_STANDARD.encode(Sha256::digest(bytes))});
    cloud::file(peer, &format!("wamid.{id}"), "image", &picture)
}

/// Delivers a picture of a person's.
async fn deliver(hosted: &Hosted, id: &str, bytes: &[u8]) -> Result<()> {
    hosted.push(&picture_of(&hosted.peer, id, bytes)).await
}

async fn read(mut media: Media) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    media.file.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// How often something was asked of the peer.
fn asked(hosted: &Hosted, path: &str) -> usize {
    let requests = hosted.peer.requests();
    requests
        .iter()
        .filter(|request| request.path == path)
        .count()
}

/// The files of a host, without the folder of those that are not whole.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for channel in std::fs::read_dir(directory.join("media"))? {
        let channel = channel?;
        if channel.file_name() != "part" {
            for file in std::fs::read_dir(channel.path())? {
                files.push(file?.path());
            }
        }
    }
    Ok(files)
}

fn parts(directory: &Path) -> Result<usize> {
    Ok(std::fs::read_dir(directory.join("media/part"))?.count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_fetched_once_for_all_who_ask() -> Result<()> {
    let mut hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    deliver(&hosted, "M1", JPEG).await?;
    assert_eq!(asked(&hosted, "/M1"), 0, "nobody has asked for it");
    offer(&hosted.peer, "M1", "image/jpeg", JPEG);
    let (one, other) = tokio::join!(channel.media("M1"), channel.media("M1"));
    let one = one?;
    assert_eq!(one.sha256, hex::encode(Sha256::digest(JPEG)));
    assert_eq!(one.mime_type.as_deref(), Some("image/jpeg"));
    assert_eq!(one.size, JPEG.len() as u64);
    assert_eq!(read(one).await?, JPEG);
    assert_eq!(read(other?).await?, JPEG);
    let requests = hosted.peer.requests();
    let download = requests.iter().find(|request| request.path == DOWNLOAD);
    let download = download.context("it was downloaded")?;
    assert_eq!(download.query, "mid=M1&ext=1&hash=h");
    assert_eq!(download.header("d360-api-key"), Some(hosted::KEY));

    drop(channel);
    hosted.restart().await?;
    let channel = hosted.host.channel("Shop").context("the channel")?;
    assert_eq!(read(channel.media("M1").await?).await?, JPEG);
    assert_eq!((asked(&hosted, "/M1"), asked(&hosted, DOWNLOAD)), (1, 1));
    assert_eq!(
        hosted.metric("channel_host_media_total")?,
        0,
        "since the restart"
    );
    assert_eq!(parts(hosted.directory.path())?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_lie_on_the_disk_once_and_one_that_is_gone_is_fetched_again() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    for id in ["M1", "M2"] {
        offer(&hosted.peer, id, "image/jpeg", JPEG);
        assert_eq!(read(channel.media(id).await?).await?, JPEG);
    }
    let files = files(hosted.directory.path())?;
    let [file] = &files[..] else {
        panic!("{files:?}");
    };
    // As it is once a backup was put back, which has no files.
    std::fs::remove_file(file)?;
    offer(&hosted.peer, "M1", "image/jpeg", JPEG);
    assert_eq!(read(channel.media("M1").await?).await?, JPEG);
    assert_eq!(asked(&hosted, "/M1"), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_vendor_does_not_have_is_asked_for_once() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    for _ in 0..3 {
        let error = channel.media("M404").await.unwrap_err();
        assert!(matches!(error, MediaError::Gone(_)), "{error}");
    }
    assert_eq!(asked(&hosted, "/M404"), 1);
    located(&hosted.peer, "M410", "image/jpeg", "", 1);
    hosted.peer.next(DOWNLOAD, Answer::Status(410, Value::Null));
    for _ in 0..3 {
        let error = channel.media("M410").await.unwrap_err();
        assert!(matches!(error, MediaError::Gone(_)), "{error}");
    }
    assert_eq!((asked(&hosted, "/M410"), asked(&hosted, DOWNLOAD)), (1, 1));
    // It may have been the settings.
    let members = json!({"greeting": "Hi!"});
    let change = Change {
        members: members.as_object().cloned().unwrap_or_default(),
        replace_foreign: false,
    };
    channel.change(change).await?;
    offer(&hosted.peer, "M404", "image/jpeg", JPEG);
    channel.media("M404").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_looks_like_a_path_reaches_no_file() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    for id in ["../../host.db", "..", ".", "/etc/passwd", "part", "a\0b"] {
        let error = channel.media(id).await.unwrap_err();
        assert!(
            matches!(error, MediaError::Gone(_) | MediaError::NotNow { .. }),
            "{id:?}: {error}"
        );
    }
    assert!(files(hosted.directory.path())?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_stumbles_is_tried_again_and_one_that_fails_is_left_alone() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let fails = |path: &str| hosted.peer.next(path, Answer::Status(500, Value::Null));
    fails("/M1");
    located(&hosted.peer, "M1", "image/jpeg", "", JPEG.len());
    hosted.peer.next(DOWNLOAD, Answer::Cut);
    offer(&hosted.peer, "M1", "image/jpeg", JPEG);
    assert_eq!(read(channel.media("M1").await?).await?, JPEG);
    assert_eq!((asked(&hosted, "/M1"), asked(&hosted, DOWNLOAD)), (3, 2));

    // One request has failed within this hour; so may three more.
    (0..3).for_each(|_| fails("/M2"));
    offer(&hosted.peer, "M3", "image/jpeg", JPEG);
    for id in ["M2", "M2", "M3"] {
        let error = channel.media(id).await.unwrap_err();
        assert!(matches!(error, MediaError::NotNow { .. }), "{error}");
    }
    assert_eq!((asked(&hosted, "/M2"), asked(&hosted, "/M3")), (3, 0));
    hosted.clock.advance(Duration::from_hours(1));
    assert_eq!(read(channel.media("M3").await?).await?, JPEG);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_by_themselves_and_go_in_time() -> Result<()> {
    let hosted = Hosted::start_with(|options| {
        options.fetch_media = true;
        options.check_every = Duration::from_millis(50);
    })
    .await?;
    let channel = hosted.add(&json!({})).await?;
    offer(&hosted.peer, "M1", "image/jpeg", JPEG);
    deliver(&hosted, "M1", JPEG).await?;
    let directory = hosted.directory.path();
    until(
        "it does not come",
        async || Ok(files(directory)?.len() == 1),
    )
    .await?;
    until("it is not told", async || {
        Ok(hosted.metric("channel_host_media_total")? == 1)
    })
    .await?;
    hosted.clock.advance(Duration::from_hours(31 * 24));
    until("it does not go", async || Ok(files(directory)?.is_empty())).await?;
    assert!(matches!(
        channel.media("M1").await,
        Err(MediaError::Gone(_))
    ));

    // One that is gone is not asked for again.
    deliver(&hosted, "M2", JPEG).await?;
    until("it is not asked for", async || {
        Ok(asked(&hosted, "/M2") == 1)
    })
    .await?;
    // Nor is one of another number, which this key opens nothing of.
    let mut other = picture_of(&hosted.peer, "M3", JPEG);
    other["entry"][0]["changes"][0]["value"]["metadata"] =
        json!({"display_phone_number": "15550000000", "phone_number_id": "999"});
    hosted.push(&other).await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!((asked(&hosted, "/M2"), asked(&hosted, "/M3")), (1, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_what_a_power_failure_cut_off_or_of_a_channel_that_is_removed()
-> Result<()> {
    let mut hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    offer(&hosted.peer, "M1", "image/jpeg", JPEG);
    channel.media("M1").await?;
    let media = hosted.directory.path().join("media");
    std::fs::write(media.join("part/half"), "ha")?;
    std::fs::write(media.join(channel.id()).join("f00"), "nobody's")?;
    std::fs::create_dir(media.join("another"))?;
    std::fs::write(media.join("another/f00"), "nobody's")?;
    drop(channel);
    hosted.restart().await?;
    assert_eq!(parts(hosted.directory.path())?, 0);
    assert_eq!(files(hosted.directory.path())?.len(), 1);
    assert!(!media.join("another").exists());

    let channel = hosted.host.channel("Shop").context("the channel")?;
    channel.remove(false).await?;
    assert_eq!(files(hosted.directory.path())?.len(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_before_anything_is_asked() -> Result<()> {
    let hosted = Hosted::start_with(|options| options.media_space = 10).await?;
    let channel = hosted.add(&json!({})).await?;
    offer(&hosted.peer, "M1", "image/jpeg", JPEG);
    channel.media("M1").await?;
    let error = channel.media("M2").await.unwrap_err();
    assert!(error.to_string().contains("--media-space"), "{error}");
    assert_eq!(asked(&hosted, "/M2"), 0);
    Ok(())
}

/// The REST API of a host.
async fn served(hosted: &Hosted) -> Result<(String, reqwest::Client)> {
    const TOKEN: &str = "0123456789abcdef";

    let token = Token::new(TOKEN).context("a token")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/channels/Shop/media", listener.local_addr()?);
    let router = api::router(hosted.host.clone(), token);
    tokio::spawn(api::serve(listener, router, std::future::pending()));
    let bearer = format!("Bearer {TOKEN}").parse()?;
    let headers = [(reqwest::header::AUTHORIZATION, bearer)];
    // reqwest asks the process for its cryptography, though nothing is encrypted here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .default_headers(headers.into_iter().collect());
    Ok((url, client.build()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_browser_shows_what_a_stranger_sent_and_a_lie_about_it_is_told() -> Result<()> {
    let hosted = Hosted::start().await?;
    hosted.add(&json!({})).await?;
    let (url, client) = served(&hosted).await?;
    let page = b"<!DOCTYPE html><script>alert(1)</script>";
    let document =
        json!({"id": "M1", "mime_type": "application/pdf", "filename": "../../in\"voice.pdf"});
    hosted
        .push(&cloud::file(&hosted.peer, "wamid.1", "document", &document))
        .await?;
    offer(&hosted.peer, "M1", "application/pdf", page);
    let answer = client.get(format!("{url}/M1")).send().await?;
    assert_eq!(answer.status(), 200);
    let header = |name: &str| {
        answer.headers()[name]
            .to_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(header("x-found-type"), "text/html");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(
        header("content-disposition"),
        "attachment; filename*=UTF-8''in%22voice%2Epdf"
    );
    assert_eq!(
        header("etag"),
        format!("\"{}\"", hex::encode(Sha256::digest(page)))
    );
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(answer.bytes().await?, page.as_slice());

    let gone = client.get(format!("{url}/M2")).send().await?;
    assert_eq!(gone.status(), 410);
    let problem: Value = gone.json().await?;
    assert_eq!(problem["type"], "/problems/media-gone");

    located(&hosted.peer, "M3", "image/jpeg", "", 200 << 20);
    let later = client.get(format!("{url}/M3")).send().await?;
    assert_eq!(later.status(), 503);
    assert_eq!(later.headers()["retry-after"], "3600");
    Ok(())
}

fn picture(mime_type: &str, kind: &str) -> NewMedia {
    NewMedia {
        purpose: UploadPurpose::Message(kind.to_owned()),
        mime_type: mime_type.to_owned(),
        filename: Some("a.jpg".to_owned()),
        again: false,
    }
}

async fn upload(
    channel: &ChannelHandle,
    new: NewMedia,
    bytes: &[u8],
) -> Result<Uploaded, MediaError> {
    let halves = bytes.split_at(bytes.len() / 2);
    let halves = [halves.0, halves.1].map(|half| Ok::<_, Infallible>(half.to_vec()));
    channel.upload(new, stream::iter(halves)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_uploaded_once_as_long_as_the_vendor_keeps_it() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let first = upload(&channel, picture("image/jpeg", "image"), JPEG).await?;
    assert!(!first.reused);
    let expires = first.expires.context("it is kept for a while")?;
    assert!(expires > hosted.clock.now() + 29 * 24 * 3_600_000);
    let requests = hosted.peer.requests();
    let request = requests.last().context("a request")?;
    assert_eq!(request.line(), "POST /media");
    assert_eq!(request.header("d360-api-key"), Some(hosted::KEY));
    let kind = request.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
    let length = request.header("content-length").map(str::parse);
    assert_eq!(length, Some(Ok(request.body.len())));
    let body = String::from_utf8_lossy(&request.body);
    for part in [
        "name=\"messaging_product\"\r\n\r\nwhatsapp\r\n",
        "name=\"type\"\r\n\r\nimage/jpeg\r\n",
        "name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n",
    ] {
        assert!(body.contains(part), "{part:?} is not in {body:?}");
    }
    assert!(
        request.body.windows(JPEG.len()).any(|part| part == JPEG),
        "the bytes are in it"
    );

    let again = upload(&channel, picture("image/jpeg", "image"), JPEG).await?;
    assert_eq!((&again.id, again.reused), (&first.id, true));
    assert_eq!(asked(&hosted, "/media"), 1);
    let document = upload(
        &channel,
        picture("image/jpeg", "image"),
        b"\xff\xd8\xff other",
    )
    .await?;
    assert_ne!(document.id, first.id);
    let new = NewMedia {
        again: true,
        ..picture("image/jpeg", "image")
    };
    let forced = upload(&channel, new, JPEG).await?;
    assert!(!forced.reused);
    hosted.clock.advance(Duration::from_hours(29 * 24 + 1));
    let late = upload(&channel, picture("image/jpeg", "image"), JPEG).await?;
    assert!(!late.reused, "it would not be there for another day");
    assert_eq!(parts(hosted.directory.path())?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_uploaded_over_the_api() -> Result<()> {
    let hosted = Hosted::start().await?;
    hosted.add(&json!({})).await?;
    let (url, client) = served(&hosted).await?;
    let post = async |query: &str, mime_type: Option<&str>, bytes: &[u8]| {
        let mut request = client.post(format!("{url}{query}")).body(bytes.to_vec());
        if let Some(mime_type) = mime_type {
            request = request.header("content-type", mime_type);
        }
        let answer = request.send().await?;
        Ok::<_, anyhow::Error>((answer.status().as_u16(), answer.json::<Value>().await?))
    };
    let jpeg = Some("image/jpeg");
    let (status, first) = post("?kind=image&filename=a.jpg", jpeg, JPEG).await?;
    assert_eq!((status, &first["reused"]), (201, &json!(false)), "{first}");
    assert_eq!(first["sha256"], hex::encode(Sha256::digest(JPEG)));
    let (status, again) = post("?kind=image", jpeg, JPEG).await?;
    assert_eq!((status, &again["id"]), (200, &first["id"]), "{again}");
    let mut large = b"%PDF-1.7\n".to_vec();
    large.resize(3 << 20, b' ');
    let (status, _) = post("?kind=document", Some("application/pdf"), &large).await?;
    assert_eq!(status, 201, "more than other addresses take");
    for (query, mime_type, expected, member) in [
        ("?kind=image", None, 422, "/mime_type"),
        ("?kind=image&filename=a%0Ab", jpeg, 422, "/filename"),
        ("?kind=poll", jpeg, 422, "/purpose"),
        ("?purpose=poster", jpeg, 422, "/purpose"),
        ("", jpeg, 400, "kind"),
        ("?kind=image&purpose=poster", jpeg, 400, "purpose"),
    ] {
        let (status, problem) = post(query, mime_type, JPEG).await?;
        assert_eq!(status, expected, "{query} {problem}");
        let told = problem["detail"].as_str().unwrap_or_default();
        assert!(told.contains(member), "{query} {problem}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_for_a_template_is_sent_as_it_is() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    for handle in ["4::h1", "4::h2"] {
        let opened = json!({"id": "upload:s1"});
        hosted.peer.next("/uploads", Answer::Status(200, opened));
        hosted
            .peer
            .next("/upload:s1", Answer::Status(200, json!({"h": handle})));
        let example = NewMedia {
            purpose: UploadPurpose::TemplateExample,
            ..picture("image/jpeg", "")
        };
        let uploaded = upload(&channel, example, JPEG).await?;
        // Nobody says how long it is kept, so it is not used again.
        assert_eq!((uploaded.id.as_str(), uploaded.expires), (handle, None));
    }
    let requests = hosted.peer.requests();
    let request = requests.last().context("a request")?;
    assert_eq!(request.line(), "POST /upload:s1");
    assert_eq!(request.body, JPEG);
    assert_eq!(request.header("file_offset"), Some("0"));
    assert_eq!(request.header("d360-api-key"), Some(hosted::KEY));
    let length = JPEG.len().to_string();
    assert_eq!(request.header("content-length"), Some(length.as_str()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_a_rule_never_leaves() -> Result<()> {
    let hosted = Hosted::start_with(|options| options.media_bytes = 6 << 20).await?;
    let channel = hosted.add(&json!({})).await?;
    let before = hosted.peer.requests().len();
    let mut large = JPEG.to_vec();
    large.resize((5 << 20) + 1, 0);
    for (mime_type, kind, bytes, pointer) in [
        ("image/png", "image", JPEG, "/mime_type"),
        ("image", "image", JPEG, "/mime_type"),
        ("image/gif", "image", b"GIF89a....".as_slice(), "/mime_type"),
        ("image/jpeg", "poll", JPEG, "/purpose"),
        ("image/jpeg", "image", b"", "/size"),
        ("image/jpeg", "image", &large, "/size"),
    ] {
        match upload(&channel, picture(mime_type, kind), bytes).await {
            Err(MediaError::Invalid(problems)) => {
                assert_eq!(problems[0].pointer, pointer, "{problems:?}");
            }
            other => panic!("{mime_type} {kind}: {other:?}"),
        }
    }
    large.resize(7 << 20, 0);
    let error = upload(&channel, picture("image/jpeg", "document"), &large).await;
    assert!(matches!(error, Err(MediaError::TooLarge(_))), "{error:?}");
    assert_eq!(hosted.peer.requests().len(), before);
    assert_eq!(parts(hosted.directory.path())?, 0);

    hosted.peer.next("/media", Answer::Cut);
    let error = upload(&channel, picture("image/jpeg", "image"), JPEG).await;
    assert!(matches!(error, Err(MediaError::NotNow { .. })), "{error:?}");
    let refusal = json!({"error": {"code": 131_053, "message": "Media upload error"}});
    hosted.peer.next("/media", Answer::Status(400, refusal));
    let error = upload(&channel, picture("image/jpeg", "image"), JPEG).await;
    let Err(MediaError::Refused(error)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.code.as_deref(), Some("131053"));
    Ok(())
}

/// The simulator compares forms, types and sizes with the documentation, signs addresses and names hashes as the vendor does.
#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_vendor_takes_files_and_gives_them() -> Result<()> {
    let simulator = Simulator::start(simulator_360dialog::Options::default()).await?;
    let grant = simulator.url().to_owned();
    let hosted = Hosted::start_with(|options| {
        options.private_origins.push(grant);
        options.fetch_media = true;
    })
    .await?;
    simulator.tunnel(&hosted.webhooks)?;
    let settings = json!({"base_url": simulator.url(), "api_key": simulator.api_key()});
    let channel = hosted.add(&settings).await?;

    let customer = Who::phone("16315551234");
    simulator.customer(
        &customer,
        Act::Send(Attachment {
            file: File {
                name: "a.jpg".to_owned(),
                bytes: JPEG.into(),
            },
            kind: None,
            mime_type: None,
            caption: Some("Look".to_owned()),
        }),
    )?;
    until("no picture has come", async || {
        Ok(!hosted.events(&["message"]).await?.is_empty())
    })
    .await?;
    let event = &hosted.events(&["message"]).await?[0];
    let id = event["message"]["content"]["id"].as_str();
    let id = id.with_context(|| event.to_string())?;
    let media = channel.media(id).await?;
    assert_eq!(media.mime_type.as_deref(), Some("image/jpeg"));
    assert_eq!(read(media).await?, JPEG);

    let uploaded = upload(&channel, picture("image/jpeg", "image"), JPEG).await?;
    let message =
        json!({"to": {"phone": "16315551234"}, "content": {"type": "image", "id": uploaded.id}});
    channel.send(message.to_string().as_bytes(), None).await?;
    until("it was not sent", async || {
        let sent = simulator.sent();
        Ok(sent
            .iter()
            .any(|sent| sent.body["image"]["id"] == uploaded.id))
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_while_it_fetches_fetches_again() -> Result<()> {
    let peer = Peer::start(hosted::KEY, hosted::NUMBER).await?;
    let directory = tempfile::tempdir()?;
    let data = directory.path();
    let public = ["--public-url", hosted::PUBLIC, "--fetch-media"];
    let arguments = [&public[..], &["--private-origin", peer.url()]].concat();
    let host = Running::start(data, &arguments).await?;
    peer.tunnel(&host.webhooks);
    let settings = json!({"name": "Shop", "phone_number": format!("+{}", hosted::NUMBER),
        "api_key": hosted::KEY, "base_url": peer.url()});
    let add = ["channel", "add", "--settings", "-"];
    let added = host
        .command_with(&add, settings.to_string().as_bytes())
        .await?;
    assert_eq!(added.code, Some(0), "{}", added.errors);

    located(&peer, "M1", "image/jpeg", "", JPEG.len());
    peer.next(DOWNLOAD, Answer::Beginning(JPEG[..5].to_vec()));
    assert_eq!(peer.push(&picture_of(&peer, "M1", JPEG)).await?, 200);
    until("it is not being fetched", async || Ok(parts(data)? == 1)).await?;
    host.kill().await?;
    assert_eq!(parts(data)?, 1, "it had no time to remove it");

    offer(&peer, "M1", "image/jpeg", JPEG);
    let host = Running::start(data, &arguments).await?;
    until("it is not fetched again", async || {
        Ok(files(data)?.len() == 1)
    })
    .await?;
    assert_eq!(parts(data)?, 0);

    let output = data.join("out.jpg");
    let get = [
        "media",
        "get",
        "Shop",
        "M1",
        "--output",
        output.to_str().context("a name")?,
    ];
    let got = host.command(&get).await?;
    assert_eq!(got.code, Some(0), "{}", got.errors);
    assert_eq!(std::fs::read(&output)?, JPEG);
    let output = output.to_str().context("a name")?;
    let upload = ["media", "upload", "Shop", output, "--kind", "image"];
    let uploaded = host.command(&upload).await?;
    assert_eq!(uploaded.code, Some(0), "{}", uploaded.errors);
    assert!(uploaded.output.starts_with("MEDIA"), "{}", uploaded.output);
    let gone = host.command(&["media", "get", "Shop", "M2"]).await?;
    assert_eq!(gone.code, Some(3), "{}", gone.errors);
    assert!(gone.errors.contains("The file is gone"), "{}", gone.errors);
    let wrong = [
        "media",
        "upload",
        "Shop",
        output,
        "--kind",
        "image",
        "--type",
        "image/png",
    ];
    let wrong = host.command(&wrong).await?;
    assert_eq!(wrong.code, Some(3), "{}", wrong.errors);
    assert!(wrong.errors.contains("/mime_type"), "{}", wrong.errors);
    host.stop().await?;
    Ok(())
}
