//! Runs a proposed query, so that nothing is proposed that does not work, and reads off it what its states are.

use std::collections::BTreeMap;

use super::super::connect::Conn;
use super::super::customers::Customers;
use super::super::failure::Failure;
use super::super::lex::Dialect;
use super::super::query::{self, Sql};
use super::super::row::Cell;
use super::fields::Field;
use super::words;
use crate::domain::{State, Text};

/// Rows that a trial reads.
const ROWS: i64 = 10_000;

/// What running the query brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Rows, at most 10,000.
    pub rows: i64,
    /// Whether there were more.
    pub more: bool,
    /// Of these, with an e-mail address.
    pub with_email: i64,
    /// Rows whose id came before: ought to be 0.
    pub repeated: i64,
    /// The portal's words with how many rows have each, most frequent first; `None` is no word.
    pub states: Vec<(Option<Text>, i64)>,
}

impl Trial {
    /// Share of rows with an address, in percent.
    pub const fn email_percent(&self) -> i64 {
        if self.rows == 0 { 0 } else { self.with_email * 100 / self.rows }
    }
}

/// A trial and what it says about the states.
pub(super) struct Done {
    pub(super) trial: Trial,
    pub(super) states: BTreeMap<State, Vec<Text>>,
    pub(super) unmapped: Vec<Text>,
}

/// Runs the query with a limit.
pub(super) async fn run(conn: &mut Conn, dialect: Dialect, sql: &str, status: Option<&Field>) -> Result<Done, Failure> {
    let place = "the proposed query";
    let query = Sql { sql: sql.to_owned(), place: Text::new(place) };
    let sql = query::checked(&query, dialect).map_err(Failure::settings)?;
    let columns = conn.columns(&sql, place).await?;
    Customers::new(&columns, &query).map_err(Failure::settings)?;
    let counts = format!(
        "select count(*), count(email), count(id), count(distinct id) from (select * from ({sql}\n) q limit {}) t",
        ROWS + 1
    );
    let page = conn.page(&counts, 1, place).await?;
    let count = |at: usize| page.rows.first().and_then(|row| row.get(at)?.int()).unwrap_or(0);
    let mut trial = Trial {
        rows: count(0).min(ROWS),
        more: count(0) > ROWS,
        with_email: count(1).min(ROWS),
        repeated: count(2) - count(3),
        states: Vec::new(),
    };
    if status.is_some() {
        trial.states = states(conn, &sql, place).await?;
    }
    let (states, unmapped) = mapped(&trial.states, status);
    Ok(Done { trial, states, unmapped })
}

/// The words of all rows; of the first ones, if all are too many.
async fn states(conn: &mut Conn, sql: &str, place: &str) -> Result<Vec<(Option<Text>, i64)>, Failure> {
    let count = |inner: &str| {
        format!("select state, count(*) as n from ({inner}\n) t group by state order by count(*) desc limit 60")
    };
    let page = match conn.page(&count(sql), 60, place).await {
        Ok(page) => page,
        Err(failure) if failure.lost => return Err(failure),
        Err(_) => conn.page(&count(&format!("select * from ({sql}\n) q limit {ROWS}")), 60, place).await?,
    };
    let read = |row: &Vec<Cell>| (row.first().and_then(Cell::clean), row.get(1).and_then(Cell::int).unwrap_or(0));
    Ok(page.rows.iter().map(read).collect())
}

fn mapped(seen: &[(Option<Text>, i64)], status: Option<&Field>) -> (BTreeMap<State, Vec<Text>>, Vec<Text>) {
    let (mut states, mut unmapped): (BTreeMap<State, Vec<Text>>, Vec<Text>) = Default::default();
    let Some(status) = status else { return (states, unmapped) };
    let labels = status.labels.iter().map(Text::new);
    // The rare words beyond those counted were sampled at most; labels may not occur yet.
    let all = seen.iter().filter_map(|(word, _)| word.clone()).chain(labels);
    for word in all {
        let low = Text::new(word.as_str().trim().to_lowercase());
        if unmapped.contains(&low) || states.values().any(|words| words.contains(&low)) {
            continue;
        }
        let state = match low.as_str() {
            "true" | "t" | "1" => Some(State::Active),
            "false" | "f" | "0" => Some(State::Canceled),
            word => words::status(word).and_then(|(_, state, _)| *state),
        };
        match state {
            Some(state) => states.entry(state).or_default().push(low),
            None => unmapped.push(low),
        }
    }
    (states, unmapped)
}
