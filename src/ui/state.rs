//! What a pane says when it has no rows: waiting, empty, failed. Each tells why and what next.

use crate::app::Loadable;
use crate::app::loadable::PATIENCE_MS;
use crate::config::theme::{Role, Theme, Tone};
use crate::present::{Ctx, Line, Mark, format, table};

fn marked(tone: Tone, text: &str, ctx: &Ctx, theme: &Theme) -> Line {
    let glyph = table::mark(Mark { tone, word: Some("") }, theme, ctx.ascii, 2);
    Line::of("   ", Role::Text).with(glyph, tone).with(text, tone)
}

/// The lines in place of rows; empty when there are rows, or nothing to say yet.
pub(super) fn lines<T>(shown: &Loadable<T>, width: u16, ctx: &Ctx, theme: &Theme) -> Vec<Line> {
    let room = usize::from(width).saturating_sub(6);
    match shown {
        Loadable::Waiting { since } if ctx.now.since(*since) >= PATIENCE_MS => {
            vec![marked(Tone::Wait, "reading", ctx, theme)]
        }
        Loadable::Failed { why, next } => {
            let mut out = vec![marked(Tone::Crit, &format::fit(why.what.as_str(), room, ctx.ascii), ctx, theme)];
            for (lead, text) in [("", &why.why), ("", &why.hint)] {
                if let Some(text) = text {
                    out.push(Line::of(
                        format!("     {lead}{}", format::fit(text.as_str(), room, ctx.ascii)),
                        Role::Text,
                    ));
                }
            }
            let left = format::left(next.since(ctx.now));
            out.push(
                Line::of("     ", Role::Text)
                    .with(format!("tries again in {left}; "), Role::Muted)
                    .with("r", Role::Key)
                    .with(" now", Role::Muted),
            );
            out
        }
        Loadable::Idle | Loadable::Waiting { .. } | Loadable::Ready { .. } | Loadable::Stale { .. } => Vec::new(),
    }
}

/// One line for the pulse.
pub(super) fn brief<T>(shown: &Loadable<T>, ctx: &Ctx, theme: &Theme) -> Line {
    lines(shown, u16::MAX, ctx, theme).into_iter().next().unwrap_or_default()
}

/// Why there are no rows, and what next.
pub(super) fn empty(why: &str, next: Option<&str>, width: u16, ctx: &Ctx) -> Vec<Line> {
    let room = usize::from(width).saturating_sub(4);
    let mut out: Vec<Line> =
        format::wrap(why, room, 2).into_iter().map(|text| Line::of("   ", Role::Text).with(text, Role::Text)).collect();
    if let Some(next) = next {
        out.push(Line::of("   ", Role::Text).with(format::fit(next, room, ctx.ascii), Role::Muted));
    }
    out
}
