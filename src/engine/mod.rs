//! Receives, collects, compares: the part that works while people look elsewhere.
//!
//! What must stay true: no source can delay another, a panic in one part does not end the others, and nothing here
//! ever writes to an outside system (acting is a later, separate room).

pub mod build;
pub mod checks;
pub mod collect;
pub mod derive;
pub mod health;
mod hindsight;
pub mod holder;
pub mod live;
pub mod once;
pub mod pulse;
pub mod rules;
mod work;

use std::sync::Arc;

use crate::domain::Time;

/// Where the engine takes the time from. Tests give their own.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// The machine's clock.
pub fn wall_clock() -> Clock {
    Arc::new(|| Time::from_ms(chrono::Utc::now().timestamp_millis()))
}

pub use build::Built;
pub use live::{Engine, EngineState};
pub use once::{Summary, sync_once};
