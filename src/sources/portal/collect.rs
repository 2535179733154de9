//! Turns the pieces of a round into batches, and keeps count of what was odd.
//!
//! What must stay true: a step is one piece; the running round lives in memory and is started over after a restart;
//! "that is all of them" is only said when a full pass really reached its end.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::cursor::{Cursor, Round};
use super::customers::Customers;
use super::deliveries::Deliveries;
use super::jobs::Jobs;
use super::oddities::Oddities;
use super::round::{self, MAX_CUSTOMERS, MAX_JOBS, Part, Piece, Unit};
use super::row::Cell;
use super::tickets::Tickets;
use super::{Inner, Portal};
use crate::domain::{Batch, Job, Kind, Problem, Text, Time};
use crate::sources::SourceError;

/// A round under way.
pub(super) struct Running {
    pieces: mpsc::Receiver<Piece>,
    task: tokio::task::JoinHandle<()>,
    started: Time,
    offset: u64,
    full: bool,
    cursor: Cursor,
    seen: Seen,
    readers: Readers,
    units: Units,
    jobs: Vec<Job>,
    job_keys: HashSet<(Text, Text)>,
    odd: Oddities,
    partial: Vec<Problem>,
    failed: Option<SourceError>,
}

#[derive(Default)]
struct Readers {
    customers: Option<Customers>,
    tickets: Option<Tickets>,
    deliveries: Option<Deliveries>,
    jobs: Option<Jobs>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ids seen in this round, kept as two independent hashes: sixteen bytes each, whatever the ids look like.
#[derive(Default)]
struct Seen {
    ids: HashSet<(u64, u64)>,
    first: RandomState,
    second: RandomState,
}

impl Seen {
    fn is_new(&mut self, id: &str) -> bool {
        self.ids.insert((self.first.hash_one(id), self.second.hash_one(id)))
    }
}

/// How `updated_at` was written so far.
#[derive(Clone, Copy, Default)]
struct Units {
    seen: Option<Unit>,
    mixed: bool,
}

impl Units {
    fn note(&mut self, cell: &Cell) {
        let unit = match cell {
            Cell::Null => return,
            Cell::Int(number) if number.unsigned_abs() < 100_000_000_000 => Unit::Seconds,
            Cell::Int(number) if number.unsigned_abs() < 100_000_000_000_000 => Unit::Millis,
            Cell::Text(_) => Unit::Stamp,
            _ => {
                self.mixed = true;
                return;
            }
        };
        self.mixed |= self.seen.is_some_and(|seen| seen != unit);
        self.seen = Some(unit);
    }

    fn agreed(self) -> Option<Unit> {
        self.seen.filter(|_| !self.mixed)
    }
}

impl Portal {
    /// One step (see [`crate::sources::Source::collect`]).
    pub(super) async fn step(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        let mut slot = self.running.lock().await;
        let stored = Cursor::read(cursor);
        let goes_on = |running: &Running| {
            stored.round == Some(Round { started_at: running.started.ms(), offset: running.offset })
        };
        let mut running = match slot.take() {
            Some(running) if goes_on(&running) => running,
            _ => Running::start(&self.inner, stored, now),
        };
        let batch = running.advance(&self.inner, now).await?;
        if batch.more {
            *slot = Some(running);
        }
        Ok(batch)
    }
}

impl Running {
    fn start(inner: &Inner, mut cursor: Cursor, now: Time) -> Self {
        let since = cursor.since(now);
        let full = since.is_none();
        cursor.round = None;
        let (out, pieces) = mpsc::channel(2);
        let task = tokio::spawn(round::run(inner.address.clone(), Arc::clone(&inner.plan), since, out));
        Self {
            pieces,
            task,
            started: now,
            offset: 0,
            full,
            cursor,
            seen: Seen::default(),
            readers: Readers::default(),
            units: Units::default(),
            jobs: Vec::new(),
            job_keys: HashSet::new(),
            odd: Oddities::default(),
            partial: Vec::new(),
            failed: None,
        }
    }

    async fn advance(&mut self, inner: &Inner, now: Time) -> Result<Batch, SourceError> {
        let mut batch = Batch { more: true, ..Batch::default() };
        let mut has_content = false;
        loop {
            let Some(piece) = self.pieces.recv().await else {
                return self.end(inner, batch, has_content);
            };
            match piece {
                Piece::Customers(reader) => self.readers.customers = Some(reader),
                Piece::Tickets(reader) => self.readers.tickets = Some(reader),
                Piece::Deliveries(reader) => self.readers.deliveries = Some(reader),
                Piece::Jobs(reader) => self.readers.jobs = Some(reader),
                Piece::Rows(part, page) => {
                    self.offset += page.rows.len() as u64;
                    self.take(part, &page.rows, inner, &mut batch, now);
                    // Jobs are gathered until the list is whole.
                    if part != Part::Jobs {
                        break;
                    }
                }
                Piece::End(part, cut) => {
                    self.close(part, cut, inner, &mut batch);
                    has_content = true;
                }
                Piece::Failed(part, failure) if part == Part::Customers || failure.lost => {
                    if failure.lost {
                        return Err(failure.error);
                    }
                    self.failed = Some(failure.error);
                }
                Piece::Failed(part, failure) => {
                    if part == Part::Tickets {
                        batch.lost.push(Kind::Ticket);
                        has_content = true;
                    }
                    self.partial.push(failure.error.problem);
                }
            }
        }
        batch.cursor = Some(self.position());
        Ok(batch)
    }

    fn take(&mut self, part: Part, rows: &[Vec<Cell>], inner: &Inner, batch: &mut Batch, now: Time) {
        for row in rows {
            match part {
                Part::Customers => self.customer(row, inner, batch, now),
                Part::Tickets => match self.readers.tickets.as_ref().and_then(|reader| reader.ticket(row, now)) {
                    Some(ticket) => batch.records.push(ticket),
                    None => self.odd.tickets += 1,
                },
                Part::Deliveries => match self.readers.deliveries.as_ref().map(|reader| reader.delivery(row)) {
                    Some(Ok(delivery)) => batch.deliveries.push(delivery),
                    Some(Err(why)) => self.odd.delivery(why),
                    None => {}
                },
                Part::Jobs => match self.readers.jobs.as_ref().map(|reader| reader.job(row, now)) {
                    Some(Ok(Some((id, mut job)))) => {
                        if !self.job_keys.insert((job.kind.clone(), job.key.clone())) {
                            job.key = Text::new(format!("{} #{id}", job.key));
                        }
                        self.jobs.push(job);
                    }
                    Some(Err(why)) => self.odd.job(why),
                    Some(Ok(None)) | None => {}
                },
            }
        }
    }

    fn customer(&mut self, row: &[Cell], inner: &Inner, batch: &mut Batch, now: Time) {
        let Some(reader) = &self.readers.customers else { return };
        if let Some((index, _)) = &reader.updated
            && let Some(cell) = row.get(*index)
        {
            self.units.note(cell);
        }
        let Some(person) = reader.person(row, &inner.states, now) else {
            self.odd.without_id += 1;
            return;
        };
        if !self.seen.is_new(person.record.id.as_str()) {
            self.odd.duplicate(&person.record.id);
            return;
        }
        if let Some((column, said)) = person.unreadable {
            self.odd.unreadable(column, &said);
        }
        self.cursor.high = self.cursor.high.max(person.record.updated_at.map(Time::ms));
        batch.records.push(person.record);
    }

    fn close(&mut self, part: Part, cut: bool, inner: &Inner, batch: &mut Batch) {
        match part {
            Part::Customers => {
                self.partial.extend(self.odd.customers(&inner.plan.customers));
                if cut {
                    let what = format!("the portal has more than {MAX_CUSTOMERS} customers; the rest was not read");
                    self.partial.push(Problem::usage(what).at(&inner.plan.customers.place));
                } else if self.full {
                    batch.finished.push((Kind::Person, self.started));
                    // Odd rows show only in a full pass; while there are some, every pass is one.
                    let unit = self.units.agreed().filter(|_| self.odd.customers_are_clean());
                    self.cursor.passed(self.started, unit);
                }
            }
            Part::Tickets => {
                if !cut {
                    batch.finished.push((Kind::Ticket, self.started));
                }
                self.partial.extend(self.odd.tickets_problem());
            }
            Part::Deliveries => self.partial.extend(self.odd.deliveries_problem()),
            Part::Jobs => {
                batch.jobs = Some(std::mem::take(&mut self.jobs));
                self.partial.extend(self.odd.jobs_problem());
                if cut {
                    let what = format!("the portal's queue holds more than {MAX_JOBS} jobs; the rest is not shown");
                    self.partial.push(Problem::evidence(what).at("portal.jobs"));
                }
            }
        }
    }

    /// The round is through: the last batch, or the failure of the customers once all else was handed over.
    fn end(&mut self, inner: &Inner, mut batch: Batch, has_content: bool) -> Result<Batch, SourceError> {
        if let Some(error) = self.failed.clone() {
            if !has_content {
                return Err(error);
            }
            self.offset += 1;
            batch.cursor = Some(self.position());
            return Ok(batch);
        }
        if self.readers.customers.is_none() {
            let problem = Problem::bug("the round over the portal ended early").at(inner.address.shown());
            return Err(super::failure::Failure::unavailable(problem).error);
        }
        self.cursor.round = None;
        batch.more = false;
        batch.cursor = Some(self.cursor.write());
        batch.partial = super::oddities::together(std::mem::take(&mut self.partial));
        Ok(batch)
    }

    fn position(&self) -> String {
        let round = Round { started_at: self.started.ms(), offset: self.offset };
        Cursor { round: Some(round), ..self.cursor.clone() }.write()
    }
}
