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
    Rules {
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
    }
}

/// A text that is the same exactly when the rules are the same.
fn print(settings: &Settings) -> String {
    format!("{} {:?}", env!("CARGO_PKG_VERSION"), from(settings))
}

/// Whether the stored verdicts were made by other rules than these.
pub async fn moved(store: &Store, settings: &Settings) -> Result<bool, Problem> {
    Ok(store.mark(MARK).await?.as_deref() != Some(print(settings).as_str()))
}

/// Remembers that all verdicts are made by these rules.
pub async fn keep(store: &Store, settings: &Settings) -> Result<(), Problem> {
    store.set_mark(MARK, &print(settings)).await
}
