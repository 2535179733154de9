//! Since when evidence is missing: since the source fell silent, not since the customer last changed.

use trueup::domain::{Class, Kind, SourceState, System, Time};
use trueup::reconcile::judge;

use crate::world::{DAY, World, ago, ana, now};

fn since(world: &World) -> Time {
    let rows = world.judge().mismatches;
    rows.iter().find(|m| m.class == Class::IncompleteEvidence).unwrap().since
}

#[test]
fn a_customer_who_never_changes_is_in_the_dark_only_since_the_source_fell_silent() {
    let old = || ana().portal(|p| (p.created_at, p.updated_at) = (Some(ago(90 * DAY)), Some(ago(37 * DAY))));
    for state in [SourceState::Down, SourceState::Failed] {
        let world = old().source(System::Hubspot, |health| {
            (health.state, health.complete_at) = (state, Some(ago(40_000)));
        });
        assert_eq!(since(&world), ago(40_000), "{state}");
    }
    let fresh = old().portal(|p| p.updated_at = Some(ago(1_000))).down(System::Hubspot);
    assert_eq!(since(&fresh), ago(3_600_000), "a change during the silence does not make it younger");
}

#[test]
fn what_never_could_be_read_is_missing_since_it_was_first_seen_to_be() {
    let never = ana().source(System::Stripe, |health| {
        (health.state, health.complete_at) = (SourceState::Failed, None);
        health.complete.clear();
    });
    assert_eq!(since(&never), now());
    let never = never.source(System::Stripe, |health| health.failing_since = Some(ago(9_000)));
    assert_eq!(since(&never), ago(9_000));
    let part = ana().unread(System::Hubspot, Kind::Person).source(System::Hubspot, |health| {
        health.state = SourceState::Partial;
    });
    assert_eq!(since(&part), now());
    let part = part.source(System::Hubspot, |health| health.failing_since = Some(ago(8_000)));
    assert_eq!(since(&part), ago(8_000));
    let ahead = ana().down(System::Hubspot).source(System::Hubspot, |h| h.complete_at = Some(ago(-DAY)));
    assert_eq!(since(&ahead), now(), "no clock makes it begin in the future");
}

#[test]
fn judging_again_a_minute_later_says_the_same_of_a_source_that_never_answered() {
    let old = ana().portal(|p| (p.created_at, p.updated_at) = (Some(ago(90 * DAY)), Some(ago(37 * DAY))));
    let never = old.source(System::Hubspot, |health| {
        (health.state, health.complete_at) = (SourceState::Failed, None);
        health.complete.clear();
        health.failing_since = Some(ago(9_000));
    });
    let at = |ms: i64| judge(&never.cluster, &never.evidence, &never.rules, now().plus_ms(ms));
    assert!(at(0).mismatches.iter().any(|m| m.class == Class::IncompleteEvidence));
    assert_eq!(at(0), at(60_000));
    assert_eq!(at(0).digest(), at(60_000).digest());
}
