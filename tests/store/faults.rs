//! A database that goes away is missing evidence, and comes back without a restart.

use std::time::{Duration, Instant};

use crate::place::*;
use trueup::domain::*;

#[tokio::test]
async fn a_postgres_that_goes_away_is_told_and_recovers_by_itself() {
    let Some(place) = Place::postgres().await else { return };
    let name = place.database.clone().unwrap();
    let store = place.open().await;
    let mut told = store.subscribe();
    let batch = records(vec![person(System::Portal, "1", "", 1)]);
    store.commit(System::Portal, &batch, at(1)).await.unwrap();
    told.mark_unchanged();

    admin(&format!("alter database {name} with allow_connections false")).await;
    admin(&format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")).await;
    let began = Instant::now();
    for problem in [store.revision().await.unwrap_err(), store.commit(System::Portal, &batch, at(2)).await.unwrap_err()]
    {
        assert_eq!(problem.fault, Fault::Evidence, "{problem}");
        assert!(problem.to_string().contains("does not answer"), "{problem}");
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());

    admin(&format!("alter database {name} with allow_connections true")).await;
    let changed = records(vec![person(System::Portal, "1", "new@x", 2)]);
    assert_eq!(store.commit(System::Portal, &changed, at(3)).await.unwrap(), 1);
    assert!(told.has_changed().unwrap());
    place.remove().await;
}

#[tokio::test]
async fn a_file_that_another_process_locks_is_waited_for_and_then_told() {
    let place = Place::sqlite();
    let store = place.open().await;
    let path = place.url.strip_prefix("sqlite:").unwrap();
    let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect(&format!("sqlite://{path}")).await.unwrap();
    sqlx::query("begin immediate").execute(&mut other).await.unwrap();
    let batch = records(vec![person(System::Portal, "1", "", 1)]);
    let problem = store.commit(System::Portal, &batch, at(1)).await.unwrap_err();
    assert_eq!(problem.fault, Fault::Evidence);
    assert!(problem.to_string().contains("busy"), "{problem}");
    // Reading goes on meanwhile.
    store.revision().await.unwrap();
    sqlx::query("rollback").execute(&mut other).await.unwrap();
    assert_eq!(store.commit(System::Portal, &batch, at(1)).await.unwrap(), 1);
}
