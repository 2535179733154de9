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
        let money = row.money.as_ref().map(Money::to_string).unwrap_or_default();
        writeln!(page, "{} [{}] {} · {} · {money}", row.class, row.severity, row.headline, row.evidence).unwrap();
        writeln!(page, "  {}\n  > {}\n  {}\n", row.explanation, row.next_step, systems.join(", ")).unwrap();
    }
    insta::assert_snapshot!(page);
}

#[test]
fn dates_and_lists_are_written_as_people_write_them() {
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
