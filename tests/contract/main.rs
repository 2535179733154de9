//! Every request that the clients make, and every answer that their tests give, against the providers' own documents.
//!
//! `TRUEUP_SPECS` names the folder of the documents. Without it nothing is checked, and that is said aloud.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, unreachable_pub)]
#[path = "../sources/fakes/mod.rs"]
mod fakes;
#[allow(unreachable_pub)]
mod openapi;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use trueup::domain::{System, Time};
use trueup::sources::Source;
use trueup::sources::budget::Limits;
use trueup::sources::registry::{SourceSpec, build};
use trueup::sources::secret::Secret;

use fakes::{
    Answer, Call, Fake, Held, cloudflare, gohighlevel, hubspot, intercom, lock, netlify, paddle, pipedrive, stripe,
    vercel, zendesk,
};
use openapi::Document;

/// Calls that no machine-readable document describes, with where they are described instead.
/// (path prefix, known query parameters, source)
const UNDESCRIBED: &[(&str, &[&str], &str)] = &[(
    "/api/v2/webhooks",
    &["page[size]", "page[after]", "filter[from_ts]"],
    "Zendesk's documentation of its webhooks API; no OpenAPI document of it was found",
)];
/// Required parameters that a documented alternative replaces. (path suffix, parameter, instead of it)
const REPLACED: &[(&str, &str, &str)] =
    &[("/incremental/users/cursor", "start_time", "cursor"), ("/incremental/tickets/cursor", "start_time", "cursor")];

/// Parameters whose description allows a list of words in one text, where its schema names single words only.
/// (path suffix, parameter, source)
const LISTS: &[(&str, &str, &str)] = &[(
    "/deals",
    "status",
    "Pipedrive's own description of it: multiple statuses as a comma separated array; the sheet lists all four",
)];

/// The folder of the documents, or `None` when there is nothing to check with.
fn specs() -> Option<PathBuf> {
    match std::env::var_os("TRUEUP_SPECS") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => {
            let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs");
            assert!(
                !(std::env::var_os("CI").is_some() && beside.is_dir()),
                "CI is set and {} exists, but TRUEUP_SPECS is not set: the contract would go unchecked",
                beside.display()
            );
            // Straight to the stream: what a passing test prints would be swallowed.
            let said = "NOT CHECKED: TRUEUP_SPECS is not set, so no request was compared with the providers' documents
";
            std::io::stderr().write_all(said.as_bytes()).unwrap();
            None
        }
    }
}

fn document(folder: &Path, system: System) -> Document {
    open(folder, system.as_str())
}

fn open(folder: &Path, name: &str) -> Document {
    let path = folder.join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Document(serde_json::from_str(&text).unwrap())
}

/// Netlify describes itself in the older Swagger 2: parameters carry their type beside their name, answers their schema
/// beside their words. Rewritten into the form that the checker reads; nothing is added or left out.
fn newer(document: Document) -> Document {
    let text = document.0.to_string().replace("#/definitions/", "#/components/schemas/");
    let mut doc: Value = serde_json::from_str(&text).unwrap();
    doc["components"] = json!({"schemas": doc["definitions"].clone()});
    let shared = doc["parameters"].clone();
    for (_, item) in doc["paths"].as_object_mut().unwrap() {
        for (key, part) in item.as_object_mut().unwrap() {
            let list = if key == "parameters" { Some(&mut *part) } else { part.get_mut("parameters") };
            for parameter in list.and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(name) = parameter["$ref"].as_str().and_then(|at| at.strip_prefix("#/parameters/")) {
                    *parameter = shared[name].clone();
                }
                if parameter.get("schema").is_none() {
                    parameter["schema"] = json!({"type": parameter["type"], "enum": parameter["enum"]});
                }
            }
            for (_, answer) in part.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
                answer["content"] = json!({"application/json": {"schema": answer["schema"]}});
            }
        }
    }
    Document(doc)
}

fn source(system: System, base: &str) -> Box<dyn Source> {
    build(&SourceSpec {
        system,
        base_url: base.to_owned(),
        live: true,
        link_field: None,
        account: [
            ("email", "ops@acme.example"),
            ("location_id", gohighlevel::LOCATION),
            ("project", "acme-web"),
            ("team", "team_1"),
            ("site", "acme-web"),
            ("zone", "acme.example"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        api_key: Secret::new("key_of_the_contract", base),
        limits: Some(Limits::LOOPBACK),
    })
    .unwrap()
}

/// Checks every exchange. Returns the operations that were seen, so that the test can say that none is missing.
fn check(document: &Document, fake: &Fake) -> BTreeSet<String> {
    check_all(&[("", document)], fake)
}

/// As [`check`], with the document of each call found by how its path begins; what stands before the document's own
/// paths (the path of its server) is named with it.
fn check_all(documents: &[(&str, &Document)], fake: &Fake) -> BTreeSet<String> {
    let mut wrong = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for (call, answer) in fake.exchanges() {
        seen.insert(format!("{} {}", call.method, generic(&call.path)));
        let line = format!("{} {} {:?}", call.method, call.path, call.query);
        if let Some((_, known, _)) = UNDESCRIBED.iter().find(|(prefix, ..)| call.path.starts_with(prefix)) {
            let strange = call.query.iter().filter(|(name, _)| !known.contains(&name.as_str()));
            wrong.extend(strange.map(|(name, _)| format!("{line}: unknown `{name}`")));
            continue;
        }
        // The list that fits is the longest: `/locations` has its own document.
        let fits = documents.iter().filter(|(prefix, _)| call.path.starts_with(prefix));
        let Some((prefix, document)) = fits.max_by_key(|(prefix, _)| prefix.len()) else {
            wrong.insert(format!("{line}: no document has it"));
            continue;
        };
        let call = within(&call, prefix);
        let excused: Vec<&str> = REPLACED
            .iter()
            .filter(|(path, _, instead)| call.path.ends_with(path) && call.get(instead).is_some())
            .map(|(_, parameter, _)| *parameter)
            .collect();
        wrong.extend(document.check_request(&call, &excused).into_iter().map(|w| format!("{line}: {w}")));
        if answer.status == 200 {
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            wrong.extend(document.check_answer(&call, &body).into_iter().map(|w| format!("answer to {line}: {w}")));
        }
    }
    assert!(wrong.is_empty(), "{} things are not in the document:\n{:#?}", wrong.len(), wrong);
    seen
}

/// The call as its document knows it: without the path of the server, and lists of words as their first word.
fn within(call: &Call, prefix: &str) -> Call {
    let mut call = call.clone();
    // Only versions stand in the path of a server; other prefixes choose between documents.
    if prefix.rsplit('/').next().is_some_and(|last| last.starts_with('v')) {
        call.path = call.path[prefix.len()..].to_owned();
    }
    call.path = call.path.trim_end_matches('/').to_owned();
    for (name, value) in &mut call.query {
        if LISTS.iter().any(|(path, parameter, _)| call.path.ends_with(path) && name == parameter) {
            let words: BTreeSet<&str> = value.split(',').collect();
            assert_eq!(words, BTreeSet::from(["open", "won", "lost", "deleted"]));
            "open".clone_into(value);
        }
    }
    call
}

/// A path with its ids taken out.
fn generic(path: &str) -> String {
    let id = |part: &str| {
        part.contains('_') && part.starts_with(|c: char| c.is_ascii_lowercase())
            || part.chars().any(|c| c.is_ascii_digit())
    };
    let kept = ["v1", "v2", "v3", "v4", "webhook_endpoints"];
    let id = |part: &str| id(part) || part == gohighlevel::LOCATION;
    path.split('/')
        .map(|part| if id(part) && !kept.contains(&part) { "{id}" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

fn expect(seen: &BTreeSet<String>, operations: &[&str]) {
    for operation in operations {
        assert!(seen.contains(*operation), "the story does not make the client ask {operation}; it asked {seen:#?}");
    }
    assert_eq!(seen.len(), operations.len(), "{seen:#?}");
}

#[tokio::test]
async fn every_stripe_request_is_one_that_stripe_describes() {
    let Some(folder) = specs() else { return };
    let (fake, world) = stripe::start(stripe::World { page: 2, ..stripe::World::small() }).await;
    let source = source(System::Stripe, &fake.base);
    let now = Time::from_secs(stripe::START);
    source.probe(now).await.unwrap();
    let mut held = Held::default();
    {
        let mut world = lock(&world);
        let object = world.invoices[0].clone();
        for i in 0..50 {
            world.tell(&format!("evt_old{i}"), "invoice.paid", &object, 1);
        }
    }
    held.round(&*source, now).await.unwrap();
    {
        // Two changes of each kind in one second, so that each object is read again; and a dispute.
        let mut world = lock(&world);
        world.clock += 60;
        for (i, id, kind) in [
            (0, "cus_1", "customer.updated"),
            (1, "sub_1", "customer.subscription.updated"),
            (2, "in_1", "invoice.updated"),
            (3, "ch_1", "charge.updated"),
        ] {
            for half in ["a", "b"] {
                world.change(id, &format!("evt_{i}{half}"), kind, |_| {});
            }
        }
        let dispute = json!({"id": "dp_1", "object": "dispute", "charge": "ch_2", "payment_intent": "pi_ch_2"});
        world.tell("evt_dispute", "charge.dispute.created", &dispute, 0);
        // All but five are delivered: a span; the last five one by one.
        world.events.iter_mut().filter(|e| e["id"] != "evt_old7").for_each(|e| e["pending_webhooks"] = json!(0));
    }
    held.round(&*source, now.plus_ms(60_000)).await.unwrap();
    lock(&world).events.iter_mut().for_each(|e| e["pending_webhooks"] = json!(0));
    held.round(&*source, now.plus_ms(120_000)).await.unwrap();
    // A restricted key is probed by other means.
    lock(&world).forbidden.push("/v1/account");
    source.probe(now).await.unwrap();
    let seen = check(&document(&folder, System::Stripe), &fake);
    expect(
        &seen,
        &[
            "GET /v1/account",
            "GET /v1/customers",
            "GET /v1/customers/{id}",
            "GET /v1/subscriptions",
            "GET /v1/subscriptions/{id}",
            "GET /v1/invoices",
            "GET /v1/invoices/{id}",
            "GET /v1/charges",
            "GET /v1/events",
            "GET /v1/events/{id}",
            "GET /v1/webhook_endpoints",
        ],
    );
}

#[tokio::test]
async fn every_paddle_request_is_one_that_paddle_describes() {
    let Some(folder) = specs() else { return };
    let (fake, world) = paddle::start(paddle::World { page: 2, ..paddle::World::small() }).await;
    let source = source(System::Paddle, &fake.base);
    let now = Time::from_ms(paddle::START);
    source.probe(now).await.unwrap();
    {
        let mut world = lock(&world);
        world.notifications = (0..45)
            .map(|n| {
                let (id, event) = (format!("ntf_{n:02}"), format!("evt_{n:02}"));
                paddle::notification(&id, paddle::START - 5000, &event, "needs_retry", 2)
            })
            .collect();
        world.logs.push(("ntf_44".to_owned(), 503));
    }
    let mut held = Held::default();
    held.round(&*source, now).await.unwrap();
    {
        // Two changes of each kind in one second, so that each object is read again.
        let mut world = lock(&world);
        world.clock += 60_000;
        for (n, id, kind) in [(1, "ctm_1", "customer"), (2, "sub_1", "subscription"), (3, "txn_1", "transaction")] {
            for half in ["a", "b"] {
                world.change(id, &format!("evt_9{n}{half}"), &format!("{kind}.updated"), |_| {});
            }
        }
        world.notifications.iter_mut().for_each(|row| row["status"] = json!("delivered"));
    }
    held.round(&*source, now.plus_ms(60_000)).await.unwrap();
    let seen = check(&document(&folder, System::Paddle), &fake);
    expect(
        &seen,
        &[
            "GET /customers",
            "GET /customers/{id}",
            "GET /subscriptions",
            "GET /subscriptions/{id}",
            "GET /transactions",
            "GET /transactions/{id}",
            "GET /events",
            "GET /notifications",
            "GET /notifications/{id}",
            "GET /notifications/{id}/logs",
            "GET /notification-settings",
        ],
    );
}

#[tokio::test]
async fn every_hubspot_request_is_one_that_hubspot_describes() {
    let Some(folder) = specs() else { return };
    let (fake, world) = hubspot::start(hubspot::World { page: 1, ..hubspot::World::small() }).await;
    let source = source(System::Hubspot, &fake.base);
    let now = Time::from_ms(hubspot::START);
    source.probe(now).await.unwrap();
    let mut held = Held::default();
    held.round(&*source, now).await.unwrap();
    {
        let mut world = lock(&world);
        let at = world.clock + 1000;
        world.contacts.extend(["7", "8"].map(|id| hubspot::contact(id, at, "x@acme.example", "lead")));
        world.tickets[1] = hubspot::ticket("11", at, "2", "4");
    }
    held.round(&*source, now.plus_ms(60_000)).await.unwrap();
    let seen = check(&document(&folder, System::Hubspot), &fake);
    expect(
        &seen,
        &[
            "GET /crm/v3/properties/contacts/lifecyclestage",
            "GET /crm/v3/objects/contacts",
            "GET /crm/v3/objects/tickets",
            "GET /crm/v3/objects/tickets/{id}",
            "POST /crm/v3/objects/contacts/search",
            "POST /crm/v3/objects/tickets/search",
        ],
    );
}

#[tokio::test]
async fn every_pipedrive_request_is_one_that_pipedrive_describes() {
    let Some(folder) = specs() else { return };
    let (fake, world) = pipedrive::start(pipedrive::World { page: 1, ..pipedrive::World::small() }).await;
    let source = source(System::Pipedrive, &fake.base);
    let now = Time::from_ms(pipedrive::START);
    source.probe(now).await.unwrap();
    let mut held = Held::default();
    held.round(&*source, now).await.unwrap();
    {
        let mut world = lock(&world);
        world.clock += 60_000;
        let at = world.clock;
        world.persons.extend([7, 8].map(|id| pipedrive::person(id, at, "x@acme.example")));
        world.deals.extend([17, 18].map(|id| pipedrive::deal(id, at, 7, "lost")));
    }
    held.round(&*source, now.plus_ms(60_000)).await.unwrap();
    let (one, two) = (open(&folder, "pipedrive-v1"), open(&folder, "pipedrive-v2"));
    let seen = check_all(&[("/v1", &one), ("/api/v2", &two)], &fake);
    expect(
        &seen,
        &[
            "GET /v1/users/me",
            "GET /v1/webhooks",
            "GET /api/v2/personFields",
            "GET /api/v2/persons",
            "GET /api/v2/deals",
        ],
    );
    let asked = fake.calls();
    assert!(asked.iter().any(|call| call.get("updated_since").is_some() && call.get("cursor").is_some()));
}

#[tokio::test]
async fn every_gohighlevel_request_is_one_that_gohighlevel_describes() {
    let Some(folder) = specs() else { return };
    let parts = ["contacts", "locations", "opportunities"];
    let documents = parts.map(|part| (format!("/{part}"), open(&folder, &format!("gohighlevel-{part}"))));
    let documents: Vec<(&str, &Document)> =
        documents.iter().map(|(path, document)| (path.as_str(), document)).collect();
    for meta in [true, false] {
        let world = gohighlevel::World { page: 1, meta, ..gohighlevel::World::small() };
        let (fake, _) = gohighlevel::start(world).await;
        let source = source(System::Gohighlevel, &fake.base);
        let now = Time::from_ms(gohighlevel::START);
        source.probe(now).await.unwrap();
        let mut held = Held::default();
        held.round(&*source, now).await.unwrap();
        held.round(&*source, now.plus_ms(60_000)).await.unwrap();
        let seen = check_all(&documents, &fake);
        expect(
            &seen,
            &["GET /locations/{id}", "GET /locations/{id}/customFields", "GET /contacts/", "GET /opportunities/search"],
        );
    }
}

#[tokio::test]
async fn every_zendesk_request_is_one_that_zendesk_describes() {
    let Some(folder) = specs() else { return };
    let (fake, _) = zendesk::start(zendesk::World { page: 1, ..zendesk::World::small() }).await;
    let source = source(System::Zendesk, &fake.base);
    let now = Time::from_ms(zendesk::START);
    source.probe(now).await.unwrap();
    let mut held = Held::default();
    held.round(&*source, now).await.unwrap();
    held.round(&*source, now.plus_ms(60_000)).await.unwrap();
    let seen = check(&document(&folder, System::Zendesk), &fake);
    expect(
        &seen,
        &[
            "GET /api/v2/users/me",
            "GET /api/v2/incremental/users/cursor",
            "GET /api/v2/incremental/tickets/cursor",
            "GET /api/v2/webhooks",
            "GET /api/v2/webhooks/{id}/invocations",
            "GET /api/v2/webhooks/{id}/invocations/{id}/attempts",
        ],
    );
}

#[tokio::test]
async fn every_vercel_request_is_one_that_vercel_describes() {
    let Some(folder) = specs() else { return };
    let (fake, world) = vercel::start(vercel::World { page: 2, ..vercel::World::small() }).await;
    let source = source(System::Vercel, &fake.base);
    let now = Time::from_ms(vercel::START);
    source.probe(now).await.unwrap();
    let mut held = Held::default();
    held.round(&*source, now).await.unwrap();
    // A rollback, so that pages are followed without a moment to begin at.
    lock(&world).live = Some("dpl_1".to_owned());
    held.round(&*source, now.plus_ms(60_000)).await.unwrap();
    let seen = check(&document(&folder, System::Vercel), &fake);
    expect(
        &seen,
        &["GET /v9/projects/acme-web", "GET /v6/deployments", "GET /v1/webhooks", "GET /v9/projects/acme-web/domains"]
            .map(|line| line.replace("/v9/", "/{id}/").replace("/v6/", "/{id}/"))
            .each_ref()
            .map(String::as_str),
    );
}

#[tokio::test]
async fn every_netlify_request_is_one_that_netlify_describes() {
    let Some(folder) = specs() else { return };
    let (fake, world) = netlify::start(netlify::World { page: 2, ..netlify::World::small() }).await;
    let base = format!("{}/api/v1", fake.base);
    let by_name = source(System::Netlify, &base);
    let now = Time::from_ms(netlify::START);
    by_name.probe(now).await.unwrap();
    let mut held = Held::default();
    held.round(&*by_name, now).await.unwrap();
    lock(&world).published = Some("d1".to_owned());
    held.round(&*by_name, now.plus_ms(60_000)).await.unwrap();
    let by_id = build(&SourceSpec {
        system: System::Netlify,
        base_url: base.clone(),
        live: true,
        link_field: None,
        account: BTreeMap::from([("site".to_owned(), netlify::SITE.to_owned())]),
        api_key: Secret::new("contract-key", &base),
        limits: Some(Limits::LOOPBACK),
    });
    by_id.unwrap().probe(now).await.unwrap();
    let seen = check_all(&[("/api/v1", &newer(document(&folder, System::Netlify)))], &fake);
    expect(
        &seen,
        &["GET /api/v1/sites", "GET /api/v1/sites/{id}", "GET /api/v1/sites/{id}/deploys", "GET /api/v1/hooks"],
    );
}

#[tokio::test]
async fn every_cloudflare_request_is_one_that_cloudflare_describes() {
    let Some(folder) = specs() else { return };
    let (fake, _) = cloudflare::start(cloudflare::World { page: 2, ..cloudflare::World::small() }).await;
    let base = format!("{}/client/v4", fake.base);
    let by_name = source(System::Cloudflare, &base);
    let now = Time::from_ms(cloudflare::START);
    by_name.probe(now).await.unwrap();
    let mut held = Held::default();
    held.round(&*by_name, now).await.unwrap();
    let by_id = build(&SourceSpec {
        system: System::Cloudflare,
        base_url: base.clone(),
        live: true,
        link_field: None,
        account: BTreeMap::from([("zone".to_owned(), cloudflare::ZONE.to_owned())]),
        api_key: Secret::new("contract-key", &base),
        limits: Some(Limits::LOOPBACK),
    });
    by_id.unwrap().probe(now).await.unwrap();
    let seen = check_all(&[("/client/v4", &document(&folder, System::Cloudflare))], &fake);
    expect(
        &seen,
        &[
            "GET /client/v4/zones",
            "GET /client/v4/zones/{id}",
            "GET /client/v4/zones/{id}/settings/ssl",
            "GET /client/v4/zones/{id}/settings/{id}",
            "GET /client/v4/zones/{id}/ssl/certificate_packs",
            "GET /client/v4/zones/{id}/dns_records",
        ]
        .map(|line| line.replace("certificate_packs", "{id}").replace("dns_records", "{id}"))
        .each_ref()
        .map(String::as_str),
    );
}

#[tokio::test]
async fn every_intercom_request_is_one_that_intercom_describes() {
    let Some(folder) = specs() else { return };
    let (fake, world) = intercom::start(intercom::World { page: 1, ..intercom::World::small() }).await;
    let source = source(System::Intercom, &fake.base);
    let now = Time::from_secs(intercom::START);
    source.probe(now).await.unwrap();
    let mut held = Held::default();
    held.round(&*source, now).await.unwrap();
    {
        let mut world = lock(&world);
        let at = world.clock + 1;
        world.contacts.extend(["7", "8"].map(|id| intercom::contact(id, at, "x@acme.example", "user")));
    }
    held.round(&*source, now.plus_ms(60_000)).await.unwrap();
    let seen = check(&document(&folder, System::Intercom), &fake);
    expect(
        &seen,
        &[
            "GET /me",
            "GET /conversations",
            "GET /contacts/{id}/tags",
            "POST /contacts/search",
            "POST /conversations/search",
            "POST /tickets/search",
        ],
    );
}

#[tokio::test]
async fn stripes_own_example_objects_are_understood() {
    let Some(folder) = specs() else { return };
    let text = std::fs::read_to_string(folder.join("stripe-fixtures.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let examples = all["resources"].clone();
    let fake = Fake::start(move |call| {
        let name = match call.path.as_str() {
            "/v1/customers" => "customer",
            "/v1/subscriptions" => "subscription",
            "/v1/invoices" => "invoice",
            "/v1/charges" => "charge",
            "/v1/webhook_endpoints" => "webhook_endpoint",
            "/v1/events" => "event",
            other => panic!("{other}"),
        };
        let mut example = examples[name].clone();
        // The examples carry a mode each; this account is live.
        example["livemode"] = json!(true);
        Answer::json(&json!({"object": "list", "url": call.path, "has_more": false, "data": [example]}))
    })
    .await;
    let mut held = Held::default();
    held.round(&*source(System::Stripe, &fake.base), Time::from_secs(stripe::START)).await.unwrap();
    assert_eq!(held.records.len(), 5, "{:#?}", held.records.keys());
    assert_eq!(held.deliveries.len(), 1);
    let subscription = held.records.values().find(|r| r.kind == trueup::domain::Kind::Subscription).unwrap();
    assert!(subscription.parent.is_some() && subscription.state.is_some() && !subscription.plan_keys.is_empty());
    assert!(subscription.period_ends_at.is_some(), "the newer place of current_period_end");
}

/// The checker itself: what is not described must be found.
#[test]
fn what_is_not_described_is_found() {
    let document = Document(json!({
        "paths": {"/v1/things/{id}": {"get": {
            "parameters": [
                {"in": "path", "name": "id", "required": true, "schema": {"type": "string"}},
                {"in": "query", "name": "limit", "schema": {"$ref": "#/components/schemas/count"}},
                {"in": "query", "name": "must", "required": true, "schema": {"type": "boolean"}},
                {"in": "query", "name": "created", "style": "deepObject", "schema": {"anyOf": [
                    {"type": "object", "properties": {"gt": {"type": "integer"}}}, {"type": "integer"}]}}],
            "responses": {"200": {"content": {"application/json": {"schema": {"type": "object",
                "properties": {"n": {"type": "integer"}, "w": {"type": "string", "enum": ["a"]}}}}}}}},
            "post": {"requestBody": {"content": {"application/json": {"schema": {"type": "object",
                "required": ["q"], "properties": {"q": {"type": "string"}}}}}}, "responses": {}}}},
        "components": {"schemas": {"count": {"type": "integer"}}}
    }));
    let call = |method: &str, path: &str, query: &[(&str, &str)], body: Option<Value>| Call {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        headers: BTreeMap::new(),
        body,
    };
    let good = call("GET", "/v1/things/t1", &[("limit", "5"), ("must", "true"), ("created[gt]", "7")], None);
    assert_eq!(document.check_request(&good, &[]), Vec::<String>::new());
    for (query, words) in [
        (&[("must", "true"), ("limit", "x")][..], "is no"),
        (&[("must", "true"), ("nope", "1")], "unknown query parameter"),
        (&[("must", "true"), ("created[ge]", "1")], "has no ge"),
        (&[("must", "true"), ("limit[gt]", "1")], "takes no key"),
        (&[("must", "true"), ("must", "true")], "twice"),
        (&[], "required parameter"),
    ] {
        let wrong = document.check_request(&call("GET", "/v1/things/t1", query, None), &[]);
        assert!(wrong.iter().any(|w| w.contains(words)), "{query:?}: {wrong:?}");
    }
    assert!(!document.check_request(&call("GET", "/v1/other", &[], None), &[]).is_empty());
    assert!(!document.check_request(&call("DELETE", "/v1/things/t1", &[], None), &[]).is_empty());
    for body in [json!({"q": 1}), json!({"q": "x", "more": 1}), json!({})] {
        let wrong = document.check_request(&call("POST", "/v1/things/t1", &[], Some(body.clone())), &[]);
        assert!(!wrong.is_empty(), "{body}");
    }
    assert!(document.check_answer(&good, &json!({"n": 1, "w": "a", "unknown": []})).is_empty());
    assert_eq!(document.check_answer(&good, &json!({"n": "1", "w": "b"})).len(), 2);
}
