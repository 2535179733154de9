//! What a person does: keys go to what floats, then to what is typed, then to the command table.

use super::super::command;
use super::super::effect::Effect;
use super::super::input::{Input, Key, Pointer, Press};
use super::super::layout;
use super::super::model::{Model, Typing};
use super::super::overlay::Overlay;
use super::super::pane::Filter;
use crate::config::theme::Tone;
use crate::config::view::Of;
use crate::domain::Time;

/// Rows that a turn of the wheel moves.
const WHEEL: isize = 3;

impl Model {
    pub(super) fn input(&mut self, input: Input, now: Time, effects: &mut Vec<Effect>) {
        match input {
            Input::Press(press) => self.press(press, now, effects),
            Input::Paste(text) => self.paste(&text, now),
            Input::Resize(columns, rows) => {
                self.size = (columns, rows);
                self.settle();
            }
            Input::Focus(awake) => self.awake = awake,
            Input::Pointer(pointer, x, y) => self.pointer(pointer, x, y, now, effects),
        }
    }

    fn press(&mut self, press: Press, now: Time, effects: &mut Vec<Effect>) {
        // This always leaves, whatever floats or is typed.
        if press == Press::ctrl('c') {
            return effects.push(Effect::Quit);
        }
        if self.overlay.is_some() {
            return self.press_overlay(press, now, effects);
        }
        match self.typing.take() {
            Some(Typing::Filter { pane, entry, .. }) => return self.press_filter(pane, entry, press),
            Some(Typing::Find) if self.press_find(press) => return,
            Some(Typing::Find) | None => {}
        }
        match command::of_key(&press.name()) {
            Some(command) => self.run(command, now, effects),
            None => self.say("that key does nothing here; ? shows every key", Tone::Unknown, now),
        }
    }

    fn press_filter(&mut self, pane: usize, mut entry: super::super::entry::Entry, press: Press) {
        match press.key {
            Key::Esc => {
                self.filter(pane, "");
            }
            Key::Enter => {
                let text = entry.text().to_owned();
                if let Some(problem) = self.filter(pane, &text) {
                    self.typing = Some(Typing::Filter { pane, entry, problem: Some(problem) });
                }
            }
            _ => {
                entry.press(press);
                let text = entry.text().to_owned();
                let problem = self.filter(pane, &text);
                self.typing = Some(Typing::Filter { pane, entry, problem });
            }
        }
    }

    /// Takes a filter while it is typed; what cannot be read leaves the last one that could.
    pub(super) fn filter(&mut self, pane: usize, text: &str) -> Option<crate::domain::Problem> {
        let dataset = self.dataset(pane)?;
        let text = text.trim();
        let filter = if text.is_empty() {
            None
        } else {
            match (self.setup.parse)(dataset, text) {
                Ok(expr) => Some(Filter { text: text.to_owned(), expr }),
                Err(problem) => return Some(problem),
            }
        };
        let state = self.panes.get_mut(pane)?;
        if state.filter != filter {
            state.filter = filter;
            state.release();
            state.feed.ask_anew();
        }
        None
    }

    /// `false`: the key leaves the box and is a command.
    fn press_find(&mut self, press: Press) -> bool {
        match press.key {
            Key::Esc => {}
            Key::Enter | Key::Down | Key::Tab => {
                if let Some(pane) = self.find_pane() {
                    self.focus_pane(pane);
                }
                // A single hit is what was looked for: open it. Otherwise the person chooses.
                return !(press.key == Key::Enter && self.focused().is_some_and(|(_, p)| p.items().len() == 1));
            }
            // Half pages, the palette and redrawing stay commands while something is typed.
            Key::Char('d' | 'l' | 'p' | 'z') if press.ctrl => {
                self.typing = Some(Typing::Find);
                return false;
            }
            Key::PageDown | Key::PageUp | Key::Up | Key::BackTab | Key::F(_) => return false,
            _ => {
                let before = self.find.text().to_owned();
                self.find.press(press);
                self.typing = Some(Typing::Find);
                if before != self.find.text() {
                    self.sought();
                }
            }
        }
        true
    }

    /// The find box holds something else now.
    fn sought(&mut self) {
        let Some(pane) = self.find_pane() else { return };
        let empty = self.find.text().trim().is_empty();
        let state = &mut self.panes[pane];
        state.cursor = None;
        state.settle(1);
        if empty { state.feed.forget() } else { state.feed.ask_anew() }
    }

    /// Pasted text is data: it goes into what is typed, or nowhere.
    fn paste(&mut self, text: &str, now: Time) {
        match (&mut self.overlay, &mut self.typing) {
            (Some(Overlay::Help { entry, top: at } | Overlay::Palette { entry, at }), _) => {
                entry.paste(text);
                *at = 0;
            }
            (None, Some(Typing::Filter { pane, entry, .. })) => {
                entry.paste(text);
                let (pane, typed) = (*pane, entry.text().to_owned());
                let complaint = self.filter(pane, &typed);
                if let Some(Typing::Filter { problem, .. }) = &mut self.typing {
                    *problem = complaint;
                }
            }
            (None, Some(Typing::Find)) => {
                self.find.paste(text);
                self.sought();
            }
            _ => self.say("pasted text is only taken where something is typed", Tone::Unknown, now),
        }
    }

    fn pointer(&mut self, pointer: Pointer, x: u16, y: u16, now: Time, effects: &mut Vec<Effect>) {
        if self.overlay.is_some() {
            if pointer == Pointer::Click {
                return;
            }
            let key = if pointer == Pointer::WheelUp { Key::Up } else { Key::Down };
            return self.press_overlay(Press::of(key), now, effects);
        }
        let plan = layout::plan(self);
        if plan.customer.is_some() {
            match pointer {
                Pointer::WheelUp => self.step(-WHEEL),
                Pointer::WheelDown => self.step(WHEEL),
                Pointer::Click => {}
            }
            return;
        }
        if pointer == Pointer::Click && plan.find.is_some_and(|find| find.holds(x, y)) {
            self.typing = Some(Typing::Find);
            return;
        }
        let Some(placed) = plan.panes.iter().find(|placed| placed.area.holds(x, y)) else { return };
        self.typing = None;
        self.focus_pane(placed.pane);
        match pointer {
            Pointer::WheelUp => self.step(-WHEEL),
            Pointer::WheelDown => self.step(WHEEL),
            Pointer::Click if placed.body.holds(x, y) => {
                let row = self.panes[placed.pane].top + usize::from(y - placed.body.y);
                if row < self.panes[placed.pane].items().len() {
                    self.stop_following(placed.pane);
                    self.panes[placed.pane].put(row, placed.body.h.into());
                }
            }
            Pointer::Click => {}
        }
    }

    /// Gives a pane the focus.
    pub(super) fn focus_pane(&mut self, pane: usize) {
        let at = self.screen_index();
        let position = self.views().screens.get(at).and_then(|screen| screen.panes().position(|p| p == pane));
        if let (Some(position), Some(focus)) = (position, self.focus.get_mut(at)) {
            *focus = position;
        }
        self.settle();
    }

    /// A live tail stops while somebody moves in it.
    pub(super) fn stop_following(&mut self, pane: usize) {
        if self.views().panes.get(pane).is_some_and(|spec| spec.follow && matches!(spec.of, Of::Dataset(_))) {
            self.panes[pane].hold();
        }
    }
}
