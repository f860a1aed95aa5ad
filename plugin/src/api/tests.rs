use std::cell::RefCell;
use std::collections::VecDeque;

use serde_json::json;

use super::*;

/// A host that gives scripted answers, and remembers what it was asked.
///
/// It seals as hosts do: the strings of sealed members become placeholders.
pub(crate) struct Scripted {
    answers: RefCell<VecDeque<Result<Response, Failure>>>,
    requests: RefCell<Vec<Request>>,
    declines: bool,
}

impl Scripted {
    pub(crate) fn new(answers: impl IntoIterator<Item = Result<Response, Failure>>) -> Self {
        Self {
            answers: RefCell::new(answers.into_iter().collect()),
            requests: RefCell::default(),
            declines: false,
        }
    }

    /// The same, sealing nothing.
    pub(crate) fn declining(self) -> Self {
        Self {
            declines: true,
            ..self
        }
    }

    /// What was asked, all of it: an answer that nobody fetched is a request that is missing.
    pub(crate) fn requests(self) -> Vec<Request> {
        assert_eq!(self.answers.borrow().len(), 0, "answers are left");
        let requests = self.requests.into_inner();
        for request in &requests {
            assert!(
                request
                    .headers
                    .iter()
                    .any(|header| header.name == "D360-API-KEY"
                        && header.value == "{{secret:api_key}}"),
                "{request:?}"
            );
            if request.fill_body {
                asks_only_for_its_own(request.body.as_deref().unwrap());
            }
        }
        requests
    }

    /// Method and address of each request.
    pub(crate) fn lines(self) -> Vec<String> {
        self.requests()
            .iter()
            .map(|request| format!("{} {}", request.method, request.url))
            .collect()
    }
}

impl Http for Scripted {
    fn send(&self, request: &Request) -> Result<Response, Failure> {
        self.requests.borrow_mut().push(request.clone());
        if self.declines && !request.seal.is_empty() {
            return Err(Failure::SealingDeclined);
        }
        let mut answer = self
            .answers
            .borrow_mut()
            .pop_front()
            .unwrap_or_else(|| panic!("there is no answer to {request:?}"))?;
        for seal in &request.seal {
            let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else {
                continue;
            };
            if let Some(Value::Object(members)) = body.pointer_mut(&seal.pointer) {
                for (member, value) in members {
                    if value.is_string() {
                        *value = format!("{{{{secret:{}/{member}}}}}", seal.name).into();
                    }
                }
            }
            answer.body = body.to_string().into_bytes();
        }
        Ok(answer)
    }
}

/// A body whose placeholders are filled is a registration, and asks for its own secrets alone.
fn asks_only_for_its_own(body: &[u8]) {
    let registration: Value = serde_json::from_slice(body).unwrap();
    let members = registration.as_object().unwrap().keys();
    let members: Vec<_> = members.filter(|member| *member != "override_all").collect();
    assert_eq!(members, ["headers", "url"]);
    // The account's has it; it takes nothing away from the numbers.
    let (kept, overrides) = match registration.get("override_all") {
        Some(overrides) => ("previous_account", overrides == true),
        None => ("previous", false),
    };
    assert!(!overrides);
    assert!(!registration["url"].as_str().unwrap().contains("{{"));
    for (name, value) in registration["headers"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        let own = value == "{{secret:webhook}}" || value == format!("{{{{secret:{kept}/{name}}}}}");
        assert!(own || !value.contains("{{"), "{name}: {value}");
    }
}

pub(crate) fn says(status: u16, body: &Value) -> Result<Response, Failure> {
    words(status, &body.to_string())
}

/// As [`Http::send`] gives it.
#[allow(clippy::unnecessary_wraps, reason = "scripts hold failures too")]
pub(crate) fn words(status: u16, body: &str) -> Result<Response, Failure> {
    Ok(Response {
        status,
        headers: Vec::new(),
        body: body.into(),
    })
}

fn refused(status: u16, body: &Value, call: Call) -> Error {
    answer(says(status, body), call).unwrap_err()
}

fn with_retry_after(status: u16, value: &str) -> Response {
    Response {
        status,
        headers: vec![Header {
            name: "Retry-After".into(),
            value: value.into(),
        }],
        body: Vec::new(),
    }
}

#[test]
fn the_gateway_s_shapes_are_read() {
    for body in [
        json!({"meta": {"success": false, "http_code": 400, "developer_message": "Bad url", "details": ["no port", "no _"]}}),
        json!({"meta": {"success": false, "httpCode": 400, "developerMessage": "Bad url", "details": "no port; no _"}}),
    ] {
        let error = refused(400, &body, Call::Repeatable);
        assert_eq!(error.class, ErrorClass::Invalid);
        assert_eq!(error.retry, Retry::Never);
        assert_eq!(error.message.as_deref(), Some("Bad url"));
        assert_eq!(error.details.as_deref(), Some("no port; no _"));
        assert_eq!(error.code, None);
    }
}

#[test]
fn the_on_premise_api_s_errors_are_errors_under_any_status() {
    let body = json!({
        "errors": [{"code": 470, "title": "Re-engagement", "details": "24 hours", "href": "https://example.com"}],
        "meta": {"api_status": "stable", "version": "2.41"},
    });
    for status in [200, 201, 400] {
        let error = refused(status, &body, Call::Message);
        assert_eq!(error.class, ErrorClass::WindowClosed, "{status}");
        assert_eq!(error.code.as_deref(), Some("470"));
        assert_eq!(error.title.as_deref(), Some("Re-engagement"));
        assert_eq!(error.details.as_deref(), Some("24 hours"));
        assert_eq!(error.link.as_deref(), Some("https://example.com"));
        let paths: Vec<_> = error.attributes.iter().map(|a| a.path.as_str()).collect();
        assert_eq!(paths, ["/meta/api_status", "/meta/version"]);
    }
}

#[test]
fn the_cloud_api_s_error_is_read_with_everything_beside_it() {
    let error = refused(
        400,
        &json!({"error": {
            "message": "(#131047) Re-engagement message", "type": "OAuthException", "code": 131_047,
            "error_data": {"messaging_product": "whatsapp", "details": "More than 24 hours"},
            "error_subcode": 2_494_055, "fbtrace_id": "Az8",
        }}),
        Call::Message,
    );
    assert_eq!(error.class, ErrorClass::WindowClosed);
    assert_eq!(error.code.as_deref(), Some("131047"));
    assert_eq!(
        error.message.as_deref(),
        Some("(#131047) Re-engagement message")
    );
    assert_eq!(error.details.as_deref(), Some("More than 24 hours"));
    assert_eq!(
        error.attributes,
        [
            (
                "/error/error_data/messaging_product",
                Scalar::Text("whatsapp".into())
            ),
            ("/error/error_subcode", Scalar::Integer(2_494_055)),
            ("/error/fbtrace_id", Scalar::Text("Az8".into())),
            ("/error/type", Scalar::Text("OAuthException".into())),
        ]
        .map(|(path, value)| Attribute {
            path: path.into(),
            value
        })
    );
    let sentence = json!({"error": {"code": "131008", "error_data": "to is missing"}});
    let error = refused(400, &sentence, Call::Message);
    assert_eq!(error.class, ErrorClass::Invalid);
    assert_eq!(error.details.as_deref(), Some("to is missing"));
}

#[test]
fn sentences_alone_are_read_and_web_pages_are_not_quoted() {
    for (body, message) in [
        (
            r#"{"error": "no such destination"}"#,
            Some("no such destination"),
        ),
        (
            r#"{"errors": ["no such destination"]}"#,
            Some("no such destination"),
        ),
        (
            r#"{"message": "no such destination"}"#,
            Some("no such destination"),
        ),
        (r#""no such destination""#, Some("no such destination")),
        ("no such destination\n", Some("no such destination")),
        ("<html>no such destination</html>", None),
        ("", None),
        ("null", None),
        ("{}", None),
        (r#"{"errors": []}"#, None),
    ] {
        let error = answer(words(409, body), Call::Message).unwrap_err();
        let expected = message.unwrap_or("HTTP status 409, without an explanation");
        assert_eq!(error.message.as_deref(), Some(expected), "{body}");
        assert_eq!(error.class, ErrorClass::Invalid, "{body}");
    }
    let long = "ä".repeat(1000);
    let error = answer(words(409, &long), Call::Message).unwrap_err();
    assert_eq!(error.message.unwrap().len(), 300);
}

#[test]
fn the_status_counts_more_than_the_body() {
    let body = json!({"meta": {"success": false, "httpCode": 404, "developerMessage": "Invalid api_key or token expired"}});
    let error = refused(401, &body, Call::Message);
    assert_eq!(
        (error.class, error.retry),
        (ErrorClass::Unauthorised, Retry::AfterChange)
    );
    assert!(error.remedy.unwrap().contains("360dialog Hub"));

    let code = json!({"error": {"code": 131_047, "message": "closed"}});
    for (status, class) in [
        (401, ErrorClass::Unauthorised),
        (403, ErrorClass::Unauthorised),
        (429, ErrorClass::RateLimited),
        (400, ErrorClass::WindowClosed),
        (500, ErrorClass::WindowClosed),
    ] {
        assert_eq!(
            refused(status, &code, Call::Message).class,
            class,
            "{status}"
        );
    }
    // Where the status claims success, the body's own counts.
    let body =
        json!({"meta": {"success": false, "http_code": 429, "developer_message": "slow down"}});
    assert_eq!(
        refused(200, &body, Call::Message).class,
        ErrorClass::RateLimited
    );
    assert_eq!(
        refused(400, &body, Call::Message).class,
        ErrorClass::Invalid
    );
}

#[test]
fn the_gateway_s_sentences_are_known() {
    use ErrorClass::{Invalid, RateLimited, Temporary, Unauthorised, Uncertain};
    for (status, sentence, class, retry) in [
        (
            400,
            "You have exceeded the endpoint rate limit.",
            RateLimited,
            Retry::Backoff,
        ),
        (
            400,
            "You have exceeded the limit of 1 request every 5 seconds.",
            RateLimited,
            Retry::Backoff,
        ),
        (
            400,
            "Could not send message due to lack of payment",
            Unauthorised,
            Retry::AfterChange,
        ),
        (
            400,
            "Your WhatsApp for Business API has been disabled",
            Unauthorised,
            Retry::AfterChange,
        ),
        (
            403,
            "This URL /x is blocked",
            Unauthorised,
            Retry::AfterChange,
        ),
        (
            400,
            "This URL /x is blocked",
            Unauthorised,
            Retry::AfterChange,
        ),
        (500, "Internal server error", Uncertain, Retry::Unknown),
        (
            502,
            "WhatsApp for Business API not available",
            Temporary,
            Retry::Backoff,
        ),
        (502, "Bad gateway", Uncertain, Retry::Unknown),
        (
            503,
            "Too many concurrent requests",
            Temporary,
            Retry::Backoff,
        ),
        (504, "Gateway timeout", Uncertain, Retry::Unknown),
        (400, "No such thing", Invalid, Retry::Never),
    ] {
        let shapes = [
            json!({"meta": {"success": false, "developer_message": sentence}}),
            json!({"meta": {"success": false, "developerMessage": sentence}}),
            json!({"error": sentence}),
        ];
        for body in shapes {
            let error = refused(status, &body, Call::Message);
            assert_eq!(
                (error.class, error.retry),
                (class, retry),
                "{status} {body}"
            );
            assert_eq!(error.remedy.is_none(), class == Invalid, "{status} {body}");
        }
        let error = answer(words(status, sentence), Call::Message).unwrap_err();
        assert_eq!(
            (error.class, error.retry),
            (class, retry),
            "{status} {sentence}"
        );
    }
}

#[test]
fn a_server_s_failure_is_uncertain_for_messages_alone() {
    for (status, code, class) in [
        (500, 131_000, ErrorClass::Temporary),
        (500, 131_016, ErrorClass::Temporary),
        (500, 130_429, ErrorClass::RateLimited),
        (500, 1, ErrorClass::Uncertain),
        (500, 1014, ErrorClass::Uncertain),
        (500, 999_999, ErrorClass::Uncertain),
        (503, 1, ErrorClass::Temporary),
        (503, 999_999, ErrorClass::Temporary),
        (400, 1, ErrorClass::Temporary),
        (400, 999_999, ErrorClass::Unknown),
    ] {
        let body = json!({"error": {"code": code}});
        assert_eq!(
            refused(status, &body, Call::Message).class,
            class,
            "{status} {code}"
        );
    }
    for body in ["", "null", "{}", "Bad gateway"] {
        for status in [500, 502, 504, 520] {
            let of = |call| answer(words(status, body), call).unwrap_err();
            assert_eq!(of(Call::Message).class, ErrorClass::Uncertain);
            let error = of(Call::Repeatable);
            assert_eq!(
                (error.class, error.retry),
                (ErrorClass::Temporary, Retry::Backoff)
            );
        }
    }
    let unknown = refused(400, &json!({"error": {"code": 999_999}}), Call::Message);
    assert_eq!(unknown.retry, Retry::Never);
    let transient = json!({"error": {"code": 999_999, "is_transient": true}});
    assert_eq!(
        refused(400, &transient, Call::Message).class,
        ErrorClass::Temporary
    );
    assert_eq!(
        refused(500, &transient, Call::Message).class,
        ErrorClass::Uncertain
    );
}

#[test]
fn what_the_vendor_says_of_the_time_to_wait_counts() {
    for (status, value, retry) in [
        (429, "17", Retry::After(17)),
        (503, " 30 ", Retry::After(30)),
        (429, "Sun, 22 Nov 2026 07:15:39 GMT", Retry::Backoff),
        (400, "17", Retry::Never),
    ] {
        let error = error(&with_retry_after(status, value), Call::Message);
        assert_eq!(error.retry, retry, "{status} {value}");
    }
    let mut response = with_retry_after(429, "17");
    response.body = br#"{"error": {"code": 131048}}"#.into();
    assert_eq!(error(&response, Call::Message).retry, Retry::After(86_400));
}

#[test]
fn an_answer_accepts_whatever_else_it_says() {
    for body in [
        "",
        "null",
        "{}",
        "OK",
        r#"{"success": true}"#,
        r#"{"errors": [], "error": null}"#,
        r#"{"messages": [{"id": "wamid.1"}], "errors": [{"code": 1}]}"#,
        r#"{"meta": {"success": true}}"#,
    ] {
        assert!(answer(words(200, body), Call::Message).is_ok(), "{body}");
    }
    for body in [
        r#"{"success": false}"#,
        r#"{"error": "no"}"#,
        r#"{"meta": {"success": false}}"#,
        r#"{"messages": [], "errors": [{"code": 1}]}"#,
    ] {
        assert!(answer(words(200, body), Call::Message).is_err(), "{body}");
    }
}

#[test]
fn failures_say_whether_anything_was_sent() {
    for (failure, message, repeatable) in [
        (
            Failure::Denied("no such origin".into()),
            ErrorClass::Invalid,
            ErrorClass::Invalid,
        ),
        (
            Failure::SealingDeclined,
            ErrorClass::Invalid,
            ErrorClass::Invalid,
        ),
        (
            Failure::Unreachable("no route".into()),
            ErrorClass::Temporary,
            ErrorClass::Temporary,
        ),
        (
            Failure::Interrupted("timeout".into()),
            ErrorClass::Uncertain,
            ErrorClass::Temporary,
        ),
        (
            Failure::TooLarge(500),
            ErrorClass::Uncertain,
            ErrorClass::Temporary,
        ),
        (
            Failure::TooLarge(401),
            ErrorClass::Unauthorised,
            ErrorClass::Unauthorised,
        ),
    ] {
        let class = |call| answer(Err(failure.clone()), call).unwrap_err().class;
        assert_eq!(class(Call::Message), message, "{failure:?}");
        assert_eq!(class(Call::Repeatable), repeatable, "{failure:?}");
    }
    let denied = answer(Err(Failure::Denied("no such origin".into())), Call::Message).unwrap_err();
    assert_eq!(denied.message.as_deref(), Some("no such origin"));
    assert!(answer(Err(Failure::TooLarge(201)), Call::Message).is_ok());
}

#[test]
fn a_code_comes_with_what_to_do_about_it() {
    let remedy = |status, error: Value| {
        let body = json!({ "error": error });
        refused(status, &body, Call::Message)
            .remedy
            .unwrap_or_default()
    };
    assert!(remedy(400, json!({"code": 131_047})).contains("approved template"));
    assert!(remedy(429, json!({"code": 131_056})).contains("6 seconds"));
    assert!(remedy(403, json!({"code": 130_497})).contains("country"));
    // The status says that it is the key, so it is nothing else.
    assert!(remedy(401, json!({"code": 131_047})).contains("API key"));
    // A 5xx that says no more leaves it uncertain: nobody should try again before they know.
    assert!(remedy(500, json!({"code": 1})).contains("may have been accepted"));
    // "Invalid parameter" says by its subcode which.
    let footer = json!({"code": 100, "error_subcode": 2_388_073});
    assert!(remedy(400, footer.clone()).contains("footer"));
    let error = refused(400, &json!({ "error": footer }), Call::Message);
    assert_eq!(
        (error.class, error.code.as_deref()),
        (ErrorClass::Template, Some("100"))
    );
    assert_eq!(remedy(400, json!({"code": 999_999})), "");
    // The on-premise API's shape.
    let legacy = json!({"errors": [{"code": 1013, "title": "User is not valid"}]});
    let error = refused(200, &legacy, Call::Message);
    assert!(
        error
            .remedy
            .is_some_and(|remedy| remedy.contains("another way"))
    );
}

#[test]
fn what_passes_again_is_tried_again_whatever_its_code() {
    let body = json!({"error": {"code": 131_009, "is_transient": true}});
    let error = refused(400, &body, Call::Message);
    assert_eq!(
        (error.class, error.retry),
        (ErrorClass::Temporary, Retry::Backoff)
    );
}
