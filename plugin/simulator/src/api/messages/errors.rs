//! Meta's errors about messages.

use axum::http::StatusCode;

use crate::refusal::Refusal;

/// A refusal with a code, and what is wrong here.
pub(crate) fn refused(code: u32, details: impl Into<String>) -> Refusal {
    let (status, title) = meaning(code);
    Refusal::graph(status, code, title, details)
}

/// The codes, each with its HTTP status and its title (Cloud API, error codes). The statuses are as they were listed until 2025;
/// 400 where none was is assumed.
const ERRORS: [(u32, u16, &str); 68] = [
    (0, 401, "AuthException"),
    (1, 400, "API Unknown"),
    (2, 503, "API Service"),
    (3, 500, "API Method"),
    (4, 429, "API Too Many Calls"),
    (10, 403, "Permission Denied"),
    (33, 400, "Parameter value is not valid"),
    (100, 400, "Invalid parameter"),
    (190, 401, "Access token has expired"),
    (200, 403, "API Permission"),
    (368, 403, "Temporarily blocked for policies violations"),
    (506, 400, "Duplicate Post"),
    (613, 429, "Calls to this API have exceeded the rate limit"),
    (80_007, 429, "Rate limit issues"),
    (130_403, 400, "Business blocked user"),
    (130_429, 429, "Rate limit hit"),
    (130_472, 400, "User's number is part of an experiment"),
    (
        130_497,
        403,
        "Business account is restricted from messaging users in this country",
    ),
    (131_000, 500, "Something went wrong"),
    (131_001, 400, "Message too long"),
    (131_002, 400, "Invalid recipient type"),
    (131_005, 403, "Access denied"),
    (131_006, 404, "Resource not found"),
    (131_008, 400, "Required parameter is missing"),
    (131_009, 400, "Parameter value is not valid"),
    (131_016, 503, "Service unavailable"),
    (131_020, 400, "Bad group"),
    (131_021, 400, "Recipient cannot be sender"),
    (131_026, 400, "Message undeliverable"),
    (131_030, 400, "Recipient phone number not in allowed list"),
    (131_031, 403, "Account has been locked"),
    (131_037, 400, "Display name not approved"),
    (131_041, 400, "Group unknown"),
    (131_042, 400, "Business eligibility payment issue"),
    (131_043, 400, "Message expired"),
    (131_045, 500, "Incorrect certificate"),
    (131_047, 400, "Re-engagement message"),
    (131_048, 429, "Spam rate limit hit"),
    (131_049, 400, "Meta chose not to deliver"),
    (131_050, 400, "User stopped marketing messages"),
    (131_051, 400, "Unsupported message type"),
    (131_052, 400, "Media download error"),
    (131_053, 400, "Media upload error"),
    (131_055, 400, "Method not allowed"),
    (
        131_056,
        429,
        "(Business Account, Consumer Account) pair rate limit hit",
    ),
    (131_057, 503, "Account in maintenance mode"),
    (
        131_062,
        400,
        "Business-scoped User ID (BSUID) recipients are not supported for this message",
    ),
    (131_063, 400, "Marketing templates disabled on Cloud API"),
    (131_064, 400, "Template classification violations limit"),
    (
        132_000,
        400,
        "Number of parameters does not match the expected number of params",
    ),
    (132_001, 404, "Template does not exist"),
    (132_005, 400, "Template hydrated text too long"),
    (132_007, 400, "Template format character policy violated"),
    (132_008, 400, "Template parameter value invalid"),
    (
        132_012,
        400,
        "Template parameter format does not match format in the created template",
    ),
    (132_015, 400, "Template is paused"),
    (132_016, 400, "Template is disabled"),
    (132_018, 400, "Template validation error"),
    (132_068, 400, "Flow is blocked"),
    (132_069, 400, "Flow is throttled"),
    (133_010, 400, "Phone number not registered"),
    (134_011, 400, "Payments terms of service not accepted"),
    (134_102, 500, "Template unavailable for use"),
    (135_000, 400, "Generic user error"),
    (137_000, 400, "Recipient identity key hash mismatch"),
    (138_009, 400, "Call permission request limit"),
    (139_100, 400, "Failed to block/unblock users"),
    (139_101, 400, "Block list limit reached"),
];

/// The HTTP status and the title that a code has; of one that is not listed, those of 131000, "unknown", are assumed.
pub(super) fn meaning(code: u32) -> (StatusCode, &'static str) {
    let listed = ERRORS.iter().find(|(listed, ..)| *listed == code);
    let (_, status, title) = listed
        .copied()
        .unwrap_or((code, 500, "Something went wrong"));
    let status = StatusCode::from_u16(status);
    (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), title)
}

/// What a `failed` status says of a code beyond its title.
pub(super) fn explanation(code: u32) -> &'static str {
    match code {
        131_047 => {
            "Message failed to send because more than 24 hours have passed since the customer last replied to this number."
        }
        131_053 => {
            "The file can't be fetched, or its type is none that this type of message may have."
        }
        131_009 => "The message to react to is unknown, a reaction itself or older than 30 days.",
        _ => "The message could not be sent.",
    }
}
