//! A row of `[portal.tickets]` becomes a ticket of the customer who asked.

use super::columns::{Known, Layout, Want};
use super::query::Sql;
use super::row::{Cell, Column};
use crate::domain::{Kind, Problem, Record, System, Text, Time};

const KNOWN: &[Known] = &[
    ("id", Want::Id, true),
    ("customer_id", Want::Id, false),
    ("email", Want::Text, false),
    ("subject", Want::Word, false),
    ("created_at", Want::Time, false),
    ("updated_at", Want::Time, false),
    ("external_id", Want::Id, false),
    ("status", Want::Word, false),
];

/// How rows of one query become tickets.
#[derive(Clone, Debug)]
pub(super) struct Tickets {
    layout: Layout,
    others: Vec<(usize, Text)>,
}

impl Tickets {
    /// Finds the columns; a [`Problem`] names what is missing.
    pub(super) fn new(columns: &[Column], query: &Sql) -> Result<Self, Problem> {
        let layout = Layout::of(columns, KNOWN, query)?;
        let others = layout.others.iter().take(32).map(|&i| (i, Text::new(&columns[i].name))).collect();
        Ok(Self { layout, others })
    }

    /// The ticket of a row; `None` when it has no id.
    pub(super) fn ticket(&self, row: &[Cell], now: Time) -> Option<Record> {
        let cell = |name| self.layout.get(name).and_then(|index| row.get(index));
        let text = |name| cell(name).and_then(Cell::clean);
        let time = |name| cell(name).and_then(|cell| cell.time().ok().flatten());
        let mut record = Record::new(System::Portal, Kind::Ticket, text("id")?.as_str(), now);
        record.parent = text("customer_id");
        record.name = text("subject");
        record.email = text("email");
        record.word = text("status");
        record.created_at = time("created_at");
        record.updated_at = time("updated_at");
        record.version = record.updated_at.map_or(now.ms(), Time::ms);
        for (name, value) in [("external_id", text("external_id")), ("email", text("email"))] {
            if let Some(value) = value {
                record.attributes.insert(Text::new(name), value);
            }
        }
        for (index, name) in &self.others {
            if let Some(value) = row.get(*index).and_then(Cell::clean) {
                record.attributes.insert(name.clone(), value);
            }
        }
        Some(record)
    }
}
