//! Every class of mismatch is really in the data, judged here from what the systems say and from nothing else.

use std::collections::HashMap;

use serde_json::Value;
use trueup::domain::{Class, Text};

use crate::house::{House, frozen};

/// A portal customer.
#[derive(Clone, Debug)]
struct Row {
    id: String,
    email: String,
    status: Option<String>,
    plan: Option<String>,
    billing: Option<String>,
    trial_end: Option<String>,
}

/// All that all systems say.
struct Said {
    rows: HashMap<String, Row>,
    payers: HashMap<String, Value>,
    subscriptions: HashMap<String, Vec<Value>>,
    charges: HashMap<String, Vec<Value>>,
    contacts: HashMap<String, Vec<Value>>,
    requests: Vec<(String, String)>,
    tickets: Vec<String>,
    users: HashMap<String, Value>,
    plans: HashMap<String, String>,
    now: String,
}

impl Said {
    async fn of(house: &House) -> Self {
        let rows = house
            .portal(
                r#"select u.id, u.email, s.status, s.plan, s."stripeCustomerId", s."trialEndsAt"
                   from users u join subscriptions s on s."userId" = u.id"#,
            )
            .await;
        let rows = rows.into_iter().map(|r| {
            let [id, email, status, plan, billing, trial_end] = r.try_into().unwrap();
            let id: String = id.unwrap();
            (id.clone(), Row { id, email: email.unwrap(), status, plan, billing, trial_end })
        });
        let by = |rows: Vec<Value>, key: fn(&Value) -> Option<String>| {
            let mut map: HashMap<String, Vec<Value>> = HashMap::new();
            for row in rows {
                if let Some(key) = key(&row) {
                    map.entry(key).or_default().push(row);
                }
            }
            map
        };
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let config: toml::Table = toml::from_str(&std::fs::read_to_string(house.running.config()).unwrap()).unwrap();
        let plans = config["plans"].as_table().unwrap().iter().flat_map(|(plan, ids)| {
            ids.as_array().unwrap().iter().map(move |id| (id.as_str().unwrap().to_owned(), plan.clone()))
        });
        let requests = house.portal(r#"select "userId", id from support_requests"#).await;
        Self {
            rows: rows.collect(),
            payers: house.stripe_all("/v1/customers").await.into_iter().map(|c| (text(&c["id"]).unwrap(), c)).collect(),
            subscriptions: by(house.stripe_all("/v1/subscriptions?status=all").await, |s| {
                s["customer"].as_str().map(str::to_owned)
            }),
            charges: by(house.stripe_all("/v1/charges").await, |s| s["customer"].as_str().map(str::to_owned)),
            contacts: by(house.contacts().await, |c| c["properties"]["email"].as_str().map(str::to_owned)),
            requests: requests.into_iter().map(|r| (r[0].clone().unwrap(), r[1].clone().unwrap())).collect(),
            tickets: house.export("tickets", 1000).await.iter().filter_map(|t| text(&t["external_id"])).collect(),
            users: house
                .export("users", 1000)
                .await
                .into_iter()
                .filter_map(|u| text(&u["external_id"]).map(|id| (id, u)))
                .collect(),
            plans: plans.collect(),
            now: chrono::Utc::now().to_rfc3339(),
        }
    }

    fn live(&self, payer: &str) -> Vec<&Value> {
        let live = |s: &&Value| matches!(s["status"].as_str(), Some("active" | "trialing" | "past_due" | "unpaid"));
        self.subscriptions.get(payer).map(|list| list.iter().filter(live).collect()).unwrap_or_default()
    }

    fn status(&self, payer: &str) -> Option<&str> {
        self.subscriptions.get(payer)?.first()?["status"].as_str()
    }

    /// The portal's name of the plan that is paid.
    fn paid_plan(&self, payer: &str) -> Option<&str> {
        let price = self.subscriptions.get(payer)?.first()?["items"]["data"][0]["price"]["id"].as_str()?;
        self.plans.get(price).map(String::as_str)
    }

    fn stages(&self, email: &str) -> Vec<&str> {
        let contacts = self.contacts.get(&email.to_lowercase()).map(Vec::as_slice).unwrap_or_default();
        contacts.iter().filter_map(|c| c["properties"]["lifecyclestage"].as_str()).collect()
    }

    /// Whether the class can be seen about this customer.
    fn shows(&self, class: Class, id: &str) -> bool {
        if class == Class::PaidUnknown {
            let payer = id.strip_prefix("stripe:").unwrap();
            let known = self.rows.values().any(|r| r.billing.as_deref() == Some(payer));
            return !known
                && self.status(payer) == Some("active")
                && self.payers[payer]["metadata"]["portal_id"].is_null();
        }
        let row = &self.rows[id];
        let status = row.status.as_deref();
        let payer = row.billing.as_deref().unwrap_or_default();
        let paid = self.status(payer);
        let charge = self.charges.get(payer).and_then(|c| c.first()).unwrap_or(&Value::Null);
        match class {
            Class::PaidBlocked => {
                paid == Some("active") && charge["paid"] == true && matches!(status, Some("trialing" | "canceled"))
            }
            Class::PartialRecord => status == Some("active") && (row.plan.is_none() || row.billing.is_none()),
            Class::DoubleSubscription => self.live(payer).len() == 2,
            Class::CrossedLink => {
                let shared = self.rows.values().filter(|r| r.billing.as_deref() == Some(payer)).count() > 1;
                let named = self.payers.values().filter(|p| p["metadata"]["portal_id"] == id).count();
                shared || named != 1
            }
            Class::UnpaidActive => status == Some("active") && matches!(paid, Some("canceled" | "unpaid")),
            Class::RefundedActive => {
                let back = charge["refunded"] == true && charge["amount_refunded"] == charge["amount"];
                status == Some("active") && (back || charge["disputed"] == true)
            }
            Class::PlanDiffers => self.paid_plan(payer).is_some_and(|plan| Some(plan) != row.plan.as_deref()),
            Class::TrialOverrun => {
                let over = row.trial_end.as_deref().is_some_and(|end| end < self.now.as_str());
                status == Some("trialing") && over && matches!(paid, None | Some("canceled"))
            }
            Class::PastDuePolicy => paid == Some("past_due") && status == Some("suspended"),
            Class::DanglingLink => row.billing.is_some() && !self.payers.contains_key(payer),
            Class::ContactMissing => status == Some("active") && self.stages(&row.email).is_empty(),
            Class::DuplicateContact => self.stages(&row.email).len() == 2,
            Class::StageContradicts => {
                let stage = self.stages(&row.email).first().copied().unwrap_or_default();
                (paid == Some("active") && stage == "lead") || (paid == Some("canceled") && stage == "customer")
            }
            Class::TicketMissing => {
                self.requests.iter().any(|(customer, request)| customer == id && !self.tickets.contains(request))
            }
            Class::EmailDiffers => !self.payers[payer]["email"].as_str().unwrap().eq_ignore_ascii_case(&row.email),
            Class::UnmappedPlan => paid == Some("active") && self.paid_plan(payer).is_none(),
            Class::IncompleteEvidence => {
                !matches!(status, Some("trialing" | "active" | "past_due" | "unpaid" | "canceled" | "suspended"))
                    && row.billing.is_some()
            }
            other => panic!("{other} is not planted"),
        }
    }
}

const CLASSES: &[Class] = &[
    Class::PaidBlocked,
    Class::PartialRecord,
    Class::DoubleSubscription,
    Class::CrossedLink,
    Class::UnpaidActive,
    Class::RefundedActive,
    Class::PlanDiffers,
    Class::TrialOverrun,
    Class::PastDuePolicy,
    Class::PaidUnknown,
    Class::DanglingLink,
    Class::ContactMissing,
    Class::DuplicateContact,
    Class::StageContradicts,
    Class::TicketMissing,
    Class::EmailDiffers,
    Class::UnmappedPlan,
    Class::IncompleteEvidence,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_mismatch_is_in_the_data() {
    for seed in [1, 2, 77] {
        let house = frozen(seed).await;
        let said = Said::of(&house).await;
        for class in CLASSES {
            let planted: Vec<_> = house.running.planted().iter().filter(|p| p.class == *class).collect();
            assert!(!planted.is_empty(), "{class} is not planted");
            for plant in planted {
                let first = plant.customers.first().map(Text::as_str).unwrap();
                assert!(said.shows(*class, first), "seed {seed}: {class} is not to be seen about {first}");
            }
        }
        house.running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_else_agrees_in_every_system() {
    for seed in [1, 5] {
        let house = frozen(seed).await;
        let said = Said::of(&house).await;
        let planted: Vec<&str> =
            house.running.planted().iter().flat_map(|p| p.customers.iter().map(Text::as_str)).collect();
        let clean: Vec<&Row> = said.rows.values().filter(|r| !planted.contains(&r.id.as_str())).collect();
        assert!(clean.len() * 100 / said.rows.len() >= 82, "{} of {}", clean.len(), said.rows.len());
        for row in clean {
            let payer = row.billing.as_deref().unwrap();
            let said_portal = row.status.as_deref().unwrap();
            assert_eq!(said.status(payer), Some(said_portal), "{row:?}");
            assert_eq!(said.paid_plan(payer), row.plan.as_deref(), "{row:?}");
            assert_eq!(said.payers[payer]["metadata"]["portal_id"], row.id.as_str(), "{row:?}");
            assert_eq!(said.users[&row.id]["email"], row.email.as_str());
            let stages = said.stages(&row.email);
            let fits = match said_portal {
                "trialing" => stages == ["opportunity"],
                "canceled" => stages == ["other"],
                _ => stages == ["customer"] || stages == ["evangelist"],
            };
            assert!(fits, "{row:?} {stages:?}");
            for class in CLASSES {
                if !matches!(class, Class::PaidUnknown) {
                    assert!(!said.shows(*class, &row.id), "{class} about {row:?}");
                }
            }
            if said_portal == "trialing" {
                assert!(row.trial_end.as_deref().unwrap() > said.now.as_str());
            }
        }
        house.running.stop().await;
    }
}

#[tokio::test]
async fn what_is_planted_is_old_enough_to_count_and_what_is_fresh_is_not() {
    let house = frozen(1).await;
    let rows = house
        .portal(
            r#"select s."userId", s."updatedAt", u."hubspotContactId" from subscriptions s
                               join users u on u.id = s."userId""#,
        )
        .await;
    let old = (chrono::Utc::now() - chrono::Duration::hours(2)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let fresh: Vec<&Text> =
        house.running.planted().iter().filter(|p| p.fresh).flat_map(|p| p.customers.iter()).collect();
    assert_eq!(fresh.len(), 2);
    for plant in house.running.planted() {
        for id in plant.customers.iter().filter(|id| !id.as_str().starts_with("stripe:")) {
            let row = rows.iter().find(|r| r[0].as_deref() == Some(id.as_str())).unwrap();
            assert!(row[1].as_deref().unwrap() < old.as_str(), "{} {row:?}", plant.class);
            if let Some(contact) = &row[2] {
                let (_, contact) = house.hubspot(&format!("/crm/v3/objects/contacts/{contact}")).await;
                assert!(contact["updatedAt"].as_str().unwrap() < old.as_str(), "{} {contact}", plant.class);
            }
        }
    }
    let recent = (chrono::Utc::now() - chrono::Duration::hours(2)).timestamp();
    let events = house.stripe_all(&format!("/v1/events?created%5Bgt%5D={recent}")).await;
    let planted: Vec<&Text> =
        house.running.planted().iter().filter(|p| !p.fresh).flat_map(|p| p.customers.iter()).collect();
    for event in &events {
        let object = &event["data"]["object"];
        let about = object["metadata"]["portal_id"].as_str();
        assert!(about.is_none_or(|id| !planted.iter().any(|p| p.as_str() == id)), "{event}");
    }
    house.running.stop().await;
}
