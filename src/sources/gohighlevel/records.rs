//! GoHighLevel's objects as records. Field names: HighLevel's documents of contacts and opportunities, and what its
//! lists hold beyond them.
//!
//! What must stay true: versions are our own clock, since the list of contacts does not say when a contact changed;
//! amounts are kept as they are written, since no answer names their currency.

use serde_json::Value;

use crate::domain::{Kind, Record, System, Text, Time};
use crate::sources::crm::{deal_state, describe, plain};
use crate::sources::value::{list, moment, raw, text, yes};

/// The operator's fields that matter here, by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    /// Holds the portal's id.
    pub(super) link: Option<String>,
    /// Holds the state.
    pub(super) state: Option<String>,
}

/// A contact; `None` without an id.
pub(super) fn contact(object: &Value, seen_at: Time, fields: &Fields) -> Option<Record> {
    let mut record = Record::new(System::Gohighlevel, Kind::Person, raw(object, "id")?, seen_at);
    record.email = text(object, "email");
    let parts = || ["firstName", "lastName"].iter().filter_map(|f| raw(object, f)).collect::<Vec<_>>().join(" ");
    let names = || text(object, "name").or_else(|| text(object, "contactName"));
    record.name = Text::non_empty(parts()).or_else(names);
    record.created_at = moment(object, "dateAdded");
    record.updated_at = moment(object, "dateUpdated");
    record.deleted = yes(object, "deleted");
    record.links.portal = custom(object, fields.link.as_deref()).and_then(Text::non_empty);
    let own = custom(object, fields.state.as_deref());
    describe(&mut record, own.as_deref(), list(object, "tags").iter().filter_map(Value::as_str));
    Some(record)
}

/// An opportunity; `None` without an id. `parent` is the contact.
pub(super) fn opportunity(object: &Value, seen_at: Time) -> Option<Record> {
    let mut record = Record::new(System::Gohighlevel, Kind::Deal, raw(object, "id")?, seen_at);
    record.name = text(object, "name");
    record.parent = text(object, "contactId").or_else(|| text(object, "contact/id"));
    record.word = text(object, "status");
    record.state = record.word.as_ref().and_then(|word| deal_state(word.as_str()));
    record.created_at = moment(object, "createdAt");
    record.updated_at = moment(object, "updatedAt");
    if record.word.as_ref().is_some_and(|word| matches!(word.as_str(), "won" | "lost" | "abandoned")) {
        record.ended_at = moment(object, "lastStatusChangeAt");
    }
    for (field, name) in [("pipelineStageId", "stage"), ("pipelineId", "pipeline"), ("monetaryValue", "value")] {
        if let Some(value) = text(object, field) {
            record.attributes.insert(Text::new(name), value);
        }
    }
    Some(record)
}

/// A field's value: text, a number, or the first of several.
fn custom(object: &Value, id: Option<&str>) -> Option<String> {
    let id = id?;
    let field =
        list(object, "customFields").iter().find(|field| field.get("id").and_then(Value::as_str) == Some(id))?;
    ["value", "fieldValue"].iter().find_map(|name| plain(field.get(name)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::State;

    fn seen() -> Time {
        Time::from_ms(9)
    }

    fn read(more: &Value) -> Record {
        let mut object = json!({"id": "c1", "locationId": "loc", "email": "ada@a.example", "firstName": "Ada",
            "lastName": null, "dateAdded": "2026-01-02T03:04:05.678Z"});
        for (name, value) in more.as_object().unwrap() {
            object[name] = value.clone();
        }
        contact(&object, seen(), &Fields { link: Some("f1".to_owned()), state: Some("f2".to_owned()) }).unwrap()
    }

    #[test]
    fn fields_are_read_as_text_numbers_and_lists() {
        for value in [json!("4711"), json!(4711), json!(["4711", "x"])] {
            let record = read(&json!({"customFields": [{"id": "f0", "value": "no"}, {"id": "f1", "value": value}]}));
            assert_eq!(record.links.portal, Some(Text::new("4711")), "{value}");
        }
        for odd in [json!(null), json!({"a": 1}), json!("  "), json!([])] {
            let record = read(&json!({"customFields": [{"id": "f1", "value": odd}, 7, null, {"id": 3}]}));
            assert_eq!(record.links.portal, None, "{odd}");
        }
        assert!(read(&json!({"customFields": "gone", "tags": null, "more": []})).tags.is_empty());
    }

    #[test]
    fn the_state_comes_from_the_field_then_from_a_tag() {
        let field = |word: &str| json!([{"id": "f2", "value": word}]);
        let both = read(&json!({"tags": ["State:Trial", "Newsletter"], "customFields": field("active")}));
        assert_eq!((both.state, both.word), (Some(State::Active), Some(Text::new("active"))));
        assert_eq!(both.tags, ["state:trial", "newsletter"].map(Text::new));
        assert_eq!(read(&json!({"tags": ["state:canceled"]})).state, Some(State::Canceled));
        assert_eq!(read(&json!({"customFields": field("frozen")})).state, Some(State::NeedsReview));
        assert_eq!(read(&json!({})).state, None);
    }

    #[test]
    fn three_forms_of_time_are_one_moment() {
        let at = Time::parse("2026-01-02T03:04:05Z").unwrap();
        for value in [json!("2026-01-02T03:04:05.000Z"), json!(at.ms()), json!(at.ms().to_string())] {
            assert_eq!(read(&json!({"dateUpdated": value})).updated_at, Some(at), "{value}");
        }
        assert_eq!(read(&json!({"dateUpdated": "never"})).updated_at, None);
        assert_eq!(read(&json!({"dateUpdated": at.ms()})).version, 9, "versions are our own clock");
    }

    #[test]
    fn an_opportunity_says_what_became_of_it() {
        let object = json!({"id": "o1", "name": "Team", "contactId": "c1", "status": "abandoned", "monetaryValue": 49.9,
            "lastStatusChangeAt": "2026-01-02T03:04:05Z", "pipelineStageId": "s1", "assignedTo": null});
        let record = opportunity(&object, seen()).unwrap();
        assert_eq!((record.state, record.parent), (Some(State::Canceled), Some(Text::new("c1"))));
        assert_eq!(record.attributes[&Text::new("value")], "49.9");
        assert!(record.ended_at.is_some() && record.money.is_none());
        let other = opportunity(&json!({"id": "o2", "contact": {"id": "c2"}, "status": "nurturing"}), seen()).unwrap();
        assert_eq!((other.state, other.parent), (Some(State::NeedsReview), Some(Text::new("c2"))));
        assert!(opportunity(&json!({"status": "won"}), seen()).is_none());
    }
}
