//! A mark and a colour for every word that says how something stands.
//!
//! What must stay true: a mark never stands without its word; unknown is never shown as fine. The marks are of one
//! cell in every terminal.

/// A colour by meaning, in the terminal's own sixteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Fine.
    Good,
    /// Will hurt.
    Warn,
    /// Hurts.
    Bad,
    /// On its way.
    Wait,
    /// Beside the point, or unknown.
    Dim,
    /// What to read first.
    Strong,
}

impl Ink {
    /// The parameter of the escape sequence.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "1;31",
            Self::Wait => "36",
            Self::Dim => "2",
            Self::Strong => "1",
        }
    }
}

/// Words in groups, each with its mark.
const MARKS: &[(&[&str], char, Ink)] = &[
    (&["critical", "disagree", "failed", "never_arrived", "quarantined", "dead", "fail", "down"], '✗', Ink::Bad),
    (&["high", "warning", "retrying", "warn", "partial", "held"], '▴', Ink::Warn),
    (&["settling", "pending", "due", "leased", "waiting", "queued", "building", "collecting"], '◌', Ink::Wait),
    (&["unknown"], '?', Ink::Dim),
    (&["agree", "delivered", "pass", "live", "ready", "ok"], '✓', Ink::Good),
];

/// The mark of a word, if it says how something stands.
pub fn of(word: &str) -> Option<(char, Ink)> {
    MARKS.iter().find(|(words, ..)| words.contains(&word)).map(|(_, mark, ink)| (*mark, *ink))
}
