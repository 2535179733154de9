//! Contacts and addresses: `contact_missing`, `duplicate_contact`, `stage_contradicts`, `email_differs`.

use crate::domain::{Kind, Match, Record, State, System, SystemKind, Text};
use crate::reconcile::case::Case;
use crate::reconcile::entitle::Standing;
use crate::reconcile::finding::Finding;
use crate::reconcile::fold::Side;
use crate::reconcile::identity::Claim;
use crate::reconcile::words;

/// HubSpot's stages before the sale (contract section 4).
const BEFORE: [&str; 5] = ["subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity"];
/// HubSpot's stages of somebody who bought.
const BOUGHT: [&str; 2] = ["customer", "evangelist"];

/// Somebody who ought to have a contact has none.
pub(super) fn contact_missing<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let Some(crm) = case.rules.contacts().filter(|_| case.is_served()) else { return Vec::new() };
    let Some(side) = case.side(crm).filter(|side| side.people().next().is_none()) else { return Vec::new() };
    let (who, title) = (case.who(), crm.title());
    let since = words::on(case.portal.created_at, case.now);
    let hint = side.claims.iter().find(|c| c.matched == Match::Candidate);
    let next = match hint {
        Some(c) => format!(
            "Check whether {} ({}) is {who}; otherwise create the contact in {title}.",
            words::who(c.record),
            c.record.id
        ),
        None => format!("Create the contact in {title}, with the portal's id {} stored in it.", case.portal.id),
    };
    let mut finding = Finding::new(vec![case.portal]).text(
        format!("portal {}, nobody in {title}", case.portal_word()),
        format!(
            "{who} signed up{since} and is {} in the portal, but {title} has no contact for them.",
            case.portal_word()
        ),
        next,
    );
    finding.headline = Some(format!("no contact in {title}"));
    finding.absent = vec![(crm, Kind::Person)];
    finding.says = vec![(crm, "no contact".to_owned())];
    finding.wrong = vec![(crm, "id")];
    finding.about = Some(SystemKind::Crm);
    finding.sure = hint.is_none();
    finding.money = case.live().first().and_then(|s| s.money.clone());
    vec![finding]
}

/// Several persons in one CRM or one support desk.
pub(super) fn duplicate_contact<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let kinds = [(SystemKind::Crm, "contact"), (SystemKind::Support, "user")];
    kinds
        .into_iter()
        .flat_map(|(kind, noun)| case.of(kind).filter_map(move |side| duplicate(case, side.system, noun)))
        .collect()
}

fn duplicate<'a>(case: &Case<'a>, system: System, noun: &str) -> Option<Finding<'a>> {
    let people: Vec<&'a Record> = case.side(system)?.people().map(|c| c.record).collect();
    if people.len() < 2 {
        return None;
    }
    let (who, title) = (case.who(), system.title());
    let ids: Vec<&str> = people.iter().map(|p| p.id.as_str()).collect();
    let mut records = people.clone();
    records.push(case.portal);
    let mut finding = Finding::new(records).text(
        format!("{title} {}", words::list(&ids)),
        format!(
            "{title} has {} for {who}: {}. What is noted on one is not seen on the other.",
            words::count(people.len(), noun),
            words::list(&ids)
        ),
        format!("Merge them in {title} and keep the one that the portal links to."),
    );
    finding.headline = Some(format!("{} in {title}", words::count(people.len(), noun)));
    finding.tag = Some(Text::new(system.as_str()));
    finding.says = vec![(system, words::count(people.len(), noun))];
    finding.wrong = vec![(system, "id")];
    finding.about = Some(system.kind());
    finding.sure = false;
    finding.money = case.live().first().and_then(|s| s.money.clone());
    Some(finding)
}

/// Whether a contact's own stage, or the deal that stands for it, lies before the sale or says that somebody bought.
fn stage(said: &Record) -> (bool, bool) {
    let word = said.word.as_ref().map(|w| w.as_str().trim().to_lowercase()).unwrap_or_default();
    if BEFORE.contains(&word.as_str()) || BOUGHT.contains(&word.as_str()) {
        return (BEFORE.contains(&word.as_str()), BOUGHT.contains(&word.as_str()));
    }
    match said.state {
        // HubSpot's other stages are the operator's own; what they mean is not known.
        _ if said.system == System::Hubspot => (false, false),
        Some(State::Trial | State::Canceled) => (true, false),
        Some(State::Active) => (false, true),
        _ => (false, false),
    }
}

/// The CRM's stage against what billing (or, without billing, the portal) says.
pub(super) fn stage_contradicts<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let standing = case.entitlement.as_ref().map(|e| e.standing);
    let sub = case.entitlement.as_ref().map(|e| e.subscription);
    let billed = case.rules.systems(SystemKind::Billing).next().is_some();
    let pays = match standing {
        Some(Standing::Paid | Standing::InPeriod | Standing::PastDue) => true,
        None => !billed && case.portal.state == Some(State::Active),
        _ => false,
    };
    let gone = case.portal.state == Some(State::Canceled) && matches!(standing, None | Some(Standing::Ended));
    let best = |side: &Side<'a>| {
        let claim = side.people().next().copied()?;
        let said = side.voice(claim.record);
        // Of deals that were not all read the one that says most may be missing.
        let whole = || case.health(side.system).is_some_and(|health| health.complete.contains(&Kind::Deal));
        (said.kind != Kind::Deal || whole()).then_some((claim, said))
    };
    case.of(SystemKind::Crm)
        .filter_map(best)
        .filter(|(_, said)| {
            let (before, bought) = stage(said);
            pays && before || gone && bought
        })
        .map(|(claim, said)| contradiction(case, (claim, said), sub, pays))
        .collect()
}

fn contradiction<'a>(
    case: &Case<'a>,
    (claim, said): (Claim<'a>, &'a Record),
    sub: Option<&'a Record>,
    pays: bool,
) -> Finding<'a> {
    let contact = claim.record;
    let (who, title, stage) = (case.who(), contact.system.title(), words::said(said));
    let deal = (said.kind == Kind::Deal).then_some(said);
    let money = sub.and_then(|s| s.money.as_ref()).map(|m| format!(" {}", m.in_words())).unwrap_or_default();
    let source = sub.map_or(System::Portal, |s| s.system);
    let fact = if pays {
        format!("{who} pays{money} ({} says {})", words::the(source), words::said(sub.unwrap_or(case.portal)))
    } else {
        let when = words::on(sub.and_then(|s| s.ended_at), case.now);
        format!("{who} canceled{when}")
    };
    let should = if pays { "customer" } else { "what you call former customers" };
    let based_on = [Some(case.portal), sub, deal, Some(contact)].into_iter().flatten().collect();
    let (evidence, still) = match deal {
        Some(deal) => {
            (format!("{title} {stage}"), format!("{title} still has their deal {} as {}", deal.id, words::raw(deal)))
        }
        None => (format!("{title} stage {stage}"), format!("{title} still has them as {stage}")),
    };
    let mut finding = Finding::new(based_on).text(
        evidence,
        format!("{fact}, but {still}."),
        if let Some(deal) = deal.filter(|_| claim.is_sure()) {
            let end = if pays { "won" } else { "lost" };
            format!("Mark the deal {} of {who} in {title} as {end}, or say their state there.", deal.id)
        } else if claim.is_sure() {
            format!("Move the stage of {who} in {title} to {should}.")
        } else {
            format!(
                "Check that contact {} is {who} (only the e-mail says so), then move its stage to {should}.",
                contact.id
            )
        },
    );
    finding.headline =
        Some(if pays { format!("CRM says {stage}, but paying") } else { format!("CRM says {stage}, but canceled") });
    finding.tag = Some(Text::new(contact.system.as_str()));
    finding.says = vec![(contact.system, if deal.is_some() { stage } else { words::raw(said) })];
    finding.wrong = vec![(contact.system, "state")];
    finding.about = Some(SystemKind::Crm);
    finding.sure = claim.is_sure();
    finding.money = sub.filter(|_| pays).and_then(|s| s.money.clone());
    finding
}

/// Linked records with different addresses. Case and outer space do not count.
pub(super) fn email_differs<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let Some(ours) = case.portal.email.as_ref().and_then(Text::email_key) else { return Vec::new() };
    let other = |claim: &&Claim<'a>| {
        let theirs = claim.record.email.as_ref().and_then(Text::email_key);
        claim.is_sure() && theirs.is_some_and(|key| key != ours)
    };
    let claims: Vec<Claim<'a>> = case.sides.iter().flat_map(|side| &side.claims).filter(other).copied().collect();
    if claims.is_empty() {
        return Vec::new();
    }
    let (who, portal) = (case.who(), case.portal.email.clone().unwrap_or_default());
    let email = |c: &Claim<'a>| c.record.email.clone().unwrap_or_default();
    let each: Vec<String> = claims.iter().map(|c| format!("{} {}", c.record.system.title(), email(c))).collect();
    let names: Vec<&str> = claims.iter().map(|c| c.record.system.title()).collect();
    let mut records = vec![case.portal];
    records.extend(claims.iter().map(|c| c.record));
    let mut finding = Finding::new(records).text(
        format!("portal {portal}, {}", words::list(&each)),
        format!(
            "The portal has {portal} for {who}; {}.",
            claims
                .iter()
                .map(|c| format!("{} has {}", c.record.system.title(), email(c)))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        format!("Ask {who} which address is right, and correct the portal or {}.", words::list(&names)),
    );
    finding.says = vec![(System::Portal, portal.as_str().to_owned())];
    finding.says.extend(claims.iter().map(|c| (c.record.system, email(c).as_str().to_owned())));
    finding.wrong = vec![(System::Portal, "email")];
    finding.wrong.extend(claims.iter().map(|c| (c.record.system, "email")));
    vec![finding]
}
