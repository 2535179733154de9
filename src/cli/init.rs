//! `init`: looks at the portal's tables, proposes how they map to customers, writes a configuration to start from.
//!
//! What must stay true: an existing file is never written over; the portal's password never enters the file; the
//! proposal says how sure it is and, when there are no customers, says that.

use std::io::{IsTerminal, Write};
use std::path::Path;

use super::args::Global;
use super::exit::{Exit, Outcome};
use super::output::{Output, safe};
use super::{folders, open};
use crate::config::settings::Environment;
use crate::config::write;
use crate::domain::{Problem, System};
use crate::sources::portal::propose::{self, Proposal};
use crate::sources::registry;

/// Proposes, and prints or writes.
pub async fn run(portal: Option<&str>, print: bool, global: &Global, out: &mut Output) -> Outcome {
    let place = open::place(global)?;
    if !print && place.file.exists() {
        return Err(Problem::usage("there is a configuration file already")
            .at(place.file.display().to_string())
            .hint("`trueup init --print` shows the proposal without writing; or name another file with --config")
            .into());
    }
    let asks = !global.no_input && !print && std::io::stdin().is_terminal();
    let url = match portal.map(str::to_owned).or_else(|| folders::variable("TRUEUP_PORTAL_URL")) {
        Some(url) => url,
        None if asks => ask("the portal's database (postgres://... or sqlite:FILE)", "")?,
        None => {
            return Err(Problem::usage("no portal is named")
                .hint("give its database with --portal postgres://... (or sqlite:FILE), or in TRUEUP_PORTAL_URL")
                .into());
        }
    };
    let url = absolute(&url);
    out.say("looking at the portal's tables (reading only) ...");
    let proposal = propose::propose(&url).await?;
    let start = if asks { interview(&proposal)? } else { Start::default() };
    let address = without_password(&url);
    let portal = match proposal.customers {
        Some(_) => format!("[portal]\nurl = {}\n\n{}", write::quoted(&address), proposal.toml()),
        None => proposal.toml(),
    };
    let text = write::starter(&start.name, start.environment, &portal, &start.sources);
    if out.is_json() {
        out.json(&summary(&proposal, &text))?;
    } else if print {
        out.raw(text.as_bytes())?;
    }
    if let Some(problem) = proposal.why_not {
        return Err(problem.into());
    }
    if !print {
        save(&place.file, &text)?;
        out.say(format!("wrote {}", safe(place.file.display())));
        if address != url {
            out.say("the portal's address is written without its password: set TRUEUP_PORTAL_URL to the whole of it");
        }
        for system in &start.sources {
            out.say(format!("next: trueup login {system}   ({})", key_page(*system)));
        }
        out.say("then: trueup doctor");
    }
    Ok(Exit::Done)
}

/// What a person chooses.
struct Start {
    name: String,
    environment: Environment,
    sources: Vec<System>,
}

impl Default for Start {
    fn default() -> Self {
        Self { name: "My product".to_owned(), environment: Environment::Development, sources: Vec::new() }
    }
}

fn interview(proposal: &Proposal) -> Outcome<Start> {
    let usual = Start::default();
    if proposal.customers.is_none() {
        return Ok(usual);
    }
    let name = ask("the product's name", &usual.name)?;
    let environment = loop {
        match ask("production, staging or development", usual.environment.as_str())?.as_str() {
            "production" => break Environment::Production,
            "staging" => break Environment::Staging,
            "development" => break Environment::Development,
            _ => {}
        }
    };
    let mut sources = Vec::new();
    for provider in registry::PROVIDERS {
        if ask(&format!("do you use {}? (y/n)", provider.system.title()), "n")?.starts_with(['y', 'Y']) {
            sources.push(provider.system);
        }
    }
    Ok(Start { name, environment, sources })
}

fn ask(question: &str, usual: &str) -> Outcome<String> {
    let mut talk = std::io::stderr();
    let shown = if usual.is_empty() { String::new() } else { format!(" [{usual}]") };
    let _ = write!(talk, "{question}{shown}: ").and_then(|()| talk.flush());
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line).unwrap_or(0);
    let line = line.trim();
    match (read, line.is_empty()) {
        (0, _) => Err(Problem::usage("the question was not answered").hint("use --no-input to ask nothing").into()),
        (_, true) => Ok(usual.to_owned()),
        (_, false) => Ok(line.to_owned()),
    }
}

fn key_page(system: System) -> &'static str {
    registry::provider(system).map_or("", |provider| provider.key_url)
}

/// A SQLite file named from the current folder, by its whole path: the configuration stands somewhere else.
fn absolute(url: &str) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) if !path.starts_with('/') => std::path::absolute(path.trim_start_matches("//"))
            .map_or_else(|_| url.to_owned(), |path| format!("sqlite:{}", path.display())),
        _ => url.to_owned(),
    }
}

/// The address without what must not stand in a file: the password, and a query that could hold one.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, query)| (rest, query));
    let kept: Vec<&str> = query.split('&').filter(|p| p.starts_with("sslmode=") || p.starts_with("host=")).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split_once(':').map_or(user, |(user, _)| user);
            format!("{scheme}://{user}@{host}{query}")
        }
        None => format!("{scheme}://{rest}{query}"),
    }
}

fn save(file: &Path, text: &str) -> Outcome<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.exists()) {
        folders::make(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut file| file.write_all(text.as_bytes()));
    Ok(written.map_err(|error| {
        Problem::usage("the configuration cannot be written").at(file.display().to_string()).why(error.to_string())
    })?)
}

fn summary(proposal: &Proposal, text: &str) -> serde_json::Value {
    let customers = proposal.customers.as_ref().map(|mapping| {
        let columns: Vec<_> = mapping
            .columns
            .iter()
            .map(|guess| {
                serde_json::json!({
                    "column": guess.column, "from": guess.from, "percent": guess.percent, "sure": guess.word(),
                    "reason": guess.reason,
                })
            })
            .collect();
        serde_json::json!({
            "query": mapping.sql, "reason": mapping.reason, "columns": columns, "states": mapping.states,
            "unmapped": mapping.unmapped, "rows": mapping.trial.rows, "with_email": mapping.trial.with_email,
        })
    });
    serde_json::json!({
        "address": proposal.address, "tables": proposal.tables, "customers": customers,
        "why_not": proposal.why_not, "toml": text,
    })
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn the_password_stays_out_of_the_file() {
        for (given, kept) in [
            ("postgres://ana:s3cret@db.example:5432/acme", "postgres://ana@db.example:5432/acme"),
            ("postgres://db/acme?password=s3cret&sslmode=require", "postgres://db/acme?sslmode=require"),
            ("postgres://localhost/acme", "postgres://localhost/acme"),
            ("sqlite:/data/portal.db", "sqlite:/data/portal.db"),
        ] {
            assert_eq!(without_password(given), kept);
        }
    }
}
