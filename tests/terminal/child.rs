//! The process under test: this very test program, running a small face on the terminal that it was started on.

use crossterm::event::{Event, KeyCode, KeyModifiers};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use tokio::sync::mpsc;
use trueup::console::run_loop::{Face, Flow, Options, run};
use trueup::console::{clipboard, terminal};
use trueup::domain::{Text, Time};

/// Set in the environment of the process under test.
pub(crate) const SIGN: &str = "TRUEUP_TERMINAL_CHILD";

enum Msg {
    News,
    Panicked(Text),
}

struct Probe {
    typed: String,
    last: String,
    pastes: Vec<String>,
    news: u64,
    panics: Vec<Text>,
    ticks: u64,
    next: Option<Time>,
    draw_panics: bool,
    noise: bool,
    size: (u16, u16),
    sender: mpsc::Sender<Msg>,
}

impl Face for Probe {
    type Msg = Msg;

    fn input(&mut self, event: Event, now: Time) -> Flow {
        match event {
            // The terminal types an end-of-file when its writer is dropped.
            Event::Key(key) if key.modifiers.contains(KeyModifiers::CONTROL) => return Flow::Same,
            Event::Key(key) => {
                self.last = format!("{:?}", key.code);
                match key.code {
                    KeyCode::Char('q') => return Flow::Quit,
                    KeyCode::Char('p') => panic!("the face broke\nsecond line"),
                    KeyCode::Char('d') => self.draw_panics = true,
                    KeyCode::Char('w') => drop(tokio::spawn(async { panic!("a worker broke \u{1b}[2J") })),
                    KeyCode::Char('W') => {
                        let _ = std::thread::spawn(|| panic!("a thread broke")).join();
                    }
                    KeyCode::Char('c') => clipboard::copy(&Text::new("cus_42")).unwrap(),
                    KeyCode::Char('m') => terminal::set_mouse(!terminal::has_mouse()),
                    KeyCode::Char('s') => return Flow::Same,
                    KeyCode::Char('t') => self.next = Some(now.plus_ms(200)),
                    KeyCode::Char('n') => self.noise = true,
                    KeyCode::Char('f') => {
                        let sender = self.sender.clone();
                        tokio::spawn(async move {
                            for number in 0..20_000_u32 {
                                if number % 20 == 0 {
                                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                                }
                                let _ = sender.send(Msg::News).await;
                            }
                        });
                    }
                    KeyCode::Char(c) => self.typed.push(c),
                    _ => {}
                }
            }
            Event::Paste(text) => self.pastes.push(text),
            Event::Resize(columns, rows) => self.size = (columns, rows),
            other => self.last = format!("{other:?}"),
        }
        Flow::Redraw
    }

    fn message(&mut self, msg: Msg, _now: Time) -> Flow {
        match msg {
            Msg::News => self.news += 1,
            Msg::Panicked(words) => self.panics.push(words),
        }
        Flow::Redraw
    }

    fn deadline(&self) -> Option<Time> {
        self.next
    }

    fn tick(&mut self, now: Time) -> Flow {
        self.ticks += 1;
        self.next = (self.ticks < 5).then(|| now.plus_ms(200));
        Flow::Redraw
    }

    fn draw(&mut self, frame: &mut ratatui::Frame<'_>, now: Time) {
        assert!(!self.draw_panics, "the picture broke");
        let area = frame.area();
        let noise = if self.noise { now.ms().to_string().repeat(400) } else { String::new() };
        if self.noise {
            // Never still: every frame is another.
            self.next = Some(now.plus_ms(1));
        }
        let lines = vec![
            Line::from(format!("PROBE {}x{}", area.width, area.height)),
            Line::from(format!("typed [{}] last {}", self.typed, self.last)),
            Line::from(format!("pastes {} {:?}", self.pastes.len(), self.pastes.last())),
            Line::from(format!("news {} ticks {} told {:?}", self.news, self.ticks, self.size)),
            Line::from(format!("panics {} {}", self.panics.len(), self.panics.last().map_or("", |p| p.as_str()))),
            Line::from(noise),
        ];
        let text = Paragraph::new(lines).wrap(ratatui::widgets::Wrap { trim: false });
        frame.render_widget(text, area);
    }
}

/// Not a test of its own: the process under test. Without the sign it does nothing.
#[test]
fn process() {
    if std::env::var_os(SIGN).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    eprintln!("PID {} END", std::process::id());
    let ended = runtime.block_on(async {
        let (sender, messages) = mpsc::channel(1024);
        let face = Probe {
            typed: String::new(),
            last: String::new(),
            pastes: Vec::new(),
            news: 0,
            panics: Vec::new(),
            ticks: 0,
            next: None,
            draw_panics: false,
            noise: false,
            size: (0, 0),
            sender,
        };
        run(face, messages, Options { mouse: false, worker_panic: Some(Msg::Panicked) }).await
    });
    let code = match ended {
        Ok(reason) => reason.code(),
        Err(problem) => {
            eprintln!("PROBLEM {problem}");
            problem.fault.code()
        }
    };
    std::process::exit(i32::from(code));
}
