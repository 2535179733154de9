//! Reads JSON without ever taking in certain fields: providers put secrets into lists that we need for other reasons.
//!
//! What must stay true: the value of such a field is passed over while reading, at any depth; it never becomes a value
//! of this program, so nothing can log, store or record it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads a whole document, passing over the fields of these names.
///
/// # Errors
/// What [`serde_json::from_slice`] complains about.
pub(super) fn read(body: &[u8], without: &'static [&'static str]) -> serde_json::Result<Value> {
    if without.is_empty() {
        return serde_json::from_slice(body);
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Lean(without).deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Lean(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Lean {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Lean {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = from.next_element_seed(self)? {
            rows.push(row);
        }
        Ok(Value::Array(rows))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = from.next_key::<String>()? {
            if self.0.contains(&name.as_str()) {
                from.next_value::<IgnoredAny>()?;
            } else {
                fields.insert(name, from.next_value_seed(self)?);
            }
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_passed_over_at_any_depth_and_the_rest_is_as_it_was() {
        let text =
            r#"{"a":[1,-2,2.5,true,null,"x\u0041",{"key":"canary","b":{"key":{"c":["canary"]},"d":1}}],"key":[]}"#;
        let lean = read(text.as_bytes(), &["key"]).unwrap();
        assert_eq!(lean, serde_json::json!({"a": [1, -2, 2.5, true, null, "xA", {"b": {"d": 1}}]}));
        let plain = read(text.as_bytes(), &[]).unwrap();
        assert_eq!(plain, read(text.as_bytes(), &["other"]).unwrap());
        assert_eq!(plain, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn what_is_cut_deep_or_followed_by_more_is_an_error() {
        for bad in ["{\"a\":[1,", "{\"key\":\"can", "{} {}", "nope"] {
            assert!(read(bad.as_bytes(), &["key"]).is_err(), "{bad}");
        }
        assert!(read(b"{\"key\":\"can", &["key"]).unwrap_err().is_eof());
        assert!(read("[".repeat(100_000).as_bytes(), &["key"]).is_err());
    }
}
