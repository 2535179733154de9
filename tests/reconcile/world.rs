//! A small language for making clusters. `ana()` is a customer on whom all systems agree; a fixture says what is
//! different.

use trueup::domain::{
    Cluster, ClusterKey, Evidence, Flag, Judgement, Kind, Money, Record, SourceHealth, SourceState, State, System,
    Text, Time,
};
use trueup::reconcile::{Rules, judge};

pub(crate) const DAY: i64 = 86_400_000;

pub(crate) fn now() -> Time {
    Time::parse("2026-11-23T12:00:00Z").unwrap()
}

pub(crate) fn ago(ms: i64) -> Time {
    now().plus_ms(-ms)
}

/// A record that was made a month ago, last changed three days ago and was read ten seconds ago.
pub(crate) fn record(system: System, kind: Kind, id: &str) -> Record {
    let mut r = Record::new(system, kind, id, ago(10_000));
    r.created_at = Some(ago(30 * DAY));
    r.updated_at = Some(ago(3 * DAY));
    r
}

pub(crate) fn child(system: System, kind: Kind, id: &str, parent: &str) -> Record {
    let mut r = record(system, kind, id);
    r.parent = Some(parent.into());
    r
}

pub(crate) fn subscription(id: &str, parent: &str) -> Record {
    let mut r = child(System::Stripe, Kind::Subscription, id, parent);
    say(&mut r, State::Active, "active");
    r.plan = Some("Pro".into());
    r.plan_keys = vec!["price_1NfX".into(), "pro_monthly".into(), "Pro".into()];
    r.money = Some(Money::monthly(4900, "usd"));
    r.period_ends_at = Some(ago(-20 * DAY));
    r
}

pub(crate) fn say(r: &mut Record, state: State, word: &str) {
    r.state = Some(state);
    r.word = Some(word.into());
}

fn person(system: System, id: &str, email: &str) -> Record {
    let mut r = record(system, Kind::Person, id);
    r.name = Some("Ana Duarte".into());
    r.email = Some(email.into());
    r
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) evidence: Evidence,
    pub(crate) rules: Rules,
}

/// A cluster with every source in good health, and nobody in it but a portal customer.
fn lobby() -> World {
    let configured = vec![System::Portal, System::Stripe, System::Hubspot, System::Zendesk];
    let health = |system: &System| SourceHealth {
        system: *system,
        state: SourceState::Ok,
        complete_at: Some(ago(5_000)),
        complete: Kind::ALL.to_vec(),
        lag_ms: Some(20_000),
        problem: None,
        failing_since: None,
        retry_at: None,
    };
    let mut portal = person(System::Portal, "1182", "ana@duarte.example");
    say(&mut portal, State::Active, "active");
    portal.plan = Some("pro".into());
    let plans = [("pro", "pro_monthly"), ("team", "team_monthly")];
    World {
        evidence: Evidence { sources: configured.iter().map(health).collect() },
        rules: Rules {
            plans: plans.iter().map(|(plan, key)| (Text::new(plan), vec![Text::new(key)])).collect(),
            tickets_from: true,
            configured,
            ..Rules::default()
        },
        cluster: Cluster {
            key: ClusterKey::Portal("1182".into()),
            portal: Some(portal),
            records: Vec::new(),
            rivals: Vec::new(),
        },
    }
}

/// A customer on whom portal, Stripe, HubSpot and Zendesk agree.
pub(crate) fn ana() -> World {
    let mut invoice = child(System::Stripe, Kind::Invoice, "in_1", "cus_1");
    invoice.word = Some("paid".into());
    invoice.money = Some(Money { per: None, ..Money::monthly(4900, "usd") });
    invoice.ended_at = Some(ago(3 * DAY));
    let mut world = lobby().portal(|p| p.links.billing = Some("cus_1".into()));
    for (system, id, word) in
        [(System::Stripe, "cus_1", None), (System::Hubspot, "90311", Some("customer")), (System::Zendesk, "773", None)]
    {
        let mut r = person(system, id, "ana@duarte.example");
        r.links.portal = Some("1182".into());
        r.word = word.map(Text::new);
        world.cluster.records.push(r);
    }
    world.cluster.records.extend([subscription("sub_1", "cus_1"), invoice]);
    world
}

/// A payer whom no portal customer claims.
pub(crate) fn stranger() -> World {
    let mut world = lobby();
    world.cluster.key = ClusterKey::Orphan(System::Stripe, "cus_9".into());
    world.cluster.portal = None;
    let mut payer = person(System::Stripe, "cus_9", "kim@elsewhere.example");
    payer.name = Some("Kim Vale".into());
    world.cluster.records = vec![payer, subscription("sub_9", "cus_9")];
    world
}

impl World {
    pub(crate) fn portal(mut self, change: impl FnOnce(&mut Record)) -> Self {
        change(self.cluster.portal.as_mut().unwrap());
        self
    }

    pub(crate) fn is(self, state: State) -> Self {
        self.portal(|p| say(p, state, state.as_str()))
    }

    pub(crate) fn edit(mut self, id: &str, change: impl FnOnce(&mut Record)) -> Self {
        change(self.cluster.records.iter_mut().find(|r| r.id == *id).unwrap_or_else(|| panic!("no record {id}")));
        self
    }

    pub(crate) fn billed(self, state: State, word: &str) -> Self {
        self.edit("sub_1", |s| say(s, state, word))
    }

    pub(crate) fn add(mut self, record: Record) -> Self {
        self.cluster.records.push(record);
        self
    }

    pub(crate) fn without(mut self, ids: &[&str]) -> Self {
        self.cluster.records.retain(|r| !ids.contains(&r.id.as_str()));
        self
    }

    pub(crate) fn rival(mut self, id: &str, change: impl FnOnce(&mut Record)) -> Self {
        let mut rival = person(System::Portal, id, "rui@costa.example");
        rival.name = Some("Rui Costa".into());
        change(&mut rival);
        self.cluster.rivals.push(rival);
        self
    }

    pub(crate) fn rules(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(&mut self.rules);
        self
    }

    /// This record changed ten seconds ago.
    pub(crate) fn fresh(self, id: &str) -> Self {
        let change = |r: &mut Record| r.updated_at = Some(ago(10_000));
        if id == "portal" { self.portal(change) } else { self.edit(id, change) }
    }

    pub(crate) fn source(mut self, system: System, change: impl FnOnce(&mut SourceHealth)) -> Self {
        change(self.evidence.sources.iter_mut().find(|s| s.system == system).unwrap());
        self
    }

    /// The source has answered well until an hour ago.
    pub(crate) fn down(self, system: System) -> Self {
        self.source(system, |s| {
            s.state = SourceState::Down;
            s.complete_at = Some(ago(3_600_000));
            s.problem = Some("503".into());
        })
    }

    /// The source answers, but has never given all of one kind.
    pub(crate) fn unread(self, system: System, kind: Kind) -> Self {
        self.source(system, |s| {
            s.state = SourceState::Partial;
            s.complete.retain(|k| *k != kind);
            s.problem = Some("403 scope missing".into());
        })
    }

    pub(crate) fn judge(&self) -> Judgement {
        judge(&self.cluster, &self.evidence, &self.rules, now())
    }
}

// ---- what may be different ----

/// Billing ended the subscription twenty days ago.
pub(crate) fn ended(s: &mut Record) {
    say(s, State::Canceled, "canceled");
    s.ended_at = Some(ago(20 * DAY));
    s.updated_at = s.ended_at;
}

pub(crate) fn refund(flag: Flag) -> Record {
    let mut charge = child(System::Stripe, Kind::Charge, "ch_1", "cus_1");
    charge.flags = vec![flag];
    charge.ended_at = Some(ago(3 * DAY));
    charge.updated_at = Some(ago(2 * DAY));
    charge.money = Some(Money { per: None, ..Money::monthly(4900, "usd") });
    charge
}

pub(crate) fn team(id: &str) -> Record {
    let mut s = subscription(id, "cus_1");
    s.plan = Some("Team".into());
    s.plan_keys = vec!["team_monthly".into()];
    s.money = Some(Money::monthly(9900, "usd"));
    s
}

pub(crate) fn contact(id: &str, linked: bool) -> Record {
    let mut r = person(System::Hubspot, id, "ana@duarte.example");
    r.word = Some("customer".into());
    r.links.portal = linked.then(|| "1182".into());
    r
}

pub(crate) fn request(id: &str) -> Record {
    let mut r = child(System::Portal, Kind::Ticket, id, "1182");
    r.name = Some("I cannot log in".into());
    r
}

pub(crate) fn ticket(id: &str, subject: &str) -> Record {
    let mut r = child(System::Zendesk, Kind::Ticket, id, "773");
    r.name = Some(subject.into());
    r.word = Some("open".into());
    r
}
