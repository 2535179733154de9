//! Views: every pane as data, screens as arrangements of panes, roles as adjustments of both.
//!
//! What must stay true: after loading, every name points at something that exists, every setting has an effect, and
//! every complaint names file, line and the nearest known word. Reading the folder is the caller's; this takes texts.

mod read;
mod words;

use crate::domain::{Dataset, Field, Problem};
use crate::query::{Expr, Sort};

pub use read::load_with;
pub use words::{Format, Look, Narrow, Of};

/// How a `where` is read.
pub type Parse = fn(Dataset, &str) -> Result<Expr, Problem>;

/// Everything that a role's views say.
#[derive(Clone, Debug, PartialEq)]
pub struct Views {
    /// The role.
    pub role: String,
    /// Every pane, once.
    pub panes: Vec<PaneSpec>,
    /// Screens in the order of their numbers.
    pub screens: Vec<ScreenSpec>,
    /// Which screen opens first: an index into `screens`.
    pub first: usize,
}

/// One pane.
#[derive(Clone, Debug, PartialEq)]
pub struct PaneSpec {
    /// Its name in view files.
    pub name: String,
    /// Its title on the rule.
    pub title: String,
    /// What it shows.
    pub of: Of,
    /// Which rows.
    pub filter: Expr,
    /// In which order; `None`: the dataset's own.
    pub sort: Option<Sort>,
    /// How many rows are loaded at first.
    pub limit: i64,
    /// Newest rows on top, moving until the cursor moves.
    pub follow: bool,
    /// Column labels are drawn.
    pub labels: bool,
    /// Columns, left to right.
    pub columns: Vec<Column>,
    /// What an empty pane says.
    pub empty: String,
    /// What to do next when it is empty.
    pub next: Option<String>,
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What it shows.
    pub field: &'static Field,
    /// Its label.
    pub label: String,
    /// Cells that it needs.
    pub width: u16,
    /// Its share of the cells left over.
    pub grow: u16,
    /// Aligned to the right.
    pub right: bool,
    /// How the value is written.
    pub format: Format,
    /// How strongly.
    pub look: Look,
    /// Only in panes of at least this many cells.
    pub show_above: u16,
    /// Hidden by the role; a person may bring it back.
    pub hidden: bool,
}

/// One screen.
#[derive(Clone, Debug, PartialEq)]
pub struct ScreenSpec {
    /// Its name in view files.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The digit that opens it.
    pub number: u8,
    /// Whether the pulse line stands on top.
    pub pulse: bool,
    /// What happens below 100 columns.
    pub narrow: Narrow,
    /// Rows of panes, top to bottom.
    pub rows: Vec<RowSpec>,
}

/// Panes side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct RowSpec {
    /// Share of the height.
    pub weight: u16,
    /// Panes by index, each with its share of the width.
    pub panes: Vec<(usize, u16)>,
}

impl Views {
    /// The pane of that name.
    pub fn pane(&self, name: &str) -> Option<usize> {
        self.panes.iter().position(|p| p.name == name)
    }

    /// The screen of that name.
    pub fn screen(&self, name: &str) -> Option<usize> {
        self.screens.iter().position(|s| s.name == name)
    }
}

impl ScreenSpec {
    /// Its panes in reading order.
    pub fn panes(&self) -> impl Iterator<Item = usize> + '_ {
        self.rows.iter().flat_map(|row| row.panes.iter().map(|(pane, _)| *pane))
    }
}

/// Roles that have a view, the built-in ones first.
pub fn roles(overrides: &[(String, String)]) -> Vec<String> {
    let mut roles: Vec<String> =
        super::builtin::VIEWS.iter().map(|(name, _)| (*name).to_owned()).filter(|name| name != "base").collect();
    for (name, _) in overrides {
        if name != "base" && !roles.contains(name) {
            roles.push(name.clone());
        }
    }
    roles
}

/// Loads the views of a role. `overrides` are the user's files as (name without `.toml`, text): one of the same name
/// replaces the built-in, any other name is a new role. All problems at once; a caller that gets some keeps what it
/// had, or loads again without overrides.
pub fn load(role: &str, overrides: &[(String, String)]) -> Result<Views, Vec<Problem>> {
    load_with(role, overrides, crate::query::parse)
}
