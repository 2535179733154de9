//! One cluster in, its derived rows out.
//!
//! What must stay true: the verdict of a customer is the worst of all; a configured source that cannot tell makes it
//! *unknown* at best; the outcome does not depend on the order of records; and whatever time alone will change is
//! named in `again_at`.

use super::case::{Case, KNOWING, tidy};
use super::class::{PRECEDENCE, Rule, TABLE, paid_unknown};
use super::entitle::{Standing, standing};
use super::finding::{Finding, Scales, Subject};
use super::fold::{Side, happened};
use super::identity::{Claim, Others, belongs};
use super::{Rules, views};
use crate::domain::{
    Class, Cluster, ClusterKey, Customer, Evidence, Judgement, Kind, Match, Mismatch, Record, State, System,
    SystemKind, Text, Time, Verdict,
};

/// Compares what all systems say of one cluster.
pub fn judge(cluster: &Cluster, evidence: &Evidence, rules: &Rules, now: Time) -> Judgement {
    let portal = cluster.portal.as_ref();
    match (&cluster.key, portal) {
        (ClusterKey::Portal(_), Some(portal)) if !portal.deleted => {
            judge_customer(&Case::new(portal, cluster, evidence, rules, now), cluster)
        }
        // Deleted, or not read. Who still pays for a deleted customer is an orphan, with a cluster of their own.
        (ClusterKey::Portal(_), _) => nobody(cluster),
        (ClusterKey::Orphan(system, id), _) => judge_orphan(cluster, *system, id, evidence, rules, now),
    }
}

fn nobody(cluster: &Cluster) -> Judgement {
    Judgement { key: cluster.key.clone(), customer: None, mismatches: Vec::new(), again_at: None }
}

fn judge_customer(case: &Case<'_>, cluster: &Cluster) -> Judgement {
    let found: Vec<(&Rule, Finding<'_>)> = TABLE
        .iter()
        .filter_map(|rule| rule.find.map(|find| (rule, find(case))))
        .flat_map(|(rule, findings)| findings.into_iter().map(move |finding| (rule, finding)))
        .collect();
    let (scales, subject) = (case.scales(), case.subject());
    // Weighed first: a finding that may not be made silences nobody.
    let weighed: Vec<(&Rule, &Finding<'_>, Mismatch)> = found
        .iter()
        .filter_map(|(rule, finding)| Some((*rule, finding, scales.weigh(rule, finding, &subject)?)))
        .collect();
    let silenced = |class: Class| {
        weighed.iter().any(|(rule, finding, _)| {
            !finding.mild
                && PRECEDENCE.iter().any(|(first, about, others)| {
                    *first == rule.class && (about.is_none() || *about == finding.about) && others.contains(&class)
                })
        })
    };
    let mut views = views::views(case);
    let mut mismatches = Vec::new();
    for (rule, finding, row) in &weighed {
        if silenced(rule.class) {
            continue;
        }
        for (system, field) in &finding.wrong {
            if let Some(view) = views.iter_mut().find(|v| v.system == *system)
                && !view.wrong.iter().any(|f| *f == *field)
            {
                view.wrong.push(Text::new(field));
            }
        }
        mismatches.push(row.clone());
    }
    mismatches.sort_by(|a, b| (a.rank, &a.id).cmp(&(b.rank, &b.id)));
    let blind = views.iter().any(|view| view.unknown.is_some());
    let worst = mismatches.iter().map(|m| m.verdict).min().unwrap_or(Verdict::Agree);
    let verdict = worst.min(if blind { Verdict::Unknown } else { Verdict::Agree });
    let portal = case.portal;
    let people = || case.sides.iter().flat_map(Side::people).map(|c| c.record);
    let live = case.live();
    let customer = Customer {
        id: portal.id.clone(),
        email: portal.email.clone().or_else(|| people().find_map(|p| p.email.clone())),
        name: portal.name.clone().or_else(|| people().find_map(|p| p.name.clone())),
        state: portal.state.unwrap_or(State::NeedsReview),
        plan: portal.plan.clone(),
        updated_at: views.iter().filter_map(|v| v.changed_at).max(),
        systems: views,
        verdict,
        mismatches: mismatches.iter().map(|m| m.id.clone()).collect(),
        money: super::class::total(&live),
    };
    let again_at = again(&mismatches, [Some(portal)].into_iter().flatten().chain(live.iter().copied()), case.now);
    Judgement { key: cluster.key.clone(), customer: Some(customer), mismatches, again_at }
}

/// The earliest moment at which time alone changes something.
fn again<'a>(rows: &[Mismatch], records: impl Iterator<Item = &'a Record>, now: Time) -> Option<Time> {
    let settling = rows.iter().filter(|m| m.verdict == Verdict::Settling);
    // A finding that waits for a source to be asked again is looked at once more after the shortest grace.
    let graces =
        settling.map(|m| m.settles_at.filter(|at| *at > now).unwrap_or(now.plus_ms(super::finding::GRACE_FLOOR)));
    let ends = records.flat_map(|r| [r.trial_ends_at, r.period_ends_at, r.ended_at]).flatten().filter(|at| *at > now);
    graces.chain(ends).min()
}

/// Somebody in another system whom no portal customer claims.
fn judge_orphan(
    cluster: &Cluster,
    system: System,
    id: &Text,
    evidence: &Evidence,
    rules: &Rules,
    now: Time,
) -> Judgement {
    let records = tidy(&cluster.records);
    let rivals = tidy(&cluster.rivals);
    let (gone, rivals): (Vec<&Record>, Vec<&Record>) = rivals.into_iter().partition(|r| r.deleted);
    let person = records.iter().copied().find(|r| r.system == system && r.id == *id && is_payer(r));
    let whole = evidence.of(System::Portal).is_some_and(|h| h.knows(Kind::Person));
    let others = Others { rivals: &rivals, whole, beside: &[] };
    let claimed = |p: &Record| {
        let by = rivals.iter().filter_map(|rival| belongs(p, rival, others, false));
        by.into_iter().any(|found| found != Match::Candidate)
    };
    let Some(person) = person.filter(|p| !claimed(p)) else { return nobody(cluster) };
    let scales = Scales { evidence, rules, now };
    let left = gone.into_iter().find(|portal| {
        let kept = portal.links.to(SystemKind::Billing) == Some(&person.id);
        kept || person.links.portal.as_ref() == Some(&portal.id)
    });
    let mismatches = stranger(&scales, person, &records, left, format!("{system}:{id}"));
    let Some(row) = mismatches.first() else { return nobody(cluster) };
    let live = live(person, &records, now);
    let claim = Claim { record: person, matched: Match::Own, names: None };
    let knowing: Vec<System> = KNOWING.iter().skip(1).flat_map(|kind| rules.systems(*kind)).collect();
    let systems: Vec<_> = knowing
        .iter()
        .map(|s| {
            let mut view = views::side_view(&Side::fold(*s, &[claim], &records, now), evidence, now);
            if *s == system {
                view.wrong.push("id".into());
            }
            view
        })
        .collect();
    let customer = Customer {
        id: Text::new(format!("{system}:{id}")),
        email: person.email.clone(),
        name: person.name.clone(),
        state: State::NeedsReview,
        plan: None,
        updated_at: systems.iter().filter_map(|v| v.changed_at).max().or_else(|| happened(person, now)),
        systems,
        verdict: row.verdict,
        mismatches: mismatches.iter().map(|m| m.id.clone()).collect(),
        money: row.money.clone(),
    };
    let again_at = again(&mismatches, live.into_iter(), now);
    Judgement { key: cluster.key.clone(), customer: Some(customer), mismatches, again_at }
}

fn stranger(
    scales: &Scales<'_>,
    person: &Record,
    records: &[&Record],
    left: Option<&Record>,
    key: String,
) -> Vec<Mismatch> {
    let subject = Subject { customer: None, key, name: person.name.as_ref(), email: person.email.as_ref() };
    let found = paid_unknown(scales, person, &live(person, records, scales.now), left);
    let rule = Rule::of(Class::PaidUnknown);
    rule.zip(found).and_then(|(rule, finding)| scales.weigh(rule, &finding, &subject)).into_iter().collect()
}

fn is_payer(person: &Record) -> bool {
    person.kind == Kind::Person
        && person.system.kind() == SystemKind::Billing
        && !person.deleted
        && !person.has(crate::domain::Flag::Test)
}

/// Live subscriptions of a payer, the dearest first.
fn live<'a>(person: &Record, records: &[&'a Record], now: Time) -> Vec<&'a Record> {
    let mut live: Vec<&'a Record> = records
        .iter()
        .copied()
        .filter(|r| r.kind == Kind::Subscription && r.system == person.system && !r.has(crate::domain::Flag::Test))
        .filter(|r| r.parent.as_ref() == Some(&person.id))
        .filter(|r| {
            let now = standing(r, now);
            matches!(now, Standing::Paid | Standing::InPeriod | Standing::Trial | Standing::PastDue | Standing::Unpaid)
        })
        .collect();
    live.sort_by_key(|s| (std::cmp::Reverse(s.money.as_ref().map_or(0, crate::domain::Money::per_month)), &s.id));
    live
}
