//! Zendesk Support: users, tickets, and how its webhooks were taken.
//!
//! What must stay true: reads only; users and tickets come from the incremental exports, whose own cursor is both the
//! full collection and the list of what changed (deletions included); invocations are read for the last seven days.
//! Facts: Zendesk's Support API document; webhooks and invocations from its documentation pages, unverified in detail.

mod records;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::records::{Attempts, asks, attempts, delivery, endpoint, ticket, user};
use super::budget::Limits;
use super::http::{Ask, Auth, Client, Conduct, Failure, Paging, Reply, Round, address};
use super::secret::Secret;
use super::step::{partial, read_cursor, witness, write_cursor};
use super::value::{at, raw, yes};
use super::{Answer, Capabilities, Cause, Source, SourceError};
use crate::domain::{Batch, Kind, Problem, Record, System, Text, Time};

/// Where API tokens are made: a place in the account's own pages, whose address differs.
pub(super) const KEYS: &str = "Admin Center > Apps and integrations > APIs > API tokens";
/// From the beginning. Zero is not accepted everywhere.
const BEGINNING: i64 = 1;
/// Rows a page of webhooks and of invocations; a page's webhooks are kept in the cursor.
const HOOK_PAGE: u32 = 20;
/// Rows a page of invocations; Zendesk's maximum.
const INVOCATION_PAGE: u32 = 100;
/// Invocations are kept for seven days.
const KEPT_MS: i64 = 7 * 24 * 3600 * 1000;
/// So far back every round looks at invocations again.
const OVERLAP_MS: i64 = 10 * 60 * 1000;
/// Attempts are read for at most so many invocations that went wrong a step.
const ATTEMPTS_STEP: usize = 5;
/// Attempts that are remembered, so that the overlap does not read them twice.
const MOST_REMEMBERED: usize = 2000;
/// Longest webhook name that the cursor keeps.
const NAME: usize = 24;

const CONDUCT: Conduct = Conduct { system: System::Zendesk, headers: &[], renew: KEYS, wait_in_body: |_| None };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Users,
    Tickets,
    Webhooks,
    Invocations,
    Rest,
}

/// Where a collection stands. `checked` is Zendesk's clock, `started` ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    phase: Phase,
    started: Time,
    users: Export,
    tickets: Export,
    /// Pages of webhooks of this round.
    hooks: Paging,
    /// Whether there are more webhooks after the ones in `open`.
    more_hooks: bool,
    /// Webhooks (id, name) whose invocations are still to be read.
    open: Vec<(String, String)>,
    /// Pages of invocations of the last of `open`.
    page: Paging,
    /// Invocations completed up to this moment have been read.
    checked: Option<Time>,
    /// Zendesk's clock at the start of this round's invocations.
    checking: Option<Time>,
    /// The key may not read webhooks.
    no_hooks: bool,
}

/// Where one incremental export stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Export {
    at: Paging,
    /// It has been read to its end once.
    whole: bool,
}

impl Cursor {
    fn full(now: Time) -> Self {
        Self {
            phase: Phase::Users,
            started: now,
            users: Export::default(),
            tickets: Export::default(),
            hooks: Paging::default(),
            more_hooks: false,
            open: Vec::new(),
            page: Paging::default(),
            checked: None,
            checking: None,
            no_hooks: false,
        }
    }

    fn again(self, now: Time) -> Self {
        Self {
            phase: Phase::Users,
            started: now,
            hooks: Paging::default(),
            more_hooks: false,
            open: Vec::new(),
            page: Paging::default(),
            checking: None,
            no_hooks: false,
            ..self
        }
    }

    /// Goes to the next webhook, the next page of webhooks, or to rest.
    fn next_hook(&mut self) {
        self.open.pop();
        self.page = Paging::default();
        if !self.open.is_empty() {
            return;
        }
        self.phase = if self.more_hooks { Phase::Webhooks } else { Phase::Rest };
        if self.phase == Phase::Rest {
            self.checked = self.checking.or(self.checked);
        }
    }
}

/// One Zendesk account.
pub struct Zendesk {
    client: Client,
    /// Attempts of invocations, by id and the moment of the last one.
    known: Mutex<HashMap<(String, String), Attempts>>,
}

impl Zendesk {
    /// A source for one account. `email`: the admin whose API token `key` is.
    ///
    /// # Errors
    /// A base address or credential that cannot be used.
    pub fn new(base_url: &str, email: &str, key: Secret, limits: &Limits) -> Result<Self, Problem> {
        let auth = Auth::Basic { user: format!("{email}/token"), secret: key };
        Ok(Self { client: Client::new(CONDUCT, base_url, auth, limits)?, known: Mutex::default() })
    }

    async fn collected(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        let mut cursor = match cursor {
            None => Cursor::full(now),
            Some(text) => read_cursor(System::Zendesk, text)?,
        };
        if cursor.phase == Phase::Rest {
            cursor = cursor.again(now);
        }
        let mut batch = Batch::default();
        let mut notes = Vec::new();
        let round = Round::new(now);
        let done = match cursor.phase {
            Phase::Users | Phase::Tickets => self.export(&mut cursor, &round, &mut batch).await,
            Phase::Webhooks => self.webhooks(&mut cursor, &round, &mut batch).await,
            Phase::Invocations => self.invocations(&mut cursor, &round, &mut batch, &mut notes).await,
            Phase::Rest => Ok(()),
        };
        match done {
            Ok(()) => {}
            Err(failure)
                if matches!(cursor.phase, Phase::Webhooks | Phase::Invocations)
                    && (failure.is_forbidden() || failure.is_missing()) =>
            {
                cursor.no_hooks = true;
                cursor.phase = Phase::Rest;
            }
            Err(failure) => return Err(failure.into()),
        }
        let unread: &[&str] = if cursor.no_hooks { &["webhooks and their invocations"] } else { &[] };
        batch.partial = partial(System::Zendesk, unread, &notes, KEYS);
        batch.more = cursor.phase != Phase::Rest;
        batch.cursor = Some(write_cursor(&cursor)?);
        Ok(batch)
    }

    /// One page of an incremental export.
    async fn export(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let users = cursor.phase == Phase::Users;
        let started = cursor.started;
        let export = if users { &mut cursor.users } else { &mut cursor.tickets };
        let (path, key) = if users {
            ("/api/v2/incremental/users/cursor", "users")
        } else {
            ("/api/v2/incremental/tickets/cursor", "tickets")
        };
        let ask = match &export.at.after {
            Some(after) => Ask::get(path).with("cursor", after),
            None => Ask::get(path).with("start_time", BEGINNING),
        };
        let reply = match self.client.send(ask.narrow(), round).await {
            // A cursor that is not accepted any more.
            Err(mut failure) if export.at.after.is_some() && matches!(failure.status, Some(400 | 422)) => {
                failure.error.cause = Cause::Expired;
                return Err(failure);
            }
            other => other?,
        };
        witness(batch, &reply);
        let Some(rows) = at(&reply.body, key).and_then(Value::as_array) else {
            return Err(self.client.garbage(&reply, &format!("answered without a `{key}` list")));
        };
        self.client.same_host(&reply, at(&reply.body, "after_url").and_then(Value::as_str))?;
        batch.records = if users {
            rows.iter().filter_map(|row| person(row, round.now, export.whole)).collect()
        } else {
            rows.iter().filter_map(|row| ticket(row, round.now)).collect()
        };
        let next = raw(&reply.body, "after_cursor");
        // An answer without the word would otherwise be read for ever.
        if yes(&reply.body, "end_of_stream") || at(&reply.body, "end_of_stream").is_none() && rows.is_empty() {
            if let Some(next) = next {
                // A new list begins here every round; only within one round a cursor must not come back.
                export.at = Paging::default();
                self.go_on(&mut export.at, &reply, &next)?;
            }
            if !export.whole {
                // Without any cursor the next round begins anew, and that is a full collection as well.
                export.whole = export.at.after.is_some();
                batch.finished.push((if users { Kind::Person } else { Kind::Ticket }, started));
            }
            cursor.phase = if users { Phase::Tickets } else { Phase::Webhooks };
            return Ok(());
        }
        match next {
            Some(next) => self.go_on(&mut export.at, &reply, &next),
            None => Err(self.client.garbage(&reply, "says that there is more but not where")),
        }
    }

    /// One page of webhooks.
    async fn webhooks(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let ask = Ask::get("/api/v2/webhooks")
            .with("page[size]", HOOK_PAGE)
            .with_some("page[after]", cursor.hooks.after.as_deref());
        let reply = self.client.send(ask, round).await?;
        witness(batch, &reply);
        let rows = self.rows(&reply, "webhooks")?;
        batch.records = rows.iter().filter_map(|row| endpoint(row, round.now)).collect();
        cursor.open = rows
            .iter()
            .filter_map(|row| {
                let name: String =
                    raw(row, "name").unwrap_or_else(|| "webhook".to_owned()).chars().take(NAME).collect();
                Some((address::segment(&raw(row, "id")?)?.to_owned(), name))
            })
            .collect();
        cursor.page = Paging::default();
        cursor.checking = cursor.checking.or(Some(reply.at));
        let next = self.next(&reply)?;
        cursor.more_hooks = next.is_some();
        match next {
            Some(next) => self.go_on(&mut cursor.hooks, &reply, &next)?,
            None => batch.finished.push((Kind::Endpoint, cursor.started)),
        }
        cursor.phase = Phase::Invocations;
        if cursor.open.is_empty() {
            cursor.next_hook();
        }
        Ok(())
    }

    /// One page of a webhook's invocations.
    async fn invocations(
        &self,
        cursor: &mut Cursor,
        round: &Round,
        batch: &mut Batch,
        notes: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let Some((hook, name)) = cursor.open.last().cloned() else {
            cursor.next_hook();
            return Ok(());
        };
        let path = format!("/api/v2/webhooks/{hook}/invocations");
        let now = cursor.checking.unwrap_or(round.now);
        let from = cursor.checked.map_or(now.plus_ms(-KEPT_MS), |at| at.plus_ms(-OVERLAP_MS));
        let ask = Ask::get(path.clone())
            .with("filter[from_ts]", from.rfc3339())
            .with("page[size]", INVOCATION_PAGE)
            .with_some("page[after]", cursor.page.after.as_deref());
        let reply = match self.client.send(ask, round).await {
            // The webhook was deleted meanwhile.
            Err(failure) if failure.is_missing() => {
                cursor.next_hook();
                return Ok(());
            }
            other => other?,
        };
        witness(batch, &reply);
        let mut left = ATTEMPTS_STEP;
        for row in self.rows(&reply, "invocations")? {
            let tries = self.tries(row, &path, round, &mut left, notes).await?;
            batch.deliveries.extend(delivery(row, &name, &tries, reply.at));
        }
        match self.next(&reply)? {
            Some(next) => self.go_on(&mut cursor.page, &reply, &next)?,
            None => cursor.next_hook(),
        }
        Ok(())
    }

    /// What the attempts of an invocation that went wrong tell, as far as the step's allowance reaches.
    async fn tries(
        &self,
        row: &Value,
        path: &str,
        round: &Round,
        left: &mut usize,
        notes: &mut Vec<String>,
    ) -> Result<Attempts, Failure> {
        let status = raw(row, "status").unwrap_or_default();
        let Some(id) = raw(row, "id") else { return Ok(Attempts::default()) };
        if matches!(status.as_str(), "success" | "accepted" | "unknown" | "") {
            return Ok(Attempts::default());
        }
        let key = (id, raw(row, "latest_completed_at").unwrap_or_default());
        if let Some(known) = self.known().get(&key) {
            return Ok(known.clone());
        }
        let Some(id) = address::segment(&key.0) else { return Ok(Attempts::default()) };
        if *left == 0 {
            return Ok(Attempts::default());
        }
        *left -= 1;
        match self.client.send(Ask::get(format!("{path}/{id}/attempts")), round).await {
            Ok(reply) => {
                let found = attempts(&reply.body);
                let mut known = self.known();
                if known.len() >= MOST_REMEMBERED {
                    known.clear();
                }
                known.insert(key, found.clone());
                Ok(found)
            }
            Err(failure) if failure.is_missing() || failure.is_forbidden() || failure.error.cause == Cause::Garbage => {
                *left = 0;
                notes.push("attempts of webhook invocations cannot be read".to_owned());
                Ok(Attempts::default())
            }
            Err(failure) => Err(failure),
        }
    }

    fn rows<'r>(&self, reply: &'r Reply, key: &str) -> Result<&'r [Value], Failure> {
        match at(&reply.body, key).and_then(Value::as_array) {
            Some(rows) => Ok(rows),
            None => Err(self.client.garbage(reply, &format!("answered without a `{key}` list"))),
        }
    }

    /// The cursor of the next page of a cursor-paged list, if there is one.
    fn next(&self, reply: &Reply) -> Result<Option<String>, Failure> {
        self.client.same_host(reply, at(&reply.body, "links/next").and_then(Value::as_str))?;
        if !yes(&reply.body, "meta/has_more") {
            return Ok(None);
        }
        match raw(&reply.body, "meta/after_cursor") {
            Some(next) => Ok(Some(next)),
            None => Err(self.client.garbage(reply, "says that there is more but not where")),
        }
    }

    fn go_on(&self, page: &mut Paging, reply: &Reply, next: &str) -> Result<(), Failure> {
        page.go_on(next).map_err(|why| self.client.garbage(reply, &format!("cannot be followed: {why}")))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(String, String), Attempts>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn probed(&self, now: Time) -> Result<Text, SourceError> {
        let reply = self.client.send(Ask::get("/api/v2/users/me").for_operator(), &Round::new(now)).await?;
        // A wrong token is answered with an anonymous user rather than a refusal.
        let role = raw(&reply.body, "user/role").unwrap_or_default();
        if at(&reply.body, "user/id").is_none() {
            let problem = Problem::evidence("Zendesk does not know this e-mail and token").at("Zendesk").hint(format!(
                "check `email` of [sources.zendesk]; make a token at {KEYS}, then run `trueup login zendesk`"
            ));
            return Err(SourceError { cause: Cause::Refused, problem, retry_after_ms: None });
        }
        if !matches!(role.as_str(), "agent" | "end-user") {
            return Ok(Text::new("answers, admin"));
        }
        let problem = Problem::evidence(format!("the incremental exports need an admin, this user is `{role}`"))
            .at("Zendesk")
            .hint("use an admin's e-mail and token");
        Err(SourceError { cause: Cause::Refused, problem, retry_after_ms: None })
    }
}

/// The record of a user who asks. One who became an agent is told as gone once a first export has shown who there is.
fn person(row: &Value, now: Time, known_before: bool) -> Option<Record> {
    let mut record = user(row, now)?;
    if !asks(row) {
        record.deleted = true;
        return known_before.then_some(record);
    }
    Some(record)
}

impl Source for Zendesk {
    fn system(&self) -> System {
        System::Zendesk
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[Kind::Person, Kind::Ticket, Kind::Endpoint],
            incremental: true,
            deliveries: true,
            attempts: true,
            deliveries_unknown: None,
        }
    }

    fn collect<'a>(&'a self, cursor: Option<&'a str>, now: Time) -> Answer<'a, Batch> {
        Box::pin(self.collected(cursor, now))
    }

    fn probe<'a>(&'a self, now: Time) -> Answer<'a, Text> {
        Box::pin(self.probed(now))
    }
}
