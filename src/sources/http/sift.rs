//! Reads JSON and passes over named fields while reading.
//!
//! What must stay true: the value of such a field, however deep it stands, never becomes part of what is read.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The fields that are passed over.
#[derive(Clone, Copy)]
pub(super) struct Sift(pub(super) &'static [&'static str]);

impl Sift {
    /// Reads a whole text.
    pub(super) fn read(self, json: &[u8]) -> Result<Value, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let value = self.deserialize(&mut reader)?;
        reader.end()?;
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for Sift {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sift {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if self.0.contains(&name.as_str()) {
                fields.next_value::<IgnoredAny>()?;
            } else {
                object.insert(name, fields.next_value_seed(self)?);
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_but_the_named_fields_is_read_as_it_stands() {
        let text =
            br#"{"a": [1, -2, 2.5, "x\n", null, true, {"password": {"deep": "canary"}, "b": 18446744073709551615}],
            "password": "canary"}"#;
        let whole = Sift(&[]).read(text).unwrap();
        assert_eq!(whole, serde_json::from_slice::<Value>(text).unwrap());
        let sifted = Sift(&["password"]).read(text).unwrap();
        assert_eq!(sifted, json!({"a": [1, -2, 2.5, "x\n", null, true, {"b": u64::MAX}]}));
        for bad in [&b"{} x"[..], b"{\"a\":", b""] {
            assert!(Sift(&[]).read(bad).is_err());
        }
    }
}
