//! What comparison says of one cluster: the derived rows that the store keeps in place of the earlier ones.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{ClusterKey, Customer, Mismatch, Time};

/// The outcome of judging one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whom it is about.
    pub key: ClusterKey,
    /// The derived customer row; `None` when there is nobody any more.
    pub customer: Option<Customer>,
    /// All open mismatches; what is not here any more is closed.
    pub mismatches: Vec<Mismatch>,
    /// When time alone may change the outcome (a grace ends, a trial ends): judge again then.
    pub again_at: Option<Time>,
}

impl Judgement {
    /// A number that is the same when two outcomes of one cluster say the same, apart from when each system was read.
    /// Good for one version of this program only: a version that says things differently has other numbers.
    pub fn digest(&self) -> i64 {
        let mut hasher = DefaultHasher::new();
        let mut customer = self.customer.clone();
        if let Some(customer) = &mut customer {
            customer.systems.iter_mut().for_each(|view| view.seen_at = None);
        }
        (env!("CARGO_PKG_VERSION"), customer, &self.mismatches, self.again_at).hash(&mut hasher);
        hasher.finish() as i64
    }
}
