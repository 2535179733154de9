//! What is refused at the door, and how it is told.

use crate::place::*;
use trueup::domain::*;
use trueup::store::Store;

on_both_engines! {
    two_processes_may_open_a_new_store_at_once,
    a_newer_schema_is_refused_untouched,
}

async fn refusal(url: &str) -> Problem {
    Store::open(url).await.expect_err("it is refused")
}

async fn two_processes_may_open_a_new_store_at_once(place: &Place) {
    let (a, b) = tokio::join!(Store::open(&place.url), Store::open(&place.url));
    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
}

async fn a_newer_schema_is_refused_untouched(place: &Place) {
    place.open().await.close().await;
    let schema = if place.is_postgres() { "trueup." } else { "" };
    place.beside(&format!("insert into {schema}migration (version) values (999)")).await;
    let problem = refusal(&place.url).await;
    assert_eq!(problem.fault, Fault::Usage);
    assert!(problem.to_string().contains("newer trueup") && problem.to_string().contains("999"), "{problem}");
}

#[tokio::test]
async fn a_new_file_is_for_its_owner_alone() {
    let place = Place::sqlite();
    let store = place.open().await;
    store.commit(System::Portal, &records(vec![person(System::Portal, "1", "", 1)]), at(1)).await.unwrap();
    #[cfg(unix)]
    for entry in std::fs::read_dir(place.folder.as_ref().unwrap().join("data")).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
    store.close().await;
    // What was written is in the one file: the log has been folded in.
    assert!(!place.folder.as_ref().unwrap().join("data/trueup.db-wal").exists());
}

#[tokio::test]
async fn files_that_are_not_ours_are_refused_and_left_alone() {
    let place = Place::sqlite();
    let folder = place.folder.clone().unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    let text = folder.join("notes.txt");
    std::fs::write(&text, "these are my notes, not a database").unwrap();
    let other = folder.join("other.db");
    let foreign = Place { url: format!("sqlite:{}", other.display()), folder: None, database: None };
    std::fs::write(&other, "").unwrap();
    foreign.beside("create table mine (x)").await;
    let before = (std::fs::read(&text).unwrap(), std::fs::read(&other).unwrap());
    for (path, why) in [(&text, "no SQLite database"), (&other, "another program")] {
        let problem = refusal(&format!("sqlite:{}", path.display())).await;
        assert_eq!(problem.fault, Fault::Usage);
        let told = problem.to_string();
        assert!(told.contains(why) && told.contains(path.to_str().unwrap()), "{told}");
    }
    assert_eq!(before, (std::fs::read(&text).unwrap(), std::fs::read(&other).unwrap()));
    let problem = refusal(&format!("sqlite:{}", folder.display())).await;
    assert!(problem.what.as_str().contains("folder"), "{problem}");
}

#[tokio::test]
async fn addresses_that_make_no_sense_are_usage_errors_without_their_password() {
    for url in ["mysql://u:hunter2@h/d", "sqlite:relative.db", "", "postgres://u:hunter2@h:notaport/d"] {
        let problem = refusal(url).await;
        assert_eq!(problem.fault, Fault::Usage, "{url}");
        assert!(!format!("{problem:?}{problem}").contains("hunter2"), "{problem}");
    }
}

#[tokio::test]
async fn a_file_that_may_not_be_written_is_refused() {
    let place = Place::sqlite();
    place.open().await.close().await;
    let path = place.url.strip_prefix("sqlite:").unwrap();
    let mut rights = std::fs::metadata(path).unwrap().permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(path, rights).unwrap();
    if std::fs::OpenOptions::new().write(true).open(path).is_ok() {
        eprintln!("NOT RUN: this user may write everything (root)");
        return;
    }
    let problem = refusal(&place.url).await;
    assert_eq!((problem.fault, problem.what.as_str()), (Fault::Usage, "the store's file cannot be written"));
}

#[tokio::test]
async fn a_postgres_that_is_not_there_or_not_ours_is_told_precisely() {
    let problem = refusal("postgres://u:hunter2@127.0.0.1:9/d").await;
    assert_eq!(problem.fault, Fault::Evidence);
    let told = format!("{problem:?}{problem}");
    assert!(told.contains("postgres://127.0.0.1:9/d") && !told.contains("hunter2"), "{told}");
    let Some(place) = Place::postgres().await else { return };
    let name = place.database.clone().unwrap();
    let missing = refusal(&place.url.replace(&name, "no_such_database_here")).await;
    assert_eq!(missing.fault, Fault::Usage, "{missing}");
    admin(&format!("alter database {name} set synchronous_commit = off")).await;
    let lossy = refusal(&place.url).await;
    assert!(lossy.to_string().contains("synchronous_commit"), "{lossy}");
    place.remove().await;
}
