//! Who is who: which persons of a cluster really belong to a portal customer, and by what.
//!
//! What must stay true: a person that names another portal customer, or that another portal customer stores, never
//! belongs by e-mail. An e-mail is not proof: such a match is shown, judged, and never repaired by itself. Nobody is
//! ever matched by name. An id that is known to name nobody any more (the portal has been read in full) is taken for
//! no id: somebody who signed up anew with the address they pay under is to be seen, though not to be repaired.

use std::collections::BTreeSet;

use crate::domain::{Kind, Match, Record, System, SystemKind, Text};

/// A person that belongs to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The person, as that system keeps them.
    pub record: &'a Record,
    /// By what it belongs.
    pub matched: Match,
    /// Another portal customer's id that this person names: the link is crossed.
    pub names: Option<&'a Text>,
}

impl Claim<'_> {
    /// Whether the match is certain enough to act on.
    pub fn is_sure(&self) -> bool {
        self.names.is_none() && matches!(self.matched, Match::StoredLink | Match::ExternalId | Match::Verified)
    }

    /// Whether conclusions may be drawn from it: it is more than a candidate, and it is not somebody else's.
    pub fn counts(&self) -> bool {
        self.names.is_none() && self.matched != Match::Candidate
    }
}

/// The other living portal customers that bear on a decision.
#[derive(Clone, Copy, Debug)]
pub struct Others<'r> {
    /// Those who claim, or are claimed by, a person in question.
    pub rivals: &'r [&'r Record],
    /// The portal has been read in full and answers: an id that none of them has is nobody's.
    pub whole: bool,
    /// Of several systems of a kind, the ones that policy does not name. The ids that the portal stores are hardly
    /// theirs, and two systems that count from one have the same ids: there, the address must be the same as well.
    pub beside: &'r [System],
}

impl Others<'_> {
    /// Whether one of them stores this person's id.
    fn store(&self, person: &Record) -> bool {
        self.rivals.iter().any(|rival| self.link(rival, person))
    }

    /// Whether the id that a portal customer stores means this person.
    fn link(&self, portal: &Record, person: &Record) -> bool {
        let same = || key(portal).is_some_and(|ours| Some(ours) == key(person));
        portal.links.to(person.system.kind()) == Some(&person.id) && (!self.beside.contains(&person.system) || same())
    }

    /// Whether this id may be that of another customer.
    fn may_have(&self, id: &Text) -> bool {
        !self.whole || self.rivals.iter().any(|rival| rival.id == *id)
    }
}

/// The persons among `records` that belong to `portal`, strongest match first within each system. Deleted and test
/// persons never belong.
pub fn claims<'a>(portal: &'a Record, records: &[&'a Record], others: Others<'_>) -> Vec<Claim<'a>> {
    // A subscription that names the customer speaks for its owner.
    let named: BTreeSet<_> = records
        .iter()
        .filter(|r| r.kind == Kind::Subscription && r.links.portal.as_ref() == Some(&portal.id))
        .filter_map(|r| Some((r.system, r.parent.as_ref()?)))
        .collect();
    let mut found: Vec<Claim<'a>> = records
        .iter()
        .filter(|r| r.kind == Kind::Person && r.system.kind() != SystemKind::Portal)
        .filter_map(|person| {
            let by_child = named.contains(&(person.system, &person.id));
            let matched = belongs(person, portal, others, by_child)?;
            let crossed = matched == Match::StoredLink;
            let names = person.links.portal.as_ref().filter(|id| crossed && **id != portal.id);
            Some(Claim { record: person, matched, names })
        })
        .collect();
    found.sort_by(|a, b| {
        let key = |c: &Claim<'a>| (c.record.system, c.matched, c.record.created_at);
        key(a).cmp(&key(b)).then_with(|| a.record.id.cmp(&b.record.id))
    });
    found
}

/// By what a person belongs to a portal customer, if at all. `by_child`: something that the person owns names the
/// customer.
pub fn belongs(person: &Record, portal: &Record, others: Others<'_>, by_child: bool) -> Option<Match> {
    if person.deleted || person.has(crate::domain::Flag::Test) {
        return None;
    }
    if others.link(portal, person) {
        return Some(Match::StoredLink);
    }
    let own = portal.links.to(person.system.kind()).filter(|_| !others.beside.contains(&person.system));
    match &person.links.portal {
        // Who is linked elsewhere and named here is a crossed link of the one who stores it.
        Some(id) if *id == portal.id => return (own.is_none() || !others.store(person)).then_some(Match::ExternalId),
        Some(id) if others.may_have(id) => return None,
        _ if by_child => return Some(Match::ExternalId),
        _ => {}
    }
    if others.store(person) {
        return None;
    }
    let (ours, theirs) = (key(portal)?, key(person)?);
    if ours == theirs {
        return Some(Match::Email);
    }
    (untagged(&ours) == untagged(&theirs)).then_some(Match::Candidate)
}

fn key(record: &Record) -> Option<String> {
    record.email.as_ref().and_then(Text::email_key)
}

/// `ana+news@acme.example` without the tag.
fn untagged(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, host)) => format!("{}@{host}", local.split('+').next().unwrap_or(local)),
        None => email.to_owned(),
    }
}
