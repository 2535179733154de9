//! The portal's database goes away, or a part of it: named, everything else goes on, and it recovers by itself.

use std::time::Duration;

use trueup::domain::{Class, SourceState, System, Verdict};

use crate::house::{House, as_before, nothing_rests_on, picture, silent, source, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_that_goes_away_is_named_and_comes_back() {
    let house = House::open().await;
    let store = house.store().await;
    let (engine, before) = house.settled(&store).await;
    let (here, away) = (house.folder.0.join("portal.db"), house.folder.0.join("elsewhere.db"));
    std::fs::rename(&here, &away).unwrap();
    let row = silent(&store, System::Portal, 8).await;
    let problem = row.problem.unwrap().to_string();
    assert!(problem.contains("portal.db"), "{problem}");
    nothing_rests_on(&store, System::Portal, 5).await;
    assert_eq!(picture(&store).await.customers.len(), before.customers.len(), "the last data stays");
    let asked = house.asked(System::Stripe);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(house.asked(System::Stripe) > asked, "the others go on");
    assert!(!here.exists(), "looking for it does not make it");

    std::fs::rename(&away, &here).unwrap();
    as_before(&store, &before, 20).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_vanishes_is_named_and_only_what_rests_on_it_is_unknown() {
    let house = House::open().await;
    let store = house.store().await;
    let (engine, before) = house.settled(&store).await;
    let lost = before.mismatches.values().filter(|row| **row == (Class::TicketMissing, Verdict::Disagree)).count();
    assert!(lost > 0);

    house.portal("create table kept as select * from support_requests").await;
    house.portal("drop table support_requests").await;
    let partial = || async { source(&store, System::Portal).await.filter(|row| row.state == SourceState::Partial) };
    let row = within(6, "the portal is partial", partial).await;
    assert!(row.problem.unwrap().as_str().contains("support_requests"));
    let unknown = || async {
        let seen = picture(&store).await;
        let tickets = seen.mismatches.values().filter(|(class, _)| *class == Class::TicketMissing);
        let verdicts: Vec<Verdict> = tickets.map(|(_, verdict)| *verdict).collect();
        (verdicts.len() == lost && verdicts.iter().all(|verdict| *verdict == Verdict::Unknown)).then_some(seen)
    };
    let seen = within(6, "missing tickets are unknown", unknown).await;
    for (id, row) in &before.mismatches {
        assert!(row.0 == Class::TicketMissing || seen.mismatches.get(id) == Some(row), "{id}");
    }
    // The customers are read on: the state of the source does not flap between rounds either.
    house.somebody_signs_up(&store).await;
    for _ in 0..100 {
        assert_eq!(source(&store, System::Portal).await.unwrap().state, SourceState::Partial);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }

    house.portal("alter table kept rename to support_requests").await;
    as_before(&store, &before, 15).await;
    engine.stop().await;
}
