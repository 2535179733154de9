//! Support requests: `ticket_missing`.

use crate::domain::{Kind, Record, System, SystemKind, Text};
use crate::reconcile::case::Case;
use crate::reconcile::finding::Finding;
use crate::reconcile::{same, words};

/// Requests of the portal for which the support desk has no ticket.
pub(super) fn ticket_missing<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let Some(desk) = case.rules.desk().filter(|_| case.rules.tickets_from) else { return Vec::new() };
    let tickets: Vec<&Record> = case
        .records
        .iter()
        .copied()
        .filter(|r| r.kind == Kind::Ticket && r.system != System::Portal && !r.deleted)
        .collect();
    let lost = |request: &&&Record| !tickets.iter().any(|ticket| is_for(case, ticket, request));
    case.requests.iter().filter(lost).map(|request| missing(case, desk, request)).collect()
}

/// Whether a ticket is the one for a request: either names the other, or the same person asked the same thing.
fn is_for(case: &Case<'_>, ticket: &Record, request: &Record) -> bool {
    let external = |r: &Record| r.attributes.get("external_id").cloned();
    let named = ticket.links.portal.as_ref() == Some(&request.id)
        || request.links.support.as_ref() == Some(&ticket.id)
        || external(ticket).is_some_and(|id| id == request.id || external(request) == Some(id))
        || external(request).is_some_and(|id| id == ticket.id || ticket.links.portal == Some(id));
    if named {
        return true;
    }
    let subject = |r: &Record| r.name.as_ref().filter(|n| !n.as_str().trim().is_empty()).cloned();
    let ours = case.side(ticket.system).is_some_and(|side| side.tickets.iter().any(|t| t.id == ticket.id));
    ours && subject(ticket).zip(subject(request)).is_some_and(|(a, b)| same(a.as_str(), b.as_str()))
}

fn missing<'a>(case: &Case<'a>, desk: System, request: &'a Record) -> Finding<'a> {
    let (who, title) = (case.who(), desk.title());
    let when = words::on(request.created_at, case.now);
    let subject = request.name.as_ref().filter(|n| !n.as_str().trim().is_empty());
    let about = subject.map(|s| format!(" about \"{s}\"")).unwrap_or_default();
    let mut finding = Finding::new(vec![request]).text(
        format!("request {}{when}, nothing in {title}", request.id),
        format!(
            "{who} asked for help{about} in the portal{when}, but {title} has no ticket for it, so nobody has seen it."
        ),
        format!("Create the ticket in {title} for {who}, with the request's id {} stored in it.", request.id),
    );
    finding.tag = Some(Text::new(request.id.as_str()));
    finding.headline = Some(format!("request without a ticket in {title}"));
    finding.absent = vec![(desk, Kind::Ticket)];
    // Requests that can no longer be read may have been answered, or withdrawn, since.
    finding.blind = !case.evidence.of(System::Portal).is_some_and(|health| health.complete.contains(&Kind::Ticket));
    finding.says = vec![(System::Portal, format!("request {}", request.id)), (desk, "no ticket".to_owned())];
    finding.wrong = vec![(desk, "state")];
    finding.about = Some(SystemKind::Support);
    finding.money = case.live().first().and_then(|s| s.money.clone());
    finding
}
