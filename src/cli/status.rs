//! `status`: the figures of the header.

use super::args::Global;
use super::columns;
use super::exit::{Exit, Outcome};
use super::list;
use super::open;
use super::output::{Form, Ink, Output, mark};
use crate::config::Settings;
use crate::config::theme::Tone;
use crate::domain::{Money, Severity, Status, Text, Time};
use crate::present::format::{self, count};

/// Prints the figures; the code says whether something is out of step or down (1), or cannot be told (3).
pub async fn run(global: &Global, out: &mut Output) -> Outcome {
    let (settings, store) = open::both(global).await?;
    let now = open::now();
    let mut status = store.status(now).await?;
    status.environment = Text::new(settings.environment.as_str());
    status.name = settings.name.clone();
    let missing = list::missing(&settings, &store).await?;
    store.close().await;

    if out.is_json() {
        out.json(&status)?;
    } else {
        print(&status, &settings, now, out)?;
    }
    Ok(if missing {
        Exit::Evidence
    } else if status.mismatches.open + status.mismatches.unknown > 0 || status.checks.fail > 0 {
        Exit::OutOfStep
    } else {
        Exit::Done
    })
}

/// One line: what it is about, how it stands, and the figures.
struct Line {
    about: &'static str,
    /// Chooses the mark; nothing that has not been read is ever fine.
    word: &'static str,
    says: String,
}

fn print(status: &Status, settings: &Settings, now: Time, out: &mut Output) -> Outcome<()> {
    let environment = settings.environment.as_str().to_uppercase();
    let acting = if settings.acting.allow { "acting allowed" } else { "read-only" };
    let seen = status.seen_at.map_or_else(|| "never read".to_owned(), |at| format!("read {}", ago(at, now, out.form)));
    let head = out.ink(status.name.as_str(), Ink::Strong);
    out.line(format!("{head}  {environment}  {acting}  {seen}"))?;
    let total = i64::try_from(settings.sources.len() + usize::from(settings.portal.is_some())).unwrap_or(i64::MAX);
    let blind = status.sources.ok < total || total == 0;
    for line in [
        customers(status, blind),
        mismatches(status, blind),
        webhooks(status, now, out.form),
        queues(status, settings, now, out.form),
        checks(status, settings),
        sources(status, total),
    ] {
        let mark = match (tone(line.word), out.form) {
            (Some(tone), Form::Human) => {
                let (mark, ink) = mark(tone);
                format!("{} ", out.ink(&mark.to_string(), ink))
            }
            (None, Form::Human) => "  ".to_owned(),
            _ => String::new(),
        };
        let word = if out.form == Form::Plain { format!("{:<9}", line.word) } else { String::new() };
        out.line(format!("{mark}{word}{:<13}{}", line.about, line.says))?;
    }
    Ok(())
}

/// How a line's word is marked.
fn tone(word: &str) -> Option<Tone> {
    match word {
        "ok" => Some(Tone::Ok),
        "warning" | "warn" => Some(Tone::Warn),
        "critical" | "fail" => Some(Tone::Crit),
        "unknown" => Some(Tone::Unknown),
        _ => None,
    }
}

/// `3m ago`, or exactly when.
fn ago(at: Time, now: Time, form: Form) -> String {
    if form == Form::Human { format::when(at, now) } else { at.rfc3339() }
}

fn at_risk(status: &Status) -> String {
    let risk: Vec<String> = status.money_at_risk.iter().map(Money::to_string).collect();
    if risk.is_empty() { "nothing at risk".to_owned() } else { format!("{} at risk", risk.join(" + ")) }
}

fn customers(status: &Status, blind: bool) -> Line {
    let (word, says) = match (status.customers_blocked, blind) {
        (0, false) => ("ok", "nobody who pays is locked out".to_owned()),
        (0, true) => ("unknown", "nobody is known to be locked out; some evidence is missing".to_owned()),
        (n, _) => ("critical", format!("{} locked out, {}", count(n), at_risk(status))),
    };
    Line { about: "customers", word, says }
}

fn mismatches(status: &Status, blind: bool) -> Line {
    let counted = &status.mismatches;
    let severities: Vec<String> = (Severity::WORDS.iter().rev())
        .filter_map(|word| Some(format!("{} {word}", counted.by_severity.get(*word).filter(|n| **n > 0)?)))
        .collect();
    let severities = if severities.is_empty() { String::new() } else { format!(" ({})", severities.join(", ")) };
    let word = match (counted.open, counted.unknown > 0 || blind) {
        (0, false) => "ok",
        (0, true) => "unknown",
        _ => "warning",
    };
    let says = format!(
        "{} open{severities}, {} settling, {} unknown, {} agree; {}",
        count(counted.open),
        count(counted.settling),
        count(counted.unknown),
        count(counted.agree),
        at_risk(status),
    );
    Line { about: "out of step", word, says }
}

fn webhooks(status: &Status, now: Time, form: Form) -> Line {
    let counted = &status.webhooks;
    let word = match (counted.total, counted.failed) {
        (0, _) => "unknown",
        (_, 0) => "ok",
        _ => "warning",
    };
    let last = counted.last_at.map_or_else(|| "none ever".to_owned(), |at| format!("last {}", ago(at, now, form)));
    let (total, failed) = (count(counted.total), count(counted.failed));
    Line { about: "webhooks", word, says: format!("{total} in 15 min, {failed} not delivered; {last}") }
}

fn queues(status: &Status, settings: &Settings, now: Time, form: Form) -> Line {
    let counted = &status.jobs;
    let read = settings.portal.as_ref().is_some_and(|portal| portal.jobs.is_some());
    let oldest = counted.oldest_at.map_or_else(String::new, |at| format!(", oldest {}", columns::time(at, now, form)));
    let says = format!("{} open{oldest}, {} dead", count(counted.open), count(counted.dead));
    let (word, says) = match (counted.dead, counted.open, read) {
        (0, 0, false) => ("none", "no queue is configured".to_owned()),
        (0, ..) => ("ok", says),
        _ => ("warning", says),
    };
    Line { about: "queues", word, says }
}

fn checks(status: &Status, settings: &Settings) -> Line {
    let counted = &status.checks;
    let wanted = i64::try_from(settings.checks.len()).unwrap_or(i64::MAX).max(counted.total);
    let word = match counted {
        _ if wanted == 0 => "none",
        c if c.fail > 0 => "fail",
        c if c.warn > 0 => "warn",
        c if c.unknown > 0 || c.total < wanted => "unknown",
        _ => "ok",
    };
    let says = match wanted {
        0 => "no check is configured".to_owned(),
        _ => format!("{} of {wanted} up, {} down, {} warn", counted.pass + counted.warn, counted.fail, counted.warn),
    };
    Line { about: "checks", word, says }
}

fn sources(status: &Status, total: i64) -> Line {
    let not_ok = status.sources.states.iter().filter(|(_, word)| **word != "ok");
    let names: Vec<String> = not_ok.map(|(name, word)| format!("{name} {word}")).collect();
    let rest = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    let word = if status.sources.ok < total || total == 0 { "unknown" } else { "ok" };
    Line { about: "sources", word, says: format!("{} of {total} answer{rest}", status.sources.ok) }
}
