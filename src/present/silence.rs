//! While a source is silent every customer has a row that says so: many of the same evidence are shown as one.
//!
//! What must stay true: nothing but `incomplete_evidence` is folded, few rows never are, and a number that is not
//! known to be all of them is never shown as if it were.

use std::collections::{BTreeMap, BTreeSet};

use super::format;
use super::item::Item;
use crate::domain::{Class, Mismatch, Row, Text, Time};

/// Up to so many rows stay as they are.
const FEW: i64 = 3;

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

/// What cannot be told, by reason: counted row by row, so that nobody needs all rows at once.
#[derive(Clone, Debug, Default)]
pub struct Silences(BTreeMap<(Text, Text), Silence>);

impl Silences {
    /// Counts a row, if it says that something cannot be told.
    pub fn count(&mut self, row: &Row) {
        let Some(m) = silent(row) else { return };
        let fold = self.0.entry(reason(m)).or_insert_with(|| Silence {
            headline: m.headline.clone(),
            evidence: m.evidence.clone(),
            next_step: m.next_step.clone(),
            since: m.since,
            loaded: 0,
            cut: false,
        });
        fold.loaded += 1;
        fold.since = fold.since.min(m.since);
    }

    /// The fold that stands for this row, unless it is one of few.
    pub fn of(&self, row: &Row) -> Option<&Silence> {
        silent(row).and_then(|m| self.0.get(&reason(m))).filter(|fold| fold.loaded > FEW)
    }
}

/// Folds what cannot be told for one reason; the fold stands where its first row stood. `cut` says that there are more
/// rows than these.
pub fn fold(rows: Vec<Row>, cut: bool) -> Vec<Item> {
    let mut silences = Silences::default();
    rows.iter().for_each(|row| silences.count(row));
    let mut said = BTreeSet::new();
    let items = rows.into_iter().filter_map(|row| match silences.of(&row) {
        None => Some(Item::Row(row)),
        Some(fold) => {
            let first = said.insert((fold.headline.clone(), fold.evidence.clone()));
            first.then(|| Item::Silence(Silence { cut, ..fold.clone() }))
        }
    });
    items.collect()
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
