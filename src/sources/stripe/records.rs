//! Stripe's objects as records. Field names and meanings: Stripe's OpenAPI document 2023-08-16 and, where newer SDKs
//! moved a field, both places (the new one first).
//!
//! What must stay true: nothing is guessed. An amount that cannot be told exactly is absent; an unknown status is
//! `needs_review`; times are Stripe's own.

use serde_json::Value;

use crate::domain::money::Per;
use crate::domain::{Flag, Kind, Money, Record, State, System, Text, Time};
use crate::sources::http::address;
use crate::sources::value::{at, int, list, raw, secs, text, yes};

/// What every record of one step shares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp<'a> {
    /// When it was read, by our clock.
    pub(super) seen_at: Time,
    /// Orders views: Stripe's clock in milliseconds.
    pub(super) version: i64,
    /// Where the portal's id is kept in `metadata`.
    pub(super) link_field: &'a str,
}

/// The record of an object, by its `object` word; `None` for kinds that are not kept and for objects without an id.
pub(super) fn record(object: &Value, stamp: Stamp<'_>) -> Option<Record> {
    let id = raw(object, "id")?;
    let (kind, fill): (Kind, fn(&Value, &mut Record)) = match raw(object, "object")?.as_str() {
        "customer" => (Kind::Person, customer),
        "subscription" => (Kind::Subscription, subscription),
        "invoice" => (Kind::Invoice, invoice),
        "charge" => (Kind::Charge, charge),
        "webhook_endpoint" => (Kind::Endpoint, endpoint),
        _ => return None,
    };
    let mut record = Record::new(System::Stripe, kind, id, stamp.seen_at);
    record.version = stamp.version;
    record.deleted = yes(object, "deleted");
    record.created_at = secs(object, "created");
    record.links.portal = portal_id(object, stamp.link_field);
    fill(object, &mut record);
    Some(record)
}

/// The portal's id that an object's own metadata holds, or for an invoice that of its subscription.
pub(super) fn portal_id(object: &Value, link_field: &str) -> Option<Text> {
    ["metadata", "parent/subscription_details/metadata", "subscription_details/metadata"]
        .iter()
        // The field's name is the operator's and may hold any character, so it is not part of a path.
        .find_map(|place| Text::non_empty(at(object, place)?.get(link_field)?.as_str()?))
}

/// The canonical state of a subscription status. Stripe adds values: an unknown one needs a person.
pub(super) fn state(status: &str) -> State {
    match status {
        "trialing" => State::Trial,
        "active" => State::Active,
        "past_due" | "unpaid" => State::PastDue,
        "canceled" | "incomplete_expired" => State::Canceled,
        _ => State::NeedsReview,
    }
}

fn customer(object: &Value, record: &mut Record) {
    record.email = text(object, "email");
    record.name = text(object, "name");
    note(record, object, "delinquent", "delinquent");
}

fn subscription(object: &Value, record: &mut Record) {
    record.parent = id_of(object, "customer");
    record.word = text(object, "status");
    record.state = record.word.as_ref().map(|word| state(word.as_str()));
    if yes(object, "cancel_at_period_end") || int(object, "cancel_at").is_some() {
        record.flags.push(Flag::Canceling);
    }
    if at(object, "pause_collection").is_some_and(Value::is_object) {
        record.flags.push(Flag::CollectionPaused);
    }
    let items = list(object, "items/data");
    for item in items {
        let price = at(item, "price").or_else(|| at(item, "plan")).unwrap_or(&Value::Null);
        let product = at(price, "product").unwrap_or(&Value::Null);
        let keys = [text(price, "id"), text(price, "lookup_key"), text(price, "nickname"), id_of(price, "product")];
        for key in keys.into_iter().chain([text(product, "name")]).flatten() {
            if !record.plan_keys.contains(&key) {
                record.plan_keys.push(key);
            }
        }
        if record.plan.is_none() {
            record.plan = ["nickname", "lookup_key", "id"].iter().find_map(|field| text(price, field));
        }
    }
    // With more items than the answer holds the sum would be wrong.
    record.money = if yes(object, "items/has_more") { None } else { due(items) };
    record.trial_ends_at = secs(object, "trial_end");
    let periods = |field: &str| items.iter().filter_map(|item| secs(item, field)).max().or_else(|| secs(object, field));
    record.period_ends_at = periods("current_period_end");
    record.ended_at = secs(object, "ended_at");
    record.updated_at =
        [secs(object, "created"), secs(object, "canceled_at"), record.ended_at, periods("current_period_start")]
            .into_iter()
            .flatten()
            .max();
    if let Some(at) = secs(object, "cancel_at") {
        record.attributes.insert(Text::new("cancel_at"), Text::new(at.rfc3339()));
    }
    if let Some(invoice) = id_of(object, "latest_invoice") {
        record.attributes.insert(Text::new("latest_invoice"), invoice);
    }
}

/// What a subscription costs each period, before discounts and taxes; `None` when one item's price is not told.
fn due(items: &[Value]) -> Option<Money> {
    let mut sum: Option<Money> = None;
    for item in items {
        let price = at(item, "price").or_else(|| at(item, "plan"))?;
        let usage = raw(price, "recurring/usage_type").or_else(|| raw(price, "usage_type"));
        if usage.as_deref() == Some("metered") {
            continue;
        }
        let mut quantity = int(item, "quantity").unwrap_or(1);
        if let Some(pack) = int(price, "transform_quantity/divide_by").filter(|n| *n > 0) {
            let up = raw(price, "transform_quantity/round").as_deref() == Some("up");
            quantity = if up { quantity.saturating_add(pack - 1) / pack } else { quantity / pack };
        }
        let unit = int(price, "unit_amount").or_else(|| int(price, "amount"));
        let amount = match unit {
            Some(unit) => unit.saturating_mul(quantity),
            None => decimal(price)?.checked_mul(quantity)?.checked_add(500_000)? / 1_000_000,
        };
        let count = int(price, "recurring/interval_count").or_else(|| int(price, "interval_count")).unwrap_or(1).max(1);
        let interval = raw(price, "recurring/interval").or_else(|| raw(price, "interval"))?;
        let (amount, per) = match (interval.as_str(), count) {
            ("day", n) => (amount / n, Per::Day),
            ("week", n) => (amount / n, Per::Week),
            ("month", 12) => (amount, Per::Year),
            ("month", n) => (amount / n, Per::Month),
            ("year", n) => (amount / n, Per::Year),
            _ => return None,
        };
        let currency = Text::new(raw(price, "currency")?.to_lowercase());
        let part = Money { amount: in_minor_units(amount, &currency), currency, per: Some(per) };
        sum = Some(match sum {
            None => part,
            Some(all) if all.currency != part.currency => return None,
            Some(all) if all.per == part.per => Money { amount: all.amount.saturating_add(part.amount), ..all },
            Some(all) => Money {
                amount: all.per_month().saturating_add(part.per_month()),
                currency: all.currency,
                per: Some(Per::Month),
            },
        });
    }
    sum
}

/// `unit_amount_decimal` ("0.5") in millionths of the minor unit.
fn decimal(price: &Value) -> Option<i64> {
    let text = raw(price, "unit_amount_decimal").or_else(|| raw(price, "amount_decimal"))?;
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let part: String = part.chars().chain("000000".chars()).take(6).collect();
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(part.parse().ok()?)
}

fn invoice(object: &Value, record: &mut Record) {
    record.parent = id_of(object, "customer");
    record.email = text(object, "customer_email");
    record.name = text(object, "number");
    record.word = text(object, "status");
    let paid = record.word.as_ref().is_some_and(|word| *word == "paid");
    record.money = money(object, if paid { "amount_paid" } else { "amount_due" });
    record.ended_at = secs(object, "status_transitions/paid_at");
    let changes = ["paid_at", "finalized_at", "voided_at", "marked_uncollectible_at"];
    record.updated_at = changes.iter().filter_map(|name| secs(object, &format!("status_transitions/{name}"))).max();
    let subscription = ["parent/subscription_details/subscription", "subscription"];
    if let Some(id) = subscription.iter().find_map(|place| id_of(object, place)) {
        record.attributes.insert(Text::new("subscription"), id);
    }
    note(record, object, "attempt_count", "attempt_count");
    note(record, object, "billing_reason", "billing_reason");
    if let Some(next) = secs(object, "next_payment_attempt") {
        record.attributes.insert(Text::new("next_payment_attempt"), Text::new(next.rfc3339()));
    }
}

fn charge(object: &Value, record: &mut Record) {
    record.parent = id_of(object, "customer");
    record.email = text(object, "billing_details/email").or_else(|| text(object, "receipt_email"));
    record.word = text(object, "status");
    record.money = money(object, "amount");
    if yes(object, "refunded") {
        record.flags.push(Flag::Refunded);
    }
    if yes(object, "disputed") {
        record.flags.push(Flag::Disputed);
    }
    if yes(object, "paid") {
        record.ended_at = secs(object, "created");
    }
    if let Some(id) = id_of(object, "invoice") {
        record.attributes.insert(Text::new("invoice"), id);
    }
    if int(object, "amount_refunded").is_some_and(|n| n > 0) {
        note(record, object, "amount_refunded", "amount_refunded");
    }
    note(record, object, "failure_code", "failure_code");
}

/// The signing secret is in the answer to *making* an endpoint only; it is not read even if it were here.
fn endpoint(object: &Value, record: &mut Record) {
    record.name = raw(object, "url").and_then(|url| Text::non_empty(address::shown(&url)));
    record.word = text(object, "status");
    if record.word.as_ref().is_some_and(|word| *word == "disabled") {
        record.flags.push(Flag::Disabled);
    }
    record.links.portal = None;
    note(record, object, "api_version", "api_version");
    let events: Vec<String> =
        list(object, "enabled_events").iter().filter_map(|e| e.as_str().map(str::to_owned)).collect();
    if !events.is_empty() {
        record.attributes.insert(Text::new("events"), Text::new(events.join(" ")));
    }
}

fn money(object: &Value, field: &str) -> Option<Money> {
    let currency = Text::new(raw(object, "currency")?.to_lowercase());
    Some(Money { amount: in_minor_units(int(object, field)?, &currency), currency, per: None })
}

/// Stripe's amount in the minor unit of ISO 4217. Three currencies are counted otherwise in its API: krónur and Ugandan
/// shillings with two decimals that are always 00, ariary without decimals (docs.stripe.com/currencies, "special cases"
/// and "zero-decimal currencies").
fn in_minor_units(amount: i64, currency: &Text) -> i64 {
    match currency.as_str() {
        "isk" | "ugx" => amount / 100,
        "mga" => amount.saturating_mul(100),
        _ => amount,
    }
}

/// A reference: the id itself, or the id of the expanded object.
fn id_of(object: &Value, field: &str) -> Option<Text> {
    text(object, field).or_else(|| text(at(object, field)?, "id"))
}

fn note(record: &mut Record, object: &Value, field: &str, name: &str) {
    if let Some(value) = text(object, field) {
        record.attributes.insert(Text::new(name), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(object: &Value) -> Record {
        record(object, Stamp { seen_at: Time::from_ms(9), version: 5, link_field: "portal_id" }).unwrap()
    }

    fn item(unit: Value, quantity: i64, interval: &str, count: i64) -> Value {
        json!({"quantity": quantity, "price": {"id": "price_1", "currency": "usd", "unit_amount": unit,
            "recurring": {"interval": interval, "interval_count": count}}})
    }

    #[test]
    fn the_five_states_and_the_open_set() {
        for (status, expected) in [
            ("trialing", State::Trial),
            ("active", State::Active),
            ("past_due", State::PastDue),
            ("unpaid", State::PastDue),
            ("canceled", State::Canceled),
            ("incomplete_expired", State::Canceled),
            ("incomplete", State::NeedsReview),
            ("paused", State::NeedsReview),
            ("something_new", State::NeedsReview),
        ] {
            assert_eq!(state(status), expected, "{status}");
        }
    }

    #[test]
    fn money_is_exact_or_absent() {
        let of = |items: &[Value]| due(items).map(|m| (m.amount, m.per.unwrap().as_str()));
        assert_eq!(of(&[item(json!(4900), 2, "month", 1)]), Some((9800, "month")));
        assert_eq!(of(&[item(json!(9000), 1, "month", 3)]), Some((3000, "month")));
        assert_eq!(of(&[item(json!(12_000), 1, "year", 1), item(json!(500), 1, "month", 1)]), Some((1500, "month")));
        assert_eq!(of(&[item(Value::Null, 1, "month", 1)]), None);
        let mut cents = item(Value::Null, 1000, "month", 1);
        cents["price"]["unit_amount_decimal"] = json!("0.5");
        assert_eq!(of(&[cents]), Some((500, "month")));
        let mut euro = item(json!(1), 1, "month", 1);
        euro["price"]["currency"] = json!("eur");
        assert_eq!(of(&[item(json!(1), 1, "month", 1), euro]), None);
    }

    #[test]
    fn currencies_that_stripe_counts_its_own_way_are_written_as_they_are_meant() {
        for (amount, currency, meant) in [
            (500, "ISK", "5 ISK"),
            (1_500, "ugx", "15 UGX"),
            (5, "mga", "5 MGA"),
            (500, "jpy", "¥500"),
            (500, "usd", "$5"),
        ] {
            let paid = json!({"amount_paid": amount, "currency": currency});
            assert_eq!(money(&paid, "amount_paid").unwrap().to_string(), meant);
            let mut price = item(json!(amount), 2, "month", 1);
            price["price"]["currency"] = json!(currency);
            let twice = money(&json!({"amount_paid": amount * 2, "currency": currency}), "amount_paid").unwrap();
            assert_eq!(due(&[price]).unwrap().amount, twice.amount);
        }
    }

    #[test]
    fn moved_fields_are_found_in_both_places() {
        let old = json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
            "current_period_end": 100, "items": {"data": [item(json!(1), 1, "month", 1)]}});
        let mut new = old.clone();
        new.as_object_mut().unwrap().remove("current_period_end");
        new["items"]["data"][0]["current_period_end"] = json!(100);
        for object in [old, new] {
            assert_eq!(read(&object).period_ends_at, Some(Time::from_secs(100)));
        }
        let invoice = json!({"id": "in_1", "object": "invoice", "status": "open", "amount_due": 7, "currency": "USD",
            "parent": {"subscription_details": {"subscription": "sub_9", "metadata": {"portal_id": "u7"}}}});
        let invoice = read(&invoice);
        assert_eq!(invoice.attributes[&Text::new("subscription")], "sub_9");
        assert_eq!(invoice.links.portal, Some(Text::new("u7")));
        assert_eq!(invoice.money.unwrap().currency, "usd");
    }

    #[test]
    fn flags_tell_what_the_state_does_not() {
        let object = json!({"id": "sub_1", "object": "subscription", "status": "active", "cancel_at_period_end": true,
            "pause_collection": {"behavior": "void"}, "items": {"data": []}});
        assert_eq!(read(&object).flags, [Flag::Canceling, Flag::CollectionPaused]);
        let charge = json!({"id": "ch_1", "object": "charge", "refunded": true, "disputed": true});
        assert_eq!(read(&charge).flags, [Flag::Refunded, Flag::Disputed]);
        let endpoint = json!({"id": "we_1", "object": "webhook_endpoint", "status": "disabled",
            "url": "https://acme.example/hook?token=t", "secret": "whsec_canary"});
        let endpoint = read(&endpoint);
        assert_eq!(endpoint.name.as_ref().unwrap(), &"https://acme.example/hook");
        assert!(endpoint.has(Flag::Disabled) && !format!("{endpoint:?}").contains("canary"));
    }
}
