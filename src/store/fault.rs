//! What a database says went wrong, as a complaint for a person.
//!
//! What must stay true: a database that is away is missing evidence (try again), a wrong address or right is the
//! user's to mend, and only what neither explains is called a bug. No password can appear: addresses come shortened.

use sqlx::Error;
use sqlx::error::DatabaseError;

use crate::domain::{Problem, Text};

/// Turns a driver's error into a complaint about the store at `place`.
pub(super) fn complaint(error: Error, place: &Text) -> Problem {
    match error {
        Error::Database(error) => match error.code() {
            Some(code) if code.len() == 5 => postgres(&code, &*error),
            Some(code) => sqlite(code.parse::<i64>().unwrap_or_default() & 0xff, &*error),
            None => broken(error.message()),
        },
        Error::PoolTimedOut => away("no connection was free or could be made in time"),
        Error::PoolClosed => away("it has been closed"),
        Error::WorkerCrashed => away("its worker ended"),
        Error::Io(error) => away(&error.kind().to_string()),
        Error::Tls(error) => away(&format!("no secure connection: {error}")),
        Error::Protocol(why) => away(&why),
        other => broken(&other.to_string()),
    }
    .at(place)
}

fn away(why: &str) -> Problem {
    Problem::evidence("the store does not answer")
        .why(why)
        .hint("is the database running and reachable? trueup goes on by itself when it is back")
}

fn broken(why: &str) -> Problem {
    Problem::bug("a statement of the store failed").why(why)
}

/// Codes: PostgreSQL manual, appendix A.
fn postgres(code: &str, error: &dyn DatabaseError) -> Problem {
    let why = error.message();
    match code {
        "28000" | "28P01" => Problem::usage("the database refuses the store's user")
            .why(why)
            .hint("check user and password of `[store] url` or TRUEUP_STORE_URL"),
        "3D000" => Problem::usage("the store's database does not exist")
            .why(why)
            .hint("create it, or correct `[store] url`; trueup makes only its own schema in it"),
        "42501" => Problem::usage("the store's user may not do that").why(why).hint(
            "let it create the schema: grant create on database ... to ..., or create schema trueup authorization ...",
        ),
        "57014" | "55P03" => Problem::evidence("the store took too long").why(why),
        "53100" => {
            Problem::evidence("the store's disk is full").why(why).hint("free some space; trueup goes on by itself")
        }
        // 55000: the database exists but takes no connections now.
        "55000" => away(why),
        _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => away(why),
        "25006" => {
            Problem::usage("the store's database is read-only").why(why).hint("is it a replica? name the primary")
        }
        _ => broken(&format!("{why} ({code})")),
    }
}

/// Primary result codes: sqlite.org/rescode.html.
fn sqlite(code: i64, error: &dyn DatabaseError) -> Problem {
    let why = error.message();
    match code {
        5 | 6 => Problem::evidence("another process keeps the store busy")
            .why(why)
            .hint("try again; if it stays so, see which process has the file open"),
        8 | 3 | 23 => Problem::usage("the store's file cannot be written")
            .why(why)
            .hint("give the user that runs trueup the right to write the file and its folder"),
        14 => Problem::usage("the store's file cannot be opened")
            .why(why)
            .hint("the folder must exist and be writable: SQLite keeps two more files beside it"),
        13 => Problem::evidence("the store's disk is full").why(why).hint("free some space; trueup goes on by itself"),
        10 => Problem::evidence("the store's file cannot be read or written").why(why).hint("look at the disk"),
        11 => Problem::usage("the store's file is damaged")
            .why(why)
            .hint("move it away: trueup collects everything again, only history is lost"),
        26 => not_ours(why),
        _ => broken(&format!("{why} ({code})")),
    }
}

/// A file that is something else.
pub(super) fn not_ours(why: &str) -> Problem {
    Problem::usage("the store's file is not one of trueup's").why(why).hint("name another file in `[store] url`")
}
