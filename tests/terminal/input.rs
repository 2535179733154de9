//! What is typed arrives, in order, once; what is pasted arrives as a paste.

use std::time::{Duration, Instant};

use crate::pty::{Pty, command};

#[test]
fn what_was_typed_ahead_is_not_lost() {
    let mut pty = Pty::spawn(&command(), true);
    pty.send("abg");
    pty.wait_for("typed [abg]");
    pty.send("xyz");
    pty.wait_for("typed [abgxyz]");
}

#[test]
fn keys_are_in_order_however_fast_they_come() {
    let mut pty = Pty::start();
    let text: String = ('a'..='o').filter(|c| !"cdfmn".contains(*c)).collect();
    for c in text.repeat(5).chars() {
        pty.send(c.to_string());
        std::thread::sleep(Duration::from_millis(3));
    }
    pty.wait_for("PROBE");
    std::thread::sleep(Duration::from_millis(200));
    let screen = pty.screen().contents().replace('\n', "");
    assert!(screen.contains(&text.repeat(5)), "{screen}");
    assert!(screen.contains("pastes 0"), "{screen}");
}

#[test]
fn a_marked_paste_is_one_event_whatever_is_in_it() {
    let mut pty = Pty::start();
    pty.send("\u{1b}[200~q\rq\u{1b}[201~q\u{3}q\u{1b}[201~");
    pty.wait_for("pastes 1");
    assert!(pty.screen().contents().contains(r#""q\nqqq""#), "{}", pty.screen().contents());
    pty.send("j");
    pty.wait_for("typed [j]");
}

#[test]
fn an_unmarked_paste_is_known_by_its_speed() {
    let mut pty = Pty::start();
    pty.send("q".repeat(5));
    // Five quick letters are typed: it leaves.
    assert_eq!(pty.exit(3_000), 0);
    let mut pty = Pty::start();
    pty.send("yqyqyqyqyqyqyqyqyqyqyqyq\r");
    pty.wait_for("pastes 1");
    // In several writes, too.
    for part in ["qqqqqqqq", "qqqqqqqq", "qqqqqqqq"] {
        pty.send(part);
        std::thread::sleep(Duration::from_millis(2));
    }
    pty.wait_for("pastes 2");
    pty.send("q");
    assert_eq!(pty.exit(3_000), 0);
}

#[test]
fn a_huge_paste_neither_blocks_nor_grows() {
    let mut pty = Pty::start();
    for mark in [("\u{1b}[200~", "\u{1b}[201~"), ("", "")] {
        let text = format!("{}{}{}", mark.0, "x".repeat(200_000), mark.1);
        for part in text.as_bytes().chunks(4_000) {
            pty.send(part);
        }
        std::thread::sleep(Duration::from_millis(300));
        pty.send("j");
        pty.wait_for("Char('j')");
        pty.send("k");
        pty.wait_for("Char('k')");
    }
    let screen = pty.screen().contents();
    assert!(!screen.contains("pastes 0"), "{screen}");
}

#[test]
fn a_copy_goes_through_the_terminal_and_holds_one_field() {
    let mut pty = Pty::start();
    pty.send("c");
    pty.wait_for("Char('c')");
    assert_eq!(pty.count("\u{1b}]52;c;Y3VzXzQy\u{1b}\\"), 1);
}

#[test]
fn escape_is_a_key_and_focus_is_told() {
    let mut pty = Pty::start();
    pty.send("\u{1b}");
    pty.wait_for("last Esc");
    pty.send("\u{1b}[A");
    pty.wait_for("last Up");
    pty.send("\u{1b}[O");
    pty.wait_for("last FocusLost");
}

#[test]
fn a_key_is_on_the_screen_soon() {
    let mut pty = Pty::start();
    let mut times = Vec::new();
    for round in 0..40 {
        let key = if round % 2 == 0 { "j" } else { "k" };
        let wanted = format!("Char('{key}')");
        let before = pty.bytes().len();
        let started = Instant::now();
        pty.send(key);
        while pty.bytes().len() == before {
            std::thread::sleep(Duration::from_micros(200));
        }
        times.push(started.elapsed());
        pty.wait_for(&wanted);
        std::thread::sleep(Duration::from_millis(20));
    }
    times.sort_unstable();
    eprintln!("key to frame: median {:?}, longest {:?}", times[20], times[39]);
    assert!(times[20] < Duration::from_millis(50), "{times:?}");
}
