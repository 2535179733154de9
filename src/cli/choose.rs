//! `--where` and `--sort` become an expression and an order.
//!
//! What must stay true: several `--where` all hold; every one that is wrong is told, not only the first.

use super::exit::Outcome;
use crate::domain::{Dataset, Problem};
use crate::query::{self, Expr, Sort};

/// All expressions joined by `and`.
pub fn expression(dataset: Dataset, texts: &[String]) -> Outcome<Expr> {
    let mut all = Expr::default();
    let mut problems: Vec<Problem> = Vec::new();
    for text in texts {
        match query::parse(dataset, text) {
            Ok(expr) => all.terms.extend(expr.terms),
            Err(problem) => {
                let inside = problem.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
                problems.push(problem.at(format!("--where '{text}'{inside}")));
            }
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(problems.into()) }
}

/// The order, if one was asked for.
pub fn order(dataset: Dataset, text: Option<&str>) -> Outcome<Option<Sort>> {
    let at = |text: &str| query::parse_sort(dataset, text).map_err(|problem| problem.at(format!("--sort {text}")));
    Ok(text.map(at).transpose()?)
}
