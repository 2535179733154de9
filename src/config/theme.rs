//! Themes: semantic roles with a dotted fall-back, a palette, `inherits`, and per status glyph, ASCII, word, colour.
//!
//! What must stay true: every role resolves, every status has a glyph of one cell and an ASCII stand-in, a setting
//! without effect is a complaint. It knows no terminal library: a [`Paint`] is data.

use std::cell::RefCell;
use std::collections::BTreeMap;

use toml::de::DeValue;
use unicode_width::UnicodeWidthStr;

use super::builtin;
use super::color::Color;
use super::spot::{Doc, Reader};
use crate::domain::Problem;

/// How something is painted. `None` leaves what is below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// Ink.
    pub fg: Option<Color>,
    /// Ground.
    pub bg: Option<Color>,
    /// Strong.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Underlined.
    pub underline: bool,
    /// Ink and ground swapped.
    pub reverse: bool,
}

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// What a piece of the screen is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role { $($(#[$doc])* $variant,)+ }
        impl Role {
            /// Every role.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// Its name in a theme file.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)+ } }
        }
    };
}

roles! {
    /// Ordinary text.
    Text = "text",
    /// What is fine or secondary: quiet.
    Muted = "text.muted",
    /// What the eye should find first.
    Strong = "text.strong",
    /// The first line.
    Header = "header",
    /// The product's name there.
    HeaderName = "header.name",
    /// PRODUCTION.
    Production = "header.production",
    /// STAGING.
    Staging = "header.staging",
    /// DEVELOPMENT.
    Development = "header.development",
    /// The line beside a title.
    Rule = "rule",
    /// A pane's title.
    Title = "rule.title",
    /// The title of the pane that has the focus.
    TitleFocus = "rule.title.focus",
    /// Column labels.
    Label = "rule.label",
    /// The row under the cursor.
    Cursor = "cursor",
    /// The same in a pane without the focus.
    CursorAway = "cursor.away",
    /// A key in the footer.
    Key = "key",
    /// What it does.
    KeyLabel = "key.label",
    /// Sparklines.
    Spark = "spark",
    /// What is being typed.
    Input = "input",
    /// Floating boxes.
    Overlay = "overlay",
    /// Their border.
    OverlayRule = "overlay.rule",
    /// The chosen line in one.
    OverlayCursor = "overlay.cursor",
    /// What is said loudly: frozen, masked.
    Loud = "loud",
}

/// How something stands, as drawn. Unknown is never the same as ok.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tone {
    /// Wrong and harming.
    Crit,
    /// Wrong, or will be.
    Warn,
    /// Cannot be told.
    Unknown,
    /// On its way.
    Wait,
    /// As it should be.
    Ok,
}

impl Tone {
    /// Every tone, worst first.
    pub const ALL: [Self; 5] = [Self::Crit, Self::Warn, Self::Unknown, Self::Wait, Self::Ok];

    /// Its name in a theme file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crit => "crit",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Wait => "wait",
            Self::Ok => "ok",
        }
    }
}

/// How one tone is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// One cell, not of ambiguous width.
    pub glyph: String,
    /// One ASCII character.
    pub ascii: String,
    /// The word, at most five letters.
    pub word: String,
    /// The glyph's paint.
    pub paint: Paint,
    /// The paint of what stands beside the glyph; the same unless the theme says otherwise, for a colour that a shape
    /// can bear on every ground and a word cannot.
    pub text: Paint,
}

/// A theme with everything resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// The ground that it paints; `None` keeps the terminal's own.
    pub background: Option<Color>,
    roles: Vec<Paint>,
    marks: Vec<Mark>,
}

impl Theme {
    /// The paint of a role.
    pub fn paint(&self, role: Role) -> Paint {
        self.roles.get(role as usize).copied().unwrap_or_default()
    }

    /// How a tone is shown.
    pub fn mark(&self, tone: Tone) -> &Mark {
        const BARE: Paint = Paint { fg: None, bg: None, bold: false, dim: false, underline: false, reverse: false };
        static NONE: Mark =
            Mark { glyph: String::new(), ascii: String::new(), word: String::new(), paint: BARE, text: BARE };
        self.marks.get(tone as usize).unwrap_or(&NONE)
    }
}

/// One file, before roles fall back on each other.
#[derive(Default)]
struct Layer {
    background: Option<Color>,
    palette: BTreeMap<String, Color>,
    roles: BTreeMap<&'static str, Paint>,
    marks: BTreeMap<Tone, MarkLayer>,
}

#[derive(Default)]
struct MarkLayer {
    glyph: Option<String>,
    ascii: Option<String>,
    word: Option<String>,
    paint: Option<Paint>,
    text: Option<Paint>,
}

/// Names of the built-in themes, the default first.
pub fn names() -> impl Iterator<Item = &'static str> {
    builtin::THEMES.iter().map(|(name, _)| *name)
}

/// Loads a theme. `overrides` are the user's files as (name without `.toml`, text): one of the same name replaces
/// the built-in, any other name is a new theme. A caller that gets problems keeps what it had.
pub fn load(name: &str, overrides: &[(String, String)]) -> Result<Theme, Vec<Problem>> {
    let problems = RefCell::new(Vec::new());
    let mut layers = Vec::new();
    collect(name, None, overrides, &problems, &mut layers, &mut Vec::new());
    let problems = problems.into_inner();
    if problems.is_empty() { Ok(resolve(name, &layers)) } else { Err(problems) }
}

/// Reads a file and, before it, those that it inherits from.
fn collect(
    name: &str,
    asked_at: Option<String>,
    overrides: &[(String, String)],
    problems: &RefCell<Vec<Problem>>,
    layers: &mut Vec<Layer>,
    open: &mut Vec<String>,
) {
    let own = overrides.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str());
    let Some(text) = own.or_else(|| builtin::theme(name)) else {
        let mut known: Vec<&str> = names().collect();
        known.extend(overrides.iter().map(|(n, _)| n.as_str()));
        let hint = match crate::query::nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", known.join(", ")),
        };
        let problem = Problem::usage(format!("no theme `{name}`")).hint(hint);
        problems.borrow_mut().push(match asked_at {
            Some(place) => problem.at(place),
            None => problem,
        });
        return;
    };
    let file = format!("themes/{name}.toml");
    let doc = Doc::new(&file, text, problems);
    let Some(table) = doc.parse() else { return };
    let reader = Reader::new(&doc, &table, 0..0);
    open.push(name.to_owned());
    if let Some((parent, span)) = reader.text("inherits") {
        // A user's file may build on the built-in of its own name.
        let parents = if parent == name && own.is_some() { &[] } else { overrides };
        if open.iter().filter(|o| *o == parent).count() > usize::from(parent == name && own.is_some()) {
            doc.complain(span, format!("`{parent}` inherits from itself"), None);
        } else {
            collect(parent, Some(doc.place(&span)), parents, problems, layers, open);
        }
    }
    let mut layer = Layer::default();
    for before in layers.iter() {
        layer.palette.extend(before.palette.iter().map(|(k, v)| (k.clone(), *v)));
    }
    if let Some(palette) = reader.table("palette") {
        for (key, _, value) in palette.entries() {
            match value.get_ref().as_str().and_then(Color::parse) {
                Some(color) => drop(layer.palette.insert(key.to_owned(), color)),
                None => doc.complain(
                    value.span(),
                    format!("`{key}` is not a colour"),
                    Some("write #rrggbb or one of the terminal's sixteen, such as bright-red".into()),
                ),
            }
        }
    }
    if let Some((text, span)) = reader.text("background") {
        layer.background = color(&doc, &layer.palette, text, span);
    }
    if let Some(roles) = reader.table("roles") {
        for (key, span, value) in roles.entries() {
            let Some(role) = Role::ALL.iter().find(|r| r.name() == key) else {
                doc.unknown(span, "role", key, Role::ALL.iter().map(|r| r.name()));
                continue;
            };
            let paint = match value.get_ref() {
                DeValue::String(text) => {
                    Some(Paint { fg: color(&doc, &layer.palette, text, value.span()), ..Paint::default() })
                }
                DeValue::Table(table) => {
                    let reader = Reader::new(&doc, table, value.span());
                    let paint = read_paint(&reader, &layer.palette);
                    reader.finish();
                    Some(paint)
                }
                other => {
                    let what = format!("`{key}` is {}, expected a colour or a table", other.type_str());
                    doc.complain(value.span(), what, None);
                    None
                }
            };
            if let Some(paint) = paint {
                layer.roles.insert(role.name(), paint);
            }
        }
    }
    if let Some(status) = reader.table("status") {
        for (key, span, value) in status.entries() {
            let Some(tone) = Tone::ALL.iter().find(|t| t.name() == key) else {
                doc.unknown(span, "status", key, Tone::ALL.iter().map(|t| t.name()));
                continue;
            };
            let DeValue::Table(table) = value.get_ref() else {
                doc.complain(value.span(), format!("`status.{key}` is not a table"), None);
                continue;
            };
            layer.marks.insert(*tone, read_mark(Reader::new(&doc, table, value.span()), &layer.palette));
        }
    }
    reader.finish();
    layers.push(layer);
}

fn color(doc: &Doc<'_>, palette: &BTreeMap<String, Color>, text: &str, span: std::ops::Range<usize>) -> Option<Color> {
    let found = palette.get(text).copied().or_else(|| Color::parse(text));
    if found.is_none() {
        let known = palette.keys().map(String::as_str).chain(super::color::ANSI);
        doc.unknown(span, "colour", text, known);
    }
    found
}

fn read_paint(reader: &Reader<'_, '_>, palette: &BTreeMap<String, Color>) -> Paint {
    let ink = |key| reader.text(key).and_then(|(text, span)| color(reader.doc, palette, text, span));
    let flag = |key| reader.flag(key).unwrap_or_default();
    Paint {
        fg: ink("fg"),
        bg: ink("bg"),
        bold: flag("bold"),
        dim: flag("dim"),
        underline: flag("underline"),
        reverse: flag("reverse"),
    }
}

fn read_mark(reader: Reader<'_, '_>, palette: &BTreeMap<String, Color>) -> MarkLayer {
    let paint = read_paint(&reader, palette);
    let sized = |key: &'static str, widths: std::ops::RangeInclusive<usize>, ascii: bool| {
        let (text, span) = reader.text(key)?;
        if widths.contains(&text.width()) && (!ascii || text.is_ascii()) {
            return Some(text.to_owned());
        }
        let cells = if widths.start() == widths.end() { "one cell" } else { "one to five cells" };
        let kind = if ascii { " of plain ASCII" } else { "" };
        reader.doc.complain(span, format!("`{key}` must be {cells} wide{kind}"), None);
        None
    };
    let layer = MarkLayer {
        glyph: sized("glyph", 1..=1, false),
        ascii: sized("ascii", 1..=1, true),
        word: sized("word", 1..=5, false),
        paint: (paint != Paint::default()).then_some(paint),
        text: reader.table("text").map(|text| {
            let paint = read_paint(&text, palette);
            text.finish();
            paint
        }),
    };
    reader.finish();
    layer
}

/// Lays the files over each other, then lets each role fall back along its dots.
fn resolve(name: &str, layers: &[Layer]) -> Theme {
    let stated = |key: &str| layers.iter().rev().find_map(|l| l.roles.get(key).copied());
    let roles = Role::ALL
        .iter()
        .map(|role| {
            let mut key = role.name();
            loop {
                if let Some(paint) = stated(key) {
                    return paint;
                }
                key = match key.rsplit_once('.') {
                    Some((parent, _)) => parent,
                    None => return stated("text").unwrap_or_default(),
                };
            }
        })
        .collect();
    let marks = Tone::ALL
        .iter()
        .map(|tone| {
            let part = |take: fn(&MarkLayer) -> Option<String>| {
                layers.iter().rev().find_map(|l| l.marks.get(tone).and_then(take)).unwrap_or_default()
            };
            Mark {
                glyph: part(|m| m.glyph.clone()),
                ascii: part(|m| m.ascii.clone()),
                word: part(|m| m.word.clone()),
                paint: layers.iter().rev().find_map(|l| l.marks.get(tone)?.paint).unwrap_or_default(),
                // A theme that paints the glyph anew does not keep the words of the one below.
                text: layers
                    .iter()
                    .rev()
                    .find_map(|l| l.marks.get(tone).and_then(|m| m.text.or(m.paint)))
                    .unwrap_or_default(),
            }
        })
        .collect();
    Theme { name: name.to_owned(), background: layers.iter().rev().find_map(|l| l.background), roles, marks }
}
