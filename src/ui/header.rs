//! The first line: whose, where, which environment, whether it acts, how fresh, how many sources. In every frame.

use crate::app::model::{Engine, Place};
use crate::app::{Loadable, Model};
use crate::config::settings::Environment;
use crate::config::theme::{Role, Tone};
use crate::domain::{Problem, Time};
use crate::present::{Ctx, Line, Mark, format, mask, table};
use unicode_width::UnicodeWidthStr;

/// The header for a width. What tells where one is gives way last.
pub(super) fn line(model: &Model, width: u16, now: Time) -> Line {
    let ctx = model.ctx(now);
    let width = usize::from(width);
    let name = model.setup.name.as_str();
    let screen = model.screen().map_or("", |screen| screen.title.as_str());
    let mut trail = format!(" > {screen}");
    if let Place::Customer(id) = &model.place {
        if screen == "Find" && !model.find.text().trim().is_empty() {
            let typed = model.find.text().trim();
            let typed = if ctx.masked { mask::name(typed) } else { typed.to_owned() };
            trail.push_str(&format!(" \"{typed}\""));
        }
        let who = model.detail().map_or_else(|| id.to_string(), |detail| detail.who(&ctx));
        trail.push_str(&format!(" > {who}"));
    }
    let full = " trueup  ".len() + name.width() + trail.width() + 2;
    let fits = |level: u8, left: usize| Some(right(model, &ctx, now, level)).filter(|r| r.width() + left <= width);
    // First everything is tried beside the whole trail, then the trail gives way, then the rest of the right side.
    let found = (0..3).find_map(|level| fits(level, full)).or_else(|| (2..5).find_map(|level| fits(level, 9)));
    let mut right = found.unwrap_or_else(|| right(model, &ctx, now, 5));
    let room = width.saturating_sub(right.width() + 1);
    let mut left = Line::new();
    if room >= 24 {
        left.add(" trueup  ", Role::HeaderName);
    } else if room >= 9 {
        left.add(" ", Role::Header);
    }
    let rest = room.saturating_sub(left.width());
    left.add(format::fit(&format!("{name}{trail}"), rest, ctx.ascii), Role::Header);
    left.add(" ".repeat((width.saturating_sub(right.width())).saturating_sub(left.width())), Role::Header);
    left.0.append(&mut right.0);
    left
}

/// The right side, from everything (level 0) to the environment alone (5).
fn right(model: &Model, ctx: &Ctx, now: Time, level: u8) -> Line {
    let gap = if level == 0 { "   " } else { "  " };
    let mut line = Line::new();
    let (word, role) = match model.setup.environment {
        Environment::Production => ("PRODUCTION", Role::Production),
        Environment::Staging => ("STAGING", Role::Staging),
        Environment::Development => ("DEVELOPMENT", Role::Development),
    };
    if level == 5 {
        // Hardly any room: the environment comes before everything else.
        line.add(word, role);
        if model.frozen.is_some() {
            line.add(" FROZEN", Role::Loud);
        }
        return line;
    }
    if let Some(frozen) = &model.frozen {
        let since = format::clock(frozen.at, ctx.offset_s);
        let text = if level < 3 { format!(" FROZEN at {since}, p goes on ") } else { " FROZEN ".to_owned() };
        line.add(text, Role::Loud);
        line.add(" ", Role::Header);
    }
    if model.masked && level < 4 {
        line.add("masked", Role::Strong);
        line.add(gap, Role::Header);
    }
    if model.setup.demo && level < 3 {
        line.add("simulated", Role::Strong);
        line.add(gap, Role::Header);
    }
    line.add(format!(" {word} "), role);
    line.add(if level == 0 { "  " } else { " " }, Role::Header);
    line.add(model.setup.acting.to_string(), Role::Header);
    if level < 4 {
        line.add(gap, Role::Header);
        fresh(&mut line, model, ctx, now, level);
    }
    if level < 3
        && let Some(status) = model.status.data()
    {
        let (ok, total) = (status.sources.ok, status.sources.total);
        let ink = if ok < total || total == 0 { crate::present::Ink::Tone(Tone::Warn) } else { Role::Header.into() };
        line.add(gap, Role::Header);
        line.add(if level == 0 { format!("{ok} of {total} sources") } else { format!("{ok}/{total}") }, ink);
    }
    line.add(" ", Role::Header);
    line
}

/// `live 10s`, `watching host-b`, `last read 14m`.
fn fresh(line: &mut Line, model: &Model, ctx: &Ctx, now: Time, level: u8) {
    if let Loadable::Stale { at, .. } = &model.status.shown {
        line.add(format!("stale {}", format::age(now.since(*at))), Tone::Warn);
        return;
    }
    if matches!(model.status.shown, Loadable::Failed { .. }) {
        return line.add("store does not answer", Tone::Crit);
    }
    let Some(status) = model.status.data() else {
        return line.add("starting", Role::Muted);
    };
    let Some(seen) = status.seen_at else {
        return line.add("nothing read yet", Tone::Unknown);
    };
    let age = ctx.now.since(seen);
    let shown = format::age(age);
    match &model.engine {
        Engine::Nobody(_) => line.add(format!("no engine, read {shown}"), Tone::Warn),
        // Ten minutes without anything read is not live, whoever is said to collect.
        _ if age > 600_000 => line.add(format!("last read {shown}"), Tone::Warn),
        Engine::Elsewhere(host) if level < 2 => line.add(format!("watching; engine on {host}, {shown}"), Role::Header),
        Engine::Elsewhere(_) => line.add(format!("watching {shown}"), Role::Header),
        Engine::Here | Engine::Starting => line.add(format!("live {shown}"), Role::Header),
    }
}

/// A complaint as one line.
pub(super) fn banner(problem: &Problem, model: &Model, width: u16, ctx: &Ctx) -> Line {
    let theme = &model.setup.theme;
    let mut line = Line::of(" ", Role::Text);
    line.add(table::mark(Mark { tone: Tone::Warn, word: Some("") }, theme, ctx.ascii, 2), Tone::Warn);
    let mut text = String::new();
    if let Some(place) = &problem.place {
        text.push_str(&format!("{place}: "));
    }
    text.push_str(problem.what.as_str());
    for part in [&problem.why, &problem.hint].into_iter().flatten() {
        text.push_str(&format!("; {part}"));
    }
    let others = model.banners.len() - 1;
    let tail = if others > 0 { format!("  +{others} more, esc") } else { "  esc".to_owned() };
    let room = usize::from(width).saturating_sub(line.width() + tail.len() + 1);
    line.add(format::fit(&text, room, ctx.ascii), Tone::Warn);
    line.add(tail, Role::Muted);
    line
}
