//! `sync --once`: one full round, for cron and CI.

use super::args::Global;
use super::exit::{Exit, Outcome};
use super::folders;
use super::open;
use super::output::{Output, safe};
use super::table::{Cell, Spec, Table};
use crate::engine::{self, Summary};

/// Collects, compares, stores; says what came of it.
pub async fn run(global: &Global, out: &mut Output) -> Outcome {
    let (settings, store) = open::both(global).await?;
    let built = engine::build::sources(&settings, &folders::variable).await;
    let summary = engine::sync_once(&store, &settings, &built, &engine::wall_clock()).await?;
    store.close().await;
    if out.is_json() {
        out.json(&summary)?;
    } else {
        tell(&summary, out)?;
    }
    Ok(match (summary.incomplete(), summary.mismatches) {
        (true, _) => Exit::Evidence,
        (false, 0) => Exit::Done,
        (false, _) => Exit::OutOfStep,
    })
}

fn tell(summary: &Summary, out: &mut Output) -> Outcome<()> {
    let rows: Vec<Vec<Cell>> = summary
        .sources
        .iter()
        .map(|(system, source)| {
            vec![
                Cell::new(system.title()),
                Cell::new(source.state.as_str()),
                Cell::new(source.changed.to_string()),
                Cell::new(source.problem.as_ref().map_or_else(String::new, safe)),
            ]
        })
        .collect();
    let table = Table::fit(
        &[Spec::hard("source"), Spec::hard("state"), Spec::hard("changed"), Spec::hard("problem")],
        &rows,
        out.width,
    );
    table.head(out)?;
    for row in &rows {
        table.row(row, out)?;
    }
    out.line(format!(
        "{} customers, {} out of step; collected in {} ms, compared in {} ms",
        summary.customers, summary.mismatches, summary.collect_ms, summary.compare_ms
    ))
}
