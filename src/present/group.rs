//! Many rows that say the same become one: jobs by queue, kind, state and error; deliveries by why they fail.

use std::collections::BTreeMap;

use crate::domain::{DeliveryState, Job, JobState, Row, Text, Time};

/// Jobs that stand the same way for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Whose queue.
    pub source: Text,
    /// What is to be done.
    pub kind: Text,
    /// How they stand.
    pub state: JobState,
    /// What went wrong last.
    pub last_error: Option<Text>,
    /// How many.
    pub count: i64,
    /// Since when the oldest waits.
    pub oldest: Option<Time>,
    /// When the next one runs.
    pub next: Option<Time>,
}

/// Deliveries that fail the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Who sends.
    pub source: Text,
    /// Worst state among them.
    pub state: DeliveryState,
    /// HTTP status.
    pub status: Option<i64>,
    /// Why.
    pub reason: Option<Text>,
    /// How many.
    pub count: i64,
    /// The oldest.
    pub oldest: Time,
    /// The newest.
    pub newest: Time,
}

/// Order of alarm: dead first, what merely runs last.
const fn alarm(state: JobState) -> u8 {
    match state {
        JobState::Dead => 0,
        JobState::Held => 1,
        JobState::Waiting => 2,
        JobState::Due => 3,
        JobState::Leased => 4,
        JobState::Idle => 5,
    }
}

/// Groups jobs, the most alarming group first, the larger first among equals.
pub fn queues(rows: &[Row]) -> Vec<Queue> {
    let mut groups: BTreeMap<(u8, &Text, &Text, Option<&Text>), Queue> = BTreeMap::new();
    let jobs = rows.iter().filter_map(|row| match row {
        Row::Job(job) => Some(job.as_ref()),
        _ => None,
    });
    for job in jobs {
        let Job { source, kind, state, last_error, .. } = job;
        // What merely runs is one group whatever once went wrong with it.
        let error = last_error.as_ref().filter(|_| alarm(*state) < 3);
        let group = groups.entry((alarm(*state), source, kind, error)).or_insert_with(|| Queue {
            source: source.clone(),
            kind: kind.clone(),
            state: *state,
            last_error: error.cloned(),
            count: 0,
            oldest: None,
            next: None,
        });
        group.count += 1;
        let since = job.created_at.or(job.run_at);
        group.oldest = [group.oldest, since].into_iter().flatten().min();
        group.next = [group.next, job.run_at].into_iter().flatten().min();
    }
    let mut out: Vec<Queue> = groups.into_values().collect();
    out.sort_by(|a, b| alarm(a.state).cmp(&alarm(b.state)).then(b.count.cmp(&a.count)));
    out
}

/// Groups failing deliveries, the largest group first.
pub fn reasons(rows: &[Row]) -> Vec<Reason> {
    let mut groups: BTreeMap<(&str, Option<i64>, Option<&Text>), Reason> = BTreeMap::new();
    let deliveries = rows.iter().filter_map(|row| match row {
        Row::Delivery(delivery) => Some(delivery.as_ref()),
        _ => None,
    });
    for d in deliveries.filter(|d| !matches!(d.state, DeliveryState::Delivered | DeliveryState::Pending)) {
        let group = groups.entry((d.source.as_str(), d.status, d.reason.as_ref())).or_insert_with(|| Reason {
            source: Text::new(d.source.as_str()),
            state: d.state,
            status: d.status,
            reason: d.reason.clone(),
            count: 0,
            oldest: d.received_at,
            newest: d.received_at,
        });
        group.count += 1;
        group.oldest = group.oldest.min(d.received_at);
        group.newest = group.newest.max(d.received_at);
        if d.state == DeliveryState::Failed {
            group.state = DeliveryState::Failed;
        }
    }
    let mut out: Vec<Reason> = groups.into_values().collect();
    out.sort_by(|a, b| b.count.cmp(&a.count).then(b.newest.cmp(&a.newest)));
    out
}
