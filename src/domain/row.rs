//! A row of any dataset: what the store gives and what the faces show.

use serde::Serialize;

use super::field::{Dataset, Fields, Value};
use super::text::Text;
use super::{
    check::Check, customer::Customer, delivery::Delivery, deploy::Deploy, job::Job, mismatch::Mismatch,
    source::SourceRow,
};

/// One row. Serialises as the plain object of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Row {
    /// A customer.
    Customer(Box<Customer>),
    /// A mismatch.
    Mismatch(Box<Mismatch>),
    /// A delivery.
    Delivery(Box<Delivery>),
    /// A job.
    Job(Box<Job>),
    /// A check.
    Check(Box<Check>),
    /// A deploy.
    Deploy(Box<Deploy>),
    /// A source.
    Source(Box<SourceRow>),
}

macro_rules! each {
    ($self:ident, $row:ident => $what:expr) => {
        match $self {
            Row::Customer($row) => $what,
            Row::Mismatch($row) => $what,
            Row::Delivery($row) => $what,
            Row::Job($row) => $what,
            Row::Check($row) => $what,
            Row::Deploy($row) => $what,
            Row::Source($row) => $what,
        }
    };
}

impl Row {
    /// The dataset that it belongs to.
    pub fn dataset(&self) -> Dataset {
        fn of<T: Fields>(_: &T) -> Dataset {
            T::DATASET
        }
        each!(self, row => of(row.as_ref()))
    }

    /// The key by which a cursor remembers it.
    pub fn key(&self) -> Text {
        each!(self, row => row.key())
    }

    /// The value of a field of its dataset.
    pub fn value(&self, field: &str) -> Value {
        each!(self, row => row.value(field))
    }
}
