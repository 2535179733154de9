//! How a command ends: the table of exit codes (contract section 2), and what stops a command early.
//!
//! What must stay true: the codes and their meanings stand in this table only; the help page is made from it.

use std::process::ExitCode;

use crate::domain::{Fault, Problem};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Done,
    /// 1
    OutOfStep,
    /// 2
    Usage,
    /// 3
    Evidence,
    /// 4
    StepFailed,
    /// 5
    Refused,
    /// 70
    Bug,
    /// Ended by a signal: 128 and its number.
    Signal(u8),
}

/// Every code with its meaning.
pub const CODES: &[(Exit, &str)] = &[
    (Exit::Done, "done; where systems are compared or checked: and nothing is out of step"),
    (Exit::OutOfStep, "done, and something is out of step (or down)"),
    (Exit::Usage, "wrong usage or configuration; every problem is listed and no network call was made"),
    (Exit::Evidence, "some evidence is missing: a source did not answer or refused us"),
    (Exit::StepFailed, "a plan ran and some step failed"),
    (Exit::Refused, "refused: read-only, a lease held elsewhere, a guard no longer true"),
    (Exit::Bug, "a bug in trueup; the message says where the report was written"),
];

macro_rules! compared {
    ($begin:literal) => {
        concat!(
            $begin,
            " 0 when nothing is out of step, and 1 when something is; a verdict that is unknown while all sources ",
            "answer counts as out of step. It is 3 when a source did not answer or refused us, in whole or in part, ",
            "or was never asked: what is shown may then not be the whole of it."
        )
    };
}

/// What the code of a comparing command says, for its page of help.
pub const COMPARED: &str = compared!("The exit code is");
/// The same for `list`, which compares nothing but lists mismatches among others.
pub const LISTED: &str = compared!("For mismatches the exit code is");

impl Exit {
    /// The process's code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::OutOfStep => 1,
            Self::Usage => 2,
            Self::Evidence => 3,
            Self::StepFailed => 4,
            Self::Refused => 5,
            Self::Bug => 70,
            Self::Signal(code) => code,
        }
    }

    /// The one code for several problems: a bug, then usage, then a refusal, then missing evidence.
    pub fn of(problems: &[Problem]) -> Self {
        let has = |fault| problems.iter().any(|problem| problem.fault == fault);
        if has(Fault::Bug) {
            Self::Bug
        } else if has(Fault::Usage) {
            Self::Usage
        } else if has(Fault::Refused) {
            Self::Refused
        } else if has(Fault::Evidence) {
            Self::Evidence
        } else {
            Self::Done
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command stopped before its end.
#[derive(Debug)]
pub enum Stop {
    /// These are wrong.
    Problems(Vec<Problem>),
    /// Nobody reads our output any more: no fault of anybody's.
    Closed,
}

/// What a command returns.
pub type Outcome<T = Exit> = Result<T, Stop>;

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problems(vec![problem])
    }
}

impl From<Vec<Problem>> for Stop {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Problems(problems)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::Closed;
        }
        Problem::usage("the output cannot be written").why(error.to_string()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_and_agrees_with_the_faults() {
        assert_eq!(CODES.iter().map(|(exit, _)| exit.code()).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 70]);
        for fault in [Fault::Usage, Fault::Evidence, Fault::Refused, Fault::Bug] {
            assert_eq!(Exit::of(&[Problem::new(fault, "x")]).code(), fault.code());
        }
        assert_eq!(Exit::of(&[Problem::evidence("x"), Problem::usage("y")]), Exit::Usage);
    }
}
