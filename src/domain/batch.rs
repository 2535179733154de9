//! What one step of a collection brings: the observations that are stored together with the cursor.

use super::{Check, Delivery, Deploy, Job, Kind, Problem, Record, Time};

/// What one step of a collection brought. The engine stores it and the cursor in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Observed things.
    pub records: Vec<Record>,
    /// Events and how their delivery stands.
    pub deliveries: Vec<Delivery>,
    /// Deployments.
    pub deploys: Vec<Deploy>,
    /// The complete current queue of the portal; `None` when this batch does not tell.
    pub jobs: Option<Vec<Job>>,
    /// The complete current set of this source's own checks (names and certificates, say); `None` when this batch does
    /// not tell. `since`, `uptime` and `recent` are left empty: the store knows them.
    pub checks: Option<Vec<Check>>,
    /// Where to go on: opaque to everybody but the source, JSON text, at most 4 KiB.
    pub cursor: Option<String>,
    /// Whether to go on at once (`true`) or after the interval.
    pub more: bool,
    /// Kinds whose full collection ends with this batch, with the moment at which that collection began: records of
    /// this system and kind last seen before it are gone.
    pub finished: Vec<(Kind, Time)>,
    /// Kinds that could not be read in this round although they were before (a table that vanished, a permission
    /// that was withdrawn): until they are finished again, nothing may be concluded from their absence or their age.
    pub lost: Vec<Kind>,
    /// Requests left in the provider's current window, as its headers or our budget tell.
    pub rate_left: Option<i64>,
    /// A part that could not be read, for a person (a missing scope, say); the rest is good.
    pub partial: Option<Problem>,
    /// How far the provider's clock (`Date` header) is ahead of ours, in milliseconds.
    pub clock_skew_ms: Option<i64>,
}
