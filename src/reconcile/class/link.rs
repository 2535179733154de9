//! Which record belongs to whom: `partial_record`, `crossed_link`, `dangling_link`.

use crate::domain::{Flag, Kind, Record, System, SystemKind, Text};
use crate::reconcile::case::{Case, Door};
use crate::reconcile::finding::Finding;
use crate::reconcile::words;

/// Kinds of system whose ids the portal stores.
const LINKED: [SystemKind; 3] = [SystemKind::Billing, SystemKind::Crm, SystemKind::Support];

const fn noun(kind: SystemKind) -> &'static str {
    match kind {
        SystemKind::Billing => "customer",
        SystemKind::Crm => "contact",
        _ => "user",
    }
}

/// Active, but the portal does not say for what, or who pays.
pub(super) fn partial_record<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let portal = case.portal;
    let billing = case.rules.systems(SystemKind::Billing).next().is_some();
    if !billing || case.door() != Door::Open || case.rules.is_free(portal.plan.as_ref()) {
        return Vec::new();
    }
    let empty = |field: Option<&Text>| field.is_none_or(|t| t.as_str().trim().is_empty());
    let mut missing = Vec::new();
    if case.rules.keeps_plan && empty(portal.plan.as_ref()) {
        missing.push("plan");
    }
    if case.rules.keeps_billing_id && empty(portal.links.billing.as_ref()) {
        missing.push("billing id");
    }
    if missing.is_empty() {
        return Vec::new();
    }
    let who = case.who();
    let sub = case.live().first().copied();
    let person = case.of(SystemKind::Billing).flat_map(|side| side.people()).next().copied();
    let payer = match (sub, person) {
        (Some(sub), _) => {
            let price = sub.money.as_ref().map(|m| format!(" {}", m.in_words())).unwrap_or_default();
            let owner = sub.parent.as_ref().map_or_else(String::new, |id| format!(" as {id}"));
            format!("{} has them{owner}, paying{price}{}", sub.system.title(), words::for_plan(sub.plan.as_ref()))
        }
        (None, Some(claim)) => {
            format!("{} knows them as {}, without a live subscription", claim.record.system.title(), claim.record.id)
        }
        (None, None) => "no billing customer with their e-mail was found".to_owned(),
    };
    let gap = words::list(&missing);
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let sure = person.is_some_and(|claim| claim.is_sure());
    let next = match person {
        Some(claim) if sure => {
            format!("Read {who} again from {} and fill in the portal's {gap}.", claim.record.system.title())
        }
        Some(claim) => format!(
            "Check that {} in {} is {who} (only the e-mail says so), then fill in the portal's {gap}.",
            claim.record.id,
            claim.record.system.title()
        ),
        None => format!("Find out how {who} became active without paying, and complete or end the portal's record."),
    };
    let mut finding = Finding::new([Some(portal), sub].into_iter().flatten().collect()).text(
        format!("portal {}, {gap} empty", case.portal_word()),
        format!("The portal says {who} is {}, but their {gap} {verb} empty: they may see the wrong plan. In billing, {payer}.", case.portal_word()),
        next,
    );
    finding.says = vec![(System::Portal, format!("{}, no {}", case.portal_word(), missing.join(", no ")))];
    finding.money = sub.and_then(|s| s.money.clone());
    finding.sure = sure;
    finding.about = Some(SystemKind::Billing);
    finding.wrong = missing.iter().map(|m| (System::Portal, if *m == "plan" { "plan" } else { "id" })).collect();
    vec![finding]
}

/// One provider record claimed by two portal customers, or naming another one.
pub(super) fn crossed_link<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let mut found = Vec::new();
    for kind in LINKED {
        let Some(id) = case.portal.links.to(kind) else { continue };
        let rivals: Vec<&'a Record> = case.rivals.iter().copied().filter(|r| r.links.to(kind) == Some(id)).collect();
        let person =
            case.of(kind).flat_map(|side| &side.claims).map(|claim| claim.record).find(|person| person.id == *id);
        let names = person.and_then(|p| p.links.portal.as_ref());
        let stranger = names.filter(|n| **n != case.portal.id);
        if rivals.is_empty() && stranger.is_none() {
            continue;
        }
        found.push(crossed(case, kind, id, &rivals, person, stranger));
    }
    found
}

fn crossed<'a>(
    case: &Case<'a>,
    kind: SystemKind,
    id: &'a Text,
    rivals: &[&'a Record],
    person: Option<&'a Record>,
    stranger: Option<&'a Text>,
) -> Finding<'a> {
    let who = case.who();
    let system = person.map(|p| p.system).or_else(|| case.rules.systems(kind).next());
    let title = system.map_or("the provider", System::title);
    let noun = noun(kind);
    let others: Vec<String> = rivals.iter().map(|r| format!("{} ({})", words::who(r), r.id)).collect();
    let explanation = match stranger {
        Some(other) => format!(
            "The portal links {who} to the {title} {noun} {id}, but that {noun} names portal customer {other}{}.",
            person.and_then(|p| p.email.as_ref()).map(|e| format!(" ({e})")).unwrap_or_default()
        ),
        None => format!(
            "The portal links both {who} ({}) and {} to the same {title} {noun} {id}, so one may see what belongs to the other.",
            case.portal.id,
            words::list(&others)
        ),
    };
    let with = stranger.map_or_else(|| others.join(", "), |other| format!("portal customer {other}"));
    let mut records = vec![case.portal];
    records.extend(person);
    records.extend(rivals);
    let mut finding = Finding::new(records).text(
        format!("{title} {} shared with {with}", words::short(id)),
        explanation,
        format!("Find out whose {noun} {id} is, and correct the other one's link by hand. Nothing may be done automatically here."),
    );
    finding.tag = Some(Text::new(kind.as_str()));
    finding.says = vec![(System::Portal, format!("linked to {}", words::short(id)))];
    if let Some(system) = system {
        let word = stranger.map_or_else(|| "shared".to_owned(), |other| format!("names {other}"));
        finding.says.push((system, word));
        finding.wrong.push((system, "id"));
    }
    // Where the record itself names this customer, it is theirs: the other rows are judged as usual.
    finding.mild = stranger.is_none() && person.is_some_and(|p| p.links.portal.as_ref() == Some(&case.portal.id));
    finding.sure = false;
    finding.about = Some(kind);
    finding.money = case.live().iter().find(|s| s.parent.as_ref() == Some(id)).and_then(|s| s.money.clone());
    finding
}

/// The portal points at somebody who is not there.
pub(super) fn dangling_link<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    LINKED.into_iter().filter_map(|kind| dangling(case, kind)).collect()
}

fn dangling<'a>(case: &Case<'a>, kind: SystemKind) -> Option<Finding<'a>> {
    let id = case.portal.links.to(kind).filter(|id| !id.as_str().trim().is_empty())?;
    let systems: Vec<System> = case.rules.systems(kind).collect();
    let title = words::list(&systems.iter().map(|s| s.title()).collect::<Vec<_>>());
    let found: Vec<&'a Record> = case
        .records
        .iter()
        .copied()
        .filter(|r| r.kind == Kind::Person && r.id == *id && systems.contains(&r.system))
        .collect();
    if systems.is_empty() || found.iter().any(|r| !r.deleted && !r.has(Flag::Test)) {
        return None;
    }
    let (who, noun) = (case.who(), noun(kind));
    let gone = found.first().copied();
    let (what, word) = match gone {
        Some(r) if r.deleted => (format!("has been deleted in {}", r.system.title()), "deleted"),
        Some(r) => (format!("is test data in {}", r.system.title()), "test data"),
        None => (format!("does not exist in {title}"), "not there"),
    };
    let other = case.of(kind).flat_map(|side| side.people()).next();
    let next = match other {
        Some(c) if c.is_sure() => format!("Link {who} to {} in {} instead.", c.record.id, c.record.system.title()),
        Some(c) => format!(
            "Check whether {} in {} is {who} (only the e-mail says so), then correct the link.",
            c.record.id,
            c.record.system.title()
        ),
        None => format!("Find the right {noun} of {who} in {title}, or clear the stored id."),
    };
    let mut finding = Finding::new([Some(case.portal), gone].into_iter().flatten().collect()).text(
        format!("{} is {word}", words::short(id)),
        format!("The portal stores {id} as the {noun} of {who}, and that {noun} {what}."),
        next,
    );
    if gone.is_none() {
        finding.absent = systems.iter().map(|s| (*s, Kind::Person)).collect();
    }
    finding.headline = Some(format!("points at a {noun} that is {word}"));
    finding.tag = Some(Text::new(kind.as_str()));
    finding.says = vec![(System::Portal, words::short(id))];
    finding
        .says
        .extend(gone.map_or(&systems[..], |r| std::slice::from_ref(&r.system)).iter().map(|s| (*s, word.to_owned())));
    finding.wrong = vec![(System::Portal, "id")];
    finding.wrong.extend(systems.iter().map(|s| (*s, "id")));
    finding.about = Some(kind);
    finding.sure = other.is_some_and(|c| c.is_sure());
    finding.money = case.live().first().and_then(|s| s.money.clone());
    Some(finding)
}
