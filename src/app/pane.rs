//! A pane's own state: its rows, the cursor as a row key, follow and hold, filter, sort, columns, marks.
//!
//! What must stay true: a cursor names a row that is there, or nothing; rows that arrive above never move the row
//! under the cursor on the screen while there is room to keep it.

use std::collections::BTreeSet;

use super::loadable::Feed;
use crate::config::view::{Column, PaneSpec};
use crate::domain::Text;
use crate::present::Item;
use crate::query::{Expr, Sort};

/// Most rows that a pane keeps: beyond this a filter is the better tool.
pub const MOST: i64 = 2000;

/// The rows of a pane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The rows, in order.
    pub items: Vec<Item>,
    /// How many there are in all, where the store said.
    pub total: Option<i64>,
}

/// A filter that a person typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// As typed.
    pub text: String,
    /// As understood.
    pub expr: Expr,
}

/// A pane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pane {
    /// The rows and their loading.
    pub feed: Feed<Listing>,
    /// A live tail stops moving while somebody reads it: these rows are shown then.
    pub held: Option<Listing>,
    /// The row under the cursor; `None`: the first one, whichever it is.
    pub cursor: Option<Text>,
    /// Where the cursor's row stood when it was last seen.
    at: usize,
    /// First row drawn.
    pub top: usize,
    /// A person's filter, on top of the view's own.
    pub filter: Option<Filter>,
    /// A person's order, in place of the view's own.
    pub sort: Option<Sort>,
    /// Columns that a person switched against the view.
    pub switched: BTreeSet<usize>,
    /// Marked rows.
    pub marked: BTreeSet<Text>,
    /// How many rows are asked for.
    pub limit: i64,
}

impl Pane {
    /// A pane that has shown nothing yet.
    pub fn new(spec: &PaneSpec) -> Self {
        Self { limit: spec.limit, ..Self::default() }
    }

    /// The rows on the screen.
    pub fn items(&self) -> &[Item] {
        match &self.held {
            Some(held) => &held.items,
            None => self.feed.data().map_or(&[], |listing| &listing.items),
        }
    }

    /// The index of the row under the cursor; `None` when there is no row.
    pub fn index(&self) -> Option<usize> {
        let len = self.items().len();
        (len > 0).then(|| if self.cursor.is_none() { 0 } else { self.at.min(len - 1) })
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&Item> {
        self.items().get(self.index()?)
    }

    /// Rows that arrived since the tail was stopped, and whether there may be more.
    pub fn newer(&self) -> Option<i64> {
        let (held, latest) = (self.held.as_ref()?, self.feed.data()?);
        if let (Some(then), Some(now)) = (held.total, latest.total) {
            return Some((now - then).max(0));
        }
        let known: BTreeSet<Text> = held.items.iter().map(Item::key).collect();
        i64::try_from(latest.items.iter().filter(|item| !known.contains(&item.key())).count()).ok()
    }

    /// Puts the cursor on a row and scrolls so that it is among the `height` rows drawn.
    pub fn put(&mut self, index: usize, height: usize) {
        let len = self.items().len();
        if len == 0 {
            (self.cursor, self.at, self.top) = (None, 0, 0);
            return;
        }
        self.at = index.min(len - 1);
        self.cursor = self.items().get(self.at).map(Item::key);
        self.scroll(height);
    }

    /// Keeps the cursor among the rows drawn, and no blank below the last row while rows are hidden above.
    pub fn scroll(&mut self, height: usize) {
        let len = self.items().len();
        let Some(index) = self.index() else {
            self.top = 0;
            return;
        };
        let height = height.max(1);
        self.top = self.top.min(index).max((index + 1).saturating_sub(height)).min(len.saturating_sub(height));
    }

    /// After new rows came: finds the cursor's row again, or the one that took its place.
    pub fn settle(&mut self, height: usize) {
        if let Some(key) = &self.cursor {
            let items = self.items();
            let moved_to = match items.get(self.at) {
                Some(item) if item.key() == *key => Some(self.at),
                _ => items.iter().position(|item| item.key() == *key),
            };
            let line = self.at.saturating_sub(self.top);
            match moved_to {
                Some(index) => {
                    self.at = index;
                    self.top = index.saturating_sub(line);
                }
                None => return self.put(self.at, height),
            }
        } else {
            self.at = 0;
            self.top = 0;
        }
        self.scroll(height);
    }

    /// Stops a live tail: what is on the screen stays.
    pub fn hold(&mut self) {
        if self.held.is_none() {
            self.held = self.feed.data().cloned();
        }
    }

    /// Lets a live tail run again, from its newest row.
    pub fn follow(&mut self) {
        self.held = None;
        (self.cursor, self.at, self.top) = (None, 0, 0);
    }

    /// Drops stopped rows because the question changed; the cursor was on one of them.
    pub fn release(&mut self) {
        if self.held.is_some() {
            self.follow();
        }
    }

    /// In a stopped tail, brings what changed about the rows shown.
    pub fn refresh_held(&mut self) {
        let (Some(held), Some(latest)) = (&mut self.held, self.feed.data()) else { return };
        let mut news: std::collections::BTreeMap<Text, &Item> =
            latest.items.iter().map(|item| (item.key(), item)).collect();
        for item in &mut held.items {
            if let Some(new) = news.remove(&item.key()) {
                item.clone_from(new);
            }
        }
    }

    /// The columns that are shown now.
    pub fn columns<'s>(&self, spec: &'s PaneSpec) -> Vec<&'s Column> {
        let shown = |(at, column): &(usize, &Column)| column.hidden == self.switched.contains(at);
        spec.columns.iter().enumerate().filter(shown).map(|(_, column)| column).collect()
    }

    /// The order that holds now.
    pub fn order(&self, spec: &PaneSpec) -> Option<Sort> {
        self.sort.or(spec.sort)
    }
}
