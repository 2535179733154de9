//! One written value becomes a typed literal, or a complaint that says what the field takes.
//!
//! Which forms each type takes is the table [`takes`]; ages and money are read here and nowhere else.

use super::lex::Piece;
use super::{Literal, Op, nearest};
use crate::domain::{Field, FieldKind, Money, Per, Problem, Text, Time};

/// Units of ages and durations in milliseconds, longest first (so that printing picks the largest that divides).
pub(super) const UNITS: &[(&str, i64)] =
    &[("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

const SIGNS: &[(char, &str)] = &[('$', "usd"), ('€', "eur"), ('£', "gbp"), ('¥', "jpy")];

const PERS: &[(&str, Per)] = &[
    ("day", Per::Day),
    ("week", Per::Week),
    ("wk", Per::Week),
    ("month", Per::Month),
    ("mo", Per::Month),
    ("year", Per::Year),
    ("yr", Per::Year),
];

/// What a type takes, in words, and an example that stands after the operator.
pub(super) fn takes(kind: FieldKind) -> (&'static str, &'static str) {
    match kind {
        FieldKind::Text => ("text", "acme"),
        FieldKind::Number => ("a whole number", "3"),
        FieldKind::Duration => ("a duration", "800ms"),
        FieldKind::Time => ("an age or a moment", "2h"),
        FieldKind::Money => ("an amount of money", "49.00"),
        FieldKind::Word(words) => ("one of its words", words[0]),
        FieldKind::List => ("text that one element is", "stripe"),
    }
}

/// Operators that make sense for a type.
pub(super) const fn ops(kind: FieldKind) -> &'static [Op] {
    match kind {
        FieldKind::Text | FieldKind::List => &[Op::Eq, Op::Ne, Op::Contains, Op::In],
        _ => &[Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::In],
    }
}

/// Reads the pieces of one value. Only money takes two (`49.00 usd`).
pub(super) fn literal(field: &Field, op: Op, pieces: &[Piece]) -> Result<Literal, Problem> {
    let [first, rest @ ..] = pieces else { return Err(Problem::usage("a value is missing")) };
    if first.is("null") && rest.is_empty() {
        return match op {
            Op::Eq | Op::Ne => Ok(Literal::Null),
            _ => Err(Problem::usage(format!("`null` cannot be compared with `{}`", op.as_str()))
                .hint(format!("write `{0} = null` or `{0} != null`", field.name))),
        };
    }
    let raw = first.text();
    let found = match field.kind {
        FieldKind::Text | FieldKind::List => Some(Literal::Text(Text::new(raw))),
        FieldKind::Number => raw.parse().ok().map(Literal::Number),
        FieldKind::Duration => raw.parse().ok().or_else(|| span(raw)).map(Literal::Number),
        FieldKind::Time => span(raw).map(Literal::Age).or_else(|| Time::parse(raw).map(Literal::Time)),
        FieldKind::Money => money(raw, rest.first().map(Piece::text)).map(Literal::Money),
        FieldKind::Word(words) => return word(field, words, raw),
    };
    found.ok_or_else(|| misfit(field, op, raw))
}

fn misfit(field: &Field, op: Op, raw: &str) -> Problem {
    let (what, example) = takes(field.kind);
    let also = match field.kind {
        FieldKind::Time => ", or `2026-11-02`, or `2026-11-02T10:48:00Z`; ages: 90s 30m 2h 7d",
        FieldKind::Duration => "; units: ms s m h d",
        FieldKind::Money => ", or `49.00 usd`, or `$49`",
        _ => "",
    };
    Problem::usage(format!("`{raw}` is not {what}, which `{}` takes", field.name)).hint(format!(
        "for example `{} {} {example}`{also}",
        field.name,
        op.as_str()
    ))
}

fn word(field: &Field, words: &'static [&'static str], raw: &str) -> Result<Literal, Problem> {
    if let Some(rank) = words.iter().position(|w| w.eq_ignore_ascii_case(raw)) {
        return Ok(Literal::Word(words[rank], rank));
    }
    let guess = nearest(raw, words.iter().copied()).map(|w| format!("did you mean `{w}`? ")).unwrap_or_default();
    Err(Problem::usage(format!("`{}` is never `{raw}`", field.name))
        .hint(format!("{guess}its words: {}", words.join(" "))))
}

/// An age or a duration in milliseconds: `90s`, `-5m`.
pub(super) fn span(raw: &str) -> Option<i64> {
    let digits = raw.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = raw[digits.len()..].to_ascii_lowercase();
    let (_, ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<i64>().ok()?.checked_mul(*ms)
}

/// `49.00`, `$49`, `49.00 usd`, `$49/mo`, `49.00 usd/year`.
fn money(raw: &str, next: Option<&str>) -> Option<Money> {
    let (raw, per) = per(raw)?;
    let (sign, raw) = raw.strip_prefix('-').map_or((1, raw), |rest| (-1, rest));
    let symbol = SIGNS.iter().find(|(sign, _)| raw.starts_with(*sign));
    let digits = symbol.map_or(raw, |(sign, _)| &raw[sign.len_utf8()..]);
    let (currency, per) = match (symbol, next) {
        (Some((_, currency)), None) => ((*currency).to_owned(), per),
        (None, None) => (String::new(), per),
        (None, Some(next)) if per.is_none() => self::per(next).map(|(c, per)| (c.to_ascii_lowercase(), per))?,
        _ => return None,
    };
    let mut money = Money { amount: 0, currency: Text::new(currency), per };
    money.amount = minor(digits, money.decimals() as usize)?.checked_mul(sign)?;
    Some(money)
}

/// Splits `/month` off.
fn per(raw: &str) -> Option<(&str, Option<Per>)> {
    match raw.split_once('/') {
        None => Some((raw, None)),
        Some((rest, word)) => PERS.iter().find(|(name, _)| *name == word).map(|(_, per)| (rest, Some(*per))),
    }
}

/// Minor units of a plain decimal number; more digits than the currency has are not accepted.
fn minor(digits: &str, decimals: usize) -> Option<i64> {
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) || part.len() > decimals {
        return None;
    }
    format!("{whole}{part:0<decimals$}").parse().ok()
}

/// Whether this piece may be the currency that follows an amount.
pub(super) fn is_currency(piece: &Piece) -> bool {
    let Piece::Bare(text) = piece else { return false };
    let code = text.split('/').next().unwrap_or_default();
    code.len() == 3 && code.bytes().all(|b| b.is_ascii_alphabetic()) && !piece.is("and")
}
