//! An event seen from outside, and how its delivery stands.

use serde::{Deserialize, Serialize};

use super::state::DeliveryState;
use super::system::System;
use super::text::Text;
use super::time::Time;

/// A row of `list deliveries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Unique within the store: `source:event_id`. The provider and the portal's own log speak of the same row: what
    /// one of them does not know the other fills in.
    pub id: Text,
    /// Who sent it.
    pub source: System,
    /// The provider's event id.
    pub event_id: Text,
    /// Event type.
    #[serde(rename = "type")]
    pub kind: Text,
    /// How its delivery stands.
    pub state: DeliveryState,
    /// When it was received, or created by the provider where the receiving end does not tell.
    pub received_at: Time,
    /// Tries so far; `None` when the provider does not tell.
    pub attempts: Option<i64>,
    /// Last HTTP status; `None` when unknown.
    pub status: Option<i64>,
    /// Milliseconds the receiver took; `None` when unknown.
    pub latency_ms: Option<i64>,
    /// The portal customer, if known.
    pub customer: Option<Text>,
    /// The deploy that was live.
    pub deploy: Option<Text>,
    /// Why it is not delivered, for a person.
    pub reason: Option<Text>,
}

/// Delivery health of one source over one window: a row of the webhooks pane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Whose events.
    pub source: System,
    /// Equal time buckets, oldest first: (all, failed). "Failed" counts everything not delivered and not pending.
    pub buckets: Vec<(u32, u32)>,
    /// Events in the window.
    pub total: i64,
    /// Of these, failed, retrying or never arrived.
    pub failed: i64,
    /// Median latency of the delivered ones in milliseconds; of the newest 2,000 where there are more.
    pub latency_ms: Option<i64>,
    /// Newest event seen, in or before the window.
    pub last_at: Option<Time>,
    /// Set when the provider cannot tell how deliveries went, and why.
    pub unknown: Option<Text>,
}
