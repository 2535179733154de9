//! What floats above the screen: help, palette, menus, the fields of a row. At most one at a time.

use super::command::Command;
use super::entry::Entry;

/// What choosing a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Runs a command.
    Run(Command),
    /// Opens a screen by index.
    Screen(usize),
    /// Copies a text.
    Copy(String),
    /// Opens a page.
    Open(String),
    /// Takes a theme.
    Theme(String),
    /// Takes a role.
    Role(String),
    /// Orders the focused pane by a field of its dataset.
    Sort(&'static str),
    /// Shows or hides a column of the focused pane.
    Column(usize),
    /// Nothing: it is refused.
    Nothing,
}

/// One line of a menu or the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What it is.
    pub label: String,
    /// More about it, or why it is refused.
    pub detail: String,
    /// What it does.
    pub act: Act,
    /// Refused: drawn faint, with the reason.
    pub refused: bool,
}

impl Choice {
    /// A line that does something.
    pub fn new(label: impl Into<String>, detail: impl Into<String>, act: Act) -> Self {
        Self { label: label.into(), detail: detail.into(), act, refused: false }
    }

    /// A line that says why it does nothing.
    pub fn refused(label: impl Into<String>, why: impl Into<String>) -> Self {
        Self { label: label.into(), detail: why.into(), act: Act::Nothing, refused: true }
    }
}

/// What floats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Every key; typing narrows it.
    Help {
        /// What was typed.
        entry: Entry,
        /// First line drawn.
        top: usize,
    },
    /// Every command by name.
    Palette {
        /// What was typed.
        entry: Entry,
        /// The chosen line.
        at: usize,
    },
    /// A list to choose from.
    Menu {
        /// Its title.
        title: String,
        /// Its lines.
        items: Vec<Choice>,
        /// The chosen line.
        at: usize,
        /// Stays open after choosing.
        stays: bool,
    },
    /// Every field of a row.
    Fields {
        /// Its title.
        title: String,
        /// Dataset row, written out when it is drawn, so that masking and ages hold.
        row: Box<crate::domain::Row>,
        /// First line drawn.
        top: usize,
    },
}
