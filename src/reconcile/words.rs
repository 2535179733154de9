//! Words for people: dates, lists, names. Dates stand for themselves ("on 2 Nov"), never relative to the reader.

use chrono::Datelike;

pub use crate::domain::problem::{brief, clause};
use crate::domain::{Kind, Record, System, Text, Time};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `2 Nov`, with the year when it is not the year of `now`. In UTC.
pub fn date(at: Time, now: Time) -> String {
    let (day, today) = (at.utc(), now.utc());
    let month = MONTHS[day.month0() as usize % 12];
    if day.year() == today.year() {
        format!("{} {month}", day.day())
    } else {
        format!("{} {month} {}", day.day(), day.year())
    }
}

/// ` on 2 Nov`, or nothing when the moment is not known.
pub fn on(at: Option<Time>, now: Time) -> String {
    at.map(|at| format!(" on {}", date(at, now))).unwrap_or_default()
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", head.join(", "), last.as_ref())
        }
    }
}

/// `1 ticket`, `3 tickets`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// A long id shortened in the middle: `sub_1Nf..9k`.
pub fn short(id: &Text) -> String {
    let chars: Vec<char> = id.as_str().chars().collect();
    if chars.len() <= 14 {
        return id.as_str().to_owned();
    }
    let head: String = chars[..7].iter().collect();
    let tail: String = chars[chars.len() - 2..].iter().collect();
    format!("{head}..{tail}")
}

/// The system's name inside a sentence: `the portal`, `Stripe`.
pub fn the(system: System) -> String {
    if system == System::Portal { "the portal".to_owned() } else { system.title().to_owned() }
}

/// The system's name at the beginning of a sentence: `The portal`, `Stripe`.
pub fn capital(system: System) -> String {
    let name = the(system);
    let mut chars = name.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// What a record says of the state, in its system's own word where it has one.
pub fn said(record: &Record) -> String {
    let word = raw(record).replace('_', " ");
    if record.kind == Kind::Deal { format!("deal {word}") } else { word }
}

/// What a record says of the state, exactly as its system writes it: for machines.
pub fn raw(record: &Record) -> String {
    let word = record.word.as_ref().map(|w| w.as_str().trim()).filter(|w| !w.is_empty());
    word.or(record.state.map(|s| s.as_str())).unwrap_or("nothing").to_owned()
}

/// Whom to call a person by: name, else e-mail, else the id.
pub fn who(record: &Record) -> String {
    let named = [&record.name, &record.email].into_iter().flatten().find(|t| !t.as_str().trim().is_empty());
    named.map_or_else(|| format!("Customer {}", record.id), |t| t.as_str().trim().to_owned())
}

/// ` for Pro`, or nothing.
pub fn for_plan(plan: Option<&Text>) -> String {
    plan.filter(|p| !p.as_str().trim().is_empty()).map(|p| format!(" for {p}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{brief, clause};

    #[test]
    fn a_problem_is_told_by_its_status_else_by_its_last_clause() {
        let asked = "HubSpot: POST /crm/v3/objects/contacts/search: answered 503 Service Unavailable";
        assert_eq!((brief(asked), clause(asked)), ("503", "answered 503 Service Unavailable"));
        let lost = "Stripe: GET /v1/events: could not connect: connection refused.";
        assert_eq!((brief(lost), clause(lost)), ("connection refused", "connection refused"));
        assert_eq!(brief("503"), "503");
        assert_eq!(brief("the key lacks the scope tickets.read"), "the key lacks the scope tickets.read");
    }
}
