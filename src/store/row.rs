//! Rows of datasets as they lie in their tables: the whole row as `doc`, and one searchable column a field.
//!
//! What must stay true: columns are derived from the table of fields in `domain::field`, so that an expression means
//! the same here as over rows in memory. Texts are lower-cased in Rust, not by an engine: the two engines differ.

use serde_json::Value as Json;
use sqlx::AssertSqlSafe;

use super::db::{Engine, Tx, Type, lines, table};
use super::{folded, key};
use crate::domain::{Dataset, FieldKind, Problem, Row, Value};

/// Most rows of one statement.
const CHUNK: usize = 1000;

/// The table of a dataset; `None` for one that the store does not keep yet.
pub(super) const fn table_of(dataset: Dataset) -> Option<&'static str> {
    match dataset {
        Dataset::Customers => Some("customer"),
        Dataset::Mismatches => Some("mismatch"),
        Dataset::Deliveries => Some("delivery"),
        Dataset::Jobs => Some("job"),
        Dataset::Checks => Some("check_row"),
        Dataset::Deploys => Some("deploy"),
        Dataset::Sources => Some("source"),
        Dataset::Attempts | Dataset::Plans | Dataset::Audit => None,
    }
}

/// A row to be stored.
pub(super) struct Put {
    /// Its key; usually [`Put::new`] makes it from the row's own.
    pub(super) key: String,
    /// The row.
    pub(super) row: Row,
    /// Values of the table's columns that are no fields.
    pub(super) extra: Vec<Json>,
}

impl Put {
    pub(super) fn new(row: Row, extra: Vec<Json>) -> Self {
        Self { key: key(row.key().as_str()), row, extra }
    }
}

/// The row as JSON text: what `doc` holds.
pub(super) fn doc(row: &Row) -> Result<String, Problem> {
    serde_json::to_string(row).map_err(|e| Problem::bug("a row cannot be written as JSON").why(e.to_string()))
}

/// Reads a `doc` back.
pub(super) fn undoc(dataset: Dataset, doc: &str) -> Result<Row, Problem> {
    let row = match dataset {
        Dataset::Customers => serde_json::from_str(doc).map(Row::Customer),
        Dataset::Mismatches => serde_json::from_str(doc).map(Row::Mismatch),
        Dataset::Deliveries => serde_json::from_str(doc).map(Row::Delivery),
        Dataset::Jobs => serde_json::from_str(doc).map(Row::Job),
        Dataset::Checks => serde_json::from_str(doc).map(Row::Check),
        Dataset::Deploys => serde_json::from_str(doc).map(Row::Deploy),
        Dataset::Sources => serde_json::from_str(doc).map(Row::Source),
        Dataset::Attempts | Dataset::Plans | Dataset::Audit => {
            return Err(Problem::bug(format!("the store keeps no {dataset}")));
        }
    };
    row.map_err(|e| Problem::bug(format!("a stored row of {dataset} cannot be read")).why(e.to_string()))
}

/// Inserts or replaces rows. `extra` names the table's columns that are no fields. Keys must differ.
pub(super) async fn put(
    tx: &mut Tx,
    dataset: Dataset,
    extra: &[(&'static str, Type)],
    rows: &[Put],
) -> Result<(), Problem> {
    let Some(name) = table_of(dataset) else { return Err(Problem::bug(format!("the store keeps no {dataset}"))) };
    if rows.is_empty() {
        return Ok(());
    }
    let sql = upsert(tx.engine(), name, dataset, extra);
    for chunk in rows.chunks(CHUNK) {
        let mut values = Vec::with_capacity(chunk.len());
        for put in chunk {
            let mut line = vec![Json::from(put.key.as_str()), Json::from(doc(&put.row)?)];
            line.extend(put.extra.iter().cloned());
            for field in dataset.fields() {
                columns(put.row.value(field.name), field.kind, &mut line);
            }
            values.push(line);
        }
        tx.run(AssertSqlSafe(sql.as_str()), vec![lines(values)]).await?;
    }
    Ok(())
}

fn upsert(engine: Engine, name: &str, dataset: Dataset, extra: &[(&'static str, Type)]) -> String {
    let mut columns = vec![("row_key", Type::Text), ("doc", Type::Text)];
    columns.extend_from_slice(extra);
    for field in dataset.fields() {
        match field.kind {
            FieldKind::Number | FieldKind::Duration | FieldKind::Time => columns.push((field.name, Type::Int)),
            FieldKind::Text | FieldKind::Word(_) | FieldKind::List => columns.push((field.name, Type::Text)),
            FieldKind::Money => columns.extend([("money", Type::Int), ("money_currency", Type::Text)]),
        }
    }
    let names: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let updates: Vec<String> = names.iter().skip(1).map(|name| format!("{name} = excluded.{name}")).collect();
    let (names, updates, rows) = (names.join(", "), updates.join(", "), table(engine, 1, &columns));
    format!(
        "insert into {name} ({names}) select {names} from {rows} where true on conflict (row_key) do update set {updates}"
    )
}

/// Appends the column or columns of a field.
fn columns(value: Value, kind: FieldKind, line: &mut Vec<Json>) {
    if kind == FieldKind::Money {
        match value {
            Value::Money(money) => {
                line.extend([Json::from(money.per_month()), Json::from(key(&folded(money.currency.as_str())))]);
            }
            _ => line.extend([Json::Null, Json::Null]),
        }
        return;
    }
    line.push(match value {
        Value::Text(text) => Json::from(folded(text.as_str())),
        Value::Number(number) => Json::from(number),
        Value::Time(time) => Json::from(time.ms()),
        Value::Word(word) => Json::from(word),
        // Control characters never stand in a Text, so a line end parts the elements safely.
        Value::List(list) if !list.is_empty() => {
            let lines: String = list.iter().map(|text| folded(text.as_str()) + "\n").collect();
            Json::from(format!("\n{lines}"))
        }
        Value::List(_) | Value::Null | Value::Money(_) => Json::Null,
    });
}

/// Deletes rows by key; returns how many there were.
pub(super) async fn delete(tx: &mut Tx, dataset: Dataset, keys: &[String]) -> Result<u64, Problem> {
    let Some(name) = table_of(dataset) else { return Ok(0) };
    if keys.is_empty() {
        return Ok(0);
    }
    let rows = table(tx.engine(), 1, &[("key", Type::Text)]);
    let sql = format!("delete from {name} where row_key in (select n.key from {rows})");
    tx.run(AssertSqlSafe(sql), vec![super::db::column(keys.iter().cloned())]).await
}
