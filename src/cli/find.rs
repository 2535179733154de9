//! `find`: one box for every way in which a person names a customer.

use serde::Serialize;

use super::args::Global;
use super::columns;
use super::exit::{Exit, Outcome};
use super::open;
use super::output::Output;
use super::table::{Cell, Spec, Table};
use crate::domain::{Dataset, Problem, Row, Text};

/// A hit, as JSON: the customer's row and by what it was found.
#[derive(Serialize)]
struct Hit<'a> {
    #[serde(flatten)]
    row: &'a Row,
    by: &'a Text,
}

/// Prints whom the text may mean, best first.
pub async fn run(text: &str, limit: u32, global: &Global, out: &mut Output) -> Outcome {
    if text.trim().is_empty() {
        return Err(Problem::usage("there is nothing to look for").hint("trueup find ana@duarte.example").into());
    }
    let (_, store) = open::both(global).await?;
    let now = open::now();
    let found = store.find(text.trim(), i64::from(limit)).await?;
    store.close().await;

    if out.is_json() {
        found.iter().try_for_each(|hit| out.json(&Hit { row: &hit.row, by: &hit.by }))?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        out.say(format!("nobody is found by {}", Text::new(text)));
        return Ok(Exit::Done);
    }
    let mut specs = columns::specs(Dataset::Customers);
    specs.push(Spec::hard("found by"));
    let rows: Vec<Vec<Cell>> = found
        .iter()
        .map(|hit| {
            let mut cells = columns::cells(&hit.row, now, out.form);
            cells.push(Cell::new(hit.by.as_str()));
            cells
        })
        .collect();
    let table = Table::fit(&specs, &rows, out.width);
    table.head(out)?;
    rows.iter().try_for_each(|row| table.row(row, out))?;
    Ok(Exit::Done)
}
