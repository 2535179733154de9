//! What floats above the screen, in a box: help, palette, menus, the fields of a row.

use super::canvas::Canvas;
use crate::app::layout::Area;
use crate::app::overlay::{Choice, Overlay};
use crate::app::{Model, palette, reference};
use crate::config::theme::Role;
use crate::present::{Ctx, Line, export, format, table};

/// Draws the box and returns the caret's cell, if something is typed in it.
pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, overlay: &Overlay, ctx: &Ctx) -> Option<(u16, u16)> {
    match overlay {
        Overlay::Help { entry, top } => {
            let rows = palette::help(model, entry.text());
            let inner = boxed(canvas, model, "Keys", 92, rows.len() + 2, ctx);
            let caret = typed(canvas, inner, entry, "type to search", ctx);
            for (row, (spec, here)) in rows.iter().skip(*top).take(room(inner)).enumerate() {
                let keys = spec.keys.join(" ");
                let ink = if *here { Role::Overlay } else { Role::Muted };
                let mut line = Line::of(" ", Role::Overlay).with(table::pad(&keys, 14, false, true), Role::Key);
                line.add(table::pad(spec.name, 18, false, true), ink);
                let place = if *here { String::new() } else { format!(" ({})", reference::place(spec.scope)) };
                line.add(format::fit(&format!("{}{place}", spec.doc), wide(inner, 34), ctx.ascii), ink);
                canvas.line(inner, at(row + 2), &line);
            }
            caret
        }
        Overlay::Palette { entry, at: chosen } => {
            let choices = palette::choices(model, entry.text());
            let inner = boxed(canvas, model, "Commands", 80, choices.len() + 2, ctx);
            let caret = typed(canvas, inner, entry, "type a command", ctx);
            list(canvas, inner, 2, &choices, *chosen, 20, ctx);
            if choices.is_empty() {
                canvas.line(inner, 2, &Line::of(" no command fits", Role::Muted));
            }
            caret
        }
        Overlay::Menu { title, items, at: chosen, .. } => {
            let label = items.iter().map(|item| item.label.chars().count()).max().unwrap_or_default();
            let inner = boxed(canvas, model, title, 72, items.len(), ctx);
            list(canvas, inner, 0, items, *chosen, label.clamp(8, 24), ctx);
            None
        }
        Overlay::Fields { title, row, top } => {
            let wide_box = usize::from(model.size.0).min(96);
            let mut lines: Vec<Line> = Vec::new();
            for (name, value) in export::fields(row, ctx) {
                for (at, part) in format::wrap(&value, wide_box.saturating_sub(20), 6).into_iter().enumerate() {
                    let name = if at == 0 { name } else { "" };
                    let line = Line::of(format!(" {}", table::pad(name, 13, false, true)), Role::Muted);
                    lines.push(line.with(part, Role::Overlay));
                }
            }
            let inner = boxed(canvas, model, title, 96, lines.len(), ctx);
            let first = (*top).min(lines.len().saturating_sub(usize::from(inner.h)));
            for (row, line) in lines.iter().skip(first).take(inner.h.into()).enumerate() {
                canvas.line(inner, at(row), line);
            }
            None
        }
    }
}

/// What keys do while it floats.
pub(super) fn hints(overlay: &Overlay) -> Vec<(String, String)> {
    let pairs: &[(&str, &str)] = match overlay {
        Overlay::Help { .. } => &[("esc", "close"), ("up down", "scroll")],
        Overlay::Palette { .. } => &[("enter", "run"), ("up down", "choose"), ("esc", "close")],
        Overlay::Menu { stays: false, .. } => &[("enter", "take"), ("j k", "choose"), ("esc", "close")],
        Overlay::Menu { stays: true, .. } => &[("enter", "switch"), ("j k", "choose"), ("esc", "close")],
        Overlay::Fields { .. } => &[("esc", "close"), ("j k", "scroll"), ("y", "copy"), ("M", "mask")],
    };
    pairs.iter().map(|(key, label)| ((*key).to_owned(), (*label).to_owned())).collect()
}

fn at(row: usize) -> u16 {
    u16::try_from(row).unwrap_or(u16::MAX)
}

fn wide(inner: Area, used: usize) -> usize {
    usize::from(inner.w).saturating_sub(used)
}

/// Rows below the typed line and the blank one.
fn room(inner: Area) -> usize {
    usize::from(inner.h).saturating_sub(2)
}

/// A box in the middle of the screen, and what lies inside it.
fn boxed(canvas: &mut Canvas<'_>, model: &Model, title: &str, width: u16, rows: usize, ctx: &Ctx) -> Area {
    let (w, h) = model.size;
    // The header and the footer stay in sight.
    let (top, most) = (u16::from(h > 4), h.saturating_sub(2).max(1));
    let width = width.min(w.saturating_sub(if w > 40 { 4 } else { 0 }));
    let height = at(rows).saturating_add(2).clamp(3.min(most), most);
    let area = Area { x: (w - width) / 2, y: top + (most.saturating_sub(height)) / 3, w: width, h: height };
    if width < 4 || h < 4 {
        return Area::default();
    }
    canvas.clear(area, Role::Overlay);
    let across = usize::from(width) - 2;
    let [tl, tr, bl, br, dash, bar] =
        if ctx.ascii { ["+", "+", "+", "+", "-", "|"] } else { ["┌", "┐", "└", "┘", "─", "│"] };
    let title = format::fit(title, across.saturating_sub(4), ctx.ascii);
    let mut head = Line::of(format!("{tl}{dash} "), Role::OverlayRule).with(&title, Role::Overlay);
    head.add(" ", Role::OverlayRule);
    head.add(dash.repeat((across + 1).saturating_sub(head.width())), Role::OverlayRule);
    head.add(tr, Role::OverlayRule);
    canvas.line(area, 0, &head);
    for row in 1..height.saturating_sub(1) {
        let line =
            Line::of(bar, Role::OverlayRule).with(" ".repeat(across), Role::Overlay).with(bar, Role::OverlayRule);
        canvas.line(area, row, &line);
    }
    canvas.line(area, height - 1, &Line::of(format!("{bl}{}{br}", dash.repeat(across)), Role::OverlayRule));
    Area { x: area.x + 1, y: area.y + 1, w: width - 2, h: height - 2 }
}

/// The line that is being typed, on the first row inside.
fn typed(
    canvas: &mut Canvas<'_>,
    inner: Area,
    entry: &crate::app::entry::Entry,
    hint: &str,
    ctx: &Ctx,
) -> Option<(u16, u16)> {
    let (text, caret) = entry.window(wide(inner, 4));
    let mut line = Line::of(" > ", Role::Key);
    if text.is_empty() {
        line.add(hint, Role::Muted);
    } else {
        line.add(format::fit(text, wide(inner, 3), ctx.ascii), Role::Input);
    }
    canvas.line(inner, 0, &line);
    (inner.h > 0).then(|| (inner.x + at(caret) + 3, inner.y))
}

/// Lines to choose from, scrolled so that the chosen one is seen.
fn list(canvas: &mut Canvas<'_>, inner: Area, from: u16, items: &[Choice], chosen: usize, label: usize, ctx: &Ctx) {
    let rows = usize::from(inner.h.saturating_sub(from));
    let chosen = chosen.min(items.len().saturating_sub(1));
    let first = (chosen + 1).saturating_sub(rows);
    for (row, (index, item)) in items.iter().enumerate().skip(first).take(rows).enumerate() {
        let here = index == chosen;
        let mut line = Line::of(if here { " > " } else { "   " }, Role::Key);
        let ink = if item.refused { Role::Muted } else { Role::Overlay };
        line.add(table::pad(&item.label, at(label), false, !ctx.ascii), ink);
        line.add("  ", Role::Overlay);
        line.add(format::fit(&item.detail, wide(inner, label + 6), ctx.ascii), Role::Muted);
        let row = from + at(row);
        if here {
            canvas.cursor_line(inner, row, &line, Role::OverlayCursor);
        } else {
            canvas.line(inner, row, &line);
        }
    }
}
