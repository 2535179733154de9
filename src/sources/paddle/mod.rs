//! Paddle Billing: who pays, for what, and how its notifications were taken.
//!
//! What must stay true: reads only; a key of the other mode is refused before any call; versions of records are
//! Paddle's own modification times; the signing secret that stands in the list of destinations is passed over while
//! reading and never becomes a value here.
//! Facts: Paddle's OpenAPI document of API version 1 (2025-05-27), whose version every call pins.

mod collect;
mod cursor;
mod events;
mod notifications;
mod records;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use self::cursor::{Cursor, Phase};
use super::budget::Limits;
use super::http::{Ask, Auth, Client, Conduct, Failure, Round};
use super::secret::Secret;
use super::step::{read_cursor, write_cursor};
use super::value::int;
use super::{Answer, Capabilities, Cause, Source, SourceError};
use crate::domain::{Batch, Kind, Problem, System, Text, Time};

/// Where keys are made and their permissions changed: a place in the account's own pages.
pub(super) const KEYS: &str = "Paddle > Developer tools > Authentication";
/// The version that answers are asked in.
const VERSION: &str = "1";
/// Secrets that answers hold.
const SECRETS: &[&str] = &["endpoint_secret_key"];
/// Hosts of the two modes.
const LIVE: &str = "https://api.paddle.com";
const SANDBOX: &str = "https://sandbox-api.paddle.com";

const CONDUCT: Conduct =
    Conduct { system: System::Paddle, headers: &[("Paddle-Version", VERSION)], renew: KEYS, wait_in_body: |_| None };

/// One Paddle account.
pub struct Paddle {
    client: Client,
    live: bool,
    link_field: String,
    prefix: String,
    memory: Mutex<Memory>,
}

/// What one process remembers between rounds to save calls. Losing it costs calls, never rows.
#[derive(Default)]
struct Memory {
    /// Objects that were read again, by id: moment and number of the events that made it necessary, and the object.
    reread: HashMap<String, (i64, usize, Value)>,
    /// The last response code of a notification, by id and tries.
    codes: HashMap<(String, i64), Option<i64>>,
}

impl Paddle {
    /// A source for one account. `live`: the mode that the profile expects.
    ///
    /// # Errors
    /// A base address or credential that cannot be used.
    pub fn new(base_url: &str, key: Secret, live: bool, link_field: &str, limits: &Limits) -> Result<Self, Problem> {
        let prefix = key.prefix().to_owned();
        let client = Client::new(CONDUCT, base_url, Auth::Bearer(key), limits)?.without(SECRETS);
        Ok(Self { client, live, link_field: link_field.to_owned(), prefix, memory: Mutex::default() })
    }

    /// Refuses a key whose beginning says that it is of the other mode or no API key at all, and the other mode's host.
    fn check_key(&self) -> Result<(), Failure> {
        let wanted = mode(self.live);
        let refuse = |what: String, hint: String| {
            Err(Failure::new(Cause::Refused, Problem::evidence(what).at("Paddle").hint(hint)))
        };
        let other = match self.client.base() {
            LIVE => !self.live,
            SANDBOX => self.live,
            _ => false,
        };
        if other {
            let what = format!("{} is not the address of {wanted} mode", self.client.base());
            let hint =
                "correct `mode` or `base_url` of [sources.paddle]: sandbox accounts are at sandbox-api.paddle.com";
            return refuse(what, hint.to_owned());
        }
        let what = match self.prefix.as_str() {
            "pdl_live" if !self.live => "a live key, but the profile says mode = \"test\"",
            "pdl_sdbx" if self.live => "a sandbox key, but the profile says mode = \"live\"",
            "pdl_ntfs" => "this is a notification destination's signing secret, not an API key",
            front if front.starts_with("live_") || front.starts_with("test_") => {
                "this is a client-side token, which may read nothing of this"
            }
            _ => return Ok(()),
        };
        let front = if self.live { "pdl_live" } else { "pdl_sdbx" };
        let hint = format!("make a {wanted} API key ({front}_apikey_...) at {KEYS}, then run `trueup login paddle`");
        refuse(what.to_owned(), hint)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn collected(&self, cursor: Option<&str>, now: Time) -> Result<Batch, SourceError> {
        self.check_key()?;
        let mut cursor = match cursor {
            None => Cursor::full(now),
            Some(text) => read_cursor::<Cursor>(System::Paddle, text)?,
        };
        if cursor.phase == Phase::Rest {
            cursor = cursor.again(now);
        }
        let mut batch = self.step(&mut cursor, &Round::new(now)).await?;
        batch.more = cursor.phase != Phase::Rest;
        batch.cursor = Some(write_cursor(&cursor)?);
        Ok(batch)
    }

    async fn probed(&self, now: Time) -> Result<Text, SourceError> {
        self.check_key()?;
        let ask = Ask::get("/customers").with("per_page", 1).for_operator();
        let reply = self.client.send(ask, &Round::new(now)).await?;
        self.rows(&reply)?;
        let many = match int(&reply.body, "meta/pagination/estimated_total") {
            Some(1) => ", 1 active customer".to_owned(),
            Some(n) => format!(", {n} active customers"),
            None => String::new(),
        };
        Ok(Text::new(format!("answers, {} mode{many}", mode(self.live))))
    }
}

fn mode(live: bool) -> &'static str {
    if live { "live" } else { "test" }
}

impl Source for Paddle {
    fn system(&self) -> System {
        System::Paddle
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[Kind::Person, Kind::Subscription, Kind::Invoice, Kind::Charge, Kind::Endpoint],
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
