//! Whether a row holds. Pure: an age is compared against the `now` that the caller gives.
//!
//! What must stay true: a field that is absent holds for `!=` (of anything but `null`) and for `= null`, and for
//! nothing else.

use std::cmp::Ordering;

use super::{Expr, Literal, Op, Term};
use crate::domain::{Field, FieldKind, Money, Row, Time, Value};

impl Expr {
    /// Whether every term holds for the row.
    pub fn matches(&self, row: &Row, now: Time) -> bool {
        self.terms.iter().all(|term| term.matches(row, now))
    }
}

impl Term {
    /// Whether this term holds for the row.
    pub fn matches(&self, row: &Row, now: Time) -> bool {
        match self {
            Self::Any(text) => {
                let needle = text.as_str().to_lowercase();
                row.dataset().fields().iter().any(|field| has_text(&row.value(field.name), &needle))
            }
            Self::Compare(field, op, values) => holds(field, *op, values, &row.value(field.name), now),
        }
    }
}

fn has_text(value: &Value, needle: &str) -> bool {
    match value {
        Value::Text(text) => contains(text.as_str(), needle),
        Value::Word(word) => contains(word, needle),
        Value::List(list) => list.iter().any(|text| contains(text.as_str(), needle)),
        Value::Null | Value::Number(_) | Value::Time(_) | Value::Money(_) => false,
    }
}

fn contains(text: &str, lower: &str) -> bool {
    text.to_lowercase().contains(lower)
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

fn holds(field: &Field, op: Op, values: &[Literal], value: &Value, now: Time) -> bool {
    let absent = matches!(value, Value::Null) || matches!(value, Value::List(list) if list.is_empty());
    if values.contains(&Literal::Null) {
        return match op {
            Op::Eq => absent,
            Op::Ne => !absent,
            _ => false,
        };
    }
    if absent {
        return op == Op::Ne;
    }
    match op {
        Op::In => values.iter().any(|literal| test(field, Op::Eq, literal, value, now)),
        Op::Ne => !values.iter().any(|literal| test(field, Op::Eq, literal, value, now)),
        _ => values.iter().all(|literal| test(field, op, literal, value, now)),
    }
}

fn test(field: &Field, op: Op, literal: &Literal, value: &Value, now: Time) -> bool {
    match (value, literal) {
        (Value::Text(text), Literal::Text(wanted)) => text_test(op, text.as_str(), wanted.as_str()),
        (Value::List(list), Literal::Text(wanted)) => {
            list.iter().any(|text| text_test(op, text.as_str(), wanted.as_str()))
        }
        (Value::Word(word), Literal::Text(wanted)) => text_test(op, word, wanted.as_str()),
        (Value::Word(word), Literal::Word(_, rank)) => {
            let FieldKind::Word(words) = field.kind else { return false };
            words.iter().position(|w| w == word).is_some_and(|found| ordered(op, found.cmp(rank)))
        }
        (Value::Number(number), Literal::Number(wanted)) => ordered(op, number.cmp(wanted)),
        (Value::Time(at), Literal::Time(wanted)) => ordered(op, at.cmp(wanted)),
        // An age grows as the moment lies further back.
        (Value::Time(at), Literal::Age(age)) => ordered(op, now.since(*at).cmp(age)),
        (Value::Money(money), Literal::Money(wanted)) => money_test(op, money, wanted),
        _ => false,
    }
}

fn text_test(op: Op, text: &str, wanted: &str) -> bool {
    match op {
        Op::Contains => contains(text, &wanted.to_lowercase()),
        Op::Eq => same(text, wanted),
        _ => ordered(op, text.to_lowercase().cmp(&wanted.to_lowercase())),
    }
}

/// Amounts in different currencies cannot be compared: nothing holds between them.
fn money_test(op: Op, money: &Money, wanted: &Money) -> bool {
    let comparable = wanted.currency.is_empty() || wanted.currency == money.currency;
    comparable && ordered(op, money.per_month().cmp(&wanted.per_month()))
}

fn ordered(op: Op, ordering: Ordering) -> bool {
    match op {
        Op::Eq | Op::In => ordering.is_eq(),
        Op::Ne => ordering.is_ne(),
        Op::Lt => ordering.is_lt(),
        Op::Le => ordering.is_le(),
        Op::Gt => ordering.is_gt(),
        Op::Ge => ordering.is_ge(),
        Op::Contains => false,
    }
}
