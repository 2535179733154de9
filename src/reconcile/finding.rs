//! What a rule found, before evidence and grace decide how much it counts; and how it becomes a row.

use std::collections::{BTreeMap, BTreeSet};

use super::case::Case;
use super::class::{Basis, Rule};
use super::fold::happened;
use super::{rank, words};
use crate::domain::{Kind, Mismatch, Money, Record, System, SystemKind, Text, Time, Verdict};

/// Shortest grace: changes need this long to travel (ms).
pub(super) const GRACE_FLOOR: i64 = 60_000;
/// Longest grace: what takes longer is broken, not slow (ms).
pub(super) const GRACE_CAP: i64 = 900_000;

/// What a rule found.
pub(super) struct Finding<'a> {
    /// Tells findings of one class and customer apart.
    pub(super) tag: Option<Text>,
    /// Instead of the table's headline.
    pub(super) headline: Option<String>,
    pub(super) evidence: String,
    pub(super) explanation: String,
    pub(super) next_step: String,
    /// Records that it rests on; their systems are involved, their changes decide the grace.
    pub(super) based_on: Vec<&'a Record>,
    /// A moment that made it so without any record changing: a trial's end.
    pub(super) moment: Option<Time>,
    /// Since when it is so, where that is neither a change nor a moment: a source that fell silent.
    pub(super) since: Option<Time>,
    /// It rests on these not being there: silence that must be believable.
    pub(super) absent: Vec<(System, Kind)>,
    /// Instead of what the records say.
    pub(super) says: Vec<(System, String)>,
    /// Every record in it belongs to the customer by more than an e-mail: a repair may be offered.
    pub(super) sure: bool,
    pub(super) money: Option<Money>,
    /// Cells of the customer screen that disagree.
    pub(super) wrong: Vec<(System, &'static str)>,
    /// The kind of system it is about, for precedence between findings.
    pub(super) about: Option<SystemKind>,
    /// It leaves other findings alone.
    pub(super) mild: bool,
    /// It says itself that nothing can be said.
    pub(super) blind: bool,
}

impl<'a> Finding<'a> {
    /// A finding that rests on these records.
    pub(super) fn new(based_on: Vec<&'a Record>) -> Self {
        Self {
            tag: None,
            headline: None,
            evidence: String::new(),
            explanation: String::new(),
            next_step: String::new(),
            based_on,
            moment: None,
            since: None,
            absent: Vec::new(),
            says: Vec::new(),
            sure: true,
            money: None,
            wrong: Vec::new(),
            about: None,
            mild: false,
            blind: false,
        }
    }

    /// Its words: short evidence, explanation, next step.
    pub(super) fn text(mut self, evidence: String, explanation: String, next_step: String) -> Self {
        (self.evidence, self.explanation, self.next_step) = (evidence, explanation, next_step);
        self
    }
}

/// Who a row is about.
pub(super) struct Subject<'a> {
    /// The portal customer's id; `None` for somebody whom the portal does not know.
    pub(super) customer: Option<&'a Text>,
    /// What the id of the row is made of.
    pub(super) key: String,
    pub(super) name: Option<&'a Text>,
    pub(super) email: Option<&'a Text>,
}

/// What is known of the sources, for weighing a finding.
pub(super) struct Scales<'a> {
    pub(super) evidence: &'a crate::domain::Evidence,
    pub(super) rules: &'a super::Rules,
    pub(super) now: Time,
}

impl<'a> Case<'a> {
    pub(super) fn scales(&self) -> Scales<'a> {
        Scales { evidence: self.evidence, rules: self.rules, now: self.now }
    }

    pub(super) fn subject(&self) -> Subject<'a> {
        let portal = self.portal;
        Subject {
            customer: Some(&portal.id),
            key: portal.id.as_str().to_owned(),
            name: portal.name.as_ref(),
            email: portal.email.as_ref(),
        }
    }
}

impl Scales<'_> {
    /// The row that a finding becomes, or `None` when it rests on silence that cannot be believed.
    pub(super) fn weigh(&self, rule: &Rule, finding: &Finding<'_>, subject: &Subject<'_>) -> Option<Mismatch> {
        let changed = finding.based_on.iter().filter_map(|r| happened(r, self.now)).max().max(finding.moment);
        // Without a time of its own, a change is as old as our first reading of it can tell.
        let since =
            finding.since.or(changed).or_else(|| finding.based_on.iter().map(|r| r.seen_at).max()).unwrap_or(self.now);
        let involved = self.involved(rule, finding);
        let settles_at = changed.map(|at| at.plus_ms(self.grace(&involved)));
        let verdict = self.verdict(rule, finding, &involved, changed, settles_at)?;
        let mut id = format!("{}:{}", rule.class, subject.key);
        if let Some(tag) = &finding.tag {
            id = format!("{id}:{tag}");
        }
        let mut systems: BTreeMap<Text, Text> = BTreeMap::new();
        for record in &finding.based_on {
            systems.entry(record.system.as_str().into()).or_insert_with(|| words::raw(record).into());
        }
        systems.extend(finding.says.iter().map(|(system, word)| (system.as_str().into(), word.as_str().into())));
        let mut row = Mismatch {
            id: id.into(),
            class: rule.class,
            severity: rule.severity,
            verdict,
            customer: subject.customer.cloned(),
            name: subject.name.cloned(),
            email: subject.email.cloned(),
            since,
            systems,
            money: finding.money.clone(),
            headline: finding.headline.as_deref().unwrap_or(rule.headline).into(),
            evidence: finding.evidence.as_str().into(),
            explanation: finding.explanation.as_str().into(),
            next_step: finding.next_step.as_str().into(),
            intent: rule.intent.filter(|_| finding.sure).map(Text::new),
            settles_at: settles_at.filter(|_| verdict == Verdict::Settling),
            rank: 0,
        };
        row.rank = rank::rank(&row);
        Some(row)
    }

    /// Systems whose word or silence it rests on.
    fn involved(&self, rule: &Rule, finding: &Finding<'_>) -> BTreeSet<System> {
        let mut involved: BTreeSet<System> = finding.based_on.iter().map(|r| r.system).collect();
        involved.extend(finding.absent.iter().map(|(system, _)| *system));
        if rule.basis == Basis::Absence {
            involved.extend(rule.evidence.iter().flat_map(|(kind, _)| self.rules.systems(*kind)));
        }
        involved
    }

    /// At least a minute, longer where propagation was observed to take longer, never beyond the cap.
    fn grace(&self, involved: &BTreeSet<System>) -> i64 {
        let lag = involved.iter().filter_map(|system| self.evidence.of(*system)?.lag_ms).max().unwrap_or(0);
        lag.clamp(GRACE_FLOOR, GRACE_CAP)
    }

    fn verdict(
        &self,
        rule: &Rule,
        finding: &Finding<'_>,
        involved: &BTreeSet<System>,
        changed: Option<Time>,
        settles_at: Option<Time>,
    ) -> Option<Verdict> {
        let mut unknown = finding.blind;
        let mut unasked = false;
        for (system, kind) in &finding.absent {
            let health = self.evidence.of(*system)?;
            // What was absent before the source fell silent stays in sight; what came after says nothing.
            let asked = changed.is_none_or(|at| health.complete_at.is_some_and(|complete| complete >= at));
            if !health.complete.contains(kind) || !health.answers() && !asked {
                return None;
            }
            unknown |= !health.answers();
            unasked |= !asked;
        }
        unknown |= involved.iter().any(|system| !self.evidence.of(*system).is_some_and(|h| h.answers()));
        if rule.basis == Basis::Absence {
            let mut needed =
                rule.evidence.iter().flat_map(|(kind, what)| self.rules.systems(*kind).map(move |s| (s, *what)));
            unknown |= needed.any(|(system, what)| !self.evidence.of(system).is_some_and(|h| h.knows(what)));
        }
        Some(if unknown {
            Verdict::Unknown
        } else if unasked || settles_at.is_some_and(|at| at > self.now) && !finding.blind {
            Verdict::Settling
        } else {
            Verdict::Disagree
        })
    }
}
