//! The steps of a collection of Paddle: one page each.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::Value;

use super::cursor::{Cursor, Part, Phase};
use super::events::{Change, changes};
use super::notifications::{deliveries, is_refused, last_code};
use super::records::{Stamp, Thing, records};
use super::{KEYS, Paddle};
use crate::domain::{Batch, Record, System, Time};
use crate::sources::Cause;
use crate::sources::http::{Ask, Failure, Reply, Round, address};
use crate::sources::step::{partial, witness};
use crate::sources::value::{at, int, list, moment, raw, yes};

/// Rows a page; Paddle's maximum, which is lower for transactions.
const PAGE: u32 = 200;
const TRANSACTION_PAGE: u32 = 30;
/// An event may become visible a little late: so far back every round looks again.
const OVERLAP_MS: i64 = 60_000;
/// A full collection shows notifications of this long.
const RECENT_MS: i64 = 3 * 24 * 3600 * 1000;
/// An answer may be that much older than the clock in its header.
const READ_LAG_MS: i64 = 5000;
/// Notifications that are not taken are listed to this many pages; beyond it, a broken endpoint is news enough.
const MOST_OPEN_PAGES: u32 = 20;
/// So many of them are kept to be looked at one by one; more as a span of time.
const MOST_OPEN: usize = 40;
/// Notifications that one step looks at again, and logs that one step reads.
const SINGLE_STEP: usize = 10;
const LOGS_STEP: usize = 5;
/// Objects read again, and response codes, that are remembered.
const MOST_REMEMBERED: usize = 2000;

impl Paddle {
    /// Reads one page and moves the cursor on.
    pub(super) async fn step(&self, cursor: &mut Cursor, round: &Round) -> Result<Batch, Failure> {
        let mut batch = Batch::default();
        let mut notes = Vec::new();
        let phase = cursor.phase;
        let done = match phase {
            Phase::Anchor => self.anchor(cursor, round, &mut batch).await,
            Phase::Customers | Phase::Subscriptions | Phase::Transactions | Phase::Endpoints => {
                self.list(cursor, round, &mut batch, &mut notes).await
            }
            Phase::Events => self.events(cursor, round, &mut batch).await,
            Phase::Recent | Phase::Notifications => self.notifications(cursor, round, &mut batch).await,
            Phase::Open => self.open(cursor, round, &mut batch, &mut notes).await,
            Phase::Settle => self.settle(cursor, round, &mut batch).await,
            Phase::Rest => Ok(()),
        };
        match done {
            Ok(()) => {}
            // Adjustments come with transactions, under a permission of their own.
            Err(failure)
                if failure.is_forbidden()
                    && phase == Phase::Transactions
                    && !cursor.missing.contains(&Part::Adjustments) =>
            {
                cursor.missing.push(Part::Adjustments);
            }
            // Without customers there is nothing to compare; any other part may be missing and is named.
            Err(failure) if failure.is_forbidden() && phase != Phase::Customers => {
                tracing::warn!(part = phase.part().map_or("", Part::scope), "the key may not read this part");
                if phase == Phase::Transactions {
                    cursor.missing.retain(|part| *part != Part::Adjustments);
                }
                cursor.skip();
            }
            // The object after which the page begins is not known any more.
            Err(mut failure) if failure.status == Some(400) && self.position(cursor).is_some() => {
                failure.error.cause = Cause::Expired;
                return Err(failure);
            }
            Err(failure) => return Err(failure),
        }
        let unread: Vec<&str> = cursor.missing.iter().map(|part| part.scope()).collect();
        batch.partial = partial(System::Paddle, &unread, &notes, KEYS);
        Ok(batch)
    }

    /// The id after which the next page begins.
    fn position<'c>(&self, cursor: &'c Cursor) -> Option<&'c str> {
        let start = match cursor.phase {
            Phase::Events => cursor.events.as_deref(),
            Phase::Notifications => cursor.told.as_deref(),
            _ => None,
        };
        cursor.page.after.as_deref().or(start)
    }

    /// The newest event: what happens while the lists are read comes after it.
    async fn anchor(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let ask = Ask::get("/events").with("order_by", "id[DESC]").with("per_page", 1);
        let reply = self.client.send(ask, round).await?;
        witness(batch, &reply);
        let rows = self.rows(&reply)?;
        self.client.same_host(&reply, at(&reply.body, "meta/pagination/next").and_then(Value::as_str))?;
        cursor.events = rows.first().and_then(|row| raw(row, "event_id"));
        cursor.leave();
        Ok(())
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
        let whole = !cursor.missing.contains(&Part::Adjustments);
        let ask = Ask::get(phase.path());
        let (ask, thing) = match phase {
            // Without it archived customers are left out.
            Phase::Customers => (ask.with("status", "active,archived"), Thing::Customer),
            Phase::Transactions => (ask.with_some("include", whole.then_some("adjustments")), Thing::Transaction),
            // Destinations of simulations as well.
            Phase::Endpoints => (ask.with("traffic_source", "all"), Thing::Endpoint),
            _ => (ask, Thing::Subscription),
        };
        let (reply, next) = self.page(ask.with("order_by", "id[ASC]"), cursor, round, batch).await?;
        let rows = list(&reply.body, "data");
        let stamp = self.stamp(round, reply.at.ms() - READ_LAG_MS, true);
        batch.records = rows.iter().flat_map(|row| records(thing, row, stamp)).collect();
        let strange = rows.iter().filter(|row| raw(row, "id").is_none()).count();
        if strange > 0 {
            notes.push(format!("{strange} rows of {} have no id", phase.path()));
        }
        if next.is_none() {
            let all = phase.kinds().iter().filter(|kind| whole || **kind != crate::domain::Kind::Charge);
            batch.finished.extend(all.map(|kind| (*kind, cursor.started)));
        }
        self.turn(cursor, &reply, next)
    }

    /// One page of events: what changed.
    async fn events(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let ask = Ask::get("/events").with("order_by", "id[ASC]");
        let (reply, next) = self.page(ask, cursor, round, batch).await?;
        let rows = list(&reply.body, "data");
        for change in changes(rows, cursor.edge) {
            batch.records.extend(self.changed(&change, cursor, round).await?);
        }
        let old = reply.at.plus_ms(-OVERLAP_MS);
        let settled = rows.iter().rev().find(|row| moment(row, "occurred_at").is_some_and(|at| at <= old));
        cursor.settled = settled.and_then(|row| raw(row, "event_id")).or(cursor.settled.take());
        let last = rows.last().and_then(|row| moment(row, "occurred_at")).map(Time::secs);
        let ended = next.is_none();
        self.turn(cursor, &reply, next)?;
        if ended {
            cursor.events = cursor.settled.take().or(cursor.events.take());
            let floor = old.plus_ms(-OVERLAP_MS).ms();
            self.memory().reread.retain(|_, (at, ..)| *at >= floor);
        } else {
            cursor.edge = last;
        }
        Ok(())
    }

    /// The records of one changed object: its picture, or the object itself where the picture is not enough.
    async fn changed(&self, change: &Change, cursor: &Cursor, round: &Round) -> Result<Vec<Record>, Failure> {
        let part = match change.thing {
            Thing::Customer => Part::Customers,
            Thing::Subscription => Part::Subscriptions,
            Thing::Transaction => Part::Transactions,
            Thing::Endpoint => Part::Endpoints,
        };
        // A part whose list may not be read is unknown, whatever events tell of it.
        if cursor.missing.contains(&part) {
            return Ok(Vec::new());
        }
        let picture = (change.object.clone(), false);
        let (object, whole) = if change.is_unclear() {
            let whole = !cursor.missing.contains(&Part::Adjustments);
            match self.read_again(change, whole, round).await {
                Ok(Some(object)) => (object, whole || change.thing != Thing::Transaction),
                Ok(None) => picture,
                // The key may not read single objects: the picture is the best there is.
                Err(failure) if failure.is_forbidden() => picture,
                Err(failure) => return Err(failure),
            }
        } else {
            picture
        };
        Ok(records(change.thing, &object, self.stamp(round, change.at.ms(), whole)))
    }

    /// Reads an object as it is now; `None` when it cannot be addressed.
    async fn read_again(&self, change: &Change, whole: bool, round: &Round) -> Result<Option<Value>, Failure> {
        let known = self.memory().reread.get(&change.id).cloned();
        if let Some((at, rivals, body)) = known
            && (at, rivals) == (change.at.ms(), change.rivals)
        {
            return Ok(Some(body));
        }
        let Some(id) = address::segment(&change.id) else { return Ok(None) };
        let ask = match change.thing {
            Thing::Customer => Ask::get(format!("/customers/{id}")),
            Thing::Subscription => Ask::get(format!("/subscriptions/{id}")),
            Thing::Transaction => {
                Ask::get(format!("/transactions/{id}")).with_some("include", whole.then_some("adjustments"))
            }
            Thing::Endpoint => return Ok(None),
        };
        let body = match self.client.send(ask, round).await {
            Ok(reply) => match at(&reply.body, "data") {
                Some(object) if object.is_object() => object.clone(),
                _ => return Err(self.client.garbage(&reply, "answered without a `data` object")),
            },
            Err(failure) if failure.is_missing() && change.object.is_object() => {
                let mut gone = change.object.clone();
                gone["deleted"] = Value::Bool(true);
                gone
            }
            Err(failure) if failure.is_missing() => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let mut memory = self.memory();
        if memory.reread.len() >= MOST_REMEMBERED {
            memory.reread.clear();
        }
        memory.reread.insert(change.id.clone(), (change.at.ms(), change.rivals, body.clone()));
        Ok(Some(body))
    }

    /// One page of notifications: of the last days, newest first, or those since the last round.
    async fn notifications(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let recent = cursor.phase == Phase::Recent;
        let ask = Ask::get("/notifications").with("order_by", if recent { "id[DESC]" } else { "id[ASC]" });
        let ask = if recent {
            let from = *cursor.from.get_or_insert(round.now.plus_ms(-RECENT_MS));
            ask.with("from", from.rfc3339())
        } else {
            ask
        };
        let (reply, next) = self.page(ask, cursor, round, batch).await?;
        let rows = list(&reply.body, "data");
        batch.deliveries = self.told(rows, round).await?;
        let newest = if recent { rows.first() } else { rows.last() };
        if !recent || cursor.newest.is_none() {
            cursor.newest = newest.and_then(|row| raw(row, "id")).or(cursor.newest.take());
        }
        if next.is_none() {
            cursor.told = cursor.newest.take().or(cursor.told.take());
        }
        self.turn(cursor, &reply, next)
    }

    /// One page of what is not taken yet.
    async fn open(
        &self,
        cursor: &mut Cursor,
        round: &Round,
        batch: &mut Batch,
        notes: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let ask = Ask::get("/notifications").with("status", "needs_retry,not_attempted").with("order_by", "id[DESC]");
        let (reply, mut next) = self.page(ask, cursor, round, batch).await?;
        let rows = list(&reply.body, "data");
        batch.deliveries = self.told(rows, round).await?;
        for row in rows {
            let Some(id) = raw(row, "id").filter(|id| address::segment(id).is_some() && id.len() <= 64) else {
                continue;
            };
            cursor.open.retain(|known| *known != id);
            if cursor.open_now.len() < MOST_OPEN {
                cursor.open_now.push(id);
            } else if let Some(at) = moment(row, "occurred_at") {
                cursor.crowd_now = Some(cursor.crowd_now.map_or(at, |known| known.min(at)));
            }
        }
        if next.is_some() && cursor.page.pages() + 1 >= MOST_OPEN_PAGES {
            let most = MOST_OPEN_PAGES * PAGE;
            notes.push(format!("more than {most} notifications are not taken; the older ones are not read"));
            next = None;
        }
        self.turn(cursor, &reply, next)
    }

    /// Looks again at notifications that are not in the list of open ones any more.
    async fn settle(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let mut rows = Vec::new();
        let many = cursor.open.len().saturating_sub(SINGLE_STEP);
        for id in cursor.open.split_off(many) {
            let Some(id) = address::segment(&id) else { continue };
            match self.client.send(Ask::get(format!("/notifications/{id}")), round).await {
                Ok(reply) => {
                    witness(batch, &reply);
                    rows.extend(at(&reply.body, "data").cloned());
                }
                // Older than 90 days: nothing more is known of it.
                Err(failure) if failure.is_missing() => {}
                Err(failure) => return Err(failure),
            }
        }
        batch.deliveries = self.told(&rows, round).await?;
        if !cursor.open.is_empty() {
            return Ok(());
        }
        let (reply, next) = match cursor.crowd {
            Some(from) => {
                let ask = Ask::get("/notifications").with("from", from.rfc3339()).with("order_by", "id[ASC]");
                let (reply, next) = self.page(ask, cursor, round, batch).await?;
                let more = self.told(list(&reply.body, "data"), round).await?;
                batch.deliveries.extend(more);
                (Some(reply), next)
            }
            None => (None, None),
        };
        if next.is_none() {
            cursor.open = std::mem::take(&mut cursor.open_now);
            cursor.crowd = cursor.crowd_now.take();
        }
        match reply {
            Some(reply) => self.turn(cursor, &reply, next),
            None => {
                cursor.leave();
                Ok(())
            }
        }
    }

    /// Deliveries of notifications, with the response codes of those that were refused, as far as the step's allowance
    /// reaches: the rest is asked for when they are seen again.
    async fn told(&self, rows: &[Value], round: &Round) -> Result<Vec<crate::domain::Delivery>, Failure> {
        let mut codes = BTreeMap::new();
        let mut left = LOGS_STEP;
        for row in rows.iter().filter(|row| is_refused(row)) {
            let Some(id) = raw(row, "id") else { continue };
            let key = (id, int(row, "times_attempted").unwrap_or(0));
            let known = self.memory().codes.get(&key).copied();
            let code = match (known, address::segment(&key.0)) {
                (Some(known), _) => known,
                (None, Some(id)) if left > 0 => {
                    left -= 1;
                    let ask = Ask::get(format!("/notifications/{id}/logs")).with("per_page", PAGE);
                    let code = match self.client.send(ask, round).await {
                        Ok(reply) => last_code(&reply.body),
                        Err(failure) if failure.is_missing() || failure.is_forbidden() => None,
                        Err(failure) => return Err(failure),
                    };
                    let mut memory = self.memory();
                    if memory.codes.len() >= MOST_REMEMBERED {
                        memory.codes.clear();
                    }
                    memory.codes.insert(key.clone(), code);
                    code
                }
                _ => None,
            };
            codes.extend(code.map(|code| (key.0, code)));
        }
        Ok(deliveries(rows, &codes, &self.link_field))
    }

    /// Asks for the current page. Returns the id after which the next one begins, if there is one.
    async fn page(
        &self,
        ask: Ask,
        cursor: &Cursor,
        round: &Round,
        batch: &mut Batch,
    ) -> Result<(Reply, Option<String>), Failure> {
        let size = if cursor.phase == Phase::Transactions { TRANSACTION_PAGE } else { PAGE };
        let ask = ask.with("per_page", size).with_some("after", self.position(cursor));
        let reply = self.client.send(ask, round).await?;
        witness(batch, &reply);
        let rows = self.rows(&reply)?;
        let link = at(&reply.body, "meta/pagination/next").and_then(Value::as_str);
        self.client.same_host(&reply, link)?;
        // There is always a link to a next page; only `has_more` says whether it leads anywhere.
        if !yes(&reply.body, "meta/pagination/has_more") {
            return Ok((reply, None));
        }
        let linked = link
            .and_then(|link| Url::parse(link).ok())
            .and_then(|url| url.query_pairs().find(|(name, _)| name == "after").map(|(_, after)| after.into_owned()));
        let last = || rows.last().and_then(|row| raw(row, "id").or_else(|| raw(row, "event_id")));
        match linked.or_else(last).filter(|_| !rows.is_empty()) {
            Some(next) => Ok((reply, Some(next))),
            None => Err(self.client.garbage(&reply, "says that there is more after a page without rows")),
        }
    }

    /// The rows of a list.
    pub(super) fn rows<'r>(&self, reply: &'r Reply) -> Result<&'r [Value], Failure> {
        match at(&reply.body, "data").and_then(Value::as_array) {
            Some(rows) => Ok(rows),
            None => Err(self.client.garbage(reply, "answered without a `data` list")),
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

    fn stamp(&self, round: &Round, version: i64, whole: bool) -> Stamp<'_> {
        Stamp { seen_at: round.now, version, whole, link_field: &self.link_field }
    }
}
