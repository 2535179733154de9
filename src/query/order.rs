//! Ordering rows by a field: total, with the absent last in either direction and ties broken by key.

use std::cmp::Ordering;

use super::Sort;
use super::parse::field;
use crate::domain::{Dataset, FieldKind, Problem, Row, Value};

/// Reads `field` (smallest first) or `-field` (largest first).
///
/// # Errors
/// A [`Problem`] that names the nearest field and lists them all.
pub fn parse_sort(dataset: Dataset, text: &str) -> Result<Sort, Problem> {
    let text = text.trim();
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name.trim_start(), true));
    Ok(Sort { field: field(dataset, name)?, descending })
}

/// Compares two rows. Equal only when the keys are equal too.
pub fn compare(a: &Row, b: &Row, sort: &Sort) -> Ordering {
    let (x, y) = (a.value(sort.field.name), b.value(sort.field.name));
    let by_value = match (absent(&x), absent(&y)) {
        (true, true) => Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => values(&x, &y, sort.field.kind),
    };
    let by_value = if sort.descending { by_value.reverse() } else { by_value };
    by_value.then_with(|| a.key().cmp(&b.key()))
}

fn absent(value: &Value) -> bool {
    matches!(value, Value::Null) || matches!(value, Value::List(list) if list.is_empty())
}

fn values(a: &Value, b: &Value, kind: FieldKind) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => text(a.as_str(), b.as_str()),
        (Value::Number(a), Value::Number(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Money(a), Value::Money(b)) => {
            a.per_month().cmp(&b.per_month()).then_with(|| a.currency.cmp(&b.currency))
        }
        (Value::Word(a), Value::Word(b)) => rank(a, kind).cmp(&rank(b, kind)).then_with(|| a.cmp(b)),
        (Value::List(a), Value::List(b)) => {
            let pairs = a.iter().zip(b).map(|(a, b)| text(a.as_str(), b.as_str()));
            pairs.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
        }
        _ => shape(a).cmp(&shape(b)),
    }
}

fn text(a: &str, b: &str) -> Ordering {
    a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| a.cmp(b))
}

fn rank(word: &str, kind: FieldKind) -> usize {
    match kind {
        FieldKind::Word(words) => words.iter().position(|w| *w == word).unwrap_or(usize::MAX),
        _ => usize::MAX,
    }
}

/// Rows of one dataset have one type per field; this keeps the order total should they not.
const fn shape(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Text(_) => 1,
        Value::Number(_) => 2,
        Value::Time(_) => 3,
        Value::Money(_) => 4,
        Value::Word(_) => 5,
        Value::List(_) => 6,
    }
}
