//! What changes about the account, a number or a right, and what advertisements and trackers tell. Cloud API, the account's webhooks.

use super::contact::{named, nobody, somebody};
use super::node::Node;
use super::{Item, Shared, wire};
use crate::bindings::messaging::channel::events::{
    AccountChange, AccountSubject, EventBody, FlowChange, Restriction,
};

/// Events of 360dialog's partner webhook about a client's account or number. 360dialog, partner webhooks.
const PARTNER_EVENTS: [&str; 13] = [
    "client_created",
    "channel_created",
    "channel_submitted",
    "channel_ready",
    "channel_running",
    "channel_live",
    "cancellation_request",
    "cancellation_revoke",
    "cancellation_processed",
    "account_violation",
    "account_restriction",
    "template_messaging_enabled",
    "template_messaging_disabled",
];

/// Whether the `value` of this field is one change of the account, a number or a flow.
pub(super) fn is_field(field: &str) -> bool {
    FIELDS.contains(&field) || PARTNER_EVENTS.contains(&field)
}

/// Fields that tell of the account, a number or a flow. Cloud API, webhooks; WhatsApp Flows, webhooks.
const FIELDS: [&str; 15] = [
    "phone_number_quality_update",
    "phone_number_name_update",
    "business_username_updates",
    "phone_number_username_update",
    "account_update",
    "business_status_update",
    "account_alerts",
    "account_review_update",
    "business_capability_update",
    "security",
    "partner_solutions",
    "payment_configuration_update",
    "account_settings_update",
    "messaging_handovers",
    "flows",
];

/// The change of an account in this field; `None` for another field.
pub(super) fn change(field: &str, value: &Node<'_>) -> Option<Item> {
    let text = |path| value.text(path);
    let change = match field {
        "phone_number_quality_update" => AccountChange {
            code: text("event"),
            state: text("max_daily_conversations_per_business").or_else(|| text("current_limit")),
            previous: text("old_limit"),
            ..of(AccountSubject::Quality)
        },
        "phone_number_name_update" => AccountChange {
            state: text("decision"),
            reason: text("rejection_reason"),
            name: text("requested_verified_name"),
            ..of(AccountSubject::Name)
        },
        // The second is the name in Meta's draft.
        "business_username_updates" | "phone_number_username_update" => AccountChange {
            state: text("status"),
            reason: text("context"),
            name: text("username"),
            ..of(AccountSubject::Username)
        },
        "account_update" | "business_status_update" => account(value),
        "account_alerts" => {
            // An older form has the members in `value` itself.
            let alert = value.get("alert_info").unwrap_or(value);
            AccountChange {
                code: alert.text("alert_type"),
                state: alert.text("alert_status"),
                severity: alert.text("alert_severity"),
                description: alert.text("alert_description"),
                ..of(AccountSubject::Alert)
            }
        }
        "account_review_update" => AccountChange {
            state: text("decision"),
            ..of(AccountSubject::Review)
        },
        "business_capability_update" => AccountChange {
            state: text("max_daily_conversations_per_business")
                .or_else(|| text("max_daily_conversation_per_phone")),
            ..of(AccountSubject::Capability)
        },
        "security" => AccountChange {
            code: text("event"),
            ..of(AccountSubject::Security)
        },
        "partner_solutions" => AccountChange {
            code: text("event"),
            state: text("solution_status"),
            ..of(AccountSubject::Partner)
        },
        "payment_configuration_update" => AccountChange {
            state: text("status"),
            name: text("configuration_name"),
            effective: value.instant("updated_timestamp"),
            ..of(AccountSubject::Payment)
        },
        "account_settings_update" => AccountChange {
            code: text("type"),
            ..of(AccountSubject::Settings)
        },
        "messaging_handovers" => AccountChange {
            code: text("type").or_else(|| {
                ["control_passed", "control_taken"]
                    .into_iter()
                    .find(|name| value.get(name).is_some())
                    .map(str::to_owned)
            }),
            ..of(AccountSubject::Handover)
        },
        event if PARTNER_EVENTS.contains(&event) => AccountChange {
            code: text("event"),
            ..of(AccountSubject::Account)
        },
        _ => return None,
    };
    // Conversation routing: whose conversation it is.
    let person = named(
        value,
        [
            "sender/phone_number",
            "sender/user_id",
            "sender/parent_user_id",
        ],
    );
    Some(Item {
        time: value.instant("timestamp"),
        contact: somebody(person),
        body: EventBody::Account(AccountChange {
            phone_number: text("display_phone_number").or_else(|| text("phone_number")),
            ..change
        }),
    })
}

/// A change of which nothing is known but what it is about.
fn of(subject: AccountSubject) -> AccountChange {
    AccountChange {
        subject,
        code: None,
        state: None,
        previous: None,
        reason: None,
        description: None,
        severity: None,
        phone_number: None,
        name: None,
        effective: None,
        restrictions: Vec::new(),
    }
}

/// Cloud API, `account_update`: the event's companion object says more.
fn account(value: &Node<'_>) -> AccountChange {
    let code = value.text("event");
    let subject = match code.as_deref() {
        Some("VOLUME_BASED_PRICING_TIER_UPDATE" | "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE") => {
            AccountSubject::Pricing
        }
        Some("AD_ACCOUNT_LINKED" | "MM_LITE_TERMS_SIGNED") => AccountSubject::Partner,
        Some(code) if code.starts_with("PARTNER_") => AccountSubject::Partner,
        _ => AccountSubject::Account,
    };
    let date = value.word("ban_info/waba_ban_date");
    AccountChange {
        state: [
            "ban_info/waba_ban_state",
            "volume_tier_info/tier",
            "partner_client_certification_info/status",
        ]
        .into_iter()
        .find_map(|path| value.text(path)),
        reason: value
            .text("violation_info/violation_type")
            .or_else(|| value.text("disconnection_info/reason")),
        effective: date
            .as_deref()
            .and_then(wire::long_date)
            .or_else(|| value.instant("volume_tier_info/tier_update_time"))
            .or_else(|| value.instant("auth_international_rate_eligibility/start_time")),
        restrictions: value
            .objects("restriction_info")
            .filter_map(|restriction| {
                Some(Restriction {
                    kind: restriction.text("restriction_type")?,
                    until: restriction.instant("expiration"),
                    remedy: restriction.text("remediation"),
                })
            })
            .collect(),
        code,
        ..of(subject)
    }
}

/// What advertisements and trackers tell: MM API, `user_actions[]`; `automatic_events[]`; `tracking_events`, `events[]`.
pub(super) fn tracked(shared: &Shared<'_>, item: &Node<'_>) -> Item {
    Item {
        time: item.instant("timestamp"),
        contact: shared.profiles.complete(nobody(), shared.alone),
        body: EventBody::Account(AccountChange {
            code: item.text("event_name").or_else(|| item.text("action_type")),
            ..of(AccountSubject::Tracking)
        }),
    }
}

/// Conversation routing: `conversation_context` of a change, a summary for whoever goes on with the conversation.
pub(super) fn summary(shared: &Shared<'_>, item: &Node<'_>) -> Item {
    Item {
        time: None,
        contact: shared.profiles.complete(nobody(), shared.alone),
        body: EventBody::Account(AccountChange {
            code: item.text("type"),
            description: item.text("summary/text"),
            ..of(AccountSubject::Handover)
        }),
    }
}

/// Flows, webhooks: a flow's status or health.
pub(super) fn flow(value: &Node<'_>) -> Item {
    Item {
        time: None,
        contact: None,
        body: EventBody::Flow(FlowChange {
            id: value.text("flow_id"),
            code: value.text("event"),
            description: value.text("message"),
            previous: value.text("old_status"),
            state: value.text("new_status"),
            alert: value.text("alert_state"),
        }),
    }
}
