//! History survives a restart and is dropped when it is old.

use crate::place::*;
use trueup::domain::*;
use trueup::query::Expr;

on_both_engines! {
    a_restart_keeps_everything,
    retention_drops_what_is_old_and_nothing_else,
    uptime_and_recent_latencies_come_from_the_runs,
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
