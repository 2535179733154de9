//! Somebody who pays and whom no portal customer claims: `paid_unknown`.
//!
//! Never linked by itself: an e-mail that anyone could have typed would hand over somebody else's account.

use crate::domain::{Kind, Record, System};
use crate::reconcile::finding::{Finding, Scales};
use crate::reconcile::words;

/// A live subscription without a portal customer. `person` is the payer in the billing system, as far as known.
pub(in crate::reconcile) fn paid_unknown<'a>(
    scales: &Scales<'a>,
    person: &'a Record,
    live: &[&'a Record],
    left: Option<&'a Record>,
) -> Option<Finding<'a>> {
    let sub = *live.first()?;
    let who = words::who(person);
    let title = sub.system.title();
    let price = sub.money.as_ref().map(|m| format!(" {}", m.in_words())).unwrap_or_default();
    let plan = words::for_plan(sub.plan.as_ref());
    let since = words::on(sub.created_at, scales.now).replacen(" on ", " since ", 1);
    let (fact, next) = match left {
        Some(gone) => (
            format!("their portal customer {} has been deleted", gone.id),
            format!("End the subscription {} in {title}, or restore the portal customer {}.", sub.id, gone.id),
        ),
        None => (
            "no portal customer is linked to them or has their e-mail".to_owned(),
            format!("Find out whose subscription {} is; never link it by e-mail alone.", sub.id),
        ),
    };
    let mut records = vec![sub, person];
    records.extend(left);
    let mut finding = Finding::new(records).text(
        format!("{title} {}, portal {}", words::said(sub), if left.is_some() { "deleted" } else { "nobody" }),
        format!("{who} pays{price}{plan} in {title}{since}, but {fact}."),
        next,
    );
    if left.is_none() {
        finding.absent = vec![(System::Portal, Kind::Person)];
    }
    finding.says = vec![
        (System::Portal, if left.is_some() { "deleted" } else { "nobody" }.to_owned()),
        (sub.system, words::raw(sub)),
    ];
    finding.money = super::plan::total(live).or_else(|| sub.money.clone());
    finding.wrong = vec![(sub.system, "id")];
    finding.sure = false;
    Some(finding)
}
