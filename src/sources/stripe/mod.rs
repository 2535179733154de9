//! Stripe: who pays, for what, and which events have not been delivered.
//!
//! What must stay true: reads only; a key of the other mode is refused before any call; versions of records are
//! Stripe's clock, never ours; what Stripe does not tell (tries, status codes, why a delivery failed) stays unknown.
//! Facts: Stripe's OpenAPI document 2023-08-16, whose version every call pins.

mod collect;
mod cursor;
mod events;
mod records;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use self::cursor::Cursor;
use super::budget::Limits;
use super::http::{Ask, Auth, Client, Conduct, Failure, Round};
use super::secret::Secret;
use super::step::{read_cursor, write_cursor};
use super::value::{raw, yes};
use super::{Answer, Capabilities, Cause, Source, SourceError};
use crate::domain::{Batch, Kind, Problem, System, Text, Time};

/// Where keys are made and their permissions changed.
pub(super) const KEYS: &str = "https://dashboard.stripe.com/apikeys";
/// The version that answers are asked in. Old and new places of moved fields are both read.
const VERSION: &str = "2023-08-16";
/// Stripe keeps events for 30 days; after 29 the gap cannot be closed by them.
const EVENTS_KEPT_MS: i64 = 29 * 24 * 3600 * 1000;
/// A part that the key may not read is tried again after this.
const RETRY_MISSING_MS: i64 = 15 * 60 * 1000;
/// Events may become visible a little late: so far back every round looks again.
const OVERLAP_SECS: i64 = 300;
/// A full collection shows deliveries of this long.
const RECENT_SECS: i64 = 3 * 24 * 3600;
/// An answer may be that much older than the clock in its header.
const READ_LAG_MS: i64 = 5000;
/// Undelivered events are listed to this many pages; beyond it, a broken endpoint is news enough.
const MOST_UNDELIVERED_PAGES: u32 = 20;
/// So many events are looked at again one by one; more as a span.
const MOST_SINGLE: usize = 40;
/// Rows a page; Stripe's maximum.
const PAGE: u32 = 100;

const CONDUCT: Conduct =
    Conduct { system: System::Stripe, headers: &[("Stripe-Version", VERSION)], renew: KEYS, wait_in_body: |_| None };

/// One Stripe account.
pub struct Stripe {
    client: Client,
    live: bool,
    link_field: String,
    prefix: String,
    memory: Mutex<Memory>,
}

/// What one process remembers between rounds to save calls. Losing it costs calls, never rows.
#[derive(Default)]
struct Memory {
    /// Undelivered events (id, second) of the last rounds, by round; only rounds that were seen from their first page.
    undelivered: BTreeMap<u64, BTreeMap<String, i64>>,
    /// Objects that were read again because two events of one second spoke of them.
    reread: HashMap<String, (i64, usize, Value)>,
}

impl Stripe {
    /// A source for one account. `live`: the mode that the profile expects.
    ///
    /// # Errors
    /// A base address or credential that cannot be used.
    pub fn new(base_url: &str, key: Secret, live: bool, link_field: &str, limits: &Limits) -> Result<Self, Problem> {
        let prefix = key.prefix().to_owned();
        let client = Client::new(CONDUCT, base_url, Auth::Bearer(key), limits)?;
        Ok(Self { client, live, link_field: link_field.to_owned(), prefix, memory: Mutex::default() })
    }

    /// Refuses a key whose name says that it is of the other mode, or no API key at all.
    fn check_key(&self) -> Result<(), Failure> {
        let wanted = mode(self.live);
        let refuse = |what: String| {
            let hint =
                format!("make a restricted {wanted} key (rk_{wanted}_...) at {KEYS}, then run `trueup login stripe`");
            Err(Failure::new(Cause::Refused, Problem::evidence(what).at("Stripe").hint(hint)))
        };
        let (kind, rest) = self.prefix.split_once('_').unwrap_or(("", ""));
        match kind {
            "pk" => refuse("this is a publishable key, which may read nothing".to_owned()),
            "whsec" => refuse("this is a webhook's signing secret, not an API key".to_owned()),
            "sk" | "rk" => match rest.split('_').next() {
                Some("live") if !self.live => refuse("a live key, but the profile says mode = \"test\"".to_owned()),
                Some("test") if self.live => refuse("a test key, but the profile says mode = \"live\"".to_owned()),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Refuses rows of the other mode, which a key with an unusual name could bring.
    fn check_mode(&self, rows: &[Value]) -> Result<(), Failure> {
        let other = rows.iter().any(|row| row.get("livemode").and_then(Value::as_bool).is_some_and(|l| l != self.live));
        if !other {
            return Ok(());
        }
        let what = format!("Stripe answers with {} data, but the profile says {}", mode(!self.live), mode(self.live));
        let hint = format!("correct `mode` of [sources.stripe], or run `trueup login stripe` with a key from {KEYS}");
        Err(Failure::new(Cause::Refused, Problem::evidence(what).at("Stripe").hint(hint)))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn collected(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        self.check_key()?;
        let mut cursor = match cursor {
            None => Cursor::full(now, 0),
            Some(text) => read_cursor::<Cursor>(System::Stripe, text)?,
        };
        if cursor.phase == cursor::Phase::Rest {
            cursor = cursor.again(now);
        }
        let mut batch = self.step(&mut cursor, &Round::new(now)).await?;
        batch.more = cursor.phase != cursor::Phase::Rest;
        batch.cursor = Some(write_cursor(&cursor)?);
        Ok(batch)
    }

    async fn probed(&self, now: Time) -> Result<Text, SourceError> {
        self.check_key()?;
        let round = Round::new(now);
        match self.client.send(Ask::get("/v1/account").for_operator(), &round).await {
            Ok(reply) => {
                let id = raw(&reply.body, "id").unwrap_or_else(|| "unnamed".to_owned());
                let charges = if yes(&reply.body, "charges_enabled") { "" } else { ", charges not enabled" };
                Ok(Text::new(format!("account {id}, {} mode{charges}", mode(self.live))))
            }
            // A restricted key often may not read the account itself.
            Err(failure) if failure.is_forbidden() => {
                let reply = self.client.send(Ask::get("/v1/customers").with("limit", 1).for_operator(), &round).await?;
                self.check_mode(super::value::list(&reply.body, "data"))?;
                Ok(Text::new(format!("answers, {} mode, restricted key", mode(self.live))))
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

fn mode(live: bool) -> &'static str {
    if live { "live" } else { "test" }
}

impl Source for Stripe {
    fn system(&self) -> System {
        System::Stripe
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[Kind::Person, Kind::Subscription, Kind::Invoice, Kind::Charge, Kind::Endpoint],
            incremental: true,
            deliveries: true,
            attempts: false,
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
