//! The arguments of `mcp-remote`: what each does, and that those which do nothing are named and harmless. That the server
//! sees the same as from `mcp-remote` itself is in `real`.

use std::net::TcpStream;

use serde_json::{Value, json};

use super::{Client, json_answer, usual};
use crate::support::User;
use crate::support::upstream::{Seen, Upstream, say};

/// A server with four tools.
pub(crate) fn tools(seen: &Seen, stream: &mut TcpStream) {
    let message = seen.message();
    match message["method"].as_str() {
        Some("tools/list") => {
            let tools = ["echo", "deleteTask", "getAccount", "other"]
                .map(|name| json!({"name": name, "inputSchema": {"type": "object"}}));
            json_answer(stream, &json!({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": tools}}));
        }
        _ => usual(seen, stream),
    }
}

/// A bridge with these arguments after its address.
fn bridge(user: &User, server: &Upstream, words: &[&str]) -> Client {
    let address = format!("{}/mcp", server.base);
    Client::with(user, &[&["bridge", &address], words].concat())
}

fn list(id: u32) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"})
}

fn call(id: u32, tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {}}})
}

#[test]
fn headers_are_sent_with_variables_filled_in_and_the_last_one_counts() {
    let server = Upstream::start(usual);
    let mut user = User::new();
    user.env("AUTH", "Bearer from-the-environment").env("EMPTY", "");
    let file =
        user.file("headers.txt", "# ours\nX-File: one\nnot a header\n\nX-Both: file\r\nX-Env: a${AUTH}\n");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let file = file.display().to_string();
    let words = [
        "9696",
        "--header",
        "Authorization:${AUTH}",
        "--header",
        "X-Both: flag",
        "--header",
        "X-Unset: ${NOBODY}!",
        "--header",
        "X-Empty:${EMPTY}",
        "--header",
        "nonsense",
        "--header",
        "X-Twice: 1",
        "--header",
        "X-Twice: 2",
        "--header-file",
        &file,
        "--allow-http",
    ];
    let mut client = bridge(&user, &server, &words);
    client.initialize();
    client.ask(&call(1, "echo"));
    let (_, code, said) = client.end();
    assert_eq!(code, Some(0));
    let seen = server.seen();
    let calls = seen.iter().filter(|seen| seen.is("POST"));
    for seen in calls {
        for (name, value) in [
            ("authorization", "Bearer from-the-environment"),
            ("x-file", "one"),
            ("x-both", "flag"),
            ("x-env", "aBearer from-the-environment"),
            ("x-unset", "${NOBODY}!"),
            ("x-empty", ""),
            ("x-twice", "2"),
        ] {
            assert_eq!(seen.header(name), Some(value), "{name}");
        }
    }
    assert!(said.contains("line 3 of") && said.contains("PORT of mcp-remote changes nothing"), "{said}");
    assert!(!said.contains("from-the-environment"), "{said}");
    assert!(!said.contains("--with-token"), "what is in a variable is on no command line: {said}");
}

#[test]
fn a_secret_on_the_command_line_is_sent_and_pointed_out() {
    for (header, hint) in [
        ("Authorization: Bearer abc-secret", "--with-token"),
        ("X-Api-Key:abc-secret", "--with-token --header X-Api-Key"),
        ("private-token: abc-secret", "--with-token --header private-token"),
    ] {
        let (server, user) = (Upstream::start(usual), User::new());
        let mut client = bridge(&user, &server, &["--header", header]);
        client.initialize();
        let (_, _, said) = client.end();
        let name = header.split(':').next().unwrap();
        assert!(server.seen()[0].header(name).unwrap().ends_with("abc-secret"));
        let command = format!("mcpauth login {}/mcp {hint}\n", server.base);
        assert!(said.contains(&command) && !said.contains("abc-secret"), "{said}");
    }
    let (server, user) = (Upstream::start(usual), User::new());
    let mut client = bridge(&user, &server, &["--header", "X-Team: blue"]);
    client.initialize();
    assert!(!client.end().2.contains("--with-token"));
}

#[test]
fn a_header_file_that_is_not_there_is_an_error() {
    let (server, user) = (Upstream::start(usual), User::new());
    let address = format!("{}/mcp", server.base);
    let ran = user.run(&["bridge", &address, "--header-file", "nowhere.txt"]).code(2);
    assert!(ran.stderr.contains("nowhere.txt"), "{}", ran.stderr);
    let ran = user.run(&["bridge", &address, "--static-oauth-client-info", "{oops"]).code(2);
    assert!(ran.stderr.contains("is not JSON") && !ran.stderr.contains("oops"), "{}", ran.stderr);
}

#[test]
fn an_ignored_tool_is_in_no_list_and_cannot_be_called() {
    let (server, user) = (Upstream::start(tools), User::new());
    let mut client = bridge(&user, &server, &["--ignore-tool", "delete*", "--ignore-tool", "*account"]);
    client.initialize();
    let listed = client.ask(&list(1));
    let names: Vec<_> =
        listed["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["echo", "other"]);
    for (id, tool) in [(2, "deleteTask"), (3, "DELETETASK"), (4, "getAccount"), (5, "delete")] {
        let refused = client.ask(&call(id, tool));
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(id), &json!(-32602)), "{refused}");
    }
    assert!(client.ask(&call(6, "echo"))["result"].is_object());
    client.end();
    let called: Vec<Value> =
        server.seen().iter().map(Seen::message).filter(|m| m["method"] == "tools/call").collect();
    assert_eq!(called.len(), 1, "no other call was sent");
}

#[test]
fn a_transport_is_used_as_it_is_said() {
    let (http, sse) = (json!(["POST /mcp"]), json!(["GET /mcp", "GET /sse"]));
    for (words, first) in [
        (&["--transport", "http-first"][..], &http),
        (&["--transport", "http-only"], &http),
        (&["--transport", "sse-first"], &sse),
        (&["--transport", "sse-only"], &sse),
        (&["--transport", "what"], &http),
    ] {
        let server = Upstream::start(|seen, stream| match seen.is("GET") {
            true => say(stream, "404 Not Found", b""),
            false => usual(seen, stream),
        });
        let user = User::new();
        let mut client = bridge(&user, &server, words);
        let answer = client.initialize();
        let is_answered = !words.contains(&"sse-only");
        assert_eq!(answer["result"].is_object(), is_answered, "{words:?}: {answer}");
        client.end();
        let seen = server.seen();
        let lines: Vec<_> = seen.iter().map(|seen| seen.head.split(" HTTP").next().unwrap()).collect();
        let first: Vec<_> = first.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert!(lines.starts_with(&first), "{words:?}: {lines:?}");
        if !is_answered {
            assert!(!lines.iter().any(|line| line.starts_with("POST")), "{lines:?}");
        }
    }
    let refusing = Upstream::answering("405 Method Not Allowed", "");
    let user = User::new();
    let mut client = bridge(&user, &refusing, &["--transport", "http-only"]);
    assert!(client.ask(&super::initialize())["error"].is_object());
    client.end();
    assert!(refusing.seen().iter().all(|seen| seen.is("POST")), "nothing else is tried");
}

#[test]
fn what_means_nothing_here_is_named_and_harmless() {
    let (server, user) = (Upstream::start(usual), User::new());
    let words = [
        "--debug",
        "--silent",
        "--enable-proxy",
        "--keep-alive",
        "--ping-interval",
        "60",
        "--ipv4",
        "--disable-cookies",
        "--connect-timeout",
        "30",
        "--headers-timeout",
        "1",
        "--body-timeout",
        "0",
        "--protocol",
        "auto",
        "--disable-resource-parameter",
        "--auth-success-url",
        "https://app.test/done",
        "--token-endpoint",
        "https://idp.test/token",
        "--device-code",
        "--client-credentials",
        "--use-id-token",
        "--host",
        "127.0.0.1",
        "--callback-path",
        "/cb",
    ];
    let mut client = bridge(&user, &server, &words);
    assert!(client.initialize()["result"].is_object());
    let (_, code, said) = client.end();
    assert_eq!(code, Some(0), "{said}");
    for flag in words.iter().filter(|word| word.starts_with("--")) {
        assert!(said.contains(&format!("{flag} of mcp-remote changes nothing here: ")), "{flag}: {said}");
    }
    let mut client =
        bridge(&user, &server, &["--auth-timeout", "60", "--client-metadata-url", "https://c.test/m.json"]);
    assert!(client.initialize()["result"].is_object());
    assert!(!client.end().2.contains("changes nothing"));
}
