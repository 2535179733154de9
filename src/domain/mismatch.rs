//! A disagreement between systems about one customer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::money::Money;
use super::state::{Severity, Verdict};
use super::text::Text;
use super::time::Time;
use super::words::words;

words! {
    /// The twenty ways in which systems disagree (contract section 4), ordered by the rank of the harm.
    Class {
        /// Billing says paid, the portal keeps the customer out.
        PaidBlocked = "paid_blocked",
        /// The portal says active, but plan or billing id is empty.
        PartialRecord = "partial_record",
        /// Two or more live subscriptions.
        DoubleSubscription = "double_subscription",
        /// One provider customer claimed by two portal customers, or the reverse.
        CrossedLink = "crossed_link",
        /// Not paid, access still on.
        UnpaidActive = "unpaid_active",
        /// Refunded or disputed, access still on.
        RefundedActive = "refunded_active",
        /// Plan differs between portal and billing.
        PlanDiffers = "plan_differs",
        /// The trial's end has passed and the state never moved.
        TrialOverrun = "trial_overrun",
        /// `past_due` is not treated as the written policy says.
        PastDuePolicy = "past_due_policy",
        /// A subscription without a portal user.
        PaidUnknown = "paid_unknown",
        /// The portal points at an id that does not exist there.
        DanglingLink = "dangling_link",
        /// No contact in the CRM.
        ContactMissing = "contact_missing",
        /// Several contacts, or support users, for one customer.
        DuplicateContact = "duplicate_contact",
        /// The CRM's stage contradicts billing.
        StageContradicts = "stage_contradicts",
        /// Tags on one record contradict each other or billing.
        TagsContradict = "tags_contradict",
        /// A support request that has no ticket.
        TicketMissing = "ticket_missing",
        /// E-mail addresses differ by more than case.
        EmailDiffers = "email_differs",
        /// An event was received and nothing came of it.
        EventWithoutEffect = "event_without_effect",
        /// A source did not answer, so nothing can be said.
        IncompleteEvidence = "incomplete_evidence",
        /// A price or product that the plan table does not know.
        UnmappedPlan = "unmapped_plan",
    }
}

/// A row of `list mismatches`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mismatch {
    /// Stable over recomputation: class and customer (and the offending id where one customer can have several).
    pub id: Text,
    /// Which of the twenty.
    pub class: Class,
    /// How much harm it does.
    pub severity: Severity,
    /// `disagree`, `settling` or `unknown`.
    pub verdict: Verdict,
    /// The portal customer; `None` for a subscription that nobody in the portal owns.
    pub customer: Option<Text>,
    /// Name to show; falls back to e-mail or id where it is drawn.
    #[serde(default)]
    pub name: Option<Text>,
    /// E-mail of whom it is about.
    pub email: Option<Text>,
    /// Since when: the newest change that made it so, by the systems' own clocks.
    pub since: Time,
    /// What each system says, in a few words: `{"portal": "trial", "stripe": "active"}`.
    pub systems: BTreeMap<Text, Text>,
    /// What is at stake.
    pub money: Option<Money>,
    /// The headline, as a person would say it: "paid, but locked out".
    #[serde(default)]
    pub headline: Text,
    /// The short evidence: "Stripe active, portal still trial".
    #[serde(default)]
    pub evidence: Text,
    /// One or two sentences that a support rep could read aloud.
    pub explanation: Text,
    /// What to do next, one sentence.
    pub next_step: Text,
    /// The intent that would repair it; `None` when it is a person's decision.
    pub intent: Option<Text>,
    /// When a settling mismatch counts, if nothing changes.
    #[serde(default)]
    pub settles_at: Option<Time>,
    /// Position in the order of harm: smaller is worse. Computed by `reconcile::rank`.
    #[serde(default)]
    pub rank: i64,
}
