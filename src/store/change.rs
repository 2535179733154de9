//! The revision, and waking whoever waits for it to grow.
//!
//! What must stay true: a sleeping program costs next to nothing. Our own commits wake at once; those of other
//! processes are noticed by one cheap look a second on SQLite (`PRAGMA data_version`: no table is read) and by NOTIFY
//! with a slow look behind it on Postgres, and only while somebody is subscribed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Store;
use super::db::{Db, Engine, Pools, Tx, args};
use super::haystack::Haystack;
use crate::domain::Problem;

/// How often SQLite is asked whether another process has written.
const LOOK: Duration = Duration::from_secs(1);
/// How often while another process writes: a live view is worth some wake-ups, an idle one is not.
const QUICK_LOOK: Duration = Duration::from_millis(100);
/// Looks without a change after which the slow pace is good enough again.
const QUIET_LOOKS: u32 = 50;
/// How often Postgres is asked although nobody was notified: a notification may be lost with its connection.
const SLOW_LOOK: Duration = Duration::from_secs(5);
/// The channel of NOTIFY.
const CHANNEL: &str = "trueup_revision";

/// What all handles of one open store share.
pub(super) struct Inner {
    pub(super) db: Db,
    /// The packed text that `find` scans.
    pub(super) haystack: Haystack,
    told: watch::Sender<i64>,
    watcher: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.db.place)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop_watching();
    }
}

impl Inner {
    /// Tells subscribers of a committed revision.
    pub(super) fn tell(&self, revision: i64) {
        // Most looks find nothing new; they must not take the lock that readers wait for.
        if *self.told.borrow() >= revision {
            return;
        }
        self.told.send_if_modified(|known| {
            let newer = revision > *known;
            *known = revision.max(*known);
            newer
        });
    }

    pub(super) fn stop_watching(&self) {
        if let Some(task) = self.watcher().take() {
            task.abort();
        }
    }

    fn watcher(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    pub(super) fn with(db: Db, revision: i64) -> Self {
        let told = watch::Sender::new(revision);
        Self { inner: Arc::new(Inner { db, haystack: Haystack::default(), told, watcher: Mutex::new(None) }) }
    }

    /// Commits; when something changed, raises the revision with it and wakes the subscribers afterwards.
    pub(super) async fn finish(&self, mut tx: Tx, changed: bool) -> Result<(), Problem> {
        if !changed {
            return tx.commit().await;
        }
        let raised =
            tx.rows("update meta set value = value + 1 where name = 'revision' returning value", args![]).await?;
        let revision = raised.first().map_or(Ok(0), |line| line.int(0))?;
        if tx.engine() == Engine::Postgres {
            let told = args![CHANNEL, revision.to_string()];
            tx.rows("select cast(pg_notify($1, $2) as text)", told).await?;
        }
        tx.commit().await?;
        self.inner.tell(revision);
        Ok(())
    }

    /// The current revision: grows with every committed change.
    pub async fn revision(&self) -> Result<i64, Problem> {
        let found = self.inner.db.rows("select value from meta where name = 'revision'", args![]).await?;
        found.first().map_or(Ok(0), |line| line.int(0))
    }

    /// Wakes when the revision may have grown: in-process at once, other processes by poll or NOTIFY. Copy the number
    /// out of the receiver's borrow before the next `await`: a commit waits for a borrow to end.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        let receiver = self.inner.told.subscribe();
        let mut watcher = self.inner.watcher();
        if watcher.as_ref().is_none_or(JoinHandle::is_finished)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let inner = Arc::downgrade(&self.inner);
            *watcher = Some(match &self.inner.db.pools {
                Pools::Sqlite { options, .. } => runtime.spawn(look(inner, options.as_ref().clone())),
                Pools::Postgres(_) => runtime.spawn(listen(inner)),
            });
        }
        receiver
    }
}

/// The shared state while somebody still listens; `None` ends a watcher, leaving word that there is none.
fn listened(inner: &Weak<Inner>) -> Option<Arc<Inner>> {
    let inner = inner.upgrade()?;
    let mut watcher = inner.watcher();
    if inner.told.receiver_count() > 0 {
        drop(watcher);
        return Some(inner);
    }
    *watcher = None;
    drop(watcher);
    None
}

/// Watches a SQLite file over a connection of its own: `data_version` is told per connection.
async fn look(inner: Weak<Inner>, options: SqliteConnectOptions) {
    let mut connection: Option<SqliteConnection> = None;
    let mut known = -1;
    let mut quiet = QUIET_LOOKS;
    loop {
        tokio::time::sleep(if quiet < QUIET_LOOKS { QUICK_LOOK } else { LOOK }).await;
        let Some(inner) = listened(&inner) else { return };
        if connection.is_none() {
            connection = options.connect().await.ok();
        }
        let Some(open) = connection.as_mut() else { continue };
        match sqlx::query_scalar::<_, i64>("pragma data_version").fetch_one(&mut *open).await {
            Ok(version) if version == known => quiet = quiet.saturating_add(1),
            Ok(version) => {
                quiet = 0;
                known = version;
                let revision = sqlx::query_scalar("select value from meta where name = 'revision'");
                if let Ok(revision) = revision.fetch_one(open).await {
                    inner.tell(revision);
                }
            }
            Err(_) => connection = None,
        }
    }
}

/// Watches a Postgres schema. A listener that cannot be made is made later; meanwhile the slow look serves.
async fn listen(inner: Weak<Inner>) {
    let mut listener: Option<PgListener> = None;
    loop {
        {
            let Some(inner) = listened(&inner) else { return };
            if listener.is_none()
                && let Pools::Postgres(pool) = &inner.db.pools
                && let Ok(mut fresh) = PgListener::connect_with(pool).await
                && fresh.listen(CHANNEL).await.is_ok()
            {
                listener = Some(fresh);
            }
            if let Ok(found) = inner.db.rows("select value from meta where name = 'revision'", args![]).await
                && let Some(Ok(revision)) = found.first().map(|line| line.int(0))
            {
                inner.tell(revision);
            }
        }
        let Some(ears) = listener.as_mut() else {
            tokio::time::sleep(SLOW_LOOK).await;
            continue;
        };
        if let Ok(Err(_)) = tokio::time::timeout(SLOW_LOOK, ears.try_recv()).await {
            listener = None;
            tokio::time::sleep(LOOK).await;
        }
    }
}
