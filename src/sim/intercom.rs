//! The fake Intercom (`providers.md` section 6): the chat in the product. Contacts of customers in some countries, with
//! tags, a few conversations and fewer tickets; requests of the portal go to the support desk, never here.
//!
//! What must stay true: it only mirrors what the accounts say; a search compares dates by the calendar day of the
//! workspace, as the real one does, so that a reader who asks by the second misses what changed today.

use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::ids;
use super::mirror::Entry;
use super::room::{Key, Limit, Room};
use super::world::{Account, World};
use crate::domain::System;

/// Rows a page, at most.
const MOST: usize = 150;
/// Where the product has its chat.
const COUNTRIES: &[&str] = &["JP", "GB", "US"];
/// How far the workspace (Tokyo, without summer time) is ahead of UTC, in seconds.
const AHEAD: i64 = 9 * 3600;
const DAY: i64 = 24 * 3600;
/// Id and name.
const TAGS: &[(&str, &str)] = &[("7522907", "beta"), ("7522911", "yard owner")];
/// Where ids begin.
const CONVERSATION: usize = 215_468_700_001;
const TICKET: usize = 215_900_400_001;

/// What the company needs to know of it.
pub(super) const ROOM: Room = Room {
    system: System::Intercom,
    base_path: "",
    config: "every = \"15s\"",
    key: |random| Key { api: format!("dG9rOg{}", random.word(54)), secret: random.word(40) },
    admits: |call, key| call.bears(&key.api),
    refused: |_| error(401, "unauthorized", "Access Token Invalid"),
    limits: |_| LIMITS,
    limited: |_, wait| error(429, "rate_limit_exceeded", "Exceeded rate limit").with("retry-after", wait),
    failed: |status| error(status, "service_unavailable", "Service temporarily unavailable"),
    usual: |call, reply, left| {
        let reset = (call.now.secs().div_euclid(10) + 1) * 10;
        reply
            .with("x-ratelimit-limit", BURST.count)
            .with("x-ratelimit-remaining", left.min(BURST.count))
            .with("x-ratelimit-reset", reset)
    },
    answer,
};

const BURST: Limit = Limit { name: "TEN_SECONDS", count: 167, window: Duration::from_secs(10) };
const LIMITS: &[Limit] = &[BURST];

fn error(status: u16, code: &str, message: &str) -> Reply {
    let errors = json!([{"code": code, "message": message}]);
    Reply::new(status, json!({"type": "error.list", "request_id": null, "errors": errors}))
}

fn wants(account: &Account) -> bool {
    COUNTRIES.contains(&account.country)
}

fn answer(world: &mut World, call: &Call) -> Reply {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    world.chat.refresh(&world.accounts, &world.books, wants, call.now.ms());
    let rows = &world.chat.rows;
    match (call.method.as_str(), &parts[..]) {
        ("GET", ["me"]) => Reply::ok(json!({"type": "admin", "id": "814860", "name": "Wren Alder",
            "email": "wren@harborandpine.example", "email_verified": true, "away_mode_enabled": false,
            "app": {"type": "app", "id_code": "hp4kq2xd", "name": "Harbor & Pine", "region": "US",
                "timezone": "Asia/Tokyo", "created_at": world.started.secs() - 900 * DAY,
                "identity_verification": true}})),
        ("POST", ["contacts", "search"]) => search(call, ("list", "data"), rows.iter().map(contact).collect()),
        ("GET", ["contacts", id, "tags"]) => match rows.iter().find(|row| contact_id(row) == *id) {
            Some(row) => Reply::ok(json!({"type": "list", "data": tags(row).iter()
                .map(|(id, name)| json!({"type": "tag", "id": id, "name": name})).collect::<Vec<_>>()})),
            None => error(404, "not_found", "Contact Not Found"),
        },
        ("GET", ["conversations"]) => {
            let size = call.get("per_page").map_or(Some(20), |size| size.parse().ok());
            let after = call.get("starting_after");
            page(CONVERSATIONS, conversations(rows), size, after)
        }
        ("POST", ["conversations", "search"]) => search(call, CONVERSATIONS, conversations(rows)),
        ("POST", ["tickets", "search"]) => search(call, ("ticket.list", "tickets"), tickets(rows)),
        _ => error(404, "not_found", "The requested resource was not found"),
    }
}

/// The type of a list of conversations and the name of its rows.
const CONVERSATIONS: (&str, &str) = ("conversation.list", "conversations");

fn contact_id(row: &Entry) -> String {
    format!("66f1c0de{:016x}", row.account * 37 + 5)
}

fn tags(row: &Entry) -> &'static [(&'static str, &'static str)] {
    TAGS.get(..row.account % 3).unwrap_or(TAGS)
}

fn contact(row: &Entry) -> Value {
    let id = contact_id(row);
    let told: Vec<Value> =
        tags(row).iter().map(|(id, _)| json!({"type": "tag", "id": id, "url": format!("/tags/{id}")})).collect();
    json!({"type": "contact", "id": id, "external_id": ids::account(row.account), "role": "user", "email": row.email,
        "name": row.name, "created_at": row.created.div_euclid(1000), "updated_at": row.changed.div_euclid(1000),
        "custom_attributes": {}, "unsubscribed_from_emails": false, "location": {"type": "location",
        "country_code": row.country}, "tags": {"url": format!("/contacts/{id}/tags"), "total_count": told.len(),
        "has_more": false, "data": told}})
}

fn about(row: &Entry) -> Value {
    let who = json!({"type": "contact", "id": contact_id(row), "external_id": ids::account(row.account)});
    json!({"type": "contact.list", "contacts": [who]})
}

fn conversations(rows: &[Entry]) -> Vec<Value> {
    let some = rows.iter().filter(|row| row.account % 4 == 1);
    some.map(|row| {
        let at = row.created.div_euclid(1000);
        let open = row.account % 3 == 0;
        json!({"type": "conversation", "id": (CONVERSATION + row.account).to_string(), "title": "Chat in the product",
            "created_at": at, "updated_at": at, "open": open, "state": if open { "open" } else { "closed" },
            "read": true, "priority": "none", "contacts": about(row)})
    })
    .collect()
}

fn tickets(rows: &[Entry]) -> Vec<Value> {
    let few = rows.iter().filter(|row| row.account % 16 == 3);
    few.map(|row| {
        let at = row.created.div_euclid(1000);
        json!({"type": "ticket", "id": (TICKET + row.account).to_string(), "ticket_id": (row.account + 1).to_string(),
            "category": "Customer", "open": false, "created_at": at, "updated_at": at,
            "ticket_attributes": {"_default_title_": "Passed on from the chat"}, "contacts": about(row)})
    })
    .collect()
}

/// Rows whose moment lies on a later day, for the workspace, than the one that is asked for.
fn search(call: &Call, names: (&str, &str), mut rows: Vec<Value>) -> Reply {
    let Some(body) = call.json() else { return error(400, "bad_request", "The body is not JSON") };
    let query = body.get("query").cloned().unwrap_or_default();
    let text = |name: &str| query.get(name).and_then(Value::as_str);
    let field = match (text("field"), text("operator")) {
        (Some(field @ ("created_at" | "updated_at")), Some(">")) => field.to_owned(),
        _ => return error(400, "parameter_invalid", "Only dates with the operator > can be searched for"),
    };
    let Some(value) = query.get("value").and_then(Value::as_i64) else {
        return error(400, "parameter_invalid", "The value of a date is a number of seconds");
    };
    let moment = |row: &Value| row.get(&field).and_then(Value::as_i64).unwrap_or_default();
    let day = |at: i64| (at + AHEAD).div_euclid(DAY);
    rows.retain(|row| day(moment(row)) > day(value));
    rows.sort_by_key(moment);
    if body.pointer("/sort/order").and_then(Value::as_str) != Some("ascending") {
        rows.reverse();
    }
    let size = match body.pointer("/pagination/per_page") {
        None => Some(50),
        Some(size) => size.as_u64().and_then(|size| usize::try_from(size).ok()),
    };
    page(names, rows, size, body.pointer("/pagination/starting_after").and_then(Value::as_str))
}

/// One page, from where a cursor says on.
fn page((kind, name): (&str, &str), rows: Vec<Value>, size: Option<usize>, after: Option<&str>) -> Reply {
    let Some(size) = size.filter(|size| (1..=MOST).contains(size)) else {
        return error(400, "parameter_invalid", "per_page must be between 1 and 150");
    };
    let start = after.map_or(Some(0), |cursor| cursor.strip_prefix("after_")?.parse::<usize>().ok());
    let Some(start) = start else { return error(400, "parameter_invalid", "starting_after is not valid") };
    let total = rows.len();
    let mut pages = json!({"type": "pages", "page": start / size + 1, "per_page": size,
        "total_pages": total.div_ceil(size)});
    if let (Some(end), Some(pages)) = (start.checked_add(size).filter(|end| *end < total), pages.as_object_mut()) {
        pages.insert("next".to_owned(), json!({"per_page": size, "starting_after": format!("after_{end}")}));
    }
    let shown: Vec<Value> = rows.into_iter().skip(start).take(size).collect();
    Reply::ok(json!({"type": kind, name: shown, "total_count": total, "pages": pages}))
}
