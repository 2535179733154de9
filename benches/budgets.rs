//! Measures the budgets of the house and prints them beside the machine's base rates. Reports; asserts nothing.
//!
//! `cargo bench` runs all of it; `cargo bench -- derive find` only these parts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use trueup::domain::{Dataset, Evidence, Kind, SourceHealth, SourceState, System, Text, Time};
use trueup::engine::derive::Deriver;
use trueup::engine::{Clock, wall_clock};
use trueup::query::Expr;
use trueup::reconcile::{AccessTable, Rules};
use trueup::store::Store;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let runs = |part: &str| wanted.is_empty() || wanted.iter().any(|w| w == part);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    base_rates();
    let folder = std::env::temp_dir().join(format!("trueup-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    runtime.block_on(async {
        if runs("derive") {
            derive(&folder, size("TRUEUP_BENCH_CUSTOMERS", 100_000)).await;
        }
        if runs("find") {
            find(&folder, size("TRUEUP_BENCH_FIND", 1_000_000)).await;
        }
    });
    std::fs::remove_dir_all(&folder).unwrap();
}

fn base_rates() {
    let started = Instant::now();
    let mut sum = 0u64;
    for i in 0..200_000_000u64 {
        sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(i));
    }
    println!("base    200 M turns of a multiply-add loop       {:>9.1} ms  ({})", ms(started), sum & 1);
    let path = std::env::temp_dir().join(format!("trueup-base-{}", std::process::id()));
    let mut file = std::fs::File::create(&path).unwrap();
    let started = Instant::now();
    for _ in 0..300 {
        std::io::Write::write_all(&mut file, &[7u8; 2500]).unwrap();
        file.sync_data().unwrap();
    }
    println!("base    2.5 kB append + fdatasync                {:>9.0} /s", 300.0 / started.elapsed().as_secs_f64());
    std::fs::remove_file(&path).unwrap();
}

fn rules() -> Rules {
    Rules {
        access: AccessTable::default(),
        plans: BTreeMap::from([(Text::new("pro"), vec![Text::new("price_pro")])]),
        crm: None,
        support: None,
        tickets_from: false,
        configured: vec![System::Portal, System::Stripe, System::Hubspot, System::Zendesk],
        ..Rules::default()
    }
}

async fn healthy(store: &Store, now: Time) -> Evidence {
    let all = vec![Kind::Person, Kind::Subscription, Kind::Invoice, Kind::Charge, Kind::Ticket];
    for system in [System::Portal, System::Stripe, System::Hubspot, System::Zendesk] {
        let health = SourceHealth {
            system,
            state: SourceState::Ok,
            complete_at: Some(now),
            complete: all.clone(),
            lag_ms: None,
            problem: None,
            failing_since: None,
            retry_at: None,
        };
        store.save_source(&health, None, now).await.unwrap();
    }
    store.evidence().await.unwrap()
}

async fn derive(folder: &std::path::Path, customers: usize) {
    let clock: Clock = wall_clock();
    let store = Store::open(&format!("sqlite:{}", folder.join("derive.db").display())).await.unwrap();
    let now = clock();
    healthy(&store, now).await;
    let started = Instant::now();
    let mut records = 0;
    for from in (0..customers).step_by(5_000) {
        for (system, batch) in world::batches(from, from + 5_000, now) {
            records += batch.records.len();
            store.commit(system, &batch, now).await.unwrap();
        }
    }
    let took = started.elapsed();
    println!(
        "store   {records} records committed               {:>9.1} s   {:.0}/s",
        took.as_secs_f64(),
        records as f64 / took.as_secs_f64()
    );
    let deriver = Deriver::new(store.clone(), rules(), Arc::clone(&clock));
    let started = Instant::now();
    let judged = deriver.changed().await.unwrap();
    println!(
        "derive  first, {} customers x 4 systems      {:>9.1} s   (compare {:.1} s, store {:.1} s)",
        judged.clusters,
        started.elapsed().as_secs_f64(),
        judged.compare_us as f64 / 1e6,
        judged.store_us as f64 / 1e6
    );
    let started = Instant::now();
    let judged = deriver.all().await.unwrap();
    println!(
        "derive  all again, {} customers, {} changed       {:>9.1} s   (compare {:.1} s)",
        judged.clusters,
        judged.changed,
        started.elapsed().as_secs_f64(),
        judged.compare_us as f64 / 1e6
    );
    let mut times = Vec::new();
    for i in 0..200 {
        let now = clock();
        let mut batch = world::batches(i * 7 + 1, i * 7 + 2, now).remove(0).1;
        batch.records[0].state = Some(trueup::domain::State::Canceled);
        batch.records[0].version = now.ms();
        store.commit(System::Portal, &batch, now).await.unwrap();
        let started = Instant::now();
        let judged = deriver.changed().await.unwrap();
        assert_eq!(judged.clusters, 1);
        times.push(started.elapsed());
    }
    print_times("derive  one changed record to its verdict", &mut times);
    let started = Instant::now();
    store.commit(System::Stripe, &world::deliveries(0, 100_000, now), now).await.unwrap();
    println!("store   100,000 deliveries committed             {:>9.1} s", started.elapsed().as_secs_f64());
    let mut times = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        store.list(Dataset::Mismatches, &Expr::default(), None, 60, 0, clock()).await.unwrap();
        times.push(started.elapsed());
    }
    print_times("list    60 worst mismatches", &mut times);
    let expr = trueup::query::parse(Dataset::Deliveries, "state = failed and reason ~ undefined").unwrap();
    let mut times = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        store.list(Dataset::Deliveries, &expr, None, 60, 0, clock()).await.unwrap();
        times.push(started.elapsed());
    }
    print_times("list    60 filtered of 100,000 deliveries", &mut times);
    let mut times = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        store.status(clock()).await.unwrap();
        times.push(started.elapsed());
    }
    print_times("status  the header's figures", &mut times);
    let mut times = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        store.traffic(900_000, 60, clock()).await.unwrap();
        times.push(started.elapsed());
    }
    print_times("traffic 15 minutes in 60 buckets", &mut times);
    store.close().await;
}

async fn find(folder: &std::path::Path, customers: usize) {
    let clock: Clock = wall_clock();
    let store = Store::open(&format!("sqlite:{}", folder.join("find.db").display())).await.unwrap();
    let started = Instant::now();
    for from in (0..customers).step_by(10_000) {
        let rows = world::customers(from, from + 10_000, clock());
        store.save_judgements(&rows, None, clock()).await.unwrap();
    }
    println!("find    {customers} customers stored              {:>9.1} s", started.elapsed().as_secs_f64());
    let before = resident();
    let started = Instant::now();
    store.find("warm up", 20).await.unwrap();
    println!("find    a single look-up, nothing prepared       {:>9.1} ms", ms(started));
    let started = Instant::now();
    store.prepare_to_find().await.unwrap();
    while !store.is_prepared_to_find() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    println!("find    prepared (in the background)             {:>9.1} ms", ms(started));
    let mut times = Vec::new();
    for query in [
        "user999999@",
        "ana duarte 77",
        "tanaka",
        "kestrel.example",
        "zoë",
        "123456",
        "nobody at all",
        "user5@",
        "777777",
        "elif",
        "brandt 99999",
        "priya ra",
    ] {
        for _ in 0..5 {
            let started = Instant::now();
            store.find(query, 20).await.unwrap();
            times.push(started.elapsed());
        }
    }
    print_times(&format!("find    one of {customers} customers"), &mut times);
    println!(
        "find    resident memory                          {:>9.1} MiB (before the look-ups {before:.1})",
        resident()
    );
    store.close().await;
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn print_times(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!("{what:<48} median {:>8.3} ms  p90 {:>8.3} ms  max {:>8.3} ms", at(50), at(90), at(100));
}

/// Resident memory of this process in MiB (Linux; 0 elsewhere).
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// How many, unless the environment says otherwise.
fn size(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
