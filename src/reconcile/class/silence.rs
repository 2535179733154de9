//! What cannot be told: `incomplete_evidence`.
//!
//! One row per customer and source that fails, only for customers who need that source. A source that is merely
//! being read for the first time makes no rows: the customer's verdict says unknown until it is done. A row is as old as
//! the silence, however long ago the customer last changed.

use crate::domain::{Kind, SourceHealth, SourceState, State, System, SystemKind, Text};
use crate::reconcile::case::{Case, Door};
use crate::reconcile::entitle::is_bare;
use crate::reconcile::finding::Finding;
use crate::reconcile::words;

/// Sources that fail this customer, and words that cannot be read.
pub(super) fn incomplete_evidence<'a>(case: &Case<'a>) -> Vec<Finding<'a>> {
    let mut found = Vec::new();
    if case.is_served() || !case.live().is_empty() {
        found.extend(needed(case).into_iter().filter_map(|(system, kinds)| failing(case, system, kinds)));
    }
    found.extend(unmapped_state(case));
    found.extend(unreadable_price(case));
    for finding in &mut found {
        finding.blind = true;
        finding.sure = false;
        finding.money = case.live().first().and_then(|s| s.money.clone());
    }
    found
}

/// Sources without which nothing can be said of this customer.
fn needed(case: &Case<'_>) -> Vec<(System, &'static [Kind])> {
    let mut needed: Vec<(System, &'static [Kind])> = vec![(System::Portal, &[Kind::Person])];
    let billing: &[Kind] = &[Kind::Person, Kind::Subscription];
    needed.extend(case.rules.systems(SystemKind::Billing).map(|system| (system, billing)));
    if let Some(crm) = case.rules.contacts() {
        needed.push((crm, &[Kind::Person]));
    }
    // A support desk matters to those who have asked for something, or are known there.
    if let Some(desk) = case.rules.desk() {
        let known = case.portal.links.support.is_some() || case.side(desk).is_some_and(|s| !s.claims.is_empty());
        if known || !case.requests.is_empty() {
            needed.push((desk, &[Kind::Person, Kind::Ticket]));
        }
    }
    needed
}

fn failing<'a>(case: &Case<'a>, system: System, kinds: &[Kind]) -> Option<Finding<'a>> {
    let health = case.health(system)?;
    if matches!(health.state, SourceState::Waiting | SourceState::Collecting) {
        return None;
    }
    let unread: Vec<String> = kinds.iter().filter(|k| !health.complete.contains(k)).map(|k| format!("{k}s")).collect();
    if health.answers() && unread.is_empty() {
        return None;
    }
    let (who, title) = (case.who(), words::capital(system));
    let (brief, reason) = (why(health, words::brief), why(health, |problem| problem));
    let what = if health.answers() {
        format!("{title} has never given all its {}", words::list(&unread))
    } else {
        format!("{title} does not answer")
    };
    let last = health.complete_at.map(|at| format!(" since {}", case.date(at))).unwrap_or_default();
    let last = if health.answers() { String::new() } else { last };
    let mut finding = Finding::new(vec![case.portal]).text(
        format!("{what}{brief}"),
        format!("{what}{last}{reason}, so it cannot be told whether {who} is in step there."),
        format!("Run `trueup doctor` to see why {} does not tell, and put that right.", words::the(system)),
    );
    finding.tag = Some(Text::new(system.as_str()));
    // Who answered once is silent since then; who never did, or cannot be read in part, fails since it began to. Only
    // where nobody noted that is it as old as its first sight.
    let heard = health.complete_at.filter(|_| !health.answers());
    finding.since = Some(heard.or(health.failing_since).unwrap_or(case.now).min(case.now));
    finding.says = vec![(system, "cannot tell".to_owned())];
    finding.about = Some(system.kind());
    Some(finding)
}

fn why(health: &SourceHealth, cut: fn(&str) -> &str) -> String {
    let said = health.problem.as_ref().map(|problem| cut(problem.as_str().trim_end_matches('.')));
    said.map(|said| format!(" ({said})")).unwrap_or_default()
}

/// The portal uses a word that `[portal.states]` does not know.
fn unmapped_state<'a>(case: &Case<'a>) -> Option<Finding<'a>> {
    let word = case.portal.word.as_ref().map(|w| w.as_str().trim()).filter(|w| !w.is_empty())?;
    if case.door() != Door::Unclear || case.portal.state != Some(State::NeedsReview) {
        return None;
    }
    let who = case.who();
    let mut finding = Finding::new(vec![case.portal]).text(
        format!("portal says \"{word}\", which is not in [portal.states]"),
        format!(
            "The portal calls {who}'s state \"{word}\", and nothing says what that means, so it cannot be compared."
        ),
        format!("Add \"{word}\" to the right state under [portal.states] in the configuration."),
    );
    finding.headline = Some("cannot tell: unknown state".to_owned());
    finding.tag = Some(Text::new("state"));
    finding.wrong = vec![(System::Portal, "state")];
    Some(finding)
}

/// A live subscription does not say what it is for, nor what it costs.
fn unreadable_price<'a>(case: &Case<'a>) -> Option<Finding<'a>> {
    let sub = case.live().into_iter().find(|s| is_bare(s))?;
    let (who, title) = (case.who(), sub.system.title());
    let mut finding = Finding::new(vec![case.portal, sub]).text(
        format!("{title} {} has no readable price", words::short(&sub.id)),
        format!(
            "{who}'s subscription {} in {title} has no price that can be read, so plan and amount cannot be compared.",
            sub.id
        ),
        format!(
            "Look at {} in {title}: its price may be archived, or the key may lack the right to read prices.",
            sub.id
        ),
    );
    finding.headline = Some("cannot tell: no readable price".to_owned());
    finding.tag = Some(Text::new("price"));
    finding.wrong = vec![(sub.system, "plan")];
    Some(finding)
}
