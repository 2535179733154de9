//! Gathering everything that may be about a customer, for many customers at once.
//!
//! What must stay true: generous but bounded. Deleted records are included (a link to somebody deleted must be seen);
//! what is beyond the caps is left out newest first. An orphan whom a portal customer claims by now, or who is gone,
//! comes back without records: judged so, its derived rows vanish.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;

use super::db::{Arg, Db, Type, column, lines, table};
use super::dirty::{UNCLAIMED, capped, found_elsewise, systems_of};
use super::record::{COLUMNS, Keys, read};
use super::{Store, key};
use crate::domain::{Cluster, ClusterKey, Problem, Record, System, SystemKind};

/// Most clusters that are gathered by the same statements.
const CHUNK: usize = 5000;
/// Most persons of other systems in one cluster.
const PERSONS: usize = 50;
/// Most children of one kind of one person: the newest.
const CHILDREN: usize = 200;
/// Most rivals in one cluster.
const RIVALS: usize = 20;

/// A person, by system and id.
type Place = (System, String);

impl Store {
    /// Gathers clusters, batched: a handful of statements for any number of keys (at most 5,000).
    pub async fn clusters(&self, keys: &[ClusterKey]) -> Result<Vec<Cluster>, Problem> {
        let mut all = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK) {
            all.extend(gather(&self.inner.db, chunk).await?);
        }
        Ok(all)
    }
}

async fn gather(db: &Db, keys: &[ClusterKey]) -> Result<Vec<Cluster>, Problem> {
    let portals = portal_records(db, keys).await?;
    let orphans = orphans(db, keys).await?;

    // Persons: where the portal's links point, whoever points at the portal, whoever has the e-mail.
    let (mut places, mut ids, mut emails) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for record in portals.values() {
        let own = Keys::of(record);
        places.extend(linked(&own));
        ids.insert(key(record.id.as_str()));
        emails.extend(own.email);
    }
    emails.extend(orphans.values().filter_map(|record| Keys::of(record).email));
    let persons = persons(db, &places, &ids, &emails).await?;
    let mut by_place: HashMap<Place, &Record> = HashMap::new();
    let (mut by_portal, mut by_email): (HashMap<String, Vec<Place>>, HashMap<String, Vec<Place>>) = Default::default();
    for record in &persons {
        let place = (record.system, key(record.id.as_str()));
        let own = Keys::of(record);
        if let Some(portal) = own.portal {
            by_portal.entry(portal).or_default().push(place.clone());
        }
        if let Some(email) = own.email {
            by_email.entry(email).or_default().push(place.clone());
        }
        by_place.insert(place, record);
    }

    // Who belongs to which cluster.
    let mut members: Vec<Vec<Place>> = Vec::with_capacity(keys.len());
    for cluster in keys {
        let mut mine: Vec<Place> = Vec::new();
        match cluster {
            ClusterKey::Portal(id) => {
                if let Some(record) = portals.get(&key(id.as_str())) {
                    let own = Keys::of(record);
                    mine.extend(linked(&own).into_iter().filter(|place| by_place.contains_key(place)));
                    mine.extend(by_portal.get(&key(id.as_str())).into_iter().flatten().cloned());
                    mine.extend(own.email.and_then(|email| by_email.get(&email)).into_iter().flatten().cloned());
                }
            }
            ClusterKey::Orphan(system, id) => {
                let place = (*system, key(id.as_str()));
                if let Some(record) = orphans.get(&place) {
                    mine.push(place);
                    let alike = Keys::of(record).email.and_then(|email| by_email.get(&email)).into_iter().flatten();
                    mine.extend(alike.filter(|(system, _)| system.kind() != SystemKind::Billing).cloned());
                }
            }
        }
        let mut seen = HashSet::new();
        mine.retain(|place| seen.insert(place.clone()));
        mine.truncate(PERSONS);
        members.push(mine);
    }
    by_place.extend(orphans.iter().map(|(place, record)| (place.clone(), record)));

    let mut parents: BTreeSet<Place> = members.iter().flatten().cloned().collect();
    parents.extend(portals.keys().map(|id| (System::Portal, id.clone())));
    let children = children(db, &parents).await?;
    let rivals = Rivals::find(db, &portals, members.iter().flatten().filter_map(|p| by_place.get(p).copied())).await?;

    Ok(keys
        .iter()
        .zip(members)
        .map(|(cluster, mine)| {
            let own_place = match cluster {
                ClusterKey::Portal(id) => Some((System::Portal, key(id.as_str()))),
                ClusterKey::Orphan(..) => None,
            };
            let portal = own_place.as_ref().and_then(|(_, id)| portals.get(id)).cloned();
            let people: Vec<&Record> = mine.iter().filter_map(|place| by_place.get(place).copied()).collect();
            let rivals = portal.as_ref().map(|portal| rivals.of(portal, &people)).unwrap_or_default();
            let mut records: Vec<Record> = people.into_iter().cloned().collect();
            for place in mine.iter().chain(&own_place) {
                records.extend(children.get(place).into_iter().flatten().cloned());
            }
            Cluster { key: cluster.clone(), portal, records, rivals }
        })
        .collect())
}

/// Where a portal record's stored links point, in every system of the right kind.
fn linked(keys: &Keys) -> Vec<Place> {
    let links =
        [(SystemKind::Billing, &keys.billing), (SystemKind::Crm, &keys.crm), (SystemKind::Support, &keys.support)];
    let places = links.into_iter().filter_map(|(kind, id)| Some((kind, id.clone()?)));
    places.flat_map(|(kind, id)| systems_of(kind).map(move |system| (system, id.clone()))).collect()
}

/// Records `r` joined to the keys `n` of argument 1.
async fn records(db: &Db, from: &str, on: &str, arg: Arg) -> Result<Vec<Record>, Problem> {
    select(db, &format!("{from} cross join record r where {on}"), arg).await
}

async fn select(db: &Db, from: &str, arg: Arg) -> Result<Vec<Record>, Problem> {
    let sql = format!("select {COLUMNS} from {from}");
    db.rows(AssertSqlSafe(sql), vec![arg]).await?.iter().map(read).collect()
}

fn one(db: &Db) -> String {
    table(db.engine(), 1, &[("key", Type::Text)])
}

fn pair(db: &Db) -> String {
    table(db.engine(), 1, &[("system", Type::Text), ("key", Type::Text)])
}

fn pairs<'a>(places: impl IntoIterator<Item = &'a Place>) -> Arg {
    lines(places.into_iter().map(|(system, id)| vec![json!(system), Json::from(id.as_str())]).collect())
}

async fn portal_records(db: &Db, keys: &[ClusterKey]) -> Result<BTreeMap<String, Record>, Problem> {
    let ids: Vec<String> = keys
        .iter()
        .filter_map(|cluster| match cluster {
            ClusterKey::Portal(id) => Some(key(id.as_str())),
            ClusterKey::Orphan(..) => None,
        })
        .collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let on = "r.system = 'portal' and r.kind = 'person' and r.id = n.key";
    let found = records(db, &one(db), on, column(ids)).await?;
    Ok(found.into_iter().map(|record| (key(record.id.as_str()), record)).collect())
}

/// Those of the orphan keys that are still there and still nobody's.
async fn orphans(db: &Db, keys: &[ClusterKey]) -> Result<HashMap<Place, Record>, Problem> {
    let places: Vec<Place> = keys
        .iter()
        .filter_map(|cluster| match cluster {
            ClusterKey::Orphan(system, id) => Some((*system, key(id.as_str()))),
            ClusterKey::Portal(_) => None,
        })
        .collect();
    if places.is_empty() {
        return Ok(HashMap::new());
    }
    let on = format!("r.system = n.system and r.kind = 'person' and r.id = n.key and r.deleted = 0 and {UNCLAIMED}");
    let found = records(db, &pair(db), &on, pairs(&places)).await?;
    Ok(found.into_iter().map(|record| ((record.system, key(record.id.as_str())), record)).collect())
}

async fn persons(
    db: &Db,
    places: &BTreeSet<Place>,
    portals: &BTreeSet<String>,
    emails: &BTreeSet<String>,
) -> Result<Vec<Record>, Problem> {
    let alike = |column: &str| {
        let on = format!("r.kind = 'person' and r.system <> 'portal' and r.{column} = n.key");
        capped(db.engine(), &on, PERSONS)
    };
    let linked = "cross join record r where r.kind = 'person' and r.system = n.system and r.id = n.key";
    let asked = [
        (format!("{} {linked}", pair(db)), pairs(places)),
        (alike("link_portal"), column(portals.iter().cloned())),
        (alike("email_key"), column(emails.iter().cloned())),
    ];
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for (from, arg) in asked {
        let found = select(db, &from, arg).await?;
        all.extend(found.into_iter().filter(|record| seen.insert((record.system, key(record.id.as_str())))));
    }
    Ok(all)
}

async fn children(db: &Db, parents: &BTreeSet<Place>) -> Result<HashMap<Place, Vec<Record>>, Problem> {
    if parents.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "select doc, version, seen_at, deleted, system, parent from (
           select {COLUMNS}, r.system, r.parent, r.kind, r.id, row_number() over (
             partition by r.system, r.parent, r.kind order by coalesce(r.created_at, r.version) desc, r.id) as place
           from {} cross join record r where r.parent = n.key and r.system = n.system
         ) as ranked where place <= {CHILDREN} order by system, parent, kind, place",
        pair(db)
    );
    let mut children: HashMap<Place, Vec<Record>> = HashMap::new();
    for line in db.rows(AssertSqlSafe(sql), vec![pairs(parents)]).await? {
        if let Some(system) = System::parse(&line.text(4)?) {
            children.entry((system, line.text(5)?)).or_default().push(read(&line)?);
        }
    }
    Ok(children)
}

/// Portal customers by everything through which they can be somebody's rival.
struct Rivals {
    by_id: HashMap<String, Record>,
    by_email: HashMap<String, Vec<String>>,
    by_link: HashMap<(SystemKind, String), Vec<String>>,
}

impl Rivals {
    /// All portal customers that link to, are claimed by, or share an e-mail with these.
    async fn find<'a>(
        db: &Db,
        portals: &BTreeMap<String, Record>,
        persons: impl Iterator<Item = &'a Record>,
    ) -> Result<Self, Problem> {
        let (mut ids, mut emails, mut links) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        emails.extend(portals.values().filter_map(|record| Keys::of(record).email));
        for person in persons {
            let own = Keys::of(person);
            ids.extend(own.portal);
            emails.extend(own.email);
            links.insert((person.system.kind(), key(person.id.as_str())));
        }
        let portal = "r.system = 'portal' and r.kind = 'person' and r.deleted = 0";
        let mut found = records(db, &one(db), &format!("{portal} and r.id = n.key"), column(ids)).await?;
        let alike = |column: &str| {
            let on = format!("{} and r.deleted = 0 and r.{column} = n.key", found_elsewise("r"));
            capped(db.engine(), &on, RIVALS + 1)
        };
        found.extend(select(db, &alike("email_key"), column(emails)).await?);
        for kind in [SystemKind::Billing, SystemKind::Crm, SystemKind::Support] {
            let ids: Vec<&str> = links.iter().filter(|(k, _)| *k == kind).map(|(_, id)| id.as_str()).collect();
            found.extend(select(db, &alike(&format!("link_{kind}")), column(ids)).await?);
        }
        let mut all = Self { by_id: HashMap::new(), by_email: HashMap::new(), by_link: HashMap::new() };
        for record in found {
            let id = key(record.id.as_str());
            let own = Keys::of(&record);
            if all.by_id.insert(id.clone(), record).is_some() {
                continue;
            }
            if let Some(email) = own.email {
                all.by_email.entry(email).or_default().push(id.clone());
            }
            let links =
                [(SystemKind::Billing, own.billing), (SystemKind::Crm, own.crm), (SystemKind::Support, own.support)];
            for (kind, link) in links.into_iter().filter_map(|(kind, link)| Some((kind, link?))) {
                all.by_link.entry((kind, link)).or_default().push(id.clone());
            }
        }
        Ok(all)
    }

    fn of(&self, portal: &Record, persons: &[&Record]) -> Vec<Record> {
        let mut ids: Vec<&String> = Vec::new();
        for person in persons {
            let own = Keys::of(person);
            ids.extend(self.by_link.get(&(person.system.kind(), key(person.id.as_str()))).into_iter().flatten());
            ids.extend(own.portal.and_then(|id| self.by_id.get_key_value(&id)).map(|(id, _)| id));
            ids.extend(own.email.and_then(|email| self.by_email.get(&email)).into_iter().flatten().take(RIVALS + 1));
        }
        let own = Keys::of(portal);
        ids.extend(own.email.and_then(|email| self.by_email.get(&email)).into_iter().flatten().take(RIVALS + 1));
        let own = key(portal.id.as_str());
        let mut seen = HashSet::new();
        ids.retain(|id| **id != own && seen.insert(*id));
        ids.into_iter().take(RIVALS).filter_map(|id| self.by_id.get(id)).cloned().collect()
    }
}
