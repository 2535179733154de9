//! One file per outside system. A source turns what a system says into records; it decides nothing.

pub mod breaker;
pub mod budget;
pub mod cloudflare;
pub mod credential;
mod crm;
pub mod gohighlevel;
pub mod http;
pub mod hubspot;
pub mod intercom;
pub mod netlify;
pub mod paddle;
pub mod pipedrive;
pub mod portal;
pub mod probe;
pub mod registry;
pub mod secret;
mod step;
pub mod stripe;
mod value;
pub mod vercel;
pub mod zendesk;

use std::future::Future;
use std::pin::Pin;

use crate::domain::{Batch, Kind, Problem, System, Text, Time};

/// What a source is able to tell. What it cannot is shown as *unknown*, never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Kinds that a full collection brings, so that absence may be concluded.
    pub kinds: &'static [Kind],
    /// It lists what changed since a moment.
    pub incremental: bool,
    /// It tells whether events were delivered.
    pub deliveries: bool,
    /// It tells status codes and tries of deliveries.
    pub attempts: bool,
    /// Why deliveries cannot be told, for a person, when `deliveries` is false.
    pub deliveries_unknown: Option<&'static str>,
}

/// Why a source did not answer.
#[derive(Clone, Debug)]
pub struct SourceError {
    /// What kind of failure; decides what the engine does.
    pub cause: Cause,
    /// For a person.
    pub problem: Problem,
    /// Not before this long, in milliseconds (`Retry-After` and its relatives).
    pub retry_after_ms: Option<i64>,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// 401, 403, no credential, or a key of the wrong mode: asking again does not help.
    Refused,
    /// 429.
    RateLimited,
    /// No connection, a timeout, 5xx, a cut reply.
    Unavailable,
    /// An answer that is not what was asked for: HTML, wrong shapes, too large, a cursor that loops.
    Garbage,
    /// Our own configuration is wrong: a query, a table, an account parameter.
    Settings,
    /// The cursor is not accepted any more: start over.
    Expired,
}

/// What asynchronous verbs of [`Source`] return.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send + 'a>>;

/// An outside system that can be read.
pub trait Source: Send + Sync {
    /// Which system.
    fn system(&self) -> System;
    /// What it is able to tell.
    fn capabilities(&self) -> Capabilities;
    /// One step: about one page. `cursor` is what the last step returned, `None` to start a full collection.
    /// After `more == false` the next call, with the last cursor, brings what changed since.
    fn collect<'a>(&'a self, cursor: Option<&'a str>, now: Time) -> Answer<'a, Batch>;
    /// Checks credential, mode and reachability with one read-only call. Returns a line for `doctor`.
    fn probe<'a>(&'a self, now: Time) -> Answer<'a, Text>;
}
