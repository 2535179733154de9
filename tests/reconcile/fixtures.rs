//! Four fixtures for each class: it is there, it is not, it may still be on its way, evidence is missing. Each says
//! the exact set of rows.

use trueup::domain::{Class, Flag, Kind, Match, State, System, Text, Verdict};

use crate::world::{
    DAY, World, ago, ana, contact, ended, record, refund, request, say, stranger, subscription, team, ticket,
};
use Class::*;
use Kind::{Person, Subscription, Ticket};
use State::{Active, Canceled, NeedsReview, PastDue, Trial};
use System::{Hubspot, Portal, Stripe, Zendesk};
use Verdict::{Disagree, Settling, Unknown};

pub(crate) struct Fixture {
    pub(crate) class: Class,
    pub(crate) what: &'static str,
    pub(crate) world: World,
    pub(crate) rows: Vec<(Class, Verdict)>,
}

/// Rows of one class: there, not there, settling, evidence missing (with everything that is then to be seen).
fn four(class: Class, there: World, not: World, settling: World, blind: (World, &[(Class, Verdict)])) -> Vec<Fixture> {
    let row = |what, world, rows: &[_]| Fixture { class, what, world, rows: rows.to_vec() };
    vec![
        row("there", there, &[(class, Disagree)]),
        row("not there", not, &[]),
        row("settling", settling, &[(class, Settling)]),
        row("evidence missing", blind.0, blind.1),
    ]
}

fn second_contact() -> trueup::domain::Record {
    contact("90312", false)
}

pub(crate) fn table() -> Vec<Fixture> {
    let past_due_strict = || ana().billed(PastDue, "past_due").rules(|r| r.access.past_due = false);
    let shared =
        || ana().edit("cus_1", |c| c.links.portal = None).rival("2000", |r| r.links.billing = Some("cus_1".into()));
    let overrun = |end| ana().without(&["sub_1", "in_1"]).is(Trial).portal(move |p| p.trial_ends_at = Some(end));
    let mystery = || {
        ana().edit("sub_1", |s| {
            s.plan = Some("Mystery".into());
            s.plan_keys = vec!["price_x".into()];
        })
    };
    let unmapped_state = || ana().portal(|p| say(p, NeedsReview, "frozen"));
    let mut all = Vec::new();
    let mut put = |rows: Vec<Fixture>| all.extend(rows);
    put(four(
        PaidBlocked,
        ana().is(Trial),
        ana(),
        ana().is(Trial).fresh("sub_1"),
        (ana().is(Trial).down(Stripe), &[(PaidBlocked, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    put(four(
        PartialRecord,
        ana().portal(|p| p.links.billing = None),
        ana().portal(|p| p.links.billing = None).rules(|r| r.keeps_billing_id = false),
        ana().portal(|p| p.plan = None).fresh("portal"),
        (ana().portal(|p| p.plan = None).down(Portal), &[(PartialRecord, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    put(four(
        DoubleSubscription,
        ana().add(team("sub_2")),
        ana().add(team("sub_2")).edit("sub_2", ended),
        ana().add(team("sub_2")).fresh("sub_2"),
        (ana().add(team("sub_2")).down(Stripe), &[(DoubleSubscription, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    put(four(
        CrossedLink,
        shared(),
        ana().rival("2000", |r| r.links.billing = Some("cus_2".into())),
        shared().fresh("portal"),
        (shared().down(Stripe), &[(CrossedLink, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    put(four(
        UnpaidActive,
        ana().edit("sub_1", ended),
        ana().edit("sub_1", ended).is(Canceled).edit("90311", |c| c.word = Some("former".into())),
        ana().edit("sub_1", ended).edit("sub_1", |s| s.ended_at = Some(ago(10_000))),
        (
            ana().edit("sub_1", ended).unread(Stripe, Subscription),
            &[(UnpaidActive, Unknown), (IncompleteEvidence, Unknown)],
        ),
    ));
    put(four(
        RefundedActive,
        ana().add(refund(Flag::Refunded)),
        ana().add(refund(Flag::Refunded)).rules(|r| r.access.refunded = true),
        ana().add(refund(Flag::Disputed)).fresh("ch_1"),
        (ana().add(refund(Flag::Refunded)).down(Stripe), &[(RefundedActive, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    put(four(
        PlanDiffers,
        ana().portal(|p| p.plan = Some("team".into())),
        ana().portal(|p| p.plan = Some(" PRO ".into())),
        ana().portal(|p| p.plan = Some("team".into())).fresh("portal"),
        (
            ana().portal(|p| p.plan = Some("team".into())).down(Stripe),
            &[(PlanDiffers, Unknown), (IncompleteEvidence, Unknown)],
        ),
    ));
    put(four(
        TrialOverrun,
        overrun(ago(2 * DAY)),
        overrun(ago(-2 * DAY)),
        overrun(ago(30_000)),
        (overrun(ago(2 * DAY)).down(Stripe), &[(TrialOverrun, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    put(four(
        PastDuePolicy,
        past_due_strict(),
        ana().billed(PastDue, "past_due"),
        past_due_strict().fresh("sub_1"),
        (past_due_strict().down(Stripe), &[(PastDuePolicy, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    put(four(
        PaidUnknown,
        stranger(),
        stranger().rival("2000", |r| r.links.billing = Some("cus_9".into())),
        stranger().fresh("sub_9"),
        (stranger().down(Portal), &[(PaidUnknown, Unknown)]),
    ));
    put(four(
        DanglingLink,
        ana().edit("cus_1", |c| c.deleted = true),
        ana().portal(|p| p.links.crm = Some("90311".into())),
        ana().edit("cus_1", |c| c.deleted = true).fresh("cus_1"),
        (ana().without(&["cus_1", "sub_1", "in_1"]).unread(Stripe, Person), &[(IncompleteEvidence, Unknown)]),
    ));
    put(four(
        ContactMissing,
        ana().without(&["90311"]),
        ana().without(&["90311"]).is(Canceled).edit("sub_1", ended),
        ana().without(&["90311"]).fresh("portal"),
        (ana().without(&["90311"]).unread(Hubspot, Person), &[(IncompleteEvidence, Unknown)]),
    ));
    put(four(
        DuplicateContact,
        ana().add(second_contact()),
        ana().add(second_contact()).edit("90312", |c| c.links.portal = Some("2000".into())).rival("2000", |_| ()),
        ana().add(second_contact()).fresh("90312"),
        (ana().add(second_contact()).down(Hubspot), &[(DuplicateContact, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    let lead = || ana().edit("90311", |c| c.word = Some("lead".into()));
    put(four(
        StageContradicts,
        lead(),
        ana().edit("90311", |c| c.word = Some("a stage of our own".into())),
        lead().fresh("90311"),
        (lead().down(Hubspot), &[(StageContradicts, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    put(four(
        TicketMissing,
        ana().add(request("req_1")),
        ana().add(request("req_1")).add(ticket("4471", "i cannot log in ")),
        ana().add(request("req_1")).fresh("req_1"),
        (ana().add(request("req_1")).unread(Zendesk, Ticket), &[(IncompleteEvidence, Unknown)]),
    ));
    let moved = || ana().edit("90311", |c| c.email = Some("ana@new.example".into()));
    put(four(
        EmailDiffers,
        moved(),
        ana().edit("90311", |c| c.email = Some(" Ana@DUARTE.example".into())),
        moved().fresh("90311"),
        (moved().down(Hubspot), &[(EmailDiffers, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    let ours = |what, world, rows: &[_]| Fixture { class: IncompleteEvidence, what, world, rows: rows.to_vec() };
    put(vec![
        ours("there", ana().down(Hubspot), &[(IncompleteEvidence, Unknown)]),
        ours("not there", ana(), &[]),
        // It never settles: that nothing can be said is so at once.
        ours("settling", unmapped_state().fresh("portal"), &[(IncompleteEvidence, Unknown)]),
        ours("evidence missing", ana().unread(Hubspot, Person), &[(IncompleteEvidence, Unknown)]),
    ]);
    put(four(
        UnmappedPlan,
        mystery(),
        mystery().portal(|p| p.plan = Some("mystery".into())),
        mystery().fresh("sub_1"),
        (mystery().down(Stripe), &[(UnmappedPlan, Unknown), (IncompleteEvidence, Unknown)]),
    ));
    all
}

fn rows(world: &World) -> Vec<(Class, Verdict)> {
    let mut rows: Vec<_> = world.judge().mismatches.iter().map(|m| (m.class, m.verdict)).collect();
    rows.sort();
    rows
}

#[track_caller]
fn shows(world: &World, wanted: &[(Class, Verdict)]) {
    assert_eq!(rows(world), wanted, "{:#?}", world.judge().mismatches);
}

#[test]
fn every_class_is_there_is_not_settles_and_goes_unknown() {
    let table = table();
    assert_eq!(table.len(), 72);
    for Fixture { class, what, world, rows: mut wanted } in table {
        wanted.sort();
        assert_eq!(rows(&world), wanted, "{class}, {what}: {:#?}", world.judge().mismatches);
    }
}

#[test]
fn a_customer_on_whom_all_agree_has_one_certain_view_per_system() {
    let customer = ana().judge().customer.unwrap();
    assert_eq!(customer.verdict, Verdict::Agree);
    let views: Vec<_> = customer.systems.iter().map(|v| (v.system, v.matched)).collect();
    let by_link = Some(Match::ExternalId);
    assert_eq!(
        views,
        [(Portal, Some(Match::Own)), (Stripe, Some(Match::StoredLink)), (Hubspot, by_link), (Zendesk, by_link)]
    );
    assert!(customer.systems.iter().all(|v| v.wrong.is_empty() && v.unknown.is_none()), "{customer:#?}");
    assert_eq!(customer.money.unwrap().amount, 4900);
}

#[test]
fn a_canceled_subscription_is_not_missed_while_the_paid_period_runs() {
    let canceling = || ana().edit("sub_1", |s| s.flags = vec![Flag::Canceling]);
    shows(&canceling(), &[]);
    shows(&canceling().is(Canceled), &[(PaidBlocked, Disagree)]);
    let strict = |w: World| w.rules(|r| r.access.canceled_in_period = false);
    shows(&strict(canceling()), &[(UnpaidActive, Disagree)]);
}

#[test]
fn flipping_the_past_due_line_changes_exactly_the_rows_that_quote_it() {
    let flip = |w: World| w.rules(|r| r.access.past_due = !r.access.past_due);
    let worlds = [
        (ana().billed(PastDue, "past_due"), vec![], vec![(PastDuePolicy, Disagree)]),
        (ana().billed(PastDue, "past_due").is(Canceled), vec![(PastDuePolicy, Disagree)], vec![]),
        (ana().billed(PastDue, "past_due").is(PastDue), vec![], vec![]),
        (ana().edit("sub_1", ended).is(PastDue), vec![(UnpaidActive, Disagree)], vec![]),
        (ana().billed(PastDue, "unpaid"), vec![(UnpaidActive, Disagree)], vec![(UnpaidActive, Disagree)]),
        (ana().is(Canceled), vec![(PaidBlocked, Disagree)], vec![(PaidBlocked, Disagree)]),
    ];
    for (world, before, after) in worlds {
        shows(&world, &before);
        shows(&flip(world), &after);
    }
    let row = flip(ana().billed(PastDue, "past_due")).judge().mismatches.remove(0);
    assert!(row.explanation.as_str().contains("[policy] past_due = \"no_access\""), "{}", row.explanation);
}

#[test]
fn somebody_who_pays_again_and_is_still_shown_as_failed_is_locked_out_only_if_policy_says_so() {
    shows(&ana().is(PastDue), &[(PastDuePolicy, Disagree)]);
    shows(&ana().is(PastDue).rules(|r| r.access.past_due = false), &[(PaidBlocked, Disagree)]);
}

#[test]
fn a_portal_without_a_subscription_row_keeps_a_payer_out_but_an_unknown_word_says_nothing() {
    let empty = ana().portal(|p| {
        p.state = Some(NeedsReview);
        p.word = None;
        p.plan = None;
    });
    shows(&empty, &[(PaidBlocked, Disagree)]);
    shows(&ana().portal(|p| say(p, NeedsReview, "frozen")), &[(IncompleteEvidence, Unknown)]);
    let silent = || {
        ana().portal(|p| {
            p.state = None;
            p.word = None;
        })
    };
    shows(&silent(), &[(PaidBlocked, Disagree)]);
    shows(&silent().rules(|r| r.keeps_state = false), &[]);
}

#[test]
fn a_refund_counts_until_another_payment_follows() {
    let later = |w: World| w.edit("in_1", |i| i.ended_at = Some(ago(DAY)));
    shows(&later(ana().add(refund(Flag::Refunded))), &[]);
    // Policy gives no access after a refund: the portal is right to keep them out.
    shows(&ana().add(refund(Flag::Refunded)).is(Canceled), &[]);
    // Refunded and canceled is one story.
    shows(&ana().add(refund(Flag::Refunded)).edit("sub_1", ended), &[(RefundedActive, Disagree)]);
}

#[test]
fn active_without_any_payment_is_told_apart_from_a_free_plan_and_a_single_purchase() {
    let bare = || ana().without(&["sub_1", "in_1"]);
    shows(&bare(), &[(UnpaidActive, Disagree)]);
    shows(&ana().without(&["sub_1"]), &[]);
    shows(
        &bare().rules(|r| {
            r.plans.insert("pro".into(), vec![]);
        }),
        &[],
    );
    shows(&bare().unread(Stripe, Subscription), &[(IncompleteEvidence, Unknown)]);
    let nobody = bare().without(&["cus_1"]).portal(|p| p.links.billing = None);
    shows(&nobody, &[(PartialRecord, Disagree)]);
}

#[test]
fn a_link_to_somebody_elses_record_silences_what_would_follow_from_it() {
    let names_other = ana().edit("cus_1", |c| c.links.portal = Some("2000".into())).is(Trial);
    shows(&names_other, &[(CrossedLink, Disagree)]);
    let row = names_other.judge().mismatches.remove(0);
    assert_eq!((row.intent, row.id), (None, Text::new("crossed_link:1182:billing")));
    // The record names this customer: the rest is judged as usual.
    let rightful = ana().rival("2000", |r| r.links.billing = Some("cus_1".into())).is(Trial);
    shows(&rightful, &[(PaidBlocked, Disagree), (CrossedLink, Disagree)]);
}

#[test]
fn an_email_alone_is_never_repaired_and_never_beats_a_link_to_another_customer() {
    let by_email = || ana().is(Trial).portal(|p| p.links.billing = None).edit("cus_1", |c| c.links.portal = None);
    let row = by_email().judge().mismatches.remove(0);
    assert_eq!((row.class, row.intent), (PaidBlocked, None));
    assert!(row.next_step.as_str().contains("only the e-mail"), "{}", row.next_step);
    let view = |w: &World| w.judge().customer.unwrap().systems[1].clone();
    assert_eq!(view(&by_email()).confidence, Some("not verified".into()));
    assert_eq!(ana().is(Trial).judge().mismatches[0].intent, Some("set_state".into()));

    let names = || by_email().edit("cus_1", |c| c.links.portal = Some("2000".into()));
    let attacked = names().rival("2000", |_| ());
    assert_eq!(view(&attacked).id, None);
    shows(&attacked, &[]);
    shows(&names().unread(Portal, Person), &[(IncompleteEvidence, Unknown)]);
    // The id is known to be nobody's: they signed up anew. Seen, but not to be repaired.
    shows(&names(), &[(PaidBlocked, Disagree)]);
    assert_eq!(names().judge().mismatches[0].intent, None);
    let claimed = by_email().rival("2000", |r| r.links.billing = Some("cus_1".into()));
    assert_eq!(view(&claimed).id, None);
}

#[test]
fn a_subscription_that_names_the_customer_speaks_for_its_owner() {
    let world = ana()
        .portal(|p| p.links.billing = None)
        .rules(|r| r.keeps_billing_id = false)
        .edit("cus_1", |c| {
            c.links.portal = None;
            c.email = Some("billing@elsewhere.example".into());
        })
        .edit("sub_1", |s| s.links.portal = Some("1182".into()));
    assert_eq!(world.judge().customer.unwrap().systems[1].matched, Some(Match::ExternalId));
}

#[test]
fn a_tagged_address_is_a_candidate_and_proves_nothing() {
    let world = ana().edit("90311", |c| {
        c.links.portal = None;
        c.email = Some("ana+work@duarte.example".into());
    });
    shows(&world, &[(ContactMissing, Disagree)]);
    let row = world.judge().mismatches.remove(0);
    assert!(row.intent.is_none() && row.next_step.as_str().contains("90311"), "{row:?}");
}

#[test]
fn a_missing_or_test_record_dangles_and_silences_what_follows() {
    let gone = || ana().without(&["cus_1", "sub_1", "in_1"]);
    shows(&gone(), &[(DanglingLink, Disagree)]);
    shows(&ana().edit("cus_1", |c| c.flags = vec![Flag::Test]), &[(DanglingLink, Disagree)]);
    let crm = || ana().portal(|p| p.links.crm = Some("90999".into()));
    shows(&crm(), &[(DanglingLink, Disagree)]);
    shows(&crm().without(&["90311"]), &[(DanglingLink, Disagree)]);
    // What was seen to be absent before the source fell silent stays in sight.
    shows(&gone().down(Stripe), &[(DanglingLink, Unknown), (IncompleteEvidence, Unknown)]);
    shows(&gone().fresh("portal").down(Stripe), &[(IncompleteEvidence, Unknown)]);
}

#[test]
fn absence_waits_until_the_source_was_asked_after_the_change() {
    let world = ana().without(&["90311"]).portal(|p| p.updated_at = Some(ago(3_600_000)));
    let stale = world.clone().source(Hubspot, |s| s.complete_at = Some(ago(2 * 3_600_000)));
    shows(&world, &[(ContactMissing, Disagree)]);
    shows(&stale, &[(ContactMissing, Settling)]);
}

#[test]
fn a_request_is_matched_by_either_id_or_by_who_and_what() {
    let asked = || ana().add(request("req_1")).add(ticket("4471", "another thing"));
    shows(&asked(), &[(TicketMissing, Disagree)]);
    shows(&asked().edit("4471", |t| t.links.portal = Some("req_1".into())), &[]);
    shows(&asked().edit("req_1", |r| r.links.support = Some("4471".into())), &[]);
    shows(
        &asked().edit("req_1", |r| {
            r.attributes.insert("external_id".into(), "4471".into());
        }),
        &[],
    );
    let two = asked().add(request("req_2"));
    shows(&two, &[(TicketMissing, Disagree), (TicketMissing, Disagree)]);
    shows(&asked().rules(|r| r.tickets_from = false), &[]);
}

#[test]
fn duplicates_are_counted_per_system_and_support_users_too() {
    let mut user = record(Zendesk, Person, "774");
    user.email = Some("ana@duarte.example".into());
    shows(&ana().add(user.clone()), &[(DuplicateContact, Disagree)]);
    let both = ana().add(user).add(second_contact());
    shows(&both, &[(DuplicateContact, Disagree), (DuplicateContact, Disagree)]);
    let ids: Vec<_> = both.judge().mismatches.iter().map(|m| m.id.as_str().to_owned()).collect();
    assert_eq!(ids, ["duplicate_contact:1182:hubspot", "duplicate_contact:1182:zendesk"]);
}

#[test]
fn two_live_subscriptions_across_two_billing_systems_count() {
    let mut payer = record(System::Paddle, Person, "ctm_1");
    payer.email = Some("ana@duarte.example".into());
    let mut sub = subscription("pad_1", "ctm_1");
    sub.system = System::Paddle;
    let mut world = ana().add(payer).add(sub).rules(|r| r.configured.push(System::Paddle));
    let mut health = world.evidence.sources[1].clone();
    health.system = System::Paddle;
    world.evidence.sources.push(health);
    shows(&world, &[(DoubleSubscription, Disagree)]);
    let row = world.judge().mismatches.remove(0);
    assert_eq!(row.money.unwrap().amount, 9800);
    assert_eq!(row.systems.keys().map(Text::as_str).collect::<Vec<_>>(), ["paddle", "stripe"]);
}

#[test]
fn of_several_subscriptions_the_dead_are_ignored_while_one_lives() {
    let world = ana().add(team("sub_0")).edit("sub_0", ended);
    shows(&world, &[]);
    let late = ana().add(team("sub_2")).edit("sub_2", |s| say(s, PastDue, "past_due"));
    assert_eq!(late.judge().customer.unwrap().systems[1].state, Some(PastDue));
    shows(&late, &[(DoubleSubscription, Disagree)]);
    let incomplete = ana().add(team("sub_3")).edit("sub_3", |s| say(s, NeedsReview, "incomplete"));
    shows(&incomplete, &[]);
}

#[test]
fn the_grace_follows_the_observed_lag_between_a_minute_and_a_quarter_of_an_hour() {
    let changed = |ms: i64| ana().is(Trial).edit("sub_1", move |s| s.updated_at = Some(ago(ms)));
    let lag = |w: World, lag: i64| w.source(Stripe, move |s| s.lag_ms = Some(lag));
    for (world, verdict) in [
        (changed(59_999), Settling),
        (changed(60_000), Disagree),
        (lag(changed(60_000), 300_000), Settling),
        (lag(changed(300_000), 300_000), Disagree),
        (lag(changed(899_999), 9_000_000), Settling),
        (lag(changed(900_000), 9_000_000), Disagree),
    ] {
        shows(&world, &[(PaidBlocked, verdict)]);
        let judged = world.judge();
        let row = &judged.mismatches[0];
        assert_eq!(row.settles_at.is_some(), verdict == Settling);
        assert!(row.settles_at.is_none() || judged.again_at == row.settles_at);
    }
    // A clock that is years ahead does not hide anything.
    shows(&changed(-1000 * DAY), &[(PaidBlocked, Disagree)]);
}

#[test]
fn what_time_alone_will_change_is_named() {
    let end = ago(-2 * DAY);
    let trial = ana().without(&["sub_1", "in_1"]).is(Trial).portal(|p| p.trial_ends_at = Some(end));
    assert_eq!(trial.judge().again_at, Some(end));
    assert_eq!(ana().judge().again_at, Some(ago(-20 * DAY)));
}

#[test]
fn a_source_that_cannot_tell_is_never_green_even_for_those_who_do_not_need_it() {
    let gone = ana().edit("sub_1", ended).is(Canceled).edit("90311", |c| c.word = Some("former".into()));
    shows(&gone, &[]);
    assert_eq!(gone.judge().customer.unwrap().verdict, Verdict::Agree);
    let blind = gone.down(Hubspot);
    shows(&blind, &[]);
    let customer = blind.judge().customer.unwrap();
    assert_eq!(customer.verdict, Unknown);
    assert_eq!(customer.systems[2].unknown, Some("HubSpot does not answer (503)".into()));
    // The first reading makes no rows, and no green either.
    let first = ana().source(Hubspot, |s| {
        s.state = trueup::domain::SourceState::Collecting;
        s.complete.clear();
    });
    shows(&first, &[]);
    assert_eq!(first.judge().customer.unwrap().verdict, Unknown);
}

#[test]
fn a_payer_without_a_portal_customer_is_shown_by_what_billing_knows() {
    let judged = stranger().judge();
    let (row, customer) = (&judged.mismatches[0], judged.customer.as_ref().unwrap());
    assert_eq!((row.customer.as_ref(), row.email.as_ref()), (None, Some(&"kim@elsewhere.example".into())));
    assert_eq!(row.systems.get("stripe"), Some(&"active".into()));
    assert_eq!((customer.id.as_str(), customer.state), ("stripe:cus_9", NeedsReview));
    assert_eq!(row.intent, None);
    for quiet in [
        stranger().edit("sub_9", ended),
        stranger().rival("2000", |r| r.email = Some("KIM@elsewhere.example".into())),
        stranger().unread(Portal, Person),
    ] {
        let judged = quiet.judge();
        assert!(judged.mismatches.is_empty() && judged.customer.is_none(), "{judged:#?}");
    }
}

#[test]
fn a_deleted_portal_customer_who_still_pays_is_a_payer_whom_nobody_knows() {
    let judged = ana().portal(|p| p.deleted = true).judge();
    assert!(judged.customer.is_none() && judged.mismatches.is_empty(), "the payer's own cluster says it");
    let left = stranger().rival("2000", |r| {
        r.links.billing = Some("cus_9".into());
        r.deleted = true;
    });
    shows(&left, &[(PaidUnknown, Disagree)]);
    let row = left.judge().mismatches.remove(0);
    assert!(row.explanation.as_str().contains("2000 has been deleted"), "{}", row.explanation);
    assert_eq!((row.id.as_str(), row.customer), ("paid_unknown:stripe:cus_9", None));
}

#[test]
fn a_record_that_names_somebody_who_is_linked_elsewhere_is_only_the_crossed_ones_story() {
    // Rui's own Stripe customer carries Ana's id by mistake: Ana has two ids naming her, but only one subscription.
    let mut theirs = record(Stripe, Person, "cus_2");
    theirs.links.portal = Some("1182".into());
    let world = ana().add(theirs).add(subscription("sub_2", "cus_2"));
    shows(&world, &[(DoubleSubscription, Disagree)]);
    shows(&world.rival("2000", |r| r.links.billing = Some("cus_2".into())), &[]);
}

#[test]
fn what_the_portals_query_does_not_select_is_not_missed() {
    use trueup::reconcile::Rules;
    let rules = |query| Rules::default().reading(query);
    let of = |r: Rules| (r.keeps_state, r.keeps_plan, r.keeps_billing_id);
    assert_eq!(of(rules("select id, email from users")), (false, false, false));
    assert_eq!(of(rules("select id, email, s.STATUS as State, tier as plan from u")), (true, true, false));
    assert_eq!(of(rules("select u.*, \"stripeCustomerId\" as billing_id from u")), (true, true, true));
}

#[test]
fn free_and_unread_prices_are_told_apart() {
    let bare = ana().edit("sub_1", |s| {
        s.money = None;
        s.plan = None;
        s.plan_keys.clear();
    });
    shows(&bare, &[(IncompleteEvidence, Unknown)]);
    shows(&bare.is(Canceled), &[(IncompleteEvidence, Unknown)]);
    let metered = ana().edit("sub_1", |s| s.money = None);
    shows(&metered, &[]);
}

#[test]
fn collection_that_is_paused_neither_locks_out_nor_lets_in() {
    let paused = || ana().edit("sub_1", |s| s.flags = vec![Flag::CollectionPaused]);
    shows(&paused(), &[]);
    shows(&paused().is(Canceled), &[]);
}

#[test]
fn a_canceled_customer_still_called_customer_contradicts() {
    shows(&ana().edit("sub_1", ended).is(Canceled), &[(StageContradicts, Disagree)]);
    // While the portal has not moved, the CRM is not to blame.
    shows(&ana().edit("sub_1", ended).is(Active), &[(UnpaidActive, Disagree)]);
    // A trial may well be a lead.
    let trial = ana().billed(Trial, "trialing").is(Trial).edit("90311", |c| c.word = Some("lead".into()));
    shows(&trial, &[]);
}
