//! A Pipedrive with cursors, `updated_since`, deleted deals that only a status asks for, and a password in its webhooks.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trueup::domain::Time;

use super::{Answer, Call, Fake, lock};

/// A moment on Pipedrive's clock, in milliseconds.
pub const START: i64 = 1_760_000_000_000;
/// Keys of the operator's own fields.
pub const LINK: &str = "9dc80c50d78a15643bfc4ca79d76156a73a1ca0e";
pub const STATE: &str = "1b3a9f0c54d2e6078899aabbccddeeff00112233";
/// What may never be read.
pub const PASSWORD: &str = "hook-canary-5d1c";

#[derive(Clone, Default)]
pub struct World {
    pub persons: Vec<Value>,
    pub deals: Vec<Value>,
    pub webhooks: Vec<Value>,
    pub fields: Vec<Value>,
    pub clock: i64,
    pub page: usize,
    pub forbidden: Vec<&'static str>,
    pub fails: bool,
}

pub type Shared = Arc<Mutex<World>>;

pub async fn start(world: World) -> (Fake, Shared) {
    let shared: Shared = Arc::new(Mutex::new(world));
    let inner = shared.clone();
    (Fake::start(move |call| lock(&inner).answer(call)).await, shared)
}

fn at(ms: i64) -> String {
    Time::from_secs(ms / 1000).rfc3339()
}

pub fn person(id: i64, changed: i64, email: &str) -> Value {
    json!({"id": id, "name": format!("Person {id}"), "first_name": "Person", "last_name": id.to_string(),
        "owner_id": 1, "add_time": at(START - 20_000_000), "update_time": at(changed), "is_deleted": false,
        "emails": [{"value": email, "primary": true, "label": "work"}], "phones": [], "label_ids": [5],
        "visible_to": 3, "custom_fields": {LINK: format!("u{id}"), STATE: null, "other": "x"}})
}

pub fn deal(id: i64, changed: i64, person: i64, status: &str) -> Value {
    json!({"id": id, "title": format!("Team for {person}"), "person_id": person, "owner_id": 1, "pipeline_id": 1,
        "stage_id": 3, "value": 49.5, "currency": "EUR", "status": status, "is_deleted": status == "deleted",
        "is_archived": false, "add_time": at(START - 20_000_000), "update_time": at(changed),
        "won_time": if status == "won" { json!(at(changed)) } else { Value::Null }, "lost_reason": null})
}

pub fn webhook(id: i64) -> Value {
    json!({"id": id, "company_id": 1, "owner_id": 1, "user_id": 1, "event_action": "change", "event_object": "person",
        "subscription_url": "https://hooks.acme.example/webhooks/pipedrive", "version": "2.0", "is_active": 1,
        "add_time": at(START - 20_000_000), "remove_time": null, "type": "general", "http_auth_user": "hook-user",
        "http_auth_password": PASSWORD, "remove_reason": null, "last_delivery_time": at(START - 60_000),
        "last_http_status": 200, "admin_id": 1, "name": "trueup"})
}

pub fn field(name: &str, code: &str, options: Value) -> Value {
    let kind = if options.is_null() { "varchar" } else { "enum" };
    json!({"field_name": name, "field_code": code, "field_type": kind, "options": options, "subfields": null,
        "is_custom_field": code.len() == 40, "is_optional_response_field": false})
}

impl World {
    pub fn small() -> Self {
        let then = START - 10_000_000;
        Self {
            persons: vec![
                person(1, then, "ada@acme.example"),
                person(2, then + 1000, "bob@acme.example"),
                person(3, then + 2000, "eve@acme.example"),
            ],
            deals: vec![deal(11, then, 1, "won"), deal(12, then + 1000, 2, "open"), deal(13, then, 3, "deleted")],
            webhooks: vec![webhook(21)],
            fields: vec![
                field("Name", "name", Value::Null),
                field("Labels", "label_ids", json!([{"id": 5, "label": "VIP", "color": "red"}])),
                field("Portal ID", LINK, Value::Null),
                field("trueup_state", STATE, json!([{"id": 31, "label": "Active"}, {"id": 32, "label": "Canceled"}])),
            ],
            clock: START,
            page: 500,
            forbidden: Vec::new(),
            fails: false,
        }
    }

    fn answer(&self, call: &Call) -> Answer {
        assert!(!call.headers["x-api-token"].is_empty() && !call.headers.contains_key("authorization"));
        assert!(!call.path.to_lowercase().contains("search"), "a search costs twenty times a read");
        self.reply(call).dated(Time::from_ms(self.clock)).with("x-ratelimit-remaining", 18)
    }

    fn reply(&self, call: &Call) -> Answer {
        if self.forbidden.iter().any(|part| call.path.contains(part)) {
            return Answer::new(403, r#"{"success":false,"error":"Scope and URL mismatch","errorCode":403}"#);
        }
        if self.fails {
            return Answer::json(&json!({"success": false, "error": "something", "data": []}));
        }
        assert_eq!(call.method, "GET");
        match call.path.as_str() {
            "/v1/users/me" => Answer::json(&json!({"success": true, "data": {"id": 1, "name": "Ops",
                "company_id": 77, "company_name": "Acme", "access": [{"app": "global", "admin": true}]}})),
            "/v1/webhooks" => Answer::json(&json!({"success": true, "status": "ok", "data": self.webhooks})),
            "/api/v2/personFields" => self.list(call, self.fields.iter().collect()),
            "/api/v2/persons" => {
                let mut answer = self.changed(call, &self.persons);
                if let Some(keys) = call.get("custom_fields") {
                    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
                    for row in body["data"].as_array_mut().unwrap() {
                        row["custom_fields"]
                            .as_object_mut()
                            .unwrap()
                            .retain(|key, _| keys.split(',').any(|k| k == key));
                    }
                    answer.body = body.to_string().into_bytes();
                }
                answer
            }
            "/api/v2/deals" => {
                let wanted: Vec<&str> = call.get("status").unwrap_or("open,won,lost").split(',').collect();
                let rows = self.deals.iter().filter(|d| wanted.contains(&d["status"].as_str().unwrap()));
                self.changed(call, &rows.cloned().collect::<Vec<_>>())
            }
            other => panic!("unknown call {other}"),
        }
    }

    /// Only what changed since a moment, by that moment, when asked so.
    fn changed(&self, call: &Call, rows: &[Value]) -> Answer {
        let moment = |row: &Value| Time::parse(row["update_time"].as_str().unwrap()).unwrap();
        let since = call.get("updated_since").map(|since| Time::parse(since).unwrap());
        let mut rows: Vec<&Value> = rows.iter().filter(|row| since.is_none_or(|since| moment(row) >= since)).collect();
        if call.get("sort_by") == Some("update_time") {
            rows.sort_by_key(|row| moment(row));
        }
        self.list(call, rows)
    }

    fn list(&self, call: &Call, rows: Vec<&Value>) -> Answer {
        let start = call.get("cursor").map_or(0, |c| c.strip_prefix("cur_").unwrap().parse::<usize>().unwrap());
        let limit = self.page.min(usize::try_from(call.number("limit").unwrap_or(100)).unwrap()).min(500);
        let page: Vec<&Value> = rows.iter().skip(start).take(limit).copied().collect();
        let next = (rows.len() > start + limit).then(|| format!("cur_{}", start + limit));
        Answer::json(&json!({"success": true, "data": page, "additional_data": {"next_cursor": next}}))
    }
}
