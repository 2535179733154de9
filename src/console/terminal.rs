//! The terminal's modes: which of them we switched on, and switching exactly these off again, once.
//!
//! What must stay true: however the console ends (return, error, panic of its own, a signal, a stop), the terminal is
//! as it was before; nothing that we did not switch on is touched. It draws nothing.

use std::sync::{Mutex, PoisonError};

use crossterm::Command;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

use super::wire;
use crate::domain::Problem;

/// A mode of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Keys arrive one by one, unechoed.
    Raw,
    /// The screen beside the one with the shell's history.
    Alternate,
    /// No cursor.
    HiddenCursor,
    /// Pasted text arrives marked as such.
    BracketedPaste,
    /// The terminal tells when it gains and loses focus.
    Focus,
    /// The terminal tells what the mouse does.
    Mouse,
}

/// What is on, in the order in which it was switched on. One process has one terminal.
static ON: Mutex<Vec<Mode>> = Mutex::new(Vec::new());

/// The modes that a console needs, switched on in this order.
const NEEDED: &[Mode] = &[Mode::Raw, Mode::Alternate, Mode::HiddenCursor, Mode::BracketedPaste, Mode::Focus];

impl Mode {
    fn bytes(self, on: bool) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = match (self, on) {
            (Self::Raw, _) => Ok(()),
            (Self::Alternate, true) => EnterAlternateScreen.write_ansi(&mut out),
            (Self::Alternate, false) => LeaveAlternateScreen.write_ansi(&mut out),
            (Self::HiddenCursor, true) => Hide.write_ansi(&mut out),
            (Self::HiddenCursor, false) => Show.write_ansi(&mut out),
            (Self::BracketedPaste, true) => EnableBracketedPaste.write_ansi(&mut out),
            (Self::BracketedPaste, false) => DisableBracketedPaste.write_ansi(&mut out),
            (Self::Focus, true) => EnableFocusChange.write_ansi(&mut out),
            (Self::Focus, false) => DisableFocusChange.write_ansi(&mut out),
            (Self::Mouse, true) => EnableMouseCapture.write_ansi(&mut out),
            (Self::Mouse, false) => DisableMouseCapture.write_ansi(&mut out),
        };
        out
    }
}

/// Holds the terminal; letting go of it restores it.
#[derive(Debug)]
pub struct Held(());

impl Drop for Held {
    fn drop(&mut self) {
        restore();
    }
}

/// Switches on what a console needs. Refuses when standard input or output is no terminal.
pub fn hold(mouse: bool) -> Result<Held, Problem> {
    use std::io::IsTerminal as _;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Problem::usage("the console needs a terminal")
            .why("standard input or output is not one")
            .hint("in scripts use `trueup status`, `trueup list` and their --json"));
    }
    let held = Held(());
    switch_on(mouse)?;
    Ok(held)
}

/// Switches on what is not on yet; also after a stop.
pub(super) fn switch_on(mouse: bool) -> Result<(), Problem> {
    let mut on = ON.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = NEEDED.iter().copied().chain(mouse.then_some(Mode::Mouse));
    for mode in wanted {
        if on.contains(&mode) {
            continue;
        }
        let done = match mode {
            Mode::Raw => enable_raw_mode(),
            other => wire::write(other.bytes(true).as_bytes()),
        };
        done.map_err(|error| Problem::evidence("the terminal cannot be prepared").why(error.to_string()))?;
        on.push(mode);
    }
    Ok(())
}

/// Switches mouse reports on or off while the console runs.
pub fn set_mouse(wanted: bool) {
    let mut on = ON.lock().unwrap_or_else(PoisonError::into_inner);
    // Without the terminal in hand there is nothing to switch.
    if on.is_empty() || on.contains(&Mode::Mouse) == wanted {
        return;
    }
    if wire::write(Mode::Mouse.bytes(wanted).as_bytes()).is_ok() {
        if wanted {
            on.push(Mode::Mouse);
        } else {
            on.retain(|mode| *mode != Mode::Mouse);
        }
    }
}

/// Whether mouse reports are on.
pub fn has_mouse() -> bool {
    ON.lock().unwrap_or_else(PoisonError::into_inner).contains(&Mode::Mouse)
}

/// Undoes what is on, the last first. Doing it again does nothing.
pub fn restore() {
    // A panic inside this module must not keep us from leaving.
    let mut on = match ON.try_lock() {
        Ok(on) => on,
        Err(std::sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(std::sync::TryLockError::WouldBlock) => return,
    };
    if on.is_empty() {
        return;
    }
    let mut bytes = wire::frame_end().to_vec();
    let mut is_raw = false;
    for mode in on.drain(..).rev() {
        is_raw |= mode == Mode::Raw;
        bytes.extend_from_slice(mode.bytes(false).as_bytes());
    }
    wire::write_or_give_up(&bytes);
    if is_raw {
        // A terminal that is gone cannot be set, and need not be.
        let _ = disable_raw_mode();
    }
}

/// Columns and rows; 80x24 where the terminal does not say.
pub fn size() -> (u16, u16) {
    #[cfg(unix)]
    let told = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok().map(|size| (size.ws_col, size.ws_row));
    #[cfg(not(unix))]
    let told = crossterm::terminal::size().ok();
    match told {
        Some((columns, rows)) if columns > 0 && rows > 0 => (columns, rows),
        _ => (80, 24),
    }
}
