//! A line of inked text: what presentation hands to whoever draws or prints it.

use unicode_width::UnicodeWidthStr;

use crate::config::theme::{Role, Tone};

/// With what a piece of text is inked: a role of the theme, or how something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// A role.
    Role(Role),
    /// A tone.
    Tone(Tone),
}

impl From<Role> for Ink {
    fn from(role: Role) -> Self {
        Self::Role(role)
    }
}

impl From<Tone> for Ink {
    fn from(tone: Tone) -> Self {
        Self::Tone(tone)
    }
}

/// A piece of text in one ink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text; already clean, never with a line break.
    pub text: String,
    /// Its ink.
    pub ink: Ink,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(pub Vec<Span>);

impl Line {
    /// An empty line.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// A line of one piece.
    pub fn of(text: impl Into<String>, ink: impl Into<Ink>) -> Self {
        Self::new().with(text, ink)
    }

    /// Adds a piece.
    #[must_use]
    pub fn with(mut self, text: impl Into<String>, ink: impl Into<Ink>) -> Self {
        self.add(text, ink);
        self
    }

    /// Adds a piece.
    pub fn add(&mut self, text: impl Into<String>, ink: impl Into<Ink>) {
        let text = text.into();
        if !text.is_empty() {
            self.0.push(Span { text, ink: ink.into() });
        }
    }

    /// Cells that it takes.
    pub fn width(&self) -> usize {
        self.0.iter().map(|span| span.text.width()).sum()
    }

    /// The bare text.
    pub fn text(&self) -> String {
        self.0.iter().map(|span| span.text.as_str()).collect()
    }
}
