//! The fake Vercel (`providers.md` section 8): one project with its deployments, its webhook and its domains.
//!
//! What must stay true: lists are newest first and cut by `since` and `until`; the project shows its environment
//! variables, values included, as the real one does.

use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::releases::Release;
use super::room::{Key, Limit, Room};
use super::world::World;
use crate::domain::System;

const PAGE_MOST: usize = 100;
const PROJECT: &str = "harbor-portal";
const PROJECT_ID: &str = "prj_H4rb0rP1n3Portal0001";

/// What the company needs to know of it.
pub(super) const ROOM: Room = Room {
    system: System::Vercel,
    base_path: "",
    config: "project = \"harbor-portal\"\nteam = \"team_harborandpine\"",
    key: |random| Key { api: random.word(24), secret: random.word(24) },
    admits: |call, key| call.bears(&key.api),
    refused: |_| Reply::new(403, error("forbidden", "Not authorized")),
    limits: |_| LIMITS,
    limited: |_, wait| Reply::new(429, error("rate_limited", "Too many requests")).with("retry-after", wait),
    failed: |status| Reply::new(status, error("internal_server_error", "An unexpected error occurred")),
    usual: |_, reply, left| {
        let most = MINUTE.count;
        reply.with("x-ratelimit-limit", most).with("x-ratelimit-remaining", left.min(most))
    },
    answer,
};

const MINUTE: Limit = Limit { name: "minute", count: 120, window: Duration::from_secs(60) };
const LIMITS: &[Limit] = &[MINUTE];

fn error(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message}})
}

fn answer(world: &mut World, call: &Call) -> Reply {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let missing = || Reply::new(404, error("not_found", "The requested resource was not found"));
    let ours = |name: &str| name == PROJECT || name == PROJECT_ID;
    match (call.method.as_str(), &parts[..]) {
        ("GET", ["v9", "projects", name]) if ours(name) => Reply::ok(project(world)),
        ("GET", ["v6", "deployments"]) if call.get("projectId").is_none_or(ours) => deployments(world, call),
        ("GET", ["v1", "webhooks"]) => Reply::ok(json!([webhook(world)])),
        ("GET", ["v9", "projects", name, "domains"]) if ours(name) => Reply::ok(domains(world)),
        _ => missing(),
    }
}

fn id(release: &Release) -> String {
    format!("dpl_HP{:022}", release.number)
}

fn project(world: &World) -> Value {
    let live = world.portal_releases.live().map(|release| json!({"id": id(release), "readyState": "READY"}));
    json!({
        "id": PROJECT_ID, "name": PROJECT, "accountId": "team_harborandpine", "framework": "nextjs",
        "nodeVersion": "22.x", "targets": {"production": live}, "latestDeployments": [],
        "env": [{"id": "env1", "type": "plain", "key": "STRIPE_SECRET_KEY", "value": "a-value-nobody-should-read",
                 "target": ["production"]}],
    })
}

fn deployment(release: &Release) -> Value {
    let state = if release.built { "READY" } else { "ERROR" };
    json!({
        "uid": id(release), "name": PROJECT, "projectId": PROJECT_ID, "type": "LAMBDAS", "source": "git",
        "url": format!("harbor-portal-{:09}.vercel.app", release.number), "created": release.created,
        "createdAt": release.created, "buildingAt": release.created + 2_000, "ready": release.ready,
        "state": state, "readyState": state, "readySubstate": release.production.then_some("PROMOTED"),
        "target": release.production.then_some("production"), "aliasError": null, "inspectorUrl": null,
        "errorMessage": (!release.built).then_some("Command \"npm run build\" exited with 1"),
        "creator": {"uid": "wren", "username": "wren"},
        "meta": {"githubCommitSha": release.commit, "githubCommitRef": release.branch},
    })
}

fn deployments(world: &World, call: &Call) -> Reply {
    let (since, until) = (call.number("since").unwrap_or(i64::MIN), call.number("until").unwrap_or(i64::MAX));
    let target = call.get("target");
    let fits = |release: &&Release| {
        release.created > since
            && release.created < until
            && target.is_none_or(|target| (target == "production") == release.production)
    };
    let limit = call.number("limit").unwrap_or(20).clamp(1, PAGE_MOST as i64) as usize;
    let rows: Vec<&Release> = world.portal_releases.rows.iter().rev().filter(fits).take(limit + 1).collect();
    let shown = rows.get(..limit.min(rows.len())).unwrap_or_default();
    let next = (rows.len() > limit).then(|| shown.last().map(|release| release.created)).flatten();
    Reply::ok(json!({
        "deployments": shown.iter().map(|release| deployment(release)).collect::<Vec<_>>(),
        "pagination": {"count": shown.len(), "next": next, "prev": null},
    }))
}

fn webhook(world: &World) -> Value {
    json!({
        "id": "hook_harbor1", "url": format!("{}/webhooks/vercel", world.site), "ownerId": "team_harborandpine",
        "events": ["deployment.succeeded", "deployment.error"], "createdAt": world.started.ms() - 300 * 86_400_000,
        "updatedAt": world.started.ms() - 300 * 86_400_000, "projectIds": [PROJECT_ID],
    })
}

fn domains(world: &World) -> Value {
    let made = world.started.ms() - 300 * 86_400_000;
    json!({
        "domains": [{"name": "app.harborandpine.example", "apexName": "harborandpine.example", "verified": true,
                     "projectId": PROJECT_ID, "createdAt": made, "updatedAt": made}],
        "pagination": {"count": 1, "next": null, "prev": null},
    })
}
