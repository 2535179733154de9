//! When time alone changes what is on the screen, or something is due: the only timer of the console. Idle is asleep.

use super::layout;
use super::loadable::{Feed, Loadable, whole_minute};
use super::model::{Model, Place};
use crate::config::view::Format;
use crate::domain::{Time, Value};
use crate::present::format::{age_changes_in, left_changes_in};

impl Model {
    /// The earliest moment at which [`super::update`] with `Msg::Tick`, or drawing again, would make a difference;
    /// `None`: never, until something happens. Not earlier than a hundredth of a second from now.
    pub fn deadline(&self, now: Time) -> Option<Time> {
        let plan = layout::plan(self);
        let mut first: Option<Time> = None;
        let mut at = |when: Time| first = Some(first.map_or(when, |first| first.min(when)));
        // What is due.
        let mut due = |load: Option<Time>, speaks: Option<Time>| {
            for when in [load, speaks].into_iter().flatten() {
                at(when);
            }
        };
        let feed = |f: &Feed<_>| (f.due().filter(|_| self.awake || f.data().is_none()), f.speaks_at());
        for placed in &plan.panes {
            let (load, speaks) = feed(&self.panes[placed.pane].feed);
            due(load.filter(|_| self.loads(placed.pane)), speaks.filter(|when| *when > now));
        }
        due(self.status.due().filter(|_| self.awake), self.status.speaks_at().filter(|when| *when > now));
        if matches!(self.place, Place::Customer(_)) {
            due(self.customer.due().filter(|_| self.awake), self.customer.speaks_at().filter(|when| *when > now));
        }
        if let Some(toast) = &self.toast {
            at(toast.until);
        }
        // What reads differently. A frozen picture does not; without the focus only minutes count.
        if self.frozen.is_none() {
            // What is older than a minute changes on a common beat, so that many rows cost one wake-up.
            let beat = |when: Time, slow: bool| if slow || !self.awake { whole_minute(when) } else { when };
            let mut age = |t: Time| {
                let old = now.since(t);
                at(beat(now.plus_ms(age_changes_in(old)), old >= 60_000));
            };
            if let Some(seen) = self.status.data().and_then(|s| s.seen_at) {
                age(seen);
            }
            if let Some(oldest) = self.status.data().and_then(|s| s.jobs.oldest_at) {
                age(oldest);
            }
            for placed in &plan.panes {
                let pane = &self.panes[placed.pane];
                if let Loadable::Stale { at, .. } = &pane.feed.shown {
                    age(*at);
                }
                let columns = pane.columns(&self.views().panes[placed.pane]);
                for item in pane.items().iter().skip(pane.top).take(placed.body.h.into()) {
                    for column in columns.iter().filter(|c| matches!(c.format, Format::Age | Format::Next)) {
                        if let Value::Time(t) = item.value(column.field.name)
                            && t <= now
                        {
                            age(t);
                        }
                    }
                }
            }
            for view in self.detail().iter().flat_map(|detail| &detail.customer.systems) {
                if let Some(seen) = view.seen_at {
                    age(seen);
                }
            }
            if self.detail().is_some_and(|d| !d.mismatches.is_empty()) {
                at(whole_minute(now.plus_ms(1)));
            }
            for ahead in self.countdowns(&plan, now) {
                if let Some(ms) = left_changes_in(ahead.since(now)) {
                    at(beat(now.plus_ms(ms), false));
                }
            }
        }
        first.map(|when| when.max(now.plus_ms(10)))
    }

    /// Moments ahead that the screen counts down to.
    fn countdowns(&self, plan: &layout::Plan, now: Time) -> Vec<Time> {
        let mut out = Vec::new();
        for placed in &plan.panes {
            let pane = &self.panes[placed.pane];
            match &pane.feed.shown {
                Loadable::Stale { next: Some(next), .. } | Loadable::Failed { next, .. } => out.push(*next),
                _ => {}
            }
            let next = pane.columns(&self.views().panes[placed.pane]).into_iter().find(|c| c.format == Format::Next);
            for item in pane.items().iter().skip(pane.top).take(placed.body.h.into()) {
                out.extend(item.settles_at());
                if let Some(column) = next
                    && let Value::Time(t) = item.value(column.field.name)
                {
                    out.push(t);
                }
            }
        }
        out.extend(self.detail().and_then(|d| d.mismatches.first()?.settles_at));
        out.retain(|t| *t > now);
        out
    }
}
