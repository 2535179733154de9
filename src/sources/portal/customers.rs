//! A row of `[portal.customers]` becomes a person.
//!
//! What must stay true: a word that the configuration does not map is `needs_review` and kept as it stands; a column
//! that is not canonical becomes an attribute; nothing is corrected on the way.

use std::collections::BTreeMap;

use super::columns::{Known, Layout, Want};
use super::query::Sql;
use super::row::{Cell, Column};
use crate::domain::{Kind, Problem, Record, State, System, Text, Time};

/// The canonical columns (contract section 3).
const KNOWN: &[Known] = &[
    ("id", Want::Id, true),
    ("email", Want::Text, true),
    ("name", Want::Word, false),
    ("state", Want::Word, false),
    ("plan", Want::Word, false),
    ("billing_id", Want::Id, false),
    ("crm_id", Want::Id, false),
    ("support_id", Want::Id, false),
    ("created_at", Want::Time, false),
    ("updated_at", Want::Time, false),
    ("trial_ends_at", Want::Time, false),
];
/// Columns that become attributes, at most.
const MAX_ATTRIBUTES: usize = 64;

/// How rows of one query become people.
#[derive(Clone, Debug)]
pub(super) struct Customers {
    layout: Layout,
    others: Vec<(usize, Text)>,
    /// Position, name and type of the column that tells when a row last changed.
    pub(super) updated: Option<(usize, Column)>,
}

/// A row that became a person, with what was odd about it.
pub(super) struct Person {
    /// The person.
    pub(super) record: Record,
    /// A moment that could not be read: column and what stood there.
    pub(super) unreadable: Option<(&'static str, String)>,
}

impl Customers {
    /// Finds the canonical columns; a [`Problem`] names what is missing or cannot be.
    pub(super) fn new(columns: &[Column], query: &Sql) -> Result<Self, Problem> {
        let layout = Layout::of(columns, KNOWN, query)?;
        let others = layout.others.iter().take(MAX_ATTRIBUTES).map(|&i| (i, Text::new(&columns[i].name))).collect();
        let updated = layout.get("updated_at").map(|index| (index, columns[index].clone()));
        Ok(Self { layout, others, updated })
    }

    /// The person that a row is about; `None` when it has no id.
    pub(super) fn person(&self, row: &[Cell], states: &BTreeMap<String, State>, now: Time) -> Option<Person> {
        let cell = |name| self.layout.get(name).and_then(|index| row.get(index));
        let text = |name| cell(name).and_then(Cell::clean);
        let mut unreadable = None;
        let mut time = |name: &'static str| match cell(name).map_or(Ok(None), Cell::time) {
            Ok(time) => time,
            Err(said) => {
                unreadable = Some((name, said));
                None
            }
        };
        let mut record = Record::new(System::Portal, Kind::Person, text("id")?.as_str(), now);
        record.created_at = time("created_at");
        record.updated_at = time("updated_at");
        record.trial_ends_at = time("trial_ends_at");
        record.version = record.updated_at.map_or(now.ms(), Time::ms);
        record.email = text("email");
        record.name = text("name");
        record.word = text("state");
        record.state = match &record.word {
            Some(word) => Some(canonical(word.as_str(), states)),
            // No word at all is no opinion, unless the configuration gives emptiness a meaning.
            None => states.get("").copied(),
        };
        record.plan = text("plan");
        record.links.billing = text("billing_id");
        record.links.crm = text("crm_id");
        record.links.support = text("support_id");
        for (index, name) in &self.others {
            if let Some(value) = row.get(*index).and_then(Cell::clean) {
                record.attributes.insert(name.clone(), value);
            }
        }
        Some(Person { record, unreadable })
    }
}

/// The canonical state of a portal's word.
fn canonical(word: &str, states: &BTreeMap<String, State>) -> State {
    states.get(&word.trim().to_lowercase()).copied().unwrap_or(State::NeedsReview)
}
