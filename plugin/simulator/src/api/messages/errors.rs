//! Meta's errors about messages.

use axum::http::StatusCode;

use crate::refusal::Refusal;

/// A refusal with a code, and what is wrong here.
pub(crate) fn refused(code: u32, details: impl Into<String>) -> Refusal {
    let (status, title) = meaning(code);
    Refusal::graph(status, code, title, details)
}

/// The HTTP status and the title that a code has (Cloud API, error codes; the statuses as they were listed until 2025).
pub(super) fn meaning(code: u32) -> (StatusCode, &'static str) {
    let title = match code {
        100 => "Invalid parameter",
        130_429 => "Rate limit hit",
        131_001 => "Message too long",
        131_002 => "Invalid recipient type",
        131_008 => "Required parameter is missing",
        131_009 => "Parameter value is not valid",
        131_021 => "Recipient cannot be sender",
        131_041 => "Group unknown",
        131_047 => "Re-engagement message",
        131_051 => "Unsupported message type",
        131_053 => "Media upload error",
        131_056 => "(Business Account, Consumer Account) pair rate limit hit",
        131_062 => "Business-scoped User ID (BSUID) recipients are not supported for this message",
        132_000 => "Number of parameters does not match the expected number of params",
        132_001 => "Template does not exist",
        132_005 => "Template hydrated text too long",
        132_012 => "Template parameter format does not match format in the created template",
        132_015 => "Template is paused",
        132_016 => "Template is disabled",
        132_018 => "Template validation error",
        _ => "Something went wrong",
    };
    let status = match code {
        130_429 | 131_056 => StatusCode::TOO_MANY_REQUESTS,
        132_001 => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    (status, title)
}

/// What a `failed` status says of a code beyond its title.
pub(super) fn explanation(code: u32) -> &'static str {
    match code {
        131_047 => {
            "Message failed to send because more than 24 hours have passed since the customer last replied to this number."
        }
        131_053 => "The file's type is none that this type of message may have.",
        131_009 => "The message to react to is unknown, a reaction itself or older than 30 days.",
        _ => "The message could not be sent.",
    }
}
