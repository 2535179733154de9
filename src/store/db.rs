//! One small face for two engines: statements, arguments, rows and transactions, the same on SQLite and Postgres.
//!
//! What must stay true: SQL text is made of our own words only; everything foreign is a bound argument. Sets of rows
//! travel as one JSON argument ([`table`]), so that ten thousand rows are a handful of statements. Writers are
//! serialised on both engines: SQLite by its one writing connection, Postgres by an advisory lock.

use serde_json::Value;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Postgres, Row, SqlSafeStr, Sqlite, Transaction};

use super::fault::complaint;
use crate::domain::{Problem, Text, Time};

/// Which engine keeps the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

/// The connections of an open store.
pub(super) struct Db {
    pub(super) pools: Pools,
    /// The address as it may be shown: no password.
    pub(super) place: Text,
}

/// Pools by engine.
pub(super) enum Pools {
    Sqlite { write: SqlitePool, read: SqlitePool, options: Box<SqliteConnectOptions> },
    Postgres(PgPool),
}

/// Taken by every writing transaction on Postgres; an arbitrary number of our own ("true").
const WRITER_LOCK: &str = "select cast(pg_advisory_xact_lock(1953658213) as text)";

/// A bound argument.
#[derive(Clone, Debug)]
pub(super) enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
}

macro_rules! into_arg {
    ($($from:ty => |$v:ident| $arg:expr),+ $(,)?) => {$(
        impl From<$from> for Arg { fn from($v: $from) -> Self { $arg } }
    )+};
}
into_arg! {
    i64 => |v| Self::Int(Some(v)),
    Option<i64> => |v| Self::Int(v),
    Time => |v| Self::Int(Some(v.ms())),
    &str => |v| Self::Text(Some(v.to_owned())),
    String => |v| Self::Text(Some(v)),
    &Text => |v| Self::Text(Some(v.as_str().to_owned())),
    Option<String> => |v| Self::Text(v),
}

/// Makes the arguments of a statement.
macro_rules! args {
    ($($arg:expr),* $(,)?) => { vec![$($crate::store::db::Arg::from($arg)),*] };
}
pub(super) use args;

macro_rules! bind {
    ($query:expr, $args:expr) => {{
        let mut query = $query;
        for arg in $args {
            query = match arg {
                Arg::Int(value) => query.bind(value),
                Arg::Text(value) => query.bind(value),
            };
        }
        query
    }};
}

/// A row of an answer; columns are taken by position.
pub(super) enum Line {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Line {
    pub(super) fn maybe_int(&self, at: usize) -> Result<Option<i64>, Problem> {
        match self {
            Self::Sqlite(row) => row.try_get(at),
            Self::Postgres(row) => row.try_get(at),
        }
        .map_err(|e| unreadable(&e))
    }

    pub(super) fn maybe_text(&self, at: usize) -> Result<Option<String>, Problem> {
        match self {
            Self::Sqlite(row) => row.try_get(at),
            Self::Postgres(row) => row.try_get(at),
        }
        .map_err(|e| unreadable(&e))
    }

    pub(super) fn maybe_bytes(&self, at: usize) -> Result<Option<Vec<u8>>, Problem> {
        match self {
            Self::Sqlite(row) => row.try_get(at),
            Self::Postgres(row) => row.try_get(at),
        }
        .map_err(|e| unreadable(&e))
    }

    pub(super) fn int(&self, at: usize) -> Result<i64, Problem> {
        self.maybe_int(at)?.ok_or_else(|| Problem::bug("the store holds no number where one must be"))
    }

    pub(super) fn text(&self, at: usize) -> Result<String, Problem> {
        self.maybe_text(at)?.ok_or_else(|| Problem::bug("the store holds no text where one must be"))
    }

    pub(super) fn time(&self, at: usize) -> Result<Time, Problem> {
        self.int(at).map(Time::from_ms)
    }
}

fn unreadable(error: &sqlx::Error) -> Problem {
    Problem::bug("the store's answer has an unexpected shape").why(error.to_string())
}

impl Db {
    pub(super) fn engine(&self) -> Engine {
        match self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    /// Reads, outside of any transaction.
    pub(super) async fn rows(&self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<Vec<Line>, Problem> {
        let sql = sql.into_sql_str();
        match &self.pools {
            Pools::Sqlite { read, .. } => {
                bind!(sqlx::query(sql), args).fetch_all(read).await.map(|r| r.into_iter().map(Line::Sqlite).collect())
            }
            Pools::Postgres(pool) => {
                bind!(sqlx::query(sql), args).fetch_all(pool).await.map(|r| r.into_iter().map(Line::Postgres).collect())
            }
        }
        .map_err(|e| complaint(e, &self.place))
    }

    /// Begins to write. Nobody else writes until it is committed or dropped.
    pub(super) async fn begin(&self) -> Result<Tx, Problem> {
        let begun = match &self.pools {
            Pools::Sqlite { write, .. } => write.begin_with("BEGIN IMMEDIATE").await.map(Inside::Sqlite),
            Pools::Postgres(pool) => pool.begin().await.map(Inside::Postgres),
        };
        let inside = begun.map_err(|e| complaint(e, &self.place))?;
        let mut tx = Tx { inside, place: self.place.clone() };
        if tx.engine() == Engine::Postgres {
            tx.rows(WRITER_LOCK, Vec::new()).await?;
        }
        Ok(tx)
    }
}

/// A writing transaction; dropped without [`Tx::commit`] it changes nothing.
pub(super) struct Tx {
    inside: Inside,
    place: Text,
}

enum Inside {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(super) fn engine(&self) -> Engine {
        match self.inside {
            Inside::Sqlite(_) => Engine::Sqlite,
            Inside::Postgres(_) => Engine::Postgres,
        }
    }

    pub(super) async fn rows(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<Vec<Line>, Problem> {
        let sql = sql.into_sql_str();
        match &mut self.inside {
            Inside::Sqlite(tx) => bind!(sqlx::query(sql), args)
                .fetch_all(&mut **tx)
                .await
                .map(|r| r.into_iter().map(Line::Sqlite).collect()),
            Inside::Postgres(tx) => bind!(sqlx::query(sql), args)
                .fetch_all(&mut **tx)
                .await
                .map(|r| r.into_iter().map(Line::Postgres).collect()),
        }
        .map_err(|e| complaint(e, &self.place))
    }

    /// Runs a statement; returns how many rows it changed.
    pub(super) async fn run(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<u64, Problem> {
        let sql = sql.into_sql_str();
        match &mut self.inside {
            Inside::Sqlite(tx) => {
                bind!(sqlx::query(sql), args).execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            Inside::Postgres(tx) => {
                bind!(sqlx::query(sql), args).execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        }
        .map_err(|e| complaint(e, &self.place))
    }

    /// Runs several statements without arguments: a migration.
    pub(super) async fn script(&mut self, sql: impl SqlSafeStr) -> Result<(), Problem> {
        let sql = sql.into_sql_str();
        match &mut self.inside {
            Inside::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(|_| ()),
            Inside::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(|_| ()),
        }
        .map_err(|e| complaint(e, &self.place))
    }

    pub(super) async fn commit(self) -> Result<(), Problem> {
        match self.inside {
            Inside::Sqlite(tx) => tx.commit().await,
            Inside::Postgres(tx) => tx.commit().await,
        }
        .map_err(|e| complaint(e, &self.place))
    }
}

/// How a column of [`table`] is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Int,
    /// Hexadecimal on its way there.
    Bytes,
}

/// A subquery `(...) as n` whose rows are the arrays inside the JSON argument number `arg`.
pub(super) fn table(engine: Engine, arg: usize, columns: &[(&str, Type)]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(at, (name, kind))| match (engine, kind) {
            (Engine::Postgres, Type::Int) => format!("(value->>{at})::bigint as \"{name}\""),
            (Engine::Sqlite, Type::Bytes) => format!("unhex(value->>{at}) as \"{name}\""),
            (Engine::Postgres, Type::Bytes) => format!("decode(value->>{at}, 'hex') as \"{name}\""),
            _ => format!("value->>{at} as \"{name}\""),
        })
        .collect();
    let columns = columns.join(", ");
    match engine {
        Engine::Sqlite => format!("(select {columns} from json_each(${arg})) as n"),
        Engine::Postgres => format!("(select {columns} from jsonb_array_elements(${arg}::jsonb) as t(value)) as n"),
    }
}

/// Rows as the argument of a [`table`].
pub(super) fn lines(rows: Vec<Vec<Value>>) -> Arg {
    Arg::Text(Some(Value::Array(rows.into_iter().map(Value::Array).collect()).to_string()))
}

/// A single column as the argument of a [`table`].
pub(super) fn column<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Arg {
    lines(single(values))
}

/// Several questions with the same columns, asked as one statement: each round trip costs more than most answers.
pub(super) struct Union<'d> {
    db: &'d Db,
    selects: Vec<String>,
    args: Vec<Arg>,
}

impl<'d> Union<'d> {
    /// Nothing asked yet.
    pub(super) fn new(db: &'d Db) -> Self {
        Self { db, selects: Vec::new(), args: Vec::new() }
    }

    /// Adds a question about some rows; `select` gets the [`table`] of them. No rows, no question.
    pub(super) fn about(
        &mut self,
        columns: &[(&str, Type)],
        rows: Vec<Vec<Value>>,
        select: impl FnOnce(&str) -> String,
    ) {
        if !rows.is_empty() {
            self.args.push(lines(rows));
            self.selects.push(select(&table(self.db.engine(), self.args.len(), columns)));
        }
    }

    /// Asks.
    pub(super) async fn rows(self) -> Result<Vec<Line>, Problem> {
        if self.selects.is_empty() {
            return Ok(Vec::new());
        }
        self.db.rows(AssertSqlSafe(self.selects.join(" union all ")), self.args).await
    }
}

/// A single column of rows.
pub(super) fn single<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Vec<Vec<Value>> {
    values.into_iter().map(|v| vec![v.into()]).collect()
}
