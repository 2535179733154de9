//! Picks the columns beside id, address and status: name, plan, ids of other systems, moments.
//!
//! What must stay true: only tables that the query reads already are looked at (a table of plans may be added); a
//! column is left out rather than taken on no evidence.

use super::super::lex::Dialect;
use super::build::Query;
use super::choose::{Candidate, Hop};
use super::fields::Field;
use super::schema::{Table, name};
use super::words;

/// What moments of creation are called.
pub(super) const CREATED: &[&str] = &[
    "created_at",
    "created",
    "created_on",
    "create_time",
    "inserted_at",
    "date_joined",
    "signup_at",
    "registered_at",
    "createdat",
];
/// What moments of change are called.
pub(super) const UPDATED: &[&str] =
    &["updated_at", "updated", "updated_on", "update_time", "modified_at", "last_modified", "modified", "updatedat"];

impl Query<'_> {
    /// The best field of the tables that are read, in the order in which they were joined.
    fn pick(&self, score: impl Fn(&Field) -> u8) -> Option<(&Field, u8)> {
        let mut best: Option<(&Field, u8)> = None;
        for source in &self.sources {
            for field in self.known.fields.iter().filter(|field| field.table == source.table) {
                let found = score(field);
                if found > best.map_or(0, |(_, known)| known) {
                    best = Some((field, found));
                }
            }
        }
        best
    }

    pub(super) fn names(&mut self, candidate: &Candidate) {
        let person = self.known.fields[candidate.email.field].table;
        for table in [candidate.anchor, person] {
            let of = |any: &[&str]| {
                self.known.fields.iter().find(|f| f.table == table && f.path.is_empty() && f.is_called(any)).cloned()
            };
            if let Some(field) = of(&["name", "full_name", "display_name", "fullname", "company_name", "title"]) {
                self.add_field("name", &field, 90, "by its name".to_owned());
                return;
            }
            if let (Some(first), Some(last)) =
                (of(&["first_name", "given_name"]), of(&["last_name", "family_name", "surname"]))
            {
                let Some(alias) = self.source(table).map(|source| source.alias.clone()) else { return };
                let part = |field: &Field| {
                    format!("coalesce({}, '')", field.sql(self.known.schema, &alias, self.known.dialect))
                };
                let sql = format!("trim({} || ' ' || {})", part(&first), part(&last));
                let from = format!("{} and {}", first.shown(self.known.schema), last.shown(self.known.schema));
                self.add("name", sql, from, 88, "first and last name, by their names".to_owned());
                return;
            }
        }
    }

    pub(super) fn plan(&mut self) {
        let scored = self.pick(|field| {
            let noise =
                ["amount", "interval", "start", "end", "at", "count", "seat", "expires", "limit", "status", "active"];
            let money = field.says(&["price", "product"])
                && field.words.last().is_some_and(|w| w == "price")
                && field.share(|value| value.parse::<f64>().is_ok()) > 0.5;
            if field.is_bool || money || field.says(&noise) {
                return 0;
            }
            let prices = field.share(words::is_price);
            let named = field.says(&["plan", "tier", "package"])
                || (field.says(&["price", "product"]) && field.says(&["id", "key"]));
            match (named, prices > 0.5) {
                (true, true) => 92,
                (false, true) => 85,
                (true, false) if field.is_called(&["plan", "tier", "plan_name", "plan_key", "plan_slug"]) => 90,
                (true, false) => 70,
                (false, false) => 0,
            }
        });
        let Some((field, percent)) = scored.map(|(field, percent)| (field.clone(), percent)) else { return };
        if let Some((sql, from)) = self.named_by_link(&field) {
            self.add("plan", sql, from, 88, "the plan that the key points at, by its name".to_owned());
            return;
        }
        let reason =
            if field.share(words::is_price) > 0.5 { "its values are ids of prices or products" } else { "by its name" };
        self.add_field("plan", &field, percent, reason.to_owned());
    }

    /// A key that points at a table of plans is worth less than the plan's own name.
    fn named_by_link(&mut self, field: &Field) -> Option<(String, String)> {
        let index =
            self.known.links.iter().position(|l| l.from == (field.table, field.column) && field.path.is_empty())?;
        let target = self.known.links[index].to.0;
        let table: &Table = &self.known.schema.tables[target];
        let column = ["key", "slug", "code", "lookup_key", "name"].iter().find_map(|name| table.position(name))?;
        let hop = Hop { link: index, to: target, forward: true };
        if self.source(target).is_none() {
            self.join(field.table, &hop, None, None);
        }
        let alias = &self.source(target)?.alias;
        let column = &table.columns[column].name;
        Some((format!("{alias}.{}", name(column)), format!("{}.{column}", table.name)))
    }

    pub(super) fn links(&mut self) {
        let billing = self.pick(|field| {
            let share = field.share(words::is_billing_customer);
            let named = field.says(&["stripe", "paddle", "billing", "chargebee"]) && field.says(&["customer"]);
            match (share > 0.5, named, field.values.is_empty()) {
                (true, ..) => (share * 97.0) as u8,
                (false, true, true) => 65,
                (false, true, false) if field.words.last().is_some_and(|w| w == "id") => 50,
                _ => 0,
            }
        });
        if let Some((field, percent)) = billing.map(|(field, percent)| (field.clone(), percent)) {
            let share = field.share(words::is_billing_customer);
            let reason = match field.values.len() {
                0 => "by its name; there are no values to look at".to_owned(),
                n => format!("{:.0} % of {n} sampled values are ids of billing customers", share * 100.0),
            };
            self.add_field("billing_id", &field, percent, reason);
        }
        for (column, systems) in [
            ("crm_id", &["hubspot", "pipedrive", "gohighlevel", "ghl", "crm", "salesforce"][..]),
            ("support_id", &["intercom", "zendesk", "support"][..]),
        ] {
            let found = self.pick(|field| {
                let id = field.says(&["id", "contact"]);
                if field.says(systems) && id && !field.is_bool && !field.says(&["ticket", "deal", "company"]) {
                    80
                } else {
                    0
                }
            });
            if let Some(field) = found.map(|(field, _)| field.clone()) {
                self.add_field(column, &field, 80, "by its name".to_owned());
            }
        }
    }

    pub(super) fn find_time(&self, table: usize, any: &[&str]) -> Option<&Field> {
        self.known.fields.iter().find(|field| {
            field.table == table
                && field.path.is_empty()
                && field.is_called(any)
                && (field.values.is_empty() || field.share(words::is_time) > 0.8)
        })
    }

    pub(super) fn rest(&mut self, candidate: &Candidate) {
        let person = self.known.fields[candidate.email.field].table;
        let named = |any: &'static [&'static str], table: usize| {
            self.known.fields.iter().find(|f| f.table == table && f.path.is_empty() && f.is_called(any)).cloned()
        };
        if let Some(field) = named(&["role"], person).filter(|_| person == candidate.anchor) {
            self.add_field("role", &field, 85, "by its name".to_owned());
        }
        const TENANT: &[&str] = &["tenant_id", "organization_id", "org_id", "team_id", "workspace_id", "company_id"];
        if let Some(field) = named(TENANT, candidate.anchor) {
            self.add_field("tenant", &field, 75, "by its name".to_owned());
        }
        if let Some(field) = self.find_time(candidate.anchor, CREATED).cloned() {
            self.add_field("created_at", &field, 92, "by its name and its values".to_owned());
        }
        self.updated(candidate);
        let trial = self.pick(|field| {
            let ends = field.says(&["end", "ends", "expires", "expire", "until", "expiry"]);
            let fits = field.values.is_empty() || field.share(words::is_time) > 0.8;
            if field.says(&["trial"]) && ends && fits { 85 } else { 0 }
        });
        if let Some(field) = trial.map(|(field, _)| field.clone()) {
            self.add_field("trial_ends_at", &field, 85, "by its name and its values".to_owned());
        }
    }

    /// A row changed when any of the rows that it is made of did. Told only when all of them tell.
    fn updated(&mut self, candidate: &Candidate) {
        let own = self.find_time(candidate.anchor, UPDATED).cloned();
        let Some(own) = own else { return };
        let status = candidate.status.as_ref().map(|status| self.known.fields[status.field].table);
        let Some(other) = status.filter(|table| *table != candidate.anchor) else {
            self.add_field("updated_at", &own, 92, "by its name and its values".to_owned());
            return;
        };
        let theirs = self.find_time(other, UPDATED).cloned();
        let kind = |field: &Field| self.known.schema.tables[field.table].columns[field.column].kind.clone();
        let Some(theirs) = theirs.filter(|field| kind(field) == kind(&own)) else {
            self.notes.push("updated_at is left out: the table with the status does not tell when it changed, and every round reads all customers instead".to_owned());
            return;
        };
        let (Some(a), Some(b)) = (self.source(own.table), self.source(theirs.table)) else { return };
        let a = own.sql(self.known.schema, &a.alias, self.known.dialect);
        let b = theirs.sql(self.known.schema, &b.alias, self.known.dialect);
        let sql = match self.known.dialect {
            Dialect::Postgres => format!("greatest({a}, {b})"),
            Dialect::Sqlite => format!("max(coalesce({a}, {b}), coalesce({b}, {a}))"),
        };
        let from = format!("{} and {}", own.shown(self.known.schema), theirs.shown(self.known.schema));
        self.add("updated_at", sql, from, 88, "the later of both".to_owned());
    }
}
