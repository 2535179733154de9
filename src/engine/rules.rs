//! The rules of comparison, taken from the settings, and whether they are the ones that were last applied.

use crate::config::Settings;
use crate::config::settings::Access;
use crate::domain::{Problem, System};
use crate::reconcile::{AccessTable, Rules};
use crate::store::Store;

/// Under this name the store remembers the rules that its verdicts were made by.
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

/// A number that is the same exactly when the rules, and the version that applies them, are the same (the first eight
/// bytes of a SHA-256).
fn fingerprint(settings: &Settings) -> i64 {
    let text = format!("{} {:?}", env!("CARGO_PKG_VERSION"), from(settings));
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

/// Whether the stored verdicts were made by other rules than these.
pub async fn moved(store: &Store, settings: &Settings) -> Result<bool, Problem> {
    Ok(store.mark(MARK).await? != Some(fingerprint(settings)))
}

/// Remembers that all verdicts are made by these rules.
pub async fn keep(store: &Store, settings: &Settings) -> Result<(), Problem> {
    store.set_mark(MARK, fingerprint(settings)).await
}
