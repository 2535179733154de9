//! The portal's own database: a SQLite file with the tables that a small subscription product has.
//!
//! What must stay true: all writes of one step of the story go in one transaction, in order; times are RFC 3339 text
//! as JavaScript writes them.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::company::RequestRow;
use super::ids;
use super::world::{Account, World};
use crate::domain::{Problem, System, Time};

const SCHEMA: &[&str] = &[
    r#"create table users (id text primary key, email text not null, name text, role text not null, country text,
       "hubspotContactId" text, "zendeskUserId" text, "createdAt" text not null, "updatedAt" text not null)"#,
    r#"create table subscriptions ("userId" text primary key references users (id), status text, plan text,
       "stripeCustomerId" text, "trialEndsAt" text, "updatedAt" text not null)"#,
    r#"create table support_requests (id text primary key, "userId" text not null, email text not null, subject text,
       "createdAt" text not null, "zendeskTicketId" text)"#,
    r#"create table webhook_events ("eventId" text primary key, source text not null, type text not null,
       "userId" text, "receivedAt" text not null, state text not null, status integer, "latencyMs" integer, error text,
       attempts integer not null)"#,
    r#"create index webhook_events_received on webhook_events ("receivedAt")"#,
    r#"create table sync_jobs (id text primary key, kind text not null, "userId" text not null, state text not null,
       attempts integer not null, "maxAttempts" integer not null, "runAt" text not null, "lastError" text,
       "createdAt" text not null)"#,
];

/// Rows that one bulk statement takes.
const BULK: usize = 5_000;

/// A value of a statement.
#[derive(Clone, Debug)]
pub(super) enum Arg {
    /// Text.
    Text(String),
    /// A number.
    Int(i64),
    /// Nothing.
    Null,
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl<T: Into<Arg>> From<Option<T>> for Arg {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A statement with its values.
#[derive(Clone, Debug)]
pub(super) struct Write {
    sql: &'static str,
    args: Vec<Arg>,
}

/// A webhook as the portal's log has it.
#[derive(Clone, Debug)]
pub(super) struct LogRow {
    /// The provider's event id.
    pub event_id: String,
    /// Whose.
    pub source: System,
    /// Its type.
    pub kind: &'static str,
    /// Number of the customer.
    pub account: Option<usize>,
    /// Milliseconds.
    pub at: i64,
    /// The contract's word.
    pub state: &'static str,
    /// What the portal answered.
    pub status: i64,
    /// How long it took.
    pub latency: i64,
    /// Why it failed.
    pub error: Option<&'static str>,
    /// Tries so far.
    pub attempts: i64,
}

/// A row of the portal's own queue.
#[derive(Clone, Debug)]
pub(super) struct JobRow {
    /// Unique.
    pub id: String,
    /// `hubspot contact`
    pub kind: &'static str,
    /// For whom.
    pub account: usize,
    /// The contract's word.
    pub state: &'static str,
    /// Tries so far.
    pub attempts: i64,
    /// Milliseconds.
    pub run_at: i64,
    /// What went wrong last.
    pub error: Option<&'static str>,
    /// Milliseconds.
    pub created: i64,
}

/// Tries that a job has.
pub(super) const JOB_TRIES: i64 = 6;

/// Milliseconds as the tables write them.
pub(super) fn text(ms: i64) -> String {
    Time::from_ms(ms).utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Enters a new customer.
pub(super) fn add_account(number: usize, account: &Account) -> [Write; 2] {
    let id = ids::account(number);
    let user = Write {
        sql: r#"insert into users values ($1, $2, $3, $4, $5, null, null, $6, $7)"#,
        args: vec![
            id.clone().into(),
            account.email.as_str().into(),
            account.name.as_str().into(),
            account.role.into(),
            account.country.into(),
            text(account.created).into(),
            text(account.created).into(),
        ],
    };
    let subscription = Write {
        sql: r#"insert into subscriptions values ($1, $2, $3, $4, $5, $6)"#,
        args: vec![
            id.into(),
            account.status.into(),
            account.plan.into(),
            account.billing.clone().into(),
            account.trial_end.map(text).into(),
            text(account.updated).into(),
        ],
    };
    [user, subscription]
}

/// Writes what a customer's subscription is now.
pub(super) fn set_subscription(number: usize, account: &Account) -> Write {
    Write {
        sql: r#"update subscriptions set status = $1, plan = $2, "updatedAt" = $3 where "userId" = $4"#,
        args: vec![
            account.status.into(),
            account.plan.into(),
            text(account.updated).into(),
            ids::account(number).into(),
        ],
    }
}

/// Writes which contact and support user a customer is.
pub(super) fn set_links(number: usize, account: &Account) -> Write {
    Write {
        sql: r#"update users set "hubspotContactId" = $1, "zendeskUserId" = $2 where id = $3"#,
        args: vec![
            account.contact.map(|n| ids::contact(n as usize).to_string()).into(),
            account.desk_user.map(|n| ids::desk_user(n as usize).to_string()).into(),
            ids::account(number).into(),
        ],
    }
}

/// Logs a webhook; a later try replaces what the earlier one said.
pub(super) fn log(row: &LogRow) -> Write {
    Write {
        sql: r#"insert into webhook_events values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                on conflict ("eventId") do update set state = excluded.state, status = excluded.status,
                "latencyMs" = excluded."latencyMs", error = excluded.error, attempts = excluded.attempts"#,
        args: vec![
            row.event_id.as_str().into(),
            row.source.as_str().into(),
            row.kind.into(),
            row.account.map(ids::account).into(),
            text(row.at).into(),
            row.state.into(),
            row.status.into(),
            row.latency.into(),
            row.error.into(),
            row.attempts.into(),
        ],
    }
}

/// Drops the log before a moment, so that a demonstration may run for days.
pub(super) fn prune(before: i64) -> Write {
    Write { sql: r#"delete from webhook_events where "receivedAt" < $1"#, args: vec![text(before).into()] }
}

/// Writes a job.
pub(super) fn put_job(job: &JobRow) -> Write {
    Write {
        sql: r#"insert into sync_jobs values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do update set
                state = excluded.state, attempts = excluded.attempts, "runAt" = excluded."runAt",
                "lastError" = excluded."lastError""#,
        args: vec![
            job.id.as_str().into(),
            job.kind.into(),
            ids::account(job.account).into(),
            job.state.into(),
            job.attempts.into(),
            JOB_TRIES.into(),
            text(job.run_at).into(),
            job.error.into(),
            text(job.created).into(),
        ],
    }
}

/// Takes a finished job out.
pub(super) fn drop_job(id: &str) -> Write {
    Write { sql: "delete from sync_jobs where id = $1", args: vec![id.into()] }
}

/// Enters a support request.
pub(super) fn add_request(row: &RequestRow) -> Write {
    Write {
        sql: "insert into support_requests values ($1, $2, $3, $4, $5, $6)",
        args: vec![
            row.id.as_str().into(),
            row.customer.as_str().into(),
            row.email.as_str().into(),
            row.subject.into(),
            text(row.at).into(),
            row.ticket.clone().into(),
        ],
    }
}

/// Writes which ticket a request became.
pub(super) fn link_request(id: &str, ticket: String) -> Write {
    Write {
        sql: r#"update support_requests set "zendeskTicketId" = $1 where id = $2"#,
        args: vec![ticket.into(), id.into()],
    }
}

/// The open database.
#[derive(Clone, Debug)]
pub(super) struct Portal(SqlitePool);

impl Portal {
    /// Creates the file with its tables. The file must not exist yet.
    pub(super) async fn create(path: &Path) -> Result<Self, Problem> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(|e| broken(&e))?;
        let portal = Self(pool);
        let schema: Vec<Write> = SCHEMA.iter().map(|sql| Write { sql, args: Vec::new() }).collect();
        portal.write(&schema).await?;
        Ok(portal)
    }

    /// Carries out writes in one transaction.
    pub(super) async fn write(&self, writes: &[Write]) -> Result<(), Problem> {
        if writes.is_empty() {
            return Ok(());
        }
        let mut transaction = self.0.begin().await.map_err(|e| broken(&e))?;
        for write in writes {
            let mut query = sqlx::query(write.sql);
            for arg in &write.args {
                query = match arg {
                    Arg::Text(text) => query.bind(text.clone()),
                    Arg::Int(number) => query.bind(*number),
                    Arg::Null => query.bind(None::<String>),
                };
            }
            query.execute(&mut *transaction).await.map_err(|e| broken(&e))?;
        }
        transaction.commit().await.map_err(|e| broken(&e))
    }

    /// Fills the tables, thousands of rows a statement: a row at a time, 100,000 customers would take a minute.
    pub(super) async fn fill(
        &self,
        world: &World,
        requests: &[RequestRow],
        log: &[LogRow],
        jobs: &[JobRow],
    ) -> Result<(), Problem> {
        let mut bulk: Vec<Write> = Vec::new();
        let numbers: Vec<usize> = (0..world.accounts.len()).collect();
        for chunk in numbers.chunks(BULK) {
            let rows: Vec<(usize, &Account)> =
                chunk.iter().filter_map(|n| world.accounts.get(*n).map(|a| (*n, a))).collect();
            let users: Vec<Value> = rows.iter().map(|(n, a)| user_row(*n, a)).collect();
            bulk.push(many(
                "insert into users select value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, \
                 value->>7, value->>8 from json_each($1)",
                users,
            ));
            let subscriptions: Vec<Value> = rows.iter().map(|(n, a)| subscription_row(*n, a)).collect();
            bulk.push(many(
                "insert into subscriptions select value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 \
                 from json_each($1)",
                subscriptions,
            ));
        }
        for chunk in requests.chunks(BULK) {
            let rows =
                chunk.iter().map(|r| json!([r.id, r.customer, r.email, r.subject, text(r.at), r.ticket])).collect();
            bulk.push(many(
                "insert into support_requests select value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 \
                 from json_each($1)",
                rows,
            ));
        }
        bulk.extend(log.iter().map(self::log));
        bulk.extend(jobs.iter().map(put_job));
        self.write(&bulk).await
    }

    /// Closes the file; the write-ahead log goes with it.
    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

fn many(sql: &'static str, rows: Vec<Value>) -> Write {
    Write { sql, args: vec![Value::Array(rows).to_string().into()] }
}

fn user_row(number: usize, a: &Account) -> Value {
    let contact = a.contact.map(|n| ids::contact(n as usize).to_string());
    let desk = a.desk_user.map(|n| ids::desk_user(n as usize).to_string());
    let created = text(a.created);
    json!([ids::account(number), a.email, a.name, a.role, a.country, contact, desk, created, created])
}

fn subscription_row(number: usize, a: &Account) -> Value {
    json!([ids::account(number), a.status, a.plan, a.billing, a.trial_end.map(text), text(a.updated)])
}

fn broken(error: &sqlx::Error) -> Problem {
    Problem::usage("the simulated portal's database does not work")
        .at("portal.db")
        .why(error.to_string())
        .hint("choose a folder with room that can be written")
}
