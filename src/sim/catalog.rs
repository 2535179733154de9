//! What Harbor & Pine sells: the price table.
//!
//! What must stay true: every price but the last, forgotten one is listed in the `[plans]` that the configuration
//! gives; order is part of the ids, so new rows go to the end.

/// A recurring price.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price {
    /// The portal's name of the plan; `None` for a price that nobody mapped.
    pub plan: Option<&'static str>,
    /// Billing's own short name.
    pub lookup_key: &'static str,
    /// Billing's name for people.
    pub nickname: &'static str,
    /// Number of the product that it belongs to.
    pub product: usize,
    /// `month` or `year`.
    pub interval: &'static str,
    /// ISO 4217, lower case.
    pub currency: &'static str,
    /// Minor units.
    pub amount: i64,
}

/// Products by number.
pub(super) const PRODUCTS: &[&str] = &["Harbor Starter", "Harbor Pro", "Harbor Team", "Quayside Classic"];

/// The portal's plan names with what each product number is.
pub(super) const PLANS: &[&str] = &["starter", "pro", "team"];

const fn price(
    product: usize,
    lookup_key: &'static str,
    nickname: &'static str,
    interval: &'static str,
    currency: &'static str,
    amount: i64,
) -> Price {
    let plan = if product < PLANS.len() { Some(PLANS[product]) } else { None };
    Price { plan, lookup_key, nickname, product, interval, currency, amount }
}

/// All prices; the number of a price is its place here.
#[rustfmt::skip]
pub(super) const PRICES: &[Price] = &[
    price(0, "starter_monthly",     "Starter, monthly",        "month", "usd", 1900),
    price(1, "pro_monthly",         "Pro, monthly",            "month", "usd", 4900),
    price(2, "team_monthly",        "Team, monthly",           "month", "usd", 14_900),
    price(0, "starter_monthly_eur", "Starter, monthly (EUR)",  "month", "eur", 1800),
    price(1, "pro_monthly_eur",     "Pro, monthly (EUR)",      "month", "eur", 4500),
    price(2, "team_monthly_eur",    "Team, monthly (EUR)",     "month", "eur", 13_900),
    price(0, "starter_monthly_gbp", "Starter, monthly (GBP)",  "month", "gbp", 1500),
    price(1, "pro_monthly_gbp",     "Pro, monthly (GBP)",      "month", "gbp", 3900),
    price(2, "team_monthly_gbp",    "Team, monthly (GBP)",     "month", "gbp", 11_900),
    price(0, "starter_monthly_jpy", "Starter, monthly (JPY)",  "month", "jpy", 2800),
    price(1, "pro_monthly_jpy",     "Pro, monthly (JPY)",      "month", "jpy", 7200),
    price(2, "team_monthly_jpy",    "Team, monthly (JPY)",     "month", "jpy", 22_000),
    price(1, "pro_yearly",          "Pro, yearly",             "year",  "usd", 49_000),
    price(2, "team_yearly",         "Team, yearly",            "year",  "usd", 149_000),
    price(3, "quayside_2021",       "Quayside Classic (2021)", "month", "usd", 3400),
];

/// The number of the price that nobody mapped.
pub(super) const FORGOTTEN: usize = PRICES.len() - 1;

/// The number of a plan's price in a currency; yearly ones exist in dollars only.
pub(super) fn find(plan: &str, currency: &str, yearly: bool) -> usize {
    let interval = if yearly && currency == "usd" { "year" } else { "month" };
    let fits = |p: &Price| p.plan == Some(plan) && p.currency == currency && p.interval == interval;
    PRICES.iter().position(fits).or_else(|| PRICES.iter().position(|p| p.plan == Some(plan))).unwrap_or(0)
}
