//! A complaint for a person: what happened, where, why, and what to do about it.
//!
//! Every error that reaches somebody is one of these. It never holds a secret and never a library's raw words alone.

use std::fmt;

use serde::Serialize;

use super::text::Text;

/// Which exit code a problem leads to (contract section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Wrong usage or configuration: 2.
    Usage,
    /// A source did not answer or refused us: 3.
    Evidence,
    /// A guard, a lease or read-only stood in the way: 5.
    Refused,
    /// A bug in trueup: 70.
    Bug,
}

impl Fault {
    /// The process exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Evidence => 3,
            Self::Refused => 5,
            Self::Bug => 70,
        }
    }
}

/// What happened, where, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which exit code it leads to.
    pub fault: Fault,
    /// What happened, one sentence, lower case first letter unless a name.
    pub what: Text,
    /// Where: a file and line, a key, a table, a source.
    #[serde(rename = "where")]
    pub place: Option<Text>,
    /// Why, if known.
    pub why: Option<Text>,
    /// What to do next: a command or an edit.
    pub hint: Option<Text>,
}

impl Problem {
    /// A problem with no details yet.
    pub fn new(fault: Fault, what: impl AsRef<str>) -> Self {
        Self { fault, what: Text::new(what), place: None, why: None, hint: None }
    }

    /// Wrong usage or configuration.
    pub fn usage(what: impl AsRef<str>) -> Self {
        Self::new(Fault::Usage, what)
    }

    /// Missing evidence.
    pub fn evidence(what: impl AsRef<str>) -> Self {
        Self::new(Fault::Evidence, what)
    }

    /// A bug of ours.
    pub fn bug(what: impl AsRef<str>) -> Self {
        Self::new(Fault::Bug, what)
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: impl AsRef<str>) -> Self {
        self.place = Some(Text::new(place));
        self
    }

    /// Says why.
    #[must_use]
    pub fn why(mut self, why: impl AsRef<str>) -> Self {
        self.why = Some(Text::new(why));
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(Text::new(hint));
        self
    }
}

impl Problem {
    /// Everything on one line, for a cell of a table: `place: what: why; hint`.
    pub fn line(&self) -> Text {
        let place = self.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        let why = self.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let hint = self.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        Text::new(format!("{place}{}{why}{hint}", self.what))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}", self.what)?;
        if let Some(why) = &self.why {
            write!(f, ": {why}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// A problem in a few letters: the status that was answered, else its last clause. The problem of
/// `HubSpot: POST /crm/v3/objects/contacts/search: answered 503 Service Unavailable` is `503`.
pub fn brief(problem: &str) -> &str {
    let words = problem.split(|c: char| c.is_whitespace() || matches!(c, ':' | ';' | ',' | '.' | '(' | ')'));
    let failed = |word: &&str| word.len() == 3 && word.parse::<u16>().is_ok_and(|n| (300..600).contains(&n));
    words.into_iter().find(failed).unwrap_or_else(|| clause(problem))
}

/// The last clause of a problem, which says what happened; what stands before it says where.
pub fn clause(problem: &str) -> &str {
    let said = problem.split(" hint: ").next().unwrap_or(problem).trim().trim_end_matches('.');
    said.rsplit(": ").next().unwrap_or(said).trim()
}
