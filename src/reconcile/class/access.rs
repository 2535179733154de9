//! Who pays and who gets in: `paid_blocked`, `unpaid_active`, `refunded_active`, `trial_overrun`, `past_due_policy`.

use crate::domain::{Flag, Kind, Match, Record, State, System, SystemKind, Time};
use crate::reconcile::case::{Case, Door};
use crate::reconcile::entitle::{Entitlement, Standing};
use crate::reconcile::finding::Finding;
use crate::reconcile::words;

/// The policy line in brackets, or nothing.
fn quoted(entitlement: &Entitlement<'_>) -> String {
    entitlement.policy.as_ref().map(|line| format!(" ({line})")).unwrap_or_default()
}

/// "for Pro at $49/mo"
fn terms(sub: &Record) -> String {
    let price = sub.money.as_ref().map(|m| format!(" at {}", m.in_words())).unwrap_or_default();
    format!("{}{price}", words::for_plan(sub.plan.as_ref()))
}

/// What to check first when only the e-mail says that the records belong together.
fn verify(sub: &Record, who: &str) -> String {
    let owner = sub.parent.as_ref().map_or_else(String::new, |id| format!(" {id}"));
    format!(
        "Check that the {} customer{owner} really is {who}: only the e-mail says so. Then link the two.",
        sub.system.title()
    )
}

fn finish<'a>(case: &Case<'a>, sub: &'a Record, mut finding: Finding<'a>) -> Finding<'a> {
    finding.sure = case.sure(sub);
    if !finding.sure {
        finding.next_step = verify(sub, &case.who());
    }
    finding.money = finding.money.or_else(|| sub.money.clone());
    finding.wrong.push((System::Portal, "state"));
    finding.about = Some(SystemKind::Billing);
    finding
}

/// Billing entitles, the portal keeps out.
pub(super) fn paid_blocked<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let Some(due) = case.entitlement.as_ref().filter(|e| e.access == Some(true)) else { return Vec::new() };
    let fits = match (case.door(), due.standing) {
        (Door::Shut, Standing::Paid | Standing::InPeriod | Standing::Trial) => true,
        (Door::Trial, Standing::Paid | Standing::InPeriod) => true,
        (Door::PastDue(lets_in), Standing::Paid | Standing::InPeriod | Standing::Trial) => !lets_in,
        _ => false,
    };
    if !fits {
        return Vec::new();
    }
    let (sub, who, now) = (due.subscription, case.who(), case.now);
    let system = sub.system.title();
    let invoice = case.side(sub.system).and_then(|side| side.paid_invoice()).filter(|i| i.parent == sub.parent);
    let proof = invoice.map_or_else(String::new, |i| {
        let amount = i.money.as_ref().map(|m| format!(", {}", m.in_words())).unwrap_or_default();
        format!("; the last invoice was paid{}{amount}", words::on(i.ended_at.or(i.created_at), now))
    });
    let standing = match due.standing {
        Standing::Trial => format!("{who} is on trial{} in {system}{}", terms(sub), quoted(due)),
        Standing::InPeriod => {
            let until = sub.period_ends_at.map(|at| format!(" until {}", case.date(at))).unwrap_or_default();
            format!(
                "{who} has paid{}{until} in {system}, although it is canceled after that{}",
                terms(sub),
                quoted(due)
            )
        }
        _ => format!("{who} pays{}: {system} says {}{proof}", terms(sub), words::said(sub)),
    };
    let portal = match case.portal_word().as_str() {
        "no subscription" => "The portal has no subscription for them, so they cannot get in.".to_owned(),
        "trial" | "trialing" => "The portal still says trial, so they do not get what they paid for.".to_owned(),
        word => format!("The portal says {word}, so they cannot get in."),
    };
    let next = format!("Set the portal's state of {who} to what {system} says ({}).", words::said(sub));
    let still = if case.door() == Door::Trial { "portal still" } else { "portal" };
    let evidence = format!("{system} {}, {still} {}", words::said(sub), case.portal_word());
    let mut finding = Finding::new([Some(case.portal), Some(sub), invoice].into_iter().flatten().collect()).text(
        evidence,
        format!("{standing}. {portal}"),
        next,
    );
    finding.says = vec![(System::Portal, case.portal_word()), (sub.system, words::raw(sub))];
    if due.standing == Standing::Trial {
        finding.headline = Some("on trial, but locked out".to_owned());
    }
    vec![finish(case, sub, finding)]
}

/// Nothing entitles, the portal lets in.
pub(super) fn unpaid_active<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    if case.rules.is_free(case.portal.plan.as_ref()) {
        return Vec::new();
    }
    match &case.entitlement {
        Some(due) if due.access == Some(false) && due.standing != Standing::Refunded => unpaid(case, due),
        None => never_paid(case),
        _ => Vec::new(),
    }
}

fn unpaid<'a>(case: &Case<'a>, due: &Entitlement<'a>) -> Vec<Finding<'a>> {
    let over = due.standing == Standing::Ended;
    let fits = match case.door() {
        // A failed payment has its own class; the retries being exhausted does not.
        Door::Open => due.standing != Standing::PastDue,
        Door::PastDue(lets_in) => lets_in && over,
        Door::Trial => over && case.portal.trial_ends_at.is_none(),
        Door::Shut | Door::Unclear => false,
    };
    if !fits {
        return Vec::new();
    }
    let (sub, who, now) = (due.subscription, case.who(), case.now);
    let (system, said) = (sub.system.title(), words::said(sub));
    let portal = case.portal_word();
    let (evidence, explanation) = if over {
        let when = words::on(sub.ended_at.or(sub.period_ends_at).or(sub.updated_at).filter(|at| *at <= now), now);
        (
            format!("{said} in {system}{when}"),
            format!(
                "{who}'s subscription{} ended in {system}{when}. The portal still says {portal}, so they keep access without paying.",
                terms(sub)
            ),
        )
    } else {
        (
            format!("{system} {said}, portal {portal}"),
            format!(
                "{system} has {who}'s subscription{} as {said}, which gives no access{}. The portal still says {portal}.",
                terms(sub),
                quoted(due)
            ),
        )
    };
    let next = format!("Decide with {who} whether they want to pay again; otherwise end their access in the portal.");
    let mut finding = Finding::new(vec![case.portal, sub]).text(evidence, explanation, next);
    finding.headline = over.then(|| "canceled, still has access".to_owned());
    vec![finish(case, sub, finding)]
}

/// Known in billing, without any subscription. One payment for good (an invoice, but no subscription) is no mismatch.
fn never_paid<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    if case.door() != Door::Open {
        return Vec::new();
    }
    let paid_once = case.of(SystemKind::Billing).any(|side| side.paid_invoice().is_some() || !side.charges.is_empty());
    let people = || case.of(SystemKind::Billing).flat_map(|side| side.people());
    let Some(claim) = people().find(|c| matches!(c.matched, Match::StoredLink | Match::ExternalId)) else {
        return Vec::new();
    };
    if paid_once {
        return Vec::new();
    }
    let (who, person) = (case.who(), claim.record);
    let system = person.system.title();
    let mut finding = Finding::new(vec![case.portal, person]).text(
        format!("{system} has no subscription, portal {}", case.portal_word()),
        format!(
            "{system} knows {who} as {}, but there is no subscription and no payment. The portal says {}.",
            person.id,
            case.portal_word()
        ),
        format!("Find out why {who} has access: a gift, a missing subscription, or a mistake in the portal."),
    );
    finding.absent = case.rules.systems(SystemKind::Billing).map(|s| (s, Kind::Subscription)).collect();
    finding.says = vec![(person.system, "no subscription".to_owned())];
    finding.sure = false;
    finding.wrong = vec![(System::Portal, "state")];
    finding.about = Some(SystemKind::Billing);
    vec![finding]
}

/// Paid back or disputed, the portal lets in.
pub(super) fn refunded_active<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let Some(charge) = case.refund.filter(|_| !case.rules.access.refunded) else { return Vec::new() };
    // Another subscription that is paid entitles all the same.
    let entitled = case.entitlement.as_ref().is_some_and(|e| e.access == Some(true));
    if entitled || !matches!(case.door(), Door::Open | Door::PastDue(true)) {
        return Vec::new();
    }
    let (who, system) = (case.who(), charge.system.title());
    let disputed = charge.has(Flag::Disputed);
    let amount = charge.money.as_ref().map(|m| format!(" of {}", m.in_words())).unwrap_or_default();
    let when = words::on(charge.updated_at.or(charge.ended_at).or(charge.created_at), case.now);
    let what = if disputed { "is disputed by the payer" } else { "was paid back in full" };
    let portal = case.portal_word();
    let mut finding = Finding::new(vec![case.portal, charge]).text(
        format!("{} in {system}{when}, portal {portal}", if disputed { "disputed" } else { "refunded" }),
        format!(
            "{who}'s last payment{amount} {what} in {system}{when}. The portal still says {portal}, although policy gives no access then ([policy] refunded = \"no_access\")."
        ),
        format!("Decide whether {who} keeps access; if not, end it in the portal and the subscription in {system}."),
    );
    finding.headline = disputed.then(|| "disputed, still has access".to_owned());
    finding.money.clone_from(&charge.money);
    finding.says = vec![(charge.system, if disputed { "disputed" } else { "refunded" }.to_owned())];
    vec![finish(case, charge, finding)]
}

/// The end of the trial: what billing says of a trial that is open, else what the portal says.
fn trial_end(case: &Case<'_>) -> Option<Time> {
    let open = case.entitlement.as_ref().filter(|e| e.standing == Standing::Trial);
    open.and_then(|e| e.subscription.trial_ends_at).or(case.portal.trial_ends_at)
}

/// The trial is over, nothing was paid, the portal did not move.
pub(super) fn trial_overrun<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let paid = case.entitlement.as_ref().is_some_and(Entitlement::is_paid);
    let Some(end) = trial_end(case).filter(|at| case.door() == Door::Trial && !paid && *at <= case.now) else {
        return Vec::new();
    };
    let (who, end_day) = (case.who(), case.date(end));
    let sub = case.entitlement.as_ref().map(|e| e.subscription);
    let billing = match sub {
        Some(sub) => format!("{} says {}", sub.system.title(), words::said(sub)),
        None if case.rules.systems(SystemKind::Billing).next().is_some() => "nothing was paid".to_owned(),
        None => "nothing else is known".to_owned(),
    };
    let mut finding = Finding::new([Some(case.portal), sub].into_iter().flatten().collect()).text(
        format!("trial ended on {end_day}, portal still {}", case.portal_word()),
        format!("{who}'s trial ended on {end_day} and {billing}. The portal still says {}.", case.portal_word()),
        format!("Ask {who} whether they want to go on; otherwise end the trial in the portal."),
    );
    finding.moment = Some(end);
    finding.wrong = vec![(System::Portal, "state")];
    finding.about = Some(SystemKind::Billing);
    finding.sure = sub.is_none_or(|s| case.sure(s));
    finding.money = sub.and_then(|s| s.money.clone());
    vec![finding]
}

/// A failed payment is not treated as policy says, in either direction; or the failure is over and still shown.
pub(super) fn past_due_policy<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let Some(due) = &case.entitlement else { return Vec::new() };
    let (sub, who, door) = (due.subscription, case.who(), case.door());
    let (system, said, portal) = (sub.system.title(), words::said(sub), case.portal_word());
    let line = due.policy.clone().unwrap_or_default();
    let (headline, explanation, next) = match (due.standing, due.access, door) {
        (Standing::PastDue | Standing::Unpaid, Some(true), Door::Shut) => (
            None,
            format!(
                "A payment of {who} failed ({system} says {said}), and policy keeps access then ({line}). The portal says {portal}, so they cannot get in."
            ),
            format!("Give {who} access again, or change the line {line}."),
        ),
        (Standing::PastDue, Some(false), Door::Open) => (
            None,
            format!(
                "A payment of {who} failed ({system} says {said}), and policy ends access then ({line}). The portal still says {portal}."
            ),
            format!("End the access of {who} until they pay, or change the line {line}."),
        ),
        (Standing::Paid | Standing::InPeriod, Some(true), Door::PastDue(true))
            if case.portal.state == Some(State::PastDue) =>
        {
            (
                Some("paid again, still shown as failed".to_owned()),
                format!("{who} pays again ({system} says {said}), but the portal still says {portal}."),
                format!("Set the portal's state of {who} to active."),
            )
        }
        _ => return Vec::new(),
    };
    let mut finding =
        Finding::new(vec![case.portal, sub]).text(format!("{system} {said}, portal {portal}"), explanation, next);
    finding.headline = headline;
    vec![finish(case, sub, finding)]
}
