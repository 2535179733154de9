//! Gathering everything that may be about a customer, for many customers at once.
//!
//! What must stay true: generous but bounded. Deleted records are included (a link to somebody deleted must be seen);
//! what is beyond the caps is left out newest first. An orphan whom a portal customer claims by now, or who is gone,
//! comes back without records: judged so, its derived rows vanish.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::db::{Db, Union, single};
use super::dirty::{KEY, PLACE, UNCLAIMED, capped, found_elsewise, places, systems_of};
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

/// Asks for records.
async fn records(asked: Union<'_>) -> Result<Vec<Record>, Problem> {
    asked.rows().await?.iter().map(read).collect()
}

/// The records `r` that are joined to the keys `n` of `rows`.
fn joined(rows: &str, on: &str) -> String {
    format!("select {COLUMNS} from {rows} cross join record r where {on}")
}

async fn portal_records(db: &Db, keys: &[ClusterKey]) -> Result<BTreeMap<String, Record>, Problem> {
    let ids: Vec<String> = keys
        .iter()
        .filter_map(|cluster| match cluster {
            ClusterKey::Portal(id) => Some(key(id.as_str())),
            ClusterKey::Orphan(..) => None,
        })
        .collect();
    let mut asked = Union::new(db);
    asked.about(KEY, single(ids), |rows| joined(rows, "r.system = 'portal' and r.kind = 'person' and r.id = n.key"));
    let found = records(asked).await?;
    Ok(found.into_iter().map(|record| (key(record.id.as_str()), record)).collect())
}

/// Those of the orphan keys that are still there and still nobody's.
async fn orphans(db: &Db, keys: &[ClusterKey]) -> Result<HashMap<Place, Record>, Problem> {
    let at: Vec<Place> = keys
        .iter()
        .filter_map(|cluster| match cluster {
            ClusterKey::Orphan(system, id) => Some((*system, key(id.as_str()))),
            ClusterKey::Portal(_) => None,
        })
        .collect();
    let mut asked = Union::new(db);
    asked.about(PLACE, places(&at), |rows| {
        let there = "r.system = n.system and r.kind = 'person' and r.id = n.key";
        joined(rows, &format!("{there} and r.deleted = 0 and {UNCLAIMED}"))
    });
    let found = records(asked).await?;
    Ok(found.into_iter().map(|record| ((record.system, key(record.id.as_str())), record)).collect())
}

async fn persons(
    db: &Db,
    linked: &BTreeSet<Place>,
    portals: &BTreeSet<String>,
    emails: &BTreeSet<String>,
) -> Result<Vec<Record>, Problem> {
    let mut asked = Union::new(db);
    asked.about(PLACE, places(linked), |rows| {
        joined(rows, "r.kind = 'person' and r.system = n.system and r.id = n.key")
    });
    for (column, keys) in [("link_portal", portals), ("email_key", emails)] {
        asked.about(KEY, single(keys.iter().map(String::as_str)), |rows| {
            let on = format!("r.kind = 'person' and r.system <> 'portal' and r.{column} = n.key");
            format!("select {COLUMNS} from {}", capped(rows, &on, PERSONS))
        });
    }
    let mut seen = HashSet::new();
    let mut all = records(asked).await?;
    all.retain(|record| seen.insert((record.system, key(record.id.as_str()))));
    Ok(all)
}

async fn children(db: &Db, parents: &BTreeSet<Place>) -> Result<HashMap<Place, Vec<Record>>, Problem> {
    let mut asked = Union::new(db);
    asked.about(PLACE, places(parents), |rows| {
        format!(
            "select doc, version, seen_at, deleted, system, parent from (
               select {COLUMNS}, r.system, r.parent, r.kind, r.id, row_number() over (
                 partition by r.system, r.parent, r.kind order by coalesce(r.created_at, r.version) desc, r.id) as place
               from {rows} cross join record r where r.parent = n.key and r.system = n.system
             ) as ranked where place <= {CHILDREN} order by system, parent, kind, place"
        )
    });
    let mut children: HashMap<Place, Vec<Record>> = HashMap::new();
    for line in asked.rows().await? {
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
        let mut asked = Union::new(db);
        asked.about(KEY, single(ids), |rows| {
            joined(rows, "r.system = 'portal' and r.kind = 'person' and r.deleted = 0 and r.id = n.key")
        });
        let alike = |rows: &str, column: &str| {
            let on = format!("{} and r.deleted = 0 and r.{column} = n.key", found_elsewise("r"));
            format!("select {COLUMNS} from {}", capped(rows, &on, RIVALS + 1))
        };
        asked.about(KEY, single(emails), |rows| alike(rows, "email_key"));
        for kind in [SystemKind::Billing, SystemKind::Crm, SystemKind::Support] {
            let ids = links.iter().filter(|(k, _)| *k == kind).map(|(_, id)| id.as_str());
            asked.about(KEY, single(ids), |rows| alike(rows, &format!("link_{kind}")));
        }
        let found = records(asked).await?;
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
