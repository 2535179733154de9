//! Vercel: deployments of one project, its webhooks and its domains.
//!
//! What must stay true: reads only; the values of environment variables, which stand in the project's own answer, are
//! passed over while it is read; which deployment is live is what the project says. Changes are seen by looking back an
//! hour in every round, and as far as needed when another deployment became live.
//! Facts: Vercel's OpenAPI document of 2025-10-27; times are milliseconds. It does not tell how its webhook deliveries
//! went.

mod records;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::records::{created, deploy, domain, endpoint};
use super::budget::Limits;
use super::http::{Ask, Auth, Client, Conduct, Failure, Paging, Reply, Round, address};
use super::secret::Secret;
use super::step::{partial, read_cursor, witness, write_cursor};
use super::value::{at, int, raw, text};
use super::{Answer, Capabilities, Source, SourceError};
use crate::domain::{Batch, Kind, Problem, System, Text, Time};

/// Where tokens are made.
pub(super) const KEYS: &str = "https://vercel.com/account/settings/tokens";
/// Rows a page.
const PAGE: u32 = 100;
/// Builds take up to 45 minutes: so far back every round looks again.
const OVERLAP_MS: i64 = 60 * 60 * 1000;
/// How much history a first collection brings.
const HISTORY_MS: i64 = 90 * 24 * 3600 * 1000;
/// Pages that are read to find a deployment that became live, beyond what a round reads anyway.
const MOST_EXTRA_PAGES: u32 = 30;
/// Pages of domains; a project has rarely more than one.
const MOST_DOMAIN_PAGES: usize = 10;
/// Fields of a project and its deployments that hold secrets.
const SECRETS: &[&str] = &[
    "env",
    "protectionBypass",
    "passwordProtection",
    "trustedIps",
    "connectConfigurations",
    "creator",
    "crons",
    "integrations",
];

const CONDUCT: Conduct =
    Conduct { system: System::Vercel, headers: &[], renew: KEYS, wait_in_body: |body| reset(body) };

/// A 429 may say in its body when the window starts anew.
fn reset(body: &Value) -> Option<i64> {
    int(body, "error/limit/resetMs").or_else(|| int(body, "error/retryAfter").map(|secs| secs.saturating_mul(1000)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Deploys,
    Webhooks,
    Domains,
    Rest,
}

/// Where a collection stands. `since` is Vercel's clock, `started` ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    phase: Phase,
    page: Paging,
    started: Time,
    /// Deployments made up to this moment are known.
    since: Option<Time>,
    /// Vercel's clock when the current round began.
    began: Option<Time>,
    /// The deployment that serves production.
    live: Option<String>,
    /// Deployments whose state has changed with it and that have not been seen since.
    wanted: Vec<String>,
    /// Parts that the token may not read.
    no_webhooks: bool,
    no_domains: bool,
}

impl Cursor {
    fn full(now: Time) -> Self {
        Self {
            phase: Phase::Deploys,
            page: Paging::default(),
            started: now,
            since: None,
            began: None,
            live: None,
            wanted: Vec::new(),
            no_webhooks: false,
            no_domains: false,
        }
    }

    fn again(self, now: Time) -> Self {
        Self { phase: Phase::Deploys, page: Paging::default(), started: now, began: None, ..self }
    }
}

/// One Vercel project.
pub struct Vercel {
    client: Client,
    project: String,
    team: Option<String>,
}

impl Vercel {
    /// A source for one project. `project`: its name or id; `team`: the team's id or slug, for a project of a team.
    ///
    /// # Errors
    /// A base address, a credential or a name that cannot be used.
    pub fn new(
        base_url: &str,
        key: Secret,
        project: &str,
        team: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, Problem> {
        let project = address::name_segment(project).ok_or_else(|| {
            Problem::usage("`project` is not a name or id").at("sources.vercel").hint("write project = \"acme-web\"")
        })?;
        let client = Client::new(CONDUCT, base_url, Auth::Bearer(key), limits)?;
        Ok(Self { client, project: project.to_owned(), team: team.map(str::to_owned) })
    }

    /// A call, in the scope of the team where there is one.
    fn ask(&self, path: impl Into<String>) -> Ask {
        let ask = Ask::get(path).without(SECRETS);
        match self.team.as_deref() {
            Some(id) if id.starts_with("team_") => ask.with("teamId", id),
            Some(slug) => ask.with("slug", slug),
            None => ask,
        }
    }

    async fn collected(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        let mut cursor = match cursor {
            None => Cursor::full(now),
            Some(text) => read_cursor(System::Vercel, text)?,
        };
        if cursor.phase == Phase::Rest {
            cursor = cursor.again(now);
        }
        let mut batch = Batch::default();
        let round = Round::new(now);
        match cursor.phase {
            Phase::Deploys => self.deploys(&mut cursor, &round, &mut batch).await?,
            Phase::Webhooks => {
                cursor.no_webhooks = readable(self.webhooks(&cursor, &round, &mut batch).await)?;
                cursor.phase = Phase::Domains;
            }
            Phase::Domains => {
                cursor.no_domains = readable(self.domains(&round, &mut batch).await)?;
                cursor.phase = Phase::Rest;
            }
            Phase::Rest => {}
        }
        let parts = [(cursor.no_webhooks, "webhooks"), (cursor.no_domains, "domains")];
        let unread: Vec<&str> = parts.into_iter().filter_map(|(missing, name)| missing.then_some(name)).collect();
        batch.partial = partial(System::Vercel, &unread, &[], KEYS);
        batch.lost = if cursor.no_webhooks { vec![Kind::Endpoint] } else { Vec::new() };
        batch.more = cursor.phase != Phase::Rest;
        batch.cursor = Some(write_cursor(&cursor)?);
        Ok(batch)
    }

    /// Which deployment serves production. Notes the old and the new one when that has changed.
    async fn look(&self, cursor: &mut Cursor, round: &Round) -> Result<(), Failure> {
        let reply = self.project(round).await?;
        let live = raw(&reply.body, "targets/production/id");
        if live != cursor.live {
            let known = |id: &String| !cursor.wanted.contains(id);
            let both: Vec<String> = [cursor.live.clone(), live.clone()].into_iter().flatten().filter(known).collect();
            cursor.wanted.extend(both);
            // Nobody changes it that often between two looks; the newest matter.
            let extra = cursor.wanted.len().saturating_sub(8);
            cursor.wanted.drain(..extra);
            cursor.live = live;
        }
        cursor.began = Some(reply.at);
        Ok(())
    }

    async fn project(&self, round: &Round) -> Result<Reply, Failure> {
        let reply = self.client.send(self.ask(format!("/v9/projects/{}", self.project)), round).await?;
        match raw(&reply.body, "id") {
            Some(_) => Ok(reply),
            None => Err(self.client.garbage(&reply, "answered without the project's id")),
        }
    }

    /// One page of deployments, newest first.
    async fn deploys(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        if cursor.page.after.is_none() {
            self.look(cursor, round).await?;
        }
        let began = cursor.began.unwrap_or(round.now);
        let floor = cursor.since.map_or(began.plus_ms(-HISTORY_MS), |at| at.plus_ms(-OVERLAP_MS));
        let mut ask = self.ask("/v6/deployments").with("projectId", &self.project).with("limit", PAGE);
        if cursor.wanted.is_empty() {
            ask = ask.with("since", floor.ms());
        }
        let reply = self.client.send(ask.with_some("until", cursor.page.after.as_deref()), round).await?;
        witness(batch, &reply);
        let Some(rows) = at(&reply.body, "deployments").and_then(Value::as_array) else {
            return Err(self.client.garbage(&reply, "answered without a `deployments` list"));
        };
        batch.deploys = rows.iter().filter_map(|row| deploy(row, cursor.live.as_deref())).collect();
        cursor.wanted.retain(|id| !batch.deploys.iter().any(|deploy| deploy.id.as_str() == id));
        let next = raw(&reply.body, "pagination/next");
        if next.is_some() && rows.is_empty() {
            return Err(self.client.garbage(&reply, "says that there is more after a page without rows"));
        }
        // All of it, so that a list in another order than expected is not cut short.
        let passed = rows.iter().filter_map(created).all(|at| at < floor);
        let enough = passed && (cursor.wanted.is_empty() || cursor.page.pages() >= MOST_EXTRA_PAGES);
        match next.filter(|_| !enough) {
            Some(next) => cursor
                .page
                .go_on(&next)
                .map_err(|why| self.client.garbage(&reply, &format!("cannot be followed: {why}"))),
            None => {
                // One that was not found is gone, and will not be found in the next round either.
                cursor.wanted.clear();
                cursor.since = Some(began);
                cursor.page = Paging::default();
                cursor.phase = Phase::Webhooks;
                Ok(())
            }
        }
    }

    /// All webhooks that concern the project; Vercel gives them in one piece.
    async fn webhooks(&self, cursor: &Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let reply = self.client.send(self.ask("/v1/webhooks").bare(), round).await?;
        witness(batch, &reply);
        let rows = reply.body.as_array().map_or(&[][..], Vec::as_slice);
        batch.records = rows.iter().filter_map(|row| endpoint(row, round.now)).collect();
        batch.finished.push((Kind::Endpoint, cursor.started));
        Ok(())
    }

    /// All domains of the project.
    async fn domains(&self, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let path = format!("/v9/projects/{}/domains", self.project);
        let (mut checks, mut page) = (Vec::new(), Paging::default());
        for _ in 0..MOST_DOMAIN_PAGES {
            let ask = self.ask(path.clone()).with("limit", PAGE).with_some("until", page.after.as_deref());
            let reply = self.client.send(ask, round).await?;
            witness(batch, &reply);
            let Some(rows) = at(&reply.body, "domains").and_then(Value::as_array) else {
                return Err(self.client.garbage(&reply, "answered without a `domains` list"));
            };
            checks.extend(rows.iter().filter_map(domain));
            let Some(next) = raw(&reply.body, "pagination/next").filter(|_| !rows.is_empty()) else { break };
            page.go_on(&next).map_err(|why| self.client.garbage(&reply, &format!("cannot be followed: {why}")))?;
        }
        batch.checks = Some(checks);
        Ok(())
    }

    async fn probed(&self, now: Time) -> Result<Text, SourceError> {
        let round = Round::new(now);
        let ask = self.ask(format!("/v9/projects/{}", self.project)).for_operator();
        let reply = self.client.send(ask, &round).await?;
        let name = text(&reply.body, "name")
            .ok_or_else(|| self.client.garbage(&reply, "answered without the project's name"))?;
        let live = raw(&reply.body, "targets/production/id");
        Ok(Text::new(match live {
            Some(_) => format!("project {name}"),
            None => format!("project {name}, nothing in production"),
        }))
    }
}

/// Whether a part may not be read; every other failure passes.
fn readable(outcome: Result<(), Failure>) -> Result<bool, Failure> {
    match outcome {
        Ok(()) => Ok(false),
        Err(failure) if failure.is_forbidden() => Ok(true),
        Err(failure) => Err(failure),
    }
}

impl Source for Vercel {
    fn system(&self) -> System {
        System::Vercel
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[Kind::Endpoint],
            incremental: true,
            deliveries: false,
            attempts: false,
            deliveries_unknown: Some("Vercel does not tell how its webhook deliveries went"),
        }
    }

    fn collect<'a>(&'a self, cursor: Option<&'a str>, now: Time) -> Answer<'a, Batch> {
        Box::pin(self.collected(cursor, now))
    }

    fn probe<'a>(&'a self, now: Time) -> Answer<'a, Text> {
        Box::pin(self.probed(now))
    }
}
