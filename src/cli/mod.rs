//! The front door: arguments, output, exit codes.
//!
//! What must stay true: every command ends with a code of the table in `exit`; every problem is told on standard
//! error; nothing asks a question without a terminal.

pub mod args;
pub mod choose;
pub mod columns;
pub mod console;
pub mod credential;
pub mod demo;
pub mod doctor;
pub mod exit;
pub mod find;
pub mod folders;
pub mod init;
pub mod keys;
pub mod list;
pub mod login;
pub mod manual;
pub mod open;
pub mod output;
pub mod prompt;
pub mod report;
pub mod show;
pub mod signal;
pub mod sim;
pub mod status;
pub mod sync;
pub mod table;
pub mod tail;
pub mod views;

use std::future::Future;
use std::process::ExitCode;

use args::{Args, Command, Views};
use exit::{Exit, Outcome, Stop};
use output::Output;

use crate::domain::Problem;

/// Reads the command line of this process, carries it out and gives the exit code.
pub fn run() -> ExitCode {
    report::install(folders::Folders::find().data_folder());
    // One provider of cryptography for every connection; a second call is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = match args::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => {
            // Help and the version are answers and end with 0; a reader that went away is nobody's fault.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    log(&args);
    let mut out = Output::of_process(args.global.json, args.global.plain);
    let outcome = report::guard(|| dispatch(&args, &mut out));
    finish(outcome, &mut out).into()
}

/// Tells what went wrong and gives the code.
fn finish(outcome: Outcome, out: &mut Output) -> Exit {
    let outcome = outcome.and_then(|exit| out.flush().map(|()| exit));
    match outcome {
        Ok(exit) => exit,
        Err(Stop::Closed) => Exit::Done,
        Err(Stop::Problems(problems)) => {
            let _ = out.flush();
            problems.iter().for_each(|problem| out.complain(problem));
            Exit::of(&problems)
        }
    }
}

fn dispatch(args: &Args, out: &mut Output) -> Outcome {
    let global = &args.global;
    let Some(command) = &args.command else { return wait(console::run(global)) };
    match command {
        Command::Demo { seed } => wait(demo::run(*seed, global)),
        Command::Sim { dir, seed, speed, customers } => wait(sim::run(dir, *seed, *speed, *customers, out)),
        Command::Init { portal, print } => wait(init::run(portal.as_deref(), *print, global, out)),
        Command::Login(of) => {
            let keep = |secret: &str| block(credential::keep(of, secret, global))?;
            login::login(of, !global.no_input, keep, out)
        }
        Command::Logout(of) => login::logout(of, || block(credential::forget(of, global))?, out),
        Command::Doctor => match open::settings(global) {
            Err(problems) => doctor::broken(problems, out),
            Ok(settings) => {
                let file = open::place(global).map(|place| output::safe(place.file.display()))?;
                wait(async {
                    let credentials = credential::all(&settings).await;
                    let sources = crate::engine::build::sources(&settings, &folders::variable).await;
                    doctor::run(&settings, &file, credentials, sources, out).await
                })
            }
        },
        Command::Sync { .. } => wait(sync::run(global, out)),
        Command::Status => wait(status::run(global, out)),
        Command::Find { text, limit } => wait(find::run(text, *limit, global, out)),
        Command::List { dataset, filter, sort, limit } => {
            let wanted = list::Wanted { dataset: *dataset, filter, sort: sort.as_deref(), limit: *limit };
            wait(list::run(&wanted, global, out))
        }
        Command::Show { kind, id } => wait(show::run(*kind, id, global, out)),
        Command::Tail { filter, lines } => wait(tail::run(filter, *lines, global, out)),
        Command::Keys => keys::run(&keys::table(), out),
        Command::Views(Views::Check) => {
            let settings = open::settings(global)?;
            views::check(&views::own(&settings), out)
        }
        Command::Views(Views::Fields { dataset }) => views::fields(*dataset, out),
        Command::Completions { shell } => manual::completions(*shell, out),
        Command::Man => manual::man(out),
    }
}

/// Runs a command that waits for others.
fn wait(command: impl Future<Output = Outcome>) -> Outcome {
    block(command)?
}

/// Waits for something.
fn block<T>(work: impl Future<Output = T>) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::usage("no threads can be started").why(error.to_string()))?;
    let done = runtime.block_on(work);
    // A blocked keyring or name look-up must not hold the process back.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    Ok(done)
}

/// Says more on standard error with `-v`. The console owns the screen and logs elsewhere.
fn log(args: &Args) {
    if args.global.verbose == 0 || matches!(args.command, None | Some(Command::Demo { .. })) {
        return;
    }
    let level = if args.global.verbose == 1 { "trueup=info" } else { "trueup=debug,warn" };
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}
