//! Stripe's objects as JSON, in the shapes of its current API: the period stands on the subscription's items, and an
//! invoice names its subscription under `parent` (`providers.md` section 1).

use serde_json::{Value, json};

use super::books::{Charge, Event, Invoice, Payer, Subject, Subscription};
use super::catalog::{PRICES, PRODUCTS};
use super::world::World;

/// The version that webhook bodies and events are written in.
pub(super) const VERSION: &str = "2026-10-28.endive";

/// A customer; a deleted one says only that.
pub(super) fn payer(world: &World, row: &Payer) -> Value {
    let id = world.payer_id(row.number);
    if row.deleted {
        return json!({"id": id, "object": "customer", "deleted": true});
    }
    let metadata = row.portal.as_ref().map_or_else(|| json!({}), |portal| json!({"portal_id": portal}));
    json!({
        "id": id, "object": "customer", "name": &*row.name, "email": &*row.email, "created": row.created,
        "address": {"city": null, "country": row.country, "line1": null, "line2": null, "postal_code": null, "state": null},
        "balance": 0, "currency": row.currency, "default_source": null, "delinquent": row.delinquent, "description": null,
        "invoice_prefix": invoice_prefix(row.number),
        "invoice_settings": {"custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null},
        "livemode": false, "metadata": metadata, "next_invoice_sequence": 2, "phone": null, "preferred_locales": [],
        "shipping": null, "tax_exempt": "none", "test_clock": null,
    })
}

fn invoice_prefix(number: u32) -> String {
    format!("HP{:05}", number + 10_041)
}

fn price(world: &World, number: usize) -> Value {
    let Some(price) = PRICES.get(number) else { return Value::Null };
    json!({
        "id": price_id(world, number), "object": "price", "active": true, "billing_scheme": "per_unit",
        "created": world.started.secs() - 400 * 86_400, "currency": price.currency, "livemode": false,
        "lookup_key": price.lookup_key, "metadata": {}, "nickname": price.nickname,
        "product": product_id(world, price.product),
        "recurring": {"interval": price.interval, "interval_count": 1, "meter": null, "trial_period_days": null, "usage_type": "licensed"},
        "tax_behavior": "unspecified", "tiers_mode": null, "transform_quantity": null, "type": "recurring",
        "unit_amount": price.amount, "unit_amount_decimal": price.amount.to_string(),
    })
}

/// The id of a price.
pub(super) fn price_id(world: &World, number: usize) -> String {
    world.ids.stripe("price_", number)
}

fn product_id(world: &World, number: usize) -> String {
    world.ids.stripe("prod_", number.min(PRODUCTS.len()))
}

/// A subscription.
pub(super) fn subscription(world: &World, row: &Subscription) -> Value {
    let id = world.ids.stripe("sub_", row.number as usize);
    let currency = row.price.and_then(|p| PRICES.get(p)).map_or("usd", |p| p.currency);
    let item = json!({
        "id": world.ids.stripe("si_", row.number as usize), "object": "subscription_item", "created": row.created,
        "current_period_start": row.period.0, "current_period_end": row.period.1, "discounts": [], "metadata": {},
        "price": row.price.map(|p| price(world, p)), "quantity": 1, "subscription": id, "tax_rates": [],
        "billing_thresholds": null,
    });
    json!({
        "id": id, "object": "subscription", "application": null, "automatic_tax": {"enabled": false, "liability": null, "disabled_reason": null},
        "billing_cycle_anchor": row.period.0, "cancel_at": null, "cancel_at_period_end": false,
        "canceled_at": row.canceled_at,
        "cancellation_details": {"comment": null, "feedback": null, "reason": row.canceled_at.map(|_| "cancellation_requested")},
        "collection_method": "charge_automatically", "created": row.created, "currency": currency,
        "customer": world.payer_id(row.payer), "days_until_due": null, "default_payment_method": null,
        "description": null, "discounts": [], "ended_at": row.canceled_at,
        "items": {"object": "list", "data": [item], "has_more": false, "url": format!("/v1/subscription_items?subscription={id}")},
        "latest_invoice": row.invoice.map(|n| world.ids.stripe("in_", n as usize)), "livemode": false, "metadata": {},
        "next_pending_invoice_item_invoice": null, "pause_collection": null, "pending_setup_intent": null,
        "schedule": null, "start_date": row.created, "status": row.status, "test_clock": null,
        "trial_end": row.trial_end, "trial_start": row.trial_end.map(|_| row.created),
    })
}

/// An invoice.
pub(super) fn invoice(world: &World, row: &Invoice) -> Value {
    let paid = row.status == "paid";
    let payer = world.books.payers.get(row.payer as usize);
    let subscription = world.ids.stripe("sub_", row.subscription as usize);
    let id = world.ids.stripe("in_", row.number as usize);
    let mut invoice = json!({
        "id": id, "object": "invoice", "account_country": "PT",
        "account_name": "Harbor & Pine", "amount_due": row.amount, "amount_paid": if paid { row.amount } else { 0 },
        "amount_remaining": if paid { 0 } else { row.amount }, "attempt_count": row.attempts, "attempted": true,
        "auto_advance": !paid, "billing_reason": "subscription_cycle", "collection_method": "charge_automatically",
        "created": row.created, "currency": row.currency, "customer": world.payer_id(row.payer),
        "customer_email": payer.map(|p| &*p.email), "customer_name": payer.map(|p| &*p.name), "due_date": null,
        "hosted_invoice_url": null, "livemode": false, "metadata": {}, "next_payment_attempt": row.next_attempt,
        "number": format!("{}-{:04}", invoice_prefix(row.payer), row.number + 1),
        "parent": {"type": "subscription_details", "quote_details": null,
                   "subscription_details": {"metadata": {}, "subscription": subscription}},
        "period_start": row.created, "period_end": row.created, "status": row.status,
        "status_transitions": {"finalized_at": row.created, "marked_uncollectible_at": null,
                               "paid_at": if paid { Some(row.created + 2) } else { None }, "voided_at": null},
        "subtotal": row.amount, "total": row.amount,
    });
    // What is the same for everybody, apart because the macro goes only so deep.
    let mut usual = json!({
        "amount_shipping": 0,
        "automatic_tax": {"enabled": false, "liability": null, "status": null, "disabled_reason": null, "provider": null},
        "default_tax_rates": [], "discounts": [], "starting_balance": 0, "total_taxes": [],
        "pre_payment_credit_notes_amount": 0, "post_payment_credit_notes_amount": 0,
        "payment_settings": {"default_mandate": null, "payment_method_options": null, "payment_method_types": null},
        "lines": {"object": "list", "data": [], "has_more": false, "url": format!("/v1/invoices/{id}/lines")},
    });
    if let (Some(invoice), Some(usual)) = (invoice.as_object_mut(), usual.as_object_mut()) {
        invoice.append(usual);
    }
    invoice
}

/// A charge.
pub(super) fn charge(world: &World, row: &Charge) -> Value {
    let payer = world.books.payers.get(row.payer as usize);
    let failed = !row.paid;
    json!({
        "id": world.ids.stripe("ch_", row.number as usize), "object": "charge", "amount": row.amount,
        "amount_captured": if row.paid { row.amount } else { 0 },
        "amount_refunded": if row.refunded { row.amount } else { 0 },
        "billing_details": {"address": null, "email": payer.map(|p| &*p.email), "name": payer.map(|p| &*p.name), "phone": null},
        "captured": row.paid, "created": row.created, "currency": row.currency, "customer": world.payer_id(row.payer),
        "description": "Subscription update", "disputed": row.disputed,
        "failure_code": if failed { Some("card_declined") } else { None },
        "failure_message": if failed { Some("Your card was declined.") } else { None },
        "livemode": false, "metadata": {}, "paid": row.paid, "receipt_email": null, "refunded": row.refunded,
        "status": if row.paid { "succeeded" } else { "failed" },
    })
}

/// An event.
pub(super) fn event(world: &World, number: usize, row: &Event) -> Value {
    let object = match &row.subject {
        Subject::Payer(p) => payer(world, p),
        Subject::Subscription(s) => subscription(world, s),
        Subject::Invoice(i) => invoice(world, i),
        Subject::Charge(c) => charge(world, c),
        Subject::Other(object, payer) => {
            let prefix = if *object == "payment_method" { "pm_" } else { "pi_" };
            json!({"id": world.ids.stripe(prefix, number), "object": object, "customer": world.payer_id(*payer),
                   "created": row.created, "livemode": false, "metadata": {}})
        }
    };
    let mut data = json!({"object": object});
    if let Some((field, old)) = row.previous {
        let old = if old.is_empty() { json!({}) } else { json!(old) };
        data["previous_attributes"] = json!({field: old});
    }
    json!({
        "id": world.ids.stripe("evt_", number), "object": "event", "api_version": VERSION, "created": row.created,
        "data": data, "livemode": false, "pending_webhooks": i32::from(row.pending),
        "request": {"id": null, "idempotency_key": null}, "type": row.kind,
    })
}
