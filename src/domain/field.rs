//! The table of datasets and their fields. The query language, `list`, views, columns and the reference pages are
//! all derived from it; nothing else in the house lists field names.

use super::money::Money;
use super::text::Text;
use super::time::Time;
use super::words::words;
use super::{
    check::Check, customer::Customer, delivery::Delivery, deploy::Deploy, job::Job, mismatch::Mismatch,
    source::SourceRow,
};
use super::{state, system};

words! {
    /// What can be listed.
    Dataset {
        /// Customers as all systems together see them.
        Customers = "customers",
        /// Where systems disagree.
        Mismatches = "mismatches",
        /// Events and how their delivery stands.
        Deliveries = "deliveries",
        /// Tries at one effect each.
        Attempts = "attempts",
        /// Units of sync work.
        Jobs = "jobs",
        /// Uptime and other checks.
        Checks = "checks",
        /// Deployments.
        Deploys = "deploys",
        /// Plans.
        Plans = "plans",
        /// The record of actions.
        Audit = "audit",
        /// Sources of evidence.
        Sources = "sources",
    }
}

/// How a field's values are typed, compared and written in an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Free text; `=` ignores case, `~` is "contains".
    Text,
    /// A whole number.
    Number,
    /// A duration in milliseconds; written `800ms`, `2h`.
    Duration,
    /// A moment; written RFC 3339, or as an age (`2h` = two hours ago).
    Time,
    /// Money in minor units; written `49.00`, compared by what is due in a month.
    Money,
    /// One of a closed set of words, compared by rank (position in the set).
    Word(&'static [&'static str]),
    /// A list of texts; `=` and `~` hold when one element does.
    List,
}

/// One field of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in expressions, JSON, views and SQL columns.
    pub name: &'static str,
    /// How its values are typed.
    pub kind: FieldKind,
    /// One line for the reference page.
    pub doc: &'static str,
}

const fn field(name: &'static str, kind: FieldKind, doc: &'static str) -> Field {
    Field { name, kind, doc }
}

use FieldKind::{Duration, List, Money as Cash, Number, Text as Words, Time as Moment, Word};

const CUSTOMERS: &[Field] = &[
    field("id", Words, "the portal's id, or system:id for somebody whom the portal does not know"),
    field("email", Words, "e-mail address, the portal's first"),
    field("name", Words, "name, the portal's first"),
    field("state", Word(state::State::WORDS), "the state that the portal grants"),
    field("plan", Words, "the portal's plan"),
    field("systems", List, "systems that know the customer"),
    field("verdict", Word(state::Verdict::WORDS), "worst verdict over all comparisons"),
    field("mismatches", List, "ids of the open mismatches (class:customer)"),
    field("money", Cash, "what the customer pays"),
    field("updated_at", Moment, "newest change that any system reports"),
];
const MISMATCHES: &[Field] = &[
    field("rank", Number, "position in the order of harm; smaller is worse"),
    field("id", Words, "stable id of the mismatch"),
    field("class", Word(super::mismatch::Class::WORDS), "which of the twenty classes"),
    field("severity", Word(state::Severity::WORDS), "how much harm it does"),
    field("verdict", Word(state::Verdict::WORDS), "disagree, settling or unknown"),
    field("customer", Words, "the portal customer's id; empty for a payer whom the portal does not know"),
    field("name", Words, "name of whom it is about"),
    field("email", Words, "e-mail of whom it is about"),
    field("since", Moment, "since when"),
    field("systems", List, "what each system says, as system=word"),
    field("money", Cash, "what is at stake"),
    field("headline", Words, "the mismatch in a few plain words"),
    field("evidence", Words, "what each side says, in one line"),
    field("explanation", Words, "what happened, to be read aloud"),
    field("next_step", Words, "what to do next"),
    field("intent", Words, "the intent that would repair it"),
];
const DELIVERIES: &[Field] = &[
    field("id", Words, "id of the delivery"),
    field("source", Word(system::System::WORDS), "who sent it"),
    field("event_id", Words, "the provider's event id"),
    field("type", Words, "event type"),
    field("state", Word(state::DeliveryState::WORDS), "how its delivery stands"),
    field("received_at", Moment, "when it was received, or made by the provider"),
    field("attempts", Number, "tries so far"),
    field("status", Number, "last HTTP status"),
    field("latency_ms", Duration, "time the receiver took"),
    field("customer", Words, "the portal customer's id"),
    field("deploy", Words, "the deploy that was live"),
    field("reason", Words, "why it is not delivered"),
];
const ATTEMPTS: &[Field] = &[
    field("id", Words, "id of the attempt"),
    field("delivery", Words, "the delivery that it belongs to"),
    field("at", Moment, "when"),
    field("status", Number, "HTTP status"),
    field("latency_ms", Duration, "time the receiver took"),
    field("error", Words, "what went wrong"),
];
const JOBS: &[Field] = &[
    field("kind", Words, "what is to be done"),
    field("key", Words, "to what"),
    field("state", Word(state::JobState::WORDS), "how it stands"),
    field("attempts", Number, "tries so far"),
    field("max_attempts", Number, "tries allowed"),
    field("run_at", Moment, "when it runs next"),
    field("last_error", Words, "what went wrong last"),
    field("customer", Words, "the portal customer's id"),
    field("source", Words, "whose queue"),
    field("wanted", Number, "generation asked for"),
    field("done", Number, "generation finished"),
    field("created_at", Moment, "when it was put in the queue"),
];
const CHECKS: &[Field] = &[
    field("name", Words, "name from the configuration"),
    field("kind", Words, "http, https, engine, dns, tls or webhook"),
    field("target", Words, "what is checked"),
    field("state", Word(state::CheckState::WORDS), "confirmed state"),
    field("since", Moment, "since when in that state"),
    field("latency_ms", Duration, "time of the last answer"),
    field("reason", Words, "why it is not pass"),
    field("fix", Words, "what to do about it"),
    field("uptime", Number, "share of passed runs, in hundredths of a percent"),
];
const DEPLOYS: &[Field] = &[
    field("id", Words, "the host's id"),
    field("source", Word(system::System::WORDS), "which host"),
    field("state", Word(state::DeployState::WORDS), "how it stands"),
    field("commit", Words, "commit"),
    field("created_at", Moment, "when it was made"),
    field("ready_at", Moment, "when it went live"),
    field("url", Words, "where it can be seen"),
    field("target", Words, "production, preview or a branch"),
    field("verdict", Words, "how deliveries went after it: worse, same, or not enough traffic"),
    field("reason", Words, "why it failed, or what the verdict rests on"),
];
const PLANS: &[Field] = &[
    field("id", Words, "id of the plan"),
    field("digest", Words, "digest over all steps"),
    field("intent", Words, "what it is for"),
    field("state", Words, "how it stands"),
    field("expires_at", Moment, "until when it may be applied"),
];
const AUDIT: &[Field] = &[
    field("at", Moment, "when"),
    field("actor", Words, "who"),
    field("intent", Words, "what for"),
    field("plan", Words, "under which plan"),
    field("step", Number, "which step"),
    field("target", Words, "on what"),
    field("before", Words, "as it was"),
    field("after", Words, "as it became"),
    field("outcome", Words, "done, failed or unknown"),
    field("reason", Words, "why"),
];
const SOURCES: &[Field] = &[
    field("name", Word(system::System::WORDS), "which source"),
    field("kind", Word(system::SystemKind::WORDS), "what it is for"),
    field("state", Word(state::SourceState::WORDS), "how it stands"),
    field("seen_at", Moment, "when it last answered"),
    field("lag_ms", Duration, "time between a change there and seeing it"),
    field("rate_left", Number, "requests left in the current window"),
    field("problem", Words, "what is wrong"),
];

impl Dataset {
    /// Its fields, in the order of the reference page.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Customers => CUSTOMERS,
            Self::Mismatches => MISMATCHES,
            Self::Deliveries => DELIVERIES,
            Self::Attempts => ATTEMPTS,
            Self::Jobs => JOBS,
            Self::Checks => CHECKS,
            Self::Deploys => DEPLOYS,
            Self::Plans => PLANS,
            Self::Audit => AUDIT,
            Self::Sources => SOURCES,
        }
    }

    /// The field of that name.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|f| f.name == name)
    }
}

/// A field's value. Absent is `Null` and equals nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Absent.
    Null,
    /// Text.
    Text(Text),
    /// A whole number, or a duration in milliseconds.
    Number(i64),
    /// A moment.
    Time(Time),
    /// Money.
    Money(Money),
    /// A word of a closed set.
    Word(&'static str),
    /// A list.
    List(Vec<Text>),
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
macro_rules! into_value {
    ($($from:ty => $to:ident),+ $(,)?) => {$(
        impl From<$from> for Value { fn from(v: $from) -> Self { Self::$to(v.into()) } }
        impl From<&$from> for Value { fn from(v: &$from) -> Self { Self::$to(v.clone().into()) } }
    )+};
}
into_value! { Text => Text, i64 => Number, Time => Time, Money => Money }

/// Gives a row's fields by the names of the dataset's table.
pub trait Fields {
    /// The dataset that the row belongs to.
    const DATASET: Dataset;
    /// The key by which a cursor remembers the row.
    fn key(&self) -> Text;
    /// The value of a field; `Null` for a name that is not in the table.
    fn value(&self, field: &str) -> Value;
}

impl Fields for Customer {
    const DATASET: Dataset = Dataset::Customers;
    fn key(&self) -> Text {
        self.id.clone()
    }
    fn value(&self, field: &str) -> Value {
        match field {
            "id" => (&self.id).into(),
            "email" => self.email.as_ref().into(),
            "name" => self.name.as_ref().into(),
            "state" => Value::Word(self.state.as_str()),
            "plan" => self.plan.as_ref().into(),
            "systems" => Value::List(
                self.systems.iter().filter(|s| s.id.is_some()).map(|s| Text::new(s.system.as_str())).collect(),
            ),
            "verdict" => Value::Word(self.verdict.as_str()),
            "mismatches" => Value::List(self.mismatches.clone()),
            "money" => self.money.as_ref().into(),
            "updated_at" => self.updated_at.into(),
            _ => Value::Null,
        }
    }
}

impl Fields for Mismatch {
    const DATASET: Dataset = Dataset::Mismatches;
    fn key(&self) -> Text {
        self.id.clone()
    }
    fn value(&self, field: &str) -> Value {
        match field {
            "rank" => self.rank.into(),
            "id" => (&self.id).into(),
            "class" => Value::Word(self.class.as_str()),
            "severity" => Value::Word(self.severity.as_str()),
            "verdict" => Value::Word(self.verdict.as_str()),
            "customer" => self.customer.as_ref().into(),
            "name" => self.name.as_ref().into(),
            "email" => self.email.as_ref().into(),
            "since" => self.since.into(),
            "systems" => Value::List(self.systems.iter().map(|(k, v)| Text::new(format!("{k}={v}"))).collect()),
            "money" => self.money.as_ref().into(),
            "headline" => (&self.headline).into(),
            "evidence" => (&self.evidence).into(),
            "explanation" => (&self.explanation).into(),
            "next_step" => (&self.next_step).into(),
            "intent" => self.intent.as_ref().into(),
            _ => Value::Null,
        }
    }
}

impl Fields for Delivery {
    const DATASET: Dataset = Dataset::Deliveries;
    fn key(&self) -> Text {
        self.id.clone()
    }
    fn value(&self, field: &str) -> Value {
        match field {
            "id" => (&self.id).into(),
            "source" => Value::Word(self.source.as_str()),
            "event_id" => (&self.event_id).into(),
            "type" => (&self.kind).into(),
            "state" => Value::Word(self.state.as_str()),
            "received_at" => self.received_at.into(),
            "attempts" => self.attempts.into(),
            "status" => self.status.into(),
            "latency_ms" => self.latency_ms.into(),
            "customer" => self.customer.as_ref().into(),
            "deploy" => self.deploy.as_ref().into(),
            "reason" => self.reason.as_ref().into(),
            _ => Value::Null,
        }
    }
}

impl Fields for Job {
    const DATASET: Dataset = Dataset::Jobs;
    fn key(&self) -> Text {
        Text::new(format!("{}/{}/{}", self.source, self.kind, self.key))
    }
    fn value(&self, field: &str) -> Value {
        match field {
            "kind" => (&self.kind).into(),
            "key" => (&self.key).into(),
            "state" => Value::Word(self.state.as_str()),
            "attempts" => self.attempts.into(),
            "max_attempts" => self.max_attempts.into(),
            "run_at" => self.run_at.into(),
            "last_error" => self.last_error.as_ref().into(),
            "customer" => self.customer.as_ref().into(),
            "source" => (&self.source).into(),
            "wanted" => self.wanted.into(),
            "done" => self.done.into(),
            "created_at" => self.created_at.into(),
            _ => Value::Null,
        }
    }
}

impl Fields for Check {
    const DATASET: Dataset = Dataset::Checks;
    fn key(&self) -> Text {
        self.name.clone()
    }
    fn value(&self, field: &str) -> Value {
        match field {
            "name" => (&self.name).into(),
            "kind" => (&self.kind).into(),
            "target" => (&self.target).into(),
            "state" => Value::Word(self.state.as_str()),
            "since" => self.since.into(),
            "latency_ms" => self.latency_ms.into(),
            "reason" => self.reason.as_ref().into(),
            "fix" => self.fix.as_ref().into(),
            "uptime" => self.uptime.into(),
            _ => Value::Null,
        }
    }
}

impl Fields for Deploy {
    const DATASET: Dataset = Dataset::Deploys;
    fn key(&self) -> Text {
        self.id.clone()
    }
    fn value(&self, field: &str) -> Value {
        match field {
            "id" => (&self.id).into(),
            "source" => Value::Word(self.source.as_str()),
            "state" => Value::Word(self.state.as_str()),
            "commit" => self.commit.as_ref().into(),
            "created_at" => self.created_at.into(),
            "ready_at" => self.ready_at.into(),
            "url" => self.url.as_ref().into(),
            "target" => self.target.as_ref().into(),
            "verdict" => self.verdict.as_ref().into(),
            "reason" => self.reason.as_ref().into(),
            _ => Value::Null,
        }
    }
}

impl Fields for SourceRow {
    const DATASET: Dataset = Dataset::Sources;
    fn key(&self) -> Text {
        Text::new(self.name.as_str())
    }
    fn value(&self, field: &str) -> Value {
        match field {
            "name" => Value::Word(self.name.as_str()),
            "kind" => Value::Word(self.kind.as_str()),
            "state" => Value::Word(self.state.as_str()),
            "seen_at" => self.seen_at.into(),
            "lag_ms" => self.lag_ms.into(),
            "rate_left" => self.rate_left.into(),
            "problem" => self.problem.as_ref().into(),
            _ => Value::Null,
        }
    }
}
