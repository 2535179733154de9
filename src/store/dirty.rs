//! From what changed to who must be judged again.
//!
//! What must stay true: generous, never stingy. A mark leads to every portal customer that claims, is claimed by, or
//! shares an e-mail with what changed, and to every payer whom nobody claims, or whom nobody claimed until now.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;

use super::db::{Db, Line, Type, Union, args, lines, single, table};
use super::record::Mark;
use super::{Dirty, Store};
use crate::domain::{ClusterKey, Problem, System, SystemKind, Text, Time};

/// A condition on a table's `system` that no index serves: without statistics SQLite takes two columns of the primary key
/// for better than the one column of an index that finds the row at once, and reads the whole portal for each key.
pub(super) fn found_elsewise(table: &str) -> String {
    format!("{table}.system || '' = 'portal' and {table}.kind = 'person'")
}

/// Whether nobody in the portal claims the person `r`: not by link, not by the id kept there, not by e-mail. Billing
/// persons only. Deleted customers claim nobody.
pub(super) const UNCLAIMED: &str = "not exists (select 1 from record p where p.system = 'portal' \
     and p.kind = 'person' and p.deleted = 0 and p.id = r.link_portal) \
   and not exists (select 1 from record p where p.system || '' = 'portal' and p.kind = 'person' and p.deleted = 0 \
     and p.link_billing = r.id) \
   and not exists (select 1 from record p where p.system || '' = 'portal' and p.kind = 'person' and p.deleted = 0 \
     and p.email_key = r.email_key)";

/// Whether something derived is stored about the orphan `r`.
const DERIVED: &str = "(exists (select 1 from customer c where c.cluster = 'o:' || r.system || ':' || r.id) \
   or exists (select 1 from mismatch m where m.cluster = 'o:' || r.system || ':' || r.id))";

/// Most who share one e-mail that a change leads to, in each system. An address that more than these share ("test@...")
/// says nothing about who they are, and following it all the way would cost the square of their number; the full pass
/// over [`Store::keys_after`] judges the rest.
const ALIKE: usize = 1000;

/// A subquery called `r`: the records that `on` joins to the keys `n` of `rows`, at most `most` for each key and
/// system, the living first.
pub(super) fn capped(rows: &str, on: &str, most: usize) -> String {
    format!(
        "(select r.*, row_number() over (partition by n.key, r.system order by r.deleted, r.id) as place
          from {rows} cross join record r where {on}) as r where r.place <= {most}"
    )
}

/// One column of keys, as a [`table`] has it.
pub(super) const KEY: &[(&str, Type)] = &[("key", Type::Text)];
/// Things by system and id, as a [`table`] has them.
pub(super) const PLACE: &[(&str, Type)] = &[("system", Type::Text), ("key", Type::Text)];

/// Rows of [`PLACE`].
pub(super) fn places<'a>(places: impl IntoIterator<Item = &'a (System, String)>) -> Vec<Vec<Json>> {
    places.into_iter().map(|(system, id)| vec![json!(system), Json::from(id.as_str())]).collect()
}

/// The systems of a kind.
pub(super) fn systems_of(kind: SystemKind) -> impl Iterator<Item = System> {
    System::ALL.iter().copied().filter(move |system| system.kind() == kind)
}

/// A cluster's key as text, as derived rows carry it.
pub(super) fn cluster_text(cluster: &ClusterKey) -> String {
    match cluster {
        ClusterKey::Portal(id) => format!("p:{}", super::key(id.as_str())),
        ClusterKey::Orphan(system, id) => format!("o:{system}:{}", super::key(id.as_str())),
    }
}

/// Reads [`cluster_text`] back.
pub(super) fn cluster_of(text: &str) -> Option<ClusterKey> {
    if let Some(id) = text.strip_prefix("p:") {
        return Some(ClusterKey::Portal(Text::new(id)));
    }
    let (system, id) = text.strip_prefix("o:")?.split_once(':')?;
    Some(ClusterKey::Orphan(System::parse(system)?, Text::new(id)))
}

impl Store {
    /// Takes up to `limit` clusters that a change touched, or whose `again_at` has passed.
    pub async fn dirty(&self, limit: i64, now: Time) -> Result<Dirty, Problem> {
        let db = &self.inner.db;
        let limit = limit.clamp(1, 5000);
        let mut queue =
            db.rows("select kind, key, position from dirty order by position limit $1", args![limit + 1]).await?;
        let due = "select cluster from again where at <= $1 order by at limit $2";
        let mut due = db.rows(due, args![now, limit + 1]).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = queue.len() > limit || due.len() > limit;
        queue.truncate(limit);
        due.truncate(limit);

        let mut marks = BTreeSet::new();
        let mut upto = 0;
        for line in &queue {
            marks.extend(Mark::of(&line.text(0)?, &line.text(1)?));
            upto = line.int(2)?;
        }
        let mut keys = expand(db, &marks).await?;
        for line in &due {
            keys.extend(cluster_of(&line.text(0)?));
        }
        Ok(Dirty { keys: keys.into_iter().collect(), upto, more })
    }

    /// When time alone will next change a verdict; the past when it has already. `None`: never.
    pub async fn next_due(&self) -> Result<Option<Time>, Problem> {
        let found = self.inner.db.rows("select min(at) from again", args![]).await?;
        Ok(found.first().map_or(Ok(None), |line| line.maybe_int(0))?.map(Time::from_ms))
    }

    /// How many marks wait, and the position of the last of them (0 when there are none).
    pub async fn backlog(&self) -> Result<(i64, i64), Problem> {
        let sql = "select count(*), coalesce(max(position), 0) from dirty";
        let found = self.inner.db.rows(sql, args![]).await?;
        found.first().map_or(Ok((0, 0)), |line| Ok((line.int(0)?, line.int(1)?)))
    }

    /// Marks every cluster for judging (a rule, a policy or a source's health changed), streaming: call with the last
    /// key returned until it returns none.
    pub async fn keys_after(&self, after: Option<&ClusterKey>, limit: i64) -> Result<Vec<ClusterKey>, Problem> {
        let db = &self.inner.db;
        let limit = limit.max(1);
        let (mut keys, mut from): (Vec<ClusterKey>, _) = (Vec::new(), None);
        match after {
            Some(ClusterKey::Orphan(system, id)) => from = Some((*system, super::key(id.as_str()))),
            None | Some(ClusterKey::Portal(_)) => {
                let after = match after {
                    Some(ClusterKey::Portal(id)) => super::key(id.as_str()),
                    _ => String::new(),
                };
                let sql = "select id from record where system = 'portal' and kind = 'person' and id > $1 \
                           order by id limit $2";
                for line in db.rows(sql, args![after, limit]).await? {
                    keys.push(ClusterKey::Portal(Text::new(line.text(0)?)));
                }
            }
        }
        for system in systems_of(SystemKind::Billing).filter(|s| from.as_ref().is_none_or(|(f, _)| s >= f)) {
            let left = limit - i64::try_from(keys.len()).unwrap_or(limit);
            if left <= 0 {
                break;
            }
            let after = from.as_ref().filter(|(f, _)| *f == system).map(|(_, id)| id.clone()).unwrap_or_default();
            let sql = format!(
                "select r.id from record r where r.system = $1 and r.kind = 'person' and r.id > $2
                 and ((r.deleted = 0 and {UNCLAIMED}) or {DERIVED}) order by r.id limit $3"
            );
            for line in db.rows(AssertSqlSafe(sql), args![system.as_str(), after, left]).await? {
                keys.push(ClusterKey::Orphan(system, Text::new(line.text(0)?)));
            }
        }
        Ok(keys)
    }
}

/// A person of a system other than the portal, with the keys that lead to portal customers.
struct Person {
    system: System,
    id: String,
    portal: Option<String>,
    email: Option<String>,
}

impl Person {
    fn read(line: &Line) -> Result<Option<Self>, Problem> {
        let Some(system) = System::parse(&line.text(0)?) else { return Ok(None) };
        Ok(Some(Self { system, id: line.text(1)?, portal: line.maybe_text(2)?, email: line.maybe_text(3)? }))
    }
}

/// All clusters that these marks may concern.
pub(super) async fn expand(db: &Db, marks: &BTreeSet<Mark>) -> Result<BTreeSet<ClusterKey>, Problem> {
    let mut clusters = BTreeSet::new();
    if marks.is_empty() {
        return Ok(clusters);
    }
    let (mut portals, mut emails) = (BTreeSet::new(), BTreeSet::new());
    let (mut places, mut links) = (BTreeSet::new(), BTreeSet::new());
    for mark in marks {
        match mark {
            Mark::Portal(id) => _ = portals.insert(id.clone()),
            Mark::Email(email) => _ = emails.insert(email.clone()),
            Mark::Person(system, id) => {
                places.insert((*system, id.clone()));
                links.insert((system.kind(), id.clone()));
            }
            Mark::Link(kind, id) => {
                places.extend(systems_of(*kind).map(|system| (system, id.clone())));
                links.insert((*kind, id.clone()));
            }
        }
    }

    let persons = persons(db, &places, &emails, &portals).await?;
    for person in &persons {
        links.insert((person.system.kind(), person.id.clone()));
        portals.extend(person.portal.clone());
        emails.extend(person.email.clone());
    }

    // Everybody who links, owns or shares; only customers that the portal has, or had.
    let mut asked = Union::new(db);
    asked.about(KEY, single(portals), |rows| {
        format!(
            "select p.id from {rows} cross join record p
             where p.system = 'portal' and p.kind = 'person' and p.id = n.key"
        )
    });
    asked.about(KEY, single(emails), |rows| {
        let on = format!("{} and r.email_key = n.key", found_elsewise("r"));
        format!("select r.id from {}", capped(rows, &on, ALIKE))
    });
    for kind in [SystemKind::Billing, SystemKind::Crm, SystemKind::Support] {
        let ids = links.iter().filter(|(k, _)| *k == kind).map(|(_, id)| id.as_str());
        asked.about(KEY, single(ids), |rows| {
            let portal = found_elsewise("p");
            format!("select p.id from {rows} cross join record p where {portal} and p.link_{kind} = n.key")
        });
    }
    let found = asked.rows().await?;
    for line in &found {
        clusters.insert(ClusterKey::Portal(Text::new(line.text(0)?)));
    }

    let payers = persons.iter().filter(|p| p.system.kind() == SystemKind::Billing);
    let payers: Vec<Vec<Json>> = payers.map(|p| vec![json!(p.system), json!(p.id)]).collect();
    if !payers.is_empty() {
        let rows = table(db.engine(), 1, &[("system", Type::Text), ("id", Type::Text)]);
        let sql = format!(
            "select r.system, r.id from {rows} cross join record r
             where r.system = n.system and r.kind = 'person' and r.id = n.id
               and ((r.deleted = 0 and {UNCLAIMED}) or {DERIVED})"
        );
        for line in db.rows(AssertSqlSafe(sql), vec![lines(payers)]).await? {
            let system = System::parse(&line.text(0)?);
            let id = Text::new(line.text(1)?);
            clusters.extend(system.map(|system| ClusterKey::Orphan(system, id)));
        }
    }
    Ok(clusters)
}

/// Persons outside the portal at these places, with these e-mails, or claiming these portal customers.
async fn persons(
    db: &Db,
    places: &BTreeSet<(System, String)>,
    emails: &BTreeSet<String>,
    portals: &BTreeSet<String>,
) -> Result<Vec<Person>, Problem> {
    const COLUMNS: &str = "r.system, r.id, r.link_portal, r.email_key";
    let mut asked = Union::new(db);
    asked.about(PLACE, self::places(places), |rows| {
        format!(
            "select {COLUMNS} from {rows} cross join record r
             where r.kind = 'person' and r.system = n.system and r.id = n.key"
        )
    });
    for (column, keys) in [("email_key", emails), ("link_portal", portals)] {
        asked.about(KEY, single(keys.iter().map(String::as_str)), |rows| {
            let on = format!("r.kind = 'person' and r.system <> 'portal' and r.{column} = n.key");
            format!("select {COLUMNS} from {}", capped(rows, &on, ALIKE))
        });
    }
    let mut persons = Vec::new();
    let mut known = BTreeSet::new();
    for line in asked.rows().await? {
        if let Some(person) = Person::read(&line)?
            && known.insert((person.system, person.id.clone()))
        {
            persons.push(person);
        }
    }
    Ok(persons)
}
