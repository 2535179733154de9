//! The last line: what a key would do here, from the command table; what is said; what is typed.

use crate::app::command::{Command, Spec, TABLE};
use crate::app::layout::Plan;
use crate::app::model::{Place, Typing};
use crate::app::{Model, palette};
use crate::config::theme::{Role, Tone};
use crate::domain::Time;
use crate::present::{Line, Mark, format, table};

/// The footer and, when a filter is typed, the caret's cell.
pub(super) fn line(model: &Model, plan: &Plan, now: Time) -> (Line, Option<u16>) {
    let width = usize::from(plan.footer.w);
    if let Some(Typing::Filter { entry, problem, .. }) = &model.typing {
        return filter(model, entry, problem.as_ref(), width);
    }
    let mut right = Line::new();
    if plan.hidden > 0 && model.typing.is_none() && model.overlay.is_none() {
        right.add("tab", Role::Key);
        right.add(
            format!(" {} more {}   ", plan.hidden, if plan.hidden == 1 { "pane" } else { "panes" }),
            Role::KeyLabel,
        );
    }
    if let Some(toast) = model.toast.as_ref().filter(|toast| toast.until > now) {
        let glyph = table::mark(Mark { tone: toast.tone, word: Some("") }, &model.setup.theme, model.setup.ascii, 2);
        let room = width.saturating_sub(right.width() + 3);
        let text = format::fit(toast.text.as_str(), room, model.setup.ascii);
        let mut line = Line::of(" ", Role::Text).with(glyph, toast.tone).with(text, Role::Text);
        fill(&mut line, &mut right, width);
        return (line, None);
    }
    let mut help = true;
    let mut hints: Vec<(String, String)> = Vec::new();
    match (&model.overlay, &model.typing) {
        (Some(overlay), _) => {
            help = false;
            hints = super::overlay::hints(overlay);
        }
        (None, Some(_)) => {
            help = false;
            hints.push(("enter".into(), "results".into()));
            hints.push(("esc".into(), "leave the box: letters become commands".into()));
            hints.push(("ctrl-c".into(), "leave".into()));
        }
        (None, None) => {
            let mut specs: Vec<&Spec> = TABLE.iter().filter(|spec| spec.footer > 0 && says(model, spec)).collect();
            specs.sort_by_key(|spec| spec.footer);
            hints.extend(specs.iter().map(|spec| (spec.keys[0].to_owned(), label(model, spec))));
        }
    }
    if help {
        right.add("?", Role::Key);
        right.add(" help ", Role::KeyLabel);
    }
    let mut line = Line::of(" ", Role::Text);
    let room = width.saturating_sub(right.width());
    let screens = if help && matches!(model.place, Place::Screen(_)) { screens(model) } else { Line::new() };
    // The first hints, then the screens, then what still fits.
    let first = if screens.0.is_empty() { hints.len() } else { 4.min(hints.len()) };
    for (at, (key, label)) in hints.iter().enumerate() {
        if at == first && line.width() + screens.width() <= room {
            line.0.extend(screens.0.iter().cloned());
        }
        if line.width() + key.len() + label.len() + 4 <= room {
            line.add(key, Role::Key);
            line.add(format!(" {label}   "), Role::KeyLabel);
        }
    }
    if hints.len() <= first && line.width() + screens.width() <= room {
        line.0.extend(screens.0.iter().cloned());
    }
    fill(&mut line, &mut right, width);
    (line, None)
}

/// `1 Today  2 Find`
fn screens(model: &Model) -> Line {
    let here = model.screen_index();
    let mut line = Line::new();
    for (at, screen) in model.views().screens.iter().enumerate() {
        line.add(screen.number.to_string(), Role::Key);
        line.add(format!(" {}  ", screen.title), if at == here { Role::Text } else { Role::KeyLabel });
    }
    line
}

/// Whether a command stands in the footer now.
fn says(model: &Model, spec: &Spec) -> bool {
    let deep = matches!(model.place, Place::Customer(_));
    let clears = model.focused().is_some_and(|(_, p)| p.filter.is_some() || p.held.is_some() || !p.marked.is_empty());
    match spec.command {
        Command::Help => false,
        Command::Back => deep || clears || !model.banners.is_empty(),
        Command::Filter => {
            palette::applies(model, spec.scope)
                && (model.find_pane().is_some()
                    || model.focus_index().is_some_and(|pane| model.dataset(pane).is_some()))
        }
        Command::Mask => deep || model.masked,
        Command::Browse => deep && !model.setup.links.is_empty(),
        _ => palette::applies(model, spec.scope),
    }
}

fn label(model: &Model, spec: &Spec) -> String {
    let filtered = model.focused().is_some_and(|(_, pane)| pane.filter.is_some());
    let held = model.focused().is_some_and(|(_, pane)| pane.held.is_some());
    match spec.command {
        Command::Back if filtered => "clear filter".to_owned(),
        Command::Back if held => "follow again".to_owned(),
        Command::Mask if model.masked => "unmask".to_owned(),
        Command::Filter if model.find_pane().is_some() && model.focus_index() == model.find_pane() => "find".to_owned(),
        _ => spec.short.to_owned(),
    }
}

fn fill(line: &mut Line, right: &mut Line, width: usize) {
    line.add(" ".repeat(width.saturating_sub(line.width() + right.width())), Role::Text);
    line.0.append(&mut right.0);
}

/// What is typed as a filter, and the complaint about it.
fn filter(
    model: &Model,
    entry: &crate::app::entry::Entry,
    problem: Option<&crate::domain::Problem>,
    width: usize,
) -> (Line, Option<u16>) {
    let mut right = Line::new();
    match problem {
        Some(problem) => {
            let hint = problem.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            let text = format!("{}{hint} ", problem.what);
            right.add(format::fit(&text, width / 2, model.setup.ascii), Tone::Warn);
        }
        None => {
            right.add("enter", Role::Key);
            right.add(" keep   ", Role::KeyLabel);
            right.add("esc", Role::Key);
            right.add(" clear ", Role::KeyLabel);
        }
    }
    let room = width.saturating_sub(right.width() + 5);
    let (text, caret) = entry.window(room);
    let mut line = Line::of(" / ", Role::Key).with(format::fit(text, room, model.setup.ascii), Role::Input);
    fill(&mut line, &mut right, width);
    (line, u16::try_from(caret + 3).ok())
}

/// The find box and the caret's cell while it is typed into.
pub(super) fn find(model: &Model, width: u16) -> (Line, Option<u16>) {
    let typing = matches!(model.typing, Some(Typing::Find)) && model.overlay.is_none();
    let lead = "   Find  ";
    let room = usize::from(width).saturating_sub(lead.len() + 2);
    let (text, caret) = model.find.window(room);
    let mut line = Line::of(lead, if typing { Role::Strong } else { Role::Muted });
    if text.is_empty() {
        let hint = "name, e-mail, domain, any system's id, invoice or ticket";
        line.add(format::fit(hint, room, model.setup.ascii), Role::Muted);
    } else {
        let shown = if model.masked && !typing { crate::present::mask::name(text) } else { text.to_owned() };
        line.add(format::fit(&shown, room, model.setup.ascii), Role::Input);
    }
    (line, typing.then(|| u16::try_from(caret + lead.len()).ok()).flatten())
}
