//! What the state machine asks of the process around it. Nothing here is done by the state machine itself.

use crate::domain::{Dataset, Text};
use crate::query::{Expr, Sort};

/// Which rows a pane wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Of what.
    pub dataset: Dataset,
    /// Which.
    pub expr: Expr,
    /// In which order; `None`: the dataset's own.
    pub sort: Option<Sort>,
    /// At most so many. Always given.
    pub limit: i64,
    /// How many to skip.
    pub offset: i64,
    /// Whether the total is wanted, too.
    pub count: bool,
}

/// Something to be done outside. Answers come back as messages that carry the same `request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Load rows; answered by `Msg::Rows`.
    Load {
        /// For which pane.
        pane: usize,
        /// Which request.
        request: u64,
        /// What.
        query: Load,
    },
    /// Load delivery health; answered by `Msg::Traffic`.
    LoadTraffic {
        /// For which pane.
        pane: usize,
        /// Which request.
        request: u64,
        /// Window in milliseconds, ending now.
        window_ms: i64,
        /// In how many parts.
        buckets: usize,
    },
    /// Look somebody up; answered by `Msg::Found`.
    Find {
        /// For which pane.
        pane: usize,
        /// Which request.
        request: u64,
        /// What was typed.
        text: String,
        /// At most so many.
        limit: i64,
    },
    /// Load the header's figures; answered by `Msg::Status`.
    LoadStatus {
        /// Which request.
        request: u64,
    },
    /// Load a customer, its open mismatches (worst first) and its timeline; answered by `Msg::Customer`.
    LoadCustomer {
        /// Which request.
        request: u64,
        /// Whom.
        id: Text,
        /// At most so many moments.
        moments: i64,
    },
    /// Load the views of a role; answered by `Msg::Views`.
    LoadViews(String),
    /// Load a theme; answered by `Msg::Theme`.
    LoadTheme(String),
    /// Put text into the clipboard; answered by `Msg::Said` or `Msg::Banner`.
    Copy(String),
    /// Open a page in the browser.
    OpenUrl(String),
    /// Ask the engine to look again now.
    Recheck,
    /// Switch capturing of the mouse.
    Mouse(bool),
    /// Draw everything anew.
    Redraw,
    /// Step back to the shell.
    Suspend,
    /// Leave.
    Quit,
}
