//! What Paddle's events say has changed.
//!
//! What must stay true: an event keeps the object as it was then. Two events of one second give no order, a picture
//! that lacks a part is no picture, and an adjustment speaks of its transaction: the object is read again.

use std::collections::HashMap;

use serde_json::Value;

use super::records::Thing;
use crate::domain::Time;
use crate::sources::value::{at, list, moment, raw};

/// What is to be done about an object that events speak of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    /// What it is.
    pub(super) thing: Thing,
    /// Its id.
    pub(super) id: String,
    /// The object as the newest event shows it; `Null` when the event shows something else.
    pub(super) object: Value,
    /// When that event happened.
    pub(super) at: Time,
    /// Events of that second that speak of it; with more than one their order is unknown.
    pub(super) rivals: usize,
}

/// The newest view of every kept object on a page, in the order of first mention. `edge` is the second of the last
/// event of the page before, whose rivals this page may hold.
pub(super) fn changes(events: &[Value], edge: Option<i64>) -> Vec<Change> {
    let mut order: Vec<String> = Vec::new();
    let mut found: HashMap<String, Change> = HashMap::new();
    for event in events {
        let (Some(happened), Some(object)) = (moment(event, "occurred_at"), at(event, "data")) else { continue };
        let Some((thing, id, picture)) = subject(&raw(event, "event_type").unwrap_or_default(), object) else {
            continue;
        };
        let object = if picture { object.clone() } else { Value::Null };
        let rivals = if edge == Some(happened.secs()) { 2 } else { 1 };
        match found.get_mut(&id) {
            None => {
                order.push(id.clone());
                found.insert(id.clone(), Change { thing, id, object, at: happened, rivals });
            }
            Some(known) => {
                let rivals = if known.at.secs() == happened.secs() { known.rivals + 1 } else { rivals };
                if known.at <= happened {
                    // What speaks of the object without showing it must not be forgotten over a picture.
                    let object = if known.object.is_null() { Value::Null } else { object };
                    *known = Change { thing, id, object, at: happened, rivals };
                }
            }
        }
    }
    order.iter().filter_map(|id| found.remove(id)).collect()
}

/// What an event is about: the thing, its id, and whether the event shows it.
fn subject(kind: &str, object: &Value) -> Option<(Thing, String, bool)> {
    let (entity, _) = kind.split_once('.')?;
    let (thing, id, picture) = match entity {
        "customer" => (Thing::Customer, "id", true),
        "subscription" => (Thing::Subscription, "id", true),
        "transaction" => (Thing::Transaction, "id", true),
        "adjustment" => (Thing::Transaction, "transaction_id", false),
        _ => return None,
    };
    Some((thing, raw(object, id)?, picture))
}

impl Change {
    /// Whether the object must be read again to know how it is.
    pub(super) fn is_unclear(&self) -> bool {
        self.rivals > 1 || !self.is_whole()
    }

    fn is_whole(&self) -> bool {
        let has = |fields: &[&str]| fields.iter().all(|field| at(&self.object, field).is_some());
        match self.thing {
            Thing::Customer => has(&["status", "email", "updated_at"]),
            Thing::Subscription => {
                let items = list(&self.object, "items");
                has(&["status", "customer_id", "currency_code", "updated_at"])
                    && !items.is_empty()
                    && items.iter().all(|item| at(item, "price/id").is_some() && at(item, "product/name").is_some())
            }
            Thing::Transaction => has(&["status", "details/totals", "updated_at"]),
            Thing::Endpoint => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(second: u32, kind: &str, data: Value) -> Value {
        json!({"event_id": format!("evt_{second}"), "event_type": kind, "data": data,
            "occurred_at": format!("2025-10-09T08:53:{second:02}.120000Z")})
    }

    fn customer(email: &str) -> Value {
        json!({"id": "ctm_1", "status": "active", "email": email, "updated_at": "2025-10-09T08:53:00Z"})
    }

    #[test]
    fn the_newest_view_wins_and_one_second_gives_no_order() {
        let page =
            [event(1, "customer.created", customer("a@acme.example")), event(2, "customer.updated", customer("b"))];
        let found = changes(&page, None);
        assert_eq!((found.len(), found[0].object["email"].as_str(), found[0].is_unclear()), (1, Some("b"), false));
        let page = [event(2, "customer.created", customer("a")), event(2, "customer.updated", customer("b"))];
        assert!(changes(&page, None)[0].is_unclear());
        let edge = Some(changes(&page[..1], None)[0].at.secs());
        assert!(!changes(&page[..1], None)[0].is_unclear() && changes(&page[..1], edge)[0].is_unclear());
    }

    #[test]
    fn a_picture_that_lacks_a_part_is_none() {
        let bare = json!({"id": "sub_1", "status": "active", "customer_id": "ctm_1", "currency_code": "USD",
            "updated_at": "2025-10-09T08:53:00Z", "items": [{"price": {"id": "pri_1"}}]});
        assert!(changes(&[event(1, "subscription.updated", bare)], None)[0].is_unclear());
        assert!(
            changes(&[event(1, "transaction.paid", json!({"id": "txn_1", "status": "paid"}))], None)[0].is_unclear()
        );
    }

    #[test]
    fn an_adjustment_speaks_of_its_transaction_whatever_follows_it() {
        let paid = json!({"id": "txn_1", "status": "completed", "details": {"totals": {"total": "1"}},
            "updated_at": "2025-10-09T08:53:00Z"});
        let page = [
            event(1, "adjustment.created", json!({"id": "adj_1", "transaction_id": "txn_1"})),
            event(3, "transaction.updated", paid.clone()),
        ];
        let found = changes(&page, None);
        assert_eq!((found.len(), found[0].id.as_str(), found[0].is_unclear()), (1, "txn_1", true));
        assert!(!changes(&page[1..], None)[0].is_unclear());
        assert!(changes(&[event(1, "price.updated", json!({"id": "pri_1"}))], None).is_empty());
    }
}
