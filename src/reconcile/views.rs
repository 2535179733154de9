//! The customer screen's rows: what each configured system says of one customer.

use super::case::{Case, KNOWING};
use super::fold::{Side, happened};
use super::words;
use crate::domain::{
    Evidence, Flag, Kind, Match, Record, SourceState, State, System, SystemKind, SystemView, Text, Time,
};

/// One view per configured system that could know the customer, the portal first.
pub(super) fn views(case: &Case<'_>) -> Vec<SystemView> {
    let systems = KNOWING.iter().flat_map(|kind| case.rules.systems(*kind));
    systems
        .map(|system| match case.side(system) {
            Some(side) => side_view(side, case.evidence, case.now),
            None => portal_view(case),
        })
        .collect()
}

fn blank(system: System, evidence: &Evidence) -> SystemView {
    SystemView {
        system,
        id: None,
        state: None,
        word: None,
        plan: None,
        email: None,
        matched: None,
        confidence: None,
        seen_at: None,
        changed_at: None,
        note: None,
        wrong: Vec::new(),
        unknown: unknown(system, evidence),
    }
}

/// Why a system cannot tell now; `None` when it can.
pub(super) fn unknown(system: System, evidence: &Evidence) -> Option<Text> {
    let title = words::capital(system);
    let Some(health) = evidence.of(system) else {
        return Some(Text::new(format!("{title} has not been asked yet")));
    };
    let kinds: &[Kind] = match system.kind() {
        SystemKind::Billing => &[Kind::Person, Kind::Subscription],
        _ => &[Kind::Person],
    };
    let why = health.problem.as_ref().map(|p| format!(" ({})", words::brief(p.as_str()))).unwrap_or_default();
    if !health.answers() {
        let what = if health.state == SourceState::Waiting { "has not been asked yet" } else { "does not answer" };
        return Some(Text::new(format!("{title} {what}{why}")));
    }
    if kinds.iter().all(|kind| health.complete.contains(kind)) {
        return None;
    }
    let what = if health.state == SourceState::Collecting {
        "is being read for the first time"
    } else {
        "could not be read in full"
    };
    Some(Text::new(format!("{title} {what}{why}")))
}

fn portal_view(case: &Case<'_>) -> SystemView {
    let portal = case.portal;
    let trial = portal.trial_ends_at.filter(|_| portal.state == Some(State::Trial));
    let note = trial.map(|end| {
        let verb = if end > case.now { "trial until" } else { "trial ended" };
        Text::new(format!("{verb} {}", case.date(end)))
    });
    SystemView {
        id: Some(portal.id.clone()),
        state: portal.state,
        word: portal.word.clone(),
        plan: portal.plan.clone(),
        email: portal.email.clone(),
        matched: Some(Match::Own),
        confidence: Some(Match::Own.confidence().into()),
        seen_at: Some(portal.seen_at),
        changed_at: happened(portal, case.now),
        note,
        ..blank(System::Portal, case.evidence)
    }
}

/// One system's view of a person, whether the portal knows them or not.
pub(super) fn side_view(side: &Side<'_>, evidence: &Evidence, now: Time) -> SystemView {
    let mut view = blank(side.system, evidence);
    let Some(claim) = side.person() else { return view };
    let person = claim.record;
    let billing = side.system.kind() == SystemKind::Billing;
    let main = side.subscriptions().next();
    let about: &Record = if billing { main.unwrap_or(person) } else { side.voice(person) };
    let mut touched: Vec<&Record> = vec![person, about];
    touched.extend(main);
    touched.extend(side.invoices.first());
    touched.extend(side.tickets.first());
    view.id = Some(person.id.clone());
    view.state = about.state;
    view.word = about.word.clone();
    view.plan = about.plan.clone();
    if about.kind == Kind::Deal {
        view.word = Some(Text::new(words::said(about)));
    }
    view.email = person.email.clone();
    view.matched = Some(claim.matched);
    view.confidence = Some(match claim.names {
        Some(other) => Text::new(format!("crossed: names {other}")),
        None => claim.matched.confidence().into(),
    });
    view.seen_at = touched.iter().map(|r| r.seen_at).max();
    view.changed_at = touched.iter().filter_map(|r| happened(r, now)).max();
    view.note = if billing { billing_note(side, now) } else { ticket_note(side) };
    view
}

fn billing_note(side: &Side<'_>, now: Time) -> Option<Text> {
    let note = if side.live.len() > 1 {
        words::count(side.live.len(), "live subscription")
    } else if let Some(charge) = side.refund(now) {
        if charge.has(Flag::Disputed) { "payment disputed".to_owned() } else { "payment refunded".to_owned() }
    } else if let Some(sub) = side.live.iter().find(|s| s.has(Flag::Canceling)) {
        let until = sub.period_ends_at.map(|at| words::on(Some(at), now)).unwrap_or_default();
        format!("ends{until}")
    } else if side.live.iter().any(|s| s.has(Flag::CollectionPaused)) {
        "collection paused".to_owned()
    } else {
        let invoice = side.invoices.first()?;
        let amount = invoice.money.as_ref().map(|m| format!(", {}", m.in_words())).unwrap_or_default();
        format!("invoice {}{amount}", words::said(invoice))
    };
    Some(Text::new(note))
}

fn ticket_note(side: &Side<'_>) -> Option<Text> {
    let over = |t: &&&Record| !t.word.as_ref().is_some_and(|w| matches!(w.as_str(), "closed" | "solved"));
    let open = side.tickets.iter().filter(over).count();
    let suspended = side.people().any(|c| c.record.has(Flag::Suspended));
    let mut parts = Vec::new();
    if suspended {
        parts.push("suspended".to_owned());
    }
    if open > 0 {
        parts.push(words::count(open, "open ticket"));
    }
    (!parts.is_empty()).then(|| Text::new(parts.join(", ")))
}
