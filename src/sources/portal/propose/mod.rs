//! Looks at a portal's tables and proposes how they map to customers, with how sure it is and why.
//!
//! What must stay true: only reading; every proposed query has been run; when there are no customers it says so
//! rather than inventing some. A person decides: the proposal is text for the configuration, nothing is stored.

mod build;
mod choose;
mod extras;
mod fields;
mod links;
mod pick;
mod schema;
mod toml;
mod trial;
mod words;

use std::collections::BTreeMap;

use self::build::Known;
pub use self::extras::{JobsPart, Part};
use self::schema::Schema;
pub use self::trial::Trial;
use super::address::Address;
use super::connect::Conn;
use super::failure::Failure;
use crate::domain::{Problem, State, Text};

/// Candidates that are tried before giving up.
const TRIES: usize = 5;

/// Why a column is what it is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The canonical column.
    pub column: Text,
    /// Where it comes from: `subscription.status`.
    pub from: Text,
    /// How sure, in percent; never 100.
    pub percent: u8,
    /// Why.
    pub reason: Text,
}

impl Guess {
    /// How sure, in a word.
    pub const fn word(&self) -> &'static str {
        sure(self.percent)
    }
}

/// A percentage in a word.
const fn sure(percent: u8) -> &'static str {
    match percent {
        90.. => "sure",
        70..=89 => "likely",
        50..=69 => "unsure",
        _ => "a guess",
    }
}

/// How the customers are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// One SELECT that has been run.
    pub sql: String,
    /// Why these are the customers.
    pub reason: Text,
    /// Its columns, each with its reason.
    pub columns: Vec<Guess>,
    /// What a person should know about the query.
    pub notes: Vec<Text>,
    /// The portal's words for each canonical state, most frequent first.
    pub states: BTreeMap<State, Vec<Text>>,
    /// Words that were seen and stand for none of them.
    pub unmapped: Vec<Text>,
    /// What running it brought.
    pub trial: Trial,
    /// Other tables that could be meant.
    pub others: Vec<Text>,
}

/// What was found, and what to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The portal's address without user and password.
    pub address: Text,
    /// Tables that were looked at.
    pub tables: usize,
    /// Tables that could not be read.
    pub unread: usize,
    /// The customers; `None` when there are none, and then `why_not` says why.
    pub customers: Option<Mapping>,
    /// Why there are no customers.
    pub why_not: Option<Problem>,
    /// Support requests.
    pub tickets: Option<Part>,
    /// Received webhooks.
    pub deliveries: Option<Part>,
    /// The portal's queue.
    pub jobs: Option<JobsPart>,
}

impl Proposal {
    /// Text for the configuration's `[portal]`, with how sure it is in comments. Without the address, which may hold
    /// a password and is the caller's to write.
    pub fn toml(&self) -> String {
        toml::text(self)
    }
}

/// Looks at a portal (Postgres or SQLite) and proposes its mapping. The error says why it could not be looked at; a
/// portal without customers is no error.
pub async fn propose(url: &str) -> Result<Proposal, Problem> {
    let address = Address::new(url)?;
    look(&address).await.map_err(|failure| failure.error.problem)
}

async fn look(address: &Address) -> Result<Proposal, Failure> {
    let mut conn = Conn::open(address).await?;
    let dialect = address.dialect();
    let schema = Schema::read(&mut conn, dialect).await?;
    let fields = fields::fields(&schema);
    let links = links::links(&mut conn, &schema, &fields).await?;
    let known = Known { schema: &schema, fields: &fields, links: &links, dialect };
    let candidates = choose::candidates(&schema, &fields, &links);
    let mut proposal = Proposal {
        address: Text::new(address.shown()),
        tables: schema.tables.len(),
        unread: schema.unread,
        customers: None,
        why_not: None,
        tickets: None,
        deliveries: extras::deliveries(&known),
        jobs: extras::jobs(&known),
    };
    let mut failed = None;
    for candidate in candidates.iter().take(TRIES) {
        let Some(built) = build::build(&known, candidate) else { continue };
        let status = candidate.status.as_ref().map(|status| &fields[status.field]);
        match trial::run(&mut conn, dialect, &built.sql, status).await {
            Ok(done) => {
                let others = candidates.iter().map(|other| schema.tables[other.anchor].name.as_str());
                let mut others: Vec<&str> =
                    others.filter(|name| *name != schema.tables[candidate.anchor].name).collect();
                others.dedup();
                proposal.customers = Some(Mapping {
                    sql: built.sql,
                    reason: Text::new(&candidate.reason),
                    columns: built.guesses,
                    notes: built.notes.iter().map(Text::new).collect(),
                    states: done.states,
                    unmapped: done.unmapped,
                    trial: done.trial,
                    others: others.into_iter().take(3).map(Text::new).collect(),
                });
                proposal.tickets = extras::tickets(&known, candidate);
                break;
            }
            Err(failure) if failure.lost => return Err(failure),
            Err(failure) => failed = Some(failure.error.problem),
        }
    }
    if proposal.customers.is_none() {
        proposal.why_not = Some(failed.unwrap_or_else(|| nobody(&proposal, &schema, &fields)));
    }
    conn.close().await;
    Ok(proposal)
}

/// An honest no.
fn nobody(proposal: &Proposal, schema: &Schema, fields: &[fields::Field]) -> Problem {
    let what = format!("no customers were found in the {} tables of the portal", proposal.tables);
    let near = choose::near_misses(schema, fields);
    let why = match near.as_slice() {
        [] => "no column holds e-mail addresses".to_owned(),
        near => format!("{} holds e-mail addresses, but nothing says that these are customers", near.join(", ")),
    };
    Problem::usage(what).at(&proposal.address).why(why).hint(
        "check that this is the product's database and that the role may read it, or write [portal.customers] by hand",
    )
}
