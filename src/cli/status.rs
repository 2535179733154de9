//! `status`: the figures of the header.

use super::args::Global;
use super::exit::{Exit, Outcome};
use super::format::{age, grouped, money};
use super::list;
use super::mark::{self, Ink};
use super::open;
use super::output::{Form, Output};
use crate::config::Settings;
use crate::domain::{Status, Text, Time};

/// Prints the figures; the code says whether something is out of step or down (1), or cannot be told (3).
pub async fn run(global: &Global, out: &mut Output) -> Outcome {
    let (settings, store) = open::both(global).await?;
    let now = open::now();
    let mut status = store.status(now).await?;
    status.environment = Text::new(settings.environment.as_str());
    status.name = settings.name.clone();
    let missing = list::missing(&store).await? || status.mismatches.unknown > 0 || unasked(&settings, &status);
    store.close().await;

    if out.is_json() {
        out.json(&status)?;
    } else {
        print(&status, &settings, now, out)?;
    }
    Ok(if missing {
        Exit::Evidence
    } else if status.mismatches.open > 0 || status.checks.fail > 0 {
        Exit::OutOfStep
    } else {
        Exit::Done
    })
}

/// Whether a configured source has never been asked: then nothing is known of it.
fn unasked(settings: &Settings, status: &Status) -> bool {
    let portal = settings.portal.as_ref().map(|_| "portal");
    let mut names = settings.sources.keys().map(|system| system.as_str()).chain(portal);
    names.any(|name| status.sources.states.get(name).is_none_or(|word| *word == "waiting"))
}

/// One line: what it is about, the figures, and how they are to be taken.
struct Line {
    about: &'static str,
    word: &'static str,
    says: String,
}

fn print(status: &Status, settings: &Settings, now: Time, out: &mut Output) -> Outcome<()> {
    let environment = settings.environment.as_str().to_uppercase();
    let acting = if settings.acting.allow { "acting allowed" } else { "read-only" };
    let seen = status.seen_at.map_or_else(|| "never read".to_owned(), |at| format!("read {} ago", age(now.since(at))));
    let head = out.ink(status.name.as_str(), Ink::Strong);
    out.line(format!("{head}  {environment}  {acting}  {seen}"))?;
    for line in lines(status, settings, now) {
        let mark = match mark::of(line.word) {
            Some((mark, ink)) if out.form == Form::Human => out.ink(&mark.to_string(), ink),
            _ => String::new(),
        };
        let gap = if mark.is_empty() { "" } else { " " };
        out.line(format!("{mark}{gap}{:<12}{}", line.about, line.says))?;
    }
    Ok(())
}

fn lines(status: &Status, settings: &Settings, now: Time) -> Vec<Line> {
    let counted = &status.mismatches;
    let risk: Vec<String> = status.money_at_risk.iter().map(money).collect();
    let risk = if risk.is_empty() { "nothing at risk".to_owned() } else { format!("{} at risk", risk.join(" + ")) };
    let mut severities: Vec<String> = Vec::new();
    for word in crate::domain::Severity::WORDS.iter().rev() {
        if let Some(n) = counted.by_severity.get(*word).filter(|n| **n > 0) {
            severities.push(format!("{n} {word}"));
        }
    }
    let severities = if severities.is_empty() { String::new() } else { format!(" ({})", severities.join(", ")) };
    let names: Vec<String> = (status.sources.states.iter())
        .filter(|(_, word)| **word != "ok")
        .map(|(name, word)| format!("{name} {word}"))
        .collect();
    let unasked = unasked(settings, status);
    let total = i64::try_from(settings.sources.len() + usize::from(settings.portal.is_some())).unwrap_or(i64::MAX);
    let webhooks = &status.webhooks;
    let jobs = &status.jobs;
    let checks = &status.checks;
    vec![
        Line {
            about: "customers",
            word: if status.customers_blocked > 0 { "critical" } else { "ok" },
            says: match status.customers_blocked {
                0 => "nobody who pays is locked out".to_owned(),
                n => format!("{} locked out, {risk}", grouped(n)),
            },
        },
        Line {
            about: "out of step",
            word: match (counted.open, counted.unknown) {
                (0, 0) if unasked => "unknown",
                (0, 0) => "ok",
                (0, _) => "unknown",
                _ => "warning",
            },
            says: format!(
                "{} open{severities}, {} settling, {} unknown, {} agree; {risk}",
                grouped(counted.open),
                grouped(counted.settling),
                grouped(counted.unknown),
                grouped(counted.agree),
            ),
        },
        Line {
            about: "webhooks",
            word: match (webhooks.total, webhooks.failed) {
                (0, _) => "unknown",
                (_, 0) => "ok",
                _ => "warning",
            },
            says: format!(
                "{} in 15 min, {} not delivered; last {}",
                grouped(webhooks.total),
                grouped(webhooks.failed),
                webhooks.last_at.map_or_else(|| "never".to_owned(), |at| format!("{} ago", age(now.since(at)))),
            ),
        },
        Line {
            about: "queues",
            word: if jobs.dead > 0 { "warning" } else { "ok" },
            says: format!(
                "{} open{}, {} dead",
                grouped(jobs.open),
                jobs.oldest_at.map_or_else(String::new, |at| format!(", oldest {}", age(now.since(at)))),
                grouped(jobs.dead),
            ),
        },
        Line {
            about: "checks",
            word: match checks {
                c if c.fail > 0 => "fail",
                c if c.warn > 0 => "warn",
                c if c.unknown > 0 || c.total < i64::try_from(settings.checks.len()).unwrap_or(0) => "unknown",
                _ => "ok",
            },
            says: format!(
                "{} of {} up, {} warn, {} down",
                checks.pass + checks.warn,
                checks.total,
                checks.warn,
                checks.fail
            ),
        },
        Line {
            about: "sources",
            word: if status.sources.ok < total { "unknown" } else { "ok" },
            says: {
                let rest = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
                format!("{} of {total} answer{rest}", status.sources.ok)
            },
        },
    ]
}
