//! `views`: the fields of a dataset, and whether a user's own view and theme files are right.

use serde::Serialize;

use super::exit::{Exit, Outcome};
use super::folders;
use super::output::{Ink, Output};
use super::table::{Cell, Spec, Table};
use crate::config::{Settings, theme, view};
use crate::domain::{Dataset, FieldKind, Problem, Text};

#[derive(Serialize)]
struct Reference {
    dataset: Dataset,
    fields: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    kind: &'static str,
    words: Option<&'static [&'static str]>,
    doc: &'static str,
}

fn line(field: &crate::domain::Field) -> Line {
    let (kind, words) = match field.kind {
        FieldKind::Text => ("text", None),
        FieldKind::Number => ("number", None),
        FieldKind::Duration => ("duration", None),
        FieldKind::Time => ("time", None),
        FieldKind::Money => ("money", None),
        FieldKind::Word(words) => ("word", Some(words)),
        FieldKind::List => ("list", None),
    };
    Line { name: field.name, kind, words, doc: field.doc }
}

/// Prints the fields of a dataset.
pub fn fields(dataset: Dataset, out: &mut Output) -> Outcome {
    let fields: Vec<Line> = dataset.fields().iter().map(line).collect();
    if out.is_json() {
        out.json(&Reference { dataset, fields })?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<Cell>> = fields
        .iter()
        .map(|field| {
            let words = field.words.map(|words| format!(": {}", words.join(" "))).unwrap_or_default();
            vec![
                Cell::new(field.name).inked(Ink::Strong),
                Cell::new(field.kind),
                Cell::new(format!("{}{words}", field.doc)),
            ]
        })
        .collect();
    // The words of a field are read to their end.
    let width = out.width.take();
    let table = Table::fit(&["field", "kind", "what it is"].map(Spec::hard), &rows, None);
    let written = table.head(out).and_then(|()| rows.iter().try_for_each(|row| table.row(row, out)));
    out.width = width;
    written.map(|()| Exit::Done)
}

#[derive(Serialize)]
struct Checked<'a> {
    ok: bool,
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a Text,
    problems: &'a [Problem],
}

/// The user's own files beside the configuration, each with what is wrong with it.
pub fn own(settings: &Settings) -> Vec<(Text, Vec<Problem>)> {
    let views = folders::texts(&settings.folder.join("views"));
    let themes = folders::texts(&settings.folder.join("themes"));
    let complaints = |loaded: Option<Vec<Problem>>| loaded.unwrap_or_default();
    let of_views = views.iter().map(|(name, _)| {
        // `base` has no role of its own: it is read with every role.
        let role = if name == "base" { "founder" } else { name };
        (Text::new(format!("views/{name}.toml")), complaints(view::load(role, &views).err()))
    });
    let of_themes = themes
        .iter()
        .map(|(name, _)| (Text::new(format!("themes/{name}.toml")), complaints(theme::load(name, &themes).err())));
    of_views.chain(of_themes).collect()
}

/// Tells what is wrong with each of these files; usage (2) when something is.
pub fn check(files: &[(Text, Vec<Problem>)], out: &mut Output) -> Outcome {
    let ok = files.iter().all(|(_, problems)| problems.is_empty());
    if out.is_json() {
        let files = files.iter().map(|(file, problems)| File { file, problems }).collect();
        out.json(&Checked { ok, files })?;
    } else {
        for (file, problems) in files {
            let verdict = if problems.is_empty() { out.ink("ok", Ink::Good) } else { out.ink("wrong", Ink::Bad) };
            out.line(format!("{verdict}  {file}"))?;
            problems.iter().for_each(|problem| out.complain(problem));
        }
        if files.is_empty() {
            out.say("there are no view or theme files of your own");
        }
    }
    Ok(if ok { Exit::Done } else { Exit::Usage })
}
