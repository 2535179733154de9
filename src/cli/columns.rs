//! Which fields of a dataset a table shows, and how a row's cells are made from them.
//!
//! What must stay true: a column is a name of the table of fields; the id that `show` takes is always among them.

use super::format;
use super::mark;
use super::output::Form;
use super::table::Cell;
use crate::domain::{Dataset, Field, FieldKind, Row, Time, Value};

/// A column: its title and its field.
type Column = (&'static str, &'static str);

/// The columns of each dataset.
pub const fn columns(dataset: Dataset) -> &'static [Column] {
    match dataset {
        Dataset::Customers => &[
            ("verdict", "verdict"),
            ("id", "id"),
            ("name", "name"),
            ("e-mail", "email"),
            ("state", "state"),
            ("plan", "plan"),
            ("money", "money"),
            ("known to", "systems"),
            ("changed", "updated_at"),
        ],
        Dataset::Mismatches => &[
            ("harm", "severity"),
            ("verdict", "verdict"),
            ("who", "name"),
            ("what", "headline"),
            ("money", "money"),
            ("since", "since"),
            ("evidence", "evidence"),
            ("class", "class"),
            ("id", "id"),
        ],
        Dataset::Deliveries => &[
            ("received", "received_at"),
            ("state", "state"),
            ("source", "source"),
            ("type", "type"),
            ("status", "status"),
            ("took", "latency_ms"),
            ("tries", "attempts"),
            ("customer", "customer"),
            ("reason", "reason"),
            ("id", "id"),
        ],
        Dataset::Attempts => &[
            ("at", "at"),
            ("status", "status"),
            ("took", "latency_ms"),
            ("error", "error"),
            ("delivery", "delivery"),
            ("id", "id"),
        ],
        Dataset::Jobs => &[
            ("state", "state"),
            ("queue", "source"),
            ("kind", "kind"),
            ("key", "key"),
            ("tries", "attempts"),
            ("of", "max_attempts"),
            ("next", "run_at"),
            ("customer", "customer"),
            ("last error", "last_error"),
        ],
        Dataset::Checks => &[
            ("state", "state"),
            ("name", "name"),
            ("took", "latency_ms"),
            ("uptime", "uptime"),
            ("since", "since"),
            ("target", "target"),
            ("reason", "reason"),
        ],
        Dataset::Deploys => &[
            ("state", "state"),
            ("host", "source"),
            ("commit", "commit"),
            ("target", "target"),
            ("made", "created_at"),
            ("live", "ready_at"),
            ("id", "id"),
        ],
        Dataset::Plans => &[("state", "state"), ("intent", "intent"), ("until", "expires_at"), ("id", "id")],
        Dataset::Audit => {
            &[("at", "at"), ("actor", "actor"), ("intent", "intent"), ("target", "target"), ("outcome", "outcome")]
        }
        Dataset::Sources => &[
            ("state", "state"),
            ("source", "name"),
            ("kind", "kind"),
            ("seen", "seen_at"),
            ("lag", "lag_ms"),
            ("requests left", "rate_left"),
            ("problem", "problem"),
        ],
    }
}

/// The cells of one row.
pub fn cells(row: &Row, now: Time, form: Form) -> Vec<Cell> {
    let dataset = row.dataset();
    columns(dataset)
        .iter()
        .map(|(_, name)| match dataset.field(name) {
            Some(field) => cell(field, &shown(row, name), now, form),
            None => Cell::default(),
        })
        .collect()
}

/// A value, or what stands in for it: a person without a name is shown by e-mail, customer or id.
fn shown(row: &Row, name: &str) -> Value {
    let value = row.value(name);
    if value == Value::Null && name == "name" && row.dataset() == Dataset::Mismatches {
        let instead = ["email", "customer"].iter().map(|name| row.value(name)).find(|value| *value != Value::Null);
        return instead.unwrap_or(Value::Null);
    }
    value
}

/// One cell.
pub fn cell(field: &Field, value: &Value, now: Time, form: Form) -> Cell {
    let text = format::value(field, value, now, form);
    let right = matches!(field.kind, FieldKind::Number | FieldKind::Duration | FieldKind::Money);
    if let Value::Word(word) = value
        && form == Form::Human
        && let Some((mark, ink)) = mark::of(word)
    {
        return Cell::new(format!("{mark} {text}")).inked(ink);
    }
    let text = if text.is_empty() { "-".to_owned() } else { text };
    Cell { text, ink: None, right }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_a_field_and_every_id_is_shown() {
        for dataset in Dataset::ALL {
            for (_, name) in columns(*dataset) {
                assert!(dataset.field(name).is_some(), "{dataset}: {name}");
            }
            if dataset.field("id").is_some() {
                assert!(columns(*dataset).iter().any(|(_, name)| *name == "id"), "{dataset}");
            }
        }
    }
}
