//! Rows of a dataset, chosen, ordered and paged by the database.
//!
//! What must stay true: an order is total (the key breaks ties), so that pages neither repeat nor leave out; absent
//! values come last in either direction; a page costs what it shows, not what the table holds.

use std::collections::HashMap;

use serde_json::json;
use sqlx::AssertSqlSafe;

use super::db::{Type, args, lines, table};
use super::predicate::Condition;
use super::row::{table_of, undoc};
use super::{Store, key};
use crate::domain::{Customer, Dataset, FieldKind, Problem, Row, Text, Time};
use crate::query::{Expr, Sort};

/// Fields that are never absent: their order can be read from an index.
const PRESENT: &[&str] = &["rank", "since", "received_at", "created_at"];

impl Store {
    /// Rows of a dataset. `offset` counts in the given order. Default order: mismatches by rank, deliveries newest
    /// first, the others by key.
    pub async fn list(
        &self,
        dataset: Dataset,
        expr: &Expr,
        sort: Option<Sort>,
        limit: i64,
        offset: i64,
        now: Time,
    ) -> Result<Vec<Row>, Problem> {
        let Some(name) = table_of(dataset) else { return Ok(Vec::new()) };
        let mut condition = Condition::new(dataset, expr, now);
        let (limit, offset) = (condition.bind(limit.max(0)), condition.bind(offset.max(0)));
        let sql = format!(
            "select doc from {name} where {} order by {} limit {limit} offset {offset}",
            condition.sql,
            order(dataset, sort)
        );
        let found = self.inner.db.rows(AssertSqlSafe(sql), condition.args).await?;
        found.iter().map(|line| undoc(dataset, &line.text(0)?)).collect()
    }

    /// How many rows of a dataset hold.
    pub async fn count(&self, dataset: Dataset, expr: &Expr, now: Time) -> Result<i64, Problem> {
        let Some(name) = table_of(dataset) else { return Ok(0) };
        let condition = Condition::new(dataset, expr, now);
        let sql = format!("select count(*) from {name} where {}", condition.sql);
        let found = self.inner.db.rows(AssertSqlSafe(sql), condition.args).await?;
        found.first().map_or(Ok(0), |line| line.int(0))
    }

    /// One row by its key ([`crate::domain::Fields::key`]).
    pub async fn get(&self, dataset: Dataset, key: &str) -> Result<Option<Row>, Problem> {
        let Some(name) = table_of(dataset) else { return Ok(None) };
        let sql = format!("select doc from {name} where row_key = $1");
        let found = self.inner.db.rows(AssertSqlSafe(sql), args![super::key(key)]).await?;
        let Some(line) = found.first() else { return Ok(None) };
        let mut row = undoc(dataset, &line.text(0)?)?;
        if let Row::Customer(customer) = &mut row {
            self.refresh_seen(customer).await?;
        }
        Ok(Some(row))
    }

    /// Says of each system when it was really read last: reading the same again changes no derived row.
    async fn refresh_seen(&self, customer: &mut Customer) -> Result<(), Problem> {
        let views = customer.systems.iter().filter_map(|view| Some((view.system, view.id.as_ref()?)));
        let places = views.map(|(system, id)| vec![json!(system), json!(key(id.as_str()))]).collect();
        let rows = table(self.inner.db.engine(), 1, &[("system", Type::Text), ("key", Type::Text)]);
        let sql = format!(
            "select r.system, r.id, r.seen_at from {rows} cross join record r
             where r.system = n.system and r.kind = 'person' and r.id = n.key"
        );
        let mut seen = HashMap::new();
        for line in self.inner.db.rows(AssertSqlSafe(sql), vec![lines(places)]).await? {
            seen.insert((line.text(0)?, line.text(1)?), line.time(2)?);
        }
        for view in &mut customer.systems {
            let id = view.id.as_ref().map(Text::as_str).map(key).unwrap_or_default();
            let read: Option<Time> = seen.get(&(view.system.as_str().to_owned(), id)).copied();
            view.seen_at = view.seen_at.max(read);
        }
        Ok(())
    }
}

fn order(dataset: Dataset, sort: Option<Sort>) -> String {
    let Some(sort) = sort else {
        return match dataset {
            Dataset::Mismatches => "\"rank\", row_key".to_owned(),
            Dataset::Deliveries => "\"received_at\" desc, row_key".to_owned(),
            _ => "row_key".to_owned(),
        };
    };
    let name = format!("\"{}\"", sort.field.name);
    let direction = if sort.descending { " desc" } else { "" };
    let value = match sort.field.kind {
        FieldKind::Word(words) => {
            let cases: Vec<String> =
                words.iter().enumerate().map(|(rank, word)| format!("when '{word}' then {rank}")).collect();
            format!("case {name} {} end", cases.join(" "))
        }
        _ => name.clone(),
    };
    let present = PRESENT.contains(&sort.field.name) && dataset != Dataset::Jobs;
    let absent = if present { String::new() } else { format!("({name} is null), ") };
    let currency =
        if sort.field.kind == FieldKind::Money { format!(", money_currency{direction}") } else { String::new() };
    format!("{absent}{value}{direction}{currency}, row_key")
}
