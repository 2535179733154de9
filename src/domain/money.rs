//! Money in a currency's minor unit, and the one way in which it is written. No floating point, no conversion between
//! currencies.
//!
//! What must stay true: what is written is exact, and two amounts that differ are never written alike.

use std::fmt;

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

    /// The same in a sentence: ` a month`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Day => " a day",
            Self::Week => " a week",
            Self::Month => " a month",
            Self::Year => " a year",
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

    /// Digits after the point for this currency (ISO 4217, list one). A provider that counts in other units is
    /// converted where its answers are read.
    pub fn decimals(&self) -> u32 {
        match self.currency.as_str() {
            "bif" | "clp" | "djf" | "gnf" | "isk" | "jpy" | "kmf" | "krw" | "pyg" | "rwf" | "ugx" | "uyi" | "vnd"
            | "vuv" | "xaf" | "xof" | "xpf" => 0,
            "bhd" | "iqd" | "jod" | "kwd" | "lyd" | "omr" | "tnd" => 3,
            "clf" | "uyw" => 4,
            _ => 2,
        }
    }

    /// The amount alone: `$1,240.50`, `-¥300`, `1.250 KWD`; decimals only where they say something.
    pub fn bare(&self) -> String {
        let unit = 10_u64.pow(self.decimals());
        let (whole, part) = (self.amount.unsigned_abs() / unit, self.amount.unsigned_abs() % unit);
        let digits = thousands(whole);
        if part == 0 {
            return self.around(&digits);
        }
        self.around(&format!("{digits}.{part:0width$}", width = self.decimals() as usize))
    }

    /// In a sentence: `$49 a month`.
    pub fn in_words(&self) -> String {
        format!("{}{}", self.bare(), self.per.map_or("", Per::words))
    }

    /// The amount alone in so many cells, rounded towards zero as far as it must be: without decimals, then in thousands
    /// or more: `€1,240`, `¥22k`, `3M SEK`. `None` when even that is too wide.
    pub fn squeezed(&self, width: usize) -> Option<String> {
        let units = self.amount.unsigned_abs() / 10_u64.pow(self.decimals());
        let steps = [(1, ""), (1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G"), (1_000_000_000_000, "T")];
        let short = |(size, unit): (u64, &str)| self.around(&format!("{}{unit}", thousands(units / size)));
        [self.bare()].into_iter().chain(steps.into_iter().map(short)).find(|text| text.chars().count() <= width)
    }

    /// Sign and currency around digits.
    fn around(&self, digits: &str) -> String {
        let minus = if self.amount < 0 { "-" } else { "" };
        match self.currency.as_str() {
            "usd" => format!("{minus}${digits}"),
            "eur" => format!("{minus}€{digits}"),
            "gbp" => format!("{minus}£{digits}"),
            "jpy" => format!("{minus}¥{digits}"),
            "" => format!("{minus}{digits}"),
            other => format!("{minus}{digits} {}", other.to_uppercase()),
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

/// In short: `$49/mo`, `€1,204.50/yr`, `500 SEK`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.bare(), self.per.map_or("", Per::suffix))
    }
}

/// A number with its thousands apart: `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(amount: i64, currency: &str, per: Option<Per>) -> Money {
        Money { amount, currency: currency.into(), per }
    }

    #[test]
    fn money_reads_as_people_write_it() {
        for (amount, currency, per, short, words) in [
            (4900, "usd", Some(Per::Month), "$49/mo", "$49 a month"),
            (124_050, "eur", Some(Per::Year), "€1,240.50/yr", "€1,240.50 a year"),
            (1_234_567, "jpy", Some(Per::Week), "¥1,234,567/wk", "¥1,234,567 a week"),
            (-50, "usd", None, "-$0.50", "-$0.50"),
            (5, "gbp", Some(Per::Day), "£0.05/day", "£0.05 a day"),
            (98_000, "sek", None, "980 SEK", "980 SEK"),
            (1250, "kwd", None, "1.250 KWD", "1.250 KWD"),
            (5, "isk", None, "5 ISK", "5 ISK"),
            (700, "mga", None, "7 MGA", "7 MGA"),
        ] {
            let money = money(amount, currency, per);
            assert_eq!((money.to_string().as_str(), money.in_words().as_str()), (short, words));
        }
        let least = money(i64::MIN, "usd", None);
        assert_eq!(least.to_string(), "-$92,233,720,368,547,758.08");
    }

    fn any_money() -> impl Strategy<Value = Money> {
        let currencies = ["usd", "eur", "gbp", "jpy", "sek", "kwd", "krw", "clf", ""];
        let pers = [None, Some(Per::Day), Some(Per::Week), Some(Per::Month), Some(Per::Year)];
        let amount = prop_oneof![any::<i64>(), -2_000_000..2_000_000_i64];
        (amount, prop::sample::select(currencies.to_vec()), prop::sample::select(pers.to_vec()))
            .prop_map(|(amount, currency, per)| money(amount, currency, per))
    }

    /// Reads back what was written, by nothing but the digits, the point and the sign.
    fn read(text: &str, decimals: u32) -> Option<i128> {
        let number: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
        let (whole, part) = number.split_once('.').unwrap_or((&number, ""));
        let part = if part.is_empty() { "0".repeat(decimals as usize) } else { part.to_owned() };
        let all: i128 = (part.len() == decimals as usize).then(|| format!("{whole}{part}").parse().ok())??;
        Some(if text.starts_with('-') { -all } else { all })
    }

    proptest! {
        #[test]
        fn what_is_written_is_exact_and_grouped(money in any_money()) {
            let text = money.bare();
            prop_assert_eq!(read(&text, money.decimals()), Some(i128::from(money.amount)), "{}", text);
            let digits: String = text.chars().filter(|c| c.is_ascii_digit() || ",.".contains(*c)).collect();
            let groups: Vec<&str> = digits.split('.').next().unwrap().split(',').collect();
            prop_assert!((1..=3).contains(&groups[0].len()) && groups[1..].iter().all(|g| g.len() == 3), "{}", text);
            prop_assert!(groups.len() == 1 || !groups[0].starts_with('0'), "{}", text);
        }

        #[test]
        fn what_differs_is_never_written_alike(a in any_money(), b in any_money()) {
            prop_assert_eq!(a == b, a.to_string() == b.to_string());
            prop_assert_eq!(a == b, a.in_words() == b.in_words());
        }

        #[test]
        fn what_is_squeezed_fits_and_is_never_more_than_it_is(money in any_money(), width in 0_usize..30) {
            if let Some(text) = money.squeezed(width) {
                prop_assert!(text.chars().count() <= width);
                let size = [('k', 3), ('M', 6), ('G', 9), ('T', 12)];
                let number = text.split(' ').next().unwrap();
                let zeros = size.iter().find(|(unit, _)| number.ends_with(*unit));
                let said = read(&text, if text.contains('.') { money.decimals() } else { 0 }).unwrap().abs();
                let unit = if text.contains('.') { 1 } else { 10_i128.pow(money.decimals()) };
                let said = said * unit * 10_i128.pow(zeros.map_or(0, |(_, zeros)| *zeros));
                prop_assert!(said <= i128::from(money.amount.unsigned_abs()), "{}", text);
            }
        }
    }
}
