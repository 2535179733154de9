//! Zendesk's objects as records. Field names: Zendesk's Support API document; those of webhooks and invocations: its
//! documentation pages and third-party code (unverified, so read leniently).
//!
//! What must stay true: only people who ask are persons here, agents are not; a webhook's credentials are not read.

use serde_json::Value;

use crate::domain::{Delivery, DeliveryState, Flag, Kind, Record, State, System, Text, Time};
use crate::sources::http::address;
use crate::sources::value::{at, int, list, moment, raw, text, yes};

/// A user; `None` without an id.
pub(super) fn user(object: &Value, seen_at: Time) -> Option<Record> {
    let mut record = base(object, Kind::Person, seen_at)?;
    record.email = text(object, "email");
    record.name = text(object, "name");
    record.links.portal = text(object, "external_id");
    record.state = raw(object, "user_fields/trueup_state").and_then(|word| State::parse(&word));
    // `active: false` is how a deleted or merged user is told.
    record.deleted = at(object, "active").and_then(Value::as_bool) == Some(false);
    if yes(object, "suspended") {
        record.flags.push(Flag::Suspended);
    }
    Some(record)
}

/// Whether a user is one who asks, not one who answers. A user without a role is taken for one who asks.
pub(super) fn asks(object: &Value) -> bool {
    raw(object, "role").is_none_or(|role| role == "end-user")
}

/// A ticket; `None` without an id.
pub(super) fn ticket(object: &Value, seen_at: Time) -> Option<Record> {
    let mut record = base(object, Kind::Ticket, seen_at)?;
    record.parent = text(object, "requester_id");
    record.name = text(object, "subject").or_else(|| text(object, "raw_subject"));
    record.word = text(object, "status");
    record.deleted = record.word.as_ref().is_some_and(|word| *word == "deleted");
    for field in ["external_id", "priority"] {
        if let Some(value) = text(object, field) {
            record.attributes.insert(Text::new(field), value);
        }
    }
    Some(record)
}

/// A webhook; `None` without an id.
pub(super) fn endpoint(object: &Value, seen_at: Time) -> Option<Record> {
    let mut record = base(object, Kind::Endpoint, seen_at)?;
    record.name = raw(object, "endpoint").and_then(|url| Text::non_empty(address::shown(&url)));
    record.word = text(object, "status");
    record.tags.clear();
    if record.word.as_ref().is_some_and(|word| *word == "inactive") {
        record.flags.push(Flag::Disabled);
    }
    if let Some(name) = text(object, "name") {
        record.attributes.insert(Text::new("name"), name);
    }
    Some(record)
}

fn base(object: &Value, kind: Kind, seen_at: Time) -> Option<Record> {
    let mut record = Record::new(System::Zendesk, kind, raw(object, "id")?, seen_at);
    record.created_at = moment(object, "created_at");
    record.updated_at = moment(object, "updated_at");
    if let Some(at) = record.updated_at {
        record.version = at.ms();
    }
    record.tags = list(object, "tags").iter().filter_map(|tag| Text::non_empty(tag.as_str()?.to_lowercase())).collect();
    Some(record)
}

/// What the attempts of an invocation tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attempts {
    /// How many.
    pub(super) count: Option<i64>,
    /// HTTP status of the last one.
    pub(super) status: Option<i64>,
}

/// Reads an answer of the attempts call, whose field names are not documented: several are tried.
pub(super) fn attempts(body: &Value) -> Attempts {
    let rows = ["attempts", "invocation_attempts"].iter().find_map(|key| at(body, key)?.as_array());
    let Some(rows) = rows else { return Attempts::default() };
    let when = |row: &&Value| ["completed_at", "created_at", "latest_completed_at"].iter().find_map(|f| moment(row, f));
    let last = rows.iter().max_by_key(when);
    let status = last.and_then(|row| {
        ["response_code", "http_status", "response/status", "response/status_code", "status_code", "status"]
            .iter()
            .find_map(|field| int(row, field))
            .filter(|code| (100..=599).contains(code))
    });
    Attempts { count: i64::try_from(rows.len()).ok(), status }
}

/// The canonical state of an invocation's status, and why it is not delivered.
pub(super) fn delivery_state(status: &str) -> (DeliveryState, Option<&'static str>) {
    match status {
        "success" => (DeliveryState::Delivered, None),
        "accepted" => (DeliveryState::Pending, None),
        "throttled" => (DeliveryState::Retrying, Some("Zendesk holds it back: too many invocations")),
        "failed" => (DeliveryState::Failed, Some("the endpoint did not take it")),
        "timeout" => (DeliveryState::Failed, Some("the endpoint did not answer in time")),
        "client error" => (DeliveryState::Failed, Some("the endpoint refused it (4xx)")),
        "server error" => (DeliveryState::Failed, Some("the endpoint failed (5xx)")),
        "circuit broken" => {
            (DeliveryState::Failed, Some("Zendesk stopped calling the endpoint after repeated failures"))
        }
        _ => (DeliveryState::Pending, Some("Zendesk does not say how it ended")),
    }
}

/// The delivery row of an invocation; `None` without an id.
pub(super) fn delivery(invocation: &Value, name: &str, tries: &Attempts, now: Time) -> Option<Delivery> {
    let id = text(invocation, "id")?;
    let (state, reason) = delivery_state(&raw(invocation, "status").unwrap_or_default());
    let at = ["latest_completed_at", "completed_at", "created_at"].iter().find_map(|f| moment(invocation, f));
    Some(Delivery {
        id: Text::new(format!("zendesk:{id}")),
        source: System::Zendesk,
        event_id: id,
        kind: text(invocation, "event_type").unwrap_or_else(|| Text::new(name)),
        state,
        received_at: at.unwrap_or(now),
        attempts: tries.count,
        status: tries.status,
        latency_ms: None,
        customer: None,
        deploy: None,
        reason: reason.map(Text::new),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_agent_is_not_a_customer_and_an_inactive_user_is_gone() {
        assert!(!asks(&json!({"role": "agent"})) && asks(&json!({"role": "end-user"})));
        let object = json!({"id": 35436, "role": "end-user", "active": false, "suspended": true, "external_id": "u1",
            "email": "a@b.example", "name": "Ada", "tags": ["VIP", ""], "updated_at": "2024-01-01T00:00:00Z"});
        let record = user(&object, Time::from_ms(1)).unwrap();
        assert!(record.deleted && record.has(Flag::Suspended));
        assert_eq!((record.id.as_str(), record.tags.as_slice()), ("35436", &[Text::new("vip")][..]));
        assert_eq!(record.version, Time::parse("2024-01-01").unwrap().ms());
    }

    #[test]
    fn statuses_are_never_green_by_mistake() {
        for (status, expected) in [
            ("success", DeliveryState::Delivered),
            ("accepted", DeliveryState::Pending),
            ("throttled", DeliveryState::Retrying),
            ("circuit broken", DeliveryState::Failed),
            ("server error", DeliveryState::Failed),
            ("unknown", DeliveryState::Pending),
            ("brand new word", DeliveryState::Pending),
        ] {
            assert_eq!(delivery_state(status).0, expected, "{status}");
        }
    }

    #[test]
    fn attempts_are_read_under_any_of_their_names() {
        let found = attempts(&json!({"attempts": [
            {"completed_at": "2024-01-01T00:00:10Z", "response": {"status": 502}},
            {"completed_at": "2024-01-01T00:00:01Z", "response": {"status": 500}}]}));
        assert_eq!(found, Attempts { count: Some(2), status: Some(502) });
        assert_eq!(attempts(&json!({"attempts": [{"status": "failed"}]})), Attempts { count: Some(1), status: None });
        assert_eq!(attempts(&json!({"surprise": 1})), Attempts::default());
    }

    #[test]
    fn a_webhooks_credentials_are_not_read() {
        let object = json!({"id": "01H", "name": "sync", "endpoint": "https://u:p@acme.example/in?key=canary",
            "status": "inactive", "authentication": {"data": {"token": "canary"}}});
        let record = endpoint(&object, Time::from_ms(1)).unwrap();
        assert!(record.has(Flag::Disabled) && !format!("{record:?}").contains("canary"));
    }
}
