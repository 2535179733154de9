//! A stand-in for `query::parse` that knows `field op value` with words, texts and numbers, joined by `and`.
use crate::domain::{Dataset, FieldKind, Problem, Text};
use crate::query::{Expr, Literal, Op, Term};

/// Reads an expression.
pub(super) fn parse(dataset: Dataset, text: &str) -> Result<Expr, Problem> {
    let mut expr = Expr::default();
    for part in text.split(" and ").map(str::trim).filter(|p| !p.is_empty()) {
        let words: Vec<&str> = part.splitn(3, ' ').map(str::trim).collect();
        let [name, op, value] = words[..] else {
            expr.terms.push(Term::Any(Text::new(part)));
            continue;
        };
        let field = dataset.field(name).ok_or_else(|| {
            let known: Vec<&str> = dataset.fields().iter().map(|f| f.name).collect();
            Problem::usage(format!("no field `{name}`")).hint(match super::spot::nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", known.join(", ")),
            })
        })?;
        let op = match op {
            "=" => Op::Eq,
            "!=" => Op::Ne,
            "<" => Op::Lt,
            "<=" => Op::Le,
            ">" => Op::Gt,
            ">=" => Op::Ge,
            "~" => Op::Contains,
            "in" => Op::In,
            other => return Err(Problem::usage(format!("no operator `{other}`"))),
        };
        let mut values = Vec::new();
        for value in value.split(',').map(str::trim) {
            values.push(match field.kind {
                FieldKind::Word(words) => match words.iter().position(|w| *w == value) {
                    Some(rank) => Literal::Word(words[rank], rank),
                    None => return Err(Problem::usage(format!("`{name}` is never `{value}`"))),
                },
                FieldKind::Number => Literal::Number(value.parse().map_err(|_| Problem::usage("not a number"))?),
                _ => Literal::Text(Text::new(value)),
            });
        }
        expr.terms.push(Term::Compare(field, op, values));
    }
    Ok(expr)
}
