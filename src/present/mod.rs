//! Things become rows and words, with no terminal in sight. Used by the console and by the command line alike.
//!
//! Pure: `now`, the offset of local time and whether personal data is hidden come in as a [`Ctx`].

pub mod customer;
pub mod export;
pub mod format;
pub mod group;
pub mod item;
pub mod line;
pub mod mark;
pub mod mask;
pub mod pulse;
pub mod silence;
pub mod spark;
pub mod table;
pub mod timeline;

pub use customer::Detail;
pub use item::{Hit, Item};
pub use line::{Ink, Line, Span};
pub use mark::Mark;
pub use silence::{Silence, Silences};

use crate::domain::Time;

/// What every presentation depends on beside the thing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ctx {
    /// The moment that ages are counted to.
    pub now: Time,
    /// Local time minus UTC, in seconds.
    pub offset_s: i32,
    /// E-mail addresses and names are hidden.
    pub masked: bool,
    /// Only ASCII may be drawn.
    pub ascii: bool,
}

impl Ctx {
    /// UTC, nothing hidden, every character.
    pub const fn plain(now: Time) -> Self {
        Self { now, offset_s: 0, masked: false, ascii: false }
    }
}
