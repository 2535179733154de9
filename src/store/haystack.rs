//! The packed, lower-cased text in memory that makes a substring of a million customers a matter of milliseconds.
//!
//! What must stay true: it is only ever a hint. A hit names a customer whose row is then read and looked at again, so
//! a line that has become old can cost a look but never show something wrong. It is built on first use, in the
//! background, only for stores so large that scanning in the database is slow, and it is bounded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memchr::memmem::Finder;
use sqlx::AssertSqlSafe;

use super::Store;
use super::db::{Engine, args};
use crate::domain::Problem;

/// Stores with fewer customers are scanned by the database: that takes a few milliseconds.
const WORTH_IT: i64 = 20_000;
/// Most bytes; a store that needs more is scanned by the database.
const MOST: usize = 512 << 20;
/// Customers read at a time while building: joined by the database, since a row for each line would cost five times that.
const PAGE: i64 = 4_000;

/// The text, if there is one.
#[derive(Default)]
pub(super) struct Haystack {
    packed: Mutex<Option<Packed>>,
    building: AtomicBool,
    /// Somebody will look up more than once.
    wanted: AtomicBool,
}

/// Lines `id TAB e-mail TAB name`, each between line ends; later lines replace earlier ones of the same customer.
#[derive(Clone)]
struct Packed {
    text: Arc<Vec<u8>>,
    /// Bytes when it was built; what was appended since is beyond.
    built: usize,
    /// Includes everything changed up to this revision.
    revision: i64,
}

impl Haystack {
    fn packed(&self) -> MutexGuard<'_, Option<Packed>> {
        self.packed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Says that more look-ups will come (somebody types): the text is built in the background. A single question is
    /// answered sooner without it.
    pub async fn prepare_to_find(&self) -> Result<(), Problem> {
        self.inner.haystack.wanted.store(true, Ordering::SeqCst);
        if self.inner.haystack.packed().is_some() {
            return Ok(());
        }
        self.build().await
    }

    /// Whether look-ups are as quick as they get: the text is there, or the store is too small to need one.
    pub fn is_prepared_to_find(&self) -> bool {
        self.inner.haystack.packed().is_some() || !self.inner.haystack.building.load(Ordering::SeqCst)
    }

    /// Lines that contain one of the needles, at most `most`; `None` when there is no packed text (yet).
    pub(super) async fn scan(&self, needles: Vec<String>, most: usize) -> Result<Option<Vec<String>>, Problem> {
        let Some(packed) = self.packed().await? else { return Ok(None) };
        let scanned = tokio::task::spawn_blocking(move || scan(&packed.text, &needles, most)).await;
        scanned.map(Some).map_err(|_| Problem::bug("searching failed"))
    }

    /// The text, brought up to date; starts building it when it is worth it.
    async fn packed(&self) -> Result<Option<Packed>, Problem> {
        let now = self.revision().await?;
        let known = self.inner.haystack.packed().as_ref().map(|packed| packed.revision);
        let Some(known) = known else {
            if self.inner.haystack.wanted.load(Ordering::SeqCst) {
                self.build().await?;
            }
            return Ok(None);
        };
        let mut changed = Vec::new();
        if known < now {
            for line in self.inner.db.rows("select line from find_line where changed > $1", args![known]).await? {
                changed.push(line.text(0)?);
            }
        }
        let (packed, grown) = {
            let mut held = self.inner.haystack.packed();
            let Some(packed) = held.as_mut() else { return Ok(None) };
            // Somebody else may have brought it up to date meanwhile; lines that stand twice do no harm.
            if packed.revision < now {
                if !changed.is_empty() {
                    let text = Arc::make_mut(&mut packed.text);
                    changed.iter().for_each(|line| push(text, line));
                }
                packed.revision = now;
            }
            (packed.clone(), packed.text.len() - packed.built > packed.built / 4 + (1 << 20))
        };
        if grown {
            self.build().await?;
        }
        Ok(Some(packed))
    }

    /// Builds the text in the background, one at a time.
    async fn build(&self) -> Result<(), Problem> {
        let haystack = &self.inner.haystack;
        if haystack.building.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let found = self.inner.db.rows("select count(*) from find_line", args![]).await;
        let count = found.and_then(|found| found.first().map_or(Ok(0), |line| line.int(0)));
        match count {
            Ok(count) if count >= WORTH_IT => {}
            other => {
                haystack.building.store(false, Ordering::SeqCst);
                return other.map(|_| ());
            }
        }
        // Weakly held, so that building does not keep a store open that everybody else has dropped.
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            let built = match inner.upgrade() {
                Some(inner) => Self { inner }.read_lines().await,
                None => return,
            };
            if let Some(inner) = inner.upgrade() {
                if let Ok(Some(packed)) = built {
                    *inner.haystack.packed() = Some(packed);
                }
                inner.haystack.building.store(false, Ordering::SeqCst);
            }
        });
        Ok(())
    }

    async fn read_lines(&self) -> Result<Option<Packed>, Problem> {
        let revision = self.revision().await?;
        let join = match self.inner.db.engine() {
            Engine::Sqlite => "group_concat(line, char(10))",
            Engine::Postgres => "string_agg(line, chr(10))",
        };
        // Room for all of it at once: a text that doubles while it grows would need twice the memory.
        let room = match self.inner.db.engine() {
            Engine::Sqlite => "select count(*) + coalesce(sum(length(cast(line as blob))), 0) from find_line",
            Engine::Postgres => "select count(*) + coalesce(cast(sum(octet_length(line)) as bigint), 0) from find_line",
        };
        let room = self.inner.db.rows(room, args![]).await?.first().map_or(Ok(0), |line| line.int(0))?;
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if room > MOST {
            return Ok(None);
        }
        let (mut text, mut after) = (Vec::with_capacity(room.saturating_add(1)), String::new());
        text.push(b'\n');
        let sql = format!(
            "select max(row_key), {join} from
               (select row_key, line from find_line where row_key > $1 order by row_key limit $2) as page"
        );
        loop {
            let page = self.inner.db.rows(AssertSqlSafe(sql.as_str()), args![after, PAGE]).await?;
            let Some(line) = page.first() else { break };
            let Some(last) = line.maybe_text(0)? else { break };
            after = last;
            push(&mut text, &line.text(1)?);
            if text.len() > MOST {
                return Ok(None);
            }
        }
        text.shrink_to_fit();
        Ok(Some(Packed { built: text.len(), text: Arc::new(text), revision }))
    }
}

fn push(text: &mut Vec<u8>, line: &str) {
    text.extend_from_slice(line.as_bytes());
    text.push(b'\n');
}

/// Lines of `text` that contain one of the needles, the newest of a customer last.
fn scan(text: &[u8], needles: &[String], most: usize) -> Vec<String> {
    let mut found = Vec::new();
    for needle in needles {
        let finder = Finder::new(needle.as_bytes());
        let mut at = 0;
        while found.len() < most
            && let Some(hit) = text.get(at..).and_then(|rest| finder.find(rest))
        {
            // A needle may begin with the line end that parts its line from the one before.
            let hit = at + hit + usize::from(needle.starts_with('\n'));
            let start = memchr::memrchr(b'\n', &text[..hit]).map_or(0, |end| end + 1);
            let end = memchr::memchr(b'\n', &text[hit..]).map_or(text.len(), |end| hit + end);
            found.push(String::from_utf8_lossy(&text[start..end]).into_owned());
            at = end;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ClusterKey, Customer, Judgement, State, Text, Time, Verdict};

    fn packed(lines: &[&str]) -> Vec<u8> {
        let mut text = vec![b'\n'];
        lines.iter().for_each(|line| push(&mut text, line));
        text
    }

    #[test]
    fn every_line_that_contains_the_needle_is_found_once() {
        let text = packed(&["1\tana@x\tana", "2\tbo@x\tbo", "3\tc@x\tanabel"]);
        assert_eq!(scan(&text, &["ana".into()], 9), ["1\tana@x\tana", "3\tc@x\tanabel"]);
        assert_eq!(scan(&text, &["ana".into()], 1).len(), 1);
        assert!(scan(&text, &["zoe".into()], 9).is_empty());
    }

    #[test]
    fn a_prefix_of_a_field_is_found_at_line_starts_and_after_tabs() {
        let text = packed(&["1\tbo@x\tana", "2\tana@x\tbo", "b3\tc@x\td"]);
        assert_eq!(scan(&text, &["\nb".into(), "\tb".into()], 9), ["b3\tc@x\td", "1\tbo@x\tana", "2\tana@x\tbo"]);
    }

    fn judged(id: &str, name: &str) -> Judgement {
        let customer = Customer {
            id: Text::new(id),
            email: None,
            name: Text::non_empty(name),
            state: State::Active,
            plan: None,
            systems: vec![],
            verdict: Verdict::Agree,
            mismatches: vec![],
            money: None,
            updated_at: None,
        };
        let key = ClusterKey::Portal(customer.id.clone());
        Judgement { key, customer: Some(customer), mismatches: vec![], again_at: None }
    }

    #[tokio::test]
    async fn a_large_store_is_scanned_in_memory_and_the_text_keeps_up() {
        let folder = std::env::temp_dir().join(format!("trueup-haystack-{}", std::process::id()));
        let store = Store::open(&format!("sqlite:{}", folder.join("t.db").display())).await.unwrap();
        let (now, ana) = (Time::from_ms(0), || vec!["ana".to_owned()]);
        let many: Vec<Judgement> = (0..WORTH_IT).map(|n| judged(&format!("n{n}"), "")).collect();
        store.save_judgements(&many, None, now).await.unwrap();
        store.save_judgements(&[judged("7", "Ana")], None, now).await.unwrap();
        assert_eq!(store.scan(ana(), 9).await.unwrap(), None);
        store.prepare_to_find().await.unwrap();
        let mut tries = 0;
        while store.scan(ana(), 9).await.unwrap().is_none() {
            tries += 1;
            assert!(tries < 1000, "it is never built");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        store.save_judgements(&[judged("8", "Mariana")], None, now).await.unwrap();
        let lines = store.scan(ana(), 9).await.unwrap().unwrap();
        assert_eq!(lines, ["7\t\tana", "8\t\tmariana"]);
        let found = store.find("ana", 9).await.unwrap();
        assert_eq!(found.iter().map(|hit| hit.row.key().to_string()).collect::<Vec<_>>(), ["7", "8"]);
        store.close().await;
        let _ = std::fs::remove_dir_all(folder);
    }

    /// Run with `--ignored`: prints how long a search among a million customers takes.
    #[test]
    #[ignore = "a measurement, not a claim"]
    fn a_million_customers() {
        let mut text = vec![b'\n'];
        for n in 0..1_000_000 {
            push(
                &mut text,
                &format!("{n}\tperson{}@company{}.example\tperson number {n}", n * 7919 % 1_000_003, n % 5000),
            );
        }
        for needle in ["person number 999999", "person1@", "zzz", "company4999.ex", "e"] {
            let began = std::time::Instant::now();
            let hits = scan(&text, &[needle.to_owned()], 256).len();
            println!("{needle:24} {hits:4} hits {:?} of {} MiB", began.elapsed(), text.len() >> 20);
        }
    }
}
