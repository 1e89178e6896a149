//! What a merge does to a TOML file, byte for byte, however its entries are written.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::MergeError;
use super::super::tests::{CODEX, kinds, merge, merged_twice, owned};

fn entries(names: &[&str]) -> Value {
    let entry = |name: &&str| {
        let url = format!("https://gw.test/{name}");
        ((*name).to_owned(), json!({"url": url, "http_headers": {"X-Site": "s"}, "enabled": true}))
    };
    json!({ "mcp_servers": names.iter().map(entry).collect::<serde_json::Map<_, _>>() })
}

const ADDED: &str =
    "[mcp_servers.a]\nurl = \"https://gw.test/a\"\nhttp_headers = { X-Site = \"s\" }\nenabled = true\n";

#[test]
fn an_entry_is_added_after_the_last_of_its_kind() {
    let cases = [
        ("no file", None, ADDED.to_owned()),
        ("only a comment", Some("# c\n"), format!("# c\n\n{ADDED}")),
        ("no last line end", Some("x = 1"), format!("x = 1\n\n{}", ADDED.trim_end())),
        ("a blank last line", Some("x = 1\n\n"), format!("x = 1\n\n{ADDED}")),
        ("an empty table", Some("[mcp_servers]\n"), format!("[mcp_servers]\n\n{ADDED}")),
        (
            "between other tables",
            Some("[mcp_servers.z]\ncommand = 'z' # c\n# more\n\n# next\n[x]\n  y = 0x1F\n"),
            format!("[mcp_servers.z]\ncommand = 'z' # c\n# more\n\n{ADDED}\n# next\n[x]\n  y = 0x1F\n"),
        ),
        (
            "a comment of the next table",
            Some("[mcp_servers.z]\ncommand = 'z'\n# next\n[x]\n"),
            format!("[mcp_servers.z]\ncommand = 'z'\n\n{ADDED}\n# next\n[x]\n"),
        ),
        (
            "after a table within the last",
            Some("[mcp_servers.z]\n[mcp_servers.z.env]\nA = '1'\n\n[x]\n"),
            format!("[mcp_servers.z]\n[mcp_servers.z.env]\nA = '1'\n\n{ADDED}\n[x]\n"),
        ),
        (
            "dotted keys, whose order stays",
            Some("mcp_servers.z.url = 'u'\nq.a = 1\nr = 2\nq.b = 3\n\n[x]\n"),
            format!("mcp_servers.z.url = 'u'\nq.a = 1\nr = 2\nq.b = 3\n\n{ADDED}\n[x]\n"),
        ),
        (
            "inline entries",
            Some("[mcp_servers]\nz = { url = 'u' }\n"),
            format!("[mcp_servers]\nz = {{ url = 'u' }}\n\n{ADDED}"),
        ),
        (
            "an inline table",
            Some("mcp_servers = { z = { url = 'u' } } # c\nx = 1\n"),
            "mcp_servers = { z = { url = 'u' }, a = { url = \"https://gw.test/a\", http_headers = { X-Site = \"s\" }, enabled = true } } # c\nx = 1\n".into(),
        ),
    ];
    for (case, existing, expected) in cases {
        for ending in ["\n", "\r\n"] {
            let existing = existing.map(|text| text.replace('\n', ending));
            let has_line = existing.as_deref().is_some_and(|text| text.contains('\n'));
            let expected = if has_line { expected.replace('\n', ending) } else { expected.clone() };
            let merged = merged_twice(existing.as_deref(), CODEX, &entries(&["a"]), &[]);
            assert_eq!(merged, (expected, "a:Added".into()), "{case}");
        }
    }
}

#[test]
fn our_fields_are_set_where_they_stand_and_leftovers_go() {
    let updated = |fields: &str| format!("a:Updated([{fields}])");
    let cases = [
        (
            "[mcp_servers.a] # ours\n# about it\nurl = 'https://old.test' # moved\ntimeout = 5\ncommand = 'x'\nhttp_headers = { X-Site = 's' }\nenabled = false\n# last\n",
            "[mcp_servers.a] # ours\n# about it\nurl = \"https://gw.test/a\" # moved\ntimeout = 5\nhttp_headers = { X-Site = 's' }\nenabled = false\n# last\n",
            updated(r#""url", "command""#),
        ),
        (
            "[mcp_servers.\"a\"]\n\"url\"='https://gw.test/a'\n[mcp_servers.\"a\".http_headers]\nOld = '1'\n\"X-Site\" = 'old' # c\n[mcp_servers.a.env]\nE = '1'\n\n[x]\n",
            "[mcp_servers.\"a\"]\n\"url\"='https://gw.test/a'\n[mcp_servers.\"a\".http_headers]\n\"X-Site\" = \"s\" # c\n\n[x]\n",
            updated(r#""http_headers", "env""#),
        ),
        (
            "mcp_servers.a.command = 'x'\nmcp_servers.a.args = [\n  'y', # z\n]\nlast = 1\n",
            "mcp_servers.a.url = \"https://gw.test/a\"\nmcp_servers.a.http_headers = { X-Site = \"s\" }\nlast = 1\n",
            updated(r#""url", "http_headers", "command", "args""#),
        ),
        (
            "[mcp_servers]\na = { command = 'x', timeout = 5, url = 'u' }\nb = {} # theirs\n",
            "[mcp_servers]\na = { timeout = 5, url = \"https://gw.test/a\", http_headers = { X-Site = \"s\" } }\nb = {} # theirs\n",
            updated(r#""url", "http_headers", "command""#),
        ),
        (
            "[mcp_servers.a.env]\nE = '1'\n",
            "[mcp_servers.a]\nurl = \"https://gw.test/a\"\nhttp_headers = { X-Site = \"s\" }\n",
            updated(r#""url", "http_headers", "env""#),
        ),
        (
            "[mcp_servers.a]\nurl = 'https://gw.test/a'\nhttp_headers.X-Site = 'old'\nhttp_headers.Y = '1'\n",
            "[mcp_servers.a]\nurl = 'https://gw.test/a'\nhttp_headers.X-Site = \"s\"\n",
            updated(r#""http_headers""#),
        ),
    ];
    for (existing, expected, changes) in cases {
        let merged = merged_twice(Some(existing), CODEX, &entries(&["a"]), &["a"]);
        assert_eq!(merged, (expected.into(), changes), "{existing}");
    }
}

#[test]
fn what_is_ours_and_no_longer_rendered_is_removed_in_all_its_parts() {
    let cases = [
        ("[mcp_servers.a]\nurl = 'u'\n# c\n\n[x]\n", "[x]\n"),
        ("# top\n\n[mcp_servers.a]\nurl = 'u'\n\n# x\n[x]\n", "# top\n\n# x\n[x]\n"),
        (
            "[mcp_servers.a]\nurl = 'u'\n\n[x]\ny = 1\n\n[mcp_servers.a.env]\nE = '1'\n\n[mcp_servers.b]\n",
            "[x]\ny = 1\n\n[mcp_servers.b]\n",
        ),
        ("mcp_servers.a.url = 'u'\ny = 1\nmcp_servers.a.args = [\n1,\n]\n", "y = 1\n"),
        ("[mcp_servers]\na = {} # ours\nb = {}\n", "[mcp_servers]\nb = {}\n"),
        ("mcp_servers = { a = {}, b = {} }\n", "mcp_servers = { b = {} }\n"),
    ];
    for (existing, expected) in cases {
        let merged = merge(Some(existing), CODEX, &entries(&[]), &owned(&["a", "never-there"])).unwrap();
        assert_eq!((merged.text.as_str(), kinds(&merged).as_str()), (expected, "a:Removed"), "{existing}");
    }
}

#[test]
fn what_is_not_ours_stays_and_what_cannot_be_read_is_an_error_that_quotes_nothing() {
    for theirs in ["command = 'x'", "url = 'https://else.test'", ""] {
        let file = format!("[mcp_servers.a]\n{theirs}\n");
        let merged = merge(Some(&file), CODEX, &entries(&["a"]), &owned(&[])).unwrap();
        assert_eq!(merged.text, file);
        assert!(merged.changes[0].is_conflict() && merged.owned.is_empty(), "{theirs}");
    }
    let cases = [
        ("mcp_servers = 1", "has something other than an object at mcp_servers"),
        ("[[mcp_servers]]\nname = 'a'", "has something other than an object at mcp_servers"),
        ("[a]\nhidden = 1\nhidden = 2", "is not TOML: duplicate key on line 3 column 1"),
        ("x = 'hidden", "is not TOML: "),
    ];
    for (file, expected) in cases {
        let error = merge(Some(file), CODEX, &entries(&["a"]), &owned(&[])).unwrap_err().to_string();
        assert!(error.starts_with(expected) && !error.contains("hidden"), "{error}");
    }
    let null = json!({"mcp_servers": {"a": {"url": null}}});
    let error = merge(None, CODEX, &null, &owned(&[])).unwrap_err();
    assert_eq!(error, MergeError::Unsupported("nulls cannot be written"));
}

#[test]
fn in_braces_too_every_other_byte_stays() {
    let entry = r#"{ url = "https://gw.test/a", http_headers = { X-Site = "s" }, enabled = true }"#;
    let cases = [
        ("mcp_servers = {}\n".to_owned(), format!("mcp_servers = {{ a = {entry} }}\n"), ""),
        (
            "mcp_servers = {\n  # one, two\n  z = { n = 0x1F,m='v' } , # theirs, too\n}\n".into(),
            format!("mcp_servers = {{\n  # one, two\n  z = {{ n = 0x1F,m='v' }}, a = {entry} , # theirs, too\n}}\n"),
            "",
        ),
        (
            "mcp_servers = {z.q = 1, y = 2, z.r = 3}\n".into(),
            format!("mcp_servers = {{z.q = 1, y = 2, z.r = 3, a = {entry}}}\n"),
            "",
        ),
        (
            "[mcp_servers]\na = { t.x = 0x1, url='old', t.y = [2 ,3], http_headers.X-Site = 'old' }\n".into(),
            "[mcp_servers]\na = { t.x = 0x1, url=\"https://gw.test/a\", t.y = [2 ,3], http_headers = { X-Site = \"s\" } }\n".into(),
            "a",
        ),
        (
            "mcp_servers = { z.q = 1, a.url = 'u', z.r = 2, a.t = 3 }\n".into(),
            "mcp_servers = { z.q = 1, a.url = \"https://gw.test/a\", z.r = 2, a.t = 3, a.http_headers = { X-Site = \"s\" } }\n".into(),
            "a",
        ),
    ];
    for (existing, expected, known) in cases {
        let merged = merged_twice(Some(&existing), CODEX, &entries(&["a"]), &[known]);
        assert_eq!(merged.0, expected, "{existing}");
    }
    let cases = [
        ("{ a = { x = ',' } }", "{}"),
        ("{ a.x = 1, z.q = 0x1F, a.y = [1, 2], z.r = 3 }", "{ z.q = 0x1F, z.r = 3 }"),
        ("{ z = {n=1}, a.x = 1 , y = 2 , }", "{ z = {n=1} , y = 2 , }"),
        ("{\n  # c\n  z = 1, # of z\n  a = {},\n}", "{\n  # c\n  z = 1,\n}"),
    ];
    for (existing, expected) in cases {
        let file = |braces: &str| format!("x = 1\r\nmcp_servers = {braces} # c\ny = 2");
        let merged = merge(Some(&file(existing)), CODEX, &entries(&[]), &owned(&["a"])).unwrap();
        assert_eq!(merged.text, file(expected), "{existing}");
    }
}

#[test]
fn comments_blank_lines_line_ends_and_the_order_of_tables_stay() {
    let implicit = "[mcp_servers.z.env]\nE = '1' # c\n\n[b]\ny = 1\n\n[mcp_servers.z] # h\nurl = 'u'\n";
    let rest = "\n\n# of a\n[a]\n  [b.c]\n[a.d]\nq.x = 1\n# of r\nr = 2\nq.y = 3\n# the end";
    let cases = [
        (format!("{implicit}{rest}"), format!("{implicit}\n{ADDED}{rest}")),
        ("\u{feff}# top\r\n".into(), format!("\u{feff}# top\n\n{ADDED}").replace('\n', "\r\n")),
        (
            "[x]\ny = 1\r\nz = '''\r\na\nb'''\r\n# c\n".into(),
            format!("[x]\ny = 1\r\nz = '''\r\na\nb'''\r\n# c\n\n{ADDED}"),
        ),
    ];
    for (existing, expected) in cases {
        let merged = merge(Some(&existing), CODEX, &entries(&["a"]), &owned(&[])).unwrap();
        assert_eq!(merged.text, expected, "{existing}");
    }
    let cases = [
        ("# top\n\n[mcp_servers.a]\nurl = 'u'\n", "# top\n"),
        (
            "[x]\ny = 1 # c\n\n\n[mcp_servers.a] # ours\nurl = 'u' # c\n\n[[l]]\nm = 1\n[mcp_servers.a.env]\nE = '1'\n[[l]]\nm = 2\n",
            "[x]\ny = 1 # c\n\n[[l]]\nm = 1\n[[l]]\nm = 2\n",
        ),
        (
            "[mcp_servers.z]\nurl = 'u'\n# of z\n\n[mcp_servers.a]\nurl = 'u'\n# of a\n\n# of x\n[x]\n",
            "[mcp_servers.z]\nurl = 'u'\n# of z\n\n# of x\n[x]\n",
        ),
        ("q.x = 1\nmcp_servers.a.url = 'u'\n# of r\nr = 2\nq.y = 3", "q.x = 1\n# of r\nr = 2\nq.y = 3"),
    ];
    for (existing, expected) in cases {
        let merged = merge(Some(existing), CODEX, &entries(&[]), &owned(&["a"])).unwrap();
        assert_eq!(merged.text, expected, "{existing}");
    }
}

fn section() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "# c\n",
        "\n",
        "[x]\ny = 1 # c\n",
        "[x.z]\nd = 1979-05-27\nf = nan\n",
        "['x'.\"w\"]\nv.a = 1\nu = 2\nv.b = 3\n",
        "[[list]]\nm = '''\nlines\n'''\n",
        "[mcp_servers]\n",
        "[mcp_servers]\nb = { command = 'b' } # c\n",
        "[mcp_servers.a]\nurl = 'https://gw.test/a'\ntimeout = 1\n# c\n",
        "[mcp_servers.a.env]\nE = '1'\n",
        "[mcp_servers.a.http_headers]\nOld = '1'\n",
        "[mcp_servers.c]\nurl = 'https://else.test'\n",
        "  [ mcp_servers . \"d e\" ]\n  command = 'd'\n  env.X = '1'\n  args = [ # c\n  ]\n  env.Y = '2'\n",
    ])
}

fn top() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "k = 1\n\n",
        "mcp_servers.b.url = 'https://gw.test/b'\nk = 1\nmcp_servers.b.timeout = 2\n",
        "mcp_servers = { b = { url = 'https://gw.test/b', x.y = 1 } }\n",
        "mcp_servers = { b.url = 'https://gw.test/b', k = {}, b.timeout = 2, }\n",
    ])
}

proptest! {
    #[test]
    fn foreign_content_stays_and_a_second_merge_finds_nothing_to_do(
        top in top(),
        sections in prop::collection::vec(section(), 0..6),
        windows in any::<bool>(),
        rendered in prop::collection::btree_set("[a-e]|d e", 0..4),
        known in prop::collection::btree_set("[a-e]|d e", 0..4),
    ) {
        let text = top.to_owned() + &sections.concat();
        let text = if windows { text.replace('\n', "\r\n") } else { text };
        let Ok(was) = super::read(&text) else { return Ok(()) };
        let rendered = entries(&rendered.iter().map(String::as_str).collect::<Vec<_>>());
        let merged = merge(Some(&text), CODEX, &rendered, &known);
        let merged = merged.map_err(|e| TestCaseError::fail(format!("{e}: {text:?}")))?;
        prop_assert!(!text.contains("\r\n") || !merged.text.replace("\r\n", "").contains('\n'), "{:?}", merged.text);
        let again = merge(Some(&merged.text), CODEX, &rendered, &merged.owned).unwrap();
        prop_assert_eq!(&again.text, &merged.text);
        let added: BTreeSet<String> = merged.owned.iter().filter(|name| was["mcp_servers"].get(name.as_str()).is_none()).cloned().collect();
        if known.is_empty() && added == merged.owned {
            let gone = merge(Some(&merged.text), CODEX, &entries(&[]), &merged.owned).unwrap();
            let empty = |mut value: Value| {
                value.as_object_mut().unwrap().entry("mcp_servers").or_insert_with(|| json!({}));
                value
            };
            prop_assert_eq!(empty(super::read(&gone.text).unwrap()), empty(was));
        }
    }

    #[test]
    fn no_text_panics(text in "[ \r\n{}\\[\\]=.,'\"a1#]{0,30}|(\\[?mcp_servers|\\.a|[ \r\n{}\\[\\]=.'\"a1#]){0,12}") {
        let _ = merge(Some(&text), CODEX, &entries(&["a"]), &owned(&["b"]));
    }
}
