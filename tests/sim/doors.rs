//! The fakes as providers: credentials, paging, limits, faults, shapes, effects, ports.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::json;
use trueup::domain::System;
use trueup::sim::{Fault, Options};

use crate::house::{frozen, open, until};

#[tokio::test]
async fn without_the_right_key_nothing_is_told() {
    let house = frozen(1).await;
    let at = house.running.addresses().clone();
    let calls = [
        (System::Stripe, format!("{}/v1/customers", at.of(System::Stripe))),
        (System::Hubspot, format!("{}/crm/v3/objects/contacts", at.of(System::Hubspot))),
        (System::Pipedrive, format!("{}/api/v2/persons", at.of(System::Pipedrive))),
        (System::Gohighlevel, format!("{}/contacts/", at.of(System::Gohighlevel))),
        (System::Intercom, format!("{}/me", at.of(System::Intercom))),
        (System::Zendesk, format!("{}/api/v2/users/me", at.of(System::Zendesk))),
    ];
    for (system, url) in calls {
        for request in [house.http.get(&url), house.http.get(&url).bearer_auth("sk_test_wrong")] {
            let request = if system == System::Gohighlevel { request.header("version", "2021-07-28") } else { request };
            let (status, body) = house.send(request).await;
            assert_eq!(status, 401, "{system}");
            match system {
                System::Stripe => assert_eq!(body["error"]["type"], "invalid_request_error"),
                System::Hubspot => assert_eq!(body["category"], "INVALID_AUTHENTICATION"),
                System::Pipedrive => assert_eq!(body["success"], false),
                System::Gohighlevel => assert_eq!(body["statusCode"], 401),
                System::Intercom => assert_eq!(body["type"], "error.list"),
                _ => assert_eq!(body["error"], "Couldn't authenticate you"),
            }
        }
    }
    house.running.stop().await;
}

#[tokio::test]
async fn an_unknown_path_is_a_404_in_the_providers_own_shape() {
    let house = frozen(1).await;
    let (status, body) = house.stripe("/v1/nonsense").await;
    assert_eq!((status, &body["error"]["type"]), (404, &json!("invalid_request_error")));
    let (status, body) = house.stripe("/v1/customers/cus_nobody").await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("resource_missing")));
    let (status, body) = house.hubspot("/crm/v3/objects/unicorns").await;
    assert_eq!((status, &body["status"]), (404, &json!("error")));
    let (status, body) = house.zendesk("/api/v2/nonsense").await;
    assert_eq!((status, &body["error"]["title"]), (404, &json!("Invalid endpoint")));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_bring_every_row_once() {
    let house = frozen(3).await;
    for path in ["/v1/customers", "/v1/subscriptions?status=all", "/v1/invoices", "/v1/charges", "/v1/events"] {
        let rows = house.stripe_all(path).await;
        let ids: HashSet<&str> = rows.iter().map(|r| r["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), rows.len(), "{path}");
        assert!(rows.len() > 200, "{path}: {}", rows.len());
        let created: Vec<i64> = rows.iter().map(|r| r["created"].as_i64().unwrap()).collect();
        assert!(created.windows(2).all(|w| w[0] >= w[1]), "{path} is newest first");
    }
    let contacts = house.contacts().await;
    let ids: HashSet<&str> = contacts.iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), contacts.len());
    for per_page in [7, 1000] {
        let users = house.export("users", per_page).await;
        let ids: HashSet<i64> = users.iter().map(|r| r["id"].as_i64().unwrap()).collect();
        assert_eq!(ids.len(), users.len());
        assert_eq!(users.len(), 240 + 1, "everybody in the portal, and the agent");
    }
    assert!(house.export("tickets", 5).await.len() > 10);
    house.running.stop().await;
}

#[tokio::test]
async fn canceled_subscriptions_are_left_out_unless_all_are_asked_for() {
    let house = frozen(1).await;
    let all = house.stripe_all("/v1/subscriptions?status=all").await;
    let some = house.stripe_all("/v1/subscriptions").await;
    assert!(all.iter().any(|s| s["status"] == "canceled"));
    assert!(some.iter().all(|s| s["status"] != "canceled") && !some.is_empty());
    let one = &all[0];
    assert!(one["items"]["data"][0]["current_period_end"].is_i64() && one.get("current_period_end").is_none());
    let invoice = &house.stripe_all("/v1/invoices").await[0];
    assert!(invoice["parent"]["subscription_details"]["subscription"].as_str().unwrap().starts_with("sub_"));
    house.running.stop().await;
}

#[tokio::test]
async fn filters_narrow_lists_as_documented() {
    let house = frozen(1).await;
    let customers = house.stripe_all("/v1/customers").await;
    let middle = customers[100]["created"].as_i64().unwrap();
    let newer = house.stripe_all(&format!("/v1/customers?created%5Bgte%5D={middle}")).await;
    assert!(newer.len() > 90 && newer.iter().all(|c| c["created"].as_i64().unwrap() >= middle));
    let email = customers[5]["email"].as_str().unwrap();
    let found = house.stripe_all(&format!("/v1/customers?email={}", email.replace('+', "%2B"))).await;
    assert_eq!(found[0]["id"], customers[5]["id"]);
    let portal = customers[5]["metadata"]["portal_id"].as_str().unwrap();
    let (_, found) = house.stripe(&format!("/v1/customers/search?query=metadata%5B'portal_id'%5D%3A'{portal}'")).await;
    assert_eq!(found["data"][0]["id"], customers[5]["id"]);
    let events = house.stripe_all("/v1/events?types%5B%5D=invoice.paid&types%5B%5D=customer.created").await;
    assert!(events.iter().all(|e| e["type"] == "invoice.paid" || e["type"] == "customer.created"));
    let pending = house.stripe_all("/v1/events?delivery_success=false").await;
    assert!(!pending.is_empty() && pending.iter().all(|e| e["pending_webhooks"] == 1));
    let (status, _) = house.stripe("/v1/customers?limit=101").await;
    assert_eq!(status, 400);
    house.running.stop().await;
}

#[tokio::test]
async fn hubspot_is_asked_by_email_by_property_and_by_search() {
    let house = frozen(1).await;
    let contacts = house.contacts().await;
    let linked = contacts.iter().find(|c| c["properties"]["portal_id"].is_string()).unwrap();
    let (email, portal) = (&linked["properties"]["email"], &linked["properties"]["portal_id"]);
    let path = |id: &str, by: &str| format!("/crm/v3/objects/contacts/{}?idProperty={by}", id.replace('@', "%40"));
    let (_, by_email) = house.hubspot(&path(email.as_str().unwrap(), "email")).await;
    let (_, by_portal) = house.hubspot(&path(portal.as_str().unwrap(), "portal_id")).await;
    assert_eq!((&by_email["id"], &by_portal["id"]), (&linked["id"], &linked["id"]));
    let (status, _) = house.hubspot(&path("nobody@nowhere.example", "email")).await;
    assert_eq!(status, 404);
    let week = (chrono::Utc::now() - chrono::Duration::days(7)).timestamp_millis();
    let mut seen = HashSet::new();
    let mut after = json!(null);
    loop {
        let filter = json!({"propertyName": "lastmodifieddate", "operator": "GTE", "value": week.to_string()});
        let sort = json!({"propertyName": "lastmodifieddate", "direction": "ASCENDING"});
        let body = json!({"filterGroups": [{"filters": [filter]}], "sorts": [sort], "limit": 10, "after": after});
        let (status, page) = house.hubspot_post("/crm/v3/objects/contacts/search", &body).await;
        assert_eq!(status, 200, "{page}");
        for row in page["results"].as_array().unwrap() {
            assert!(seen.insert(row["id"].clone()));
        }
        after = page["paging"]["next"]["after"].clone();
        if after.is_null() {
            assert_eq!(page["total"].as_u64().unwrap() as usize, seen.len());
            break;
        }
    }
    assert!(seen.len() > 20 && seen.len() < contacts.len());
    let body = json!({"filterGroups": [], "limit": 200, "after": "9900"});
    let (status, _) = house.hubspot_post("/crm/v3/objects/contacts/search", &body).await;
    assert_eq!(status, 400, "beyond 10,000 rows");
    let (_, stage) = house.hubspot("/crm/v3/properties/contacts/lifecyclestage").await;
    assert!(stage["options"].as_array().unwrap().iter().any(|o| o["value"] == "customer"));
    house.running.stop().await;
}

#[tokio::test]
async fn zendesk_withholds_nothing_old_and_refuses_a_start_that_is_too_recent() {
    let house = frozen(1).await;
    let now = chrono::Utc::now().timestamp();
    let (status, body) = house.zendesk(&format!("/api/v2/incremental/users/cursor?start_time={now}")).await;
    assert_eq!((status, &body["error"]), (422, &json!("StartTimeTooRecent")));
    let (_, hooks) = house.zendesk("/api/v2/webhooks?filter%5Bstatus%5D=active").await;
    let id = hooks["webhooks"][0]["id"].as_str().unwrap();
    let (_, page) = house.zendesk(&format!("/api/v2/webhooks/{id}/invocations?page%5Bsize%5D=50")).await;
    assert_eq!(page["invocations"].as_array().unwrap().len(), 50);
    let invocation = page["invocations"][0]["id"].as_str().unwrap();
    let logged = house.portal(r#"select "eventId" from webhook_events where source = 'zendesk'"#).await;
    assert!(logged.iter().any(|row| row[0].as_deref() == Some(invocation)), "the portal logs it under the same id");
    let (_, tries) = house.zendesk(&format!("/api/v2/webhooks/{id}/invocations/{invocation}/attempts")).await;
    assert_eq!(tries["attempts"].as_array().unwrap().len(), 1);
    let (_, found) = house.zendesk("/api/v2/users/search?external_id=HP_1010").await;
    assert_eq!(found["users"][0]["external_id"], "hp_1010", "external ids have no case");
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn too_many_requests_are_told_so_and_later_welcome_again() {
    let house = open(Options { story: false, ..Options::default() }).await;
    let mut seen = Vec::new();
    for _ in 0..60 {
        seen.push(house.stripe("/v1/account").await.0);
    }
    assert!(seen.contains(&429) && seen.contains(&200), "{seen:?}");
    assert!(seen.iter().take(25).all(|s| *s == 200), "up to the limit all is well");
    until(5, "Stripe welcomes us again", async || (house.stripe("/v1/account").await.0 == 200).then_some(())).await;
    let body = json!({"filterGroups": [], "limit": 1});
    let mut policy = None;
    for _ in 0..12 {
        let (status, reply) = house.hubspot_post("/crm/v3/objects/contacts/search", &body).await;
        policy = policy.or_else(|| (status == 429).then(|| reply["policyName"].clone()));
    }
    assert_eq!(policy, Some(json!("SECONDLY")));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_is_one_providers_alone() {
    let house = frozen(1).await;
    let running = &house.running;
    running.fault(System::Stripe, Fault::Status(500));
    let (status, body) = house.stripe("/v1/account").await;
    assert_eq!((status, &body["error"]["type"]), (500, &json!("api_error")));
    assert_eq!(house.hubspot("/crm/v3/objects/contacts").await.0, 200);
    running.fault(System::Stripe, Fault::Html);
    assert_eq!(house.stripe("/v1/account").await, (200, json!(null)), "a page is not JSON");
    running.fault(System::Stripe, Fault::RateLimit { retry_after: 3 });
    assert_eq!(house.stripe("/v1/account").await.0, 429);
    running.fault(System::Stripe, Fault::Slow(300));
    let begun = Instant::now();
    assert_eq!(house.stripe("/v1/account").await.0, 200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    running.fault(System::Zendesk, Fault::RateLimit { retry_after: 7 });
    let url = format!("{}/api/v2/users/me", running.addresses().of(System::Zendesk));
    let reply = house.http.get(url).send().await.unwrap();
    assert_eq!(reply.headers()["retry-after"], "7");
    running.fault(System::Stripe, Fault::Cut);
    let url = format!("{}/v1/account", running.addresses().of(System::Stripe));
    let reply = house.http.get(&url).send().await.unwrap();
    assert!(reply.bytes().await.is_err(), "the body breaks off");
    running.fault(System::Stripe, Fault::Hang);
    let hung = house.http.get(&url).timeout(Duration::from_millis(400)).send().await;
    assert!(hung.unwrap_err().is_timeout());
    running.fault(System::Stripe, Fault::None);
    assert_eq!(house.stripe("/v1/account").await.0, 200);
    house.running.stop().await;
}

#[tokio::test]
async fn an_applied_write_is_an_effect_and_a_refused_one_is_not() {
    let house = frozen(1).await;
    let body = json!({"properties": {"email": "new@harbour.example", "lifecyclestage": "customer"}});
    let (status, made) = house.hubspot_post("/crm/v3/objects/contacts", &body).await;
    assert_eq!(status, 201, "{made}");
    let (status, again) = house.hubspot_post("/crm/v3/objects/contacts", &body).await;
    assert_eq!(status, 409, "{again}");
    let body = json!({"properties": {"lifecyclestage": "nonsense"}});
    assert_eq!(house.hubspot_post("/crm/v3/objects/contacts", &body).await.0, 400);
    let effects = house.running.effects();
    assert_eq!(effects.len(), 1, "{effects:?}");
    assert_eq!((effects[0].system, effects[0].action), (System::Hubspot, "create_contact"));
    assert_eq!(effects[0].target, made["id"].as_str().unwrap());
    let (_, read) = house.hubspot(&format!("/crm/v3/objects/contacts/{}", effects[0].target)).await;
    assert_eq!(read["properties"]["email"], "new@harbour.example");
    let body = json!({"properties": {"lifecyclestage": "evangelist"}});
    let (status, changed) =
        house.hubspot_patch(&format!("/crm/v3/objects/contacts/{}", effects[0].target), &body).await;
    assert_eq!((status, &changed["properties"]["lifecyclestage"]), (200, &json!("evangelist")));
    let (_, customers) = house.stripe("/v1/customers?limit=1").await;
    let path = format!("/v1/customers/{}", customers["data"][0]["id"].as_str().unwrap());
    let (status, linked) = house.stripe_post(&path, &[("metadata[portal_id]", "hp_9999")]).await;
    assert_eq!((status, &linked["metadata"]["portal_id"]), (200, &json!("hp_9999")));
    let (_, read) = house.stripe(&path).await;
    assert_eq!(read["metadata"]["portal_id"], "hp_9999");
    let actions: Vec<&str> = house.running.effects().iter().map(|e| e.action).collect();
    assert_eq!(actions, ["create_contact", "update_contact", "update_customer"]);
    house.running.stop().await;
}

#[tokio::test]
async fn requests_are_remembered_with_their_query() {
    let house = frozen(1).await;
    house.stripe("/v1/events?created%5Bgt%5D=5&limit=1").await;
    let requests = house.running.requests();
    let last = requests.last().unwrap();
    assert_eq!((last.system, last.path.as_str()), (System::Stripe, "/v1/events"));
    assert_eq!(last.query[0], ("created[gt]".to_owned(), "5".to_owned()));
    house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_gives_the_ports_back_even_while_a_request_hangs() {
    let house = open(Options { speed: 10.0, ..Options::default() }).await;
    let at = house.running.addresses().clone();
    house.running.fault(System::Hubspot, Fault::Hang);
    let (http, url) = (house.http.clone(), format!("{}/x", at.of(System::Hubspot)));
    let hanging = tokio::spawn(async move { http.get(url).send().await.map(|r| r.status().as_u16()) });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    house.running.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let _ = hanging.await.unwrap();
    for url in at.providers.values().chain([&at.site]) {
        let port = url.strip_prefix("http://").unwrap();
        std::net::TcpListener::bind(port).unwrap_or_else(|e| panic!("{port}: {e}"));
    }
    let left = std::fs::read_dir(&house.folder.0).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
    let logs: Vec<String> = left.filter(|name| name.ends_with("-wal") || name.ends_with("-shm")).collect();
    assert!(logs.is_empty(), "{logs:?}");
}
