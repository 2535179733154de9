//! The fake Pipedrive (`providers.md` section 4): persons and deals of customers on the `team` plan, fields, webhooks.
//!
//! What must stay true: it only mirrors what the books say; its webhooks are told with a password, as the real ones
//! are, so that a reader that keeps it can be caught.

use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::ids;
use super::mirror::Entry;
use super::random::Random;
use super::room::{Key, Limit, Room};
use super::world::World;
use crate::domain::{System, Time};

/// Rows a page, at most.
const MOST: usize = 500;
/// The custom field that holds the portal's id.
const LINK: &str = "4d1f0a6be0c5a7732d9f3c2b86f0a9e1c7b58d24";
/// Where ids begin.
const PERSON: usize = 41_001;
const DEAL: usize = 72_001;

/// What the company needs to know of it.
pub(super) const ROOM: Room = Room {
    system: System::Pipedrive,
    base_path: "",
    config: "link_field = \"Portal ID\"\nevery = \"15s\"",
    key,
    admits: |call, key| call.header("x-api-token") == Some(key.api.as_str()) || call.bears(&key.api),
    refused: |_| error(401, "unauthorized access"),
    limits: |_| LIMITS,
    limited: |_, wait| error(429, "request over limit").with("retry-after", wait),
    failed: |status| error(status, "Service temporarily unavailable"),
    usual: |_, reply, left| {
        reply.with("x-ratelimit-limit", BURST.count).with("x-ratelimit-remaining", left.min(BURST.count))
    },
    answer,
};

fn key(random: &mut Random) -> Key {
    let api = random.word(40).to_lowercase();
    Key { api, secret: format!("harbor:{}", random.word(24)) }
}

const BURST: Limit = Limit { name: "TWO_SECONDS", count: 40, window: Duration::from_secs(2) };
const LIMITS: &[Limit] = &[BURST];

fn error(status: u16, message: &str) -> Reply {
    Reply::new(status, json!({"success": false, "error": message, "errorCode": status, "data": null}))
}

fn answer(world: &mut World, call: &Call) -> Reply {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let now = call.now.ms();
    world.sales.refresh(&world.accounts, &world.books, |account| account.plan == Some("team"), now);
    let rows = &world.sales.rows;
    match (call.method.as_str(), &parts[..]) {
        ("GET", ["api", "v2", "persons"]) => list(call, rows.iter().map(person).collect()),
        ("GET", ["api", "v2", "deals"]) => {
            let wanted: Vec<&str> = call.get("status").unwrap_or("open,won,lost").split(',').collect();
            list(call, rows.iter().filter(|row| wanted.contains(&row.deal)).map(deal).collect())
        }
        ("GET", ["api", "v2", kind, id]) => {
            let number = id.parse::<usize>().ok();
            let of = |first: usize| rows.iter().find(|row| Some(first + row.account) == number);
            let found = match *kind {
                "persons" => of(PERSON).map(person),
                "deals" => of(DEAL).map(deal),
                _ => None,
            };
            found.map_or_else(|| error(404, "not found"), |row| Reply::ok(json!({"success": true, "data": row})))
        }
        ("GET", ["api", "v2", "personFields"]) => list(call, fields()),
        ("GET", ["v1", "webhooks"]) => Reply::ok(json!({"success": true, "status": "ok", "data": [webhook(world)]})),
        ("GET", ["v1", "users", "me"]) => Reply::ok(json!({"success": true, "data": {
            "id": 1, "name": "Wren Alder", "email": "wren@harborandpine.example", "default_currency": "EUR",
            "activated": true, "company_id": 118, "company_name": "Harbor & Pine", "company_domain": "harborandpine",
            "access": [{"app": "sales", "admin": true, "permission_set_id": "ps-1"}]}})),
        _ => error(404, "unknown method"),
    }
}

fn at(ms: i64) -> String {
    Time::from_secs(ms.div_euclid(1000)).rfc3339()
}

fn person(row: &Entry) -> Value {
    json!({"id": PERSON + row.account, "name": row.name, "owner_id": 1, "org_id": null, "add_time": at(row.created),
        "update_time": at(row.changed), "is_deleted": false, "visible_to": 3, "label_ids": [], "phones": [],
        "emails": [{"value": row.email, "primary": true, "label": "work"}],
        "custom_fields": {LINK: ids::account(row.account)}})
}

fn deal(row: &Entry) -> Value {
    let (amount, currency) = row.worth;
    let when = |status: &str| if row.deal == status { json!(at(row.changed)) } else { Value::Null };
    json!({"id": DEAL + row.account, "title": format!("Team plan, {}", row.name), "owner_id": 1,
        "person_id": PERSON + row.account, "pipeline_id": 1, "stage_id": if row.deal == "open" { 2 } else { 5 },
        "value": amount as f64 / if currency == "jpy" { 1.0 } else { 100.0 }, "currency": currency.to_uppercase(),
        "status": row.deal, "add_time": at(row.created), "update_time": at(row.changed), "is_deleted": false,
        "is_archived": false, "won_time": when("won"), "lost_time": when("lost"), "lost_reason": null,
        "close_time": if row.deal == "open" { Value::Null } else { json!(at(row.changed)) }, "visible_to": 3,
        "label_ids": [], "custom_fields": {}})
}

fn fields() -> Vec<Value> {
    [
        ("Name", "name", "varchar"),
        ("Email", "email", "varchar"),
        ("Birthday", "birthday", "date"),
        ("Portal ID", LINK, "varchar"),
    ]
    .iter()
    .map(|(name, code, kind)| {
        json!({"field_name": name, "field_code": code, "field_type": kind, "options": null, "subfields": null,
                "is_custom_field": code.len() == 40, "is_optional_response_field": false})
    })
    .collect()
}

fn webhook(world: &World) -> Value {
    let made = at(world.started.ms() - 40 * 86_400_000);
    json!({"id": 512, "company_id": 118, "owner_id": 1, "user_id": 1, "event_action": "*", "event_object": "person",
        "subscription_url": "https://hooks.harborandpine.example/webhooks/pipedrive", "version": "2.0", "is_active": 1,
        "add_time": made, "remove_time": null, "type": "general", "http_auth_user": "harbor",
        "http_auth_password": "for nobody to read", "remove_reason": null, "last_delivery_time": made,
        "last_http_status": 200, "admin_id": 1, "name": "portal"})
}

/// One page, with what was asked of it: only what changed since, in which order, from where on.
fn list(call: &Call, mut rows: Vec<Value>) -> Reply {
    let moment = |row: &Value, field: &str| row[field].as_str().and_then(Time::parse);
    if let Some(since) = call.get("updated_since") {
        let Some(since) = Time::parse(since) else { return error(400, "updated_since is not a date") };
        rows.retain(|row| moment(row, "update_time").is_some_and(|at| at >= since));
    }
    if let Some(field) = call.get("sort_by") {
        rows.sort_by_key(|row| (moment(row, field), row["id"].as_u64()));
    }
    if call.get("sort_direction") == Some("desc") {
        rows.reverse();
    }
    let limit = call.get("limit").map_or(Some(100), |limit| limit.parse().ok());
    let Some(limit) = limit.filter(|limit| (1..=MOST).contains(limit)) else {
        return error(400, "limit must be between 1 and 500");
    };
    let start = call.get("cursor").map_or(Some(0), |cursor| cursor.strip_prefix("after_")?.parse().ok());
    let Some(start) = start else { return error(400, "cursor is not valid") };
    let next = (rows.len() > start + limit).then(|| format!("after_{}", start + limit));
    let page: Vec<Value> = rows.into_iter().skip(start).take(limit).collect();
    Reply::ok(json!({"success": true, "data": page, "additional_data": {"next_cursor": next}}))
}
