//! What every column, and every key inside a JSON column, seems to hold: judged by its sample, then by its name.

use std::collections::BTreeMap;

use super::super::lex::Dialect;
use super::schema::{Schema, Table, literal, name};
use super::words;

/// Keys of JSON documents that are looked at, by depth.
const MAX_DEPTH: usize = 3;
/// Most keys of one JSON column.
const MAX_KEYS: usize = 60;

/// A column, or a key inside a JSON column.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) table: usize,
    pub(super) column: usize,
    /// The keys inside the document; empty for the column itself.
    pub(super) path: Vec<String>,
    /// Words of its name; for a key, of the key.
    pub(super) words: Vec<String>,
    /// Values of the sample that are not NULL.
    pub(super) values: Vec<String>,
    /// Enum labels.
    pub(super) labels: Vec<String>,
    /// `bool`, or `tinyint(1)` and its like.
    pub(super) is_bool: bool,
}

impl Field {
    /// Share of the sampled values that pass, from 0 to 1; 0 without values.
    pub(super) fn share(&self, test: impl Fn(&str) -> bool) -> f64 {
        if self.values.is_empty() {
            return 0.0;
        }
        self.values.iter().filter(|value| test(value)).count() as f64 / self.values.len() as f64
    }

    /// How many different values there are, as a share.
    pub(super) fn variety(&self) -> f64 {
        if self.values.is_empty() {
            return 0.0;
        }
        let different: std::collections::HashSet<_> = self.values.iter().collect();
        different.len() as f64 / self.values.len() as f64
    }

    /// Whether the name holds one of these words.
    pub(super) fn says(&self, any: &[&str]) -> bool {
        self.words.iter().any(|word| any.contains(&word.as_str()))
    }

    /// Whether the name's words, joined, are one of these.
    pub(super) fn is_called(&self, any: &[&str]) -> bool {
        any.iter().any(|name| words::words(name) == self.words)
    }

    /// For a person: `subscription.status`, `users.metadata->subscription_status`.
    pub(super) fn shown(&self, schema: &Schema) -> String {
        let table = &schema.tables[self.table];
        let mut out = format!("{}.{}", table.name, table.columns[self.column].name);
        for key in &self.path {
            out.push_str("->");
            out.push_str(key);
        }
        out
    }

    /// The value in SQL, of a table that goes by `alias`.
    pub(super) fn sql(&self, schema: &Schema, alias: &str, dialect: Dialect) -> String {
        let column = &schema.tables[self.table].columns[self.column];
        let base = format!("{alias}.{}", name(&column.name));
        if self.path.is_empty() {
            return base;
        }
        match dialect {
            Dialect::Postgres => {
                let base = if column.kind.starts_with("json") { base } else { format!("{base}::jsonb") };
                let (last, first) = match self.path.split_last() {
                    Some((last, first)) => (last, first),
                    None => return base,
                };
                let inner: String = first.iter().map(|key| format!("->{}", literal(key))).collect();
                format!("{base}{inner}->>{}", literal(last))
            }
            Dialect::Sqlite => {
                let keys: Vec<_> = self.path.iter().map(|key| format!("\"{}\"", key.replace('"', ""))).collect();
                let path = format!("$.{}", keys.join("."));
                format!("case when json_valid({base}) then json_extract({base}, {}) end", literal(&path))
            }
        }
    }
}

/// All fields of all tables.
pub(super) fn fields(schema: &Schema) -> Vec<Field> {
    let mut out = Vec::new();
    for (index, table) in schema.tables.iter().enumerate() {
        for column in 0..table.columns.len() {
            let field = column_field(table, index, column);
            out.extend(keys(table, &field));
            out.push(field);
        }
    }
    out
}

fn column_field(table: &Table, index: usize, column: usize) -> Field {
    let about = &table.columns[column];
    let values = table.rows.iter().filter_map(|row| row.get(column)?.text()).collect();
    Field {
        table: index,
        column,
        path: Vec::new(),
        words: words::words(&about.name),
        values,
        labels: about.labels.clone(),
        is_bool: about.kind.starts_with("bool") || about.kind == "tinyint(1)",
    }
}

/// The keys of a JSON column's documents.
fn keys(table: &Table, field: &Field) -> Vec<Field> {
    let is_json = table.columns[field.column].kind.starts_with("json");
    let looks_so = field.values.first().is_some_and(|value| value.starts_with('{'));
    if !is_json && !looks_so {
        return Vec::new();
    }
    let mut found: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for value in &field.values {
        match serde_json::from_str(value) {
            Ok(document @ serde_json::Value::Object(_)) => gather(&document, &mut Vec::new(), &mut found),
            Ok(_) => {}
            Err(_) if is_json => {}
            Err(_) => return Vec::new(),
        }
    }
    let of = |(path, values): (Vec<String>, Vec<String>)| Field {
        words: path.last().map(|key| words::words(key)).unwrap_or_default(),
        path,
        values,
        labels: Vec::new(),
        is_bool: false,
        ..field.clone()
    };
    found.into_iter().take(MAX_KEYS).map(of).collect()
}

fn gather(value: &serde_json::Value, path: &mut Vec<String>, found: &mut BTreeMap<Vec<String>, Vec<String>>) {
    let serde_json::Value::Object(map) = value else { return };
    for (key, inner) in map {
        path.push(key.clone());
        match inner {
            serde_json::Value::Object(_) if path.len() < MAX_DEPTH => gather(inner, path, found),
            serde_json::Value::String(text) => found.entry(path.clone()).or_default().push(text.clone()),
            serde_json::Value::Number(number) => found.entry(path.clone()).or_default().push(number.to_string()),
            serde_json::Value::Bool(yes) => found.entry(path.clone()).or_default().push(yes.to_string()),
            _ => {}
        }
        path.pop();
    }
}
