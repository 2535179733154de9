//! What names and values tell: names cut into words, and the shapes that values have.

use crate::domain::{State, Time};

/// Words of a subscription's status and the state that each stands for; `None` needs a person.
/// The flag says that the word is hardly used for anything but subscriptions.
pub(super) const STATUS: &[(&str, Option<State>, bool)] = &[
    ("trial", Some(State::Trial), true),
    ("trialing", Some(State::Trial), true),
    ("trialling", Some(State::Trial), true),
    ("in_trial", Some(State::Trial), true),
    ("on_trial", Some(State::Trial), true),
    ("active", Some(State::Active), false),
    ("paid", Some(State::Active), false),
    ("subscribed", Some(State::Active), true),
    ("live", Some(State::Active), false),
    ("enabled", Some(State::Active), false),
    ("lifetime", Some(State::Active), true),
    ("past_due", Some(State::PastDue), true),
    ("past-due", Some(State::PastDue), true),
    ("pastdue", Some(State::PastDue), true),
    ("unpaid", Some(State::PastDue), true),
    ("overdue", Some(State::PastDue), false),
    ("delinquent", Some(State::PastDue), true),
    ("grace", Some(State::PastDue), true),
    ("grace_period", Some(State::PastDue), true),
    ("payment_failed", Some(State::PastDue), true),
    ("canceled", Some(State::Canceled), true),
    ("cancelled", Some(State::Canceled), true),
    ("expired", Some(State::Canceled), false),
    ("ended", Some(State::Canceled), false),
    ("deleted", Some(State::Canceled), false),
    ("incomplete_expired", Some(State::Canceled), true),
    ("churned", Some(State::Canceled), true),
    ("terminated", Some(State::Canceled), false),
    ("inactive", Some(State::Canceled), false),
    ("disabled", Some(State::Canceled), false),
    ("closed", Some(State::Canceled), false),
    ("incomplete", None, true),
    ("paused", None, false),
    ("suspended", None, false),
    ("pending", None, false),
    ("free", None, true),
    ("none", None, false),
    ("new", None, false),
];

/// A status word's entry.
pub(super) fn status(word: &str) -> Option<&'static (&'static str, Option<State>, bool)> {
    let word = word.trim().to_lowercase();
    STATUS.iter().find(|(known, ..)| *known == word)
}

/// A name's words, lower case: `stripeCustomerID` is stripe, customer, id. The last one loses a plural's ending.
pub(super) fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut out: Vec<String> = vec![String::new()];
    for (i, c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            out.push(String::new());
            continue;
        }
        let after_small = i > 0 && chars[i - 1].is_lowercase();
        let before_small = i > 0 && chars[i - 1].is_uppercase() && chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_small || before_small) {
            out.push(String::new());
        }
        if let Some(word) = out.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    out.retain(|word| !word.is_empty());
    if let Some(last) = out.last_mut() {
        *last = singular(last);
    }
    out
}

fn singular(word: &str) -> String {
    match word {
        "people" => "person".to_owned(),
        _ if word.ends_with("ies") && word.len() > 4 => format!("{}y", &word[..word.len() - 3]),
        _ if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") || word.len() < 4 => word.to_owned(),
        _ => word.strip_suffix('s').unwrap_or(word).to_owned(),
    }
}

/// Whether a value looks like an e-mail address.
pub(super) fn is_email(value: &str) -> bool {
    let Some((local, host)) = value.split_once('@') else { return false };
    !local.is_empty() && host.contains('.') && !host.contains('@') && !value.contains(char::is_whitespace)
}

/// Whether a value is a billing customer's id (Stripe `cus_`, Paddle `ctm_`).
pub(super) fn is_billing_customer(value: &str) -> bool {
    has_prefix(value, &["cus_", "ctm_"])
}

/// Whether a value is a plan's id in billing.
pub(super) fn is_price(value: &str) -> bool {
    has_prefix(value, &["price_", "prod_", "plan_", "pri_", "pro_"])
}

/// Whether a value is an event's id in billing.
pub(super) fn is_event(value: &str) -> bool {
    has_prefix(value, &["evt_", "ntf_"])
}

/// Whether a value can be read as a moment.
pub(super) fn is_time(value: &str) -> bool {
    Time::parse(value).is_some() || value.parse::<f64>().is_ok_and(|n| (1e9..1e14).contains(&n))
}

fn has_prefix(value: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| {
        value
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.len() >= 3 && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_into_words_however_they_are_written() {
        assert_eq!(words("stripeCustomerID"), ["stripe", "customer", "id"]);
        assert_eq!(words("stripe_customer_id"), ["stripe", "customer", "id"]);
        assert_eq!(words("HTTPStatus"), ["http", "status"]);
        assert_eq!(words("companies"), ["company"]);
        assert_eq!(words("user_addresses"), ["user", "addresse"]);
        assert_eq!(words("status"), ["status"]);
    }

    #[test]
    fn values_are_known_by_their_shape() {
        assert!(is_email("a@b.co") && !is_email("a@b") && !is_email("@b.co") && !is_email("see a@b.co"));
        assert!(is_billing_customer("cus_Nf3x") && !is_billing_customer("customs_1") && !is_billing_customer("cus_"));
        assert!(is_time("2024-01-01") && is_time("1700000000") && !is_time("42"));
    }
}
