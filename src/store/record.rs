//! Observed records: what is new, what is the same, what is gone, and whom that touches.
//!
//! What must stay true: order and repetition of observations do not matter. The newer (version, reading) wins; the
//! same content only moves `seen_at`; both the keys that a record had and the keys that it has now are marked, so that
//! the customer it left is judged again as well as the one it came to.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;

use super::db::{Line, Tx, Type, args, lines, table};
use super::{folded, key};
use crate::domain::{Kind, Problem, Record, System, SystemKind, Text, Time};

/// Most records of one statement.
const CHUNK: usize = 1000;

/// What a changed record may touch. The text in the queue is [`Mark::parts`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// A portal customer by id.
    Portal(String),
    /// A person of another system, by system word and id.
    Person(System, String),
    /// Everybody with this e-mail.
    Email(String),
    /// Everybody linked to this id in a system of that kind.
    Link(SystemKind, String),
}

impl Mark {
    /// Kind and key, as the queue keeps them.
    pub(super) fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Portal(id) => ("portal", id.clone()),
            Self::Person(system, id) => ("person", format!("{system}:{id}")),
            Self::Email(email) => ("email", email.clone()),
            Self::Link(kind, id) => (kind.as_str(), id.clone()),
        }
    }

    /// Reads [`Mark::parts`] back.
    pub(super) fn of(kind: &str, key: &str) -> Option<Self> {
        match kind {
            "portal" => Some(Self::Portal(key.to_owned())),
            "email" => Some(Self::Email(key.to_owned())),
            "person" => {
                let (system, id) = key.split_once(':')?;
                Some(Self::Person(System::parse(system)?, id.to_owned()))
            }
            _ => Some(Self::Link(SystemKind::parse(kind)?, key.to_owned())),
        }
    }
}

/// The keys by which a record belongs to somebody; as they lie in its columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) email: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) portal: Option<String>,
    pub(super) billing: Option<String>,
    pub(super) crm: Option<String>,
    pub(super) support: Option<String>,
}

impl Keys {
    pub(super) fn of(record: &Record) -> Self {
        let text = |text: &Option<Text>| text.as_ref().map(|text| key(text.as_str()));
        let person = record.kind == Kind::Person;
        Self {
            email: record.email.as_ref().filter(|_| person).and_then(Text::email_key).map(|email| key(&email)),
            parent: text(&record.parent).filter(|_| !person),
            portal: text(&record.links.portal).filter(|_| person),
            billing: text(&record.links.billing).filter(|_| person),
            crm: text(&record.links.crm).filter(|_| person),
            support: text(&record.links.support).filter(|_| person),
        }
    }

    /// Reads six columns: email_key, parent, link_portal, link_billing, link_crm, link_support.
    fn read(line: &Line, from: usize) -> Result<Self, Problem> {
        Ok(Self {
            email: line.maybe_text(from)?,
            parent: line.maybe_text(from + 1)?,
            portal: line.maybe_text(from + 2)?,
            billing: line.maybe_text(from + 3)?,
            crm: line.maybe_text(from + 4)?,
            support: line.maybe_text(from + 5)?,
        })
    }

    /// Marks whom a record with these keys touches.
    pub(super) fn mark(&self, system: System, kind: Kind, id: &str, marks: &mut BTreeSet<Mark>) {
        let mine = |id: &str| {
            if system == System::Portal { Mark::Portal(id.to_owned()) } else { Mark::Person(system, id.to_owned()) }
        };
        match kind {
            Kind::Person => {
                marks.insert(mine(id));
                marks.extend(self.email.clone().map(Mark::Email));
                if system == System::Portal {
                    let links = [
                        (SystemKind::Billing, &self.billing),
                        (SystemKind::Crm, &self.crm),
                        (SystemKind::Support, &self.support),
                    ];
                    marks.extend(links.into_iter().filter_map(|(kind, id)| Some(Mark::Link(kind, id.clone()?))));
                } else {
                    marks.extend(self.portal.clone().map(Mark::Portal));
                }
            }
            Kind::Subscription | Kind::Invoice | Kind::Charge | Kind::Ticket | Kind::Deal => {
                marks.extend(self.parent.as_deref().map(mine));
            }
            Kind::Endpoint => {}
        }
    }
}

/// What is stored of a record.
struct Known {
    version: i64,
    seen_at: i64,
    deleted: bool,
    keys: Keys,
    doc: String,
}

/// The record as `doc` keeps it: without what lies in columns and moves by itself.
fn doc(record: &Record) -> Result<String, Problem> {
    let mut bare = record.clone();
    (bare.version, bare.seen_at, bare.deleted) = (0, Time::from_ms(0), false);
    serde_json::to_string(&bare).map_err(|e| Problem::bug("a record cannot be written as JSON").why(e.to_string()))
}

/// The columns that [`read`] takes, of a record called `r`.
pub(super) const COLUMNS: &str = "r.doc, r.version, r.seen_at, r.deleted";

/// Reads a stored record from [`COLUMNS`].
pub(super) fn read(line: &Line) -> Result<Record, Problem> {
    let mut record: Record = serde_json::from_str(&line.text(0)?)
        .map_err(|e| Problem::bug("a stored record cannot be read").why(e.to_string()))?;
    record.version = line.int(1)?;
    record.seen_at = line.time(2)?;
    record.deleted = line.int(3)? != 0;
    Ok(record)
}

/// Stores records; returns how many really changed and adds whom that touches to `marks`.
pub(super) async fn save(tx: &mut Tx, records: &[Record], marks: &mut BTreeSet<Mark>) -> Result<usize, Problem> {
    // A page may repeat a thing, and pages overlap: the newest view of each counts, the later one of equals.
    let mut newest: HashMap<(System, Kind, String), &Record> = HashMap::with_capacity(records.len());
    for record in records {
        let at = (record.system, record.kind, key(record.id.as_str()));
        let known = newest.entry(at).or_insert(record);
        if (record.version, record.seen_at) >= (known.version, known.seen_at) {
            *known = record;
        }
    }
    let newest: Vec<((System, Kind, String), &Record)> = newest.into_iter().collect();
    let mut changed = 0;
    for chunk in newest.chunks(CHUNK) {
        changed += save_chunk(tx, chunk, marks).await?;
    }
    Ok(changed)
}

async fn save_chunk(
    tx: &mut Tx,
    chunk: &[((System, Kind, String), &Record)],
    marks: &mut BTreeSet<Mark>,
) -> Result<usize, Problem> {
    let known = known(tx, chunk).await?;
    let (mut replaced, mut touched) = (Vec::new(), Vec::new());
    for (at, record) in chunk {
        let (system, kind, id) = at;
        let doc = doc(record)?;
        let new = (record.version, record.seen_at.ms());
        let place = [Json::from(system.as_str()), Json::from(kind.as_str()), Json::from(id.as_str())];
        let old = known.get(at);
        if let Some(old) = old {
            let same = old.doc == doc && old.deleted == record.deleted;
            let newer = new >= (old.version, old.seen_at);
            if same || !newer {
                // Being listed proves that it is there, whatever the age of the view.
                let version = if same { old.version.max(new.0) } else { old.version };
                if version > old.version || new.1 > old.seen_at {
                    touched.push([place.as_slice(), &[json!(version), json!(old.seen_at.max(new.1))]].concat());
                }
                continue;
            }
            old.keys.mark(*system, *kind, id, marks);
        }
        let keys = Keys::of(record);
        keys.mark(*system, *kind, id, marks);
        let seen_at = old.map_or(new.1, |old| old.seen_at.max(new.1));
        let named = matches!(kind, Kind::Invoice | Kind::Ticket);
        let name = record.name.as_ref().filter(|_| named).map(|name| key(&folded(name.as_str())));
        let columns = json!([
            new.0,
            seen_at,
            i64::from(record.deleted),
            keys.email,
            name,
            keys.parent,
            keys.portal,
            keys.billing,
            keys.crm,
            keys.support,
            record.created_at.map(Time::ms),
            doc
        ]);
        let Json::Array(columns) = columns else { continue };
        replaced.push([place.as_slice(), &columns].concat());
    }
    let changed = replaced.len();
    if changed > 0 {
        let rows = table(tx.engine(), 1, &STORED);
        let sql = format!(
            "insert into record (system, kind, id, version, seen_at, deleted, email_key, name_key, parent, link_portal,
               link_billing, link_crm, link_support, created_at, doc)
             select system, kind, id, version, seen_at, deleted, email_key, name_key, parent, link_portal,
               link_billing, link_crm, link_support, created_at, doc from {rows} where true
             on conflict (system, kind, id) do update set version = excluded.version, seen_at = excluded.seen_at,
               deleted = excluded.deleted, email_key = excluded.email_key, name_key = excluded.name_key,
               parent = excluded.parent, link_portal = excluded.link_portal, link_billing = excluded.link_billing,
               link_crm = excluded.link_crm, link_support = excluded.link_support, created_at = excluded.created_at,
               doc = excluded.doc"
        );
        tx.run(AssertSqlSafe(sql), vec![lines(replaced)]).await?;
    }
    if !touched.is_empty() {
        let rows = table(tx.engine(), 1, &STORED[..5]);
        let sql = format!(
            "update record set version = n.version, seen_at = n.seen_at from {rows}
             where record.system = n.system and record.kind = n.kind and record.id = n.id"
        );
        tx.run(AssertSqlSafe(sql), vec![lines(touched)]).await?;
    }
    Ok(changed)
}

/// Columns of `record` in the order in which they are written.
const STORED: [(&str, Type); 15] = [
    ("system", Type::Text),
    ("kind", Type::Text),
    ("id", Type::Text),
    ("version", Type::Int),
    ("seen_at", Type::Int),
    ("deleted", Type::Int),
    ("email_key", Type::Text),
    ("name_key", Type::Text),
    ("parent", Type::Text),
    ("link_portal", Type::Text),
    ("link_billing", Type::Text),
    ("link_crm", Type::Text),
    ("link_support", Type::Text),
    ("created_at", Type::Int),
    ("doc", Type::Text),
];

async fn known(
    tx: &mut Tx,
    chunk: &[((System, Kind, String), &Record)],
) -> Result<HashMap<(System, Kind, String), Known>, Problem> {
    let places = chunk.iter().map(|((system, kind, id), _)| vec![json!(system), json!(kind), json!(id)]).collect();
    let rows = table(tx.engine(), 1, &STORED[..3]);
    let sql = format!(
        "select r.system, r.kind, r.id, r.version, r.seen_at, r.deleted, r.email_key, r.parent, r.link_portal,
           r.link_billing, r.link_crm, r.link_support, r.doc
         from {rows} cross join record r where r.system = n.system and r.kind = n.kind and r.id = n.id"
    );
    let mut known = HashMap::new();
    for line in tx.rows(AssertSqlSafe(sql), vec![lines(places)]).await? {
        let (Some(system), Some(kind)) = (System::parse(&line.text(0)?), Kind::parse(&line.text(1)?)) else { continue };
        let stored = Known {
            version: line.int(3)?,
            seen_at: line.int(4)?,
            deleted: line.int(5)? != 0,
            keys: Keys::read(&line, 6)?,
            doc: line.text(12)?,
        };
        known.insert((system, kind, line.text(2)?), stored);
    }
    Ok(known)
}

/// After a full collection that began at `began`: what was not seen since then is gone. Returns how many.
pub(super) async fn sweep(
    tx: &mut Tx,
    system: System,
    kind: Kind,
    began: Time,
    marks: &mut BTreeSet<Mark>,
) -> Result<usize, Problem> {
    let gone = tx
        .rows(
            "update record set deleted = 1 where system = $1 and kind = $2 and deleted = 0 and seen_at < $3
             returning id, email_key, parent, link_portal, link_billing, link_crm, link_support",
            args![system.as_str(), kind.as_str(), began],
        )
        .await?;
    for line in &gone {
        Keys::read(line, 1)?.mark(system, kind, &line.text(0)?, marks);
    }
    Ok(gone.len())
}

/// Puts marks into the queue, at its end.
pub(super) async fn enqueue(tx: &mut Tx, marks: &BTreeSet<Mark>) -> Result<(), Problem> {
    if marks.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(marks.len()).unwrap_or(i64::MAX);
    let last = tx
        .rows("update meta set value = value + $1 where name = 'position' returning value", args![count])
        .await?
        .first()
        .map_or(Ok(count), |line| line.int(0))?;
    let rows = table(tx.engine(), 1, &[("kind", Type::Text), ("key", Type::Text), ("position", Type::Int)]);
    let sql = format!(
        "insert into dirty (kind, key, position) select kind, key, position from {rows} where true
         on conflict (kind, key) do update set position = excluded.position"
    );
    let numbered = marks.iter().zip(last - count + 1..).map(|(mark, position)| {
        let (kind, key) = mark.parts();
        vec![json!(kind), json!(key), json!(position)]
    });
    let numbered: Vec<Vec<Json>> = numbered.collect();
    for chunk in numbered.chunks(10_000) {
        tx.run(AssertSqlSafe(sql.as_str()), vec![lines(chunk.to_vec())]).await?;
    }
    Ok(())
}
