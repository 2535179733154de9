//! HubSpot's objects as records. Property names: HubSpot's own client library; values are text, times milliseconds or
//! RFC 3339.
//!
//! What must stay true: a lifecycle stage maps to a state only where its meaning is fixed by HubSpot; a portal's own
//! stages need a person; the early stages have no opinion.

use serde_json::Value;

use crate::domain::{Kind, Record, State, System, Text, Time};
use crate::sources::value::{at, list, moment, raw, text, yes};

/// Property in which an operator may keep the canonical state itself.
pub(super) const STATE: &str = "trueup_state";

/// The canonical state of a lifecycle stage. HubSpot has no built-in stage for customers who left.
pub(super) fn state(stage: &str) -> Option<State> {
    match stage {
        "customer" | "evangelist" => Some(State::Active),
        "opportunity" | "salesqualifiedlead" => Some(State::Trial),
        "subscriber" | "lead" | "marketingqualifiedlead" => None,
        _ => Some(State::NeedsReview),
    }
}

/// A contact; `None` without an id.
pub(super) fn contact(object: &Value, seen_at: Time, link_field: &str) -> Option<Record> {
    let mut record = base(object, Kind::Person, "lastmodifieddate", seen_at)?;
    record.email = property(object, "email");
    let names = [property(object, "firstname"), property(object, "lastname")];
    let name: Vec<String> = names.into_iter().flatten().map(|part| part.to_string()).collect();
    record.name = Text::non_empty(name.join(" "));
    record.word = property(object, "lifecyclestage");
    let own = property(object, STATE).and_then(|word| State::parse(word.as_str()));
    record.state = own.or_else(|| state(record.word.as_ref()?.as_str()));
    record.links.portal = property(object, link_field);
    Some(record)
}

/// A ticket; `None` without an id. `parent` is the first contact that it is associated with, where the answer tells.
pub(super) fn ticket(object: &Value, seen_at: Time) -> Option<Record> {
    let mut record = base(object, Kind::Ticket, "hs_lastmodifieddate", seen_at)?;
    record.name = property(object, "subject");
    record.word = property(object, "hs_pipeline_stage");
    record.parent = list(object, "associations/contacts/results").iter().find_map(|row| text(row, "id"));
    if let Some(pipeline) = property(object, "hs_pipeline") {
        record.attributes.insert(Text::new("pipeline"), pipeline);
    }
    record.ended_at = moment(object, "properties/closed_date");
    Some(record)
}

/// When an object last changed, in milliseconds.
pub(super) fn changed_at(object: &Value, name: &str) -> Option<Time> {
    moment(object, &format!("properties/{name}")).or_else(|| moment(object, "updatedAt"))
}

fn base(object: &Value, kind: Kind, changed: &str, seen_at: Time) -> Option<Record> {
    let mut record = Record::new(System::Hubspot, kind, raw(object, "id")?, seen_at);
    record.created_at = moment(object, "properties/createdate").or_else(|| moment(object, "createdAt"));
    record.updated_at = changed_at(object, changed);
    record.deleted = yes(object, "archived");
    if record.deleted {
        record.updated_at = record.updated_at.max(moment(object, "archivedAt"));
    }
    if let Some(at) = record.updated_at {
        record.version = at.ms();
    }
    Some(record)
}

/// A property's value. Its name is the operator's, so it is not part of a path.
fn property(object: &Value, name: &str) -> Option<Text> {
    Text::non_empty(at(object, "properties")?.get(name)?.as_str()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stages_map_as_far_as_their_meaning_is_fixed() {
        for (stage, expected) in [
            ("customer", Some(State::Active)),
            ("evangelist", Some(State::Active)),
            ("opportunity", Some(State::Trial)),
            ("salesqualifiedlead", Some(State::Trial)),
            ("lead", None),
            ("subscriber", None),
            ("marketingqualifiedlead", None),
            ("other", Some(State::NeedsReview)),
            ("48151623", Some(State::NeedsReview)),
        ] {
            assert_eq!(state(stage), expected, "{stage}");
        }
    }

    #[test]
    fn a_contact_keeps_what_hubspot_says() {
        let object = json!({"id": "51", "createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2024-02-01T00:00:00Z",
            "archived": false, "properties": {"email": "a@b.example", "firstname": "Ada", "lastname": null,
            "lifecyclestage": "lead", "portal_id": "u1", "lastmodifieddate": "2024-03-01T00:00:00.5Z",
            "trueup_state": "canceled"}});
        let record = contact(&object, Time::from_ms(1), "portal_id").unwrap();
        assert_eq!(record.name, Some(Text::new("Ada")));
        assert_eq!(record.state, Some(State::Canceled));
        assert_eq!(record.links.portal, Some(Text::new("u1")));
        assert_eq!(record.version, Time::parse("2024-03-01T00:00:00.5Z").unwrap().ms());
        let mut archived = object.clone();
        archived["archived"] = json!(true);
        archived["properties"]["trueup_state"] = json!("");
        let record = contact(&archived, Time::from_ms(1), "portal_id").unwrap();
        assert!(record.deleted && record.state.is_none());
    }
}
