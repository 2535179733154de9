//! A row of `[portal.deliveries]` becomes an event as the portal received it.
//!
//! What must stay true: a row whose source or state cannot be told is left out and counted, never guessed. The row
//! gets an id of its own, so that it never overwrites what the provider itself says about the same event.

use super::columns::{Known, Layout, Want};
use super::query::Sql;
use super::row::{Cell, Column};
use crate::domain::{Delivery, DeliveryState, Problem, System, Text};

const KNOWN: &[Known] = &[
    ("id", Want::Id, true),
    ("event_id", Want::Id, false),
    ("source", Want::Word, true),
    ("type", Want::Word, false),
    ("received_at", Want::Time, true),
    ("state", Want::Word, false),
    ("status", Want::Number, false),
    ("latency_ms", Want::Number, false),
    ("error", Want::Word, false),
    ("customer_id", Want::Id, false),
    ("attempts", Want::Number, false),
];

/// Words that portals use, for each state, beside the state's own.
const WORDS: &[(&str, DeliveryState)] = &[
    ("ok", DeliveryState::Delivered),
    ("success", DeliveryState::Delivered),
    ("succeeded", DeliveryState::Delivered),
    ("processed", DeliveryState::Delivered),
    ("completed", DeliveryState::Delivered),
    ("complete", DeliveryState::Delivered),
    ("done", DeliveryState::Delivered),
    ("handled", DeliveryState::Delivered),
    ("true", DeliveryState::Delivered),
    ("received", DeliveryState::Pending),
    ("new", DeliveryState::Pending),
    ("queued", DeliveryState::Pending),
    ("processing", DeliveryState::Pending),
    ("false", DeliveryState::Pending),
    ("error", DeliveryState::Failed),
    ("errored", DeliveryState::Failed),
    ("dead", DeliveryState::Failed),
    ("retry", DeliveryState::Retrying),
    ("invalid", DeliveryState::Quarantined),
    ("rejected", DeliveryState::Quarantined),
];

/// How rows of one query become deliveries.
#[derive(Clone, Debug)]
pub(super) struct Deliveries {
    layout: Layout,
}

impl Deliveries {
    /// Finds the columns; a [`Problem`] names what is missing.
    pub(super) fn new(columns: &[Column], query: &Sql) -> Result<Self, Problem> {
        let layout = Layout::of(columns, KNOWN, query)?;
        if layout.get("state").is_none() && layout.get("status").is_none() {
            return Err(Problem::usage("the query gives neither `state` nor `status`")
                .at(&query.place)
                .hint("select the HTTP status as status, or a word for how it went as state"));
        }
        Ok(Self { layout })
    }

    /// The delivery of a row, or in a few words why there is none.
    pub(super) fn delivery(&self, row: &[Cell]) -> Result<Delivery, String> {
        let cell = |name| self.layout.get(name).and_then(|index| row.get(index));
        let text = |name| cell(name).and_then(Cell::clean);
        let int = |name| cell(name).and_then(Cell::int);
        let id = text("id").ok_or("a row without an id")?;
        let word = text("source").unwrap_or_default();
        let source = System::parse(&word.as_str().trim().to_lowercase()).ok_or(format!("the source `{word}`"))?;
        let received_at = cell("received_at").and_then(|cell| cell.time().ok().flatten());
        let received_at = received_at.ok_or("a row without a readable `received_at`")?;
        let event_id = text("event_id").unwrap_or_else(|| id.clone());
        let status = int("status");
        let state = state(text("state").as_ref(), status, text("error").is_some())?;
        Ok(Delivery {
            id: Text::new(format!("{source}:{event_id}")),
            source,
            event_id,
            kind: text("type").unwrap_or_default(),
            state,
            received_at,
            attempts: int("attempts"),
            status,
            latency_ms: int("latency_ms"),
            customer: text("customer_id"),
            deploy: None,
            reason: text("error"),
        })
    }
}

/// Whether a portal's word for how a delivery went is understood.
pub(super) fn knows(word: &str) -> bool {
    named(word).is_some()
}

fn named(word: &str) -> Option<DeliveryState> {
    let low = word.trim().to_lowercase();
    DeliveryState::parse(&low).or_else(|| WORDS.iter().find(|(known, _)| *known == low).map(|(_, state)| *state))
}

fn state(word: Option<&Text>, status: Option<i64>, has_error: bool) -> Result<DeliveryState, String> {
    if let Some(word) = word {
        return named(word.as_str()).ok_or(format!("the state `{word}`"));
    }
    match status {
        Some(200..=299) => Ok(DeliveryState::Delivered),
        Some(_) => Ok(DeliveryState::Failed),
        None if has_error => Ok(DeliveryState::Failed),
        None => Ok(DeliveryState::Pending),
    }
}
