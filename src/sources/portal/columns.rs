//! Finds the columns that a mapping needs, by name, and says precisely what is wrong with them.
//!
//! What must stay true: a missing column is named together with what there is and the nearest name; a column that
//! cannot mean what its name says is refused before a row is read. Letter case of a name does not matter.

use super::query::Sql;
use super::row::{Column, Form};
use crate::domain::Problem;

/// What a canonical column must be able to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// An id: text, a number, a uuid.
    Id,
    /// Text.
    Text,
    /// Any single value.
    Word,
    /// A moment.
    Time,
    /// A number.
    Number,
}

impl Want {
    fn accepts(self, form: Form) -> bool {
        match self {
            Self::Id => matches!(form, Form::Text | Form::Number | Form::Json | Form::Bytes | Form::Any),
            Self::Text => matches!(form, Form::Text | Form::Json | Form::Any),
            Self::Word => !matches!(form, Form::Composite),
            Self::Time => !matches!(form, Form::Bool | Form::Bytes | Form::Composite),
            Self::Number => matches!(form, Form::Number | Form::Text | Form::Json | Form::Any),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Id => "an id (text, a number or a uuid)",
            Self::Text => "text",
            Self::Word => "a single value",
            Self::Time => "a moment (timestamp, date, RFC 3339 text, or a number of seconds or milliseconds)",
            Self::Number => "a number",
        }
    }
}

/// A canonical column: its name, what it holds, and whether it must be there.
pub(super) type Known = (&'static str, Want, bool);

/// Where each canonical column is, in the order of the table; and the positions of all others.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    at: Vec<(&'static str, Option<usize>)>,
    /// Columns that are not canonical.
    pub(super) others: Vec<usize>,
}

impl Layout {
    /// Matches the columns of a query against a table of canonical ones.
    pub(super) fn of(columns: &[Column], known: &'static [Known], query: &Sql) -> Result<Self, Problem> {
        let mut at = Vec::with_capacity(known.len());
        let mut taken = vec![false; columns.len()];
        for &(name, want, required) in known {
            let mut found = None;
            for (index, column) in columns.iter().enumerate() {
                if !base(&column.name).eq_ignore_ascii_case(name) {
                    continue;
                }
                if found.is_some() {
                    return Err(Problem::usage(format!("the query gives the column `{name}` twice"))
                        .at(&query.place)
                        .hint("name the columns one by one, each with its own `as`"));
                }
                if !want.accepts(column.form) {
                    let what = format!("the column `{name}` is {}, and must be {}", column.kind, want.words());
                    let cast = format!("choose another column, or cast it: `{}::text as {name}`", column.name);
                    return Err(Problem::usage(what).at(&query.place).hint(cast));
                }
                found = Some(index);
                taken[index] = true;
            }
            if found.is_none() && required {
                return Err(missing(name, columns, query));
            }
            at.push((name, found));
        }
        let others = (0..columns.len()).filter(|index| !taken[*index]).collect();
        Ok(Self { at, others })
    }

    /// Where a canonical column is.
    pub(super) fn get(&self, name: &str) -> Option<usize> {
        self.at.iter().find(|(known, _)| *known == name).and_then(|(_, at)| *at)
    }
}

/// SQLite calls the second of two equal columns `name:1`.
fn base(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((base, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => base,
        _ => name,
    }
}

fn missing(name: &str, columns: &[Column], query: &Sql) -> Problem {
    let names: Vec<_> = columns.iter().take(40).map(|column| column.name.as_str()).collect();
    let there =
        if names.is_empty() { "it gives no column".to_owned() } else { format!("it gives {}", names.join(", ")) };
    let problem = Problem::usage(format!("the query gives no column `{name}`")).at(&query.place).why(there);
    match nearest(name, &names) {
        Some(near) => problem.hint(format!("if `{near}` is meant, write `{} as {name}`", quoted(near))),
        None => problem.hint(format!("select something `as {name}`")),
    }
}

/// A name as SQL needs it.
pub(super) fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Words that cannot stand bare as a table's or column's name on one of the engines.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "between",
    "both",
    "by",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "cross",
    "current_date",
    "current_user",
    "default",
    "delete",
    "desc",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "in",
    "index",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "join",
    "key",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "primary",
    "references",
    "right",
    "select",
    "session_user",
    "set",
    "some",
    "table",
    "then",
    "to",
    "transaction",
    "trigger",
    "true",
    "union",
    "unique",
    "update",
    "user",
    "using",
    "values",
    "when",
    "where",
    "window",
    "with",
];

/// The name that was probably meant: one that ends in it, holds it, or is few letters away.
fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let score = |other: &str| {
        let other = other.to_lowercase();
        let stem = if name == "email" { "mail" } else { name };
        if other.ends_with(stem) && other.len() > 2 {
            return Some(1 + other.len() / 8);
        }
        let distance = distance(name, &other);
        if distance <= name.len().div_ceil(2) {
            return Some(distance + 1);
        }
        (name.len() > 2 && other.contains(stem)).then_some(9)
    };
    names.iter().filter_map(|other| Some((score(other)?, *other))).min().map(|(_, other)| other)
}

/// Letters to change, add or drop.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let best = (corner + usize::from(ca != *cb)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = best;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_found() {
        assert_eq!(nearest("email", &["id", "user_email", "name"]), Some("user_email"));
        assert_eq!(nearest("email", &["emial", "name"]), Some("emial"));
        assert_eq!(nearest("email", &["E-Mail", "name"]), Some("E-Mail"));
        assert_eq!(nearest("id", &["user_id", "organization_id"]), Some("user_id"));
        assert_eq!(nearest("id", &["name", "plan"]), None);
    }

    #[test]
    fn names_are_quoted_when_they_must_be() {
        assert_eq!(quoted("email"), "email");
        assert_eq!(quoted("createdAt"), "\"createdAt\"");
        assert_eq!(quoted("user"), "\"user\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
