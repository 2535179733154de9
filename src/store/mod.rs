//! What we have seen and done, kept safely: one store on SQLite or Postgres.
//!
//! What must stay true: an observation and its cursor are one transaction; an older version never replaces a newer
//! one; derived rows are replaced as a whole for each cluster; the revision grows when, and only when, something that
//! a face could show has changed. The store judges nothing: who is wrong is `reconcile`'s to say.
//!
//! Map: `open`, `migrate`, `fault`, `db` make the two engines one; `observe` and `record` take batches in; `dirty`,
//! `cluster`, `judgement`, `dossier`, `pack` serve comparison; `list`, `predicate`, `row`, `find`, `haystack`, `timeline`, `traffic` and
//! `status` answer the faces; `source`, `check`, `lease`, `retain` and `change` are what their names say.

mod change;
mod check;
mod cluster;
mod db;
mod dirty;
mod dossier;
mod fault;
mod find;
mod haystack;
mod hindsight;
mod judgement;
mod lease;
mod list;
mod mark;
mod migrate;
mod observe;
mod open;
mod pack;
mod predicate;
mod record;
mod retain;
mod row;
mod source;
mod status;
mod timeline;
mod traffic;

pub use hindsight::Outcomes;

use std::sync::Arc;

pub use dossier::{Dossier, Page};

use crate::domain::{ClusterKey, Row, Text, Time};

/// A handle on the store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<change::Inner>,
}

/// Clusters that a change touched, with a token that [`Store::save_judgements`] needs to cross them off.
#[derive(Clone, Debug, Default)]
pub struct Dirty {
    /// Whom to judge again.
    pub keys: Vec<ClusterKey>,
    /// Highest queue position read.
    pub upto: i64,
    /// Whether more wait.
    pub more: bool,
}

/// A hit of [`Store::find`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The customer row.
    pub row: Row,
    /// What matched: `e-mail`, `name`, `stripe id`, `invoice`, `ticket`, `domain` ...
    pub by: Text,
}

/// Who holds a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The holder (host and process).
    pub holder: Text,
    /// Until when, by the store's clock.
    pub until: Time,
    /// Whether it is the asker.
    pub mine: bool,
}

/// Longest text, in bytes, that is used as a key as it stands.
const KEY_BYTES: usize = 512;

/// A text as a key of a table. Postgres cannot index more than about 2,700 bytes, and one hostile address must not
/// stop a collection: what is longer keeps its beginning and a hash. Idempotent.
fn key(text: &str) -> String {
    if text.len() <= KEY_BYTES {
        return text.to_owned();
    }
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let end = (0..=400).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}#{hash}", &text[..end])
}

/// The form under which texts are compared: as `str::to_lowercase`, the same on both engines.
fn folded(text: &str) -> String {
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_key_is_bounded_distinct_and_stable() {
        let (a, b) = (key(&format!("{}a", "é".repeat(900))), key(&format!("{}b", "é".repeat(900))));
        assert!(a.len() <= KEY_BYTES && a != b);
        assert_eq!(key(&a), a);
        assert_eq!(key("cus_1"), "cus_1");
    }
}
