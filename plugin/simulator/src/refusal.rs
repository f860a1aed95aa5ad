//! The shapes in which 360dialog says no (360dialog, API error message list).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::request::Reply;

/// A request that is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// 360dialog's gateway and its own configuration calls: `meta`.
    Gateway {
        status: StatusCode,
        message: String,
        details: Vec<String>,
    },
    /// 360dialog's newer calls: a sentence under `error`.
    Own { status: StatusCode, error: String },
    /// Meta's Graph API, passed through: `error` with a code.
    Graph {
        status: StatusCode,
        code: u32,
        title: &'static str,
        details: String,
        /// The subcode and what Meta says to people, as template management has them.
        explained: Option<(u32, String)>,
    },
}

impl Refusal {
    /// A refusal of the gateway.
    pub(crate) fn gateway(status: StatusCode, message: impl Into<String>) -> Self {
        let (message, details) = (message.into(), Vec::new());
        Self::Gateway {
            status,
            message,
            details,
        }
    }

    /// A refusal of Meta's: the code and its title of the list of error codes, and what is wrong here.
    pub(crate) fn graph(
        status: StatusCode,
        code: u32,
        title: &'static str,
        details: impl Into<String>,
    ) -> Self {
        Self::Graph {
            status,
            code,
            title,
            details: details.into(),
            explained: None,
        }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Gateway {
                status,
                message,
                details,
            } => {
                let mut meta = json!({"success": false, "http_code": status.as_u16(),
                    "developer_message": message});
                if !details.is_empty() {
                    meta["details"] = details.into();
                }
                Self::json(status, &json!({"meta": meta}))
            }
            Refusal::Own { status, error } => Self::json(status, &json!({"error": error})),
            Refusal::Graph {
                status,
                code,
                title,
                details,
                explained,
            } => Self::json(status, &graph(code, title, &details, explained)),
        }
    }
}

/// Meta's error (Cloud API, error codes).
pub(crate) fn graph(
    code: u32,
    title: &str,
    details: &str,
    explained: Option<(u32, String)>,
) -> Value {
    let mut error = json!({
        "message": format!("(#{code}) {title}"),
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details},
        // Meta's id for its support. Assumed: any text.
        "fbtrace_id": "SimulatorTraceId",
    });
    if let Some((subcode, sentence)) = explained {
        error["error_subcode"] = subcode.into();
        error["is_transient"] = false.into();
        error["error_user_title"] = title.into();
        error["error_user_msg"] = sentence.into();
    }
    json!({"error": error})
}
