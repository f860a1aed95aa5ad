//! What changes beside messages, and what has no type.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize};

use super::{Message, MessageState};
use crate::json;
use crate::types::{Contact, Error, Timestamp};

/// A contact changed. `event.contact` says how it is now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct ContactChange {
    /// What changed.
    pub kind: ContactChangeKind,
    /// The id of the system message that said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How the contact was known before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Contact>,
    /// The vendor's sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What can change about a contact.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum ContactChangeKind {
    /// The phone number.
    #[component(name = "number")]
    Number,
    /// The vendor's user id.
    #[component(name = "user-id")]
    UserId,
    /// The device or its keys: perhaps somebody else now.
    #[component(name = "identity")]
    Identity,
    /// The address book has it now, or has it changed.
    #[component(name = "added")]
    Added,
    /// The address book no longer has it.
    #[component(name = "removed")]
    Removed,
    /// The vendor's word for another change.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// A template changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct TemplateChange {
    /// The vendor's id of the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its language, as the vendor wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Its category, where the change names one beside what changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// What changed.
    pub change: TemplateChangeKind,
}

/// What can change about a template.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TemplateChangeKind {
    /// Its status.
    #[component(name = "status")]
    Status(TemplateStatusChange),
    /// Its quality.
    #[component(name = "quality")]
    Quality(Transition),
    /// Its category.
    #[component(name = "category")]
    Category(TemplateCategoryChange),
    /// Its text or buttons.
    #[component(name = "content")]
    Content(TemplateContentChange),
    /// The vendor's word for another change.
    #[component(name = "other")]
    #[serde(with = "json::kind")]
    Other(String),
}

/// From one word of the vendor's to another.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Transition {
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
}

/// A template's new status.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct TemplateStatusChange {
    /// The status, in the vendor's word.
    pub status: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The vendor's title for the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The vendor's sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the vendor recommends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommendation: Option<String>,
    /// When it will be, or was, disabled; as a formatted date where the vendor gives no instant.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub disabled: Option<Timestamp>,
}

/// A template's new category.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct TemplateCategoryChange {
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// What it will become.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coming: Option<String>,
    /// When.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub effective: Option<Timestamp>,
}

/// A template's new content.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct TemplateContentChange {
    /// The header's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The body's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The footer's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// The buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<TemplateButtonChange>,
}

/// A button of a template's new content.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct TemplateButtonChange {
    /// The vendor's word for its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What is written on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whom it calls.
    #[component(name = "phone-number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
}

/// The account, a number or a right changed. What a vendor alone has stands in `event.attributes`.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct AccountChange {
    /// What changed.
    pub subject: AccountSubject,
    /// The vendor's word for the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How it stands now, or what was decided, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// How it stood before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The vendor's sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How bad it is, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The number concerned, in digits.
    #[component(name = "phone-number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The name concerned: a display name, a username, a configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it takes or took effect.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub effective: Option<Timestamp>,
    /// What is no longer allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restrictions: Vec<Restriction>,
}

/// What an account change is about.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum AccountSubject {
    /// The account itself.
    #[component(name = "account")]
    Account,
    /// A review of the account.
    #[component(name = "review")]
    Review,
    /// An alert.
    #[component(name = "alert")]
    Alert,
    /// A right or a limit.
    #[component(name = "capability")]
    Capability,
    /// A number's quality or throughput.
    #[component(name = "quality")]
    Quality,
    /// A display name.
    #[component(name = "name")]
    Name,
    /// A username of the business.
    #[component(name = "username")]
    Username,
    /// A security setting.
    #[component(name = "security")]
    Security,
    /// Prices.
    #[component(name = "pricing")]
    Pricing,
    /// A way to be paid.
    #[component(name = "payment")]
    Payment,
    /// Another company's access.
    #[component(name = "partner")]
    Partner,
    /// Settings of a number.
    #[component(name = "settings")]
    Settings,
    /// Who answers a conversation.
    #[component(name = "handover")]
    Handover,
    /// An advertising or tracking event.
    #[component(name = "tracking")]
    Tracking,
    /// The vendor's word for another subject.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// Something that is no longer allowed.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Restriction {
    /// The vendor's word for it.
    pub kind: String,
    /// Until when.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub until: Option<Timestamp>,
    /// What would lift it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// A call, or a step of one.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Call {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<CallDirection>,
    /// The step.
    pub state: CallState,
    /// How it ended, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// When it began.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub ended: Option<Timestamp>,
    /// How long it took, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// How sound is to be exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<CallSession>,
    /// What the sender put into the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What was put into the button that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Error>,
}

/// Who called.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[serde(rename_all = "snake_case")]
pub enum CallDirection {
    /// The person called the business.
    #[component(name = "inbound")]
    Inbound,
    /// The business called.
    #[component(name = "outbound")]
    Outbound,
}

crate::lifted! { CallDirection: Inbound Outbound; }

/// The steps of a call.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum CallState {
    /// Somebody calls.
    #[component(name = "connect")]
    Connect,
    /// It rings.
    #[component(name = "ringing")]
    Ringing,
    /// It was accepted.
    #[component(name = "accepted")]
    Accepted,
    /// It was rejected.
    #[component(name = "rejected")]
    Rejected,
    /// It is over.
    #[component(name = "terminated")]
    Terminated,
    /// The vendor's word for another step.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// How sound is to be exchanged.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct CallSession {
    /// `offer` or `answer`.
    pub kind: String,
    /// The session description (RFC 8866).
    pub sdp: String,
}

/// A group changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct GroupChange {
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What changed.
    pub kind: GroupChangeKind,
    /// The id of the request that this answers.
    #[component(name = "request-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Its subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How to join.
    #[component(name = "invite-link")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite_link: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who did it, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The people concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub participants: Vec<GroupParticipant>,
    /// Settings that were or were not changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<GroupSetting>,
    /// What went wrong with the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Error>,
}

/// What can change about a group.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum GroupChangeKind {
    /// It exists.
    #[component(name = "created")]
    Created,
    /// It no longer exists.
    #[component(name = "deleted")]
    Deleted,
    /// People joined.
    #[component(name = "participants-added")]
    ParticipantsAdded,
    /// People left, or were removed.
    #[component(name = "participants-removed")]
    ParticipantsRemoved,
    /// Somebody asks to join.
    #[component(name = "join-requested")]
    JoinRequested,
    /// Somebody no longer asks to join.
    #[component(name = "join-revoked")]
    JoinRevoked,
    /// Subject, description or picture.
    #[component(name = "settings")]
    Settings,
    /// The vendor suspended it.
    #[component(name = "suspended")]
    Suspended,
    /// The vendor allows it again.
    #[component(name = "resumed")]
    Resumed,
    /// The vendor's word for another change.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct GroupParticipant {
    /// Who.
    pub contact: Contact,
    /// What went wrong with this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Error>,
}

/// A setting of a group, and whether it was changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct GroupSetting {
    /// The setting.
    pub name: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// It was changed.
    pub applied: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Error>,
}

/// A person's choice about being written to.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Preference {
    /// What it is about, in the vendor's word (`marketing_messages`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The choice.
    pub choice: PreferenceChoice,
    /// The vendor's sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Choices about being written to.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum PreferenceChoice {
    /// No more of these.
    #[component(name = "stop")]
    Stop,
    /// These again.
    #[component(name = "resume")]
    Resume,
    /// The vendor's word for another choice.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// A form or flow changed or misbehaved. Measurements stand in `event.attributes`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct FlowChange {
    /// The flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The vendor's word for the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The vendor's sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its status before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Its status now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// An alert began or ended, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
}

/// One old message, or a step of filling the history.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct HistoryItem {
    /// The vendor's phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<u32>,
    /// The number of the chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u32>,
    /// How far it is, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<u32>,
    /// The message, where the item is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// Written by the business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound: Option<bool>,
    /// How far the message had come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<MessageState>,
    /// Why there is no history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Error>,
}

/// What has no type. The JSON stands in `event.raw`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct UnknownItem {
    /// The vendor's name of the field or list that it stood in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Why it could not be read, where it should have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
