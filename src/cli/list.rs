//! `list`: the rows of a dataset.
//!
//! What must stay true: rows leave as they are read, a page at a time, so that a million rows need no memory; a row is
//! printed once even if new ones push it onto the next page. A person who asks for all mismatches sees a source that fell
//! silent once, not once for each customer; a program sees every row.

use std::collections::HashSet;

use super::args::Global;
use super::choose;
use super::columns;
use super::exit::{Exit, Outcome};
use super::open;
use super::output::{Form, Output};
use super::table::{Cell, Table};
use crate::config::Settings;
use crate::domain::{Class, Dataset, Row, SourceState, System, Text, Time, Value, Verdict};
use crate::present::Silences;
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
    let whole = wanted.filter.is_empty() && wanted.limit.is_none();
    let silences = if wanted.dataset == Dataset::Mismatches && out.form == Form::Human && whole {
        silences(&store, now).await?
    } else {
        Silences::default()
    };
    let mut tally = Tally::default();
    let mut printer = Printer { silences, ..Printer::new(now) };
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
    let exit =
        if wanted.dataset == Dataset::Mismatches { tally.exit(missing(&settings, &store).await?) } else { Exit::Done };
    store.close().await;
    Ok(exit)
}

/// What shows each row that a fold stands for.
fn each() -> String {
    format!("class = {}", Class::IncompleteEvidence)
}

/// Counts, a page at a time, what cannot be told.
async fn silences(store: &Store, now: Time) -> Outcome<Silences> {
    let expr = choose::expression(Dataset::Mismatches, &[each()])?;
    let (mut silences, mut seen) = (Silences::default(), HashSet::new());
    for offset in (0..i64::MAX / PAGE).map(|page| page * PAGE) {
        let rows = store.list(Dataset::Mismatches, &expr, None, PAGE, offset, now).await?;
        let whole = i64::try_from(rows.len()).unwrap_or(0) < PAGE;
        rows.iter().filter(|row| seen.insert(row.key())).for_each(|row| silences.count(row));
        if whole {
            break;
        }
    }
    Ok(silences)
}

/// Whether evidence is missing: a configured source does not answer, refuses us (in whole or in part), or has never
/// been asked. A source that is still being read answers.
pub async fn missing(settings: &Settings, store: &Store) -> Outcome<bool> {
    let sources = store.sources().await?;
    let portal = settings.portal.as_ref().map(|_| System::Portal);
    let mut configured = settings.sources.keys().copied().chain(portal);
    let silent = |state| !matches!(state, SourceState::Ok | SourceState::Collecting);
    Ok(configured.any(|system| sources.iter().find(|s| s.name == system).is_none_or(|s| silent(s.state))))
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
    silences: Silences,
    /// Folds that have been printed.
    told: HashSet<(Text, Text)>,
    now: Time,
}

impl Printer {
    /// For rows seen at that moment.
    pub fn new(now: Time) -> Self {
        Self { table: None, silences: Silences::default(), told: HashSet::new(), now }
    }

    /// Prints one page.
    pub fn print(&mut self, dataset: Dataset, rows: &[Row], out: &mut Output) -> Outcome<()> {
        if out.is_json() {
            return rows.iter().try_for_each(|row| out.json(row));
        }
        let cells: Vec<_> = rows.iter().filter_map(|row| self.cells(row, out.form)).collect();
        if cells.is_empty() {
            return Ok(());
        }
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

    /// The cells of a row, or of the fold that stands for it and others; nothing where that has been printed.
    fn cells(&mut self, row: &Row, form: Form) -> Option<Vec<Cell>> {
        let Some(fold) = self.silences.of(row) else { return Some(columns::cells(row, self.now, form)) };
        if !self.told.insert((fold.headline.clone(), fold.evidence.clone())) {
            return None;
        }
        let fields = Dataset::Mismatches;
        let cells = columns::columns(fields).iter().map(|(_, name, _)| match *name {
            "name" => Cell::new(fold.who()),
            "id" => Cell::new(format!("--where '{}'", each())),
            name => {
                let value = match name {
                    "since" => fold.since.into(),
                    // Each customer's own money says nothing of all.
                    "money" => Value::Null,
                    _ => row.value(name),
                };
                fields.field(name).map_or_else(Cell::default, |field| columns::cell(row, field, &value, self.now, form))
            }
        });
        Some(cells.collect())
    }
}
