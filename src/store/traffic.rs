//! Delivery health per source over a window, counted by the database.
//!
//! What must stay true: nothing is guessed. A source of which no delivery is known is there with zeros; whether it
//! *can* tell is for the caller to say (`unknown`).

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::Store;
use super::db::{Type, args, column, table};
use crate::domain::{Problem, System, Time, Traffic};

/// Most deliveries of one source that the median of their times is taken of.
const SAMPLE: usize = 2_000;

impl Store {
    /// Delivery health per source over a window that ends now, in `buckets` equal parts.
    pub async fn traffic(&self, window_ms: i64, buckets: usize, now: Time) -> Result<Vec<Traffic>, Problem> {
        let db = &self.inner.db;
        let (window, parts) = (window_ms.max(1), buckets.max(1));
        let from = now.plus_ms(-window);
        let count = i64::try_from(parts).unwrap_or(1);
        let mut all: BTreeMap<System, Traffic> = BTreeMap::new();
        let blank = |source| Traffic {
            source,
            buckets: vec![(0, 0); parts],
            total: 0,
            failed: 0,
            latency_ms: None,
            last_at: None,
            unknown: None,
        };
        for line in db.rows("select \"name\" from source", args![]).await? {
            if let Some(source) = System::parse(&line.text(0)?) {
                all.insert(source, blank(source));
            }
        }
        // One index probe a source, not a walk over the whole history.
        let rows = table(db.engine(), 1, &[("source", Type::Text)]);
        let newest = format!(
            "select n.source, (select max(d.received_at) from delivery d
               where d.source = n.source and d.received_at <= $2) from {rows}"
        );
        let mut asked = vec![column(System::ALL.iter().map(|system| system.as_str()))];
        asked.extend(args![now]);
        for line in db.rows(AssertSqlSafe(newest), asked).await? {
            let (source, at) = (System::parse(&line.text(0)?), line.maybe_int(1)?);
            if let (Some(source), Some(at)) = (source, at) {
                all.entry(source).or_insert_with(|| blank(source)).last_at = Some(Time::from_ms(at));
            }
        }
        let counted = "select source, ((received_at - $1 - 1) * $2) / $3 as part, count(*),
              sum(case when state in ('delivered', 'pending') then 0 else 1 end),
              sum(case when state in ('failed', 'retrying', 'never_arrived') then 1 else 0 end)
            from delivery where received_at > $1 and received_at <= $4 group by 1, 2";
        for line in db.rows(counted, args![from, count, window, now]).await? {
            let Some(source) = System::parse(&line.text(0)?) else { continue };
            let entry = all.entry(source).or_insert_with(|| blank(source));
            let (total, bad) = (line.int(2)?, line.int(3)?);
            if let Some(bucket) = usize::try_from(line.int(1)?).ok().and_then(|part| entry.buckets.get_mut(part)) {
                *bucket = (u32::try_from(total).unwrap_or(u32::MAX), u32::try_from(bad).unwrap_or(u32::MAX));
            }
            entry.total += total;
            entry.failed += line.int(4)?;
        }
        // The newest few thousand tell the median as well as all of them, at a bounded price.
        let median = format!(
            "select latency_ms from (select latency_ms, row_number() over (order by latency_ms) as place,
               count(*) over () as known
             from (select latency_ms from delivery where source = $1 and received_at > $2 and received_at <= $3
               and state = 'delivered' and latency_ms is not null order by received_at desc limit {SAMPLE}) as newest
             ) as ranked where place = (known + 1) / 2"
        );
        for entry in all.values_mut().filter(|entry| entry.total > 0) {
            let asked = args![entry.source.as_str(), from, now];
            let found = db.rows(AssertSqlSafe(median.as_str()), asked).await?;
            entry.latency_ms = found.first().map(|line| line.int(0)).transpose()?;
        }
        Ok(all.into_values().collect())
    }
}
