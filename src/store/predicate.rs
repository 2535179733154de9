//! An expression of the query language as a condition of SQL.
//!
//! What must stay true: the same rows hold here as in memory. Words compare by rank, which becomes a set of words, so
//! that plain indexes serve; texts compare by the lower-cased form; an absent field equals nothing, so only `!=` and
//! `= null` hold for it. Names come from the table of fields; every value is a bound argument.

use super::db::Arg;
use super::{folded, key};
use crate::domain::{Dataset, Field, FieldKind, Time};
use crate::query::{Expr, Literal, Op, Term};

/// A condition and its arguments, numbered from 1.
#[derive(Debug, Default)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) args: Vec<Arg>,
}

impl Condition {
    pub(super) fn new(dataset: Dataset, expr: &Expr, now: Time) -> Self {
        let mut made = Self::default();
        let terms: Vec<String> = expr
            .terms
            .iter()
            .map(|term| match term {
                Term::Compare(field, op, values) => made.compare(dataset, field, *op, values, now),
                Term::Any(text) => made.any(dataset, text.as_str()),
            })
            .collect();
        made.sql = if terms.is_empty() { "true".to_owned() } else { terms.join(" and ") };
        made
    }

    /// Binds a value; returns its placeholder.
    pub(super) fn bind(&mut self, arg: impl Into<Arg>) -> String {
        self.args.push(arg.into());
        format!("${}", self.args.len())
    }

    fn any(&mut self, dataset: Dataset, text: &str) -> String {
        let pattern = self.bind(pattern(text));
        let words = |kind| matches!(kind, FieldKind::Text | FieldKind::Word(_) | FieldKind::List);
        let texts = dataset.fields().iter().filter(|field| words(field.kind));
        let parts: Vec<String> = texts.map(|f| format!("\"{}\" like {pattern} escape '\\'", f.name)).collect();
        // A dataset without texts contains nothing; the argument must be used all the same.
        if parts.is_empty() { format!("{pattern} is null") } else { format!("({})", parts.join(" or ")) }
    }

    fn compare(&mut self, dataset: Dataset, field: &Field, op: Op, values: &[Literal], now: Time) -> String {
        let parts: Vec<String> = match op {
            Op::Ne => {
                let parts = values.iter().map(|value| self.holds(dataset, field, Op::Eq, value, now));
                return not(&any_of(&parts.collect::<Vec<_>>()));
            }
            Op::In => values.iter().map(|value| self.holds(dataset, field, Op::Eq, value, now)).collect(),
            _ => values.iter().map(|value| self.holds(dataset, field, op, value, now)).collect(),
        };
        any_of(&parts)
    }

    /// The condition under which one value compares true. Never null: an absent field gives false.
    fn holds(&mut self, dataset: Dataset, field: &Field, op: Op, value: &Literal, now: Time) -> String {
        let name = format!("\"{}\"", field.name);
        match (field.kind, value) {
            (_, Literal::Null) if op == Op::Eq => format!("{name} is null"),
            (FieldKind::Text, Literal::Text(text)) if op == Op::Contains => {
                let pattern = self.bind(pattern(text.as_str()));
                format!("{name} like {pattern} escape '\\'")
            }
            (FieldKind::Text, Literal::Text(text)) => {
                let value = self.bind(folded(text.as_str()));
                if op == Op::Eq && INDEXED.contains(&(dataset, field.name)) {
                    return format!("(substr({name}, 1, 200) = substr({value}, 1, 200) and {name} = {value})");
                }
                binary(&name, op, &value)
            }
            (FieldKind::List, Literal::Text(text)) => {
                let text = folded(text.as_str());
                let pattern = match op {
                    Op::Contains => pattern(&text),
                    Op::Eq => pattern(&format!("\n{text}\n")),
                    _ => return FALSE.to_owned(),
                };
                let pattern = self.bind(pattern);
                format!("{name} like {pattern} escape '\\'")
            }
            (FieldKind::Word(words), Literal::Word(word, _)) => word_in(&name, words, op, word),
            (FieldKind::Word(words), Literal::Text(text)) => word_in(&name, words, op, &folded(text.as_str())),
            (FieldKind::Number | FieldKind::Duration, Literal::Number(number) | Literal::Age(number)) => {
                let value = self.bind(*number);
                binary(&name, op, &value)
            }
            (FieldKind::Time, Literal::Time(time)) => {
                let value = self.bind(*time);
                binary(&name, op, &value)
            }
            (FieldKind::Time, Literal::Age(age)) => {
                // Older is earlier: an age turns the comparison round.
                let op = match op {
                    Op::Lt => Op::Gt,
                    Op::Le => Op::Ge,
                    Op::Gt => Op::Lt,
                    Op::Ge => Op::Le,
                    other => other,
                };
                let value = self.bind(now.plus_ms(age.saturating_neg()));
                binary(&name, op, &value)
            }
            (FieldKind::Money, Literal::Money(money)) => {
                let amount = self.bind(money.per_month());
                let amount = binary(&name, op, &amount);
                if money.currency.is_empty() {
                    return amount;
                }
                let currency = self.bind(key(&folded(money.currency.as_str())));
                format!("({amount} and money_currency = {currency})")
            }
            (FieldKind::Money, Literal::Number(number)) => {
                let value = self.bind(*number);
                binary(&name, op, &value)
            }
            // The parser types values by the field; anything else compares false.
            _ => FALSE.to_owned(),
        }
    }
}

const FALSE: &str = "false";

/// Fields with an index over their first 200 characters.
const INDEXED: &[(Dataset, &str)] = &[
    (Dataset::Customers, "id"),
    (Dataset::Customers, "email"),
    (Dataset::Mismatches, "customer"),
    (Dataset::Deliveries, "customer"),
];

fn any_of(parts: &[String]) -> String {
    if parts.is_empty() { FALSE.to_owned() } else { format!("({})", parts.join(" or ")) }
}

/// True where `condition` is false or cannot be told because the field is absent.
fn not(condition: &str) -> String {
    format!("not coalesce({condition}, false)")
}

fn binary(name: &str, op: Op, value: &str) -> String {
    let sign = match op {
        Op::Eq => "=",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        Op::Ge => ">=",
        Op::Ne | Op::Contains | Op::In => return FALSE.to_owned(),
    };
    format!("{name} {sign} {value}")
}

/// A comparison of words by rank, as the set of words for which it holds. Words are our own: no quotes in them.
fn word_in(name: &str, words: &'static [&'static str], op: Op, asked: &str) -> String {
    let rank = words.iter().position(|word| *word == asked);
    let holds = |at: usize, word: &str| match (op, rank) {
        (Op::Contains, _) => word.contains(asked),
        (Op::Eq, Some(rank)) => at == rank,
        (Op::Lt, Some(rank)) => at < rank,
        (Op::Le, Some(rank)) => at <= rank,
        (Op::Gt, Some(rank)) => at > rank,
        (Op::Ge, Some(rank)) => at >= rank,
        _ => false,
    };
    let set: Vec<String> =
        words.iter().enumerate().filter(|(at, word)| holds(*at, word)).map(|(_, word)| format!("'{word}'")).collect();
    if set.is_empty() { FALSE.to_owned() } else { format!("{name} in ({})", set.join(", ")) }
}

/// A `like` pattern that means "contains", ignoring case.
pub(super) fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in folded(text).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
