//! What goes wrong, and when: the story as a table.
//!
//! Seconds are story seconds. The first round is told as it stands; later rounds stretch it and leave some of the
//! incidents out, as the seed decides.

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Somebody signs up and begins a trial.
    SignUp,
    /// Somebody on trial pays.
    Pay,
    /// Somebody on trial pays, and the portal answers 200 without having saved it: they stay locked out.
    PayLost,
    /// Somebody asks for help.
    Ask,
    /// An agent solves an open ticket.
    Solve,
    /// A paying customer leaves.
    Leave,
    /// That many contact updates are queued for HubSpot.
    Sync(usize),
    /// What was still on its way at the start arrives.
    Settle,
    /// An engineer finds the payers who stayed locked out, and lets them in.
    Rescue,
    /// Dead jobs are retried by hand.
    Retry,
    /// An incident begins.
    Begin(Incident),
    /// And ends.
    End(Incident),
}

/// Something that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    /// A deploy breaks the handler of Stripe's webhooks.
    Deploy,
    /// HubSpot answers 503.
    Crm,
    /// The login page takes seconds.
    SlowLogin,
    /// The login page answers 503.
    NoLogin,
}

/// Length of a round in story seconds.
pub(super) const ROUND: i64 = 180;

/// The table.
pub(super) const SCRIPT: &[(i64, Beat)] = &[
    (3, Beat::SignUp),
    (4, Beat::Pay),
    (6, Beat::Ask),
    (8, Beat::Sync(2)),
    (10, Beat::SignUp),
    (13, Beat::Pay),
    (17, Beat::Solve),
    (20, Beat::Begin(Incident::Deploy)),
    (21, Beat::Pay),
    (23, Beat::PayLost),
    (25, Beat::Begin(Incident::Crm)),
    (26, Beat::Sync(4)),
    (28, Beat::Pay),
    (31, Beat::SignUp),
    (34, Beat::Sync(3)),
    (37, Beat::Pay),
    (40, Beat::Ask),
    (43, Beat::Sync(4)),
    (47, Beat::Pay),
    (50, Beat::SignUp),
    (52, Beat::End(Incident::Deploy)),
    (55, Beat::End(Incident::Crm)),
    (58, Beat::Settle),
    (66, Beat::Pay),
    (70, Beat::Begin(Incident::SlowLogin)),
    (78, Beat::End(Incident::SlowLogin)),
    (84, Beat::Ask),
    (90, Beat::SignUp),
    (96, Beat::Leave),
    (104, Beat::Pay),
    (112, Beat::Solve),
    (118, Beat::Sync(2)),
    (120, Beat::Begin(Incident::NoLogin)),
    (132, Beat::SignUp),
    (140, Beat::End(Incident::NoLogin)),
    (148, Beat::Pay),
    (155, Beat::Ask),
    (162, Beat::Retry),
    (168, Beat::Solve),
    (175, Beat::Rescue),
];

/// Incidents that a later round may leave out.
pub(super) const INCIDENTS: &[Incident] = &[Incident::Deploy, Incident::Crm, Incident::SlowLogin, Incident::NoLogin];

/// Story milliseconds until Stripe tries an event again that was not taken.
pub(super) const RETRIES: &[i64] = &[6_000, 11_000, 17_000, 26_000, 40_000, 60_000];

/// Story milliseconds until the portal's queue tries a job again.
pub(super) const JOB_RETRIES: &[i64] = &[4_000, 7_000, 11_000, 15_000, 20_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_every_incident_ends_in_its_round() {
        assert!(SCRIPT.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert!(SCRIPT.last().unwrap().0 < ROUND);
        for incident in INCIDENTS {
            let at = |beat| SCRIPT.iter().find(|(_, b)| *b == beat).map(|(at, _)| *at).unwrap();
            assert!(at(Beat::Begin(*incident)) < at(Beat::End(*incident)), "{incident:?}");
        }
    }
}
