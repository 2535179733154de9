//! Stripe's events: how their delivery stands, and what they say has changed.
//!
//! What must stay true: Stripe tells of an event only how many endpoints have not taken it; tries, status codes and
//! latency are unknown and stay `None`. Two events of one second give no order: the object is read again.

use std::collections::HashMap;

use serde_json::Value;

use super::records::portal_id;
use crate::domain::{Delivery, DeliveryState, System, Text, Time};
use crate::sources::value::{at, int, raw, text, yes};

/// Younger than this an event has hardly been tried.
const FRESH_MS: i64 = 60_000;
/// Live events are retried for up to three days (Stripe's documentation on webhooks).
const RETRIED_MS: i64 = 3 * 24 * 3600 * 1000;

/// The delivery row of an event. `listed`: it came from the list of events that are not delivered. `now` is Stripe's.
pub(super) fn delivery(event: &Value, listed: bool, now: Time, link_field: &str) -> Option<Delivery> {
    let id = text(event, "id")?;
    let created = Time::from_secs(int(event, "created")?);
    let waiting = int(event, "pending_webhooks").unwrap_or(0);
    let age = now.since(created);
    let state = match age {
        _ if waiting == 0 && !listed => DeliveryState::Delivered,
        age if age < FRESH_MS => DeliveryState::Pending,
        age if age < RETRIED_MS => DeliveryState::Retrying,
        _ => DeliveryState::Failed,
    };
    let reason = match (state, waiting) {
        (DeliveryState::Delivered | DeliveryState::Pending, _) => None,
        (_, 0) => Some("an endpoint has not taken it; Stripe does not say why".to_owned()),
        (_, 1) => Some("1 endpoint has not taken it; Stripe does not say why".to_owned()),
        (_, n) => Some(format!("{n} endpoints have not taken it; Stripe does not say why")),
    };
    Some(Delivery {
        id: Text::new(format!("stripe:{id}")),
        source: System::Stripe,
        event_id: id,
        kind: text(event, "type").unwrap_or_else(|| Text::new("unknown")),
        state,
        received_at: created,
        attempts: None,
        status: None,
        latency_ms: None,
        customer: at(event, "data/object").and_then(|object| portal_id(object, link_field)),
        deploy: None,
        reason: reason.map(Text::new),
    })
}

/// What is to be done about an object that events speak of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    /// The object as the newest event shows it.
    pub(super) object: Value,
    /// Second of that event.
    pub(super) created: i64,
    /// Events of that second that speak of it; with more than one their order is unknown.
    pub(super) rivals: usize,
}

/// The newest view of every kept object on a page. `edge` is the second of the last event of the page before, whose
/// rivals this page may hold.
pub(super) fn changes(events: &[Value], floor: i64, edge: Option<i64>) -> Vec<Change> {
    let mut order: Vec<String> = Vec::new();
    let mut found: HashMap<String, Change> = HashMap::new();
    for event in events {
        let (Some(created), Some(object)) = (int(event, "created"), at(event, "data/object")) else { continue };
        let kind = raw(event, "type").unwrap_or_default();
        let (Some(id), Some(word)) = (raw(object, "id"), raw(object, "object")) else { continue };
        if created < floor || !matches!(word.as_str(), "customer" | "subscription" | "invoice" | "charge" | "dispute") {
            continue;
        }
        let mut object = object.clone();
        // The snapshot is the object as it last was.
        if matches!(kind.as_str(), "customer.deleted" | "invoice.deleted") {
            object["deleted"] = Value::Bool(true);
        }
        let rivals = if edge == Some(created) { 2 } else { 1 };
        match found.get_mut(&id) {
            None => {
                order.push(id.clone());
                found.insert(id, Change { object, created, rivals });
            }
            Some(known) if known.created == created => known.rivals += 1,
            Some(known) if known.created < created => *known = Change { object, created, rivals },
            Some(_) => {}
        }
    }
    order.iter().filter_map(|id| found.remove(id)).collect()
}

impl Change {
    /// Whether the object must be read again to know how it is.
    pub(super) fn is_unclear(&self) -> bool {
        self.rivals > 1 && !yes(&self.object, "deleted") || self.is_dispute()
    }

    /// A dispute says which payment it is about; the charge itself must be read.
    pub(super) fn is_dispute(&self) -> bool {
        raw(&self.object, "object").as_deref() == Some("dispute")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: &str, created: i64, kind: &str, object: Value) -> Value {
        json!({"id": id, "object": "event", "created": created, "type": kind, "pending_webhooks": 0,
            "data": {"object": object}})
    }

    #[test]
    fn how_an_undelivered_event_stands_depends_on_its_age() {
        let now = Time::from_secs(1_000_000);
        let day = 24 * 3600;
        for (age, listed, pending, expected) in [
            (5, false, 0, DeliveryState::Delivered),
            (5, true, 1, DeliveryState::Pending),
            (5, false, 1, DeliveryState::Pending),
            (600, true, 1, DeliveryState::Retrying),
            (600, true, 0, DeliveryState::Retrying),
            (3 * day + 1, true, 1, DeliveryState::Failed),
            (3 * day + 1, false, 0, DeliveryState::Delivered),
        ] {
            let mut event = event("evt_1", 1_000_000 - age, "invoice.paid", json!({"metadata": {"portal_id": "u1"}}));
            event["pending_webhooks"] = json!(pending);
            let row = delivery(&event, listed, now, "portal_id").unwrap();
            assert_eq!(row.state, expected, "age {age}, listed {listed}, pending {pending}");
            assert_eq!((row.attempts, row.status, row.latency_ms), (None, None, None));
            assert_eq!(row.customer, Some(Text::new("u1")));
        }
    }

    #[test]
    fn the_newest_view_wins_and_one_second_gives_no_order() {
        let sub = |status: &str| json!({"id": "sub_1", "object": "subscription", "status": status});
        let page = [
            event("e3", 20, "customer.subscription.updated", sub("past_due")),
            event("e2", 10, "customer.subscription.updated", sub("active")),
            event("e1", 10, "customer.subscription.created", sub("incomplete")),
        ];
        let found = changes(&page, 0, None);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].created, found[0].is_unclear()), (20, false));
        assert!(changes(&page[1..], 0, None)[0].is_unclear());
        assert!(changes(&page[..1], 0, Some(20))[0].is_unclear());
        assert!(changes(&page, 21, None).is_empty());
    }

    #[test]
    fn a_deleted_customer_is_told_as_deleted() {
        let page = [event("e1", 10, "customer.deleted", json!({"id": "cus_1", "object": "customer"}))];
        let found = changes(&page, 0, None);
        assert!(yes(&found[0].object, "deleted"));
    }
}
