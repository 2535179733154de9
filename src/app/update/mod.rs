//! The one function that changes the model. Each message: change, then ask for whatever visible thing is due.

mod action;
mod data;
mod input;
mod overlay;

use super::effect::Effect;
use super::layout;
use super::model::{Model, Place, Toast, Typing};
use super::msg::Msg;
use crate::config::theme::Tone;
use crate::domain::{Text, Time};

/// How long something is said.
const TOAST_MS: i64 = 4_000;
/// Most complaints that are kept.
const BANNERS: usize = 8;
/// Most places that history keeps.
const HISTORY: usize = 100;
/// Most answers that wait while the picture is frozen.
const STASH: usize = 64;

/// Changes the model by one message and returns what must be done outside.
pub fn update(model: &mut Model, msg: Msg, now: Time) -> Vec<Effect> {
    let mut effects = Vec::new();
    if model.toast.as_ref().is_some_and(|toast| toast.until <= now) {
        model.toast = None;
    }
    match msg {
        Msg::Input(input) => model.input(input, now, &mut effects),
        Msg::Tick => {}
        Msg::Revision(revision) => model.changed(revision),
        Msg::Engine(engine) => model.engine = engine,
        Msg::Said(text) => model.say(text, Tone::Ok, now),
        Msg::Banner(problem) => model.complain(problem),
        Msg::Views(Ok(views)) => model.take_views(*views),
        Msg::Theme(Ok(theme)) => model.setup.theme = *theme,
        Msg::Views(Err(problems)) | Msg::Theme(Err(problems)) => {
            problems.into_iter().for_each(|problem| model.complain(problem));
        }
        answer => model.answer(answer, now),
    }
    model.ask(now, &mut effects);
    effects
}

impl Model {
    /// Says something for a moment.
    pub(super) fn say(&mut self, text: impl Into<Text>, tone: Tone, now: Time) {
        self.toast = Some(Toast { text: text.into(), tone, until: now.plus_ms(TOAST_MS) });
    }

    /// Says something until it is put away.
    pub(super) fn complain(&mut self, problem: crate::domain::Problem) {
        if self.banners.contains(&problem) {
            return;
        }
        if self.banners.len() == BANNERS {
            self.banners.remove(0);
        }
        self.banners.push(problem);
    }

    /// Goes somewhere, remembering where we were.
    pub(super) fn go(&mut self, place: Place) {
        if self.place == place {
            return;
        }
        let old = std::mem::replace(&mut self.place, place);
        self.back.push(old);
        if self.back.len() > HISTORY {
            self.back.remove(0);
        }
        self.forward.clear();
        self.arrived();
    }

    /// What opening a place brings with it.
    pub(super) fn arrived(&mut self) {
        self.typing = None;
        self.overlay = None;
        match &self.place {
            Place::Customer(_) => {
                self.customer.forget();
                self.scroll = 0;
            }
            Place::Screen(_) => {
                if self.find_pane().is_some() && self.find.text().is_empty() {
                    self.typing = Some(Typing::Find);
                }
            }
        }
    }

    /// Takes another role's views, or the same ones edited. Panes of the same name keep what they show.
    fn take_views(&mut self, views: crate::config::view::Views) {
        let same = views.role == self.setup.views.role;
        let here = self.screen().map(|s| s.name.clone()).unwrap_or_default();
        let mut old: Vec<_> =
            self.setup.views.panes.iter().cloned().zip(std::mem::take(&mut self.panes)).map(Some).collect();
        self.panes = views
            .panes
            .iter()
            .map(|spec| {
                let kept = old.iter_mut().find(|o| o.as_ref().is_some_and(|(o, _)| o == spec));
                kept.and_then(Option::take).map_or_else(|| super::pane::Pane::new(spec), |(_, pane)| pane)
            })
            .collect();
        // A load in flight carries the index of its pane: after the order changed its answer must not be taken.
        for pane in &mut self.panes {
            pane.feed.lose();
        }
        let at = if same { views.screen(&here).unwrap_or(views.first) } else { views.first };
        self.focus = vec![0; views.screens.len()];
        self.setup.views = views;
        self.back.clear();
        self.forward.clear();
        self.place = Place::Screen(at);
        self.arrived();
        self.settle();
    }

    /// Scrolls every visible pane so that its cursor is on the screen.
    pub(super) fn settle(&mut self) {
        for placed in layout::plan(self).panes {
            self.panes[placed.pane].scroll(placed.body.h.into());
        }
    }

    /// Rows of a pane that are on the screen.
    pub(super) fn height(&self, pane: usize) -> usize {
        let plan = layout::plan(self);
        plan.panes.iter().find(|placed| placed.pane == pane).map_or(1, |placed| placed.body.h.into())
    }
}
