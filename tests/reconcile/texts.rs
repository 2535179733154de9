//! What a person reads: the words of every class, as one picture; and how fast they are made.

use std::fmt::Write as _;
use std::time::Instant;

use trueup::domain::Money;
use trueup::reconcile::words;

use crate::fixtures::table;
use crate::world::{DAY, ago, ana, now};

#[test]
fn the_words_of_every_class_read_well() {
    let mut page = String::new();
    for fixture in table().into_iter().filter(|f| f.what == "there") {
        let row = fixture.world.judge().mismatches.remove(0);
        let systems: Vec<String> = row.systems.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let money = row.money.as_ref().map(words::money).unwrap_or_default();
        writeln!(page, "{} [{}] {} · {} · {money}", row.class, row.severity, row.headline, row.evidence).unwrap();
        writeln!(page, "  {}\n  > {}\n  {}\n", row.explanation, row.next_step, systems.join(", ")).unwrap();
    }
    insta::assert_snapshot!(page);
}

#[test]
fn money_and_dates_are_written_as_people_write_them() {
    let money = |amount, currency: &str| words::money(&Money::monthly(amount, currency));
    assert_eq!(money(4900, "usd"), "$49/mo");
    assert_eq!(money(123_456_750, "eur"), "€1,234,567.50/mo");
    assert_eq!(money(4900, "jpy"), "¥4,900/mo");
    assert_eq!(money(-50, "sek"), "-0.50 sek/mo");
    assert_eq!(words::date(ago(21 * DAY), now()), "2 Nov");
    assert_eq!(words::date(ago(365 * DAY), now()), "23 Nov 2025");
    assert_eq!(words::list(&["a", "b", "c"]), "a, b and c");
}

/// `cargo test --test reconcile -- --ignored --nocapture`; a measurement, not a promise.
#[test]
#[ignore = "prints a measurement"]
fn how_long_one_judgement_takes() {
    for (name, world) in [("all agree", ana()), ("locked out", ana().is(trueup::domain::State::Trial))] {
        let (start, rounds) = (Instant::now(), 20_000);
        for _ in 0..rounds {
            std::hint::black_box(world.judge());
        }
        println!("{name}: {:.1} µs per judgement", start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds));
    }
}
