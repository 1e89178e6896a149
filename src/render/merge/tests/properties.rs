//! Whatever a file holds, a merge loses nothing of it and settles.

use super::*;
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-d]", "[a-c\"\\\\é \u{1}]{1,3}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c\"\\\\{},:/*é\u{1}-]{0,6}".prop_map(Value::from)
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..3)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// What may occur between two tokens.
fn gap() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "",
        " ",
        "\n",
        "\r\n",
        "\n\n",
        "\t",
        "\n  ",
        " /* c */ ",
        " // c, \"}\n",
        "\n  // d\n  ",
    ])
}

/// Writes `value` with the next of `gaps` wherever there may be one, and a trailing comma sometimes.
fn write(value: &Value, gaps: &mut dyn Iterator<Item = &'static str>) -> String {
    let Value::Object(map) = value else { return value.to_string() };
    let mut text = "{".to_owned() + next(gaps);
    for (index, (key, value)) in map.iter().enumerate() {
        text += &(Value::from(key.as_str()).to_string() + next(gaps) + ":" + next(gaps));
        text += &write(value, gaps);
        let (before, after) = (next(gaps), next(gaps));
        let comma = index + 1 < map.len() || after == " ";
        text += &format!("{before}{}{after}", if comma { "," } else { "" });
    }
    text + "}"
}

fn next(gaps: &mut dyn Iterator<Item = &'static str>) -> &'static str {
    gaps.next().unwrap_or_default()
}

fn comments(text: &str) -> usize {
    text.matches("/* c */").count() + text.matches("// c, ").count() + text.matches("// d").count()
}

proptest! {
    #[test]
    fn no_foreign_key_is_lost_and_the_outcome_parses_and_stays(
        top in prop::collection::vec((name(), value()), 0..3),
        servers in prop::option::of(prop::collection::vec((name(), value()), 0..4)),
        gaps in prop::collection::vec(gap(), 1..30),
        rendered in prop::collection::btree_set(name(), 0..3),
        known in prop::collection::btree_set(name(), 0..3),
    ) {
        let mut file: Map<String, Value> = top.into_iter().collect();
        if let Some(servers) = servers {
            file.insert("mcpServers".into(), Value::Object(servers.into_iter().collect()));
        }
        let file = Value::Object(file);
        let text = write(&file, &mut gaps.into_iter().cycle());
        let rendered = roo(&rendered.iter().map(String::as_str).collect::<Vec<_>>());
        let merged = merge(Some(&text), ROO, &rendered, &known);
        let merged = merged.map_err(|e| TestCaseError::fail(format!("{e} in {text:?}")))?;
        let now = read(&merged.text, ROO.layout()).unwrap();
        let altered: Vec<&str> =
            merged.changes.iter().filter(|c| c.alters()).map(|c| c.name.as_str()).collect();
        for (key, value) in file.as_object().unwrap() {
            if key != "mcpServers" {
                prop_assert_eq!(&now[key], value);
                continue;
            }
            for (name, entry) in value.as_object().unwrap() {
                if !altered.contains(&name.as_str()) {
                    prop_assert_eq!(&now["mcpServers"][name], entry);
                }
            }
        }
        if altered.is_empty() {
            prop_assert_eq!(&merged.text, &text);
        }
        if !merged.changes.iter().any(|c| matches!(c.kind, ChangeKind::Removed | ChangeKind::Updated(_))) {
            prop_assert_eq!(comments(&merged.text), comments(&text), "{:?} became {:?}", text, merged.text);
        }
        let again = merge(Some(&merged.text), ROO, &rendered, &merged.owned).unwrap();
        prop_assert_eq!(&again.text, &merged.text);
        let is_new = |name: &String| file.get("mcpServers").is_none_or(|servers| servers.get(name).is_none());
        if known.is_empty() && merged.owned.iter().all(is_new) {
            let gone = merge(Some(&merged.text), ROO, &roo(&[]), &merged.owned).unwrap();
            prop_assert_eq!(read(&gone.text, ROO.layout()).unwrap(), if merged.owned.is_empty() { file } else { plan::settled(file, ROO.layout()) });
        }
    }

    #[test]
    fn no_text_panics(text in "[ \n{}\\[\\]:,\"a1/*mcpServers-]{0,60}") {
        let _ = merge(Some(&text), ROO, &roo(&["a"]), &owned(&["b"]));
    }
}
