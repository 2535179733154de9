//! HubSpot: contacts with their lifecycle stage, and tickets.
//!
//! What must stay true: reads only. Lists bring everything, searches what changed since; a search ends at 10,000 results
//! and its index lags, so windows move and overlap. Searches cannot see deletions: every 24 hours all is read again.
//! HubSpot does not tell how its webhook deliveries went, and this file does not pretend that it does.
//! Facts: HubSpot's own client library (paths, fields, pace of searches) and documentation excerpts.

mod records;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::records::{changed_at, contact, ticket};
use super::budget::Limits;
use super::http::{Ask, Auth, Client, Conduct, Failure, Paging, Reply, Round, address};
use super::secret::Secret;
use super::step::{partial, read_cursor, witness, write_cursor};
use super::value::{at, list, raw};
use super::{Answer, Capabilities, Cause, Source, SourceError};
use crate::domain::{Batch, Kind, Problem, Record, System, Text, Time};

/// Where private apps and their scopes are kept.
pub(super) const KEYS: &str = "https://app.hubspot.com/private-apps/";
/// Rows a page of a list.
const PAGE: u32 = 100;
/// Changed tickets a page: each is read once more for its contact, which searches do not tell.
const TICKET_PAGE: u32 = 20;
/// A search gives at most 10,000 results; the window moves on before.
const SEARCH_END: u64 = 9_800;
/// The search index lags behind writes: so far back every round looks again.
const OVERLAP_MS: i64 = 5 * 60 * 1000;
/// Everything is read again after this, to see what was deleted.
const FULL_EVERY_MS: i64 = 24 * 3600 * 1000;
const CONTACT_PROPERTIES: [&str; 7] =
    ["email", "firstname", "lastname", "lifecyclestage", "hs_object_id", "createdate", "lastmodifieddate"];
const TICKET_PROPERTIES: [&str; 7] =
    ["subject", "hs_pipeline", "hs_pipeline_stage", "hs_object_id", "createdate", "hs_lastmodifieddate", "closed_date"];

const CONDUCT: Conduct = Conduct { system: System::Hubspot, headers: &[], renew: KEYS, wait_in_body: policy_wait };

/// HubSpot names the limit that was hit in the body (its client library waits likewise).
fn policy_wait(body: &Value) -> Option<i64> {
    let policy = raw(body, "policyName").unwrap_or_default();
    let message = raw(body, "message").unwrap_or_default();
    if policy.contains("TEN_SECONDLY") {
        Some(10_000)
    } else if policy.contains("SECONDLY") || message.contains("secondly limit") {
        Some(1000)
    } else if policy.contains("DAILY") || message.contains("daily limit") {
        Some(3_600_000)
    } else {
        None
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Contacts,
    Tickets,
    ContactChanges,
    TicketChanges,
    Rest,
}

impl Phase {
    fn next(self) -> Self {
        match self {
            Self::Contacts => Self::Tickets,
            Self::ContactChanges => Self::TicketChanges,
            Self::Tickets | Self::TicketChanges | Self::Rest => Self::Rest,
        }
    }

    /// The scope that it needs.
    fn scope(self) -> &'static str {
        match self {
            Self::Contacts | Self::ContactChanges => "crm.objects.contacts.read",
            Self::Tickets | Self::TicketChanges | Self::Rest => "tickets",
        }
    }
}

/// Where a collection stands. Moments of changes are HubSpot's clock, `started` and `full_at` ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    phase: Phase,
    page: Paging,
    started: Time,
    full_at: Time,
    /// Changes up to these moments have been read; `None` before the first answer.
    contacts_since: Option<Time>,
    tickets_since: Option<Time>,
    /// Start of the current search window, once it has moved.
    window: Option<Time>,
    /// Newest change of this part so far.
    newest: Option<Time>,
    /// The key may not read tickets.
    no_tickets: bool,
}

impl Cursor {
    fn full(now: Time) -> Self {
        Self {
            phase: Phase::Contacts,
            page: Paging::default(),
            started: now,
            full_at: now,
            contacts_since: None,
            tickets_since: None,
            window: None,
            newest: None,
            no_tickets: false,
        }
    }

    fn again(self, now: Time) -> Self {
        if self.contacts_since.is_none() || now.since(self.full_at) >= FULL_EVERY_MS {
            return Self::full(now);
        }
        let phase = Phase::ContactChanges;
        Self { phase, page: Paging::default(), started: now, window: None, newest: None, ..self }
    }

    fn leave(&mut self) {
        self.phase = match self.phase.next() {
            // Tickets have never been read: they are tried from the beginning, at the price of one call a round.
            Phase::TicketChanges if self.no_tickets => Phase::Tickets,
            next => next,
        };
        self.page = Paging::default();
        self.window = None;
        self.newest = None;
    }
}

/// One HubSpot account.
pub struct Hubspot {
    client: Client,
    link_field: String,
}

impl Hubspot {
    /// A source for one account. `link_field`: the contact property that holds the portal's id.
    ///
    /// # Errors
    /// A base address or credential that cannot be used.
    pub fn new(base_url: &str, key: Secret, link_field: &str, limits: &Limits) -> Result<Self, Problem> {
        let client = Client::new(CONDUCT, base_url, Auth::Bearer(key), limits)?;
        Ok(Self { client, link_field: link_field.to_owned() })
    }

    async fn collected(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        let mut cursor = match cursor {
            None => Cursor::full(now),
            Some(text) => read_cursor(System::Hubspot, text)?,
        };
        if cursor.phase == Phase::Rest {
            cursor = cursor.again(now);
        }
        let mut batch = Batch::default();
        let round = Round::new(now);
        let phase = cursor.phase;
        let done = match phase {
            Phase::Contacts | Phase::Tickets => self.list(&mut cursor, &round, &mut batch).await,
            Phase::ContactChanges | Phase::TicketChanges => self.changes(&mut cursor, &round, &mut batch).await,
            Phase::Rest => Ok(()),
        };
        match done {
            Ok(()) => {}
            Err(failure) if failure.is_forbidden() && matches!(phase, Phase::Tickets | Phase::TicketChanges) => {
                cursor.no_tickets = true;
                cursor.leave();
            }
            Err(mut failure) if failure.status == Some(400) && cursor.page.after.is_some() => {
                failure.error.cause = Cause::Expired;
                return Err(failure.into());
            }
            Err(failure) => return Err(failure.into()),
        }
        let unread: &[&str] = if cursor.no_tickets { &[Phase::Tickets.scope()] } else { &[] };
        batch.partial = partial(System::Hubspot, unread, &[], KEYS);
        batch.lost = if cursor.no_tickets { vec![Kind::Ticket] } else { Vec::new() };
        batch.more = cursor.phase != Phase::Rest;
        batch.cursor = Some(write_cursor(&cursor)?);
        Ok(batch)
    }

    /// One page of everything.
    async fn list(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let contacts = cursor.phase == Phase::Contacts;
        let mut ask = Ask::get(if contacts { "/crm/v3/objects/contacts" } else { "/crm/v3/objects/tickets" });
        ask = ask.with("limit", PAGE).with("properties", self.properties(contacts).join(","));
        if !contacts {
            ask = ask.with("associations", "contacts");
        }
        ask = ask.with("archived", false).with_some("after", cursor.page.after.as_deref());
        let reply = self.client.send(ask, round).await?;
        witness(batch, &reply);
        let rows = self.rows(&reply)?;
        if cursor.page.after.is_none() {
            *(if contacts { &mut cursor.contacts_since } else { &mut cursor.tickets_since }) = Some(reply.at);
        }
        cursor.no_tickets = cursor.no_tickets && contacts;
        batch.records = rows.iter().filter_map(|row| self.record(contacts, row, round)).collect();
        match self.next(&reply)? {
            Some(next) => self.go_on(cursor, &reply, &next)?,
            None => {
                let kind = if contacts { Kind::Person } else { Kind::Ticket };
                batch.finished.push((kind, cursor.started));
                cursor.leave();
            }
        }
        Ok(())
    }

    /// One page of what changed, oldest change first.
    async fn changes(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let contacts = cursor.phase == Phase::ContactChanges;
        let (path, property, limit) = if contacts {
            ("/crm/v3/objects/contacts/search", "lastmodifieddate", PAGE)
        } else {
            ("/crm/v3/objects/tickets/search", "hs_lastmodifieddate", TICKET_PAGE)
        };
        let since = if contacts { cursor.contacts_since } else { cursor.tickets_since }.unwrap_or(cursor.full_at);
        let from = cursor.window.unwrap_or(since.plus_ms(-OVERLAP_MS));
        let mut question = json!({
            "filterGroups": [{"filters": [
                {"propertyName": property, "operator": "GTE", "value": from.ms().to_string()}]}],
            "sorts": [{"propertyName": property, "direction": "ASCENDING"}],
            "properties": self.properties(contacts),
            "limit": limit,
        });
        if let Some(after) = &cursor.page.after {
            question["after"] = json!(after);
        }
        let reply = self.client.send(Ask::search(path, question).narrow(), round).await?;
        witness(batch, &reply);
        let rows = self.rows(&reply)?;
        for row in rows {
            let with_contact = if contacts { None } else { self.with_contact(row, round).await? };
            batch.records.extend(self.record(contacts, with_contact.as_ref().unwrap_or(row), round));
        }
        cursor.newest = rows.iter().filter_map(|row| changed_at(row, property)).chain(cursor.newest).max();
        let Some(next) = self.next(&reply)? else {
            let since = if contacts { &mut cursor.contacts_since } else { &mut cursor.tickets_since };
            *since = (*since).max(cursor.newest);
            cursor.leave();
            return Ok(());
        };
        if next.parse::<u64>().is_ok_and(|n| n >= SEARCH_END) {
            match cursor.newest {
                Some(newest) if newest > from => {
                    cursor.window = Some(newest);
                    cursor.page = Paging::default();
                }
                // More changes in one millisecond than a search can give (an import): read everything.
                _ => *cursor = Cursor::full(round.now),
            }
            return Ok(());
        }
        self.go_on(cursor, &reply, &next)
    }

    /// A changed ticket with its contact. `None` when it is gone meanwhile: what the search said will do.
    async fn with_contact(&self, row: &Value, round: &Round) -> Result<Option<Value>, Failure> {
        let Some(id) = raw(row, "id") else { return Ok(None) };
        let Some(id) = address::segment(&id) else { return Ok(None) };
        let ask = Ask::get(format!("/crm/v3/objects/tickets/{id}"))
            .with("properties", TICKET_PROPERTIES.join(","))
            .with("associations", "contacts");
        match self.client.send(ask, round).await {
            Ok(reply) => Ok(Some(reply.body)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn record(&self, contacts: bool, row: &Value, round: &Round) -> Option<Record> {
        if contacts { contact(row, round.now, &self.link_field) } else { ticket(row, round.now) }
    }

    fn properties(&self, contacts: bool) -> Vec<&str> {
        if !contacts {
            return TICKET_PROPERTIES.to_vec();
        }
        let own = [records::STATE, self.link_field.as_str()];
        CONTACT_PROPERTIES.into_iter().chain(own.into_iter().filter(|name| !name.is_empty())).collect()
    }

    fn rows<'r>(&self, reply: &'r Reply) -> Result<&'r [Value], Failure> {
        match at(&reply.body, "results").and_then(Value::as_array) {
            Some(rows) => Ok(rows),
            None => Err(self.client.garbage(reply, "answered without a `results` list")),
        }
    }

    /// The cursor of the next page, if there is one.
    fn next(&self, reply: &Reply) -> Result<Option<String>, Failure> {
        self.client.same_host(reply, at(&reply.body, "paging/next/link").and_then(Value::as_str))?;
        let next = raw(&reply.body, "paging/next/after");
        if next.is_some() && list(&reply.body, "results").is_empty() {
            return Err(self.client.garbage(reply, "says that there is more after a page without rows"));
        }
        Ok(next)
    }

    fn go_on(&self, cursor: &mut Cursor, reply: &Reply, next: &str) -> Result<(), Failure> {
        cursor.page.go_on(next).map_err(|why| self.client.garbage(reply, &format!("cannot be followed: {why}")))
    }

    async fn probed(&self, now: Time) -> Result<Text, SourceError> {
        let ask = Ask::get("/crm/v3/properties/contacts/lifecyclestage").for_operator();
        let reply = self.client.send(ask, &Round::new(now)).await?;
        let stages = list(&reply.body, "options").len();
        if raw(&reply.body, "name").is_none() {
            return Err(self.client.garbage(&reply, "answered without the property `lifecyclestage`").into());
        }
        Ok(Text::new(format!("answers, {stages} lifecycle stages")))
    }
}

impl Source for Hubspot {
    fn system(&self) -> System {
        System::Hubspot
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[Kind::Person, Kind::Ticket],
            incremental: true,
            deliveries: false,
            attempts: false,
            deliveries_unknown: Some("HubSpot does not tell how its webhook deliveries went"),
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
    fn the_limit_that_was_hit_says_how_long_to_wait() {
        assert_eq!(policy_wait(&json!({"policyName": "TEN_SECONDLY_ROLLING"})), Some(10_000));
        assert_eq!(policy_wait(&json!({"message": "You have reached your secondly limit."})), Some(1000));
        assert_eq!(policy_wait(&json!({"policyName": "DAILY"})), Some(3_600_000));
        assert_eq!(policy_wait(&json!({})), None);
    }

    #[test]
    fn everything_is_read_again_after_a_day() {
        let now = Time::from_secs(1_000_000);
        let mut cursor = Cursor::full(now);
        cursor.phase = Phase::Rest;
        cursor.contacts_since = Some(now);
        assert_eq!(cursor.clone().again(now.plus_ms(60_000)).phase, Phase::ContactChanges);
        assert_eq!(cursor.again(now.plus_ms(FULL_EVERY_MS)).phase, Phase::Contacts);
    }
}
