//! `show`: one row whole; for a customer all systems side by side, what is out of step, and the timeline.

use serde::Serialize;

use super::args::{Global, THINGS};
use super::columns;
use super::exit::{Exit, Outcome};
use super::open;
use super::output::{Form, Ink, Output};
use super::table::{Cell, Spec, Table};
use crate::domain::{Customer, Dataset, Mismatch, Moment, Money, Problem, Row, Text, Time, Value};
use crate::present::mark;
use crate::query::{Expr, Literal, Op, Term};
use crate::store::Store;

/// Moments of a timeline.
const MOMENTS: i64 = 200;
/// Mismatches of one customer; there are twenty classes.
const OPEN: i64 = 100;

/// A customer, as JSON: the row, what is out of step, and what happened.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    customer: &'a Customer,
    open: &'a [Row],
    timeline: &'a [Moment],
}

/// Prints one row.
pub async fn run(kind: Dataset, id: &str, global: &Global, out: &mut Output) -> Outcome {
    let (_, store) = open::both(global).await?;
    let row = match store.get(kind, id).await? {
        Some(row) => row,
        None => other_name(&store, kind, id).await?,
    };
    let now = open::now();
    if let Row::Customer(customer) = &row {
        let of = |name: &'static str, value: &Text| match Dataset::Mismatches.field(name) {
            Some(field) => Expr { terms: vec![Term::Compare(field, Op::Eq, vec![Literal::Text(value.clone())])] },
            None => Expr::default(),
        };
        let open = store.list(Dataset::Mismatches, &of("customer", &customer.id), None, OPEN, 0, now).await?;
        let timeline = store.timeline(customer.id.as_str(), MOMENTS).await?;
        if out.is_json() {
            out.json(&Whole { customer, open: &open, timeline: &timeline })?;
        } else {
            print_customer(customer, &open, &timeline, now, out)?;
        }
    } else if out.is_json() {
        out.json(&row)?;
    } else if let Row::Mismatch(mismatch) = &row {
        print_mismatch(mismatch, now, out)?;
    } else {
        print_fields(&row, now, out)?;
    }
    store.close().await;
    Ok(Exit::Done)
}

/// A customer may be named by anything that finds exactly one.
async fn other_name(store: &Store, kind: Dataset, id: &str) -> Outcome<Row> {
    let word = THINGS.iter().find(|(_, dataset)| *dataset == kind).map_or("row", |(word, _)| *word);
    let problem = Problem::usage(format!("there is no {word} {id}"));
    if kind != Dataset::Customers {
        return Err(problem.hint(format!("`trueup list {kind}` shows the ids there are")).into());
    }
    let mut found = store.find(id, 4).await?;
    match found.len() {
        0 => Err(problem.hint("`trueup find TEXT` looks for names, e-mails and ids of any system").into()),
        1 => Ok(found.remove(0).row),
        _ => {
            let ids: Vec<String> = found.iter().map(|hit| hit.row.key().as_str().to_owned()).collect();
            Err(problem.why("several may be meant").hint(format!("one of: {}", ids.join(", "))).into())
        }
    }
}

fn text(value: Option<&Text>) -> String {
    value.map_or_else(|| "-".to_owned(), |text| text.as_str().to_owned())
}

fn print_customer(c: &Customer, open: &[Row], timeline: &[Moment], now: Time, out: &mut Output) -> Outcome<()> {
    let name = c.name.as_ref().or(c.email.as_ref()).unwrap_or(&c.id);
    let head = out.ink(name.as_str(), Ink::Strong);
    let state = if out.form == Form::Human { c.state.shown() } else { c.state.as_str() };
    let cash = c.money.as_ref().map_or_else(|| "-".to_owned(), Money::to_string);
    let verdict = out.marked(mark::verdict(c.verdict).tone, c.verdict.as_str());
    out.line(format!(
        "{head}  {}  {}  {state}  {cash}  {}  {verdict}",
        c.id,
        text(c.email.as_ref()),
        text(c.plan.as_ref())
    ))?;
    for row in open {
        if let Row::Mismatch(mismatch) = row {
            out.line("")?;
            print_mismatch(mismatch, now, out)?;
        }
    }
    out.line("")?;
    let specs = [
        Spec::hard("system"),
        Spec::soft("id"),
        Spec::hard("state"),
        Spec::soft("plan").rank(3),
        Spec::soft("e-mail").rank(4),
        Spec::hard("matched by").rank(2),
        Spec::hard("seen").rank(1),
        Spec::hard("changed").rank(5),
        Spec::soft("note"),
    ];
    let rows: Vec<Vec<Cell>> = c
        .systems
        .iter()
        .map(|view| {
            let wrong = |field: &str, text: String| {
                let wrong = view.wrong.iter().any(|name| *name == field);
                match (wrong, out.form) {
                    (true, Form::Human) => Cell::new(format!("{text} ✗")).inked(Ink::Bad),
                    (true, _) => Cell::new(format!("{text} (differs)")),
                    (false, _) => Cell::new(text),
                }
            };
            let state = view.word.as_ref().map_or_else(
                || view.state.map_or_else(|| "-".to_owned(), |state| state.as_str().to_owned()),
                |word| word.as_str().to_owned(),
            );
            let matched = view.matched.map_or_else(
                || "-".to_owned(),
                |by| format!("{} ({})", by.as_str().replace('_', " "), by.confidence()),
            );
            let at = |at: Option<Time>| at.map_or_else(|| "-".to_owned(), |at| columns::time(at, now, out.form));
            let note = view.unknown.as_ref().map_or_else(
                || Cell::new(text(view.note.as_ref())),
                |why| Cell::new(format!("cannot tell: {why}")).inked(Ink::Dim),
            );
            vec![
                Cell::new(view.system.as_str()),
                wrong("id", text(view.id.as_ref())),
                wrong("state", state),
                wrong("plan", text(view.plan.as_ref())),
                wrong("email", text(view.email.as_ref())),
                Cell::new(matched),
                Cell::new(at(view.seen_at)),
                Cell::new(at(view.changed_at)),
                note,
            ]
        })
        .collect();
    let table = Table::fit(&specs, &rows, out.width);
    table.head(out)?;
    rows.iter().try_for_each(|row| table.row(row, out))?;

    out.line("")?;
    if timeline.is_empty() {
        out.say("nothing is known to have happened");
    }
    let rows: Vec<Vec<Cell>> = timeline
        .iter()
        .map(|moment| {
            let at = match out.form {
                Form::Human => moment.at.utc().format("%Y-%m-%d %H:%M:%S").to_string(),
                _ => moment.at.rfc3339(),
            };
            let what = match (moment.bad, out.form) {
                (true, Form::Human) => Cell::new(format!("✗ {}", moment.what)).inked(Ink::Bad),
                (true, _) => Cell::new(format!("{} (went wrong)", moment.what)),
                (false, _) => Cell::new(moment.what.as_str()),
            };
            vec![Cell::new(at).inked(Ink::Dim), Cell::new(moment.system.as_str()), what]
        })
        .collect();
    let table = Table::fit(&[Spec::hard(""), Spec::hard(""), Spec::soft("")], &rows, out.width);
    rows.iter().try_for_each(|row| table.row(row, out))
}

fn print_mismatch(m: &Mismatch, now: Time, out: &mut Output) -> Outcome<()> {
    let who = m.name.as_ref().or(m.email.as_ref()).or(m.customer.as_ref());
    let cash = m.money.as_ref().map_or_else(String::new, |cash| format!("  {cash}"));
    let since = columns::time(m.since, now, out.form);
    let since = if out.form == Form::Human { format!("for {since}") } else { format!("since {since}") };
    let severity = out.marked(mark::severity(m.severity).tone, m.severity.as_str());
    let verdict = out.marked(mark::verdict(m.verdict).tone, m.verdict.as_str());
    let headline = out.ink(m.headline.as_str(), Ink::Strong);
    out.line(format!("{severity}  {}  {headline}{cash}  {since}  {verdict}", text(who)))?;
    out.line(format!("  {}", m.explanation))?;
    if !m.evidence.is_empty() {
        out.line(format!("  evidence: {}", m.evidence))?;
    }
    out.line(format!("  next: {}", m.next_step))?;
    if let Some(at) = m.settles_at {
        let at = columns::time(at, now, out.form);
        out.line(format!("  counts {at}, if nothing changes"))?;
    }
    out.line(format!("  {} {}", m.class, m.id))
}

fn print_fields(row: &Row, now: Time, out: &mut Output) -> Outcome<()> {
    let cells: Vec<Vec<Cell>> = row
        .dataset()
        .fields()
        .iter()
        .filter(|field| row.value(field.name) != Value::Null)
        .map(|field| {
            let mut cell = columns::cell(row, field, &row.value(field.name), now, out.form);
            cell.right = false;
            vec![Cell::new(field.name).inked(Ink::Dim), cell]
        })
        .collect();
    let table = Table::fit(&[Spec::hard(""), Spec::soft("")], &cells, out.width);
    cells.iter().try_for_each(|row| table.row(row, out))
}
