//! What happened to one customer, merged from all systems.

use serde::{Deserialize, Serialize};

use super::{System, Text, Time};

/// One line of a customer's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When, by the clock of the system that says so.
    pub at: Time,
    /// Who says so.
    pub system: System,
    /// What happened, in a few words.
    pub what: Text,
    /// Whether it went wrong: drawn with a mark.
    #[serde(default)]
    pub bad: bool,
}
