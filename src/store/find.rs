//! One box: who is meant by an e-mail, a part of a name, any system's id, a domain, an invoice or a ticket number?
//!
//! What must stay true: exact hits come first and cost a few index probes, whatever the size of the store; only then
//! is text searched. What is shown is read from the rows at that moment, never from an older copy.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;
use sqlx::AssertSqlSafe;

use super::db::{Engine, Type, args, column, table};
use super::dirty::{cluster_text, expand};
use super::judgement::find_line;
use super::record::{Keys, Mark, read};
use super::row::undoc;
use super::{Found, Store, folded, key};
use crate::domain::{ClusterKey, Customer, Dataset, Kind, Problem, Record, Row, System, Text};

/// Most lines that a search by text looks at before it orders them.
const CANDIDATES: usize = 256;
/// Rows read beyond those that are asked for.
const SPARE: usize = 40;
/// Fewer letters say too little about how a subject begins.
const BEGINNING: usize = 3;

impl Store {
    /// One box: e-mail, name part, any system's id, domain, invoice or ticket number. Exact ids and e-mails first.
    pub async fn find(&self, text: &str, limit: i64) -> Result<Vec<Found>, Problem> {
        // The same door as everything stored came through, so that what looks alike is alike.
        let asked = Text::new(text.trim());
        let limit = usize::try_from(limit.max(0)).unwrap_or(usize::MAX);
        if asked.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let mut found = self.exact(asked.as_str()).await?;
        let small = folded(asked.as_str());
        if found.len() < limit {
            add(&mut found, self.containing(&small, limit).await?);
        }
        if found.len() < limit && small.chars().count() >= BEGINNING {
            add(&mut found, self.beginning(&key(&small)).await?);
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Customers to whom something belongs that has exactly this id, e-mail, number or subject.
    async fn exact(&self, text: &str) -> Result<Vec<Found>, Problem> {
        let small = key(&folded(text));
        let mut found: Vec<Found> = Vec::new();
        for customer in self.customers_where("row_key = $1", &key(text)).await? {
            found.push(Found { row: Row::Customer(Box::new(customer)), by: Text::new("id") });
        }
        add(&mut found, self.owners("r.id = $1", &key(text), text).await?);
        add(&mut found, self.owners("r.email_key = $1", &small, text).await?);
        add(&mut found, self.owners("r.name_key = $1", &small, text).await?);
        Ok(found)
    }

    /// Customers with an invoice or a ticket whose number or subject begins so. The range is what an index can walk.
    async fn beginning(&self, small: &str) -> Result<Vec<Found>, Problem> {
        self.owners("r.name_key >= $1 and r.name_key < $1 || '\u{10ffff}'", small, "").await
    }

    /// Customers to whom the records that hold belong.
    async fn owners(&self, condition: &'static str, value: &str, text: &str) -> Result<Vec<Found>, Problem> {
        let columns = super::record::COLUMNS;
        let sql = format!("select {columns} from record r where {condition} and r.deleted = 0 limit 20");
        let mut found = Vec::new();
        for line in self.inner.db.rows(AssertSqlSafe(sql), args![value]).await? {
            let record = read(&line)?;
            let by = by(&record, text);
            for customer in self.customers_of(&record).await? {
                add(&mut found, vec![Found { row: Row::Customer(Box::new(customer)), by: by.clone() }]);
            }
        }
        Ok(found)
    }

    /// The customers whom a record concerns; for a portal customer only that one.
    async fn customers_of(&self, record: &Record) -> Result<Vec<Customer>, Problem> {
        let id = key(record.id.as_str());
        let clusters = if record.system == System::Portal && record.kind == Kind::Person {
            BTreeSet::from([ClusterKey::Portal(Text::new(id))])
        } else {
            let mut marks = BTreeSet::new();
            Keys::of(record).mark(record.system, record.kind, &id, &mut marks);
            // Who shares the e-mail of a payer is found by e-mail; an id is to name its owner.
            marks.retain(|mark| !matches!(mark, Mark::Email(_)));
            expand(&self.inner.db, &marks).await?
        };
        let rows = table(self.inner.db.engine(), 1, &[("cluster", Type::Text)]);
        let sql =
            format!("select r.doc from {rows} cross join customer r where r.cluster = n.cluster order by r.row_key");
        let clusters = column(clusters.iter().map(|cluster| Json::from(cluster_text(cluster))));
        let found = self.inner.db.rows(AssertSqlSafe(sql), vec![clusters]).await?;
        found.iter().filter_map(|line| line.text(0).and_then(|doc| customer(&doc)).transpose()).collect()
    }

    async fn customers_where(&self, condition: &'static str, value: &str) -> Result<Vec<Customer>, Problem> {
        let sql = format!("select doc from customer where {condition}");
        let found = self.inner.db.rows(AssertSqlSafe(sql), args![value]).await?;
        found.iter().filter_map(|line| line.text(0).and_then(|doc| customer(&doc)).transpose()).collect()
    }

    /// Customers whose id, e-mail or name contains the text; one letter must begin one of them.
    async fn containing(&self, text: &str, limit: usize) -> Result<Vec<Found>, Problem> {
        let prefix = text.chars().count() < 2;
        let needles = if prefix { vec![format!("\n{text}"), format!("\t{text}")] } else { vec![text.to_owned()] };
        let lines = match self.scan(needles, CANDIDATES).await? {
            Some(lines) => lines,
            None => self.scan_in_database(text, prefix).await?,
        };
        // Ordered by the narrow lines, so that only the rows that will be shown are read. Of a customer's lines the
        // last is the newest.
        let newest: HashMap<&str, &str> =
            lines.iter().filter_map(|line| Some((line.split('\t').next()?, line.as_str()))).collect();
        let mut ids: Vec<(u8, &str)> = newest
            .into_iter()
            .map(|(id, line)| (place(line, text, prefix).map_or(u8::MAX, |(rank, _)| rank), id))
            .collect();
        ids.sort_unstable();

        let mut hits: Vec<(u8, Found)> = Vec::new();
        // Some to spare: the exact look-up may have told fewer than `limit` of them already, and lines become old.
        for part in ids.chunks(limit.saturating_add(SPARE)) {
            hits.extend(self.rows_of(part, text, prefix).await?);
            if hits.len() >= limit.saturating_mul(2) {
                break;
            }
        }
        hits.sort_by_cached_key(|(rank, hit)| (*rank, hit.row.key()));
        Ok(hits.into_iter().map(|(_, hit)| hit).collect())
    }

    /// The customers with these lower-cased ids in whose row, as it is now, the text stands.
    async fn rows_of(&self, ids: &[(u8, &str)], text: &str, prefix: bool) -> Result<Vec<(u8, Found)>, Problem> {
        let rows = table(self.inner.db.engine(), 1, &[("id", Type::Text)]);
        let sql = format!(
            "select r.doc from {rows} cross join customer r
             where substr(r.\"id\", 1, 200) = substr(n.id, 1, 200) and r.\"id\" = n.id"
        );
        let docs = self.inner.db.rows(AssertSqlSafe(sql), vec![column(ids.iter().map(|(_, id)| *id))]).await?;
        let mut hits = Vec::new();
        for line in &docs {
            let Some(customer) = customer(&line.text(0)?)? else { continue };
            // The line that was scanned may be older than the row.
            if let Some((rank, by)) = place(&find_line(&customer), text, prefix) {
                hits.push((rank, Found { row: Row::Customer(Box::new(customer)), by: Text::new(by) }));
            }
        }
        Ok(hits)
    }

    async fn scan_in_database(&self, text: &str, prefix: bool) -> Result<Vec<String>, Problem> {
        // Lines and text are lower-cased alike, so bytes may be compared: half the cost of LIKE.
        let sql = match (self.inner.db.engine(), prefix) {
            (Engine::Sqlite, false) => "select line from find_line where instr(line, $1) > 0 limit $2",
            (Engine::Postgres, false) => "select line from find_line where strpos(line, $1) > 0 limit $2",
            (Engine::Sqlite, true) => {
                "select line from find_line where instr(char(10) || line, char(10) || $1) > 0
                 or instr(line, char(9) || $1) > 0 limit $2"
            }
            (Engine::Postgres, true) => {
                "select line from find_line where strpos(chr(10) || line, chr(10) || $1) > 0
                 or strpos(line, chr(9) || $1) > 0 limit $2"
            }
        };
        let most = i64::try_from(CANDIDATES).unwrap_or(i64::MAX);
        self.inner.db.rows(sql, args![text, most]).await?.iter().map(|line| line.text(0)).collect()
    }
}

/// Appends the hits whose customer is not there yet.
fn add(found: &mut Vec<Found>, more: Vec<Found>) {
    for hit in more {
        if found.iter().all(|known| known.row.key() != hit.row.key()) {
            found.push(hit);
        }
    }
}

fn customer(doc: &str) -> Result<Option<Customer>, Problem> {
    Ok(match undoc(Dataset::Customers, doc)? {
        Row::Customer(customer) => Some(*customer),
        _ => None,
    })
}

/// What an exact hit matched, in the words of a person.
fn by(record: &Record, text: &str) -> Text {
    let id = record.id.as_str() == text;
    Text::new(match record.kind {
        Kind::Person if id && record.system == System::Portal => "id".to_owned(),
        Kind::Person if id => format!("{} id", record.system),
        Kind::Person => "e-mail".to_owned(),
        kind => kind.as_str().to_owned(),
    })
}

/// Where in a line (`\n id \t e-mail \t name`) the text stands: a rank, smaller is better, and what that field is.
fn place(line: &str, text: &str, prefix: bool) -> Option<(u8, &'static str)> {
    let mut best: Option<(u8, &'static str)> = None;
    for (field, name) in line.trim_start_matches('\n').split('\t').zip(["id", "e-mail", "name"]) {
        let Some(at) = field.find(text) else { continue };
        let domain = name == "e-mail" && field.find('@').is_some_and(|sign| at > sign || text.starts_with('@'));
        let begins = at == 0;
        let word = begins || field[..at].chars().next_back().is_some_and(|c| !c.is_alphanumeric());
        if prefix && !begins {
            continue;
        }
        let rank = if begins { 0 } else { 2 - u8::from(word) };
        if best.is_none_or(|(known, _)| rank < known) {
            best = Some((rank, if domain { "domain" } else { name }));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matched_is_told_and_beginnings_come_first() {
        let line = "\ncus 7\tana@acme.example\tbanana ana";
        assert_eq!(place(line, "ana", false), Some((0, "e-mail")));
        assert_eq!(place(line, "acme", false), Some((1, "domain")));
        assert_eq!(place(line, "nan", false), Some((2, "name")));
        assert_eq!(place(line, "b", true), Some((0, "name")));
        assert_eq!(place(line, "n", true), None);
    }
}
