//! Netlify: production deploys of one site, and its outgoing hooks.
//!
//! What must stay true: reads only; which deploy is live is what the site names as published; values of environment
//! variables and other secrets that stand in the site's answer are passed over while it is read. There is no "changed
//! since": pages are read newest first until everything on one is known, an hour of overlap included.
//! Facts: Netlify's own API document (`@netlify/open-api` 2.60.0) and its Go client; the order of deploys and the size
//! of a page are unverified. A hook's `disabled` is all that Netlify tells about deliveries.

mod records;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::records::{deploy, endpoint};
use super::budget::Limits;
use super::http::{Ask, Auth, Client, Conduct, Failure, Reply, Round, address};
use super::secret::Secret;
use super::step::{partial, read_cursor, witness, write_cursor};
use super::value::{raw, text};
use super::{Answer, Capabilities, Cause, Source, SourceError};
use crate::domain::{Batch, Kind, Problem, System, Text, Time};

/// Where tokens are made.
pub(super) const KEYS: &str = "https://app.netlify.com/user/applications";
/// Rows a page.
const PAGE: usize = 100;
/// So far back every round looks again: a build may take that long.
const OVERLAP_MS: i64 = 60 * 60 * 1000;
/// How much history a first collection brings.
const HISTORY_MS: i64 = 90 * 24 * 3600 * 1000;
/// Pages that are read to find a deploy that became live, beyond what a round reads anyway.
const MOST_EXTRA_PAGES: u32 = 30;
/// A list longer than this does not end.
const MOST_PAGES: u32 = 1000;
/// Fields of sites, deploys and hooks that hold secrets.
const SECRETS: &[&str] = &[
    "env",
    "access_token",
    "password",
    "skew_protection_token",
    "signature_secret",
    "deploy_hook",
    "default_hooks_data",
    "session_id",
    "notification_email",
];

const CONDUCT: Conduct = Conduct { system: System::Netlify, headers: &[], renew: KEYS, wait_in_body: |_| None };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Deploys,
    Hooks,
    Rest,
}

/// Where a collection stands. `since` is Netlify's clock, `started` ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    phase: Phase,
    /// The site's id.
    site: Option<String>,
    /// The page that is read next; the first is 1.
    page: u32,
    /// First deploy of the last page: the same again means a list that goes in circles.
    first: Option<String>,
    started: Time,
    /// Deploys made up to this moment are known.
    since: Option<Time>,
    /// Netlify's clock when the current round began.
    began: Option<Time>,
    /// The deploy that is published.
    live: Option<String>,
    /// Deploys whose state has changed with it and that have not been seen since.
    wanted: Vec<String>,
    /// The token may not read hooks.
    no_hooks: bool,
}

impl Cursor {
    fn full(now: Time) -> Self {
        Self {
            phase: Phase::Deploys,
            site: None,
            page: 1,
            first: None,
            started: now,
            since: None,
            began: None,
            live: None,
            wanted: Vec::new(),
            no_hooks: false,
        }
    }

    fn again(self, now: Time) -> Self {
        Self { phase: Phase::Deploys, page: 1, first: None, started: now, began: None, ..self }
    }
}

/// One Netlify site.
pub struct Netlify {
    client: Client,
    site: String,
    account: Option<String>,
}

impl Netlify {
    /// A source for one site. `site`: its name, domain or id; `account`: the team's slug, where a name alone is not
    /// enough.
    ///
    /// # Errors
    /// A base address, a credential or a name that cannot be used.
    pub fn new(
        base_url: &str,
        key: Secret,
        site: &str,
        account: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, Problem> {
        let site = address::name_segment(site).ok_or_else(|| {
            Problem::usage("`site` is not a name, domain or id").at("sources.netlify").hint("write site = \"acme-web\"")
        })?;
        let client = Client::new(CONDUCT, base_url, Auth::Bearer(key), limits)?;
        Ok(Self { client, site: site.to_owned(), account: account.map(str::to_owned) })
    }

    async fn collected(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        let mut cursor = match cursor {
            None => Cursor::full(now),
            Some(text) => read_cursor(System::Netlify, text)?,
        };
        if cursor.phase == Phase::Rest {
            cursor = cursor.again(now);
        }
        let mut batch = Batch::default();
        let round = Round::new(now);
        match cursor.phase {
            Phase::Deploys => self.deploys(&mut cursor, &round, &mut batch).await?,
            Phase::Hooks => {
                cursor.no_hooks = match self.hooks(&cursor, &round, &mut batch).await {
                    Ok(()) => false,
                    Err(failure) if failure.is_forbidden() => true,
                    Err(failure) => return Err(failure.into()),
                };
                cursor.phase = Phase::Rest;
            }
            Phase::Rest => {}
        }
        let unread: &[&str] = if cursor.no_hooks { &["hooks"] } else { &[] };
        batch.partial = partial(System::Netlify, unread, &[], KEYS);
        batch.lost = if cursor.no_hooks { vec![Kind::Endpoint] } else { Vec::new() };
        batch.more = cursor.phase != Phase::Rest;
        batch.cursor = Some(write_cursor(&cursor)?);
        Ok(batch)
    }

    /// The site: asked for directly by id or domain, found in the list by its name.
    async fn site(&self, operator: bool, round: &Round) -> Result<(Reply, Value), Failure> {
        let for_whom = |ask: Ask| if operator { ask.for_operator() } else { ask };
        if is_id(&self.site) || self.site.contains('.') {
            let ask = Ask::get(format!("/sites/{}", self.site)).without(SECRETS);
            let reply = self.client.send(for_whom(ask), round).await?;
            let site = reply.body.clone();
            return Ok((reply, site));
        }
        let ask = Ask::get("/sites").with("name", &self.site).with("filter", "all").with("per_page", PAGE);
        let reply = self.client.send(for_whom(ask.bare().without(SECRETS)), round).await?;
        let ours = |site: &&Value| {
            raw(site, "name").is_some_and(|name| name == self.site)
                && self.account.as_ref().is_none_or(|slug| raw(site, "account_slug").as_ref() == Some(slug))
        };
        let rows = reply.body.as_array().map_or(&[][..], Vec::as_slice);
        match rows.iter().find(ours) {
            Some(site) => {
                let site = site.clone();
                Ok((reply, site))
            }
            None => {
                let what = format!("this token sees no site called `{}`", self.site);
                let hint = "correct `site` (and `account`) of [sources.netlify], or use a token of the right team";
                Err(Failure::new(Cause::Settings, Problem::usage(what).at("Netlify").hint(hint)))
            }
        }
    }

    /// Which deploy is published. Notes the old and the new one when that has changed.
    async fn look(&self, cursor: &mut Cursor, round: &Round) -> Result<(), Failure> {
        let (reply, site) = self.site(false, round).await?;
        let id = raw(&site, "id").filter(|id| address::segment(id).is_some());
        let Some(id) = id else { return Err(self.client.garbage(&reply, "answered without the site's id")) };
        cursor.site = Some(id);
        let live = raw(&site, "published_deploy/id");
        if live != cursor.live {
            let known = |id: &String| !cursor.wanted.contains(id);
            let both: Vec<String> = [cursor.live.clone(), live.clone()].into_iter().flatten().filter(known).collect();
            cursor.wanted.extend(both);
            let extra = cursor.wanted.len().saturating_sub(8);
            cursor.wanted.drain(..extra);
            cursor.live = live;
        }
        cursor.began = Some(reply.at);
        Ok(())
    }

    /// One page of production deploys, newest first.
    async fn deploys(&self, cursor: &mut Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        if cursor.page <= 1 || cursor.site.is_none() {
            self.look(cursor, round).await?;
        }
        let site = cursor.site.clone().unwrap_or_default();
        let began = cursor.began.unwrap_or(round.now);
        let ask = Ask::get(format!("/sites/{site}/deploys"))
            .with("production", true)
            .with("page", cursor.page)
            .with("per_page", PAGE);
        let reply = self.client.send(ask.bare().without(SECRETS), round).await?;
        witness(batch, &reply);
        let rows = reply.body.as_array().map_or(&[][..], Vec::as_slice);
        batch.deploys = rows.iter().filter_map(|row| deploy(row, cursor.live.as_deref())).collect();
        cursor.wanted.retain(|id| !batch.deploys.iter().any(|deploy| deploy.id.as_str() == id));
        let floor = cursor.since.map_or(began.plus_ms(-HISTORY_MS), |at| at.plus_ms(-OVERLAP_MS));
        let passed = batch.deploys.iter().all(|deploy| deploy.created_at < floor);
        let enough = passed && (cursor.wanted.is_empty() || cursor.page >= MOST_EXTRA_PAGES);
        if enough || rows.is_empty() {
            cursor.wanted.clear();
            cursor.since = Some(began);
            cursor.phase = Phase::Hooks;
            return Ok(());
        }
        let first = rows.first().and_then(|row| raw(row, "id"));
        if first.is_some() && first == cursor.first || cursor.page >= MOST_PAGES {
            return Err(self.client.garbage(&reply, "cannot be followed: the list goes in circles"));
        }
        cursor.first = first;
        cursor.page += 1;
        Ok(())
    }

    /// All hooks of the site; Netlify gives them in one piece.
    async fn hooks(&self, cursor: &Cursor, round: &Round, batch: &mut Batch) -> Result<(), Failure> {
        let site = cursor.site.as_deref().unwrap_or_default();
        let ask = Ask::get("/hooks").with("site_id", site).bare().without(SECRETS);
        let reply = self.client.send(ask, round).await?;
        witness(batch, &reply);
        let rows = reply.body.as_array().map_or(&[][..], Vec::as_slice);
        batch.records = rows.iter().filter_map(|row| endpoint(row, round.now)).collect();
        batch.finished.push((Kind::Endpoint, cursor.started));
        Ok(())
    }

    async fn probed(&self, now: Time) -> Result<Text, SourceError> {
        let (reply, site) = self.site(true, &Round::new(now)).await?;
        let name =
            text(&site, "name").ok_or_else(|| self.client.garbage(&reply, "answered without the site's name"))?;
        Ok(Text::new(match raw(&site, "published_deploy/id") {
            Some(_) => format!("site {name}"),
            None => format!("site {name}, nothing published"),
        }))
    }
}

/// Whether a text is a site's id: a UUID.
fn is_id(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

impl Source for Netlify {
    fn system(&self) -> System {
        System::Netlify
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[Kind::Endpoint],
            incremental: true,
            deliveries: false,
            attempts: false,
            deliveries_unknown: Some("Netlify does not tell how its hook deliveries went, only whether it gave up"),
        }
    }

    fn collect<'a>(&'a self, cursor: Option<&'a str>, now: Time) -> Answer<'a, Batch> {
        Box::pin(self.collected(cursor, now))
    }

    fn probe<'a>(&'a self, now: Time) -> Answer<'a, Text> {
        Box::pin(self.probed(now))
    }
}
