//! The seams where pieces of other rooms are joined to the command line.
//!
//! What must stay true: until a piece is joined its command says so plainly and changes nothing.

use super::args::Global;
use super::exit::{Exit, Outcome};
use crate::domain::Problem;

fn unbuilt<T>(what: &str) -> Result<T, Problem> {
    Err(Problem::bug(format!("{what} is not built yet")))
}

/// JOIN: the console on the configured profile.
pub(super) fn console(_global: &Global) -> Outcome {
    Ok(unbuilt::<Exit>("the console")?)
}

/// JOIN: `demo`.
pub(super) fn demo(_seed: u64, _global: &Global) -> Outcome {
    Ok(unbuilt::<Exit>("`demo`")?)
}
