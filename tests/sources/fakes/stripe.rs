//! A Stripe that lists newest first, keeps events, and counts what is not delivered.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trueup::domain::Time;

use super::{Answer, Call, Fake, lock};

/// A moment on Stripe's clock from which the stories count.
pub const START: i64 = 1_760_000_000;

#[derive(Clone, Default)]
pub struct World {
    pub customers: Vec<Value>,
    pub subscriptions: Vec<Value>,
    pub invoices: Vec<Value>,
    pub charges: Vec<Value>,
    pub endpoints: Vec<Value>,
    pub events: Vec<Value>,
    pub clock: i64,
    /// Most rows a page, whatever is asked for.
    pub page: usize,
    /// Paths that the key may not read.
    pub forbidden: Vec<&'static str>,
}

pub type Shared = Arc<Mutex<World>>;

pub async fn start(world: World) -> (Fake, Shared) {
    let shared: Shared = Arc::new(Mutex::new(world));
    let inner = shared.clone();
    (Fake::start(move |call| lock(&inner).answer(call)).await, shared)
}

pub fn customer(id: &str, created: i64, email: &str, portal: &str) -> Value {
    json!({"id": id, "object": "customer", "created": created, "email": email, "name": "Ada Example",
        "livemode": true, "delinquent": false, "metadata": {"portal_id": portal}})
}

pub fn subscription(id: &str, created: i64, customer: &str, status: &str) -> Value {
    json!({"id": id, "object": "subscription", "created": created, "customer": customer, "status": status,
        "livemode": true, "cancel_at_period_end": false, "cancel_at": null, "canceled_at": null, "ended_at": null,
        "trial_end": null, "pause_collection": null, "latest_invoice": "in_1", "collection_method": "charge_automatically",
        "currency": "usd", "metadata": {}, "current_period_start": created, "current_period_end": created + 2_592_000,
        "items": {"object": "list", "has_more": false, "url": "/v1/subscription_items", "data": [{
            "id": format!("si_{id}"), "object": "subscription_item", "created": created, "quantity": 1,
            "subscription": id, "metadata": {}, "price": {"id": "price_pro", "object": "price", "active": true,
            "created": created, "currency": "usd", "livemode": true, "lookup_key": "pro_monthly", "nickname": "Pro",
            "product": "prod_1", "metadata": {}, "type": "recurring", "unit_amount": 4900,
            "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}}}]}})
}

pub fn invoice(id: &str, created: i64, customer: &str, status: &str) -> Value {
    let paid = (status == "paid").then_some(created + 5);
    json!({"id": id, "object": "invoice", "created": created, "customer": customer, "status": status,
        "livemode": true, "number": format!("A-{id}"), "amount_due": 4900, "amount_remaining": 0, "currency": "usd",
        "amount_paid": if status == "paid" { 4900 } else { 0 }, "attempt_count": 1, "subscription": "sub_1",
        "metadata": {}, "status_transitions": {"finalized_at": created, "paid_at": paid}})
}

pub fn charge(id: &str, created: i64, customer: &str) -> Value {
    json!({"id": id, "object": "charge", "created": created, "customer": customer, "status": "succeeded",
        "livemode": true, "amount": 4900, "amount_refunded": 0, "currency": "usd", "paid": true, "refunded": false,
        "disputed": false, "invoice": "in_1", "payment_intent": format!("pi_{id}"), "metadata": {}})
}

impl World {
    /// Two customers who pay, one endpoint, nothing undelivered.
    pub fn small() -> Self {
        let at = START - 10_000;
        Self {
            customers: vec![
                customer("cus_1", at, "ada@acme.example", "u1"),
                customer("cus_2", at + 1, "bob@acme.example", "u2"),
                customer("cus_3", at + 2, "eve@acme.example", "u3"),
            ],
            subscriptions: vec![
                subscription("sub_1", at, "cus_1", "active"),
                subscription("sub_2", at + 1, "cus_2", "trialing"),
            ],
            invoices: vec![invoice("in_1", at, "cus_1", "paid")],
            charges: vec![charge("ch_1", at, "cus_1"), charge("ch_2", at + 1, "cus_1")],
            endpoints: vec![json!({"id": "we_1", "object": "webhook_endpoint", "created": at, "livemode": true,
                "status": "enabled", "url": "https://acme.example/hook", "api_version": null, "metadata": {},
                "enabled_events": ["*"]})],
            events: Vec::new(),
            clock: START,
            page: 100,
            forbidden: Vec::new(),
        }
    }

    /// Tells what happened as an event.
    pub fn tell(&mut self, id: &str, kind: &str, object: &Value, pending: i64) {
        let event = json!({"id": id, "object": "event", "created": self.clock, "type": kind, "livemode": true,
            "pending_webhooks": pending, "api_version": "2023-08-16", "data": {"object": object}});
        self.events.push(event);
    }

    /// Changes an object and tells it.
    pub fn change(&mut self, id: &str, event: &str, kind: &str, with: impl FnOnce(&mut Value)) {
        let object = self.find(id).unwrap();
        with(object);
        let object = object.clone();
        self.tell(event, kind, &object, 0);
    }

    fn find(&mut self, id: &str) -> Option<&mut Value> {
        [&mut self.customers, &mut self.subscriptions, &mut self.invoices, &mut self.charges, &mut self.events]
            .into_iter()
            .flat_map(|list| list.iter_mut())
            .find(|o| o["id"] == id)
    }

    pub fn answer(&mut self, call: &Call) -> Answer {
        self.reply(call).dated(Time::from_secs(self.clock)).with("request-id", "req_fake1")
    }

    fn reply(&mut self, call: &Call) -> Answer {
        assert_eq!(call.method, "GET");
        assert!(call.headers["authorization"].starts_with("Bearer "));
        assert!(call.headers.contains_key("stripe-version"));
        if self.forbidden.iter().any(|path| call.path.starts_with(path)) {
            return Answer::new(
                403,
                r#"{"error":{"message":"The provided key does not have the required permissions","type":"invalid_request_error"}}"#,
            );
        }
        let rest = call.path.strip_prefix("/v1/").unwrap();
        if let Some((_, id)) = rest.split_once('/') {
            return match self.find(id) {
                Some(object) if object["deleted"] == true => {
                    Answer::json(&json!({"id": id, "object": object["object"], "deleted": true}))
                }
                Some(object) => Answer::json(object),
                None => Answer::new(404, r#"{"error":{"code":"resource_missing","message":"No such object"}}"#),
            };
        }
        let mut rows: Vec<Value> = match rest {
            "account" => {
                return Answer::json(
                    &json!({"id": "acct_1", "object": "account", "charges_enabled": true, "country": "US"}),
                );
            }
            "customers" => self.customers.clone(),
            "subscriptions" => self.subscriptions.clone(),
            "invoices" => self.invoices.clone(),
            "charges" => self.charges.clone(),
            "webhook_endpoints" => self.endpoints.clone(),
            "events" => self.events.clone(),
            other => panic!("unknown path {other}"),
        };
        rows.reverse();
        rows.sort_by_key(|row| -row["created"].as_i64().unwrap());
        rows.retain(|row| row["deleted"] != true);
        if rest == "subscriptions" && call.get("status") != Some("all") {
            rows.retain(|row| row["status"] != "canceled");
        }
        let created = |row: &Value| row["created"].as_i64().unwrap();
        for (name, keep) in [
            ("created[gt]", (|a, b| a > b) as fn(i64, i64) -> bool),
            ("created[gte]", |a, b| a >= b),
            ("created[lte]", |a, b| a <= b),
        ] {
            if let Some(bound) = call.number(name) {
                rows.retain(|row| keep(created(row), bound));
            }
        }
        if call.get("delivery_success") == Some("false") {
            rows.retain(|row| row["pending_webhooks"] != 0);
        }
        if let Some(payment) = call.get("payment_intent") {
            rows.retain(|row| row["payment_intent"] == payment);
        }
        if let Some(after) = call.get("starting_after") {
            match rows.iter().position(|row| row["id"] == after) {
                Some(at) => drop(rows.drain(..=at)),
                None => {
                    return Answer::new(
                        400,
                        r#"{"error":{"code":"resource_missing","param":"starting_after","message":"No such object"}}"#,
                    );
                }
            }
        }
        let limit = self.page.min(usize::try_from(call.number("limit").unwrap_or(10)).unwrap());
        let more = rows.len() > limit;
        rows.truncate(limit);
        Answer::json(&json!({"object": "list", "url": call.path, "has_more": more, "data": rows}))
    }
}
