//! Every client: what is written for it, and what happens to its own file. The first half is here: one file per
//! client and auth mode, in `golden/`, parsed for what that client reads (`UPDATE=1` rewrites them).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests read and write files as other programs would")]

mod drift;
mod install;
mod merging;

use std::path::Path;

use mcpauth::render::{
    AuthMode, ClientSpec, Format, LaunchContext, LocalProxy, ServerEntry, Shape, TARGETS, client_entries,
    render,
};
use mcpauth::secret::Secret;
use mcpauth::tokens::Bearers;
use serde_json::{Value, json};

/// What a client reads: its file, and in it an entry with a URL, and one with a program.
struct Reads {
    client: &'static str,
    /// Its file on Linux, below the home folder.
    file: &'static str,
    /// From the top to the entries.
    root: &'static [&'static str],
    /// The field that says how to speak to a server, and its words for HTTP and for SSE.
    transport: Option<(&'static str, &'static str, &'static str)>,
    url: &'static str,
    /// Where the headers are.
    headers: &'static [&'static str],
    /// What it requires in an entry with a program besides the program.
    program: Value,
}

fn reads() -> Vec<Reads> {
    let plain = || Reads {
        client: "",
        file: "",
        root: &["mcpServers"],
        transport: None,
        url: "url",
        headers: &["headers"],
        program: json!({}),
    };
    let typed = |http| Some(("type", http, "sse"));
    let stdio = || json!({"type": "stdio"});
    vec![
        Reads {
            client: "vscode-legacy",
            file: ".vscode/mcp.json",
            root: &["mcp", "servers"],
            transport: Some(("transport", "streamable_http", "sse")),
            program: json!({"transport": "stdio"}),
            ..plain()
        },
        Reads {
            client: "roo",
            file: ".roocode/mcp_servers.json",
            transport: typed("streamable-http"),
            program: json!({"type": "stdio", "disabled": false, "alwaysAllow": []}),
            ..plain()
        },
        Reads {
            client: "vscode",
            file: ".config/Code/User/mcp.json",
            root: &["servers"],
            transport: typed("http"),
            program: stdio(),
            ..plain()
        },
        Reads {
            client: "claude-code",
            file: ".claude.json",
            transport: typed("http"),
            program: stdio(),
            ..plain()
        },
        Reads { client: "claude-desktop", file: ".config/Claude/claude_desktop_config.json", ..plain() },
        Reads { client: "cursor", file: ".cursor/mcp.json", ..plain() },
        Reads {
            client: "cline",
            file: ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
            transport: typed("streamableHttp"),
            program: json!({"type": "stdio", "disabled": false, "autoApprove": []}),
            ..plain()
        },
        Reads { client: "windsurf", file: ".codeium/windsurf/mcp_config.json", url: "serverUrl", ..plain() },
        Reads { client: "zed", file: ".config/zed/settings.json", root: &["context_servers"], ..plain() },
        Reads { client: "gemini", file: ".gemini/settings.json", url: "httpUrl", ..plain() },
        Reads {
            client: "antigravity",
            file: ".gemini/antigravity/mcp_config.json",
            url: "serverUrl",
            ..plain()
        },
        Reads {
            client: "codex",
            file: ".codex/config.toml",
            root: &["mcp_servers"],
            headers: &["http_headers"],
            ..plain()
        },
        Reads {
            client: "continue",
            file: ".continue/config.yaml",
            transport: typed("streamable-http"),
            headers: &["requestOptions", "headers"],
            ..plain()
        },
        Reads {
            client: "goose",
            file: ".config/goose/config.yaml",
            root: &["extensions"],
            transport: typed("streamable_http"),
            url: "uri",
            program: json!({"type": "stdio", "enabled": true, "timeout": 300}),
            ..plain()
        },
        Reads { client: "junie", file: ".junie/mcp/mcp.json", ..plain() },
        Reads {
            client: "copilot",
            file: ".copilot/mcp-config.json",
            transport: typed("http"),
            program: json!({"type": "local", "tools": ["*"]}),
            ..plain()
        },
        Reads {
            client: "opencode",
            file: ".config/opencode/opencode.json",
            root: &["mcp"],
            transport: Some(("type", "remote", "remote")),
            program: json!({"type": "local", "enabled": true}),
            ..plain()
        },
    ]
}

fn entry(name: &str, transport: &str, headers: &[(&str, &str)]) -> ServerEntry {
    ServerEntry {
        name: name.into(),
        url: format!("https://gw.test/{name}/mcp"),
        transport: transport.into(),
        headers: headers.iter().map(|&(name, value)| (name.into(), Secret::new(value))).collect(),
        bearers: Bearers::default(),
        place: Default::default(),
    }
}

fn entries() -> Vec<ServerEntry> {
    vec![
        entry(
            "tickets",
            "streamable-http",
            &[("Authorization", "Bearer E"), ("X-Authorization", "Bearer T")],
        ),
        entry("news", "sse", &[("X-Authorization", "Bearer T")]),
        entry("clock", "streamable-http", &[]),
    ]
}

fn means() -> LaunchContext {
    let words = [
        "/opt/mcpauth",
        "--tokens-dir",
        "/home/u/my project/.oauth-tokens",
        "--env-file",
        "/home/u/my project/.env",
    ];
    let door = LocalProxy {
        listen: ([127, 0, 0, 1], 8191).into(),
        header: "X-Mcpauth-Bridge".into(),
        secret: Secret::new("local"),
    };
    let command: Vec<String> = words.map(str::to_owned).into();
    LaunchContext { users_command: command.clone(), command, door: Some(door) }
}

fn written(target: &ClientSpec, way: AuthMode) -> String {
    let told = client_entries(&entries(), target, way, &means()).unwrap();
    format!("{}\n", render(target, &told, None).unwrap().text.expose())
}

/// By a parser of the format itself.
fn parsed(format: Format, text: &str) -> Value {
    match format {
        Format::Json => serde_json::from_str(text).unwrap(),
        Format::Toml => {
            let document: toml_edit::DocumentMut = text.parse().unwrap();
            serde_json::from_str(&json_of(document.as_item())).unwrap()
        }
        Format::Yaml => serde_saphyr::from_str(text).unwrap(),
    }
}

/// The few kinds of TOML there are in these files, as JSON.
fn json_of(item: &toml_edit::Item) -> String {
    if let Some(table) = item.as_table_like() {
        let rows = table.iter().map(|(key, item)| format!("{}:{}", json!(key), json_of(item)));
        return format!("{{{}}}", rows.collect::<Vec<_>>().join(","));
    }
    let list = item.as_array().map(|list| list.iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>());
    match (list, item.as_bool()) {
        (Some(list), _) => json!(list).to_string(),
        (None, Some(yes)) => yes.to_string(),
        (None, None) => json!(item.as_str().unwrap()).to_string(),
    }
}

/// The entries of a file, by name.
fn servers(reads: &Reads, shape: Shape, whole: &Value) -> Vec<(String, Value)> {
    let at = reads.root.iter().fold(whole, |at, key| &at[key]);
    match shape {
        Shape::Map => at.as_object().unwrap().clone().into_iter().collect(),
        Shape::List => {
            let named = |entry: &Value| (entry["name"].as_str().unwrap().to_owned(), entry.clone());
            at.as_array().unwrap().iter().map(named).collect()
        }
    }
}

fn sse_of(reads: &Reads) -> &'static str {
    // The one client that tells the two apart by the field the address is in.
    if reads.client == "gemini" { "url" } else { reads.url }
}

/// Checks one entry as its client would read it.
fn check(reads: &Reads, target: &ClientSpec, way: AuthMode, name: &str, entry: &Value) {
    let place = format!("{} {way} {name}: {entry}", reads.client);
    let sse = name == "news";
    if way == AuthMode::Bridge || sse && !target.sse {
        let mut words = means().command;
        words.extend(["bridge".into(), name.into()]);
        let found = match (&entry["command"], &entry["cmd"]) {
            (Value::Array(words), _) => json!(words),
            (Value::Null, program) | (program, Value::Null) => {
                json!([std::slice::from_ref(program), entry["args"].as_array().unwrap().as_slice()].concat())
            }
            _ => panic!("{place}"),
        };
        assert_eq!(found, json!(words), "{place}");
        for (field, value) in reads.program.as_object().unwrap() {
            assert_eq!(&entry[field], value, "{place}");
        }
        assert!(!entry.to_string().contains("Bearer") && !entry.to_string().contains("gw.test"), "{place}");
        return;
    }
    if let Some((field, http, word)) = reads.transport {
        assert_eq!(entry[field], if sse { word } else { http }, "{place}");
    }
    let at = if way == AuthMode::Proxy { "http://127.0.0.1:8191" } else { "https://gw.test" };
    if sse && reads.client == "gemini" {
        assert_eq!(entry["type"], "sse", "{place}");
    }
    // The bridge passes on whichever transport is used; the gateway has both at one address.
    let end = if sse && way == AuthMode::Proxy { "sse" } else { "mcp" };
    assert_eq!(entry[if sse { sse_of(reads) } else { reads.url }], format!("{at}/{name}/{end}"), "{place}");
    let headers = reads.headers.iter().fold(entry, |at, key| &at[key]);
    let own = entries().into_iter().find(|entry| entry.name == name).unwrap().headers;
    match way {
        AuthMode::Proxy => assert_eq!(headers, &json!({"X-Mcpauth-Bridge": "local"}), "{place}"),
        AuthMode::Inline if own.is_empty() => assert!(headers.is_null(), "{place}"),
        AuthMode::Inline => {
            let own = own.iter().map(|(name, value)| (name.clone(), json!(value.expose())));
            assert_eq!(headers, &Value::Object(own.collect()), "{place}");
        }
        AuthMode::Helper => {
            let quoted = "/opt/mcpauth --tokens-dir '/home/u/my project/.oauth-tokens' --env-file '/home/u/my project/.env'";
            let field = if reads.client == "codex" { "http_headers_helper" } else { "headersHelper" };
            assert_eq!(entry[field], format!("{quoted} headers {name}"), "{place}");
        }
        AuthMode::Env => {
            let variable = |header: &str| mcpauth::render::variable(name, header);
            let (at, of): (&Value, fn(String) -> String) = match reads.client {
                "codex" => (&entry["env_http_headers"], |variable| variable),
                _ => (headers, |variable| format!("${{env:{variable}}}")),
            };
            let expected = own.iter().map(|(header, _)| (header.clone(), json!(of(variable(header)))));
            let expected = Value::Object(expected.collect());
            assert!(at == &expected || at.is_null() && own.is_empty(), "{place}");
        }
        AuthMode::Bridge => {}
    }
    assert_eq!(entry.to_string().contains("Bearer"), way == AuthMode::Inline && !own.is_empty(), "{place}");
}

#[cfg(target_os = "linux")]
#[test]
fn every_client_has_its_file_where_it_looks_for_it() {
    let user = crate::support::User::new();
    let shown = user.run(&["config", "show", "--clients", "--json"]).code(0).json();
    let path = |row: &Value| Path::new(row["path"].as_str().unwrap()).to_owned();
    let rows = shown["clients"].as_array().unwrap();
    let found: Vec<_> = rows.iter().map(|row| (row["client"].as_str().unwrap(), path(row))).collect();
    let reads = reads();
    let expected: Vec<_> = reads.iter().map(|one| (one.client, user.home().join(one.file))).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_clients_file_is_what_that_client_reads() {
    let reads = reads();
    assert_eq!(reads.len(), TARGETS.len());
    let mut files = Vec::new();
    for (target, reads) in TARGETS.iter().zip(&reads) {
        assert_eq!(target.client, reads.client);
        for way in target.ways {
            let text = written(target, *way);
            let ending = target.template.rsplit('.').next().unwrap();
            let name = format!("{}.{way}.{ending}", target.client);
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/golden").join(&name);
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, &text).unwrap();
            }
            let golden =
                std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}; run with UPDATE=1"));
            assert_eq!(text, golden, "{name}; if this is intended, run with UPDATE=1");
            let all = servers(reads, target.shape, &parsed(target.format, &golden));
            let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["tickets", "news", "clock"], "{name}");
            all.iter().for_each(|(name, entry)| check(reads, target, *way, name, entry));
            files.push(name);
        }
    }
    files.sort();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/golden");
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(there, files, "nothing is left of what is written no more");
}
