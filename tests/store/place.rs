//! Where a claim's store lies, and small makers of records.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use trueup::domain::*;
use trueup::store::Store;

/// Two tests for every claim: one an engine.
macro_rules! on_both_engines {
    ($($claim:ident),+ $(,)?) => {
        mod sqlite { $(
            #[tokio::test]
            async fn $claim() {
                super::$claim(&$crate::place::Place::sqlite()).await;
            }
        )+ }
        mod postgres { $(
            #[tokio::test]
            async fn $claim() {
                if let Some(place) = $crate::place::Place::postgres().await {
                    super::$claim(&place).await;
                    place.remove().await;
                }
            }
        )+ }
    };
}

/// A place of its own for one claim.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) database: Option<String>,
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

fn unique() -> String {
    format!("{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The superuser's address with another database in it.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let base = base.rsplit_once('/').map_or(base, |(base, _)| base);
    format!("{base}/{name}{query}")
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("trueup-store-{}", unique()));
        let url = format!("sqlite:{}", folder.join("data/trueup.db").display());
        Self { url, folder: Some(folder), database: None }
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let Ok(url) = std::env::var("TRUEUP_TEST_PG") else {
            assert!(std::env::var_os("CI").is_none(), "TRUEUP_TEST_PG is not set: the Postgres half cannot be run");
            eprintln!("NOT RUN ON POSTGRES: TRUEUP_TEST_PG is not set; `tests/run` starts a cluster and sets it");
            return None;
        };
        let name = format!("trueup_store_{}", unique());
        admin(&format!("create database {name}")).await;
        Some(Self { url: with_database(&url, &name), folder: None, database: Some(name) })
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.url).await.expect("the store opens")
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.database.is_some()
    }

    /// Runs SQL beside the store.
    pub(crate) async fn beside(&self, sql: &str) {
        if self.is_postgres() {
            let mut connection = PgConnection::connect(&self.url).await.expect("a connection");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("sql");
        } else {
            let path = self.url.strip_prefix("sqlite:").expect("a path");
            let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{path}")).await.expect("a file");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("sql");
        }
    }

    pub(crate) async fn remove(&self) {
        if let Some(name) = &self.database {
            admin(&format!("drop database if exists {name} with (force)")).await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Runs SQL as the superuser, in the cluster's own database.
pub(crate) async fn admin(sql: &str) {
    let url = std::env::var("TRUEUP_TEST_PG").expect("TRUEUP_TEST_PG");
    let mut connection = PgConnection::connect(&url).await.expect("the cluster answers");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("sql");
}

/// A fixed moment, in seconds after which everything happens.
pub(crate) fn at(secs: i64) -> Time {
    Time::from_secs(1_760_000_000 + secs)
}

pub(crate) fn text(text: &str) -> Option<Text> {
    Some(Text::new(text))
}

pub(crate) fn person(system: System, id: &str, email: &str, version: i64) -> Record {
    let mut record = Record::new(system, Kind::Person, id, at(version));
    record.version = version;
    record.email = Text::non_empty(email);
    record
}

pub(crate) fn child(system: System, kind: Kind, id: &str, parent: &str) -> Record {
    let mut record = Record::new(system, kind, id, at(1));
    record.version = 1;
    record.parent = text(parent);
    record
}

pub(crate) fn records(records: Vec<Record>) -> Batch {
    Batch { records, ..Batch::default() }
}

pub(crate) fn customer(id: &str, email: &str, verdict: Verdict) -> Customer {
    Customer {
        id: Text::new(id),
        email: Text::non_empty(email),
        name: None,
        state: State::Active,
        plan: None,
        systems: Vec::new(),
        verdict,
        mismatches: Vec::new(),
        money: None,
        updated_at: None,
    }
}

pub(crate) fn mismatch(id: &str, customer: &str, class: Class) -> Mismatch {
    Mismatch {
        id: Text::new(id),
        class,
        severity: Severity::Critical,
        verdict: Verdict::Disagree,
        customer: text(customer),
        name: None,
        email: None,
        since: at(100),
        systems: Default::default(),
        money: None,
        headline: Text::new("paid, but locked out"),
        evidence: Text::default(),
        explanation: Text::new("why"),
        next_step: Text::new("what"),
        intent: None,
        settles_at: None,
        rank: 1,
    }
}

pub(crate) fn judged(id: &str, customer: Option<Customer>, mismatches: Vec<Mismatch>) -> Judgement {
    Judgement { key: portal(id), customer, mismatches, again_at: None }
}

pub(crate) fn portal(id: &str) -> ClusterKey {
    ClusterKey::Portal(Text::new(id))
}

pub(crate) fn orphan(id: &str) -> ClusterKey {
    ClusterKey::Orphan(System::Stripe, Text::new(id))
}

pub(crate) fn delivery(id: &str, state: DeliveryState, received: Time) -> Delivery {
    Delivery {
        id: Text::new(id),
        source: System::Stripe,
        event_id: Text::new(id),
        kind: Text::new("invoice.paid"),
        state,
        received_at: received,
        attempts: None,
        status: None,
        latency_ms: None,
        customer: None,
        deploy: None,
        reason: None,
    }
}

/// Takes everything that is marked and crosses it off, judging nothing.
pub(crate) async fn settle(store: &Store) -> Vec<ClusterKey> {
    let mut all = Vec::new();
    loop {
        let dirty = store.dirty(1000, at(0)).await.expect("dirty");
        store.save_judgements(&[], Some(&dirty), at(0)).await.expect("crossed off");
        all.extend(dirty.keys);
        if !dirty.more {
            all.sort();
            all.dedup();
            return all;
        }
    }
}
