//! Answers arrive, and what is visible and due is asked for.

use super::super::effect::{Effect, Load};
use super::super::layout;
use super::super::model::{Model, Place};
use super::super::msg::{Msg, Page};
use super::super::pane::{Listing, MOST};
use super::STASH;
use crate::config::view::Of;
use crate::domain::{Dataset, Time};
use crate::present::{Item, silence};
use crate::query::Term;

/// The window of the traffic panes.
const WINDOW_MS: i64 = 15 * 60_000;
/// In how many parts.
const BUCKETS: usize = 30;
/// Most moments of a customer's timeline.
const MOMENTS: i64 = 200;

impl Model {
    /// The store has something newer: everything that is shown should be loaded again.
    pub(super) fn changed(&mut self, revision: i64) {
        if revision <= self.revision {
            return;
        }
        self.revision = revision;
        self.status.touch();
        self.customer.touch();
        for pane in &mut self.panes {
            pane.feed.touch();
        }
    }

    /// An answer: taken in, or kept aside while the picture is frozen.
    pub(super) fn answer(&mut self, msg: Msg, now: Time) {
        let pictured = match slot(&msg) {
            (1, pane) => self.panes.get(pane).is_some_and(|pane| pane.feed.data().is_some()),
            (2, _) => self.status.data().is_some(),
            _ => self.customer.data().is_some(),
        };
        match &mut self.frozen {
            // The load stays in flight until then, so there is at most one answer of each kind.
            Some(frozen) if pictured && frozen.stash.len() < STASH => frozen.stash.push((msg, now)),
            _ => self.land(msg, now),
        }
    }

    /// Takes in what arrived while the picture was frozen.
    pub(super) fn thaw(&mut self) {
        let Some(frozen) = self.frozen.take() else { return };
        for (msg, at) in frozen.stash {
            self.land(msg, at);
        }
    }

    fn land(&mut self, msg: Msg, now: Time) {
        match msg {
            Msg::Rows { pane, request, revision, result } => {
                let Some(of) = self.views().panes.get(pane).map(|spec| spec.of) else { return };
                self.revision = self.revision.max(revision);
                let rows = result.map(|page| self.listing(pane, of, page));
                self.list(pane, request, rows, now);
            }
            Msg::Traffic { pane, request, result } => {
                let rows =
                    result.map(|rows| Listing { items: rows.into_iter().map(Item::Traffic).collect(), total: None });
                self.list(pane, request, rows, now);
            }
            Msg::Found { pane, request, result } => {
                let rows = result.map(|hits| Listing { items: hits.into_iter().map(Item::Hit).collect(), total: None });
                self.list(pane, request, rows, now);
            }
            Msg::Status { request, result } => {
                self.status.land(request, result, now, |_, status| *status);
            }
            Msg::Customer { request, result } => {
                self.customer.land(request, result, now, |_, detail| detail.map(|detail| *detail));
                self.scroll = self.scroll.min(self.moments().saturating_sub(1));
            }
            _ => {}
        }
    }

    /// A page as a pane's rows. Customers that a silent source leaves in the dark are one row until they are asked for.
    fn listing(&mut self, pane: usize, of: Of, page: Page) -> Listing {
        let total = page.total;
        let state = &mut self.panes[pane];
        let asked_for = |term: &Term| matches!(term, Term::Compare(field, ..) if field.name == "class");
        let filter = state.filter.as_ref();
        if of != Of::Dataset(Dataset::Mismatches) || filter.is_some_and(|f| f.expr.terms.iter().any(asked_for)) {
            return Listing { items: Item::rows(of, page.rows), total };
        }
        let loaded = i64::try_from(page.rows.len()).unwrap_or(i64::MAX);
        let cut = total.map_or(loaded >= state.limit, |total| total > loaded);
        let items = silence::fold(page.rows, cut);
        // A fold takes one line of the screen but most of a page: what is settling stands behind it.
        if cut && state.limit < MOST && items.iter().any(|item| matches!(item, Item::Silence(_))) {
            state.limit = (state.limit * 2).min(MOST);
            state.feed.touch();
        }
        Listing { items, total }
    }

    fn list(&mut self, pane: usize, request: u64, rows: Result<Listing, crate::domain::Problem>, now: Time) {
        let Some(state) = self.panes.get_mut(pane) else { return };
        if !state.feed.land(request, rows, now, |_, new| new) {
            return;
        }
        state.refresh_held();
        let height = self.height(pane);
        if let Some(state) = self.panes.get_mut(pane) {
            state.settle(height);
        }
        self.settle();
    }

    /// Moments on the customer screen.
    pub(super) fn moments(&self) -> usize {
        self.detail().map_or(0, |detail| detail.timeline.len())
    }

    /// Whether a pane has something to load at all: an empty find box does not.
    pub(in super::super) fn loads(&self, pane: usize) -> bool {
        self.views().panes[pane].of != Of::Found || !self.find.text().trim().is_empty()
    }

    /// Asks for everything visible that is due.
    pub(super) fn ask(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let due = |when: Option<Time>| when.is_some_and(|when| when <= now);
        let moving = self.frozen.is_none();
        if moving {
            self.status.overdue(now);
        }
        if due(self.status.due()) && (self.awake || self.status.data().is_none()) {
            let request = self.request();
            self.status.start(request, now);
            effects.push(Effect::LoadStatus { request });
        }
        if let Place::Customer(id) = &self.place {
            let id = id.clone();
            if moving {
                self.customer.overdue(now);
            }
            if due(self.customer.due()) && (self.awake || self.customer.data().is_none()) {
                let request = self.request();
                self.customer.start(request, now);
                effects.push(Effect::LoadCustomer { request, id, moments: MOMENTS });
            }
        }
        for placed in layout::plan(self).panes {
            let pane = placed.pane;
            if moving {
                self.panes[pane].feed.overdue(now);
            }
            let feed = &self.panes[pane].feed;
            if self.loads(pane) && due(feed.due()) && (self.awake || feed.data().is_none()) {
                let request = self.request();
                self.panes[pane].feed.start(request, now);
                effects.push(self.query(pane, request));
            }
        }
    }

    fn request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    fn query(&self, pane: usize, request: u64) -> Effect {
        let (spec, state) = (&self.views().panes[pane], &self.panes[pane]);
        match (spec.of, spec.of.dataset()) {
            (Of::Found, _) => {
                Effect::Find { pane, request, text: self.find.text().trim().to_owned(), limit: state.limit }
            }
            (_, Some(dataset)) => {
                let mut expr = spec.filter.clone();
                expr.terms.extend(state.filter.iter().flat_map(|filter| filter.expr.terms.iter().cloned()));
                // Groups are made of rows, so that only their number counts, not how many lie beyond it.
                let count = matches!(spec.of, Of::Dataset(_));
                let query = Load { dataset, expr, sort: state.order(spec), limit: state.limit, offset: 0, count };
                Effect::Load { pane, request, query }
            }
            (_, None) => Effect::LoadTraffic { pane, request, window_ms: WINDOW_MS, buckets: BUCKETS },
        }
    }
}

/// Which thing an answer is about.
const fn slot(msg: &Msg) -> (u8, usize) {
    match msg {
        Msg::Rows { pane, .. } | Msg::Traffic { pane, .. } | Msg::Found { pane, .. } => (1, *pane),
        Msg::Status { .. } => (2, 0),
        _ => (3, 0),
    }
}
