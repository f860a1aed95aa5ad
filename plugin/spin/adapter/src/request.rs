//! What of a channel's request leaves, and what of its answer comes in.

use channel_contract::secrets::{Escape, Mask, Secrets, asks, fill};
use channel_contract::types::Header;
use http::Uri;

use crate::bindings::exports::messaging::channel::http::{Failure, Request, Response};

/// The most bytes of a request's body.
const BODY_BYTES: usize = 4 << 20;

/// The most bytes of a header's value.
const HEADER_BYTES: usize = 16 << 10;

/// The most bytes of an answer's body.
pub(crate) const ANSWER_BYTES: usize = 8 << 20;

/// Headers as `wasi:http` has them.
pub(crate) type Headers = Vec<(String, Vec<u8>)>;

/// The address, which leads to the origin that is granted.
///
/// # Errors
///
/// [`Failure::Denied`] where it leads elsewhere, or hides where it leads.
pub(crate) fn address(url: &str, granted: &str) -> Result<Uri, Failure> {
    let uri: Uri = url
        .parse()
        .map_err(|error| Failure::Denied(format!("the address can't be read: {error}")))?;
    let Some(origin) = origin(&uri) else {
        let sentence =
            "the address is not absolute, has a user, or is not http: write https://host/path";
        return Err(Failure::Denied(sentence.to_owned()));
    };
    let granted: Option<Uri> = granted.parse().ok();
    if granted.as_ref().and_then(self::origin) != Some(origin) {
        return Err(Failure::Denied(format!(
            "the address does not lead to the variable api_origin, and nothing else is granted: {}",
            uri.authority().map_or("", |authority| authority.as_str())
        )));
    }
    Ok(uri)
}

/// Scheme, host and port.
fn origin(uri: &Uri) -> Option<(&str, String, u16)> {
    let scheme = uri.scheme_str()?;
    let authority = uri.authority()?;
    let default = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    if authority.as_str().contains('@') {
        return None;
    }
    let host = authority.host().to_ascii_lowercase();
    Some((scheme, host, authority.port_u16().unwrap_or(default)))
}

/// Headers and body with the secrets in the place of their placeholders.
///
/// # Errors
///
/// [`Failure::Denied`] where a secret is not set, or something is too long.
pub(crate) fn filled(
    request: &Request,
    secrets: &dyn Secrets,
) -> Result<(Headers, Vec<u8>), Failure> {
    let mut headers = Vec::with_capacity(request.headers.len());
    for Header { name, value } in &request.headers {
        let value = fill(value.as_bytes(), secrets, Escape::None, HEADER_BYTES)
            .map_err(|sentence| Failure::Denied(format!("header {name}: {sentence}")))?;
        headers.push((name.clone(), value));
    }
    let mut body = request.body.clone().unwrap_or_default();
    if request.fill_body && asks(&body) {
        let content_type = request
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-type"));
        let escape = content_type.and_then(|header| Escape::of(&header.value));
        let escape = escape.ok_or_else(|| {
            let sentence =
                "placeholders are filled in JSON and in forms: name the type in content-type";
            Failure::Denied(sentence.to_owned())
        })?;
        body = fill(&body, secrets, escape, BODY_BYTES)
            .map_err(|sentence| Failure::Denied(format!("body: {sentence}")))?;
    }
    if body.len() > BODY_BYTES {
        let sentence = format!(
            "the body has {} bytes and may have {BODY_BYTES}",
            body.len()
        );
        return Err(Failure::Denied(sentence));
    }
    Ok((headers, body))
}

/// An answer without the values of secrets. A compressed body could hide them, and is left out.
///
/// # Errors
///
/// [`Failure::Interrupted`] where they can't be masked.
pub(crate) fn masked(
    status: u16,
    headers: Headers,
    mut body: Vec<u8>,
    secrets: &dyn Secrets,
) -> Result<Response, Failure> {
    let unmasked = || Failure::Interrupted("the answer repeats secrets too often".to_owned());
    let mask = Mask::new(&secrets.all(), |_| false).ok_or_else(unmasked)?;
    let mut shown = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("content-encoding") && value != b"identity" {
            body.clear();
        }
        let value = mask.mask(&value, HEADER_BYTES).ok_or_else(unmasked)?;
        shown.push(Header {
            name,
            value: String::from_utf8_lossy(&value).into_owned(),
        });
    }
    Ok(Response {
        status,
        headers: shown,
        body: mask.mask(&body, ANSWER_BYTES).ok_or_else(unmasked)?,
    })
}

#[cfg(test)]
mod tests {
    use spin_interfaces::variables::Variables;

    use super::*;
    use spin_interfaces::secrets::OfVariables;

    const API: &str = "https://api.example.com";

    fn variables() -> Variables {
        [
            ("secret_api_key", "key-0123456789"),
            ("secret_empty", ""),
            ("platform_secret", "whsec_c2VjcmV0"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn request(headers: &[(&str, &str)], body: &str) -> Request {
        Request {
            method: "POST".to_owned(),
            url: API.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| Header {
                    name: (*name).to_owned(),
                    value: (*value).to_owned(),
                })
                .collect(),
            body: Some(body.into()),
            fill_body: true,
            timeout_ms: None,
            seal: Vec::new(),
        }
    }

    #[test]
    fn only_the_api_is_reached() {
        for url in [
            "https://api.example.com",
            "https://api.example.com/messages?a=b",
            "https://API.example.com:443/",
        ] {
            assert!(address(url, API).is_ok(), "{url}");
        }
        for url in [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://api.example.com.evil.com/",
            "https://evil.com/api.example.com",
            "https://api.example.com@evil.com/",
            "https://evil.com@api.example.com/",
            "https://key:{{secret:api_key}}@api.example.com/",
            "//api.example.com/",
            "/messages",
            "ftp://api.example.com/",
            "https://",
            "",
        ] {
            assert!(
                matches!(address(url, API), Err(Failure::Denied(_))),
                "{url}"
            );
        }
        assert!(address("https://api.example.com", "").is_err());
        assert!(address("http://127.0.0.1:8372/a", "http://127.0.0.1:8372").is_ok());
    }

    #[test]
    fn secrets_are_filled_where_they_are_asked_for() {
        let variables = variables();
        let secrets = OfVariables(&variables);
        let asks = r#"{"value": "{{secret:api_key}}"}"#;
        let json = ("content-type", "application/json");
        let (headers, body) = filled(
            &request(&[json, ("d360-api-key", "{{secret:api_key}}")], asks),
            &secrets,
        )
        .unwrap();
        assert_eq!(headers[1].1, b"key-0123456789");
        assert_eq!(body, br#"{"value": "key-0123456789"}"#);

        let mut written_by_people = request(&[json], asks);
        written_by_people.fill_body = false;
        assert_eq!(
            filled(&written_by_people, &secrets).unwrap().1,
            asks.as_bytes()
        );
    }

    #[test]
    fn what_is_no_secret_of_the_channel_s_is_not_filled() {
        let variables = variables();
        let secrets = OfVariables(&variables);
        for name in ["platform_secret", "empty", "unknown", "../platform_secret"] {
            let asks = format!("{{{{secret:{name}}}}}");
            let denied = filled(&request(&[("x", &asks)], ""), &secrets);
            assert!(matches!(denied, Err(Failure::Denied(_))), "{name}");
        }
        assert!(filled(&request(&[], "{{secret:api_key}}"), &secrets).is_err());
    }

    #[test]
    fn secrets_do_not_come_back() {
        let variables = variables();
        let secrets = OfVariables(&variables);
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        let headers = vec![header("x-key", "key-0123456789")];
        let body = b"you sent key-0123456789".to_vec();
        let masked = masked(200, headers, body, &secrets).unwrap();
        assert_eq!(masked.headers[0].value, "{{secret:api_key}}");
        assert_eq!(masked.body, b"you sent {{secret:api_key}}");

        let compressed = vec![header("Content-Encoding", "gzip")];
        let masked = super::masked(200, compressed, b"...".to_vec(), &secrets).unwrap();
        assert!(masked.body.is_empty());
    }
}
