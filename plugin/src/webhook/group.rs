//! Groups. Cloud API, groups: `groups[]` of `group_lifecycle_update`, `group_participants_update`, `group_settings_update` and
//! `group_status_update`.

use super::contact::{named, nobody};
use super::node::Node;
use super::{Item, status};
use crate::bindings::messaging::channel::events::{
    EventBody, GroupChange, GroupChangeKind, GroupParticipant, GroupSetting,
};
use crate::bindings::messaging::channel::types::Contact;

/// Lists of people in a change.
const PARTICIPANTS: [&str; 3] = [
    "added_participants",
    "removed_participants",
    "failed_participants",
];

/// The settings that a change tells of, and the member that holds the new value.
const SETTINGS: [(&str, &str); 3] = [
    ("group_subject", "text"),
    ("group_description", "text"),
    ("profile_picture", "sha256"),
];

/// A change of a group.
pub(super) fn change(item: &Node<'_>) -> Item {
    let word = item.word("type");
    let kind = match word.as_deref() {
        Some("group_create") => GroupChangeKind::Created,
        Some("group_delete") => GroupChangeKind::Deleted,
        Some("group_participants_add") => GroupChangeKind::ParticipantsAdded,
        Some("group_participants_remove") => GroupChangeKind::ParticipantsRemoved,
        Some("group_join_request_created") => GroupChangeKind::JoinRequested,
        Some("group_join_request_revoked") => GroupChangeKind::JoinRevoked,
        Some("group_settings_update") => GroupChangeKind::Settings,
        Some("group_suspend") => GroupChangeKind::Suspended,
        Some("group_suspend_cleared") => GroupChangeKind::Resumed,
        word => {
            item.take("type");
            GroupChangeKind::Other(word.unwrap_or("groups").to_owned())
        }
    };
    let mut participants: Vec<_> = PARTICIPANTS
        .into_iter()
        .flat_map(|list| item.objects(list))
        .map(participant)
        .collect();
    // Who asks to join stands in the change itself.
    let asking = named(item, ["wa_id", "user_id", "parent_user_id"]);
    if asking != nobody() {
        participants.push(GroupParticipant {
            contact: asking,
            errors: Vec::new(),
        });
    }
    Item {
        time: item.instant("timestamp"),
        contact: None,
        body: EventBody::Group(GroupChange {
            id: item.text("group_id"),
            kind,
            request_id: item.text("request_id"),
            subject: item.text("subject"),
            description: item.text("description"),
            invite_link: item.text("invite_link"),
            reason: item.text("reason"),
            actor: item.text("initiated_by"),
            participants,
            settings: SETTINGS
                .into_iter()
                .filter_map(|(name, value)| setting(item, name, value))
                .collect(),
            errors: status::errors(item),
        }),
    }
}

/// Somebody in a group. `input` is how the business had named them: a phone number or a user id.
fn participant(item: &Node<'_>) -> GroupParticipant {
    let contact = named(item, ["wa_id", "user_id", "parent_user_id"]);
    let contact = if contact == nobody() {
        named(item, ["input", "", ""])
    } else {
        contact
    };
    GroupParticipant {
        contact: Contact {
            username: item.text("username"),
            ..contact
        },
        errors: status::errors(item),
    }
}

fn setting(item: &Node<'_>, name: &str, value: &str) -> Option<GroupSetting> {
    let setting = item.get(name).filter(|setting| setting.is_object())?;
    let applied = setting.boolean("update_successful")?;
    Some(GroupSetting {
        name: name.to_owned(),
        value: setting.text(value),
        applied,
        errors: status::errors(setting),
    })
}
