//! The settings of one profile, typed, checked and with every default filled in (contract section 3).

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::domain::{State, System, Text};

/// Everything that the configuration file and the environment say. Holds no secret: a URL with a password in it is
/// kept only in [`Url`], which shows itself without it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Shown in every frame.
    pub name: Text,
    /// Where it runs.
    pub environment: Environment,
    /// trueup's own tables.
    pub store: Url,
    /// The product's own database; `None` until it is configured.
    pub portal: Option<Portal>,
    /// The portal's plan names, each with what billing calls it.
    pub plans: BTreeMap<Text, Vec<Text>>,
    /// What each billing status entitles to, and where a customer ought to be.
    pub policy: Policy,
    /// Configured sources, by system.
    pub sources: BTreeMap<System, SourceSettings>,
    /// What may be acted on.
    pub acting: Acting,
    /// Uptime checks.
    pub checks: Vec<CheckSettings>,
    /// How long history is kept.
    pub retention: Retention,
    /// Where `serve` listens (read by `serve`; kept here so that the file is checked whole).
    pub listen: Text,
    /// What providers call.
    pub public_url: Option<Text>,
    /// Folder of the configuration file; user views and themes are looked for in `views/` and `themes/` beside it.
    pub folder: PathBuf,
    /// Folder for data: the default store, reports.
    pub data: PathBuf,
}

/// Where the product runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Real customers.
    Production,
    /// A rehearsal.
    Staging,
    /// A developer's machine.
    Development,
}

impl Environment {
    /// The contract's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Development => "development",
        }
    }
}

/// A database address. `Debug` and `Display` leave the password out.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// Takes an address as it stands; a relative `sqlite:` path has been made absolute by the loader.
    pub fn new(raw: impl Into<String>) -> Self {
        Self(raw.into())
    }

    /// The address with its password, for the driver only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is a SQLite address.
    pub fn is_sqlite(&self) -> bool {
        self.0.starts_with("sqlite:")
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else { return write!(f, "{}", Text::new(&self.0)) };
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(a, p)| (a, p));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let path = path.split('?').next().unwrap_or_default();
        write!(f, "{}", Text::new(format!("{scheme}://{host}/{path}")))
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Url({self})")
    }
}

/// The portal and how its tables map to customers.
#[derive(Clone, Debug)]
pub struct Portal {
    /// Address.
    pub url: Url,
    /// One SELECT; columns are taken by name.
    pub customers: Query,
    /// The portal's words, lower case, for each canonical state. A word that is not here is `needs_review`.
    pub states: BTreeMap<String, State>,
    /// One SELECT giving support requests.
    pub tickets: Option<Query>,
    /// One SELECT giving received webhooks.
    pub deliveries: Option<Query>,
    /// The portal's own queue.
    pub jobs: Option<JobsQuery>,
    /// Write statements by name, only kept for later: acting is off here.
    pub writes: BTreeMap<String, String>,
    /// How often it is asked for what changed, in milliseconds. Default 5 s.
    pub every_ms: i64,
}

/// A query and the place in the file where it stands, for complaints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The SQL.
    pub sql: String,
    /// `config.toml:12`
    pub place: Text,
}

/// Where the portal's own jobs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobsQuery {
    /// The tables of pg-boss.
    PgBoss,
    /// The tables of Graphile Worker.
    GraphileWorker,
    /// A SELECT.
    Query(Query),
}

/// Whether a billing status lets a customer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// In.
    Access,
    /// Out.
    NoAccess,
}

/// What each billing status entitles to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Default `access`.
    pub past_due: Access,
    /// Default `no_access`.
    pub unpaid: Access,
    /// Default `no_access`.
    pub paused: Access,
    /// Default `no_access`.
    pub incomplete: Access,
    /// Default `access`.
    pub trialing: Access,
    /// Canceled, but the paid period has not ended. Default `access`.
    pub canceled_in_period: Access,
    /// Default `no_access`.
    pub refunded: Access,
    /// Where a customer ought to have a contact; `None`: the only CRM there is.
    pub crm: Option<System>,
    /// Where a customer ought to have a support user; `None`: the only support desk there is.
    pub support: Option<System>,
    /// `[policy.auto]`: what the engine may put right by itself. Kept and checked; acted on by the executor.
    pub auto: BTreeMap<String, bool>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            past_due: Access::Access,
            unpaid: Access::NoAccess,
            paused: Access::NoAccess,
            incomplete: Access::NoAccess,
            trialing: Access::Access,
            canceled_in_period: Access::Access,
            refunded: Access::NoAccess,
            crm: None,
            support: None,
            auto: BTreeMap::new(),
        }
    }
}

/// `[acting]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// Without it nothing outside is ever written. Default false.
    pub allow: bool,
    /// `viewer`, `support` or `admin`. Default `admin`.
    pub role: Text,
}

/// `[sources.S]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSettings {
    /// Base URL, default the provider's own. Plain http only to loopback (the loader has checked it).
    pub base_url: String,
    /// `live` or `test`, for Stripe and Paddle. Default `live`.
    pub live: bool,
    /// Where the portal's id is kept in that system.
    pub link_field: Option<String>,
    /// Account parameters (`subdomain`, `email`, `app_id`, ...), by key.
    pub account: BTreeMap<String, String>,
    /// Files that hold a credential, by field (`api_key`, `webhook_secret`), absolute.
    pub credential_files: BTreeMap<String, PathBuf>,
    /// Where stored events are passed on to.
    pub forward_to: Option<String>,
    /// Accepted age of a signature in milliseconds. Default 300 s.
    pub tolerance_ms: i64,
    /// How often it is asked for what changed, in milliseconds.
    pub every_ms: i64,
}

/// `[[checks]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckSettings {
    /// Name.
    pub name: Text,
    /// Address.
    pub url: String,
    /// Interval in milliseconds. Default 60 s.
    pub every_ms: i64,
    /// Conditions that must all hold. Default `status < 400`.
    pub expect: Vec<Expect>,
}

/// One condition of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    /// What is measured.
    pub what: Measure,
    /// How it is compared.
    pub op: crate::query::Op,
    /// With what: a status, milliseconds or days.
    pub value: i64,
}

/// What a check measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// HTTP status.
    Status,
    /// Milliseconds to the first byte.
    Time,
    /// Days until the certificate expires.
    CertDays,
}

/// How long history is kept, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Deliveries. Default 30 days.
    pub deliveries_ms: i64,
    /// Runs of checks. Default 30 days.
    pub checks_ms: i64,
}
