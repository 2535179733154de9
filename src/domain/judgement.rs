//! What comparison says of one cluster: the derived rows that the store keeps in place of the earlier ones.

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
