//! A terminal that is taken away ends the console at once, without a storm on the processor.

use std::time::{Duration, Instant};

use crate::pty::{Pty, command, ticks};

/// How long it lives on, and the hundredths of a second of processor time that it uses in that time.
fn lives_on(pid: u32) -> (Duration, u64) {
    let started = Instant::now();
    let first = ticks(pid).unwrap_or(0);
    let mut last = first;
    while let Some(now) = ticks(pid) {
        last = now;
        assert!(started.elapsed() < Duration::from_secs(5), "it did not end, and used {} ticks", last - first);
        std::thread::sleep(Duration::from_millis(2));
    }
    (started.elapsed(), last - first)
}

fn check(shape: &str, pid: u32) {
    let (time, used) = lives_on(pid);
    eprintln!("{shape}: ended after {} ms, {} ms of processor time", time.as_millis(), used * 10);
    assert!(time < Duration::from_secs(2), "{shape}: {time:?}");
    assert!(used <= 10, "{shape}: {used} ticks");
}

#[test]
fn the_console_itself_leads_the_session() {
    for _ in 0..20 {
        let mut pty = Pty::start();
        let pid = pty.pid();
        pty.vanish(|pty| pty.send("j"));
        // A process that has ended but was not asked for stays; asking for it is what lets it go.
        let waiter = std::thread::spawn(move || pty.exit(5_000));
        check("session leader", pid);
        assert_eq!(waiter.join().unwrap(), 129);
    }
}

#[test]
fn a_child_whose_session_ignores_the_hangup() {
    for _ in 0..20 {
        let line = format!("trap '' HUP; {}; sleep 1", command().join(" "));
        let mut pty = Pty::spawn(&["sh".to_owned(), "-c".to_owned(), line], true);
        pty.wait_for("PROBE 80x24");
        let pid = pty.pid();
        pty.vanish(|pty| pty.send("j"));
        check("child of one that ignores it", pid);
    }
}

#[test]
fn typing_when_it_vanishes_changes_nothing() {
    let mut pty = Pty::start();
    let pid = pty.pid();
    pty.vanish(|pty| pty.send("jjj\u{1b}[1;"));
    let waiter = std::thread::spawn(move || pty.exit(5_000));
    check("in the middle of a key", pid);
    assert_eq!(waiter.join().unwrap(), 129);
}
