//! The portal's address: which engine, how to connect for reading only, and which words must never be shown.
//!
//! What must stay true: a connection made from here cannot write and cannot hold the portal up, and no message made
//! here holds the password. It never creates a file.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;

use super::lex::Dialect;
use crate::domain::Problem;

/// Longest time that one statement may take, in milliseconds.
pub(super) const STATEMENT_MS: u64 = 5_000;
/// Longest time that a statement waits for a lock, in milliseconds.
const LOCK_MS: u64 = 1_000;
/// Longest time that a transaction of ours may sit idle before the server ends it, in milliseconds.
const IDLE_MS: u64 = 10_000;

/// An address that has been understood.
#[derive(Clone)]
pub(super) struct Address {
    engine: Engine,
    secrets: Vec<String>,
}

#[derive(Clone)]
enum Engine {
    Postgres(Box<PgConnectOptions>),
    Sqlite(PathBuf),
}

/// How to open it.
pub(super) enum Opening {
    /// With the limits as start-up options, and without them for poolers that refuse these.
    Postgres { full: Box<PgConnectOptions>, bare: Box<PgConnectOptions> },
    /// A file that exists.
    Sqlite(Box<SqliteConnectOptions>),
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.shown())
    }
}

impl Address {
    /// Understands `postgres://`, `postgresql://` and `sqlite:` addresses.
    pub(super) fn new(url: &str) -> Result<Self, Problem> {
        let secrets = secrets(url);
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let path = path.split('?').next().unwrap_or_default();
            if path.is_empty() || path == ":memory:" {
                return Err(Problem::usage("the portal's SQLite address names no file")
                    .at("portal.url")
                    .hint("write sqlite:/absolute/path.db"));
            }
            return Ok(Self { engine: Engine::Sqlite(PathBuf::from(path)), secrets });
        }
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(Problem::usage("the portal's address is neither Postgres nor SQLite")
                .at("portal.url")
                .hint("write postgres://user@host/database or sqlite:/absolute/path.db"));
        }
        let options = PgConnectOptions::from_str(url).map_err(|error| {
            Problem::usage("the portal's address cannot be read")
                .at("portal.url")
                .why(redacted(&error.to_string(), &secrets))
                .hint("write postgres://user:password@host:5432/database, with special characters percent-encoded")
        })?;
        let options = if wants_verification(url, &options) { options.ssl_mode(PgSslMode::VerifyFull) } else { options };
        Ok(Self { engine: Engine::Postgres(Box::new(options)), secrets })
    }

    /// Whose SQL it speaks.
    pub(super) fn dialect(&self) -> Dialect {
        match self.engine {
            Engine::Postgres(_) => Dialect::Postgres,
            Engine::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// The address without user and password.
    pub(super) fn shown(&self) -> String {
        match &self.engine {
            Engine::Sqlite(path) => format!("sqlite:{}", path.display()),
            Engine::Postgres(options) => {
                let database = options.get_database().unwrap_or_default();
                format!("postgres://{}:{}/{database}", options.get_host(), options.get_port())
            }
        }
    }

    /// Foreign words with every secret of the address taken out.
    pub(super) fn redact(&self, text: &str) -> String {
        redacted(text, &self.secrets)
    }

    /// How to open it for reading. Refuses a SQLite file that is not there rather than making one.
    pub(super) fn opening(&self) -> Result<Opening, Problem> {
        match &self.engine {
            Engine::Postgres(options) => {
                let bare = options.as_ref().clone().application_name("trueup").disable_statement_logging();
                let full = bare.clone().options([
                    ("default_transaction_read_only", "on".to_owned()),
                    ("statement_timeout", STATEMENT_MS.to_string()),
                    ("lock_timeout", LOCK_MS.to_string()),
                    ("idle_in_transaction_session_timeout", IDLE_MS.to_string()),
                ]);
                Ok(Opening::Postgres { full: Box::new(full), bare: Box::new(bare) })
            }
            Engine::Sqlite(path) => {
                if !path.is_file() {
                    return Err(Problem::usage("the portal's SQLite file does not exist")
                        .at(path.display().to_string())
                        .hint("check [portal] url; trueup never creates this file"));
                }
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .read_only(true)
                    .create_if_missing(false)
                    .busy_timeout(Duration::from_millis(LOCK_MS))
                    .pragma("query_only", "on")
                    .disable_statement_logging();
                Ok(Opening::Sqlite(Box::new(options)))
            }
        }
    }
}

/// The statements that begin a reading transaction. They hold in this transaction only, so that a pooler that shares
/// connections with the product carries nothing of ours over to it.
pub(super) fn begin_reading() -> String {
    format!(
        "begin transaction read only; set local statement_timeout = {STATEMENT_MS}; set local lock_timeout = {LOCK_MS}; \
         set local idle_in_transaction_session_timeout = {IDLE_MS}; set local standard_conforming_strings = on; \
         set local bytea_output = 'hex'; set local cursor_tuple_fraction = 1"
    )
}

/// Off this machine, the server must prove who it is unless the address says otherwise.
fn wants_verification(url: &str, options: &PgConnectOptions) -> bool {
    let said = url.contains("sslmode=") || url.contains("ssl-mode=") || std::env::var_os("PGSSLMODE").is_some();
    let host = options.get_host();
    let here = host.starts_with('/')
        || host == "localhost"
        || options.get_socket().is_some()
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    !said && !here
}

/// Every spelling of the password that the address holds.
fn secrets(url: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some((_, rest)) = url.split_once("://") {
        let authority = rest.split(['?', '#']).next().unwrap_or_default();
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some((_, password)) = user.split_once(':')
        {
            found.push(password.to_owned());
        }
    }
    for pair in url.split_once('?').map_or("", |(_, query)| query).split('&') {
        if let Some(("password", value)) = pair.split_once('=') {
            found.push(value.to_owned());
        }
    }
    let decoded: Vec<_> = found.iter().map(|raw| percent_decoded(raw)).collect();
    found.extend(decoded);
    found.retain(|secret| !secret.is_empty());
    found.dedup();
    found
}

fn percent_decoded(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn redacted(text: &str, secrets: &[String]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "••••••••"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown_in_any_spelling() {
        let url = "postgres://app:p%40ss%2Fword@db.example:5433/acme?sslmode=disable";
        let address = Address::new(url).unwrap();
        assert_eq!(address.shown(), "postgres://db.example:5433/acme");
        assert_eq!(address.redact("p@ss/word and p%40ss%2Fword"), "•••••••• and ••••••••");
        assert!(!format!("{address:?}").contains("word"));
        for bad in
            ["postgres://app:hunter2@host:notaport/x", "mysql://app:hunter2@host/x", "postgres://app:hunter2@[::1/x"]
        {
            let problem = Address::new(bad).unwrap_err();
            assert!(!format!("{problem} {problem:?}").contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn a_server_elsewhere_must_prove_who_it_is() {
        let mode = |url: &str| match Address::new(url).unwrap().opening().unwrap() {
            Opening::Postgres { full, .. } => format!("{:?}", full.get_ssl_mode()),
            Opening::Sqlite(_) => String::new(),
        };
        assert_eq!(mode("postgres://a@db.example/x"), "VerifyFull");
        assert_eq!(mode("postgres://a@db.example/x?sslmode=require"), "Require");
        assert_eq!(mode("postgres://a@127.0.0.1/x"), "Prefer");
    }
}
