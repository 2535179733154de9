//! An Intercom whose searches match dates by the calendar day of a workspace far from UTC.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trueup::domain::Time;

use super::{Answer, Call, Fake, lock};

/// A moment on Intercom's clock, in seconds.
pub const START: i64 = 1_760_000_000;
/// The workspace is this far ahead of UTC, in seconds.
pub const AHEAD: i64 = 13 * 3600;
const DAY: i64 = 24 * 3600;

#[derive(Clone, Default)]
pub struct World {
    pub contacts: Vec<Value>,
    pub conversations: Vec<Value>,
    pub tickets: Vec<Value>,
    pub clock: i64,
    pub page: usize,
    pub no_tickets: bool,
    /// Ids of contacts that were merged into others.
    pub merged: Vec<String>,
}

pub type Shared = Arc<Mutex<World>>;

pub async fn start(world: World) -> (Fake, Shared) {
    let shared: Shared = Arc::new(Mutex::new(world));
    let inner = shared.clone();
    (Fake::start(move |call| lock(&inner).answer(call)).await, shared)
}

pub fn contact(id: &str, changed: i64, email: &str, role: &str) -> Value {
    let external = (role == "user").then(|| format!("u{id}"));
    json!({"type": "contact", "id": id, "external_id": external, "role": role, "email": email, "name": "Ada Example",
        "created_at": changed, "updated_at": changed, "custom_attributes": {},
        "tags": {"data": [{"type": "tag", "id": "7", "url": "/tags/7"}], "total_count": 1, "has_more": false}})
}

pub fn conversation(id: &str, changed: i64, contact: &str, state: &str) -> Value {
    json!({"type": "conversation", "id": id, "title": format!("Help {id}"), "created_at": changed,
        "updated_at": changed, "open": state == "open", "state": state, "priority": "none",
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": contact}]}})
}

pub fn ticket(id: &str, changed: i64, contact: &str, open: bool) -> Value {
    json!({"type": "ticket", "id": id, "ticket_id": "44", "category": "Customer", "open": open, "created_at": changed,
        "updated_at": changed, "ticket_attributes": {"_default_title_": format!("Ticket {id}")},
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": contact}]}})
}

impl World {
    pub fn small() -> Self {
        let at = START - 10_000;
        Self {
            contacts: vec![
                contact("1", at, "ada@acme.example", "user"),
                contact("2", at + 1, "bob@acme.example", "user"),
                contact("3", at + 2, "ada@acme.example", "lead"),
            ],
            conversations: vec![conversation("10", at, "1", "open"), conversation("11", at + 1, "2", "snoozed")],
            tickets: vec![ticket("20", at, "1", true), ticket("21", at + 1, "2", false)],
            clock: START,
            page: 150,
            ..Self::default()
        }
    }

    pub fn answer(&mut self, call: &Call) -> Answer {
        self.reply(call).dated(Time::from_secs(self.clock)).with("x-ratelimit-remaining", 55)
    }

    fn reply(&mut self, call: &Call) -> Answer {
        assert!(call.headers["authorization"].starts_with("Bearer "));
        assert_eq!(call.headers["intercom-version"], "2.16");
        if call.path.starts_with("/tickets") && self.no_tickets {
            let errors = json!([{"code": "api_plan_restricted", "message": "not in your plan"}]);
            return Answer::new(403, &json!({"type": "error.list", "errors": errors}).to_string());
        }
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/me") => Answer::json(&json!({"type": "admin", "id": "1", "email": "ops@acme.example",
                "app": {"type": "app", "id_code": "abc", "name": "Acme", "region": "US", "timezone": "Pacific/Auckland"}})),
            ("POST", "/contacts/search") => self.search(call, "data", "list", &self.contacts),
            ("POST", "/conversations/search") => {
                self.search(call, "conversations", "conversation.list", &self.conversations)
            }
            ("POST", "/tickets/search") => self.search(call, "tickets", "ticket.list", &self.tickets),
            ("GET", "/conversations") => {
                let after = call.get("starting_after").map(str::to_owned);
                self.paged("conversations", "conversation.list", after, self.conversations.clone())
            }
            ("GET", path) => {
                let id = path.strip_prefix("/contacts/").and_then(|p| p.strip_suffix("/tags")).unwrap();
                if self.merged.iter().any(|m| m == id) {
                    return Answer::new(410, r#"{"type":"error.list","errors":[{"code":"contact_merged"}]}"#)
                        .with("link", "</contacts/1>; rel=\"successor-version\"");
                }
                Answer::json(&json!({"type": "list", "data": [{"type": "tag", "id": "7", "name": "VIP"}]}))
            }
            other => panic!("unknown call {other:?}"),
        }
    }

    fn search(&self, call: &Call, key: &str, kind: &str, rows: &[Value]) -> Answer {
        let body = call.body.as_ref().unwrap();
        let query = &body["query"];
        assert_eq!(query["operator"], ">");
        let field = query["field"].as_str().unwrap();
        let day = |at: i64| (at + AHEAD).div_euclid(DAY);
        let after = day(query["value"].as_i64().unwrap());
        let mut found: Vec<Value> =
            rows.iter().filter(|row| day(row[field].as_i64().unwrap()) > after).cloned().collect();
        found.sort_by_key(|row| row[field].as_i64());
        if body["sort"]["order"] == "descending" {
            found.reverse();
        }
        let after = body["pagination"]["starting_after"].as_str().map(str::to_owned);
        self.paged(key, kind, after, found)
    }

    fn paged(&self, key: &str, kind: &str, after: Option<String>, rows: Vec<Value>) -> Answer {
        let start: usize = after.map_or(0, |a| a.strip_prefix("at").unwrap().parse().unwrap());
        let end = (start + self.page).min(rows.len());
        let mut pages = json!({"type": "pages", "page": 1, "per_page": self.page, "total_pages": 1});
        if end < rows.len() {
            pages["next"] = json!({"per_page": self.page, "starting_after": format!("at{end}")});
        }
        Answer::json(&json!({"type": kind, key: rows[start..end], "total_count": rows.len(), "pages": pages}))
    }
}
