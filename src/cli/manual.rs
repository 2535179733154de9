//! `man` and `completions`: made from the table of commands.

use super::args;
use super::exit::{Exit, Outcome};
use super::output::Output;

/// Prints the manual page of trueup and of each of its commands, as roff.
pub fn man(out: &mut Output) -> Outcome {
    let mut page = Vec::new();
    let command = args::command().disable_help_subcommand(true);
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    let mut built = command;
    built.build();
    for sub in built.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        clap_mangen::Man::new(sub.clone()).render(&mut page)?;
    }
    out.raw(&page)?;
    Ok(Exit::Done)
}

/// Prints the completions of one shell.
pub fn completions(shell: clap_complete::Shell, out: &mut Output) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "trueup", &mut script);
    out.raw(&script)?;
    Ok(Exit::Done)
}
