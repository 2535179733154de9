//! Rows that are odd are reported, and nothing is dropped in silence.

use trueup::domain::Kind;
use trueup::sources::Cause;

use crate::world::{Round, failure, now, query, round, try_round, worlds};

#[tokio::test]
async fn a_join_that_multiplies_rows_keeps_the_first_and_says_so() {
    for world in worlds().await {
        world
            .run(
                "create table users (id text, email text, updated_at text); create table subs (user_id text, status text);
                insert into users values ('u1', 'a@b.c', '2024-01-01'), ('u2', 'b@b.c', '2024-01-01');
                insert into subs values ('u1', 'active'), ('u1', 'canceled'), ('u1', 'trialing'), ('u2', 'active');",
            )
            .await;
        let portal = world.portal(
            "select u.id, u.email, s.status as state, u.updated_at from users u join subs s on s.user_id = u.id",
        );
        let got = round(&portal, None, now()).await;
        assert_eq!(got.records.len(), 2);
        let problem = got.partial.unwrap().to_string();
        assert!(problem.contains("2 rows repeat") && problem.contains("`u1`"), "{problem}");
        assert!(problem.starts_with("config.toml:12"), "{problem}");
        // It would not show in a pass over changes alone, so the next one is full again and says it again.
        let again = round(&portal, got.cursor, now().plus_ms(5_000)).await;
        assert!(again.is_full() && again.partial.is_some());
    }
}

#[tokio::test]
async fn rows_without_an_id_and_times_that_are_none_are_counted() {
    for world in worlds().await {
        world
            .run(
                "create table users (id text, email text, created_at text);
                insert into users values (null, 'a@b.c', null), ('', 'b@b.c', null), ('u3', 'c@b.c', 'last tuesday'), ('u4', null, null);",
            )
            .await;
        let got = round(&world.portal("select id, email, created_at from users"), None, now()).await;
        assert_eq!(got.records.len(), 2);
        assert!(got.person("u4").email.is_none() && got.person("u3").created_at.is_none());
        let problem = got.partial.unwrap().to_string();
        assert!(problem.contains("2 rows have no id") && problem.contains("last tuesday"), "{problem}");
    }
}

#[tokio::test]
async fn a_missing_column_is_named_with_what_there_is_and_the_nearest() {
    for world in worlds().await {
        world.run("create table users (id integer, user_email text, name text, meta text)").await;
        let error = failure(&world.portal("select id, user_email, name from users")).await;
        assert_eq!(error.cause, Cause::Settings);
        let said = error.problem.to_string();
        assert!(said.starts_with("config.toml:12: the query gives no column `email`"), "{said}");
        assert!(said.contains("it gives id, user_email, name") && said.contains("`user_email as email`"), "{said}");

        let said = failure(&world.portal("select name, user_email as email from users")).await.problem.to_string();
        assert!(said.contains("no column `id`"), "{said}");
        let said =
            failure(&world.portal("select u.*, u.user_email as email, 1 as id from users u")).await.problem.to_string();
        assert!(said.contains("`id` twice"), "{said}");
    }
}

#[tokio::test]
async fn a_column_of_the_wrong_type_is_named() {
    let Some(world) = crate::world::World::postgres().await else { return };
    world.run("create table users (id integer, email text, on_trial boolean, tags text[])").await;
    for (sql, column, kind) in [
        ("select id, id as email from users", "email", "int4"),
        ("select tags as id, email from users", "id", "text[]"),
        ("select id, email, on_trial as created_at from users", "created_at", "bool"),
    ] {
        let error = failure(&world.portal(sql)).await;
        let said = error.problem.to_string();
        assert_eq!(error.cause, Cause::Settings);
        assert!(said.contains(&format!("`{column}` is {kind}")), "{said}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    for world in worlds().await {
        world.run("create table users (id integer, email text)").await;
        for (sql, name) in
            [("select id, email from customers", "customers"), ("select id, email, u.plan from users u", "plan")]
        {
            let error = failure(&world.portal(sql)).await;
            let said = error.problem.to_string();
            assert_eq!(error.cause, Cause::Settings, "{said}");
            assert!(said.starts_with("config.toml:12") && said.lines().next().unwrap().contains(name), "{said}");
        }
        let error = failure(&world.portal("select id email from users users from")).await;
        assert_eq!(error.cause, Cause::Settings, "{}", error.problem);
    }
}

#[tokio::test]
async fn a_table_that_vanishes_is_named_and_the_other_parts_go_on() {
    for world in worlds().await {
        world
            .run(
                "create table users (id text, email text); insert into users values ('u1', 'a@b.c');
                create table tickets (id text, user_id text); insert into tickets values ('t1', 'u1');
                create table queue (id text, kind text, state text); insert into queue values ('j1', 'mail', 'failed');",
            )
            .await;
        let mut spec = world.spec("select id, email from users");
        spec.tickets = Some(query("select id, user_id as customer_id from tickets", 20));
        spec.jobs = crate::world::jobs("select id, kind, state from queue");
        let portal = trueup::sources::portal::Portal::new(spec).unwrap();
        let first = round(&portal, None, now()).await;
        assert!(first.partial.is_none() && first.jobs.as_ref().unwrap().len() == 1);

        world.run("drop table tickets").await;
        let second = round(&portal, first.cursor, now().plus_ms(10_000)).await;
        let said = second.partial.as_ref().unwrap().to_string();
        assert!(said.starts_with("config.toml:20") && said.contains("`tickets`"), "{said}");
        assert!(second.is_full() && second.records.len() == 1 && second.jobs.as_ref().unwrap().len() == 1);
        assert!(second.finished.iter().all(|(kind, _)| *kind != Kind::Ticket), "silence is not absence");

        world.run("alter table users rename to people; create table tickets (id text, user_id text)").await;
        let mut third = Round::default();
        let error = try_round(&portal, second.cursor, now().plus_ms(20_000), &mut third).await.unwrap_err();
        assert_eq!(error.cause, Cause::Settings);
        assert!(error.problem.to_string().contains("`users`"), "{}", error.problem);
        assert!(!third.is_full() && third.jobs.unwrap().len() == 1, "the queue was still read");

        world.run("alter table people rename to users").await;
        let fourth = round(&portal, third.cursor, now().plus_ms(30_000)).await;
        assert!(fourth.is_full() && fourth.partial.is_none());
    }
}

#[tokio::test]
async fn a_table_that_vanishes_in_the_middle_of_reading_leaves_no_false_end() {
    let Some(world) = crate::world::World::postgres().await else { return };
    world
        .run("create table users as select n::text as id, 'u' || n || '@b.c' as email from generate_series(1, 20000) n")
        .await;
    let portal = world.portal("select id, email from users");
    let first = trueup::sources::Source::collect(&portal, None, now()).await.unwrap();
    assert_eq!(first.records.len(), 2_000);
    // Whoever reads holds the table; ending that connection is how the administrator gets it dropped.
    world
        .run(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'trueup'
             and datname = current_database(); drop table users;",
        )
        .await;
    let mut rest = Round::default();
    let error = try_round(&portal, first.cursor, now(), &mut rest).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Unavailable), "{:?} {}", error.cause, error.problem);
    assert!(!rest.is_full());
    let error = try_round(&portal, rest.cursor, now(), &mut Round::default()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Settings);
    assert!(error.problem.to_string().contains("`users`"));
}
