//! `tail`: deliveries as they happen.
//!
//! What must stay true: nothing is asked while nothing changes; a delivery is printed when it appears and again when
//! its state, status or number of tries changes; the order is the order in which things happened. It ends quietly when
//! it is interrupted or nobody reads any more.

use std::collections::HashMap;

use super::args::Global;
use super::choose;
use super::columns;
use super::exit::{Exit, Outcome};
use super::open;
use super::output::Output;
use super::table::{Cell, Table};
use crate::domain::{Dataset, Delivery, DeliveryState, Row, Text};
use crate::query::Expr;
use crate::store::Store;

/// Deliveries read at a time, newest first.
const PAGE: i64 = 500;
/// Pages looked back at most for one change.
const PAGES: i64 = 20;

/// What is printed again when it differs.
type Face = (DeliveryState, Option<i64>, Option<i64>);

fn face(delivery: &Delivery) -> Face {
    (delivery.state, delivery.attempts, delivery.status)
}

/// Follows the store until it is interrupted.
pub async fn run(filter: &[String], lines: u32, global: &Global, out: &mut Output) -> Outcome {
    let settings = open::settings(global)?;
    let expr = choose::expression(Dataset::Deliveries, filter)?;
    let store = open::store(&settings.store).await?;
    let mut revisions = store.subscribe();
    revisions.mark_unchanged();

    let mut seen = HashMap::new();
    let first = news(&store, &expr, &mut seen, 1).await?;
    let skip = first.len().saturating_sub(usize::try_from(lines).unwrap_or(usize::MAX));
    print(&first[skip..], out)?;
    let stop = interrupted();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            changed = revisions.changed() => {
                if changed.is_err() {
                    break;
                }
                let rows = news(&store, &expr, &mut seen, PAGES).await?;
                print(&rows, out)?;
            }
            () = &mut stop => break,
        }
    }
    store.close().await;
    Ok(Exit::Done)
}

/// What is new since the last look, oldest first; remembers only what the last look saw.
async fn news(store: &Store, expr: &Expr, seen: &mut HashMap<Text, Face>, pages: i64) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let mut now_seen = HashMap::new();
    for page in 0..pages {
        let read = store.list(Dataset::Deliveries, expr, None, PAGE, page * PAGE, open::now()).await?;
        let (before, full) = (rows.len(), i64::try_from(read.len()).unwrap_or(0) == PAGE);
        let mut known = false;
        for row in read {
            let Row::Delivery(delivery) = &row else { continue };
            let face = face(delivery);
            known |= seen.contains_key(&delivery.id);
            if now_seen.insert(delivery.id.clone(), face).is_none() && seen.get(&delivery.id) != Some(&face) {
                rows.push(row);
            }
        }
        // A page that holds something already known reaches back to the last look.
        if !full || known || rows.len() == before {
            break;
        }
    }
    // What has moved out of view is forgotten, except what the last look saw and this one did not reach.
    seen.retain(|id, _| !now_seen.contains_key(id));
    let room = usize::try_from(PAGE * PAGES).unwrap_or(usize::MAX);
    if seen.len() > room {
        seen.clear();
    }
    seen.extend(now_seen);
    rows.reverse();
    Ok(rows)
}

/// Usual widths of the columns of deliveries.
const WIDTHS: &[usize] = &[20, 15, 11, 34, 6, 6, 5, 14, 24, 26];

fn print(rows: &[Row], out: &mut Output) -> Outcome<()> {
    let now = open::now();
    let columns: Vec<_> = columns::specs(Dataset::Deliveries).into_iter().zip(WIDTHS.iter().copied()).collect();
    let table = Table::usual(&columns, out.width);
    for row in rows {
        if out.is_json() {
            out.json(row)?;
            continue;
        }
        let mut cells = columns::cells(row, now, out.form);
        if let (Some(first), Row::Delivery(delivery)) = (cells.first_mut(), row) {
            // An age would be wrong a moment later: a line that stays says when.
            *first = Cell::new(delivery.received_at.utc().format("%Y-%m-%dT%H:%M:%SZ").to_string());
        }
        table.row(&cells, out)?;
    }
    out.flush()
}

/// SIGINT, or SIGTERM where there is one.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
