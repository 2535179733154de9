//! Which fields of a dataset a table shows, and how a row's cells are made from them.
//!
//! What must stay true: a column is a name of the table of fields; the id that `show` takes is always among them.

use super::output::{Form, mark};
use super::table::{Cell, Spec};
use crate::domain::{Dataset, Field, FieldKind, Row, Time, Value};
use crate::present::format;
use crate::present::mark as marks;

/// A column: its title, its field, and its rank: 0 is always shown, of the others the highest goes first.
type Column = (&'static str, &'static str, u8);

/// The columns of each dataset.
pub const fn columns(dataset: Dataset) -> &'static [Column] {
    match dataset {
        Dataset::Customers => &[
            ("verdict", "verdict", 0),
            ("id", "id", 0),
            ("name", "name", 1),
            ("e-mail", "email", 0),
            ("state", "state", 0),
            ("plan", "plan", 3),
            ("money", "money", 2),
            ("known to", "systems", 4),
            ("changed", "updated_at", 5),
        ],
        Dataset::Mismatches => &[
            ("harm", "severity", 0),
            ("verdict", "verdict", 4),
            ("who", "name", 0),
            ("what", "headline", 0),
            ("money", "money", 2),
            ("since", "since", 0),
            ("evidence", "evidence", 3),
            ("class", "class", 5),
            ("id", "id", 1),
        ],
        Dataset::Deliveries => &[
            ("received", "received_at", 0),
            ("state", "state", 0),
            ("source", "source", 0),
            ("type", "type", 0),
            ("status", "status", 1),
            ("took", "latency_ms", 4),
            ("tries", "attempts", 5),
            ("customer", "customer", 3),
            ("reason", "reason", 2),
            ("id", "id", 6),
        ],
        Dataset::Attempts => &[
            ("at", "at", 0),
            ("status", "status", 0),
            ("took", "latency_ms", 0),
            ("error", "error", 0),
            ("delivery", "delivery", 2),
            ("id", "id", 3),
        ],
        Dataset::Jobs => &[
            ("state", "state", 0),
            ("queue", "source", 4),
            ("kind", "kind", 0),
            ("key", "key", 0),
            ("tries", "attempts", 1),
            ("of", "max_attempts", 5),
            ("next", "run_at", 2),
            ("customer", "customer", 3),
            ("last error", "last_error", 0),
        ],
        Dataset::Checks => &[
            ("state", "state", 0),
            ("name", "name", 0),
            ("took", "latency_ms", 0),
            ("uptime", "uptime", 1),
            ("since", "since", 2),
            ("target", "target", 4),
            ("reason", "reason", 0),
        ],
        Dataset::Deploys => &[
            ("state", "state", 0),
            ("host", "source", 0),
            ("commit", "commit", 0),
            ("target", "target", 1),
            ("made", "created_at", 0),
            ("live", "ready_at", 3),
            ("id", "id", 4),
        ],
        Dataset::Plans => {
            &[("state", "state", 0), ("intent", "intent", 0), ("until", "expires_at", 0), ("id", "id", 0)]
        }
        Dataset::Audit => &[
            ("at", "at", 0),
            ("actor", "actor", 0),
            ("intent", "intent", 0),
            ("target", "target", 1),
            ("outcome", "outcome", 0),
        ],
        Dataset::Sources => &[
            ("state", "state", 0),
            ("source", "name", 0),
            ("kind", "kind", 4),
            ("seen", "seen_at", 0),
            ("lag", "lag_ms", 2),
            ("requests left", "rate_left", 3),
            ("problem", "problem", 0),
        ],
    }
}

/// How the columns of a dataset are fitted into a terminal: texts may be cut, everything else is shown whole.
pub fn specs(dataset: Dataset) -> Vec<Spec> {
    columns(dataset)
        .iter()
        .map(|(title, name, rank)| {
            let kind = dataset.field(name).map(|field| field.kind);
            let soft = matches!(kind, Some(FieldKind::Text | FieldKind::List)) && !matches!(*name, "id" | "commit");
            Spec { title, rank: *rank, soft }
        })
        .collect()
}

/// The cells of one row.
pub fn cells(row: &Row, now: Time, form: Form) -> Vec<Cell> {
    let dataset = row.dataset();
    columns(dataset)
        .iter()
        .map(|(_, name, _)| match dataset.field(name) {
            Some(field) => cell(row, field, &shown(row, name), now, form),
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

/// One cell: a field's value, marked where the row's field says how something stands.
pub fn cell(row: &Row, field: &Field, value: &Value, now: Time, form: Form) -> Cell {
    let text = written(field, value, now, form);
    let right = matches!(field.kind, FieldKind::Number | FieldKind::Duration | FieldKind::Money);
    if form == Form::Human
        && let Some(found) = marks::field(row, field.name)
    {
        let (mark, ink) = mark(found.tone);
        return Cell::new(format!("{mark} {text}")).inked(ink);
    }
    let text = if text.is_empty() { "-".to_owned() } else { text };
    Cell { text, ink: None, right }
}

/// A moment as an age, or exactly.
pub fn time(at: Time, now: Time, form: Form) -> String {
    match form {
        Form::Human if at > now => format::when(at, now),
        Form::Human => format::age(now.since(at)),
        Form::Plain | Form::Json => at.rfc3339(),
    }
}

/// A field's value: short for a person, exact for tools; empty when it is absent.
fn written(field: &Field, value: &Value, now: Time, form: Form) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => text.as_str().to_owned(),
        Value::Word(word) => (*word).to_owned(),
        Value::Time(at) => time(*at, now, form),
        Value::Money(amount) => amount.to_string(),
        Value::List(list) => list.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(" "),
        Value::Number(number) if field.name == "uptime" && form == Form::Human => format::percent(*number),
        Value::Number(number) if field.name == "uptime" => format!("{}.{:02} %", number / 100, number % 100),
        Value::Number(number) if field.kind == FieldKind::Duration && form == Form::Human => format::latency(*number),
        Value::Number(number) if field.kind == FieldKind::Duration => format!("{number}ms"),
        Value::Number(number) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_a_field_and_every_id_is_shown() {
        for dataset in Dataset::ALL {
            for (_, name, _) in columns(*dataset) {
                assert!(dataset.field(name).is_some(), "{dataset}: {name}");
            }
            if dataset.field("id").is_some() {
                assert!(columns(*dataset).iter().any(|(_, name, _)| *name == "id"), "{dataset}");
            }
        }
    }
}
