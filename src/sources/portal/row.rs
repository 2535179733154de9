//! A row of any query, with columns of any type, as plain values.
//!
//! What must stay true: reading never fails because of a type. Postgres sends every column as the text that it would
//! print, SQLite sends what the cell happens to hold; both become a [`Cell`]. Nothing is guessed from names here.

use sqlx::postgres::{PgRow, PgValueFormat};
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use crate::domain::{Text, Time};

/// What a column holds, as far as the engine declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Text of any kind: enum labels, uuids, addresses.
    Text,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// A moment with its offset.
    Instant,
    /// A moment or a day without an offset, taken as UTC.
    Local,
    /// A JSON document.
    Json,
    /// Bytes.
    Bytes,
    /// A list or a row: readable as text, but never an id or an address.
    Composite,
    /// The engine does not say (SQLite).
    Any,
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name, as the engine gives it.
    pub(super) name: String,
    /// The engine's own name of its type, lower case.
    pub(super) kind: String,
    /// What that type holds.
    pub(super) form: Form,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number, in digits.
    Number(String),
    /// Text.
    Text(String),
    /// A JSON document, as text.
    Json(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Cell {
    /// What a person would write for it; `None` for NULL and for blank text.
    pub(super) fn text(&self) -> Option<String> {
        let text = match self {
            Self::Null => return None,
            Self::Bool(yes) => yes.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Number(digits) => digits.clone(),
            Self::Text(text) => text.clone(),
            Self::Json(document) => match serde_json::from_str(document) {
                Ok(serde_json::Value::Null) => return None,
                Ok(serde_json::Value::String(text)) => text,
                _ => document.clone(),
            },
            Self::Bytes(bytes) => shown_bytes(bytes),
        };
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    }

    /// The same, as foreign text that has passed the door.
    pub(super) fn clean(&self) -> Option<Text> {
        self.text().and_then(Text::non_empty)
    }

    /// A moment: any of the forms that databases print, or a number of seconds, milliseconds or microseconds since
    /// 1970. `Err` with what it says when it is none of these.
    pub(super) fn time(&self) -> Result<Option<Time>, String> {
        let Some(text) = self.text() else { return Ok(None) };
        if let Some(time) = Time::parse(&text) {
            return Ok(Some(time));
        }
        if matches!(text.as_str(), "infinity" | "-infinity") {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(epoch(number))),
            _ => Err(text),
        }
    }

    /// A whole number, where it is one.
    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(yes) => Some(i64::from(*yes)),
            _ => {
                let text = self.text()?;
                text.parse().ok().or_else(|| text.parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n as i64))
            }
        }
    }
}

/// Seconds, milliseconds or microseconds, told apart by size: 10^11 seconds is the year 5138.
fn epoch(number: f64) -> Time {
    let ms = match number.abs() {
        size if size < 1e11 => number * 1e3,
        size if size < 1e14 => number,
        _ => number / 1e3,
    };
    Time::from_ms(ms as i64)
}

/// Sixteen bytes are a uuid, readable bytes are text, others are shown in hexadecimal.
fn shown_bytes(bytes: &[u8]) -> String {
    let hex = |part: &[u8]| part.iter().map(|b| format!("{b:02x}")).collect::<String>();
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ if bytes.len() == 16 => {
            let parts = [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]];
            parts.map(hex).join("-")
        }
        _ => format!("\\x{}", hex(&bytes[..bytes.len().min(64)])),
    }
}

/// The columns of a Postgres result.
pub(super) fn postgres_columns(row: &PgRow) -> Vec<Column> {
    row.columns()
        .iter()
        .map(|column| {
            let kind = column.type_info().name().to_lowercase();
            let form = postgres_form(&kind);
            Column { name: column.name().to_owned(), kind, form }
        })
        .collect()
}

fn postgres_form(kind: &str) -> Form {
    match kind {
        "bool" => Form::Bool,
        "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "oid" | "money" => Form::Number,
        "timestamptz" => Form::Instant,
        "timestamp" | "date" => Form::Local,
        "json" | "jsonb" => Form::Json,
        "bytea" => Form::Bytes,
        _ if kind.ends_with("[]") || matches!(kind, "record" | "void" | "xml" | "tsvector" | "point") => {
            Form::Composite
        }
        _ => Form::Text,
    }
}

/// A Postgres row. The simple protocol sends text for every type, so there is nothing to decode and to fail.
pub(super) fn postgres_cells(row: &PgRow, columns: &[Column]) -> Vec<Cell> {
    columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let Ok(raw) = row.try_get_raw(index) else { return Cell::Null };
            if raw.is_null() || raw.format() != PgValueFormat::Text {
                return Cell::Null;
            }
            let text = raw.as_bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
            match column.form {
                Form::Bool => Cell::Bool(text == "t"),
                Form::Number => text.parse().map_or(Cell::Number(text), Cell::Int),
                Form::Json => Cell::Json(text),
                Form::Bytes => Cell::Bytes(from_hex(&text)),
                _ => Cell::Text(text),
            }
        })
        .collect()
}

/// `\x6162` as Postgres prints bytes.
fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("\\x").unwrap_or(text).as_bytes();
    digits
        .chunks_exact(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}

/// The columns of a SQLite result. The engine declares no types that bind.
pub(super) fn sqlite_columns(row: &SqliteRow) -> Vec<Column> {
    row.columns()
        .iter()
        .map(|column| Column {
            name: column.name().to_owned(),
            kind: column.type_info().name().to_lowercase(),
            form: Form::Any,
        })
        .collect()
}

/// A SQLite row, each cell as what it holds, whatever its column was declared to be.
pub(super) fn sqlite_cells(row: &SqliteRow) -> Vec<Cell> {
    (0..row.columns().len())
        .map(|index| {
            let Ok(raw) = row.try_get_raw(index) else { return Cell::Null };
            if raw.is_null() {
                return Cell::Null;
            }
            let storage = raw.type_info().name().to_owned();
            match storage.as_str() {
                "INTEGER" | "BOOLEAN" | "INT4" => <i64 as Decode<Sqlite>>::decode(raw).map_or(Cell::Null, Cell::Int),
                "REAL" => <f64 as Decode<Sqlite>>::decode(raw).map_or(Cell::Null, real),
                "BLOB" => <Vec<u8> as Decode<Sqlite>>::decode(raw).map_or(Cell::Null, Cell::Bytes),
                _ => <Vec<u8> as Decode<Sqlite>>::decode(raw)
                    .map_or(Cell::Null, |bytes| Cell::Text(String::from_utf8_lossy(&bytes).into_owned())),
            }
        })
        .collect()
}

/// Whole numbers stay whole: an id of `7.0` is 7.
fn real(number: f64) -> Cell {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        Cell::Int(number as i64)
    } else {
        Cell::Number(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_form_read_as_a_person_would_write_them() {
        assert_eq!(Cell::Json("\"active\"".into()).text().as_deref(), Some("active"));
        assert_eq!(Cell::Json("null".into()).text(), None);
        assert_eq!(Cell::Text("  ".into()).text(), None);
        assert_eq!(real(7.0).text().as_deref(), Some("7"));
        assert_eq!(Cell::Bytes(b"abc".to_vec()).text().as_deref(), Some("abc"));
        let uuid = Cell::Bytes((0..16).collect()).text().unwrap();
        assert_eq!(uuid, "00010203-0405-0607-0809-0a0b0c0d0e0f");
        assert_eq!(from_hex("\\x6162"), b"ab");
    }

    #[test]
    fn moments_are_read_from_text_and_from_all_three_units() {
        let at = Time::from_secs(1_700_000_000);
        for cell in [
            Cell::Int(1_700_000_000),
            Cell::Int(1_700_000_000_000),
            Cell::Int(1_700_000_000_000_000),
            Cell::Number("1700000000.0".into()),
            Cell::Text("2023-11-14 22:13:20+00".into()),
            Cell::Json("\"2023-11-14T22:13:20Z\"".into()),
        ] {
            assert_eq!(cell.time(), Ok(Some(at)), "{cell:?}");
        }
        assert_eq!(Cell::Text("infinity".into()).time(), Ok(None));
        assert_eq!(Cell::Text("soon".into()).time(), Err("soon".to_owned()));
    }
}
