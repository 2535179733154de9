//! What may be typed: commands, options, and the help that is made from them.
//!
//! What must stay true: names are the contract's (section 1). A credential is never an argument. Only commands that
//! work are offered.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args as Group, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::exit::{CODES, COMPARED, LISTED};
use crate::domain::{Dataset, System, SystemKind};

/// Shows where your product's systems disagree about a customer: portal, billing, CRM, support.
///
/// Without a command the console opens. It is read-only: nothing outside is ever changed.
#[derive(Debug, Parser)]
#[command(name = "trueup", version, propagate_version = true, max_term_width = 100)]
pub struct Args {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command; none opens the console.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Clone, Debug, Default, Group)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Read this configuration file
    ///
    /// Else $TRUEUP_CONFIG, else $TRUEUP_HOME/config.toml, else config.toml in the platform's configuration folder.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Keep trueup's own tables there: sqlite:FILE or postgres://...
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
    /// Whose view the console shows
    #[arg(long, value_name = "ROLE", global = true, value_parser = ["founder", "support", "engineer"])]
    pub role: Option<String>,
    /// Print JSON: one object a line for list, find and tail, one object for everything else
    #[arg(long, global = true)]
    pub json: bool,
    /// Print plain text: no colour, no marks, whole words, exact times, nothing cut
    #[arg(long, global = true)]
    pub plain: bool,
    /// Never ask a question
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Allow acting in production, where the configuration allows acting at all
    #[arg(long, global = true)]
    pub act: bool,
    /// Say more on standard error; twice says even more
    #[arg(short, long = "verbose", global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// One command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the console on a simulated company: no account, no network, nothing left behind
    Demo {
        /// Which course the story takes
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Run the simulated company alone: fake providers on loopback and a portal database
    ///
    /// Writes DIR/config.toml with credentials in files beside it, and prints one JSON line when everything listens.
    Sim {
        /// Folder for its files
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Which course the story takes
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// How many seconds of the story pass in one
        #[arg(long, value_name = "X", default_value_t = 1.0)]
        speed: f64,
        /// How many customers
        #[arg(long, value_name = "N")]
        customers: Option<usize>,
    },
    /// Look at the portal's tables, propose the mapping, write the configuration
    Init {
        /// The portal's database; else $TRUEUP_PORTAL_URL
        #[arg(long, value_name = "URL")]
        portal: Option<String>,
        /// Print the configuration instead of writing it
        #[arg(long)]
        print: bool,
    },
    /// Store a credential in the system's keyring, from a prompt or standard input
    Login(Credential),
    /// Remove a credential from the system's keyring
    Logout(Credential),
    /// Check configuration, credentials, database rights and connections: all problems at once, each with its fix
    Doctor,
    /// Collect from every source, compare, store, and exit
    #[command(after_help = COMPARED)]
    Sync {
        /// One full round
        #[arg(long, required = true)]
        once: bool,
    },
    /// Is anyone broken, is money flowing, what is failing
    #[command(after_help = COMPARED)]
    Status,
    /// Find a customer by e-mail, part of a name, any system's id, domain, invoice or ticket number
    Find {
        /// What to look for
        text: String,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// List rows of a dataset
    #[command(after_help = LISTED)]
    List {
        /// Which dataset
        #[arg(value_parser = dataset())]
        dataset: Dataset,
        /// Only rows for which this holds, as in 'state = failed and received_at < 2h'; may be repeated
        #[arg(long = "where", value_name = "EXPR")]
        filter: Vec<String>,
        /// Order by this field; -FIELD puts the largest first
        #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
        sort: Option<String>,
        /// At most so many rows
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Show one row whole; a customer with all systems side by side and the timeline
    Show {
        /// What kind of row
        #[arg(value_parser = thing())]
        kind: Dataset,
        /// Its id
        id: String,
    },
    /// Print deliveries as they happen, one line each
    Tail {
        /// Only deliveries for which this holds; may be repeated
        #[arg(long = "where", value_name = "EXPR")]
        filter: Vec<String>,
        /// Begin with the newest N that are there already
        #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
        lines: u32,
    },
    /// Print the console's keys
    Keys,
    /// Reference for views
    #[command(subcommand)]
    Views(Views),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `views ...`
#[derive(Debug, Subcommand)]
pub enum Views {
    /// Check your own view and theme files
    Check,
    /// Print the fields of a dataset
    Fields {
        /// Which dataset
        #[arg(value_parser = dataset())]
        dataset: Dataset,
    },
}

/// Which credential.
#[derive(Clone, Debug, Group)]
pub struct Credential {
    /// Whose credential
    #[arg(value_parser = source())]
    pub source: System,
    /// Which of its credentials
    #[arg(long, value_name = "FIELD", default_value = "api_key", value_parser = ["api_key", "webhook_secret"])]
    pub field: String,
}

fn dataset() -> impl TypedValueParser<Value = Dataset> {
    PossibleValuesParser::new(Dataset::WORDS).try_map(|word| Dataset::parse(&word).ok_or("unknown dataset"))
}

fn source() -> impl TypedValueParser<Value = System> {
    let words = System::ALL.iter().filter(|system| system.kind() != SystemKind::Portal).map(|system| system.as_str());
    PossibleValuesParser::new(words).try_map(|word| System::parse(&word).ok_or("unknown source"))
}

/// What `show` shows: one row of these datasets.
pub const THINGS: &[(&str, Dataset)] = &[
    ("customer", Dataset::Customers),
    ("delivery", Dataset::Deliveries),
    ("job", Dataset::Jobs),
    ("check", Dataset::Checks),
    ("deploy", Dataset::Deploys),
    ("mismatch", Dataset::Mismatches),
];

fn thing() -> impl TypedValueParser<Value = Dataset> {
    let words = THINGS.iter().map(|(word, _)| *word);
    PossibleValuesParser::new(words)
        .try_map(|word| THINGS.iter().find(|(known, _)| *known == word).map(|(_, d)| *d).ok_or("unknown kind"))
}

/// The whole command line, with the table of exit codes at the end of the long help.
pub fn command() -> clap::Command {
    let mut text = String::from("Exit codes:\n");
    for (exit, meaning) in CODES {
        text.push_str(&format!("  {:>2}  {meaning}\n", exit.code()));
    }
    Args::command().after_long_help(text).after_help("--help says more, and lists the exit codes.")
}

/// Reads the command line.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let matches = command().try_get_matches_from(words)?;
    Args::from_arg_matches(&matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Args, clap::Error> {
        parse(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_table_of_commands_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn options_of_every_command_may_stand_anywhere() {
        assert!(read("trueup --json list mismatches --plain --config x.toml").unwrap().global.json);
        assert!(read("trueup list mismatches --sort -since --where a --where b").is_ok());
        assert!(read("trueup").unwrap().command.is_none());
        for bad in
            ["trueup lsit", "trueup list", "trueup sync", "trueup login portal", "trueup --role boss", "trueup apply x"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
