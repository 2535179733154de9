//! A TOML text as a tree in which everything knows its line.
//!
//! What must stay true: a text that is not TOML gives all syntax complaints, each with its line, and still the tree of
//! what could be read. It knows nothing of which keys exist. It never repeats a value of the file in a complaint,
//! because a value may be a credential that somebody put there by mistake.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::Problem;

/// A value and the line on which it begins (from 1).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Line of the key, or of the value inside a list.
    pub(crate) line: usize,
    /// The value.
    pub(crate) node: Node,
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// A string.
    Text(String),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
    /// `[..]`, or `[[..]]`.
    List(Vec<Entry>),
    /// `[table]` or `{ .. }`, in the order of the file.
    Table(Vec<(String, Entry)>),
    /// A float, a date, a number out of range: nothing here takes one.
    Other(&'static str),
}

impl Node {
    /// What it is, for a complaint.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a section",
            Self::Other(kind) => kind,
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The members, if it is a section.
    pub(crate) fn table(&self) -> &[(String, Entry)] {
        if let Self::Table(members) = self { members } else { &[] }
    }

    /// The elements, if it is a list.
    pub(crate) fn list(&self) -> &[Entry] {
        if let Self::List(elements) = self { elements } else { &[] }
    }
}

impl Entry {
    /// The entry under a dotted path, `portal.customers.query`.
    pub(crate) fn get(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |at, name| at.node.table().iter().find(|(key, _)| key == name).map(|(_, e)| e))
    }
}

/// A parsed file.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The whole.
    pub(crate) root: Entry,
    /// Syntax complaints: line and what.
    pub(crate) broken: Vec<(usize, Problem)>,
}

impl Document {
    /// Reads TOML text, as much of it as can be read.
    pub(crate) fn parse(text: &str) -> Self {
        let starts: Vec<usize> = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1))
            .collect();
        let line = |at: usize| starts.partition_point(|start| *start <= at).max(1);
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut broken: Vec<(usize, Problem)> = errors
            .iter()
            .map(|error| {
                let at = error.span().map_or(1, |span| line(span.start.min(text.len().saturating_sub(1))));
                (at, Problem::usage("this is not TOML").why(error.message()).hint(advice(error.message())))
            })
            .collect();
        // One complaint a line: what follows on the same line follows from it.
        broken.sort_by_key(|(line, _)| *line);
        broken.dedup_by_key(|(line, _)| *line);
        Self { root: Entry { line: 1, node: Node::Table(members(table.get_ref(), &line)) }, broken }
    }
}

/// What to do about a syntax error.
fn advice(message: &str) -> &'static str {
    if message.contains("duplicate") {
        "keep one of the two"
    } else if message.contains("string") || message.contains("quote") {
        "texts stand between \"quotes\"; a query of several lines between '''three quotes'''"
    } else {
        "a line is `key = value`, a section begins with [name]"
    }
}

fn members(table: &DeTable<'_>, line: &impl Fn(usize) -> usize) -> Vec<(String, Entry)> {
    let mut all: Vec<(usize, String, Entry)> = table
        .iter()
        .map(|(key, value)| {
            let at = key.span().start;
            (at, key.get_ref().to_string(), Entry { line: line(at), node: node(value, line) })
        })
        .collect();
    all.sort_by_key(|(at, ..)| *at);
    all.into_iter().map(|(_, key, entry)| (key, entry)).collect()
}

fn node(value: &Spanned<DeValue<'_>>, line: &impl Fn(usize) -> usize) -> Node {
    match value.get_ref() {
        DeValue::String(text) => Node::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Node::Other("a number out of range"), Node::Number),
        DeValue::Boolean(flag) => Node::Flag(*flag),
        DeValue::Array(elements) => {
            Node::List(elements.iter().map(|e| Entry { line: line(e.span().start), node: node(e, line) }).collect())
        }
        DeValue::Table(table) => Node::Table(members(table, line)),
        DeValue::Float(_) => Node::Other("a number with a fraction"),
        DeValue::Datetime(_) => Node::Other("a date"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_knows_its_line_and_the_order_of_the_file_is_kept() {
        let doc = Document::parse("b = 1\na = '''\nx\n'''\n[s]\nz = [1,\n 2]\n\n[[c]]\nn = true\n");
        assert!(doc.broken.is_empty());
        let keys: Vec<_> = doc.root.node.table().iter().map(|(k, e)| (k.as_str(), e.line)).collect();
        assert_eq!(keys, [("b", 1), ("a", 2), ("s", 5), ("c", 9)]);
        assert_eq!(doc.root.get("s.z").unwrap().node.list()[1].line, 7);
        assert_eq!(doc.root.get("c").unwrap().node.list()[0].get("n").unwrap().line, 10);
    }

    #[test]
    fn every_syntax_error_is_told_and_the_rest_is_read() {
        let doc = Document::parse("a = \"open\nb = 2\nc == 3\nd = 4\n");
        assert_eq!(doc.broken.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(doc.root.get("b").unwrap().node, Node::Number(2));
        assert_eq!(doc.root.get("d").unwrap().node, Node::Number(4));
    }
}
