//! While a source is silent every customer has a row that says so: many of the same evidence are shown as one.
//!
//! What must stay true: nothing but `incomplete_evidence` is folded, few rows never are, and a number that is not
//! known to be all of them is never shown as if it were.

use std::collections::BTreeMap;

use super::format;
use super::item::Item;
use crate::domain::{Class, Mismatch, Row, Text, Time};

/// Up to so many rows stay as they are.
const FEW: usize = 3;

/// Customers of whom the same cannot be told for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// What cannot be told.
    pub headline: Text,
    /// Why.
    pub evidence: Text,
    /// What to do about it.
    pub next_step: Text,
    /// The oldest of them.
    pub since: Time,
    /// How many of them were loaded.
    pub loaded: i64,
    /// There may be more that were not loaded.
    pub cut: bool,
}

impl Silence {
    /// `233 customers`, `1,900+ customers`
    pub fn who(&self) -> String {
        format!("{}{} customers", format::count(self.loaded), if self.cut { "+" } else { "" })
    }
}

/// Folds what cannot be told for one reason; the fold stands where its first row stood. `cut` says that there are more
/// rows than these.
pub fn fold(rows: Vec<Row>, cut: bool) -> Vec<Item> {
    let mut sizes: BTreeMap<(Text, Text), usize> = BTreeMap::new();
    for m in rows.iter().filter_map(silent) {
        *sizes.entry(reason(m)).or_default() += 1;
    }
    sizes.retain(|_, size| *size > FEW);
    let mut at: BTreeMap<(Text, Text), usize> = BTreeMap::new();
    let mut items: Vec<Item> = Vec::with_capacity(rows.len());
    for row in rows {
        let found = silent(&row).map(|m| (m, reason(m)));
        let Some((m, key, size)) = found.and_then(|(m, key)| sizes.get(&key).map(|size| (m, key, *size))) else {
            items.push(Item::Row(row));
            continue;
        };
        if let Some(Item::Silence(fold)) = at.get(&key).and_then(|at| items.get_mut(*at)) {
            fold.since = fold.since.min(m.since);
            continue;
        }
        let loaded = i64::try_from(size).unwrap_or(i64::MAX);
        at.insert(key, items.len());
        items.push(Item::Silence(Silence {
            headline: m.headline.clone(),
            evidence: m.evidence.clone(),
            next_step: m.next_step.clone(),
            since: m.since,
            loaded,
            cut,
        }));
    }
    items
}

fn silent(row: &Row) -> Option<&Mismatch> {
    match row {
        Row::Mismatch(m) if m.class == Class::IncompleteEvidence => Some(m),
        _ => None,
    }
}

fn reason(m: &Mismatch) -> (Text, Text) {
    (m.headline.clone(), m.evidence.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Severity, Verdict};

    fn row(class: Class, id: usize, evidence: &str) -> Row {
        Row::Mismatch(Box::new(Mismatch {
            id: Text::new(format!("{class}:{id}")),
            class,
            severity: Severity::Warning,
            verdict: Verdict::Unknown,
            customer: Some(Text::new(id.to_string())),
            name: None,
            email: None,
            since: Time::from_ms(1_000_000 - i64::try_from(id).unwrap()),
            systems: BTreeMap::new(),
            money: None,
            headline: "cannot tell".into(),
            evidence: evidence.into(),
            explanation: Text::default(),
            next_step: Text::default(),
            intent: None,
            settles_at: None,
            rank: 0,
        }))
    }

    fn who(items: &[Item]) -> Vec<String> {
        let ctx = crate::present::Ctx::plain(Time::from_ms(2_000_000));
        items.iter().map(|item| item.who(&ctx)).collect()
    }

    #[test]
    fn each_silent_source_is_one_row_since_the_oldest() {
        let mut rows = vec![row(Class::PaidBlocked, 1, "HubSpot is silent")];
        rows.extend((10..14).map(|id| row(Class::IncompleteEvidence, id, "HubSpot is silent")));
        rows.extend((20..26).map(|id| row(Class::IncompleteEvidence, id, "Zendesk is silent")));
        rows.push(row(Class::PaidBlocked, 2, "HubSpot is silent"));
        let items = fold(rows, false);
        assert_eq!(who(&items), ["1", "4 customers", "6 customers", "2"]);
        assert_eq!(items[1].value("since"), crate::domain::Value::Time(Time::from_ms(1_000_000 - 13)));
        assert_eq!(items.iter().map(Item::weight).sum::<i64>(), 12, "every row that was loaded counts");
    }

    #[test]
    fn few_rows_stay_as_they_are() {
        let rows = (0..3).map(|id| row(Class::IncompleteEvidence, id, "HubSpot is silent")).collect();
        assert_eq!(who(&fold(rows, false)), ["0", "1", "2"]);
    }

    #[test]
    fn what_was_not_all_loaded_says_so() {
        let rows = (0..4).map(|id| row(Class::IncompleteEvidence, id, "HubSpot is silent")).collect();
        assert_eq!(who(&fold(rows, true)), ["4+ customers"]);
    }
}
