//! Merging into realistic files, with comments, other tools' entries and an outdated one of ours.

use super::*;

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/clients/");

const GOOSE: &ClientSpec = &ClientSpec {
    format: Format::Yaml,
    root: &["extensions"],
    url: "uri",
    kept: &["enabled", "timeout"],
    ..TARGETS[1]
};
const CONTINUE: &ClientSpec =
    &ClientSpec { format: Format::Yaml, shape: Shape::List, root: &["mcpServers"], url: "url", ..TARGETS[1] };
const ZED: &ClientSpec = &ClientSpec { root: &["context_servers"], url: "url", ..TARGETS[1] };
const GEMINI: &ClientSpec = &ClientSpec { root: &["mcpServers"], url: "httpUrl", ..TARGETS[1] };
const CLAUDE: &ClientSpec = &ClientSpec { root: &["mcpServers"], url: "url", ..TARGETS[1] };

struct MergeCase {
    file: &'static str,
    target: &'static ClientSpec,
    /// The rendered entries; the first one exists already, with an old token.
    rendered: Value,
    /// What is to be replaced by what in the file's text.
    edits: &'static [(&'static str, &'static str)],
    changes: &'static str,
}

fn cases() -> Vec<MergeCase> {
    let headers = json!({"X-Authorization": "Bearer new"});
    let url = "https://gw.test/tickets/mcp";
    let bridge = json!({"command": "/opt/mcpauth", "args": ["bridge", "wiki"]});
    vec![
        MergeCase {
            file: "codex-config.toml",
            target: CODEX,
            rendered: json!({"mcp_servers": {
                "tickets": {"url": url, "env_http_headers": {"X-Authorization": "T"}, "enabled": false},
                "my wiki": bridge
            }}),
            edits: &[
                ("http_headers = { \"X-Authorization\" = \"Bearer old\" }\n", ""),
                (
                    "enabled = true\n# disabled_tools = [\"delete\"]\n",
                    "enabled = true\nenv_http_headers = { X-Authorization = \"T\" }\n# disabled_tools = [\"delete\"]\n\n[mcp_servers.\"my wiki\"]\ncommand = \"/opt/mcpauth\"\nargs = [\"bridge\", \"wiki\"]\n",
                ),
            ],
            changes: r#"tickets:Updated(["env_http_headers", "http_headers"]) my wiki:Added"#,
        },
        MergeCase {
            file: "goose-config.yaml",
            target: GOOSE,
            rendered: json!({"extensions": {
                "tickets": {"type": "streamable_http", "name": "tickets", "uri": url, "headers": headers, "enabled": true, "timeout": 300},
                "wiki": {"type": "stdio", "name": "wiki", "cmd": "/opt/mcpauth", "args": ["bridge", "wiki"], "enabled": true}
            }}),
            edits: &[
                ("X-Authorization: Bearer old", "X-Authorization: \"Bearer new\""),
                (
                    "  #   type: sse\n",
                    "  #   type: sse\n  wiki:\n    type: \"stdio\"\n    name: \"wiki\"\n    cmd: \"/opt/mcpauth\"\n    args:\n      - \"bridge\"\n      - \"wiki\"\n    enabled: true\n",
                ),
            ],
            changes: r#"tickets:Updated(["headers"]) wiki:Added"#,
        },
        MergeCase {
            file: "continue-config.yaml",
            target: CONTINUE,
            rendered: json!({"mcpServers": [
                {"name": "tickets", "type": "streamable-http", "url": url, "requestOptions": {"headers": headers}},
                {"name": "wiki", "command": "/opt/mcpauth"}
            ]}),
            edits: &[
                (
                    "      timeout: 5\n      headers:\n        X-Authorization: Bearer old\n",
                    "      headers:\n        X-Authorization: \"Bearer new\"\n",
                ),
                (
                    "  - uses: someone/playwright-mcp\n",
                    "  - uses: someone/playwright-mcp\n  - name: \"wiki\"\n    command: \"/opt/mcpauth\"\n",
                ),
            ],
            changes: r#"tickets:Updated(["requestOptions"]) wiki:Added"#,
        },
        MergeCase {
            file: "vscode-settings.json",
            target: VSCODE,
            rendered: json!({"mcp": {"servers": {"tickets": {"url": url, "transport": "streamable_http", "headers": headers}}}}),
            edits: &[(
                "{ \"X-Authorization\": \"Bearer old\" }",
                "{\n                    \"X-Authorization\": \"Bearer new\"\n                }",
            )],
            changes: r#"tickets:Updated(["headers"])"#,
        },
        MergeCase {
            file: "zed-settings.json",
            target: ZED,
            rendered: json!({"context_servers": {"tickets": {"url": url}}}),
            edits: &[("mcp\",\n      \"headers\": { \"X-Authorization\": \"Bearer old\" }\n", "mcp\"\n")],
            changes: r#"tickets:Updated(["headers"])"#,
        },
        MergeCase {
            file: "gemini-settings.json",
            target: GEMINI,
            rendered: json!({"mcpServers": {"tickets": {"httpUrl": url, "headers": headers}, "wiki": bridge}}),
            edits: &[
                (
                    "{ \"X-Authorization\": \"Bearer old\" }",
                    "{\n        \"X-Authorization\": \"Bearer new\"\n      }",
                ),
                (
                    "[\"search\"]\n    }\n",
                    "[\"search\"]\n    },\n    \"wiki\": {\n      \"command\": \"/opt/mcpauth\",\n      \"args\": [\"bridge\", \"wiki\"]\n    }\n",
                ),
            ],
            changes: r#"tickets:Updated(["headers"]) wiki:Added"#,
        },
        MergeCase {
            file: "claude.json",
            target: CLAUDE,
            rendered: json!({"mcpServers": {"tickets": {"type": "http", "url": url, "headersHelper": "/opt/mcpauth headers"}}}),
            edits: &[(
                "\"headers\": {\n        \"X-Authorization\": \"Bearer old\"\n      }",
                "\"headersHelper\": \"/opt/mcpauth headers\"",
            )],
            changes: r#"tickets:Updated(["headersHelper", "headers"])"#,
        },
    ]
}

#[test]
fn our_entries_are_brought_up_to_date_and_every_other_byte_stays() {
    for MergeCase { file, target, rendered, edits, changes } in cases() {
        let before = std::fs::read_to_string(format!("{FILES}{file}")).unwrap();
        let expected = edits.iter().fold(before.clone(), |text, (old, new)| {
            assert_eq!(text.matches(old).count(), 1, "{file}: {old}");
            text.replace(old, new)
        });
        for ending in ["\n", "\r\n"] {
            let (before, expected) = (before.replace('\n', ending), expected.replace('\n', ending));
            let merged = merged_twice(Some(&before), target, &rendered, &["tickets"]);
            assert_eq!(merged, (expected, changes.into()), "{file}");
        }
        let adopted = merge(Some(&before), target, &rendered, &owned(&[])).unwrap();
        assert_eq!(adopted.text, expected, "{file}");
    }
}

#[test]
fn without_our_entries_the_files_mean_what_they_meant_without_them() {
    for MergeCase { file, target, rendered, .. } in cases() {
        let before = std::fs::read_to_string(format!("{FILES}{file}")).unwrap();
        let nothing = json!({});
        let bare = merge(Some(&before), target, &nothing, &owned(&["tickets"])).unwrap();
        assert!(!bare.text.contains("Bearer old"), "{file}");
        let merged = merge(Some(&bare.text), target, &rendered, &bare.owned).unwrap();
        let gone = merge(Some(&merged.text), target, &nothing, &merged.owned).unwrap();
        assert_eq!(gone.text, bare.text, "{file}");
    }
}
