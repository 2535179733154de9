//! What holds for any customer: the order of records is nothing, and silence is never good news.

use proptest::prelude::*;
use trueup::domain::{Flag, Kind, Mismatch, Record, State, System, Time, Verdict};

use crate::world::{
    DAY, World, ago, ana, contact, ended, now, refund, request, say, stranger, subscription, team, ticket,
};

type Change = fn(World) -> World;

/// Things that may be different about a customer; any of them may come together.
const CHANGES: &[Change] = &[
    |w| w.is(State::Trial),
    |w| w.is(State::PastDue),
    |w| w.is(State::Canceled),
    |w| w.portal(|p| say(p, State::NeedsReview, "frozen")),
    |w| w.portal(|p| p.state = None),
    |w| w.portal(|p| p.plan = Some("team".into())),
    |w| w.portal(|p| p.plan = None),
    |w| w.portal(|p| p.links.billing = None),
    |w| w.portal(|p| p.links.crm = Some("nobody".into())),
    |w| w.portal(|p| p.trial_ends_at = Some(ago(DAY))),
    |w| w.portal(|p| p.trial_ends_at = Some(ago(-DAY))),
    |w| w.portal(|p| p.email = None),
    |w| w.portal(|p| p.deleted = true),
    |w| w.fresh("portal"),
    |w| w.add(team("sub_2")),
    |w| w.add(subscription("sub_0", "cus_1")),
    |w| w.add(refund(Flag::Refunded)),
    |w| w.add(contact("90312", false)),
    |w| w.add(contact("90313", true)),
    |w| w.add(request("req_1")),
    |w| w.add(ticket("4471", "I cannot log in")),
    |w| w.rival("2000", |r| r.links.billing = Some("cus_1".into())),
    |w| w.rules(|r| r.access.past_due = false),
    |w| w.rules(|r| r.access.refunded = true),
    |w| w.rules(|r| r.plans.clear()),
    |w| each(w, "cus_1", |r| r.links.portal = Some("2000".into())),
    |w| each(w, "cus_1", |r| r.links.portal = None),
    |w| each(w, "cus_1", |r| r.deleted = true),
    |w| each(w, "sub_1", ended),
    |w| each(w, "sub_1", |r| say(r, State::PastDue, "past_due")),
    |w| each(w, "sub_1", |r| say(r, State::Trial, "trialing")),
    |w| each(w, "sub_1", |r| r.flags = vec![Flag::Canceling]),
    |w| each(w, "sub_1", |r| r.updated_at = Some(ago(5_000))),
    |w| each(w, "90311", |r| r.word = Some("lead".into())),
    |w| each(w, "90311", |r| r.email = Some("ana@new.example".into())),
    |w| w.without(&["sub_1"]),
    |w| w.without(&["90311"]),
    |w| w.without(&["cus_1"]),
];

fn each(mut world: World, id: &str, change: fn(&mut Record)) -> World {
    world.cluster.records.iter_mut().filter(|r| r.id == *id).for_each(change);
    world
}

fn world() -> impl Strategy<Value = World> {
    (proptest::collection::vec(proptest::sample::select(CHANGES), 0..7), 0..10).prop_map(|(changes, kind)| {
        changes.into_iter().fold(if kind == 0 { payer() } else { ana() }, |w, change| change(w))
    })
}

/// A stranger who has a portal record ready, so that every change can be made to it.
fn payer() -> World {
    let mut world = stranger();
    world.cluster.portal = ana().cluster.portal;
    world
}

/// Ways to lose evidence.
fn lose(world: World, system: System, how: usize) -> World {
    match how {
        0 => world.down(system),
        1 => world.unread(system, Kind::Person),
        2 => world.source(system, |s| {
            s.state = trueup::domain::SourceState::Collecting;
            s.complete.clear();
            s.complete_at = None;
        }),
        _ => {
            let mut world = world;
            world.evidence.sources.retain(|s| s.system != system);
            world
        }
    }
}

fn older(record: &Record, by: i64) -> Record {
    let mut copy = record.clone();
    copy.version -= by;
    copy.seen_at = Time::from_ms(copy.seen_at.ms() - by);
    copy.word = Some("something old".into());
    copy.state = None;
    copy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_order_of_records_repeats_and_older_versions_change_nothing(
        world in world(),
        keys in proptest::collection::vec(any::<u32>(), 40),
        repeat in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
    ) {
        let plain = world.judge();
        let mut shuffled = world.clone();
        let originals = world.cluster.records.clone();
        for index in repeat {
            if !originals.is_empty() {
                let record = index.get(&originals);
                shuffled.cluster.records.push(record.clone());
                shuffled.cluster.records.push(older(record, 1000));
            }
        }
        let mut keyed: Vec<_> = shuffled.cluster.records.drain(..).zip(keys.iter().cycle()).collect();
        keyed.sort_by_key(|(_, key)| **key);
        shuffled.cluster.records = keyed.into_iter().map(|(r, _)| r).collect();
        shuffled.cluster.rivals.reverse();
        prop_assert_eq!(shuffled.judge(), plain);
    }

    #[test]
    fn losing_evidence_never_makes_anything_agree(
        world in world(),
        system in proptest::sample::select(vec![System::Portal, System::Stripe, System::Hubspot, System::Zendesk]),
        how in 0..4_usize,
    ) {
        let before = world.judge();
        let after = lose(world, system, how).judge();
        if let Some(customer) = &after.customer {
            prop_assert_ne!(customer.verdict, Verdict::Agree, "{:?}", before);
        }
        // Nothing new is claimed for sure by hearing less.
        for row in after.mismatches.iter().filter(|m| m.verdict == Verdict::Disagree) {
            // What was settling may come out as it is: the newer change that it waited for is not heard of any more.
            let said = |m: &&Mismatch| matches!(m.verdict, Verdict::Disagree | Verdict::Settling);
            let sure_before = before.mismatches.iter().filter(said).any(|m| m.class == row.class);
            // A finding may come out from behind another that can no longer be made.
            let hidden = before.mismatches.iter().any(|m| !after.mismatches.iter().any(|a| a.id == m.id));
            prop_assert!(sure_before || hidden, "{} appeared: {:?}", row.class, before);
        }
    }

    #[test]
    fn every_row_is_whole_and_its_customer_lists_it(world in world()) {
        let judged = world.judge();
        let mut ids: Vec<_> = judged.mismatches.iter().map(|m| m.id.clone()).collect();
        for row in &judged.mismatches {
            for text in [&row.headline, &row.evidence, &row.explanation, &row.next_step] {
                prop_assert!(!text.as_str().trim().is_empty() && !text.as_str().contains("  "), "{row:?}");
            }
            prop_assert!(!row.systems.is_empty() && row.systems.values().all(|w| !w.as_str().trim().is_empty()));
            prop_assert!(row.verdict != Verdict::Agree && row.since <= now().plus_ms(900_000));
            prop_assert_eq!(row.rank, trueup::reconcile::rank(row));
            prop_assert!(row.id.as_str().starts_with(row.class.as_str()));
        }
        if let Some(customer) = &judged.customer {
            prop_assert_eq!(&customer.mismatches, &ids);
            let worst = judged.mismatches.iter().map(|m| m.verdict).min().unwrap_or(Verdict::Agree);
            prop_assert!(customer.verdict <= worst);
            let wrong = customer.systems.iter().any(|v| !v.wrong.is_empty());
            prop_assert!(!wrong || !ids.is_empty());
        }
        prop_assert!(judged.mismatches.windows(2).all(|m| m[0].rank <= m[1].rank));
        prop_assert!(judged.again_at.is_none_or(|at| at > now()));
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), judged.mismatches.len());
    }
}
