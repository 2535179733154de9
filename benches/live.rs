//! Measures the running console on a pseudo-terminal over a store of 100,000 customers and 100,000 deliveries: first
//! frame, idle, 500 deliveries a second, memory. Reports; asserts nothing. Linux only (it reads `/proc`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod world;

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use trueup::domain::{Delivery, Text};
use trueup::engine::wall_clock;
use trueup::store::Store;

/// Rows and columns of the terminal.
const SIZE: (u16, u16) = (60, 200);
/// How long each phase is watched.
const WATCH: Duration = Duration::from_secs(30);
/// Deliveries of one write; 50 ms apart this makes 500 a second.
const WRITE: usize = 25;

fn main() {
    let folder = std::env::temp_dir().join(format!("trueup-live-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(fill(&folder, 100_000));
    let text = format!(
        "version = 1\nname = \"Bench\"\nenvironment = \"staging\"\n[store]\nurl = \"sqlite:{}\"\n",
        folder.join("s.db").display()
    );
    std::fs::write(folder.join("config.toml"), text).unwrap();

    for round in 1..=3 {
        let console = Console::open(&folder, "founder");
        let (first, settled) = console.painted();
        println!("start   round {round}: first bytes {first:>6.1} ms, settled {settled:>6.1} ms");
        console.close();
    }
    let console = Console::open(&folder, "engineer");
    std::thread::sleep(Duration::from_secs(5));
    let (cpu, bytes) = (console.cpu_ms(), console.bytes());
    std::thread::sleep(WATCH);
    let secs = WATCH.as_secs_f64();
    println!(
        "idle    {secs:.0} s: {:.3} % of a core, {:.0} B/s, {:.1} MiB resident",
        (console.cpu_ms() - cpu) / secs / 10.0,
        (console.bytes() - bytes) as f64 / secs,
        console.resident()
    );
    let (cpu, bytes) = (console.cpu_ms(), console.bytes());
    let mut latencies = runtime.block_on(pour(&store, &console));
    latencies.sort_by(f64::total_cmp);
    let at =
        |percent: usize| latencies.get(latencies.len().saturating_sub(1) * percent / 100).copied().unwrap_or(f64::NAN);
    println!(
        "500/s   {secs:.0} s: {:.1} % of a core, {:.0} B/s, {:.1} MiB resident; arrival to row p50 {:.0} ms, p99 {:.0} ms ({} seen)",
        (console.cpu_ms() - cpu) / secs / 10.0,
        (console.bytes() - bytes) as f64 / secs,
        console.resident(),
        at(50),
        at(99),
        latencies.len()
    );
    console.close();
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn fill(folder: &Path, customers: usize) -> Store {
    let clock = wall_clock();
    let store = Store::open(&format!("sqlite:{}", folder.join("s.db").display())).await.unwrap();
    for from in (0..customers).step_by(10_000) {
        store.save_judgements(&world::customers(from, from + 10_000, clock()), None, clock()).await.unwrap();
    }
    for from in (0..100_000).step_by(10_000) {
        let batch = world::deliveries(from, from + 10_000, clock().plus_ms(-20 * (100_000 - from as i64)));
        store.commit(trueup::domain::System::Stripe, &batch, clock()).await.unwrap();
    }
    store
}

/// Writes 500 deliveries a second and looks for the newest on the screen; returns milliseconds from commit to row.
async fn pour(store: &Store, console: &Console) -> Vec<f64> {
    let clock = wall_clock();
    let (mut latencies, mut written, mut shown) = (Vec::new(), Vec::<Instant>::new(), 0);
    let (began, mut next) = (Instant::now(), Instant::now());
    while began.elapsed() < WATCH {
        if Instant::now() >= next {
            next += Duration::from_millis(50);
            let mut batch = world::deliveries(0, WRITE, clock());
            let number = written.len() + 1;
            for (i, row) in batch.deliveries.iter_mut().enumerate() {
                *row = Delivery {
                    id: Text::new(format!("stripe:live_{number}_{i}")),
                    event_id: Text::new(format!("live_{number}_{i}")),
                    kind: Text::new(format!("live.{number:06}")),
                    received_at: clock(),
                    ..row.clone()
                };
            }
            store.commit(trueup::domain::System::Stripe, &batch, clock()).await.unwrap();
            written.push(Instant::now());
        }
        let newest = console.newest();
        for number in shown + 1..=newest {
            latencies.extend(written.get(number - 1).map(|at| at.elapsed().as_secs_f64() * 1e3));
        }
        shown = shown.max(newest);
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    latencies
}

struct Console {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
    screen: Arc<Mutex<Screen>>,
    started: Instant,
}

struct Screen {
    parser: vt100::Parser,
    bytes: u64,
    first: Option<Duration>,
    last: Option<Duration>,
}

impl Console {
    fn open(folder: &Path, role: &str) -> Self {
        let size = PtySize { rows: SIZE.0, cols: SIZE.1, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(["--config", folder.join("config.toml").to_str().unwrap(), "--role", role]);
        command.env("TRUEUP_HOME", folder.join("home"));
        command.env("TERM", "xterm-256color");
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let parser = vt100::Parser::new(SIZE.0.try_into().unwrap(), SIZE.1.try_into().unwrap(), 0);
        let screen = Arc::new(Mutex::new(Screen { parser, bytes: 0, first: None, last: None }));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let sink = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0u8; 65_536];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                let mut screen = sink.lock().unwrap();
                screen.parser.process(&buffer[..n]);
                screen.bytes += n as u64;
                screen.first.get_or_insert(started.elapsed());
                screen.last = Some(started.elapsed());
            }
        });
        Self { child, _master: pair.master, screen, started }
    }

    /// Milliseconds to the first bytes, and to the last of the first two seconds.
    fn painted(&self) -> (f64, f64) {
        std::thread::sleep(Duration::from_secs(2).saturating_sub(self.started.elapsed()));
        let screen = self.screen.lock().unwrap();
        let ms = |at: Option<Duration>| at.map_or(f64::NAN, |at| at.as_secs_f64() * 1e3);
        (ms(screen.first), ms(screen.last))
    }

    fn bytes(&self) -> u64 {
        self.screen.lock().unwrap().bytes
    }

    /// The highest number of a live event on the screen.
    fn newest(&self) -> usize {
        let text = self.screen.lock().unwrap().parser.screen().contents();
        text.match_indices("live.").filter_map(|(at, _)| text.get(at + 5..at + 11)?.parse().ok()).max().unwrap_or(0)
    }

    /// Processor time so far in milliseconds (ticks of 10 ms).
    fn cpu_ms(&self) -> f64 {
        let id = self.child.process_id().unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) * 10.0
    }

    fn resident(&self) -> f64 {
        let id = self.child.process_id().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    fn close(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
