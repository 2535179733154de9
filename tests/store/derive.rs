//! Judgements replace what was judged before.

use crate::place::*;
use trueup::domain::*;
use trueup::query::Expr;

on_both_engines! {
    judgements_replace_the_rows_of_their_cluster_only,
    an_open_mismatch_keeps_its_beginning,
    the_same_judgement_again_changes_nothing,
    a_read_alone_moves_seen_at_of_the_customer_shown,
}

async fn judgements_replace_the_rows_of_their_cluster_only(place: &Place) {
    let store = place.open().await;
    let one = judged(
        "1",
        Some(customer("1", "a@x", Verdict::Disagree)),
        vec![mismatch("paid_blocked:1", "1", Class::PaidBlocked), mismatch("plan_differs:1", "1", Class::PlanDiffers)],
    );
    let two =
        judged("2", Some(customer("2", "b@x", Verdict::Disagree)), vec![mismatch("x:2", "2", Class::PaidBlocked)]);
    assert_eq!(store.save_judgements(&[one, two], None, at(1)).await.unwrap(), 5);
    let better = judged(
        "1",
        Some(customer("1", "a@x", Verdict::Disagree)),
        vec![mismatch("plan_differs:1", "1", Class::PlanDiffers)],
    );
    assert_eq!(store.save_judgements(&[better], None, at(2)).await.unwrap(), 1);
    let rows = store.list(Dataset::Mismatches, &Expr::default(), None, 9, 0, at(2)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.key().to_string()).collect::<Vec<_>>(), ["plan_differs:1", "x:2"]);
    assert_eq!(store.save_judgements(&[judged("1", None, vec![])], None, at(3)).await.unwrap(), 2);
    assert_eq!(store.get(Dataset::Customers, "1").await.unwrap(), None);
    assert!(store.get(Dataset::Customers, "2").await.unwrap().is_some());
    assert!(store.find("a@x", 9).await.unwrap().is_empty());
}

async fn an_open_mismatch_keeps_its_beginning(place: &Place) {
    let store = place.open().await;
    let mut later = mismatch("paid_blocked:1", "1", Class::PaidBlocked);
    store.save_judgements(&[judged("1", None, vec![later.clone()])], None, at(1)).await.unwrap();
    (later.since, later.explanation) = (at(5000), Text::new("told anew"));
    assert_eq!(store.save_judgements(&[judged("1", None, vec![later.clone()])], None, at(2)).await.unwrap(), 1);
    let Some(Row::Mismatch(row)) = store.get(Dataset::Mismatches, "paid_blocked:1").await.unwrap() else { panic!() };
    assert_eq!((row.since, row.explanation.as_str()), (at(100), "told anew"));
    // Closed and opened again, it begins anew.
    store.save_judgements(&[judged("1", None, vec![])], None, at(3)).await.unwrap();
    store.save_judgements(&[judged("1", None, vec![later])], None, at(4)).await.unwrap();
    let Some(Row::Mismatch(row)) = store.get(Dataset::Mismatches, "paid_blocked:1").await.unwrap() else { panic!() };
    assert_eq!(row.since, at(5000));
}

fn viewed(seen: i64) -> Judgement {
    let mut row = customer("1", "a@x", Verdict::Agree);
    row.systems.push(SystemView {
        system: System::Stripe,
        id: text("cus_1"),
        state: Some(State::Active),
        word: None,
        plan: None,
        email: None,
        matched: Some(Match::StoredLink),
        confidence: None,
        seen_at: Some(at(seen)),
        changed_at: None,
        note: None,
        wrong: vec![],
        unknown: None,
    });
    judged("1", Some(row), vec![])
}

async fn the_same_judgement_again_changes_nothing(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.save_judgements(&[viewed(1)], None, at(1)).await.unwrap(), 1);
    let revision = store.revision().await.unwrap();
    assert_eq!(store.save_judgements(&[viewed(1)], None, at(2)).await.unwrap(), 0);
    // Only read again: nothing that anybody must be woken for.
    assert_eq!(store.save_judgements(&[viewed(77)], None, at(3)).await.unwrap(), 0);
    assert_eq!(store.revision().await.unwrap(), revision);
}

async fn a_read_alone_moves_seen_at_of_the_customer_shown(place: &Place) {
    let store = place.open().await;
    store.save_judgements(&[viewed(1)], None, at(1)).await.unwrap();
    let mut payer = person(System::Stripe, "cus_1", "", 1);
    store.commit(System::Stripe, &records(vec![payer.clone()]), at(1)).await.unwrap();
    payer.seen_at = at(500);
    store.commit(System::Stripe, &records(vec![payer]), at(500)).await.unwrap();
    let Some(Row::Customer(row)) = store.get(Dataset::Customers, "1").await.unwrap() else { panic!("no row") };
    assert_eq!(row.systems[0].seen_at, Some(at(500)));
}
