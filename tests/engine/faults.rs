//! A provider that fails delays nobody, is told of, is not believed, and is believed again when it is well.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use trueup::domain::{Problem, SourceState, System, Verdict};
use trueup::engine::{Engine, wall_clock};
use trueup::sim::Fault;

use crate::house::{House, as_before, nothing_rests_on, picture, rests_on, silent, source, within};

/// A live engine: the provider fails, the others go on, what rests on it is unknown; it ends, all is as before.
async fn fails_alone(system: System, fault: Fault, state: SourceState, said: &'static str, secs: u64) {
    let house = House::open().await;
    let store = house.store().await;
    let (engine, before) = house.settled(&store).await;

    house.company.fault(system, fault);
    house.somebody_signs_up(&store).await;
    let row = silent(&store, system, secs).await;
    assert_eq!(row.state, state);
    let problem = row.problem.expect("it says what is wrong").to_string();
    assert!(problem.contains(said) && problem.contains(system.title()), "{problem}");
    nothing_rests_on(&store, system, 6).await;
    for other in [
        System::Portal,
        System::Stripe,
        System::Hubspot,
        System::Pipedrive,
        System::Gohighlevel,
        System::Intercom,
        System::Zendesk,
    ] {
        if other != system {
            assert_eq!(source(&store, other).await.unwrap().state, SourceState::Ok, "{other}");
        }
    }

    house.company.fault(system, Fault::None);
    as_before(&store, &before, 30).await;
    assert_eq!(source(&store, system).await.unwrap().state, SourceState::Ok);
    engine.stop().await;
}

/// One round on an empty store with a provider that fails: the others are read at once, the round ends in time.
async fn one_round_with(system: System, fault: Fault, most: Duration) {
    let house = House::open().await;
    let store = house.store().await;
    house.company.fault(system, fault);
    let built = house.built().await;
    let started = Instant::now();
    let round = house.round_with(&store, &built);
    let others = async {
        loop {
            let evidence = store.evidence().await.unwrap();
            let read = evidence.sources.iter().filter(|s| s.system != system && s.complete_at.is_some()).count();
            if read == house.settings.sources.len() {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(18), "{system} {fault:?} delays others: {evidence:?}");
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    };
    let (summary, ()) = tokio::join!(round, others);
    assert!(started.elapsed() < most, "the round took {:?}", started.elapsed());
    assert!(summary.incomplete());
    let source = &summary.sources[&system];
    assert_eq!(source.state.as_str(), "down", "{source:?}");
    assert!(source.problem.as_ref().unwrap().as_str().contains(system.title()));
    for (other, row) in &summary.sources {
        assert!(*other == system || row.state.as_str() == "ok" && row.changed > 0, "{other}: {row:?}");
    }
    let seen = picture(&store).await;
    assert!(!seen.customers.is_empty());
    let agree: Vec<_> = seen.customers.iter().filter(|(_, verdict)| **verdict == Verdict::Agree).collect();
    assert!(agree.is_empty(), "{agree:?}");

    // The next round, by another process, with the provider well again.
    house.company.fault(system, Fault::None);
    let healed = house.round(&store).await;
    assert!(!healed.incomplete(), "{healed:?}");
    assert!(picture(&store).await.customers.values().any(|verdict| *verdict == Verdict::Agree));
    // And a round in which it fails when it was well before.
    house.company.fault(system, fault);
    let again = house.round(&store).await;
    assert_eq!(again.sources[&system].state.as_str(), "down", "{again:?}");
    assert_eq!(rests_on(&store, system).await, None);
}

/// How a provider fails, what its source is then, what is said of it, after how many seconds at most.
const LIVE: &[(System, Fault, SourceState, &str, u64)] = &[
    (System::Hubspot, Fault::Hang, SourceState::Down, "no whole answer", 30),
    (System::Stripe, Fault::Html, SourceState::Failed, "HTML", 15),
    (System::Stripe, Fault::Cut, SourceState::Down, "cut off", 15),
    (System::Hubspot, Fault::Status(503), SourceState::Down, "503", 15),
    (System::Stripe, Fault::Status(401), SourceState::Failed, "401", 15),
];

/// How a provider fails and how long one round may take then.
const ONCE: &[(System, Fault, u64)] = &[
    (System::Hubspot, Fault::Hang, 28),
    (System::Stripe, Fault::Status(503), 20),
    (System::Zendesk, Fault::RateLimit { retry_after: 2 }, 20),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_fails_delays_nobody_and_is_not_believed_until_it_is_well() {
    let mut all = JoinSet::new();
    for (system, fault, state, said, secs) in LIVE {
        all.spawn(fails_alone(*system, *fault, *state, said, *secs));
    }
    all.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_with_a_provider_that_fails_ends_in_time_and_is_incomplete() {
    let mut all = JoinSet::new();
    for (system, fault, secs) in ONCE {
        all.spawn(one_round_with(*system, *fault, Duration::from_secs(*secs)));
    }
    all.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_hiccup_turns_nothing_grey() {
    let house = House::open().await;
    let store = house.store().await;
    let (engine, before) = house.settled(&store).await;
    house.company.fault(System::Hubspot, Fault::Status(503));
    let told = || async { source(&store, System::Hubspot).await?.problem };
    within(4, "the failure is told of", told).await;
    house.company.fault(System::Hubspot, Fault::None);
    assert_eq!(source(&store, System::Hubspot).await.unwrap().state, SourceState::Ok);
    let healed = || async { source(&store, System::Hubspot).await?.problem.is_none().then_some(()) };
    within(8, "the problem is gone", healed).await;
    as_before(&store, &before, 0).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_told_to_wait_waits_and_is_not_believed_meanwhile() {
    let house = House::open().await;
    let store = house.store().await;
    let (engine, _) = house.settled(&store).await;
    // The day's calls are used up, HubSpot says; the next may go in an hour.
    house.company.fault(System::Hubspot, Fault::RateLimit { retry_after: 3600 });
    let row = silent(&store, System::Hubspot, 5).await;
    assert!(row.problem.unwrap().as_str().contains("429"));
    let asked = house.asked(System::Hubspot);
    let stripe = house.asked(System::Stripe);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(house.asked(System::Hubspot), asked, "nobody calls while told to wait");
    assert!(house.asked(System::Stripe) > stripe, "the others go on");
    nothing_rests_on(&store, System::Hubspot, 1).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_without_a_key_is_not_believed_although_it_was_well_yesterday() {
    let house = House::open().await;
    let store = house.store().await;
    let (engine, _) = house.settled(&store).await;
    engine.stop().await;
    let mut built = house.built().await;
    let source = built.iter_mut().find(|(system, _)| *system == System::Hubspot).unwrap();
    source.1 = Err(Problem::evidence("no key").at("HubSpot").hint("run `trueup login hubspot`"));
    let settings = house.settings.clone();
    let engine = Engine::start(store.clone(), settings, built, wall_clock(), "two".into());
    let row = silent(&store, System::Hubspot, 15).await;
    assert_eq!(row.problem.unwrap().as_str(), "HubSpot: no key; run `trueup login hubspot`");
    nothing_rests_on(&store, System::Hubspot, 5).await;
    engine.stop().await;
}
