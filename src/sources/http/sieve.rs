//! Reads JSON without certain fields.
//!
//! What must stay true: the value of a field that is passed over is never built, at any depth of the answer; everything
//! else is read as it stands.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a whole text.
pub(super) fn read(body: &[u8], dropped: &[&str]) -> Result<Value, serde_json::Error> {
    if dropped.is_empty() {
        return serde_json::from_slice(body);
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Sieve(dropped).deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Sieve<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Sieve<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sieve<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = list.next_element_seed(self)? {
            rows.push(row);
        }
        Ok(Value::Array(rows))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if self.0.contains(&name.as_str()) {
                fields.next_value::<IgnoredAny>()?;
            } else {
                map.insert(name, fields.next_value_seed(self)?);
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_passed_over_at_any_depth_and_the_rest_is_as_it_stands() {
        let text = json!({"id": "p", "n": -3, "f": 1.5, "yes": true, "none": null, "env": [{"value": "canary"}],
            "rows": [{"deep": {"env": {"A": "canary"}, "kept": [1, "x"]}}]});
        let read = read(text.to_string().as_bytes(), &["env"]).unwrap();
        assert_eq!(
            read,
            json!({"id": "p", "n": -3, "f": 1.5, "yes": true, "none": null, "rows": [{"deep": {"kept": [1, "x"]}}]})
        );
    }

    #[test]
    fn what_is_no_json_is_refused_as_before() {
        for bad in ["{\"a\":1} x", "{\"a\"", "nope", "{\"env\":[1,}"] {
            assert!(read(bad.as_bytes(), &["env"]).is_err(), "{bad}");
        }
        let deep = "[".repeat(100_000);
        assert!(read(deep.as_bytes(), &["env"]).is_err());
    }
}
