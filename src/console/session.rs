//! One sitting at the console: the state machine and its effects behind the loop's [`Face`].
//!
//! What must stay true: nothing here waits; what the person asks for is started and answered by a message.

use std::sync::Arc;

use crossterm::event::Event;
use ratatui::Frame;

use super::effect::{Desk, Errand};
use super::run_loop::{Face, Flow};
use super::{clipboard, event, terminal};
use crate::app::{self, Model, Msg};
use crate::domain::{Text, Time};
use crate::ui;

/// The console's face.
pub(super) struct Session {
    model: Model,
    desk: Arc<Desk>,
    /// When something happened last: the model's deadline is counted from there.
    now: Time,
}

impl Session {
    /// A sitting over a model; its first loads are started.
    pub(super) fn new(model: Model, desk: Arc<Desk>, now: Time) -> Self {
        let mut session = Self { model, desk, now };
        session.take(Msg::Tick, now);
        session
    }

    fn take(&mut self, msg: Msg, now: Time) -> Flow {
        self.now = now;
        let mut flow = Flow::Redraw;
        for effect in app::update(&mut self.model, msg, now) {
            let Some(errand) = self.desk.run(effect) else { continue };
            match errand {
                Errand::Quit => flow = Flow::Quit,
                Errand::Mouse(on) => terminal::set_mouse(on),
                // Every frame is a whole frame of the model; ctrl-z is the loop's own business.
                Errand::Redraw | Errand::Suspend => {}
                Errand::Copy(text) => {
                    let said = match clipboard::copy(&Text::new(&text)) {
                        Ok(()) => Msg::Said(Text::new("copied (through the terminal, OSC 52)")),
                        Err(problem) => Msg::Banner(problem),
                    };
                    // What is said asks for nothing that could end in another errand of this kind.
                    let _ = app::update(&mut self.model, said, now);
                }
            }
        }
        flow
    }
}

impl Face for Session {
    type Msg = Msg;

    fn input(&mut self, event: Event, now: Time) -> Flow {
        match event::convert(event) {
            Some(input) => self.take(Msg::Input(input), now),
            None => Flow::Same,
        }
    }

    fn message(&mut self, msg: Msg, now: Time) -> Flow {
        self.take(msg, now)
    }

    fn deadline(&self) -> Option<Time> {
        self.model.deadline(self.now)
    }

    fn tick(&mut self, now: Time) -> Flow {
        self.take(Msg::Tick, now)
    }

    fn draw(&mut self, frame: &mut Frame<'_>, now: Time) {
        ui::draw(frame, &self.model, now);
    }
}
