//! CRMs whose contacts say nothing of themselves: their deals speak for them. Two CRMs that count alike.

use trueup::domain::{Class, Kind, Match, Record, SourceHealth, State, System, Verdict};

use crate::world::*;

/// `ana()` with a person in a second CRM, beside HubSpot, who names her.
fn seller(system: System) -> World {
    let mut world = ana();
    let hubspot = world.evidence.sources.iter().find(|s| s.system == System::Hubspot).unwrap().clone();
    world.evidence.sources.push(SourceHealth { system, ..hubspot });
    world.rules.configured.push(system);
    world.rules.crm = Some(System::Hubspot);
    let mut person = record(system, Kind::Person, "7");
    person.email = Some("ana@duarte.example".into());
    person.links.portal = Some("1182".into());
    world.add(person)
}

fn deal(system: System, id: &str, word: &str, age: i64) -> Record {
    let mut deal = child(system, Kind::Deal, id, "7");
    let state = match word {
        "won" => Some(State::Active),
        "open" => Some(State::Trial),
        "lost" | "abandoned" => Some(State::Canceled),
        "deleted" => None,
        _ => Some(State::NeedsReview),
    };
    deal.word = Some(word.into());
    deal.state = state;
    deal.deleted = word == "deleted";
    deal.updated_at = Some(ago(age * DAY));
    deal
}

/// What the customer screen shows of the CRM, and whether the stage contradicts.
fn seen(world: &World, system: System) -> (Option<State>, Option<String>, Option<Verdict>) {
    let judged = world.judge();
    let view = judged.customer.as_ref().unwrap().systems.iter().find(|v| v.system == system).unwrap();
    let row = judged.mismatches.iter().find(|m| m.class == Class::StageContradicts);
    let others = judged.mismatches.iter().filter(|m| m.class != Class::StageContradicts).count();
    assert_eq!(others, 0, "{:#?}", judged.mismatches);
    (view.state, view.word.as_ref().map(ToString::to_string), row.map(|m| m.verdict))
}

#[test]
fn the_deal_that_says_most_speaks_for_a_silent_contact() {
    use State::{Active, Canceled, NeedsReview, Trial};
    for system in [System::Pipedrive, System::Gohighlevel] {
        for (deals, state, word, contradicts) in [
            (&[][..], None, None, false),
            (&[("won", 9)], Some(Active), Some("deal won"), false),
            (&[("open", 9)], Some(Trial), Some("deal open"), true),
            (&[("lost", 9)], Some(Canceled), Some("deal lost"), true),
            (&[("abandoned", 9)], Some(Canceled), Some("deal abandoned"), true),
            (&[("deleted", 9)], None, None, false),
            (&[("open", 3), ("won", 9), ("lost", 4)], Some(Active), Some("deal won"), false),
            (&[("lost", 3), ("open", 9)], Some(Trial), Some("deal open"), true),
            (&[("deleted", 3), ("lost", 9)], Some(Canceled), Some("deal lost"), true),
            (&[("lost", 9), ("abandoned", 3)], Some(Canceled), Some("deal abandoned"), true),
            (&[("nurturing", 3)], Some(NeedsReview), Some("deal nurturing"), false),
        ] {
            for backwards in [false, true] {
                let mut world = seller(system);
                for (i, (word, age)) in deals.iter().enumerate() {
                    world = world.add(deal(system, &format!("d{i}"), word, *age));
                }
                if backwards {
                    world.cluster.records.reverse();
                }
                let expected = (state, word.map(str::to_owned), contradicts.then_some(Verdict::Disagree));
                assert_eq!(seen(&world, system), expected, "{system} {deals:?}");
            }
        }
    }
}

#[test]
fn a_contact_that_speaks_for_itself_is_not_overruled_by_its_deals() {
    for (own, contradicts) in [(State::Active, false), (State::Canceled, true), (State::NeedsReview, false)] {
        let world = seller(System::Pipedrive).edit("7", |p| say(p, own, own.as_str())).add(deal(
            System::Pipedrive,
            "d1",
            "lost",
            9,
        ));
        let (state, word, row) = seen(&world, System::Pipedrive);
        assert_eq!((state, word.as_deref()), (Some(own), Some(own.as_str())));
        assert_eq!(row.is_some(), contradicts, "{own}");
    }
}

#[test]
fn a_canceled_customer_whose_deal_is_still_won_contradicts() {
    let gone = |word| {
        let world = seller(System::Pipedrive).is(State::Canceled).edit("sub_1", ended);
        let world = world.edit("90311", |c| c.word = Some("a stage of our own".into()));
        world.add(deal(System::Pipedrive, "d1", word, 9))
    };
    assert_eq!(seen(&gone("won"), System::Pipedrive).2, Some(Verdict::Disagree));
    for fine in ["lost", "open", "deleted"] {
        assert_eq!(seen(&gone(fine), System::Pipedrive).2, None, "{fine}");
    }
    let judged = gone("won").judge();
    let row = &judged.mismatches[0];
    assert_eq!(row.evidence, "Pipedrive deal won");
    assert!(row.explanation.as_str().contains("still has their deal d1 as won"), "{}", row.explanation);
    assert!(
        row.next_step.as_str().contains("Mark the deal d1 of Ana Duarte in Pipedrive as lost"),
        "{}",
        row.next_step
    );
}

#[test]
fn a_fresh_deal_settles_and_unread_or_silent_deals_prove_nothing() {
    let open = || seller(System::Pipedrive).add(deal(System::Pipedrive, "d1", "open", 9));
    assert_eq!(seen(&open().fresh("d1"), System::Pipedrive).2, Some(Verdict::Settling));
    assert_eq!(seen(&open().down(System::Pipedrive), System::Pipedrive).2, Some(Verdict::Unknown));
    assert_eq!(seen(&open().unread(System::Pipedrive, Kind::Deal), System::Pipedrive).2, None);
}

#[test]
fn the_id_that_the_portal_stores_is_not_that_of_somebody_else_in_another_crm() {
    // HubSpot's 90311 is Ana; Pipedrive counts alike, and its 90311 is a stranger.
    let linked = seller(System::Pipedrive).portal(|p| p.links.crm = Some("90311".into()));
    let mut stranger = record(System::Pipedrive, Kind::Person, "90311");
    stranger.email = Some("kim@elsewhere.example".into());
    stranger.links.portal = Some("2000".into());
    let judged = linked.clone().add(stranger).rival("2000", |_| ()).judge();
    assert!(judged.mismatches.is_empty(), "{:#?}", judged.mismatches);
    let systems = judged.customer.unwrap().systems;
    let by = |system| systems.iter().find(|v| v.system == system).and_then(|v| v.matched);
    assert_eq!(by(System::Hubspot), Some(Match::StoredLink));
    assert_eq!(by(System::Pipedrive), Some(Match::ExternalId));
    // An id that is stored for the other CRM still counts when the address is the same.
    let moved = linked.without(&["7"]);
    let mut same = record(System::Pipedrive, Kind::Person, "90311");
    same.email = Some("Ana@Duarte.example".into());
    let systems = moved.add(same).judge().customer.unwrap().systems;
    let by = |system| systems.iter().find(|v| v.system == system).and_then(|v| v.matched);
    assert_eq!(by(System::Pipedrive), Some(Match::StoredLink));
}
