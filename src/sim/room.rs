//! The fake providers as a table: what the door, the configuration and the post need to know of each.
//!
//! What must stay true: a provider is one file and its row in [`ROOMS`]; nothing else names it.

use std::time::Duration;

use super::call::{Call, Reply};
use super::random::Random;
use super::world::World;
use super::{cloudflare, gohighlevel, hubspot, intercom, netlify, pipedrive, stripe, vercel, zendesk};
use crate::domain::System;

/// A limit on requests.
pub(super) struct Limit {
    /// The provider's own word for it.
    pub name: &'static str,
    /// Requests in one window.
    pub count: u32,
    /// The window.
    pub window: Duration,
}

/// What opens a fake's door, and what signs its webhooks.
#[derive(Clone)]
pub(super) struct Key {
    /// The API key or token.
    pub api: String,
    /// The signing secret; empty where nothing is signed.
    pub secret: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(••••••••)")
    }
}

/// One fake provider.
pub(super) struct Room {
    /// Which provider.
    pub system: System,
    /// The fixed path of its base address (`/api/v1`); empty for a host alone.
    pub base_path: &'static str,
    /// What stands in `[sources.S]` beside the address and the credentials; lines of TOML.
    pub config: &'static str,
    /// Its credentials. The stream of chance is its own.
    pub key: fn(&mut Random) -> Key,
    /// Whether the call carries the credential.
    pub admits: fn(&Call, &Key) -> bool,
    /// The reply to a call without it.
    pub refused: fn(&Call) -> Reply,
    /// The limits that a call counts against.
    pub limits: fn(&Call) -> &'static [Limit],
    /// The reply when a limit (its name) is hit, with the seconds to wait.
    pub limited: fn(&str, u64) -> Reply,
    /// The reply while the provider is unwell with this status.
    pub failed: fn(u16) -> Reply,
    /// Adds the headers that every reply has; `left` is what the tightest limit leaves.
    pub usual: fn(&Call, Reply, u32) -> Reply,
    /// Answers a call whose credential has been checked.
    pub answer: fn(&mut World, &Call) -> Reply,
}

/// The table, in the order of the contract's list of sources.
pub(super) const ROOMS: &[Room] = &[
    stripe::ROOM,
    hubspot::ROOM,
    pipedrive::ROOM,
    gohighlevel::ROOM,
    intercom::ROOM,
    zendesk::ROOM,
    vercel::ROOM,
    netlify::ROOM,
    cloudflare::ROOM,
];
