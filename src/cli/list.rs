//! `list`: the rows of a dataset.
//!
//! What must stay true: rows leave as they are read, a page at a time, so that a million rows need no memory; a row is
//! printed once even if new ones push it onto the next page.

use std::collections::HashSet;

use super::args::Global;
use super::choose;
use super::columns;
use super::exit::{Exit, Outcome};
use super::open;
use super::output::Output;
use super::table::Table;
use crate::domain::{Dataset, Row, SourceState, Time, Value, Verdict};
use crate::store::Store;

/// Rows of one page.
const PAGE: i64 = 1000;

/// What was asked for.
pub struct Wanted<'a> {
    /// Of what.
    pub dataset: Dataset,
    /// Which rows.
    pub filter: &'a [String],
    /// In which order.
    pub sort: Option<&'a str>,
    /// How many at most.
    pub limit: Option<u32>,
}

/// Prints rows. For mismatches the code says whether something is open (1) or cannot be told (3).
pub async fn run(wanted: &Wanted<'_>, global: &Global, out: &mut Output) -> Outcome {
    let settings = open::settings(global)?;
    // Wrong usage is told before anything is opened.
    let expr = choose::expression(wanted.dataset, wanted.filter)?;
    let sort = choose::order(wanted.dataset, wanted.sort)?;
    let store = open::store(&settings.store).await?;

    let now = open::now();
    let most = wanted.limit.map_or(i64::MAX, i64::from);
    let mut tally = Tally::default();
    let mut printer = Printer { table: None, now };
    let mut seen = HashSet::new();
    let mut offset = 0;
    while offset < most {
        let page = PAGE.min(most - offset);
        let mut rows = store.list(wanted.dataset, &expr, sort, page, offset, now).await?;
        let read = rows.len();
        rows.retain(|row| seen.insert(row.key()));
        for row in &rows {
            tally.count(row);
        }
        printer.print(wanted.dataset, &rows, out)?;
        if i64::try_from(read).unwrap_or(0) < page {
            break;
        }
        offset += page;
    }
    if seen.is_empty() && !out.is_json() {
        out.say(if wanted.filter.is_empty() {
            format!("no {} yet", wanted.dataset)
        } else {
            format!("no {} for which this holds", wanted.dataset)
        });
    }
    let exit = if wanted.dataset == Dataset::Mismatches { tally.exit(missing(&store).await?) } else { Exit::Done };
    store.close().await;
    Ok(exit)
}

/// Whether some source does not answer.
pub async fn missing(store: &Store) -> Outcome<bool> {
    let sources = store.sources().await?;
    Ok(sources.iter().any(|source| matches!(source.state, SourceState::Failed | SourceState::Down)))
}

/// What the listed mismatches amount to.
#[derive(Default)]
struct Tally {
    open: bool,
}

impl Tally {
    fn count(&mut self, row: &Row) {
        if let Value::Word(word) = row.value("verdict") {
            self.open |= [Verdict::Disagree.as_str(), Verdict::Unknown.as_str()].contains(&word);
        }
    }

    /// Missing evidence outranks what was found: the list may not be the whole of it.
    fn exit(&self, missing: bool) -> Exit {
        match (missing, self.open) {
            (true, _) => Exit::Evidence,
            (false, true) => Exit::OutOfStep,
            (false, false) => Exit::Done,
        }
    }
}

/// Prints pages of rows; the first page gives the widths.
pub struct Printer {
    table: Option<Table>,
    now: Time,
}

impl Printer {
    /// For rows seen at that moment.
    pub fn new(now: Time) -> Self {
        Self { table: None, now }
    }

    /// Prints one page.
    pub fn print(&mut self, dataset: Dataset, rows: &[Row], out: &mut Output) -> Outcome<()> {
        if out.is_json() {
            return rows.iter().try_for_each(|row| out.json(row));
        }
        if rows.is_empty() {
            return Ok(());
        }
        let cells: Vec<_> = rows.iter().map(|row| columns::cells(row, self.now, out.form)).collect();
        let table = match self.table.take() {
            Some(table) => table,
            None => {
                let table = Table::fit(&columns::specs(dataset), &cells, out.width);
                table.head(out)?;
                table
            }
        };
        cells.iter().try_for_each(|row| table.row(row, out))?;
        self.table = Some(table);
        Ok(())
    }
}
