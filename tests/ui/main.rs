//! What people see: every screen, at every size, in every state.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fixture/mod.rs"]
mod fixture;

use fixture::{Console, World, all, buffer, rows, setup};
use trueup::app::{Input, Msg};
use trueup::config::settings::Environment;
use trueup::config::theme::{self, Tone};
use trueup::domain::{Dataset, Problem, Time};
use trueup::present::{Ctx, Item, table};
use unicode_width::UnicodeWidthStr;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

fn seen(name: &str, console: &Console) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name.to_owned(), console.screen()));
}

#[test]
fn every_screen_at_every_size() {
    for (role, keys, name) in [
        ("founder", "", "today"),
        ("founder", "enter", "customer"),
        ("support", "a n a", "find"),
        ("engineer", "", "flow"),
        ("engineer", "4", "queue"),
        ("engineer", "5", "checks"),
        ("engineer", "6", "sources"),
    ] {
        for (w, h) in SIZES {
            let mut console = Console::open(role, (w, h), World::Full);
            console.pass(300).keys(keys).pass(300);
            seen(&format!("{name}_{w}x{h}"), &console);
        }
    }
}

#[test]
fn every_state_at_every_size() {
    for (w, h) in SIZES {
        for (world, name) in [(World::Silent, "waiting"), (World::Empty, "empty"), (World::Broken, "failed")] {
            let mut console = Console::open("founder", (w, h), world);
            console.pass(400);
            seen(&format!("{name}_{w}x{h}"), &console);
        }
        let mut console = Console::open("founder", (w, h), World::Full);
        console.world = World::Broken;
        console.now = console.now.plus_ms(1000);
        console.send(Msg::Revision(9));
        console.pass(200_000);
        seen(&format!("stale_{w}x{h}"), &console);
    }
}

#[test]
fn everything_that_floats() {
    for (keys, name) in
        [("?", "help"), (":", "palette"), ("a", "actions"), ("y", "copy"), ("c", "columns"), ("T", "themes")]
    {
        let mut console = Console::open("founder", (120, 36), World::Full);
        console.pass(300).keys(keys);
        seen(&format!("float_{name}"), &console);
    }
    let mut console = Console::open("engineer", (120, 36), World::Full);
    console.keys("5 enter");
    seen("float_fields", &console);
}

#[test]
fn waiting_says_nothing_before_it_is_worth_a_word() {
    let mut console = Console::open("founder", (120, 36), World::Silent);
    console.pass(100);
    assert!(!console.screen().contains("reading"));
    console.pass(60);
    assert!(console.screen().contains("◌ reading"));
}

/// The strip that stands on the screen at every size, and nothing panics.
#[test]
fn every_size_draws_and_names_the_environment() {
    let sizes = [
        (0, 0),
        (1, 1),
        (2, 1),
        (1, 2),
        (3, 3),
        (5, 5),
        (10, 2),
        (12, 4),
        (20, 5),
        (30, 8),
        (40, 10),
        (59, 14),
        (60, 15),
        (61, 16),
        (79, 23),
        (80, 24),
        (99, 30),
        (100, 24),
        (101, 25),
        (120, 36),
        (200, 60),
        (300, 90),
        (300, 5),
        (20, 90),
    ];
    for world in [World::Full, World::Empty, World::Broken, World::Silent, World::Hostile] {
        for keys in ["", "enter", "2", "3", "4", "5", "6", "?", ":", "a", "T", "/", "p M", "5 enter"] {
            let mut console = Console::open("founder", (120, 36), world);
            console.keys(keys);
            for (w, h) in sizes {
                console.send(Msg::Input(Input::Resize(w, h)));
                let screen = console.screen();
                let first = screen.lines().next().unwrap_or_default();
                assert!(w < 10 || h == 0 || first.contains("PRODUCTION"), "{w}x{h} {world:?} {keys}\n{screen}");
                assert!(
                    w < 40 || h == 0 || first.contains("read-only") || first.contains("FROZEN"),
                    "{w}x{h}\n{screen}"
                );
            }
        }
    }
}

#[test]
fn a_frame_that_is_smaller_than_the_model_believes_is_drawn_as_well() {
    let console = Console::open("founder", (200, 60), World::Full);
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(33, 7)).unwrap();
    terminal.draw(|frame| trueup::ui::draw(frame, &console.model, console.now)).unwrap();
}

#[test]
fn hostile_text_neither_acts_nor_moves_a_column() {
    for (w, h) in SIZES {
        for keys in ["", "3", "4", "5", "6", "enter", "2 a n a"] {
            let mut console = Console::open("founder", (w, h), World::Hostile);
            console.pass(300).keys(keys).pass(300);
            let buffer = buffer(&console.model, console.now);
            for y in 0..h {
                let mut x = 0;
                while x < w {
                    let symbol = buffer[(x, y)].symbol();
                    assert!(
                        !symbol.chars().any(|c| c.is_control()
                            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}')),
                        "{symbol:?}"
                    );
                    x += u16::try_from(symbol.width()).unwrap().max(1);
                }
                assert_eq!(x, w, "a wide character hangs over the edge in row {y}");
            }
        }
    }
}

#[test]
fn a_row_is_exactly_as_wide_as_its_columns_whatever_stands_in_it() {
    let theme = theme::load("terminal", &[]).unwrap();
    let console = Console::open("founder", (120, 36), World::Full);
    for pane in &console.model.views().panes {
        let Some(dataset) = pane.of.dataset() else { continue };
        let items = Item::rows(pane.of, rows(dataset, World::Hostile));
        for width in [4_u16, 9, 17, 40, 57, 80, 97, 120, 200, 300] {
            let laid = table::lay(&pane.columns, width);
            let wide = laid.iter().map(|l| usize::from(l.width) + 2).sum::<usize>() - 2;
            assert!(wide <= usize::from(width), "{} at {width}: {wide}", pane.name);
            for item in &items {
                for (masked, ascii) in [(false, false), (true, true)] {
                    let ctx = Ctx { masked, ascii, ..Ctx::plain(console.now) };
                    let line = table::row(item, &laid, width, &ctx, &theme);
                    let noted = item.note(&ctx).is_some();
                    assert!(
                        noted && line.width() <= width.into() || line.width() == wide,
                        "{}: {}",
                        pane.name,
                        line.text()
                    );
                }
            }
        }
    }
}

#[test]
fn masked_screens_hold_no_address_and_no_name() {
    let mut clear = Console::open("founder", (160, 50), World::Full);
    for keys in ["", "2 a n a", "3", "4", "6", "enter"] {
        clear.keys("1").keys(keys).pass(300);
        let shown = clear.screen();
        let mut start = setup("founder", (160, 50));
        start.masked = true;
        let mut console = Console::start(start, World::Full);
        console.pass(300).keys(keys).pass(300);
        let screen = console.screen();
        assert!(screen.contains("masked"), "{screen}");
        for secret in ["Ana", "Duarte", "duarte", "Okafor", "Kestrel", "Tanaka", "王小明"] {
            assert!(!screen.contains(secret), "{secret} after {keys}\n{screen}\n{shown}");
        }
    }
}

#[test]
fn masking_takes_hold_in_the_next_frame() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    assert!(console.screen().contains("Ana Duarte"));
    console.keys("M");
    assert!(!console.screen().contains("Ana Duarte"));
}

#[test]
fn ascii_means_ascii() {
    let mut start = setup("founder", (120, 36));
    start.ascii = true;
    let mut console = Console::start(start, World::Full);
    for keys in ["", "3", "4", "5", "6", "enter", "?", "esc : "] {
        console.keys(keys).pass(300);
        let text = console.screen().replace("王小明", "");
        assert!(text.is_ascii(), "{keys}\n{text}");
    }
}

#[test]
fn colour_is_never_alone() {
    // Every row that is drawn in the ink of a tone carries that tone's glyph or letter in the same row.
    let console = Console::open("founder", (200, 60), World::Full);
    let theme = &console.model.setup.theme;
    let screen = console.screen();
    for tone in [Tone::Crit, Tone::Warn, Tone::Unknown, Tone::Wait, Tone::Ok] {
        let mark = theme.mark(tone);
        assert!(screen.contains(&format!("{} ", mark.glyph)), "{} is not on the screen", mark.glyph);
    }
    let mut mono = setup("founder", (200, 60));
    mono.theme = theme::load("mono", &[]).unwrap_or_else(|p| panic!("{}", all(&p)));
    let mono = Console::start(mono, World::Full);
    assert_eq!(mono.screen(), screen, "without colour the same is said");
}

#[test]
fn a_themes_ground_covers_every_cell() {
    let mut start = setup("founder", (120, 36));
    start.theme = theme::load("paper", &[]).unwrap();
    let mut console = Console::start(start, World::Full);
    for keys in ["", "?"] {
        console.keys(keys);
        let buffer = buffer(&console.model, console.now);
        let cells = buffer.content();
        let bare = (0..cells.len()).filter(|at| cells[*at].bg == ratatui::style::Color::Reset);
        // The second half of a wide character is never sent to the terminal.
        let bare: Vec<_> = bare.filter(|at| *at == 0 || cells[at - 1].symbol().width() < 2).collect();
        assert!(bare.is_empty(), "after {keys:?}: {bare:?}");
    }
}

#[test]
fn the_mode_and_the_environment_are_words() {
    for (environment, word) in [
        (Environment::Production, "PRODUCTION"),
        (Environment::Staging, "STAGING"),
        (Environment::Development, "DEVELOPMENT"),
    ] {
        let mut start = setup("founder", (120, 36));
        start.environment = environment;
        start.demo = true;
        let console = Console::start(start, World::Full);
        let first = console.screen().lines().next().unwrap().to_owned();
        assert!(first.contains(word) && first.contains("read-only") && first.contains("simulated"), "{first}");
    }
}

#[test]
fn a_banner_gives_place_reason_and_hint_in_one_line() {
    let mut console = Console::open("founder", (160, 36), World::Full);
    console
        .send(Msg::Banner(Problem::usage("no setting `colour`").at("views/base.toml:7").hint("did you mean `color`?")));
    assert!(
        console
            .screen()
            .lines()
            .nth(1)
            .unwrap()
            .contains("views/base.toml:7: no setting `colour`; did you mean `color`?")
    );
}

#[test]
fn nothing_out_of_step_is_not_said_to_be_fine_while_a_source_is_silent() {
    let mut console = Console::open("founder", (120, 36), World::Empty);
    assert!(console.screen().contains("Every customer that was compared agrees"));
    let status = fixture::status();
    if let Some(figures) = console.model.status.data_mut() {
        figures.sources = status.sources;
    }
    let screen = console.screen();
    assert!(screen.contains("only 3 of 4 sources can tell"), "{screen}");
    assert!(screen.contains("? nobody known locked out"), "{screen}");
}

/// Prints what a frame costs; no time is asserted, since machines differ.
#[test]
fn what_a_frame_costs() {
    let mut console = Console::open("founder", (200, 60), World::Full);
    console.pass(300);
    let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(200, 60)).unwrap();
    let mut times: Vec<u128> = (0..60)
        .map(|_| {
            let start = std::time::Instant::now();
            terminal.draw(|frame| trueup::ui::draw(frame, &console.model, console.now)).unwrap();
            start.elapsed().as_micros()
        })
        .collect();
    times.sort_unstable();
    println!("frame 200x60: median {} us", times[30]);
    assert!(console.model.deadline(Time::from_ms(fixture::NOW + 400)).is_some());
    assert!(!rows(Dataset::Mismatches, World::Full).is_empty());
}

/// `LOOK=120x30 ROLE=support KEYS="2; type ana" WORLD=empty cargo test --test ui look -- --nocapture` prints a screen;
/// with `ANSI=file THEME=dusk` it writes the screen in colour.
#[test]
fn look() {
    let Ok(size) = std::env::var("LOOK") else { return };
    let (w, h) = size.split_once('x').map(|(w, h)| (w.parse().unwrap(), h.parse().unwrap())).unwrap();
    let role = std::env::var("ROLE").unwrap_or("founder".into());
    let world = match std::env::var("WORLD").as_deref() {
        Ok("empty") => World::Empty,
        Ok("broken") => World::Broken,
        Ok("silent") => World::Silent,
        Ok("hostile") => World::Hostile,
        _ => World::Full,
    };
    let mut console = Console::open(&role, (w, h), world);
    console.pass(400);
    for step in std::env::var("KEYS").unwrap_or_default().split("; ") {
        match step.strip_prefix("type ") {
            Some(text) => console.type_in(text),
            None => console.keys(step),
        };
        console.pass(250);
    }
    if let Ok(file) = std::env::var("ANSI") {
        console.model.setup.theme = theme::load(&std::env::var("THEME").unwrap_or("terminal".into()), &[]).unwrap();
        let backend = ratatui::backend::CrosstermBackend::new(std::fs::File::create(file).unwrap());
        let viewport = ratatui::Viewport::Fixed(ratatui::layout::Rect::new(0, 0, w, h));
        let mut terminal = ratatui::Terminal::with_options(backend, ratatui::TerminalOptions { viewport }).unwrap();
        terminal.draw(|frame| trueup::ui::draw(frame, &console.model, console.now)).unwrap();
        return;
    }
    println!("{}", console.screen());
}
