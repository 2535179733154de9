//! The customer screen: who, what is wrong in words, what next, the systems side by side, then what happened.

use unicode_width::UnicodeWidthStr;

use super::line::{Ink, Line};
use super::table::{self, pad};
use super::{Ctx, Item, Mark, format, mark, mask};
use crate::config::theme::{Role, Theme, Tone};
use crate::domain::{Customer, Mismatch, Moment, Money, Row, SystemView, Verdict};

/// Everything that the customer screen shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The derived row.
    pub customer: Customer,
    /// Open mismatches, the worst first.
    pub mismatches: Vec<Mismatch>,
    /// What happened, newest first.
    pub timeline: Vec<Moment>,
}

/// Most lines of an explanation.
const EXPLAINED: usize = 5;

impl Detail {
    /// Name, else e-mail, else id; hidden when masked.
    pub fn who(&self, ctx: &Ctx) -> String {
        Item::Row(Row::Customer(Box::new(self.customer.clone()))).who(ctx)
    }

    /// What must not be seen when masked.
    pub fn names(&self) -> Vec<&str> {
        let c = &self.customer;
        let emails = c.systems.iter().filter_map(|v| v.email.as_ref());
        [&c.name, &c.email].into_iter().flatten().chain(emails).map(|t| t.as_str()).collect()
    }

    /// Everything above the timeline.
    pub fn head(&self, width: u16, ctx: &Ctx, theme: &Theme) -> Vec<Line> {
        let mut lines = Vec::new();
        self.banner(&mut lines, width, ctx, theme);
        self.story(&mut lines, width, ctx, theme);
        self.systems(&mut lines, width, ctx, theme);
        lines
    }

    /// `✗ crit   paid, but locked out, for 3h 12m   $49/mo   Pro      ana@duarte.example  1182`
    fn banner(&self, lines: &mut Vec<Line>, width: u16, ctx: &Ctx, theme: &Theme) {
        let c = &self.customer;
        let standing = self.mismatches.first().map_or_else(|| mark::customer(c), mark::mismatch);
        let mut left = Line::of(" ", Role::Text);
        left.add(table::mark(standing, theme, ctx.ascii, 8), standing.tone);
        let headline = match self.mismatches.first() {
            Some(worst) => {
                let lasting = format::span(ctx.now.since(worst.since));
                match worst.verdict {
                    Verdict::Settling => {
                        let left = worst.settles_at.map_or(0, |at| at.since(ctx.now));
                        format!("{}; {}", worst.headline, format::settling(left))
                    }
                    _ => format!("{}, for {lasting}", worst.headline),
                }
            }
            None => match c.verdict {
                Verdict::Agree => "all systems agree".to_owned(),
                Verdict::Settling => "a change is still on its way".to_owned(),
                Verdict::Unknown => "some system cannot tell now".to_owned(),
                Verdict::Disagree => "the systems disagree".to_owned(),
            },
        };
        left.add(headline, Role::Strong);
        let money = c.money.as_ref().map(Money::to_string);
        for part in [money, c.plan.as_ref().map(ToString::to_string)].into_iter().flatten() {
            left.add(format!("   {part}"), Role::Text);
        }
        let email = c.email.as_ref().map(|e| if ctx.masked { mask::email(e.as_str()) } else { e.to_string() });
        let mut right = Line::new();
        if let Some(email) = email {
            right.add(format!("{email}  "), Role::Text);
        }
        right.add(format!("{} ", format::middle(c.id.as_str(), 24)), Role::Muted);
        let width = usize::from(width);
        if left.width() + right.width() + 3 <= width {
            left.add(" ".repeat(width - left.width() - right.width()), Role::Text);
            left.0.append(&mut right.0);
            lines.push(left);
        } else {
            lines.push(left);
            let mut second = Line::of("   ", Role::Text);
            second.0.append(&mut right.0);
            lines.push(second);
        }
        lines.push(Line::new());
    }

    fn story(&self, lines: &mut Vec<Line>, width: u16, ctx: &Ctx, theme: &Theme) {
        let Some((worst, others)) = self.mismatches.split_first() else { return };
        let names = self.names();
        let hide = |text: &str| if ctx.masked { mask::prose(text, &names) } else { text.to_owned() };
        let room = usize::from(width).saturating_sub(6);
        for text in format::wrap(&hide(worst.explanation.as_str()), room, EXPLAINED) {
            lines.push(Line::of("   ", Role::Text).with(text, Role::Text));
        }
        if !worst.next_step.is_empty() {
            for (at, text) in
                format::wrap(&hide(worst.next_step.as_str()), room.saturating_sub(6), 2).into_iter().enumerate()
            {
                let lead = if at == 0 { "   Next: " } else { "         " };
                lines.push(Line::of(lead, Role::Muted).with(text, Role::Strong));
            }
        }
        for other in others.iter().take(4) {
            let mark = mark::mismatch(other);
            let mut line = Line::of("   Also: ", Role::Muted);
            line.add(table::mark(mark, theme, ctx.ascii, 8), mark.tone);
            let text = format!("{}, for {}", other.headline, format::span(ctx.now.since(other.since)));
            line.add(format::fit(&hide(&text), room.saturating_sub(14), ctx.ascii), Role::Text);
            lines.push(line);
        }
        if others.len() > 4 {
            lines.push(Line::of(format!("   +{} more", others.len() - 4), Role::Muted));
        }
        lines.push(Line::new());
    }

    /// The systems side by side. A cell that disagrees carries a symbol as well as a colour.
    fn systems(&self, lines: &mut Vec<Line>, width: u16, ctx: &Ctx, theme: &Theme) {
        let cells: Vec<[Cell; 7]> = self.customer.systems.iter().map(|view| self.cells(view, ctx)).collect();
        let wide = widths(&cells, width);
        let dash = if ctx.ascii { "-" } else { "─" };
        let mut head = Line::of(" ", Role::Rule);
        for (at, (column, wide)) in COLUMNS.iter().zip(&wide).enumerate() {
            let ink = if at == 0 { Role::Title } else { Role::Label };
            head.add(column.label, ink);
            head.add(" ", Role::Rule);
            let upto = usize::from(*wide) + 2 + usize::from(at == 0) * 2;
            head.add(dash.repeat(upto.saturating_sub(column.label.len() + 2)), Role::Rule);
            head.add(" ", Role::Rule);
        }
        lines.push(head);
        for (view, cells) in self.customer.systems.iter().zip(cells) {
            lines.push(system(view, cells, &wide, ctx, theme));
        }
        if self.customer.systems.is_empty() {
            lines.push(Line::of("   no system has been read yet", Role::Muted));
        }
        lines.push(Line::new());
    }

    /// What a system says, a cell a column.
    fn cells(&self, view: &SystemView, ctx: &Ctx) -> [Cell; 7] {
        let nobody = view.id.is_none();
        let says = match (&view.word, view.state) {
            (Some(word), _) => word.to_string(),
            (None, Some(state)) => state.as_str().replace('_', " "),
            (None, None) if nobody => "nobody there".to_owned(),
            (None, None) => "-".to_owned(),
        };
        let dash = || "-".to_owned();
        let note =
            view.note.as_ref().map(|n| if ctx.masked { mask::prose(n.as_str(), &self.names()) } else { n.to_string() });
        let change = match (view.changed_at, note) {
            (Some(at), Some(note)) => format!("{:<6} {note}", format::moment(at, ctx.now, ctx.offset_s)),
            (Some(at), None) => format::moment(at, ctx.now, ctx.offset_s),
            (None, Some(note)) => note,
            (None, None) => dash(),
        };
        let cell = |name: &str, text: String, quiet: bool| Cell {
            wrong: view.wrong.iter().any(|wrong| wrong.as_str() == name),
            text,
            quiet,
        };
        [
            cell("system", view.system.to_string(), false),
            cell("id", view.id.as_ref().map_or_else(dash, ToString::to_string), false),
            cell("state", says, false),
            cell("plan", view.plan.as_ref().map_or_else(dash, ToString::to_string), false),
            cell("match", view.matched.map_or_else(dash, |m| m.as_str().replace('_', " ")), true),
            cell("seen", view.seen_at.map_or_else(dash, |at| format::age(ctx.now.since(at))), true),
            cell("change", change, true),
        ]
    }
}

/// A cell of the table of systems.
struct Cell {
    text: String,
    /// Secondary.
    quiet: bool,
    /// It disagrees: a symbol of two cells stands behind it.
    wrong: bool,
}

impl Cell {
    fn width(&self) -> usize {
        self.text.width() + if self.wrong { 2 } else { 0 }
    }
}

/// A column of the table of systems.
struct Column {
    label: &'static str,
    /// Below the sum of these, columns give way from the right.
    usual: u16,
    /// What it gets before the others have what they want.
    least: u16,
}

const fn column(label: &'static str, usual: u16, least: u16) -> Column {
    Column { label, usual, least }
}

const COLUMNS: [Column; 7] = [
    column("System", 12, 9),
    column("id", 18, 14),
    column("state", 18, 12),
    column("plan", 12, 10),
    column("matched by", 14, 12),
    column("read", 5, 5),
    column("last change", 18, 18),
];

/// Who gets room first: what is read as words, then what can be cut in the middle.
const HUNGRY: [usize; 6] = [3, 2, 6, 1, 4, 0];

/// The widths of the columns that are shown. What nobody wants goes to the last one.
fn widths(cells: &[[Cell; 7]], width: u16) -> Vec<u16> {
    let wants = |at: usize| {
        let widest = cells.iter().filter_map(|row| row.get(at)).map(Cell::width).max().unwrap_or_default();
        u16::try_from(widest).unwrap_or(u16::MAX).max(COLUMNS[at].least)
    };
    let total = |n: usize, each: &dyn Fn(usize) -> u16| {
        (0..n).fold(3_u16, |sum, at| sum.saturating_add(each(at).saturating_add(2)))
    };
    let fits = |n: &usize| total(*n, &|at| COLUMNS[at].usual) <= width || total(*n, &wants) <= width;
    let shown = (3..=COLUMNS.len()).rev().find(fits).unwrap_or(2);
    let mut wide: Vec<u16> = COLUMNS[..shown].iter().map(|c| c.least).collect();
    let mut spare = width.saturating_sub(total(shown, &|at| COLUMNS[at].least));
    for at in HUNGRY.into_iter().filter(|at| *at < shown) {
        let more = wants(at).saturating_sub(wide[at]).min(spare);
        wide[at] += more;
        spare -= more;
    }
    if let Some(last) = wide.last_mut() {
        *last += spare;
    }
    wide
}

fn system(view: &SystemView, cells: [Cell; 7], wide: &[u16], ctx: &Ctx, theme: &Theme) -> Line {
    let mut line = Line::of("   ", Role::Text);
    for (at, (cell, width)) in cells.into_iter().zip(wide.iter().copied()).enumerate() {
        if at > 0 {
            line.add("  ", Role::Text);
        }
        if at == 1
            && let Some(why) = &view.unknown
        {
            let rest = wide.iter().skip(1).fold(0_u16, |sum, w| sum + w + 2).saturating_sub(2);
            let glyph = table::mark(Mark { tone: Tone::Unknown, word: Some("") }, theme, ctx.ascii, 2);
            line.add(pad(&format!("{glyph}cannot tell: {why}"), rest, false, !ctx.ascii), Tone::Unknown);
            return line;
        }
        let room = if cell.wrong { width.saturating_sub(2) } else { width };
        let text = if at == 1 { format::middle(&cell.text, room.into()) } else { cell.text };
        let ink: Ink = match (cell.wrong, cell.quiet || text == "-") {
            (true, _) => Tone::Crit.into(),
            (false, true) => Role::Muted.into(),
            (false, false) => Role::Text.into(),
        };
        line.add(pad(&text, room, false, !ctx.ascii), ink);
        if cell.wrong {
            line.add(table::mark(Mark { tone: Tone::Crit, word: Some("") }, theme, ctx.ascii, 2), Tone::Crit);
        }
    }
    line
}
