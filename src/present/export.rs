//! A row as plain text: every field for `show` and the detail box, and the pieces that the copy menu offers.

use super::item::Item;
use super::{Ctx, format, mask};
use crate::domain::{FieldKind, Row, Text, Value};

/// Every field that has a value, by name, written for people. Masked when the context says so.
pub fn fields(row: &Row, ctx: &Ctx) -> Vec<(&'static str, String)> {
    let item = Item::Row(row.clone());
    let names = item.names();
    row.dataset()
        .fields()
        .iter()
        .filter_map(|field| {
            let text = match row.value(field.name) {
                Value::Null => return None,
                Value::Text(text) if ctx.masked => match (field.name, row) {
                    ("name", Row::Customer(_) | Row::Mismatch(_)) => mask::name(text.as_str()),
                    _ => mask::prose(text.as_str(), &names),
                },
                Value::Text(text) => text.to_string(),
                Value::Word(word) => word.to_owned(),
                Value::List(list) => list.iter().map(Text::as_str).collect::<Vec<_>>().join(", "),
                Value::Money(money) => money.to_string(),
                Value::Time(at) => format!("{} ({})", at.rfc3339(), format::when(at, ctx.now)),
                Value::Number(n) if field.kind == FieldKind::Duration => format::latency(n),
                Value::Number(n) if field.name == "uptime" => format::percent(n),
                Value::Number(n) => n.to_string(),
            };
            (!text.is_empty()).then_some((field.name, text))
        })
        .collect()
}

/// `name: value` lines.
pub fn text(row: &Row, ctx: &Ctx) -> String {
    let fields = fields(row, ctx);
    let wide = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    fields.iter().map(|(name, value)| format!("{name:<wide$}  {value}\n")).collect()
}

/// What may be copied of an item: label and text, never masked (a person asked for exactly this one field).
pub fn copies(item: &Item) -> Vec<(String, String)> {
    let Some(row) = item.row() else {
        return vec![("key".to_owned(), item.key().to_string())];
    };
    let mut out: Vec<(String, String)> = Vec::new();
    let mut offer = |label: &str, text: Option<&Text>| {
        if let Some(text) = text.filter(|t| !t.is_empty()) {
            out.push((label.to_owned(), text.to_string()));
        }
    };
    match row {
        Row::Customer(c) => {
            offer("id", Some(&c.id));
            offer("e-mail", c.email.as_ref());
            offer("name", c.name.as_ref());
            for view in &c.systems {
                offer(&format!("{} id", view.system), view.id.as_ref());
            }
        }
        Row::Mismatch(m) => {
            offer("customer id", m.customer.as_ref());
            offer("e-mail", m.email.as_ref());
            offer("explanation", Some(&m.explanation));
            offer("mismatch id", Some(&m.id));
            offer("class", Some(&Text::new(m.class.as_str())));
        }
        Row::Delivery(d) => {
            offer("event id", Some(&d.event_id));
            offer("type", Some(&d.kind));
            offer("customer id", d.customer.as_ref());
            offer("reason", d.reason.as_ref());
        }
        Row::Job(j) => {
            offer("key", Some(&j.key));
            offer("last error", j.last_error.as_ref());
            offer("customer id", j.customer.as_ref());
        }
        Row::Check(c) => {
            offer("target", Some(&c.target));
            offer("reason", c.reason.as_ref());
            offer("fix", c.fix.as_ref());
        }
        Row::Deploy(d) => {
            offer("commit", d.commit.as_ref());
            offer("url", d.url.as_ref());
            offer("id", Some(&d.id));
        }
        Row::Source(s) => {
            offer("name", Some(&Text::new(s.name.as_str())));
            offer("problem", s.problem.as_ref());
        }
    }
    out
}
