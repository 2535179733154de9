//! GoHighLevel: contacts with their tags, and opportunities.
//!
//! What must stay true: reads only. No list can be asked for what changed, so every round reads everything, at the pace
//! that the location's limits allow, and says so. The only specified list of contacts is deprecated; the newer search
//! has no specified question. HighLevel tells neither registrations of webhooks nor how deliveries went.
//! Facts: HighLevel's documents of contacts, locations and opportunities; the pages of contacts as its own client reads
//! them.

mod records;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::records::{Fields, contact, opportunity};
use super::budget::Limits;
use super::crm::{Field, LinkField, STATE_FIELD, find};
use super::http::{Ask, Auth, Client, Conduct, Failure, Paging, Reply, Round, address};
use super::secret::Secret;
use super::step::{partial, read_cursor, witness, write_cursor};
use super::value::{at, int, moment, raw, text};
use super::{Answer, Capabilities, Source, SourceError};
use crate::domain::{Batch, Kind, Problem, System, Text, Time};

/// Where tokens are made: a place in the sub-account's own pages.
pub(super) const KEYS: &str = "Settings > Private Integrations of the sub-account";
/// Rows a page; HighLevel's maximum.
const PAGE: u32 = 100;
/// The version that every operation here asks for. Others (conversations) have another one.
const VERSION: &str = "2021-07-28";

const CONDUCT: Conduct =
    Conduct { system: System::Gohighlevel, headers: &[("Version", VERSION)], renew: KEYS, wait_in_body: |_| None };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Contacts,
    Opportunities,
    Rest,
}

/// Where a collection stands; `started` is our clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    phase: Phase,
    page: Paging,
    started: Time,
    /// Rows of this list so far.
    rows: u64,
    /// The key may not read opportunities.
    no_deals: bool,
}

impl Cursor {
    fn new(now: Time) -> Self {
        Self { phase: Phase::Contacts, page: Paging::default(), started: now, rows: 0, no_deals: false }
    }

    fn leave(&mut self) {
        self.phase = if self.phase == Phase::Contacts { Phase::Opportunities } else { Phase::Rest };
        self.page = Paging::default();
        self.rows = 0;
    }
}

/// One location (sub-account).
pub struct Gohighlevel {
    client: Client,
    location: String,
    link: LinkField,
    /// The list of fields, once a round; a process that has not read it reads it before it goes on.
    fields: Mutex<Option<Arc<Fields>>>,
}

impl Gohighlevel {
    /// A source for one location. `link_field`: the name of the contact field that holds the portal's id; `named`: the
    /// profile names it, so that it must exist.
    ///
    /// # Errors
    /// A base address, credential or location that cannot be used.
    pub fn new(
        base_url: &str,
        location: &str,
        key: Secret,
        (link_field, named): (&str, bool),
        limits: &Limits,
    ) -> Result<Self, Problem> {
        let Some(location) = address::segment(location.trim()) else {
            let problem = Problem::usage("`location_id` is not the id of a location: letters and digits only");
            return Err(problem.at("sources.gohighlevel.location_id").hint("copy it from the sub-account's address"));
        };
        Ok(Self {
            client: Client::new(CONDUCT, base_url, Auth::Bearer(key), limits)?,
            location: location.to_owned(),
            link: LinkField { name: link_field.to_owned(), named },
            fields: Mutex::default(),
        })
    }

    async fn collected(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        let mut cursor = match cursor {
            None => Cursor::new(now),
            Some(text) => read_cursor(System::Gohighlevel, text)?,
        };
        if cursor.phase == Phase::Rest {
            cursor = Cursor { no_deals: cursor.no_deals, ..Cursor::new(now) };
        }
        let mut batch = Batch::default();
        let round = Round::new(now);
        match self.list(&mut cursor, &round, &mut batch).await {
            Ok(()) => {}
            Err(failure) if failure.is_forbidden() && cursor.phase == Phase::Opportunities => {
                cursor.no_deals = true;
                cursor.leave();
            }
            Err(mut failure) if matches!(failure.status, Some(400 | 422)) && cursor.page.after.is_some() => {
                // The row after which this page begins is gone: start over.
                failure.error.cause = super::Cause::Expired;
                return Err(failure.into());
            }
            Err(failure) => return Err(failure.into()),
        }
        let unread: &[&str] = if cursor.no_deals { &["opportunities"] } else { &[] };
        batch.partial = partial(System::Gohighlevel, unread, &[], KEYS);
        batch.lost = if cursor.no_deals { vec![Kind::Deal] } else { Vec::new() };
        batch.more = cursor.phase != Phase::Rest;
        batch.cursor = Some(write_cursor(&cursor)?);
        Ok(batch)
    }

    /// One page of contacts or opportunities.
    async fn list(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let contacts = cursor.phase == Phase::Contacts;
        let (path, place, key) = if contacts {
            ("/contacts/", "locationId", "contacts")
        } else {
            ("/opportunities/search", "location_id", "opportunities")
        };
        let fields = if contacts { self.fields(cursor.page.after.is_none(), round).await? } else { Arc::default() };
        let mut ask = Ask::get(path).with(place, &self.location).with("limit", PAGE);
        if let Some(after) = &cursor.page.after {
            let (id, moment) = after.split_once(' ').unwrap_or((after, ""));
            ask = ask.with("startAfterId", id).with_some("startAfter", Some(moment).filter(|m| !m.is_empty()));
        }
        let reply = self.client.send(ask.narrow(), round).await?;
        witness(batch, &reply);
        let Some(rows) = at(&reply.body, key).and_then(Value::as_array) else {
            return Err(self.client.garbage(&reply, &format!("answered without a list of {key}")));
        };
        let here = |row: &&Value| raw(row, "locationId").is_none_or(|location| location == self.location);
        if rows.iter().any(|row| !here(&row)) {
            return Err(self.client.garbage(&reply, "answered with rows of another location"));
        }
        let read = |row| if contacts { contact(row, round.now, &fields) } else { opportunity(row, round.now) };
        batch.records = rows.iter().filter_map(read).collect();
        cursor.no_deals = cursor.no_deals && contacts;
        cursor.rows += rows.len() as u64;
        match self.next(&reply, rows, cursor.rows, contacts)? {
            Some(next) => {
                let circle = |why: &str| self.client.garbage(&reply, &format!("cannot be followed: {why}"));
                cursor.page.go_on(&next).map_err(circle)
            }
            None => {
                batch.finished.push((if contacts { Kind::Person } else { Kind::Deal }, cursor.started));
                cursor.leave();
                Ok(())
            }
        }
    }

    /// Where the next page begins: what `meta` says, else after the last row.
    fn next(&self, reply: &Reply, rows: &[Value], so_far: u64, contacts: bool) -> Result<Option<String>, Failure> {
        if let Some(meta) = at(&reply.body, "meta") {
            self.client.same_host(reply, meta.get("nextPageUrl").and_then(Value::as_str))?;
            let told = raw(meta, "startAfterId").map(|id| joined(&id, raw(meta, "startAfter")));
            // The mark of the last row is told on the last page too; then no page follows it.
            let whole = int(meta, "total").is_some_and(|total| so_far >= total.unsigned_abs());
            let ends = whole || meta.get("nextPage").is_some_and(Value::is_null);
            return match told {
                Some(_) if rows.is_empty() && !ends => {
                    Err(self.client.garbage(reply, "says that there is more after a page without rows"))
                }
                told => Ok(told.filter(|_| !ends)),
            };
        }
        let total = int(&reply.body, "count").map(i64::unsigned_abs);
        let ends = rows.is_empty() || total.map_or(rows.len() < PAGE as usize, |total| so_far >= total);
        let Some(last) = rows.last().filter(|_| !ends) else { return Ok(None) };
        let added = moment(last, if contacts { "dateAdded" } else { "createdAt" }).map(|at| at.ms().to_string());
        match raw(last, "id") {
            Some(id) => Ok(Some(joined(&id, added))),
            None => Err(self.client.garbage(reply, "ends a page with a row that has no id")),
        }
    }

    /// What the operator's fields are called, as far as it matters here.
    async fn fields(&self, anew: bool, round: &Round) -> Result<Arc<Fields>, Failure> {
        let known = self.fields.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|_| !anew) {
            return Ok(known);
        }
        let ask = Ask::get(format!("/locations/{}/customFields", self.location)).with("model", "contact");
        let reply = self.client.send(ask.narrow(), round).await?;
        let Some(rows) = at(&reply.body, "customFields").and_then(Value::as_array) else {
            return Err(self.client.garbage(&reply, "answered without a list of customFields"));
        };
        let both = |row| Some((raw(row, "name")?, raw(row, "id")?));
        let own: Vec<(String, String)> = rows.iter().filter_map(both).collect();
        let names: Vec<Field<'_>> = own.iter().map(|(name, key)| Field { name, key }).collect();
        let link = self.link.key(System::Gohighlevel, &names)?;
        let state = find(STATE_FIELD, &names).first().map(|key| (*key).to_owned());
        let read = Arc::new(Fields { link, state });
        *self.fields.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&read));
        Ok(read)
    }

    async fn probed(&self, now: Time) -> Result<Text, SourceError> {
        let ask = Ask::get(format!("/locations/{}", self.location)).narrow().for_operator();
        let reply = self.client.send(ask, &Round::new(now)).await?;
        let Some(name) = text(&reply.body, "location/name").or_else(|| text(&reply.body, "location/id")) else {
            return Err(self.client.garbage(&reply, "answered without the location").into());
        };
        Ok(Text::new(format!("location {name}")))
    }
}

/// A mark that both of its parts can be read from again: ids hold no blanks.
fn joined(id: &str, moment: Option<String>) -> String {
    format!("{id} {}", moment.unwrap_or_default()).trim_end().to_owned()
}

impl Source for Gohighlevel {
    fn system(&self) -> System {
        System::Gohighlevel
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[Kind::Person, Kind::Deal],
            incremental: false,
            deliveries: false,
            attempts: false,
            deliveries_unknown: Some("GoHighLevel tells neither its registered webhooks nor how deliveries went"),
        }
    }

    fn collect<'a>(&'a self, cursor: Option<&'a str>, now: Time) -> Answer<'a, Batch> {
        Box::pin(self.collected(cursor, now))
    }

    fn probe<'a>(&'a self, now: Time) -> Answer<'a, Text> {
        Box::pin(self.probed(now))
    }
}
