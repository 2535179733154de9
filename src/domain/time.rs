//! Instants: UTC, kept to the millisecond. Nothing here reads a clock; `now` is always an argument.

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Serialize};

/// A moment in UTC, millisecond precision. In JSON it is RFC 3339 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(DateTime<Utc>);

impl Time {
    /// From milliseconds since 1970; out-of-range values clamp to the range that RFC 3339 can show.
    pub fn from_ms(ms: i64) -> Self {
        let ms = ms.clamp(-62_135_596_800_000, 253_402_300_799_999);
        Self(Utc.timestamp_millis_opt(ms).single().unwrap_or_default())
    }

    /// From whole seconds since 1970 (Stripe's form).
    pub fn from_secs(secs: i64) -> Self {
        Self::from_ms(secs.saturating_mul(1000))
    }

    /// From RFC 3339 text, or from the `YYYY-MM-DD HH:MM:SS` form that databases print (taken as UTC).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Some(Self::from_ms(at.timestamp_millis()));
        }
        for form in ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"] {
            if let Ok(at) = DateTime::parse_from_str(text, form) {
                return Some(Self::from_ms(at.timestamp_millis()));
            }
        }
        for form in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"] {
            if let Ok(at) = chrono::NaiveDateTime::parse_from_str(text, form) {
                return Some(Self::from_ms(at.and_utc().timestamp_millis()));
            }
        }
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(Self::from_ms(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis()))
    }

    /// Milliseconds since 1970.
    pub fn ms(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Whole seconds since 1970.
    pub fn secs(self) -> i64 {
        self.0.timestamp()
    }

    /// This moment plus milliseconds (which may be negative).
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.ms().saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative when it is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.ms() - earlier.ms()
    }

    /// RFC 3339 in UTC, whole seconds unless there are milliseconds.
    pub fn rfc3339(self) -> String {
        let form = if self.ms() % 1000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        self.0.to_rfc3339_opts(form, true)
    }

    /// The calendar and clock fields, for formatting.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.rfc3339())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a time")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_databases_and_providers_print_are_read() {
        let at = Time::from_secs(1_700_000_000);
        for text in
            ["2023-11-14T22:13:20Z", "2023-11-14 22:13:20", "2023-11-14 22:13:20+00", "2023-11-14T23:13:20+01:00"]
        {
            assert_eq!(Time::parse(text), Some(at), "{text}");
        }
        assert_eq!(at.rfc3339(), "2023-11-14T22:13:20Z");
        assert_eq!(Time::parse("yesterday"), None);
    }
}
