//! What happened to one customer, a line each.

use super::line::Line;
use super::table::pad;
use super::{Ctx, Mark, format, mask, table};
use crate::config::theme::{Role, Theme, Tone};
use crate::domain::Moment;

/// One moment as a line of at most `width` cells. `names` are hidden when masked.
pub fn line(moment: &Moment, width: u16, names: &[&str], ctx: &Ctx, theme: &Theme) -> Line {
    let at = pad(&format::moment(moment.at, ctx.now, ctx.offset_s), 6, true, true);
    let mut line = Line::of(format!("  {at}  "), Role::Muted);
    let system = moment.system.as_str();
    line.add(format!("{system:<11}"), Role::Text);
    if moment.bad {
        line.add(table::mark(Mark { tone: Tone::Crit, word: Some("") }, theme, ctx.ascii, 2), Tone::Crit);
    } else {
        line.add("  ", Role::Text);
    }
    let what = if ctx.masked { mask::prose(moment.what.as_str(), names) } else { moment.what.to_string() };
    let room = usize::from(width).saturating_sub(line.width() + 1);
    let ink = if moment.bad { Role::Strong } else { Role::Text };
    line.add(format::fit(&what, room, ctx.ascii), ink);
    line
}
