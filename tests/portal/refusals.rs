//! What is refused: writing, missing files, queries that do more than read; and that no password is ever shown.

use trueup::domain::Fault;
use trueup::sources::portal::{JobsSpec, Portal};
use trueup::sources::{Cause, Source};

use crate::world::{World, failure, now, query, worlds};

#[tokio::test]
async fn a_write_that_hides_in_a_function_fails_and_changes_nothing() {
    let Some(world) = World::postgres().await else { return };
    world
        .run(
            "create table users (id text, email text); insert into users values ('u1', 'a@b.c');
            create function sneaky() returns text language plpgsql as $$ begin delete from users; return 'x'; end $$;
            create function brazen() returns text language plpgsql as $$ begin
                perform set_config('transaction_read_only', 'off', true); delete from users; return 'x'; end $$;",
        )
        .await;
    for function in ["sneaky", "brazen"] {
        let error = failure(&world.portal(&format!("select id, email, {function}() as name from users"))).await;
        assert_eq!(error.cause, Cause::Settings, "{}", error.problem);
        assert_eq!(world.number("select count(*) from users").await, 1, "{function}");
    }
}

#[tokio::test]
async fn a_sqlite_file_is_opened_read_only_and_never_made() {
    let world = World::sqlite().await;
    world
        .run(
            "create table users (id text, email text); create table log (x); insert into users values ('u1', 'a@b.c');
        create view v as select id, email from users",
        )
        .await;
    let portal = world.portal("select id, email from v");
    let batch = portal.collect(None, now()).await.unwrap();
    assert_eq!(batch.records.len(), 1);

    let missing = std::env::temp_dir().join("trueup-portal-not-there.db");
    let mut spec = world.spec("select id, email from users");
    spec.url = format!("sqlite:{}", missing.display());
    let error = failure(&Portal::new(spec).unwrap()).await;
    assert_eq!(error.cause, Cause::Settings);
    assert!(error.problem.to_string().contains("does not exist"), "{}", error.problem);
    assert!(!missing.exists());

    let junk = std::env::temp_dir().join(format!("trueup-portal-junk-{}.db", std::process::id()));
    std::fs::write(&junk, "this is no database, whatever its name says. ".repeat(50)).unwrap();
    let mut spec = world.spec("select id, email from users");
    spec.url = format!("sqlite:{}", junk.display());
    let error = failure(&Portal::new(spec).unwrap()).await;
    assert_eq!(error.cause, Cause::Settings, "{}", error.problem);
    assert_eq!(std::fs::read_to_string(&junk).unwrap().len(), 45 * 50);
    std::fs::remove_file(junk).unwrap();
}

#[tokio::test]
async fn queries_that_do_more_than_read_are_refused_before_anything_is_opened() {
    for url in ["sqlite:/nowhere/at/all.db", "postgres://nobody:hunter2@127.0.0.1:1/x"] {
        for sql in [
            "delete from users",
            "select 1; drop table users",
            "with x as (delete from users returning *) select * from x",
        ] {
            let spec = trueup::sources::portal::PortalSpec {
                url: url.to_owned(),
                customers: query(sql, 12),
                states: Default::default(),
                tickets: Some(query("update tickets set a = 1", 20)),
                deliveries: None,
                jobs: Some(JobsSpec::Query(query("", 30))),
            };
            let problems = spec.problems();
            let places: Vec<_> = problems.iter().map(|p| p.place.as_ref().unwrap().as_str()).collect();
            assert_eq!(places, ["config.toml:12", "config.toml:20", "config.toml:30"]);
            assert!(problems.iter().all(|p| p.fault == Fault::Usage));
            assert!(Portal::new(spec).is_err());
        }
    }
    let world = World::sqlite().await;
    let mut spec = world.spec("select 1 as id, 2 as email");
    spec.jobs = Some(JobsSpec::PgBoss);
    assert!(spec.problems()[0].to_string().contains("Postgres"));
}

#[tokio::test]
async fn no_message_holds_the_password() {
    let mut urls = vec!["postgres://app:hunter2@127.0.0.1:1/acme".to_owned()];
    if let Some(world) = World::postgres().await {
        // A server that answers, and refuses: no such role, no such database.
        let host = world.url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
        urls.push(format!("postgres://nobody:hunter2@{host}/acme"));
        urls.push(format!("postgres://test:hunter2@{host}/there_is_no_such_database"));
    }
    for url in urls {
        let mut spec = World::sqlite().await.spec("select 1 as id, 'a' as email");
        spec.url = url;
        let portal = Portal::new(spec).unwrap();
        let errors = [failure(&portal).await, portal.probe(now()).await.unwrap_err()];
        for error in errors {
            assert!(!format!("{error:?} {}", error.problem).contains("hunter2"), "{error:?}");
            assert!(error.problem.place.is_some());
        }
    }
}

#[tokio::test]
async fn the_probe_says_what_it_found() {
    for world in worlds().await {
        world.run("create table users (id text, email text)").await;
        let line = world.portal("select id, email from users").probe(now()).await.unwrap();
        assert!(line.as_str().contains("2 columns, read-only"), "{line}");
        assert!(line.as_str().starts_with(world.either("PostgreSQL", "SQLite")), "{line}");
        assert!(!world.postgres || line.as_str().contains("could write to 1 tables"), "{line}");
        let error = world.portal("select id from users").probe(now()).await.unwrap_err();
        assert_eq!(error.cause, Cause::Settings);
    }
}
