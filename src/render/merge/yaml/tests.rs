//! What a merge does to a YAML file, byte for byte, and what it rejects.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::MergeError;
use super::super::tests::{kinds, merge, merged_twice, owned};
use crate::render::targets::{ClientSpec, Format, Shape, TARGETS};

const GOOSE: &ClientSpec =
    &ClientSpec { format: Format::Yaml, root: &["extensions"], url: "uri", kept: &["enabled"], ..TARGETS[1] };
const CONTINUE: &ClientSpec = &ClientSpec {
    format: Format::Yaml,
    shape: Shape::List,
    root: &["mcpServers"],
    url: "url",
    kept: &[],
    ..TARGETS[1]
};

fn map(names: &[&str]) -> Value {
    let entry = |name: &&str| {
        let uri = format!("https://gw.test/{name}");
        ((*name).to_owned(), json!({"uri": uri, "headers": {"X-Site": "s"}, "enabled": true}))
    };
    json!({ "extensions": names.iter().map(entry).collect::<Map<_, _>>() })
}

fn list(names: &[&str]) -> Value {
    let entry = |name: &&str| json!({"name": name, "command": "mcpauth", "args": ["bridge", name]});
    json!({ "mcpServers": names.iter().map(entry).collect::<Vec<_>>() })
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

const ENTRY: &str = "a:\n  uri: \"https://gw.test/a\"\n  headers:\n    X-Site: \"s\"\n  enabled: true\n";
const ELEMENT: &str = "- name: \"a\"\n  command: \"mcpauth\"\n  args:\n    - \"bridge\"\n    - \"a\"\n";

#[test]
fn an_entry_is_added_to_the_end_of_the_block() {
    let (two, four) = (indented(ENTRY, 2), indented(ENTRY, 4));
    let whole = format!("extensions:\n{two}");
    let cases = [
        ("no file", None, whole.clone()),
        ("nothing", Some(""), whole.clone()),
        ("an empty map", Some("{}\n"), format!("\n{whole}")),
        ("only comments", Some("# c\n"), format!("# c\n{whole}")),
        ("a start", Some("---\n"), format!("---\n{whole}")),
        (
            "other keys",
            Some("x: 1 # c\ny: |\n  z\n\n# end\n"),
            format!("x: 1 # c\ny: |\n  z\n\n# end\n{whole}"),
        ),
        ("no last line end", Some("x: 1"), format!("x: 1\n{}", whole.trim_end())),
        ("an empty block", Some("extensions:\nx: 1\n"), format!("{whole}x: 1\n")),
        ("an empty block with a comment", Some("extensions: # c\n"), format!("extensions: # c\n{two}")),
        ("braces", Some("extensions: {} # none\nx: 1\n"), format!("extensions: # none\n{two}x: 1\n")),
        ("brackets", Some("extensions: []"), format!("extensions:\n{}", two.trim_end())),
        ("null", Some("extensions : ~\n"), format!("extensions :\n{two}")),
        (
            "other entries",
            Some("extensions:\n    # c\n    z: {b: [1, 2]} # d\n    # e\n\n# f\nx: &x yes\n"),
            format!("extensions:\n    # c\n    z: {{b: [1, 2]}} # d\n    # e\n{four}\n# f\nx: &x yes\n"),
        ),
        (
            "a text that keeps its blank lines",
            Some("extensions:\n  z:\n    t: |+\n      x\n\nx: 1\n"),
            format!("extensions:\n  z:\n    t: |+\n      x\n\n{two}x: 1\n"),
        ),
        (
            "a text that does not",
            Some("extensions:\n  z:\n    t: >\n      x\n\n\nx: 1\n"),
            format!("extensions:\n  z:\n    t: >\n      x\n{two}\n\nx: 1\n"),
        ),
    ];
    for (case, existing, expected) in cases {
        for ending in ["\n", "\r\n"] {
            let existing = existing.map(|text| text.replace('\n', ending));
            let has_line = existing.as_deref().is_some_and(|text| text.contains('\n'));
            let expected = if has_line { expected.replace('\n', ending) } else { expected.clone() };
            let merged = merged_twice(existing.as_deref(), GOOSE, &map(&["a"]), &[]);
            assert_eq!(merged, (expected, "a:Added".into()), "{case}");
        }
    }
}

#[test]
fn an_element_is_added_to_the_end_of_the_list() {
    let two = indented(ELEMENT, 2);
    let cases = [
        (None, format!("mcpServers:\n{two}")),
        (Some("mcpServers: []\n"), format!("mcpServers:\n{two}")),
        (
            Some("mcpServers:\n- name: z # c\n  command: z\n# d\nx: 1\n"),
            format!("mcpServers:\n- name: z # c\n  command: z\n{ELEMENT}# d\nx: 1\n"),
        ),
        (
            Some("mcpServers:\n  -\n    name: z\n  - uses: y\n    # c\n\nx: 1\n"),
            format!("mcpServers:\n  -\n    name: z\n  - uses: y\n    # c\n{two}\nx: 1\n"),
        ),
    ];
    for (existing, expected) in cases {
        let merged = merged_twice(existing, CONTINUE, &list(&["a"]), &[]);
        assert_eq!(merged, (expected, "a:Added".into()));
    }
}

#[test]
fn our_fields_are_set_where_they_stand_and_leftovers_go() {
    let cases = [
        (
            "extensions:\n  a: # ours\n    # about it\n    uri: https://old.test # moved\n    timeout: 5\n    headers: # tokens\n      Old: x\n      X-Site: >-\n        folded\n    cmd: x # gone\n    args:\n    - y\n      # about y\n    enabled: false\n    # last\n  b: {}\n",
            "extensions:\n  a: # ours\n    # about it\n    uri: \"https://gw.test/a\" # moved\n    timeout: 5\n    headers: # tokens\n      X-Site: \"s\"\n    enabled: false\n    # last\n  b: {}\n",
            r#"a:Updated(["uri", "headers", "cmd", "args"])"#,
        ),
        (
            "extensions:\n  a:\n    headers: {Old: x} # tokens\n    uri: >-\n      https://old.test\n\n    timeout: 5\n",
            "extensions:\n  a:\n    headers: # tokens\n      X-Site: \"s\"\n    uri: \"https://gw.test/a\"\n\n    timeout: 5\n",
            r#"a:Updated(["uri", "headers"])"#,
        ),
        (
            "extensions:\n  a:\n    timeout: 5\n    uri:\nx: 1\n",
            "extensions:\n  a:\n    timeout: 5\n    uri: \"https://gw.test/a\"\n    headers:\n      X-Site: \"s\"\nx: 1\n",
            r#"a:Updated(["uri", "headers"])"#,
        ),
    ];
    for (existing, expected, changes) in cases {
        let merged = merge(Some(existing), GOOSE, &map(&["a"]), &owned(&["a"])).unwrap();
        assert_eq!((merged.text.as_str(), kinds(&merged).as_str()), (expected, changes), "{existing}");
    }
    let existing =
        "mcpServers:\n  - url: u # old\n    name: a\n    requestOptions: {headers: {}}\n    timeout: 5\n";
    let expected = "mcpServers:\n  - name: a\n    timeout: 5\n    command: \"mcpauth\"\n    args:\n      - \"bridge\"\n      - \"a\"\n";
    let merged = merge(Some(existing), CONTINUE, &list(&["a"]), &owned(&["a"])).unwrap();
    assert_eq!(merged.text, expected);
    assert_eq!(kinds(&merged), r#"a:Updated(["command", "args", "url", "requestOptions"])"#);
}

#[test]
fn what_is_ours_and_no_longer_rendered_is_removed() {
    let cases = [
        (
            "extensions:\n  # c\n  a: # ours\n    uri: u\n    # last\n\n  b: {}\n",
            "extensions:\n  # c\n\n  b: {}\n",
        ),
        ("extensions: # c\n  a:\n    uri: u\nx: 1\n", "extensions: {} # c\nx: 1\n"),
        ("extensions:\n  'a': &x {uri: u}\nx: 1", "extensions: {}\nx: 1"),
    ];
    for (existing, expected) in cases {
        let merged = merge(Some(existing), GOOSE, &map(&[]), &owned(&["a", "never-there"])).unwrap();
        assert_eq!((merged.text.as_str(), kinds(&merged).as_str()), (expected, "a:Removed"));
    }
    let cases = [
        ("mcpServers:\n- name: a\n  url: u\n- uses: b\n", "mcpServers:\n- uses: b\n"),
        (
            "mcpServers:\n  - name: b\n  -\n    url: u\n    name: a\nx: 1\n",
            "mcpServers:\n  - name: b\nx: 1\n",
        ),
        ("mcpServers:\n  - name: a\n", "mcpServers: []\n"),
    ];
    for (existing, expected) in cases {
        let merged = merge(Some(existing), CONTINUE, &list(&[]), &owned(&["a"])).unwrap();
        assert_eq!((merged.text.as_str(), kinds(&merged).as_str()), (expected, "a:Removed"));
    }
}

#[test]
fn what_lines_do_not_show_is_refused_and_what_is_not_ours_stays() {
    let cases = [
        ("extensions: {z: {}}", super::BRACES),
        ("{extensions: {}}", super::BRACES),
        ("extensions: &x\n  z: {}", super::MARKS),
        ("extensions: !t {}", super::MARKS),
        ("extensions:\n  a: {uri: u}", super::BRACES),
        ("extensions:\n  a:\n    uri: &u x\n    timeout: 1", super::MARKS),
        ("y: &y {uri: u}\nextensions:\n  a: *y", super::MARKS),
        ("? extensions\n:\n  a: {}\n  b: 1", super::BRACES),
        ("x: 1\n...\n", MergeError::Unsupported("a mark for the end of a document")),
        ("extensions: 1", MergeError::NotAnObject("extensions".into())),
        ("- extensions", MergeError::NotAnObject("its top".into())),
    ];
    for (file, expected) in cases {
        assert_eq!(merge(Some(file), GOOSE, &map(&["a"]), &owned(&["a"])).unwrap_err(), expected, "{file}");
    }
    let not_a_list = merge(Some("mcpServers: {a: 1}"), CONTINUE, &list(&["a"]), &owned(&[])).unwrap_err();
    assert_eq!(not_a_list.to_string(), "has something other than a list at mcpServers");
    let twice = merge(Some("mcpServers:\n- name: a\n- name: a"), CONTINUE, &list(&["a"]), &owned(&[]));
    assert_eq!(twice.unwrap_err(), MergeError::Twice("a".into()));
    for file in ["x: 'hidden", "x: 1\n---\nhidden: 1", "x: hidden\nx: hidden", "a: hidden\n\tb: 1"] {
        let error = merge(Some(file), GOOSE, &map(&["a"]), &owned(&[])).unwrap_err().to_string();
        assert!(error.starts_with("is not YAML: ") && !error.contains("hidden"), "{error}");
    }
    for theirs in ["{cmd: x}", "&x {uri: 'https://else.test'}", "1"] {
        let file = format!("extensions:\n  a: {theirs}\n");
        let merged = merge(Some(&file), GOOSE, &map(&["a"]), &owned(&[])).unwrap();
        assert_eq!(merged.text, file);
        assert!(merged.changes[0].is_conflict() && merged.owned.is_empty(), "{theirs}");
    }
    // If there is nothing to do, nothing is rejected.
    let file = "extensions: {a: {uri: 'https://gw.test/a', headers: {X-Site: s}}}";
    assert_eq!(kinds(&merge(Some(file), GOOSE, &map(&["a"]), &owned(&["a"])).unwrap()), "a:Unchanged");
}

fn line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "  a:\n    uri: https://gw.test/a # c\n    timeout: 1\n",
        "  \"b\" :\n      uri:   'https://else.test'\n      headers: {Old: x}\n",
        "  c:\n    cmd: x\n    args:\n    - |\n      text\n\n    - - 1\n      - 2\n\n",
        "  d:\n    # first\n    headers:\n\n      Old: x\n    # last\n    uri: https://gw.test/d\n",
        "  e: {uri: u,\n    x: [1]}\n",
        "  f: &f\n    uri: u\n",
        "  g: >+\n    text\n\n\n",
        "  # c\n",
        "\n",
    ])
}

fn element() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "- name: a # c\n  command: x\n  # last\n",
        "-   url: u\n    name: b\n    args:\n    - |\n      x\n\n",
        "-\n  # first\n  name: c\n",
        "- name: &d d\n",
        "- {name: e, url: u}\n",
        "- uses: f\n\n",
        "- - name: a\n",
        "-\n",
        "# c\n",
    ])
}

proptest! {
    #[test]
    fn foreign_content_stays_and_a_second_merge_finds_nothing_to_do(
        before in prop::sample::select(vec!["", "---\n# c\n", "x: 1\n", "x: |+\n  y\n\n"]),
        lines in prop::collection::vec(line(), 0..5),
        after in prop::sample::select(vec!["", "# c\n", "y: {a: [1,\n  2]}\n", "y:\n- 1\n-\n", "\n\nz: \"a\n  b\""]),
        windows in any::<bool>(),
        rendered in prop::collection::btree_set("[a-h]", 0..4),
        known in prop::collection::btree_set("[a-h]", 0..4),
    ) {
        let text = format!("{before}extensions: # e\n{}{after}", lines.concat());
        let text = if windows { text.replace('\n', "\r\n") } else { text };
        let Ok(was) = super::read(&text) else { return Ok(()) };
        let rendered = map(&rendered.iter().map(String::as_str).collect::<Vec<_>>());
        let merged = match merge(Some(&text), GOOSE, &rendered, &known) {
            Err(MergeError::Unsupported(_)) => return Ok(()),
            merged => merged.map_err(|e| TestCaseError::fail(format!("{e}: {text:?} {rendered} {known:?}")))?,
        };
        prop_assert!(!text.contains("\r\n") || !merged.text.replace("\r\n", "").contains('\n'), "{:?}", merged.text);
        let again = merge(Some(&merged.text), GOOSE, &rendered, &merged.owned).unwrap();
        prop_assert_eq!(&again.text, &merged.text);
        let is_new = |name: &String| was["extensions"].get(name).is_none();
        if known.is_empty() && merged.owned.iter().all(is_new) {
            let gone = merge(Some(&merged.text), GOOSE, &map(&[]), &merged.owned).unwrap();
            let mut now = super::read(&gone.text).unwrap();
            if was["extensions"].is_null() && !merged.owned.is_empty() {
                prop_assert_eq!(&now["extensions"], &json!({}));
                now["extensions"] = Value::Null;
            }
            prop_assert_eq!(now, was);
        }
    }

    #[test]
    fn foreign_elements_stay_and_a_second_merge_finds_nothing_to_do(
        indent in prop::sample::select(vec!["", "  ", "    "]),
        elements in prop::collection::vec(element(), 0..4),
        after in prop::sample::select(vec!["", "# c\n", "\nx: |\n  - name: a\n", "x: [1,\n  2]"]),
        windows in any::<bool>(),
        rendered in prop::collection::btree_set("[a-e]", 0..4),
        known in prop::collection::btree_set("[a-e]", 0..4),
    ) {
        let elements = elements.concat().lines().map(|line| format!("{indent}{line}\n")).collect::<String>();
        let text = format!("mcpServers:\n{elements}{after}");
        let text = if windows { text.replace('\n', "\r\n") } else { text };
        let Ok(was) = super::read(&text) else { return Ok(()) };
        let rendered = list(&rendered.iter().map(String::as_str).collect::<Vec<_>>());
        let merged = match merge(Some(&text), CONTINUE, &rendered, &known) {
            Err(MergeError::Unsupported(_) | MergeError::Twice(_)) => return Ok(()),
            merged => merged.map_err(|e| TestCaseError::fail(format!("{e}: {text:?} {rendered} {known:?}")))?,
        };
        prop_assert!(!text.contains("\r\n") || !merged.text.replace("\r\n", "").contains('\n'), "{:?}", merged.text);
        let again = merge(Some(&merged.text), CONTINUE, &rendered, &merged.owned).unwrap();
        prop_assert_eq!(&again.text, &merged.text);
        let count = |value: &Value| value["mcpServers"].as_array().map_or(0, Vec::len);
        let number = |kind: &str| kinds(&merged).matches(kind).count();
        let now = super::read(&merged.text).unwrap();
        prop_assert_eq!(count(&now) + number(":Removed"), count(&was) + number(":Added"));
    }

    #[test]
    fn a_name_or_a_text_is_read_as_it_was_written(name in "\\PC{0,6}|[a-zA-Z0-9~<=-]{0,5}|null|no|Y", text in any::<String>()) {
        let rendered = json!({"extensions": {name.clone(): {"uri": text, name.clone() + "x": {text.clone(): [text]}}}});
        let merged = merge(None, GOOSE, &rendered, &owned(&[])).unwrap();
        prop_assert_eq!(super::read(&merged.text).unwrap(), rendered);
    }

    #[test]
    fn no_text_panics(text in "[ \r\n{}\\[\\]:,&*!'\"|>a1#~-]{0,30}|(extensions:|\n  a:|\n  - |[ \r\n{}\\[\\]:&*!?'\"|>a1#-]){0,12}") {
        let _ = merge(Some(&text), GOOSE, &map(&["a"]), &owned(&["b", ""]));
        let _ = merge(Some(&text), CONTINUE, &list(&["a"]), &owned(&["b", ""]));
        let text = format!("extensions:{text}");
        let _ = merge(Some(&text), GOOSE, &map(&["a"]), &owned(&["a", "a1"]));
    }
}
