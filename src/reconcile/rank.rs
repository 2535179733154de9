//! The order of harm: one whole number per mismatch, smaller is worse.
//!
//! Made from the row alone, so that rows can be stored and ordered one by one. From the top bit down: verdict, then
//! severity, then payers who are locked out, then money at stake in a month, then age.
//!
//! | bits | what |
//! | ---: | --- |
//! | 2 | verdict: disagree, unknown, settling |
//! | 2 | severity, critical first |
//! | 1 | 0 for a payer who is locked out |
//! | 28 | money per month, inverted, in hundredths of the currency's unit |
//! | 30 | seconds from 2010 to `since`: older first |

use crate::domain::{Class, Mismatch, Money};

const MONEY_BITS: u32 = 28;
const AGE_BITS: u32 = 30;
/// 2010-01-01, in seconds: thirty bits reach to 2044.
const EPOCH: i64 = 1_262_304_000;

/// Position in the order of harm; smaller is worse. Never negative.
pub fn rank(row: &Mismatch) -> i64 {
    let verdict = (row.verdict as i64).min(3);
    let severity = 3 - (row.severity as i64).min(3);
    let free = i64::from(row.class != Class::PaidBlocked);
    let most = (1_i64 << MONEY_BITS) - 1;
    let money = most - row.money.as_ref().map_or(0, hundredths).clamp(0, most);
    let age = (row.since.secs() - EPOCH).clamp(0, (1 << AGE_BITS) - 1);
    let mut rank = verdict;
    for (value, bits) in [(severity, 2), (free, 1), (money, MONEY_BITS), (age, AGE_BITS)] {
        rank = (rank << bits) | value;
    }
    rank
}

/// Monthly amount in hundredths of the unit, so that yen and dollars are of one size.
fn hundredths(money: &Money) -> i64 {
    let month = money.per_month();
    match money.decimals() {
        0 => month.saturating_mul(100),
        3 => month / 10,
        _ => month,
    }
}
