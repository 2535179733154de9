//! Numbers that the engine remembers by name, such as the fingerprint of the rules behind the stored verdicts.
//!
//! What must stay true: a mark says something about stored rows, so it lives beside them and wakes nobody.

use super::Store;
use super::db::args;
use crate::domain::Problem;

impl Store {
    /// The number kept under a name.
    pub async fn mark(&self, name: &str) -> Result<Option<i64>, Problem> {
        let name = format!("mark {name}");
        let found = self.inner.db.rows("select value from meta where name = $1", args![name]).await?;
        found.first().map(|line| line.int(0)).transpose()
    }

    /// Keeps a number under a name.
    pub async fn set_mark(&self, name: &str, value: i64) -> Result<(), Problem> {
        let sql =
            "insert into meta (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value";
        let mut tx = self.inner.db.begin().await?;
        tx.run(sql, args![format!("mark {name}"), value]).await?;
        self.finish(tx, false).await
    }
}
