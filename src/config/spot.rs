//! Reads a TOML text while remembering where everything stands, so that a complaint can name file, line and the
//! nearest known word.
//!
//! What must stay true: every key of a table is either asked for or complained about; a wrong key never passes in
//! silence. It refuses to touch the disk: texts are arguments.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::Problem;
use crate::query::nearest;

/// A text with its file name and the complaints about it so far.
pub(crate) struct Doc<'t> {
    name: &'t str,
    text: &'t str,
    problems: &'t RefCell<Vec<Problem>>,
}

impl<'t> Doc<'t> {
    pub(crate) fn new(name: &'t str, text: &'t str, problems: &'t RefCell<Vec<Problem>>) -> Self {
        Self { name, text, problems }
    }

    /// The whole file as a table; a syntax error becomes a complaint.
    pub(crate) fn parse(&self) -> Option<DeTable<'t>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(table.into_inner()),
            Err(error) => {
                let what = error.message().lines().next().unwrap_or("not TOML").to_owned();
                self.complain(error.span().unwrap_or(0..0), what, None);
                None
            }
        }
    }

    /// `file:line`
    pub(crate) fn place(&self, span: &Range<usize>) -> String {
        let upto = self.text.get(..span.start).unwrap_or(self.text);
        format!("{}:{}", self.name, upto.matches('\n').count() + 1)
    }

    pub(crate) fn complain(&self, span: Range<usize>, what: impl AsRef<str>, hint: Option<String>) {
        let mut problem = Problem::usage(what).at(self.place(&span));
        if let Some(hint) = hint {
            problem = problem.hint(hint);
        }
        self.problems.borrow_mut().push(problem);
    }

    pub(crate) fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Complains that `word` is not one of `known`, with the nearest as the suggestion.
    pub(crate) fn unknown<'k>(
        &self,
        span: Range<usize>,
        what: &str,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        let hint = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "leave it out".to_owned(),
            None => format!("known: {}", known.join(", ")),
        };
        self.complain(span, format!("no {what} `{word}`"), Some(hint));
    }
}

/// A table that is being read key by key.
pub(crate) struct Reader<'d, 't> {
    pub(crate) doc: &'d Doc<'t>,
    table: &'d DeTable<'t>,
    /// Where it stands in the file, for what is missing from it.
    pub(crate) span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'d, 't> Reader<'d, 't> {
    pub(crate) fn new(doc: &'d Doc<'t>, table: &'d DeTable<'t>, span: Range<usize>) -> Self {
        Self { doc, table, span, asked: RefCell::new(Vec::new()) }
    }

    pub(crate) fn raw(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'t>>> {
        self.asked.borrow_mut().push(key);
        self.table.iter().find(|(k, _)| k.get_ref() == key).map(|(_, v)| v)
    }

    fn typed<T>(
        &self,
        key: &'static str,
        kind: &str,
        take: impl FnOnce(&'d DeValue<'t>) -> Option<T>,
    ) -> Option<(T, Range<usize>)> {
        let value = self.raw(key)?;
        match take(value.get_ref()) {
            Some(taken) => Some((taken, value.span())),
            None => {
                let what = format!("`{key}` is {}, expected {kind}", value.get_ref().type_str());
                self.doc.complain(value.span(), what, None);
                None
            }
        }
    }

    pub(crate) fn text(&self, key: &'static str) -> Option<(&'d str, Range<usize>)> {
        self.typed(key, "text in quotes", |v| match v {
            DeValue::String(text) => Some(text.as_ref()),
            _ => None,
        })
    }

    pub(crate) fn flag(&self, key: &'static str) -> Option<bool> {
        self.typed(key, "true or false", DeValue::as_bool).map(|(flag, _)| flag)
    }

    /// A whole number inside `range`.
    pub(crate) fn number(&self, key: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let (number, span) = self.typed(key, "a whole number", |v| match v {
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok(),
            _ => None,
        })?;
        if range.contains(&number) {
            return Some(number);
        }
        self.doc.complain(span, format!("`{key}` is {number}, expected {} to {}", range.start(), range.end()), None);
        None
    }

    pub(crate) fn list(&self, key: &'static str) -> Option<(Vec<&'d Spanned<DeValue<'t>>>, Range<usize>)> {
        self.typed(key, "a list", |v| match v {
            DeValue::Array(list) => Some(list.iter().collect()),
            _ => None,
        })
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &'static str) -> Vec<(&'d str, Range<usize>)> {
        let Some((list, _)) = self.list(key) else { return Vec::new() };
        list.into_iter()
            .filter_map(|item| match item.get_ref() {
                DeValue::String(text) => Some((text.as_ref(), item.span())),
                other => {
                    let what = format!("an entry of `{key}` is {}, expected text in quotes", other.type_str());
                    self.doc.complain(item.span(), what, None);
                    None
                }
            })
            .collect()
    }

    pub(crate) fn table(&self, key: &'static str) -> Option<Reader<'d, 't>> {
        let (table, span) = self.typed(key, "a table", |v| match v {
            DeValue::Table(table) => Some(table),
            _ => None,
        })?;
        Some(Reader::new(self.doc, table, span))
    }

    /// Every entry of a table of tables: name, where, content.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<(String, Reader<'d, 't>)> {
        let Some(outer) = self.table(key) else { return Vec::new() };
        let mut out = Vec::new();
        for (name, value) in outer.table.iter() {
            match value.get_ref() {
                DeValue::Table(table) => {
                    out.push((name.get_ref().to_string(), Reader::new(self.doc, table, name.span())));
                }
                other => {
                    let what = format!("`{key}.{}` is {}, expected a table", name.get_ref(), other.type_str());
                    self.doc.complain(value.span(), what, None);
                }
            }
        }
        out
    }

    /// Every entry as it stands: for tables whose keys are free.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'d str, Range<usize>, &'d Spanned<DeValue<'t>>)> {
        self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
    }

    /// Complains about every key that nobody asked for.
    pub(crate) fn finish(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table.iter() {
            if !asked.iter().any(|a| a == key.get_ref()) {
                self.doc.unknown(key.span(), "setting", key.get_ref(), asked.iter().copied());
            }
        }
    }
}
