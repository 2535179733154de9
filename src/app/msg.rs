//! Everything that can happen to the console: one ordered stream.

use super::input::Input;
use super::model::Engine;
use crate::config::theme::Theme;
use crate::config::view::Views;
use crate::domain::{Problem, Row, Status, Text, Traffic};
use crate::present::{Detail, Hit};

/// Rows that were loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows, in order, at most as many as were asked for.
    pub rows: Vec<Row>,
    /// How many there are in all, when that was asked for.
    pub total: Option<i64>,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub enum Msg {
    /// A person did something.
    Input(Input),
    /// Rows of a pane.
    Rows {
        /// Which pane.
        pane: usize,
        /// Which request this answers.
        request: u64,
        /// The store's revision when they were read.
        revision: i64,
        /// The rows.
        result: Result<Page, Problem>,
    },
    /// Delivery health for a pane.
    Traffic {
        /// Which pane.
        pane: usize,
        /// Which request this answers.
        request: u64,
        /// One row a source.
        result: Result<Vec<Traffic>, Problem>,
    },
    /// What the find box found.
    Found {
        /// Which pane.
        pane: usize,
        /// Which request this answers.
        request: u64,
        /// The hits, best first.
        result: Result<Vec<Hit>, Problem>,
    },
    /// The header's figures.
    Status {
        /// Which request this answers.
        request: u64,
        /// The figures.
        result: Result<Box<Status>, Problem>,
    },
    /// A customer; `None` when there is nobody of that id any more.
    Customer {
        /// Which request this answers.
        request: u64,
        /// Everything about the customer.
        result: Result<Option<Box<Detail>>, Problem>,
    },
    /// The store changed.
    Revision(i64),
    /// Who collects.
    Engine(Engine),
    /// A role's views were loaded; on problems the ones in use stay.
    Views(Result<Box<Views>, Vec<Problem>>),
    /// A theme was loaded; on problems the one in use stays.
    Theme(Result<Box<Theme>, Vec<Problem>>),
    /// Something to tell for a moment: "copied by OSC 52".
    Said(Text),
    /// Something to tell until it is put away.
    Banner(Problem),
    /// Nothing but that time has passed.
    Tick,
}
