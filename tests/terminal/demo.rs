//! `trueup demo` as a person meets it: the first picture at once, movement by itself, every class of mismatch to be
//! found with keys, and nothing left behind.
//!
//! The limits are generous, since other tests run beside it; each step waits only for what it needs.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::pty::Pty;

/// Every class that portal, Stripe, HubSpot and Zendesk can show.
const CLASSES: &[&str] = &[
    "paid_blocked",
    "partial_record",
    "double_subscription",
    "crossed_link",
    "unpaid_active",
    "refunded_active",
    "plan_differs",
    "trial_overrun",
    "past_due_policy",
    "paid_unknown",
    "dangling_link",
    "contact_missing",
    "duplicate_contact",
    "stage_contradicts",
    "ticket_missing",
    "email_differs",
    "incomplete_evidence",
    "unmapped_plan",
];

/// A folder for everything that the demo could leave behind.
struct Temp(std::path::PathBuf);

impl Temp {
    fn make() -> Self {
        let path = std::env::temp_dir().join(format!("trueup-watched-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Looks at the screen until it shows what is wanted.
fn watch<T>(pty: &Pty, what: &str, limit: Duration, wanted: impl Fn(&str) -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        let screen = pty.screen().contents();
        if let Some(found) = wanted(&screen) {
            return found;
        }
        assert!(started.elapsed() < limit, "{what} not within {limit:?}:\n{screen}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the header says that every source answers: `9 of 9 sources`.
fn all_answer(screen: &str) -> bool {
    let Some((before, _)) = screen.split_once(" sources") else { return false };
    let mut words = before.split_whitespace().rev();
    let (all, of, some) = (words.next(), words.next(), words.next());
    of == Some("of") && all == some
}

/// How many rows a class's filter shows, once the pane says so: `/class = x   4 fit`.
fn fitting(screen: &str, class: &str) -> Option<u32> {
    let (_, after) = screen.split_once(&format!("/class = {class} "))?;
    after.trim_start().split_once(" fit")?.0.trim().parse().ok()
}

/// Loopback ports on which that process listens.
fn listening(pid: u32) -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some(std::fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .filter(|fields| fields[3] == "0A" && sockets.contains(fields[9]))
        .map(|fields| u16::from_str_radix(fields[1].rsplit_once(':').unwrap().1, 16).unwrap())
        .collect()
}

/// Processes whose parent is that one.
fn children(pid: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|child| {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)) == Some(pid.to_string().as_str())
        })
        .collect()
}

#[test]
fn the_demo_moves_by_itself_shows_every_class_and_leaves_nothing_behind() {
    let temp = Temp::make();
    let started = Instant::now();
    let demo = [env!("CARGO_BIN_EXE_trueup"), "demo"].map(str::to_owned);
    let mut pty = Pty::spawn_in(&demo, (120, 36), &[("TMPDIR", temp.0.to_str().unwrap())]);
    let pid = pty.child.process_id().unwrap();

    // The first picture comes before any source has answered, and claims nothing.
    let first = watch(&pty, "the first frame", Duration::from_secs(15), |screen| {
        (screen.contains("Out of step") && screen.contains("STAGING")).then(|| screen.to_owned())
    });
    assert!(first.contains("read-only") && first.contains("Harbor & Pine"), "{first}");
    assert!(!all_answer(&first), "the first frame waited for the sources:\n{first}");
    assert_ne!(pty.termios(), pty.before, "raw mode");

    // It reads everything, and from then on the picture changes without a key.
    watch(&pty, "all sources", Duration::from_secs(60), |screen| all_answer(screen).then_some(()));
    let still = pty.screen().contents();
    let moves = Duration::from_secs(10);
    watch(&pty, "movement", moves, |screen| (screen != still).then_some(()));
    if cfg!(target_os = "linux") {
        assert!(!temp.names().is_empty() && !listening(pid).is_empty(), "the test looks in the wrong place");
    }

    // Every class, as a person finds it: by typing a filter.
    for class in CLASSES {
        pty.send("/");
        pty.send("\u{15}");
        pty.send(format!("class = {class}"));
        watch(&pty, class, Duration::from_secs(20), |screen| {
            screen.contains(&format!("class = {class}")).then_some(())
        });
        pty.send("\r");
        // The title may be ahead of its rows for a moment: only a number that stays is believed.
        let rows = watch(&pty, class, Duration::from_secs(60), |screen| {
            let first = fitting(screen, class).filter(|n| *n > 0)?;
            std::thread::sleep(Duration::from_millis(300));
            fitting(&pty.screen().contents(), class).filter(|n| *n == first)
        });
        assert!(rows < 100, "almost everybody agrees, but {rows} are {class}");
    }
    assert!(started.elapsed() < Duration::from_secs(120), "it took {:?}", started.elapsed());

    // Leaving: the terminal is as it was, and nothing is left.
    let ports = listening(pid);
    assert!(children(pid).is_empty(), "it does everything itself");
    pty.send("q");
    assert_eq!(pty.exit(10_000), 0, "{}", pty.screen().contents());
    let text = pty.text();
    let (_, last) = text.rsplit_once("\u{1b}[?2026l").unwrap();
    assert!(["?1004l", "?2004l", "?25h", "?1049l"].iter().all(|mode| last.contains(mode)), "{last:?}");
    let screen = pty.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    assert_eq!(pty.termios(), pty.before);
    assert_eq!(temp.names(), Vec::<String>::new(), "something is left in the temporary folder");
    assert!(children(pid).is_empty() && listening(pid).is_empty());
    for port in ports {
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "{port} still listens");
    }
}
