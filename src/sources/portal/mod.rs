//! The portal: the product's own database, read through the queries of the configuration.
//!
//! What must stay true: nothing here can write (read-only transactions or files, checked queries, limits); rows are
//! streamed; odd rows are reported, not dropped in silence. It does not decide what a difference means.

mod address;
mod collect;
mod columns;
mod connect;
mod cursor;
mod customers;
mod deliveries;
mod failure;
mod jobs;
mod lex;
mod oddities;
mod probe;
pub mod propose;
mod query;
mod queues;
mod round;
mod row;
mod tickets;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use self::address::Address;
use self::lex::Dialect;
pub use self::query::Sql;
use self::queues::Queue;
use self::round::{JobsPlan, Plan};
use super::{Answer, Capabilities, Source};
use crate::domain::{Batch, Kind, Problem, State, System, Text, Time};

/// Where the portal is and how its tables map to customers (contract section 3).
#[derive(Clone)]
pub struct PortalSpec {
    /// `postgres://...` or `sqlite:/absolute/path.db`; may hold a password, which is never shown.
    pub url: String,
    /// One SELECT giving the customers.
    pub customers: Sql,
    /// The portal's words, lower case, for each canonical state. The word `""` stands for "no word at all".
    pub states: BTreeMap<String, State>,
    /// One SELECT giving support requests.
    pub tickets: Option<Sql>,
    /// One SELECT giving received webhooks.
    pub deliveries: Option<Sql>,
    /// The portal's own queue.
    pub jobs: Option<JobsSpec>,
}

/// Where the portal's own jobs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobsSpec {
    /// The tables of pg-boss.
    PgBoss,
    /// The tables of Graphile Worker.
    GraphileWorker,
    /// One SELECT.
    Query(Sql),
}

/// The portal as a source.
pub struct Portal {
    inner: Inner,
    running: Mutex<Option<collect::Running>>,
}

/// What a round needs and no step changes.
struct Inner {
    address: Address,
    plan: Arc<Plan>,
    states: BTreeMap<String, State>,
}

impl PortalSpec {
    /// Everything that is wrong with the address and the queries, found without connecting.
    pub fn problems(&self) -> Vec<Problem> {
        match self.plan() {
            Ok(_) => Vec::new(),
            Err(problems) => problems,
        }
    }

    fn plan(&self) -> Result<(Address, Plan), Vec<Problem>> {
        let address = Address::new(&self.url).map_err(|problem| vec![problem])?;
        let dialect = address.dialect();
        let mut problems = Vec::new();
        let mut checked = |query: &Sql| match query::checked(query, dialect) {
            Ok(sql) => Some(Sql { sql, place: query.place.clone() }),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let customers = checked(&self.customers);
        let tickets = self.tickets.as_ref().and_then(&mut checked);
        let deliveries = self.deliveries.as_ref().and_then(&mut checked);
        let jobs = match &self.jobs {
            None => None,
            Some(JobsSpec::Query(query)) => checked(query).map(JobsPlan::Query),
            Some(JobsSpec::PgBoss) => Some(JobsPlan::Queue(Queue::PgBoss)),
            Some(JobsSpec::GraphileWorker) => Some(JobsPlan::Queue(Queue::GraphileWorker)),
        };
        if let Some(JobsPlan::Queue(queue)) = &jobs
            && dialect == Dialect::Sqlite
        {
            let what = format!("{} keeps its jobs in Postgres, and the portal is SQLite", queue.word());
            problems.push(Problem::usage(what).at("portal.jobs").hint("give [portal.jobs] a query instead"));
        }
        match customers {
            Some(customers) if problems.is_empty() => Ok((address, Plan { customers, tickets, deliveries, jobs })),
            _ => Err(problems),
        }
    }
}

impl Portal {
    /// Checks address and queries; does not connect. The error is the first of [`PortalSpec::problems`].
    pub fn new(spec: PortalSpec) -> Result<Self, Problem> {
        let (address, plan) = spec.plan().map_err(|problems| {
            problems
                .into_iter()
                .next()
                .unwrap_or_else(|| Problem::bug("the portal's settings were refused without a word"))
        })?;
        let states = spec.states.into_iter().map(|(word, state)| (word.trim().to_lowercase(), state)).collect();
        let inner = Inner { address, plan: Arc::new(plan), states };
        Ok(Self { inner, running: Mutex::new(None) })
    }
}

impl Source for Portal {
    fn system(&self) -> System {
        System::Portal
    }

    fn capabilities(&self) -> Capabilities {
        let plan = &self.inner.plan;
        Capabilities {
            kinds: if plan.tickets.is_some() { &[Kind::Person, Kind::Ticket] } else { &[Kind::Person] },
            incremental: true,
            deliveries: plan.deliveries.is_some(),
            attempts: plan.deliveries.is_some(),
            deliveries_unknown: match plan.deliveries {
                Some(_) => None,
                None => Some("the portal's table of received webhooks is not mapped: [portal.deliveries]"),
            },
        }
    }

    fn collect<'a>(&'a self, cursor: Option<&'a str>, now: Time) -> Answer<'a, Batch> {
        Box::pin(self.step(cursor, now))
    }

    fn probe<'a>(&'a self, _now: Time) -> Answer<'a, Text> {
        Box::pin(probe::line(&self.inner.address, &self.inner.plan))
    }
}
