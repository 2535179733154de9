//! One connection to the portal, for reading: whole small results, and large ones in pieces.
//!
//! What must stay true: every statement runs inside a read-only transaction with its limits (Postgres) or on a file
//! opened read-only (SQLite); no statement runs longer than five seconds; a large result never stands in memory whole.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, SqliteConnection};

use super::address::{Address, Opening, STATEMENT_MS, begin_reading};
use super::failure::Failure;
use super::row::{Cell, Column, postgres_cells, postgres_columns, sqlite_cells, sqlite_columns};
use crate::domain::Problem;

/// Longest time to connect.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest time to wait for an answer of a server that should have stopped the statement by itself.
const ANSWER: Duration = Duration::from_millis(STATEMENT_MS + 3_000);
/// SQLite looks at its deadline every so many steps of its machine.
const LOOK_EVERY: i32 = 4_000;

/// A part of a result.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Its columns; empty when there was no row to tell them.
    pub(super) columns: Arc<[Column]>,
    /// Its rows.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// Who receives the pieces of a large result.
pub(super) trait Take: Send {
    /// Takes a piece; `false` ends the reading.
    fn take(&mut self, page: Page) -> impl Future<Output = bool> + Send;
}

/// Gathers a small result whole.
struct Whole {
    page: Page,
    limit: usize,
}

impl Take for Whole {
    async fn take(&mut self, page: Page) -> bool {
        self.page.columns = page.columns;
        self.page.rows.extend(page.rows);
        self.page.rows.len() < self.limit
    }
}

/// An open connection.
pub(super) struct Conn {
    address: Address,
    engine: Engine,
}

enum Engine {
    Postgres(Box<PgConnection>),
    Sqlite { conn: Box<SqliteConnection>, deadline: Deadline },
}

/// The moment after which SQLite gives up on the running statement.
#[derive(Clone)]
struct Deadline(Arc<Mutex<Instant>>);

impl Deadline {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn restart(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + Duration::from_millis(STATEMENT_MS);
    }

    fn has_passed(&self) -> bool {
        Instant::now() > *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conn {
    /// Connects, within three seconds.
    pub(super) async fn open(address: &Address) -> Result<Self, Failure> {
        let opening = address.opening().map_err(Failure::settings)?;
        let fail = |error: &sqlx::Error| Failure { lost: true, ..Failure::of(error, address, "portal.url") };
        let engine = match opening {
            Opening::Postgres { full, bare } => {
                let first = in_time(full.connect(), address).await?;
                let conn = match first {
                    Err(error) if Failure::refuses_options(&error) => in_time(bare.connect(), address).await?,
                    other => other,
                };
                Engine::Postgres(Box::new(conn.map_err(|e| fail(&e))?))
            }
            Opening::Sqlite(options) => {
                let mut conn = in_time(options.connect(), address).await?.map_err(|e| fail(&e))?;
                let deadline = Deadline::new();
                let watched = deadline.clone();
                let mut handle = conn.lock_handle().await.map_err(|e| fail(&e))?;
                handle.set_progress_handler(LOOK_EVERY, move || !watched.has_passed());
                drop(handle);
                Engine::Sqlite { conn: Box::new(conn), deadline }
            }
        };
        Ok(Self { address: address.clone(), engine })
    }

    /// Says goodbye. Errors do not matter any more.
    pub(super) async fn close(self) {
        let _ = match self.engine {
            Engine::Postgres(conn) => tokio::time::timeout(CONNECT, conn.close()).await.map(drop),
            Engine::Sqlite { conn, .. } => tokio::time::timeout(CONNECT, conn.close()).await.map(drop),
        };
    }

    /// The columns of a query, found without reading a row.
    pub(super) async fn columns(&mut self, sql: &str, place: &str) -> Result<Arc<[Column]>, Failure> {
        // One row of NULLs always comes back, and with it the columns' names and types.
        let sql =
            format!("select t.* from (select 1 as one) o left join (select * from ({sql}\n) q limit 0) t on 1 = 1");
        Ok(self.page(&sql, 1, place).await?.columns)
    }

    /// At most `limit` rows of a query.
    pub(super) async fn page(&mut self, sql: &str, limit: usize, place: &str) -> Result<Page, Failure> {
        let mut whole = Whole { page: Page::default(), limit };
        self.stream(sql, limit.clamp(1, 2_000), place, &mut whole).await?;
        whole.page.rows.truncate(limit);
        Ok(whole.page)
    }

    /// Reads a query in pieces of `size` rows.
    pub(super) async fn stream(
        &mut self,
        sql: &str,
        size: usize,
        place: &str,
        take: &mut impl Take,
    ) -> Result<(), Failure> {
        match &mut self.engine {
            Engine::Postgres(conn) => {
                let done = stream_postgres(conn, sql, size, take, &self.address, place).await;
                let lost = done.as_ref().is_err_and(|failure| failure.lost);
                if !lost {
                    let _ = tokio::time::timeout(ANSWER, conn.execute("rollback")).await;
                }
                done
            }
            Engine::Sqlite { conn, deadline } => {
                stream_sqlite(conn, deadline, sql, size, take).await.map_err(|e| Failure::of(&e, &self.address, place))
            }
        }
    }
}

async fn in_time<T>(
    connecting: impl Future<Output = Result<T, sqlx::Error>>,
    address: &Address,
) -> Result<Result<T, sqlx::Error>, Failure> {
    tokio::time::timeout(CONNECT, connecting).await.map_err(|_| silent(address))
}

fn silent(address: &Address) -> Failure {
    Failure::unavailable(Problem::evidence("the portal's database does not answer").at(address.shown()))
}

async fn stream_postgres(
    conn: &mut PgConnection,
    sql: &str,
    size: usize,
    take: &mut impl Take,
    address: &Address,
    place: &str,
) -> Result<(), Failure> {
    let fail = |error: sqlx::Error| Failure::of(&error, address, place);
    answered(conn.execute(sqlx::raw_sql(AssertSqlSafe(begin_reading()))), address).await?.map_err(fail)?;
    // Prepared on purpose: the extended protocol takes one statement only, whatever the text holds.
    let declare = format!("declare trueup no scroll cursor for {sql}");
    let declare = sqlx::query(AssertSqlSafe(declare)).persistent(false);
    answered(conn.execute(declare), address).await?.map_err(fail)?;
    let fetch = format!("fetch forward {size} from trueup");
    loop {
        let got = sqlx::raw_sql(AssertSqlSafe(fetch.clone())).fetch_all(&mut *conn);
        let got = answered(got, address).await?.map_err(fail)?;
        let columns: Arc<[Column]> = got.first().map(postgres_columns).unwrap_or_default().into();
        let rows: Vec<_> = got.iter().map(|row| postgres_cells(row, &columns)).collect();
        let last = rows.len() < size;
        drop(got);
        if rows.is_empty() || !take.take(Page { columns, rows }).await || last {
            return Ok(());
        }
    }
}

async fn answered<T>(waiting: impl Future<Output = T>, address: &Address) -> Result<T, Failure> {
    tokio::time::timeout(ANSWER, waiting).await.map_err(|_| silent(address))
}

async fn stream_sqlite(
    conn: &mut SqliteConnection,
    deadline: &Deadline,
    sql: &str,
    size: usize,
    take: &mut impl Take,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
    deadline.restart();
    let mut rows = query.fetch(&mut *conn);
    let mut columns: Arc<[Column]> = Arc::default();
    let mut page: Vec<Vec<Cell>> = Vec::with_capacity(size);
    while let Some(row) = rows.next().await {
        let row: SqliteRow = row?;
        deadline.restart();
        if columns.is_empty() {
            columns = sqlite_columns(&row).into();
        }
        page.push(sqlite_cells(&row));
        if page.len() == size {
            let full = std::mem::replace(&mut page, Vec::with_capacity(size));
            if !take.take(Page { columns: columns.clone(), rows: full }).await {
                return Ok(());
            }
            deadline.restart();
        }
    }
    if !page.is_empty() {
        take.take(Page { columns, rows: page }).await;
    }
    Ok(())
}
