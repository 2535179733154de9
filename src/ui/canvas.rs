//! The only place that writes cells. Everything that it is given is clipped to the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::look::{Look, color};
use crate::app::layout::Area;
use crate::config::theme::{Role, Theme};
use crate::present::Line;

/// A buffer with the look of a theme.
pub(super) struct Canvas<'b> {
    buffer: &'b mut Buffer,
    pub(super) look: Look,
    ground: Style,
}

impl<'b> Canvas<'b> {
    pub(super) fn new(buffer: &'b mut Buffer, theme: &Theme) -> Self {
        let look = Look::new(theme);
        let mut ground = look.role(Role::Text);
        ground.bg = theme.background.map(color);
        Self { buffer, look, ground }
    }

    /// Paints the theme's ground over the whole screen.
    pub(super) fn ground(&mut self) {
        self.buffer.set_style(self.buffer.area, self.ground);
    }

    fn rect(&self, area: Area) -> Rect {
        Rect::new(area.x, area.y, area.w, area.h).intersection(self.buffer.area)
    }

    /// Lays a role's style over cells.
    pub(super) fn fill(&mut self, area: Area, role: Role) {
        let rect = self.rect(area);
        let style = self.look.role(role);
        self.buffer.set_style(rect, style);
    }

    /// Empties cells and gives them a role's style: for what floats.
    pub(super) fn clear(&mut self, area: Area, role: Role) {
        let rect = self.rect(area);
        let style = Style::reset().patch(self.ground).patch(self.look.role(role));
        for y in rect.top()..rect.bottom() {
            // A wide character that would lose its second half goes whole.
            if rect.left() > 0
                && let Some(before) = self.buffer.cell((rect.left() - 1, y))
                && before.symbol().width() > 1
            {
                let kept = before.style();
                self.buffer.set_stringn(rect.left() - 1, y, " ", 1, kept);
            }
            self.buffer.set_stringn(rect.left(), y, " ".repeat(rect.width.into()), rect.width.into(), style);
        }
    }

    /// Writes a line into row `row` of an area.
    pub(super) fn line(&mut self, area: Area, row: u16, line: &Line) {
        let rect = self.rect(area);
        if row >= rect.height || rect.y != area.y || rect.x != area.x {
            return;
        }
        let (mut x, y) = (rect.x, rect.y + row);
        for span in &line.0 {
            let room = rect.right().saturating_sub(x);
            if room == 0 {
                return;
            }
            // Everything is blank before it is drawn, so blanks at the end of a piece are only stepped over, unless
            // their ground shows.
            let style = self.look.ink(span.ink);
            let solid = style.bg.is_some() || style.add_modifier.contains(Modifier::REVERSED);
            let text = if solid { span.text.as_str() } else { span.text.trim_end_matches(' ') };
            if !text.is_empty() {
                let start = x;
                (x, _) = self.buffer.set_stringn(x, y, text, room.into(), style);
                if let Some((glyph, style)) = self.look.glyph(span.ink, text) {
                    self.buffer.set_stringn(
                        start,
                        y,
                        glyph,
                        room.into(),
                        Style::reset().patch(self.ground).patch(style),
                    );
                }
            }
            x = x.saturating_add(u16::try_from(span.text.len() - text.len()).unwrap_or(u16::MAX)).min(rect.right());
        }
    }

    /// As [`Self::line`], with the strength of the row under the cursor laid over it.
    pub(super) fn cursor_line(&mut self, area: Area, row: u16, line: &Line, role: Role) {
        let rect = self.rect(area);
        if row >= rect.height {
            return;
        }
        self.line(area, row, line);
        let style = self.look.role(role);
        let mut over = Style { fg: None, ..style };
        if style.bg.is_some() || style.add_modifier.contains(Modifier::REVERSED) {
            over = over.remove_modifier(Modifier::DIM);
        }
        if style.add_modifier.contains(Modifier::REVERSED) {
            // Inverted inks would be stripes: the bar is of one colour, glyph and word say the rest.
            over.fg = Some(ratatui::style::Color::Reset);
        }
        self.buffer.set_style(Rect { y: rect.y + row, height: 1, ..rect }, over);
    }
}
