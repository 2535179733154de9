//! The revision, waking, and leases.

use std::time::Duration;

use crate::place::*;
use trueup::domain::*;

on_both_engines! {
    the_revision_grows_only_on_change,
    our_own_commits_wake_at_once,
    another_process_is_noticed,
    a_lease_has_one_holder_until_it_runs_out,
    of_many_who_ask_at_once_one_gets_the_lease,
    a_source_that_answers_again_and_again_wakes_nobody_at_first,
}

async fn the_revision_grows_only_on_change(place: &Place) {
    let store = place.open().await;
    let mut known = store.revision().await.unwrap();
    let batch = records(vec![person(System::Portal, "1", "", 1)]);
    for (grows, what) in [(true, "new"), (false, "same")] {
        store.commit(System::Portal, &batch, at(1)).await.unwrap();
        let now = store.revision().await.unwrap();
        assert_eq!(now > known, grows, "{what}");
        known = now;
    }
    store.commit(System::Portal, &Batch { cursor: Some("1".into()), ..Batch::default() }, at(1)).await.unwrap();
    store.lease("collect", &Text::new("a"), 1000).await.unwrap();
    store.forget_cursor(System::Portal).await.unwrap();
    let dirty = store.dirty(10, at(1)).await.unwrap();
    store.save_judgements(&[], Some(&dirty), at(1)).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), known);
}

async fn our_own_commits_wake_at_once(place: &Place) {
    let store = place.open().await;
    let mut told = store.subscribe();
    let batch = records(vec![person(System::Portal, "1", "", 1)]);
    store.commit(System::Portal, &batch, at(1)).await.unwrap();
    assert!(told.has_changed().unwrap());
    let revision = *told.borrow_and_update();
    assert_eq!(revision, store.revision().await.unwrap());
    store.commit(System::Portal, &batch, at(1)).await.unwrap();
    assert!(!told.has_changed().unwrap());
}

async fn another_process_is_noticed(place: &Place) {
    let (here, there) = (place.open().await, place.open().await);
    let mut told = here.subscribe();
    // Let the watcher take its first look.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    there.commit(System::Portal, &records(vec![person(System::Portal, "1", "", 1)]), at(1)).await.unwrap();
    let patience = Duration::from_secs(4);
    tokio::time::timeout(patience, told.changed()).await.expect("woken in time").unwrap();
    let revision = *told.borrow_and_update();
    assert_eq!(revision, there.revision().await.unwrap());
    // Closing is quick although somebody is subscribed.
    tokio::time::timeout(patience, here.close()).await.expect("closed in time");
}

async fn a_lease_has_one_holder_until_it_runs_out(place: &Place) {
    let store = place.open().await;
    let (a, b) = (Text::new("host-a 12"), Text::new("host-b 34"));
    assert!(store.lease("collect", &a, 60_000).await.unwrap().mine);
    let held = store.lease("collect", &b, 60_000).await.unwrap();
    assert!(!held.mine && held.holder == a);
    assert!(store.lease("collect", &a, 60_000).await.unwrap().until >= held.until);
    store.release("collect", &b).await.unwrap();
    assert!(!store.lease("collect", &b, 1).await.unwrap().mine);
    store.release("collect", &a).await.unwrap();
    assert!(store.lease("collect", &b, 50).await.unwrap().mine);
    tokio::time::sleep(Duration::from_millis(80)).await;
    assert!(store.lease("collect", &a, 60_000).await.unwrap().mine);
    assert!(store.lease("another", &b, 60_000).await.unwrap().mine);
}

async fn of_many_who_ask_at_once_one_gets_the_lease(place: &Place) {
    let store = place.open().await;
    let asks = (0..16).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.lease("collect", &Text::new(format!("host {n}")), 60_000).await.unwrap().mine })
    });
    let mut holders = 0;
    for ask in asks.collect::<Vec<_>>() {
        holders += usize::from(ask.await.unwrap());
    }
    assert_eq!(holders, 1);
}

async fn a_source_that_answers_again_and_again_wakes_nobody_at_first(place: &Place) {
    let store = place.open().await;
    let mut health = SourceHealth {
        system: System::Stripe,
        state: SourceState::Ok,
        complete_at: Some(at(0)),
        complete: vec![Kind::Person],
        lag_ms: None,
        problem: None,
        failing_since: None,
        retry_at: None,
    };
    store.save_source(&health, Some(100), at(0)).await.unwrap();
    let revision = store.revision().await.unwrap();
    health.complete_at = Some(at(5));
    store.save_source(&health, Some(99), at(5)).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), revision);
    assert_eq!(store.sources().await.unwrap()[0].seen_at, Some(at(5)));
    assert_eq!(store.evidence().await.unwrap().sources[0].complete_at, Some(at(5)));
    store.save_source(&health, Some(98), at(40)).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), revision + 1);
    // Silence does not count as having been seen.
    (health.state, health.problem) = (SourceState::Down, text("503"));
    store.save_source(&health, None, at(60)).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), revision + 2);
    assert_eq!(store.sources().await.unwrap()[0].seen_at, Some(at(40)));
}
