//! A row of `[portal.jobs]`, or of a known queue's tables, becomes a unit of the portal's own work.
//!
//! What must stay true: finished work is left out; a word that is not understood is counted and left out, never
//! shown as fine.

use super::columns::{Known, Layout, Want};
use super::query::Sql;
use super::row::{Cell, Column};
use crate::domain::{Job, JobState, Problem, Text, Time};

const KNOWN: &[Known] = &[
    ("id", Want::Id, true),
    ("kind", Want::Word, true),
    ("key", Want::Word, false),
    ("state", Want::Word, true),
    ("attempts", Want::Number, false),
    ("max_attempts", Want::Number, false),
    ("run_at", Want::Time, false),
    ("last_error", Want::Word, false),
    ("customer_id", Want::Id, false),
    ("created_at", Want::Time, false),
    ("payload", Want::Word, false),
];

/// Words of queues; `None` means finished or called off.
const WORDS: &[(&str, Option<JobState>)] = &[
    ("created", Some(JobState::Due)),
    ("new", Some(JobState::Due)),
    ("queued", Some(JobState::Due)),
    ("ready", Some(JobState::Due)),
    ("available", Some(JobState::Due)),
    ("pending", Some(JobState::Due)),
    ("scheduled", Some(JobState::Waiting)),
    ("delayed", Some(JobState::Waiting)),
    ("retry", Some(JobState::Waiting)),
    ("retryable", Some(JobState::Waiting)),
    ("retrying", Some(JobState::Waiting)),
    ("active", Some(JobState::Leased)),
    ("running", Some(JobState::Leased)),
    ("executing", Some(JobState::Leased)),
    ("processing", Some(JobState::Leased)),
    ("locked", Some(JobState::Leased)),
    ("failed", Some(JobState::Dead)),
    ("error", Some(JobState::Dead)),
    ("expired", Some(JobState::Dead)),
    ("discarded", Some(JobState::Dead)),
    ("paused", Some(JobState::Held)),
    ("completed", None),
    ("complete", None),
    ("succeeded", None),
    ("success", None),
    ("done", None),
    ("finished", None),
    ("cancelled", None),
    ("canceled", None),
];
/// Where a job's payload keeps the customer.
const CUSTOMER_KEYS: &[&str] = &[
    "customer_id",
    "customerId",
    "user_id",
    "userId",
    "account_id",
    "accountId",
    "organization_id",
    "organizationId",
    "team_id",
    "teamId",
    "tenant_id",
    "tenantId",
];

/// How rows of one query become jobs.
#[derive(Clone, Debug)]
pub(super) struct Jobs {
    layout: Layout,
}

impl Jobs {
    /// Finds the columns; a [`Problem`] names what is missing.
    pub(super) fn new(columns: &[Column], query: &Sql) -> Result<Self, Problem> {
        Ok(Self { layout: Layout::of(columns, KNOWN, query)? })
    }

    /// The job of a row with its own id; `Ok(None)` when it is finished; in a few words why it cannot be told.
    pub(super) fn job(&self, row: &[Cell], now: Time) -> Result<Option<(Text, Job)>, String> {
        let cell = |name| self.layout.get(name).and_then(|index| row.get(index));
        let text = |name| cell(name).and_then(Cell::clean);
        let time = |name| cell(name).and_then(|cell| cell.time().ok().flatten());
        let id = text("id").ok_or("a row without an id")?;
        let word = text("state").unwrap_or_default();
        let low = word.as_str().to_lowercase();
        let state = match WORDS.iter().find(|(known, _)| *known == low) {
            Some((_, Some(state))) => *state,
            Some((_, None)) => return Ok(None),
            None => JobState::parse(&low).ok_or(format!("the state `{word}`"))?,
        };
        let run_at = time("run_at");
        let later = run_at.is_some_and(|at| at > now);
        let state = if state == JobState::Due && later { JobState::Waiting } else { state };
        let payload = cell("payload").and_then(Cell::text);
        let job = Job {
            kind: text("kind").unwrap_or_default(),
            key: text("key").unwrap_or_else(|| id.clone()),
            state,
            attempts: cell("attempts").and_then(Cell::int).unwrap_or(0),
            max_attempts: cell("max_attempts").and_then(Cell::int),
            run_at,
            last_error: text("last_error").map(|error| said(&error)),
            customer: text("customer_id").or_else(|| payload.as_deref().and_then(customer)),
            source: Text::new("portal"),
            wanted: 0,
            done: 0,
            created_at: time("created_at"),
        };
        Ok(Some((id, job)))
    }
}

/// The message of an error that was stored as JSON.
fn said(error: &Text) -> Text {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(error.as_str()) else { return error.clone() };
    let paths = ["/message", "/value/message", "/error/message", "/error", "/value"];
    let found = paths.iter().find_map(|path| document.pointer(path).and_then(serde_json::Value::as_str));
    found.map_or_else(|| error.clone(), Text::new)
}

/// The customer that a payload names.
fn customer(payload: &str) -> Option<Text> {
    let document: serde_json::Value = serde_json::from_str(payload).ok()?;
    CUSTOMER_KEYS.iter().find_map(|key| match document.get(key)? {
        serde_json::Value::String(text) => Text::non_empty(text),
        serde_json::Value::Number(number) => Some(Text::new(number.to_string())),
        _ => None,
    })
}
