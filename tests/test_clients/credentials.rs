//! Which tokens go where, what happens when they are rejected, and explanations of the gateway's answers. Not here:
//! the gateway's decisions (see `gateway`).
#![cfg(test)]

use serde_json::json;

use super::{error, legacy, modern, old, result, say_json, text, user};
use crate::support::User;
use crate::support::lab::Lab;
use crate::support::upstream::{Seen, Upstream, say};

const TOKEN: &str = "token-of-the-test-0123456789";

/// The tokens of a user who has one for the gateway and one for another server, as they reach a server.
fn sent(user: &User, server: &Upstream, args: &[&str]) -> (Option<String>, Option<String>) {
    let before = server.seen().len();
    user.run(&[&["ping"], args].concat()).code(0);
    let seen = &server.seen()[before];
    let header = |name: &str| seen.header(name).map(str::to_owned);
    (header("x-authorization"), header("authorization"))
}

#[test]
fn which_credentials_go_where() {
    let server = modern(|_, _, _| {});
    let mut user = user(&server.base);
    let stored =
        json!({"provider": "oidc", "access_token": TOKEN, "expires_at": 4_000_000_000u64, "client_id": "c"});
    user.file(".oauth-tokens/ingress.json", &stored.to_string());
    user.file("token", "token-from-a-file\n");
    let url = format!("{}/mcp", server.base);
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    // By default, nothing is sent to a server that is not the gateway.
    assert_eq!(sent(&user, &server, &[]), (None, None));
    assert_eq!(sent(&user, &server, &["--url", &url]), (None, None));
    assert_eq!(sent(&user, &server, &["--auth"]), (bearer(TOKEN), None));
    assert_eq!(sent(&user, &server, &["--token-file", "token"]), (None, bearer("token-from-a-file")));
    user.env("MCP_AUTH_TOKEN", "token-of-the-environment");
    let given = bearer("token-of-the-environment");
    assert_eq!(sent(&user, &server, &[]), (None, None));
    assert_eq!(sent(&user, &server, &["--auth"]), (given.clone(), None));
    assert_eq!(
        sent(&user, &server, &["--auth", "--token-file", "token"]),
        (given, bearer("token-from-a-file"))
    );
    assert_eq!(sent(&user, &server, &["--no-auth"]), (None, None));
    // The gateway gets it at any of its addresses.
    user.env("REGISTRY_URL", &server.base);
    assert_eq!(sent(&user, &server, &[]), (bearer("token-of-the-environment"), None));
    // A server by its name gets what the store has, and nothing else.
    user.env("REGISTRY_URL", &server.base);
    user.file(
        "servers/notes.json",
        r#"{"server_name":"notes","path":"/notes","proxy_pass_url":"http://127.0.0.1:1","auth_type":"none"}"#,
    );
    assert_eq!(sent(&user, &server, &["--server", "notes"]), (bearer(TOKEN), None));
    assert!(server.seen().last().unwrap().is("POST /notes/mcp "));
    let unknown = user.run(&["ping", "--server", "other"]).code(2);
    assert!(
        unknown.stderr.contains("there is no server \"other\"") && unknown.stderr.contains("notes"),
        "{unknown:?}"
    );
    for wrong in [
        &["--url", "notes"][..],
        &["--url", "https://u:p@h.test/"],
        &["--url", &url, "--server", "notes"],
        &["--auth", "--no-auth"],
    ] {
        user.run(&[&["ping"], wrong].concat()).code(2);
    }
    user.env("GATEWAY_URL", "not an address");
    assert!(user.run(&["ping"]).code(2).stderr.contains("GATEWAY_URL"));
}

#[test]
fn a_servers_own_token_goes_to_its_own_address_alone() {
    let mut user = User::new();
    user.env("REGISTRY_URL", "https://gw.test/a");
    let stored = |provider: &str, token: &str| {
        json!({"provider": provider, "access_token": token, "expires_at": 4_000_000_000u64, "client_id": "c"})
            .to_string()
    };
    user.file(".oauth-tokens/ingress.json", &stored("oidc", TOKEN));
    user.file(".oauth-tokens/tracker-egress.json", &stored("tracker", "EGRESS"));
    let cases = [
        ("tracker", true, true),
        ("https://gw.test/a/tracker/mcp", true, true),
        ("https://gw.test/a/x/../tracker/", true, true),
        ("https://gw.test/a/other/mcp", false, true),
        ("https://gw.test/a/tracker/%2e%2e/other/mcp", false, true),
        ("https://gw.test/ab/tracker/mcp", false, false),
        ("https://gw.test/a/../tracker/mcp", false, false),
        ("https://gw.test/a/%2e%2e/tracker/mcp", false, false),
        ("https://gw.test/a/tracker%2f..%2fother/mcp", false, false),
        ("https://gw.test:8443/a/tracker/mcp", false, false),
        ("https://gw.test.evil.test/a/tracker/mcp", false, false),
        ("https://evil.test/https://gw.test/a/tracker/mcp", false, false),
        ("https://evil.test/a/tracker/mcp#https://gw.test/a/tracker", false, false),
    ];
    for (server, is_its_own, is_the_gateways) in cases {
        let headers = user.run(&["headers", server]).code(0).json();
        let identity = is_the_gateways.then(|| json!(format!("Bearer {TOKEN}")));
        assert_eq!(headers.get("X-Authorization"), identity.as_ref(), "{server}");
        assert_eq!(headers.get("Authorization").is_some(), is_its_own, "{server}");
    }
}

#[test]
fn another_machine_is_never_sent_a_token_over_plain_http() {
    let user = User::new();
    let stored =
        json!({"provider": "oidc", "access_token": TOKEN, "expires_at": 4_000_000_000u64, "client_id": "c"});
    user.file(".oauth-tokens/ingress.json", &stored.to_string());
    let refused = user.run(&["ping", "--auth", "--url", "http://gw.test/mcp"]).code(2);
    assert!(refused.stderr.contains("plain http") && refused.stderr.contains("--allow-http"), "{refused:?}");
}

#[test]
fn a_token_that_has_ended_and_cannot_be_renewed_is_said_before_anything_is_sent() {
    let server = modern(|_, _, _| {});
    let user = user(&server.base);
    let stored = json!({"provider": "oidc", "access_token": TOKEN, "expires_at": 1, "client_id": "c"});
    user.file(".oauth-tokens/ingress.json", &stored.to_string());
    let ended = user.run(&["list", "--auth"]).code(4);
    assert!(
        ended.stderr.contains("has expired") && ended.stderr.contains("run: mcpauth generate"),
        "{ended:?}"
    );
    assert_eq!(server.seen().len(), 0);
}

/// Whatever a server does with our tokens, and however verbose we are.
#[test]
fn a_server_that_repeats_what_it_was_sent_is_scrubbed() {
    let echo = |seen: &Seen| {
        format!("{} {}", seen.header("x-authorization").unwrap(), seen.header("authorization").unwrap())
    };
    let server = modern(move |_, seen, stream| match seen.message()["params"]["name"].as_str() {
        Some("say") => say_json(stream, &result(seen, &text(&echo(seen)))),
        Some("fail") => say_json(stream, &error(seen, 1, &echo(seen))),
        _ => {
            let challenge = format!("401 No\r\nwww-authenticate: Bearer error=\"{}\"", echo(seen));
            say(stream, &challenge, echo(seen).as_bytes());
        }
    });
    let mut user = user(&server.base);
    user.env("MCP_AUTH_TOKEN", TOKEN).file("token", "token-from-a-file");
    for (tool, code) in [("say", 0), ("fail", 6), ("refuse", 4)] {
        let ran = user.run(&["call", tool, "-vv", "--auth", "--token-file", "token"]).code(code);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            said.contains("-> tools/call") && !said.contains(TOKEN) && !said.contains("token-from-a-file"),
            "{said}"
        );
        assert!(said.contains("[redacted]"), "{said}");
    }
}

#[test]
fn through_the_gateway_a_token_is_got_sent_and_renewed() {
    let lab = Lab::start();
    let user = lab.user("worker");
    assert_eq!(user.run(&["list", "--server", "alpha"]).code(0).stdout, "echo\tSays it again\n");
    assert_eq!(user.run(&["call", "--server", "alpha", "echo", "{\"a\":1}"]).code(0).stdout, "{\"a\":1}\n");
    assert_eq!(user.run(&["probe", "--server", "alpha", "--json"]).code(0).json()["tools"], json!(["echo"]));
    // A caller that may call a tool need not be allowed to list it.
    let gamma = format!("{}/gamma/mcp", lab.gateway.public_url());
    let called = user.run(&["call", "--auth", "--url", &gamma, "echo", "{\"a\":1}", "-v"]).code(0);
    assert_eq!(called.stdout, "{\"a\":1}\n");
    assert!(called.stderr.contains("calling the tool without its description"), "{called:?}");
    // By its address it is the same server.
    let url = format!("{}/alpha/mcp", lab.gateway.public_url());
    user.run(&["ping", "--url", &url]).code(0);
    // The gateway says what it wants to a client without one.
    let refused = user.run(&["ping", "--url", &url, "--no-auth"]).code(4);
    assert!(refused.stderr.contains("it asks for the scope worker"), "{refused:?}");
    // A token that looks valid and is not.
    user.plant("ingress.json", &[("access_token", json!("no-longer-good"))]);
    let renewed = user.run(&["list", "--server", "alpha", "-v"]).code(0);
    assert!(renewed.stderr.contains("retrying with new tokens"), "{renewed:?}");
    assert_ne!(user.token("ingress.json")["access_token"], "no-longer-good");
}

#[test]
fn the_gateways_no_is_explained_with_the_next_command() {
    let lab = Lab::start();
    for (client, args, words) in [
        (
            "worker",
            &["call", "--server", "alpha", "delete_all"][..],
            "mcpauth gateway explain alpha --tool delete_all --groups",
        ),
        (
            "worker",
            &["list", "--server", "beta"],
            "mcpauth gateway explain beta --method tools/list --groups",
        ),
    ] {
        let refused = lab.user(client).run(&[args, &["--json"]].concat()).code(4).json_error();
        assert_eq!(refused["code"], "refused");
        let (message, hint) = (refused["message"].as_str().unwrap(), refused["hint"].as_str().unwrap());
        assert!(message.contains("forbids this: "), "{message}");
        assert!(hint.contains(words) || hint.contains("have the scope"), "{hint}");
    }
    assert_eq!(
        lab.alpha
            .arrived()
            .iter()
            .filter(|arrived| arrived.body.windows(10).any(|part| part == b"delete_all"))
            .count(),
        0
    );
    let url = format!("{}/nowhere/mcp", lab.gateway.public_url());
    let missing = lab.user("worker").run(&["list", "--auth", "--url", &url]).code(2);
    assert!(missing.stderr.contains("there is no such server here"), "{missing:?}");
}

#[test]
fn a_scope_that_is_missing_is_named() {
    let server = modern(|_, _, stream| {
        say(
            stream,
            "403 No\r\nwww-authenticate: Bearer error=\"insufficient_scope\", scope=\"mcp/execute\"",
            b"",
        );
    });
    let refused = user(&server.base).run(&["call", "work"]).code(4);
    assert!(refused.stderr.contains("(insufficient_scope)"), "{refused:?}");
    assert!(
        refused.stderr.contains(
            "the scope mcp/execute granted to the client, then get a token with it: mcpauth generate --force"
        ),
        "{refused:?}"
    );
}

#[test]
fn an_old_server_behind_the_gateway_is_reached() {
    let server =
        legacy(|_, seen, stream| say_json(stream, &result(seen, &json!({"tools": [{"name": "echo"}]}))));
    let lab = Lab::before(&server, "streamable-http");
    let basic = lab.user("root").run(&["probe", "--server", "delta", "--json"]).code(0).json();
    assert_eq!((&basic["era"], &basic["server"]["name"]), (&json!("legacy"), &json!("old")));
    assert_eq!(basic["tools"], json!(["echo"]));
    let oldest = old("/message?sessionId=1");
    let lab = Lab::before(&oldest, "sse");
    let url = format!("{}/delta/sse", lab.gateway.public_url());
    let basic = lab.user("root").run(&["probe", "--auth", "--url", &url, "--json"]).code(0).json();
    assert_eq!((&basic["transport"], &basic["tools"]), (&json!("sse"), &json!(["echo"])));
}
