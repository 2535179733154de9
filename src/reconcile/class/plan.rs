//! What is paid for: `double_subscription`, `plan_differs`, `unmapped_plan`.

use crate::domain::{Money, Per, Record, System, SystemKind, Text};
use crate::reconcile::case::Case;
use crate::reconcile::finding::Finding;
use crate::reconcile::{same, words};

/// Two live subscriptions, in one system or across.
pub(super) fn double_subscription<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let live = case.live();
    if live.len() < 2 {
        return Vec::new();
    }
    let who = case.who();
    let ids: Vec<String> = live.iter().map(|s| words::short(&s.id)).collect();
    let each: Vec<String> = live
        .iter()
        .map(|s| {
            let price = s.money.as_ref().map(|m| format!(" at {}", m.in_words())).unwrap_or_default();
            format!("{} in {}{}{price}", words::short(&s.id), s.system.title(), words::for_plan(s.plan.as_ref()))
        })
        .collect();
    let money = total(&live);
    let sum = money.as_ref().map(|m| format!(", {} together", m.in_words())).unwrap_or_default();
    let mut finding = Finding::new(live.clone()).text(
        words::list(&ids),
        format!(
            "{who} has {} that are live{sum}: {}. They may be paying twice.",
            words::count(live.len(), "subscription"),
            words::list(&each)
        ),
        format!("Ask {who} which one they want, then cancel the other and pay back what was taken twice."),
    );
    if live.len() > 2 {
        finding.headline = Some(format!("{} live subscriptions", live.len()));
    }
    finding.money = money;
    finding.says = systems(&live);
    finding.wrong = live.iter().map(|s| (s.system, "state")).collect();
    finding.about = Some(SystemKind::Billing);
    finding.sure = live.iter().all(|s| case.sure(s));
    vec![finding]
}

fn systems(live: &[&Record]) -> Vec<(System, String)> {
    let mut says: Vec<(System, String)> = Vec::new();
    for sub in live {
        let n = live.iter().filter(|s| s.system == sub.system).count();
        let word = if n > 1 { format!("{n} live") } else { words::raw(sub) };
        if !says.iter().any(|(system, _)| *system == sub.system) {
            says.push((sub.system, word));
        }
    }
    says
}

/// What all together cost in a month; `None` when currencies differ or a price is not known.
pub(in crate::reconcile) fn total(subs: &[&Record]) -> Option<Money> {
    let (first, rest) = subs.split_first()?;
    let first = first.money.as_ref()?;
    if rest.is_empty() {
        return Some(first.clone());
    }
    let mut sum = Money { amount: first.per_month(), currency: first.currency.clone(), per: Some(Per::Month) };
    for sub in rest {
        let money = sub.money.as_ref().filter(|m| m.currency == sum.currency)?;
        sum.amount = sum.amount.saturating_add(money.per_month());
    }
    Some(sum)
}

/// Names under which billing knows what is paid for.
fn keys(sub: &Record) -> impl Iterator<Item = &Text> {
    sub.plan_keys.iter().chain(&sub.plan)
}

/// Whether billing's names for a subscription mean this plan of the portal.
fn means(case: &Case<'_>, sub: &Record, plan: &str) -> bool {
    let listed = case.rules.plan(plan).map_or(&[][..], |(_, names)| names);
    keys(sub).any(|key| same(key.as_str(), plan) || listed.iter().any(|name| same(name.as_str(), key.as_str())))
}

/// The plan of the table that a subscription belongs to.
fn listed<'r>(case: &Case<'r>, sub: &Record) -> Option<&'r Text> {
    case.rules.plans.keys().find(|plan| means(case, sub, plan.as_str()))
}

/// Subscriptions whose plan can be compared: they live, and billing says what they are for.
fn priced<'a>(case: &Case<'a>) -> Vec<&'a Record> {
    case.live().into_iter().filter(|sub| keys(sub).next().is_some()).collect()
}

/// The portal's plan and the one that is paid for are both known, and are not the same.
pub(super) fn plan_differs<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let Some(plan) = case.portal.plan.as_ref().filter(|p| case.is_served() && !p.as_str().trim().is_empty()) else {
        return Vec::new();
    };
    let subs = priced(case);
    if subs.iter().any(|sub| means(case, sub, plan.as_str())) {
        return Vec::new();
    }
    let Some((sub, other)) = subs.iter().find_map(|sub| Some((*sub, listed(case, sub)?))) else { return Vec::new() };
    let (who, system) = (case.who(), sub.system.title());
    let price = sub.money.as_ref().map(|m| format!(" ({})", m.in_words())).unwrap_or_default();
    let mut finding = Finding::new(vec![case.portal, sub]).text(
        format!("{system} {other}, portal {plan}"),
        format!("{who} pays for {other}{price} in {system}, but the portal gives them {plan}."),
        format!("Set the portal's plan of {who} to {other}, after checking that the change was meant."),
    );
    finding.says = vec![(System::Portal, plan.as_str().to_owned()), (sub.system, other.as_str().to_owned())];
    finding.wrong = vec![(System::Portal, "plan"), (sub.system, "plan")];
    finding.money.clone_from(&sub.money);
    finding.about = Some(SystemKind::Billing);
    finding.sure = case.sure(sub);
    vec![finding]
}

/// Nobody knows which plan a live subscription is for.
pub(super) fn unmapped_plan<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let known = |sub: &Record| {
        let own = case.portal.plan.as_ref().is_some_and(|plan| means(case, sub, plan.as_str()));
        own || listed(case, sub).is_some()
    };
    let Some(sub) = priced(case).into_iter().find(|sub| !known(sub)) else { return Vec::new() };
    let (who, system) = (case.who(), sub.system.title());
    let names: Vec<&str> = sub.plan_keys.iter().map(Text::as_str).collect();
    let shown = sub.plan.as_ref().map(Text::as_str).or(names.first().copied()).unwrap_or_default();
    let key = names.first().copied().unwrap_or(shown);
    let mut finding = Finding::new(vec![case.portal, sub]).text(
        format!("{system} {shown}, not in [plans]"),
        format!("{who} pays for {shown} in {system}, and no line of [plans] says which plan of the portal that is, so the plan cannot be compared."),
        format!("Add \"{key}\" to the right plan under [plans] in the configuration."),
    );
    finding.says = vec![(sub.system, shown.to_owned())];
    finding.wrong = vec![(sub.system, "plan")];
    finding.money.clone_from(&sub.money);
    finding.about = Some(SystemKind::Billing);
    vec![finding]
}
