//! A Paddle that lists by id, keeps events and notifications, and tells its destinations' secrets in the list.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trueup::domain::Time;

use super::{Answer, Call, Fake, lock};

/// A moment on Paddle's clock (milliseconds) from which the stories count.
pub const START: i64 = 1_760_000_000_000;
/// Stands in every list of destinations, and may never be anywhere else.
pub const SECRET: &str = "pdl_ntfset_canary51d07e";

#[derive(Clone, Default)]
pub struct World {
    pub customers: Vec<Value>,
    pub subscriptions: Vec<Value>,
    pub transactions: Vec<Value>,
    pub adjustments: Vec<Value>,
    pub settings: Vec<Value>,
    pub events: Vec<Value>,
    pub notifications: Vec<Value>,
    /// (notification, response code) of tries, oldest first.
    pub logs: Vec<(String, i64)>,
    pub clock: i64,
    /// Most rows a page, whatever is asked for.
    pub page: usize,
    /// Paths that the key may not read; `include` stands for transactions with adjustments.
    pub forbidden: Vec<&'static str>,
    /// Positions that are not known any more.
    pub forgotten: Vec<String>,
}

pub type Shared = Arc<Mutex<World>>;

pub async fn start(world: World) -> (Fake, Shared) {
    let shared: Shared = Arc::new(Mutex::new(world));
    let inner = shared.clone();
    let base: Arc<Mutex<String>> = Arc::default();
    let own = base.clone();
    let fake = Fake::start(move |call| {
        let base = lock(&own).clone();
        lock(&inner).answer(call, &base)
    })
    .await;
    lock(&base).clone_from(&fake.base);
    (fake, shared)
}

/// A moment as Paddle writes it.
pub fn at(ms: i64) -> String {
    Time::from_ms(ms).utc().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

pub fn customer(id: &str, ms: i64, email: &str, portal: &str) -> Value {
    json!({"id": id, "name": "Ada Example", "email": email, "marketing_consent": false, "status": "active",
        "custom_data": {"portal_id": portal}, "locale": "en", "created_at": at(ms), "updated_at": at(ms),
        "import_meta": null})
}

pub fn price(amount: &str, currency: &str) -> Value {
    json!({"id": "pri_pro", "product_id": "pro_1", "type": "standard", "name": "Pro monthly", "description": "Pro",
        "billing_cycle": {"interval": "month", "frequency": 1}, "trial_period": null, "tax_mode": "account_setting",
        "unit_price": {"amount": amount, "currency_code": currency}, "unit_price_overrides": [],
        "quantity": {"minimum": 1, "maximum": 100}, "status": "active", "custom_data": null, "import_meta": null,
        "created_at": at(START - 9), "updated_at": at(START - 9)})
}

pub fn subscription(id: &str, ms: i64, customer: &str, status: &str) -> Value {
    let ended = if status == "canceled" { json!(at(ms)) } else { Value::Null };
    json!({"id": id, "status": status, "customer_id": customer, "address_id": "add_1", "business_id": null,
        "currency_code": "EUR", "created_at": at(ms), "updated_at": at(ms), "started_at": at(ms),
        "first_billed_at": at(ms), "next_billed_at": at(ms + 2_592_000_000), "paused_at": null, "canceled_at": ended,
        "discount": null, "collection_mode": "automatic", "billing_details": null,
        "current_billing_period": {"starts_at": at(ms), "ends_at": at(ms + 2_592_000_000)},
        "billing_cycle": {"interval": "month", "frequency": 1}, "scheduled_change": null,
        "management_urls": {"update_payment_method": null, "cancel": "https://buyer-portal.example/cancel"},
        "custom_data": null, "import_meta": null,
        "items": [{"status": "active", "quantity": 1, "recurring": true, "created_at": at(ms), "updated_at": at(ms),
            "previously_billed_at": at(ms), "next_billed_at": at(ms + 2_592_000_000), "trial_dates": null,
            "price": price("4900", "EUR"),
            "product": {"id": "pro_1", "name": "Pro", "type": "standard", "tax_category": "saas", "image_url": null,
                "description": null, "custom_data": null, "status": "active", "import_meta": null,
                "created_at": at(ms), "updated_at": at(ms)}}]})
}

pub fn transaction(id: &str, ms: i64, customer: &str, status: &str) -> Value {
    let paid = matches!(status, "paid" | "completed");
    json!({"id": id, "status": status, "customer_id": customer, "address_id": "add_1", "business_id": null,
        "custom_data": null, "currency_code": "EUR", "origin": "subscription_recurring", "subscription_id": "sub_1",
        "invoice_id": "inv_1", "invoice_number": format!("325-{id}"), "collection_mode": "automatic",
        "discount_id": null, "billing_details": null, "billing_period": null, "items": [],
        "details": {"tax_rates_used": [], "line_items": [], "payout_totals": null, "totals": {"subtotal": "4118",
            "discount": "0", "tax": "782", "total": "4900", "credit": "0", "credit_to_balance": "0",
            "balance": if paid { "0" } else { "4900" }, "grand_total": "4900", "fee": null, "earnings": null,
            "currency_code": "EUR"}},
        "payments": if paid { json!([{"payment_attempt_id": "a1", "payment_method_id": "paymtd_1", "amount": "4900",
            "stored_payment_method_id": "a1", "status": "captured", "error_code": null, "method_details": {
            "type": "card", "card": null}, "created_at": at(ms), "captured_at": at(ms + 5000)}]) } else { json!([]) },
        "checkout": {"url": null}, "created_at": at(ms), "updated_at": at(ms), "billed_at": at(ms), "revised_at": null})
}

pub fn adjustment(id: &str, ms: i64, transaction: &str, action: &str, status: &str, total: &str) -> Value {
    json!({"id": id, "action": action, "type": "partial", "transaction_id": transaction, "subscription_id": "sub_1",
        "customer_id": "ctm_1", "reason": "asked", "credit_applied_to_balance": null, "currency_code": "EUR",
        "status": status, "items": [], "totals": {"subtotal": total, "tax": "0", "total": total, "fee": "0",
        "earnings": "0", "currency_code": "EUR"}, "payout_totals": null, "tax_rates_used": [],
        "created_at": at(ms), "updated_at": at(ms)})
}

/// A notification to the first destination, about the event of that id.
pub fn notification(id: &str, ms: i64, event: &str, status: &str, tries: i64) -> Value {
    json!({"id": id, "type": "transaction.completed", "status": status, "origin": "event", "occurred_at": at(ms),
        "payload": {"event_id": event, "event_type": "transaction.completed", "occurred_at": at(ms),
            "notification_id": id, "data": {"id": "txn_1", "custom_data": {"portal_id": "u1"}}},
        "delivered_at": if status == "delivered" { json!(at(ms + 900)) } else { Value::Null }, "replayed_at": null,
        "last_attempt_at": at(ms + 800), "retry_at": if status == "needs_retry" { json!(at(ms + 60_000)) }
            else { Value::Null }, "times_attempted": tries, "notification_setting_id": "ntfset_1"})
}

impl World {
    /// Two customers who pay, one archived, one destination, nothing waiting.
    pub fn small() -> Self {
        let ms = START - 10_000_000;
        let mut gone = customer("ctm_3", ms + 2, "eve@acme.example", "u3");
        gone["status"] = json!("archived");
        let setting = |id: &str, url: &str, active: bool| {
            json!({"id": id, "description": "hook", "type": "url", "destination": url, "active": active,
                "api_version": 1, "include_sensitive_fields": false, "traffic_source": "platform",
                "endpoint_secret_key": SECRET, "subscribed_events": [
                    {"name": "subscription.updated", "description": "", "group": "Subscription", "available_versions": [1]},
                    {"name": "transaction.paid", "description": "", "group": "Transaction", "available_versions": [1]}]})
        };
        Self {
            customers: vec![
                customer("ctm_1", ms, "ada@acme.example", "u1"),
                customer("ctm_2", ms + 1, "bob@acme.example", "u2"),
                gone,
            ],
            subscriptions: vec![
                subscription("sub_1", ms, "ctm_1", "active"),
                subscription("sub_2", ms + 1, "ctm_2", "trialing"),
            ],
            transactions: vec![
                transaction("txn_1", ms, "ctm_1", "completed"),
                transaction("txn_2", ms + 1, "ctm_2", "draft"),
                transaction("txn_3", ms + 2, "ctm_1", "completed"),
            ],
            adjustments: vec![adjustment("adj_1", ms + 9000, "txn_3", "refund", "pending_approval", "4900")],
            settings: vec![
                setting("ntfset_1", "https://acme.example/hook?token=t", true),
                setting("ntfset_2", "https://acme.example/old", false),
            ],
            events: vec![
                json!({"event_id": "evt_00", "event_type": "customer.created", "occurred_at": at(ms), "data": {}}),
            ],
            clock: START,
            page: 200,
            ..Self::default()
        }
    }

    /// Tells what happened as an event.
    pub fn tell(&mut self, id: &str, kind: &str, data: &Value) {
        self.events.push(json!({"event_id": id, "event_type": kind, "occurred_at": at(self.clock), "data": data}));
    }

    /// Changes an object and tells it.
    pub fn change(&mut self, id: &str, event: &str, kind: &str, with: impl FnOnce(&mut Value)) {
        let now = at(self.clock);
        let object = self.find(id).unwrap();
        with(object);
        object["updated_at"] = json!(now);
        let object = object.clone();
        self.tell(event, kind, &object);
    }

    pub fn find(&mut self, id: &str) -> Option<&mut Value> {
        [
            &mut self.customers,
            &mut self.subscriptions,
            &mut self.transactions,
            &mut self.adjustments,
            &mut self.settings,
            &mut self.notifications,
        ]
        .into_iter()
        .flat_map(|list| list.iter_mut())
        .find(|o| o["id"] == id)
    }

    fn answer(&mut self, call: &Call, base: &str) -> Answer {
        assert_eq!(call.method, "GET");
        assert!(call.headers["authorization"].starts_with("Bearer "));
        assert_eq!(call.headers["paddle-version"], "1");
        self.reply(call, base).dated(Time::from_ms(self.clock))
    }

    /// The object as an answer shows it: a transaction with its adjustments only when they were asked for.
    fn shown(&self, row: &Value, call: &Call) -> Value {
        let mut row = row.clone();
        let of: Vec<Value> = self.adjustments.iter().filter(|a| a["transaction_id"] == row["id"]).cloned().collect();
        if call.get("include") == Some("adjustments") && !of.is_empty() {
            row["adjustments"] = json!(of);
        }
        row
    }

    fn reply(&mut self, call: &Call, base: &str) -> Answer {
        let refuse = |status: u16, code: &str| {
            let error = json!({"type": "request_error", "code": code, "detail": format!("it is {code}"),
                "documentation_url": "https://developer.paddle.com/errors"});
            Answer { status, ..Answer::json(&json!({"error": error, "meta": {"request_id": "req_77"}})) }
        };
        let hidden =
            |path: &&str| call.path.starts_with(*path) || **path == *"include" && call.get("include").is_some();
        if self.forbidden.iter().any(hidden) {
            return refuse(403, "forbidden");
        }
        let parts: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
        let rows: Vec<Value> = match parts[..] {
            ["customers"] => self.customers.clone(),
            ["subscriptions"] => self.subscriptions.clone(),
            ["transactions"] => self.transactions.clone(),
            ["notification-settings"] => self.settings.clone(),
            ["notifications"] => self.notifications.clone(),
            ["events"] => self.events.clone(),
            ["notifications", id, "logs"] => {
                let tries = self.logs.iter().filter(|(of, _)| of == id).enumerate();
                tries
                    .map(|(n, (_, code))| {
                        json!({"id": format!("ntflog_{n}"), "response_code": code, "response_content_type": null,
                            "response_body": "canary51d07e", "attempted_at": at(START + i64::try_from(n).unwrap())})
                    })
                    .collect()
            }
            [_, id] => {
                let Some(object) = self.find(id).cloned() else { return refuse(404, "entity_not_found") };
                return Answer::json(&json!({"data": self.shown(&object, call), "meta": {"request_id": "req_fake1"}}));
            }
            _ => panic!("unknown path {}", call.path),
        };
        let key = if parts == ["events"] { "event_id" } else { "id" };
        let id = |row: &Value| row[key].as_str().unwrap().to_owned();
        let mut rows: Vec<Value> = rows.iter().map(|row| self.shown(row, call)).collect();
        rows.sort_by_key(|row| id(row));
        let descending = call.get("order_by").unwrap_or("id[DESC]") == "id[DESC]";
        if descending {
            rows.reverse();
        }
        let default = if parts == ["customers"] { Some("active") } else { None };
        if let Some(words) = call.get("status").or(default) {
            rows.retain(|row| words.split(',').any(|word| row["status"] == word));
        }
        if let Some(from) = call.get("from") {
            let from = Time::parse(from).unwrap();
            rows.retain(|row| Time::parse(row["occurred_at"].as_str().unwrap()).unwrap() >= from);
        }
        if let Some(after) = call.get("after") {
            if self.forgotten.iter().any(|id| id == after) {
                return refuse(400, "invalid_field");
            }
            rows.retain(|row| if descending { id(row).as_str() < after } else { id(row).as_str() > after });
        }
        let most = if parts == ["transactions"] { 30 } else { 200 };
        let asked = usize::try_from(call.number("per_page").unwrap_or(50)).unwrap();
        let size = self.page.min(asked).min(most);
        let (total, more) = (rows.len(), rows.len() > size);
        rows.truncate(size);
        // The link is always there, on the last page as well.
        let last = rows.last().map_or("none".to_owned(), id);
        let next = format!("{base}{}?after={last}&per_page={size}", call.path);
        Answer::json(&json!({"data": rows, "meta": {"request_id": "req_fake1",
            "pagination": {"per_page": size, "next": next, "has_more": more, "estimated_total": total}}}))
    }
}
