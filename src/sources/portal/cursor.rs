//! Where the portal's collection stands between two steps, as stored text.

use serde::{Deserialize, Serialize};

use super::round::{Since, Unit};
use crate::domain::Time;

/// Between two full passes.
const FULL_EVERY_MS: i64 = 10 * 60_000;
/// Changes are asked for again for so long: a transaction may commit after a later one.
const OVERLAP_MS: i64 = 60_000;

/// What the stored cursor says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    /// When the last full pass that ended began, in milliseconds.
    pub(super) full_at: Option<i64>,
    /// Newest `updated_at` seen, in milliseconds.
    pub(super) high: Option<i64>,
    /// `stamp`, `seconds` or `millis`: how `updated_at` is written; absent when it cannot be asked by.
    pub(super) unit: Option<String>,
    /// The round that is under way.
    pub(super) round: Option<Round>,
}

/// A round that is under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Round {
    /// When it began, in milliseconds.
    pub(super) started_at: i64,
    /// Rows handed over so far.
    pub(super) offset: u64,
}

impl Cursor {
    /// Reads stored text. What is not ours means starting over.
    pub(super) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// As it is stored.
    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Since when to ask, or `None` for a full pass.
    pub(super) fn since(&self, now: Time) -> Option<Since> {
        let full_at = self.full_at?;
        if now.ms() - full_at >= FULL_EVERY_MS || now.ms() < full_at {
            return None;
        }
        let unit = match self.unit.as_deref()? {
            "stamp" => Unit::Stamp,
            "seconds" => Unit::Seconds,
            "millis" => Unit::Millis,
            _ => return None,
        };
        // A portal whose clock runs ahead must not make us skip what it writes meanwhile.
        let high = self.high?.min(now.ms());
        Some(Since { at: Time::from_ms(high - OVERLAP_MS), unit })
    }

    /// Notes a full pass that ended, and how `updated_at` was written in it.
    pub(super) fn passed(&mut self, started: Time, unit: Option<Unit>) {
        self.full_at = Some(started.ms());
        self.unit = unit.map(|unit| {
            match unit {
                Unit::Stamp => "stamp",
                Unit::Seconds => "seconds",
                Unit::Millis => "millis",
            }
            .to_owned()
        });
    }
}
