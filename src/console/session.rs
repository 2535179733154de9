//! One sitting at the console: the state machine, its effects, the engine and the terminal, put together.
//!
//! What must stay true: the first frame is drawn from the store before anybody outside is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::Frame;
use tokio::sync::mpsc;

use super::effect::{Desk, Errand};
use super::input;
use super::run_loop::{Face, Flow};
use crate::app::{self, Model, Msg};
use crate::domain::{Problem, Text, Time};
use crate::engine::EngineState;
use crate::ui;

/// Most messages that wait for the screen; who sends more waits.
pub const MESSAGES: usize = 1024;

/// The console's face: [`Model`] behind the loop's [`Face`].
pub struct Session {
    model: Model,
    desk: Arc<Desk>,
}

impl Session {
    /// A sitting over a model; its first loads are started.
    pub fn new(model: Model, desk: Arc<Desk>, now: Time) -> Self {
        let mut session = Self { model, desk };
        let _ = session.take(Msg::Tick, now);
        session
    }

    fn take(&mut self, msg: Msg, now: Time) -> Flow {
        let mut flow = Flow::Redraw;
        for effect in app::update(&mut self.model, msg, now) {
            match self.desk.run(effect) {
                None => {}
                Some(Errand::Quit) => flow = Flow::Quit,
                Some(errand) => flow = flow.also(errand),
            }
        }
        flow
    }
}
