//! Versions of the schema, applied once each and in order.
//!
//! What must stay true: a step that was released is never edited; a schema newer than we know is refused untouched.

use sqlx::AssertSqlSafe;

use super::db::{Engine, Tx, args};
use crate::domain::{Problem, Text};

/// Every version, oldest first.
const STEPS: &[(i64, &str)] = &[
    (1, include_str!("migrations/0001_init.sql")),
    (2, include_str!("migrations/0002_signup.sql")),
    (3, include_str!("migrations/0003_deploy.sql")),
    (4, include_str!("migrations/0004_dossier.sql")),
];

/// Brings the schema up to date inside the given transaction.
pub(super) async fn migrate(tx: &mut Tx, place: &Text) -> Result<(), Problem> {
    tx.run("create table if not exists migration (version BIGINT not null primary key)", args![]).await?;
    let found = tx.rows("select max(version) from migration", args![]).await?;
    let found = found.first().map_or(Ok(None), |line| line.maybe_int(0))?.unwrap_or(0);
    let newest = STEPS.last().map_or(0, |(version, _)| *version);
    if found > newest {
        return Err(Problem::usage("the store was written by a newer trueup")
            .why(format!("its schema is version {found}, this program knows {newest}"))
            .hint("use the newer program, or name another store")
            .at(place));
    }
    for (version, sql) in STEPS.iter().filter(|(version, _)| *version > found) {
        let sql = match tx.engine() {
            Engine::Sqlite => sql.replace(" BYTES", " BLOB"),
            Engine::Postgres => sql.replace(" TEXT", " TEXT COLLATE \"C\"").replace(" BYTES", " BYTEA"),
        };
        tx.script(AssertSqlSafe(sql)).await?;
        tx.run("insert into migration (version) values ($1)", args![*version]).await?;
    }
    Ok(())
}
