//! Writes the query for a candidate: one row for each customer, every canonical column that can be found.
//!
//! What must stay true: a join never multiplies customers (where several rows could answer, one is picked, and how is
//! said); the query passes the same check as one that a person wrote.

use std::fmt::Write as _;

use super::super::lex::Dialect;
use super::choose::{Candidate, Hop};
use super::fields::Field;
use super::links::Link;
use super::pick::{CREATED, UPDATED};
use super::schema::{Schema, Table, literal, name};
use super::{Guess, words};
use crate::domain::Text;

/// What is known of the database.
pub(super) struct Known<'a> {
    pub(super) schema: &'a Schema,
    pub(super) fields: &'a [Field],
    pub(super) links: &'a [Link],
    pub(super) dialect: Dialect,
}

/// A query and why each of its columns is what it is.
pub(super) struct Built {
    pub(super) sql: String,
    pub(super) guesses: Vec<Guess>,
    pub(super) notes: Vec<String>,
}

/// A table that the query reads, by alias.
pub(super) struct Source {
    pub(super) table: usize,
    pub(super) alias: String,
}

/// A query in the making.
pub(super) struct Query<'a> {
    pub(super) known: &'a Known<'a>,
    pub(super) sources: Vec<Source>,
    joins: String,
    pub(super) notes: Vec<String>,
    columns: Vec<(String, Guess)>,
}

/// The query for a candidate; `None` when its table has nothing that identifies a row.
pub(super) fn build(known: &Known<'_>, candidate: &Candidate) -> Option<Built> {
    let anchor = &known.schema.tables[candidate.anchor];
    let key = anchor.key()?;
    let mut query = Query { known, sources: Vec::new(), joins: String::new(), notes: Vec::new(), columns: Vec::new() };
    let alias = query.alias(candidate.anchor);
    query.sources.push(Source { table: candidate.anchor, alias: alias.clone() });
    query.follow(candidate.anchor, &candidate.email_path, candidate.status.as_ref().map(|s| s.field));
    query.follow(candidate.anchor, &candidate.status_path, candidate.status.as_ref().map(|s| s.field));

    let about = &anchor.columns[key];
    let percent = if about.primary { 98 } else { 70 };
    let why = if about.primary { "the primary key" } else { "the only column that identifies a row" };
    let id = format!("{alias}.{}", name(&about.name));
    query.add("id", id, format!("{}.{}", anchor.name, about.name), percent, why.to_owned());

    let field = &known.fields[candidate.email.field];
    let mut sure = if field.values.is_empty() { 55 } else { (field.share(words::is_email) * 97.0) as u8 };
    sure = sure.min(lowest(known, &candidate.email_path));
    query.add_field("email", field, sure, candidate.email.reason.clone());
    query.names(candidate);
    if let Some(status) = &candidate.status {
        let field = &known.fields[status.field];
        let sure = (status.score.clamp(40.0, 97.0) as u8).min(lowest(known, &candidate.status_path));
        let via = via(known, &candidate.status_path);
        query.add_field("state", field, sure, format!("{}{via}", status.reason));
    }
    query.plan();
    query.links();
    query.rest(candidate);
    Some(query.finish(anchor, &alias))
}

fn lowest(known: &Known<'_>, path: &[Hop]) -> u8 {
    path.iter().map(|hop| known.links[hop.link].percent).min().unwrap_or(100)
}

fn via(known: &Known<'_>, path: &[Hop]) -> String {
    let mut out = String::new();
    for hop in path {
        let link = &known.links[hop.link];
        let column = |(table, column): (usize, usize)| {
            let table = &known.schema.tables[table];
            format!("{}.{}", table.name, table.columns[column].name)
        };
        let _ = write!(out, "; {} leads to {}: {}", column(link.from), column(link.to), link.reason);
    }
    out
}

impl Query<'_> {
    fn alias(&self, table: usize) -> String {
        let words = words::words(&self.known.schema.tables[table].name);
        let first: String =
            words.iter().filter_map(|word| word.chars().next().filter(char::is_ascii_lowercase)).take(2).collect();
        let first = if first.is_empty() { "t".to_owned() } else { first };
        let free = |alias: &str| !self.sources.iter().any(|source| source.alias == alias);
        // Two letters may make a keyword.
        let first = if name(&first) == first && first != "as" { first } else { format!("{first}1") };
        if free(&first) {
            return first;
        }
        (2..).map(|n| format!("{first}{n}")).find(|alias| free(alias)).unwrap_or(first)
    }

    pub(super) fn source(&self, table: usize) -> Option<&Source> {
        self.sources.iter().find(|source| source.table == table)
    }

    /// Joins table after table along a way.
    fn follow(&mut self, from: usize, path: &[Hop], status: Option<usize>) {
        let mut at = from;
        for (index, hop) in path.iter().enumerate() {
            if self.source(hop.to).is_none() {
                self.join(at, hop, status, path.get(index + 1));
            }
            at = hop.to;
        }
    }

    pub(super) fn join(&mut self, at: usize, hop: &Hop, status: Option<usize>, next: Option<&Hop>) {
        let schema = self.known.schema;
        let link = &self.known.links[hop.link];
        let (here, there) = if hop.forward { (link.from.1, link.to.1) } else { (link.to.1, link.from.1) };
        let Some(left) = self.source(at).map(|source| source.alias.clone()) else { return };
        let right = self.alias(hop.to);
        let table = &schema.tables[hop.to];
        let (a, b) = (&schema.tables[at].columns[here], &table.columns[there]);
        let differs = self.known.dialect == Dialect::Postgres && a.kind != b.kind;
        let cast = |expr: String| if differs { format!("cast({expr} as text)") } else { expr };
        let on =
            format!("{} = {}", cast(format!("{right}.{}", name(&b.name))), cast(format!("{left}.{}", name(&a.name))));
        let single = b.unique || (b.primary && table.columns.iter().filter(|c| c.primary).count() == 1);
        if single {
            let _ = write!(self.joins, "\nleft join {} {right} on {on}", table.sql());
        } else {
            let (order, said) = self.preference(hop.to, status, next);
            self.notes.push(format!("of several rows of {} for one customer, one is taken: {said}", table.name));
            let _ = write!(
                self.joins,
                "\nleft join (select x.*, row_number() over (partition by x.{}\n    order by {order}) as trueup_n\n    from {} x) {right}\n  \
                 on {on} and {right}.trueup_n = 1",
                name(&b.name),
                table.sql()
            );
        }
        self.sources.push(Source { table: hop.to, alias: right });
    }

    /// Which of several rows is taken: the live one, the owner, the one that leads on, then the newest.
    fn preference(&self, table: usize, status: Option<usize>, next: Option<&Hop>) -> (String, String) {
        let schema = self.known.schema;
        let (mut order, mut said) = (Vec::new(), Vec::new());
        if let Some(field) = status.map(|index| &self.known.fields[index]).filter(|field| field.table == table)
            && !field.is_bool
        {
            let state = field.sql(schema, "x", self.known.dialect);
            order.push(format!(
                "case when lower(cast({state} as text)) in ('active', 'trialing', 'trial', 'past_due') then 0 else 1 end"
            ));
            said.push("a live one first");
        }
        if let Some(role) = schema.tables[table].columns.iter().find(|c| matches!(c.name.as_str(), "role" | "type")) {
            let role = format!("lower(cast(x.{} as text))", name(&role.name));
            order.push(format!("case {role} when 'owner' then 0 when 'admin' then 1 else 2 end"));
            said.push("the owner first");
        }
        if let Some(next) = next {
            let link = &self.known.links[next.link];
            let column = if next.forward { link.from.1 } else { link.to.1 };
            let about = &schema.tables[table].columns[column];
            if !about.primary {
                order.push(format!("case when x.{} is null then 1 else 0 end", name(&about.name)));
            }
        }
        let newest = self.find_time(table, CREATED).or_else(|| self.find_time(table, UPDATED));
        if let Some(field) = newest {
            let owner_first = said.contains(&"the owner first");
            order.push(format!(
                "{} {}",
                field.sql(schema, "x", self.known.dialect),
                if owner_first { "asc" } else { "desc" }
            ));
            said.push(if owner_first { "then the oldest" } else { "then the newest" });
        }
        if let Some(key) = schema.tables[table].key() {
            order.push(format!("x.{} desc", name(&schema.tables[table].columns[key].name)));
        }
        if order.is_empty() {
            order.push("1".to_owned());
        }
        (order.join(", "), if said.is_empty() { "any".to_owned() } else { said.join(", ") })
    }

    pub(super) fn add(&mut self, column: &str, sql: String, from: String, percent: u8, reason: String) {
        let guess = Guess {
            column: Text::new(column),
            from: Text::new(from),
            percent: percent.min(99),
            reason: Text::new(reason),
        };
        self.columns.push((sql, guess));
    }

    pub(super) fn add_field(&mut self, column: &str, field: &Field, percent: u8, reason: String) {
        let Some(source) = self.source(field.table) else { return };
        let sql = field.sql(self.known.schema, &source.alias, self.known.dialect);
        self.add(column, sql, field.shown(self.known.schema), percent, reason);
    }

    fn finish(self, anchor: &Table, alias: &str) -> Built {
        let width = 100;
        let mut sql = String::from("select ");
        let mut line = 7;
        for (index, (expr, guess)) in self.columns.iter().enumerate() {
            let part = format!("{expr} as {}", guess.column);
            if index > 0 {
                sql.push(',');
                if line + part.len() > width {
                    sql.push_str("\n      ");
                    line = 6;
                }
                sql.push(' ');
            }
            line += part.len() + 2;
            sql.push_str(&part);
        }
        let _ = write!(sql, "\nfrom {} {alias}{}", anchor.sql(), self.joins);
        Built { sql, guesses: self.columns.into_iter().map(|(_, guess)| guess).collect(), notes: self.notes }
    }
}

/// A text that stands where a name cannot.
pub(super) fn constant(value: &str) -> String {
    literal(value)
}
