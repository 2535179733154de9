//! A pseudo-terminal with the process under test on it.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};

use crate::child::SIGN;

/// A terminal, its screen, and every byte that was written to it.
pub(crate) struct Pty {
    pub(crate) master: Option<Box<dyn MasterPty + Send>>,
    slave: Option<Box<dyn SlavePty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    pub(crate) child: Box<dyn Child + Send + Sync>,
    bytes: Arc<Mutex<Vec<u8>>>,
    stop: Arc<AtomicBool>,
    size: (u16, u16),
    /// The line settings before the process was started.
    pub(crate) before: String,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// How to start the process under test.
pub(crate) fn command() -> Vec<String> {
    let exe = std::env::current_exe().unwrap().display().to_string();
    [&exe, "--exact", "child::process", "--nocapture", "--test-threads=1"].map(str::to_owned).to_vec()
}

impl Pty {
    /// Starts the process under test and waits for its first frame.
    pub(crate) fn start() -> Self {
        let pty = Self::spawn(&command(), true);
        pty.wait_for("PROBE 80x24");
        pty
    }

    pub(crate) fn spawn(command: &[String], reading: bool) -> Self {
        Self::open(command, reading, (80, 24), &[(SIGN, "1")])
    }

    /// Any program on a terminal of that size, with these variables beside those of the test.
    pub(crate) fn spawn_in(command: &[String], size: (u16, u16), variables: &[(&str, &str)]) -> Self {
        Self::open(command, true, size, variables)
    }

    fn open(command: &[String], reading: bool, (columns, rows): (u16, u16), variables: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut builder = CommandBuilder::new(&command[0]);
        builder.args(&command[1..]);
        builder.env("TERM", "xterm-256color");
        builder.env("RUST_BACKTRACE", "0");
        variables.iter().for_each(|(name, value)| builder.env(name, value));
        let before = format!("{:?}", pair.master.get_termios().unwrap());
        let child = pair.slave.spawn_command(builder).unwrap();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        if reading {
            let mut reader = pair.master.try_clone_reader().unwrap();
            let (held, stop) = (Arc::clone(&bytes), Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut buffer = [0; 65_536];
                while let Ok(count) = reader.read(&mut buffer) {
                    if count == 0 {
                        return;
                    }
                    held.lock().unwrap().extend_from_slice(&buffer[..count]);
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
        }
        let writer = pair.master.take_writer().unwrap();
        Self {
            master: Some(pair.master),
            slave: Some(pair.slave),
            writer: Some(writer),
            child,
            bytes,
            stop,
            size: (columns, rows),
            before,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        let text = self.text();
        let after = text.rsplit_once("PID ").unwrap().1;
        after.split_whitespace().next().unwrap().parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(bytes.as_ref()).unwrap();
        writer.flush().unwrap();
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// How often a sequence was written.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.text().matches(part).count()
    }

    pub(crate) fn screen(&self) -> vt100::Screen {
        let (columns, rows) = (self.size.0.try_into().unwrap(), self.size.1.try_into().unwrap());
        let mut parser = vt100::Parser::new(rows, columns, 0);
        parser.process(&self.bytes());
        parser.screen().clone()
    }

    /// Waits until the screen shows something.
    pub(crate) fn wait_for(&self, part: &str) {
        let started = Instant::now();
        while !self.screen().contents().contains(part) {
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "`{part}` did not appear:\n{}\n{:?}",
                self.screen().contents(),
                self.text()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.size = (columns, rows);
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    /// The exit code, within so many milliseconds.
    pub(crate) fn exit(&mut self, ms: u64) -> u32 {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What was written last is on its way.
                std::thread::sleep(Duration::from_millis(30));
                return status.exit_code();
            }
            assert!(started.elapsed() < Duration::from_millis(ms), "still there:\n{}", self.screen().contents());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Takes the terminal away: every handle on it is closed.
    pub(crate) fn vanish(&mut self, wake_reader: impl FnOnce(&mut Self)) {
        self.stop.store(true, Ordering::SeqCst);
        // The reader ends with the next bytes that come.
        let before = self.bytes().len();
        wake_reader(self);
        while self.bytes().len() == before {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100));
        // Dropping the writer types an end-of-file, which must not be mistaken for the end.
        drop(self.slave.take());
        assert!(ticks(self.pid()).is_some(), "it ended before the terminal did");
        let writer = self.writer.take();
        let master = self.master.take();
        drop(writer);
        drop(master);
    }

    /// The line settings of the terminal.
    pub(crate) fn termios(&self) -> String {
        format!("{:?}", self.master.as_ref().unwrap().get_termios().unwrap())
    }

    /// Every mode that was switched on was switched off, the same number of times, and nothing else was.
    pub(crate) fn assert_restored(&self, times: usize) {
        for (what, on, off) in [
            ("alternate screen", "\u{1b}[?1049h", "\u{1b}[?1049l"),
            ("cursor", "\u{1b}[?25l", "\u{1b}[?25h"),
            ("bracketed paste", "\u{1b}[?2004h", "\u{1b}[?2004l"),
            ("focus", "\u{1b}[?1004h", "\u{1b}[?1004l"),
        ] {
            assert!(self.count(on) >= times, "{what} on: {:?}", self.text());
            assert_eq!(self.count(off), times, "{what} off: {:?}", self.text());
        }
        assert_eq!(self.count("\u{1b}[?1049h"), times);
        assert_eq!(self.count("\u{1b}[?1000h"), self.count("\u{1b}[?1000l"), "mouse");
        assert_eq!(self.count("\u{1b}[?2026h"), self.count("\u{1b}[?2026l"), "synchronised updates");
        let screen = self.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time that a process has used, in hundredths of a second; `None` when it is gone.
pub(crate) fn ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    if fields[0] == "Z" {
        return None;
    }
    Some(fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?)
}
