//! The loop of the console: input, messages, signals and at most one deadline change the face; then it is drawn.
//!
//! What must stay true: one ordered stream of changes; nothing is drawn that did not change; idle means asleep, with
//! not a byte written; however it ends, the terminal is as it was. It knows nothing of what is shown.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{TerminalOptions, Viewport};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::input::{self, Input};
use super::signals::{self, Asked, Whom};
use super::wire::Frame;
use super::{panics, terminal};
use crate::domain::{Problem, Text, Time};

/// Most messages that are taken in before the next frame.
const DRAIN: usize = 256;
/// Shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// Shortest time between two frames that nobody's key asked for: eight a second.
const CALM: Duration = Duration::from_millis(125);
/// A frame that is so late goes before everything.
const LATE: Duration = Duration::from_millis(100);
/// Events that wait while the console is busy.
const WAITING: usize = 1024;

/// What a change means for the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Nothing to see.
    Same,
    /// The picture has changed.
    Redraw,
    /// Leave.
    Quit,
}

/// What is shown: a model that changes by events and is drawn on request.
pub trait Face {
    /// What workers tell it.
    type Msg: Send + 'static;
    /// A key (press only), a paste, a new size, focus, the mouse.
    fn input(&mut self, event: Event, now: Time) -> Flow;
    /// Something that a worker tells.
    fn message(&mut self, msg: Self::Msg, now: Time) -> Flow;
    /// The earliest moment at which time alone changes the picture.
    fn deadline(&self) -> Option<Time>;
    /// That moment has passed.
    fn tick(&mut self, now: Time) -> Flow;
    /// Draws what there is. Changes nothing that a later frame would need.
    fn draw(&mut self, frame: &mut ratatui::Frame<'_>, now: Time);
}

/// How the console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// The face wanted to.
    Quit,
    /// By a signal, with its number.
    Signal(u8),
    /// The terminal is gone.
    Hangup,
}

impl ExitReason {
    /// The process's exit code: 0, or 128 and the signal's number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Quit => 0,
            Self::Signal(number) => 128 + number,
            Self::Hangup => 129,
        }
    }
}

/// What the loop needs to know.
pub struct Options<M> {
    /// Begin with mouse reports on.
    pub mouse: bool,
    /// Makes a message of a worker's panic: the worker's last words, cleaned.
    pub worker_panic: Option<fn(Text) -> M>,
}

impl<M> Default for Options<M> {
    fn default() -> Self {
        Self { mouse: false, worker_panic: None }
    }
}

/// Runs the face on this process's terminal until it ends. Errors: no terminal (2), or a panic of the face (70); the
/// terminal is restored in any case. When all senders of `messages` are gone it goes on without messages.
pub async fn run<F: Face>(
    face: F,
    messages: mpsc::Receiver<F::Msg>,
    options: Options<F::Msg>,
) -> Result<ExitReason, Problem> {
    let (worker_panics, panicked) = mpsc::unbounded_channel();
    let signals = signals::listen().map_err(|e| Problem::bug("signals cannot be watched").why(e.to_string()))?;
    let _watch = panics::watch(worker_panics);
    let held = terminal::hold(options.mouse)?;
    let (sender, inputs) = mpsc::channel(WAITING);
    let reader = input::start(sender).map_err(|e| Problem::bug("the terminal cannot be read").why(e.to_string()))?;
    let screen = Screen::new()?;
    let mut console =
        Console { face, screen, dirty: Some(Cause::Input), last: None, ticked: None, size: terminal::size() };
    let news = News { messages: Some(messages), panicked, to_message: options.worker_panic };
    let mut streams = Streams { inputs, signals, news };
    let ended = console.live(&mut streams).await;
    drop(reader);
    drop(held);
    ended
}

/// Why a frame is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Somebody waits for it.
    Input,
    /// Only news.
    News,
}

/// What comes in beside signals and time.
struct Streams<M> {
    inputs: mpsc::Receiver<Input>,
    signals: mpsc::Receiver<Asked>,
    news: News<M>,
}

/// What workers tell, and what they say when they panic.
struct News<M> {
    messages: Option<mpsc::Receiver<M>>,
    panicked: mpsc::UnboundedReceiver<Text>,
    to_message: Option<fn(Text) -> M>,
}

/// What woke the loop.
enum Woken<M> {
    Input(Input),
    News(M),
    Nothing,
    Asked(Asked),
    Deadline,
    FrameDue,
}

impl<M> News<M> {
    /// The next message; for ever nothing when there are no senders.
    async fn next(&mut self) -> Woken<M> {
        let messages = async {
            match &mut self.messages {
                Some(messages) => messages.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(words) = self.panicked.recv() => self.to_message.map_or(Woken::Nothing, |make| Woken::News(make(words))),
            message = messages => match message {
                Some(message) => Woken::News(message),
                None => {
                    self.messages = None;
                    Woken::Nothing
                }
            },
        }
    }
}

/// The screen, drawn in whole frames.
struct Screen {
    terminal: ratatui::Terminal<CrosstermBackend<Frame>>,
    frame: Frame,
}

impl Screen {
    fn new() -> Result<Self, Problem> {
        let frame = Frame::default();
        let (columns, rows) = terminal::size();
        // Fixed: asking for the size on every frame opens files and, without a terminal, starts programs.
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let terminal =
            ratatui::Terminal::with_options(CrosstermBackend::new(frame.clone()), TerminalOptions { viewport });
        let terminal = terminal.map_err(|e| Problem::bug("the screen cannot be made").why(e.to_string()))?;
        let mut screen = Self { terminal, frame };
        screen.resize(columns, rows);
        Ok(screen)
    }

    /// Begins anew: everything is drawn in the next frame. Collecting bytes cannot fail. (Never the library's
    /// `clear`: it asks the terminal for the cursor and waits for an answer among the keys.)
    fn resize(&mut self, columns: u16, rows: u16) {
        let _ = self.terminal.resize(Rect::new(0, 0, columns, rows));
    }
}

struct Console<F: Face> {
    face: F,
    screen: Screen,
    dirty: Option<Cause>,
    last: Option<Instant>,
    ticked: Option<Instant>,
    size: (u16, u16),
}

/// The face panicked; the terminal has been given back already.
fn bug(words: Text) -> Problem {
    terminal::restore();
    Problem::bug("the console stopped on a bug").why(words)
}

/// The end, or the panic's words.
type Step = Result<Option<ExitReason>, Text>;

impl<F: Face> Console<F> {
    async fn live(&mut self, streams: &mut Streams<F::Msg>) -> Result<ExitReason, Problem> {
        loop {
            let face = &self.face;
            let woken = match panics::ours(|| face.deadline()) {
                Ok(deadline) => self.wait(deadline, streams).await,
                Err(words) => return Err(bug(words)),
            };
            let step = match woken {
                Woken::Input(first) => self.inputs(first, streams),
                Woken::News(first) => self.news(first, streams),
                Woken::Nothing => Ok(None),
                Woken::Asked(asked) => self.asked(asked),
                Woken::Deadline => {
                    self.ticked = Some(Instant::now());
                    self.change(Cause::Input, |face, now| face.tick(now))
                }
                Woken::FrameDue => self.draw(),
            };
            match step {
                Ok(None) => {}
                Ok(Some(reason)) => return Ok(reason),
                Err(words) => {
                    self.screen.frame.discard();
                    return Err(bug(words));
                }
            }
        }
    }

    async fn wait(&mut self, deadline: Option<Time>, streams: &mut Streams<F::Msg>) -> Woken<F::Msg> {
        let frame = self.dirty.map(|cause| {
            let pause = if cause == Cause::Input { FRAME } else { CALM };
            self.last.map_or_else(Instant::now, |last| last + pause)
        });
        // A deadline that stays in the past must not become a spin.
        let tick = deadline.map(|at| {
            let wait = Duration::from_millis(u64::try_from(at.since(now())).unwrap_or(0));
            let soonest = self.ticked.map_or_else(Instant::now, |ticked| ticked + FRAME);
            (Instant::now() + wait).max(soonest)
        });
        let until = |at: Option<Instant>| async move {
            match at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        // What was typed goes before the frame, but no flood keeps the frame away for long.
        let late = |by: Duration| frame.is_some_and(|at| at + by <= Instant::now());
        if late(LATE) || (late(Duration::ZERO) && streams.inputs.is_empty()) {
            return Woken::FrameDue;
        }
        tokio::select! {
            biased;
            Some(asked) = streams.signals.recv() => Woken::Asked(asked),
            input = streams.inputs.recv() => Woken::Input(input.unwrap_or(Input::Gone)),
            () = until(frame) => Woken::FrameDue,
            () = until(tick) => Woken::Deadline,
            news = streams.news.next() => news,
        }
    }

    /// Changes the face, noting whether it must be drawn.
    fn change(&mut self, cause: Cause, change: impl FnOnce(&mut F, Time) -> Flow) -> Step {
        let face = &mut self.face;
        match panics::ours(|| change(face, now()))? {
            Flow::Same => Ok(None),
            Flow::Quit => Ok(Some(ExitReason::Quit)),
            Flow::Redraw => {
                if self.dirty != Some(Cause::Input) {
                    self.dirty = Some(cause);
                }
                Ok(None)
            }
        }
    }

    /// Takes what was typed, in order, and all of it before the next frame.
    fn inputs(&mut self, first: Input, streams: &mut Streams<F::Msg>) -> Step {
        let mut next = Some(first);
        for _ in 0..DRAIN {
            let event = match next.take().or_else(|| streams.inputs.try_recv().ok()) {
                None => break,
                Some(Input::Gone) => return Ok(Some(ExitReason::Hangup)),
                Some(Input::Event(event)) => event,
            };
            if is_stop(&event) {
                self.stop(Whom::Group)?;
                continue;
            }
            if matches!(&event, Event::Key(key) if key.kind != KeyEventKind::Press) {
                continue;
            }
            if let Some(reason) = self.change(Cause::Input, |face, now| face.input(event, now))? {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }

    fn news(&mut self, first: F::Msg, streams: &mut Streams<F::Msg>) -> Step {
        let mut next = Some(first);
        for _ in 0..DRAIN {
            let more = || streams.news.messages.as_mut().and_then(|messages| messages.try_recv().ok());
            let Some(message) = next.take().or_else(more) else { break };
            if let Some(reason) = self.change(Cause::News, |face, now| face.message(message, now))? {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }

    fn asked(&mut self, asked: Asked) -> Step {
        match asked {
            Asked::Leave(number) => return Ok(Some(ExitReason::Signal(number))),
            Asked::Stop => self.stop(Whom::Us)?,
            Asked::Continue => self.again()?,
            Asked::Size => {
                let size = terminal::size();
                if size != self.size {
                    self.resized(size)?;
                }
            }
        }
        Ok(None)
    }

    fn resized(&mut self, size: (u16, u16)) -> Result<(), Text> {
        self.size = size;
        let screen = &mut self.screen;
        panics::ours(|| screen.resize(size.0, size.1))?;
        self.dirty = Some(Cause::Input);
        self.change(Cause::Input, |face, now| face.input(Event::Resize(size.0, size.1), now)).map(drop)
    }

    /// Gives the terminal back, stops, and takes it again when we go on.
    fn stop(&mut self, whom: Whom) -> Result<(), Text> {
        let mouse = terminal::has_mouse();
        terminal::restore();
        signals::stop(whom);
        // A terminal that cannot be had any more is found gone by its reader.
        let _ = terminal::switch_on(mouse);
        self.resized(terminal::size())
    }

    /// Somebody else stopped us, and the shell has used the terminal since: everything is set and drawn again.
    fn again(&mut self) -> Result<(), Text> {
        let mouse = terminal::has_mouse();
        terminal::restore();
        let _ = terminal::switch_on(mouse);
        self.resized(terminal::size())
    }

    fn draw(&mut self) -> Step {
        self.dirty = None;
        self.last = Some(Instant::now());
        let (face, screen) = (&mut self.face, &mut self.screen);
        let drawn = panics::ours(|| screen.terminal.draw(|frame| face.draw(frame, now())).map(drop))?;
        // Collecting cannot fail; writing fails when the terminal is gone.
        match drawn.and_then(|()| self.screen.frame.commit()) {
            Ok(()) => Ok(None),
            Err(_) => Ok(Some(ExitReason::Hangup)),
        }
    }
}

/// `ctrl-z`, which stops a program also where keys arrive raw.
fn is_stop(event: &Event) -> bool {
    matches!(event, Event::Key(key) if key.code == KeyCode::Char('z') && key.modifiers == KeyModifiers::CONTROL)
}

/// The clock on the wall.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
