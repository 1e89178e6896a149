//! What a merge adds, changes and keeps in a client's own file, down to its comments and line endings.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::TARGETS;
use super::*;
use serde_json::{Map, json};

mod clients;
mod properties;

const ROO: &ClientSpec = &TARGETS[1];
const VSCODE: &ClientSpec = &TARGETS[0];

fn roo(names: &[&str]) -> Value {
    let entry = |name: &str| {
        json!({
            "type": "streamable-http", "url": format!("https://gw.test/{name}/mcp"),
            "headers": {"Authorization": "Bearer hidden"}, "disabled": false, "alwaysAllow": []
        })
    };
    json!({ "mcpServers": names.iter().map(|&name| (name.to_owned(), entry(name))).collect::<Map<_, _>>() })
}

/// With these entries from mcpauth, and nothing else that it may take over.
pub(super) fn merge(
    existing: Option<&str>,
    target: &ClientSpec,
    rendered: &Value,
    owned: &BTreeSet<String>,
) -> Result<Merged, MergeError> {
    super::merge(existing, target, rendered, &EntryClaims { owned: owned.clone(), ..EntryClaims::default() })
}

#[test]
fn an_entry_that_leads_to_our_server_in_any_way_becomes_ours_and_another_stays() {
    let ours = json!({"mcpServers": {
        "files": {"command": "/bin/mcpauth", "args": ["bridge", "files"], "disabled": false, "alwaysAllow": []},
    }});
    let claims = |adopted: &[&str]| EntryClaims {
        owned: owned(&[]),
        addresses: [("files".to_owned(), known(&["X-Api-Key"]))].into(),
        adopted: owned(adopted),
    };
    let file = |name: &str, entry: Value| json!({"mcpServers": {name: entry}}).to_string();
    let remote = json!({"command": "npx", "args": ["-y", "mcp-remote", "https://files.test/mcp"]});
    let direct = json!({"url": "https://files.test/mcp", "headers": {"X-Api-Key": "k"}});
    for entry in [&remote, &direct] {
        let merged = super::merge(Some(&file("files", entry.clone())), ROO, &ours, &claims(&[])).unwrap();
        assert_eq!(merged.owned, owned(&["files"]));
        assert!(!merged.text.contains("mcp-remote") && !merged.text.contains("X-Api-Key"), "{}", merged.text);

        let twin = file("Files", entry.clone());
        let kept = super::merge(Some(&twin), ROO, &ours, &claims(&[])).unwrap();
        let said: Vec<String> = kept.changes.iter().map(ToString::to_string).collect();
        assert!(said[1].contains("same server as files") && said[1].ends_with("--adopt Files"), "{said:?}");
        assert!(kept.text.contains("\"Files\"") && kept.changes[1].is_conflict());
        let taken = super::merge(Some(&twin), ROO, &ours, &claims(&["Files"])).unwrap();
        assert!(!taken.text.contains("\"Files\"") && taken.text.contains("\"files\""), "{}", taken.text);
    }
    let other =
        file("files", json!({"command": "npx", "args": ["-y", "mcp-remote", "https://other.test/mcp"]}));
    let kept = super::merge(Some(&other), ROO, &ours, &claims(&[])).unwrap();
    assert_eq!(kept.text, other);
    assert!(kept.changes[0].to_string().ends_with("--adopt files"), "{}", kept.changes[0]);
    let taken = super::merge(Some(&other), ROO, &ours, &claims(&["files"])).unwrap();
    assert_eq!(taken.owned, owned(&["files"]));
}

/// A server that is sent these headers.
fn known(headers: &[&str]) -> ReachedAddress {
    ReachedAddress { url: "https://files.test/mcp".into(), headers: owned(headers) }
}

#[test]
fn an_entry_with_headers_that_we_do_not_send_stays_whatever_reaches_the_server() {
    let url = "https://files.test/mcp";
    let there = json!({"url": url, "headers": {"Authorization": "Bearer k", "X-Region": "eu"}});
    let file = json!({"mcpServers": {"files": there}}).to_string();
    for ours in [
        json!({"command": "/bin/mcpauth", "args": ["bridge", "files"]}),
        json!({"type": "streamable-http", "url": url, "headers": {"Authorization": "Bearer hidden"}}),
        json!({"url": "http://127.0.0.1:9/files"}),
    ] {
        let rendered = json!({"mcpServers": {"files": ours}});
        let claims = EntryClaims {
            addresses: [("files".to_owned(), known(&["Authorization"]))].into(),
            ..EntryClaims::default()
        };
        let kept = super::merge(Some(&file), ROO, &rendered, &claims).unwrap();
        assert_eq!((kept.text.as_str(), &kept.owned), (file.as_str(), &owned(&[])), "{ours}");
        let said = kept.changes[0].to_string();
        assert!(said.contains("header X-Region") && said.contains("mcpauth import --client roo"), "{said}");
        assert!(kept.changes[0].is_conflict() && !said.contains("Bearer"), "{said}");
        let adopted = EntryClaims { adopted: owned(&["files"]), ..claims };
        assert_eq!(super::merge(Some(&file), ROO, &rendered, &adopted).unwrap().owned, owned(&["files"]));
    }
}

pub(super) fn owned(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

pub(super) const CODEX: &ClientSpec = &ClientSpec {
    format: Format::Toml,
    root: &["mcp_servers"],
    url: "url",
    kept: &["enabled"],
    ..TARGETS[1]
};

pub(super) fn kinds(merged: &Merged) -> String {
    let kinds = merged.changes.iter().map(|change| format!("{}:{:?}", change.name, change.kind));
    kinds.collect::<Vec<_>>().join(" ")
}

/// What a merge makes of a file, and its changes; a second one finds nothing to do.
#[track_caller]
pub(super) fn merged_twice(
    existing: Option<&str>,
    target: &ClientSpec,
    rendered: &Value,
    known: &[&str],
) -> (String, String) {
    let merged = merge(existing, target, rendered, &owned(known)).unwrap();
    let again = merge(Some(&merged.text), target, rendered, &merged.owned).unwrap();
    assert_eq!(again.text, merged.text);
    assert!(again.changes.iter().all(|change| change.kind == ChangeKind::Unchanged), "{:?}", again.changes);
    let kinds = kinds(&merged);
    (merged.text, kinds)
}

/// What we append to a file with two spaces of indentation, from the line before it on.
const APPENDED: &str = r#"
    "files": {
      "type": "streamable-http",
      "url": "https://gw.test/files/mcp",
      "headers": {
        "Authorization": "Bearer hidden"
      },
      "disabled": false,
      "alwaysAllow": []
    }"#;

#[test]
fn an_entry_is_appended_and_every_other_byte_stays() {
    let tabs = |text: &str| text.replace("  ", "\t");
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let commented = "// mine\n{\n  /* keep */ \"inputs\": [],\n  \"mcpServers\": {\n    // about it\n    \"a\": { \"command\": \"x\",\t\"args\": [1,  2] } // tail\n  },\n  \"z\": 1.50 // last\n}\n// end\n";
    let with_entry = commented.replace(" } // tail", &format!(" }}, // tail{APPENDED}"));
    let trailing = "{\n  \"mcpServers\": {\n    \"a\": {},\n  },\n}\n";
    let trailing_entry = format!("{{\n  \"mcpServers\": {{\n    \"a\": {{}},{APPENDED},\n  }},\n}}\n")
        .replace("hidden\"\n", "hidden\",\n")
        .replace("\"alwaysAllow\": []\n", "\"alwaysAllow\": [],\n");
    let whole = format!("{{\n  \"mcpServers\": {{{APPENDED}\n  }}\n}}\n");
    let cases: &[(&str, Option<String>, String)] = &[
        ("no file", None, whole.clone()),
        ("empty file", Some(String::new()), whole.clone()),
        ("empty object", Some("{}\n".into()), whole.clone()),
        ("empty servers", Some("{\n  \"mcpServers\": {}\n}\n".into()), whole.clone()),
        ("comments", Some(commented.into()), with_entry.clone()),
        ("crlf", Some(crlf(commented)), crlf(&with_entry)),
        ("tabs", Some(tabs(commented)), tabs(&with_entry)),
        ("trailing commas", Some(trailing.into()), trailing_entry),
        ("byte order mark", Some(format!("\u{feff}{commented}")), format!("\u{feff}{with_entry}")),
        (
            "one line",
            Some("{\"mcpServers\":{\"a\":{\"b\":[1,  2]}},\"z\":  1}\n".into()),
            format!("{{\"mcpServers\":{{\n    \"a\":{{\"b\":[1,  2]}},{APPENDED}\n  }},\"z\":  1}}\n"),
        ),
        (
            "other keys",
            Some("{\n  \"x\": 1\n}".into()),
            format!("{{\n  \"x\": 1,\n  \"mcpServers\": {{{APPENDED}\n  }}\n}}"),
        ),
    ];
    for (case, existing, expected) in cases {
        let merged = merge(existing.as_deref(), ROO, &roo(&["files"]), &owned(&[])).unwrap();
        assert_eq!(&merged.text, expected, "{case}");
        assert_eq!(
            (kinds(&merged), merged.owned.clone()),
            ("files:Added".into(), owned(&["files"])),
            "{case}"
        );
        let again = merge(Some(&merged.text), ROO, &roo(&["files"]), &merged.owned).unwrap();
        assert_eq!((again.text, kinds_of(&again.changes)), (merged.text, "Unchanged".into()), "{case}");
        let gone = merge(Some(expected), ROO, &roo(&[]), &owned(&["files"])).unwrap();
        assert!(gone.owned.is_empty() && !gone.text.contains("hidden"), "{case}");
    }
}

fn kinds_of(changes: &[Change]) -> String {
    changes.iter().map(|change| format!("{:?}", change.kind)).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_nested_root_is_made_key_by_key() {
    let rendered = json!({"mcp": {"servers": {"files": {"url": "u"}}}});
    let merged =
        merge(Some("{\n    \"mcp\": {\n        \"inputs\": []\n    }\n}\n"), VSCODE, &rendered, &owned(&[]));
    assert_eq!(
        merged.unwrap().text,
        "{\n    \"mcp\": {\n        \"inputs\": [],\n        \"servers\": {\n            \"files\": {\n                \"url\": \"u\"\n            }\n        }\n    }\n}\n"
    );
}

#[test]
fn our_fields_are_set_and_the_users_stay() {
    let file = "{\n  \"mcpServers\": {\n    \"files\": {\n      // slow\n      \"timeout\": 60,\n      \"type\": \"sse\",\n      \"url\": \"https://gw.test/files/mcp\",\n      \"headers\": { \"Authorization\": \"Bearer old\", \"X-Old\": \"1\" }, // tokens\n      \"disabled\": true,\n      \"alwaysAllow\": [\"read\"]\n    }\n  }\n}\n";
    let expected = file.replace("\"sse\"", "\"streamable-http\"").replace(
        "{ \"Authorization\": \"Bearer old\", \"X-Old\": \"1\" }",
        "{\n        \"Authorization\": \"Bearer hidden\"\n      }",
    );
    for known in [owned(&[]), owned(&["files"])] {
        let merged = merge(Some(file), ROO, &roo(&["files"]), &known).unwrap();
        assert_eq!(merged.text, expected);
        assert_eq!(kinds(&merged), r#"files:Updated(["type", "headers"])"#);
        assert_eq!(merged.owned, owned(&["files"]));
    }
    // A kept field that the user removed stays removed; a moved entry of ours is set back.
    let file = "{\"mcpServers\":{\"files\":{\"type\":\"streamable-http\",\"url\":\"https://old.test\",\"headers\":{\"Authorization\":\"Bearer hidden\"}}}}";
    let merged = merge(Some(file), ROO, &roo(&["files"]), &owned(&["files"])).unwrap();
    assert_eq!(merged.text, file.replace("https://old.test", "https://gw.test/files/mcp"));
}

#[test]
fn what_an_earlier_rendering_wrote_and_this_one_does_not_goes_and_the_users_fields_stay() {
    let command = json!({"mcpServers": {"files": {"command": "/opt/mcpauth", "args": ["bridge", "files"]}}});
    let with_url = "{\n  \"mcpServers\": {\n    \"files\": {\n      \"type\": \"sse\",\n      \"url\": \"https://gw.test/files/mcp\",\n      // slow\n      \"timeout\": 60,\n      \"headers\": {},\n      \"alwaysAllow\": []\n    }\n  }\n}\n";
    let with_command = "{\n  \"mcpServers\": {\n    \"files\": {\n      // slow\n      \"timeout\": 60,\n      \"alwaysAllow\": [],\n      \"command\": \"/opt/mcpauth\",\n      \"args\": [\"bridge\", \"files\"]\n    }\n  }\n}\n";
    let merged = merge(Some(with_url), ROO, &command, &owned(&["files"])).unwrap();
    assert_eq!(merged.text, with_command);
    assert_eq!(kinds(&merged), r#"files:Updated(["command", "args", "type", "url", "headers"])"#);
    assert_eq!(merged.changes[0].to_string(), "~ files  (a command)  (command, args, type, url, headers)");
    let back = merge(Some(&merged.text), ROO, &roo(&["files"]), &merged.owned).unwrap();
    assert_eq!(kinds(&back), r#"files:Updated(["type", "url", "headers", "command", "args"])"#);
    assert!(back.text.contains("// slow\n      \"timeout\": 60") && !back.text.contains("mcpauth"));
    // The same command is not the same target: its owner is unknown.
    let foreign = merge(Some(with_command), ROO, &command, &owned(&[])).unwrap();
    assert!(foreign.changes[0].is_conflict() && foreign.owned.is_empty());
    // Taking over an entry includes its leftovers, or the next run would find them.
    let adopted = r#"{"mcpServers":{"files":{"url":"https://gw.test/files/mcp","headersHelper":"theirs"}}}"#;
    let merged = merge(Some(adopted), ROO, &roo(&["files"]), &owned(&[])).unwrap();
    assert_eq!(kinds(&merged), r#"files:Updated(["type", "headers", "headersHelper"])"#);
}

#[test]
fn a_list_in_json_or_toml_is_refused_and_every_refusal_says_what_to_type() {
    for format in [Format::Json, Format::Toml] {
        let target = &ClientSpec { format, shape: Shape::List, ..TARGETS[1] };
        let rendered = json!({"mcpServers": [{"name": "files"}]});
        let error = merge(None, target, &rendered, &owned(&[])).unwrap_err();
        assert_eq!(error, MergeError::Unsupported("a list of servers in this format"));
        assert_eq!(
            error.hint(Path::new("f")),
            "nothing was written; print the entries with `mcpauth config render --client NAME`, and paste them into f"
        );
    }
}

#[test]
fn an_entry_of_somebody_elses_is_left_alone_and_reported() {
    let cases = [
        (r#"{"url":"https://else.test/mcp"}"#, "https://else.test/mcp"),
        (r#"{"command":"npx"}"#, ""),
        (r#""not an object""#, ""),
    ];
    for (entry, their_url) in cases {
        let file = format!("{{\"mcpServers\":{{\"files\":{entry}}}}}");
        let merged = merge(Some(&file), ROO, &roo(&["files"]), &owned(&[])).unwrap();
        assert_eq!(merged.text, file);
        assert!(merged.owned.is_empty());
        let their_url = their_url.to_owned();
        assert_eq!(merged.changes.first().map(|c| c.kind.clone()), Some(ChangeKind::Conflict { their_url }));
    }
}

#[test]
fn what_is_ours_and_no_longer_rendered_is_removed_from_wherever_it_stands() {
    let ours = "\"old\": {\n      \"url\": \"u\"\n    }";
    let cases = [
        (
            format!("{{\n  \"mcpServers\": {{\n    // a\n    \"a\": {{}}, // tail\n    {ours}\n  }}\n}}\n"),
            "{\n  \"mcpServers\": {\n    // a\n    \"a\": {} // tail\n  }\n}\n",
        ),
        (
            format!("{{\n  \"mcpServers\": {{\n    {ours},\n    // b\n    \"b\": {{}},\n  }}\n}}\n"),
            "{\n  \"mcpServers\": {\n    // b\n    \"b\": {},\n  }\n}\n",
        ),
        (format!("{{\n  \"mcpServers\": {{\n    {ours}\n  }}\n}}\n"), "{\n  \"mcpServers\": {}\n}\n"),
        ("{\"mcpServers\":{\"a\":1,\"old\":{},\"b\":2}}".into(), "{\"mcpServers\":{\"a\":1,\"b\":2}}"),
    ];
    for (file, expected) in cases {
        let merged = merge(Some(&file), ROO, &roo(&[]), &owned(&["old", "never-there"])).unwrap();
        assert_eq!(merged.text, expected);
        assert_eq!((kinds(&merged), merged.owned), ("old:Removed".into(), owned(&[])));
    }
}

#[test]
fn a_file_we_cannot_be_sure_of_is_an_error() {
    let parse = |reason: &str| MergeError::Parse("JSON", reason.into());
    let cases = [
        ("{", parse("Unterminated object on line 1 column 1")),
        ("{'a': 1}", parse("Single-quoted strings are not allowed on line 1 column 2")),
        ("{\"a\": 1 \"b\": 2}", parse("Expected comma on line 1 column 8")),
        ("[]", MergeError::NotAnObject("its top".into())),
        ("{\"mcpServers\": [1]}", MergeError::NotAnObject("mcpServers".into())),
        ("{\"mcpServers\": \"x\"}", MergeError::NotAnObject("mcpServers".into())),
        ("{\"mcpServers\": 0}", MergeError::NotAnObject("mcpServers".into())),
        ("{\"mcpServers\": false}", MergeError::NotAnObject("mcpServers".into())),
        ("{\"mcpServers\": {}, \"mcpServers\": {}}", MergeError::Twice("mcpServers".into())),
        ("{\"mcpServers\": {\"files\": {}, \"files\": {}}}", MergeError::Twice("files".into())),
    ];
    for (file, expected) in cases {
        assert_eq!(merge(Some(file), ROO, &roo(&["files"]), &owned(&[])).unwrap_err(), expected, "{file}");
    }
    let nested = merge(Some("{\"mcp\": {\"servers\": 1}}"), VSCODE, &json!({}), &owned(&[])).unwrap_err();
    assert_eq!(nested.to_string(), "has something other than an object at mcp.servers");
}

#[test]
fn changes_print_names_urls_and_header_names_and_never_a_value() {
    let file = r#"{"mcpServers":{
            "gone": {"url": "u"},
            "same": {"type": "streamable-http", "url": "https://gw.test/same/mcp", "headers": {"Authorization": "Bearer hidden"}},
            "stale": {"type": "sse", "url": "https://gw.test/stale/mcp", "headers": {"Authorization": "Bearer hidden-too"}},
            "typed": {"type": "sse", "url": "https://gw.test/typed/mcp", "headers": {"Authorization": "Bearer hidden"}},
            "theirs": {"url": "https://hidden:hidden@else.test/mcp?key=hidden"}}}"#;
    let names = ["same", "stale", "typed", "theirs", "new"];
    let merged = merge(Some(file), ROO, &roo(&names), &owned(&["gone"])).unwrap();
    let text = merged.changes.iter().map(Change::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(
        text,
        "= same  https://gw.test/same/mcp
~ stale  https://gw.test/stale/mcp  (type, headers)
    Authorization: [redacted]
~ typed  https://gw.test/typed/mcp  (type)
! theirs  left alone: not written by mcpauth, it points to https://else.test/mcp?[redacted]; to replace it: --adopt theirs
+ new  https://gw.test/new/mcp
    Authorization: [redacted]
- gone"
    );
    assert!(!format!("{merged:?}").contains("Bearer"));
}
