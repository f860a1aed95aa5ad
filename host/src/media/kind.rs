//! What bytes are, by their first ones, and whether that is what somebody says.

/// How many of the first bytes are looked at.
pub(super) const HEAD: usize = 8192;

/// The type of a file with these first bytes, where it contradicts what is said.
pub(super) fn contradiction(head: &[u8], said: &str) -> Option<&'static str> {
    let said = essence(said);
    let found = infer::get(head)?.mime_type();
    let fits = said == "application/octet-stream"
        || infer::is_mime(head, &said)
        || family(&said).is_some_and(|of_said| family(found) == Some(of_said));
    (!fits).then_some(found)
}

/// What a type has in common with others that its first bytes can't be told from, or that are safe in its place.
fn family(essence: &str) -> Option<&'static str> {
    /// Documents in one of these have types of their own.
    const CONTAINERS: [&str; 2] = ["application/zip", "application/x-ole-storage"];

    let (top, _) = essence.split_once('/')?;
    match top {
        // The same containers hold both.
        "audio" | "video" => Some("sound or film"),
        "text" => Some("text"),
        _ if CONTAINERS.contains(&essence) || is_document(essence) => Some("document"),
        _ => None,
    }
}

/// Whether a type is one of the office documents, which are archives.
fn is_document(essence: &str) -> bool {
    let of_office = [
        "application/vnd.openxmlformats-officedocument.",
        "application/vnd.oasis.opendocument.",
        "application/vnd.ms-",
    ];
    essence == "application/msword" || of_office.iter().any(|office| essence.starts_with(office))
}

/// A type without its parameters: `audio/ogg` of `audio/ogg; codecs=opus`.
fn essence(mime_type: &str) -> String {
    let essence = mime_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Whether a text can be a file's type in a header.
pub(super) fn is_type(text: &str) -> bool {
    let is_token = |part: &str| {
        let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
        !part.is_empty() && part.bytes().all(is_of_token)
    };
    let parts = essence(text);
    let parts = parts.split_once('/');
    text.len() <= 255
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && parts.is_some_and(|(top, sub)| is_token(top) && is_token(sub))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
    const HTML: &[u8] = b"<!DOCTYPE html><html><body>Hi</body></html>";
    const MP4: &[u8] = b"\0\0\0\x18ftypisom\0\0\0\0isommp41";
    const OGG: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";
    const EXE: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";

    #[test]
    fn only_what_is_clearly_something_else_contradicts() {
        let document = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        for (head, said, found) in [
            (JPEG, "image/jpeg", None),
            (JPEG, "IMAGE/JPEG; a=b", None),
            (JPEG, "image/png", Some("image/jpeg")),
            (HTML, "image/jpeg", Some("text/html")),
            (HTML, "text/plain", None),
            (HTML, "application/octet-stream", None),
            (MP4, "video/mp4", None),
            (MP4, "audio/mp4", None),
            (MP4, "video/3gpp", None),
            (OGG, "audio/ogg; codecs=opus", None),
            (OGG, "application/pdf", Some("audio/opus")),
            (ZIP, document, None),
            (ZIP, "application/pdf", Some("application/zip")),
            (
                EXE,
                "application/pdf",
                Some("application/vnd.microsoft.portable-executable"),
            ),
            (b"nobody knows", "image/jpeg", None),
            (b"", "image/jpeg", None),
        ] {
            assert_eq!(contradiction(head, said), found, "{said}");
        }
    }

    #[test]
    fn a_type_can_stand_in_a_header() {
        for text in [
            "image/jpeg",
            "audio/ogg; codecs=opus",
            "application/vnd.ms-excel",
        ] {
            assert!(is_type(text), "{text}");
        }
        let long = format!("image/{}", "a".repeat(255));
        for text in [
            "",
            "image",
            "image/",
            "/a",
            "a b/c",
            "image/a\r\nx: y",
            &long,
        ] {
            assert!(!is_type(text), "{text:?}");
        }
    }
}
