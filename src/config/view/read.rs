//! Reads view files: the chain of `extends`, then panes, screens and adjustments, each complaint with its place.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::words::{Format, Look, Narrow, Of};
use super::{Column, PaneSpec, Parse, RowSpec, ScreenSpec, Views};
use crate::config::builtin;
use crate::config::spot::{Doc, Reader};
use crate::domain::{Dataset, Problem};
use crate::query::Sort;

/// Most columns of a pane, most rows of a screen, most panes of a row: nobody can read more.
const MOST: usize = 24;

struct File<'t> {
    own: bool,
    doc: Doc<'t>,
    table: DeTable<'t>,
}

/// As [`super::load`], with the reader of `where` given.
pub fn load_with(role: &str, overrides: &[(String, String)], parse: Parse) -> Result<Views, Vec<Problem>> {
    let problems = RefCell::new(Vec::new());
    // Names must outlive the documents that point at them, hence the two steps.
    let chain = chain(role, overrides, &problems);
    let names: Vec<String> = chain.iter().map(|(name, _, _)| format!("views/{name}.toml")).collect();
    let mut files = Vec::new();
    for (name, (_, text, own)) in names.iter().zip(&chain) {
        let doc = Doc::new(name, text, &problems);
        if let Some(table) = doc.parse() {
            files.push(File { own: *own, doc, table });
        }
    }
    let mut draft = Draft { parse, panes: Vec::new(), screens: Vec::new(), first: None, adjusted: Vec::new() };
    for file in &files {
        draft.read(file);
    }
    let views = draft.finish(role, files.last().map(|f| &f.doc));
    drop(files);
    let mut problems = problems.into_inner();
    match views {
        Some(views) if problems.is_empty() => Ok(views),
        _ => {
            if problems.is_empty() {
                problems.push(Problem::usage(format!("the views of `{role}` hold no screen")));
            }
            Err(problems)
        }
    }
}

/// The files that make up a role, the most general first.
fn chain<'t>(
    role: &str,
    overrides: &'t [(String, String)],
    problems: &RefCell<Vec<Problem>>,
) -> Vec<(String, &'t str, bool)> {
    let mut out: Vec<(String, &str, bool)> = Vec::new();
    let mut next = Some((role.to_owned(), None::<String>));
    while let Some((name, asked_at)) = next.take() {
        let own = overrides.iter().find(|(n, _)| *n == name).map(|(_, text)| text.as_str());
        let Some(text) = own.or_else(|| builtin::view(&name)) else {
            let mut known: Vec<&str> = builtin::VIEWS.iter().map(|(n, _)| *n).collect();
            known.extend(overrides.iter().map(|(n, _)| n.as_str()));
            let hint = match crate::query::nearest(&name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", known.join(", ")),
            };
            let mut problem = Problem::usage(format!("no view `{name}`")).hint(hint);
            if let Some(place) = asked_at {
                problem = problem.at(place);
            }
            problems.borrow_mut().push(problem);
            break;
        };
        out.push((name.clone(), text, own.is_some()));
        // A syntax error is complained about when the file is read whole; here only the parent matters.
        if let Ok(table) = DeTable::parse(text)
            && let Some((_, parent)) = table.get_ref().iter().find(|(k, _)| k.get_ref() == "extends")
            && let Some(to) = parent.get_ref().as_str()
        {
            let file = format!("views/{name}.toml");
            let place = Doc::new(&file, text, problems).place(&parent.span());
            if out.iter().any(|(seen, _, _)| seen == to) {
                problems.borrow_mut().push(Problem::usage(format!("`{to}` extends itself")).at(place));
            } else {
                next = Some((to.to_owned(), Some(place)));
            }
        }
    }
    out.reverse();
    out
}

struct Draft {
    parse: Parse,
    panes: Vec<PaneSpec>,
    screens: Vec<ScreenSpec>,
    first: Option<usize>,
    /// Panes that must be shown somewhere because a setting speaks of them: name, place of the setting.
    adjusted: Vec<(usize, String)>,
}

impl Draft {
    fn read(&mut self, file: &File<'_>) {
        let reader = Reader::new(&file.doc, &file.table, 0..0);
        let _ = reader.raw("extends");
        for (name, pane) in reader.tables("panes") {
            self.pane(&name, pane, file.own);
        }
        for (name, screen) in reader.tables("screens") {
            self.screen(&name, screen);
        }
        for (name, adjust) in reader.tables("adjust") {
            self.adjust(&name, adjust);
        }
        if let Some((first, span)) = reader.text("first") {
            self.first = self.screens.iter().position(|s| s.name == first);
            if self.first.is_none() {
                file.doc.unknown(span, "screen", first, self.screens.iter().map(|s| s.name.as_str()));
            }
        }
        reader.finish();
    }

    /// A pane; one of the same name in a later file replaces it whole (`adjust` is for less).
    fn pane(&mut self, name: &str, reader: Reader<'_, '_>, own: bool) {
        let doc = reader.doc;
        let Some((word, span)) = reader.text("of") else {
            doc.complain(reader.span.clone(), format!("pane `{name}` does not say what it is `of`"), None);
            return;
        };
        let Some(of) = Of::parse(word) else {
            doc.unknown(span, "dataset", word, Of::WORDS.iter().copied());
            return;
        };
        let filter = self.filter(&reader, of);
        let sort = reader.text("sort").and_then(|(text, span)| sort(doc, of, text, span));
        let limit = reader.number("limit", 1..=2000).unwrap_or(200);
        let follow = reader.flag("follow").unwrap_or_default();
        let labels = reader.flag("labels").unwrap_or_default();
        let title = reader.text("title").map_or(name, |(t, _)| t).to_owned();
        let empty = reader.text("empty").map_or("nothing here", |(t, _)| t).to_owned();
        let next = reader.text("next").map(|(t, _)| t.to_owned());
        let mut columns: Vec<Column> = Vec::new();
        match reader.list("columns") {
            None => doc.complain(reader.span.clone(), format!("pane `{name}` has no `columns`"), None),
            Some((list, span)) => {
                if list.len() > MOST || list.is_empty() {
                    doc.complain(span, format!("{} columns, expected 1 to {MOST}", list.len()), None);
                }
                for item in list.into_iter().take(MOST) {
                    if let Some(column) = column(doc, of, item) {
                        if columns.iter().any(|c| c.field == column.field && c.format == column.format) {
                            doc.complain(item.span(), format!("`{}` is shown twice", column.field.name), None);
                        }
                        columns.push(column);
                    }
                }
            }
        }
        if columns.is_empty() {
            return reader.finish();
        }
        let pane =
            PaneSpec { name: name.to_owned(), title, of, filter, sort, limit, follow, labels, columns, empty, next };
        let at = match self.panes.iter().position(|p| p.name == name) {
            Some(at) => {
                self.panes[at] = pane;
                at
            }
            None => {
                self.panes.push(pane);
                self.panes.len() - 1
            }
        };
        if own {
            self.adjusted.push((at, doc.place(&reader.span)));
        }
        reader.finish();
    }

    fn filter(&self, reader: &Reader<'_, '_>, of: Of) -> crate::query::Expr {
        let Some((text, span)) = reader.text("where") else { return Default::default() };
        let Some(dataset) = of.dataset() else {
            reader.doc.complain(span, "`where` has no effect on this pane", Some("leave it out".into()));
            return Default::default();
        };
        (self.parse)(dataset, text).unwrap_or_else(|problem| {
            let hint = problem.hint.as_ref().or(problem.why.as_ref()).map(ToString::to_string);
            reader.doc.complain(span, format!("`where`: {}", problem.what), hint);
            Default::default()
        })
    }

    fn screen(&mut self, name: &str, reader: Reader<'_, '_>) {
        let doc = reader.doc;
        let old = self.screens.iter().position(|s| s.name == name);
        let mut screen = match old {
            Some(at) => self.screens[at].clone(),
            None => ScreenSpec {
                name: name.to_owned(),
                title: name.to_owned(),
                number: 0,
                pulse: false,
                narrow: Narrow::Stack,
                rows: Vec::new(),
            },
        };
        if let Some((title, _)) = reader.text("title") {
            title.clone_into(&mut screen.title);
        }
        if let Some(number) = reader.number("number", 1..=9) {
            screen.number = u8::try_from(number).unwrap_or_default();
        }
        if let Some(pulse) = reader.flag("pulse") {
            screen.pulse = pulse;
        }
        if let Some((word, span)) = reader.text("narrow") {
            match word {
                "stack" => screen.narrow = Narrow::Stack,
                "first" => screen.narrow = Narrow::First,
                _ => doc.unknown(span, "arrangement", word, ["stack", "first"]),
            }
        }
        let stated = reader.raw("rows").is_some();
        if let Some((list, span)) = reader.list("rows") {
            if list.is_empty() || list.len() > MOST {
                doc.complain(span, format!("{} rows, expected 1 to {MOST}", list.len()), None);
            }
            screen.rows = list.into_iter().take(MOST).filter_map(|row| self.row(doc, row)).collect();
        }
        if let Some((list, span)) = reader.list("heights") {
            if list.len() != screen.rows.len() {
                doc.complain(span, format!("{} heights for {} rows", list.len(), screen.rows.len()), None);
            }
            for (row, weight) in screen.rows.iter_mut().zip(list) {
                match weight.get_ref().as_integer().and_then(|n| n.as_str().parse::<u16>().ok()) {
                    Some(n) if (1..=100).contains(&n) => row.weight = n,
                    _ => doc.complain(weight.span(), "a height is not a whole number of 1 to 100", None),
                }
            }
        }
        if screen.number == 0 {
            doc.complain(reader.span.clone(), format!("screen `{name}` has no `number`"), Some("number = 7".into()));
        } else if let Some(other) = self.screens.iter().find(|s| s.name != name && s.number == screen.number) {
            let what = format!("screens `{}` and `{name}` both have number {}", other.name, screen.number);
            doc.complain(reader.span.clone(), what, None);
        }
        if screen.rows.is_empty() && !stated {
            doc.complain(reader.span.clone(), format!("screen `{name}` has no `rows`"), None);
        }
        match old {
            Some(at) => self.screens[at] = screen,
            None => self.screens.push(screen),
        }
        reader.finish();
    }

    /// `["webhooks:2", "queues"]`
    fn row(&self, doc: &Doc<'_>, row: &Spanned<DeValue<'_>>) -> Option<RowSpec> {
        let Some(list) = row.get_ref().as_array() else {
            doc.complain(row.span(), "a row is not a list of panes", Some("rows = [[\"mismatches\"], ...]".into()));
            return None;
        };
        let mut panes: Vec<(usize, u16)> = Vec::new();
        for item in list.iter().take(MOST) {
            let Some(text) = item.get_ref().as_str() else {
                doc.complain(item.span(), "a pane's name must stand in quotes", None);
                continue;
            };
            let (name, weight) = match text.split_once(':') {
                None => (text, Some(1)),
                Some((name, weight)) => (name, weight.parse().ok().filter(|w| (1..=100).contains(w))),
            };
            let Some(weight) = weight else {
                doc.complain(item.span(), format!("the weight in `{text}` is not 1 to 100"), None);
                continue;
            };
            match self.panes.iter().position(|p| p.name == name) {
                Some(at) if panes.iter().any(|(p, _)| *p == at) => {
                    doc.complain(item.span(), format!("`{name}` stands twice in one row"), None);
                }
                Some(at) => panes.push((at, weight)),
                None => doc.unknown(item.span(), "pane", name, self.panes.iter().map(|p| p.name.as_str())),
            }
        }
        (!panes.is_empty()).then_some(RowSpec { weight: 1, panes })
    }

    fn adjust(&mut self, name: &str, reader: Reader<'_, '_>) {
        let doc = reader.doc;
        let Some(at) = self.panes.iter().position(|p| p.name == name) else {
            doc.unknown(reader.span.clone(), "pane", name, self.panes.iter().map(|p| p.name.as_str()));
            return;
        };
        self.adjusted.push((at, doc.place(&reader.span)));
        let pane = &mut self.panes[at];
        let hide = reader.texts("hide");
        let first = reader.texts("first");
        for (field, span) in hide.iter().chain(&first) {
            if !pane.columns.iter().any(|c| c.field.name == *field) {
                doc.unknown(span.clone(), "column", field, pane.columns.iter().map(|c| c.field.name));
            }
        }
        for (field, span) in &first {
            if hide.iter().any(|(h, _)| h == field) {
                doc.complain(span.clone(), format!("`{field}` is both hidden and put first"), None);
            }
        }
        for column in &mut pane.columns {
            column.hidden |= hide.iter().any(|(h, _)| *h == column.field.name);
        }
        if let Some((_, span)) = hide.first()
            && pane.columns.iter().all(|c| c.hidden)
        {
            doc.complain(span.clone(), format!("every column of `{name}` is hidden"), None);
        }
        pane.columns.sort_by_key(|c| first.iter().position(|(f, _)| *f == c.field.name).unwrap_or(MOST));
        if let Some((text, span)) = reader.text("sort") {
            pane.sort = sort(doc, pane.of, text, span);
        }
        if let Some((title, _)) = reader.text("title") {
            title.clone_into(&mut pane.title);
        }
        if let Some(limit) = reader.number("limit", 1..=2000) {
            pane.limit = limit;
        }
        let of = pane.of;
        if reader.raw("where").is_some() {
            let filter = self.filter(&reader, of);
            self.panes[at].filter = filter;
        }
        reader.finish();
    }

    /// Checks that nothing is without effect, and closes.
    fn finish(mut self, role: &str, doc: Option<&Doc<'_>>) -> Option<Views> {
        let doc = doc?;
        for (pane, place) in &self.adjusted {
            if !self.screens.iter().any(|s| s.panes().any(|p| p == *pane)) {
                let what = format!("`{}` is on no screen, so this has no effect", self.panes[*pane].name);
                doc.push(Problem::usage(what).at(place).hint("put it into `rows` of a screen"));
            }
        }
        let first = self.first.and_then(|at| self.screens.get(at)).map(|s| s.name.clone());
        self.screens.sort_by_key(|s| s.number);
        let first = first.and_then(|name| self.screens.iter().position(|s| s.name == name)).unwrap_or_default();
        (!self.screens.is_empty()).then_some(Views {
            role: role.to_owned(),
            panes: self.panes,
            screens: self.screens,
            first,
        })
    }
}

/// `since desc`
fn sort(doc: &Doc<'_>, of: Of, text: &str, span: Range<usize>) -> Option<Sort> {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    let descending = match words.next() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(other) => {
            doc.unknown(span, "direction", other, ["asc", "desc"]);
            return None;
        }
    };
    let Of::Dataset(dataset) = of else {
        doc.complain(span, "`sort` has no effect on this pane", Some("leave it out".into()));
        return None;
    };
    match Dataset::field(dataset, name) {
        Some(field) => Some(Sort { field, descending }),
        None => {
            doc.unknown(span, "field", name, dataset.fields().iter().map(|f| f.name));
            None
        }
    }
}

fn column(doc: &Doc<'_>, of: Of, item: &Spanned<DeValue<'_>>) -> Option<Column> {
    let DeValue::Table(table) = item.get_ref() else {
        doc.complain(item.span(), "a column is not a table", Some("{ field = \"name\", width = 12 }".into()));
        return None;
    };
    let reader = Reader::new(doc, table, item.span());
    let Some((name, span)) = reader.text("field") else {
        doc.complain(item.span(), "a column does not name its `field`", None);
        return None;
    };
    let Some(field) = of.field(name) else {
        doc.unknown(span, "field", name, of.fields().map(|f| f.name));
        return None;
    };
    let mut format = Format::of(field);
    if let Some((word, span)) = reader.text("format") {
        match Format::parse(word) {
            Some(stated) if stated.fits(field) => format = stated,
            Some(_) => doc.complain(span, format!("`{name}` cannot be written as {word}"), None),
            None => doc.unknown(span, "format", word, Format::words()),
        }
    }
    let mut right = format.right();
    if let Some((word, span)) = reader.text("align") {
        match word {
            "left" => right = false,
            "right" => right = true,
            _ => doc.unknown(span, "alignment", word, ["left", "right"]),
        }
    }
    let mut look = Look::Plain;
    if let Some((word, span)) = reader.text("look") {
        match word {
            "plain" => {}
            "strong" => look = Look::Strong,
            "muted" => look = Look::Muted,
            _ => doc.unknown(span, "look", word, ["plain", "strong", "muted"]),
        }
    }
    let column = Column {
        field,
        label: reader.text("label").map_or(name, |(t, _)| t).to_owned(),
        width: reader.number("width", 1..=200).map_or(10, |n| u16::try_from(n).unwrap_or(10)),
        grow: reader.number("grow", 0..=100).map_or(0, |n| u16::try_from(n).unwrap_or(0)),
        right,
        format,
        look,
        show_above: reader.number("show_above", 0..=300).map_or(0, |n| u16::try_from(n).unwrap_or(0)),
        hidden: false,
    };
    reader.finish();
    Some(column)
}
