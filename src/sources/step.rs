//! What every source's step shares: reading and writing its cursor, and what an answer tells beside the rows.
//!
//! What must stay true: a cursor is JSON of at most 4 KiB; one that cannot be read means *start over*, never a guess.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Cause;
use super::http::{Failure, Reply};
use crate::domain::{Batch, Problem, System};

/// Longest cursor (the store's bound).
const LONGEST: usize = 4096;

/// Reads a cursor that an earlier step wrote.
pub(crate) fn read_cursor<T: DeserializeOwned>(system: System, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|_| {
        let problem = Problem::evidence("the stored position of the collection is of another version");
        Failure::new(Cause::Expired, problem.at(system.title()).hint("trueup starts over by itself"))
    })
}

/// Writes the cursor of the next step.
pub(crate) fn write_cursor<T: Serialize>(cursor: &T) -> Result<String, Failure> {
    let text = serde_json::to_string(cursor).unwrap_or_default();
    if text.is_empty() || text.len() > LONGEST {
        let why = format!("it is {} bytes long", text.len());
        return Err(Failure::new(Cause::Settings, Problem::bug("a collection's position cannot be kept").why(why)));
    }
    Ok(text)
}

/// Notes what an answer tells beside its rows.
pub(crate) fn witness(batch: &mut Batch, reply: &Reply) {
    batch.rate_left = reply.left;
    batch.clock_skew_ms = reply.skew_ms.or(batch.clock_skew_ms);
}

/// One problem out of the parts that a key may not read and of what else went wrong in this step.
pub(crate) fn partial(system: System, unread: &[&str], notes: &[String], renew: &str) -> Option<Problem> {
    if unread.is_empty() && notes.is_empty() {
        return None;
    }
    let mut why = Vec::new();
    if !unread.is_empty() {
        why.push(format!("the key may not read {}", unread.join(", ")));
    }
    why.extend(notes.iter().cloned());
    let problem = Problem::evidence("a part could not be read").at(system.title()).why(why.join("; "));
    Some(if unread.is_empty() {
        problem
    } else {
        problem.hint(format!("give the key the permission to read {} at {renew}", unread.join(", ")))
    })
}
