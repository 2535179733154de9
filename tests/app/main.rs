//! The console as a state machine: whatever happens, in whatever order, it stays whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fixture/mod.rs"]
mod fixture;
mod lives;

use fixture::{Console, World, at};
use trueup::app::command::{Command, TABLE};
use trueup::app::overlay::{Act, Overlay};
use trueup::app::{Effect, Engine, Input, Msg, Page, palette};
use trueup::config::{theme, view};
use trueup::domain::{Row, Text};

fn pane(console: &Console, name: &str) -> usize {
    console.model.views().pane(name).unwrap()
}

fn cursor(console: &Console, name: &str) -> Option<String> {
    let pane = &console.model.panes[pane(console, name)];
    pane.current().map(|item| item.key().to_string())
}

fn loads(effects: &[Effect]) -> usize {
    effects.iter().filter(|e| matches!(e, Effect::Load { .. } | Effect::LoadTraffic { .. })).count()
}

#[test]
fn the_first_message_asks_for_everything_visible_and_always_with_a_limit() {
    let console = Console::open("founder", (120, 36), World::Silent);
    assert!(console.effects.contains(&Effect::LoadStatus { request: 1 }));
    assert_eq!(loads(&console.effects), 6, "{:?}", console.effects);
    for effect in &console.effects {
        if let Effect::Load { query, .. } = effect {
            assert!(query.limit > 0 && query.limit <= 2000);
        }
    }
}

#[test]
fn rows_that_arrive_above_do_not_move_the_row_under_the_cursor() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.keys("j j");
    let before = cursor(&console, "mismatches").unwrap();
    let (pane, request) = (pane(&console, "mismatches"), next_request(&mut console, "mismatches"));
    let mut rows = fixture::rows(trueup::domain::Dataset::Mismatches, World::Full);
    let mut worse = rows[0].clone();
    if let Row::Mismatch(m) = &mut worse {
        m.id = Text::new("paid_blocked:9999");
    }
    rows.insert(0, worse);
    console.send(Msg::Rows { pane, request, revision: 2, result: Ok(Page { rows, total: None }) });
    assert_eq!(cursor(&console, "mismatches").unwrap(), before);
    assert_eq!(console.model.panes[pane].index(), Some(3));
}

fn silenced(from: usize, count: usize) -> impl Iterator<Item = Row> {
    let rows = fixture::rows(trueup::domain::Dataset::Mismatches, World::Full);
    let told = rows.into_iter().find(|row| row.value("class") == trueup::domain::Value::Word("incomplete_evidence"));
    let told = told.expect("the fixture has one");
    (from..from + count).map(move |n| {
        let mut row = told.clone();
        if let Row::Mismatch(m) = &mut row {
            m.id = Text::new(format!("incomplete_evidence:{n}"));
            m.customer = Some(Text::new(n.to_string()));
            m.evidence = Text::new("HubSpot does not answer (503)");
        }
        row
    })
}

#[test]
fn customers_whom_a_silent_source_leaves_in_the_dark_are_one_row_until_it_is_opened() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    let (pane, request) = (pane(&console, "mismatches"), next_request(&mut console, "mismatches"));
    let mut rows = fixture::rows(trueup::domain::Dataset::Mismatches, World::Full);
    rows.retain(|row| row.value("class") != trueup::domain::Value::Word("incomplete_evidence"));
    let others = rows.len();
    rows.extend(silenced(0, 150));
    let page = Page { total: Some(rows.len() as i64), rows };
    console.send(Msg::Rows { pane, request, revision: 2, result: Ok(page) });
    console.keys("G");
    assert_eq!(console.model.panes[pane].items().len(), others + 1);
    assert_eq!(cursor(&console, "mismatches").unwrap(), "cannot tell/HubSpot does not answer (503)");
    assert!(console.screen().contains("150 customers"), "{}", console.screen());

    // More of them: the cursor stays on their row, and a mark holds.
    console.keys("space");
    let request = next_request(&mut console, "mismatches");
    let mut rows: Vec<Row> = fixture::rows(trueup::domain::Dataset::Mismatches, World::Full);
    rows.truncate(2);
    rows.extend(silenced(0, 160));
    console.send(Msg::Rows { pane, request, revision: 3, result: Ok(Page { rows, total: Some(162) }) });
    assert_eq!(cursor(&console, "mismatches").unwrap(), "cannot tell/HubSpot does not answer (503)");
    assert_eq!(console.model.panes[pane].index(), Some(2));
    assert_eq!(console.model.panes[pane].marked.len(), 1);
    assert!(console.screen().contains("160 customers"), "{}", console.screen());

    console.effects.clear();
    console.keys("enter");
    console.pass(300);
    let asked = console.effects.iter().find_map(|effect| match effect {
        Effect::Load { pane: p, request, query } if *p == pane => Some((*request, query.expr.to_string())),
        _ => None,
    });
    let (request, asked) = asked.expect("enter asks for them one by one");
    assert_eq!(asked, "class = incomplete_evidence");
    let rows = silenced(0, 160).collect();
    console.send(Msg::Rows { pane, request, revision: 4, result: Ok(Page { rows, total: Some(160) }) });
    assert_eq!(console.model.panes[pane].items().len(), 160);
    console.keys("esc");
    assert!(console.model.panes[pane].filter.is_none());
}

#[test]
fn a_fold_that_fills_the_page_asks_for_what_stands_behind_it() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    let (pane, request) = (pane(&console, "mismatches"), next_request(&mut console, "mismatches"));
    let rows: Vec<Row> = silenced(0, 200).collect();
    console.effects.clear();
    console.send(Msg::Rows { pane, request, revision: 2, result: Ok(Page { rows, total: Some(241) }) });
    assert!(console.screen().contains("200+ customers"), "{}", console.screen());
    console.pass(1000);
    let asked = console.effects.iter().find_map(|effect| match effect {
        Effect::Load { pane: p, query, .. } if *p == pane => Some(query.limit),
        _ => None,
    });
    assert_eq!(asked, Some(400));
}

/// Makes the store answer nothing, announces a revision and returns the request that the pane then made.
fn next_request(console: &mut Console, name: &str) -> u64 {
    let wanted = pane(console, name);
    console.world = World::Silent;
    console.effects.clear();
    console.now = console.now.plus_ms(1000);
    console.send(Msg::Revision(console.model.revision + 1));
    let request = console.effects.iter().find_map(|effect| match effect {
        Effect::Load { pane, request, .. } | Effect::Find { pane, request, .. } if *pane == wanted => Some(*request),
        _ => None,
    });
    request.expect("a visible pane asks after a revision")
}

#[test]
fn the_cursor_that_was_never_moved_stays_on_the_worst_row() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    let (pane, request) = (pane(&console, "mismatches"), next_request(&mut console, "mismatches"));
    let mut rows = fixture::rows(trueup::domain::Dataset::Mismatches, World::Full);
    rows.reverse();
    let first = rows[0].key();
    console.send(Msg::Rows { pane, request, revision: 2, result: Ok(Page { rows, total: None }) });
    assert_eq!(console.model.panes[pane].current().map(|item| item.key()), Some(first));
}

#[test]
fn a_live_tail_stops_when_somebody_moves_counts_what_is_newer_and_g_resumes() {
    let mut console = Console::open("engineer", (120, 36), World::Full);
    console.keys("j j j");
    let held = cursor(&console, "deliveries").unwrap();
    let (pane, request) = (pane(&console, "deliveries"), next_request(&mut console, "deliveries"));
    let newer: Vec<Row> = fixture::deliveries(-41, 200).into_iter().map(|d| Row::Delivery(Box::new(d))).collect();
    console.send(Msg::Rows { pane, request, revision: 9, result: Ok(Page { rows: newer, total: None }) });
    assert_eq!(cursor(&console, "deliveries").unwrap(), held);
    assert_eq!(console.model.panes[pane].newer(), Some(41));
    assert!(console.screen().contains("stopped, 41 newer, G follows"), "{}", console.screen());
    console.keys("G");
    assert_eq!(console.model.panes[pane].newer(), None);
    let newest = fixture::deliveries(-41, 1)[0].id.to_string();
    assert_eq!(cursor(&console, "deliveries").unwrap(), newest);
}

#[test]
fn a_filter_in_a_stopped_tail_leaves_no_cursor_on_a_row_that_is_gone() {
    let mut console = Console::open("engineer", (120, 36), World::Full);
    console.keys("j j j");
    let (pane, request) = (pane(&console, "deliveries"), next_request(&mut console, "deliveries"));
    let other: Vec<Row> = fixture::deliveries(500, 50).into_iter().map(|d| Row::Delivery(Box::new(d))).collect();
    console.send(Msg::Rows { pane, request, revision: 9, result: Ok(Page { rows: other, total: None }) });
    console.keys("/").type_in("state = failed");
    let state = &console.model.panes[pane];
    assert!(state.cursor.is_none() && state.held.is_none() && state.index() == Some(0));
}

#[test]
fn five_hundred_revisions_a_second_load_a_pane_five_times() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.pass(1000);
    console.effects.clear();
    for n in 0..500 {
        console.now = console.now.plus_ms(2);
        console.send(Msg::Revision(100 + n));
    }
    let one = pane(&console, "mismatches");
    let count = console.effects.iter().filter(|e| matches!(e, Effect::Load { pane, .. } if *pane == one)).count();
    assert!((4..=6).contains(&count), "{count}");
}

#[test]
fn frozen_stops_the_picture_and_not_the_data() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.keys("p");
    let before = console.screen();
    assert!(before.contains("FROZEN at 14:02:11"), "{before}");
    console.pass(300);
    console.world = World::Empty;
    console.send(Msg::Revision(50));
    console.pass(90_000);
    assert_eq!(console.screen(), before, "nothing moves");
    console.keys("p");
    console.pass(400);
    assert!(console.screen().contains("Every customer that was compared agrees"), "{}", console.screen());
}

#[test]
fn idle_means_asleep() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    // The youngest row is four seconds old: after two minutes nothing is fresh, and the settling one has settled.
    for _ in 0..400 {
        let next = console.model.deadline(console.now).expect("ages change");
        console.now = next;
        console.send(Msg::Tick);
        if console.now.since(at(0)) > 180_000 {
            break;
        }
    }
    let (start, mut wakes) = (console.now, 0);
    while console.now.since(start) < 600_000 {
        console.now = console.model.deadline(console.now).expect("ages change");
        console.send(Msg::Tick);
        wakes += 1;
    }
    assert!(wakes <= 11, "{wakes} wake-ups in ten minutes");
}

#[test]
fn what_is_drawn_does_not_change_before_the_deadline() {
    let mut console = Console::open("founder", (160, 50), World::Full);
    for _ in 0..60 {
        let before = console.screen();
        let next = console.model.deadline(console.now).unwrap();
        let last = next.plus_ms(-1).max(console.now);
        let fresh = next.since(console.now) < 59_000;
        // Minutes are drawn on a common beat; everything fresher is exact.
        if fresh && console.now.since(at(0)) < 20_000 {
            assert_eq!(fixture::screen(&console.model, last), before);
        }
        console.now = next;
        console.send(Msg::Tick);
    }
}

#[test]
fn a_filter_that_cannot_be_read_says_so_and_keeps_the_rows() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.keys("/").type_in("severity = hgih");
    let screen = console.screen();
    assert!(screen.contains("hgih") && screen.contains("high"), "{screen}");
    assert!(screen.contains("Ana Duarte"));
    console.keys("esc");
    assert!(console.model.typing.is_none() && console.model.panes[pane(&console, "mismatches")].filter.is_none());
}

#[test]
fn a_filter_goes_into_the_query_and_esc_clears_it_before_it_leaves() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.pass(300);
    console.effects.clear();
    console.keys("/").type_in("severity >= high").keys("enter");
    console.pass(300);
    let terms = console.effects.iter().rev().find_map(|effect| match effect {
        Effect::Load { query, .. } if !query.expr.terms.is_empty() => Some(query.expr.terms.len()),
        _ => None,
    });
    assert_eq!(terms, Some(1));
    assert!(console.screen().contains("/severity >= high"));
    console.keys("esc");
    assert!(!console.screen().contains("/severity"));
}

#[test]
fn a_paste_is_data_and_never_a_command() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    for text in ["q", "\u{1b}[201~q", ":quit\n", "\u{3}"] {
        console.effects.clear();
        console.send(Msg::Input(Input::Paste(text.into())));
        assert!(!console.effects.contains(&Effect::Quit));
        assert!(console.model.overlay.is_none() && console.model.typing.is_none());
    }
}

#[test]
fn ctrl_c_leaves_from_everywhere() {
    for keys in ["", "?", ":", "/", "2", "enter", "a", "T", "p"] {
        let mut console = Console::open("founder", (120, 36), World::Full);
        console.keys(keys).keys("ctrl-c");
        assert!(console.effects.contains(&Effect::Quit), "{keys}");
    }
}

#[test]
fn support_types_at_once_and_enter_opens_the_only_hit() {
    let mut console = Console::open("support", (120, 36), World::Full);
    console.type_in("quince");
    console.pass(300);
    assert!(console.screen().contains("Nobody and nothing is known by \"quince\""), "{}", console.screen());
    console.keys("ctrl-u").type_in("ana");
    console.pass(300);
    console.keys("enter");
    console.pass(300);
    let screen = console.screen();
    assert!(screen.contains("Find \"ana\" > Ana Duarte"), "{screen}");
    console.keys("esc");
    assert!(console.screen().contains("Results"));
}

#[test]
fn drilling_in_and_walking_history_end_where_they_began() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    let start = console.model.place.clone();
    console.keys("enter").pass(300).keys("3 4 [ [ [");
    assert_eq!(console.model.place, start);
    console.keys("]");
    assert!(console.screen().contains("> Ana Duarte") || console.screen().contains("1182"), "{}", console.screen());
}

#[test]
fn every_command_is_in_the_palette_and_in_help() {
    let console = Console::open("founder", (120, 36), World::Full);
    let all = palette::choices(&console.model, "");
    let help = palette::help(&console.model, "");
    for spec in TABLE {
        assert!(help.iter().any(|(s, _)| s.command == spec.command), "{} is not in help", spec.name);
        match spec.command {
            Command::Screen(n) => {
                let exists = console.model.views().screens.iter().position(|s| s.number == n);
                if let Some(at) = exists {
                    assert!(all.iter().any(|c| c.act == Act::Screen(at)));
                }
            }
            command => assert!(all.iter().any(|c| c.act == Act::Run(command)), "{} cannot be reached", spec.name),
        }
    }
}

#[test]
fn the_palette_finds_by_a_few_letters() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.keys(":").type_in("flow").keys("enter");
    assert!(console.screen().contains("> Flow"), "{}", console.screen());
    console.effects.clear();
    console.keys(":").type_in("dusk").keys("enter");
    assert!(console.effects.contains(&Effect::LoadTheme("dusk".into())));
}

#[test]
fn the_page_of_keys_is_what_the_table_says() {
    let page = trueup::app::keys_markdown();
    if std::env::var_os("WRITE_KEYS").is_some() {
        std::fs::write("assets/keys.md", &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string("assets/keys.md").unwrap(), page);
}

#[test]
fn nothing_that_would_change_the_world_can_be_asked_for() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.keys("a");
    let Some(Overlay::Menu { items, .. }) = &console.model.overlay else { panic!("no menu") };
    assert!(items.iter().any(|item| item.refused && item.detail.contains("read-only")));
    console.effects.clear();
    console.keys("enter");
    assert!(console.effects.is_empty());
    assert!(console.screen().contains("read-only: acting is not allowed"));
}

#[test]
fn a_store_that_goes_away_leaves_the_rows_with_their_age_and_heals_by_itself() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.world = World::Broken;
    console.now = console.now.plus_ms(1000);
    console.send(Msg::Revision(7));
    let screen = console.screen();
    assert!(screen.contains("Ana Duarte") && screen.contains("as of 14:02:11: the store does not answer"), "{screen}");
    console.world = World::Full;
    console.pass(2_500).pass(100);
    assert!(!console.screen().contains("as of"), "{}", console.screen());
}

#[test]
fn a_store_that_hangs_is_said_to_hang() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.world = World::Silent;
    console.now = console.now.plus_ms(1000);
    console.send(Msg::Revision(7));
    console.pass(5_000);
    assert!(!console.screen().contains("has not answered"));
    console.pass(6_000);
    assert!(console.screen().contains("the store has not answered for"), "{}", console.screen());
}

#[test]
fn a_broken_view_file_is_a_banner_and_the_last_good_views_stay() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    let bad = vec![("founder".to_owned(), "extends = \"base\"\nfirts = \"today\"\n".to_owned())];
    console.send(Msg::Views(view::load("founder", &bad).map(Box::new)));
    let screen = console.screen();
    assert!(screen.contains("views/founder.toml:2") && screen.contains("did you mean `first`"), "{screen}");
    assert!(screen.contains("Ana Duarte"));
    console.keys("esc");
    assert!(!console.screen().contains("founder.toml"));
}

#[test]
fn another_role_and_another_theme_can_be_taken_while_running() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.send(Msg::Views(view::load("engineer", &[]).map(Box::new)));
    console.pass(300);
    assert!(console.screen().contains("> Flow"));
    console.send(Msg::Theme(theme::load("paper", &[]).map(Box::new)));
    assert_eq!(console.model.setup.theme.name, "paper");
}

#[test]
fn columns_can_be_hidden_and_the_last_one_stays() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.keys("c");
    for _ in 0..12 {
        console.keys("enter j");
    }
    let name = pane(&console, "mismatches");
    let spec = console.model.views().panes[name].clone();
    assert_eq!(console.model.panes[name].columns(&spec).len(), 1);
}

#[test]
fn marked_rows_are_copied_together() {
    let mut console = Console::open("founder", (120, 36), World::Full);
    console.keys("space space y");
    assert!(console.effects.contains(&Effect::Copy("1182\n1204".into())), "{:?}", console.effects.last());
}

#[test]
fn the_engine_elsewhere_is_said_in_the_header() {
    let mut console = Console::open("founder", (160, 36), World::Full);
    console.send(Msg::Engine(Engine::Elsewhere(Text::new("host-b"))));
    assert!(console.screen().contains("watching; engine on host-b"), "{}", console.screen());
}
