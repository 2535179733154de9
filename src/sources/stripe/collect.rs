//! The steps of a collection of Stripe: one page each.

use serde_json::Value;

use super::cursor::{Cursor, Phase};
use super::events::{Change, changes, delivery};
use super::records::{Stamp, record};
use super::{KEYS, MOST_SINGLE, MOST_UNDELIVERED_PAGES, OVERLAP_SECS, PAGE, READ_LAG_MS, RECENT_SECS, Stripe};
use crate::domain::{Batch, Record, System, Time};
use crate::sources::Cause;
use crate::sources::http::{Ask, Failure, Reply, Round, address};
use crate::sources::step::{partial, witness};
use crate::sources::value::{at, int, list, raw, yes};

/// Events are kept for this long.
const KEPT_SECS: i64 = 30 * 24 * 3600;
/// Events that one step looks at again.
const SINGLE_STEP: usize = 10;
/// Objects read again that are remembered.
const MOST_REMEMBERED: usize = 2000;

impl Stripe {
    /// Reads one page and moves the cursor on.
    pub(super) async fn step(&self, cursor: &mut Cursor, round: &Round) -> Result<Batch, Failure> {
        let mut batch = Batch::default();
        let mut notes = Vec::new();
        let phase = cursor.phase;
        let done = match phase {
            Phase::Customers | Phase::Subscriptions | Phase::Invoices | Phase::Charges | Phase::Endpoints => {
                self.list(cursor, round, &mut batch, &mut notes).await
            }
            Phase::Events => self.events(cursor, round, &mut batch, &mut notes).await,
            Phase::Undelivered => self.undelivered(cursor, round, &mut batch, &mut notes).await,
            Phase::Settle => self.settle(cursor, round, &mut batch).await,
            Phase::Rest => Ok(()),
        };
        match done {
            Ok(()) => {}
            // Without customers there is nothing to compare; any other part may be missing and is named.
            Err(failure) if failure.is_forbidden() && phase != Phase::Customers => {
                tracing::warn!(part = phase.scope(), "the key may not read this part");
                cursor.skip();
            }
            // The object at which the last page ended is gone.
            Err(mut failure) if failure.status == Some(400) && cursor.page.after.is_some() => {
                failure.error.cause = Cause::Expired;
                return Err(failure);
            }
            Err(failure) => return Err(failure),
        }
        let unread: Vec<&str> = cursor.missing.iter().map(|part| part.scope()).collect();
        batch.partial = partial(System::Stripe, &unread, &notes, KEYS);
        Ok(batch)
    }

    /// One page of a list of objects.
    async fn list(
        &self,
        cursor: &mut Cursor,
        round: &Round,
        batch: &mut Batch,
        notes: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let phase = cursor.phase;
        let mut ask = Ask::get(phase.path());
        if phase == Phase::Subscriptions {
            // Without it canceled subscriptions are left out.
            ask = ask.with("status", "all");
        }
        let (reply, next) = self.page(ask, cursor, round, batch).await?;
        let rows = list(&reply.body, "data");
        self.check_mode(rows)?;
        if cursor.since == 0 {
            cursor.since = reply.at.secs();
        }
        let stamp = self.stamp(round, reply.at.ms() - READ_LAG_MS);
        let records: Vec<Record> = rows.iter().filter_map(|row| record(row, stamp)).collect();
        if records.len() < rows.len() {
            notes.push(format!("{} rows of {} have no id", rows.len() - records.len(), phase.path()));
        }
        batch.records = records;
        if next.is_none() {
            batch.finished.extend(phase.kind().map(|kind| (kind, cursor.started)));
        }
        self.turn(cursor, &reply, next)
    }

    /// One page of events: deliveries, and what changed.
    async fn events(
        &self,
        cursor: &mut Cursor,
        round: &Round,
        batch: &mut Batch,
        notes: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let floor = cursor.since - OVERLAP_SECS;
        let from = if cursor.full { floor.min(cursor.since - RECENT_SECS) } else { floor };
        let ask = Ask::get(cursor.phase.path()).with("created[gt]", from.max(0));
        let (reply, next) = self.page(ask, cursor, round, batch).await?;
        let rows = list(&reply.body, "data");
        self.check_mode(rows)?;
        batch.deliveries = rows.iter().filter_map(|row| delivery(row, false, reply.at, &self.link_field)).collect();
        for change in changes(rows, floor, cursor.edge) {
            batch.records.extend(self.changed(&change, round, notes).await?);
        }
        cursor.newest = rows.iter().filter_map(|row| int(row, "created")).max().unwrap_or(0).max(cursor.newest);
        let last = rows.last().and_then(|row| int(row, "created"));
        let ended = next.is_none();
        self.turn(cursor, &reply, next)?;
        if ended {
            cursor.since = cursor.since.max(cursor.newest);
            self.forget_before(cursor.since - OVERLAP_SECS);
        } else {
            cursor.edge = last;
        }
        Ok(())
    }

    /// The records of one changed object: its snapshot, or the object itself where the snapshot is not enough.
    async fn changed(&self, change: &Change, round: &Round, notes: &mut Vec<String>) -> Result<Vec<Record>, Failure> {
        let mut version = change.created * 1000;
        let mut objects = vec![change.object.clone()];
        if change.is_unclear() {
            match self.read_again(change, round).await {
                Ok(Some(now)) => {
                    objects = now;
                    version += 1;
                }
                Ok(None) => notes.push("a dispute names no payment, so its charge was not read again".to_owned()),
                // The key may not read single objects: the snapshot is the best there is.
                Err(failure) if failure.is_forbidden() => {}
                Err(failure) => return Err(failure),
            }
        }
        let happened = Time::from_secs(change.created);
        let stamp = self.stamp(round, version);
        Ok(objects
            .iter()
            .filter_map(|object| record(object, stamp))
            .map(|mut record| {
                record.updated_at = record.updated_at.max(Some(happened));
                record
            })
            .collect())
    }

    /// Reads an object as it is now; `None` when it cannot be addressed.
    async fn read_again(&self, change: &Change, round: &Round) -> Result<Option<Vec<Value>>, Failure> {
        let (Some(id), Some(word)) = (raw(&change.object, "id"), raw(&change.object, "object")) else {
            return Ok(None);
        };
        let known = self.memory().reread.get(&id).cloned();
        if let Some((created, rivals, body)) = known
            && (created, rivals) == (change.created, change.rivals)
        {
            return Ok(Some(as_objects(body)));
        }
        let ask = match word.as_str() {
            "charge" | "dispute" => {
                let payment = ["payment_intent", "payment_intent/id"].iter().find_map(|f| raw(&change.object, f));
                match payment {
                    Some(payment) => Ask::get("/v1/charges").with("payment_intent", payment).with("limit", PAGE),
                    None if word == "charge" => return Ok(Some(vec![change.object.clone()])),
                    None => return Ok(None),
                }
            }
            "customer" | "subscription" | "invoice" => match address::segment(&id) {
                Some(id) => Ask::get(format!("/v1/{word}s/{id}")),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let body = match self.client.send(ask, round).await {
            Ok(reply) => reply.body,
            Err(failure) if failure.is_missing() => {
                let mut gone = change.object.clone();
                gone["deleted"] = Value::Bool(true);
                gone
            }
            Err(failure) => return Err(failure),
        };
        let mut memory = self.memory();
        if memory.reread.len() >= MOST_REMEMBERED {
            memory.reread.clear();
        }
        memory.reread.insert(id, (change.created, change.rivals, body.clone()));
        Ok(Some(as_objects(body)))
    }

    /// One page of what is not delivered. At the end it says which events have left that list since the last round.
    async fn undelivered(
        &self,
        cursor: &mut Cursor,
        round: &Round,
        batch: &mut Batch,
        notes: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let first = cursor.page.after.is_none();
        let from = (cursor.since - KEPT_SECS).max(0);
        let ask = Ask::get(cursor.phase.path()).with("delivery_success", false).with("created[gt]", from);
        let (reply, mut next) = self.page(ask, cursor, round, batch).await?;
        let rows = list(&reply.body, "data");
        batch.deliveries = rows.iter().filter_map(|row| delivery(row, true, reply.at, &self.link_field)).collect();
        let seen: Vec<(String, i64)> =
            rows.iter().filter_map(|row| Some((raw(row, "id")?, int(row, "created")?))).collect();
        cursor.oldest_now = seen.iter().map(|(_, at)| *at).chain(cursor.oldest_now).min();
        let mut capped = false;
        if next.is_some() && cursor.page.pages() + 1 >= MOST_UNDELIVERED_PAGES {
            notes.push(format!(
                "more than {} events are not delivered; the older ones are not read",
                MOST_UNDELIVERED_PAGES * PAGE
            ));
            capped = true;
            next = None;
        }
        let mut memory = self.memory();
        if first {
            memory.undelivered.insert(cursor.round, seen.into_iter().collect());
        } else if let Some(so_far) = memory.undelivered.get_mut(&cursor.round) {
            so_far.extend(seen);
        }
        if next.is_none() {
            let left = memory.gone(cursor, capped);
            memory.undelivered.retain(|made, _| *made + 2 >= cursor.round);
            drop(memory);
            self.look_again(cursor, left);
            cursor.oldest = cursor.oldest_now;
        } else {
            drop(memory);
        }
        self.turn(cursor, &reply, next)
    }

    /// Decides how events that left the list are looked at again.
    fn look_again(&self, cursor: &mut Cursor, gone: Option<Vec<(String, i64)>>) {
        match gone {
            Some(gone) if gone.len() <= MOST_SINGLE => cursor.settle = gone.into_iter().map(|(id, _)| id).collect(),
            Some(gone) => {
                let times = || gone.iter().map(|(_, at)| *at);
                cursor.span = times().min().zip(times().max());
            }
            // This process has not seen the last round: everything since the oldest one may have changed.
            None => cursor.span = cursor.oldest.map(|oldest| (oldest, cursor.since.max(oldest))),
        }
    }

    /// Looks again at events that are not in the list of undelivered ones any more.
    async fn settle(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let many = cursor.settle.len().saturating_sub(SINGLE_STEP);
        for id in cursor.settle.split_off(many) {
            let Some(id) = address::segment(&id) else { continue };
            match self.client.send(Ask::get(format!("/v1/events/{id}")), round).await {
                Ok(reply) => {
                    witness(batch, &reply);
                    batch.deliveries.extend(delivery(&reply.body, false, reply.at, &self.link_field));
                }
                // Older than 30 days: nothing more is known of it.
                Err(failure) if failure.is_missing() => {}
                Err(failure) => return Err(failure),
            }
        }
        if !cursor.settle.is_empty() {
            return Ok(());
        }
        let Some((from, to)) = cursor.span else {
            cursor.leave();
            return Ok(());
        };
        let ask = Ask::get(cursor.phase.path()).with("created[gte]", from).with("created[lte]", to);
        let (reply, next) = self.page(ask, cursor, round, batch).await?;
        let rows = list(&reply.body, "data");
        batch.deliveries.extend(rows.iter().filter_map(|row| delivery(row, false, reply.at, &self.link_field)));
        self.turn(cursor, &reply, next)
    }

    /// Asks for the current page. Returns the id after which the next one begins, if there is one.
    async fn page(
        &self,
        ask: Ask,
        cursor: &Cursor,
        round: &Round,
        batch: &mut Batch,
    ) -> Result<(Reply, Option<String>), Failure> {
        let ask = ask.with("limit", PAGE).with_some("starting_after", cursor.page.after.as_deref());
        let reply = self.client.send(ask, round).await?;
        witness(batch, &reply);
        let Some(rows) = at(&reply.body, "data").and_then(Value::as_array) else {
            return Err(self.client.garbage(&reply, "answered without a `data` list"));
        };
        self.client.same_host(&reply, at(&reply.body, "url").and_then(Value::as_str))?;
        if !yes(&reply.body, "has_more") {
            return Ok((reply, None));
        }
        match rows.last().and_then(|row| raw(row, "id")) {
            Some(last) => Ok((reply, Some(last))),
            None => Err(self.client.garbage(&reply, "says that there is more after a page without rows")),
        }
    }

    /// Goes to the next page, or leaves the part.
    fn turn(&self, cursor: &mut Cursor, reply: &Reply, next: Option<String>) -> Result<(), Failure> {
        match next {
            None => cursor.leave(),
            Some(next) => cursor
                .page
                .go_on(&next)
                .map_err(|why| self.client.garbage(reply, &format!("cannot be followed: {why}")))?,
        }
        Ok(())
    }

    fn stamp(&self, round: &Round, version: i64) -> Stamp<'_> {
        Stamp { seen_at: round.now, version, link_field: &self.link_field }
    }

    fn forget_before(&self, second: i64) {
        self.memory().reread.retain(|_, (created, ..)| *created >= second);
    }
}

impl super::Memory {
    /// The events that were undelivered in the last round and are not any more; `None` when this process has not seen
    /// both rounds whole. With a capped list only the part that was listed is compared.
    fn gone(&self, cursor: &Cursor, capped: bool) -> Option<Vec<(String, i64)>> {
        let before = self.undelivered.get(&cursor.round.checked_sub(1)?)?;
        let now = self.undelivered.get(&cursor.round)?;
        let from = if capped { cursor.oldest_now.unwrap_or(i64::MAX) } else { i64::MIN };
        let left = before.iter().filter(|(id, at)| **at >= from && !now.contains_key(*id));
        Some(left.map(|(id, at)| (id.clone(), *at)).collect())
    }
}

/// An answer is one object, or a list of them.
fn as_objects(mut body: Value) -> Vec<Value> {
    match body.get_mut("data").map(Value::take) {
        Some(Value::Array(rows)) => rows,
        _ => vec![body],
    }
}
