//! An expression as text that parses back to the same: for views, for the filter line and for complaints.

use std::fmt::{self, Display, Formatter};

use super::value::UNITS;
use super::{Expr, Literal, Op, Term};
use crate::domain::{FieldKind, Money};

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            if i > 0 {
                f.write_str(" and ")?;
            }
            write!(f, "{term}")?;
        }
        Ok(())
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(text) => quote(f, text.as_str()),
            Self::Compare(field, op, values) => {
                write!(f, "{} {op} ", field.name)?;
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    literal(f, field.kind, value)?;
                }
                Ok(())
            }
        }
    }
}

fn literal(f: &mut Formatter<'_>, kind: FieldKind, value: &Literal) -> fmt::Result {
    match value {
        Literal::Text(text) => quote(f, text.as_str()),
        Literal::Number(n) if kind == FieldKind::Duration => span(f, *n),
        Literal::Number(n) => write!(f, "{n}"),
        Literal::Time(at) => f.write_str(&at.rfc3339()),
        Literal::Age(ms) => span(f, *ms),
        Literal::Money(money) => cash(f, money),
        Literal::Word(word, _) => f.write_str(word),
        Literal::Null => f.write_str("null"),
    }
}

/// The largest unit that divides it.
fn span(f: &mut Formatter<'_>, ms: i64) -> fmt::Result {
    let fits = |unit: i64| ms % unit == 0 && (ms != 0 || unit == 1000);
    let (name, unit) =
        UNITS.iter().copied().filter(|(name, _)| *name != "w").find(|(_, unit)| fits(*unit)).unwrap_or(("ms", 1));
    write!(f, "{}{name}", ms / unit)
}

fn cash(f: &mut Formatter<'_>, money: &Money) -> fmt::Result {
    let (sign, amount) = (if money.amount < 0 { "-" } else { "" }, money.amount.unsigned_abs());
    let decimals = money.decimals();
    let scale = 10_u64.pow(decimals);
    write!(f, "{sign}{}", amount / scale)?;
    if decimals > 0 {
        write!(f, ".{:0width$}", amount % scale, width = decimals as usize)?;
    }
    if !money.currency.is_empty() {
        write!(f, " {}", money.currency)?;
    }
    match money.per {
        Some(per) => write!(f, "/{per}"),
        None => Ok(()),
    }
}

/// Bare where that reads back the same, else in quotes.
fn quote(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '+' | '/' | ':' | '#');
    let keyword = ["and", "or", "in", "null"].iter().any(|word| text.eq_ignore_ascii_case(word));
    if !text.is_empty() && !keyword && text.chars().all(plain) {
        return f.write_str(text);
    }
    f.write_str("\"")?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}
