use serde_json::json;

use super::*;
use crate::api::tests::{Scripted, says};

const CLOUD: &str =
    r#"{"name":"Shop","phone_number":"+15550783881","api_key":"{{secret:api_key}}"}"#;
const OLD: &str = r#"{"name":"Shop","phone_number":"+15550783881","api_key":"{{secret:api_key}}","api":"on_premise","base_url":"https://old.example.com"}"#;

fn upload(purpose: UploadPurpose, mime_type: &str, size: u64) -> Upload {
    Upload {
        purpose,
        mime_type: mime_type.into(),
        size,
        filename: Some("a b.pdf".into()),
    }
}

fn for_message(kind: &str, mime_type: &str, size: u64) -> Upload {
    upload(UploadPurpose::Message(kind.into()), mime_type, size)
}

#[test]
fn media_is_fetched_through_360dialog() {
    let http = Scripted::new([says(
        200,
        &json!({"messaging_product": "whatsapp", "id": "77", "mime_type": "image/jpeg", "sha256": "ab", "file_size": "1024",
            "url": "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=77&ext=1795331739&hash=ATs"}),
    )]);
    let location = locate(&http, CLOUD, "7/7").unwrap();
    assert_eq!(http.lines(), ["GET https://waba-v2.360dialog.io/7%2F7"]);
    assert_eq!(
        location.url,
        "https://waba-v2.360dialog.io/whatsapp_business/attachments/?mid=77&ext=1795331739&hash=ATs"
    );
    assert_eq!(
        (location.size, location.expires),
        (Some(1024), Some(1_795_331_739_000))
    );
    assert_eq!(location.headers[0].value, "{{secret:api_key}}");

    let http = Scripted::new([]);
    let location = locate(&http, OLD, "77").unwrap();
    assert_eq!(location.url, "https://old.example.com/v1/media/77");
}

#[test]
fn an_answer_without_an_address_is_an_error() {
    for answer in [
        json!({}),
        json!({"url": "nowhere"}),
        json!({"url": "https://host"}),
    ] {
        let http = Scripted::new([says(200, &answer)]);
        assert!(locate(&http, CLOUD, "77").is_err(), "{answer}");
    }
    assert!(locate(&Scripted::new([]), CLOUD, "").is_err());
}

#[test]
fn a_file_for_a_message_is_a_form() {
    let file = for_message("document", "application/pdf", 5);
    let request = upload_form(&Scripted::new([]), CLOUD, &file).unwrap();
    assert_eq!(request.url, "https://waba-v2.360dialog.io/media");
    let UploadEncoding::Multipart(form) = request.encoding else {
        panic!("{:?}", request.encoding)
    };
    assert_eq!(form.file_field, "file");
    let fields: Vec<_> = form
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("messaging_product", "whatsapp"),
            ("type", "application/pdf")
        ]
    );

    let answer = |status, body: &str| UploadAnswer {
        status,
        body: body.into(),
    };
    let media = uploaded(&file, answer(200, r#"{"id":"99"}"#)).unwrap();
    assert_eq!(
        (media.id.as_str(), media.kept_seconds),
        ("99", Some(2_592_000))
    );
    assert!(uploaded(&file, answer(200, "{}")).is_err());
    assert!(uploaded(&file, answer(401, "{}")).is_err());
}

#[test]
fn anything_else_is_put_into_a_session() {
    for id in ["upload:MTphd", "MTphd"] {
        let http = Scripted::new([says(200, &json!({ "id": id }))]);
        let file = upload(UploadPurpose::TemplateExample, "application/pdf", 5);
        let request = upload_form(&http, CLOUD, &file).unwrap();
        assert_eq!(
            http.lines(),
            [
                "POST https://waba-v2.360dialog.io/uploads?file_name=a%20b.pdf&file_length=5&file_type=application%2Fpdf"
            ]
        );
        assert_eq!(request.url, "https://waba-v2.360dialog.io/upload:MTphd");
        assert!(
            request
                .headers
                .iter()
                .any(|header| header.name == "file_offset" && header.value == "0")
        );
        let media = uploaded(
            &file,
            UploadAnswer {
                status: 200,
                body: br#"{"h":"2:c2"}"#.to_vec(),
            },
        )
        .unwrap();
        assert_eq!((media.id.as_str(), media.kept_seconds), ("2:c2", None));
    }
}

#[test]
fn what_whatsapp_takes_is_uploaded_and_nothing_else() {
    for (kind, types, max_bytes) in MEDIA {
        for mime_type in types {
            assert!(
                upload_form(
                    &Scripted::new([]),
                    CLOUD,
                    &for_message(kind, mime_type, max_bytes)
                )
                .is_ok()
            );
        }
        let refused = upload_form(
            &Scripted::new([]),
            CLOUD,
            &for_message(kind, "text/html", max_bytes + 1),
        );
        let Err(UploadError::Invalid(problems)) = refused else {
            panic!()
        };
        let codes: Vec<_> = problems
            .iter()
            .map(|problem| problem.code.as_str())
            .collect();
        assert_eq!(codes, ["unsupported_type", "too_large"]);
    }
    let voice = for_message("audio", "audio/ogg; codecs=opus", 1);
    assert!(upload_form(&Scripted::new([]), CLOUD, &voice).is_ok());
    for refused in [
        for_message("text", "text/plain", 1),
        for_message("image", "image/png", 0),
        upload(UploadPurpose::Other("hat".into()), "image/png", 1),
        upload(UploadPurpose::ProfilePicture, "image/png", 6 << 20),
    ] {
        let refused = upload_form(&Scripted::new([]), CLOUD, &refused);
        assert!(matches!(refused, Err(UploadError::Invalid(problems)) if problems.len() == 1));
    }
    let old = upload_form(
        &Scripted::new([]),
        OLD,
        &for_message("image", "image/png", 1),
    );
    assert!(matches!(old, Err(UploadError::Invalid(_))));
}
