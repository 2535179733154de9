//! Vercel, Netlify and Cloudflare: what runs in production, and whether names and certificates hold.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use trueup::domain::{Check, CheckState, DeployState, Flag, Kind, System, Text, Time};
use trueup::sources::Cause;
use trueup::sources::budget::{Budget, Lane, Limits, Priority, Rate};
use trueup::sources::registry::{PROVIDERS, build};

use crate::fakes::{Answer, Fake, Held, cloudflare, lock, netlify, vercel};
use crate::{source, spec};

const DAY: i64 = 24 * 3_600_000;

fn now() -> Time {
    Time::from_ms(vercel::START)
}

fn states(held: &Held) -> Vec<(String, DeployState)> {
    held.deploys.values().map(|deploy| (deploy.id.to_string(), deploy.state)).collect()
}

fn check<'a>(held: &'a Held, name: &str) -> &'a Check {
    let found = held.checks.iter().find(|check| check.name.as_str() == name);
    found.unwrap_or_else(|| panic!("no check `{name}` among {:?}", held.checks))
}

#[tokio::test]
async fn vercel_tells_deploys_of_ninety_days_and_which_one_is_live() {
    for page in [1, 2, 100] {
        let (fake, _) = vercel::start(vercel::World { page, ..vercel::World::small() }).await;
        let mut held = Held::default();
        held.round(&*source(System::Vercel, &fake.base), now()).await.unwrap();
        use DeployState::{Building, Failed, Live, Ready};
        let expected = [("dpl_1", Ready), ("dpl_2", Live), ("dpl_3", Failed), ("dpl_4", Building)];
        let found = states(&held);
        for (id, state) in expected {
            assert!(found.contains(&(id.to_owned(), state)), "{id} of pages of {page}: {found:?}");
        }
        let live = &held.deploys[&Text::new("dpl_2")];
        assert_eq!(live.commit, Some(Text::new("c0ffeedpl_2")));
        assert_eq!(live.ready_at, Some(Time::from_ms(vercel::START - DAY + 60_000)));
        assert_eq!(live.target, Some(Text::new("production")));
        assert_eq!(held.deploys[&Text::new("dpl_3")].target, Some(Text::new("main")));
        let hook = held.get(Kind::Endpoint, "hook_1");
        assert_eq!(hook.name, Some(Text::new("https://acme.example/vercel")));
        assert_eq!(hook.attributes[&Text::new("events")], Text::new("deployment.succeeded deployment.error"));
        assert_eq!(held.finished, [Kind::Endpoint]);
        assert_eq!(check(&held, "Vercel domain app.acme.example").state, CheckState::Pass);
        assert_eq!(check(&held, "Vercel domain acme.example").state, CheckState::Fail);
        assert!(!format!("{held:?}").contains("canary"), "a secret was kept");
    }
}

#[tokio::test]
async fn a_rollback_moves_what_is_live_however_old_the_deploys_are() {
    let (fake, world) = vercel::start(vercel::World { page: 2, ..vercel::World::small() }).await;
    let source = source(System::Vercel, &fake.base);
    let mut held = Held::default();
    held.round(&*source, now()).await.unwrap();
    lock(&world).live = Some("dpl_1".to_owned());
    lock(&world).clock += 60_000;
    held.round(&*source, now().plus_ms(60_000)).await.unwrap();
    assert_eq!(held.deploys[&Text::new("dpl_1")].state, DeployState::Live);
    assert_eq!(held.deploys[&Text::new("dpl_2")].state, DeployState::Ready);
    let live = held.deploys.values().filter(|deploy| deploy.state == DeployState::Live).count();
    assert_eq!(live, 1);
    // Calm again: one page is enough.
    fake.take_paths();
    lock(&world).clock += 60_000;
    held.round(&*source, now().plus_ms(120_000)).await.unwrap();
    assert_eq!(fake.take_paths().iter().filter(|path| path.ends_with("/v6/deployments")).count(), 1);
}

#[tokio::test]
async fn a_build_that_ends_between_two_rounds_is_seen() {
    let (fake, world) = vercel::start(vercel::World::small()).await;
    let source = source(System::Vercel, &fake.base);
    let mut held = Held::default();
    held.round(&*source, now()).await.unwrap();
    {
        let mut world = lock(&world);
        world.deployments[0]["readyState"] = json!("READY");
        world.live = Some("dpl_4".to_owned());
        world.clock += 1_800_000;
    }
    held.round(&*source, now().plus_ms(1_800_000)).await.unwrap();
    assert_eq!(held.deploys[&Text::new("dpl_4")].state, DeployState::Live);
    assert_eq!(held.deploys[&Text::new("dpl_2")].state, DeployState::Ready);
}

#[tokio::test]
async fn a_token_that_may_not_read_webhooks_or_domains_still_brings_deploys() {
    let forbidden = vec!["/webhooks", "/domains"];
    let (fake, world) = vercel::start(vercel::World { forbidden, ..vercel::World::small() }).await;
    let source = source(System::Vercel, &fake.base);
    let mut held = Held::default();
    held.round(&*source, now()).await.unwrap();
    assert!(held.deploys.len() >= 4 && held.finished.is_empty() && held.checks.is_empty());
    let told = held.partial.as_ref().unwrap().to_string();
    assert!(told.contains("webhooks") && told.contains("domains"), "{told}");
    lock(&world).forbidden.clear();
    held.round(&*source, now().plus_ms(60_000)).await.unwrap();
    assert!(held.partial.is_none() && held.finished == [Kind::Endpoint] && held.checks.len() == 2);
}

#[tokio::test]
async fn a_vercel_team_is_named_in_every_call() {
    for (team, parameter) in [("team_acme", "teamId"), ("acme", "slug")] {
        let (fake, _) = vercel::start(vercel::World::small()).await;
        let mut spec = spec(System::Vercel, &fake.base, Limits::LOOPBACK);
        spec.account.insert("team".to_owned(), team.to_owned());
        let source = build(&spec).unwrap();
        source.probe(now()).await.unwrap();
        Held::default().round(&*source, now()).await.unwrap();
        assert!(fake.calls().iter().all(|call| call.get(parameter) == Some(team)));
    }
}

#[tokio::test]
async fn netlify_tells_production_deploys_and_which_one_is_published() {
    for (page, site) in [(1, "acme-web"), (2, netlify::SITE), (100, "acme-web")] {
        let (fake, _) = netlify::start(netlify::World { page, ..netlify::World::small() }).await;
        let mut spec = spec(System::Netlify, &format!("{}/api/v1", fake.base), Limits::LOOPBACK);
        spec.account.insert("site".to_owned(), site.to_owned());
        let source = build(&spec).unwrap();
        assert_eq!(source.probe(now()).await.unwrap(), Text::new("site acme-web"));
        let mut held = Held::default();
        held.round(&*source, now()).await.unwrap();
        use DeployState::{Building, Failed, Live, Ready};
        let found = states(&held);
        for (id, state) in [("d1", Ready), ("d2", Live), ("d3", Failed), ("d4", Building)] {
            assert!(found.contains(&(id.to_owned(), state)), "{id} of pages of {page}: {found:?}");
        }
        assert_eq!(held.deploys[&Text::new("d3")].reason, Some(Text::new("build script failed")));
        assert_eq!(held.records.len(), 2, "a Slack hook is none of ours");
        assert!(held.get(Kind::Endpoint, "h2").has(Flag::Disabled));
        assert!(!held.get(Kind::Endpoint, "h1").has(Flag::Disabled));
        assert!(!format!("{held:?}").contains("canary"), "a secret was kept");
    }
}

#[tokio::test]
async fn netlify_is_read_only_as_far_as_something_is_new() {
    let mut world = netlify::World { page: 2, ..netlify::World::small() };
    for i in 0..40_i64 {
        world.deploys.push(netlify::deploy(&format!("old{i}"), netlify::START - (10 + i) * DAY, "ready"));
    }
    let (fake, world) = netlify::start(world).await;
    let source = source(System::Netlify, &fake.base);
    let mut held = Held::default();
    held.round(&*source, now()).await.unwrap();
    fake.take_paths();
    {
        let mut world = lock(&world);
        world.clock += 60_000;
        let at = world.clock;
        world.deploys.insert(0, netlify::deploy("d5", at - 1000, "enqueued"));
    }
    held.round(&*source, now().plus_ms(60_000)).await.unwrap();
    assert_eq!(held.deploys[&Text::new("d5")].state, DeployState::Queued);
    let pages = fake.take_paths().iter().filter(|path| path.ends_with("/deploys")).count();
    assert!(pages <= 3, "{pages} pages");
    // What is published moves back by weeks: both are found.
    lock(&world).published = Some("old9".to_owned());
    lock(&world).clock += 60_000;
    held.round(&*source, now().plus_ms(120_000)).await.unwrap();
    assert_eq!(held.deploys[&Text::new("old9")].state, DeployState::Live);
    assert_eq!(held.deploys[&Text::new("d2")].state, DeployState::Ready);
}

#[tokio::test]
async fn netlify_goes_on_without_hooks_and_says_so() {
    let (fake, _) = netlify::start(netlify::World { no_hooks: true, ..netlify::World::small() }).await;
    let mut held = Held::default();
    held.round(&*source(System::Netlify, &fake.base), now()).await.unwrap();
    assert!(held.deploys.len() >= 4 && held.finished.is_empty());
    assert!(held.partial.unwrap().to_string().contains("hooks"));
}

#[tokio::test]
async fn a_site_or_zone_that_the_token_does_not_see_is_named() {
    let (fake, _) = netlify::start(netlify::World::small()).await;
    let mut wrong = spec(System::Netlify, &fake.base, Limits::LOOPBACK);
    wrong.account.insert("account".to_owned(), "somebody-else".to_owned());
    let error = build(&wrong).unwrap().collect(None, now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Settings);
    assert!(error.problem.to_string().contains("acme-web"), "{}", error.problem);
    let (fake, _) = cloudflare::start(cloudflare::World::small()).await;
    let mut wrong = spec(System::Cloudflare, &fake.base, Limits::LOOPBACK);
    wrong.account.insert("zone".to_owned(), "other.example".to_owned());
    let error = build(&wrong).unwrap().collect(None, now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Settings);
    assert!(error.problem.to_string().contains("other.example"), "{}", error.problem);
}

#[tokio::test]
async fn cloudflare_tells_a_zone_in_checks() {
    for (page, zone) in [(1, "acme.example"), (500, cloudflare::ZONE)] {
        let (fake, world) = cloudflare::start(cloudflare::World { page, ..cloudflare::World::small() }).await;
        let mut spec = spec(System::Cloudflare, &format!("{}/client/v4", fake.base), Limits::LOOPBACK);
        spec.account.insert("zone".to_owned(), zone.to_owned());
        let source = build(&spec).unwrap();
        assert_eq!(source.probe(now()).await.unwrap(), Text::new("zone acme.example, active"));
        let mut held = Held::default();
        held.round(&*source, now()).await.unwrap();
        assert_eq!(held.checks.len(), 10, "{:?}", held.checks);
        for told in &held.checks {
            assert_eq!(told.state, CheckState::Pass, "{told:?}");
        }
        {
            let mut world = lock(&world);
            world.zone["status"] = json!("moved");
            world.settings.insert("ssl", json!("flexible"));
            world.forbidden = vec!["/settings/always_use_https", "/certificate_packs"];
        }
        held.round(&*source, now().plus_ms(60_000)).await.unwrap();
        let told = |name: &str| check(&held, &format!("acme.example {name}"));
        assert_eq!(told("zone active").state, CheckState::Fail);
        assert_eq!(told("encryption to the server").state, CheckState::Fail);
        for part in ["always https", "certificate"] {
            assert_eq!(told(part).state, CheckState::Unknown);
            assert!(told(part).reason.as_ref().unwrap().as_str().contains("no access"));
            assert!(told(part).fix.is_some());
        }
        assert_eq!(told("oldest TLS").state, CheckState::Pass, "one part does not take the others along");
        assert!(!format!("{held:?}").contains("canary"));
    }
}

#[tokio::test]
async fn an_envelope_that_says_no_is_no_answer() {
    let fake = Fake::start(|_| {
        Answer::json(&json!({"success": false, "errors": [{"code": 1, "message": "it broke"}], "messages": [],
            "result": [{"id": "a", "name": "acme.example"}]}))
    })
    .await;
    let error = source(System::Cloudflare, &fake.base).collect(None, now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Garbage);
    assert!(error.problem.to_string().contains("it broke"), "{}", error.problem);
}

#[tokio::test]
async fn a_429_of_cloudflare_keeps_everybody_away_for_five_minutes() {
    for header in [None, Some("3"), Some("400")] {
        let fake = Fake::start(move |_| match header {
            Some(secs) => Answer::new(429, "{}").with("retry-after", secs),
            None => Answer::new(429, "{}"),
        })
        .await;
        let source = source(System::Cloudflare, &fake.base);
        for _ in 0..5 {
            let error = source.collect(None, now()).await.unwrap_err();
            assert_eq!(error.cause, Cause::RateLimited);
            assert!(error.retry_after_ms.unwrap() > 295_000, "{header:?}: {:?}", error.retry_after_ms);
        }
        assert_eq!(fake.calls().len(), 1);
    }
}

/// Whatever wants to call, and however often: in no five minutes does half of what Cloudflare allows leave this
/// program. One millisecond stands for a second, so that a quarter of an hour passes in one second.
#[tokio::test]
async fn the_block_of_cloudflare_is_never_reached() {
    let limits = PROVIDERS.iter().find(|p| p.system == System::Cloudflare).unwrap().limits;
    let window = limits.general.per / 1000;
    let quick = Rate { per: window, ..limits.general };
    let budget = Budget::new(&Limits { general: quick, narrow: quick, ..limits });
    let begin = tokio::time::Instant::now();
    let mut sent = Vec::new();
    while begin.elapsed() < 3 * window {
        let who = if sent.len() % 3 == 0 { Priority::Operator } else { Priority::Background };
        if budget.take(Lane::General, who).await.is_ok() {
            sent.push(begin.elapsed());
        }
    }
    let most =
        sent.iter().map(|from| sent.iter().filter(|at| *at >= from && **at < *from + window).count()).max().unwrap();
    assert!(sent.len() > 200, "{} calls were let through", sent.len());
    assert!(most <= 600, "{most} calls in one window of 1,200");
}

#[tokio::test]
async fn a_steady_day_of_cloudflare_costs_a_handful_of_calls_a_minute() {
    let (fake, _) = cloudflare::start(cloudflare::World::small()).await;
    let mut held = Held::default();
    held.round(&*source(System::Cloudflare, &fake.base), now()).await.unwrap();
    let calls = fake.calls().len();
    // Once a minute: five rounds in five minutes.
    assert!(calls * 5 <= 60, "{calls} calls a round");
}

#[tokio::test]
async fn lists_that_go_in_circles_end() {
    let row = vercel::deployment("dpl_1", vercel::START, "READY", Some("production"));
    let fake = Fake::start(move |call| match call.path.as_str() {
        "/v9/projects/acme-web" => Answer::json(&json!({"id": "prj_1", "name": "acme-web"})).dated(now()),
        _ => Answer::json(&json!({"deployments": [row], "pagination": {"count": 1, "next": 5, "prev": null}}))
            .dated(now()),
    })
    .await;
    let error = Held::default().round(&*source(System::Vercel, &fake.base), now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Garbage);
    assert!(error.problem.to_string().contains("circles"), "{}", error.problem);
    assert!(fake.calls().len() < 10);

    let site = netlify::World::small().site();
    let rows: Value = json!([netlify::deploy("d1", netlify::START, "ready")]);
    let fake = Fake::start(move |call| match call.path.as_str() {
        "/sites" => Answer::json(&json!([site])).dated(now()),
        _ => Answer::json(&rows),
    })
    .await;
    let error = Held::default().round(&*source(System::Netlify, &fake.base), now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Garbage);
    assert!(error.problem.to_string().contains("circles"), "{}", error.problem);
    assert!(fake.calls().len() < 10);

    let (fake, world) = cloudflare::start(cloudflare::World::small()).await;
    let answers = world.clone();
    let circle = Fake::start(move |call| {
        let mut asked = call.clone();
        if asked.path.ends_with("dns_records") {
            for (name, value) in &mut asked.query {
                if name == "page" {
                    *value = "1".to_owned();
                }
            }
            lock(&answers).page = 2;
        }
        lock(&answers).answer(&asked)
    })
    .await;
    drop(fake);
    let error = source(System::Cloudflare, &circle.base).collect(None, now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Garbage);
    assert!(error.problem.to_string().contains("circles"), "{}", error.problem);
}

#[tokio::test]
async fn strange_rows_do_not_break_a_hosts_collection() {
    let rows = json!([{}, 7, null, "x", {"uid": 5, "id": 5, "created": "never", "created_at": 9},
        {"uid": "ok", "id": "ok", "created": "1760000000000", "created_at": "2025-10-09T08:53:20Z", "readyState": ["x"],
         "state": {"a": 1}, "meta": "none", "target": 4, "context": 4}]);
    let site = netlify::World::small().site();
    let mut answers: BTreeMap<&str, Value> = BTreeMap::new();
    answers.insert("/v9/projects/acme-web", json!({"id": "prj_1", "name": 5, "targets": []}));
    answers.insert("/v6/deployments", json!({"deployments": rows, "pagination": []}));
    answers.insert("/v1/webhooks", rows.clone());
    answers.insert("/v9/projects/acme-web/domains", json!({"domains": rows, "pagination": null}));
    answers.insert("/sites", json!([7, null, site]));
    answers.insert("/hooks", rows.clone());
    let fake = Fake::start(move |call| match answers.get(call.path.as_str()) {
        Some(body) => Answer::json(body),
        None if call.get("page") == Some("1") => Answer::json(&rows),
        None => Answer::json(&json!([])),
    })
    .await;
    for system in [System::Vercel, System::Netlify] {
        let mut held = Held::default();
        held.round(&*source(system, &fake.base), now()).await.unwrap();
        assert!(held.deploys.contains_key(&Text::new("ok")), "{system}: {:?}", held.deploys);
        assert_eq!(held.deploys[&Text::new("ok")].state, DeployState::Queued);
    }
}

#[test]
fn the_budget_of_each_host_begins_small() {
    for system in [System::Vercel, System::Netlify, System::Cloudflare] {
        let rate = PROVIDERS.iter().find(|p| p.system == system).unwrap().limits.general;
        assert!(rate.burst <= 20 && rate.per >= Duration::from_secs(60), "{system}");
    }
}
