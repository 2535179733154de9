//! The fake Stripe (`providers.md` section 1): lists newest first by cursor, search, events, endpoints.
//!
//! What must stay true: a page costs what is on it, not what is in the table.

use std::time::Duration;

use serde_json::{Value, json};

use super::books::Subject;
use super::call::{Call, Reply};
use super::room::{Key, Limit, Room};
use super::stripe_shapes as shapes;
use super::world::{Effect, World};
use crate::domain::System;

/// Rows that a list or search gives at most.
const MOST: i64 = 100;
/// Rows of an unpaged list that are looked at for one page: a filter that fits nothing must not cost the whole table.
const LOOKED_AT: usize = 250_000;

/// What the company needs to know of it.
pub(super) const ROOM: Room = Room {
    system: System::Stripe,
    base_path: "",
    config: "mode = \"test\"\nlink_field = \"portal_id\"",
    key: |random| Key {
        api: format!("sk_{}_{}", "test", random.word(24)),
        secret: format!("{}_{}", "whsec", random.word(32)),
    },
    admits: |call, key| call.bears(&key.api),
    refused,
    limits: |_| LIMITS,
    limited: |_, _| limited(),
    failed: |status| {
        let message = "An unknown error occurred; the request may be retried.";
        error(status, json!({"type": "api_error", "message": message}))
            .with("stripe-should-retry", status >= 500)
            .with("request-id", "req_unwell0000000")
    },
    usual: |call, reply, _| {
        let id = format!("req_{:014x}", call.now.ms());
        let version = call.header("stripe-version").unwrap_or(shapes::VERSION);
        reply.with("request-id", id).with("stripe-version", version)
    },
    answer,
};

const LIMITS: &[Limit] = &[Limit { name: "global", count: 25, window: Duration::from_secs(1) }];

fn refused(call: &Call) -> Reply {
    let message = match call.header("authorization") {
        Some(_) => "Invalid API Key provided",
        None => {
            "You did not provide an API key. You need to provide your API key in the Authorization header, using \
             Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        }
    };
    error(401, json!({"message": message, "type": "invalid_request_error"}))
}

fn limited() -> Reply {
    let message = "Request rate limit exceeded. Learn more about rate limits: https://stripe.com/docs/rate-limits";
    error(429, json!({"code": "rate_limit", "type": "invalid_request_error", "message": message}))
        .with("stripe-rate-limited-reason", "global-rate")
        .with("stripe-should-retry", "false")
        .with("request-id", "req_ratelimited00")
}

/// Answers a call whose key has been checked.
fn answer(world: &mut World, call: &Call) -> Reply {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.as_str(), &parts[..]) {
        ("GET", ["v1", "account"]) => account(world),
        ("GET", ["v1", "customers"]) => customers(world, call),
        ("GET", ["v1", "customers", "search"]) => search(world, call),
        ("GET", ["v1", "customers", id]) => one(world, "customer", "cus_", id),
        ("POST", ["v1", "customers", id]) => update(world, call, id),
        ("GET", ["v1", "subscriptions"]) => subscriptions(world, call),
        ("GET", ["v1", "subscriptions", id]) => one(world, "subscription", "sub_", id),
        ("GET", ["v1", "invoices"]) => invoices(world, call),
        ("GET", ["v1", "invoices", id]) => one(world, "invoice", "in_", id),
        ("GET", ["v1", "charges"]) => charges(world, call),
        ("GET", ["v1", "events"]) => events(world, call),
        ("GET", ["v1", "events", id]) => one(world, "event", "evt_", id),
        ("GET", ["v1", "webhook_endpoints"]) => list(call, vec![endpoint(world)], false),
        ("GET", ["v1", "webhook_endpoints", id]) if *id == world.ids.stripe("we_", 0) => Reply::ok(endpoint(world)),
        (method, _) => error(
            404,
            json!({"type": "invalid_request_error", "message": format!("Unrecognized request URL ({method}: {}). \
                   Please see https://stripe.com/docs or we can help at https://support.stripe.com/.", call.path)}),
        ),
    }
}

/// Stripe's envelope of an error.
fn error(status: u16, error: Value) -> Reply {
    Reply::new(status, json!({"error": error}))
}

fn invalid(message: String, param: &str) -> Reply {
    error(400, json!({"type": "invalid_request_error", "message": message, "param": param}))
}

fn missing(kind: &str, id: &str) -> Reply {
    error(
        404,
        json!({"code": "resource_missing", "doc_url": "https://stripe.com/docs/error-codes/resource-missing",
               "message": format!("No such {kind}: '{id}'"), "param": "id", "type": "invalid_request_error"}),
    )
}

fn account(world: &World) -> Reply {
    Reply::ok(json!({
        "id": world.ids.stripe("acct_", 0), "object": "account", "business_type": "company", "country": "PT",
        "charges_enabled": true, "created": world.started.secs() - 700 * 86_400, "default_currency": "usd",
        "details_submitted": true, "email": "ops@harborandpine.example", "payouts_enabled": true, "type": "standard",
        "metadata": {},
    }))
}

fn endpoint(world: &World) -> Value {
    json!({
        "id": world.ids.stripe("we_", 0), "object": "webhook_endpoint", "api_version": shapes::VERSION,
        "application": null, "created": world.started.secs() - 300 * 86_400, "description": "Harbor & Pine portal",
        "enabled_events": ["*"], "livemode": false, "metadata": {}, "status": "enabled",
        "url": format!("{}/webhooks/stripe", world.site),
    })
}

fn list(call: &Call, data: Vec<Value>, more: bool) -> Reply {
    Reply::ok(json!({"object": "list", "url": call.path, "has_more": more, "data": data}))
}

fn limit(call: &Call) -> Result<usize, Reply> {
    let Some(raw) = call.get("limit") else { return Ok(10) };
    match raw.parse::<i64>() {
        Ok(n) if (1..=MOST).contains(&n) => Ok(n as usize),
        _ => Err(invalid(format!("Invalid integer: {raw}. limit must be between 1 and 100"), "limit")),
    }
}

/// Bounds on `created`, both inclusive, from `created[gt]` and its relatives.
fn created(call: &Call) -> (i64, i64) {
    let low = call.number("created[gte]").or(call.number("created[gt]").map(|n| n + 1)).or(call.number("created"));
    let high = call.number("created[lte]").or(call.number("created[lt]").map(|n| n - 1)).or(call.number("created"));
    (low.unwrap_or(i64::MIN), high.unwrap_or(i64::MAX))
}

/// Walks numbers from newest to oldest after the cursor; stops at the first that is too old.
fn page(
    call: &Call,
    prefix: &str,
    world: &World,
    numbers: impl DoubleEndedIterator<Item = usize>,
    made: impl Fn(usize) -> Option<i64>,
    fits: impl Fn(usize) -> bool,
    shape: impl Fn(usize) -> Option<Value>,
) -> Reply {
    let limit = match limit(call) {
        Ok(limit) => limit,
        Err(reply) => return reply,
    };
    let after = match call.get("starting_after") {
        None => usize::MAX,
        Some(id) => match world.ids.stripe_number(prefix, id).filter(|n| made(*n).is_some()) {
            Some(number) => number,
            None => return invalid(format!("No such object: '{id}'"), "starting_after"),
        },
    };
    let (oldest, newest) = created(call);
    let mut data = Vec::new();
    let rows = numbers.rev().skip_while(|n| *n >= after).take(LOOKED_AT);
    for number in rows {
        let Some(at) = made(number) else { continue };
        if at < oldest {
            break;
        }
        if at > newest || !fits(number) {
            continue;
        }
        if data.len() == limit {
            return list(call, data, true);
        }
        data.extend(shape(number));
    }
    list(call, data, false)
}

/// Numbers of a table, or of one owner's part of it, below the cursor.
fn below(call: &Call, world: &World, prefix: &str, length: usize) -> std::ops::Range<usize> {
    let end = call.get("starting_after").and_then(|id| world.ids.stripe_number(prefix, id)).unwrap_or(length);
    0..end.min(length)
}

fn customers(world: &World, call: &Call) -> Reply {
    let rows = &world.books.payers;
    let made = |n: usize| rows.get(n).map(|r| r.created);
    let fits = |n: usize| rows.get(n).is_some_and(|r| !r.deleted);
    let shape = |n: usize| rows.get(n).map(|r| shapes::payer(world, r));
    match call.get("email") {
        Some(email) => {
            let numbers: Vec<usize> = world.books.with_email(email).iter().map(|n| *n as usize).collect();
            page(call, "cus_", world, numbers.into_iter(), made, fits, shape)
        }
        None => page(call, "cus_", world, below(call, world, "cus_", rows.len()), made, fits, shape),
    }
}

/// `field:'value'` and `metadata['key']:'value'`, joined by AND.
fn search(world: &World, call: &Call) -> Reply {
    let Some(query) = call.get("query") else {
        return invalid("Missing required param: query.".to_owned(), "query");
    };
    let mut found: Option<Vec<u32>> = None;
    for clause in query.split(" AND ") {
        let value = clause.split_once(':').map(|(_, v)| v.trim().trim_matches(['\'', '"']));
        let hits = match (clause.trim(), value) {
            (c, Some(value)) if c.starts_with("email:") => world.books.with_email(value),
            (c, Some(value))
                if c.starts_with("metadata['portal_id']:") || c.starts_with("metadata[\"portal_id\"]:") =>
            {
                world.books.with_portal(value)
            }
            _ => return invalid(format!("We were unable to parse your search query: {query}"), "query"),
        };
        let old = found.take();
        found = Some(hits.iter().copied().filter(|n| old.as_ref().is_none_or(|o| o.contains(n))).collect());
    }
    // The index lags behind writes.
    let visible = (call.now.ms() - world.lag_ms) / 1000;
    let rows = found.unwrap_or_default();
    let data: Vec<Value> = rows
        .iter()
        .filter_map(|n| world.books.payers.get(*n as usize))
        .filter(|r| !r.deleted && r.created <= visible)
        .map(|r| shapes::payer(world, r))
        .collect();
    Reply::ok(json!({"object": "search_result", "url": call.path, "has_more": false, "next_page": null, "data": data}))
}

fn owner(world: &World, call: &Call) -> Option<Result<u32, Reply>> {
    let id = call.get("customer")?;
    let number = world.ids.stripe_number("cus_", id).filter(|n| *n < world.books.payers.len());
    Some(number.map(|n| n as u32).ok_or_else(|| missing("customer", id)))
}

fn subscriptions(world: &World, call: &Call) -> Reply {
    let rows = &world.books.subscriptions;
    let status = call.get("status");
    let made = |n: usize| rows.get(n).map(|r| r.created);
    let fits = |n: usize| {
        rows.get(n).is_some_and(|r| match status {
            Some("all") => true,
            Some("ended") => r.status == "canceled",
            Some(word) => r.status == word,
            None => r.status != "canceled",
        })
    };
    let shape = |n: usize| rows.get(n).map(|r| shapes::subscription(world, r));
    match owner(world, call) {
        Some(Err(reply)) => reply,
        Some(Ok(payer)) => {
            let mine = world.books.of.get(payer as usize).map(|o| o.subscriptions.clone()).unwrap_or_default();
            page(call, "sub_", world, mine.into_iter().map(|n| n as usize), made, fits, shape)
        }
        None => page(call, "sub_", world, below(call, world, "sub_", rows.len()), made, fits, shape),
    }
}

fn invoices(world: &World, call: &Call) -> Reply {
    let rows = &world.books.invoices;
    let status = call.get("status");
    let of = call.get("subscription").map(|id| world.ids.stripe_number("sub_", id));
    let made = |n: usize| rows.get(n).map(|r| r.created);
    let fits = |n: usize| {
        rows.get(n).is_some_and(|r| {
            status.is_none_or(|s| s == r.status) && of.is_none_or(|s| s == Some(r.subscription as usize))
        })
    };
    let shape = |n: usize| rows.get(n).map(|r| shapes::invoice(world, r));
    match owner(world, call) {
        Some(Err(reply)) => reply,
        Some(Ok(payer)) => {
            let mine = world.books.of.get(payer as usize).map(|o| o.invoices.clone()).unwrap_or_default();
            page(call, "in_", world, mine.into_iter().map(|n| n as usize), made, fits, shape)
        }
        None => page(call, "in_", world, below(call, world, "in_", rows.len()), made, fits, shape),
    }
}

fn charges(world: &World, call: &Call) -> Reply {
    let rows = &world.books.charges;
    let made = |n: usize| rows.get(n).map(|r| r.created);
    let shape = |n: usize| rows.get(n).map(|r| shapes::charge(world, r));
    match owner(world, call) {
        Some(Err(reply)) => reply,
        Some(Ok(payer)) => {
            let mine = world.books.of.get(payer as usize).map(|o| o.charges.clone()).unwrap_or_default();
            page(call, "ch_", world, mine.into_iter().map(|n| n as usize), made, |_| true, shape)
        }
        None => page(call, "ch_", world, below(call, world, "ch_", rows.len()), made, |_| true, shape),
    }
}

fn events(world: &World, call: &Call) -> Reply {
    let types: Vec<&str> = call
        .query
        .iter()
        .filter(|(k, _)| k == "types[]" || k.starts_with("types[") || k == "type")
        .map(|(_, v)| v.as_str())
        .collect();
    if call.get("type").is_some() && types.len() > 1 {
        return invalid("You may only specify one of these parameters: type, types.".to_owned(), "type");
    }
    if types.len() > 20 {
        return invalid("Array must have at most 20 elements".to_owned(), "types");
    }
    let delivered = call.get("delivery_success");
    let made = |n: usize| world.books.event(n).map(|e| e.created);
    let fits = |n: usize| {
        world.books.event(n).is_some_and(|e| {
            let named = types.is_empty()
                || types.iter().any(|t| *t == e.kind || t.strip_suffix('*').is_some_and(|p| e.kind.starts_with(p)));
            named && (delivered != Some("true") || !e.pending)
        })
    };
    let shape = |n: usize| world.books.event(n).map(|e| shapes::event(world, n, e));
    if delivered == Some("false") {
        let numbers: Vec<usize> = world.books.undelivered().iter().copied().collect();
        return page(call, "evt_", world, numbers.into_iter(), made, fits, shape);
    }
    let kept = world.books.event_numbers();
    let end = below(call, world, "evt_", kept.end).end;
    page(call, "evt_", world, kept.start..end, made, fits, shape)
}

fn one(world: &World, kind: &str, prefix: &str, id: &str) -> Reply {
    let books = &world.books;
    let found = world.ids.stripe_number(prefix, id).and_then(|n| match kind {
        "customer" => books.payers.get(n).map(|r| shapes::payer(world, r)),
        "subscription" => books.subscriptions.get(n).map(|r| shapes::subscription(world, r)),
        "invoice" => books.invoices.get(n).map(|r| shapes::invoice(world, r)),
        _ => books.event(n).map(|r| shapes::event(world, n, r)),
    });
    found.map_or_else(|| missing(kind, id), Reply::ok)
}

/// The one write that is simulated: `metadata[portal_id]`.
fn update(world: &mut World, call: &Call, id: &str) -> Reply {
    let number = world.ids.stripe_number("cus_", id);
    let Some(number) = number.filter(|n| world.books.payers.get(*n).is_some_and(|r| !r.deleted)) else {
        return missing("customer", id);
    };
    let form = call.form();
    let Some((_, portal)) = form.iter().find(|(key, _)| key == "metadata[portal_id]") else {
        return invalid("Received unknown parameter: this simulation takes metadata[portal_id] only".to_owned(), "");
    };
    world.books.link(number as u32, portal);
    let body = json!({"metadata": {"portal_id": portal}});
    let target = id.to_owned();
    world.note(Effect { system: System::Stripe, action: "update_customer", target, body, at: call.now });
    let Some(row) = world.books.payers.get(number).cloned() else { return missing("customer", id) };
    let subject = Subject::Payer(row.clone());
    let previous = Some(("metadata", ""));
    super::traffic::arrive_stripe(world, "customer.updated", subject, previous, None, call.now.ms());
    Reply::ok(shapes::payer(world, &row))
}
