//! Opening the store: which engine, is it ours, may we write, is its schema one that we know.
//!
//! What must stay true: a file that is not ours is refused before a byte of it is changed; a store that could lose
//! what it has acknowledged (`synchronous_commit = off`) is refused; no complaint shows a password.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::db::{Db, Pools, args};
use super::fault::{complaint, not_ours};
use super::{Store, migrate};
use crate::domain::{Problem, Text};

/// Marks a SQLite file as ours (`PRAGMA application_id`): "trup".
const APPLICATION: i64 = 0x7472_7570;
/// How long a statement waits for another process's write.
const BUSY: Duration = Duration::from_secs(5);
/// How long we wait for a free or new connection.
const ACQUIRE: Duration = Duration::from_secs(5);
/// Server-side limits of every Postgres connection, in milliseconds.
const LIMITS: [(&str, &str); 4] = [
    ("search_path", "trueup"),
    ("statement_timeout", "30000"),
    ("lock_timeout", "10000"),
    ("idle_in_transaction_session_timeout", "60000"),
];

impl Store {
    /// Opens `sqlite:/absolute/path.db` (created when missing) or `postgres://...` (schema `trueup`), and migrates.
    /// Refuses a SQLite file that it cannot write, a newer schema than it knows, Postgres `synchronous_commit = off`.
    pub async fn open(url: &str) -> Result<Self, Problem> {
        let db = if let Some(path) = url.strip_prefix("sqlite:") {
            sqlite(Path::new(path.strip_prefix("//").unwrap_or(path))).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            postgres(url).await?
        } else {
            return Err(Problem::usage("the store's address names no database that trueup can use")
                .hint("write `sqlite:/folder/trueup.db` or `postgres://user@host/database`"));
        };
        let mut tx = db.begin().await?;
        migrate::migrate(&mut tx, &db.place).await?;
        tx.commit().await?;
        let revision = db.rows("select value from meta where name = 'revision'", args![]).await?;
        let revision = revision.first().map_or(Ok(0), |line| line.int(0))?;
        Ok(Self::with(db, revision))
    }

    /// Closes all connections; SQLite's write-ahead log is checkpointed.
    pub async fn close(&self) {
        self.inner.stop_watching();
        match &self.inner.db.pools {
            Pools::Sqlite { write, read, .. } => {
                read.close().await;
                // Best effort: what is not checkpointed now is read from the log at the next opening.
                let _ = sqlx::query("pragma wal_checkpoint(truncate)").execute(write).await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

async fn sqlite(path: &Path) -> Result<Db, Problem> {
    let place = Text::new(path.to_string_lossy());
    if !path.is_absolute() {
        return Err(Problem::usage("the store's file needs an absolute path").at(&place));
    }
    prepare_file(path).map_err(|problem| problem.at(&place))?;
    let base = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY).disable_statement_logging();
    let writing = base.clone().synchronous(SqliteSynchronous::Full).pragma("journal_size_limit", "67108864");
    let reading = base.read_only(true).pragma("query_only", "on");
    // No idle or age limits: connections to a file do not go stale, and a sleeping console must not be woken for them.
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(writing);
    let mut first = write.acquire().await.map_err(|e| complaint(e, &place))?;
    let marks: (i64, i64) =
        sqlx::query_as("select application_id, (select count(*) from sqlite_schema) from pragma_application_id")
            .fetch_one(&mut *first)
            .await
            .map_err(|e| complaint(e, &place))?;
    match marks {
        (APPLICATION, _) => {}
        (0, 0) => {
            for sql in ["pragma journal_mode = wal", "pragma application_id = 1953658224"] {
                sqlx::query(sql).execute(&mut *first).await.map_err(|e| complaint(e, &place))?;
            }
        }
        _ => return Err(not_ours("it is a database of another program").at(&place)),
    }
    drop(first);
    let read = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(reading.clone());
    Ok(Db { pools: Pools::Sqlite { write, read, options: Box::new(reading) }, place })
}

/// Makes folder and file, for us alone; refuses what is there and is no database, or cannot be written.
fn prepare_file(path: &Path) -> Result<(), Problem> {
    let cannot = |error: &std::io::Error| {
        let what = match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "the store's file cannot be written",
            ErrorKind::IsADirectory => "the store's address names a folder",
            _ => "the store's file cannot be made or opened",
        };
        Problem::usage(what)
            .why(error.to_string())
            .hint("name a file in a folder that the user who runs trueup may write, in `[store] url` or `--store`")
    };
    if let Some(folder) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|e| cannot(&e))?;
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut head = Vec::new();
    options.open(path).and_then(|file| file.take(16).read_to_end(&mut head)).map_err(|e| cannot(&e))?;
    if !head.is_empty() && head != *b"SQLite format 3\0" {
        return Err(not_ours("it is no SQLite database"));
    }
    Ok(())
}

async fn postgres(url: &str) -> Result<Db, Problem> {
    // The parser's own words may quote the address, and with it the password: they are left out.
    let options: PgConnectOptions = url.parse().map_err(|_| {
        Problem::usage("the store's address cannot be read").hint("write `postgres://user:password@host:port/database`")
    })?;
    let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |p| p.display().to_string());
    let database = options.get_database().unwrap_or(options.get_username());
    let place = Text::new(format!("postgres://{host}:{}/{database}", options.get_port()));
    let options = options.application_name("trueup").options(LIMITS).disable_statement_logging();

    // One plain connection first: its errors are precise, a pool only says that it waited in vain.
    let connecting = sqlx::PgConnection::connect_with(&options);
    let mut first = tokio::time::timeout(Duration::from_secs(10), connecting)
        .await
        .map_err(|_| Problem::evidence("the store does not answer").why("no connection within 10 s").at(&place))?
        .map_err(|e| complaint(e, &place))?;
    let (commit, there): (String, i64) = sqlx::query_as(
        "select current_setting('synchronous_commit'), (select count(*) from pg_namespace where nspname = 'trueup')",
    )
    .fetch_one(&mut first)
    .await
    .map_err(|e| complaint(e, &place))?;
    if commit == "off" {
        return Err(Problem::usage("the store's database may lose what it has acknowledged")
            .why("synchronous_commit is off")
            .hint("alter role ... set synchronous_commit = on")
            .at(&place));
    }
    if there == 0 {
        // Two processes may do this at once: the later one is told that the name is taken, and finds it there.
        match sqlx::query("create schema if not exists trueup").execute(&mut first).await {
            Err(sqlx::Error::Database(taken)) if taken.is_unique_violation() => {}
            made => _ = made.map_err(|e| complaint(e, &place))?,
        }
    }
    let _ = first.close().await;
    let pool = PgPoolOptions::new().max_connections(5).acquire_timeout(ACQUIRE).connect_lazy_with(options);
    Ok(Db { pools: Pools::Postgres(pool), place })
}
