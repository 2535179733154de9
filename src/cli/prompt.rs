//! Asking for a secret: at a terminal without showing it, else from standard input.
//!
//! What must stay true: the terminal is left as it was found, also when asking is broken off; a secret never stands in
//! the list of processes or in a shell's history, because it is never an argument.

use std::io::{IsTerminal, Read, Write};

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::exit::Outcome;
use crate::domain::{Fault, Problem};

/// A secret longer than this is something else.
const LONGEST: u64 = 64 * 1024;

/// Reads a secret, without the white space around it.
pub fn secret(question: &str, may_ask: bool) -> Outcome<String> {
    let terminal = std::io::stdin().is_terminal();
    let text = match (terminal, may_ask) {
        (true, true) => ask(question)?,
        (true, false) => {
            return Err(Problem::usage("with --no-input nothing is asked")
                .hint("give the secret on standard input: trueup login SOURCE < file")
                .into());
        }
        (false, _) => {
            let mut text = String::new();
            std::io::stdin()
                .take(LONGEST)
                .read_to_string(&mut text)
                .map_err(|error| Problem::usage("standard input cannot be read as text").why(error.to_string()))?;
            text
        }
    };
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(Problem::usage("the secret is empty")
            .hint("paste it at the prompt, or give it on standard input")
            .into());
    }
    Ok(text)
}

/// Switches the terminal back when it goes, on whatever way.
struct Raw;

impl Raw {
    fn on() -> std::io::Result<Self> {
        enable_raw_mode().map(|()| Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
        let _ = writeln!(std::io::stderr());
    }
}

fn ask(question: &str) -> Outcome<String> {
    let cannot = |error: std::io::Error| Problem::usage("the terminal cannot be asked").why(error.to_string());
    let mut talk = std::io::stderr();
    // First the mode, then the question: what is typed at once is not shown either.
    let _raw = Raw::on().map_err(cannot)?;
    write!(talk, "{question} (not shown, enter ends): ").and_then(|()| talk.flush()).map_err(cannot)?;
    let mut text = String::new();
    loop {
        let Event::Key(key) = read().map_err(cannot)? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Ok(text),
            KeyCode::Esc => return Err(stopped()),
            KeyCode::Char('c' | 'd') if control => return Err(stopped()),
            KeyCode::Char('u') if control => text.clear(),
            KeyCode::Backspace => {
                text.pop();
            }
            KeyCode::Char(c) if !control => text.push(c),
            _ => {}
        }
    }
}

fn stopped() -> super::exit::Stop {
    Problem::new(Fault::Refused, "nothing was stored: asking was broken off").into()
}
