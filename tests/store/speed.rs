//! Measurements, run by hand: `cargo test --release --test store speed -- --ignored --nocapture`.

use std::time::Instant;

use crate::place::*;
use trueup::domain::*;
use trueup::query::Expr;
use trueup::store::Store;

async fn committing(store: &Store) {
    for (what, version) in [("new", 1), ("unchanged", 1), ("changed", 2)] {
        let many: Vec<Record> = (0..10_000)
            .map(|n| {
                let mut record =
                    person(System::Stripe, &format!("cus_{n:06}"), &format!("p{n}@company{}.example", n % 500), 1);
                record.version = version;
                record.seen_at = at(version + i64::from(what == "unchanged"));
                record.name = text(&format!("Person Number {n} v{version}"));
                record.created_at = Some(at(n));
                record.attributes.insert(Text::new("role"), Text::new("member"));
                record
            })
            .collect();
        let began = Instant::now();
        let changed = store.commit(System::Stripe, &records(many), at(1)).await.unwrap();
        println!("  commit 10,000 {what:10} {:?} ({changed} changed)", began.elapsed());
    }
    let began = Instant::now();
    let dirty = store.dirty(5000, at(1)).await.unwrap();
    println!("  dirty 5,000            {:?} ({} keys)", began.elapsed(), dirty.keys.len());
    let began = Instant::now();
    let clusters = store.clusters(&dirty.keys).await.unwrap();
    println!("  clusters               {:?} ({})", began.elapsed(), clusters.len());
}

async fn asking(store: &Store, customers: usize) {
    let began = Instant::now();
    for page in (0..customers).collect::<Vec<_>>().chunks(20_000) {
        let judgements: Vec<Judgement> = page
            .iter()
            .map(|n| {
                let id = format!("{n}");
                let mut row = customer(
                    &id,
                    &format!("person{}@company{}.example", n * 7919 % 1_000_003, n % 5000),
                    Verdict::Agree,
                );
                row.name = text(&format!("Person Number {n}"));
                let found = (n % 20 == 0).then(|| mismatch(&format!("paid_blocked:{n}"), &id, Class::PaidBlocked));
                judged(&id, Some(row), found.into_iter().collect())
            })
            .collect();
        store.save_judgements(&judgements, None, at(1)).await.unwrap();
    }
    println!("  {customers} customers judged and saved {:?}", began.elapsed());
    for (what, dataset) in [("customers", Dataset::Customers), ("mismatches", Dataset::Mismatches)] {
        let began = Instant::now();
        let rows = store.list(dataset, &Expr::default(), None, 50, 0, at(1)).await.unwrap();
        println!("  first page of {what:10} {:?} ({})", began.elapsed(), rows.len());
    }
    let began = Instant::now();
    store.status(at(1)).await.unwrap();
    println!("  status {:?}", began.elapsed());
    for round in ["database", "memory"] {
        for asked in ["person77@", "cus_000001", "number 99999", "zzzz", "company42.ex", "p"] {
            let began = Instant::now();
            let hits = store.find(asked, 20).await.unwrap().len();
            println!("  find from {round} {asked:14} {hits:3} hits {:?}", began.elapsed());
        }
        let wait = std::time::Duration::from_secs(if customers > 200_000 { 25 } else { 5 });
        tokio::time::sleep(wait).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a claim"]
async fn how_fast_it_is() {
    let customers = std::env::var("TRUEUP_SPEED_CUSTOMERS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    println!("SQLite");
    let place = Place::sqlite();
    let store = place.open().await;
    committing(&store).await;
    asking(&store, customers).await;
    if let Some(place) = Place::postgres().await {
        println!("Postgres");
        let store = place.open().await;
        committing(&store).await;
        asking(&store, customers).await;
        store.close().await;
        place.remove().await;
    }
}
