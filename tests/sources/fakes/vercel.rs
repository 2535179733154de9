//! A Vercel with one project: deployments newest first, webhooks, domains; and the secrets that it shows unasked.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trueup::domain::Time;

use super::{Answer, Call, Fake, lock};

/// A moment on Vercel's clock, in milliseconds.
pub const START: i64 = 1_760_000_000_000;

#[derive(Clone, Default)]
pub struct World {
    /// Newest first.
    pub deployments: Vec<Value>,
    pub live: Option<String>,
    pub webhooks: Vec<Value>,
    pub domains: Vec<Value>,
    pub clock: i64,
    pub page: usize,
    /// Path endings that are answered 403.
    pub forbidden: Vec<&'static str>,
}

pub type Shared = Arc<Mutex<World>>;

pub async fn start(world: World) -> (Fake, Shared) {
    let shared: Shared = Arc::new(Mutex::new(world));
    let inner = shared.clone();
    (Fake::start(move |call| lock(&inner).answer(call)).await, shared)
}

pub fn deployment(id: &str, created: i64, state: &str, target: Option<&str>) -> Value {
    json!({"uid": id, "name": "acme-web", "projectId": "prj_1", "url": format!("acme-web-{id}.vercel.app"),
        "created": created, "buildingAt": created + 1000, "ready": created + 60_000, "state": state, "readyState": state,
        "type": "LAMBDAS", "creator": {"uid": "u1", "email": "canary@acme.example"}, "inspectorUrl": null,
        "target": target, "env": {"SECRET": "canary"}, "aliasError": null,
        "meta": {"githubCommitSha": format!("c0ffee{id}"), "githubCommitRef": "main", "note": "canary"}})
}

impl World {
    pub fn small() -> Self {
        let day = 24 * 3_600_000;
        Self {
            deployments: vec![
                deployment("dpl_4", START - 60_000, "BUILDING", Some("production")),
                deployment("dpl_3", START - 3_600_000, "ERROR", None),
                deployment("dpl_2", START - day, "READY", Some("production")),
                deployment("dpl_1", START - 5 * day, "READY", Some("production")),
                deployment("dpl_0", START - 200 * day, "READY", Some("production")),
            ],
            live: Some("dpl_2".to_owned()),
            webhooks: vec![json!({"id": "hook_1", "url": "https://u:p@acme.example/vercel?key=canary",
                "events": ["deployment.succeeded", "deployment.error"], "ownerId": "team_1", "createdAt": START - day,
                "updatedAt": START - day, "projectsMetadata": null, "secret": "canary"})],
            domains: vec![
                json!({"name": "app.acme.example", "apexName": "acme.example", "projectId": "prj_1", "verified": true,
                    "createdAt": START - day}),
                json!({"name": "acme.example", "apexName": "acme.example", "projectId": "prj_1", "verified": false, "createdAt": START - 2 * day,
                    "verification": [{"type": "TXT", "domain": "_vercel.acme.example", "value": "vc-canary", "reason": "pending"}]}),
            ],
            clock: START,
            page: 100,
            forbidden: Vec::new(),
        }
    }

    pub fn answer(&mut self, call: &Call) -> Answer {
        assert_eq!(call.method, "GET");
        assert!(call.headers["authorization"].starts_with("Bearer "));
        self.reply(call).dated(Time::from_ms(self.clock))
    }

    fn reply(&self, call: &Call) -> Answer {
        if self.forbidden.iter().any(|end| call.path.ends_with(end)) {
            return Answer::new(403, r#"{"error":{"code":"forbidden","message":"Not authorized"}}"#);
        }
        match call.path.as_str() {
            "/v9/projects/acme-web" => Answer::json(&json!({"id": "prj_1", "name": "acme-web", "accountId": "team_1",
                "env": [{"type": "plain", "key": "STRIPE_KEY", "value": "canary", "target": ["production"]}],
                "targets": {"production": self.live.as_ref().map(|id| json!({"id": id, "env": ["canary"]}))}})),
            "/v6/deployments" => {
                assert_eq!(call.get("projectId"), Some("acme-web"));
                self.page(call, "deployments", &self.deployments, "created")
            }
            "/v1/webhooks" => Answer::json(&json!(self.webhooks)),
            "/v9/projects/acme-web/domains" => self.page(call, "domains", &self.domains, "createdAt"),
            other => panic!("unknown path {other}"),
        }
    }

    fn page(&self, call: &Call, key: &str, rows: &[Value], order: &str) -> Answer {
        let (since, until) = (call.number("since").unwrap_or(0), call.number("until").unwrap_or(i64::MAX));
        let made = |row: &&Value| (since + 1..until).contains(&row[order].as_i64().unwrap());
        let rows: Vec<Value> = rows.iter().filter(made).cloned().collect();
        let size = self.page.min(usize::try_from(call.number("limit").unwrap()).unwrap());
        let shown: Vec<Value> = rows.iter().take(size).cloned().collect();
        let next = (rows.len() > size).then(|| shown.last().and_then(|row| row[order].as_i64())).flatten();
        Answer::json(&json!({key: shown, "pagination": {"count": shown.len(), "next": next, "prev": null}}))
    }
}
