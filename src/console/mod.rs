//! The interactive process: terminal, loop, effects, and the engine beside them.
//!
//! What must stay true: the first frame is drawn from the store before anybody outside is asked; leaving gives the
//! terminal and the lease back.

pub mod clipboard;
mod decode;
pub mod effect;
mod event;
mod input;
mod panics;
pub mod run_loop;
mod session;
mod signals;
pub mod terminal;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{mpsc, watch};

use self::effect::Desk;
use self::session::Session;
use crate::app::{self, Model, Msg, Setup};
use crate::config::{Settings, theme, view};
use crate::domain::{Problem, Text};
use crate::engine::{self, Clock, Engine, EngineState};
use crate::store::Store;

/// Most messages that wait for the screen; who sends more waits.
const MESSAGES: usize = 1024;

/// What a sitting starts with.
pub struct Opening {
    /// The profile.
    pub settings: Settings,
    /// Its store.
    pub store: Store,
    /// `founder`, `support` or `engineer`.
    pub role: String,
    /// The theme's name.
    pub theme: String,
    /// Only ASCII may be drawn.
    pub ascii: bool,
    /// The simulated company.
    pub demo: bool,
    /// The user's own view files: name and text.
    pub views: Vec<(String, String)>,
    /// The user's own theme files: name and text.
    pub themes: Vec<(String, String)>,
    /// How the environment is read.
    pub env: fn(&str) -> Option<String>,
}

/// Opens the console and returns when the person has left, with how it ended.
///
/// # Errors
/// Broken views or themes, or a terminal that cannot be used.
pub async fn open(opening: Opening) -> Result<run_loop::ExitReason, Vec<Problem>> {
    let clock = engine::wall_clock();
    let Opening { settings, store, .. } = &opening;
    let (views, complaints) = views(&opening)?;
    let theme = theme::load(&opening.theme, &opening.themes)?;
    let mut setup = Setup::new(settings.name.as_str(), settings.environment, views, theme);
    setup.ascii = opening.ascii;
    setup.demo = opening.demo;
    setup.roles = view::roles(&opening.views);
    setup.offset_s = chrono::Local::now().offset().local_minus_utc();
    setup.size = crossterm::terminal::size().unwrap_or((80, 24));
    let (messages, inbox) = mpsc::channel(MESSAGES);
    let running: Arc<Mutex<Option<Engine>>> = Arc::default();
    let desk = Arc::new(Desk {
        store: store.clone(),
        messages: messages.clone(),
        clock: Arc::clone(&clock),
        name: settings.name.clone(),
        environment: settings.environment,
        untold: OnceLock::new(),
        views: opening.views.clone(),
        themes: opening.themes.clone(),
        recheck: recheck(&running),
    });
    for problem in complaints {
        let _ = messages.try_send(Msg::Banner(problem));
    }
    let session = Session::new(Model::new(setup), Arc::clone(&desk), clock());
    let revisions = tokio::spawn(follow(store.subscribe(), messages.clone()));
    let beside =
        tokio::spawn(collect(opening_parts(&opening), desk, Arc::clone(&running), messages, Arc::clone(&clock)));
    let options = run_loop::Options { mouse: false, worker_panic: Some(worker_panicked) };
    let ended = run_loop::run(session, inbox, options).await;
    revisions.abort();
    beside.abort();
    let engine = running.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(engine) = engine {
        engine.stop().await;
    }
    ended.map_err(|problem| vec![problem])
}

/// What the screen says when a worker panicked: the screen itself goes on.
fn worker_panicked(words: Text) -> Msg {
    Msg::Banner(Problem::bug("a part of trueup failed and was stopped").why(words).hint("the log file has the details"))
}

/// The role's views; a user's broken file is a complaint, and the built-in views are used instead.
fn views(opening: &Opening) -> Result<(view::Views, Vec<Problem>), Vec<Problem>> {
    match view::load(&opening.role, &opening.views) {
        Ok(views) => Ok((views, Vec::new())),
        Err(problems) if opening.views.is_empty() => Err(problems),
        Err(problems) => view::load(&opening.role, &[]).map(|views| (views, problems)),
    }
}

fn recheck(running: &Arc<Mutex<Option<Engine>>>) -> Arc<dyn Fn() -> bool + Send + Sync> {
    let running = Arc::clone(running);
    Arc::new(move || {
        let engine = running.lock().unwrap_or_else(PoisonError::into_inner);
        let here = engine.as_ref().filter(|engine| *engine.state().borrow() == EngineState::Working);
        here.inspect(|engine| engine.recheck()).is_some()
    })
}

type Parts = (Settings, Store, fn(&str) -> Option<String>);

fn opening_parts(opening: &Opening) -> Parts {
    (opening.settings.clone(), opening.store.clone(), opening.env)
}

/// Makes the sources (a keyring may take its time), starts the engine, and tells who collects.
async fn collect(
    (settings, store, env): Parts,
    desk: Arc<Desk>,
    running: Arc<Mutex<Option<Engine>>>,
    messages: mpsc::Sender<Msg>,
    clock: Clock,
) {
    let built = engine::build::sources(&settings, &env).await;
    let untold: BTreeMap<_, _> = built
        .iter()
        .filter_map(|(system, source)| {
            let why = source.as_ref().ok()?.capabilities().deliveries_unknown?;
            Some((*system, why))
        })
        .collect();
    let _ = desk.untold.set(untold);
    let engine = Engine::start(store, settings, built, clock, engine::holder::this_process());
    let mut state = engine.state();
    *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(engine);
    loop {
        let told = match &*state.borrow_and_update() {
            EngineState::Starting => app::Engine::Starting,
            EngineState::Working => app::Engine::Here,
            EngineState::Watching(holder) => app::Engine::Elsewhere(holder.clone()),
            EngineState::Halted(why) => app::Engine::Nobody(why.clone()),
        };
        if messages.send(Msg::Engine(told)).await.is_err() || state.changed().await.is_err() {
            return;
        }
    }
}

/// Passes on that the store changed; several changes in a row are one.
async fn follow(mut revisions: watch::Receiver<i64>, messages: mpsc::Sender<Msg>) {
    while revisions.changed().await.is_ok() {
        let revision = *revisions.borrow_and_update();
        if messages.send(Msg::Revision(revision)).await.is_err() {
            return;
        }
    }
}

/// What a sitting says when nobody can see it.
pub fn needs_terminal(command: &str) -> Problem {
    Problem::usage(format!("`{command}` needs a terminal"))
        .why("standard output is not one")
        .hint("use `trueup status`, `trueup list` or `trueup tail` in scripts")
        .at(Text::new("standard output"))
}
