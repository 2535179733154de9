//! History survives a restart and is dropped when it is old.

use crate::place::*;
use trueup::domain::*;
use trueup::query::Expr;

on_both_engines! {
    a_restart_keeps_everything,
    retention_drops_what_is_old_and_nothing_else,
    uptime_and_recent_latencies_come_from_the_runs,
    a_sources_checks_are_replaced_as_a_whole_and_others_stay,
    an_outcome_outlives_what_the_host_says_again,
}

fn run(n: i64, state: CheckState) -> CheckRun {
    let latency_ms = (state != CheckState::Fail).then_some(100 + n);
    CheckRun { name: Text::new("login page"), at: at(n * 60), state, latency_ms, reason: None }
}

fn check(state: CheckState) -> Check {
    Check {
        name: Text::new("login page"),
        kind: Text::new("http"),
        target: Text::new("https://acme.example/login"),
        state,
        since: Some(at(0)),
        latency_ms: Some(100),
        reason: None,
        fix: None,
        uptime: None,
        recent: vec![],
        seen_at: None,
    }
}

async fn row(store: &trueup::store::Store) -> Check {
    match store.get(Dataset::Checks, "login page").await.unwrap() {
        Some(Row::Check(check)) => *check,
        other => panic!("{other:?}"),
    }
}

async fn a_restart_keeps_everything(place: &Place) {
    let store = place.open().await;
    store.commit(System::Portal, &records(vec![person(System::Portal, "1", "", 1)]), at(1)).await.unwrap();
    let batch = Batch {
        deliveries: vec![delivery("e1", DeliveryState::Failed, at(1))],
        deploys: vec![Deploy {
            id: Text::new("d1"),
            source: System::Vercel,
            state: DeployState::Live,
            commit: text("a1b9f3c"),
            created_at: at(1),
            ready_at: Some(at(2)),
            url: None,
            target: None,
            verdict: None,
            reason: None,
        }],
        cursor: Some("{}".into()),
        ..Batch::default()
    };
    assert_eq!(store.commit(System::Stripe, &batch, at(1)).await.unwrap(), 2);
    store.save_checks(&[run(1, CheckState::Pass)], &[check(CheckState::Pass)], at(60)).await.unwrap();
    let health = SourceHealth {
        system: System::Stripe,
        state: SourceState::Partial,
        complete_at: Some(at(1)),
        complete: vec![Kind::Person, Kind::Invoice],
        lag_ms: Some(400),
        problem: text("scope missing"),
        failing_since: None,
        retry_at: None,
    };
    store.save_source(&health, Some(7), at(2)).await.unwrap();
    store.save_judgements(&[judged("1", Some(customer("1", "", Verdict::Agree)), vec![])], None, at(2)).await.unwrap();
    let revision = store.revision().await.unwrap();
    let waiting = store.dirty(10, at(2)).await.unwrap().keys;
    store.close().await;

    let store = place.open().await;
    assert_eq!(store.revision().await.unwrap(), revision);
    assert_eq!(store.dirty(10, at(2)).await.unwrap().keys, waiting);
    assert_eq!(waiting, [portal("1")]);
    assert_eq!(store.cursor(System::Stripe).await.unwrap(), batch.cursor);
    assert_eq!(store.evidence().await.unwrap(), Evidence { sources: vec![health] });
    let sources = store.sources().await.unwrap();
    assert_eq!((sources[0].rate_left, sources[0].seen_at), (Some(7), Some(at(2))));
    for (dataset, key) in [
        (Dataset::Customers, "1"),
        (Dataset::Deliveries, "e1"),
        (Dataset::Deploys, "d1"),
        (Dataset::Checks, "login page"),
        (Dataset::Sources, "stripe"),
    ] {
        assert!(store.get(dataset, key).await.unwrap().is_some(), "{dataset}");
    }
}

async fn retention_drops_what_is_old_and_nothing_else(place: &Place) {
    let store = place.open().await;
    let deliveries = (0..10).map(|n| delivery(&format!("e{n}"), DeliveryState::Delivered, at(n * 60))).collect();
    let batch = Batch { deliveries, records: vec![person(System::Portal, "1", "", 1)], ..Batch::default() };
    store.commit(System::Stripe, &batch, at(1)).await.unwrap();
    let runs: Vec<CheckRun> =
        (0..10).map(|n| run(n, if n < 5 { CheckState::Fail } else { CheckState::Pass })).collect();
    store.save_checks(&runs, &[check(CheckState::Pass)], at(600)).await.unwrap();
    assert_eq!(row(&store).await.uptime, Some(5000));
    assert_eq!(store.retain(240_000, 300_000, at(600)).await.unwrap(), 6 + 5);
    assert_eq!(store.count(Dataset::Deliveries, &Expr::default(), at(600)).await.unwrap(), 4);
    assert_eq!(row(&store).await.uptime, Some(10_000));
    assert_eq!(store.retain(240_000, 300_000, at(600)).await.unwrap(), 0);
    assert!(store.clusters(&[portal("1")]).await.unwrap()[0].portal.is_some());
}

async fn uptime_and_recent_latencies_come_from_the_runs(place: &Place) {
    let store = place.open().await;
    let runs = [CheckState::Pass, CheckState::Fail, CheckState::Unknown, CheckState::Warn]
        .iter()
        .enumerate()
        .map(|(n, state)| run(n as i64, *state))
        .collect::<Vec<_>>();
    store.save_checks(&runs, &[check(CheckState::Warn)], at(300)).await.unwrap();
    let first = row(&store).await;
    assert_eq!(first.uptime, Some(6666));
    assert_eq!(first.recent, [Some(100), None, Some(102), Some(103)]);
    // The same runs again (a repeat after a crash) count once.
    store.save_checks(&runs, &[check(CheckState::Fail)], at(300)).await.unwrap();
    let again = row(&store).await;
    assert_eq!((again.state, again.uptime, again.recent), (CheckState::Fail, first.uptime, first.recent));
    let many: Vec<CheckRun> = (10..200).map(|n| run(n, CheckState::Pass)).collect();
    store.save_checks(&many, &[], at(20_000)).await.unwrap();
    let row = row(&store).await;
    assert_eq!((row.recent.len(), row.recent.last()), (60, Some(&Some(299))));
    assert_eq!(row.state, CheckState::Fail);
}

async fn a_sources_checks_are_replaced_as_a_whole_and_others_stay(place: &Place) {
    let store = place.open().await;
    store.save_checks(&[run(0, CheckState::Pass)], &[check(CheckState::Pass)], at(1)).await.unwrap();
    let told = |name: &str, state| Check { name: Text::new(name), since: None, latency_ms: None, ..check(state) };
    let batch = |checks: Vec<Check>| Batch { checks: Some(checks), ..Batch::default() };
    let get = async |name: &str| match store.get(Dataset::Checks, name).await.unwrap() {
        Some(Row::Check(check)) => Some(*check),
        _ => None,
    };
    let both = batch(vec![told("zone active", CheckState::Pass), told("ssl", CheckState::Fail)]);
    assert_eq!(store.commit(System::Cloudflare, &both, at(10)).await.unwrap(), 2);
    let revision = store.revision().await.unwrap();
    assert_eq!(store.commit(System::Cloudflare, &both, at(70)).await.unwrap(), 0, "nothing new was said");
    assert_eq!(store.revision().await.unwrap(), revision);
    // Five minutes later it counts as another run; the state is as old as it was.
    store.commit(System::Cloudflare, &both, at(400)).await.unwrap();
    let ssl = get("ssl").await.unwrap();
    assert_eq!((ssl.since, ssl.recent.len(), ssl.uptime), (Some(at(10)), 2, Some(0)));
    // Another state has its own beginning; what is not told any more goes; a batch that does not tell changes nothing.
    store.commit(System::Cloudflare, &batch(vec![told("ssl", CheckState::Pass)]), at(500)).await.unwrap();
    assert_eq!(get("ssl").await.unwrap().since, Some(at(500)));
    assert!(get("zone active").await.is_none());
    store.commit(System::Cloudflare, &Batch::default(), at(510)).await.unwrap();
    store.commit(System::Vercel, &batch(Vec::new()), at(510)).await.unwrap();
    assert!(get("ssl").await.is_some() && get("login page").await.is_some());
    store.replace_checks("cloudflare/webhooks", &[told("hook", CheckState::Warn)], at(520)).await.unwrap();
    store.commit(System::Cloudflare, &batch(Vec::new()), at(530)).await.unwrap();
    assert!(get("ssl").await.is_none() && get("hook").await.is_some() && get("login page").await.is_some());
}

async fn an_outcome_outlives_what_the_host_says_again(place: &Place) {
    let store = place.open().await;
    let deploy = |id: &str, secs, state| Deploy {
        id: Text::new(id),
        source: System::Vercel,
        state,
        commit: None,
        created_at: at(secs),
        ready_at: Some(at(secs)),
        url: None,
        target: text("production"),
        verdict: None,
        reason: None,
    };
    let rows = vec![deploy("d1", 100, DeployState::Ready), deploy("d2", 200, DeployState::Live)];
    let deliveries = vec![
        delivery("e1", DeliveryState::Delivered, at(90)),
        Delivery { attempts: Some(3), ..delivery("e2", DeliveryState::Delivered, at(110)) },
        delivery("e3", DeliveryState::Failed, at(120)),
        delivery("e4", DeliveryState::Pending, at(130)),
    ];
    let batch = Batch { deploys: rows.clone(), deliveries, ..Batch::default() };
    store.commit(System::Vercel, &batch, at(300)).await.unwrap();
    let releases = store.releases(9).await.unwrap();
    assert_eq!(releases.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["d2", "d1"]);
    let around = store.around(at(100), at(200), 3_600_000, 10).await.unwrap();
    let (before, after) = around.values().next().unwrap();
    assert_eq!((*before, after.as_slice()), ((0, 1), &[true, true][..]), "a second try is a failure, pending is none");
    let judged = Deploy { verdict: text("worse"), reason: text("because"), ..rows[1].clone() };
    store.save_outcomes(&[judged, deploy("gone", 1, DeployState::Live)]).await.unwrap();
    let batch = Batch { deploys: vec![deploy("d2", 200, DeployState::Ready)], ..Batch::default() };
    store.commit(System::Vercel, &batch, at(310)).await.unwrap();
    match store.get(Dataset::Deploys, "d2").await.unwrap() {
        Some(Row::Deploy(d)) => {
            assert_eq!((d.state, d.verdict, d.reason), (DeployState::Ready, text("worse"), text("because")));
        }
        other => panic!("{other:?}"),
    }
    assert!(store.get(Dataset::Deploys, "gone").await.unwrap().is_none());
}
