//! Random lives: whatever comes, in whatever order, nothing breaks, and what was recorded can be played again.

use std::collections::BTreeSet;

use proptest::prelude::*;
use trueup::app::command::TABLE;
use trueup::app::{Effect, Engine, Input, Key, Loadable, Model, Msg, Page, Pointer, Press, update};
use trueup::config::{theme, view};
use trueup::domain::{Problem, Time};

use crate::fixture::{self, World, answer, at, parse, setup};

#[derive(Clone, Debug)]
enum Step {
    Key(Press),
    Paste(String),
    Resize(u16, u16),
    Focus(bool),
    Point(u8, u16, u16),
    /// Answers one of the loads in flight, from some world.
    Answer(usize, u8),
    Revision,
    Pass(u16),
    Views(u8),
    Theme(u8),
    Banner,
    Engine(u8),
    /// Delivers an answer that nobody asked for.
    Stray(u8, u64),
}

fn key() -> impl Strategy<Value = Press> {
    let named = vec![
        Key::Enter,
        Key::Esc,
        Key::Tab,
        Key::BackTab,
        Key::Backspace,
        Key::Delete,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::Home,
        Key::End,
        Key::PageUp,
        Key::PageDown,
        Key::F(1),
    ];
    prop_oneof![
        4 => proptest::sample::select(TABLE.iter().flat_map(|s| s.keys.iter().map(|k| parse(k))).collect::<Vec<_>>()),
        2 => proptest::sample::select(named).prop_map(Press::of),
        1 => any::<char>().prop_map(Press::char),
        1 => proptest::char::range('a', 'z').prop_map(Press::ctrl),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => key().prop_map(Step::Key),
        1 => any::<String>().prop_map(Step::Paste),
        2 => (0_u16..301, 0_u16..91).prop_map(|(w, h)| Step::Resize(w, h)),
        1 => any::<bool>().prop_map(Step::Focus),
        2 => (0_u8..3, 0_u16..300, 0_u16..90).prop_map(|(p, x, y)| Step::Point(p, x, y)),
        16 => (any::<usize>(), 0_u8..5).prop_map(|(n, world)| Step::Answer(n, world)),
        4 => Just(Step::Revision),
        6 => any::<u16>().prop_map(Step::Pass),
        1 => (0_u8..4).prop_map(Step::Views),
        1 => (0_u8..6).prop_map(Step::Theme),
        1 => Just(Step::Banner),
        1 => (0_u8..4).prop_map(Step::Engine),
        1 => (any::<u8>(), any::<u64>()).prop_map(|(p, r)| Step::Stray(p, r)),
    ]
}

struct Life {
    model: Model,
    now: Time,
    flying: Vec<Effect>,
    log: Vec<(Msg, Time)>,
}

impl Life {
    fn new() -> Self {
        Self { model: Model::new(setup("engineer", (120, 36))), now: at(0), flying: Vec::new(), log: Vec::new() }
    }

    fn send(&mut self, msg: Msg) {
        self.log.push((msg.clone(), self.now));
        for effect in update(&mut self.model, msg, self.now) {
            if let Effect::Load { query, .. } = &effect {
                assert!((1..=2000).contains(&query.limit));
            }
            if !matches!(
                effect,
                Effect::Load { .. }
                    | Effect::LoadTraffic { .. }
                    | Effect::Find { .. }
                    | Effect::LoadStatus { .. }
                    | Effect::LoadCustomer { .. }
            ) {
                continue;
            }
            self.flying.push(effect);
        }
    }

    fn step(&mut self, step: Step) {
        let worlds = [World::Full, World::Empty, World::Broken, World::Hostile, World::Full];
        match step {
            Step::Key(press) => self.send(Msg::Input(Input::Press(press))),
            Step::Paste(text) => self.send(Msg::Input(Input::Paste(text))),
            Step::Resize(w, h) => self.send(Msg::Input(Input::Resize(w, h))),
            Step::Focus(on) => self.send(Msg::Input(Input::Focus(on))),
            Step::Point(p, x, y) => {
                let what = [Pointer::Click, Pointer::WheelUp, Pointer::WheelDown][usize::from(p) % 3];
                self.send(Msg::Input(Input::Pointer(what, x, y)));
            }
            Step::Answer(n, world) => {
                if self.flying.is_empty() {
                    return;
                }
                let effect = self.flying.remove(n % self.flying.len());
                if let Some(msg) = answer(&effect, worlds[usize::from(world)]) {
                    self.send(msg);
                }
            }
            Step::Revision => self.send(Msg::Revision(self.model.revision + 1)),
            Step::Pass(ms) => {
                self.now = self.now.plus_ms(i64::from(ms));
                self.send(Msg::Tick);
            }
            Step::Views(n) => {
                let role = ["founder", "support", "engineer", "nobody"][usize::from(n) % 4];
                // A load in flight for the old views may still be answered: it must not be taken for a new one.
                self.send(Msg::Views(view::load(role, &[]).map(Box::new)));
            }
            Step::Theme(n) => {
                let name = theme::names().nth(usize::from(n)).unwrap_or("none");
                self.send(Msg::Theme(theme::load(name, &[]).map(Box::new)));
            }
            Step::Banner => self.send(Msg::Banner(Problem::usage("something").hint("do this"))),
            Step::Engine(n) => {
                let engine =
                    [Engine::Here, Engine::Starting, Engine::Elsewhere("b".into()), Engine::Nobody("no".into())];
                self.send(Msg::Engine(engine[usize::from(n) % 4].clone()));
            }
            Step::Stray(pane, request) => {
                let result = Ok(Page { rows: fixture::rows(trueup::domain::Dataset::Jobs, World::Full), total: None });
                self.send(Msg::Rows { pane: pane.into(), request: request | 1 << 40, revision: 0, result });
            }
        }
        self.check();
    }

    fn check(&self) {
        for pane in &self.model.panes {
            let keys: BTreeSet<_> = pane.items().iter().map(|item| item.key()).collect();
            if let Some(cursor) = &pane.cursor {
                assert!(keys.contains(cursor), "the cursor is on a row that is not there");
            }
            assert!(pane.top <= pane.items().len().saturating_sub(1), "scrolled past the end");
            if let Some(index) = pane.index() {
                assert!(index < pane.items().len());
            }
            assert!(!matches!(&pane.feed.shown, Loadable::Stale { data, .. } if data.items.len() > 2000));
        }
        assert!(self.model.banners.len() <= 8);
        if let Some(next) = self.model.deadline(self.now) {
            assert!(next > self.now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_thousand_random_messages_break_nothing(steps in prop::collection::vec(step(), 1000)) {
        let mut life = Life::new();
        life.send(Msg::Tick);
        for (n, step) in steps.into_iter().enumerate() {
            life.step(step);
            if n % 40 == 0 {
                let screen = fixture::screen(&life.model, life.now);
                let (w, h) = life.model.size;
                prop_assert!(w < 10 || h < 1 || screen.lines().next().unwrap_or("").contains("PRODUCTION"), "{}x{}\n{}", w, h, screen);
            }
        }
    }

    #[test]
    fn a_recording_that_is_played_again_ends_the_same(steps in prop::collection::vec(step(), 300)) {
        let mut life = Life::new();
        for step in steps {
            life.step(step);
        }
        let mut again = Model::new(setup("engineer", (120, 36)));
        for (msg, now) in life.log {
            update(&mut again, msg, now);
        }
        prop_assert_eq!(format!("{:?}", again), format!("{:?}", life.model));
    }
}
