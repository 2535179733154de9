//! What was odd about the rows of a round, counted and said in one sentence each.

use super::query::Sql;
use crate::domain::{Problem, Text};

/// Counts of one round.
#[derive(Default)]
pub(super) struct Oddities {
    /// Customer rows without an id.
    pub(super) without_id: u64,
    /// Tickets without an id.
    pub(super) tickets: u64,
    duplicates: Option<(u64, Text)>,
    unreadable: Option<(u64, &'static str, Text)>,
    deliveries: Option<(u64, Text)>,
    jobs: Option<(u64, Text)>,
}

impl Oddities {
    /// A customer's id came again.
    pub(super) fn duplicate(&mut self, id: &Text) {
        self.duplicates.get_or_insert_with(|| (0, id.clone())).0 += 1;
    }

    /// A moment could not be read.
    pub(super) fn unreadable(&mut self, column: &'static str, said: &str) {
        self.unreadable.get_or_insert_with(|| (0, column, Text::new(said))).0 += 1;
    }

    /// A delivery was left out.
    pub(super) fn delivery(&mut self, why: String) {
        self.deliveries.get_or_insert_with(|| (0, Text::new(why))).0 += 1;
    }

    /// A job was left out.
    pub(super) fn job(&mut self, why: String) {
        self.jobs.get_or_insert_with(|| (0, Text::new(why))).0 += 1;
    }

    /// Whether every customer row was as it should be.
    pub(super) fn customers_are_clean(&self) -> bool {
        self.without_id == 0 && self.duplicates.is_none() && self.unreadable.is_none()
    }

    /// What to say about the customers.
    pub(super) fn customers(&self, query: &Sql) -> Vec<Problem> {
        let mut out = Vec::new();
        if let Some((count, id)) = &self.duplicates {
            let what = format!("{count} rows repeat a customer's id, first `{id}`; the first row of each was kept");
            out.push(
                Problem::usage(what)
                    .at(&query.place)
                    .why("a join gives several rows for one customer")
                    .hint("choose one row in the query, for instance the newest subscription"),
            );
        }
        if self.without_id > 0 {
            let what = format!("{} rows have no id and were left out", self.without_id);
            out.push(Problem::usage(what).at(&query.place).hint("add `where id is not null`, or join the other way"));
        }
        if let Some((count, column, said)) = &self.unreadable {
            let what = format!("{count} values of `{column}` are no moments, first `{said}`");
            out.push(Problem::usage(what).at(&query.place).hint("select a timestamp, RFC 3339 text or seconds"));
        }
        out
    }

    /// What to say about the tickets.
    pub(super) fn tickets_problem(&self) -> Option<Problem> {
        let what = format!("{} tickets have no id and were left out", self.tickets);
        (self.tickets > 0).then(|| Problem::usage(what).at("portal.tickets"))
    }

    /// What to say about the deliveries.
    pub(super) fn deliveries_problem(&self) -> Option<Problem> {
        let (count, why) = self.deliveries.as_ref()?;
        let what = format!("{count} deliveries were left out, first because of {why}");
        Some(Problem::usage(what).at("portal.deliveries").hint("map it in the query, with a `case` if need be"))
    }

    /// What to say about the jobs.
    pub(super) fn jobs_problem(&self) -> Option<Problem> {
        let (count, why) = self.jobs.as_ref()?;
        let what = format!("{count} jobs were left out, first because of {why}");
        Some(Problem::usage(what).at("portal.jobs").hint("map it to due, leased, waiting, dead or completed"))
    }
}

/// One problem that says all of them.
pub(super) fn together(problems: Vec<Problem>) -> Option<Problem> {
    let mut problems = problems.into_iter();
    let mut first = problems.next()?;
    let more: Vec<_> = problems.map(|p| p.to_string().replace('\n', " ")).collect();
    if !more.is_empty() {
        let why = first.why.take().map(|why| format!("{why}; ")).unwrap_or_default();
        first.why = Some(Text::new(format!("{why}also: {}", more.join("; "))));
    }
    Some(first)
}
