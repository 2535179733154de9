//! Where answers go: data to standard output, talk to standard error, in one of three forms.
//!
//! What must stay true: with `--json` standard output holds JSON and nothing else; colour and marks only on a terminal
//! that wants them (`NO_COLOR` and `TERM=dumb` are honoured); a reader that goes away ends the command quietly.

use std::io::{BufWriter, IsTerminal, Write};

use serde::Serialize;

use super::exit::Outcome;
use crate::config::theme::Tone;
use crate::domain::{Problem, Text};

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For a person at a terminal.
    Human,
    /// For a person's tools: no colour, no marks, whole words, exact times.
    Plain,
    /// For programs.
    Json,
}

/// A colour by meaning, in the terminal's own sixteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Fine.
    Good,
    /// Will hurt.
    Warn,
    /// Hurts.
    Bad,
    /// On its way.
    Wait,
    /// Beside the point, or unknown.
    Dim,
    /// What to read first.
    Strong,
}

impl Ink {
    /// The parameter of the escape sequence.
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "1;31",
            Self::Wait => "36",
            Self::Dim => "2",
            Self::Strong => "1",
        }
    }
}

/// The mark of how something stands, of one cell in every terminal, and its colour. It never stands without a word.
pub const fn mark(tone: Tone) -> (char, Ink) {
    match tone {
        Tone::Ok => ('✓', Ink::Good),
        Tone::Warn => ('▴', Ink::Warn),
        Tone::Crit => ('✗', Ink::Bad),
        Tone::Wait => ('◌', Ink::Wait),
        Tone::Unknown => ('?', Ink::Dim),
    }
}

/// Standard output and standard error of one command.
pub struct Output {
    /// How answers are written.
    pub form: Form,
    /// Columns of the terminal; `None` when lines may be of any length.
    pub width: Option<usize>,
    colour: bool,
    talk_colour: bool,
    data: Box<dyn Write + Send>,
    talk: Box<dyn Write + Send>,
}

impl Output {
    /// Standard output and standard error of this process.
    pub fn of_process(json: bool, plain: bool) -> Self {
        let form = if json {
            Form::Json
        } else if plain {
            Form::Plain
        } else {
            Form::Human
        };
        let wanted = form == Form::Human && colour_wanted();
        let terminal = std::io::stdout().is_terminal();
        let width = (terminal && form == Form::Human)
            .then(|| crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns)).filter(|c| *c > 0))
            .flatten();
        Self {
            form,
            width,
            colour: wanted && terminal,
            talk_colour: wanted && std::io::stderr().is_terminal(),
            data: Box::new(BufWriter::new(std::io::stdout())),
            talk: Box::new(std::io::stderr()),
        }
    }

    /// Writes into these instead: for tests and for commands that print into a file.
    pub fn into_writers(
        form: Form,
        width: Option<usize>,
        data: Box<dyn Write + Send>,
        talk: Box<dyn Write + Send>,
    ) -> Self {
        Self { form, width, colour: false, talk_colour: false, data, talk }
    }

    /// Whether a program reads.
    pub fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// One line of data.
    pub fn line(&mut self, line: impl AsRef<str>) -> Outcome<()> {
        Ok(writeln!(self.data, "{}", line.as_ref().trim_end())?)
    }

    /// Data as it stands: a page, a script.
    pub fn raw(&mut self, bytes: &[u8]) -> Outcome<()> {
        Ok(self.data.write_all(bytes)?)
    }

    /// One JSON object on a line of its own.
    pub fn json(&mut self, value: &impl Serialize) -> Outcome<()> {
        let text = serde_json::to_string(value)
            .map_err(|error| Problem::bug("an answer cannot be written as JSON").why(error.to_string()))?;
        Ok(writeln!(self.data, "{text}")?)
    }

    /// Text in a colour, if colours are on.
    pub fn ink(&self, text: &str, ink: Ink) -> String {
        paint(text, ink, self.colour)
    }

    /// A word behind the mark of how it stands; the word alone unless a person reads.
    pub fn marked(&self, tone: Tone, word: &str) -> String {
        let (mark, ink) = mark(tone);
        if self.form == Form::Human { self.ink(&format!("{mark} {word}"), ink) } else { word.to_owned() }
    }

    /// Passes everything on that waits in the buffer.
    pub fn flush(&mut self) -> Outcome<()> {
        Ok(self.data.flush()?)
    }

    /// One line of talk, after the data before it. Nobody listening is no reason to stop.
    pub fn say(&mut self, line: impl AsRef<str>) {
        let _ = self.data.flush();
        let _ = writeln!(self.talk, "{}", line.as_ref());
    }

    /// A problem, on standard error.
    pub fn complain(&mut self, problem: &Problem) {
        let label = paint("error:", Ink::Bad, self.talk_colour);
        self.say(format!("{label} {problem}"));
    }
}

fn paint(text: &str, ink: Ink, colour: bool) -> String {
    if colour && !text.is_empty() { format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()) } else { text.to_owned() }
}

fn colour_wanted() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}

/// Text of ours, or a path, made safe to print.
pub fn safe(text: impl ToString) -> String {
    Text::new(text.to_string()).as_str().to_owned()
}
