//! Reads the terminal on a thread of its own, and notices at once when it is gone.
//!
//! What must stay true: it sleeps until there is something to read; a vanished terminal ends it (the usual event
//! readers spin in that case, which is why none is used here); keys that come faster than anybody types are a paste.

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc::Sender;

/// What the terminal brings.
#[derive(Debug, PartialEq)]
pub(super) enum Input {
    /// A key, a paste, the mouse, focus.
    Event(Event),
    /// The terminal is gone.
    Gone,
}

/// More keys than this at once are a paste.
const MAX_TYPED: usize = 20;
/// So many keys at once may be the beginning of one.
const MAY_BE_PASTED: usize = 4;
/// Keys belong together when they follow each other within so many milliseconds.
const TOGETHER_MS: i64 = 10;

/// Stops the thread when it is dropped.
pub(super) struct Reader {
    _wake: Wake,
}

#[cfg(unix)]
type Wake = std::io::PipeWriter;
#[cfg(not(unix))]
type Wake = std::sync::Arc<()>;

/// Starts reading. Events wait in the channel, in order, however slow the console is.
pub(super) fn start(out: Sender<Input>) -> std::io::Result<Reader> {
    #[cfg(unix)]
    {
        let (woken, wake) = std::io::pipe()?;
        std::thread::Builder::new().name("terminal".to_owned()).spawn(move || unix::read(&woken, &out))?;
        Ok(Reader { _wake: wake })
    }
    #[cfg(not(unix))]
    {
        let wake = std::sync::Arc::new(());
        let alive = std::sync::Arc::downgrade(&wake);
        std::thread::Builder::new().name("terminal".to_owned()).spawn(move || other::read(&alive, &out))?;
        Ok(Reader { _wake: wake })
    }
}

/// The text that a key types, if it types any.
fn text(event: &Event) -> Option<char> {
    let Event::Key(key) = event else { return None };
    let bare = key.modifiers.difference(KeyModifiers::SHIFT).is_empty() && key.kind == KeyEventKind::Press;
    match key.code {
        KeyCode::Char(c) if bare => Some(c),
        KeyCode::Enter if bare => Some('\n'),
        KeyCode::Tab if bare => Some('\t'),
        _ => None,
    }
}

/// Keys that came together: a paste when there are too many to have been typed.
fn gathered(events: Vec<Event>) -> Vec<Event> {
    let mut out = Vec::with_capacity(events.len());
    let mut run: Vec<Event> = Vec::new();
    let close = |run: &mut Vec<Event>, out: &mut Vec<Event>| {
        if run.len() > MAX_TYPED {
            let mut pasted: String = run.drain(..).filter_map(|event| text(&event)).collect();
            while pasted.len() > super::decode::MAX_PASTE {
                pasted.pop();
            }
            out.push(Event::Paste(pasted));
        } else {
            out.append(run);
        }
    };
    for event in events {
        if text(&event).is_some() {
            run.push(event);
        } else {
            close(&mut run, &mut out);
            out.push(event);
        }
    }
    close(&mut run, &mut out);
    out
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::PipeReader;
    use std::os::fd::{AsFd, BorrowedFd};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    use super::{Event, Input, MAX_TYPED, MAY_BE_PASTED, Sender, TOGETHER_MS, gathered, text};
    use crate::console::decode::Decoder;

    /// What waiting brought.
    enum Woken {
        Readable,
        Quiet,
        Gone,
        Stop,
    }

    pub(super) fn read(woken: &PipeReader, out: &Sender<Input>) {
        let stdin = rustix::stdio::stdin();
        let tty = if rustix::termios::isatty(stdin) { None } else { File::open("/dev/tty").ok() };
        let tty = tty.as_ref().map_or(stdin, AsFd::as_fd);
        let mut decoder = Decoder::default();
        let mut buffer = [0_u8; 4096];
        let mut held: Vec<Event> = Vec::new();
        loop {
            let patience = if held.is_empty() { decoder.patience() } else { Some(TOGETHER_MS) };
            let (fresh, gone) = match wait(tty, woken, patience) {
                Woken::Stop => return,
                Woken::Gone => (Vec::new(), true),
                Woken::Quiet if held.is_empty() => (decoder.settle(), false),
                Woken::Quiet => (Vec::new(), false),
                Woken::Readable => match rustix::io::read(tty, &mut buffer) {
                    Ok(0) => (Vec::new(), true),
                    Ok(count) => (decoder.feed(&buffer[..count]), false),
                    Err(Errno::INTR | Errno::AGAIN) => continue,
                    Err(_) => (Vec::new(), true),
                },
            };
            let is_quiet = fresh.is_empty();
            let burst = fresh.iter().filter(|event| text(event).is_some()).count();
            held.extend(fresh);
            // A handful at once may be the beginning of a paste: wait a moment for the rest of it.
            let waits =
                !gone && !is_quiet && (burst >= MAY_BE_PASTED || held.len() > MAX_TYPED) && held.len() < 100_000;
            if waits {
                continue;
            }
            for event in gathered(std::mem::take(&mut held)) {
                if out.blocking_send(Input::Event(event)).is_err() {
                    return;
                }
            }
            if gone {
                let _ = out.blocking_send(Input::Gone);
                return;
            }
        }
    }

    fn wait(tty: BorrowedFd<'_>, woken: &PipeReader, ms: Option<i64>) -> Woken {
        let mut fds = [PollFd::new(&tty, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
        let timeout = ms.map(|ms| Timespec { tv_sec: ms / 1000, tv_nsec: (ms % 1000) * 1_000_000 });
        match poll(&mut fds, timeout.as_ref()) {
            Err(Errno::INTR) => return Woken::Quiet,
            Err(_) => return Woken::Gone,
            Ok(0) => return Woken::Quiet,
            Ok(_) => {}
        }
        if !fds[1].revents().is_empty() {
            return Woken::Stop;
        }
        let events = fds[0].revents();
        // What was typed before the end is still read.
        match events.contains(PollFlags::IN) {
            true => Woken::Readable,
            false if events.is_empty() => Woken::Quiet,
            false => Woken::Gone,
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::sync::Weak;
    use std::time::Duration;

    use super::{Input, Sender, gathered};

    /// Looks for an end of the console now and then; Windows has no way to be woken here.
    pub(super) fn read(alive: &Weak<()>, out: &Sender<Input>) {
        while alive.strong_count() > 0 {
            match crossterm::event::poll(Duration::from_millis(250)) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(_) => {
                    let _ = out.blocking_send(Input::Gone);
                    return;
                }
            }
            let mut events = Vec::new();
            while events.len() < 1_000 && crossterm::event::poll(Duration::ZERO).unwrap_or(false) {
                events.extend(crossterm::event::read().ok());
            }
            for event in gathered(events) {
                if out.blocking_send(Input::Event(event)).is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEvent;

    fn keys(text: &str) -> Vec<Event> {
        text.chars().map(|c| Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))).collect()
    }

    #[test]
    fn more_than_twenty_keys_at_once_are_a_paste() {
        assert_eq!(gathered(keys("jjjjjjjjjjjjjjjjjjjj")).len(), 20);
        assert_eq!(gathered(keys("jjjjjjjjjjjjjjjjjjjjy")), [Event::Paste("jjjjjjjjjjjjjjjjjjjjy".to_owned())]);
    }

    #[test]
    fn a_turned_wheel_is_no_paste() {
        let down = Event::Key(KeyEvent::new(KeyCode::Down, KeyModifiers::NONE));
        assert_eq!(gathered(vec![down; 60]).len(), 60);
    }
}
