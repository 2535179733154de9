//! Pipedrive: persons, their deals, and the webhooks that are registered.
//!
//! What must stay true: reads only, and never a search: a company's tokens of a day are what is scarce. Lists bring
//! everything once a day, `updated_since` what changed, with an overlap; both follow one cursor. The password that the
//! list of webhooks holds is passed over while the answer is read. Pipedrive tells a webhook's last status and nothing
//! of single deliveries, and this file does not pretend that it does.
//! Facts: Pipedrive's API documents v2 (persons, deals, fields) and v1 (webhooks, the user).

mod records;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::records::{Fields, changed_at, deal, endpoint, person};
use super::budget::Limits;
use super::crm::{Field, LinkField, STATE_FIELD, find};
use super::http::{Ask, Auth, Client, Conduct, Failure, Paging, Reply, Round};
use super::secret::Secret;
use super::step::{partial, read_cursor, witness, write_cursor};
use super::value::{at, list, raw, text, yes};
use super::{Answer, Capabilities, Source, SourceError};
use crate::domain::{Batch, Kind, Problem, System, Text, Time};

/// Where tokens are made: a place in the account's own pages, whose address differs.
pub(super) const KEYS: &str = "Settings > Personal preferences > API";
/// Rows a page; Pipedrive's maximum.
const PAGE: u32 = 500;
/// Lists lag behind writes: so far back every round looks again.
const OVERLAP_MS: i64 = 5 * 60 * 1000;
/// Everything is read again after this, to see what is gone for good.
const FULL_EVERY_MS: i64 = 24 * 3600 * 1000;
/// Registrations change seldom, and each look costs as much as a page of persons.
const HOOKS_EVERY_MS: i64 = 15 * 60 * 1000;
/// Most labels and options that are remembered of one field.
const MOST_OPTIONS: usize = 1000;
/// What the list of webhooks holds beside the registrations.
const SECRETS: &[&str] = &["http_auth_password", "http_auth_user"];

const CONDUCT: Conduct = Conduct { system: System::Pipedrive, headers: &[], renew: KEYS, wait_in_body: |_| None };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Persons,
    Deals,
    Webhooks,
    Rest,
}

/// Where a collection stands. Moments of changes are Pipedrive's clock; `started`, `full_at` and `hooks_at` ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    phase: Phase,
    page: Paging,
    started: Time,
    full_at: Time,
    /// Whether this round reads everything.
    full: bool,
    /// Changes up to these moments have been read; `None` before the first answer.
    persons_since: Option<Time>,
    deals_since: Option<Time>,
    /// Newest change of this part so far.
    newest: Option<Time>,
    /// When the webhooks were last asked for.
    hooks_at: Option<Time>,
    /// The key may not read these.
    no_deals: bool,
    no_hooks: bool,
}

impl Cursor {
    fn full(now: Time) -> Self {
        Self {
            phase: Phase::Persons,
            page: Paging::default(),
            started: now,
            full_at: now,
            full: true,
            persons_since: None,
            deals_since: None,
            newest: None,
            hooks_at: None,
            no_deals: false,
            no_hooks: false,
        }
    }

    fn again(self, now: Time) -> Self {
        if self.persons_since.is_none() || now.since(self.full_at) >= FULL_EVERY_MS {
            return Self::full(now);
        }
        Self { phase: Phase::Persons, page: Paging::default(), started: now, full: false, newest: None, ..self }
    }

    /// Goes on to the next part that is due.
    fn leave(&mut self) {
        let hooks_due = self.full || self.hooks_at.is_none_or(|at| self.started.since(at) >= HOOKS_EVERY_MS);
        self.phase = match self.phase {
            Phase::Persons => Phase::Deals,
            Phase::Deals if hooks_due => Phase::Webhooks,
            Phase::Deals | Phase::Webhooks | Phase::Rest => Phase::Rest,
        };
        self.page = Paging::default();
        self.newest = None;
    }

    /// From when on changes are asked for; `None` when everything is.
    fn since(&self) -> Option<Time> {
        let since = if self.phase == Phase::Persons { self.persons_since } else { self.deals_since };
        // A part that has never been read is read from its beginning.
        since.filter(|_| !self.full)
    }
}

/// One Pipedrive company.
pub struct Pipedrive {
    client: Client,
    link: LinkField,
    /// The list of fields, once a full collection; a process that has not read it reads it before it goes on.
    fields: Mutex<Option<Arc<Fields>>>,
}

impl Pipedrive {
    /// A source for one company. `link_field`: the name of the person field that holds the portal's id; `named`: the
    /// profile names it, so that it must exist.
    ///
    /// # Errors
    /// A base address or credential that cannot be used.
    pub fn new(base_url: &str, key: Secret, link_field: &str, named: bool, limits: &Limits) -> Result<Self, Problem> {
        let auth = Auth::Header { name: "x-api-token", secret: key };
        let link = LinkField { name: link_field.to_owned(), named };
        Ok(Self { client: Client::new(CONDUCT, base_url, auth, limits)?, link, fields: Mutex::default() })
    }

    async fn collected(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        let mut cursor = match cursor {
            None => Cursor::full(now),
            Some(text) => read_cursor(System::Pipedrive, text)?,
        };
        if cursor.phase == Phase::Rest {
            cursor = cursor.again(now);
        }
        let mut batch = Batch::default();
        let round = Round::new(now);
        let done = match cursor.phase {
            Phase::Persons | Phase::Deals => self.list(&mut cursor, &round, &mut batch).await,
            Phase::Webhooks => self.webhooks(&mut cursor, &round, &mut batch).await,
            Phase::Rest => Ok(()),
        };
        match done {
            Ok(()) => {}
            Err(failure) if failure.is_forbidden() && cursor.phase != Phase::Persons => {
                if cursor.phase == Phase::Deals {
                    (cursor.no_deals, cursor.deals_since) = (true, None);
                } else {
                    (cursor.no_hooks, cursor.hooks_at) = (true, Some(cursor.started));
                }
                cursor.leave();
            }
            Err(mut failure) if failure.status == Some(400) && cursor.page.after.is_some() => {
                failure.error.cause = super::Cause::Expired;
                return Err(failure.into());
            }
            Err(failure) => return Err(failure.into()),
        }
        let parts = [(cursor.no_deals, "deals", Kind::Deal), (cursor.no_hooks, "webhooks", Kind::Endpoint)];
        let unread: Vec<&str> = parts.iter().filter(|part| part.0).map(|part| part.1).collect();
        batch.partial = partial(System::Pipedrive, &unread, &[], KEYS);
        batch.lost = parts.iter().filter(|part| part.0).map(|part| part.2).collect();
        batch.more = cursor.phase != Phase::Rest;
        batch.cursor = Some(write_cursor(&cursor)?);
        Ok(batch)
    }

    /// One page of persons or deals: of everything, or of what changed, oldest change first.
    async fn list(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let persons = cursor.phase == Phase::Persons;
        let begins = cursor.page.after.is_none();
        let mut ask = Ask::get(if persons { "/api/v2/persons" } else { "/api/v2/deals" }).with("limit", PAGE);
        let fields = if persons { self.fields(cursor.full && begins, round).await? } else { Arc::default() };
        if persons {
            let keys: Vec<&str> = [&fields.link, &fields.state].into_iter().filter_map(Option::as_deref).collect();
            ask = ask.with_some("custom_fields", (!keys.is_empty()).then(|| keys.join(",")));
        } else {
            // Deleted deals are left out unless they are asked for; they stay in the list for 30 days.
            ask = ask.with("status", "open,won,lost,deleted");
        }
        let since = cursor.since();
        if let Some(since) = since {
            let from = Time::from_secs(since.plus_ms(-OVERLAP_MS).secs());
            ask = ask.with("updated_since", from.rfc3339());
            ask = ask.with("sort_by", "update_time").with("sort_direction", "asc");
        }
        let reply = self.ask(ask.with_some("cursor", cursor.page.after.as_deref()), round).await?;
        witness(batch, &reply);
        let rows = self.rows(&reply)?;
        let read = |row| if persons { person(row, round.now, &fields) } else { deal(row, round.now) };
        batch.records = rows.iter().filter_map(read).collect();
        if since.is_none() && begins {
            *(if persons { &mut cursor.persons_since } else { &mut cursor.deals_since }) = Some(reply.at);
            // The list that follows is whole, in this round or (after a permission was given) in a later one.
            cursor.newest = None;
        }
        cursor.no_deals = cursor.no_deals && persons;
        if since.is_some() {
            cursor.newest = rows.iter().filter_map(changed_at).chain(cursor.newest).max();
        }
        if let Some(next) = self.next(&reply)? {
            return self.go_on(&mut cursor.page, &reply, &next);
        }
        match since {
            None => batch.finished.push((if persons { Kind::Person } else { Kind::Deal }, cursor.started)),
            Some(since) => {
                let newest = cursor.newest.map_or(since, |newest| newest.max(since));
                *(if persons { &mut cursor.persons_since } else { &mut cursor.deals_since }) = Some(newest);
            }
        }
        cursor.leave();
        Ok(())
    }

    /// All registrations; there are at most 40 a user and no pages.
    async fn webhooks(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let reply = self.ask(Ask::get("/v1/webhooks").without(SECRETS), round).await?;
        witness(batch, &reply);
        let none = reply.body.get("data").is_some_and(Value::is_null);
        let rows = if none { &[] } else { self.rows(&reply)? };
        batch.records = rows.iter().filter_map(|row| endpoint(row, round.now)).collect();
        batch.finished.push((Kind::Endpoint, cursor.started));
        (cursor.no_hooks, cursor.hooks_at) = (false, Some(cursor.started));
        cursor.leave();
        Ok(())
    }

    /// What the operator's fields are called, as far as it matters here.
    async fn fields(&self, anew: bool, round: &Round) -> Result<Arc<Fields>, Failure> {
        let known = self.fields.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|_| !anew) {
            return Ok(known);
        }
        let (mut all, mut page) = (Vec::new(), Paging::default());
        loop {
            let ask = Ask::get("/api/v2/personFields").with("limit", PAGE).with_some("cursor", page.after.as_deref());
            let mut reply = self.ask(ask, round).await?;
            self.rows(&reply)?;
            let next = self.next(&reply)?;
            if let Some(Value::Array(rows)) = reply.body.get_mut("data").map(Value::take) {
                all.extend(rows);
            }
            match next {
                Some(next) => self.go_on(&mut page, &reply, &next)?,
                None => break,
            }
        }
        let read = Arc::new(self.resolve(&all)?);
        *self.fields.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&read));
        Ok(read)
    }

    fn resolve(&self, all: &[Value]) -> Result<Fields, Failure> {
        let texts =
            |field: &'static str| move |row: &'_ Value| row.get(field).and_then(Value::as_str).map(str::to_owned);
        let (code, name) = (texts("field_code"), texts("field_name"));
        let own: Vec<(String, String)> = all
            .iter()
            .filter(|row| yes(row, "is_custom_field"))
            .filter_map(|row| Some((name(row)?, code(row)?)))
            .collect();
        let names: Vec<Field<'_>> = own.iter().map(|(name, key)| Field { name, key }).collect();
        let options = |key: &str| {
            let row = all.iter().find(|row| row.get("field_code").and_then(Value::as_str) == Some(key));
            let rows = row.map_or(&[][..], |row| list(row, "options"));
            let pair = |row: &Value| Some((raw(row, "id")?, raw(row, "label")?));
            rows.iter().take(MOST_OPTIONS).filter_map(pair).collect::<Vec<_>>()
        };
        let link = self.link.key(System::Pipedrive, &names)?;
        let state = find(STATE_FIELD, &names).first().map(|key| (*key).to_owned());
        let states = state.as_deref().map(options).unwrap_or_default();
        Ok(Fields { link, state, states, labels: options("label_ids") })
    }

    /// One call. Every call counts for the day and for the two seconds of a user.
    async fn ask(&self, ask: Ask, round: &Round) -> Result<Reply, Failure> {
        let reply = self.client.send(ask.narrow(), round).await?;
        match reply.body.get("success").and_then(Value::as_bool) {
            Some(false) => Err(self.client.garbage(&reply, "says that it did not succeed (`success: false`)")),
            _ => Ok(reply),
        }
    }

    fn rows<'r>(&self, reply: &'r Reply) -> Result<&'r [Value], Failure> {
        match at(&reply.body, "data").and_then(Value::as_array) {
            Some(rows) => Ok(rows),
            None => Err(self.client.garbage(reply, "answered without a `data` list")),
        }
    }

    /// The cursor of the next page, if there is one.
    fn next(&self, reply: &Reply) -> Result<Option<String>, Failure> {
        let next = raw(&reply.body, "additional_data/next_cursor");
        if next.is_some() && list(&reply.body, "data").is_empty() {
            return Err(self.client.garbage(reply, "says that there is more after a page without rows"));
        }
        Ok(next)
    }

    fn go_on(&self, page: &mut Paging, reply: &Reply, next: &str) -> Result<(), Failure> {
        page.go_on(next).map_err(|why| self.client.garbage(reply, &format!("cannot be followed: {why}")))
    }

    async fn probed(&self, now: Time) -> Result<Text, SourceError> {
        let reply = self.ask(Ask::get("/v1/users/me").for_operator(), &Round::new(now)).await?;
        let Some(company) = text(&reply.body, "data/company_name").or_else(|| text(&reply.body, "data/company_id"))
        else {
            return Err(self.client.garbage(&reply, "answered without the company of the key").into());
        };
        let admin = list(&reply.body, "data/access").iter().any(|access| yes(access, "admin"));
        Ok(Text::new(format!("company {company}{}", if admin { ", an admin's token" } else { "" })))
    }
}

impl Source for Pipedrive {
    fn system(&self) -> System {
        System::Pipedrive
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[Kind::Person, Kind::Deal, Kind::Endpoint],
            incremental: true,
            deliveries: false,
            attempts: false,
            deliveries_unknown: Some("Pipedrive tells only the last status of each webhook, not of single deliveries"),
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
    fn everything_is_read_again_after_a_day_and_webhooks_after_a_quarter_of_an_hour() {
        let now = Time::from_secs(1_000_000);
        let rest = Cursor { phase: Phase::Rest, persons_since: Some(now), hooks_at: Some(now), ..Cursor::full(now) };
        assert!(rest.clone().again(now.plus_ms(FULL_EVERY_MS)).full);
        for (later, hooks) in [(60_000, Phase::Rest), (HOOKS_EVERY_MS, Phase::Webhooks)] {
            let mut cursor = rest.clone().again(now.plus_ms(later));
            assert!(!cursor.full && cursor.since() == Some(now));
            cursor.leave();
            // Deals have never been read: they are read from the beginning.
            assert_eq!((cursor.phase, cursor.since()), (Phase::Deals, None));
            cursor.leave();
            assert_eq!(cursor.phase, hooks);
        }
    }
}
