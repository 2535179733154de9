//! Money in a currency's minor unit. No floating point, no conversion between currencies.

use serde::{Deserialize, Serialize};

use super::text::Text;
use super::words::words;

words! {
    /// How often an amount is due.
    Per {
        /// Every day.
        Day = "day",
        /// Every week.
        Week = "week",
        /// Every month.
        Month = "month",
        /// Every year.
        Year = "year",
    }
}

impl Per {
    /// What stands behind an amount that is due so often: `/mo`.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Day => "/day",
            Self::Week => "/wk",
            Self::Month => "/mo",
            Self::Year => "/yr",
        }
    }
}

/// An amount in the currency's minor unit: `{"amount": 4900, "currency": "usd", "per": "month"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: cents for dollars, whole yen for yen.
    pub amount: i64,
    /// ISO 4217 code, lower case.
    pub currency: Text,
    /// `None` for a single payment.
    #[serde(default)]
    pub per: Option<Per>,
}

impl Money {
    /// An amount that is due every month.
    pub fn monthly(amount: i64, currency: &str) -> Self {
        Self { amount, currency: Text::new(currency.to_lowercase()), per: Some(Per::Month) }
    }

    /// Digits after the point for this currency (ISO 4217; Stripe's zero-decimal list).
    pub fn decimals(&self) -> u32 {
        match self.currency.as_str() {
            "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf" | "ugx" | "vnd" | "vuv"
            | "xaf" | "xof" | "xpf" => 0,
            "bhd" | "iqd" | "jod" | "kwd" | "lyd" | "omr" | "tnd" => 3,
            _ => 2,
        }
    }

    /// What is at stake in a month, in minor units, rounded towards zero.
    pub fn per_month(&self) -> i64 {
        match self.per {
            None | Some(Per::Month) => self.amount,
            Some(Per::Day) => self.amount.saturating_mul(30),
            Some(Per::Week) => self.amount.saturating_mul(52) / 12,
            Some(Per::Year) => self.amount / 12,
        }
    }
}
