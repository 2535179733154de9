//! What happens when something panics while the console has the screen.
//!
//! What must stay true: a panic of the console's own gives the terminal back before anything else; a panic of a
//! worker never touches the screen, and becomes a log line and a message. The text is cleaned and cut.

use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use super::terminal;
use crate::domain::Text;

/// Longest text of a panic that is kept, in characters.
const MAX_CHARS: usize = 300;

thread_local! {
    /// This thread is running the console's own code now.
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// The console's own last words.
static LAST: Mutex<Option<Text>> = Mutex::new(None);

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Keeps the hook in place; dropping it puts the former one back.
pub(super) struct Watch {
    former: Option<std::sync::Arc<Hook>>,
}

/// Replaces the panic hook. Panics of workers are told to `workers`.
pub(super) fn watch(workers: UnboundedSender<Text>) -> Watch {
    let former = std::sync::Arc::new(std::panic::take_hook());
    let fallback = std::sync::Arc::clone(&former);
    std::panic::set_hook(Box::new(move |info| {
        let said = said(info);
        if OURS.get() {
            terminal::restore();
            *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
            return;
        }
        tracing::error!(panic = %said, "a worker panicked");
        // Nobody listens: the console is gone, and the screen is nobody's.
        if workers.send(said).is_err() {
            fallback(info);
        }
    }));
    Watch { former: Some(former) }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Setting a hook is not allowed while panicking.
        if std::thread::panicking() {
            return;
        }
        drop(std::panic::take_hook());
        if let Some(former) = self.former.take() {
            std::panic::set_hook(Box::new(move |info| former(info)));
        }
    }
}

/// Runs the console's own code: a panic in it gives the terminal back and comes out as its words.
pub(super) fn ours<T>(run: impl FnOnce() -> T) -> Result<T, Text> {
    let before = OURS.replace(true);
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    OURS.set(before);
    done.map_err(|_| {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
        last.unwrap_or_else(|| Text::new("a panic without words"))
    })
}

/// Where and what, cleaned: `src/ui/frame.rs:12: index out of bounds`.
fn said(info: &PanicHookInfo<'_>) -> Text {
    let payload = info.payload();
    let words = payload
        .downcast_ref::<&str>()
        .map(|words| (*words).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no words".to_owned());
    let words: String = words.lines().next().unwrap_or_default().chars().take(MAX_CHARS).collect();
    let place = info.location().map(|at| format!("{}:{}: ", at.file(), at.line())).unwrap_or_default();
    Text::new(format!("{place}{words}"))
}
