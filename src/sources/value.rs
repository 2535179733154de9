//! Reading foreign JSON: leniently, without panicking, and everything textual through [`Text`].
//!
//! What must stay true: a field of another type than expected is absent, never an error; ids may be numbers or text.

use serde_json::Value;

use crate::domain::{Text, Time};

/// The value at a path of keys separated by `/`; `null` is absent.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/').try_fold(value, |value, key| value.get(key)).filter(|v| !v.is_null())
}

/// Text that is not blank; a number or a boolean is written out.
pub(crate) fn text(value: &Value, path: &str) -> Option<Text> {
    plain(at(value, path)?).and_then(Text::non_empty)
}

/// As [`text`], raw: for cursors and ids that go back to the provider.
pub(crate) fn raw(value: &Value, path: &str) -> Option<String> {
    plain(at(value, path)?).filter(|s| !s.is_empty())
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

/// A whole number, also when written as text.
pub(crate) fn int(value: &Value, path: &str) -> Option<i64> {
    match at(value, path)? {
        Value::Number(n) => n.as_i64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
}

/// Whether it is `true`.
pub(crate) fn yes(value: &Value, path: &str) -> bool {
    at(value, path).and_then(Value::as_bool).unwrap_or(false)
}

/// Seconds since 1970.
pub(crate) fn secs(value: &Value, path: &str) -> Option<Time> {
    int(value, path).map(Time::from_secs)
}

/// A moment as RFC 3339 text, or as milliseconds since 1970 (HubSpot writes both).
pub(crate) fn moment(value: &Value, path: &str) -> Option<Time> {
    match at(value, path)? {
        Value::String(s) => Time::parse(s).or_else(|| s.parse().ok().map(Time::from_ms)),
        Value::Number(n) => n.as_i64().map(Time::from_ms),
        _ => None,
    }
}

/// A list; empty when absent or of another type.
pub(crate) fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrong_types_are_absent_and_ids_may_be_numbers() {
        let v = json!({"id": 35436, "a": {"b": " x "}, "n": null, "blank": " ", "t": 1700000000, "s": "12", "l": 3});
        assert_eq!(text(&v, "id"), Some(Text::new("35436")));
        assert_eq!(text(&v, "a/b"), Some(Text::new("x")));
        assert_eq!((text(&v, "n"), text(&v, "blank"), text(&v, "a")), (None, None, None));
        assert_eq!(secs(&v, "t"), Some(Time::from_secs(1_700_000_000)));
        assert_eq!(int(&v, "s"), Some(12));
        assert!(list(&v, "l").is_empty() && !yes(&v, "l"));
        assert_eq!(moment(&json!({"d": "2023-11-14T22:13:20.5Z"}), "d"), Some(Time::from_ms(1_700_000_000_500)));
        assert_eq!(moment(&json!({"d": "1700000000500"}), "d"), Some(Time::from_ms(1_700_000_000_500)));
    }
}
