//! The folder that makes trueup find the company: `config.toml` and the credentials beside it.
//!
//! What must stay true: the folder is the owner's alone (0700), credentials are 0600, and a folder that holds somebody
//! else's files is refused rather than written over.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::catalog::{PLANS, PRICES};
use super::random::Random;
use super::room::{Key, ROOMS, Room};
use super::stripe_shapes::price_id;
use super::world::World;
use crate::domain::{Problem, System};

/// The first line of a configuration that was written here.
const MARK: &str = "# Harbor & Pine, the simulated company. Written anew at each start.";

/// What opens the doors of the fake providers, and what signs their webhooks. Invented from the seed, good for nothing
/// but loopback.
#[derive(Clone, Debug)]
pub(super) struct Keys(BTreeMap<System, Key>);

impl Keys {
    /// The keys of a seed.
    pub(super) fn new(seed: u64) -> Self {
        let key = |room: &Room| (room.key)(&mut Random::new(seed, &format!("key of {}", room.system)));
        Self(ROOMS.iter().map(|room| (room.system, key(room))).collect())
    }

    /// Those of one provider.
    pub(super) fn of(&self, system: System) -> Option<&Key> {
        self.0.get(&system)
    }
}

/// Where everything listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// `http://127.0.0.1:port` of each fake provider, without the fixed path of its base address.
    pub providers: BTreeMap<System, String>,
    /// Of the portal's own pages.
    pub site: String,
}

impl Addresses {
    /// Where a fake provider listens; empty for one that is not simulated.
    pub fn of(&self, system: System) -> &str {
        self.providers.get(&system).map_or("", String::as_str)
    }
}

/// Makes the folder, or takes over one that was made here before: its databases go, because a new world begins.
pub(super) fn prepare(dir: &Path) -> Result<PathBuf, Problem> {
    let broken = |e: std::io::Error| {
        Problem::usage("the folder for the simulated company cannot be used")
            .at(dir.display().to_string())
            .why(e.to_string())
            .hint("give --dir a folder that you may write to")
    };
    make_folder(dir).map_err(broken)?;
    let dir = fs::canonicalize(dir).map_err(broken)?;
    let config = dir.join("config.toml");
    let ours = fs::read_to_string(&config).is_ok_and(|text| text.starts_with(MARK));
    for name in ["portal.db", "trueup.db"] {
        for suffix in ["", "-wal", "-shm"] {
            let file = dir.join(format!("{name}{suffix}"));
            if !file.exists() {
                continue;
            }
            if !ours {
                return Err(foreign(&file));
            }
            fs::remove_file(&file).map_err(broken)?;
        }
    }
    if config.exists() && !ours {
        return Err(foreign(&config));
    }
    Ok(dir)
}

fn foreign(file: &Path) -> Problem {
    Problem::usage("the folder holds a file that is not the simulated company's")
        .at(file.display().to_string())
        .hint("give --dir an empty folder")
}

#[cfg(unix)]
fn make_folder(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_folder(dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600);
        if path.exists() {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        }
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")
}

/// Writes credentials and configuration; returns the path of the latter.
pub(super) fn write(dir: &Path, world: &World, keys: &Keys, at: &Addresses) -> Result<PathBuf, Problem> {
    let config = dir.join("config.toml");
    let mut files = Vec::new();
    for room in ROOMS {
        let Some(key) = keys.of(room.system) else { continue };
        files.push((format!("{}.key", room.system), key.api.clone()));
        if !key.secret.is_empty() {
            files.push((format!("{}.secret", room.system), key.secret.clone()));
        }
    }
    files.push(("config.toml".to_owned(), text(world, keys, at)));
    for (name, content) in files {
        write_private(&dir.join(&name), &content).map_err(|e| {
            Problem::usage("a file of the simulated company cannot be written").at(name).why(e.to_string())
        })?;
    }
    Ok(config)
}

fn text(world: &World, keys: &Keys, at: &Addresses) -> String {
    let mut plans = String::new();
    for (product, plan) in PLANS.iter().enumerate() {
        let ids: Vec<String> = PRICES
            .iter()
            .enumerate()
            .filter(|(_, price)| price.product == product)
            .map(|(number, _)| format!("\"{}\"", price_id(world, number)))
            .collect();
        let _ = writeln!(plans, "{plan} = [{}]", ids.join(", "));
    }
    TEMPLATE
        .replace("{mark}", MARK)
        .replace("{plans}", plans.trim_end())
        .replace("{sources}", &sources(keys, at))
        .replace("{site}", &at.site)
}

/// `[sources.S]` of every provider.
fn sources(keys: &Keys, at: &Addresses) -> String {
    let mut text = String::new();
    for Room { system, base_path, config, .. } in ROOMS {
        let base = at.of(*system);
        let _ = write!(text, "[sources.{system}]\nbase_url = \"{base}{base_path}\"\n{config}");
        let _ = writeln!(text, "{}api_key_file = \"{system}.key\"", if config.is_empty() { "" } else { "\n" });
        if keys.of(*system).is_some_and(|key| !key.secret.is_empty()) {
            let _ = writeln!(text, "webhook_secret_file = \"{system}.secret\"");
        }
        text.push('\n');
    }
    text
}

const TEMPLATE: &str = r#"{mark}
version = 1
name = "Harbor & Pine"
environment = "staging"

[store]
url = "sqlite:trueup.db"

[portal]
url = "sqlite:portal.db"

[portal.customers]
query = '''
select u.id as id, u.email as email, u.name as name, u.role as role, u.country as country,
       s.status as state, s.plan as plan, s."stripeCustomerId" as billing_id,
       u."hubspotContactId" as crm_id, u."zendeskUserId" as support_id,
       u."createdAt" as created_at, coalesce(s."updatedAt", u."updatedAt") as updated_at,
       s."trialEndsAt" as trial_ends_at
from users u left join subscriptions s on s."userId" = u.id
'''

[portal.states]
trial = ["trialing"]
active = ["active"]
past_due = ["past_due", "unpaid"]
canceled = ["canceled", "suspended"]

[portal.tickets]
query = '''
select id, "userId" as customer_id, email, subject, "createdAt" as created_at, "zendeskTicketId" as external_id
from support_requests
'''

[portal.deliveries]
query = '''
select "eventId" as id, "eventId" as event_id, source, type, "receivedAt" as received_at, state, status,
       "latencyMs" as latency_ms, error, attempts, "userId" as customer_id
from webhook_events
'''

[portal.jobs]
query = '''
select id, kind, "userId" as "key", state, attempts, "maxAttempts" as max_attempts, "runAt" as run_at,
       "lastError" as last_error, "userId" as customer_id, "createdAt" as created_at
from sync_jobs
'''

[plans]
{plans}

[policy]
past_due = "access"
crm = "hubspot"
support = "zendesk"

[acting]
allow = false

{sources}[[checks]]
name = "login page"
url = "{site}/login"
every = "5s"
expect = ["status = 200", "time < 800ms"]

[[checks]]
name = "stripe webhook"
url = "{site}/webhooks/stripe"
every = "5s"
expect = ["status = 200"]

[[checks]]
name = "status page"
url = "{site}/status"
every = "15s"
expect = ["status = 200"]
"#;
