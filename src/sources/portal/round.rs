//! One round over the portal, run beside the engine: it reads part after part and hands the pieces over.
//!
//! What must stay true: at most a few pieces are in memory, because the reader waits until one is taken; a part that
//! fails does not stop the others unless the connection is gone; a round that nobody listens to ends by itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::address::Address;
use super::columns::quoted;
use super::connect::{Conn, Page, Take};
use super::customers::Customers;
use super::deliveries::Deliveries;
use super::failure::Failure;
use super::jobs::Jobs;
use super::lex::Dialect;
use super::query::Sql;
use super::queues::Queue;
use super::row::{Column, Form};
use super::tickets::Tickets;
use crate::domain::Time;

/// Rows in one piece.
pub(super) const STEP: usize = 2_000;
/// Most rows of each part that are read in a round.
pub(super) const MAX_CUSTOMERS: usize = 1_000_000;
const MAX_TICKETS: usize = 200_000;
/// Jobs, one more than the limit so that it is known when there are more.
pub(super) const MAX_JOBS: usize = 10_000;
const FIRST_DELIVERIES: usize = 20_000;
const LATER_DELIVERIES: usize = 2_000;
/// A piece that nobody takes for so long ends the round.
const PATIENCE: Duration = Duration::from_secs(60);

/// What part of the portal a piece is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Customers,
    Tickets,
    Deliveries,
    Jobs,
}

/// What the round hands over.
pub(super) enum Piece {
    /// How the rows of this part that follow are to be read.
    Customers(Customers),
    Tickets(Tickets),
    Deliveries(Deliveries),
    Jobs(Jobs),
    /// Rows of a part.
    Rows(Part, Page),
    /// A part is through; `true` when it was cut at its limit.
    End(Part, bool),
    /// A part could not be read.
    Failed(Part, Failure),
}

/// Where the portal's jobs are.
#[derive(Clone, Debug)]
pub(super) enum JobsPlan {
    Query(Sql),
    Queue(Queue),
}

/// Only what changed since a moment, for a column of a known form.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Since {
    /// The moment, overlap included.
    pub(super) at: Time,
    /// In what unit the column counts.
    pub(super) unit: Unit,
}

/// How a column writes a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A timestamp, or text that the engine can read as one.
    Stamp,
    /// A number of seconds.
    Seconds,
    /// A number of milliseconds.
    Millis,
}

/// What a round is to read. The queries have been checked.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) customers: Sql,
    pub(super) tickets: Option<Sql>,
    pub(super) deliveries: Option<Sql>,
    pub(super) jobs: Option<JobsPlan>,
}

/// Reads everything once. Ends early when the receiver is gone.
pub(super) async fn run(address: Address, plan: Arc<Plan>, since: Option<Since>, out: mpsc::Sender<Piece>) {
    let mut conn = match Conn::open(&address).await {
        Ok(conn) => conn,
        Err(failure) => {
            send(&out, Piece::Failed(Part::Customers, failure)).await;
            return;
        }
    };
    let full = since.is_none();
    let parts = [Part::Customers, Part::Tickets, Part::Deliveries, Part::Jobs];
    for part in parts {
        let done = match part {
            Part::Customers => customers(&mut conn, &plan.customers, address.dialect(), since.as_ref(), &out).await,
            Part::Tickets => match &plan.tickets {
                Some(query) => tickets(&mut conn, query, &out).await,
                None => continue,
            },
            Part::Deliveries => match &plan.deliveries {
                Some(query) => deliveries(&mut conn, query, full, &out).await,
                None => continue,
            },
            Part::Jobs => match &plan.jobs {
                Some(plan) => jobs(&mut conn, plan, &out).await,
                None => continue,
            },
        };
        let (piece, goes_on) = match done {
            Ok(cut) => (Piece::End(part, cut), true),
            Err(failure) => {
                let goes_on = !failure.lost;
                (Piece::Failed(part, failure), goes_on)
            }
        };
        if !send(&out, piece).await || !goes_on {
            break;
        }
    }
    conn.close().await;
}

async fn send(out: &mpsc::Sender<Piece>, piece: Piece) -> bool {
    out.send_timeout(piece, PATIENCE).await.is_ok()
}

/// Hands rows over and counts them.
struct Forward<'a> {
    part: Part,
    out: &'a mpsc::Sender<Piece>,
    left: usize,
    cut: bool,
}

impl Take for Forward<'_> {
    async fn take(&mut self, mut page: Page) -> bool {
        if page.rows.len() > self.left {
            page.rows.truncate(self.left);
            self.cut = true;
        }
        self.left -= page.rows.len();
        send(self.out, Piece::Rows(self.part, page)).await && !self.cut
    }
}

async fn forward(
    conn: &mut Conn,
    sql: &str,
    place: &str,
    part: Part,
    limit: usize,
    out: &mpsc::Sender<Piece>,
) -> Result<bool, Failure> {
    let mut take = Forward { part, out, left: limit, cut: false };
    conn.stream(sql, STEP, place, &mut take).await?;
    Ok(take.cut)
}

async fn customers(
    conn: &mut Conn,
    query: &Sql,
    dialect: Dialect,
    since: Option<&Since>,
    out: &mpsc::Sender<Piece>,
) -> Result<bool, Failure> {
    let place = query.place.as_str();
    let columns = conn.columns(&query.sql, place).await?;
    let customers = Customers::new(&columns, query).map_err(Failure::settings)?;
    let mut sql = format!("select * from ({}\n) t", query.sql);
    if let (Some(since), Some((_, column))) = (since, &customers.updated)
        && let Some(condition) = changed_since(column, since, dialect)
    {
        sql.push_str(&format!(" where {condition}"));
    }
    send(out, Piece::Customers(customers)).await;
    forward(conn, &sql, place, Part::Customers, MAX_CUSTOMERS, out).await
}

/// The condition for what changed since a moment; `None` when the column cannot be compared.
pub(super) fn changed_since(column: &Column, since: &Since, dialect: Dialect) -> Option<String> {
    // The name comes from the engine itself; quoting it anyway costs nothing.
    let name = format!("t.\"{}\"", column.name.replace('"', "\"\""));
    let at = since.at.rfc3339();
    let compared = match (dialect, column.form, since.unit) {
        (_, Form::Number | Form::Any, Unit::Seconds) => format!("{name} >= {}", since.at.secs()),
        (_, Form::Number | Form::Any, Unit::Millis) => format!("{name} >= {}", since.at.ms()),
        (Dialect::Postgres, Form::Instant, Unit::Stamp) => format!("{name} >= '{at}'::timestamptz"),
        (Dialect::Postgres, Form::Local, Unit::Stamp) => format!("{name} >= '{}'::timestamp", at.trim_end_matches('Z')),
        // A form that SQLite cannot read as a moment counts as changed.
        (Dialect::Sqlite, Form::Any, Unit::Stamp) => {
            return Some(format!("julianday({name}) >= julianday('{at}') or julianday({name}) is null"));
        }
        _ => return None,
    };
    Some(format!("{compared} or {name} is null"))
}

async fn tickets(conn: &mut Conn, query: &Sql, out: &mpsc::Sender<Piece>) -> Result<bool, Failure> {
    let place = query.place.as_str();
    let columns = conn.columns(&query.sql, place).await?;
    let tickets = Tickets::new(&columns, query).map_err(Failure::settings)?;
    send(out, Piece::Tickets(tickets)).await;
    let sql = format!("select * from ({}\n) t", query.sql);
    forward(conn, &sql, place, Part::Tickets, MAX_TICKETS, out).await
}

async fn deliveries(conn: &mut Conn, query: &Sql, full: bool, out: &mpsc::Sender<Piece>) -> Result<bool, Failure> {
    let place = query.place.as_str();
    let columns = conn.columns(&query.sql, place).await?;
    let deliveries = Deliveries::new(&columns, query).map_err(Failure::settings)?;
    send(out, Piece::Deliveries(deliveries)).await;
    // The newest are enough: older ones were read before, and what they say no longer changes.
    let newest = columns.iter().find(|c| c.name.eq_ignore_ascii_case("received_at")).map(|c| quoted(&c.name));
    let limit = if full { FIRST_DELIVERIES } else { LATER_DELIVERIES };
    let order = newest.map_or(String::new(), |name| format!("order by t.{name} desc"));
    let sql = format!("select * from ({}\n) t {order} limit {limit}", query.sql);
    forward(conn, &sql, place, Part::Deliveries, limit, out).await
}

async fn jobs(conn: &mut Conn, plan: &JobsPlan, out: &mpsc::Sender<Piece>) -> Result<bool, Failure> {
    let query = match plan {
        JobsPlan::Query(query) => query.clone(),
        JobsPlan::Queue(queue) => {
            let place = "portal.jobs";
            Sql { sql: queue.query(conn, place).await?, place: place.into() }
        }
    };
    let place = query.place.as_str();
    let columns = conn.columns(&query.sql, place).await?;
    let jobs = Jobs::new(&columns, &query).map_err(Failure::settings)?;
    send(out, Piece::Jobs(jobs)).await;
    let sql = format!("select * from ({}\n) t", query.sql);
    forward(conn, &sql, place, Part::Jobs, MAX_JOBS, out).await
}
