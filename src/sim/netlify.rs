//! The fake Netlify (`providers.md` section 9): the marketing site with its deploys and its hook.
//!
//! What must stay true: lists are bare, newest first, by `page` and `per_page`; the site shows secrets, as the real one
//! does.

use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::releases::Release;
use super::room::{Key, Limit, Room};
use super::world::World;
use crate::domain::{System, Time};

const PAGE_MOST: i64 = 100;
const SITE: &str = "harbor-and-pine";
const SITE_ID: &str = "5b1e7a52-0c3d-4a7e-9a61-77f0a9c2d001";

/// What the company needs to know of it.
pub(super) const ROOM: Room = Room {
    system: System::Netlify,
    base_path: "/api/v1",
    config: "site = \"harbor-and-pine\"",
    key: |random| Key { api: random.word(40), secret: random.word(24) },
    admits: |call, key| call.bears(&key.api),
    refused: |_| Reply::new(401, json!({"code": 401, "message": "Access Denied"})),
    limits: |_| LIMITS,
    limited: |_, wait| Reply::new(429, json!({"code": 429, "message": "Too many requests"})).with("retry-after", wait),
    failed: |status| Reply::new(status, json!({"code": status, "message": "Something went wrong"})),
    usual: |_, reply, left| {
        let most = MINUTE.count;
        reply.with("x-ratelimit-limit", most).with("x-ratelimit-remaining", left.min(most))
    },
    answer,
};

const MINUTE: Limit = Limit { name: "minute", count: 500, window: Duration::from_secs(60) };
const LIMITS: &[Limit] = &[MINUTE];

fn answer(world: &mut World, call: &Call) -> Reply {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ours = |name: &str| name == SITE_ID || name == "harbor-and-pine.netlify.app";
    match (call.method.as_str(), &parts[..]) {
        ("GET", ["api", "v1", "sites"]) => {
            let found = call.get("name").is_none_or(|name| SITE.contains(name));
            Reply::ok(json!(if found { vec![site(world)] } else { Vec::new() }))
        }
        ("GET", ["api", "v1", "sites", name]) if ours(name) => Reply::ok(site(world)),
        ("GET", ["api", "v1", "sites", name, "deploys"]) if ours(name) => deploys(world, call),
        ("GET", ["api", "v1", "hooks"]) if call.get("site_id") == Some(SITE_ID) => Reply::ok(json!([hook(world)])),
        _ => Reply::new(404, json!({"code": 404, "message": "Not Found"})),
    }
}

fn id(release: &Release) -> String {
    format!("{:024x}", 0x6520_0000_0000_usize + release.number)
}

fn iso(ms: i64) -> String {
    Time::from_ms(ms).rfc3339()
}

fn site(world: &World) -> Value {
    json!({
        "id": SITE_ID, "name": SITE, "custom_domain": "www.harborandpine.example", "account_slug": "harborandpine",
        "state": "current", "ssl": true, "force_ssl": true,
        "published_deploy": world.site_releases.live().map(deploy),
        "build_settings": {"env": {"CMS_TOKEN": "a-value-nobody-should-read"}},
        "deploy_hook": "https://api.netlify.com/build_hooks/a-value-nobody-should-read",
    })
}

fn deploy(release: &Release) -> Value {
    let state = if release.built { "ready" } else { "error" };
    json!({
        "id": id(release), "site_id": SITE_ID, "state": state, "branch": release.branch,
        "context": if release.production { "production" } else { "deploy-preview" }, "commit_ref": release.commit,
        "created_at": iso(release.created), "updated_at": iso(release.ready),
        "published_at": release.built.then(|| iso(release.ready)),
        "error_message": (!release.built).then_some("Build script returned non-zero exit code: 2"),
        "deploy_ssl_url": format!("https://{}--harbor-and-pine.netlify.app", id(release)),
        "skew_protection_token": "a-value-nobody-should-read",
    })
}

fn deploys(world: &World, call: &Call) -> Reply {
    let only = call.get("production") == Some("true");
    let size = call.number("per_page").unwrap_or(PAGE_MOST).clamp(1, PAGE_MOST) as usize;
    let page = call.number("page").unwrap_or(1).max(1) as usize;
    let rows = world.site_releases.rows.iter().rev().filter(|release| release.production || !only);
    let rows: Vec<Value> = rows.skip((page - 1).saturating_mul(size)).take(size).map(deploy).collect();
    Reply::ok(json!(rows))
}

fn hook(world: &World) -> Value {
    let made = iso(world.started.ms() - 200 * 86_400_000);
    json!({
        "id": "62f0a9c2d0015b1e7a520c3d", "site_id": SITE_ID, "type": "url", "event": "deploy_created",
        "data": {"url": format!("{}/webhooks/netlify", world.site), "signature_secret": "a-value-nobody-should-read"},
        "disabled": false, "created_at": made, "updated_at": made,
    })
}
