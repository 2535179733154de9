//! The fake GoHighLevel (`providers.md` section 5): contacts of customers in some countries, with tags; no opportunities.
//!
//! What must stay true: it only mirrors what the accounts say; the version header is required, as at the real one.

use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::ids;
use super::mirror::Entry;
use super::room::{Key, Limit, Room};
use super::world::{Account, World};
use crate::domain::{System, Time};

/// Rows a page, at most.
const MOST: usize = 100;
/// The one location.
const LOCATION: &str = "Hq7Vd2mXc9TzLw4RkB1n";
/// The custom field that holds the portal's id.
const LINK: &str = "uP3xKq8ZsY5fWc2JtN6e";
/// Where the newsletter goes.
const COUNTRIES: &[&str] = &["SE", "DE", "PT"];
const VERSION: &str = "2021-07-28";

/// What the company needs to know of it.
pub(super) const ROOM: Room = Room {
    system: System::Gohighlevel,
    base_path: "",
    config: "location_id = \"Hq7Vd2mXc9TzLw4RkB1n\"\nlink_field = \"Portal ID\"\nevery = \"15s\"",
    key: |random| Key { api: format!("pit-{}", random.word(36).to_lowercase()), secret: String::new() },
    admits: |call, key| call.bears(&key.api),
    refused: |_| error(401, "Invalid token: access token is invalid"),
    limits: |_| LIMITS,
    limited: |_, _| error(429, "Too many requests"),
    failed: |status| error(status, "Service temporarily unavailable"),
    usual: |_, reply, left| {
        reply
            .with("x-ratelimit-max", BURST.count)
            .with("x-ratelimit-remaining", left.min(BURST.count))
            .with("x-ratelimit-interval-milliseconds", 10_000)
            .with("x-ratelimit-limit-daily", 200_000)
            .with("x-ratelimit-daily-remaining", 196_000)
    },
    answer,
};

const BURST: Limit = Limit { name: "TEN_SECONDS", count: 100, window: Duration::from_secs(10) };
const LIMITS: &[Limit] = &[BURST];

fn error(status: u16, message: &str) -> Reply {
    Reply::new(status, json!({"statusCode": status, "message": message, "error": "GoHighLevel"}))
}

fn wants(account: &Account) -> bool {
    COUNTRIES.contains(&account.country)
}

fn answer(world: &mut World, call: &Call) -> Reply {
    if call.header("version") != Some(VERSION) {
        return error(401, "version header was not found");
    }
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    world.marketing.refresh(&world.accounts, &world.books, wants, call.now.ms());
    let here = |name: &str| call.get(name) == Some(LOCATION);
    match (call.method.as_str(), &parts[..]) {
        ("GET", ["contacts"]) if here("locationId") => contacts(call, &world.marketing.rows),
        ("GET", ["contacts", id]) => {
            let found = world.marketing.rows.iter().find(|row| contact_id(row) == *id);
            found.map_or_else(|| error(400, "Contact not found"), |row| Reply::ok(json!({"contact": contact(row)})))
        }
        ("GET", ["opportunities", "search"]) if here("location_id") => {
            let meta = json!({"total": 0, "currentPage": 1, "nextPage": null, "prevPage": null});
            Reply::ok(json!({"opportunities": [], "meta": meta}))
        }
        ("GET", ["locations", LOCATION]) => {
            let name = "Harbor & Pine, marketing";
            Reply::ok(
                json!({"location": {"id": LOCATION, "name": name, "country": "SE", "timezone": "Europe/Stockholm"}}),
            )
        }
        ("GET", ["locations", LOCATION, "customFields"]) => Reply::ok(json!({"customFields": [
            {"id": "bD0yTf1GhR7mQa9LxV3k", "name": "Boat", "fieldKey": "contact.boat", "dataType": "TEXT", "position": 0,
             "locationId": LOCATION, "model": "contact"},
            {"id": LINK, "name": "Portal ID", "fieldKey": "contact.portal_id", "dataType": "TEXT", "position": 50,
             "locationId": LOCATION, "model": "contact"}]})),
        ("GET", ["contacts" | "locations", ..]) | ("GET", ["opportunities", "search"]) => {
            error(403, "The token does not have access to this location.")
        }
        _ => error(404, "Cannot find this"),
    }
}

fn contact_id(row: &Entry) -> String {
    format!("kT{:018}", row.account * 37 + 5)
}

fn contact(row: &Entry) -> Value {
    let tags: &[&str] = match (row.account % 3, row.deal) {
        (0, _) => &["newsletter"],
        (1, "won") => &["newsletter", "harbour club"],
        _ => &[],
    };
    let (first, last) = row.name.split_once(' ').unwrap_or((&row.name, ""));
    json!({"id": contact_id(row), "locationId": LOCATION, "email": row.email, "firstName": first, "lastName": last,
        "country": row.country, "source": "website", "dateAdded": moment(row.created), "dateUpdated": moment(row.changed),
        "tags": tags, "customFields": [{"id": LINK, "value": ids::account(row.account)}], "attributions": [],
        "followers": []})
}

fn moment(ms: i64) -> String {
    Time::from_ms(ms).utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Newest first, after the row that is named.
fn contacts(call: &Call, rows: &[Entry]) -> Reply {
    let limit = call.get("limit").map_or(Some(20), |limit| limit.parse::<usize>().ok());
    let Some(limit) = limit.filter(|limit| (1..=MOST).contains(limit)) else {
        return error(422, "limit must not be greater than 100");
    };
    let mut rows: Vec<&Entry> = rows.iter().collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.created), row.account));
    let start = match call.get("startAfterId") {
        None => Some(0),
        Some(id) => rows.iter().position(|row| contact_id(row) == id).map(|place| place + 1),
    };
    let Some(start) = start else { return error(422, "startAfterId is not a contact") };
    let page: Vec<&Entry> = rows.iter().skip(start).take(limit).copied().collect();
    let more = rows.len() > start + limit;
    let link = more.then(|| format!("{}/contacts/?locationId={LOCATION}&page={}", call.base, start / limit + 2));
    let meta = json!({"total": rows.len(), "currentPage": start / limit + 1, "prevPage": null,
        "nextPage": more.then_some(start / limit + 2), "nextPageUrl": link,
        "startAfterId": page.last().map(|row| contact_id(row)), "startAfter": page.last().map(|row| row.created)});
    let shown: Vec<Value> = page.iter().map(|row| contact(row)).collect();
    Reply::ok(json!({"contacts": shown, "count": rows.len(), "meta": meta}))
}
