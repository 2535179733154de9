//! What happened to one customer, merged from what all systems say and from deliveries and deploys.
//!
//! What must stay true: every line is a fact with a time that a system gave; nothing is inferred. A deploy is shown
//! only where a delivery to this customer failed soon after it.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;

use super::db::{Type, args, column, table};
use super::row::undoc;
use super::{Store, folded, key};
use crate::domain::{
    ClusterKey, Dataset, Delivery, DeliveryState, DeployState, Flag, Kind, Moment, Money, Problem, Record, Row, System,
    SystemKind, Text, Time,
};

/// A deploy this long before a failed delivery may have to do with it.
const NEAR_MS: i64 = 60 * 60_000;

impl Store {
    /// What happened to a customer, newest first, merged from records, deliveries and deploys.
    pub async fn timeline(&self, customer: &str, limit: i64) -> Result<Vec<Moment>, Problem> {
        let limit = usize::try_from(limit.max(0)).unwrap_or(usize::MAX);
        let clusters = self.clusters(&[self.cluster_named(customer).await?]).await?;
        let mut moments = Vec::new();
        let mut names = BTreeSet::from([folded(customer)]);
        for record in clusters.iter().flat_map(|cluster| cluster.portal.iter().chain(&cluster.records)) {
            if record.kind == Kind::Person {
                names.insert(folded(record.id.as_str()));
            }
            tell(record, &mut moments);
        }
        self.tell_deliveries(&names, limit, &mut moments).await?;
        moments.sort_by(|a, b| (b.at, b.system, &b.what).cmp(&(a.at, a.system, &a.what)));
        moments.dedup();
        moments.truncate(limit);
        Ok(moments)
    }

    /// The cluster of a customer's id: a portal id, else `system:id`.
    async fn cluster_named(&self, customer: &str) -> Result<ClusterKey, Problem> {
        let sql = "select id from record where system = 'portal' and kind = 'person' and id = $1";
        let known = !self.inner.db.rows(sql, args![key(customer)]).await?.is_empty();
        let orphan = customer.split_once(':').and_then(|(system, id)| Some((System::parse(system)?, id)));
        Ok(match orphan {
            Some((system, id)) if !known => ClusterKey::Orphan(system, Text::new(id)),
            _ => ClusterKey::Portal(Text::new(customer)),
        })
    }

    async fn tell_deliveries(
        &self,
        names: &BTreeSet<String>,
        limit: usize,
        moments: &mut Vec<Moment>,
    ) -> Result<(), Problem> {
        let db = &self.inner.db;
        let rows = table(db.engine(), 1, &[("name", Type::Text)]);
        let sql = format!(
            "select d.doc from {rows} cross join delivery d
             where substr(d.customer, 1, 200) = substr(n.name, 1, 200) and d.customer = n.name
             order by d.received_at desc limit $2"
        );
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut args = vec![column(names.iter().cloned())];
        args.extend(args![most]);
        let mut failed = Vec::new();
        for line in db.rows(AssertSqlSafe(sql), args).await? {
            let Row::Delivery(delivery) = undoc(Dataset::Deliveries, &line.text(0)?)? else { continue };
            if is_bad(delivery.state) {
                failed.push(delivery.received_at);
            }
            moments.push(delivered(&delivery));
        }
        let (Some(first), Some(last)) = (failed.iter().min(), failed.iter().max()) else { return Ok(()) };
        let sql = "select doc from deploy where ready_at >= $1 and ready_at <= $2 order by ready_at desc limit 500";
        for line in db.rows(sql, args![first.plus_ms(-NEAR_MS), *last]).await? {
            let Row::Deploy(deploy) = undoc(Dataset::Deploys, &line.text(0)?)? else { continue };
            let Some(at) = deploy.ready_at.filter(|_| deploy.state == DeployState::Live) else { continue };
            if failed.iter().any(|failure| (0..=NEAR_MS).contains(&failure.since(at))) {
                let commit: String = deploy.commit.as_ref().unwrap_or(&deploy.id).as_str().chars().take(7).collect();
                moments.push(moment(at, deploy.source, format!("deploy {commit} went live"), false));
            }
        }
        Ok(())
    }
}

fn moment(at: Time, system: System, what: impl AsRef<str>, bad: bool) -> Moment {
    Moment { at, system, what: Text::new(what), bad }
}

const fn is_bad(state: DeliveryState) -> bool {
    !matches!(state, DeliveryState::Delivered | DeliveryState::Pending)
}

/// A delivery in words: "invoice.paid delivered, 84ms", "invoice.paid failed, attempt 3, 500".
fn delivered(delivery: &Delivery) -> Moment {
    let mut what = format!("{} {}", delivery.kind, delivery.state.as_str().replace('_', " "));
    if let Some(attempts) = delivery.attempts.filter(|n| *n > 1) {
        what += &format!(", attempt {attempts}");
    }
    if let Some(status) = delivery.status.filter(|status| !(200..300).contains(status)) {
        what += &format!(", {status}");
    }
    if let Some(latency) = delivery.latency_ms {
        what += &format!(", {latency}ms");
    }
    if let Some(reason) = delivery.reason.as_ref().filter(|_| is_bad(delivery.state)) {
        what += &format!(": {reason}");
    }
    moment(delivery.received_at, delivery.source, what, is_bad(delivery.state))
}

/// What a record tells of the past.
fn tell(record: &Record, moments: &mut Vec<Moment>) {
    let mut say = |at: Option<Time>, what: String, bad: bool| {
        moments.extend(at.map(|at| moment(at, record.system, what, bad)));
    };
    let with = |what: &str, details: [Option<String>; 2]| {
        details.into_iter().flatten().fold(what.to_owned(), |what, detail| format!("{what}, {detail}"))
    };
    let money = record.money.as_ref().map(Money::to_string);
    let plan = record.plan.as_ref().map(Text::to_string);
    let word = record.word.as_ref().map(Text::as_str).unwrap_or_default();
    match record.kind {
        Kind::Person => {
            let (came, kind) = match record.system.kind() {
                SystemKind::Portal => ("signed up", "account"),
                SystemKind::Billing => ("customer created", "customer"),
                SystemKind::Crm => ("contact created", "contact"),
                _ => ("user created", "user"),
            };
            let trial = record.trial_ends_at.filter(|_| record.system == System::Portal);
            say(
                record.created_at,
                with(came, [trial.map(|at| format!("trial until {}", at.utc().format("%-d %b %Y"))), None]),
                false,
            );
            if record.deleted {
                say(record.updated_at, format!("{kind} deleted"), true);
            } else if record.updated_at > record.created_at {
                let now = if word.is_empty() { String::new() } else { format!(", now {word}") };
                say(record.updated_at, format!("{kind} changed{now}"), false);
            }
        }
        Kind::Subscription => {
            say(record.created_at, with("subscription started", [plan.clone(), money]), false);
            say(record.ended_at, with("subscription canceled", [plan, None]), false);
            if record.ended_at.is_none() && record.updated_at > record.created_at && !word.is_empty() {
                let canceling = if record.has(Flag::Canceling) { ", ends with the period" } else { "" };
                say(
                    record.updated_at,
                    format!("subscription {word}{canceling}"),
                    matches!(word, "past_due" | "unpaid"),
                );
            }
        }
        Kind::Invoice => {
            let name = record.name.as_ref().map(Text::to_string);
            if record.ended_at.is_some() {
                say(record.ended_at, with("invoice paid", [money.clone(), name.clone()]), false);
            } else {
                let bad = matches!(word, "uncollectible" | "past_due" | "failed");
                let state = if word.is_empty() { "made" } else { word };
                say(record.created_at, with(&format!("invoice {state}"), [money.clone(), name.clone()]), bad);
            }
            money_back(record, "invoice", money, &mut say);
        }
        Kind::Charge => money_back(record, "payment", money, &mut say),
        Kind::Ticket => {
            let subject = record.name.as_ref().map(|name| format!(": \"{name}\"")).unwrap_or_default();
            say(record.created_at, format!("ticket {} opened{subject}", record.id), false);
            let state = if word.is_empty() { "closed" } else { word };
            say(record.ended_at, format!("ticket {} {state}", record.id), false);
        }
        Kind::Deal => {
            let name = record.name.as_ref().map(|name| format!(": \"{name}\"")).unwrap_or_default();
            say(record.created_at, with(&format!("deal opened{name}"), [money, None]), false);
            if record.deleted {
                say(record.updated_at, "deal deleted".to_owned(), false);
            } else if !matches!(word, "" | "open") {
                say(record.ended_at.or(record.updated_at), format!("deal {word}"), false);
            }
        }
        Kind::Endpoint => {}
    }
}

/// Refunds and disputes; the system's last change is the best time that there is.
fn money_back(record: &Record, thing: &str, money: Option<String>, say: &mut impl FnMut(Option<Time>, String, bool)) {
    let at = record.updated_at.or(record.ended_at).or(record.created_at);
    let amount = money.map(|money| format!(", {money}")).unwrap_or_default();
    if record.has(Flag::Refunded) {
        say(at, format!("{thing} refunded{amount}"), false);
    }
    if record.has(Flag::Disputed) {
        say(at, format!("{thing} disputed{amount}"), true);
    }
}
