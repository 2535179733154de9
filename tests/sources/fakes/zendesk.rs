//! A Zendesk whose incremental exports are logs of changes, with webhooks, invocations and attempts.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trueup::domain::Time;

use super::{Answer, Call, Fake, lock};

/// A moment on Zendesk's clock, in milliseconds.
pub const START: i64 = 1_760_000_000_000;

#[derive(Clone, Default)]
pub struct World {
    /// Changes of users and tickets, oldest first; the last one of an id is how it is.
    pub users: Vec<Value>,
    pub tickets: Vec<Value>,
    pub webhooks: Vec<Value>,
    /// (webhook, invocation, attempts)
    pub invocations: Vec<(String, Value, Vec<Value>)>,
    pub clock: i64,
    pub page: usize,
    pub no_webhooks: bool,
}

pub type Shared = Arc<Mutex<World>>;

pub async fn start(world: World) -> (Fake, Shared) {
    let shared: Shared = Arc::new(Mutex::new(world));
    let inner = shared.clone();
    (Fake::start(move |call| lock(&inner).answer(call)).await, shared)
}

pub fn user(id: i64, changed: i64, email: &str, external: &str) -> Value {
    let at = Time::from_ms(changed).rfc3339();
    json!({"id": id, "email": email, "name": "Ada Example", "role": "end-user", "external_id": external,
        "active": true, "suspended": false, "tags": ["vip"], "user_fields": {}, "created_at": at, "updated_at": at})
}

pub fn ticket(id: i64, changed: i64, requester: i64, status: &str) -> Value {
    let at = Time::from_ms(changed).rfc3339();
    json!({"id": id, "subject": format!("Help {id}"), "requester_id": requester, "status": status,
        "external_id": "portal-ticket-1", "priority": "high", "tags": [], "created_at": at, "updated_at": at})
}

pub fn invocation(id: &str, status: &str, at: i64) -> Value {
    json!({"id": id, "status": status, "latest_completed_at": Time::from_ms(at).rfc3339()})
}

impl World {
    pub fn small() -> Self {
        let at = START - 10_000_000;
        let mut agent = user(9, at, "agent@acme.example", "");
        agent["role"] = json!("agent");
        Self {
            users: vec![user(1, at, "ada@acme.example", "u1"), agent, user(2, at + 1000, "bob@acme.example", "u2")],
            tickets: vec![ticket(100, at, 1, "open"), ticket(101, at + 1000, 2, "solved")],
            webhooks: vec![
                json!({"id": "01HOOK", "name": "sync", "endpoint": "https://acme.example/zd?key=canary", "http_method": "POST",
                    "status": "active", "subscriptions": [], "authentication": {"type": "bearer_token", "data": {"token": "canary"}}}),
                json!({"id": "01OLD", "name": "old", "endpoint": "https://acme.example/old", "status": "inactive"}),
            ],
            invocations: vec![
                ("01HOOK".to_owned(), invocation("inv1", "success", START - 60_000), Vec::new()),
                (
                    "01HOOK".to_owned(),
                    invocation("inv2", "server error", START - 50_000),
                    vec![
                        json!({"completed_at": "2025-10-09T08:00:00Z", "response": {"status": 502}}),
                        json!({"completed_at": "2025-10-09T08:00:09Z", "response": {"status": 503}}),
                    ],
                ),
            ],
            clock: START,
            page: 100,
            no_webhooks: false,
        }
    }

    pub fn answer(&mut self, call: &Call) -> Answer {
        self.reply(call).dated(Time::from_ms(self.clock)).with("x-rate-limit-remaining", 66)
    }

    fn reply(&mut self, call: &Call) -> Answer {
        assert_eq!(call.method, "GET");
        assert!(call.headers["authorization"].starts_with("Basic "));
        if call.path.starts_with("/api/v2/webhooks") && self.no_webhooks {
            return Answer::new(403, r#"{"error":"Forbidden","description":"You do not have access to this page"}"#);
        }
        let parts: Vec<&str> = call.path.trim_start_matches("/api/v2/").split('/').collect();
        match parts.as_slice() {
            ["users", "me"] => Answer::json(&json!({"user": {"id": 9, "role": "admin", "email": "ops@acme.example"}})),
            ["incremental", "users", "cursor"] => self.export(call, "users", &self.users),
            ["incremental", "tickets", "cursor"] => self.export(call, "tickets", &self.tickets),
            ["webhooks"] => self.paged(call, "webhooks", self.webhooks.clone()),
            ["webhooks", hook, "invocations"] => {
                let from = Time::parse(call.get("filter[from_ts]").unwrap()).unwrap();
                let rows = self.invocations.iter().filter(|(of, row, _)| {
                    of == hook && Time::parse(row["latest_completed_at"].as_str().unwrap()).unwrap() >= from
                });
                self.paged(call, "invocations", rows.map(|(_, row, _)| row.clone()).collect())
            }
            ["webhooks", _, "invocations", id, "attempts"] => {
                let tries =
                    self.invocations.iter().find(|(_, row, _)| row["id"] == *id).map(|(.., tries)| tries.clone());
                Answer::json(&json!({"attempts": tries.unwrap()}))
            }
            other => panic!("unknown path {other:?}"),
        }
    }

    fn export(&self, call: &Call, key: &str, log: &[Value]) -> Answer {
        let start: usize = match (call.get("cursor"), call.get("start_time")) {
            (Some(cursor), None) => cursor.strip_prefix("at").unwrap().parse().unwrap(),
            (None, Some(_)) => 0,
            other => panic!("either a cursor or a start: {other:?}"),
        };
        let end = (start + self.page).min(log.len());
        Answer::json(&json!({key: log[start..end], "after_cursor": format!("at{end}"), "after_url": null,
            "before_cursor": null, "end_of_stream": end == log.len()}))
    }

    fn paged(&self, call: &Call, key: &str, rows: Vec<Value>) -> Answer {
        let size = self.page.min(usize::try_from(call.number("page[size]").unwrap()).unwrap());
        let start: usize = call.get("page[after]").map_or(0, |a| a.parse().unwrap());
        let end = (start + size).min(rows.len());
        Answer::json(
            &json!({key: rows[start..end], "meta": {"has_more": end < rows.len(), "after_cursor": end.to_string()},
            "links": {"next": null}}),
        )
    }
}
