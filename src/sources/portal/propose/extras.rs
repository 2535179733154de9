//! Proposes the optional parts: support requests, received webhooks, the portal's own queue.
//!
//! What must stay true: a part is proposed only when its required columns are there; otherwise it is left out without
//! harm, since everything works without it.

use super::super::deliveries;
use super::super::lex::Dialect;
use super::build::{Known, constant};
use super::choose::Candidate;
use super::fields::Field;
use super::pick::CREATED;
use super::schema::name;
use super::words;

/// A proposed query for an optional part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// One SELECT, or `None` with a `kind`.
    pub sql: String,
    /// How sure it is, in percent.
    pub percent: u8,
    /// Why this table.
    pub reason: String,
}

/// The portal's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobsPart {
    /// The tables of a known queue: `pg-boss` or `graphile-worker`.
    Kind(&'static str),
    /// A query.
    Query(Part),
}

/// The fields of one table.
struct Look<'a> {
    known: &'a Known<'a>,
    table: usize,
}

impl Look<'_> {
    /// The first of these names that the table has.
    fn called(&self, any: &[&str]) -> Option<&Field> {
        let fields = || self.known.fields.iter().filter(|f| f.table == self.table && f.path.is_empty());
        any.iter().find_map(|name| fields().find(|f| f.is_called(&[name])))
    }

    fn where_values(&self, test: impl Fn(&str) -> bool + Copy) -> Option<&Field> {
        self.known.fields.iter().find(|f| f.table == self.table && f.path.is_empty() && f.share(test) > 0.6)
    }

    fn sql(&self, field: &Field) -> String {
        field.sql(self.known.schema, "t", self.known.dialect)
    }
}

fn tables_called<'a>(known: &'a Known<'a>, any: &'a [&'a str]) -> impl Iterator<Item = Look<'a>> {
    let fits = move |table: &usize| {
        let words = words::words(&known.schema.tables[*table].name);
        words.iter().any(|word| any.contains(&word.as_str()))
    };
    (0..known.schema.tables.len()).filter(fits).map(move |table| Look { known, table })
}

fn select(look: &Look<'_>, columns: &[(String, &str)]) -> String {
    let list: Vec<_> = columns.iter().map(|(sql, column)| format!("{sql} as {column}")).collect();
    format!("select {}\nfrom {} t", list.join(", "), look.known.schema.tables[look.table].sql())
}

/// Support requests of the customers.
pub(super) fn tickets(known: &Known<'_>, candidate: &Candidate) -> Option<Part> {
    const NAMES: &[&str] = &["ticket", "inquiry", "conversation", "support"];
    let mut found: Vec<Part> = Vec::new();
    for look in tables_called(known, NAMES) {
        let table = &known.schema.tables[look.table];
        let Some(key) = table.key() else { continue };
        let owner = known.links.iter().find(|l| l.from.0 == look.table && l.to.0 == candidate.anchor && !l.by_value);
        let email = look.where_values(words::is_email);
        let subject = look.called(&["subject", "title", "topic", "summary"]);
        if owner.is_none() && email.is_none() {
            continue;
        }
        let mut columns = vec![(format!("t.{}", name(&table.columns[key].name)), "id")];
        columns.extend(owner.map(|link| (format!("t.{}", name(&table.columns[link.from.1].name)), "customer_id")));
        columns.extend(email.map(|field| (look.sql(field), "email")));
        columns.extend(subject.map(|field| (look.sql(field), "subject")));
        columns.extend(look.called(CREATED).map(|field| (look.sql(field), "created_at")));
        let external = ["zendesk_id", "zendesk_ticket_id", "intercom_id", "intercom_conversation_id", "external_id"];
        columns.extend(look.called(&external).map(|field| (look.sql(field), "external_id")));
        let percent = owner.map_or(60, |link| link.percent).min(if subject.is_some() { 90 } else { 60 });
        let reason = format!("{} is named like one and leads to the customer", table.name);
        found.push(Part { sql: select(&look, &columns), percent, reason });
    }
    found.into_iter().max_by_key(|part| part.percent)
}

/// Webhooks as the portal received them.
pub(super) fn deliveries(known: &Known<'_>) -> Option<Part> {
    let mut found: Vec<Part> = Vec::new();
    for look in tables_called(known, &["webhook", "event", "hook"]) {
        let table = &known.schema.tables[look.table];
        let Some(key) = table.key() else { continue };
        let event = look.where_values(words::is_event).or_else(|| {
            look.called(&["event_id", "stripe_event_id", "provider_event_id", "external_id", "webhook_id"])
        });
        const RECEIVED: &[&str] = &["received_at", "created_at", "created", "inserted_at", "processed_at"];
        let (Some(event), Some(received)) = (event, look.called(RECEIVED)) else { continue };
        let called = words::words(&table.name);
        let named = |word: &str| called.iter().any(|w| w == word) || event.says(&[word]);
        let source = match look.called(&["source", "provider", "service", "platform"]) {
            Some(field) => look.sql(field),
            None if named("stripe") || event.share(|v| v.starts_with("evt_")) > 0.6 => constant("stripe"),
            None if named("paddle") || event.share(|v| v.starts_with("ntf_")) > 0.6 => constant("paddle"),
            None => continue,
        };
        let mut columns = vec![
            (format!("t.{}", name(&table.columns[key].name)), "id"),
            (look.sql(event), "event_id"),
            (source, "source"),
            (look.sql(received), "received_at"),
        ];
        columns
            .extend(look.called(&["type", "event_type", "event_name", "topic", "kind"]).map(|f| (look.sql(f), "type")));
        let error = look.called(&["error", "error_message", "last_error", "failure_reason"]);
        let state = look
            .called(&["state", "status", "delivery_status"])
            .filter(|f| f.values.iter().all(|v| deliveries::knows(v)));
        let done = look.called(&["processed_at", "handled_at", "completed_at"]);
        let flag = look.called(&["processed", "handled", "is_processed"]);
        let status = look.called(&["status_code", "http_status", "response_status", "response_code"]);
        if let Some(state) = state {
            columns.push((look.sql(state), "state"));
        } else if let Some(done) = done {
            let failed =
                error.map_or(String::new(), |field| format!(" when {} is not null then 'failed'", look.sql(field)));
            columns.push((
                format!("case when {} is not null then 'delivered'{failed} else 'pending' end", look.sql(done)),
                "state",
            ));
        } else if let Some(flag) = flag {
            columns.push((format!("case when {} then 'delivered' else 'pending' end", look.sql(flag)), "state"));
        } else if status.is_none() {
            continue;
        }
        columns.extend(status.map(|field| (look.sql(field), "status")));
        columns.extend(
            look.called(&["latency_ms", "duration_ms", "took_ms"]).map(|field| (look.sql(field), "latency_ms")),
        );
        columns.extend(error.map(|field| (look.sql(field), "error")));
        let percent = if event.share(words::is_event) > 0.6 { 92 } else { 65 };
        let reason = format!("{} keeps ids of events and when they came", table.name);
        found.push(Part { sql: select(&look, &columns), percent, reason });
    }
    found.into_iter().max_by_key(|part| part.percent)
}

/// The portal's own queue.
pub(super) fn jobs(known: &Known<'_>) -> Option<JobsPart> {
    let tables = &known.schema.tables;
    if known.dialect == Dialect::Postgres {
        if tables.iter().any(|t| t.schema == "pgboss" && t.name == "job") {
            return Some(JobsPart::Kind("pg-boss"));
        }
        if tables.iter().any(|t| t.schema == "graphile_worker") {
            return Some(JobsPart::Kind("graphile-worker"));
        }
    }
    for look in tables_called(known, &["job", "queue", "task", "outbox"]) {
        let table = &tables[look.table];
        let Some(key) = table.key() else { continue };
        let state = look.called(&["state", "status"]);
        let kind = look.called(&["kind", "type", "name", "task", "queue", "job_type", "topic", "handler"]);
        let tries = look.called(&["attempts", "attempt", "tries", "retries", "retry_count", "attempt_count"]);
        let (Some(state), Some(kind), Some(tries)) = (state, kind, tries) else { continue };
        let mut columns = vec![
            (format!("t.{}", name(&table.columns[key].name)), "id"),
            (look.sql(kind), "kind"),
            (look.sql(state), "state"),
            (look.sql(tries), "attempts"),
        ];
        for (any, column) in [
            (&["key", "job_key", "dedupe_key"][..], "key"),
            (&["max_attempts", "max_retries", "max_tries"][..], "max_attempts"),
            (&["run_at", "scheduled_at", "available_at", "next_attempt_at", "next_run_at"][..], "run_at"),
            (&["last_error", "error", "error_message"][..], "last_error"),
            (&["customer_id", "user_id"][..], "customer_id"),
            (CREATED, "created_at"),
        ] {
            columns.extend(look.called(any).map(|field| (look.sql(field), column)));
        }
        let reason = format!("{} has a kind, a state and a count of tries", table.name);
        return Some(JobsPart::Query(Part { sql: select(&look, &columns), percent: 70, reason }));
    }
    None
}
