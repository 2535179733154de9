//! The order of harm, and the table of classes.

use trueup::domain::{Class, Mismatch, Money, Severity, SystemKind, Verdict};
use trueup::reconcile::class::{Basis, Grace, PRECEDENCE, Rule, TABLE};
use trueup::reconcile::rank;

use crate::world::{DAY, ago, ana};

fn row(class: Class, severity: Severity, verdict: Verdict, money: i64, age: i64) -> Mismatch {
    let mut row = ana().is(trueup::domain::State::Trial).judge().mismatches.remove(0);
    (row.class, row.severity, row.verdict) = (class, severity, verdict);
    row.money = (money > 0).then(|| Money::monthly(money, "usd"));
    row.since = ago(age);
    row.rank = rank(&row);
    row
}

#[test]
fn harm_is_ordered_by_verdict_severity_lock_out_money_and_age() {
    use Class::*;
    use Severity::{Critical, High, Info};
    use Verdict::{Disagree, Settling, Unknown};
    let order = [
        row(PaidBlocked, Critical, Disagree, 9900, DAY),
        row(PaidBlocked, Critical, Disagree, 4900, 2 * DAY),
        row(PaidBlocked, Critical, Disagree, 4900, DAY),
        row(PaidBlocked, Critical, Disagree, 0, 90 * DAY),
        row(DoubleSubscription, Critical, Disagree, 1_000_000, 90 * DAY),
        row(CrossedLink, Critical, Disagree, 500, DAY),
        row(UnpaidActive, High, Disagree, 99_999_999_999, DAY),
        row(PlanDiffers, High, Disagree, 4900, DAY),
        row(EmailDiffers, Info, Disagree, 4900, 90 * DAY),
        row(PaidBlocked, Critical, Unknown, 99_000, 90 * DAY),
        row(EmailDiffers, Info, Unknown, 0, DAY),
        row(PaidBlocked, Critical, Settling, 99_000, DAY),
        row(EmailDiffers, Info, Settling, 0, DAY),
    ];
    for pair in order.windows(2) {
        assert!(pair[0].rank < pair[1].rank, "{:#?} before {:#?}", pair[0], pair[1]);
    }
    assert!(order.iter().all(|m| m.rank >= 0));
}

#[test]
fn money_of_other_currencies_and_periods_is_weighed_by_what_is_due_in_a_month() {
    let with = |money: Money| {
        let mut row = row(Class::PlanDiffers, Severity::High, Verdict::Disagree, 0, DAY);
        row.money = Some(money);
        rank(&row)
    };
    let year = Money { amount: 120_000, currency: "usd".into(), per: Some(trueup::domain::Per::Year) };
    assert_eq!(with(year), with(Money::monthly(10_000, "usd")));
    assert_eq!(with(Money::monthly(100, "jpy")), with(Money::monthly(10_000, "usd")));
}

#[test]
fn the_table_has_every_class_once_in_order_with_the_agreed_harm() {
    let later = [Class::TagsContradict, Class::EventWithoutEffect];
    let wanted: Vec<Class> = Class::ALL.iter().copied().filter(|c| !later.contains(c)).collect();
    assert_eq!(TABLE.iter().map(|r| r.class).collect::<Vec<_>>(), wanted);
    assert!(later.iter().all(|class| Rule::of(*class).is_none()));
    for rule in TABLE {
        use Class::*;
        let severity = match rule.class {
            PaidBlocked | PartialRecord | DoubleSubscription | CrossedLink => Severity::Critical,
            PaidUnknown | DuplicateContact | StageContradicts | UnmappedPlan | IncompleteEvidence => Severity::Warning,
            EmailDiffers => Severity::Info,
            _ => Severity::High,
        };
        assert_eq!(rule.severity, severity, "{}", rule.class);
        assert!(!rule.headline.is_empty() && !rule.doc.is_empty());
        assert!(rule.basis == Basis::Presence || !rule.evidence.is_empty());
        assert_eq!(rule.grace == Grace::None, rule.class == IncompleteEvidence);
    }
}

#[test]
fn precedence_has_no_circle_and_speaks_of_judged_classes_only() {
    let mut edges = Vec::new();
    for (first, about, others) in PRECEDENCE {
        assert!(Rule::of(*first).is_some() && !others.contains(first));
        assert!(matches!(about, None | Some(SystemKind::Billing | SystemKind::Crm | SystemKind::Support)));
        edges.extend(others.iter().map(|other| (*first, *other)));
    }
    for (a, b) in &edges {
        assert!(!edges.contains(&(*b, *a)), "{a} and {b} silence each other");
    }
}
