//! `keys`: the console's keys, from the table that the console itself uses.

use serde::Serialize;

use super::exit::{Exit, Outcome};
use super::output::{Ink, Output};
use super::table::{Cell, Spec, Table};
use crate::app::command;
use crate::app::reference::place;

/// One line of the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The keys, as they are written: `j`, `ctrl-d`, `g g`.
    pub keys: Vec<String>,
    /// The command's name, as the palette has it.
    pub command: String,
    /// What it does.
    pub doc: String,
    /// Where it works.
    pub place: String,
}

/// The console's own table.
pub fn table() -> Vec<Line> {
    let line = |spec: &command::Spec| Line {
        keys: spec.keys.iter().map(|key| (*key).to_owned()).collect(),
        command: spec.name.to_owned(),
        doc: spec.doc.to_owned(),
        place: place(spec.scope).to_owned(),
    };
    command::TABLE.iter().map(line).collect()
}

/// Prints the table.
pub fn run(lines: &[Line], out: &mut Output) -> Outcome {
    if out.is_json() {
        out.json(&serde_json::json!({ "keys": lines }))?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<Cell>> = lines
        .iter()
        .map(|line| {
            vec![
                Cell::new(line.keys.join(", ")).inked(Ink::Strong),
                Cell::new(&line.command),
                Cell::new(&line.place),
                Cell::new(&line.doc),
            ]
        })
        .collect();
    let table = Table::fit(&["keys", "command", "where", "what it does"].map(Spec::soft), &rows, out.width);
    table.head(out)?;
    rows.iter().try_for_each(|row| table.row(row, out))?;
    Ok(Exit::Done)
}
