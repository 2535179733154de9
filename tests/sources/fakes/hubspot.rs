//! A HubSpot with lists, searches that end at 10,000 results, and associations that only lists and single reads tell.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trueup::domain::Time;

use super::{Answer, Call, Fake, lock};

/// A moment on HubSpot's clock, in milliseconds.
pub const START: i64 = 1_760_000_000_000;

#[derive(Clone, Default)]
pub struct World {
    pub contacts: Vec<Value>,
    pub tickets: Vec<Value>,
    pub clock: i64,
    pub page: usize,
    pub no_tickets: bool,
}

pub type Shared = Arc<Mutex<World>>;

pub async fn start(world: World) -> (Fake, Shared) {
    let shared: Shared = Arc::new(Mutex::new(world));
    let inner = shared.clone();
    (Fake::start(move |call| lock(&inner).answer(call)).await, shared)
}

pub fn contact(id: &str, changed: i64, email: &str, stage: &str) -> Value {
    let at = Time::from_ms(changed).rfc3339();
    json!({"id": id, "createdAt": at, "updatedAt": at, "archived": false, "properties": {
        "email": email, "firstname": "Ada", "lastname": "Example", "lifecyclestage": stage, "hs_object_id": id,
        "createdate": at, "lastmodifieddate": at, "portal_id": format!("u{id}"), "trueup_state": null}})
}

pub fn ticket(id: &str, changed: i64, contact: &str, stage: &str) -> Value {
    let at = Time::from_ms(changed).rfc3339();
    json!({"id": id, "createdAt": at, "updatedAt": at, "archived": false,
        "associations": {"contacts": {"results": [{"id": contact, "type": "ticket_to_contact"}]}},
        "properties": {"subject": format!("Help {id}"), "hs_pipeline": "0", "hs_pipeline_stage": stage,
            "hs_object_id": id, "createdate": at, "hs_lastmodifieddate": at, "closed_date": null}})
}

impl World {
    pub fn small() -> Self {
        let at = START - 10_000_000;
        Self {
            contacts: vec![
                contact("1", at, "ada@acme.example", "customer"),
                contact("2", at + 1, "bob@acme.example", "lead"),
                contact("3", at + 2, "eve@acme.example", "opportunity"),
            ],
            tickets: vec![ticket("10", at, "1", "1"), ticket("11", at + 1, "2", "1")],
            clock: START,
            page: 100,
            no_tickets: false,
        }
    }

    pub fn answer(&mut self, call: &Call) -> Answer {
        self.reply(call).dated(Time::from_ms(self.clock)).with("x-hubspot-ratelimit-remaining", 77)
    }

    fn reply(&mut self, call: &Call) -> Answer {
        assert!(call.headers["authorization"].starts_with("Bearer "));
        if call.path.contains("/tickets") && self.no_tickets {
            return Answer::new(
                403,
                r#"{"status":"error","message":"This app hasn't been granted all required scopes","category":"MISSING_SCOPES"}"#,
            );
        }
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/crm/v3/properties/contacts/lifecyclestage") => Answer::json(&json!({"name": "lifecyclestage",
                "label": "Lifecycle Stage", "type": "enumeration", "fieldType": "radio",
                "options": [{"label": "Lead", "value": "lead"}, {"label": "Customer", "value": "customer"}]})),
            ("GET", "/crm/v3/objects/contacts") => self.list(call, &self.contacts),
            ("GET", "/crm/v3/objects/tickets") => self.list(call, &self.tickets),
            ("POST", "/crm/v3/objects/contacts/search") => self.search(call, &self.contacts),
            ("POST", "/crm/v3/objects/tickets/search") => self.search(call, &self.tickets),
            ("GET", path) => {
                let id = path.strip_prefix("/crm/v3/objects/tickets/").unwrap();
                match self.tickets.iter().find(|t| t["id"] == id) {
                    Some(found) => Answer::json(&shaped(found, call.get("associations").is_some())),
                    None => Answer::new(404, r#"{"status":"error","message":"resource not found"}"#),
                }
            }
            other => panic!("unknown call {other:?}"),
        }
    }

    fn list(&self, call: &Call, rows: &[Value]) -> Answer {
        let start = usize::try_from(call.number("after").unwrap_or(0)).unwrap();
        let limit = self.page.min(usize::try_from(call.number("limit").unwrap_or(10)).unwrap()).min(100);
        let living: Vec<&Value> = rows.iter().filter(|row| row["archived"] == false).collect();
        let page: Vec<Value> =
            living.iter().skip(start).take(limit).map(|row| shaped(row, call.get("associations").is_some())).collect();
        let mut body = json!({"results": page});
        if living.len() > start + limit {
            let after = (start + limit).to_string();
            body["paging"] = json!({"next": {"after": after, "link": format!("?after={after}")}});
        }
        Answer::json(&body)
    }

    fn search(&self, call: &Call, rows: &[Value]) -> Answer {
        let body = call.body.as_ref().unwrap();
        let filter = &body["filterGroups"][0]["filters"][0];
        assert_eq!(filter["operator"], "GTE");
        let property = filter["propertyName"].as_str().unwrap();
        let from: i64 = filter["value"].as_str().unwrap().parse().unwrap();
        let at = |row: &Value| Time::parse(row["properties"][property].as_str().unwrap()).unwrap().ms();
        let mut found: Vec<(i64, &Value)> =
            rows.iter().map(|row| (at(row), row)).filter(|(at, _)| *at >= from).collect();
        found.sort_by_key(|(at, _)| *at);
        let start: usize = body["after"].as_str().map_or(0, |a| a.parse().unwrap());
        let limit = self.page.min(usize::try_from(body["limit"].as_u64().unwrap()).unwrap()).min(200);
        if start + limit > 10_000 {
            return Answer::new(
                400,
                r#"{"status":"error","message":"There was a problem with the request: paging past 10000"}"#,
            );
        }
        let page: Vec<Value> = found.iter().skip(start).take(limit).map(|(_, row)| shaped(row, false)).collect();
        let mut body = json!({"total": found.len(), "results": page});
        if found.len() > start + limit {
            body["paging"] = json!({"next": {"after": (start + limit).to_string()}});
        }
        Answer::json(&body)
    }
}

fn shaped(row: &Value, associations: bool) -> Value {
    let mut row = row.clone();
    if !associations {
        row.as_object_mut().unwrap().remove("associations");
    }
    row
}
