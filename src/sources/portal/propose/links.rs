//! How tables hang together: declared keys, names that suggest one, and values that prove it.
//!
//! What must stay true: a link that is not declared counts only when the values on one side are found on the other,
//! or, in empty tables, when the name leaves no doubt. It reads counts only.

use super::super::connect::Conn;
use super::super::failure::Failure;
use super::fields::Field;
use super::schema::{Schema, literal, name};
use super::words;

/// Values that are looked up to prove a link.
const PROBES: usize = 40;
/// Most look-ups of one inspection.
const MAX_LOOKUPS: usize = 300;
/// Words that name the people table without naming it.
const PERSON_WORDS: &[&str] = &["owner", "user", "creator", "member", "customer", "account", "profile", "admin"];

/// Words that point at a person or a team, whichever it is.
const VAGUE_WORDS: &[&str] = &["reference", "entity", "owner", "billable", "subject", "holder"];
/// Tables whose rows are groups of people.
pub(super) const TEAM_WORDS: &[&str] =
    &["team", "organization", "organisation", "org", "workspace", "company", "tenant", "business", "household"];

/// A link from a column to the column that it points at; many rows may point at one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Link {
    pub(super) from: (usize, usize),
    pub(super) to: (usize, usize),
    /// How sure it is, in percent.
    pub(super) percent: u8,
    /// Why it is believed.
    pub(super) reason: String,
    /// Both sides store a third system's id.
    pub(super) by_value: bool,
}

/// All links, the declared ones first.
pub(super) async fn links(conn: &mut Conn, schema: &Schema, fields: &[Field]) -> Result<Vec<Link>, Failure> {
    let mut out: Vec<Link> = schema
        .keys
        .iter()
        .map(|key| Link {
            from: key.from,
            to: key.to,
            percent: 99,
            reason: "a foreign key".to_owned(),
            by_value: false,
        })
        .collect();
    let mut lookups = 0;
    for field in fields.iter().filter(|field| field.path.is_empty()) {
        let from = (field.table, field.column);
        if out.iter().any(|link| link.from == from && !link.by_value) {
            continue;
        }
        for (to, by_value) in targets(schema, fields, field) {
            if lookups == MAX_LOOKUPS {
                return Ok(out);
            }
            lookups += usize::from(!field.values.is_empty());
            if let Some(link) = proven(conn, schema, field, to, by_value).await? {
                out.push(link);
            }
        }
    }
    Ok(out)
}

/// Columns that this one may point at, by its name or by what its values look like.
fn targets(schema: &Schema, fields: &[Field], field: &Field) -> Vec<((usize, usize), bool)> {
    let mut out = Vec::new();
    if field.share(words::is_billing_customer) >= 0.5 {
        let others = fields.iter().filter(|other| {
            other.table != field.table && other.path.is_empty() && other.share(words::is_billing_customer) >= 0.5
        });
        // One direction is enough: towards the side where each value stands once.
        out.extend(
            others.filter(|other| rank(schema, other) < rank(schema, field)).map(|o| ((o.table, o.column), true)),
        );
        return out;
    }
    let about = &schema.tables[field.table].columns[field.column];
    let points = matches!(field.words.last().map(String::as_str), Some("id" | "uuid" | "by" | "ref" | "reference"))
        && field.words.len() > 1;
    if !points || about.primary && schema.tables[field.table].columns.iter().filter(|c| c.primary).count() == 1 {
        return out;
    }
    let stem = &field.words[..field.words.len() - 1];
    for (index, table) in schema.tables.iter().enumerate() {
        let Some(key) = table.key().filter(|_| index != field.table) else { continue };
        let called = words::words(&table.name);
        let names_it = called.ends_with(stem) || stem.ends_with(&called);
        let person = stem.last().is_some_and(|w| PERSON_WORDS.contains(&w.as_str()) || w == "created")
            && called.last().is_some_and(|w| PERSON_WORDS.contains(&w.as_str()));
        let vague = stem.last().is_some_and(|w| VAGUE_WORDS.contains(&w.as_str()))
            && called.last().is_some_and(|w| PERSON_WORDS.contains(&w.as_str()) || TEAM_WORDS.contains(&w.as_str()));
        if names_it || person || vague {
            out.push(((index, key), false));
        }
    }
    out
}

/// Tables of people come before link tables, these before subscriptions.
fn rank(schema: &Schema, field: &Field) -> (usize, bool, usize) {
    let table = &schema.tables[field.table];
    let called = words::words(&table.name);
    let unique = table.columns[field.column].unique || field.variety() > 0.999;
    let billing =
        called.iter().any(|w| matches!(w.as_str(), "subscription" | "invoice" | "payment" | "charge" | "order"));
    (usize::from(billing), !unique, field.table)
}

async fn proven(
    conn: &mut Conn,
    schema: &Schema,
    field: &Field,
    to: (usize, usize),
    by_value: bool,
) -> Result<Option<Link>, Failure> {
    let from = (field.table, field.column);
    let target = &schema.tables[to.0];
    let mut probes: Vec<&String> = field.values.iter().collect();
    probes.sort_unstable();
    probes.dedup();
    let step = probes.len().div_ceil(PROBES).max(1);
    let probes: Vec<_> = probes.into_iter().step_by(step).collect();
    if probes.is_empty() {
        let exact = !by_value && words::words(&target.name).ends_with(&field.words[..field.words.len() - 1]);
        let reason = format!("only by its name; {} is empty", schema.tables[field.table].name);
        return Ok(exact.then_some(Link { from, to, percent: 55, reason, by_value }));
    }
    let key = name(&target.columns[to.1].name);
    let list: Vec<_> = probes.iter().map(|value| literal(value)).collect();
    let sql = format!(
        "select count(distinct {key}) from {} where cast({key} as text) in ({})",
        target.sql(),
        list.join(", ")
    );
    let page = match conn.page(&sql, 1, "portal.url").await {
        Ok(page) => page,
        Err(failure) if failure.lost => return Err(failure),
        Err(_) => return Ok(None),
    };
    let hits = page.rows.first().and_then(|row| row.first()?.int()).unwrap_or(0);
    let share = hits as f64 / probes.len() as f64;
    // Small numbers are found everywhere; only a full hit under a fitting name says something.
    let counts = probes.iter().all(|value| value.parse::<i64>().is_ok());
    let enough = if by_value {
        0.4
    } else if counts {
        0.95
    } else {
        0.6
    };
    if share < enough {
        return Ok(None);
    }
    let ceiling = if counts { 85.0 } else { 97.0 };
    let reason = format!("{hits} of {} sampled values are found in {}", probes.len(), target.name);
    Ok(Some(Link { from, to, percent: (share * ceiling) as u8, reason, by_value }))
}
