//! Intercom's objects as records. Field names: Intercom's OpenAPI document 2.16; times are Unix seconds.
//!
//! What must stay true: users and leads are both persons, but a lead without an external id claims nobody: visitors
//! type any address into a messenger, so a lead's e-mail is kept as an attribute and not as its own. Conversations and
//! tickets are one kind of record, and Intercom does not promise that their ids differ: a ticket's record is `ticket:ID`.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::{Kind, Record, State, System, Text, Time};
use crate::sources::value::{at, list, raw, secs, text, yes};

/// Names of tags by id: a contact tells only the ids of its tags.
pub(super) type Tags = HashMap<String, Text>;

/// A contact; `None` without an id. Tags whose name is not known are left out.
pub(super) fn contact(object: &Value, tags: &Tags, seen_at: Time) -> Option<Record> {
    let mut record = base(object, Kind::Person, seen_at)?;
    record.name = text(object, "name");
    record.word = text(object, "role");
    record.links.portal = text(object, "external_id");
    record.state = trueup_state(object);
    let email = text(object, "email");
    if raw(object, "role").as_deref() == Some("lead") && record.links.portal.is_none() {
        record.attributes.extend(email.map(|email| (Text::new("email"), email)));
    } else {
        record.email = email;
    }
    record.tags = tag_ids(object).filter_map(|id| tags.get(&id).cloned()).collect();
    Some(record)
}

/// The operator's own attribute. A word that is not canonical needs a person.
fn trueup_state(object: &Value) -> Option<State> {
    let word = text(object, "custom_attributes/trueup_state")?;
    Some(State::parse(&word.as_str().to_lowercase()).unwrap_or(State::NeedsReview))
}

/// Ids of the tags that a contact tells (ten at most).
pub(super) fn tag_ids(object: &Value) -> impl Iterator<Item = String> {
    list(object, "tags/data").iter().filter_map(|tag| raw(tag, "id"))
}

/// Whether a contact has more tags than it tells.
pub(super) fn has_more_tags(object: &Value) -> bool {
    yes(object, "tags/has_more")
}

/// A tag's id and name, lower case.
pub(super) fn tag(object: &Value) -> Option<(String, Text)> {
    Some((raw(object, "id")?, Text::non_empty(raw(object, "name")?.to_lowercase())?))
}

/// A conversation; `None` without an id.
pub(super) fn conversation(object: &Value, seen_at: Time) -> Option<Record> {
    let mut record = base(object, Kind::Ticket, seen_at)?;
    record.name = text(object, "title").or_else(|| text(object, "source/subject"));
    record.word = text(object, "state");
    record.parent = parent(object);
    if let Some(priority) = text(object, "priority") {
        record.attributes.insert(Text::new("priority"), priority);
    }
    Some(record)
}

/// A ticket; `None` without an id. `id` is used, never `ticket_id`, which is for people and kept as `number`. As
/// `external_id` the bare id is kept, by which a request of the portal may name it.
pub(super) fn ticket(object: &Value, seen_at: Time) -> Option<Record> {
    let mut record = base(object, Kind::Ticket, seen_at)?;
    let id = std::mem::replace(&mut record.id, Text::new(format!("ticket:{}", raw(object, "id")?)));
    record.attributes.insert(Text::new("external_id"), id);
    record.name = text(object, "ticket_attributes/_default_title_");
    record.parent = parent(object);
    record.word = match at(object, "open").and_then(Value::as_bool) {
        Some(true) if secs(object, "snoozed_until").is_some_and(|until| until > seen_at) => Some(Text::new("snoozed")),
        Some(true) => Some(Text::new("open")),
        Some(false) => Some(Text::new("closed")),
        None => text(object, "ticket_state/category"),
    };
    if let Some(number) = text(object, "ticket_id") {
        record.attributes.insert(Text::new("number"), number);
    }
    Some(record)
}

/// When an object last changed.
pub(super) fn changed_at(object: &Value) -> Option<Time> {
    secs(object, "updated_at")
}

fn parent(object: &Value) -> Option<Text> {
    list(object, "contacts/contacts").iter().find_map(|contact| text(contact, "id"))
}

fn base(object: &Value, kind: Kind, seen_at: Time) -> Option<Record> {
    let mut record = Record::new(System::Intercom, kind, raw(object, "id")?, seen_at);
    record.created_at = secs(object, "created_at");
    record.updated_at = changed_at(object);
    if let Some(at) = record.updated_at {
        record.version = at.ms();
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lead_without_an_external_id_claims_nobody() {
        let now = Time::from_ms(1);
        for (role, external, claims) in [
            ("user", json!("u1"), true),
            ("user", json!(null), true),
            ("lead", json!(null), false),
            ("brand new", json!(7), true),
        ] {
            let object = json!({"id": "c1", "role": role, "external_id": external, "email": "a@b.example"});
            let record = contact(&object, &Tags::new(), now).unwrap();
            assert_eq!(record.email.is_some(), claims, "{role}");
            assert_eq!(record.word, Some(Text::new(role)));
        }
    }

    #[test]
    fn odd_contacts_are_read_as_far_as_they_go() {
        let tags = Tags::from([("7".to_owned(), Text::new("vip"))]);
        let object = json!({"id": 5, "email": null, "name": null, "created_at": "1700000000", "updated_at": 1_700_000_001,
            "custom_attributes": {"trueup_state": "Frozen"}, "tags": {"data": [{"id": 7}, {"id": "8"}, null]}});
        let record = contact(&object, &tags, Time::from_ms(1)).unwrap();
        assert_eq!((record.id.as_str(), record.state), ("5", Some(State::NeedsReview)));
        assert_eq!(record.tags, [Text::new("vip")]);
        assert_eq!(record.created_at, Some(Time::from_secs(1_700_000_000)));
        assert_eq!(record.version, 1_700_000_001_000);
        assert!(contact(&json!({"id": null}), &tags, Time::from_ms(1)).is_none());
        assert_eq!(contact(&json!({"id": "1"}), &tags, Time::from_ms(1)).unwrap().state, None);
    }

    #[test]
    fn tickets_are_open_snoozed_or_closed() {
        let now = Time::from_secs(100);
        for (open, until, word) in [(true, 0, "open"), (true, 200, "snoozed"), (false, 200, "closed")] {
            let object = json!({"id": "1", "ticket_id": "44", "open": open, "snoozed_until": until,
                "contacts": {"contacts": [{"id": "c1"}]}});
            let record = ticket(&object, now).unwrap();
            assert_eq!(record.id.as_str(), "ticket:1");
            assert_ne!(record.id, conversation(&object, now).unwrap().id, "a conversation may have the same number");
            assert_eq!(record.attributes.get("external_id"), Some(&Text::new("1")));
            assert_eq!((record.word, record.parent), (Some(Text::new(word)), Some(Text::new("c1"))));
        }
    }
}
