//! What a pane shows a row of: a row of a dataset, a source's traffic, a group, a hit. All are drawn the same way.

use super::group::{Queue, Reason};
use super::mark::{self, Mark};
use super::silence::Silence;
use super::{Ctx, format, mask};
use crate::config::view::Of;
use crate::domain::{
    CheckState, Class, Customer, JobState, Row, SourceState, System, Text, Time, Traffic, Value, Verdict,
};

/// Something that the find box found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The customer row.
    pub row: Row,
    /// What matched: `e-mail`, `name`, `stripe id` ...
    pub by: Text,
}

/// One row of a pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A row of a dataset.
    Row(Row),
    /// Delivery health of a source.
    Traffic(Traffic),
    /// Jobs that stand the same way.
    Queue(Queue),
    /// Deliveries that fail the same way.
    Reason(Reason),
    /// Customers of whom nothing can be told, for one reason.
    Silence(Silence),
    /// A hit.
    Hit(Hit),
}

/// A text that takes the place of all cells from a column on, when there is nothing to put into them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The column from which on.
    pub from: &'static str,
    /// Not when this column is shown, since it says the same.
    pub unless: Option<&'static str>,
    /// What it says.
    pub text: String,
}

impl Item {
    /// Wraps the rows of a load for a pane.
    pub fn rows(of: Of, rows: Vec<Row>) -> Vec<Self> {
        match of {
            Of::Queues => super::group::queues(&rows).into_iter().map(Self::Queue).collect(),
            Of::Reasons => super::group::reasons(&rows).into_iter().map(Self::Reason).collect(),
            Of::Dataset(_) | Of::Traffic | Of::Found => rows.into_iter().map(Self::Row).collect(),
        }
    }

    /// The key by which a cursor remembers it.
    pub fn key(&self) -> Text {
        match self {
            Self::Row(row) | Self::Hit(Hit { row, .. }) => row.key(),
            Self::Traffic(t) => Text::new(t.source.as_str()),
            Self::Queue(q) => {
                let error = q.last_error.as_ref().map_or("", Text::as_str);
                Text::new(format!("{}/{}/{}/{error}", q.source, q.kind, q.state))
            }
            Self::Reason(r) => {
                let reason = r.reason.as_ref().map_or("", Text::as_str);
                Text::new(format!("{}/{}/{reason}", r.source, r.status.unwrap_or_default()))
            }
            Self::Silence(s) => Text::new(format!("{}/{}", s.headline, s.evidence)),
        }
    }

    /// How it stands.
    pub fn mark(&self) -> Mark {
        match self {
            Self::Row(row) | Self::Hit(Hit { row, .. }) => mark::row(row),
            Self::Traffic(t) => mark::traffic(t),
            Self::Queue(q) => mark::job(q.state),
            Self::Reason(r) => Mark {
                tone: if r.state == crate::domain::DeliveryState::Failed {
                    crate::config::theme::Tone::Crit
                } else {
                    crate::config::theme::Tone::Warn
                },
                word: None,
            },
            Self::Silence(_) => Mark { tone: crate::config::theme::Tone::Unknown, word: None },
        }
    }

    /// How many loaded rows it stands for.
    pub fn weight(&self) -> i64 {
        match self {
            Self::Silence(s) => s.loaded,
            Self::Queue(q) => q.count,
            Self::Reason(r) => r.count,
            Self::Row(_) | Self::Traffic(_) | Self::Hit(_) => 1,
        }
    }

    /// The row of a dataset behind it, if there is one.
    pub fn row(&self) -> Option<&Row> {
        match self {
            Self::Row(row) | Self::Hit(Hit { row, .. }) => Some(row),
            _ => None,
        }
    }

    /// The portal customer that it is about.
    pub fn customer(&self) -> Option<Text> {
        match self.row()? {
            Row::Customer(c) => Some(c.id.clone()),
            Row::Mismatch(m) => m.customer.clone(),
            Row::Delivery(d) => d.customer.clone(),
            Row::Job(j) => j.customer.clone(),
            Row::Check(_) | Row::Deploy(_) | Row::Source(_) => None,
        }
    }

    /// Name and e-mail that must be hidden when it is masked.
    pub fn names(&self) -> Vec<&str> {
        let (name, email) = match self.row() {
            Some(Row::Customer(c)) => (&c.name, &c.email),
            Some(Row::Mismatch(m)) => (&m.name, &m.email),
            _ => return Vec::new(),
        };
        [name, email].into_iter().flatten().map(Text::as_str).collect()
    }

    /// Name, else e-mail, else id; hidden when masked.
    pub fn who(&self, ctx: &Ctx) -> String {
        if let Self::Silence(silence) = self {
            return silence.who();
        }
        let hide = |text: &str| if ctx.masked { mask::name(text) } else { text.to_owned() };
        let (name, email, id) = match self.row() {
            Some(Row::Customer(c)) => (c.name.as_ref(), c.email.as_ref(), Some(&c.id)),
            Some(Row::Mismatch(m)) => (m.name.as_ref(), m.email.as_ref(), m.customer.as_ref().or(Some(&m.id))),
            _ => return self.key().to_string(),
        };
        match (name.or(email), id) {
            (Some(person), _) => hide(person.as_str()),
            (None, Some(id)) => id.to_string(),
            (None, None) => String::new(),
        }
    }

    /// The value of a column's field. `mark`, `who` and `spark` are not values: they have their own verbs.
    pub fn value(&self, name: &str) -> Value {
        match self {
            Self::Row(Row::Customer(c)) if name == "spread" => Value::Text(spread(c)),
            Self::Row(Row::Check(c)) if name == "seen_at" => c.seen_at.into(),
            Self::Row(Row::Customer(c)) | Self::Hit(Hit { row: Row::Customer(c), .. }) if name == "state" => {
                Value::Text(Text::new(c.state.shown()))
            }
            // A dead or held job has no next run, whatever its row still says.
            Self::Row(Row::Job(j)) if name == "run_at" && matches!(j.state, JobState::Dead | JobState::Held) => {
                Value::Null
            }
            Self::Row(Row::Job(j)) if name == "kind" => Value::Text(spaced(&j.kind)),
            Self::Hit(hit) if name == "by" => Value::Text(hit.by.clone()),
            Self::Row(row) | Self::Hit(Hit { row, .. }) => row.value(name),
            Self::Traffic(t) => match name {
                "source" => Value::Text(Text::new(t.source.as_str())),
                "total" => t.total.into(),
                "failing" => format::share(t.failed, t.total).into(),
                "latency_ms" => t.latency_ms.into(),
                "last_at" => t.last_at.into(),
                _ => Value::Null,
            },
            Self::Queue(q) => match name {
                "count" => q.count.into(),
                // Nearly every queue is the portal's, so only another's is named.
                "what" if q.source.as_str() == System::Portal.as_str() => Value::Text(spaced(&q.kind)),
                "what" => Value::Text(Text::new(format!("{} {}", q.source, spaced(&q.kind)))),
                "last_error" => q.last_error.as_ref().into(),
                "oldest" => q.oldest.into(),
                "next" => q.next.into(),
                _ => Value::Null,
            },
            Self::Reason(r) => match name {
                "count" => r.count.into(),
                "status" => r.status.into(),
                "source" => (&r.source).into(),
                "reason" => r.reason.clone().unwrap_or_else(|| Text::new("no reason given")).into(),
                "oldest" => r.oldest.into(),
                "newest" => r.newest.into(),
                _ => Value::Null,
            },
            Self::Silence(s) => match name {
                "headline" => (&s.headline).into(),
                "evidence" => (&s.evidence).into(),
                "next_step" => (&s.next_step).into(),
                "since" => s.since.into(),
                "class" => Value::Word(Class::IncompleteEvidence.as_str()),
                "verdict" => Value::Word(Verdict::Unknown.as_str()),
                _ => Value::Null,
            },
        }
    }

    /// The series of a small line.
    pub fn series(&self) -> Vec<Option<u32>> {
        match self {
            Self::Traffic(t) => t.buckets.iter().map(|(all, _)| Some(*all)).collect(),
            Self::Row(Row::Check(c)) => c.recent.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether neighbours of the series add up (events do, latencies do not).
    pub const fn adds_up(&self) -> bool {
        matches!(self, Self::Traffic(_))
    }

    /// What stands in place of cells that have nothing to say.
    pub fn note(&self, ctx: &Ctx) -> Option<Note> {
        let from = |from, text| Some(Note { from, unless: None, text });
        match self {
            Self::Traffic(t) => {
                let last = t.last_at.map(|at| format!("last seen {}", format::when(at, ctx.now)));
                match (&t.unknown, t.total, last) {
                    (Some(why), 0, Some(last)) => from("spark", format!("{why}; {last}")),
                    (Some(why), 0, None) => from("spark", why.to_string()),
                    (None, 0, Some(last)) => from("spark", format!("silent; {last}")),
                    (None, 0, None) => from("spark", "no event seen yet".to_owned()),
                    _ => None,
                }
            }
            Self::Row(Row::Check(c)) if c.state != CheckState::Pass => from("spark", c.reason.as_ref()?.to_string()),
            Self::Row(Row::Source(s)) if s.state != SourceState::Ok => Some(Note {
                from: "kind",
                unless: Some("problem"),
                text: crate::domain::problem::clause(s.problem.as_ref()?.as_str()).to_owned(),
            }),
            _ => None,
        }
    }

    /// When a settling mismatch counts, if nothing changes.
    pub fn settles_at(&self) -> Option<Time> {
        match self.row()? {
            Row::Mismatch(m) if m.verdict == Verdict::Settling => m.settles_at,
            _ => None,
        }
    }
}

fn spaced(kind: &Text) -> Text {
    Text::new(kind.as_str().replace('_', " "))
}

/// `portal trial, stripe active`
fn spread(customer: &Customer) -> Text {
    let says = customer.systems.iter().filter(|view| view.id.is_some() || view.unknown.is_some()).map(|view| {
        let word = match (&view.unknown, view.state, &view.word) {
            (Some(_), _, _) => "unknown",
            (None, _, Some(word)) => word.as_str(),
            (None, Some(state), None) => state.as_str(),
            (None, None, None) => "known",
        };
        format!("{} {}", view.system, word.replace('_', " "))
    });
    Text::new(says.collect::<Vec<_>>().join(", "))
}
