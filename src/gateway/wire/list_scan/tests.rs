//! Which answers are significant, wherever they are split in two, and which only look like it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ListScan, Quotes, may_tell};

fn list(member: &str) -> String {
    json!({"jsonrpc": "2.0", "id": 7, "result": {"nextCursor": "tools", member: [{"name": "hidden"}]}})
        .to_string()
}

/// Whether it is significant, split at every position.
#[track_caller]
fn tells(bytes: &[u8]) -> bool {
    let whole = ListScan::default().tells(bytes);
    for at in 0..=bytes.len() {
        let mut look = ListScan::default();
        let parts = bytes.split_at(at);
        assert_eq!(
            look.tells(parts.0) || look.tells(parts.1),
            whole,
            "{} at {at}",
            String::from_utf8_lossy(bytes)
        );
    }
    whole
}

#[test]
fn every_list_tells_in_every_spelling() {
    for member in ["tools", "prompts", "resources", "resourceTemplates"] {
        let text = list(member);
        let escaped = |c: char| format!("\\u{:04X}", u32::from(c));
        let all: String = member.chars().map(escaped).collect();
        for text in [
            text.clone(),
            text.replace("\":", "\" :\n "),
            text.replace(member, &member.to_uppercase()),
            text.replace(member, &all),
            text.replace("\"result\"", "\"Re\\u017fult\""),
            text.replace(member, &member.replace('s', "\u{17f}")),
            text.replace(member, &format!("{member}\\u0000 and more")),
            text.replace("\"id\"", &format!("\"result\":{},\"id\"", "1")),
            format!("[{text}]"),
            format!(" \n{text}"),
            format!("{}\n{text}", json!({"jsonrpc": "2.0"})),
            format!("\u{feff}{text}"),
            format!("oops {text}"),
            text.replace('{', "{/**/"),
        ] {
            assert!(may_tell(text.as_bytes()) && tells(text.as_bytes()), "{text}");
        }
    }
    assert!(tells(
        json!({"method": "notifications/resources/updated", "params": {"uri": "x"}}).to_string().as_bytes()
    ));
}

#[test]
fn what_is_a_tools_own_does_not_tell() {
    for value in [
        json!({"result": {"structuredContent": {"tools": [1], "resources": {"tools": 1}}, "content": []}}),
        json!({"result": {"content": [{"tools": 1}, {"text": "\"tools\": ["}], "description": "tools"}}),
        json!({"result": {"capabilities": {"tools": {}, "prompts": {}, "resources": {}}}}),
        json!({"result": ["tools", "prompts"]}),
        json!({"result": {"tool": 1, "toolsets": 2, "atools": 3, "resource": 4}}),
        json!({"method": "sampling/createMessage", "params": {"tools": [], "result": {"tools": 1}}}),
        json!({"error": {"tools": 1, "data": {"result": {"tools": 1}}}}),
        json!([{"result": {"a": {"tools": 1}}}, {"error": {"tools": 1}}]),
    ] {
        assert!(!tells(value.to_string().as_bytes()), "{value}");
    }
    assert!(!may_tell(br#"{"text":"\"tools\": []","tool":1,"toolss":1,"a":"resource"}"#));
}

#[test]
fn quotes_are_found_wherever_they_are() {
    for length in 0..70 {
        for step in 1..20 {
            for start in 0..length {
                let mut bytes = vec![b'#'; length];
                bytes.iter_mut().skip(start).step_by(step).for_each(|byte| *byte = b'"');
                let found: Vec<usize> = Quotes { bytes: &bytes, at: 0, found: 0 }.collect();
                let expected: Vec<usize> = (start..length).step_by(step).collect();
                assert_eq!(found, expected, "{length} {step}");
            }
        }
    }
}

#[test]
fn a_telling_word_is_seen_behind_any_other() {
    for before in 0..80 {
        let other = "x".repeat(before);
        for word in [
            "tools",
            "To\\u006fls",
            "\\u0074ools",
            "PROMPTS",
            "re\\u0073ources",
            "notifications/resources/updated",
        ] {
            assert!(may_tell(format!("{{\"{other}\":\"{word}\"}}").as_bytes()), "{before} {word}");
            assert!(may_tell(format!("\"{word}\"{other}").as_bytes()), "{before} {word}");
            assert!(!may_tell(format!("{{\"{other}\":\"{word}x\"}}").as_bytes()), "{before} {word}");
        }
    }
}

fn member() -> impl Strategy<Value = String> {
    const NAMES: [&str; 8] = [
        "tools",
        "resources",
        "result",
        "content",
        "a",
        "Tools",
        "x\"tools",
        "notifications/resources/updated",
    ];
    proptest::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|n| json!(n)),
        member().prop_map(|text| json!(text)),
        Just(Value::Null),
        ".{0,6}".prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::hash_map(member(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The same, after all of it has been read.
fn naive(value: &Value) -> bool {
    let messages = match value {
        Value::Array(messages) => messages.iter().collect(),
        other => vec![other],
    };
    let is = |text: &str, words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    let notice = |text: &str| is(text, &["notifications/resources/updated"]);
    messages.into_iter().filter_map(Value::as_object).any(|message| {
        let in_result = |value: &Value| {
            value.as_object().is_some_and(|result| {
                result.keys().any(|key| is(key, &["tools", "prompts", "resources", "resourceTemplates"]))
            })
        };
        message.iter().any(|(key, value)| {
            notice(key) || value.as_str().is_some_and(notice) || (is(key, &["result"]) && in_result(value))
        })
    })
}

proptest! {
    #[test]
    fn a_look_sees_what_a_reader_sees(value in value(), pretty in any::<bool>(), at in any::<prop::sample::Index>()) {
        // An array of anything else is not a batch.
        prop_assume!(value.is_object() || value.as_array().is_some_and(|all| all.iter().all(Value::is_object)));
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let (first, second) = text.as_bytes().split_at(at.index(text.len()));
        let mut look = ListScan::default();
        let told = look.tells(first) || look.tells(second);
        prop_assert_eq!(told, naive(&value), "{}", text);
        prop_assert!(may_tell(text.as_bytes()) || !told);
    }

    #[test]
    fn any_bytes_are_looked_at(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (may_tell(&bytes), tells(&bytes));
    }
}
