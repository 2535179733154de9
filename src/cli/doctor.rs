//! `doctor`: everything that could be wrong, at once, each with its fix.
//!
//! What must stay true: a broken configuration is told whole and nothing else is tried then; after that every part is
//! tried whatever the others said, all sources at the same time, none longer than [`PATIENCE`]. It only reads.

use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;

use super::exit::{Exit, Outcome};
use super::open;
use super::output::{Form, Output, mark, safe};
use super::table::{Cell, Spec, Table};
use crate::config::Settings;
use crate::domain::{CheckState, Problem, System, SystemKind, Text};
use crate::present::mark as marks;
use crate::sources::Source;

/// How long a source may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// A credential that a source needs, and what its look-up said.
pub struct Credential {
    /// Whose.
    pub system: System,
    /// `api_key` or `webhook_secret`.
    pub field: &'static str,
    /// Which look-up answered and, where a key tells it, of which mode it is ("environment, live key"); or why none did.
    pub found: Result<Text, Problem>,
}

/// A source as it was built from the settings, or why it could not be.
pub type Built = (System, Result<std::sync::Arc<dyn Source>, Problem>);

/// One line of the answer.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// `config`, `credential`, `store` or `source`.
    pub area: &'static str,
    /// What was looked at.
    pub name: Text,
    /// How it stands.
    pub state: CheckState,
    /// What was found.
    pub says: Text,
    /// What to do about it.
    pub fix: Option<Text>,
    #[serde(skip)]
    problem: Option<Problem>,
}

impl Finding {
    fn good(area: &'static str, name: impl AsRef<str>, says: impl AsRef<str>) -> Self {
        Self { area, name: Text::new(name), state: CheckState::Pass, says: Text::new(says), fix: None, problem: None }
    }

    fn warn(area: &'static str, name: impl AsRef<str>, says: impl AsRef<str>, fix: impl AsRef<str>) -> Self {
        Self { state: CheckState::Warn, fix: Some(Text::new(fix)), ..Self::good(area, name, says) }
    }

    fn bad(area: &'static str, name: impl AsRef<str>, problem: Problem) -> Self {
        let place = problem.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        let why = problem.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let says = format!("{place}{}{why}", problem.what);
        Self {
            state: CheckState::Fail,
            fix: problem.hint.clone(),
            problem: Some(problem),
            ..Self::good(area, name, says)
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    ok: bool,
    findings: &'a [Finding],
}

/// Tells everything that is wrong with the configuration; nothing else is tried then.
pub fn broken(problems: Vec<Problem>, out: &mut Output) -> Outcome {
    let findings: Vec<Finding> =
        problems.into_iter().map(|problem| Finding::bad("config", "configuration", problem)).collect();
    answer(&findings, out)
}

/// Looks at everything and tells what was found.
pub async fn run(
    settings: &Settings,
    file: &str,
    credentials: Vec<Credential>,
    sources: Vec<Built>,
    out: &mut Output,
) -> Outcome {
    let mut findings = of_settings(settings, file);
    findings.extend(credentials.into_iter().map(|credential| {
        let name = format!("{} {}", credential.system, credential.field);
        match credential.found {
            Ok(origin) => Finding::good("credential", name, origin),
            Err(problem) => Finding::bad("credential", name, problem),
        }
    }));
    findings.push(of_store(settings).await);
    findings.extend(join_all(sources.into_iter().map(|(system, built)| of_source(system, built))).await);
    answer(&findings, out)
}

/// What the settings alone tell.
fn of_settings(settings: &Settings, file: &str) -> Vec<Finding> {
    let acting = if settings.acting.allow { "acting allowed" } else { "read-only" };
    let says = format!("{}, {}, {acting}", settings.name, settings.environment.as_str());
    let mut findings = vec![Finding::good("config", file, says)];
    if settings.portal.is_none() {
        let fix = "run `trueup init`, or add [portal] with its url and the query that finds your customers";
        findings.push(Finding::warn(
            "config",
            "portal",
            "no portal is configured: nothing can be compared with it",
            fix,
        ));
    } else if settings.portal.as_ref().is_some_and(|portal| portal.states.is_empty()) {
        let says = "[portal.states] is empty: every customer will be needs_review";
        findings.push(Finding::warn("config", "portal", says, "list the portal's words for each state"));
    }
    if settings.sources.is_empty() {
        let fix = "add [sources.stripe] and `trueup login stripe`, for instance";
        findings.push(Finding::warn("config", "sources", "no source is configured beside the portal", fix));
    }
    for (kind, key, named) in
        [(SystemKind::Crm, "crm", settings.policy.crm), (SystemKind::Support, "support", settings.policy.support)]
    {
        let several: Vec<&str> =
            settings.sources.keys().filter(|system| system.kind() == kind).map(|system| system.as_str()).collect();
        if several.len() > 1 && named.is_none() {
            let says = format!(
                "{} are configured, and [policy] does not say where a customer ought to be",
                several.join(" and ")
            );
            let fix = format!("add {key} = \"{}\" to [policy]", several[0]);
            findings.push(Finding::warn("config", "policy", says, fix));
        }
    }
    findings
}

async fn of_store(settings: &Settings) -> Finding {
    let name = settings.store.to_string();
    let store = match open::store(&settings.store).await {
        Ok(store) => store,
        Err(problem) => return Finding::bad("store", name, problem),
    };
    let revision = store.revision().await;
    store.close().await;
    match revision {
        Ok(revision) => Finding::good("store", name, format!("can be read and written; revision {revision}")),
        Err(problem) => Finding::bad("store", name, problem),
    }
}

async fn of_source(system: System, built: Result<std::sync::Arc<dyn Source>, Problem>) -> Finding {
    let source = match built {
        Ok(source) => source,
        Err(problem) => return Finding::bad("source", system.as_str(), problem),
    };
    match tokio::time::timeout(PATIENCE, source.probe(open::now())).await {
        Ok(Ok(says)) => Finding::good("source", system.as_str(), says),
        Ok(Err(error)) => Finding::bad("source", system.as_str(), error.problem),
        Err(_) => {
            let problem =
                Problem::evidence(format!("{} did not answer within {} s", system.title(), PATIENCE.as_secs()));
            let hint = "check the network from this machine, and the provider's status page";
            Finding::bad("source", system.as_str(), problem.hint(hint))
        }
    }
}

fn answer(findings: &[Finding], out: &mut Output) -> Outcome {
    let problems: Vec<Problem> = findings.iter().filter_map(|finding| finding.problem.clone()).collect();
    if out.is_json() {
        out.json(&Answer { ok: problems.is_empty(), findings })?;
        return Ok(Exit::of(&problems));
    }
    let rows: Vec<Vec<Cell>> = findings
        .iter()
        .map(|finding| {
            let word = finding.state.as_str();
            let (mark, ink) = mark(marks::check(finding.state).tone);
            let state = match out.form {
                Form::Human => Cell::new(format!("{mark} {word}")).inked(ink),
                Form::Plain | Form::Json => Cell::new(word),
            };
            vec![state, Cell::new(finding.area), Cell::new(safe(&finding.name)), Cell::new(finding.says.as_str())]
        })
        .collect();
    // A finding is read to its end: the last column is never cut.
    let table = Table::fit(&[Spec::hard(""); 4], &rows, None);
    let width = out.width.take();
    let written = rows.iter().zip(findings).try_for_each(|(row, finding)| {
        table.row(row, out)?;
        finding.fix.iter().try_for_each(|fix| out.line(format!("          fix: {fix}")))
    });
    out.width = width;
    written?;
    let warnings = findings.iter().filter(|finding| finding.state == CheckState::Warn).count();
    out.say(match (problems.len(), warnings) {
        (0, 0) => "all is well".to_owned(),
        (0, n) => format!("it works; {n} to look at"),
        (n, _) => format!("{n} to put right"),
    });
    Ok(Exit::of(&problems))
}
