//! The CRMs beside HubSpot, and the chat beside Zendesk, mirror the company: they add nothing to what is wrong, and follow what happens.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use trueup::domain::System;
use trueup::sim::Options;

use crate::house::{House, frozen, open, until};

impl House {
    fn key(&self, system: System) -> String {
        std::fs::read_to_string(self.folder.0.join(format!("{system}.key"))).unwrap().trim().to_owned()
    }

    async fn pipedrive(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.running.addresses().of(System::Pipedrive));
        self.send(self.http.get(url).header("x-api-token", self.key(System::Pipedrive))).await
    }

    async fn gohighlevel(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.running.addresses().of(System::Gohighlevel));
        let request = self.http.get(url).bearer_auth(self.key(System::Gohighlevel));
        self.send(request.header("version", "2021-07-28")).await
    }

    async fn intercom(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.running.addresses().of(System::Intercom));
        self.send(self.http.post(url).bearer_auth(self.key(System::Intercom)).json(body)).await
    }

    /// All rows of an Intercom search, page by page.
    async fn intercom_all(&self, path: &str, rows_in: &str, value: i64) -> Vec<Value> {
        let (mut rows, mut pagination) = (Vec::new(), json!({"per_page": 7}));
        loop {
            let query = json!({"field": "updated_at", "operator": ">", "value": value});
            let (status, page) = self.intercom(path, &json!({"query": query, "pagination": pagination})).await;
            assert_eq!(status, 200, "{page}");
            rows.extend(page[rows_in].as_array().unwrap().iter().cloned());
            match page["pages"]["next"]["starting_after"].as_str() {
                Some(next) => pagination["starting_after"] = json!(next),
                None => return rows,
            }
        }
    }

    /// All rows of a Pipedrive list, page by page.
    async fn pipedrive_all(&self, path: &str) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let (status, page) = self.pipedrive(&format!("{path}?limit=7{cursor}")).await;
            assert_eq!(status, 200, "{page}");
            rows.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["additional_data"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }
}

/// Under which key Pipedrive keeps the portal's id.
async fn link(house: &House) -> String {
    let (_, fields) = house.pipedrive("/api/v2/personFields").await;
    let field = fields["data"].as_array().unwrap().iter().find(|f| f["field_name"] == "Portal ID").unwrap().clone();
    field["field_code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn sales_and_marketing_know_only_people_on_whom_all_agree() {
    let house = frozen(1).await;
    let planted: HashSet<String> =
        house.running.planted().iter().flat_map(|p| p.customers.iter().map(ToString::to_string)).collect();
    let rows = house
        .portal(r#"select u.id, u.email, s.status, s.plan, u.country from users u join subscriptions s on s."userId" = u.id"#)
        .await;
    let portal: HashMap<String, Vec<Option<String>>> =
        rows.into_iter().map(|row| (row[0].clone().unwrap(), row[1..].to_vec())).collect();
    let key = link(&house).await;
    let persons = house.pipedrive_all("/api/v2/persons").await;
    let deals = house.pipedrive_all("/api/v2/deals").await;
    assert!(persons.len() > 10 && persons.len() == deals.len(), "{} persons", persons.len());
    for person in &persons {
        let id = person["custom_fields"][&key].as_str().unwrap();
        assert!(!planted.contains(id), "{id}");
        let row = &portal[id];
        assert_eq!(person["emails"][0]["value"].as_str(), row[0].as_deref());
        assert_eq!(row[2].as_deref(), Some("team"));
        let deal = deals.iter().find(|deal| deal["person_id"] == person["id"]).unwrap();
        let expected = match row[1].as_deref() {
            Some("trialing") => "open",
            Some("canceled") => "lost",
            _ => "won",
        };
        assert_eq!(deal["status"], expected, "{id}: {row:?}");
        assert!(deal["value"].as_f64().unwrap() > 0.0);
    }
    let (_, hooks) = house.pipedrive("/v1/webhooks").await;
    assert!(hooks["data"][0]["http_auth_password"].is_string(), "there is something to keep away from");

    let location = toml::from_str::<toml::Table>(&std::fs::read_to_string(house.running.config()).unwrap()).unwrap();
    let location = location["sources"]["gohighlevel"]["location_id"].as_str().unwrap().to_owned();
    let (mut contacts, mut after) = (Vec::new(), String::new());
    loop {
        let (status, page) = house.gohighlevel(&format!("/contacts/?locationId={location}&limit=9{after}")).await;
        assert_eq!(status, 200, "{page}");
        let rows = page["contacts"].as_array().unwrap().clone();
        assert!(contacts.len() + rows.len() <= page["count"].as_u64().unwrap() as usize);
        let next = page["meta"]["nextPage"].is_u64();
        let meta = page["meta"].clone();
        contacts.extend(rows);
        if !next {
            break;
        }
        after = format!("&startAfterId={}&startAfter={}", meta["startAfterId"].as_str().unwrap(), meta["startAfter"]);
    }
    assert!(contacts.len() > 10);
    for contact in &contacts {
        let id = contact["customFields"][0]["value"].as_str().unwrap();
        assert!(!planted.contains(id), "{id}");
        assert_eq!(contact["country"].as_str(), portal[id][3].as_deref());
    }
    assert!(contacts.iter().any(|contact| contact["tags"][0] == "newsletter"));
    let (status, _) = house.gohighlevel("/contacts/?locationId=another&limit=9").await;
    assert_eq!(status, 403);
    house.running.stop().await;
}

#[tokio::test]
async fn a_deal_follows_when_somebody_pays_or_leaves() {
    let house = open(Options { seed: 3, speed: 60.0, rate_limits: false, ..Options::default() }).await;
    let before = house.pipedrive_all("/api/v2/deals").await;
    let status = |rows: &[Value]| -> HashMap<u64, (String, String)> {
        let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
        rows.iter().map(|r| (r["id"].as_u64().unwrap(), (text(r, "status"), text(r, "update_time")))).collect()
    };
    let known = status(&before);
    let moved = until(30, "a deal that is won or lost", async || {
        let rows = house.pipedrive_all("/api/v2/deals").await;
        let now = status(&rows);
        let changed = now.iter().find(|(id, (word, _))| known.get(id).is_some_and(|(old, _)| old != word));
        changed.map(|(id, now)| (known[id].clone(), now.clone()))
    })
    .await;
    let ((_, then), (word, now)) = moved;
    assert!(now > then, "what changed has a new time: {then}, {now}");
    assert!(["won", "lost"].contains(&word.as_str()));
    house.running.stop().await;
}

#[tokio::test]
async fn the_chat_brings_every_row_once_and_compares_dates_by_day() {
    let house = frozen(1).await;
    let planted: HashSet<String> =
        house.running.planted().iter().flat_map(|p| p.customers.iter().map(ToString::to_string)).collect();
    let rows = house.portal("select id, email from users").await;
    let portal: HashMap<String, Option<String>> =
        rows.into_iter().map(|row| (row[0].clone().unwrap(), row[1].clone())).collect();
    let contacts = house.intercom_all("/contacts/search", "data", 0).await;
    let ids: HashSet<&str> = contacts.iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert!(contacts.len() > 10 && ids.len() == contacts.len(), "{} contacts", contacts.len());
    for contact in &contacts {
        let id = contact["external_id"].as_str().unwrap();
        assert!(!planted.contains(id), "{id}");
        assert_eq!(contact["email"].as_str(), portal[id].as_deref());
    }
    for (path, name) in [("/conversations/search", "conversations"), ("/tickets/search", "tickets")] {
        let rows = house.intercom_all(path, name, 0).await;
        assert!(!rows.is_empty(), "{name}");
        for row in &rows {
            assert!(ids.contains(row["contacts"]["contacts"][0]["id"].as_str().unwrap()), "{row}");
        }
    }
    // What changed later on the same day is not found; with the day before it is.
    let newest = contacts.iter().map(|c| c["updated_at"].as_i64().unwrap()).max().unwrap();
    assert!(house.intercom_all("/contacts/search", "data", newest - 1).await.len() < contacts.len());
    let day = |at: i64| (at + 9 * 3600).div_euclid(86_400);
    let later = house.intercom_all("/contacts/search", "data", newest - 86_400).await;
    let expected = contacts.iter().filter(|c| day(c["updated_at"].as_i64().unwrap()) == day(newest)).count();
    assert_eq!(later.len(), expected);
    assert!(house.intercom_all("/contacts/search", "data", newest).await.is_empty());
    let (status, body) = house.intercom("/contacts/search", &json!({"query": {"field": "updated_at"}})).await;
    assert_eq!((status, &body["type"]), (400, &json!("error.list")));
    house.running.stop().await;
}
