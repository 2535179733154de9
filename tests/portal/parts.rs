//! Tickets, deliveries and jobs.

use trueup::domain::{DeliveryState, JobState, Kind, System, Text};
use trueup::sources::Source;
use trueup::sources::portal::{JobsSpec, Portal};

use crate::world::{World, now, query, round, worlds};

const USERS: &str = "create table users (id text, email text); insert into users values ('u1', 'a@b.c');";

#[tokio::test]
async fn tickets_belong_to_whoever_asked() {
    for world in worlds().await {
        world.run(USERS).await;
        world
            .run(
                "create table requests (id integer, user_id text, mail text, subject text, zendesk_id text, made text);
                insert into requests values (1, 'u1', 'a@b.c', 'Help', '900', '2024-05-01T00:00:00Z'), (2, null, null, null, null, null);",
            )
            .await;
        let mut spec = world.spec("select id, email from users");
        spec.tickets = Some(query(
            "select id, user_id as customer_id, mail as email, subject, made as created_at, zendesk_id as external_id from requests",
            20,
        ));
        let portal = Portal::new(spec).unwrap();
        assert_eq!(portal.capabilities().kinds, [Kind::Person, Kind::Ticket]);
        let got = round(&portal, None, now()).await;
        let ticket = got.records.iter().find(|r| r.kind == Kind::Ticket && r.id == *"1").unwrap();
        assert_eq!(ticket.parent.as_ref().unwrap(), &"u1");
        assert_eq!(ticket.name.as_ref().unwrap(), &"Help");
        assert_eq!(ticket.attributes[&Text::new("external_id")].as_str(), "900");
        assert_eq!(ticket.attributes[&Text::new("email")].as_str(), "a@b.c");
        assert!(got.finished.iter().any(|(kind, at)| *kind == Kind::Ticket && *at == now()));
    }
}

#[tokio::test]
async fn deliveries_of_unknown_senders_are_counted_not_guessed() {
    for world in worlds().await {
        world.run(USERS).await;
        world
            .run(
                "create table hooks (id integer, event text, provider text, type text, at text, state text, code integer, ms integer, error text);
                insert into hooks values (1, 'evt_1', 'Stripe', 'invoice.paid', '2024-05-01T00:00:00Z', 'processed', 200, 35, null),
                    (2, 'evt_2', 'stripe', 'invoice.paid', '2024-05-01T00:00:01Z', null, 500, 9, 'boom'),
                    (3, 'evt_3', 'mystery', 'x', '2024-05-01T00:00:02Z', null, 200, 1, null),
                    (4, 'evt_4', 'stripe', 'x', '2024-05-01T00:00:03Z', 'flubbed', 200, 1, null),
                    (5, null, 'hubspot', 'x', '2024-05-01T00:00:04Z', null, null, null, null);",
            )
            .await;
        let mut spec = world.spec("select id, email from users");
        spec.deliveries = Some(query(
            "select id, event as event_id, provider as source, type, at as received_at, state, code as status, ms as latency_ms, error from hooks",
            30,
        ));
        let portal = Portal::new(spec).unwrap();
        assert!(portal.capabilities().deliveries);
        let got = round(&portal, None, now()).await;
        let find = |event: &str| got.deliveries.iter().find(|d| d.event_id == *event).unwrap();
        assert_eq!(got.deliveries.len(), 3);
        assert_eq!((find("evt_1").source, find("evt_1").state), (System::Stripe, DeliveryState::Delivered));
        assert_eq!((find("evt_1").latency_ms, find("evt_1").status), (Some(35), Some(200)));
        assert_eq!(find("evt_2").state, DeliveryState::Failed);
        assert_eq!(find("evt_2").reason.as_ref().unwrap(), &"boom");
        assert_eq!(find("5").state, DeliveryState::Pending);
        let said = got.partial.unwrap().to_string();
        assert!(said.contains("2 deliveries were left out"), "{said}");
    }
}

#[tokio::test]
async fn a_queue_by_query_is_told_whole() {
    for world in worlds().await {
        world.run(USERS).await;
        world
            .run(
                "create table queue (id integer, kind text, k text, state text, tries integer, at text, error text, who text);
                insert into queue values (1, 'mail', 'a', 'queued', 0, null, null, 'u1'), (2, 'mail', 'a', 'queued', 1, '2030-01-01', 'x', null),
                    (3, 'mail', 'c', 'running', 1, null, null, null), (4, 'mail', 'd', 'failed', 5, null, 'no route', null),
                    (5, 'mail', 'e', 'done', 1, null, null, null), (6, 'mail', 'f', 'wobbling', 1, null, null, null);",
            )
            .await;
        let mut spec = world.spec("select id, email from users");
        spec.jobs = crate::world::jobs(
            "select id, kind, k as key, state, tries as attempts, at as run_at, error as last_error, who as customer_id from queue order by id",
        );
        let got = round(&Portal::new(spec).unwrap(), None, now()).await;
        let jobs = got.jobs.unwrap();
        let states: Vec<_> = jobs.iter().map(|j| (j.key.as_str(), j.state)).collect();
        assert_eq!(
            states,
            [("a", JobState::Due), ("a #2", JobState::Waiting), ("c", JobState::Leased), ("d", JobState::Dead)]
        );
        assert_eq!(jobs[0].customer.as_ref().unwrap(), &"u1");
        assert_eq!(jobs[3].last_error.as_ref().unwrap(), &"no route");
        assert!(got.partial.unwrap().to_string().contains("wobbling"));
    }
}

#[tokio::test]
async fn pg_boss_is_read_in_both_spellings_of_its_columns() {
    for columns in [
        "retrycount integer, retrylimit integer, startafter timestamptz, createdon timestamptz, completedon timestamptz",
        "retry_count integer, retry_limit integer, start_after timestamptz, created_on timestamptz, completed_on timestamptz",
    ] {
        let Some(world) = World::postgres().await else { return };
        world.run(USERS).await;
        world
            .run(&format!(
                r#"create schema pgboss;
                create type pgboss.job_state as enum ('created', 'retry', 'active', 'completed', 'cancelled', 'failed');
                create table pgboss.job (id uuid default gen_random_uuid(), name text, data jsonb, state pgboss.job_state, output jsonb, {columns});
                insert into pgboss.job (name, data, state, output, {names}) values
                    ('sync', '{{"userId": "u1"}}', 'created', null, 0, 2, '2024-01-01', '2024-01-01', null),
                    ('sync', null, 'created', null, 0, 2, '2030-01-01', '2024-01-01', null),
                    ('sync', '{{"customer_id": 7}}', 'retry', '{{"message": "429 from CRM", "stack": "..."}}', 1, 2, '2030-01-01', '2024-01-01', null),
                    ('sync', null, 'active', null, 0, 2, '2024-01-01', '2024-01-01', null),
                    ('sync', null, 'failed', '{{"value": {{"message": "gone"}}}}', 2, 2, '2024-01-01', '2024-01-01', '2024-01-02'),
                    ('sync', null, 'completed', null, 0, 2, '2024-01-01', '2024-01-01', '2024-01-02'),
                    ('sync', null, 'cancelled', null, 0, 2, '2024-01-01', '2024-01-01', null);"#,
                names = columns.replace(" integer", "").replace(" timestamptz", ""),
            ))
            .await;
        let mut spec = world.spec("select id, email from users");
        spec.jobs = Some(JobsSpec::PgBoss);
        let got = round(&Portal::new(spec).unwrap(), None, now()).await;
        let jobs = got.jobs.unwrap();
        let mut found: Vec<_> = jobs
            .iter()
            .map(|j| (j.state, j.attempts, j.max_attempts, j.last_error.as_ref().map_or("", |e| e.as_str())))
            .collect();
        found.sort();
        assert_eq!(
            found,
            [
                (JobState::Due, 0, Some(3), ""),
                (JobState::Leased, 1, Some(3), ""),
                (JobState::Waiting, 0, Some(3), ""),
                (JobState::Waiting, 2, Some(3), "429 from CRM"),
                (JobState::Dead, 3, Some(3), "gone"),
            ]
        );
        let customers: Vec<_> = jobs.iter().filter_map(|j| j.customer.as_ref()).map(|c| c.as_str()).collect();
        assert!(customers.contains(&"u1") && customers.contains(&"7"), "{customers:?}");
        assert!(got.partial.is_none(), "{:?}", got.partial);
    }
}

#[tokio::test]
async fn graphile_worker_is_read_from_its_private_tables_or_its_view() {
    let rows = "insert into graphile_worker._private_jobs (task_id, payload, run_at, attempts, max_attempts, last_error, key, locked_at) values
        (1, '{\"user_id\": \"u1\"}', '2024-01-01', 0, 25, null, 'mail:u1', null), (1, '{}', '2030-01-01', 3, 25, 'boom', null, null),
        (1, '{}', '2024-01-01', 1, 25, null, null, '2024-06-01'), (1, '{}', '2024-01-01', 25, 25, 'dead end', null, null);";
    let Some(world) = World::postgres().await else { return };
    world.run(USERS).await;
    world
        .run(&format!(
            "create schema graphile_worker;
            create table graphile_worker._private_tasks (id integer, identifier text);
            create table graphile_worker._private_jobs (id bigserial, task_id integer, payload json, run_at timestamptz, attempts smallint,
                max_attempts smallint, last_error text, key text, locked_at timestamptz, created_at timestamptz default now());
            insert into graphile_worker._private_tasks values (1, 'send_mail');
            create view graphile_worker.jobs as select j.id, t.identifier as task_identifier, j.run_at, j.attempts, j.max_attempts,
                j.last_error, j.key, j.locked_at, j.created_at from graphile_worker._private_jobs j
                join graphile_worker._private_tasks t on t.id = j.task_id;
            {rows}"
        ))
        .await;
    let mut spec = world.spec("select id, email from users");
    spec.jobs = Some(JobsSpec::GraphileWorker);
    let portal = Portal::new(spec).unwrap();
    let check = |jobs: Vec<trueup::domain::Job>| {
        let mut states: Vec<_> = jobs.iter().map(|j| (j.state, j.kind.as_str().to_owned(), j.attempts)).collect();
        states.sort();
        let kind = || "send_mail".to_owned();
        assert_eq!(
            states,
            [
                (JobState::Due, kind(), 0),
                (JobState::Leased, kind(), 1),
                (JobState::Waiting, kind(), 3),
                (JobState::Dead, kind(), 25)
            ]
        );
    };
    let first = round(&portal, None, now()).await;
    let jobs = first.jobs.unwrap();
    assert!(jobs.iter().any(|j| j.key == *"mail:u1" && *j.customer.as_ref().unwrap() == "u1"));
    check(jobs);
    world
        .run(
            "drop view graphile_worker.jobs; create table graphile_worker.jobs as select j.id, t.identifier as task_identifier, j.payload, j.run_at,
            j.attempts, j.max_attempts, j.last_error, j.key, j.locked_at, j.created_at from graphile_worker._private_jobs j
            join graphile_worker._private_tasks t on t.id = j.task_id; drop table graphile_worker._private_jobs;",
        )
        .await;
    let second = round(&portal, first.cursor, now()).await;
    check(second.jobs.unwrap());
    world.run("drop table graphile_worker.jobs").await;
    let third = round(&portal, second.cursor, now()).await;
    assert!(third.jobs.is_none() && third.partial.unwrap().to_string().contains("graphile-worker"));
}
