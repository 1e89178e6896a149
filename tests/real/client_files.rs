//! Real MCP clients read the files that `config install` wrote, and reach the servers behind the gateway with their
//! entries: each is started as its user would start it, knowing only that file. Not here: the content of the files
//! (see `client_configs`).

use serde_json::{Value, json};

use super::bridge_clients::Lane;
use super::flows::age;
use super::gateway::text;
use super::mcp::{json_of, listing, listing_words};
use crate::support::wire::Running;

/// A client, its file in the home folder, and the auth modes that need no help while it runs.
const CLIENTS: [(&str, &str, &[&str]); 5] = [
    ("claude-code", ".claude.json", &["helper", "bridge", "inline"]),
    ("codex", ".codex/config.toml", &["helper", "bridge", "inline"]),
    ("gemini", ".gemini/settings.json", &["bridge", "inline"]),
    ("opencode", ".config/opencode/opencode.json", &["bridge", "inline"]),
    ("continue", ".continue/config.yaml", &["bridge", "inline"]),
];

/// Has our entries written into a client's file; the file as it is then.
fn install(lane: &Lane, client: &str, file: &str, way: &str) -> String {
    lane.user.run(&["config", "install", "--client", client, "--auth-mode", way]).code(0);
    let path = lane.user.home().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The client finds every server in its file, and each answers it.
#[track_caller]
fn reaches(lane: &Lane, client: &str, way: &str) {
    let seen = look(lane, client);
    assert_eq!(seen["error"], Value::Null, "{client} {way}: {seen}");
    if client == "continue" {
        // It has no list, but tells its model the tools of all that it reached.
        let tools = seen["servers"][""]["tools"].to_string();
        assert!(
            ["\"echo\"", "\"get-sum\"", "\"add\"", "\"greet\""].iter().all(|tool| tools.contains(tool)),
            "{way}: {tools}"
        );
        return;
    }
    let servers = seen["servers"].as_object().expect("servers");
    assert_eq!(servers.keys().collect::<Vec<_>>(), Lane::NAMES, "{client} {way}: {seen}");
    for (name, server) in servers {
        assert_eq!(server["connected"], true, "{client} {way} {name}: {seen}");
        if name.starts_with("python") && !server["tools"].is_null() {
            assert_eq!(server["tools"], json!(["add", "greet"]), "{client} {way} {name}: {seen}");
        }
    }
}

fn look(lane: &Lane, client: &str) -> Value {
    // Not the project: nothing may depend on where a client is started.
    let folder = lane.user.home().join("somewhere");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut seen = listing(client, &lane.user.home(), &folder);
    if let Some(servers) = seen["servers"].as_object_mut() {
        servers.sort_keys();
    }
    seen
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn real_clients_reach_every_server_by_the_file_that_was_written() {
    let lane = Lane::start();
    lane.user.run(&["ingress"]).code(0);
    let token = text(&lane.user.token("ingress.json"), "access_token");
    let at = (&lane, token.as_str());
    std::thread::scope(|scope| {
        for (client, file, ways) in CLIENTS {
            scope.spawn(move || {
                let (lane, token) = at;
                for way in ways {
                    let written = install(lane, client, file, way);
                    assert_eq!(written.contains(token), *way == "inline", "{client} {way}: {written}");
                    reaches(lane, client, way);
                }
            });
        }
    });
    a_client_started_by_exec_has_its_headers_from_its_environment(&lane, &token);
    a_token_that_ended_is_renewed_by_the_helper(&lane);
    a_token_that_is_refused_is_a_server_out_of_reach(&lane);
    lane.end();
}

fn a_client_started_by_exec_has_its_headers_from_its_environment(lane: &Lane, token: &str) {
    let written = install(lane, "codex", ".codex/config.toml", "env");
    assert!(written.contains("MCPAUTH_") && !written.contains(token), "{written}");
    let words = [&["exec"], &Lane::NAMES[..], &["--", "python3"]].concat();
    let mut command = lane.user.command(&words);
    listing_words(&mut command, "codex");
    let seen = json_of(&mut command);
    for name in Lane::NAMES {
        assert_eq!(seen["servers"][name]["connected"], true, "{name}: {seen}");
    }
}

/// Nobody but the client runs then: it is its command that renews.
fn a_token_that_ended_is_renewed_by_the_helper(lane: &Lane) {
    install(lane, "claude-code", ".claude.json", "helper");
    age(&lane.user, "ingress.json");
    reaches(lane, "claude-code", "helper");
    assert_ne!(lane.user.token("ingress.json")["expires_at"], 1);
}

/// This shows that `connected` above depends on the headers.
fn a_token_that_is_refused_is_a_server_out_of_reach(lane: &Lane) {
    lane.spoil();
    for (client, file) in [("claude-code", ".claude.json"), ("codex", ".codex/config.toml")] {
        install(lane, client, file, "inline");
        let seen = look(lane, client);
        // Not the last: a client that does not support its transport has the bridge there, which renews.
        for name in &Lane::NAMES[..2] {
            assert_eq!(seen["servers"][name]["connected"], false, "{client} {name}: {seen}");
        }
    }
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn real_clients_reach_every_server_through_the_listening_bridge() {
    let mut lane = Lane::start();
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    lane.user.env("MCPAUTH_BRIDGE_LISTEN", format!("127.0.0.1:{port}"));
    let mut bridge = Running::start(lane.user.command(&["bridge", "--listen"]));
    bridge.line(|line| line.contains("ready"));
    for (client, file, _) in CLIENTS {
        let written = install(&lane, client, file, "proxy");
        assert!(written.contains(&format!("127.0.0.1:{port}")), "{client}: {written}");
        reaches(&lane, client, "proxy");
    }
    bridge.signal("TERM");
    bridge.end().code(143);
    lane.end();
}
