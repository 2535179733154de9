//! What a database error means for a person, and whether the rest of the round can go on.
//!
//! What must stay true: no secret of the address is in any message, and the table or column that is missing is named.

use sqlx::postgres::PgDatabaseError;

use super::address::{Address, STATEMENT_MS};
use crate::domain::Problem;
use crate::sources::{Cause, SourceError};

/// Why a part of the portal could not be read.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// For the engine and the person.
    pub(super) error: SourceError,
    /// The connection is of no use any more: nothing else can be read either.
    pub(super) lost: bool,
}

impl Failure {
    /// Our own configuration is wrong.
    pub(super) fn settings(problem: Problem) -> Self {
        Self { error: SourceError { cause: Cause::Settings, problem, retry_after_ms: None }, lost: false }
    }

    /// The portal does not answer.
    pub(super) fn unavailable(problem: Problem) -> Self {
        Self { error: SourceError { cause: Cause::Unavailable, problem, retry_after_ms: None }, lost: true }
    }

    /// Reads a driver's error. `place` is where the query stands in the configuration.
    pub(super) fn of(error: &sqlx::Error, address: &Address, place: &str) -> Self {
        let words = address.redact(&words(error));
        let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
        let (cause, lost, what, hint) = meaning(error, &code, &words);
        let mut problem = match cause {
            Cause::Settings => Problem::usage(what).at(place),
            _ => Problem::evidence(what).at(if lost { address.shown() } else { place.to_owned() }),
        };
        problem = problem.why(words);
        if let Some(hint) = hint {
            problem = problem.hint(hint);
        }
        Self { error: SourceError { cause, problem, retry_after_ms: None }, lost }
    }

    /// The server refused our start-up options, as some poolers do.
    pub(super) fn refuses_options(error: &sqlx::Error) -> bool {
        let text = error.to_string();
        text.contains("unsupported startup parameter") || text.contains("startup parameter")
    }
}

/// The engine's own words: message, detail and hint.
fn words(error: &sqlx::Error) -> String {
    let Some(database) = error.as_database_error() else { return error.to_string() };
    let Some(postgres) = database.try_downcast_ref::<PgDatabaseError>() else { return database.message().to_owned() };
    let more = [postgres.detail(), postgres.hint()].into_iter().flatten();
    more.fold(postgres.message().to_owned(), |text, part| format!("{text}; {part}"))
}

type Meaning = (Cause, bool, String, Option<String>);

fn meaning(error: &sqlx::Error, code: &str, words: &str) -> Meaning {
    let settings = |what: &str, hint: &str| (Cause::Settings, false, what.to_owned(), Some(hint.to_owned()));
    let away = |what: &str, hint: &str| (Cause::Unavailable, true, what.to_owned(), Some(hint.to_owned()));
    match code {
        "42P01" => {
            settings(&missing("table", words), "check the table's name and schema, or run `trueup init --print`")
        }
        "42703" => settings(&missing("column", words), "names with capitals stand in double quotes: u.\"createdAt\""),
        "42P02" | "42601" | "42883" | "42804" | "42702" | "42846" | "42803" | "42725" | "3F000" => {
            settings("the query does not run", "try it in psql")
        }
        "42501" => (
            Cause::Refused,
            false,
            "the portal's database role may not read this".to_owned(),
            Some("grant select on these tables to the role in [portal] url".to_owned()),
        ),
        "25006" => settings("the query tries to write", "a mapping only reads; remove what writes"),
        "57014" => (
            Cause::Unavailable,
            false,
            format!("the query took longer than {} s and was stopped", STATEMENT_MS / 1000),
            Some("select less, or add an index for it".to_owned()),
        ),
        "55P03" => (Cause::Unavailable, false, "a lock in the portal kept the query waiting".to_owned(), None),
        "28P01" | "28000" => (
            Cause::Refused,
            true,
            "the portal's database refused the login".to_owned(),
            Some("check user and password in [portal] url or TRUEUP_PORTAL_URL".to_owned()),
        ),
        "3D000" => (
            Cause::Settings,
            true,
            "the portal's database does not exist".to_owned(),
            Some("check the database's name in [portal] url".to_owned()),
        ),
        "53300" => away("the portal's database has no connection left", "raise max_connections or use a pooler"),
        _ if code.starts_with("22") || code.starts_with("42") => {
            settings("the query fails on the data that is there", "try it in psql")
        }
        _ if code.starts_with("57P") || code.starts_with("08") => {
            away("the portal's database went away", "it is tried again")
        }
        _ => without_code(error, words),
    }
}

fn without_code(error: &sqlx::Error, words: &str) -> Meaning {
    let settings = |what: String, hint: &str| (Cause::Settings, false, what, Some(hint.to_owned()));
    match error {
        sqlx::Error::Tls(_) => (
            Cause::Unavailable,
            true,
            "the portal's database did not prove who it is".to_owned(),
            Some("name its CA with ?sslrootcert=/path/ca.pem, or add ?sslmode=require to the address".to_owned()),
        ),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            (Cause::Unavailable, true, "the portal's database does not answer".to_owned(), None)
        }
        sqlx::Error::Configuration(_) => {
            (Cause::Settings, true, "the portal's address cannot be used".to_owned(), None)
        }
        _ if words.starts_with("no such table") => {
            settings(missing("table", words), "check the table's name, or run `trueup init --print`")
        }
        _ if words.starts_with("no such column") || words.starts_with("no such function") => {
            settings(missing("column", words), "check the name; a text in double quotes is a column's name")
        }
        _ if words.contains("interrupted") => (
            Cause::Unavailable,
            false,
            format!("the query took longer than {} s and was stopped", STATEMENT_MS / 1000),
            Some("select less, or add an index for it".to_owned()),
        ),
        _ if words.contains("locked") => {
            (Cause::Unavailable, false, "a lock in the portal kept the query waiting".to_owned(), None)
        }
        _ if words.contains("readonly") => settings("the query tries to write".to_owned(), "a mapping only reads"),
        _ if words.contains("not a database") || words.contains("unable to open") => (
            Cause::Settings,
            true,
            "the portal's SQLite file cannot be opened".to_owned(),
            Some("check that it is a SQLite database and that this user may read it and its folder".to_owned()),
        ),
        _ if words.contains("malformed") => {
            (Cause::Garbage, true, "the portal's SQLite file is damaged".to_owned(), None)
        }
        sqlx::Error::Database(_) => settings("the query does not run".to_owned(), "try it in the sqlite3 shell"),
        _ => (Cause::Unavailable, true, "the portal's database does not answer".to_owned(), None),
    }
}

/// Names the thing that is missing, as the engine's message has it.
fn missing(what: &str, words: &str) -> String {
    let named = words.split('"').nth(1).or_else(|| {
        let rest = words.split_once(": ").map(|(_, rest)| rest).or_else(|| words.strip_prefix("column "))?;
        rest.split([' ', ';']).next()
    });
    match named {
        Some(name) => format!("the portal has no {what} `{name}`"),
        None => format!("the portal has no such {what}"),
    }
}
