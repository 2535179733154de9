//! Two engines on one store: one collects, the other shows; who dies or stops is followed.

use std::time::Duration;

use trueup::domain::System;
use trueup::engine::EngineState;

use crate::house::{House, until_state, within};

/// The long one: a lease that nobody gives back lasts thirty seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_one_engine_collects_and_the_other_takes_over() {
    // The same company twice: who asks which of them tells who collects.
    let (ours, theirs) = (House::open().await, House::open().await);
    let (store, other) = (ours.store().await, ours.store().await);
    let first = ours.engine(&store, "first").await;
    until_state(&first, 5, |state| *state == EngineState::Working).await;
    let second = theirs.engine(&other, "second").await;
    until_state(&second, 5, |state| *state == EngineState::Watching("first".into())).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(ours.asked(System::Stripe) > 1);
    assert_eq!(theirs.company.requests().len(), 0, "who watches asks nobody");

    // It dies: nothing is given back.
    drop(first);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = ours.company.requests().len();
    until_state(&second, 45, |state| *state == EngineState::Working).await;
    within(5, "the second collects", || async { (theirs.asked(System::Stripe) > 0).then_some(()) }).await;
    assert_eq!(ours.company.requests().len(), asked, "a dropped engine asks nobody any more");

    // It stops: the lease is given back, and nobody waits for it to end.
    let third = ours.engine(&store, "third").await;
    until_state(&third, 5, |state| *state == EngineState::Watching("second".into())).await;
    second.stop().await;
    until_state(&third, 15, |state| *state == EngineState::Working).await;
    third.stop().await;
}
