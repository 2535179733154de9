//! Throw-away databases to read from, one for each test and engine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use trueup::domain::{Batch, Delivery, Job, Kind, Problem, Record, State, Text, Time};
use trueup::sources::portal::{JobsSpec, Portal, PortalSpec, Sql};
use trueup::sources::{Source, SourceError};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A database of the product's, with somebody who may write to it.
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) postgres: bool,
    file: Option<PathBuf>,
    server: Option<(String, String)>,
}

/// One world for each engine that can be had.
pub(crate) async fn worlds() -> Vec<World> {
    let mut all = vec![World::sqlite().await];
    all.extend(World::postgres().await);
    all
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("trueup-portal-{}-{number}.db", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut conn = SqliteConnection::connect_with(&options).await.unwrap();
        conn.execute("pragma journal_mode = wal").await.unwrap();
        conn.close().await.unwrap();
        Self { url: format!("sqlite:{}", file.display()), postgres: false, file: Some(file), server: None }
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("TRUEUP_TEST_PG") else {
            assert!(std::env::var_os("CI").is_none(), "TRUEUP_TEST_PG is not set: half of this test did not run");
            eprintln!("\n*** TRUEUP_TEST_PG is not set: the Postgres half of this test DID NOT RUN ***\n");
            return None;
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("trueup_portal_{}_{number}", std::process::id());
        let mut conn = PgConnection::connect(&server).await.unwrap();
        conn.execute(AssertSqlSafe(format!("create database {name}"))).await.unwrap();
        conn.close().await.unwrap();
        let (start, query) =
            server.split_once('?').map_or((server.as_str(), String::new()), |(s, q)| (s, format!("?{q}")));
        let base = &start[..start.rfind('/').unwrap()];
        Some(Self {
            url: format!("{base}/{name}{query}"),
            postgres: true,
            file: None,
            server: Some((server.clone(), name)),
        })
    }

    /// Runs statements as the product itself would.
    pub(crate) async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.postgres {
            let mut conn = PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
            conn.close().await.unwrap();
        } else {
            let mut conn = SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
            conn.close().await.unwrap();
        }
    }

    /// A single number.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.postgres {
            let mut conn = PgConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
        } else {
            let mut conn = SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
        }
    }

    /// The text for this engine.
    pub(crate) fn either<'a>(&self, postgres: &'a str, sqlite: &'a str) -> &'a str {
        if self.postgres { postgres } else { sqlite }
    }

    pub(crate) fn spec(&self, customers: &str) -> PortalSpec {
        PortalSpec {
            url: self.url.clone(),
            customers: query(customers, 12),
            states: states(),
            tickets: None,
            deliveries: None,
            jobs: None,
        }
    }

    pub(crate) fn portal(&self, customers: &str) -> Portal {
        Portal::new(self.spec(customers)).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", file.display()));
            }
        }
        if let Some((server, name)) = self.server.clone() {
            let dropped = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut conn = PgConnection::connect(&server).await.unwrap();
                    let _ = conn.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await;
                });
            });
            let _ = dropped.join();
        }
    }
}

/// A query that stands on a line of the configuration.
pub(crate) fn query(sql: &str, line: u32) -> Sql {
    Sql { sql: sql.to_owned(), place: Text::new(format!("config.toml:{line}")) }
}

pub(crate) fn jobs(sql: &str) -> Option<JobsSpec> {
    Some(JobsSpec::Query(query(sql, 40)))
}

pub(crate) fn states() -> BTreeMap<String, State> {
    let words = [
        ("trialing", State::Trial),
        ("active", State::Active),
        ("past_due", State::PastDue),
        ("unpaid", State::PastDue),
        ("canceled", State::Canceled),
        ("true", State::Active),
    ];
    words.into_iter().map(|(word, state)| (word.to_owned(), state)).collect()
}

/// What a whole round brought.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) records: Vec<Record>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) jobs: Option<Vec<Job>>,
    pub(crate) finished: Vec<(Kind, Time)>,
    pub(crate) partial: Option<Problem>,
    pub(crate) cursor: Option<String>,
    pub(crate) steps: usize,
    pub(crate) largest: usize,
}

impl Round {
    pub(crate) fn person(&self, id: &str) -> &Record {
        self.records.iter().find(|r| r.kind == Kind::Person && r.id == *id).unwrap_or_else(|| panic!("no {id}"))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.finished.iter().any(|(kind, _)| *kind == Kind::Person)
    }

    fn add(&mut self, batch: Batch) {
        self.steps += 1;
        self.largest = self.largest.max(batch.records.len());
        self.records.extend(batch.records);
        self.deliveries.extend(batch.deliveries);
        self.finished.extend(batch.finished);
        self.jobs = batch.jobs.or(self.jobs.take());
        self.partial = batch.partial.or(self.partial.take());
        self.cursor = batch.cursor;
    }
}

/// The moment at which the tests read.
pub(crate) fn now() -> Time {
    Time::parse("2024-06-01T12:00:00Z").unwrap()
}

/// Reads until there is no more, as the engine does; what came before a failure is kept in `so_far`.
pub(crate) async fn try_round(
    portal: &Portal,
    cursor: Option<String>,
    at: Time,
    so_far: &mut Round,
) -> Result<(), SourceError> {
    so_far.cursor = cursor;
    for step in 0.. {
        let cursor = so_far.cursor.clone();
        assert!(cursor.as_ref().is_none_or(|c| c.len() <= 4096));
        let batch = portal.collect(cursor.as_deref(), at.plus_ms(step)).await?;
        let more = batch.more;
        so_far.add(batch);
        if !more {
            return Ok(());
        }
    }
    Ok(())
}

pub(crate) async fn round(portal: &Portal, cursor: Option<String>, at: Time) -> Round {
    let mut round = Round::default();
    try_round(portal, cursor, at, &mut round).await.unwrap_or_else(|error| panic!("{}", error.problem));
    round
}

/// The failure of a first round.
pub(crate) async fn failure(portal: &Portal) -> SourceError {
    try_round(portal, None, now(), &mut Round::default()).await.expect_err("the round should fail")
}
