//! The fake HubSpot (`providers.md` section 3): contacts and tickets by list, id and search; properties; writes.
//!
//! What must stay true: search sees a write only after the index has caught up, and never beyond 10,000 rows.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::ids;
use super::room::{Key, Limit, Room};
use super::rooms::{CONTACT_PROPERTIES, Card, Cards, STAGES};
use super::world::{Effect, World};
use crate::domain::{System, Time};

const LIST_MOST: i64 = 100;
const SEARCH_MOST: i64 = 200;
const SEARCH_END: usize = 10_000;

/// Contacts or tickets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Object {
    Contact,
    Ticket,
}

impl Object {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "contacts" | "contact" | "0-1" => Some(Self::Contact),
            "tickets" | "ticket" | "0-5" => Some(Self::Ticket),
            _ => None,
        }
    }

    fn cards(self, world: &World) -> &Cards {
        match self {
            Self::Contact => &world.contacts,
            Self::Ticket => &world.hubspot_tickets,
        }
    }

    fn id(self, number: usize) -> u64 {
        match self {
            Self::Contact => ids::contact(number),
            Self::Ticket => ids::hubspot_ticket(number),
        }
    }

    fn number(self, id: &str) -> Option<usize> {
        match self {
            Self::Contact => ids::contact_number(id),
            Self::Ticket => ids::hubspot_ticket_number(id),
        }
    }

    /// The property that holds the modification time.
    const fn modified(self) -> &'static str {
        match self {
            Self::Contact => "lastmodifieddate",
            Self::Ticket => "hs_lastmodifieddate",
        }
    }

    /// What comes when no property is asked for.
    const fn usual(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["email", "firstname", "lastname"],
            Self::Ticket => &["subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category"],
        }
    }
}

/// What the company needs to know of it.
pub(super) const ROOM: Room = Room {
    system: System::Hubspot,
    base_path: "",
    config: "link_field = \"portal_id\"",
    key: |random| Key { api: format!("pat-{}-{}", "eu1", random.word(30).to_lowercase()), secret: random.word(36) },
    admits: |call, key| call.bears(&key.api),
    refused: |_| {
        let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication";
        error(401, "INVALID_AUTHENTICATION", message)
    },
    limits: |call| if call.path.ends_with("/search") { SEARCH_LIMITS } else { LIMITS },
    limited: |policy, _| limited(policy),
    failed: |status| error(status, "INTERNAL_ERROR", "Service temporarily unavailable"),
    usual: |_, reply, left| {
        reply
            .with("x-hubspot-ratelimit-daily", 650_000)
            .with("x-hubspot-ratelimit-daily-remaining", 640_000)
            .with("x-hubspot-ratelimit-interval-milliseconds", 10_000)
            .with("x-hubspot-ratelimit-max", BURST.count)
            .with("x-hubspot-ratelimit-remaining", left.min(BURST.count))
    },
    answer,
};

const BURST: Limit = Limit { name: "TEN_SECONDLY_ROLLING", count: 190, window: Duration::from_secs(10) };
const LIMITS: &[Limit] = &[BURST];
const SEARCH_LIMITS: &[Limit] = &[Limit { name: "SECONDLY", count: 5, window: Duration::from_secs(1) }, BURST];

fn limited(policy: &str) -> Reply {
    let message = match policy {
        "SECONDLY" => "You have reached your secondly limit.",
        "TEN_SECONDLY_ROLLING" => "You have reached your ten_secondly_rolling limit.",
        _ => "You have reached your daily limit.",
    };
    let mut reply = error(429, "RATE_LIMITS", message);
    reply.body["errorType"] = json!("RATE_LIMIT");
    reply.body["policyName"] = json!(policy);
    reply
}

/// Answers a call whose token has been checked.
fn answer(world: &mut World, call: &Call) -> Reply {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let object = |word: &&str| Object::parse(word);
    match (call.method.as_str(), &parts[..]) {
        ("GET", ["crm", "v3", "objects", kind]) => object(kind).map(|o| list(world, call, o)),
        ("POST", ["crm", "v3", "objects", kind, "search"]) => object(kind).map(|o| search(world, call, o)),
        ("GET", ["crm", "v3", "objects", kind, id]) => object(kind).map(|o| one(world, call, o, id)),
        ("POST", ["crm", "v3", "objects", "contacts"]) => Some(create(world, call)),
        ("PATCH", ["crm", "v3", "objects", "contacts", id]) => Some(change(world, call, id)),
        ("GET", ["crm", "v3", "properties", kind]) => {
            object(kind).map(|o| Reply::ok(json!({"results": properties(o)})))
        }
        ("GET", ["crm", "v3", "properties", kind, name]) => object(kind).map(|o| {
            let found = properties(o).into_iter().find(|p| p["name"] == **name);
            found.map_or_else(|| error(404, "OBJECT_NOT_FOUND", &format!("Property {name} does not exist")), Reply::ok)
        }),
        _ => None,
    }
    .unwrap_or_else(|| error(404, "OBJECT_NOT_FOUND", "resource not found"))
}

/// HubSpot's shape of an error.
fn error(status: u16, category: &str, message: &str) -> Reply {
    let correlation = "a5c2f1de-0000-4000-8000-7a11ba5e0001";
    let body = json!({"status": "error", "message": message, "correlationId": correlation, "category": category});
    Reply::new(status, body)
}

fn invalid(message: &str) -> Reply {
    error(400, "VALIDATION_ERROR", message)
}

/// One object with the properties asked for; those without a value are null, those that do not exist are left out.
fn shape(object: Object, number: usize, card: &Card, wanted: &[String], with_contacts: bool) -> Value {
    let id = object.id(number).to_string();
    let (created, modified) = (time(card.created), time(card.modified));
    let mut values = Map::new();
    let usual: Vec<String> = object.usual().iter().map(|s| (*s).to_owned()).collect();
    for name in if wanted.is_empty() { &usual } else { wanted } {
        let value = value_of(object, number, card, name);
        if value.is_some() || known(object, name) {
            values.insert(name.clone(), json!(value));
        }
    }
    values.insert("hs_object_id".to_owned(), json!(id));
    values.insert("createdate".to_owned(), json!(created));
    values.insert(object.modified().to_owned(), json!(modified));
    let mut body =
        json!({"id": id, "properties": values, "createdAt": created, "updatedAt": modified, "archived": false});
    if let (true, Some(contact)) = (with_contacts, card.contact) {
        let to = json!({"id": ids::contact(contact as usize).to_string(), "type": "ticket_to_contact"});
        body["associations"] = json!({"contacts": {"results": [to]}});
    }
    body
}

fn known(object: Object, name: &str) -> bool {
    match object {
        Object::Contact => CONTACT_PROPERTIES.iter().any(|(known, _, _)| *known == name),
        Object::Ticket => object.usual().contains(&name) || name == "hs_lastmodifieddate",
    }
}

fn value_of(object: Object, number: usize, card: &Card, name: &str) -> Option<String> {
    match name {
        "hs_object_id" => Some(object.id(number).to_string()),
        "createdate" => Some(time(card.created)),
        _ if name == object.modified() => Some(time(card.modified)),
        _ => card.get(name).map(str::to_owned),
    }
}

fn time(ms: i64) -> String {
    Time::from_ms(ms).utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn wanted(call: &Call) -> Vec<String> {
    let lists = call.query.iter().filter(|(k, _)| k == "properties").flat_map(|(_, v)| v.split(','));
    lists.filter(|p| !p.is_empty()).map(str::to_owned).collect()
}

fn with_contacts(call: &Call) -> bool {
    call.get("associations").is_some_and(|a| a.split(',').any(|kind| Object::parse(kind) == Some(Object::Contact)))
}

fn list(world: &World, call: &Call, object: Object) -> Reply {
    let limit = call.get("limit").map_or(Some(10), |l| l.parse::<i64>().ok());
    let Some(limit) = limit.filter(|l| (1..=LIST_MOST).contains(l)) else {
        return invalid("limit must be between 1 and 100");
    };
    let rows = &object.cards(world).rows;
    // `after` is the id before which the last page ended; it stays good when rows are added.
    let start = match call.get("after") {
        None => 0,
        Some(after) => match object.number(after) {
            Some(number) => number + 1,
            None => return invalid("after is not a valid cursor"),
        },
    };
    if call.get("archived") == Some("true") {
        return Reply::ok(json!({"results": []}));
    }
    let end = (start + limit as usize).min(rows.len());
    let (properties, contacts) = (wanted(call), with_contacts(call));
    let results: Vec<Value> =
        (start..end).filter_map(|n| rows.get(n).map(|card| shape(object, n, card, &properties, contacts))).collect();
    let mut body = json!({"results": results});
    if end < rows.len() && end > start {
        let after = object.id(end - 1).to_string();
        let link = format!("{}{}?after={after}", call.base, call.path);
        body["paging"] = json!({"next": {"after": after, "link": link}});
    }
    Reply::ok(body)
}

/// Finds the object that a path names, by id or by a unique property.
fn named(world: &World, call: &Call, object: Object, id: &str) -> Option<usize> {
    let cards = object.cards(world);
    match call.get("idProperty") {
        None | Some("hs_object_id") => object.number(id),
        Some("email") if object == Object::Contact => cards.with_email(id).first().map(|n| *n as usize),
        Some("portal_id") if object == Object::Contact => {
            let account = ids::account_number(id).and_then(|n| world.accounts.get(n)).and_then(|a| a.contact);
            let stored = account.filter(|n| cards.rows.get(*n as usize).and_then(|c| c.get("portal_id")) == Some(id));
            stored.map(|n| n as usize).or_else(|| cards.rows.iter().position(|c| c.get("portal_id") == Some(id)))
        }
        Some(_) => None,
    }
    .filter(|n| *n < cards.rows.len())
}

fn one(world: &World, call: &Call, object: Object, id: &str) -> Reply {
    let Some(number) = named(world, call, object, id) else {
        return error(404, "OBJECT_NOT_FOUND", "resource not found");
    };
    let card = object.cards(world).rows.get(number);
    card.map_or_else(
        || error(404, "OBJECT_NOT_FOUND", "resource not found"),
        |card| Reply::ok(shape(object, number, card, &wanted(call), with_contacts(call))),
    )
}

/// One comparison of a search.
struct Filter {
    property: String,
    operator: String,
    value: String,
    high: String,
    values: Vec<String>,
}

fn filters(group: &Value) -> Option<Vec<Filter>> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let one = |filter: &Value| {
        Some(Filter {
            property: filter["propertyName"].as_str()?.to_owned(),
            operator: filter["operator"].as_str()?.to_owned(),
            value: text(&filter["value"]),
            high: text(&filter["highValue"]),
            values: filter["values"].as_array().map(|list| list.iter().map(text).collect()).unwrap_or_default(),
        })
    };
    group["filters"].as_array()?.iter().map(one).collect()
}

/// A date property's milliseconds, or `None` for a property that is not a date.
fn moment(object: Object, card: &Card, property: &str) -> Option<i64> {
    match property {
        "createdate" => Some(card.created),
        _ if property == object.modified() => Some(card.modified),
        _ => None,
    }
}

fn instant(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| Time::parse(text).map(Time::ms))
}

fn holds(object: Object, number: usize, card: &Card, filter: &Filter) -> bool {
    if let Some(at) = moment(object, card, &filter.property) {
        let value = instant(&filter.value);
        let high = instant(&filter.high);
        return match filter.operator.as_str() {
            "EQ" => value == Some(at),
            "GT" => value.is_some_and(|v| at > v),
            "GTE" => value.is_some_and(|v| at >= v),
            "LT" => value.is_some_and(|v| at < v),
            "LTE" => value.is_some_and(|v| at <= v),
            "BETWEEN" => value.is_some_and(|v| at >= v) && high.is_some_and(|v| at <= v),
            "HAS_PROPERTY" => true,
            _ => false,
        };
    }
    let value = value_of(object, number, card, &filter.property);
    let same = |other: &String| value.as_ref().is_some_and(|v| v.eq_ignore_ascii_case(other));
    let numeric = |text: &str| text.parse::<i64>().ok();
    let ordered = value.as_deref().and_then(numeric).zip(numeric(&filter.value));
    match filter.operator.as_str() {
        "EQ" => same(&filter.value),
        "NEQ" => value.is_some() && !same(&filter.value),
        "IN" => filter.values.iter().any(same),
        "NOT_IN" => value.is_some() && !filter.values.iter().any(same),
        "GT" => ordered.is_some_and(|(a, b)| a > b),
        "GTE" => ordered.is_some_and(|(a, b)| a >= b),
        "LT" => ordered.is_some_and(|(a, b)| a < b),
        "LTE" => ordered.is_some_and(|(a, b)| a <= b),
        "HAS_PROPERTY" => value.is_some(),
        "NOT_HAS_PROPERTY" => value.is_none(),
        "CONTAINS_TOKEN" => value.is_some_and(|v| v.to_lowercase().contains(&filter.value.to_lowercase())),
        _ => false,
    }
}

fn search(world: &World, call: &Call, object: Object) -> Reply {
    let Some(body) = call.json() else { return invalid("Invalid input JSON") };
    let limit = body["limit"].as_i64().unwrap_or(10);
    if !(1..=SEARCH_MOST).contains(&limit) {
        return invalid("limit must be between 1 and 200");
    }
    let after = match &body["after"] {
        Value::Null => Some(0),
        Value::String(text) => text.parse::<usize>().ok(),
        Value::Number(number) => number.as_u64().map(|n| n as usize),
        _ => None,
    };
    let Some(start) = after else { return invalid("after is not a valid cursor") };
    if start + limit as usize > SEARCH_END {
        return invalid("The search endpoint can only return up to 10000 results for any given query");
    }
    let empty = Vec::new();
    let groups: Option<Vec<Vec<Filter>>> =
        body["filterGroups"].as_array().unwrap_or(&empty).iter().map(filters).collect();
    let Some(groups) = groups else { return invalid("a filter needs propertyName and operator") };
    let cards = object.cards(world);
    let fits = |number: &u32| {
        let Some(card) = cards.rows.get(*number as usize) else { return false };
        groups.is_empty() || groups.iter().any(|g| g.iter().all(|f| holds(object, *number as usize, card, f)))
    };
    // Only what was modified after the lowest bound can fit, and what is too new is not in the index yet.
    let low = groups.iter().map(|g| lower_bound(object, g)).min().unwrap_or(i64::MIN);
    let hits = cards.changed(low, call.now.ms() - world.lag_ms).filter(fits);
    let mut hits: Vec<u32> = hits.collect();
    let total = hits.len();
    order(object, cards, &body["sorts"], &mut hits);
    let properties: Vec<String> = body["properties"]
        .as_array()
        .map(|list| list.iter().filter_map(|p| p.as_str().map(str::to_owned)).collect())
        .unwrap_or_default();
    let end = (start + limit as usize).min(total);
    let results: Vec<Value> = hits
        .get(start.min(end)..end)
        .unwrap_or_default()
        .iter()
        .filter_map(|n| cards.rows.get(*n as usize).map(|c| shape(object, *n as usize, c, &properties, false)))
        .collect();
    let mut answer = json!({"total": total, "results": results});
    if end < total {
        answer["paging"] = json!({"next": {"after": end.to_string()}});
    }
    Reply::ok(answer)
}

fn lower_bound(object: Object, group: &[Filter]) -> i64 {
    let bounds = group.iter().filter(|f| f.property == object.modified());
    bounds
        .filter(|f| matches!(f.operator.as_str(), "GT" | "GTE" | "EQ" | "BETWEEN"))
        .filter_map(|f| instant(&f.value))
        .max()
        .unwrap_or(i64::MIN)
}

/// `sorts` is a list of names (`-name` for descending) or of `{propertyName, direction}`. Without it: by creation.
fn order(object: Object, cards: &Cards, sorts: &Value, hits: &mut [u32]) {
    let (name, descending) = match &sorts[0] {
        Value::String(name) => (name.trim_start_matches('-').to_owned(), name.starts_with('-')),
        Value::Object(sort) => {
            let text = |key: &str| sort.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            (text("propertyName"), text("direction") == "DESCENDING")
        }
        _ => ("createdate".to_owned(), false),
    };
    let at = |n: &u32| cards.rows.get(*n as usize).and_then(|card| moment(object, card, &name)).unwrap_or_default();
    if name != object.modified() {
        hits.sort_by_key(|n| (at(n), *n));
    }
    if descending {
        hits.reverse();
    }
}

fn properties(object: Object) -> Vec<Value> {
    let rows: Vec<(&str, &str, &str)> = match object {
        Object::Contact => CONTACT_PROPERTIES.to_vec(),
        Object::Ticket => object.usual().iter().map(|name| (*name, *name, "string")).collect(),
    };
    let stages: Vec<Value> = STAGES
        .iter()
        .enumerate()
        .map(|(i, (value, label))| json!({"label": label, "value": value, "displayOrder": i, "hidden": false}))
        .collect();
    rows.iter()
        .map(|(name, label, kind)| {
            let options = if *name == "lifecyclestage" { stages.clone() } else { Vec::new() };
            let field = match *kind {
                "enumeration" => "select",
                "datetime" => "date",
                "number" => "number",
                _ => "text",
            };
            json!({"name": name, "label": label, "type": kind, "fieldType": field, "groupName": "contactinformation",
                   "hasUniqueValue": *name == "portal_id" || *name == "hs_object_id", "hidden": false, "options": options})
        })
        .collect()
}

/// The written properties of a body, or the reply that refuses them.
fn written(call: &Call) -> Result<Vec<(String, String)>, Reply> {
    let Some(body) = call.json() else { return Err(invalid("Invalid input JSON")) };
    let Some(values) = body["properties"].as_object() else { return Err(invalid("properties is required")) };
    let mut out = Vec::new();
    for (name, value) in values {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        if name == "lifecyclestage" && !STAGES.iter().any(|(stage, _)| *stage == text) {
            return Err(invalid(&format!("{text} was not one of the allowed options")));
        }
        if !known(Object::Contact, name) {
            return Err(invalid(&format!("Property \"{name}\" does not exist")));
        }
        out.push((name.clone(), text));
    }
    Ok(out)
}

fn create(world: &mut World, call: &Call) -> Reply {
    let values = match written(call) {
        Ok(values) => values,
        Err(reply) => return reply,
    };
    let email = values.iter().find(|(name, _)| name == "email").map(|(_, v)| v.clone()).unwrap_or_default();
    if let Some(existing) = world.contacts.with_email(&email).first().filter(|_| !email.is_empty()) {
        let id = ids::contact(*existing as usize);
        return error(409, "CONFLICT", &format!("Contact already exists. Existing ID: {id}"));
    }
    let now = call.now.ms();
    let number = world.contacts.add(Card { created: now, modified: now, ..Card::default() });
    world.contacts.change(number, &values, now);
    let portal = values.iter().find(|(name, _)| name == "portal_id").and_then(|(_, v)| ids::account_number(v));
    if let Some(account) = portal.and_then(|n| world.accounts.get_mut(n))
        && account.contact.is_none()
    {
        account.contact = Some(number);
    }
    applied(world, call, "create_contact", number as usize, &values, 201)
}

fn change(world: &mut World, call: &Call, id: &str) -> Reply {
    let Some(number) = named(world, call, Object::Contact, id) else {
        return error(404, "OBJECT_NOT_FOUND", "resource not found");
    };
    let values = match written(call) {
        Ok(values) => values,
        Err(reply) => return reply,
    };
    world.contacts.change(number as u32, &values, call.now.ms());
    applied(world, call, "update_contact", number, &values, 200)
}

fn applied(
    world: &mut World,
    call: &Call,
    action: &'static str,
    number: usize,
    values: &[(String, String)],
    status: u16,
) -> Reply {
    let body: Map<String, Value> = values.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
    let target = ids::contact(number).to_string();
    world.note(Effect { system: System::Hubspot, action, target, body: Value::Object(body), at: call.now });
    let names: Vec<String> = values.iter().map(|(name, _)| name.clone()).collect();
    let card = world.contacts.rows.get(number).cloned().unwrap_or_default();
    Reply::new(status, shape(Object::Contact, number, &card, &names, false))
}
