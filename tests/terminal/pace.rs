//! Idle means asleep; news alone are drawn calmly; no size and no flood breaks it.

use std::time::{Duration, Instant};

use crate::pty::{Pty, ticks};

const FRAME: &str = "\u{1b}[?2026h";

#[test]
fn idle_for_three_seconds_writes_nothing_and_costs_nothing() {
    let mut pty = Pty::start();
    pty.send("j");
    pty.wait_for("typed [j]");
    std::thread::sleep(Duration::from_millis(300));
    let (bytes, used) = (pty.bytes().len(), ticks(pty.pid()).unwrap());
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(pty.bytes().len(), bytes);
    let used = ticks(pty.pid()).unwrap() - used;
    assert!(used <= 1, "{used} ticks");
}

#[test]
fn a_key_that_changes_nothing_draws_nothing() {
    let mut pty = Pty::start();
    std::thread::sleep(Duration::from_millis(200));
    let before = pty.bytes().len();
    pty.send("sss");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(pty.bytes().len(), before);
}

#[test]
fn time_alone_changes_the_picture_only_at_its_deadline() {
    let mut pty = Pty::start();
    let before = pty.count(FRAME);
    pty.send("t");
    pty.wait_for("ticks 5");
    std::thread::sleep(Duration::from_millis(500));
    // One for the key, five for the ticks.
    assert!((6..=7).contains(&(pty.count(FRAME) - before)), "{}", pty.count(FRAME) - before);
}

#[test]
fn a_flood_of_news_is_drawn_at_most_eight_times_a_second() {
    let mut pty = Pty::start();
    let (before, started) = (pty.count(FRAME), Instant::now());
    pty.send("f");
    pty.wait_for("news 20000");
    let (frames, seconds) = (pty.count(FRAME) - before, started.elapsed().as_secs_f64());
    eprintln!("20,000 messages in {seconds:.2} s: {frames} frames");
    assert!(frames as f64 <= seconds * 8.0 + 3.0, "{frames} frames in {seconds} s");
    assert!(frames >= 3);
}

#[test]
fn a_flood_of_news_does_not_keep_a_key_waiting() {
    let mut pty = Pty::start();
    pty.send("f");
    std::thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    pty.send("j");
    pty.wait_for("typed [j]");
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
}

#[test]
fn storms_of_sizes_are_survived() {
    let mut pty = Pty::start();
    let mut seed = 7_u32;
    for _ in 0..150 {
        seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let columns = 20 + (seed >> 16) % 281;
        let rows = 5 + (seed >> 8) % 86;
        pty.resize(columns as u16, rows as u16);
        std::thread::sleep(Duration::from_millis(4));
    }
    for (columns, rows) in [(20, 5), (300, 90), (1, 1), (100, 30)] {
        pty.resize(columns, rows);
        std::thread::sleep(Duration::from_millis(60));
    }
    pty.wait_for("PROBE 100x30");
    pty.wait_for("told (100, 30)");
    pty.send("q");
    assert_eq!(pty.exit(3_000), 0);
    pty.assert_restored(1);
}
