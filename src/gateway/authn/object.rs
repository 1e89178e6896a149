//! Parses JSON that decides something: one object, no duplicate names at any depth, nothing after it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A value in which no object has duplicate names. `serde_json` alone silently uses the last one, so two readers
/// of one text can see different values.
struct StrictValue(Value);

/// Makes a [`StrictValue`].
struct StrictVisitor;

/// The members of the one object in `text`, without those that are `null`: they count as absent. `None` if the text
/// is anything else.
pub(in crate::gateway) fn read(text: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(text) {
        Ok(StrictValue(Value::Object(mut members))) => {
            members.retain(|_, value| !value.is_null());
            Some(members)
        }
        _ => None,
    }
}

/// The members of an object that was written out; none of anything else.
pub(in crate::gateway) fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

impl<'de> Deserialize<'de> for StrictValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(StrictValue)
    }
}

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate names")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(StrictValue(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((name, StrictValue(value))) = members.next_entry::<String, StrictValue>()? {
            if all.insert(name, value).is_some() {
                return Err(A::Error::custom("a name occurs twice"));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn only_one_object_without_twins_is_read() {
        let good = [
            "{}",
            r#" {"alg":"RS256","typ" : "JWT"} "#,
            r#"{"a":[{"b":1},{"b":2}],"b":{"c":null},"c":-1,"d":1.5,"e":true,"f":18446744073709551615}"#,
            r#"{"a":1,"A":2}"#,
        ];
        for text in good {
            assert_eq!(read(text.as_bytes()).map(Value::Object), serde_json::from_str(text).ok(), "{text}");
        }
        for text in [r#"{"a":null}"#, r#"{"a":null,"b":null}"#] {
            assert_eq!(read(text.as_bytes()), Some(serde_json::Map::new()), "{text}");
        }
        let bad = [
            "",
            r#"{"a":null,"a":1}"#,
            r#"{"a":1,"a":null}"#,
            "[]",
            r#"["RS256"]"#,
            "null",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            "{} {}",
            "{}x",
            r#"{"a":1,}"#,
            "{'a':1}",
            "\u{feff}{}",
            r#"{"a":"\ud800"}"#,
            r#"{"a":1e999}"#,
        ];
        for text in bad {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(b"{\"a\":\"\xff\"}"), None);
        assert_eq!(read(format!("{}{}", r#"{"a":"#.repeat(200), "}".repeat(200)).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(members) = read(&bytes) {
                let mut expected: serde_json::Map<String, Value> = serde_json::from_slice(&bytes).unwrap();
                expected.retain(|_, value| !value.is_null());
                prop_assert_eq!(members, expected);
            }
        }
    }
}
