//! Dropping history that has grown too old.
//!
//! What must stay true: only history goes (deliveries, runs of checks), never what the systems say today.

use super::db::args;
use super::{Store, check};
use crate::domain::{Problem, Time};

impl Store {
    /// Drops history older than these ages. Returns how many rows went.
    pub async fn retain(&self, deliveries_ms: i64, checks_ms: i64, now: Time) -> Result<u64, Problem> {
        let mut tx = self.inner.db.begin().await?;
        let before = now.plus_ms(deliveries_ms.saturating_neg());
        let deliveries = tx.run("delete from delivery where received_at < $1", args![before]).await?;
        let runs =
            tx.run("delete from check_run where at < $1", args![now.plus_ms(checks_ms.saturating_neg())]).await?;
        if runs > 0 {
            check::recount(&mut tx).await?;
        }
        self.finish(tx, deliveries + runs > 0).await?;
        Ok(deliveries + runs)
    }
}
