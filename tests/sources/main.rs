//! What the sources promise: everything a provider says arrives once and right, and whatever a provider does wrong ends
//! in a clear problem that holds no secret.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, unreachable_pub)]
mod fakes;

mod collection;
mod conduct;
mod crm;
mod failures;
mod hosting;
mod paddle;
mod uptime;

use trueup::domain::System;
use trueup::sources::Source;
use trueup::sources::budget::Limits;
use trueup::sources::registry::{SourceSpec, build};
use trueup::sources::secret::Secret;

/// The word that may never appear in a message.
const CANARY: &str = "canary9f3a7b21";

/// A source for a fake, with a key that holds the canary.
fn source(system: System, base: &str) -> Box<dyn Source> {
    with(system, base, Limits::LOOPBACK)
}

fn with(system: System, base: &str, limits: Limits) -> Box<dyn Source> {
    build(&spec(system, base, limits)).unwrap()
}

/// A key as the provider makes them, with the canary in it.
fn key(system: System) -> String {
    match system {
        System::Stripe => format!("rk_live_{CANARY}"),
        System::Paddle => format!("pdl_live_apikey_{CANARY}"),
        _ => format!("pat-{CANARY}"),
    }
}

fn spec(system: System, base: &str, limits: Limits) -> SourceSpec {
    let key = key(system);
    SourceSpec {
        system,
        base_url: base.to_owned(),
        live: true,
        link_field: None,
        account: [
            ("email", "ops@acme.example"),
            ("location_id", fakes::gohighlevel::LOCATION),
            ("project", "acme-web"),
            ("site", "acme-web"),
            ("zone", "acme.example"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        api_key: Secret::new(key, base),
        limits: Some(limits),
    }
}
