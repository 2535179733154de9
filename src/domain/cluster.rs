//! Everything that may be about one customer, gathered from all systems: the input of comparison.
//!
//! The store gathers a cluster generously (by link, external id, parent and e-mail); `reconcile::identity` decides
//! what really belongs to the customer.

use super::record::Record;
use super::source::SourceHealth;
use super::text::Text;

/// What a cluster is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClusterKey {
    /// A portal customer, by the portal's id.
    Portal(Text),
    /// A person in another system whom no portal customer claims: (system word, id).
    Orphan(super::system::System, Text),
}

/// All records that may be about one customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Whom it is about.
    pub key: ClusterKey,
    /// The portal's own record; `None` for an orphan, or when the portal has not been read.
    pub portal: Option<Record>,
    /// Records of any system and kind: persons that match by link, external id or e-mail, and all their children.
    pub records: Vec<Record>,
    /// Other portal customers that claim, or are claimed by, one of `records`' persons (for `crossed_link`).
    pub rivals: Vec<Record>,
}

/// How complete the evidence is: one entry for every configured source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Health of every configured source, the portal included.
    pub sources: Vec<SourceHealth>,
}

impl Evidence {
    /// The health of one system, if it is configured.
    pub fn of(&self, system: super::system::System) -> Option<&SourceHealth> {
        self.sources.iter().find(|s| s.system == system)
    }
}
