//! What CRMs whose fields are the operator's own have in common: finding a field by its name, the state that a tag or
//! a deal stands for, and amounts written as decimals.
//!
//! What must stay true: an amount that cannot be told exactly is absent; an unknown status needs a person; a field
//! that was asked for by name and does not exist is said, with the names that come near it.

use serde_json::Value;

use super::Cause;
use super::http::Failure;
use super::value::at;
use crate::domain::{Money, Problem, Record, State, System, Text};

/// The field in which an operator may keep the canonical state itself, and the tag that may stand for it.
pub(crate) const STATE_FIELD: &str = "trueup_state";
const STATE_TAG: &str = "state:";

/// Where the portal's id is kept.
#[derive(Clone, Debug)]
pub(crate) struct LinkField {
    /// The field's name, as a person sees it.
    pub(crate) name: String,
    /// The profile names it: it must exist.
    pub(crate) named: bool,
}

/// One field of the operator's.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    /// What a person calls it.
    pub(crate) name: &'a str,
    /// Under which its values stand in answers.
    pub(crate) key: &'a str,
}

impl LinkField {
    /// The key of the field; `None` when it does not exist and nobody asked for it.
    pub(crate) fn key(&self, system: System, fields: &[Field<'_>]) -> Result<Option<String>, Failure> {
        match find(&self.name, fields).as_slice() {
            [one] => Ok(Some((*one).to_owned())),
            [] if !self.named => Ok(None),
            [] => Err(self.wrong(system, "does not exist", near(&self.name, fields))),
            several => Err(self.wrong(system, "is the name of several", several.iter().map(|k| quoted(k)).collect())),
        }
    }

    fn wrong(&self, system: System, what: &str, others: Vec<String>) -> Failure {
        let title = system.title();
        let problem = Problem::usage(format!("the field \"{}\" {what} in {title}", self.name));
        let hint = match (what, others.is_empty()) {
            ("does not exist", true) => format!("make the field in {title}, or correct `link_field`"),
            ("does not exist", false) => format!("{title} has {}; correct `link_field`", others.join(", ")),
            _ => format!("set `link_field` to the key of one of them: {}", others.join(", ")),
        };
        Failure::new(Cause::Settings, problem.at(format!("sources.{system}.link_field")).hint(hint))
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", Text::new(name))
}

/// Keys of the fields with this name (or, given a key, that one).
pub(crate) fn find<'a>(name: &str, fields: &[Field<'a>]) -> Vec<&'a str> {
    let wanted = name.trim().to_lowercase();
    let named = |f: &&Field<'a>| f.name.trim().to_lowercase() == wanted || f.key == name.trim();
    let mut keys: Vec<&str> = fields.iter().filter(named).map(|f| f.key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The names that look most like the one that was asked for, or the first ones when none does.
fn near(name: &str, fields: &[Field<'_>]) -> Vec<String> {
    let pairs = |text: &str| {
        let plain: Vec<char> = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).take(60).collect();
        plain.windows(2).map(<[char]>::to_vec).collect::<Vec<_>>()
    };
    let wanted = pairs(name);
    let alike = |other: &str| pairs(other).iter().filter(|pair| wanted.contains(pair)).count() * 2 >= wanted.len();
    let mut found: Vec<&str> = fields.iter().map(|f| f.name).filter(|other| alike(other)).collect();
    if found.is_empty() {
        found = fields.iter().map(|f| f.name).collect();
    }
    found.iter().take(3).map(|name| quoted(name)).collect()
}

/// What a deal's status says of the customer; unknown words need a person.
pub(crate) fn deal_state(status: &str) -> Option<State> {
    match status {
        "won" => Some(State::Active),
        "open" => Some(State::Trial),
        "lost" | "abandoned" => Some(State::Canceled),
        "deleted" => None,
        _ => Some(State::NeedsReview),
    }
}

/// Notes the tags, lower case, each once, and the state: the operator's own field first, then a tag `state:*`.
pub(crate) fn describe<'a>(record: &mut Record, own: Option<&str>, tags: impl Iterator<Item = &'a str>) {
    for tag in tags.filter_map(|tag| Text::non_empty(tag.trim().to_lowercase())) {
        if !record.tags.contains(&tag) {
            record.tags.push(tag);
        }
    }
    let tagged = record.tags.iter().filter_map(|tag| tag.as_str().strip_prefix(STATE_TAG));
    let words = own.into_iter().chain(tagged).map(|word| word.trim().to_lowercase());
    let said: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    // Two words that contradict each other, or one that nobody knows, are for a person to read.
    let Some(word) = said.first() else { return };
    let clear = own.is_some_and(|own| !own.trim().is_empty()) || said.iter().all(|other| other == word);
    record.state = Some(State::parse(word).filter(|_| clear).unwrap_or(State::NeedsReview));
    record.word = Some(Text::new(word));
}

/// A decimal amount ("49.90", also as a number) in the currency's minor unit; `None` when it is not exact.
pub(crate) fn money(object: &Value, amount: &str, currency: &str) -> Option<Money> {
    let currency = Text::non_empty(at(object, currency)?.as_str()?.trim().to_lowercase())?;
    let mut money = Money { amount: 0, currency, per: None };
    let text = match at(object, amount)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    money.amount = minor(&text, money.decimals())?;
    Some(money)
}

fn minor(text: &str, decimals: u32) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = part.trim_end_matches('0');
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) || part.len() > decimals as usize {
        return None;
    }
    let scale = 10_i64.checked_pow(decimals)?;
    let rest = 10_i64.checked_pow(decimals.checked_sub(u32::try_from(part.len()).ok()?)?)?;
    let part: i64 = if part.is_empty() { 0 } else { part.parse().ok()? };
    let amount = whole.parse::<i64>().ok()?.checked_mul(scale)?.checked_add(part.checked_mul(rest)?)?;
    Some(if negative { -amount } else { amount })
}

/// The first text in a list of values, or the value itself when it is one.
pub(crate) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|t| !t.trim().is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(all) => all.first().and_then(plain),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{Kind, Time};

    #[test]
    fn amounts_are_exact_or_absent() {
        for (value, currency, expected) in [
            (json!(49), "USD", Some(4900)),
            (json!(49.9), "usd", Some(4990)),
            (json!("0.1"), "eur", Some(10)),
            (json!("1234.500"), "EUR", Some(123_450)),
            (json!(-5.25), "gbp", Some(-525)),
            (json!(980), "JPY", Some(980)),
            (json!(980.5), "jpy", None),
            (json!("1.234"), "kwd", Some(1234)),
            (json!(0.125), "usd", None),
            (json!(1e21), "usd", None),
            (json!("12,50"), "eur", None),
            (json!("9223372036854775807"), "usd", None),
            (json!(null), "usd", None),
            (json!([1]), "usd", None),
        ] {
            let object = json!({"value": value, "currency": currency});
            assert_eq!(money(&object, "value", "currency").map(|m| m.amount), expected, "{object}");
        }
        assert_eq!(money(&json!({"value": 1, "currency": null}), "value", "currency"), None);
    }

    #[test]
    fn a_status_means_what_the_sheet_says() {
        for (status, expected) in [
            ("won", Some(State::Active)),
            ("open", Some(State::Trial)),
            ("lost", Some(State::Canceled)),
            ("abandoned", Some(State::Canceled)),
            ("deleted", None),
            ("paused_by_ai", Some(State::NeedsReview)),
        ] {
            assert_eq!(deal_state(status), expected, "{status}");
        }
    }

    #[test]
    fn the_own_field_goes_before_tags_and_doubt_before_a_guess() {
        for (own, tags, expected) in [
            (Some("Active"), &["state:canceled"][..], Some(State::Active)),
            (None, &["VIP", " State:Past_Due "], Some(State::PastDue)),
            (Some(" "), &["state:trial"], Some(State::Trial)),
            (None, &["state:trial", "state:active"], Some(State::NeedsReview)),
            (Some("whatever"), &[], Some(State::NeedsReview)),
            (None, &["newsletter"], None),
        ] {
            let mut record = Record::new(System::Gohighlevel, Kind::Person, "c1", Time::from_ms(0));
            describe(&mut record, own, tags.iter().copied());
            assert_eq!(record.state, expected, "{own:?} {tags:?}");
            assert_eq!(record.tags.len(), tags.len());
        }
    }

    #[test]
    fn a_field_is_found_by_its_name_and_a_missing_one_names_its_neighbours() {
        let field = |name, key| Field { name, key };
        let fields = [field("Portal ID", "k1"), field("Birthday", "k2"), field("Twice", "k3"), field("twice", "k4")];
        let link = |name: &str, named| LinkField { name: name.to_owned(), named };
        let key = |name, named| link(name, named).key(System::Pipedrive, &fields);
        assert_eq!(key(" portal id ", true).unwrap().as_deref(), Some("k1"));
        assert_eq!(key("k2", true).unwrap().as_deref(), Some("k2"));
        assert_eq!(key("Customer number", false).unwrap(), None);
        for (name, words) in
            [("Portal Idd", "\"Portal ID\""), ("Customer number", "\"Birthday\""), ("Twice", "is the name of several")]
        {
            let failure = key(name, true).unwrap_err();
            let text = failure.error.problem.to_string();
            assert_eq!(failure.error.cause, Cause::Settings);
            assert!(text.contains(words) && text.contains("link_field"), "{text}");
        }
    }
}
