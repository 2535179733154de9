//! Since when evidence is missing: since the source fell silent, not since the customer last changed.

use trueup::domain::{Class, Kind, SourceState, System, Time};

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
    let part = ana().unread(System::Hubspot, Kind::Person).source(System::Hubspot, |health| {
        health.state = SourceState::Partial;
    });
    assert_eq!(since(&part), now());
    let ahead = ana().down(System::Hubspot).source(System::Hubspot, |h| h.complete_at = Some(ago(-DAY)));
    assert_eq!(since(&ahead), now(), "no clock makes it begin in the future");
}
