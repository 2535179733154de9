//! Pipedrive's objects as records. Field names: Pipedrive's v1 and v2 documents; values of fields of the operator's own
//! stand under a key of 40 hex digits, options under their number.
//!
//! What must stay true: times are Pipedrive's own, in any of its forms; a webhook's password is not even looked at.

use serde_json::Value;

use crate::domain::{Flag, Kind, Record, System, Text, Time};
use crate::sources::crm::{deal_state, describe, money, plain};
use crate::sources::http::address;
use crate::sources::value::{at, list, moment, raw, text, yes};

/// What the list of fields tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    /// Key of the field that holds the portal's id.
    pub(super) link: Option<String>,
    /// Key of the operator's own state field.
    pub(super) state: Option<String>,
    /// What that field's options say.
    pub(super) states: Vec<(String, String)>,
    /// What the labels of persons say.
    pub(super) labels: Vec<(String, String)>,
}

/// A person; `None` without an id.
pub(super) fn person(object: &Value, seen_at: Time, fields: &Fields) -> Option<Record> {
    let mut record = base(object, Kind::Person, seen_at)?;
    let mails = list(object, "emails");
    let first = mails.iter().find(|mail| yes(mail, "primary")).or_else(|| mails.first());
    record.email = first.and_then(|mail| text(mail, "value"));
    let parts = || ["first_name", "last_name"].iter().filter_map(|f| raw(object, f)).collect::<Vec<_>>().join(" ");
    record.name = text(object, "name").or_else(|| Text::non_empty(parts()));
    let custom = |key: &Option<String>| choice(at(object, "custom_fields")?.get(key.as_deref()?)?);
    record.links.portal = custom(&fields.link).and_then(Text::non_empty);
    let said = custom(&fields.state);
    let own = said.as_deref().map(|said| named(&fields.states, said));
    let labels = list(object, "label_ids").iter().filter_map(choice).collect::<Vec<_>>();
    describe(&mut record, own, labels.iter().map(|id| named(&fields.labels, id)));
    Some(record)
}

/// A deal; `None` without an id. `parent` is the person.
pub(super) fn deal(object: &Value, seen_at: Time) -> Option<Record> {
    let mut record = base(object, Kind::Deal, seen_at)?;
    record.name = text(object, "title");
    record.parent = text(object, "person_id").or_else(|| text(object, "person_id/value"));
    record.word = text(object, "status");
    record.state = record.word.as_ref().and_then(|word| deal_state(word.as_str()));
    record.deleted |= record.word.as_ref().is_some_and(|word| *word == "deleted");
    record.money = money(object, "value", "currency");
    let ends = ["won_time", "lost_time", "close_time"].map(|field| moment(object, field));
    record.ended_at = match record.word.as_ref().map(Text::as_str) {
        Some("won") => ends[0].or(ends[2]),
        Some("lost") => ends[1].or(ends[2]),
        _ => None,
    };
    for (field, name) in [("stage_id", "stage"), ("pipeline_id", "pipeline"), ("lost_reason", "lost_reason")] {
        note(&mut record, name, text(object, field));
    }
    Some(record)
}

/// A webhook registration; `None` without an id.
pub(super) fn endpoint(object: &Value, seen_at: Time) -> Option<Record> {
    let mut record = Record::new(System::Pipedrive, Kind::Endpoint, raw(object, "id")?, seen_at);
    record.created_at = moment(object, "add_time");
    record.name = raw(object, "subscription_url").and_then(|url| Text::non_empty(address::shown(&url)));
    let removed = text(object, "remove_reason").or_else(|| text(object, "remove_time"));
    let off = raw(object, "is_active").is_some_and(|on| matches!(on.as_str(), "0" | "false"));
    if off || removed.is_some() {
        record.flags.push(Flag::Disabled);
    }
    record.word = Some(Text::new(if record.has(Flag::Disabled) { "disabled" } else { "enabled" }));
    let parts = ["event_action", "event_object"].map(|field| raw(object, field).unwrap_or_else(|| "*".to_owned()));
    note(&mut record, "events", Some(Text::new(parts.join("."))));
    note(&mut record, "last_status", text(object, "last_http_status"));
    note(&mut record, "last_delivery", text(object, "last_delivery_time"));
    note(&mut record, "api_version", text(object, "version"));
    note(&mut record, "removed", removed);
    Some(record)
}

/// When an object last changed.
pub(super) fn changed_at(object: &Value) -> Option<Time> {
    moment(object, "update_time").or_else(|| moment(object, "add_time"))
}

fn base(object: &Value, kind: Kind, seen_at: Time) -> Option<Record> {
    let mut record = Record::new(System::Pipedrive, kind, raw(object, "id")?, seen_at);
    record.created_at = moment(object, "add_time");
    record.updated_at = changed_at(object);
    record.deleted = yes(object, "is_deleted");
    if let Some(at) = record.updated_at {
        record.version = at.ms();
    }
    Some(record)
}

/// A value, or the number of the option that was chosen (alone, or with its label).
fn choice(value: &Value) -> Option<String> {
    plain(value).or_else(|| ["id", "value"].iter().find_map(|field| raw(value, field)))
}

/// What an option is called; an unknown one by its number.
fn named<'a>(options: &'a [(String, String)], id: &'a str) -> &'a str {
    options.iter().find(|(known, _)| known == id).map_or(id, |(_, label)| label)
}

fn note(record: &mut Record, name: &str, value: Option<Text>) {
    if let Some(value) = value {
        record.attributes.insert(Text::new(name), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::State;

    fn seen() -> Time {
        Time::from_ms(9)
    }

    fn fields() -> Fields {
        let option = |id: &str, label: &str| (id.to_owned(), label.to_owned());
        Fields {
            link: Some("f00d".to_owned()),
            state: Some("beef".to_owned()),
            states: vec![option("31", "Active"), option("32", "Canceled"), option("33", "Dormant")],
            labels: vec![option("5", "VIP"), option("6", "state:trial")],
        }
    }

    fn read(more: &Value) -> Record {
        let mut object = json!({"id": 7, "name": "Ada Example", "update_time": "2026-01-02T03:04:05Z",
            "emails": [{"value": "old@a.example", "primary": false}, {"value": "ada@a.example", "primary": true}]});
        for (name, value) in more.as_object().unwrap() {
            object[name] = value.clone();
        }
        person(&object, seen(), &fields()).unwrap()
    }

    #[test]
    fn options_are_read_by_number_by_text_and_with_their_label() {
        for (value, expected) in [
            (json!(31), Some(State::Active)),
            (json!("32"), Some(State::Canceled)),
            (json!({"id": 31, "label": "Active"}), Some(State::Active)),
            (json!([31]), Some(State::Active)),
            (json!(33), Some(State::NeedsReview)),
            (json!(99), Some(State::NeedsReview)),
            (json!(null), None),
            (json!(true), None),
        ] {
            assert_eq!(read(&json!({"custom_fields": {"beef": value}})).state, expected, "{value}");
        }
        let tagged = read(&json!({"label_ids": [5, "6", 77, null], "custom_fields": {"f00d": 4711}}));
        assert_eq!(tagged.state, Some(State::Trial));
        assert_eq!(tagged.tags, ["vip", "state:trial", "77"].map(Text::new));
        assert_eq!(tagged.links.portal, Some(Text::new("4711")));
        assert_eq!(tagged.email, Some(Text::new("ada@a.example")));
    }

    #[test]
    fn whatever_is_missing_null_or_of_another_type_is_absent() {
        let odd = read(&json!({"emails": null, "name": null, "first_name": "Ada", "custom_fields": "gone",
            "label_ids": {"a": 1}, "new_field": [1]}));
        assert_eq!((odd.name, odd.email, odd.state), (Some(Text::new("Ada")), None, None));
        assert!(person(&json!({"name": "nobody"}), seen(), &Fields::default()).is_none());
        assert!(read(&json!({"is_deleted": true})).deleted);
    }

    #[test]
    fn three_forms_of_time_are_one_moment() {
        let at = Time::parse("2026-01-02T03:04:05Z").unwrap();
        for value in [json!("2026-01-02T03:04:05Z"), json!("2026-01-02 03:04:05"), json!(at.ms())] {
            let record = read(&json!({"update_time": value}));
            assert_eq!((record.updated_at, record.version), (Some(at), at.ms()), "{value}");
        }
        let never = read(&json!({"update_time": "never"}));
        assert_eq!((never.updated_at, never.version), (None, seen().ms()));
    }

    #[test]
    fn a_deal_says_what_became_of_it() {
        let won = json!({"id": 1, "title": "Team", "person_id": 7, "status": "won", "value": 49.5, "currency": "EUR",
            "won_time": "2026-01-02T03:04:05Z", "stage_id": 3, "lost_reason": null});
        let record = deal(&won, seen()).unwrap();
        assert_eq!((record.state, record.parent.clone()), (Some(State::Active), Some(Text::new("7"))));
        assert_eq!(record.money.as_ref().map(|m| m.amount), Some(4950));
        assert_eq!(record.ended_at, Time::parse("2026-01-02T03:04:05Z"));
        assert_eq!(record.attributes[&Text::new("stage")], "3");
        let old = json!({"id": "1", "person_id": {"value": 7, "name": "Ada"}, "status": "deleted"});
        let record = deal(&old, seen()).unwrap();
        assert!(record.deleted && record.state.is_none() && record.parent == Some(Text::new("7")));
        assert_eq!(deal(&json!({"id": 1, "status": "frozen"}), seen()).unwrap().state, Some(State::NeedsReview));
    }

    #[test]
    fn an_endpoint_tells_its_last_status_and_no_password() {
        let hook = |more: Value| {
            let mut object = json!({"id": 3, "subscription_url": "https://u:canary@acme.example/hook?t=canary",
                "event_action": "change", "event_object": "person", "version": "2.0", "is_active": 1,
                "http_auth_user": "canary", "http_auth_password": "canary", "last_http_status": 200});
            for (name, value) in more.as_object().unwrap() {
                object[name] = value.clone();
            }
            endpoint(&object, seen()).unwrap()
        };
        let good = hook(json!({}));
        assert!(!good.has(Flag::Disabled) && !format!("{good:?}").contains("canary"), "{good:?}");
        assert_eq!(good.attributes[&Text::new("events")], "change.person");
        assert_eq!(good.attributes[&Text::new("last_status")], "200");
        for off in [
            json!({"is_active": 0}),
            json!({"is_active": false}),
            json!({"is_active": "0"}),
            json!({"remove_reason": "banned"}),
            json!({"remove_time": "2026-01-02 03:04:05"}),
        ] {
            assert!(hook(off.clone()).has(Flag::Disabled), "{off}");
        }
        let silent = hook(json!({"last_http_status": null, "is_active": null}));
        assert!(!silent.has(Flag::Disabled) && !silent.attributes.contains_key(&Text::new("last_status")));
    }
}
