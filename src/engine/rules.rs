//! The rules of comparison, taken from the settings, and the basis on which the stored verdicts were made.
//!
//! What must stay true: the basis is remembered in the store, after everybody was judged on it. So a process that
//! ended halfway, or a source that fell silent while nobody looked, leaves no verdict that rests on what was.

use crate::config::Settings;
use crate::config::settings::Access;
use crate::domain::{Evidence, Problem, SourceHealth, System};
use crate::reconcile::{AccessTable, Rules};
use crate::store::Store;

/// Under this name the store remembers the basis of its verdicts.
const MARK: &str = "rules";

/// The rules that these settings make.
pub fn from(settings: &Settings) -> Rules {
    let policy = &settings.policy;
    let access = |word: Access| word == Access::Access;
    let portal = settings.portal.as_ref().map(|_| System::Portal);
    let rules = Rules {
        access: AccessTable {
            past_due: access(policy.past_due),
            unpaid: access(policy.unpaid),
            paused: access(policy.paused),
            incomplete: access(policy.incomplete),
            trialing: access(policy.trialing),
            canceled_in_period: access(policy.canceled_in_period),
            refunded: access(policy.refunded),
        },
        plans: settings.plans.clone(),
        crm: policy.crm,
        support: policy.support,
        tickets_from: settings.portal.as_ref().is_some_and(|portal| portal.tickets.is_some()),
        configured: portal.into_iter().chain(settings.sources.keys().copied()).collect(),
        ..Rules::default()
    };
    match &settings.portal {
        Some(portal) => rules.reading(&portal.customers.sql),
        None => rules,
    }
}

/// A number that is the same exactly when the rules, the version that applies them, and what the sources are able to
/// tell are the same (the first eight bytes of a SHA-256).
pub fn fingerprint(rules: &Rules, evidence: &Evidence) -> i64 {
    let mut sources: Vec<String> = evidence.sources.iter().map(able).collect();
    sources.sort_unstable();
    let text = format!("{} {rules:?} {sources:?}", env!("CARGO_PKG_VERSION"));
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

/// What a verdict may rest on: whether the source answers, whether it was ever through, of what it knows everything.
fn able(health: &SourceHealth) -> String {
    let mut kinds: Vec<&str> = health.complete.iter().map(|kind| kind.as_str()).collect();
    kinds.sort_unstable();
    format!("{} {} {} {kinds:?}", health.system, health.answers(), health.complete_at.is_some())
}

/// Whether the stored verdicts were made on another basis than this.
pub async fn moved(store: &Store, basis: i64) -> Result<bool, Problem> {
    Ok(store.mark(MARK).await? != Some(basis))
}

/// Remembers that all verdicts are made on this basis.
pub async fn keep(store: &Store, basis: i64) -> Result<(), Problem> {
    store.set_mark(MARK, basis).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Kind, SourceState};

    fn evidence(state: SourceState, complete: &[Kind]) -> Evidence {
        let (system, complete) = (System::Hubspot, complete.to_vec());
        Evidence { sources: vec![SourceHealth { state, complete, ..SourceHealth::new(system) }] }
    }

    #[test]
    fn the_basis_moves_with_what_a_source_can_tell_and_with_nothing_else() {
        let rules = Rules::default();
        let of = |state, kinds: &[Kind]| fingerprint(&rules, &evidence(state, kinds));
        let well = of(SourceState::Ok, &[Kind::Person, Kind::Ticket]);
        assert_eq!(well, of(SourceState::Partial, &[Kind::Ticket, Kind::Person]));
        assert_ne!(well, of(SourceState::Down, &[Kind::Person, Kind::Ticket]));
        assert_ne!(well, of(SourceState::Ok, &[Kind::Person]));
    }
}
