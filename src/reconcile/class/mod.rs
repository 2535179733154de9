//! THE TABLE of mismatch classes: harm, evidence, grace, words and rule of each. Reference pages are made from it.
//!
//! What must stay true: one root cause makes one row ([`PRECEDENCE`] is data, not code inside rules); every rule says
//! on which records it rests, and whether it concludes something from what is *not* there.
//!
//! Not judged yet, and therefore without a row here: `tags_contradict` (needs a tag policy) and
//! `event_without_effect` (needs the intake of events).

mod access;
mod contact;
mod link;
mod plan;
mod request;
mod silence;
mod stranger;

use super::case::Case;
use super::finding::Finding;
use crate::domain::{Class, Kind, Severity, SystemKind};

pub(super) use plan::total;
pub(super) use stranger::paid_unknown;

/// What a class rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Records that are there: the systems that hold them must answer.
    Presence,
    /// That something is not there (too): every system of the listed kinds must have been read in full.
    Absence,
}

/// From when the grace of a class is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// From the newest change that an involved system reports.
    Change,
    /// From the end of the trial, or a later change.
    TrialEnd,
    /// It has none: that nothing can be said is so at once.
    None,
}

/// What is looked for.
pub(super) type Find = for<'a> fn(&Case<'a>) -> Vec<Finding<'a>>;

/// One row of the table.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The class.
    pub class: Class,
    /// How much harm it does.
    pub severity: Severity,
    /// Kinds of system, and of thing in them, that it needs to know.
    pub evidence: &'static [(SystemKind, Kind)],
    /// Whether it concludes from presence or from absence.
    pub basis: Basis,
    /// From when its grace is counted.
    pub grace: Grace,
    /// The mismatch in a few plain words.
    pub headline: &'static str,
    /// One line for the reference page.
    pub doc: &'static str,
    /// The intent that would repair it; `None`: a person decides.
    pub intent: Option<&'static str>,
    /// The rule itself; `None` for the one that is judged without a portal customer.
    pub(super) find: Option<Find>,
}

use Basis::{Absence, Presence};
use Grace::{Change, TrialEnd};
use Kind::{Charge, Person, Subscription, Ticket};
use Severity::{Critical, High, Info, Warning};
use SystemKind::{Billing, Crm, Portal, Support};

const PERSON: (SystemKind, Kind) = (Portal, Person);
const PAYING: (SystemKind, Kind) = (Billing, Subscription);

/// Every class that is judged, in the order of [`Class`].
pub const TABLE: &[Rule] = &[
    Rule {
        class: Class::PaidBlocked,
        severity: Critical,
        evidence: &[PERSON, PAYING],
        basis: Presence,
        grace: Change,
        headline: "paid, but locked out",
        doc: "billing entitles the customer, the portal does not let them in (or still treats them as a trial)",
        intent: Some("set_state"),
        find: Some(access::paid_blocked),
    },
    Rule {
        class: Class::PartialRecord,
        severity: Critical,
        evidence: &[PERSON],
        basis: Presence,
        grace: Change,
        headline: "active, but half a record",
        doc: "the portal says active, but its plan or billing id is empty",
        intent: Some("resync_customer"),
        find: Some(link::partial_record),
    },
    Rule {
        class: Class::DoubleSubscription,
        severity: Critical,
        evidence: &[PAYING],
        basis: Presence,
        grace: Change,
        headline: "two live subscriptions",
        doc: "two or more live subscriptions, in one billing system or across several",
        intent: None,
        find: Some(plan::double_subscription),
    },
    Rule {
        class: Class::CrossedLink,
        severity: Critical,
        evidence: &[PERSON],
        basis: Presence,
        grace: Change,
        headline: "linked to somebody else",
        doc: "two portal customers share one record of a provider, or that record names another portal customer",
        intent: None,
        find: Some(link::crossed_link),
    },
    Rule {
        class: Class::UnpaidActive,
        severity: High,
        evidence: &[PERSON, PAYING],
        basis: Absence,
        grace: Change,
        headline: "not paid, still has access",
        doc: "no subscription entitles the customer, and the portal still lets them in",
        intent: Some("set_state"),
        find: Some(access::unpaid_active),
    },
    Rule {
        class: Class::RefundedActive,
        severity: High,
        evidence: &[PERSON, (Billing, Charge)],
        basis: Presence,
        grace: Change,
        headline: "refunded, still has access",
        doc: "the last payment was paid back or is disputed, and the portal still lets the customer in",
        intent: Some("set_state"),
        find: Some(access::refunded_active),
    },
    Rule {
        class: Class::PlanDiffers,
        severity: High,
        evidence: &[PERSON, PAYING],
        basis: Presence,
        grace: Change,
        headline: "plan differs",
        doc: "the live subscription belongs to another plan of the plan table than the portal's",
        intent: Some("resync_customer"),
        find: Some(plan::plan_differs),
    },
    Rule {
        class: Class::TrialOverrun,
        severity: High,
        evidence: &[PERSON, PAYING],
        basis: Absence,
        grace: TrialEnd,
        headline: "trial is over, nothing happened",
        doc: "the trial's end has passed, nothing was paid, and the portal still says trial",
        intent: Some("set_state"),
        find: Some(access::trial_overrun),
    },
    Rule {
        class: Class::PastDuePolicy,
        severity: High,
        evidence: &[PERSON, PAYING],
        basis: Presence,
        grace: Change,
        headline: "past due, not treated as policy says",
        doc: "a failed payment is not treated as the line `past_due` (or `unpaid`) of the policy says",
        intent: Some("set_state"),
        find: Some(access::past_due_policy),
    },
    Rule {
        class: Class::PaidUnknown,
        severity: Warning,
        evidence: &[PERSON, PAYING],
        basis: Absence,
        grace: Change,
        headline: "pays, but nobody in the portal",
        doc: "a live subscription whose owner no portal customer claims",
        intent: None,
        find: None,
    },
    Rule {
        class: Class::DanglingLink,
        severity: High,
        evidence: &[PERSON],
        basis: Presence,
        grace: Change,
        headline: "points at nobody",
        doc: "the portal stores an id that is deleted, of the other mode, or does not exist in that system",
        intent: Some("link_record"),
        find: Some(link::dangling_link),
    },
    Rule {
        class: Class::ContactMissing,
        severity: High,
        evidence: &[PERSON, (Crm, Person)],
        basis: Presence,
        grace: Change,
        headline: "no contact in the CRM",
        doc: "a trial, active or past-due customer has no contact in the CRM that policy names",
        intent: Some("create_contact"),
        find: Some(contact::contact_missing),
    },
    Rule {
        class: Class::DuplicateContact,
        severity: Warning,
        evidence: &[PERSON, (Crm, Person), (Support, Person)],
        basis: Presence,
        grace: Change,
        headline: "several contacts for one customer",
        doc: "several contacts in one CRM, or several users in one support desk, belong to one customer",
        intent: None,
        find: Some(contact::duplicate_contact),
    },
    Rule {
        class: Class::StageContradicts,
        severity: Warning,
        evidence: &[PERSON, PAYING, (Crm, Person)],
        basis: Presence,
        grace: Change,
        headline: "CRM stage contradicts billing",
        doc: "a payer whose CRM stage is before the sale, or a canceled customer still called customer",
        intent: Some("resync_customer"),
        find: Some(contact::stage_contradicts),
    },
    Rule {
        class: Class::TicketMissing,
        severity: High,
        evidence: &[(Portal, Ticket), (Support, Ticket)],
        basis: Presence,
        grace: Change,
        headline: "request without a ticket",
        doc: "a support request in the portal has no ticket in the support desk",
        intent: Some("create_ticket"),
        find: Some(request::ticket_missing),
    },
    Rule {
        class: Class::EmailDiffers,
        severity: Info,
        evidence: &[PERSON],
        basis: Presence,
        grace: Change,
        headline: "e-mail differs",
        doc: "linked records have e-mail addresses that differ by more than case",
        intent: Some("resync_customer"),
        find: Some(contact::email_differs),
    },
    Rule {
        class: Class::IncompleteEvidence,
        severity: Warning,
        evidence: &[],
        basis: Presence,
        grace: Grace::None,
        headline: "cannot tell",
        doc: "a source that this customer needs does not answer, or says something that cannot be read",
        intent: None,
        find: Some(silence::incomplete_evidence),
    },
    Rule {
        class: Class::UnmappedPlan,
        severity: Warning,
        evidence: &[PAYING],
        basis: Presence,
        grace: Change,
        headline: "plan is not in the table",
        doc: "a live subscription's price and product match no entry of `[plans]` and not the portal's plan name",
        intent: None,
        find: Some(plan::unmapped_plan),
    },
];

/// Where one root cause shows in several classes, the first speaks and the others are silent. With a kind of system:
/// only when the first is about that kind.
pub const PRECEDENCE: &[(Class, Option<SystemKind>, &[Class])] = &[
    // A link to somebody else's record: nothing that follows from that record is about this customer.
    (
        Class::CrossedLink,
        Some(Billing),
        &[
            Class::PaidBlocked,
            Class::PartialRecord,
            Class::DoubleSubscription,
            Class::UnpaidActive,
            Class::RefundedActive,
            Class::PlanDiffers,
            Class::TrialOverrun,
            Class::PastDuePolicy,
            Class::UnmappedPlan,
            Class::EmailDiffers,
            Class::StageContradicts,
        ],
    ),
    (
        Class::CrossedLink,
        Some(Crm),
        &[Class::ContactMissing, Class::DuplicateContact, Class::StageContradicts, Class::EmailDiffers],
    ),
    (Class::CrossedLink, Some(Support), &[Class::DuplicateContact, Class::EmailDiffers]),
    // Nobody is there, so nothing of theirs can be there.
    (Class::DanglingLink, Some(Billing), &[Class::UnpaidActive, Class::PartialRecord]),
    (Class::DanglingLink, Some(Crm), &[Class::ContactMissing]),
    // The portal was not told at all: that its plan or trial is old too is the same fact.
    (Class::PaidBlocked, None, &[Class::TrialOverrun, Class::PlanDiffers, Class::UnmappedPlan]),
    (Class::RefundedActive, None, &[Class::UnpaidActive, Class::TrialOverrun]),
    (Class::TrialOverrun, None, &[Class::UnpaidActive, Class::PlanDiffers]),
    (Class::UnpaidActive, None, &[Class::PartialRecord, Class::PlanDiffers, Class::StageContradicts]),
    // Which of two plans is right cannot be asked while there are two.
    (Class::DoubleSubscription, None, &[Class::PlanDiffers]),
    (Class::UnmappedPlan, None, &[Class::PlanDiffers]),
    (Class::PartialRecord, None, &[Class::PlanDiffers]),
];

impl Rule {
    /// The row of a class; `None` for the two that are not judged yet.
    pub fn of(class: Class) -> Option<&'static Self> {
        TABLE.iter().find(|rule| rule.class == class)
    }
}
