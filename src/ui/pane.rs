//! A pane: a title on a rule with counts at the right, then rows. Only the rows that are seen are built.

use super::canvas::Canvas;
use super::state;
use crate::app::layout::{Area, Placed};
use crate::app::pane::Pane;
use crate::app::{Loadable, Model};
use crate::config::theme::{Role, Tone};
use crate::config::view::{Of, PaneSpec};
use crate::domain::{Dataset, Problem};
use crate::present::{Ctx, Item, Line, Mark, format, table};

/// Cells in front of every row: the cursor and the mark of a chosen row.
const LEAD: u16 = 3;

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, placed: &Placed, ctx: &Ctx) {
    let spec = &model.views().panes[placed.pane];
    let pane = &model.panes[placed.pane];
    let theme = &model.setup.theme;
    let focused = model.focus_index() == Some(placed.pane);
    let title = Line::of(&spec.title, if focused { Role::TitleFocus } else { Role::Title });
    // Side by side, a pane keeps a narrow margin of its own; so do the rules.
    let counts = counts(model, placed, spec, pane, ctx);
    canvas.line(
        placed.area,
        0,
        &table::rule(&title, &fitting(counts, &title, placed.area.w), placed.area.w, ctx.ascii),
    );
    let width = placed.body.w.saturating_sub(LEAD + 1);
    let laid = table::lay(pane.columns(spec), width);
    if placed.labels && !pane.items().is_empty() {
        let area = Area { x: placed.body.x, y: placed.body.y - 1, w: placed.body.w, h: 1 };
        let mut line = Line::of("   ", Role::Label);
        line.0.append(&mut table::labels(&laid).0);
        canvas.line(area, 0, &line);
    }
    let lines = if pane.items().is_empty() { says(model, spec, pane, placed, ctx) } else { Vec::new() };
    for (row, line) in lines.iter().take(placed.body.h.into()).enumerate() {
        canvas.line(placed.body, u16::try_from(row).unwrap_or(u16::MAX), line);
    }
    let at = pane.index();
    let seen = pane.items().iter().enumerate().skip(pane.top).take(placed.body.h.into());
    for (row, (index, item)) in seen.enumerate() {
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        let here = at == Some(index);
        let chosen = !pane.marked.is_empty() && pane.marked.contains(&item.key());
        let mut line = lead(here && focused, chosen);
        line.0.append(&mut table::row(item, &laid, width, ctx, theme).0);
        if here && focused {
            canvas.cursor_line(placed.body, row, &line, Role::Cursor);
        } else {
            canvas.line(placed.body, row, &line);
        }
    }
}

fn lead(here: bool, chosen: bool) -> Line {
    let mut line = Line::of(if chosen { "*" } else { " " }, Tone::Wait);
    line.add(if here { "> " } else { "  " }, Role::Key);
    line
}

/// What a pane without rows says.
fn says(model: &Model, spec: &PaneSpec, pane: &Pane, placed: &Placed, ctx: &Ctx) -> Vec<Line> {
    let width = placed.body.w;
    if spec.of == Of::Found && model.find.text().trim().is_empty() {
        return state::empty(&spec.empty, spec.next.as_deref(), width, ctx);
    }
    if pane.feed.data().is_none() {
        let mut lines = state::lines(&pane.feed.shown, width, ctx, &model.setup.theme);
        // When everything fails for one reason, the pane with the focus tells it; the others only say that they do.
        let same = match (&pane.feed.shown, &model.status.shown) {
            (Loadable::Failed { why, .. }, Loadable::Failed { why: all, .. }) => why.what == all.what,
            _ => false,
        };
        if same && model.focus_index() != Some(placed.pane) {
            lines.truncate(1);
        }
        return lines;
    }
    if let Some(filter) = &pane.filter {
        let why = format!("No row fits  {}", filter.text);
        return state::empty(&why, Some("esc clears the filter"), width, ctx);
    }
    if spec.of == Of::Found {
        let typed = if ctx.masked { "what was typed".to_owned() } else { format!("\"{}\"", model.find.text().trim()) };
        let next = "part of a name, an e-mail, a domain, or any id will do";
        return state::empty(&format!("Nobody and nothing is known by {typed}."), Some(next), width, ctx);
    }
    // Nothing out of step means little while somebody does not answer.
    if spec.of == Of::Dataset(Dataset::Mismatches)
        && let Some(status) = model.status.data().filter(|s| s.sources.ok < s.sources.total || s.mismatches.agree == 0)
    {
        let (ok, total) = (status.sources.ok, status.sources.total);
        let why = format!("Nothing is known to be out of step, but only {ok} of {total} sources can tell.");
        return state::empty(&why, Some("6 shows which do not, and why"), width, ctx);
    }
    state::empty(&spec.empty, spec.next.as_deref(), width, ctx)
}

/// What stands at the right of the title, the most telling first.
fn counts(model: &Model, placed: &Placed, spec: &PaneSpec, pane: &Pane, ctx: &Ctx) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    let mut say = |text: String, ink: crate::present::Ink| out.push(Line::of(text, ink));
    if let Loadable::Stale { at, why, .. } = &pane.feed.shown {
        let glyph = table::mark(Mark { tone: Tone::Warn, word: Some("") }, &model.setup.theme, ctx.ascii, 2);
        let since = format::clock(*at, ctx.offset_s);
        // When everything is stale for one reason, the pane with the focus tells it.
        let told = match &model.status.shown {
            Loadable::Stale { why: all, .. } => why.what == all.what && model.focus_index() != Some(placed.pane),
            _ => false,
        };
        let reason = if told { String::new() } else { format!(": {}", short(why)) };
        say(format!("{glyph}as of {since}{reason}"), Tone::Warn.into());
    }
    if let Some(filter) = &pane.filter {
        say(format!("/{}", filter.text), Role::Strong.into());
    }
    if let Some(sort) = &pane.sort {
        say(format!("by {}{}", sort.field.name, if sort.descending { ", reversed" } else { "" }), Role::Muted.into());
    }
    if !pane.marked.is_empty() {
        say(format!("{} marked", pane.marked.len()), Role::Strong.into());
    }
    if spec.follow && pane.feed.data().is_some() {
        match pane.newer() {
            None => say("following".into(), Role::Muted.into()),
            Some(0) => say("stopped, G follows".into(), Role::Strong.into()),
            Some(newer) => {
                say(format!("stopped, {} newer, G follows", format::count(newer)), Role::Strong.into());
            }
        }
        if let Some(rate) = rate(model) {
            say(format!("{}/min", format::count(rate)), Role::Muted.into());
        }
    }
    let rows = pane.items().len();
    let of_all = spec.of == Of::Dataset(Dataset::Mismatches) && pane.filter.is_none() && spec.filter.terms.is_empty();
    match model.status.data().filter(|_| of_all) {
        Some(status) => {
            let m = &status.mismatches;
            let mut parts = vec![format!("{} open", format::count(m.open))];
            for (n, word) in [(m.settling, "settling"), (m.unknown, "unknown")] {
                if n > 0 {
                    parts.push(format!("{} {word}", format::count(n)));
                }
            }
            parts.push(format!("{} agree", format::count(m.agree)));
            say(parts.join(", "), Role::Muted.into());
        }
        None => {
            let total = pane.feed.data().and_then(|listing| listing.total);
            let loaded: i64 = pane.items().iter().map(Item::weight).sum();
            match total.filter(|_| !spec.follow) {
                Some(total) if total > loaded => {
                    say(format!("{} of {} loaded", format::count(loaded), format::count(total)), Role::Muted.into());
                }
                // Few rows count themselves; a filter's outcome is worth a number.
                Some(total) if pane.filter.is_some() => {
                    say(format!("{} fit", format::count(total)), Role::Muted.into())
                }
                _ => {}
            }
        }
    }
    let seen = usize::from(placed.body.h);
    let hidden = rows.saturating_sub(seen);
    if hidden > 0 && !spec.follow {
        let above = pane.top.min(hidden);
        let text = match (above, hidden - above) {
            (0, below) => format!("+{} more", format::count(i64::try_from(below).unwrap_or(i64::MAX))),
            (above, 0) => format!("{above} above"),
            (above, below) => format!("{above} above, +{below} more"),
        };
        say(text, Role::Muted.into());
    }
    out
}

/// Events in the last minute, from whichever traffic is at hand.
fn rate(model: &Model) -> Option<i64> {
    let mut seen = false;
    let mut sum = 0;
    let traffic = |at: &usize| model.views().panes[*at].of == Of::Traffic;
    let pane = model.screen()?.panes().find(traffic)?;
    for item in model.panes[pane].items() {
        if let Item::Traffic(traffic) = item {
            seen = true;
            let last = traffic.buckets.iter().rev().take(2);
            sum += last.map(|(all, _)| i64::from(*all)).sum::<i64>();
        }
    }
    seen.then_some(sum)
}

fn short(why: &Problem) -> String {
    format::fit(why.what.as_str(), 48, false)
}

/// As many of the parts as the rule has room for, the first ones first.
fn fitting(parts: Vec<Line>, title: &Line, width: u16) -> Line {
    let room = usize::from(width).saturating_sub(title.width() + 8);
    let mut out = Line::new();
    for mut part in parts {
        let gap = if out.0.is_empty() { 0 } else { 3 };
        if out.width() + gap + part.width() > room {
            continue;
        }
        if gap > 0 {
            out.add("   ", Role::Rule);
        }
        out.0.append(&mut part.0);
    }
    out
}
