//! Changes single members of a JSON object in a file, and nothing else of its text: what people wrote by hand, or another
//! program knows, stays as it is.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObjectProp, CstRootNode};
use serde_json::{Map, Value};

/// The text of an object with a member set, or removed.
///
/// # Errors
/// Why that cannot be done.
pub(super) fn set(text: &str, name: &str, value: Option<&Value>) -> Result<String, String> {
    let root = CstRootNode::parse(text, &STRICT).map_err(|error| error.to_string())?;
    let object = root.object_value().ok_or("not a JSON object")?;
    let is = |prop: &CstObjectProp| prop.decoded_name().as_deref() == Some(name);
    let mut found = object.properties().into_iter().filter(is);
    match (found.next(), found.next(), value) {
        (Some(_), Some(_), _) => return Err(format!("{name} is in it twice")),
        (Some(prop), None, Some(value)) => prop.set_value(written(value)),
        (Some(prop), None, None) => prop.remove(),
        (None, _, Some(value)) => drop(object.append(name, written(value))),
        (None, _, None) => {}
    }
    Ok(root.to_string())
}

/// A value for a change of a text.
pub(crate) fn written(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(value) => CstInputValue::Number(value.to_string()),
        Value::String(value) => CstInputValue::String(value.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(written).collect()),
        Value::Object(values) => written_object(values),
    }
}

/// The same for an object.
pub(crate) fn written_object(values: &Map<String, Value>) -> CstInputValue {
    CstInputValue::Object(values.iter().map(|(key, value)| (key.clone(), written(value))).collect())
}

/// JSON and no more than that, as servers' files are read.
pub(crate) const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_trailing_commas: false,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_member_changes_and_the_rest_of_the_text_does_not() {
        let text = "{ \"a\" :1,\r\n\t\"b\": { \"x\" : [ 1,2 ] },   \"c\": 1e3 }\r\n";
        let set = |name: &str, value: Option<Value>| super::set(text, name, value.as_ref()).unwrap();
        assert_eq!(set("a", Some(json!(true))), text.replace(":1,", ":true,"));
        assert_eq!(set("c", Some(json!("z"))), text.replace("1e3", "\"z\""));
        assert_eq!(set("gone", None), text);
        let more = set("new", Some(json!({"k": [1]})));
        assert!(more.starts_with("{ \"a\" :1,\r\n\t\"b\": { \"x\" : [ 1,2 ] },   \"c\": 1e3,"), "{more}");
        let read: Value = serde_json::from_str(&more).unwrap();
        assert_eq!(read["new"], json!({"k": [1]}));
        let less: Value = serde_json::from_str(&set("b", None)).unwrap();
        assert_eq!(less, json!({"a": 1, "c": 1000.0}));
        for wrong in ["[]", "{", "{\"a\": 1, \"\\u0061\": 2}"] {
            assert!(super::set(wrong, "a", Some(&json!(1))).is_err(), "{wrong}");
        }
    }
}
