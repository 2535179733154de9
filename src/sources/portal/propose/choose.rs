//! Decides who the customers are: which table holds the address, which the status, and whether the customer is the
//! person or the team.
//!
//! What must stay true: every candidate carries its reasons; when nothing is convincing there is no candidate. A
//! table of suppliers or a log of messages is not taken for customers because it holds addresses.

use super::fields::Field;
use super::links::{Link, TEAM_WORDS};
use super::schema::Schema;
use super::words;

/// Tables whose rows are customers, by name.
const PEOPLE: &[&str] = &[
    "user",
    "customer",
    "member",
    "client",
    "subscriber",
    "profile",
    "account",
    "person",
    "buyer",
    "patient",
    "student",
];
/// Tables that hold addresses of somebody else, or of the same people again.
const OTHERS: &[&str] = &[
    "log",
    "event",
    "session",
    "token",
    "verification",
    "invitation",
    "invite",
    "newsletter",
    "waitlist",
    "lead",
    "audit",
    "message",
    "outbox",
    "queue",
    "job",
    "supplier",
    "vendor",
    "employee",
    "staff",
    "attempt",
    "notification",
    "mail",
    "email",
    "feedback",
    "ticket",
    "request",
    "webhook",
    "warehouse",
    "carrier",
    "manufacturer",
    "reset",
    "otp",
    "export",
    "import",
    "history",
    "archive",
    "backup",
    "admin",
    "author",
    "candidate",
    "supporter",
    "comment",
    "contact",
];
/// What a status column needs at least.
const STATUS_ENOUGH: f64 = 50.0;
/// Longest way between the address and the status.
const MAX_HOPS: usize = 3;

/// A field with its score and why.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    pub(super) field: usize,
    pub(super) score: f64,
    pub(super) reason: String,
}

/// One step from a table to another along a link.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hop {
    pub(super) link: usize,
    /// The table that it leads to.
    pub(super) to: usize,
    /// It goes from the pointing row to the one it points at; otherwise several rows may answer.
    pub(super) forward: bool,
}

/// Who the customers may be.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The table of which each row is a customer.
    pub(super) anchor: usize,
    pub(super) email: Scored,
    pub(super) email_path: Vec<Hop>,
    pub(super) status: Option<Scored>,
    pub(super) status_path: Vec<Hop>,
    pub(super) score: f64,
    /// Why this table.
    pub(super) reason: String,
}

/// Candidates, the best first. Empty: there are no customers here.
pub(super) fn candidates(schema: &Schema, fields: &[Field], links: &[Link]) -> Vec<Candidate> {
    let emails = best(fields, 6, |field| email(schema, fields, links, field));
    let statuses = best(fields, 8, |field| status(schema, field));
    let mut out = Vec::new();
    for address in &emails {
        let start = fields[address.field].table;
        for state in &statuses {
            if let Some(path) = way(schema, links, start, fields[state.field].table) {
                out.push(anchored(schema, links, address, Some(state), start, path));
            }
        }
        // Without a status the name must leave no doubt that these are customers.
        let called = words::words(&schema.tables[start].name);
        if address.score >= 60.0 && called.last().is_some_and(|word| PEOPLE.contains(&word.as_str())) {
            out.push(anchored(schema, links, address, None, start, Vec::new()));
        }
    }
    out.sort_by(|a, b| b.score.total_cmp(&a.score));
    out
}

fn best(fields: &[Field], count: usize, score: impl Fn(&Field) -> Option<(f64, String)>) -> Vec<Scored> {
    let mut out: Vec<Scored> = fields
        .iter()
        .enumerate()
        .filter_map(|(index, field)| score(field).map(|(score, reason)| Scored { field: index, score, reason }))
        .collect();
    out.sort_by(|a, b| b.score.total_cmp(&a.score));
    out.truncate(count);
    out
}

/// How good an e-mail column this is, for customers.
fn email(schema: &Schema, fields: &[Field], links: &[Link], field: &Field) -> Option<(f64, String)> {
    let named = field.says(&["email", "mail", "e"]) && field.words.iter().any(|w| w.ends_with("mail"));
    let share = field.share(words::is_email);
    if !(named || share >= 0.5) || field.is_bool || (!field.values.is_empty() && share < 0.3) {
        return None;
    }
    let table = &schema.tables[field.table];
    let called = words::words(&table.name);
    let mut score = share * 45.0 + if named { 15.0 } else { 0.0 };
    if field.is_called(&["email", "mail", "e_mail", "email_address", "billing_email"]) {
        score += 10.0;
    }
    if !field.path.is_empty() {
        score -= 10.0;
    }
    if field.values.is_empty() {
        score += 20.0;
    }
    if called.last().is_some_and(|w| PEOPLE.contains(&w.as_str()) || TEAM_WORDS.contains(&w.as_str())) {
        score += 25.0;
    }
    if called.iter().any(|w| OTHERS.contains(&w.as_str())) {
        score -= 60.0;
    }
    if table.columns[field.column].unique {
        score += 8.0;
    } else if field.values.len() > 5 && field.variety() < 0.5 {
        score -= 25.0;
    }
    let pointed_at = links.iter().filter(|link| link.to.0 == field.table).count();
    score += (pointed_at as f64 * 2.0).min(8.0);
    if table.key().is_none() {
        score -= 20.0;
    }
    let columns_with_mail = fields.iter().filter(|f| f.table == field.table && f.share(words::is_email) > 0.5).count();
    if columns_with_mail > 2 {
        score -= 10.0;
    }
    let reason = match field.values.len() {
        0 => "by its name; there are no values to look at".to_owned(),
        n => format!("{:.0} % of {n} sampled values are e-mail addresses", share * 100.0),
    };
    (score > 30.0).then_some((score, reason))
}

/// How good a status column this is, for subscriptions.
fn status(schema: &Schema, field: &Field) -> Option<(f64, String)> {
    let table = words::words(&schema.tables[field.table].name);
    let about_money = |words: &[String]| {
        words.iter().any(|w| {
            matches!(
                w.as_str(),
                "subscription" | "billing" | "plan" | "membership" | "paid" | "payment" | "stripe" | "paddle"
            )
        })
    };
    let named = field.says(&["status", "state"]);
    if field.is_bool
        || (field.values.iter().all(|v| matches!(v.as_str(), "true" | "false" | "0" | "1")) && !field.values.is_empty())
    {
        let says = field.says(&["subscribed", "paid", "paying", "premium"])
            || (field.says(&["active"]) && (about_money(&table) || about_money(&field.words)))
            || field.is_called(&["has_access", "has_subscription", "is_subscribed"]);
        return says.then(|| (52.0, "a yes or no whose name speaks of paying".to_owned()));
    }
    let all = || field.values.iter().chain(&field.labels);
    let total = all().count();
    let known = all().filter(|v| words::status(v).is_some()).count();
    let telling = {
        let mut found: Vec<_> =
            all().filter_map(|v| words::status(v)).filter(|(.., telling)| *telling).map(|(w, ..)| *w).collect();
        found.sort_unstable();
        found.dedup();
        found.len()
    };
    let share = if total == 0 { 0.0 } else { known as f64 / total as f64 };
    if total > 0 && share < 0.6 {
        return None;
    }
    let mut score = share * 30.0;
    if named {
        score += 15.0;
    }
    if about_money(&field.words) || about_money(&table) {
        score += if total == 0 { 40.0 } else { 25.0 };
    }
    score += (telling as f64 * 12.0).min(36.0);
    if table
        .iter()
        .any(|w| matches!(w.as_str(), "invoice" | "payment" | "order" | "charge" | "product" | "item" | "stock"))
    {
        score -= 40.0;
    }
    if table.iter().any(|w| matches!(w.as_str(), "log" | "event" | "audit" | "history" | "webhook" | "archive")) {
        score -= 40.0;
    }
    if !named && telling == 0 {
        return None;
    }
    let reason = match total {
        0 => "by its name; there are no values to look at".to_owned(),
        _ => format!("{known} of {total} values and labels are words for subscriptions"),
    };
    (score >= STATUS_ENOUGH).then_some((score, reason))
}

/// The cheapest way between two tables that means "belongs to".
pub(super) fn way(schema: &Schema, links: &[Link], from: usize, to: usize) -> Option<Vec<Hop>> {
    let mut best: Option<(f64, Vec<Hop>)> = None;
    search(schema, links, from, to, &mut Vec::new(), 0.0, &mut best);
    best.map(|(_, path)| path)
}

fn search(
    schema: &Schema,
    links: &[Link],
    at: usize,
    to: usize,
    path: &mut Vec<Hop>,
    cost: f64,
    best: &mut Option<(f64, Vec<Hop>)>,
) {
    if best.as_ref().is_some_and(|(known, _)| *known <= cost) {
        return;
    }
    if at == to {
        *best = Some((cost, path.clone()));
        return;
    }
    if path.len() == MAX_HOPS {
        return;
    }
    for (index, link) in links.iter().enumerate() {
        let hop = if link.from.0 == at {
            Hop { link: index, to: link.to.0, forward: true }
        } else if link.to.0 == at {
            Hop { link: index, to: link.from.0, forward: false }
        } else {
            continue;
        };
        let seen = hop.to == at || path.iter().any(|h| h.to == hop.to) || came_from(links, path) == Some(hop.to);
        if seen || is_hub(schema, path.last(), at, &hop) {
            continue;
        }
        let called = words::words(&schema.tables[hop.to].name);
        let odd = hop.to != to && called.iter().any(|w| OTHERS.contains(&w.as_str()));
        let step = 2.0 - f64::from(link.percent) / 100.0 + if odd { 3.0 } else { 0.0 };
        path.push(hop);
        search(schema, links, hop_to(path), to, path, cost + step, best);
        path.pop();
    }
}

fn hop_to(path: &[Hop]) -> usize {
    path.last().map_or(0, |hop| hop.to)
}

/// The table in which a path begins.
fn came_from(links: &[Link], path: &[Hop]) -> Option<usize> {
    path.first().map(|hop| if hop.forward { links[hop.link].from.0 } else { links[hop.link].to.0 })
}

/// Two rows that point at the same third one belong together only if that one is a team: two people on one plan are
/// strangers, two people in one team are not.
fn is_hub(schema: &Schema, before: Option<&Hop>, at: usize, next: &Hop) -> bool {
    let meets = before.is_some_and(|hop| hop.forward) && !next.forward;
    meets && !is_team(schema, at) && !is_account(schema, at)
}

fn is_team(schema: &Schema, table: usize) -> bool {
    words::words(&schema.tables[table].name).last().is_some_and(|w| TEAM_WORDS.contains(&w.as_str()))
}

fn is_account(schema: &Schema, table: usize) -> bool {
    words::words(&schema.tables[table].name).last().is_some_and(|w| w == "account")
}

/// Puts the customer where the billing is: on the team, if the way to the status leads over one.
fn anchored(
    schema: &Schema,
    links: &[Link],
    email: &Scored,
    status: Option<&Scored>,
    start: usize,
    path: Vec<Hop>,
) -> Candidate {
    // An account that people belong to is a team; one that belongs to a person is a part of the person.
    let team = path.iter().position(|hop| is_team(schema, hop.to) || (is_account(schema, hop.to) && hop.forward));
    let (anchor, email_path, status_path, reason) = match team {
        Some(at) => {
            let back = reversed(links, &path[..=at]);
            let table = path[at].to;
            let reason = format!("{} holds the billing, and people belong to it", schema.tables[table].name);
            (table, back, path[at + 1..].to_vec(), reason)
        }
        None => {
            let name = &schema.tables[start].name;
            let reason = match status {
                Some(_) => format!("{name} holds the addresses, and the status leads to it"),
                None => format!("{name} holds the addresses; no status was found"),
            };
            (start, Vec::new(), path, reason)
        }
    };
    let hops = (email_path.len() + status_path.len()) as f64;
    let score =
        email.score + status.map_or(-20.0, |status| status.score) - hops * 6.0 + if team.is_some() { 8.0 } else { 0.0 };
    Candidate { anchor, email: email.clone(), email_path, status: status.cloned(), status_path, score, reason }
}

/// The same way back.
fn reversed(links: &[Link], path: &[Hop]) -> Vec<Hop> {
    path.iter()
        .rev()
        .map(|hop| {
            let to = if hop.forward { links[hop.link].from.0 } else { links[hop.link].to.0 };
            Hop { link: hop.link, to, forward: !hop.forward }
        })
        .collect()
}

/// Addresses that were found but do not look like customers', for an honest no.
pub(super) fn near_misses(schema: &Schema, fields: &[Field]) -> Vec<String> {
    fields.iter().filter(|field| field.share(words::is_email) >= 0.5).map(|field| field.shown(schema)).take(5).collect()
}
