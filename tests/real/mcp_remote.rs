//! One table of command lines for `mcp-remote` and for us, before one server: the server sees the same headers and calls,
//! and the client the same tools. Not here: what each argument does alone (see `bridge::remote`).

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::parts;
use crate::bridge::remote::tools;
use crate::support::User;
use crate::support::upstream::{Seen, Upstream};

/// The headers that a command line decides.
const HEADERS: [&str; 6] = ["authorization", "x-api-key", "x-both", "x-file", "x-unset", "x-empty"];

/// What a run came to: the tools that the client saw, how its calls ended, and what the server saw of each.
#[derive(Debug, PartialEq)]
struct Outcome {
    tools: Vec<String>,
    calls: Vec<(String, bool)>,
    seen: Vec<(String, Vec<Option<String>>)>,
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_server_sees_the_same_from_both() {
    let mut user = User::new();
    let home = user.home().display().to_string();
    user.env("TOKEN", "Bearer from-env").env("EMPTY", "").env("MCP_REMOTE_CONFIG_DIR", home);
    let file =
        user.file("headers.txt", "# file\nX-File: one\nX-Both: file\nnonsense\n").display().to_string();
    let table: [&[&str]; 10] = [
        &[],
        &["9697"],
        &["--header", "Authorization: Bearer plain", "--header", "X-Api-Key:k"],
        &[
            "--header",
            "Authorization:${TOKEN}",
            "--header",
            "X-Unset: ${NOBODY}",
            "--header",
            "X-Empty: ${EMPTY}",
        ],
        &["--header-file", &file, "--header", "X-Both: flag"],
        &["--transport", "http-only", "--debug"],
        &["--transport", "http-first", "--silent", "--allow-http", "--host", "127.0.0.1"],
        &["--ignore-tool", "delete*"],
        &["--ignore-tool", "*account", "--ignore-tool", "OTHER", "--enable-proxy"],
        &[
            "--auth-timeout",
            "60",
            "--keep-alive",
            "--ping-interval",
            "600",
            "--protocol",
            "legacy",
            "--disable-cookies",
        ],
    ];
    let proxy = parts().join("clients/node_modules/mcp-remote/dist/proxy.js");
    for words in table {
        let theirs = run(&user, |address| {
            let mut command = user.command(&[]);
            let mut node = Command::new("node");
            node.arg(&proxy).arg(address).args(words);
            node.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            node.current_dir(user.project());
            command = node;
            command
        });
        let ours = run(&user, |address| user.command(&[&["bridge", address], words].concat()));
        assert_eq!(ours, theirs, "{words:?}");
        assert!(ours.seen.len() >= 4, "{words:?}: {ours:?}");
    }
}

/// Takes a client through a session with what `command` starts.
fn run(user: &User, command: impl Fn(&str) -> Command) -> Outcome {
    let server = Upstream::start(tools);
    let mut child = command(&format!("{}/mcp", server.base))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .current_dir(user.project())
        .spawn()
        .expect("it starts");
    let (mut input, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let mut ask = |message: Value| {
        writeln!(input, "{message}").expect("it reads");
        let id = message.get("id").cloned()?;
        lines.find_map(|line| {
            serde_json::from_str::<Value>(&line)
                .ok()
                .filter(|answer| answer["id"] == id && answer["method"].is_null())
        })
    };
    ask(crate::bridge::initialize()).expect("an answer");
    ask(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let listed = ask(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).expect("a list");
    let tools = listed["result"]["tools"].as_array().expect("tools");
    let tools = tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect();
    let calls = ["echo", "deleteTask", "getAccount", "other"].into_iter().enumerate().map(|(at, tool)| {
        let params = json!({"name": tool, "arguments": {}});
        let answer = ask(json!({"jsonrpc": "2.0", "id": at + 2, "method": "tools/call", "params": params}));
        (tool.to_owned(), answer.expect("an answer")["result"].is_object())
    });
    let calls = calls.collect();
    drop(input);
    child.wait().expect("it ends");
    // It begins a session of its own first, to see which transport there is.
    let mut seen = Vec::new();
    for row in server.seen().iter().filter_map(row) {
        if !seen.contains(&row) {
            seen.push(row);
        }
    }
    Outcome { tools, calls, seen }
}

/// A request's method and tool with the headers, if it is of the client's.
fn row(seen: &Seen) -> Option<(String, Vec<Option<String>>)> {
    let message = seen.message();
    let method = message["method"].as_str().filter(|method| *method != "ping")?;
    let tool = message["params"]["name"].as_str().filter(|_| method == "tools/call").unwrap_or_default();
    let headers = HEADERS.iter().map(|name| seen.header(name).map(str::to_owned));
    Some((format!("{method} {tool}"), headers.collect()))
}

/// What it can be told is in its own code; what that comes to here is in the guide, flag by flag.
#[test]
#[ignore = "real parts: run .ci/run"]
fn the_guide_names_every_argument_and_the_bridge_takes_it() {
    let dist = parts().join("clients/node_modules/mcp-remote/dist");
    let mut flags = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(dist).expect("its code").flatten() {
        let code = std::fs::read_to_string(entry.path()).expect("text");
        for part in code.split("\"--").skip(1) {
            let flag: String = part
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '-' || c.is_ascii_digit())
                .collect();
            if part.strip_prefix(&flag).is_some_and(|rest| rest.starts_with('"')) && !flag.is_empty() {
                flags.insert(format!("--{flag}"));
            }
        }
    }
    flags.retain(|flag| !["--help", "--version"].contains(&flag.as_str()));
    assert!(flags.len() >= 25 && flags.contains("--use-id-token"), "{flags:?}");
    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides/from-mcp-remote.md");
    let guide = std::fs::read_to_string(guide).expect("the guide");
    let command = mcpauth::cli::command();
    let bridge = command.find_subcommand("bridge").expect("the bridge");
    let known: Vec<&str> =
        bridge.get_arguments().chain(command.get_arguments()).filter_map(clap::Arg::get_long).collect();
    for flag in flags {
        assert!(guide.contains(&flag), "the guide does not name {flag}");
        assert!(
            known.iter().any(|known| flag.strip_prefix("--") == Some(*known)),
            "the bridge does not take {flag}"
        );
    }
}
