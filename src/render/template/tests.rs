//! The output of the built-in templates, and what a user's own may produce. The files in full, for every client and
//! every auth mode, are in `tests/clients`.
#![expect(clippy::disallowed_methods, reason = "tests write the user's template")]

use proptest::prelude::*;
use std::fs;

use super::super::auth_mode::AuthMode;
use super::super::client_entry::{LaunchContext, LocalProxy, client_entries};
use super::super::{ServerEntry, TARGETS};
use super::*;
use crate::tokens::Bearers;

fn entry(name: &str, url: &str, headers: &[(&str, &str)]) -> ServerEntry {
    ServerEntry {
        name: name.into(),
        url: url.into(),
        transport: "streamable-http".into(),
        headers: headers.iter().map(|&(name, value)| (name.into(), Secret::new(value))).collect(),
        bearers: Bearers::default(),
        place: Default::default(),
    }
}

fn means(program: &str) -> LaunchContext {
    let door = LocalProxy {
        listen: ([127, 0, 0, 1], 8191).into(),
        header: "X-Door".into(),
        secret: Secret::new("key"),
    };
    let command = vec![program.into(), "--tokens-dir".into(), program.into()];
    LaunchContext { users_command: command.clone(), command, door: Some(door) }
}

fn inline(entries: &[ServerEntry]) -> Vec<ClientEntry> {
    client_entries(entries, &TARGETS[1], AuthMode::Inline, &means("mcpauth")).unwrap()
}

fn sample() -> Vec<ServerEntry> {
    let sse = ServerEntry { transport: "sse".into(), ..entry("news", "https://gw.test/news/mcp", &[]) };
    let headers = [("Authorization", "Bearer E"), ("X-Site-Id", "S"), ("X-Authorization", "Bearer T")];
    vec![entry("tickets", "https://gw.test/tickets", &headers), sse]
}

const VSCODE: &str = r#"{
  "mcp": {
    "servers": {
      "tickets": {
        "url": "https://gw.test/tickets",
        "transport": "streamable_http",
        "headers": {
          "Authorization": "Bearer E",
          "X-Site-Id": "S",
          "X-Authorization": "Bearer T"
        }
      },
      "news": {
        "url": "https://gw.test/news/mcp",
        "transport": "sse"
      }
    }
  }
}"#;

const ROO: &str = r#"{
  "mcpServers": {
    "tickets": {
      "type": "streamable-http",
      "url": "https://gw.test/tickets",
      "headers": {
        "Authorization": "Bearer E",
        "X-Site-Id": "S",
        "X-Authorization": "Bearer T"
      },
      "disabled": false,
      "alwaysAllow": []
    },
    "news": {
      "type": "sse",
      "url": "https://gw.test/news/mcp",
      "disabled": false,
      "alwaysAllow": []
    }
  }
}"#;

#[test]
fn both_legacy_shapes_are_written_as_the_reference_has_them() {
    for (client, expected) in [("vscode-legacy", VSCODE), ("roo", ROO)] {
        let target = ClientSpec::find(client).unwrap();
        let rendered = render(target, &inline(&sample()), None).unwrap();
        assert_eq!(rendered.text.expose(), expected);
        assert!(!format!("{rendered:?}").contains("Bearer"));
    }
}

#[test]
fn every_target_has_a_template_that_writes_an_empty_configuration_too() {
    for target in TARGETS {
        let rendered = render(target, &[], None).unwrap();
        assert_eq!(target.entries(&rendered.json).map(|all| all.len()), Some(0), "{}", target.client);
    }
}

/// Every text in a value, including keys.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(map) => {
            map.iter().flat_map(|(key, value)| [vec![key.as_str()], texts(value)].concat()).collect()
        }
        _ => Vec::new(),
    }
}

/// Whatever a value contains, it is where it belongs and nowhere else, in every client's file and every auth mode.
fn survives(nasty: &str) {
    let plain = entry("plain", "https://gw.test/plain", &[]);
    let program = if nasty.is_empty() { "mcpauth" } else { nasty };
    for (target, way) in TARGETS.iter().flat_map(|target| target.ways.iter().map(move |way| (target, *way))) {
        let entries = [entry(nasty, nasty, &[(nasty, nasty)]), plain.clone()];
        let told = client_entries(&entries, target, way, &means(program)).unwrap();
        let rendered = render(target, &told, None).unwrap();
        let all = target.entries(&rendered.json).unwrap();
        let client = target.client;
        assert_eq!(all.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [nasty, "plain"], "{client}");
        let first = Value::Object(all[0].1.clone());
        let found = texts(&first);
        let expected = match way {
            AuthMode::Inline => vec![nasty, nasty, nasty],
            AuthMode::Env => vec![nasty, nasty],
            AuthMode::Bridge => vec![program, program, "bridge", nasty],
            AuthMode::Helper => vec![nasty, told[0].helper.as_deref().unwrap()],
            AuthMode::Proxy => vec!["X-Door", "key"],
        };
        for part in &expected {
            let count = |all: &[&str]| all.iter().filter(|text| *text == part).count();
            assert!(count(&found) >= count(&expected), "{client} {way}: {part:?} in {first}");
        }
    }
}

#[test]
fn no_name_or_value_breaks_out_of_its_string() {
    for nasty in [
        "a\"},\"b\\\u{1}\n</script>{{ 7 * 7 }}é\u{2028}\u{7f}\u{85}\u{feff}",
        "x\n[mcp_servers.evil]\n  - name: evil",
        "'\"\"\" # ' : - &anchor *alias !tag |",
        "~",
        "true",
        "0x1F",
        "2026-11-24",
        "\u{1f511} emoji \u{ffff}",
    ] {
        survives(nasty);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_at_all_does(nasty in "\\PC{1,12}|[\"'\\\\:{}\\[\\]#\\x00-\\x1f\u{7f}-\u{a0}\u{2028}]{1,12}") {
        survives(&nasty);
    }
}

#[test]
fn claude_code_is_told_http_whatever_the_registry_says() {
    let target = ClientSpec::find("claude-code").unwrap();
    for (transport, expected) in [("streamable-http", "http"), ("sse", "sse"), ("stdio", "http")] {
        let entry = ServerEntry { transport: transport.into(), ..entry("x", "https://gw.test/x", &[]) };
        for way in [AuthMode::Inline, AuthMode::Helper] {
            let told = client_entries(std::slice::from_ref(&entry), target, way, &means("mcpauth")).unwrap();
            assert_eq!(render(target, &told, None).unwrap().json["mcpServers"]["x"]["type"], expected);
        }
    }
}

#[test]
fn a_template_of_the_users_replaces_ours_and_a_broken_one_is_named_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("roo.json.j2");
    let target = ClientSpec::find("roo").unwrap();
    let cases = [
        (r#"{"mcpServers": {"x": {"url": {{ entries[0].url }}}}}"#, None),
        ("{\n\n{% for %}", Some(":3: unexpected end of block")),
        ("{\n{{ entrys }}", Some(":2: undefined value")),
        ("{\n{{ entries[0].headers['Authorization'] | int }}", Some(":2: ")),
        ("{", Some(": the rendered text is not JSON: EOF while parsing an object at line 1 column 1")),
        ("[]", Some(": the rendered text has no object mcpServers")),
        (
            r#"{"mcpServers":{"x":1}}"#,
            Some(": the rendered text has something other than an object at \"x\""),
        ),
    ];
    for (text, expected) in cases {
        fs::write(&file, text).unwrap();
        let headers = [("Authorization", "Bearer hidden-hidden")];
        let got = render(target, &inline(&[entry("x", "u", &headers)]), Some(dir.path()));
        match expected {
            None => assert_eq!(got.unwrap().json["mcpServers"]["x"]["url"], "u"),
            Some(part) => {
                let message = got.unwrap_err().to_string();
                assert!(message.starts_with(&format!("{}{part}", file.display())), "{message}");
                assert!(!message.contains("hidden"), "{message}");
            }
        }
    }
    fs::remove_file(&file).unwrap();
    assert!(render(target, &[], Some(dir.path())).is_ok());
}
