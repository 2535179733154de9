//! How Paddle's notifications were taken.
//!
//! What must stay true: several notifications speak of one event (one for each destination, one more for each replay),
//! and they make one row; what an endpoint answered is known as a number only, its words are never kept.

use std::collections::BTreeMap;

use serde_json::Value;

use super::records::portal_id;
use crate::domain::{Delivery, DeliveryState, System, Text, Time};
use crate::sources::value::{at, int, list, moment, raw, text};

/// Whether it is still to be taken, or never will be: then what the endpoint answered is worth a call.
pub(super) fn is_refused(row: &Value) -> bool {
    let tried = int(row, "times_attempted").is_some_and(|n| n > 0);
    tried && matches!(raw(row, "status").as_deref(), Some("failed" | "needs_retry"))
}

/// The response code of the last try in a notification's log; 0 is what Paddle notes when nothing answered.
pub(super) fn last_code(log: &Value) -> Option<i64> {
    let last = list(log, "data").iter().max_by_key(|row| moment(row, "attempted_at"))?;
    int(last, "response_code")
}

/// One row for each event that these notifications speak of. `codes`: last response codes by notification id.
pub(super) fn deliveries(rows: &[Value], codes: &BTreeMap<String, i64>, link_field: &str) -> Vec<Delivery> {
    let mut order: Vec<Text> = Vec::new();
    let mut found: BTreeMap<Text, (bool, Delivery)> = BTreeMap::new();
    for row in rows {
        let code = raw(row, "id").and_then(|id| codes.get(&id).copied());
        let Some(new) = delivery(row, code, link_field) else { continue };
        let replay = raw(row, "origin").as_deref() == Some("replay");
        match found.remove(&new.id) {
            None => {
                order.push(new.id.clone());
                found.insert(new.id.clone(), (replay, new));
            }
            Some((known_replay, known)) => {
                let merged = if worse((known_replay, &known), (replay, &new)) { known } else { new };
                found.insert(merged.id.clone(), (known_replay && replay, merged));
            }
        }
    }
    order.iter().filter_map(|id| found.remove(id)).map(|(_, row)| row).collect()
}

/// Whether of two notifications of one event the first one tells how the event stands. A replay that was taken heals;
/// of several destinations the one that is worst off counts.
fn worse(one: (bool, &Delivery), other: (bool, &Delivery)) -> bool {
    let healed = |(replay, row): (bool, &Delivery)| replay && row.state == DeliveryState::Delivered;
    let rank = |row: &Delivery| match row.state {
        DeliveryState::Delivered => 0,
        DeliveryState::Pending => 1,
        DeliveryState::Retrying => 2,
        _ => 3,
    };
    match (healed(one), healed(other)) {
        (true, _) => true,
        (false, true) => false,
        _ if one.0 != other.0 => !one.0,
        _ => rank(one.1) >= rank(other.1),
    }
}

fn delivery(row: &Value, code: Option<i64>, link_field: &str) -> Option<Delivery> {
    let event = text(row, "payload/event_id").or_else(|| text(row, "id"))?;
    let status = raw(row, "status").unwrap_or_default();
    let taken = moment(row, "delivered_at");
    let state = match status.as_str() {
        "delivered" => DeliveryState::Delivered,
        "failed" => DeliveryState::Failed,
        "needs_retry" => DeliveryState::Retrying,
        "not_attempted" => DeliveryState::Pending,
        _ if taken.is_some() => DeliveryState::Delivered,
        _ => DeliveryState::Pending,
    };
    let tries = int(row, "times_attempted");
    let answered = match code {
        Some(0) => "the endpoint did not answer".to_owned(),
        Some(code) => format!("the endpoint answered {code}"),
        None => "the endpoint has not taken it".to_owned(),
    };
    let reason = match state {
        DeliveryState::Failed => Some(format!("{answered}; Paddle has given up")),
        DeliveryState::Retrying => Some(match moment(row, "retry_at") {
            Some(at) => format!("{answered}; Paddle tries again at {}", at.rfc3339()),
            None => format!("{answered}; Paddle tries again"),
        }),
        DeliveryState::Pending if status != "not_attempted" => Some(format!("Paddle says `{status}`")),
        _ => None,
    };
    let replay = raw(row, "origin").as_deref() == Some("replay");
    Some(Delivery {
        id: Text::new(format!("paddle:{event}")),
        source: System::Paddle,
        event_id: event,
        kind: text(row, "type").unwrap_or_else(|| Text::new("unknown")),
        state,
        received_at: moment(row, "occurred_at").or(taken).unwrap_or(Time::from_ms(0)),
        // The tries of a replay are counted anew and say nothing about the event's.
        attempts: tries.filter(|_| !replay),
        status: code.filter(|code| *code > 0),
        latency_ms: None,
        customer: at(row, "payload/data").and_then(|object| portal_id(object, link_field)),
        deploy: None,
        reason: reason.map(Text::new),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(id: &str, status: &str, origin: &str, tries: i64) -> Value {
        json!({"id": id, "type": "transaction.paid", "status": status, "origin": origin, "times_attempted": tries,
            "occurred_at": "2025-10-09T08:53:20Z", "retry_at": null, "delivered_at": null,
            "payload": {"event_id": "evt_1", "data": {"custom_data": {"portal_id": 7}}}})
    }

    fn only(rows: &[Value]) -> Delivery {
        let mut all = deliveries(rows, &BTreeMap::from([("ntf_1".to_owned(), 503)]), "portal_id");
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    #[test]
    fn every_status_has_its_state_and_the_open_set_stays_open() {
        for (status, state, reason) in [
            ("delivered", DeliveryState::Delivered, None),
            ("failed", DeliveryState::Failed, Some("the endpoint answered 503; Paddle has given up")),
            ("needs_retry", DeliveryState::Retrying, Some("the endpoint answered 503; Paddle tries again")),
            ("not_attempted", DeliveryState::Pending, None),
            ("something_new", DeliveryState::Pending, Some("Paddle says `something_new`")),
        ] {
            let found = only(&[row("ntf_1", status, "event", 4)]);
            assert_eq!((found.state, found.attempts, found.status), (state, Some(4), Some(503)), "{status}");
            assert_eq!(found.reason.as_ref().map(Text::as_str), reason);
            assert_eq!((found.id.as_str(), found.customer.unwrap().as_str()), ("paddle:evt_1", "7"));
        }
    }

    #[test]
    fn of_several_destinations_the_worst_counts_and_a_replay_that_was_taken_heals() {
        let (good, bad) = (row("ntf_2", "delivered", "event", 1), row("ntf_1", "failed", "event", 60));
        for rows in [[good.clone(), bad.clone()], [bad.clone(), good]] {
            assert_eq!(only(&rows).state, DeliveryState::Failed);
        }
        let (healed, hurt) = (row("ntf_3", "delivered", "replay", 1), row("ntf_3", "failed", "replay", 3));
        for rows in [[healed.clone(), bad.clone()], [bad.clone(), healed]] {
            assert_eq!((only(&rows).state, only(&rows).attempts), (DeliveryState::Delivered, None));
        }
        let taken = row("ntf_1", "delivered", "event", 1);
        for rows in [[hurt.clone(), taken.clone()], [taken, hurt]] {
            assert_eq!(only(&rows).state, DeliveryState::Delivered);
        }
    }

    #[test]
    fn the_last_try_of_a_log_counts_and_its_body_is_not_read() {
        let log = json!({"data": [
            {"response_code": 503, "attempted_at": "2025-10-09T08:54:20Z", "response_body": "canary"},
            {"response_code": 308, "attempted_at": "2025-10-09T08:55:20Z", "response_body": "canary"},
            {"response_code": 500, "attempted_at": "2025-10-09T08:53:20Z"}]});
        assert_eq!(last_code(&log), Some(308));
        assert_eq!(last_code(&json!({})), None);
    }
}
