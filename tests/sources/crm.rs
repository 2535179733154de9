//! Pipedrive and GoHighLevel: all of it once, then what changed (or all of it again), and never what is secret.

use serde_json::{Value, json};
use trueup::domain::{Flag, Kind, Record, State, System, Text, Time};
use trueup::sources::budget::Limits;
use trueup::sources::registry::build;
use trueup::sources::{Cause, Source};

use crate::fakes::{Fake, Held, gohighlevel, lock, pipedrive};
use crate::{source, spec};

fn now() -> Time {
    Time::from_ms(pipedrive::START)
}

fn named(system: System, base: &str, link_field: &str) -> Box<dyn Source> {
    let mut spec = spec(system, base, Limits::LOOPBACK);
    spec.link_field = Some(link_field.to_owned());
    build(&spec).unwrap()
}

async fn whole(system: System, fake: &Fake, later: i64) -> Held {
    let mut held = Held::default();
    held.round(&*source(system, &fake.base), now().plus_ms(later)).await.unwrap();
    held
}

#[tokio::test]
async fn full_then_incremental_of_pipedrive_is_the_same_as_full() {
    for page in [500, 1] {
        let (fake, world) = pipedrive::start(pipedrive::World { page, ..pipedrive::World::small() }).await;
        let source_ = source(System::Pipedrive, &fake.base);
        let mut held = Held::default();
        held.round(&*source_, now()).await.unwrap();
        assert_eq!(held.finished, [Kind::Person, Kind::Deal, Kind::Endpoint]);
        let ada = held.get(Kind::Person, "1");
        assert_eq!((ada.links.portal.clone(), ada.state), (Some(Text::new("u1")), None));
        assert_eq!(ada.tags, [Text::new("vip")]);
        assert_eq!(held.get(Kind::Deal, "11").money.as_ref().unwrap().amount, 4950);
        assert!(held.get(Kind::Deal, "13").deleted);
        assert_eq!(held.rate_left, Some(18));
        {
            let mut world = lock(&world);
            world.clock += 60_000;
            let at = world.clock;
            world.persons[1] = pipedrive::person(2, at, "bob@new.example");
            world.persons[1]["custom_fields"][pipedrive::STATE] = json!(32);
            world.persons.push(pipedrive::person(4, at, "new@acme.example"));
            world.persons[2]["is_deleted"] = json!(true);
            world.persons[2]["update_time"] = json!(Time::from_ms(at).rfc3339());
            world.deals[1] = pipedrive::deal(12, at, 2, "lost");
            world.deals[0] = pipedrive::deal(11, at, 1, "deleted");
        }
        fake.take_paths();
        held.round(&*source_, now().plus_ms(60_000)).await.unwrap();
        let paths = fake.take_paths();
        assert!(!paths.iter().any(|p| p.contains("personFields") || p.contains("webhooks")), "{paths:?}");
        assert!(page == 1 || paths.len() == 2, "two lists a round: {paths:?}");
        assert_eq!(held.content(), whole(System::Pipedrive, &fake, 61_000).await.content(), "page {page}");
        assert_eq!(held.get(Kind::Person, "2").state, Some(State::Canceled));
        assert!(held.get(Kind::Person, "3").deleted && held.get(Kind::Deal, "11").deleted);
        // A quarter of an hour later the registrations are looked at again.
        {
            let mut world = lock(&world);
            world.webhooks[0]["last_http_status"] = json!(502);
            world.webhooks[0]["remove_reason"] = json!("no answer for three days");
        }
        held.round(&*source_, now().plus_ms(16 * 60_000)).await.unwrap();
        let hook = held.get(Kind::Endpoint, "21");
        assert!(hook.has(Flag::Disabled));
        assert_eq!(hook.attributes[&Text::new("last_status")], "502");
        assert_eq!(hook.attributes[&Text::new("removed")], "no answer for three days");
    }
}

#[tokio::test]
async fn a_new_process_goes_on_where_the_last_one_stopped() {
    let (fake, world) = pipedrive::start(pipedrive::World { page: 1, ..pipedrive::World::small() }).await;
    let mut held = Held::default();
    loop {
        // Every step in a process of its own: it knows nothing but the cursor.
        let cursor = held.cursor.clone();
        let batch = source(System::Pipedrive, &fake.base).collect(cursor.as_deref(), now()).await.unwrap();
        let more = batch.more;
        held.apply(batch);
        if !more {
            break;
        }
    }
    assert_eq!(held.content(), whole(System::Pipedrive, &fake, 0).await.content());
    // What vanishes without a trace is noticed by the daily pass.
    lock(&world).persons.remove(0);
    let day = 24 * 3600 * 1000;
    held.round(&*source(System::Pipedrive, &fake.base), now().plus_ms(day)).await.unwrap();
    assert!(held.get(Kind::Person, "1").deleted);
}

#[tokio::test]
async fn changes_within_the_overlap_are_read_again_and_the_window_moves_on() {
    let (fake, world) = pipedrive::start(pipedrive::World::small()).await;
    let source_ = source(System::Pipedrive, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, now()).await.unwrap();
    let at = now().plus_ms(3_600_000);
    lock(&world).persons[0] = pipedrive::person(1, at.ms(), "ada@late.example");
    held.round(&*source_, at).await.unwrap();
    held.round(&*source_, at.plus_ms(60_000)).await.unwrap();
    let asked: Vec<Time> = fake
        .calls()
        .iter()
        .filter(|call| call.path == "/api/v2/persons")
        .filter_map(|call| call.get("updated_since").and_then(Time::parse))
        .collect();
    assert_eq!(asked, [now().plus_ms(-300_000), at.plus_ms(-300_000)]);
}

#[tokio::test]
async fn a_part_of_pipedrive_that_the_key_may_not_read_is_named_and_read_once_it_may() {
    let world = pipedrive::World { forbidden: vec!["/deals", "/webhooks"], ..pipedrive::World::small() };
    let (fake, world) = pipedrive::start(world).await;
    let source_ = source(System::Pipedrive, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, now()).await.unwrap();
    assert_eq!(held.finished, [Kind::Person]);
    let problem = held.partial.as_ref().unwrap().to_string();
    assert!(problem.contains("deals, webhooks"), "{problem}");
    lock(&world).forbidden.clear();
    held.round(&*source_, now().plus_ms(16 * 60_000)).await.unwrap();
    assert!(held.partial.is_none(), "{:?}", held.partial);
    assert_eq!(held.finished, [Kind::Person, Kind::Deal, Kind::Endpoint]);
    assert_eq!(held.get(Kind::Deal, "11").state, Some(State::Active));
}

#[tokio::test]
async fn success_false_is_no_answer() {
    let (fake, _) = pipedrive::start(pipedrive::World { fails: true, ..pipedrive::World::small() }).await;
    let error = source(System::Pipedrive, &fake.base).collect(None, now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Garbage);
    assert!(error.problem.to_string().contains("success: false"), "{}", error.problem);
}

#[tokio::test]
async fn the_field_of_the_portals_id_is_found_by_its_name_in_both() {
    let (pipe, _) = pipedrive::start(pipedrive::World::small()).await;
    let (high, _) = gohighlevel::start(gohighlevel::World::small()).await;
    for (system, base, id) in [(System::Pipedrive, &pipe.base, "1"), (System::Gohighlevel, &high.base, "c1")] {
        let mut held = Held::default();
        held.round(&*named(system, base, "portal id"), now()).await.unwrap();
        assert_eq!(held.get(Kind::Person, id).links.portal, Some(Text::new(format!("u{id}"))));
        let error = named(system, base, "Portal Idd").collect(None, now()).await.unwrap_err();
        assert_eq!(error.cause, Cause::Settings);
        let text = error.problem.to_string();
        for part in ["\"Portal Idd\" does not exist", "\"Portal ID\"", "link_field", system.title()] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    // Nobody asked for a field, and there is none: persons arrive all the same.
    let (pipe, world) = pipedrive::start(pipedrive::World::small()).await;
    lock(&world).fields.truncate(2);
    let held = whole(System::Pipedrive, &pipe, 0).await;
    assert_eq!(held.get(Kind::Person, "1").links.portal, None);
    assert!(pipe.calls().iter().all(|call| call.get("custom_fields").is_none()));
}

#[tokio::test]
async fn the_password_of_a_webhook_reaches_nothing_that_is_kept() {
    let (fake, _) = pipedrive::start(pipedrive::World::small()).await;
    let source_ = source(System::Pipedrive, &fake.base);
    let (mut cursor, mut seen) = (None, false);
    loop {
        let batch = source_.collect(cursor.as_deref(), now()).await.unwrap();
        let text = format!("{batch:?} {}", serde_json::to_string(&batch.records).unwrap());
        assert!(!text.contains(pipedrive::PASSWORD) && !text.contains("hook-user"), "{text}");
        seen |= batch.records.iter().any(|r| r.kind == Kind::Endpoint);
        if !batch.more {
            break;
        }
        cursor = batch.cursor;
    }
    let sent = fake.exchanges().iter().any(|(_, a)| String::from_utf8_lossy(&a.body).contains(pipedrive::PASSWORD));
    assert!(seen && sent, "the canary was there to be found");
}

#[tokio::test]
async fn every_round_of_gohighlevel_reads_everything_with_or_without_marks() {
    for (page, meta) in [(100, true), (1, true), (100, false), (1, false), (2, false)] {
        let (fake, world) = gohighlevel::start(gohighlevel::World { page, meta, ..gohighlevel::World::small() }).await;
        let source_ = source(System::Gohighlevel, &fake.base);
        assert!(!source_.capabilities().incremental);
        let mut held = Held::default();
        held.round(&*source_, now()).await.unwrap();
        if meta {
            assert_eq!(held.finished, [Kind::Person, Kind::Deal]);
            assert_eq!(held.records.len(), 5, "page {page}");
        }
        assert_eq!(held.records.keys().filter(|(kind, _)| *kind == Kind::Person).count(), 3, "{page} {meta}");
        let ada = held.get(Kind::Person, "c1");
        assert_eq!(ada.state, Some(State::Active));
        assert_eq!(ada.tags, ["newsletter", "state:active"].map(Text::new));
        assert_eq!(ada.links.portal, Some(Text::new("uc1")));
        assert_eq!(held.get(Kind::Person, "c2").state, None);
        assert_eq!(held.rate_left, Some(93));
        {
            let mut world = lock(&world);
            world.contacts.remove(2);
            world.contacts[1]["tags"] = json!(["State:Past_Due"]);
            world.contacts.push(gohighlevel::contact("c4", gohighlevel::START, "new@acme.example", &[]));
        }
        held.round(&*source_, now().plus_ms(60_000)).await.unwrap();
        assert!(held.get(Kind::Person, "c3").deleted);
        assert_eq!(held.get(Kind::Person, "c2").state, Some(State::PastDue));
        assert_eq!(held.content(), whole(System::Gohighlevel, &fake, 61_000).await.content(), "{page} {meta}");
    }
}

#[tokio::test]
async fn without_opportunities_contacts_still_arrive() {
    let world = gohighlevel::World { no_opportunities: true, ..gohighlevel::World::small() };
    let (fake, world) = gohighlevel::start(world).await;
    let source_ = source(System::Gohighlevel, &fake.base);
    let mut held = Held::default();
    held.round(&*source_, now()).await.unwrap();
    assert_eq!(held.finished, [Kind::Person]);
    assert!(held.partial.as_ref().unwrap().to_string().contains("opportunities"));
    lock(&world).no_opportunities = false;
    held.round(&*source_, now().plus_ms(60_000)).await.unwrap();
    assert!(held.partial.is_none());
    assert_eq!(held.get(Kind::Deal, "o2").state, Some(State::Canceled));
}

#[tokio::test]
async fn rows_of_another_location_are_not_taken_for_ours() {
    let (fake, world) = gohighlevel::start(gohighlevel::World::small()).await;
    lock(&world).contacts[1]["locationId"] = json!("somebodyElses");
    let error = source(System::Gohighlevel, &fake.base).collect(None, now()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Garbage);
    assert!(error.problem.to_string().contains("another location"), "{}", error.problem);
}

#[tokio::test]
async fn strange_rows_do_not_break_either() {
    let odd = || vec![json!({}), json!({"id": null}), json!(7), Value::Null, json!({"id": {"deep": 1}}), json!("x")];
    let (pipe, world) = pipedrive::start(pipedrive::World::small()).await;
    lock(&world).webhooks.extend(odd());
    let held = whole(System::Pipedrive, &pipe, 0).await;
    assert_eq!(held.records.keys().filter(|(kind, _)| *kind == Kind::Endpoint).count(), 1);
    let rows: Vec<Value> = odd().into_iter().chain([json!({"id": 9, "email": "a\u{1b}[2Jb", "tags": 5})]).collect();
    let fake = Fake::start(move |call| {
        crate::fakes::Answer::json(&match call.path.as_str() {
            "/contacts/" => json!({"contacts": rows, "count": 7}),
            "/opportunities/search" => json!({"opportunities": rows, "meta": {}}),
            _ => json!({"customFields": [null, 7, {"name": 5}, {"id": "x"}]}),
        })
    })
    .await;
    let held = whole(System::Gohighlevel, &fake, 0).await;
    let people: Vec<&Record> = held.records.values().filter(|r| r.kind == Kind::Person).collect();
    assert!(people.len() == 1 && people[0].email.as_ref().unwrap().is_marked());
}

#[tokio::test]
async fn a_probe_says_whose_account_it_is() {
    let (pipe, _) = pipedrive::start(pipedrive::World::small()).await;
    let (high, _) = gohighlevel::start(gohighlevel::World::small()).await;
    let told = source(System::Pipedrive, &pipe.base).probe(now()).await.unwrap();
    assert_eq!(told, "company Acme, an admin's token");
    assert_eq!(source(System::Gohighlevel, &high.base).probe(now()).await.unwrap(), "location Acme Nordics");
}
