//! Paddle's objects as records. Field names and meanings: Paddle's OpenAPI document of API version 1.
//!
//! What must stay true: nothing is guessed. Amounts are text in the currency's lowest denomination (whole yen for yen),
//! and one that cannot be told exactly is absent; an unknown status is `needs_review`; times are Paddle's own.

use serde_json::Value;

use crate::domain::money::Per;
use crate::domain::{Flag, Kind, Money, Record, State, System, Text, Time};
use crate::sources::http::address;
use crate::sources::value::{at, int, list, moment, raw, text, yes};

/// What every record of one step shares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp<'a> {
    /// When it was read, by our clock.
    pub(super) seen_at: Time,
    /// Orders views of objects that do not say when they changed: Paddle's clock in milliseconds.
    pub(super) version: i64,
    /// It is the object itself, not the picture that an event keeps of it.
    pub(super) whole: bool,
    /// Where the portal's id is kept in `custom_data`.
    pub(super) link_field: &'a str,
}

/// A kind of object that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Customer,
    Subscription,
    Transaction,
    Endpoint,
}

/// The records of an object: none when nothing is owed or known yet, two for a transaction that was adjusted.
pub(super) fn records(thing: Thing, object: &Value, stamp: Stamp<'_>) -> Vec<Record> {
    let Some(id) = raw(object, "id") else { return Vec::new() };
    let start = |kind: Kind| {
        let mut record = Record::new(System::Paddle, kind, &id, stamp.seen_at);
        record.created_at = moment(object, "created_at");
        record.updated_at = moment(object, "updated_at");
        // Of two views of one moment the object itself is the better one.
        record.version = record.updated_at.map_or(stamp.version, |at| at.ms() + i64::from(stamp.whole));
        record.deleted = yes(object, "deleted");
        record.links.portal = portal_id(object, stamp.link_field);
        record
    };
    match thing {
        Thing::Customer => vec![customer(object, start(Kind::Person))],
        Thing::Subscription => vec![subscription(object, start(Kind::Subscription))],
        Thing::Endpoint => vec![endpoint(object, start(Kind::Endpoint))],
        // A cart that nobody has been billed for.
        Thing::Transaction if matches!(raw(object, "status").as_deref(), Some("draft" | "ready")) => Vec::new(),
        Thing::Transaction => {
            let mut records = vec![transaction(object, start(Kind::Invoice))];
            records.extend(adjusted(object, start(Kind::Charge), stamp.whole));
            records
        }
    }
}

/// The portal's id that an object's own `custom_data` holds.
pub(super) fn portal_id(object: &Value, link_field: &str) -> Option<Text> {
    // The field's name is the operator's and may hold any character, so it is not part of a path.
    match at(object, "custom_data")?.get(link_field)? {
        Value::String(id) => Text::non_empty(id),
        Value::Number(id) => Text::non_empty(id.to_string()),
        _ => None,
    }
}

/// The canonical state of a subscription status. Paddle adds values: an unknown one needs a person.
pub(super) fn state(status: &str) -> State {
    match status {
        "trialing" => State::Trial,
        "active" => State::Active,
        "past_due" => State::PastDue,
        "canceled" => State::Canceled,
        _ => State::NeedsReview,
    }
}

/// An archived customer cannot buy any more: Paddle's way of deleting one.
fn customer(object: &Value, mut record: Record) -> Record {
    record.email = text(object, "email");
    record.name = text(object, "name");
    record.deleted |= raw(object, "status").as_deref() == Some("archived");
    record
}

fn subscription(object: &Value, mut record: Record) -> Record {
    record.parent = text(object, "customer_id");
    record.word = text(object, "status");
    record.state = record.word.as_ref().map(|word| state(word.as_str()));
    match raw(object, "scheduled_change/action").as_deref() {
        Some("cancel") => record.flags.push(Flag::Canceling),
        Some("pause") => record.flags.push(Flag::CollectionPaused),
        _ => {}
    }
    note(&mut record, object, "scheduled_change/action", "scheduled_change");
    time_note(&mut record, object, "scheduled_change/effective_at", "scheduled_for");
    time_note(&mut record, object, "paused_at", "paused_at");
    time_note(&mut record, object, "next_billed_at", "next_billed_at");
    let items = list(object, "items");
    for item in items {
        for key in ["price/id", "price/name", "price/product_id", "product/id", "product/name"] {
            let Some(key) = text(item, key) else { continue };
            if !record.plan_keys.contains(&key) {
                record.plan_keys.push(key);
            }
        }
        if record.plan.is_none() {
            record.plan = ["product/name", "price/name", "price/id"].iter().find_map(|field| text(item, field));
        }
    }
    record.money = due(object, items);
    record.trial_ends_at = items.iter().filter_map(|item| moment(item, "trial_dates/ends_at")).max();
    record.period_ends_at = moment(object, "current_billing_period/ends_at");
    record.ended_at = moment(object, "canceled_at");
    record
}

/// What a subscription costs each period, before discounts and taxes; `None` when one item's price is not told.
fn due(object: &Value, items: &[Value]) -> Option<Money> {
    let currency = Text::new(raw(object, "currency_code")?.to_lowercase());
    let mut sum: Option<Money> = None;
    for item in items {
        if item.get("recurring") == Some(&Value::Bool(false)) || raw(item, "status").as_deref() == Some("inactive") {
            continue;
        }
        let quantity = match item.get("quantity") {
            None => 1,
            Some(_) => int(item, "quantity")?,
        };
        let amount = unit(at(item, "price")?, currency.as_str())?.checked_mul(quantity)?;
        let cycle = at(item, "price/billing_cycle").or_else(|| at(object, "billing_cycle"))?;
        let count = int(cycle, "frequency").unwrap_or(1).max(1);
        let (amount, per) = match (raw(cycle, "interval")?.as_str(), count) {
            ("day", n) => (amount / n, Per::Day),
            ("week", n) => (amount / n, Per::Week),
            ("month", 12) => (amount, Per::Year),
            ("month", n) => (amount / n, Per::Month),
            ("year", n) => (amount / n, Per::Year),
            _ => return None,
        };
        let part = Money { amount, currency: currency.clone(), per: Some(per) };
        sum = Some(match sum {
            None => part,
            Some(all) if all.per == part.per => Money { amount: all.amount.checked_add(amount)?, ..all },
            Some(all) => Money {
                amount: all.per_month().checked_add(part.per_month())?,
                currency: all.currency,
                per: Some(Per::Month),
            },
        });
    }
    sum
}

/// The price of one, in this currency. Overrides hold for countries, and a subscription does not say which one it is
/// of: with different amounts in one currency the price is unknown.
fn unit(price: &Value, currency: &str) -> Option<i64> {
    let overrides = list(price, "unit_price_overrides").iter().filter_map(|o| at(o, "unit_price"));
    let mut amounts = at(price, "unit_price")
        .into_iter()
        .chain(overrides)
        .filter(|price| raw(price, "currency_code").is_some_and(|c| c.eq_ignore_ascii_case(currency)))
        .map(|price| int(price, "amount"));
    let first = amounts.next()??;
    amounts.all(|other| other == Some(first)).then_some(first)
}

fn transaction(object: &Value, mut record: Record) -> Record {
    record.parent = text(object, "customer_id");
    record.name = text(object, "invoice_number");
    record.word = text(object, "status");
    let paid = is_paid(object);
    let totals: &[&str] = if paid { &["grand_total", "total"] } else { &["balance", "grand_total", "total"] };
    record.money = totals.iter().find_map(|name| money(object, &format!("details/totals/{name}")));
    record.ended_at = paid_at(object);
    for (field, name) in [("subscription_id", "subscription"), ("origin", "billing_reason")] {
        note(&mut record, object, field, name);
    }
    let tries = list(object, "payments");
    if !tries.is_empty() {
        record.attributes.insert(Text::new("attempt_count"), Text::new(tries.len().to_string()));
    }
    // The newest try stands first.
    if let Some(last) = tries.first().filter(|_| !paid) {
        note(&mut record, last, "error_code", "failure_code");
    }
    record
}

fn is_paid(object: &Value) -> bool {
    matches!(raw(object, "status").as_deref(), Some("paid" | "completed"))
}

/// When the money came, or else when it was billed.
fn paid_at(object: &Value) -> Option<Time> {
    let captured = || list(object, "payments").iter().filter_map(|p| moment(p, "captured_at")).max();
    if is_paid(object) { captured().or_else(|| moment(object, "billed_at")) } else { None }
}

/// The payment of a transaction that was adjusted: refunds and chargebacks. Pictures in events do not hold adjustments,
/// so only the transaction itself, asked for with them, tells.
fn adjusted(object: &Value, mut record: Record, whole: bool) -> Option<Record> {
    let mut adjustments: Vec<&Value> = list(object, "adjustments").iter().collect();
    if adjustments.is_empty() || !whole {
        return None;
    }
    adjustments.sort_by_key(|a| moment(a, "created_at"));
    record.parent = text(object, "customer_id");
    record.word = text(object, "status");
    record.money = ["grand_total", "total"].iter().find_map(|name| money(object, &format!("details/totals/{name}")));
    record.ended_at = paid_at(object);
    let is = |a: &Value, field: &str, word: &str| raw(a, field).as_deref() == Some(word);
    let counts = |a: &&&Value| is(a, "status", "approved");
    let refunds: Vec<&&Value> = adjustments.iter().filter(|a| is(a, "action", "refund")).filter(counts).collect();
    let back = refunds.iter().try_fold(0_i64, |sum, a| sum.checked_add(int(a, "totals/total")?));
    let all = match (back, &record.money) {
        (Some(back), Some(paid)) => back > 0 && back >= paid.amount,
        _ => false,
    };
    if all || refunds.iter().any(|a| is(a, "type", "full")) {
        record.flags.push(Flag::Refunded);
    }
    // A warning is no chargeback yet; a reversal takes the chargeback back.
    let last = adjustments
        .iter()
        .filter(counts)
        .rev()
        .find(|a| matches!(raw(a, "action").as_deref(), Some("chargeback" | "chargeback_reverse")));
    if last.is_some_and(|a| is(a, "action", "chargeback")) {
        record.flags.push(Flag::Disputed);
    }
    if let Some(back) = back.filter(|back| *back > 0) {
        record.attributes.insert(Text::new("amount_refunded"), Text::new(back.to_string()));
    }
    if let Some(newest) = adjustments.last() {
        let word = |field: &str| raw(newest, field).unwrap_or_default();
        let said = format!("{} {}", word("action"), word("status"));
        record.attributes.insert(Text::new("adjustment"), Text::new(said.trim()));
    }
    note(&mut record, object, "subscription_id", "subscription");
    let changed = adjustments.iter().filter_map(|a| moment(a, "updated_at").or_else(|| moment(a, "created_at"))).max();
    record.updated_at = record.updated_at.max(changed);
    record.version = record.version.max(changed.map_or(0, |at| at.ms() + 1));
    Some(record)
}

/// A destination of notifications.
fn endpoint(object: &Value, mut record: Record) -> Record {
    record.links.portal = None;
    record.name = raw(object, "destination").and_then(|url| Text::non_empty(address::shown(&url)));
    let active = yes(object, "active");
    record.word = Some(Text::new(if active { "active" } else { "inactive" }));
    if !active {
        record.flags.push(Flag::Disabled);
    }
    // Simulations only: no real event goes there.
    if raw(object, "traffic_source").as_deref() == Some("simulation") {
        record.flags.push(Flag::Test);
    }
    for field in ["api_version", "type", "traffic_source"] {
        note(&mut record, object, field, field);
    }
    let events: Vec<String> = list(object, "subscribed_events").iter().filter_map(|e| raw(e, "name")).collect();
    if !events.is_empty() {
        record.attributes.insert(Text::new("events"), Text::new(events.join(" ")));
    }
    record
}

fn money(object: &Value, field: &str) -> Option<Money> {
    let currency = Text::new(raw(object, "currency_code")?.to_lowercase());
    Some(Money { amount: int(object, field)?, currency, per: None })
}

fn note(record: &mut Record, object: &Value, field: &str, name: &str) {
    if let Some(value) = text(object, field) {
        record.attributes.insert(Text::new(name), value);
    }
}

fn time_note(record: &mut Record, object: &Value, field: &str, name: &str) {
    if let Some(value) = moment(object, field) {
        record.attributes.insert(Text::new(name), Text::new(value.rfc3339()));
    }
}
