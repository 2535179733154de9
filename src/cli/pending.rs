//! The seams where pieces of other rooms are joined to the command line.
//!
//! What must stay true: until a piece is joined its command says so plainly and changes nothing.

use super::args::Global;
use super::doctor;
use super::exit::{Exit, Outcome};
use super::keys;
use super::output::Output;
use crate::config::Settings;
use crate::domain::{Problem, Text};

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

/// JOIN: `sim`.
pub(super) fn sim(
    _dir: &std::path::Path,
    _seed: u64,
    _speed: f64,
    _customers: Option<usize>,
    _global: &Global,
    _out: &mut Output,
) -> Outcome {
    Ok(unbuilt::<Exit>("`sim`")?)
}

/// JOIN: `sync --once`.
pub(super) async fn sync(_global: &Global, _out: &mut Output) -> Outcome {
    Ok(unbuilt::<Exit>("`sync`")?)
}

/// JOIN: `init`.
pub(super) async fn init(_portal: Option<&str>, _print: bool, _global: &Global, _out: &mut Output) -> Outcome {
    Ok(unbuilt::<Exit>("`init`")?)
}

/// JOIN: `engine::build::sources`.
pub(super) async fn sources(_settings: &Settings) -> Vec<doctor::Built> {
    Vec::new()
}

/// JOIN: the console's table of commands.
pub(super) fn key_table() -> Result<Vec<keys::Line>, Problem> {
    unbuilt("the console's table of keys")
}

/// JOIN: the user's own view and theme files beside the configuration, each with what is wrong with it.
pub(super) fn view_files(_settings: &Settings) -> Result<Vec<(Text, Vec<Problem>)>, Problem> {
    unbuilt("the reader of view files")
}
