//! View and theme files: every good one loads, every bad one is told where, what and how to mend it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup::config::color::{Color, Vision, contrast, distance};
use trueup::config::theme::{self, Role, Theme, Tone};
use trueup::config::view::{self, Of};
use trueup::domain::{Dataset, Problem};

fn all(problems: &[Problem]) -> String {
    problems.iter().map(|p| format!("{p}\n")).collect()
}

/// The complaints about a user's `views/founder.toml`.
fn view_complaints(text: &str) -> String {
    match view::load("founder", &[("founder".into(), text.into())]) {
        Ok(_) => "no complaint".into(),
        Err(problems) => all(&problems),
    }
}

fn theme_complaints(text: &str) -> String {
    match theme::load("mine", &[("mine".into(), text.into())]) {
        Ok(_) => "no complaint".into(),
        Err(problems) => all(&problems),
    }
}

#[test]
fn every_role_reaches_every_screen_and_opens_its_own_first() {
    for (role, first) in [("founder", "Today"), ("support", "Find"), ("engineer", "Flow")] {
        let views = view::load(role, &[]).unwrap_or_else(|p| panic!("{}", all(&p)));
        let titles: Vec<_> = views.screens.iter().map(|s| format!("{} {}", s.number, s.title)).collect();
        assert_eq!(titles, ["1 Today", "2 Find", "3 Flow", "4 Queue", "5 Checks", "6 Sources"]);
        assert_eq!(views.screens[views.first].title, first);
        for of in [Of::Dataset(Dataset::Mismatches), Of::Traffic, Of::Queues, Of::Found, Of::Reasons] {
            assert!(views.panes.iter().any(|pane| pane.of == of), "{role} has no {of:?}");
        }
    }
    assert_eq!(view::roles(&[]), ["founder", "support", "engineer"]);
}

#[test]
fn a_role_of_ones_own_extends_and_adjusts_without_rewriting() {
    let mine = r#"
        extends = "engineer"
        first = "queue"
        [adjust.jobs]
        hide = ["attempts"]
        first = ["last_error"]
        sort = "run_at desc"
        where = "state = dead"
        [screens.night]
        title = "Night"
        number = 7
        rows = [["queues:2", "uptime"], ["deliveries"]]
        heights = [1, 3]
        narrow = "first"
    "#;
    let views = view::load("mine", &[("mine".into(), mine.into())]).unwrap_or_else(|p| panic!("{}", all(&p)));
    assert_eq!(views.screens[views.first].name, "queue");
    assert_eq!(views.screens.last().unwrap().title, "Night");
    let jobs = &views.panes[views.pane("jobs").unwrap()];
    assert_eq!(jobs.columns[0].field.name, "last_error");
    assert!(jobs.columns.iter().any(|c| c.field.name == "attempts" && c.hidden));
    assert!(jobs.sort.unwrap().descending && jobs.filter.terms.len() == 1);
}

#[test]
fn every_mistake_in_a_view_names_its_line_and_the_way_out() {
    let cases = [
        (
            "extends = \"base\"\nfirts = \"today\"",
            "views/founder.toml:2: no setting `firts`\n  hint: did you mean `first`?",
        ),
        ("extends = \"bsae\"", "views/founder.toml:1: no view `bsae`\n  hint: did you mean `base`?"),
        ("extends = \"founder\"", "views/founder.toml:1: `founder` extends itself"),
        ("extends = \"base\"\nfirst = \"tody\"", ":2: no screen `tody`\n  hint: did you mean `today`?"),
        (
            "extends = \"base\"\n[adjust.mismatch]\nhide = [\"money\"]",
            ":2: no pane `mismatch`\n  hint: did you mean `mismatches`?",
        ),
        (
            "extends = \"base\"\n[adjust.mismatches]\nhide = [\"mony\"]",
            ":3: no column `mony`\n  hint: did you mean `money`?",
        ),
        (
            "extends = \"base\"\n[adjust.mismatches]\nsort = \"sinse\"",
            ":3: no field `sinse`\n  hint: did you mean `since`?",
        ),
        (
            "extends = \"base\"\n[adjust.mismatches]\nsort = \"since dessc\"",
            ":3: no direction `dessc`\n  hint: did you mean `desc`?",
        ),
        ("extends = \"base\"\n[adjust.webhooks]\nsort = \"total\"", ":3: `sort` has no effect on this pane"),
        ("extends = \"base\"\n[adjust.webhooks]\nwhere = \"x = 1\"", ":3: `where` has no effect on this pane"),
        ("extends = \"base\"\n[adjust.jobs]\nwhere = \"stat = dead\"", ":3: `where`: "),
        ("extends = \"base\"\n[adjust.jobs]\nlimit = 9000", ":3: `limit` is 9000, expected 1 to 2000"),
        ("extends = \"base\"\n[adjust.jobs]\nhide = \"key\"", ":3: `hide` is string, expected a list"),
        (
            "extends = \"base\"\n[adjust.jobs]\nhide = [\"key\"]\nfirst = [\"key\"]",
            ":4: `key` is both hidden and put first",
        ),
        (
            "extends = \"base\"\n[screens.today]\nrows = [[\"webhook\"]]",
            ":3: no pane `webhook`\n  hint: did you mean `webhooks`?",
        ),
        (
            "extends = \"base\"\n[screens.today]\nrows = [[\"queues:0\"]]",
            ":3: the weight in `queues:0` is not 1 to 100",
        ),
        ("extends = \"base\"\n[screens.today]\nheights = [1]", ":3: 1 heights for 4 rows"),
        (
            "extends = \"base\"\n[screens.mine]\nnumber = 1\nrows = [[\"jobs\"]]",
            ":2: screens `today` and `mine` both have number 1",
        ),
        ("extends = \"base\"\n[screens.mine]\nrows = [[\"jobs\"]]", ":2: screen `mine` has no `number`"),
        (
            "extends = \"base\"\n[screens.today]\nnarrow = \"stak\"",
            ":3: no arrangement `stak`\n  hint: did you mean `stack`?",
        ),
        (
            "extends = \"base\"\n[panes.x]\nof = \"jobs\"\ncolumns = [{ field = \"key\" }]",
            ":2: `x` is on no screen, so this has no effect",
        ),
        (
            "extends = \"base\"\n[panes.x]\nof = \"job\"\ncolumns = []",
            ":3: no dataset `job`\n  hint: did you mean `jobs`?",
        ),
        (
            "extends = \"base\"\n[panes.x]\nof = \"jobs\"\ncolumns = [{ field = \"key\", format = \"money\" }]",
            ":4: `key` cannot be written as money",
        ),
        (
            "extends = \"base\"\n[panes.x]\nof = \"jobs\"\ncolumns = [{ field = \"key\", widht = 3 }]",
            ":4: no setting `widht`\n  hint: did you mean `width`?",
        ),
        ("extends = \"base\"\n[panes.x\nof = 3", "views/founder.toml:2: "),
        ("", "the views of `founder` hold no screen"),
    ];
    for (text, wanted) in cases {
        let got = view_complaints(text);
        assert!(got.contains(wanted), "{text}\n--- got\n{got}--- wanted\n{wanted}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let got = view_complaints("extends = \"base\"\nfrist = 1\n[adjust.jobs]\nlimit = 0\nhide = [\"nope\"]");
    assert_eq!(got.lines().filter(|line| line.starts_with("views/")).count(), 3, "{got}");
}

#[test]
fn a_file_of_any_shape_is_a_complaint_and_never_a_panic() {
    use proptest::prelude::*;
    let word = proptest::sample::select(vec![
        "extends",
        "first",
        "panes",
        "screens",
        "adjust",
        "x",
        "of",
        "rows",
        "columns",
        "=",
        "[",
        "]",
        "{",
        "}",
        "\"jobs\"",
        "\"base\"",
        "1",
        "true",
        "\n",
        ".",
        ",",
        "'",
        "field",
        "width",
        "-1",
        "99999999999999999999",
    ]);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&prop::collection::vec(word, 0..30), |words| {
            let text = words.join(" ");
            let _ = view_complaints(&text);
            let _ = theme_complaints(&text);
            Ok(())
        })
        .unwrap();
}

#[test]
fn every_mistake_in_a_theme_names_its_line_and_the_way_out() {
    let cases = [
        ("inherits = \"dask\"", "themes/mine.toml:1: no theme `dask`\n  hint: did you mean `dusk`?"),
        ("[roles]\n\"text.mutd\" = \"red\"", ":2: no role `text.mutd`\n  hint: did you mean `text.muted`?"),
        ("[roles]\ntext = \"rad\"", ":2: no colour `rad`\n  hint: did you mean `red`?"),
        ("[palette]\nink = \"#12\"", ":2: `ink` is not a colour"),
        ("[status.okay]\nglyph = \"x\"", ":1: no status `okay`"),
        ("[status.ok]\nglyph = \"漢\"", ":2: `glyph` must be one cell wide"),
        ("[status.ok]\nascii = \"✓\"", ":2: `ascii` must be one cell wide of plain ASCII"),
        ("[status.ok]\nblod = true", ":2: no setting `blod`\n  hint: did you mean `bold`?"),
    ];
    for (text, wanted) in cases {
        let got = theme_complaints(text);
        // A setting inside a status is read by a reader of its own: it must be checked as strictly.
        assert!(got.contains(wanted), "{text}\n--- got\n{got}--- wanted\n{wanted}");
    }
}

#[test]
fn a_theme_may_build_on_the_built_in_of_its_own_name() {
    let mine = "inherits = \"dusk\"\n[roles]\nspark = \"#ffffff\"";
    let theme = theme::load("dusk", &[("dusk".into(), mine.into())]).unwrap();
    assert_eq!(theme.paint(Role::Spark).fg, Some(Color::Rgb(255, 255, 255)));
    assert_eq!(theme.background, Some(Color::Rgb(0x14, 0x17, 0x1c)));
}

fn themes() -> Vec<Theme> {
    theme::names().map(|name| theme::load(name, &[]).unwrap_or_else(|p| panic!("{name}: {}", all(&p)))).collect()
}

#[test]
fn every_status_has_its_glyph_its_letter_and_its_word_in_every_theme() {
    for theme in themes() {
        let glyphs: Vec<_> = Tone::ALL.iter().map(|t| theme.mark(*t).glyph.clone()).collect();
        assert_eq!(glyphs, ["✗", "▴", "?", "◌", "✓"], "{}", theme.name);
        let ascii: Vec<_> = Tone::ALL.iter().map(|t| theme.mark(*t).ascii.clone()).collect();
        assert_eq!(ascii, ["x", "!", "?", "~", "+"], "{}", theme.name);
        assert!(Tone::ALL.iter().all(|t| !theme.mark(*t).word.is_empty()));
        assert_ne!(theme.mark(Tone::Ok).paint, theme.mark(Tone::Unknown).paint, "unknown is never green");
    }
}

#[test]
fn mono_has_no_colour_at_all() {
    let mono = theme::load("mono", &[]).unwrap();
    let paints = Role::ALL.iter().map(|r| mono.paint(*r)).chain(Tone::ALL.iter().map(|t| mono.mark(*t).paint));
    for paint in paints {
        assert_eq!((paint.fg, paint.bg), (None, None));
    }
}

#[test]
fn everything_that_says_something_stands_out_from_its_ground() {
    for theme in themes() {
        let Some(ground) = theme.background else { continue };
        for role in Role::ALL {
            // A rule is a line beside a title: it says nothing by itself.
            let least = if matches!(role, Role::Rule) { 2.0 } else { 4.5 };
            let paint = theme.paint(*role);
            let (ink, under) = (paint.fg.or(theme.paint(Role::Text).fg).unwrap(), paint.bg.unwrap_or(ground));
            let got = contrast(ink, under).unwrap();
            assert!(got >= least, "{}: {} has {got:.2}", theme.name, role.name());
        }
        for tone in Tone::ALL {
            let ink = theme.mark(tone).paint.fg.unwrap();
            // Also on the row under the cursor.
            let lifted = theme.paint(Role::Cursor).bg.unwrap();
            let got = contrast(ink, ground).unwrap();
            assert!(got >= 4.5, "{}: {} has {got:.2}", theme.name, tone.name());
            let got = contrast(ink, lifted).unwrap();
            assert!(got >= 3.0, "{}: {} under the cursor has {got:.2}", theme.name, tone.name());
        }
    }
}

#[test]
fn statuses_stay_apart_for_every_kind_of_colour_vision() {
    for theme in themes() {
        if theme.background.is_none() {
            continue;
        }
        for (at, a) in Tone::ALL.iter().enumerate() {
            for b in &Tone::ALL[at + 1..] {
                for vision in Vision::ALL {
                    let ink = |tone: Tone| theme.mark(tone).paint.fg.unwrap();
                    let far = distance(ink(*a), ink(*b), vision).unwrap();
                    assert!(
                        far >= 0.14,
                        "{}: {} and {} are {far:.3} apart for {vision:?}",
                        theme.name,
                        a.name(),
                        b.name()
                    );
                }
            }
        }
    }
}
