//! A GoHighLevel location: contacts newest first with a mark after the last row, fields by id, opportunities.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trueup::domain::Time;

use super::{Answer, Call, Fake, lock};

/// A moment on its clock, in milliseconds.
pub const START: i64 = 1_760_000_000_000;
/// The location.
pub const LOCATION: &str = "ve9EPM428h8vShlRW1KT";
/// The field that holds the portal's id.
pub const LINK: &str = "3sv6UEo51C9Bmpo1cKTq";

#[derive(Clone, Default)]
pub struct World {
    pub contacts: Vec<Value>,
    pub opportunities: Vec<Value>,
    pub fields: Vec<Value>,
    pub clock: i64,
    pub page: usize,
    /// Whether lists carry `meta`, which the document does not promise for contacts.
    pub meta: bool,
    pub no_opportunities: bool,
}

pub type Shared = Arc<Mutex<World>>;

pub async fn start(world: World) -> (Fake, Shared) {
    let shared: Shared = Arc::new(Mutex::new(world));
    let inner = shared.clone();
    (Fake::start(move |call| lock(&inner).answer(call)).await, shared)
}

pub fn contact(id: &str, added: i64, email: &str, tags: &[&str]) -> Value {
    json!({"id": id, "locationId": LOCATION, "email": email, "timezone": null, "country": "NO", "source": "form",
        "dateAdded": Time::from_ms(added).rfc3339(), "customFields": [{"id": LINK, "value": format!("u{id}")}],
        "tags": tags, "firstName": "Ada", "lastName": "Example", "attributions": [], "followers": []})
}

pub fn opportunity(id: &str, created: i64, contact: &str, status: &str) -> Value {
    let at = Time::from_ms(created).rfc3339();
    json!({"id": id, "name": format!("Team {contact}"), "monetaryValue": 49.5, "pipelineId": "p1",
        "pipelineStageId": "s1", "assignedTo": null, "status": status, "createdAt": at, "updatedAt": at,
        "lastStatusChangeAt": at, "contactId": contact, "locationId": LOCATION,
        "contact": {"id": contact, "name": "Ada", "email": "ada@acme.example", "tags": []}})
}

impl World {
    pub fn small() -> Self {
        let then = START - 10_000_000;
        Self {
            contacts: vec![
                contact("c1", then, "ada@acme.example", &["Newsletter", "state:active"]),
                contact("c2", then + 1000, "bob@acme.example", &["newsletter"]),
                contact("c3", then + 2000, "eve@acme.example", &[]),
            ],
            opportunities: vec![
                opportunity("o1", then, "c2", "won"),
                opportunity("o2", then + 1000, "c3", "abandoned"),
            ],
            fields: vec![
                json!({"id": "f0", "name": "Birthday", "fieldKey": "contact.birthday", "dataType": "DATE",
                    "position": 0, "locationId": LOCATION, "model": "contact"}),
                json!({"id": LINK, "name": "Portal ID", "fieldKey": "contact.portal_id", "dataType": "TEXT",
                    "position": 50, "locationId": LOCATION, "model": "contact"}),
            ],
            clock: START,
            page: 100,
            meta: true,
            no_opportunities: false,
        }
    }

    fn answer(&self, call: &Call) -> Answer {
        assert!(call.headers["authorization"].starts_with("Bearer "));
        assert_eq!(call.headers["version"], "2021-07-28", "the required header");
        let answer = self.reply(call).dated(Time::from_ms(self.clock)).with("x-ratelimit-max", 100);
        answer.with("x-ratelimit-remaining", 93).with("x-ratelimit-daily-remaining", 199_000)
    }

    fn reply(&self, call: &Call) -> Answer {
        assert_eq!(call.method, "GET");
        let here = format!("/locations/{LOCATION}");
        match call.path.as_str() {
            path if path == here => Answer::json(&json!({"location": {"id": LOCATION, "name": "Acme Nordics"}})),
            path if path == format!("{here}/customFields") => Answer::json(&json!({"customFields": self.fields})),
            "/contacts/" => {
                assert_eq!(call.get("locationId"), Some(LOCATION));
                self.list(call, &self.contacts, ("contacts", "dateAdded"))
            }
            "/opportunities/search" if self.no_opportunities => {
                Answer::new(403, r#"{"statusCode":403,"message":"The token is not authorized for this scope."}"#)
            }
            "/opportunities/search" => {
                assert_eq!(call.get("location_id"), Some(LOCATION), "in snake case here");
                self.list(call, &self.opportunities, ("opportunities", "createdAt"))
            }
            other => panic!("unknown call {other}"),
        }
    }

    /// Newest first, after the row that is named.
    fn list(&self, call: &Call, rows: &[Value], (key, moment): (&str, &str)) -> Answer {
        let made = |row: &Value| Time::parse(row[moment].as_str().unwrap()).unwrap().ms();
        let mut rows: Vec<&Value> = rows.iter().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(made(row)));
        let start = call.get("startAfterId").map_or(0, |id| {
            let position = rows.iter().position(|row| row["id"] == id).expect("the mark of a row that is there");
            assert_eq!(call.number("startAfter"), Some(made(rows[position])), "both marks belong to one row");
            position + 1
        });
        let limit = self.page.min(usize::try_from(call.number("limit").unwrap_or(20)).unwrap()).min(100);
        let page: Vec<&Value> = rows.iter().skip(start).take(limit).copied().collect();
        let total = rows.len();
        let mut body = json!({key: page});
        if key == "contacts" {
            body["count"] = json!(total);
        }
        if self.meta {
            // The mark of the last row stands there on the last page too.
            let last = page.last();
            body["meta"] = json!({"total": total, "currentPage": start / limit + 1, "prevPage": null,
                "nextPage": if total > start + limit { json!(start / limit + 2) } else { Value::Null },
                "startAfterId": last.map(|row| row["id"].clone()), "startAfter": last.map(|row| made(row)),
                "nextPageUrl": if total > start + limit { json!(format!("?page={}", start)) } else { Value::Null }});
        }
        Answer::json(&body)
    }
}
