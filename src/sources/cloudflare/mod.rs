//! Cloudflare: one zone, as checks: is it served, encrypted, certified, and can its mail be trusted.
//!
//! What must stay true: reads only, few of them. Cloudflare blocks *everything* a user does for five minutes, the
//! dashboard included, after 1,200 calls in five minutes: the budget stays below half of that, and a 429 is not tried
//! again before five minutes are over. A part that may not be read is unknown.
//! Facts: Cloudflare's API document of 2024-08-06 and its documentation of rate limits; the single settings rather than
//! the list of all, which newer documents do not have.

mod judge;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::judge::{Outcome, Records, SETTINGS, certificates, check, succeeded};
use super::budget::Limits;
use super::http::{Ask, Auth, Client, Conduct, Failure, Reply, Round, address};
use super::secret::Secret;
use super::step::{read_cursor, witness, write_cursor};
use super::value::{at, int, list, raw};
use super::{Answer, Capabilities, Cause, Source, SourceError};
use crate::domain::{Batch, Check, Problem, System, Text, Time};

/// Where tokens are made.
pub(super) const KEYS: &str = "https://dash.cloudflare.com/profile/api-tokens";
/// How long everything is blocked after the limit was exceeded.
const BLOCK_MS: i64 = 5 * 60 * 1000;
/// Records a page.
const PAGE: usize = 500;
/// Pages of records; a zone of more is told by what these show.
const MOST_PAGES: usize = 20;

const CONDUCT: Conduct =
    Conduct { system: System::Cloudflare, headers: &[], renew: KEYS, wait_in_body: |_| Some(BLOCK_MS) };

/// There is nothing to go on from: every step reads everything.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    zone: String,
}

/// One zone.
pub struct Cloudflare {
    client: Client,
    zone: String,
}

/// A zone as it was found.
struct Zone {
    id: String,
    name: String,
    object: Value,
}

impl Cloudflare {
    /// A source for one zone, by name or id.
    ///
    /// # Errors
    /// A base address, a credential or a name that cannot be used.
    pub fn new(base_url: &str, key: Secret, zone: &str, limits: &Limits) -> Result<Self, Problem> {
        let zone = address::name_segment(zone).ok_or_else(|| {
            Problem::usage("`zone` is not a domain or id")
                .at("sources.cloudflare")
                .hint("write zone = \"acme.example\"")
        })?;
        let client = Client::new(CONDUCT, base_url, Auth::Bearer(key), limits)?;
        Ok(Self { client, zone: zone.to_lowercase() })
    }

    /// One call, with its envelope opened.
    async fn send(&self, ask: Ask, round: &Round) -> Result<Reply, Failure> {
        let reply = match self.client.send(ask, round).await {
            Err(mut failure) if failure.error.cause == Cause::RateLimited => {
                // A shorter wait than the block itself would only prolong it.
                let wait = failure.error.retry_after_ms.unwrap_or(BLOCK_MS);
                failure.error.retry_after_ms = Some(if failure.status.is_some() { wait.max(BLOCK_MS) } else { wait });
                if failure.status.is_some() {
                    self.client.pause(BLOCK_MS);
                }
                return Err(failure);
            }
            other => other?,
        };
        if succeeded(&reply.body) && at(&reply.body, "result").is_some() {
            return Ok(reply);
        }
        let said = list(&reply.body, "errors").first().and_then(|error| raw(error, "message"));
        let what = said.map_or("answered without a `result`".to_owned(), |said| format!("says that it failed: {said}"));
        Err(self.client.garbage(&reply, &what))
    }

    async fn zone(&self, operator: bool, round: &Round) -> Result<(Reply, Zone), Failure> {
        let by_id = self.zone.len() == 32 && self.zone.chars().all(|c| c.is_ascii_hexdigit());
        let ask =
            if by_id { Ask::get(format!("/zones/{}", self.zone)) } else { Ask::get("/zones").with("name", &self.zone) };
        let reply = self.send(if operator { ask.for_operator() } else { ask }, round).await?;
        let object = match at(&reply.body, "result") {
            Some(Value::Array(rows)) => rows.iter().find(|zone| judge::name(zone).as_deref() == Some(&self.zone)),
            other => other.filter(|_| by_id),
        };
        let Some(object) = object.cloned() else {
            if !by_id && at(&reply.body, "result").is_some_and(Value::is_array) {
                let what = format!("this token sees no zone called `{}`", self.zone);
                let hint = "correct `zone` of [sources.cloudflare], or give the token access to that zone";
                return Err(Failure::new(Cause::Settings, Problem::usage(what).at("Cloudflare").hint(hint)));
            }
            return Err(self.client.garbage(&reply, "answered without a `result` list of zones"));
        };
        let id = raw(&object, "id").filter(|id| address::segment(id).is_some());
        match (id, judge::name(&object)) {
            (Some(id), Some(name)) => Ok((reply, Zone { id, name, object })),
            _ => Err(self.client.garbage(&reply, "answered with a zone without id or name")),
        }
    }

    async fn collected(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        if let Some(text) = cursor {
            read_cursor::<Cursor>(System::Cloudflare, text)?;
        }
        let round = Round::new(now);
        let mut batch = Batch::default();
        let (reply, zone) = self.zone(false, &round).await?;
        let clock = reply.at;
        witness(&mut batch, &reply);
        let tell = |part: &str, kind: &str, outcome| check(&zone.name, part, kind, outcome);
        let mut checks: Vec<Check> =
            judge::zone(&zone.object).into_iter().map(|(part, outcome)| tell(part, "dns", outcome)).collect();
        for (id, part, judge) in SETTINGS {
            let path = format!("/zones/{}/settings/{id}", zone.id);
            let outcome = match allowed(self.send(Ask::get(path), &round).await)? {
                None => Outcome::no_access("Zone Settings: Read"),
                Some(reply) => match raw(&reply.body, "result/value") {
                    Some(value) => judge(&value),
                    None => Outcome::unknown("Cloudflare does not say how it is set"),
                },
            };
            checks.push(tell(part, "tls", outcome));
        }
        let packs = Ask::get(format!("/zones/{}/ssl/certificate_packs", zone.id)).with("status", "all");
        let outcome = match allowed(self.send(packs, &round).await)? {
            None => Outcome::no_access("SSL and Certificates: Read"),
            Some(reply) => match at(&reply.body, "result").and_then(Value::as_array) {
                Some(packs) => certificates(packs, clock),
                None => return Err(self.client.garbage(&reply, "answered without a `result` list").into()),
            },
        };
        checks.push(tell("certificate", "tls", outcome));
        match self.records(&zone, &round, &mut batch).await? {
            Some(records) => {
                checks.extend(records.judge().into_iter().map(|(part, outcome)| tell(part, "dns", outcome)));
            }
            None => checks.push(tell("records", "dns", Outcome::no_access("DNS: Read"))),
        }
        batch.checks = Some(checks);
        batch.cursor = Some(write_cursor(&Cursor { zone: zone.id })?);
        Ok(batch)
    }

    /// The zone's records; `None` when the token may not read them.
    async fn records(&self, zone: &Zone, round: &Round, batch: &mut Batch) -> Result<Option<Records>, Failure> {
        let mut records = Records::default();
        let mut firsts = BTreeSet::new();
        for page in 1..=MOST_PAGES {
            let ask = Ask::get(format!("/zones/{}/dns_records", zone.id)).with("page", page).with("per_page", PAGE);
            let Some(reply) = allowed(self.send(ask, round).await)? else { return Ok(None) };
            witness(batch, &reply);
            let Some(rows) = at(&reply.body, "result").and_then(Value::as_array) else {
                return Err(self.client.garbage(&reply, "answered without a `result` list"));
            };
            rows.iter().for_each(|row| records.take(&zone.name, row));
            let first = rows.first().and_then(|row| raw(row, "id"));
            if first.is_some_and(|id| !firsts.insert(id)) {
                return Err(self.client.garbage(&reply, "cannot be followed: the list goes in circles"));
            }
            let size = int(&reply.body, "result_info/per_page").and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE);
            let total = int(&reply.body, "result_info/total_count").and_then(|n| usize::try_from(n).ok());
            let done = total.map_or(rows.len() < size, |total| page.saturating_mul(size.max(1)) >= total);
            if done || rows.is_empty() {
                break;
            }
        }
        Ok(Some(records))
    }

    async fn probed(&self, now: Time) -> Result<Text, SourceError> {
        let (_, zone) = self.zone(true, &Round::new(now)).await?;
        Ok(Text::new(format!("zone {}, {}", zone.name, raw(&zone.object, "status").unwrap_or_default())))
    }
}

/// `None` for a part that may not be read, or that this plan does not have.
fn allowed(outcome: Result<Reply, Failure>) -> Result<Option<Reply>, Failure> {
    match outcome {
        Ok(reply) => Ok(Some(reply)),
        Err(failure) if failure.is_forbidden() || failure.is_missing() => Ok(None),
        Err(failure) => Err(failure),
    }
}

impl Source for Cloudflare {
    fn system(&self) -> System {
        System::Cloudflare
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[],
            incremental: false,
            deliveries: false,
            attempts: false,
            deliveries_unknown: Some("Cloudflare sends no events about customers"),
        }
    }

    fn collect<'a>(&'a self, cursor: Option<&'a str>, now: Time) -> Answer<'a, Batch> {
        Box::pin(self.collected(cursor, now))
    }

    fn probe<'a>(&'a self, now: Time) -> Answer<'a, Text> {
        Box::pin(self.probed(now))
    }
}
