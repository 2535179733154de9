//! Keys while something floats: they act on it alone.

use super::super::effect::Effect;
use super::super::input::{Key, Press};
use super::super::model::{Model, Place};
use super::super::overlay::{Act, Overlay};
use super::super::palette;
use crate::config::theme::Tone;
use crate::domain::Time;

impl Model {
    pub(super) fn press_overlay(&mut self, press: Press, now: Time, effects: &mut Vec<Effect>) {
        if press.key == Key::Esc {
            self.overlay = None;
            return;
        }
        let by: isize = match (press.key, press.ctrl) {
            (Key::Down, _) | (Key::Char('n'), true) => 1,
            (Key::Up, _) | (Key::Char('p'), true) => -1,
            (Key::PageDown, _) | (Key::Char('d'), true) => 8,
            (Key::PageUp, _) => -8,
            _ => 0,
        };
        match self.overlay.take() {
            Some(Overlay::Help { mut entry, mut top }) => {
                if press.key == Key::Enter {
                    return;
                }
                let rows = palette::help(self, entry.text()).len();
                if by != 0 {
                    top = top.saturating_add_signed(by).min(rows.saturating_sub(1));
                } else if entry.press(press) {
                    top = 0;
                }
                self.overlay = Some(Overlay::Help { entry, top });
            }
            Some(Overlay::Palette { mut entry, mut at }) => {
                let choices = palette::choices(self, entry.text());
                if press.key == Key::Enter {
                    if let Some(choice) = choices.into_iter().nth(at) {
                        self.act(choice.act, now, effects);
                    }
                    return;
                }
                if by != 0 {
                    at = at.saturating_add_signed(by).min(choices.len().saturating_sub(1));
                } else if entry.press(press) {
                    at = 0;
                }
                self.overlay = Some(Overlay::Palette { entry, at });
            }
            Some(Overlay::Menu { title, items, mut at, stays }) => {
                let by = match press.key {
                    Key::Char('j') => 1,
                    Key::Char('k') => -1,
                    _ => by,
                };
                at = at.saturating_add_signed(by).min(items.len().saturating_sub(1));
                let chosen = match press.key {
                    Key::Enter | Key::Char(' ') => items.get(at).cloned(),
                    Key::Char('q') => return,
                    _ => None,
                };
                if chosen.is_none() || stays {
                    self.overlay = Some(Overlay::Menu { title, items, at, stays });
                }
                if let Some(choice) = chosen {
                    if choice.refused {
                        self.say(choice.detail, Tone::Warn, now);
                    } else {
                        self.act(choice.act, now, effects);
                    }
                }
            }
            Some(Overlay::Fields { title, row, top }) => {
                let by = match press.key {
                    Key::Char('j') => 1,
                    Key::Char('k') => -1,
                    Key::Char('q') | Key::Enter => return,
                    // What the row is about can be copied and opened from here as well.
                    Key::Char('y') => return self.act(Act::Run(super::super::Command::Copy), now, effects),
                    Key::Char('o') => return self.act(Act::Run(super::super::Command::Browse), now, effects),
                    Key::Char('M') => {
                        self.masked = !self.masked;
                        0
                    }
                    _ => by,
                };
                let last = row.dataset().fields().len();
                self.overlay = Some(Overlay::Fields { title, row, top: top.saturating_add_signed(by).min(last) });
            }
            None => {}
        }
    }

    fn act(&mut self, act: Act, now: Time, effects: &mut Vec<Effect>) {
        match act {
            Act::Run(command) => self.run(command, now, effects),
            Act::Screen(at) => self.go(Place::Screen(at)),
            Act::Copy(text) => effects.push(Effect::Copy(text)),
            Act::Open(url) => effects.push(Effect::OpenUrl(url)),
            Act::Theme(name) => effects.push(Effect::LoadTheme(name)),
            Act::Role(name) => effects.push(Effect::LoadViews(name)),
            Act::Column(at) => self.switch_column(at, now),
            Act::Sort(name) => {
                let field = self.focus_index().and_then(|pane| self.dataset(pane)).and_then(|d| d.field(name));
                if let Some(field) = field {
                    self.order(crate::query::Sort { field, descending: false }, now);
                }
            }
            Act::Nothing => {}
        }
    }
}
