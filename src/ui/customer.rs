//! The customer screen: what is wrong in words on top, systems side by side, the merged timeline below.

use super::canvas::Canvas;
use super::state;
use crate::app::layout::Area;
use crate::app::{Loadable, Model};
use crate::config::theme::{Role, Tone};
use crate::present::{Ctx, Line, format, table, timeline};

/// Rows that the timeline keeps at least before the upper part begins to scroll away.
const LEAST: usize = 4;

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, area: Area, ctx: &Ctx) {
    let theme = &model.setup.theme;
    let Some(found) = model.customer.data() else {
        for (row, line) in state::lines(&model.customer.shown, area.w, ctx, theme).iter().enumerate() {
            canvas.line(area, u16::try_from(row).unwrap_or(u16::MAX), line);
        }
        return;
    };
    let Some(detail) = found else {
        let why = "This customer is not there any more: no system knows the id.";
        for (row, line) in state::empty(why, Some("esc goes back"), area.w, ctx).iter().enumerate() {
            canvas.line(area, u16::try_from(row).unwrap_or(u16::MAX), line);
        }
        return;
    };
    let mut lines = detail.head(area.w, ctx, theme);
    let mut right = Line::new();
    if let Loadable::Stale { at, why, .. } = &model.customer.shown {
        let text = format!("as of {}: {}", format::clock(*at, ctx.offset_s), why.what);
        right.add(format::fit(&text, usize::from(area.w) / 2, ctx.ascii), Tone::Warn);
    } else if model.scroll > 0 {
        right.add(format!("{} newer above", model.scroll), Role::Muted);
    } else {
        let n = i64::try_from(detail.timeline.len()).unwrap_or_default();
        right.add(format::count(n), Role::Muted);
    }
    lines.push(table::rule(&Line::of("Timeline", Role::Title), &right, area.w, ctx.ascii));
    let height = usize::from(area.h);
    let names = detail.names();
    // In a low window the upper part scrolls away first.
    let over = (lines.len() + LEAST.min(detail.timeline.len())).saturating_sub(height);
    let gone = model.scroll.min(over);
    let skipped = model.scroll - gone;
    let upper = lines.into_iter().skip(gone);
    let moments = detail.timeline.iter().skip(skipped).map(|moment| timeline::line(moment, area.w, &names, ctx, theme));
    for (row, line) in upper.chain(moments).take(height).enumerate() {
        canvas.line(area, u16::try_from(row).unwrap_or(u16::MAX), &line);
    }
    if detail.timeline.is_empty() && height > 0 {
        let line = Line::of("   nothing is recorded yet", Role::Muted);
        canvas.line(area, area.h.saturating_sub(1), &line);
    }
}
