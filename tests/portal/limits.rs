//! Large portals are streamed, slow queries are stopped, and a restart starts over.

use std::time::Instant;

use trueup::sources::{Cause, Source};

use crate::world::{World, failure, now, round, worlds};

/// Memory of this process that is resident, in kilobytes.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap_or("VmRSS: 0 kB");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

const MANY: &str = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
    select 'user-' || i as id, 'user' || i || '@example.com' as email, 'Customer Number ' || i as name,
    'active' as state, 'pro' as plan, 'cus_' || i as billing_id, 'admin' as role from n";

#[tokio::test]
async fn a_hundred_thousand_customers_are_streamed_in_steps() {
    for world in worlds().await {
        world.run(&format!("create table users as {MANY}")).await;
        let portal = world.portal("select * from users");
        let before = resident();
        let started = Instant::now();
        let (mut cursor, mut steps, mut people, mut most) = (None, 0, 0, 0);
        loop {
            let batch = portal.collect(cursor.as_deref(), now().plus_ms(steps)).await.unwrap();
            assert!(batch.records.len() <= 2_000);
            people += batch.records.len();
            steps += 1;
            most = most.max(resident() - before);
            cursor = batch.cursor;
            if !batch.more {
                assert_eq!(batch.finished.len(), 1);
                break;
            }
        }
        let took = started.elapsed();
        eprintln!(
            "{}: 100,000 customers in {} ms, {steps} steps, {} kB more memory at most",
            world.either("postgres", "sqlite"),
            took.as_millis(),
            most
        );
        assert_eq!(people, 100_000);
        // The ids of the round are kept as hashes (a few megabytes); the rows are not kept.
        assert!(most < 60_000, "{most} kB");
    }
}

#[tokio::test]
async fn a_restart_in_the_middle_starts_the_pass_over() {
    for world in worlds().await {
        world.run(&format!("create table users as {MANY} limit 5000")).await;
        let portal = world.portal("select * from users");
        let first = portal.collect(None, now()).await.unwrap();
        assert!(first.more && first.finished.is_empty());
        let restarted = world.portal("select * from users");
        let got = round(&restarted, first.cursor, now().plus_ms(60_000)).await;
        assert_eq!(got.records.len(), 5_000);
        assert_eq!(got.finished[0].1, now().plus_ms(60_000), "what was read before the restart does not count");
        // A cursor of somebody else's is not trusted either.
        let got = round(&restarted, Some("{\"page\": 7}".to_owned()), now()).await;
        assert!(got.is_full());
        let got = round(&restarted, Some("garbage".to_owned()), now()).await;
        assert!(got.is_full());
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_stopped() {
    for world in worlds().await {
        world.run("create table users (id text, email text)").await;
        let endless = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000000)
            select max(i) as id, 'a@b.c' as email from n";
        let started = Instant::now();
        let error = failure(&world.portal(endless)).await;
        assert!(started.elapsed().as_secs() < 12, "{:?}", started.elapsed());
        assert_eq!(error.cause, Cause::Unavailable, "{}", error.problem);
        assert!(error.problem.to_string().contains("longer than 5 s"), "{}", error.problem);
    }
}

#[tokio::test]
async fn a_lock_in_the_portal_costs_one_second_not_the_round() {
    let Some(world) = World::postgres().await else { return };
    world.run("create table users (id text, email text)").await;
    let url = world.url.clone();
    use sqlx::{Connection, Executor};
    let mut holder = sqlx::PgConnection::connect(&url).await.unwrap();
    holder.execute("begin; lock table users in access exclusive mode").await.unwrap();
    let started = Instant::now();
    let error = failure(&world.portal("select id, email from users")).await;
    assert!(started.elapsed().as_millis() < 3_000, "{:?}", started.elapsed());
    assert_eq!(error.cause, Cause::Unavailable);
    assert!(error.problem.to_string().contains("lock"), "{}", error.problem);
}

#[tokio::test]
async fn a_reader_leaves_one_connection_at_most_and_none_when_dropped() {
    let Some(world) = World::postgres().await else { return };
    world.run(&format!("create table users as {MANY} limit 20000")).await;
    let count =
        "select count(*) from pg_stat_activity where application_name = 'trueup' and datname = current_database()";
    let portal = world.portal("select * from users");
    portal.collect(None, now()).await.unwrap();
    assert_eq!(world.number(count).await, 1);
    drop(portal);
    for _ in 0..50 {
        if world.number(count).await == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the connection outlived its reader");
}
