//! The fake Zendesk Support (`providers.md` section 7): incremental exports, search, users, tickets, webhooks and what
//! they did.
//!
//! What must stay true: an export never gives the newest moments (they are withheld until nothing older can still
//! appear), and following its cursor shows every change once.

use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::ids;
use super::room::{Key, Limit, Room};
use super::rooms::{Ticket, User};
use super::sign::{base64, unbase64};
use super::world::World;
use crate::domain::{System, Time};

const EXPORT_MOST: usize = 1_000;
const PAGE_MOST: usize = 100;
const SEARCH_END: usize = 1_000;
/// Seconds that a `start_time` must lie back.
const START_AGE: i64 = 60;
/// Times the index lag: how long the newest changes are withheld (a minute in the real service).
const WITHHELD: i64 = 2;
/// The id of the one webhook.
const WEBHOOK: &str = "01HPINEHARB0R000000000001";

/// The agent whose token is used.
pub(super) const AGENT: &str = "wren@harborandpine.example";

/// What the company needs to know of it.
pub(super) const ROOM: Room = Room {
    system: System::Zendesk,
    base_path: "",
    config: "subdomain = \"harborandpine\"\nemail = \"wren@harborandpine.example\"",
    key: |random| Key { api: random.word(40), secret: random.word(44) },
    admits: |call, key| {
        let pair = base64(format!("{AGENT}/token:{}", key.api).as_bytes());
        call.header("authorization").and_then(|given| given.strip_prefix("Basic ")) == Some(&pair)
    },
    refused: |_| Reply::new(401, json!({"error": "Couldn't authenticate you"})),
    limits: |call| if call.path.contains("/incremental/") { EXPORT_LIMITS } else { LIMITS },
    limited: |_, wait| {
        let what = "Number of allowed API requests per minute exceeded";
        Reply::new(429, json!({"error": "APIRateLimitExceeded", "description": what})).with("retry-after", wait)
    },
    failed: |status| {
        Reply::new(status, json!({"error": "Service Unavailable", "description": "Please try again later"}))
    },
    usual: |_, reply, left| {
        reply.with("x-rate-limit", MINUTE.count).with("x-rate-limit-remaining", left.min(MINUTE.count))
    },
    answer,
};

const MINUTE: Limit = Limit { name: "minute", count: 700, window: Duration::from_secs(60) };
const LIMITS: &[Limit] = &[MINUTE];
/// Ten a minute in the real service; here story time is denser.
const EXPORT_LIMITS: &[Limit] = &[Limit { name: "export", count: 30, window: Duration::from_secs(60) }, MINUTE];

/// Answers a call whose key has been checked.
fn answer(world: &mut World, call: &Call) -> Reply {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(|s| s.strip_suffix(".json").unwrap_or(s)).collect();
    if call.method != "GET" {
        return invalid_endpoint();
    }
    match &parts[..] {
        ["api", "v2", "users", "me"] => Reply::ok(json!({"user": user(world, 0)})),
        ["api", "v2", "users", "search"] => users_search(world, call),
        ["api", "v2", "users", "show_many"] => show_many(world, call),
        ["api", "v2", "users", id] => one(ids::desk_user_number(id).and_then(|n| known_user(world, n)), "user"),
        ["api", "v2", "tickets"] => tickets(world, call),
        ["api", "v2", "tickets", id] => {
            one(ids::desk_ticket_number(id).and_then(|n| known_ticket(world, call, n)), "ticket")
        }
        ["api", "v2", "search"] => search(world, call),
        ["api", "v2", "incremental", "users", "cursor"] => export(world, call, true),
        ["api", "v2", "incremental", "tickets", "cursor"] => export(world, call, false),
        ["api", "v2", "webhooks"] => webhooks(world, call),
        ["api", "v2", "webhooks", id] if *id == WEBHOOK => Reply::ok(json!({"webhook": webhook(world)})),
        ["api", "v2", "webhooks", id, "invocations"] if *id == WEBHOOK => invocations(world, call),
        ["api", "v2", "webhooks", id, "invocations", invocation, "attempts"] if *id == WEBHOOK => {
            attempts(world, invocation)
        }
        ["api", "v2", "user_fields"] => Reply::ok(json!({"user_fields": [], "count": 0, "next_page": null})),
        _ => invalid_endpoint(),
    }
}

fn invalid_endpoint() -> Reply {
    Reply::new(404, json!({"error": {"title": "Invalid endpoint", "message": "Not found"}}))
}

fn not_found() -> Reply {
    Reply::new(404, json!({"error": "RecordNotFound", "description": "Not found"}))
}

fn refused(error: &str, description: &str) -> Reply {
    Reply::new(422, json!({"error": error, "description": description}))
}

fn one(found: Option<Value>, name: &str) -> Reply {
    found.map_or_else(not_found, |value| Reply::ok(json!({name: value})))
}

fn known_user(world: &World, number: usize) -> Option<Value> {
    (number < world.desk.users.len()).then(|| user(world, number))
}

fn user(world: &World, number: usize) -> Value {
    let Some(row) = world.desk.users.get(number) else { return Value::Null };
    let User { name, email, external, role, created, updated } = row;
    json!({
        "id": ids::desk_user(number), "name": name, "email": email, "external_id": external, "role": role,
        "active": true, "verified": true, "suspended": false, "shared": false, "locale": "en-US",
        "created_at": Time::from_ms(*created).rfc3339(), "updated_at": whole(*updated), "time_zone": "Lisbon",
        "phone": null, "organization_id": null, "tags": [], "user_fields": {}, "details": "", "notes": "",
        "url": format!("/api/v2/users/{}.json", ids::desk_user(number)),
    })
}

fn known_ticket(world: &World, call: &Call, number: usize) -> Option<Value> {
    world.desk.tickets.get(number).map(|row| ticket(call, number, row))
}

fn ticket(call: &Call, number: usize, row: &Ticket) -> Value {
    let id = ids::desk_ticket(number);
    let requester = ids::desk_user(row.requester as usize);
    json!({
        "id": id, "url": format!("{}/api/v2/tickets/{id}.json", call.base), "external_id": row.external,
        "subject": row.subject, "raw_subject": row.subject, "description": row.subject, "status": row.status,
        "priority": "normal", "type": "question", "requester_id": requester, "submitter_id": requester,
        "assignee_id": ids::desk_user(0), "group_id": 360_000_114_u64, "tags": ["portal"],
        "created_at": whole(row.created), "updated_at": whole(row.updated), "custom_fields": [], "fields": [],
        "via": {"channel": "api"}, "generated_timestamp": row.updated / 1000, "is_public": true,
    })
}

/// Zendesk writes whole seconds.
fn whole(ms: i64) -> String {
    Time::from_secs(ms.div_euclid(1000)).rfc3339()
}

fn users_search(world: &World, call: &Call) -> Reply {
    let found: Vec<u32> = if let Some(external) = call.get("external_id") {
        world.desk.users_with_external(external).to_vec()
    } else if let Some(query) = call.get("query") {
        let email = query.strip_prefix("email:").unwrap_or(query).trim_matches('"');
        world.desk.users_with_email(email).to_vec()
    } else {
        return refused("RecordInvalid", "query or external_id is required");
    };
    let users: Vec<Value> = found.iter().map(|n| user(world, *n as usize)).collect();
    Reply::ok(json!({"count": users.len(), "users": users, "next_page": null, "previous_page": null}))
}

fn show_many(world: &World, call: &Call) -> Reply {
    let numbers: Vec<usize> = match (call.get("ids"), call.get("external_ids")) {
        (Some(ids), _) => ids.split(',').take(PAGE_MOST).filter_map(ids::desk_user_number).collect(),
        (None, Some(list)) => list
            .split(',')
            .take(PAGE_MOST)
            .flat_map(|id| world.desk.users_with_external(id).iter().map(|n| *n as usize))
            .collect(),
        _ => Vec::new(),
    };
    let users: Vec<Value> = numbers.into_iter().filter_map(|n| known_user(world, n)).collect();
    Reply::ok(json!({"count": users.len(), "users": users, "next_page": null, "previous_page": null}))
}

fn tickets(world: &World, call: &Call) -> Reply {
    if let Some(external) = call.get("external_id") {
        let rows = world.desk.tickets_with_external(external).iter();
        let tickets: Vec<Value> = rows.filter_map(|n| known_ticket(world, call, *n as usize)).collect();
        return Reply::ok(
            json!({"count": tickets.len(), "tickets": tickets, "next_page": null, "previous_page": null}),
        );
    }
    let numbers: Vec<usize> = (0..world.desk.tickets.len()).collect();
    let (page, more, after) = cursor_page(call, &numbers);
    let tickets: Vec<Value> = page.iter().filter_map(|n| known_ticket(world, call, *n)).collect();
    Reply::ok(json!({"tickets": tickets, "meta": meta(more, after)}))
}

/// A page by `page[size]` and `page[after]`: the rows, whether there are more, the cursor.
fn cursor_page(call: &Call, numbers: &[usize]) -> (Vec<usize>, bool, Option<String>) {
    let size = call.number("page[size]").unwrap_or(PAGE_MOST as i64).clamp(1, PAGE_MOST as i64) as usize;
    let start = call.get("page[after]").and_then(read_cursor).map_or(0, |(at, _)| at as usize).min(numbers.len());
    let end = (start + size).min(numbers.len());
    let more = end < numbers.len();
    (numbers.get(start..end).unwrap_or_default().to_vec(), more, more.then(|| cursor(end as i64, 0)))
}

fn meta(more: bool, after: Option<String>) -> Value {
    json!({"has_more": more, "after_cursor": after, "before_cursor": null})
}

fn cursor(at: i64, number: u32) -> String {
    base64(format!("{at}||{number}").as_bytes())
}

fn read_cursor(text: &str) -> Option<(i64, u32)> {
    let plain = String::from_utf8(unbase64(text)?).ok()?;
    let (at, number) = plain.split_once("||")?;
    Some((at.parse().ok()?, number.parse().ok()?))
}

/// `type:ticket requester:<id or e-mail>` and `type:user email:<address>`, by offset.
fn search(world: &World, call: &Call) -> Reply {
    let Some(query) = call.get("query") else { return refused("RecordInvalid", "query is required") };
    let word = |name: &str| query.split_whitespace().find_map(|w| w.strip_prefix(name)).map(|w| w.trim_matches('"'));
    let results: Vec<Value> = match word("type:") {
        Some("ticket") => {
            let requester = word("requester:").and_then(|w| {
                let by_email = world.desk.users_with_email(w).first().copied();
                by_email.or_else(|| ids::desk_user_number(w).map(|n| n as u32))
            });
            let rows: Vec<u32> = match (requester, word("external_id:")) {
                (Some(user), _) => world.desk.tickets_of.get(&user).cloned().unwrap_or_default(),
                (None, Some(external)) => world.desk.tickets_with_external(external).to_vec(),
                _ => (0..world.desk.tickets.len().min(SEARCH_END) as u32).collect(),
            };
            let status = word("status:");
            rows.iter()
                .filter_map(|n| known_ticket(world, call, *n as usize))
                .filter(|t| status.is_none_or(|s| t["status"] == s))
                .map(|t| tagged(t, "ticket"))
                .collect()
        }
        _ => {
            let key = word("email:").unwrap_or_else(|| query.split_whitespace().last().unwrap_or_default());
            world.desk.users_with_email(key).iter().map(|n| tagged(user(world, *n as usize), "user")).collect()
        }
    };
    let count = results.len();
    let size = call.number("per_page").unwrap_or(PAGE_MOST as i64).clamp(1, PAGE_MOST as i64) as usize;
    let page = call.number("page").unwrap_or(1).max(1) as usize;
    if page * size > SEARCH_END && (page - 1) * size >= SEARCH_END {
        return refused("InvalidPaginationDepth", "Requested response size was greater than Search Response Limits");
    }
    let shown: Vec<Value> = results.into_iter().skip((page - 1) * size).take(size).collect();
    let next = (page * size < count).then(|| {
        let query = query.replace(' ', "+");
        format!("{}/api/v2/search.json?page={}&per_page={size}&query={query}", call.base, page + 1)
    });
    Reply::ok(json!({"results": shown, "count": count, "facets": null, "next_page": next, "previous_page": null}))
}

fn tagged(mut value: Value, kind: &str) -> Value {
    value["result_type"] = json!(kind);
    value
}

fn export(world: &World, call: &Call, users: bool) -> Reply {
    let from = match (call.get("cursor"), call.number("start_time")) {
        (Some(text), _) => match read_cursor(text) {
            Some(place) => place,
            None => return refused("InvalidValue", "cursor is invalid"),
        },
        (None, Some(start)) if start > call.now.secs() - START_AGE => {
            return refused("StartTimeTooRecent", "Too recent start_time. Use a start_time older than 60 seconds");
        }
        (None, Some(start)) => (start.saturating_mul(1000), 0),
        (None, None) => return refused("InvalidValue", "start_time or cursor is required"),
    };
    let size = call.number("per_page").unwrap_or(EXPORT_MOST as i64).clamp(1, EXPORT_MOST as i64) as usize;
    let until = (call.now.ms() - WITHHELD * world.lag_ms, 0);
    let index = if users { &world.desk.users_changed } else { &world.desk.tickets_changed };
    let mut rows: Vec<(i64, u32)> = Vec::new();
    if from < until {
        rows.extend(index.range(from..until).take(size + 1));
    }
    let more = rows.len() > size;
    rows.truncate(size);
    // The cursor names the first place that has not been shown.
    let next = rows.last().map_or(from, |(at, number)| (*at, number + 1));
    let after = cursor(next.0, next.1);
    let (name, values): (&str, Vec<Value>) = if users {
        ("users", rows.iter().map(|(_, n)| user(world, *n as usize)).collect())
    } else {
        ("tickets", rows.iter().filter_map(|(_, n)| known_ticket(world, call, *n as usize)).collect())
    };
    let url = format!("{}{}?cursor={}", call.base, call.path, after.replace('=', "%3D").replace('+', "%2B"));
    Reply::ok(json!({name: values, "after_cursor": after, "after_url": url, "before_cursor": null,
                     "before_url": null, "end_of_stream": !more}))
}

fn webhook(world: &World) -> Value {
    json!({
        "id": WEBHOOK, "name": "Harbor & Pine portal", "status": "active", "http_method": "POST",
        "endpoint": format!("{}/webhooks/zendesk", world.site), "request_format": "json",
        "subscriptions": ["conditional_ticket_events"], "created_by": ids::desk_user(0).to_string(),
        "created_at": whole(world.started.ms() - 300 * 86_400_000), "updated_at": whole(world.started.ms() - 90 * 86_400_000),
    })
}

fn webhooks(world: &World, call: &Call) -> Reply {
    let wanted = call.get("filter[status]").is_none_or(|s| s == "active");
    let list = if wanted { vec![webhook(world)] } else { Vec::new() };
    Reply::ok(json!({"webhooks": list, "meta": meta(false, None), "links": {"next": null, "prev": null}}))
}

/// Newest first, as `sort=-latest_completed_at` asks for.
fn invocations(world: &World, call: &Call) -> Reply {
    let rows = &world.desk.invocations;
    let status = call.get("filter[status]");
    let from = call.get("filter[from_ts]").and_then(Time::parse).map_or(i64::MIN, Time::ms);
    let to = call.get("filter[to_ts]").and_then(Time::parse).map_or(i64::MAX, Time::ms);
    let fits = |n: &usize| {
        let row = rows.get(*n);
        row.is_some_and(|r| {
            let failed = status == Some("failed") && r.status != "success";
            (status.is_none_or(|s| s == r.status) || failed) && (from..=to).contains(&r.at)
        })
    };
    let numbers: Vec<usize> = (0..rows.len()).rev().filter(fits).collect();
    let (page, more, after) = cursor_page(call, &numbers);
    let list: Vec<Value> = page
        .iter()
        .filter_map(|n| rows.get(*n))
        .map(|r| json!({"id": r.id, "status": r.status, "latest_completed_at": Time::from_ms(r.at).rfc3339()}))
        .collect();
    Reply::ok(json!({"invocations": list, "meta": meta(more, after), "links": {"next": null, "prev": null}}))
}

fn attempts(world: &World, invocation: &str) -> Reply {
    let Some(row) = world.desk.invocations.iter().rev().find(|r| r.id == invocation) else { return not_found() };
    let at = Time::from_ms(row.at).rfc3339();
    let attempt = json!({
        "id": format!("{invocation}A1"), "status": row.status, "invocation_id": invocation, "completed_at": at,
        "request": {"headers": {}, "payload": json!({"type": row.kind}).to_string()},
        "response": {"status": row.code, "headers": {}, "payload": ""},
    });
    Reply::ok(json!({"attempts": [attempt], "meta": meta(false, None)}))
}
