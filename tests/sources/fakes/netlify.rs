//! A Netlify with one site: deploys newest first, hooks; and the secrets that it shows unasked.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trueup::domain::Time;

use super::{Answer, Call, Fake, lock};

/// A moment on Netlify's clock, in milliseconds.
pub const START: i64 = 1_760_000_000_000;
/// The site's id.
pub const SITE: &str = "3970e0fe-8564-4903-9a55-c5f8de49fb8b";

#[derive(Clone, Default)]
pub struct World {
    /// Newest first.
    pub deploys: Vec<Value>,
    pub published: Option<String>,
    pub hooks: Vec<Value>,
    pub clock: i64,
    pub page: usize,
    pub no_hooks: bool,
}

pub type Shared = Arc<Mutex<World>>;

pub async fn start(world: World) -> (Fake, Shared) {
    let shared: Shared = Arc::new(Mutex::new(world));
    let inner = shared.clone();
    (Fake::start(move |call| lock(&inner).answer(call)).await, shared)
}

pub fn deploy(id: &str, created: i64, state: &str) -> Value {
    let at = Time::from_ms(created).rfc3339();
    json!({"id": id, "site_id": SITE, "state": state, "context": "production", "branch": "main",
        "commit_ref": format!("c0ffee{id}"), "created_at": at, "updated_at": at,
        "published_at": Time::from_ms(created + 60_000).rfc3339(), "error_message": "build script failed",
        "deploy_ssl_url": format!("https://{id}--acme-web.netlify.app"), "skew_protection_token": "canary",
        "env": {"KEY": "canary"}})
}

pub fn hook(id: &str, disabled: bool) -> Value {
    json!({"id": id, "site_id": SITE, "type": "url", "event": "deploy_created", "disabled": disabled,
        "data": {"url": "https://acme.example/netlify?key=canary", "signature_secret": "canary"},
        "created_at": Time::from_ms(START).rfc3339(), "updated_at": Time::from_ms(START).rfc3339()})
}

impl World {
    pub fn small() -> Self {
        let day = 24 * 3_600_000;
        Self {
            deploys: vec![
                deploy("d4", START - 60_000, "building"),
                deploy("d3", START - 3_600_000, "error"),
                deploy("d2", START - day, "ready"),
                deploy("d1", START - 5 * day, "ready"),
                deploy("d0", START - 200 * day, "ready"),
            ],
            published: Some("d2".to_owned()),
            hooks: vec![
                hook("h1", false),
                hook("h2", true),
                json!({"id": "h3", "type": "slack", "event": "deploy_failed", "data": {"url": "https://hooks.example/canary"}}),
            ],
            clock: START,
            page: 100,
            no_hooks: false,
        }
    }

    pub fn site(&self) -> Value {
        json!({"id": SITE, "name": "acme-web", "account_slug": "acme", "account_id": "a1", "state": "current",
            "published_deploy": self.published.as_ref().map(|id| json!({"id": id, "skew_protection_token": "canary"})),
            "password": "canary", "deploy_hook": "https://api.netlify.com/build_hooks/canary",
            "build_settings": {"env": {"STRIPE_KEY": "canary"}}, "default_hooks_data": {"access_token": "canary"}})
    }

    pub fn answer(&mut self, call: &Call) -> Answer {
        assert_eq!(call.method, "GET");
        assert!(call.headers["authorization"].starts_with("Bearer "));
        self.reply(call).dated(Time::from_ms(self.clock)).with("x-ratelimit-remaining", 480)
    }

    fn reply(&self, call: &Call) -> Answer {
        let path = call.path.strip_prefix("/api/v1").unwrap_or(&call.path);
        if path == format!("/sites/{SITE}") {
            return Answer::json(&self.site());
        }
        if path == format!("/sites/{SITE}/deploys") {
            let size = self.page.min(usize::try_from(call.number("per_page").unwrap()).unwrap());
            let page = usize::try_from(call.number("page").unwrap()).unwrap();
            let rows: Vec<Value> = self.deploys.iter().skip((page - 1) * size).take(size).cloned().collect();
            return Answer::json(&json!(rows));
        }
        match path {
            "/sites" => {
                let mut other = self.site();
                other["name"] = json!("acme-web-old");
                other["id"] = json!("00000000-0000-0000-0000-000000000000");
                Answer::json(&json!([other, self.site()]))
            }
            "/hooks" if self.no_hooks => Answer::new(403, r#"{"code":403,"message":"Forbidden"}"#),
            "/hooks" => {
                assert_eq!(call.get("site_id"), Some(SITE));
                Answer::json(&json!(self.hooks))
            }
            other => panic!("unknown path {other}"),
        }
    }
}
