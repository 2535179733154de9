//! Customers are read as they stand, whatever the types of their columns.

use trueup::domain::{Kind, State, Text, Time};

use crate::world::{World, now, round, worlds};

#[tokio::test]
async fn better_auth_tables_with_quoted_capitals_become_customers() {
    for world in worlds().await {
        world
            .run(&format!(
                r#"create table "user" (id text primary key, email text, name text, "stripeCustomerId" text, "createdAt" {time}, "updatedAt" {time});
                create table subscription (id text, "referenceId" text, status text, plan text);
                insert into "user" values ('u1', 'Ada@Example.com', 'Ada', 'cus_1', '2024-01-01 10:00:00', '2024-05-01 10:00:00'),
                    ('u2', 'bob@example.com', '  ', null, '2024-01-02 10:00:00', null),
                    ('u3', 'eve@example.com', 'Eve', 'cus_3', null, '2024-05-03 10:00:00');
                insert into subscription values ('s1', 'u1', 'ACTIVE', 'pro'), ('s3', 'u3', 'frozen', 'pro');"#,
                time = world.either("timestamptz", "text"),
            ))
            .await;
        let portal = world.portal(
            r#"select u.id as id, u.email as email, u.name as name, s.status as state, s.plan as plan,
               u."stripeCustomerId" as billing_id, u."createdAt" as created_at, u."updatedAt" as updated_at
               from "user" u left join subscription s on s."referenceId" = u.id -- the end"#,
        );
        let got = round(&portal, None, now()).await;
        assert_eq!(got.records.len(), 3);
        let ada = got.person("u1");
        assert_eq!(ada.email.as_ref().unwrap(), &"Ada@Example.com");
        assert_eq!((ada.state, ada.word.as_ref().unwrap().as_str()), (Some(State::Active), "ACTIVE"));
        assert_eq!(ada.links.billing.as_ref().unwrap(), &"cus_1");
        assert_eq!(ada.updated_at, Time::parse("2024-05-01T10:00:00Z"));
        assert_eq!(ada.version, ada.updated_at.unwrap().ms());
        let bob = got.person("u2");
        assert_eq!((bob.state, &bob.word, &bob.name, bob.version), (None, &None, &None, bob.seen_at.ms()));
        let eve = got.person("u3");
        assert_eq!((eve.state, eve.word.as_ref().unwrap().as_str()), (Some(State::NeedsReview), "frozen"));
        assert_eq!(got.finished, [(Kind::Person, now())]);
        assert!(got.partial.is_none(), "{:?}", got.partial);
    }
}

#[tokio::test]
async fn every_postgres_type_is_read() {
    let Some(world) = World::postgres().await else { return };
    world
        .run(
            r#"create type plan_kind as enum ('free', 'pro plus');
            create domain address as text check (value like '%@%');
            create table t (id uuid, n numeric(30,5), big bigint, small smallint, b boolean, ts timestamp, tz timestamptz,
                d date, j jsonb, raw bytea, k plan_kind, mail address, empty text, list text[], ip inet, f double precision,
                v varchar(20), c char(4), iv interval, inf timestamptz, kinds plan_kind[]);
            insert into t values ('7d444840-9dc0-11d1-b245-5ffdce74fad2', 12345678901234567890.12345, 9007199254740993, -5, true,
                '2024-01-02 03:04:05.678', '2024-01-02 03:04:05+02', '2024-01-02', '{"status": "past_due", "deep": {"a": [1]}}',
                '\xdeadbeef', 'pro plus', 'a@b.c', null, array['x', 'y'], '10.0.0.1', 1.5, 'vvv', 'c', '1 day',
                'infinity', array['free'::plan_kind]);"#,
        )
        .await;
    let portal = world.portal(
        "select id, mail as email, k as plan, j->>'status' as state, ts as created_at, tz as updated_at, d as trial_ends_at,
         n, big, small, b, j, raw, empty, list, ip, f, v, c, iv, inf, kinds, j->'deep' as deep, big as billing_id,
         b as role, j->'status' as js from t",
    );
    let got = round(&portal, None, now()).await;
    let row = got.person("7d444840-9dc0-11d1-b245-5ffdce74fad2");
    assert_eq!(row.email.as_ref().unwrap(), &"a@b.c");
    assert_eq!(row.plan.as_ref().unwrap(), &"pro plus");
    assert_eq!(row.state, Some(State::PastDue));
    assert_eq!(row.created_at, Time::parse("2024-01-02T03:04:05.678Z"));
    assert_eq!(row.updated_at, Time::parse("2024-01-02T01:04:05Z"));
    assert_eq!(row.trial_ends_at, Time::parse("2024-01-02T00:00:00Z"));
    assert_eq!(row.links.billing.as_ref().unwrap(), &"9007199254740993");
    let attribute = |name: &str| row.attributes.get(&Text::new(name)).map_or("", |value| value.as_str());
    for (name, value) in [
        ("n", "12345678901234567890.12345"),
        ("big", "9007199254740993"),
        ("small", "-5"),
        ("b", "true"),
        ("j", r#"{"deep": {"a": [1]}, "status": "past_due"}"#),
        ("raw", r"\xdeadbeef"),
        ("empty", ""),
        ("list", "{x,y}"),
        ("ip", "10.0.0.1"),
        ("f", "1.5"),
        ("v", "vvv"),
        ("c", "c"),
        ("iv", "1 day"),
        ("inf", "infinity"),
        ("kinds", "{free}"),
        ("deep", r#"{"a": [1]}"#),
        ("role", "true"),
        ("js", "past_due"),
    ] {
        assert_eq!(attribute(name), value, "{name}");
    }
    assert!(got.partial.is_none(), "{:?}", got.partial);
}

#[tokio::test]
async fn sqlite_cells_are_read_as_what_they_hold() {
    let world = World::sqlite().await;
    world
        .run(
            "create table t (id, email, state, created_at, updated_at, extra);
            insert into t values (1, 'a@b.c', 1, 1700000000, 1700000000000, x'00010203'),
                (2.0, 'b@b.c', 'active', '2023-11-14T22:13:20Z', '2023-11-14 22:13:20', null),
                ('three', null, null, 1700000000.5, null, 1.25),
                (x'000102030405060708090a0b0c0d0e0f', 'd@b.c', 'Unpaid ', null, null, cast(x'ff41' as text));",
        )
        .await;
    let portal = world.portal(
        "select id, email, case state when 1 then 'true' else state end as state, created_at, updated_at, extra from t",
    );
    let got = round(&portal, None, now()).await;
    let at = Time::from_secs(1_700_000_000);
    assert_eq!((got.person("1").created_at, got.person("1").updated_at), (Some(at), Some(at)));
    assert_eq!(got.person("1").state, Some(State::Active));
    assert_eq!((got.person("2").created_at, got.person("2").updated_at), (Some(at), Some(at)));
    assert_eq!(got.person("three").created_at, Some(at.plus_ms(500)));
    let last = got.person("00010203-0405-0607-0809-0a0b0c0d0e0f");
    assert_eq!(last.state, Some(State::PastDue));
    assert_eq!(last.attributes[&Text::new("extra")].as_str(), "\u{fffd}A");
    assert_eq!(got.person("1").attributes[&Text::new("extra")].as_str(), "\\x00010203");
}

#[tokio::test]
async fn hostile_names_are_stored_verbatim_but_for_what_could_move_a_cursor() {
    let names = [
        "Robert'); drop table users; --",
        "\" or 1=1 --",
        "${jndi:ldap://x}",
        "a\\'; select pg_sleep(9); --",
        "Zoë 王小明 محمد",
        "$$; delete from users; $$",
        "%s%n{}{{7*7}}",
    ];
    for world in worlds().await {
        world.run("create table users (id integer, email text, name text)").await;
        for (id, name) in names.iter().enumerate() {
            world.run(&format!("insert into users values ({id}, 'x@y.z', '{}')", name.replace('\'', "''"))).await;
        }
        let evil =
            world.either("E'\\x1b[2Jreal\\rFAKE\\u202e'", "char(27) || '[2Jreal' || char(13) || 'FAKE' || char(8238)");
        world.run(&format!("insert into users values (99, 'x@y.z', {evil})")).await;
        let got = round(&world.portal("select id, email, name, name as \"note; drop\" from users"), None, now()).await;
        for (id, name) in names.iter().enumerate() {
            assert_eq!(got.person(&id.to_string()).name.as_ref().unwrap().as_str(), *name);
        }
        let marked = got.person("99").name.clone().unwrap();
        assert_eq!(marked.as_str(), "\u{241b}[2Jreal\u{240d}FAKE\u{2370}");
        assert!(marked.is_marked());
        assert_eq!(world.number("select count(*) from users").await, names.len() as i64 + 1);
    }
}

#[tokio::test]
async fn only_changes_are_read_between_full_passes() {
    for world in worlds().await {
        for (kind, old, new) in [
            (world.either("timestamptz", "text"), "'2024-01-01T00:00:00Z'", "'2024-06-01 14:00:30+02:00'"),
            (world.either("timestamp", "text"), "'2024-01-01T00:00:00'", "'2024-06-01T12:00:30'"),
            ("bigint", "1704067200000", "1717243230000"),
            ("bigint", "1704067200", "1717243230"),
        ] {
            world
                .run(&format!(
                    "drop table if exists users; create table users (id integer, email text, updated_at {kind});
                     insert into users values (1, 'a@b.c', {old}), (2, 'b@b.c', {old}), (3, 'c@b.c', {new});"
                ))
                .await;
            let portal = world.portal("select id, email, updated_at from users");
            let first = round(&portal, None, now()).await;
            assert!(first.is_full() && first.records.len() == 3, "{kind}");
            // Everything newer than the newest, less a minute of overlap.
            world.run(&format!("update users set email = 'new@b.c', updated_at = {new} where id = 1")).await;
            let second = round(&portal, first.cursor.clone(), now().plus_ms(30_000)).await;
            let mut ids: Vec<_> = second.records.iter().map(|r| r.id.as_str()).collect();
            ids.sort_unstable();
            assert!(!second.is_full(), "{kind}");
            assert_eq!(ids, ["1", "3"], "{kind} {old} {:?}", first.cursor);
            // A deletion shows in the next full pass, at most ten minutes later; a restart in between changes nothing.
            world.run("delete from users where id = 2").await;
            let restarted = world.portal("select id, email, updated_at from users");
            let third = round(&restarted, second.cursor, now().plus_ms(601_000)).await;
            assert!(third.is_full() && third.records.len() == 2, "{kind}");
        }
    }
}

#[tokio::test]
async fn without_a_time_of_change_every_round_is_full() {
    for world in worlds().await {
        world.run("create table users (id integer, email text); insert into users values (1, 'a@b.c')").await;
        let portal = world.portal("select id, email from users");
        let first = round(&portal, None, now()).await;
        world.run("delete from users").await;
        let second = round(&portal, first.cursor, now().plus_ms(10_000)).await;
        assert!(second.is_full() && second.records.is_empty());
        assert_eq!(second.finished, [(Kind::Person, now().plus_ms(10_000))]);
    }
}
