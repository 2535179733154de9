//! A proposal as text for the configuration, with how sure it is in comments.
//!
//! What must stay true: whatever names the database holds, the text is valid TOML that reads back as the same query.

use std::fmt::Write as _;

use super::{JobsPart, Mapping, Part, Proposal, sure};
use crate::domain::{State, Text};

/// Most words of a list in a comment.
const MAX_WORDS: usize = 20;

/// The text.
pub(super) fn text(proposal: &Proposal) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# Proposed from {} tables of {}.", proposal.tables, proposal.address);
    if proposal.unread > 0 {
        let _ = writeln!(out, "# {} more could not be read.", proposal.unread);
    }
    match (&proposal.customers, &proposal.why_not) {
        (Some(mapping), _) => customers(&mut out, mapping),
        (None, Some(problem)) => {
            for line in problem.to_string().lines() {
                let _ = writeln!(out, "# {line}");
            }
            out.push_str("#\n# [portal.customers]\n# query = 'select id, email from ...'\n");
        }
        (None, None) => {}
    }
    if proposal.customers.is_some() {
        part(&mut out, "tickets", proposal.tickets.as_ref());
        part(&mut out, "deliveries", proposal.deliveries.as_ref());
        match &proposal.jobs {
            Some(JobsPart::Kind(kind)) => {
                let _ = writeln!(out, "\n[portal.jobs]\nkind = \"{kind}\"");
            }
            Some(JobsPart::Query(query)) => part(&mut out, "jobs", Some(query)),
            None => {}
        }
    }
    out
}

fn customers(out: &mut String, mapping: &Mapping) {
    let trial = &mapping.trial;
    let _ = writeln!(out, "# {}.", mapping.reason);
    let more = if trial.more { "more than " } else { "" };
    let _ = match trial.rows {
        0 => writeln!(out, "# It ran, and gave no rows: the tables are empty, so this rests on names alone."),
        rows => writeln!(out, "# It ran: {more}{rows} rows, {} % with an e-mail address.", trial.email_percent()),
    };
    if trial.repeated > 0 {
        let _ = writeln!(out, "# {} rows repeat an id: check the join.", trial.repeated);
    }
    if !mapping.others.is_empty() {
        let _ = writeln!(out, "# Also possible: {}.", list(&mapping.others));
    }
    out.push_str("\n[portal.customers]\n");
    let width = mapping.columns.iter().map(|guess| guess.column.as_str().len()).max().unwrap_or(0);
    for guess in &mapping.columns {
        let (column, word, percent) = (guess.column.as_str(), guess.word(), guess.percent);
        let _ = writeln!(out, "# {column:width$}  {word} ({percent} %): {}, {}", guess.from, guess.reason);
    }
    for note in &mapping.notes {
        let _ = writeln!(out, "# {note}");
    }
    query(out, &mapping.sql);
    states(out, mapping);
}

fn states(out: &mut String, mapping: &Mapping) {
    if !mapping.columns.iter().any(|guess| guess.column == *"state") {
        out.push_str(
            "\n# No status was found: add `... as state` to the query and map its words in [portal.states].\n",
        );
        return;
    }
    out.push_str("\n[portal.states]\n");
    let seen: Vec<_> = mapping
        .trial
        .states
        .iter()
        .take(MAX_WORDS)
        .map(|(word, count)| match word {
            Some(word) => format!("{word} {count}"),
            None => format!("(none) {count}"),
        })
        .collect();
    if !seen.is_empty() {
        let _ = writeln!(out, "# seen: {}", seen.join(", "));
    }
    if !mapping.unmapped.is_empty() {
        let _ = writeln!(out, "# not mapped, hence needs_review: {}", list(&mapping.unmapped));
    }
    for state in [State::Trial, State::Active, State::PastDue, State::Canceled] {
        let words = mapping.states.get(&state).map(Vec::as_slice).unwrap_or_default();
        let words: Vec<_> = words.iter().map(|word| basic(word.as_str())).collect();
        let _ = writeln!(out, "{state} = [{}]", words.join(", "));
    }
}

fn part(out: &mut String, table: &str, part: Option<&Part>) {
    let Some(part) = part else { return };
    let _ = writeln!(out, "\n[portal.{table}]");
    let _ = writeln!(out, "# {} ({} %): {}", sure(part.percent), part.percent, Text::new(&part.reason));
    query(out, &part.sql);
}

/// A query as it can be edited; escaped only where it must be.
fn query(out: &mut String, sql: &str) {
    let plain = !sql.contains("'''") && !sql.chars().any(|c| c.is_control() && c != '\n');
    let _ = match plain {
        true => writeln!(out, "query = '''\n{sql}\n'''"),
        false => writeln!(out, "query = {}", basic(sql)),
    };
}

/// A basic string.
fn basic(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn list(words: &[Text]) -> String {
    words.iter().take(MAX_WORDS).map(Text::as_str).collect::<Vec<_>>().join(", ")
}
