//! A unit of sync work, ours or the portal's own.

use serde::{Deserialize, Serialize};

use super::state::JobState;
use super::text::Text;
use super::time::Time;

/// A row of `list jobs`. For a queue of the portal's, `source` is `portal` and the generations are 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What is to be done.
    pub kind: Text,
    /// To what.
    pub key: Text,
    /// How it stands.
    pub state: JobState,
    /// Tries so far.
    pub attempts: i64,
    /// Tries allowed.
    pub max_attempts: Option<i64>,
    /// When it runs next.
    pub run_at: Option<Time>,
    /// What went wrong last.
    pub last_error: Option<Text>,
    /// The portal customer, if known.
    pub customer: Option<Text>,
    /// Whose queue.
    pub source: Text,
    /// Generation asked for.
    pub wanted: i64,
    /// Generation finished.
    pub done: i64,
    /// When it was put in the queue, if known.
    #[serde(default)]
    pub created_at: Option<Time>,
}
