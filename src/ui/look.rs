//! A theme's paints as the terminal library's styles, resolved once a frame.

use ratatui::style::{Color as Ink, Modifier, Style};

use crate::config::color::Color;
use crate::config::theme::{Paint, Role, Theme, Tone};
use crate::present;

/// Styles by role and tone.
pub(super) struct Look {
    roles: Vec<Style>,
    tones: Vec<Style>,
    glyphs: Vec<Glyph>,
}

/// The shape of a tone, where it is painted otherwise than the words beside it.
struct Glyph {
    shapes: [String; 2],
    style: Style,
}

impl Look {
    pub(super) fn new(theme: &Theme) -> Self {
        Self {
            roles: Role::ALL.iter().map(|role| style(theme.paint(*role))).collect(),
            tones: Tone::ALL.iter().map(|tone| style(theme.mark(*tone).text)).collect(),
            glyphs: Tone::ALL
                .iter()
                .map(|tone| {
                    let mark = theme.mark(*tone);
                    Glyph { shapes: [mark.glyph.clone(), mark.ascii.clone()], style: style(mark.paint) }
                })
                .collect(),
        }
    }

    pub(super) fn role(&self, role: Role) -> Style {
        self.roles.get(role as usize).copied().unwrap_or_default()
    }

    pub(super) fn ink(&self, ink: present::Ink) -> Style {
        match ink {
            present::Ink::Role(role) => self.role(role),
            present::Ink::Tone(tone) => self.tones.get(tone as usize).copied().unwrap_or_default(),
        }
    }
}

impl Look {
    /// The glyph that a text of this ink begins with, and its style, when that is not the style of the text.
    pub(super) fn glyph<'t>(&self, ink: present::Ink, text: &'t str) -> Option<(&'t str, Style)> {
        let present::Ink::Tone(tone) = ink else { return None };
        let glyph = self.glyphs.get(tone as usize)?;
        if self.ink(ink) == glyph.style {
            return None;
        }
        // A glyph stands alone or before a blank; a word that begins with it is a word.
        let found = glyph.shapes.iter().find_map(|shape| text.strip_prefix(shape.as_str()).map(|rest| (shape, rest)));
        let (shape, _) =
            found.filter(|(shape, rest)| !shape.is_empty() && (rest.is_empty() || rest.starts_with(' ')))?;
        Some((&text[..shape.len()], glyph.style))
    }
}

fn style(paint: Paint) -> Style {
    let mut style = Style::new();
    style.fg = paint.fg.map(color);
    style.bg = paint.bg.map(color);
    let flags = [
        (paint.bold, Modifier::BOLD),
        (paint.dim, Modifier::DIM),
        (paint.underline, Modifier::UNDERLINED),
        (paint.reverse, Modifier::REVERSED),
    ];
    for (on, modifier) in flags {
        if on {
            style = style.add_modifier(modifier);
        }
    }
    style
}

pub(super) const fn color(color: Color) -> Ink {
    match color {
        Color::Rgb(r, g, b) => Ink::Rgb(r, g, b),
        Color::Ansi(0) => Ink::Black,
        Color::Ansi(1) => Ink::Red,
        Color::Ansi(2) => Ink::Green,
        Color::Ansi(3) => Ink::Yellow,
        Color::Ansi(4) => Ink::Blue,
        Color::Ansi(5) => Ink::Magenta,
        Color::Ansi(6) => Ink::Cyan,
        Color::Ansi(7) => Ink::Gray,
        Color::Ansi(8) => Ink::DarkGray,
        Color::Ansi(9) => Ink::LightRed,
        Color::Ansi(10) => Ink::LightGreen,
        Color::Ansi(11) => Ink::LightYellow,
        Color::Ansi(12) => Ink::LightBlue,
        Color::Ansi(13) => Ink::LightMagenta,
        Color::Ansi(14) => Ink::LightCyan,
        Color::Ansi(_) => Ink::White,
    }
}
