//! However it ends, the terminal is as it was, and the exit code says why.

use rustix::process::Signal;

use crate::pty::{Pty, command};

/// How often each way out is taken.
const TIMES: usize = 20;

#[test]
fn each_way_out_restores_exactly_what_was_switched_on() {
    type Leave = fn(&mut Pty);
    let ways: &[(&str, Leave, u32)] = &[
        ("quit", |pty| pty.send("q"), 0),
        (
            "quit with the mouse on",
            |pty| {
                pty.send("m");
                pty.wait_for("Char('m')");
                pty.send("q");
            },
            0,
        ),
        ("a panic of the face", |pty| pty.send("p"), 70),
        ("a panic while drawing", |pty| pty.send("d"), 70),
        ("SIGTERM", |pty| pty.signal(Signal::TERM), 143),
        ("SIGINT", |pty| pty.signal(Signal::INT), 130),
        ("SIGHUP", |pty| pty.signal(Signal::HUP), 129),
        ("SIGQUIT", |pty| pty.signal(Signal::QUIT), 131),
    ];
    for (name, leave, code) in ways {
        for _ in 0..TIMES {
            let mut pty = Pty::spawn(&command(), true);
            pty.wait_for("PROBE 80x24");
            assert_ne!(pty.termios(), pty.before, "raw mode");
            leave(&mut pty);
            assert_eq!(pty.exit(3_000), *code, "{name}: {:?}", pty.text());
            pty.assert_restored(1);
            assert_eq!(pty.termios(), pty.before, "{name}");
        }
    }
}

#[test]
fn a_panic_of_the_face_says_what_it_was_on_the_restored_screen() {
    let mut pty = Pty::start();
    pty.send("p");
    assert_eq!(pty.exit(3_000), 70);
    let text = pty.text();
    let after = text.split("\u{1b}[?1049l").nth(1).unwrap();
    assert!(after.contains("PROBLEM the console stopped on a bug") && after.contains("the face broke"), "{after:?}");
    assert!(after.contains("child.rs:") && !after.contains("second line"), "{after:?}");
}

#[test]
fn a_panic_of_a_worker_leaves_the_screen_alone_and_becomes_a_message() {
    for (key, words) in [("w", "a worker broke"), ("W", "a thread broke")] {
        let mut pty = Pty::start();
        pty.send(key);
        pty.wait_for("panics 1");
        let screen = pty.screen().contents();
        assert!(screen.contains(words), "{screen}");
        assert!(!pty.text().contains("panicked at") && pty.count("\u{1b}[?1049l") == 0, "{:?}", pty.text());
        // The console is alive.
        pty.send("j");
        pty.wait_for("typed [j]");
        pty.send("q");
        assert_eq!(pty.exit(3_000), 0);
        pty.assert_restored(1);
    }
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_comes_back() {
    let shell = ["bash", "--norc", "--noprofile", "--noediting", "-i"].map(str::to_owned);
    let mut pty = Pty::spawn(&shell, true);
    let line =
        format!("PS1='ready> '; {} --exact child::process --nocapture --test-threads=1; echo code=$?\n", command()[0]);
    pty.send(line);
    pty.wait_for("PROBE 80x24");
    for round in 1..=2 {
        pty.send("j");
        pty.wait_for(&format!("typed [{}]", "j".repeat(round)));
        pty.send("\u{1a}");
        pty.wait_for("Stopped");
        pty.assert_restored(round);
        // The shell has it: what is typed is echoed there.
        pty.send("echo sh''ell\n");
        pty.wait_for("\nshell");
        pty.send("fg\n");
        pty.wait_for(&format!("typed [{}]", "j".repeat(round)));
    }
    // Stopped from outside: the same.
    pty.signal(Signal::TSTP);
    pty.wait_for("Stopped");
    pty.assert_restored(3);
    pty.send("fg\n");
    pty.wait_for("typed [jj]");
    // Stopped the hard way, nothing could be restored; going on draws everything again.
    pty.signal(Signal::STOP);
    std::thread::sleep(std::time::Duration::from_millis(200));
    let before = pty.bytes().len();
    pty.send("fg\n");
    while !String::from_utf8_lossy(&pty.bytes()[before..]).contains("PROBE") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    pty.send("q");
    pty.wait_for("code=");
    pty.assert_restored(5);
}

#[test]
fn a_signal_ends_it_even_when_the_terminal_takes_no_more_bytes() {
    let mut pty = Pty::spawn(&command(), false);
    // Nobody reads: soon the console is stuck in the middle of a frame.
    std::thread::sleep(std::time::Duration::from_millis(400));
    pty.send("n");
    std::thread::sleep(std::time::Duration::from_millis(800));
    let pid = pty.child.process_id().unwrap();
    let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(pty.exit(4_000), 143);
}

#[test]
fn without_a_terminal_it_refuses() {
    let line = command();
    let out = std::process::Command::new(&line[0])
        .args(&line[1..])
        .env(crate::child::SIGN, "1")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("the console needs a terminal"));
    assert!(!out.stdout.contains(&0x1b));
}
