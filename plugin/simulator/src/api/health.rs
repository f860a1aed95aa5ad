//! How the number is.

use axum::http::StatusCode;
use serde_json::json;

use crate::request::{Reply, Seen};
use crate::state::State;

/// `GET /health_status` (360dialog, messaging health status; Meta, health status). `fields` asks for members by name; which
/// there are without it is assumed: the id and the health.
pub(crate) fn status(state: &State, seen: &Seen) -> Reply {
    let entity = |kind: &str, id: String| json!({"entity_type": kind, "id": id, "can_send_messages": "AVAILABLE"});
    let whole = json!({
        "id": state.number_id(),
        "health_status": {
            "can_send_messages": "AVAILABLE",
            "entities": [
                entity("PHONE_NUMBER", state.number_id()),
                entity("WABA", state.account_id()),
            ],
        },
        "display_phone_number": state.options.number,
        "verified_name": "Simulated business",
        "name_status": "APPROVED",
        "quality_rating": "GREEN",
        // Of the whole business, and told with each of its numbers (Meta, messaging limits): which one is assumed.
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
    });
    Reply::ok(&seen.fields(&whole, "health_status"))
}

/// `GET /v1/health` of the on-premise API. Assumed: that the gateway is connected is all that it says.
pub(crate) fn on_premise() -> Reply {
    Reply::json(
        StatusCode::OK,
        &json!({"health": {"gateway_status": "connected"}}),
    )
}
