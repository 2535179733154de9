//! Portals of many shapes are understood, each on both engines; and where there are no customers, that is said.

use trueup::domain::{State, Text};
use trueup::sources::portal::propose::{JobsPart, Mapping, Proposal, propose};
use trueup::sources::portal::{Portal, Sql};

use crate::world::{World, now, round, worlds};

/// Fills tables with `count` rows; `row(i)` gives the values.
async fn fill(world: &World, table: &str, count: usize, row: impl Fn(usize) -> String) {
    let rows: Vec<_> = (1..=count).map(|i| format!("({})", row(i))).collect();
    world.run(&format!("insert into {table} values {}", rows.join(","))).await;
}

async fn proposed(world: &World) -> (Proposal, Mapping) {
    let proposal = propose(&world.url).await.unwrap();
    eprintln!("{}\n", proposal.toml());
    let mapping = proposal.customers.clone().unwrap_or_else(|| panic!("{:?}", proposal.why_not));
    (proposal, mapping)
}

fn from<'a>(mapping: &'a Mapping, column: &str) -> &'a str {
    mapping.columns.iter().find(|guess| guess.column == *column).map_or("", |guess| guess.from.as_str())
}

fn words(mapping: &Mapping, state: State) -> Vec<&str> {
    let mut words: Vec<_> = mapping.states.get(&state).into_iter().flatten().map(Text::as_str).collect();
    words.sort_unstable();
    words
}

/// The proposal is worth what the source makes of it.
async fn collected(world: &World, proposal: &Proposal, mapping: &Mapping) -> crate::world::Round {
    let mut spec = world.spec("");
    spec.customers = Sql { sql: mapping.sql.clone(), place: Text::new("config.toml:12") };
    spec.states = mapping
        .states
        .iter()
        .flat_map(|(state, words)| words.iter().map(|word| (word.as_str().to_owned(), *state)))
        .collect();
    // The text reads back as the same query.
    let read: toml::Table = proposal.toml().parse().unwrap_or_else(|e| panic!("{e}\n{}", proposal.toml()));
    let query = read["portal"]["customers"]["query"].as_str().unwrap();
    assert_eq!(query.trim(), mapping.sql);
    let got = round(&Portal::new(spec).unwrap(), None, now()).await;
    assert!(got.partial.is_none(), "{:?}", got.partial);
    got
}

#[tokio::test]
async fn users_with_a_subscription_table_that_refers_to_them() {
    for world in worlds().await {
        let time = world.either("timestamptz", "text");
        world
            .run(&format!(
                r#"create table "user" (id text primary key, name text, email text unique, "emailVerified" boolean, "stripeCustomerId" text,
                    role text, "createdAt" {time}, "updatedAt" {time});
                create table session (id text primary key, token text, "userId" text references "user"(id), "ipAddress" text);
                create table account (id text primary key, "accountId" text, "providerId" text, "userId" text references "user"(id), password text);
                create table verification (id text primary key, identifier text, value text);
                create table subscription (id text primary key, plan text, "referenceId" text, "stripeCustomerId" text, "stripeSubscriptionId" text,
                    status text, "periodEnd" {time}, "trialEnd" {time}, "updatedAt" {time});"#
            ))
            .await;
        fill(&world, "\"user\"", 40, |i| {
            let cus = if i % 2 == 0 { format!("'cus_N{i}xyz'") } else { "null".into() };
            format!("'usr_{i}', 'Name {i}', 'user{i}@acme.example', true, {cus}, 'user', '2024-01-01 00:00:00', '2024-02-01 00:00:00'")
        })
        .await;
        fill(&world, "verification", 30, |i| format!("'v{i}', 'user{i}@acme.example', 'code{i}'")).await;
        // Two subscriptions for user 2: an old canceled one and a live one.
        fill(&world, "subscription", 20, |i| {
            let status = ["active", "trialing", "past_due", "canceled", "incomplete"][i % 5];
            format!("'sub{i}', 'pro', 'usr_{}', 'cus_N{}xyz', 'sub_{i}abc', '{status}', '2024-03-01', null, '2024-02-0{} 00:00:00'", i * 2, i * 2, i % 9 + 1)
        })
        .await;
        world
            .run("insert into subscription values ('old', 'basic', 'usr_10', 'cus_N10xyz', 'sub_old', 'canceled', null, null, '2023-01-01 00:00:00')")
            .await;
        let (proposal, mapping) = proposed(&world).await;
        assert_eq!(from(&mapping, "id"), "user.id");
        assert_eq!(from(&mapping, "email"), "user.email");
        assert_eq!(from(&mapping, "state"), "subscription.status");
        assert_eq!(from(&mapping, "plan"), "subscription.plan");
        assert_eq!(from(&mapping, "billing_id"), "user.stripeCustomerId");
        assert_eq!(from(&mapping, "created_at"), "user.createdAt");
        assert_eq!(from(&mapping, "updated_at"), "user.updatedAt and subscription.updatedAt");
        assert_eq!((mapping.trial.rows, mapping.trial.email_percent(), mapping.trial.repeated), (40, 100, 0));
        assert_eq!(words(&mapping, State::Active), ["active"]);
        assert_eq!(words(&mapping, State::Trial), ["trialing"]);
        assert_eq!(words(&mapping, State::PastDue), ["past_due"]);
        assert_eq!(words(&mapping, State::Canceled), ["canceled"]);
        assert_eq!(mapping.unmapped, [Text::new("incomplete")]);
        let got = collected(&world, &proposal, &mapping).await;
        assert_eq!(got.records.len(), 40);
        assert_eq!(got.person("usr_10").state, Some(State::Active), "the live subscription is taken");
        assert_eq!(got.person("usr_10").plan.as_ref().unwrap(), &"pro");
        assert_eq!(got.person("usr_1").state, None);
    }
}

#[tokio::test]
async fn teams_that_hold_the_billing() {
    for world in worlds().await {
        let key = world.either("uuid primary key default gen_random_uuid()", "text primary key");
        let reference = world.either("uuid", "text");
        world
            .run(&format!(
                "create table users (id {key}, email text not null unique, first_name text, last_name text, created_at timestamp);
                create table organizations (id {key}, name text, stripe_customer_id text, subscription_status text, plan_id integer, created_at timestamp, updated_at timestamp);
                create table memberships (id {key}, user_id {reference} references users(id), organization_id {reference} references organizations(id), role text);
                create table plans (id integer primary key, slug text, price integer);
                create table invitations (id {key}, email text, organization_id {reference} references organizations(id));
                insert into plans values (1, 'starter', 900), (2, 'team', 4900);"
            ))
            .await;
        let uuid = |kind: usize, i: usize| format!("'00000000-0000-4000-800{kind}-{i:012}'");
        fill(&world, "users", 30, |i| {
            format!("{}, 'person{i}@corp{}.example', 'First{i}', 'Last{i}', '2024-01-01'", uuid(1, i), i % 10)
        })
        .await;
        fill(&world, "organizations", 10, |i| {
            let status = ["active", "past_due", "trialing", "canceled"][i % 4];
            format!(
                "{}, 'Corp {i}', 'cus_Q{i}abcdef', '{status}', {}, '2024-01-01', '2024-02-02'",
                uuid(2, i),
                i % 2 + 1
            )
        })
        .await;
        fill(&world, "memberships", 30, |i| {
            let role = if i <= 10 {
                "member"
            } else if i <= 20 {
                "owner"
            } else {
                "admin"
            };
            format!("{}, {}, {}, '{role}'", uuid(3, i), uuid(1, i), uuid(2, (i - 1) % 10 + 1))
        })
        .await;
        fill(&world, "invitations", 25, |i| {
            format!("{}, 'guest{i}@elsewhere.example', {}", uuid(4, i), uuid(2, i % 10 + 1))
        })
        .await;
        let (proposal, mapping) = proposed(&world).await;
        assert_eq!(from(&mapping, "id"), "organizations.id");
        assert_eq!(from(&mapping, "email"), "users.email");
        assert_eq!(from(&mapping, "name"), "organizations.name");
        assert_eq!(from(&mapping, "state"), "organizations.subscription_status");
        assert_eq!(from(&mapping, "billing_id"), "organizations.stripe_customer_id");
        assert_eq!(from(&mapping, "plan"), "plans.slug");
        assert_eq!((mapping.trial.rows, mapping.trial.email_percent(), mapping.trial.repeated), (10, 100, 0));
        let got = collected(&world, &proposal, &mapping).await;
        let third = got.person("00000000-0000-4000-8002-000000000003");
        assert_eq!(third.email.as_ref().unwrap(), &"person13@corp3.example", "the owner's address");
        assert_eq!((third.state, third.plan.as_ref().unwrap().as_str()), (Some(State::Canceled), "team"));
    }
}

#[tokio::test]
async fn a_subscription_known_only_by_the_providers_id_in_another_table() {
    for world in worlds().await {
        world
            .run(
                "create table users (id integer primary key, email text, full_name text, created_at timestamp);
                create table accounts (id integer primary key, user_id integer, stripe_customer_id text, timezone text);
                create table subscriptions (id text primary key, customer text, status text, price_id text, created timestamp);
                create table invoices (id text primary key, customer text, status text, amount integer);
                create table audit_logs (id integer primary key, user_id integer, email text, action text);",
            )
            .await;
        fill(&world, "users", 60, |i| format!("{i}, 'u{i}@mail.example', 'Full Name {i}', '2024-01-01'")).await;
        fill(&world, "accounts", 60, |i| {
            let cus = if i % 3 == 0 { "null".into() } else { format!("'cus_ABC{i}def'") };
            format!("{}, {i}, {cus}, 'UTC'", i + 500)
        })
        .await;
        fill(&world, "subscriptions", 40, |i| {
            let status = ["active", "active", "unpaid", "canceled", "trialing"][i % 5];
            format!("'sub_{i}xyz', 'cus_ABC{i}def', '{status}', 'price_1Pro{}', '2024-01-{:02}'", i % 2, i % 28 + 1)
        })
        .await;
        fill(&world, "invoices", 80, |i| format!("'in_{i}', 'cus_ABC{i}def', 'paid', 900")).await;
        fill(&world, "audit_logs", 100, |i| format!("{i}, {}, 'u{}@mail.example', 'login'", i % 60 + 1, i % 60 + 1))
            .await;
        let (proposal, mapping) = proposed(&world).await;
        assert_eq!(from(&mapping, "id"), "users.id");
        assert_eq!(from(&mapping, "email"), "users.email");
        assert_eq!(from(&mapping, "name"), "users.full_name");
        assert_eq!(from(&mapping, "state"), "subscriptions.status");
        assert_eq!(from(&mapping, "plan"), "subscriptions.price_id");
        assert_eq!(from(&mapping, "billing_id"), "accounts.stripe_customer_id");
        assert_eq!((mapping.trial.rows, mapping.trial.email_percent(), mapping.trial.repeated), (60, 100, 0));
        let got = collected(&world, &proposal, &mapping).await;
        assert_eq!(got.person("4").state, Some(State::Trial));
        assert_eq!(got.person("4").links.billing.as_ref().unwrap(), &"cus_ABC4def");
        assert_eq!((got.person("3").state, got.person("59").state), (None, None));
    }
}

#[tokio::test]
async fn a_status_inside_a_json_column() {
    for world in worlds().await {
        let json = world.either("jsonb", "text");
        world
            .run(&format!(
                "create table customers (id integer primary key, email text, metadata {json}, settings {json}, signup_at timestamp);
                create table products (id integer primary key, name text, status text);"
            ))
            .await;
        fill(&world, "customers", 50, |i| {
            let status = ["active", "past_due", "trialing", "cancelled", "frozen"][i % 5];
            format!(
                r#"{i}, 'c{i}@shop.example', '{{"subscription_status": "{status}", "billing": {{"stripe_customer_id": "cus_J{i}abc", "plan": "gold"}}}}', '{{"theme": "dark", "status": "ok"}}', '2024-01-01'"#
            )
        })
        .await;
        fill(&world, "products", 20, |i| {
            format!("{i}, 'Thing {i}', '{}'", if i % 3 == 0 { "inactive" } else { "active" })
        })
        .await;
        let (proposal, mapping) = proposed(&world).await;
        assert_eq!(from(&mapping, "id"), "customers.id");
        assert_eq!(from(&mapping, "state"), "customers.metadata->subscription_status");
        assert_eq!(from(&mapping, "billing_id"), "customers.metadata->billing->stripe_customer_id");
        assert_eq!(from(&mapping, "plan"), "customers.metadata->billing->plan");
        assert_eq!(from(&mapping, "created_at"), "customers.signup_at");
        assert_eq!(words(&mapping, State::Canceled), ["cancelled"]);
        assert_eq!(mapping.unmapped, [Text::new("frozen")]);
        let got = collected(&world, &proposal, &mapping).await;
        assert_eq!(got.person("3").state, Some(State::Canceled));
        assert_eq!(got.person("3").links.billing.as_ref().unwrap(), &"cus_J3abc");
        assert_eq!(got.person("4").state, Some(State::NeedsReview));
    }
}

#[tokio::test]
async fn an_inventory_has_no_customers_and_that_is_said() {
    for world in worlds().await {
        world
            .run(
                "create table products (id integer primary key, sku text, name text, status text, price numeric);
                create table warehouses (id integer primary key, city text, status text);
                create table stock (product_id integer references products(id), warehouse_id integer references warehouses(id), count integer);
                create table suppliers (id integer primary key, company text, contact_email text, status text);",
            )
            .await;
        fill(&world, "products", 50, |i| {
            format!("{i}, 'SKU-{i}', 'Bolt {i}', '{}', 9.5", ["active", "inactive", "expired"][i % 3])
        })
        .await;
        fill(&world, "warehouses", 5, |i| format!("{i}, 'City {i}', 'active'")).await;
        fill(&world, "suppliers", 12, |i| format!("{i}, 'Metal {i} Ltd', 'sales@metal{i}.example', 'active'")).await;
        let proposal = propose(&world.url).await.unwrap();
        assert!(proposal.customers.is_none(), "{:?}", proposal.customers);
        let said = proposal.why_not.as_ref().unwrap().to_string();
        assert!(said.contains("no customers were found in the 4 tables"), "{said}");
        assert!(said.contains("suppliers.contact_email"), "{said}");
        let text = proposal.toml();
        assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')), "{text}");

        world.run("drop table suppliers").await;
        let said = propose(&world.url).await.unwrap().why_not.unwrap().to_string();
        assert!(said.contains("no column holds e-mail addresses"), "{said}");
    }
}

#[tokio::test]
async fn an_enum_tells_words_that_do_not_occur_yet() {
    let Some(world) = World::postgres().await else { return };
    world
        .run(
            r#"create type "SubscriptionStatus" as enum ('ACTIVE', 'TRIALING', 'PAST_DUE', 'CANCELED', 'PAUSED');
            create table "User" (id text primary key, email text unique, name text, "subscriptionStatus" "SubscriptionStatus" default 'ACTIVE', "stripeCustomerId" text unique);
            create schema pgboss; create table pgboss.job (id uuid, name text, state text);
            insert into "User" select 'c' || n, 'p' || n || '@x.example', 'P' || n, 'ACTIVE', null from generate_series(1, 9) n;"#,
        )
        .await;
    let (proposal, mapping) = proposed(&world).await;
    assert_eq!(from(&mapping, "state"), "User.subscriptionStatus");
    assert_eq!(words(&mapping, State::PastDue), ["past_due"]);
    assert_eq!(words(&mapping, State::Trial), ["trialing"]);
    assert_eq!(mapping.unmapped, [Text::new("paused")]);
    assert_eq!(from(&mapping, "billing_id"), "User.stripeCustomerId");
    assert_eq!(proposal.jobs, Some(JobsPart::Kind("pg-boss")));
    assert_eq!(collected(&world, &proposal, &mapping).await.person("c1").state, Some(State::Active));
}

#[tokio::test]
async fn empty_tables_are_proposed_by_name_and_said_to_be_a_guess() {
    for world in worlds().await {
        world
            .run(
                "create table users (id integer primary key, email text, name text);
                create table subscriptions (id integer primary key, user_id integer, status text, plan text);",
            )
            .await;
        let (proposal, mapping) = proposed(&world).await;
        assert_eq!((from(&mapping, "id"), from(&mapping, "state")), ("users.id", "subscriptions.status"));
        let email = mapping.columns.iter().find(|guess| guess.column == *"email").unwrap();
        assert!(email.percent < 70 && email.word() == "unsure", "{email:?}");
        assert!(proposal.toml().contains("rests on names alone"));
    }
}

#[tokio::test]
async fn users_without_any_billing_are_proposed_without_a_state() {
    for world in worlds().await {
        world.run("create table app_users (id integer primary key, email text unique, display_name text)").await;
        fill(&world, "app_users", 20, |i| format!("{i}, 'x{i}@y.example', 'X {i}'")).await;
        let (proposal, mapping) = proposed(&world).await;
        assert_eq!((from(&mapping, "id"), from(&mapping, "state")), ("app_users.id", ""));
        assert!(proposal.toml().contains("No status was found"));
        collected(&world, &proposal, &mapping).await;
    }
}

#[tokio::test]
async fn tickets_webhooks_and_a_queue_are_proposed_when_they_are_there() {
    for world in worlds().await {
        world
            .run(
                "create table users (id integer primary key, email text unique, status text, plan text);
                create table support_tickets (id integer primary key, user_id integer references users(id), subject text, zendesk_id text, created_at timestamp);
                create table stripe_webhook_events (id integer primary key, stripe_event_id text, type text, processed_at timestamp, error text, created_at timestamp);
                create table background_jobs (id integer primary key, type text, status text, attempts integer, max_attempts integer, run_at timestamp, last_error text);
                insert into users values (1, 'a@b.example', 'active', 'pro'), (2, 'b@b.example', 'canceled', 'pro'), (3, 'c@b.example', 'trialing', 'pro');
                insert into support_tickets values (1, 2, 'Help', '77', '2024-01-01');
                insert into stripe_webhook_events values (1, 'evt_1abc', 'invoice.paid', '2024-01-01', null, '2024-01-01'), (2, 'evt_2abc', 'invoice.paid', null, 'boom', '2024-01-01');
                insert into background_jobs values (1, 'mail', 'pending', 0, 5, null, null);",
            )
            .await;
        let (proposal, mapping) = proposed(&world).await;
        assert_eq!((from(&mapping, "state"), from(&mapping, "plan")), ("users.status", "users.plan"));
        let Some(JobsPart::Query(jobs)) = &proposal.jobs else { panic!("{:?}", proposal.jobs) };
        let mut spec = world.spec(&mapping.sql);
        spec.tickets = Some(crate::world::query(&proposal.tickets.as_ref().unwrap().sql, 20));
        spec.deliveries = Some(crate::world::query(&proposal.deliveries.as_ref().unwrap().sql, 30));
        spec.jobs = crate::world::jobs(&jobs.sql);
        let got = round(&Portal::new(spec).unwrap(), None, now()).await;
        assert!(got.partial.is_none(), "{:?}", got.partial);
        let ticket = got.records.iter().find(|r| r.kind == trueup::domain::Kind::Ticket).unwrap();
        assert_eq!((ticket.parent.as_ref().unwrap().as_str(), ticket.name.as_ref().unwrap().as_str()), ("2", "Help"));
        let states: Vec<_> = got.deliveries.iter().map(|d| d.state.as_str()).collect();
        assert_eq!(states, ["delivered", "failed"]);
        assert_eq!(got.jobs.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn hostile_names_of_tables_and_columns_stay_names() {
    for world in worlds().await {
        world
            .run(
                r#"create table "users'''; drop table keep; --" (id integer primary key, "e""mail; select 1" text, "sta'tus" text, "subscription status" text);
                create table keep (id integer);
                insert into "users'''; drop table keep; --" values (1, 'a@b.example', 'x', 'active'), (2, 'b@b.example', 'y', 'canceled'), (3, 'c@b.example', 'z', 'trialing');"#,
            )
            .await;
        let (proposal, mapping) = proposed(&world).await;
        assert_eq!(mapping.trial.rows, 3);
        assert_eq!(collected(&world, &proposal, &mapping).await.records.len(), 3);
        assert_eq!(world.number("select count(*) from keep").await, 0);
    }
}

#[tokio::test]
async fn looking_changes_nothing_and_says_when_it_cannot() {
    let error = propose("sqlite:/nowhere/at/all.db").await.unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
    let error = propose("postgres://app:hunter2@127.0.0.1:1/x").await.unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error}");
}
