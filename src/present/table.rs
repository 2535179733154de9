//! Rows and columns: which columns fit, and an item as one aligned line of cells.
//!
//! What must stay true: a line is exactly as wide as its columns say whatever the text is, and nothing wraps.

use unicode_width::UnicodeWidthStr;

use super::item::Item;
use super::line::{Ink, Line};
use super::{Ctx, Mark, format, mask, spark};
use crate::config::theme::{Role, Theme, Tone};
use crate::config::view::{Column, Format, Look};
use crate::domain::{FieldKind, State, Value};

/// Cells between two columns.
pub const GAP: u16 = 2;
/// Below this a column that grows is not squeezed.
const LEAST: u16 = 8;

/// A column with the cells that it got.
#[derive(Clone, Copy, Debug)]
pub struct Laid<'a> {
    /// The column.
    pub column: &'a Column,
    /// Its width.
    pub width: u16,
}

/// Chooses the columns that fit into `width` cells and shares the rest. Columns give way from the right.
pub fn lay<'a>(columns: impl IntoIterator<Item = &'a Column>, width: u16) -> Vec<Laid<'a>> {
    let mut laid: Vec<Laid<'a>> = columns
        .into_iter()
        .filter(|c| width >= c.show_above)
        .map(|column| Laid { column, width: column.width })
        .collect();
    loop {
        let gaps = GAP.saturating_mul(u16::try_from(laid.len().saturating_sub(1)).unwrap_or(u16::MAX));
        let used = laid.iter().fold(gaps, |sum, l| sum.saturating_add(l.width));
        if used <= width {
            grow(&mut laid, width - used);
            return laid;
        }
        let mut over = used - width;
        let spare: u16 =
            laid.iter().filter(|l| l.column.grow > 0).map(|l| l.width.saturating_sub(LEAST.min(l.column.width))).sum();
        if spare >= over {
            while over > 0 {
                let widest = laid.iter_mut().filter(|l| l.column.grow > 0).max_by_key(|l| l.width);
                let Some(widest) = widest else { break };
                widest.width -= 1;
                over -= 1;
            }
            return laid;
        }
        if laid.len() <= 1 {
            if let Some(only) = laid.first_mut() {
                only.width = width;
            }
            return laid;
        }
        laid.pop();
    }
}

fn grow(laid: &mut [Laid<'_>], spare: u16) {
    let shares: u32 = laid.iter().map(|l| u32::from(l.column.grow)).sum();
    if shares == 0 {
        return;
    }
    let mut given = 0;
    let mut seen = 0;
    for l in laid {
        seen += u32::from(l.column.grow);
        let upto = u16::try_from(u32::from(spare) * seen / shares).unwrap_or(spare);
        l.width += upto - given;
        given = upto;
    }
}

/// The labels of the columns.
pub fn labels(laid: &[Laid<'_>]) -> Line {
    let mut line = Line::new();
    for (at, l) in laid.iter().enumerate() {
        gap(&mut line, at);
        line.add(pad(&l.column.label.replace('_', " "), l.width, l.column.right, true), Role::Label);
    }
    line
}

/// An item as one line of at most `width` cells.
pub fn row(item: &Item, laid: &[Laid<'_>], width: u16, ctx: &Ctx, theme: &Theme) -> Line {
    let mut line = Line::new();
    let note = item.note(ctx).filter(|n| n.unless.is_none_or(|name| !laid.iter().any(|l| l.column.field.name == name)));
    for (at, l) in laid.iter().enumerate() {
        gap(&mut line, at);
        if let Some(note) = &note
            && note.from == l.column.field.name
        {
            let used = u16::try_from(line.width()).unwrap_or(u16::MAX);
            let width = width.saturating_sub(used);
            let text = if ctx.masked { mask::prose(&note.text, &item.names()) } else { note.text.clone() };
            let ink = match item.mark().tone {
                Tone::Ok | Tone::Unknown | Tone::Wait => Ink::Role(Role::Muted),
                tone => Ink::Tone(tone),
            };
            line.add(pad(&text, width, false, !ctx.ascii), ink);
            return line;
        }
        cell(&mut line, item, l, ctx, theme);
    }
    line
}

/// Glyph and word of a mark in `width` cells.
pub fn mark(mark: Mark, theme: &Theme, ascii: bool, width: u16) -> String {
    let style = theme.mark(mark.tone);
    let glyph = if ascii { &style.ascii } else { &style.glyph };
    pad(&format!("{glyph} {}", mark.word.unwrap_or(&style.word)), width, false, !ascii)
}

fn gap(line: &mut Line, at: usize) {
    if at > 0 {
        line.add(" ".repeat(GAP.into()), Role::Text);
    }
}

/// Exactly `width` cells.
pub fn pad(text: &str, width: u16, right: bool, ellipsis: bool) -> String {
    let width = usize::from(width);
    let text = format::fit(text, width, !ellipsis);
    let fill = " ".repeat(width.saturating_sub(text.width()));
    if right { fill + &text } else { text + &fill }
}

fn cell(line: &mut Line, item: &Item, l: &Laid<'_>, ctx: &Ctx, theme: &Theme) {
    let column = l.column;
    let look = match column.look {
        Look::Plain => Role::Text,
        Look::Strong => Role::Strong,
        Look::Muted => Role::Muted,
    };
    let whole = !ctx.ascii;
    if column.format == Format::Mark {
        let mark = item.mark();
        line.add(self::mark(mark, theme, ctx.ascii, l.width), mark.tone);
        return;
    }
    if column.format == Format::Spark {
        line.add(
            pad(&spark::line(&item.series(), l.width.into(), item.adds_up(), ctx.ascii), l.width, false, whole),
            Role::Spark,
        );
        return;
    }
    if column.field.name == "who" {
        line.add(pad(&item.who(ctx), l.width, false, whole), look);
        return;
    }
    if column.field.name == "evidence"
        && let Some(at) = item.settles_at()
    {
        let text = format::settling(at.since(ctx.now));
        line.add(pad(&text, l.width, false, whole), Tone::Wait);
        return;
    }
    let value = item.value(column.field.name);
    let text = shown(&value, column, l.width, item, ctx);
    line.add(pad(&text, l.width, column.right, whole), ink(&value, column, item, look));
}

/// A value as a cell's text.
fn shown(value: &Value, column: &Column, width: u16, item: &Item, ctx: &Ctx) -> String {
    match (value, column.format) {
        // A remark that is not there leaves no trace; a fact that is not there is a dash.
        (Value::Null, Format::Text) if column.look == Look::Muted => String::new(),
        (Value::Null, _) => "-".to_owned(),
        // What happened says more than the beginning of where it did.
        (Value::Text(text), Format::Text) if column.field.name == "problem" && text.as_str().width() > width.into() => {
            let said = crate::domain::problem::clause(text.as_str());
            if ctx.masked { mask::prose(said, &item.names()) } else { said.to_owned() }
        }
        (Value::Text(text), Format::Id) => format::middle(text.as_str(), width.into()),
        (Value::Text(text), _) if ctx.masked => match column.field.name {
            "email" => mask::email(text.as_str()),
            "name" if item.row().is_some_and(|r| matches!(r, crate::domain::Row::Check(_))) => text.to_string(),
            "name" => mask::name(text.as_str()),
            _ => mask::prose(text.as_str(), &item.names()),
        },
        (Value::Text(text), _) => text.to_string(),
        (Value::Word(word), _) => word.replace('_', " "),
        (Value::List(list), _) => list.iter().map(|t| t.as_str()).collect::<Vec<_>>().join(", "),
        (Value::Money(money), _) => format::money_in(money, width.into()),
        (Value::Time(at), Format::Clock) => format::clock(*at, ctx.offset_s),
        (Value::Time(at), Format::Next) => format::when(*at, ctx.now),
        (Value::Time(at), _) => format::age(ctx.now.since(*at)),
        (Value::Number(n), Format::Latency) => format::latency(*n),
        (Value::Number(n), Format::Percent) => format::percent(*n),
        (Value::Number(n), Format::Status) => n.to_string(),
        (Value::Number(n), _) if column.field.kind == FieldKind::Duration => format::latency(*n),
        (Value::Number(n), _) => format::count(*n),
    }
}

/// A value's own alarm, or the column's look.
fn ink(value: &Value, column: &Column, item: &Item, look: Role) -> Ink {
    match (value, column.format) {
        (Value::Null, _) => Role::Muted.into(),
        (Value::Number(200..=299), Format::Status) => Role::Muted.into(),
        (Value::Number(500..), Format::Status) => Tone::Crit.into(),
        (Value::Number(_), Format::Status) => Tone::Warn.into(),
        (Value::Number(_), Format::Percent) if column.field.name == "failing" => match item.mark().tone {
            Tone::Ok => look.into(),
            tone => tone.into(),
        },
        (Value::Number(1..), _) if column.field.name == "count" => match item.mark().tone {
            tone @ (Tone::Crit | Tone::Warn) => tone.into(),
            _ => look.into(),
        },
        (Value::Time(_), _) if look == Role::Text => Role::Muted.into(),
        (Value::Text(text), _) if column.field.name == "state" => {
            let state = State::ALL.iter().find(|s| s.shown() == text.as_str());
            match state.map(|s| super::mark::state(*s)) {
                Some(Tone::Ok) | None => look.into(),
                Some(tone) => tone.into(),
            }
        }
        _ => look.into(),
    }
}

/// A title on a rule, with counts at the right: `Out of step ──────── 7 open, 2 settling ──`.
pub fn rule(title: &Line, right: &Line, width: u16, ascii: bool) -> Line {
    let dash = if ascii { "-" } else { "─" };
    let width = usize::from(width);
    let mut line = Line::of(" ", Role::Rule);
    line.0.extend(title.0.iter().cloned());
    line.add(" ", Role::Rule);
    let tail = if right.0.is_empty() { 0 } else { right.width() + 3 };
    // Counts give way before the title does, and the title is cut before the pane's edge.
    let tail = if line.width() + tail + 1 > width { 0 } else { tail };
    line.add(dash.repeat(width.saturating_sub(line.width() + tail)), Role::Rule);
    if tail > 0 {
        line.add(" ", Role::Rule);
        line.0.extend(right.0.iter().cloned());
        line.add(" ", Role::Rule);
        line.add(dash, Role::Rule);
    }
    line
}
