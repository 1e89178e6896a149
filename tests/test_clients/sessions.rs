//! What is asked only to find something out leaves no session at a server that opens one for everything.

use serde_json::json;

use crate::support::User;
use crate::support::lab::{Lab, own_server, until};
use crate::support::upstream::{Eager, Upstream, say};

/// python-sdk: a session stays in the server's memory until it is ended.
#[test]
fn every_front_ends_the_sessions_that_its_questions_open() {
    for (words, code) in [
        (&["probe", "SERVER"][..], 0),
        (&["ping", "SERVER"], 0),
        (&["list", "SERVER"], 0),
        (&["call", "SERVER", "echo"], 0),
        (&["call", "SERVER", "echo", "--json"], 0),
        (&["login", "SERVER"], 2),
        (&["login", "SERVER", "--with-token"], 0),
        (&["bridge", "SERVER"], 0),
    ] {
        let server = Eager::start();
        let address = format!("{}/mcp", server.upstream.base);
        let args: Vec<&str> =
            words.iter().map(|word| if *word == "SERVER" { &address } else { *word }).collect();
        let stdin = match words.first() {
            Some(&"bridge") => {
                let meta = json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
                let ask = |method: &str| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta}});
                format!("{}\n{}\n", ask("server/discover"), ask("tools/list"))
            }
            _ => "the-key".to_owned(),
        };
        let ran = User::new().run_with(&args, &stdin).code(code);
        let (opened, open) = server.sessions();
        assert!(opened > 0, "{args:?}: {ran:?}");
        assert_eq!(open, 0, "{args:?}: {:?}", server.upstream.seen());
    }
}

/// Also where the handshake comes to nothing.
#[test]
fn a_session_whose_handshake_comes_to_nothing_is_ended() {
    let server = Upstream::start(|seen, stream| {
        let message = seen.message();
        let result = json!({"protocolVersion": "1999-01-01", "capabilities": {}});
        let (status, member, value) = match message["method"].as_str() {
            Some("initialize") => ("200 OK\r\nmcp-session-id: s1", "result", result),
            _ => ("400 Bad Request", "error", json!({"code": -32600, "message": "no"})),
        };
        let head = format!("{status}\r\ncontent-type: application/json");
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], member: value});
        say(stream, &head, answer.to_string().as_bytes());
    });
    User::new().run(&["ping", &format!("{}/mcp", server.base)]).code(6);
    let seen = server.seen();
    let end = seen.iter().find(|seen| seen.is("DELETE /mcp ")).expect("the session is ended");
    assert_eq!(end.header("mcp-session-id"), Some("s1"));
}

/// The gateway's health check, also beyond a redirect.
#[test]
fn a_health_check_leaves_no_session() {
    let server = Eager::start();
    let base = server.upstream.base.clone();
    let front = Upstream::start(move |seen, stream| {
        // Under another name of the same place.
        match seen.is("POST /mcp ") || seen.is("DELETE /mcp ") {
            true => say(stream, "307 Temporary Redirect\r\nlocation: /mcp/", b""),
            false => say(stream, "200 OK\r\nmcp-session-id: there", b"{}"),
        }
    });
    let lab = Lab::with(|settings, dir| {
        settings.health.interval = 1;
        own_server(dir, "delta", &base, "streamable-http");
        own_server(dir, "omega", &front.base, "streamable-http");
    });
    until("checked", || server.sessions().0 > 0 && server.sessions().1 == 0);
    let ended = || {
        front
            .seen()
            .iter()
            .any(|seen| seen.is("DELETE /mcp/") && seen.header("mcp-session-id") == Some("there"))
    };
    until("ended", ended);
    drop(lab);
}
