//! Intercom: contacts (users and leads), conversations and tickets.
//!
//! What must stay true: reads only. Searches match dates by calendar day in the workspace's own time zone, so what
//! changed is asked for from two days before, and each row's own moment decides. Searches cannot see what was merged
//! away: every 24 hours all is read again. Intercom does not tell how its webhook deliveries went.
//! Facts: Intercom's OpenAPI document 2.16, whose version every call pins; its pages on search and rate limits.

mod records;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::records::{Tags, changed_at, contact, conversation, has_more_tags, tag, tag_ids, ticket};
use super::budget::Limits;
use super::http::{Ask, Auth, Client, Conduct, Failure, Paging, Reply, Round, address};
use super::secret::Secret;
use super::step::{partial, read_cursor, witness, write_cursor};
use super::value::{at, list, raw};
use super::{Answer, Capabilities, Cause, Source, SourceError};
use crate::domain::{Batch, Kind, Problem, Record, System, Text, Time};

/// Where access tokens are kept.
pub(super) const KEYS: &str = "https://app.intercom.com/a/apps/_/developer-hub";
/// Rows a page; Intercom's maximum.
const PAGE: u32 = 150;
/// New contacts take minutes to appear in searches: so far back every round looks again.
const OVERLAP_MS: i64 = 15 * 60 * 1000;
/// Everything is read again after this, to see what was merged away or deleted.
const FULL_EVERY_MS: i64 = 24 * 3600 * 1000;
const DAY: i64 = 24 * 3600;
/// Contacts whose tags are asked for in one step; the names learned serve all others.
const TAGS_STEP: usize = 20;
/// Regions of Intercom and the hosts that serve them.
const REGIONS: [(&str, &str); 3] =
    [("US", "https://api.intercom.io"), ("EU", "https://api.eu.intercom.io"), ("AU", "https://api.au.intercom.io")];

const CONDUCT: Conduct =
    Conduct { system: System::Intercom, headers: &[("Intercom-Version", "2.16")], renew: KEYS, wait_in_body: |_| None };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    Contacts,
    Conversations,
    Tickets,
    Rest,
}

impl Part {
    fn next(self) -> Self {
        match self {
            Self::Contacts => Self::Conversations,
            Self::Conversations => Self::Tickets,
            Self::Tickets | Self::Rest => Self::Rest,
        }
    }

    fn list(self) -> &'static str {
        match self {
            Self::Contacts | Self::Rest => "data",
            Self::Conversations => "conversations",
            Self::Tickets => "tickets",
        }
    }
}

/// Where a collection stands. `since` is Intercom's clock, the other moments are ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    part: Part,
    full: bool,
    page: Paging,
    started: Time,
    full_at: Time,
    /// Changes up to this moment have been read; `None` before a full collection has ended.
    since: Option<Time>,
    /// Intercom's clock when this round began.
    clock: Option<Time>,
    /// The key may not read conversations, or tickets.
    unread: Vec<Part>,
}

impl Cursor {
    fn full(now: Time) -> Self {
        Self {
            part: Part::Contacts,
            full: true,
            page: Paging::default(),
            started: now,
            full_at: now,
            since: None,
            clock: None,
            unread: Vec::new(),
        }
    }

    fn again(self, now: Time) -> Self {
        if self.since.is_none() || now.since(self.full_at) >= FULL_EVERY_MS {
            return Self::full(now);
        }
        Self { part: Part::Contacts, full: false, page: Paging::default(), started: now, clock: None, ..self }
    }

    fn leave(&mut self) {
        self.part = self.part.next();
        self.page = Paging::default();
        if self.part == Part::Rest {
            self.since = self.clock.or(self.since);
        }
    }

    /// Rows older than this have been read; `None` in a full collection.
    fn from(&self) -> Option<Time> {
        self.since.filter(|_| !self.full).map(|at| at.plus_ms(-OVERLAP_MS))
    }
}

/// The day to search after, in seconds: two days before, whatever the workspace's time zone.
fn day_before(from: Time) -> i64 {
    (from.secs().div_euclid(DAY) - 2) * DAY
}

/// One Intercom workspace.
pub struct Intercom {
    client: Client,
    /// Names of tags met so far.
    tags: Mutex<Tags>,
}

impl Intercom {
    /// A source for one workspace.
    ///
    /// # Errors
    /// A base address or credential that cannot be used.
    pub fn new(base_url: &str, key: Secret, limits: &Limits) -> Result<Self, Problem> {
        Ok(Self { client: Client::new(CONDUCT, base_url, Auth::Bearer(key), limits)?, tags: Mutex::default() })
    }

    async fn collected(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        let mut cursor = match cursor {
            None => Cursor::full(now),
            Some(text) => read_cursor(System::Intercom, text)?,
        };
        if cursor.part == Part::Rest {
            cursor = cursor.again(now);
        }
        let mut batch = Batch::default();
        let mut notes = Vec::new();
        let part = cursor.part;
        match self.step(&mut cursor, &Round::new(now), &mut batch, &mut notes).await {
            Ok(()) if !cursor.full && cursor.unread.contains(&part) => {
                // It has become readable: everything is read from the beginning next time.
                cursor.unread.retain(|unread| *unread != part);
                cursor.full_at = Time::from_ms(0);
            }
            Ok(()) => {}
            // Conversations and tickets need permissions, and a plan, of their own.
            Err(failure) if failure.is_forbidden() && part != Part::Contacts => {
                if !cursor.unread.contains(&part) {
                    cursor.unread.push(part);
                }
                cursor.leave();
            }
            Err(mut failure) if failure.status == Some(400) && cursor.page.after.is_some() => {
                failure.error.cause = Cause::Expired;
                return Err(failure.into());
            }
            Err(failure) => return Err(failure.into()),
        }
        let unread: Vec<&str> = cursor.unread.iter().map(|part| part.list()).collect();
        batch.partial = partial(System::Intercom, &unread, &notes, KEYS);
        batch.lost = if unread.is_empty() { Vec::new() } else { vec![Kind::Ticket] };
        // Conversations and tickets are one kind: only both together are all of it.
        if part == Part::Tickets && cursor.part == Part::Rest && cursor.full && unread.is_empty() {
            batch.finished.push((Kind::Ticket, cursor.started));
        }
        batch.more = cursor.part != Part::Rest;
        batch.cursor = Some(write_cursor(&cursor)?);
        Ok(batch)
    }

    fn ask(cursor: &Cursor) -> Ask {
        let after = cursor.page.after.as_deref();
        let path = match cursor.part {
            Part::Conversations if cursor.full => {
                return Ask::get("/conversations").with("per_page", PAGE).with_some("starting_after", after);
            }
            Part::Contacts | Part::Rest => "/contacts/search",
            Part::Conversations => "/conversations/search",
            Part::Tickets => "/tickets/search",
        };
        let (field, value) = match cursor.from() {
            Some(from) => ("updated_at", day_before(from)),
            None => ("created_at", 0),
        };
        let mut pagination = json!({"per_page": PAGE});
        if let Some(after) = after {
            pagination["starting_after"] = json!(after);
        }
        let mut question =
            json!({"query": {"field": field, "operator": ">", "value": value}, "pagination": pagination});
        if cursor.part == Part::Contacts {
            // Only contacts can be sorted: newest change first, so that reading stops where it stopped before.
            question["sort"] = json!({"field": field, "order": if cursor.full { "ascending" } else { "descending" }});
        }
        Ask::search(path, question)
    }

    /// One page.
    async fn step(
        &self,
        cursor: &mut Cursor,
        round: &Round,
        batch: &mut Batch,
        notes: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let part = cursor.part;
        let reply = self.client.send(Self::ask(cursor), round).await?;
        witness(batch, &reply);
        cursor.clock = cursor.clock.or(Some(reply.at));
        let Some(rows) = at(&reply.body, part.list()).and_then(Value::as_array) else {
            return Err(self.client.garbage(&reply, &format!("answered without a `{}` list", part.list())));
        };
        let from = cursor.from();
        let new = |row: &Value| from.is_none_or(|from| changed_at(row).is_none_or(|at| at >= from));
        let mut left = TAGS_STEP;
        for row in rows.iter().filter(|row| new(row)) {
            let record = match part {
                Part::Contacts | Part::Rest => self.person(row, round, &mut left, notes).await?,
                Part::Conversations => conversation(row, round.now),
                Part::Tickets => ticket(row, round.now),
            };
            batch.records.extend(record);
        }
        let next = self.next(&reply, rows)?;
        let past = part == Part::Contacts && !cursor.full && rows.last().is_some_and(|row| !new(row));
        match next.filter(|_| !past) {
            Some(next) => {
                let stuck = |why| self.client.garbage(&reply, &format!("cannot be followed: {why}"));
                cursor.page.go_on(&next).map_err(stuck)?;
            }
            None => {
                if part == Part::Contacts && cursor.full {
                    batch.finished.push((Kind::Person, cursor.started));
                }
                cursor.leave();
            }
        }
        Ok(())
    }

    /// A contact with the names of its tags. One that is gone meanwhile (410: merged into another) is told as such.
    async fn person(
        &self,
        row: &Value,
        round: &Round,
        left: &mut usize,
        notes: &mut Vec<String>,
    ) -> Result<Option<Record>, Failure> {
        let unknown = has_more_tags(row) || tag_ids(row).any(|id| !self.tags().contains_key(&id));
        let id = raw(row, "id").filter(|_| unknown);
        let Some(id) = id.as_deref().and_then(address::segment) else {
            return Ok(contact(row, &self.tags(), round.now));
        };
        if *left == 0 {
            if notes.is_empty() {
                notes.push("not all tags of all contacts were read".to_owned());
            }
            return Ok(contact(row, &self.tags(), round.now));
        }
        *left -= 1;
        match self.client.send(Ask::get(format!("/contacts/{id}/tags")), round).await {
            Ok(reply) => {
                let told: Vec<(String, Text)> = list(&reply.body, "data").iter().filter_map(tag).collect();
                let mut record = contact(row, &Tags::new(), round.now);
                if let Some(record) = &mut record {
                    record.tags = told.iter().map(|(_, name)| name.clone()).collect();
                }
                self.tags().extend(told);
                Ok(record)
            }
            Err(failure) if failure.is_missing() => {
                let mut record = contact(row, &self.tags(), round.now);
                if let Some(record) = &mut record {
                    record.deleted = true;
                }
                Ok(record)
            }
            Err(failure) if failure.is_forbidden() => {
                *left = 0;
                notes.push("the key may not read tags".to_owned());
                Ok(contact(row, &self.tags(), round.now))
            }
            Err(failure) => Err(failure),
        }
    }

    /// The cursor of the next page, if there is one.
    fn next(&self, reply: &Reply, rows: &[Value]) -> Result<Option<String>, Failure> {
        // Versions before 2 named an address here.
        if let Some(link) = at(&reply.body, "pages/next").and_then(Value::as_str) {
            self.client.same_host(reply, Some(link))?;
            return Err(self.client.garbage(reply, "names the next page as versions before 2 do"));
        }
        let next = raw(&reply.body, "pages/next/starting_after");
        if next.is_some() && rows.is_empty() {
            return Err(self.client.garbage(reply, "says that there is more after a page without rows"));
        }
        Ok(next)
    }

    fn tags(&self) -> MutexGuard<'_, Tags> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn probed(&self, now: Time) -> Result<Text, SourceError> {
        let reply = self.client.send(Ask::get("/me").for_operator(), &Round::new(now)).await?;
        if at(&reply.body, "app").is_none() {
            return Err(self.client.garbage(&reply, "answered without the workspace (`app`)").into());
        }
        let said = |field: &str| raw(&reply.body, &format!("app/{field}"));
        let region = said("region").unwrap_or_default();
        if let Some(host) = elsewhere(self.client.base(), &region) {
            let problem = Problem::evidence(format!("the workspace lives in region {region}, base_url is another's"))
                .at("Intercom")
                .hint(format!("set base_url = \"{host}\" in [sources.intercom]"));
            return Err(SourceError { cause: Cause::Settings, problem, retry_after_ms: None });
        }
        let zone = said("timezone").unwrap_or_else(|| "not told".to_owned());
        let name = said("name").or_else(|| said("id_code")).unwrap_or_else(|| "unnamed".to_owned());
        Ok(Text::new(format!("workspace {name}, region {region}, time zone {zone}")))
    }
}

/// The host of a region, when the base address is that of another one.
fn elsewhere(base: &str, region: &str) -> Option<&'static str> {
    REGIONS.iter().find(|(_, host)| *host == base)?;
    let (_, host) = REGIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(region))?;
    (*host != base).then_some(*host)
}

impl Source for Intercom {
    fn system(&self) -> System {
        System::Intercom
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[Kind::Person, Kind::Ticket],
            incremental: true,
            deliveries: false,
            attempts: false,
            deliveries_unknown: Some("Intercom does not tell how its webhook deliveries went"),
        }
    }

    fn collect<'a>(&'a self, cursor: Option<&'a str>, now: Time) -> Answer<'a, Batch> {
        Box::pin(self.collected(cursor, now))
    }

    fn probe<'a>(&'a self, now: Time) -> Answer<'a, Text> {
        Box::pin(self.probed(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_to_search_after_is_early_enough_in_every_time_zone() {
        for secs in [1_760_000_000, 1_760_054_399, 1_760_054_400] {
            let after = day_before(Time::from_secs(secs));
            // `>` begins with the next local day: at the latest 14 hours before, at the earliest 12 hours after UTC's.
            let (first, last) = (after - 14 * 3600, after + DAY + 12 * 3600);
            assert!(first < last && last < secs, "{secs}: {last}");
            assert!(secs - after <= 3 * DAY);
        }
    }

    #[test]
    fn a_base_address_of_another_region_is_seen() {
        assert_eq!(elsewhere("https://api.intercom.io", "EU"), Some("https://api.eu.intercom.io"));
        for (base, region) in
            [("https://api.eu.intercom.io", "eu"), ("http://127.0.0.1:1", "EU"), ("https://api.intercom.io", "Mars")]
        {
            assert_eq!(elsewhere(base, region), None);
        }
    }
}
