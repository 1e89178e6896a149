//! Who receives it, by every verb and with every spelling of an address that is nearly the gateway's.
#![cfg(test)]

use serde_json::json;

use super::{EGRESS, INGRESS, user};
use crate::support::User;
use crate::support::upstream::{Seen, Upstream, say};

const GIVEN: &str = "token-of-the-environment-0123456789";

/// Answers every request with a result, and every look for a stream with 405.
fn server() -> Upstream {
    Upstream::start(|seen, stream| {
        if !seen.head.starts_with("POST") {
            return say(stream, "405 No", b"");
        }
        let result = json!({"supportedVersions": ["2026-07-28"], "tools": [{"name": "echo"}],
                            "content": [], "protocolVersion": "2025-11-25", "capabilities": {}});
        let answer = json!({"jsonrpc": "2.0", "id": seen.message()["id"], "result": result});
        say(stream, "200 OK\r\ncontent-type: application/json", answer.to_string().as_bytes());
    })
}

/// Everything of ours that a request can carry.
fn carries_us(seen: &Seen) -> bool {
    let head = seen.head.to_lowercase();
    let ours = ["x-authorization", "x-client-id", "x-user-pool-id", "x-region", "x-keycloak"];
    let body = String::from_utf8_lossy(&seen.body);
    ours.iter().any(|name| head.contains(name))
        || [INGRESS, EGRESS, GIVEN].iter().any(|token| seen.head.contains(token) || body.contains(token))
}

/// Every verb that contacts an address, with its output.
fn every_verb(user: &User, url: &str, more: &[&str]) -> Vec<(String, String)> {
    let lines: [&[&str]; 9] = [
        &["probe", "--url", url],
        &["ping", "--url", url],
        &["list", "--url", url],
        &["call", "--url", url, "echo", "{\"a\":1}"],
        &["headers", url],
        &["env", url],
        &["env", url, "--json"],
        &["exec", url, "--", "env"],
        &["bridge", url],
    ];
    let said = lines.iter().map(|words| {
        let split = words.iter().position(|word| *word == "--").unwrap_or(words.len());
        let (front, back) = words.split_at(split);
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        let ran = user.run_with(&[front, more, back].concat(), format!("{message}\n"));
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
        (words.join(" "), format!("{}{}", ran.stdout, ran.stderr))
    });
    said.collect()
}

#[test]
fn another_host_gets_nothing_from_any_verb() {
    let (gateway, other) = (server(), server());
    let mut user = user();
    user.env("REGISTRY_URL", &gateway.base);
    // A server of the same name at another place is another server.
    let url = format!("{}/tracker/mcp", other.base);
    let said = every_verb(&user, &url, &[]);
    for (line, said) in &said {
        assert!(!said.contains(INGRESS) && !said.contains(EGRESS), "{line}: {said}");
    }
    assert!(said.iter().any(|(_, said)| said.contains("is not below REGISTRY_URL")), "{said:?}");
    user.env("MCP_AUTH_TOKEN", GIVEN);
    let lines = ["probe", "ping", "list"];
    lines.iter().for_each(|verb| drop(user.run(&[verb, "--url", &url]).code(0)));
    user.env("GATEWAY_URL", &url);
    lines.iter().for_each(|verb| drop(user.run(&[verb]).code(0)));
    assert!(other.seen().len() >= 11);
    for seen in other.seen() {
        assert!(!carries_us(&seen), "{}", seen.head);
    }
}

#[test]
fn the_gateway_gets_it_from_every_verb() {
    let gateway = server();
    let mut user = user();
    user.env("REGISTRY_URL", format!("{}/registry/", gateway.base));
    let url = format!("{}/registry/tracker/mcp", gateway.base);
    for (line, said) in every_verb(&user, &url, &[]) {
        assert!(!said.contains("--auth"), "{line}: {said}");
        let printed = ["headers", "env", "exec"].iter().any(|verb| line.starts_with(verb));
        assert_eq!(said.contains(INGRESS) && said.contains(EGRESS), printed, "{line}: {said}");
    }
    for seen in gateway.seen().iter().filter(|seen| seen.head.starts_with("POST")) {
        assert!(seen.head.contains(INGRESS) && seen.head.contains(EGRESS), "{}", seen.head);
    }
}

#[test]
fn what_is_asked_for_is_said() {
    let other = server();
    let user = user();
    let url = format!("{}/tracker/mcp", other.base);
    for (line, said) in every_verb(&user, &url, &["--auth"]) {
        let warning = format!("--auth: the gateway's token goes to {}", other.base);
        assert_eq!(said.matches(&warning).count(), 1, "{line}: {said}");
        assert!(!said.contains(EGRESS), "{line}: {said}");
    }
    for seen in other.seen().iter().filter(|seen| seen.head.starts_with("POST")) {
        assert!(seen.head.contains(INGRESS) && !seen.head.contains(EGRESS), "{}", seen.head);
    }
}

#[test]
fn nearly_the_gateway_is_not_the_gateway() {
    let mut user = user();
    for (gateway, url, is_it) in [
        ("https://gw.test", "https://gw.test/notes/mcp", true),
        ("https://GW.test:443/", "https://gw.TEST/notes/mcp", true),
        ("https://gw.test/registry", "https://gw.test/registry/notes/mcp", true),
        ("https://gw.test/registry/", "https://gw.test:443/x/../registry/notes/mcp", true),
        ("https://gw.test", "https://gw.test.evil.test/notes/mcp", false),
        ("https://gw.test", "https://gw.test:1234/notes/mcp", false),
        ("https://gw.test", "https://gw.test./notes/mcp", false),
        ("https://gw.test", "http://127.0.0.1:9/notes/mcp", false),
        ("https://gw.test/registry", "https://gw.test/registry-evil/notes/mcp", false),
        ("https://gw.test/registry", "https://gw.test/registryx", false),
        ("https://gw.test/registry", "https://gw.test/Registry/notes/mcp", false),
        ("https://gw.test/registry", "https://gw.test/registry/../evil/mcp", false),
        ("https://gw.test/registry", "https://gw.test/registry/%2E%2e/evil/mcp", false),
        ("https://gw.test/registry", "https://gw.test/registry/..%2Fevil/mcp", false),
        ("https://gw.test/registry", "https://gw.test/registry/%252e%252e%252fevil/mcp", false),
        ("https://gw.test/registry", "https://gw.test/registry\\..\\evil/mcp", false),
        ("https://gw.test/registry", "https://gw.test/%72egistry-/mcp", false),
        ("http://127.0.0.1:9", "http://127.0.0.1:90/notes/mcp", false),
        ("http://127.0.0.1:9", "http://localhost:9/notes/mcp", false),
    ] {
        user.env("REGISTRY_URL", gateway);
        let headers = user.run(&["headers", url]).code(0).json();
        let expected = is_it.then(|| json!(format!("Bearer {INGRESS}")));
        assert_eq!(headers.get("X-Authorization"), expected.as_ref(), "{url} at {gateway}");
        assert_eq!(headers.as_object().unwrap().is_empty(), !is_it, "{url} at {gateway}");
    }
    user.env("REGISTRY_URL", "https://gw.test");
    assert_eq!(user.run(&["headers", "https://gw.test@evil.test/notes/mcp"]).code, Some(2));
}

/// A redirect, and an announced address, lead to the same machine or nowhere.
#[test]
fn nothing_is_carried_on() {
    let evil = server();
    let away = format!("{}/notes/mcp", evil.base);
    for status in ["301 Away", "302 Away", "303 Away", "307 Away", "308 Away"] {
        let head = format!("{status}\r\nlocation: {away}");
        let gateway = Upstream::start(move |_, stream| say(stream, &head, b""));
        let mut user = user();
        user.env("REGISTRY_URL", &gateway.base);
        for verb in ["ping", "list"] {
            assert_ne!(user.run(&[verb, "--server", "notes"]).code, Some(0));
        }
        assert!(gateway.seen().iter().any(|seen| seen.head.contains(INGRESS)));
    }
    assert_eq!(evil.seen().len(), 0);
}

/// A server logged in to by its address has its own token, and that token goes nowhere else: not even to a server of
/// the gateway's that has taken the name.
#[test]
fn a_login_by_address_stays_at_its_address() {
    let mut user = user();
    user.env("REGISTRY_URL", "https://gw.test");
    let registration = json!({
        "url": "https://far.test/mcp", "resource": "https://far.test/mcp", "issuer": "https://as.test", "client_id": "c",
        "client_secret": null, "token_endpoint_auth_method": "none", "redirect_uri": "http://127.0.0.1:1/callback",
        "scopes": [],
    });
    user.file(".oauth-tokens/.registrations/far.json", &registration.to_string());
    let stored = json!({
        "provider": "mcp", "access_token": "FAR-TOKEN", "expires_at": 4_000_000_000u64, "client_id": "c",
        "server_url": "https://far.test/mcp", "issuer": "https://as.test",
    });
    user.file(".oauth-tokens/mcp-far-egress.json", &stored.to_string());
    let of = |url: &str, more: &[&str]| user.run(&[&["headers", url], more].concat()).code(0).json();
    for more in [&[][..], &["--auth"]] {
        assert_eq!(of("https://far.test/mcp", more), json!({"Authorization": "Bearer FAR-TOKEN"}));
        assert_eq!(of("far", more), json!({"Authorization": "Bearer FAR-TOKEN"}));
    }
    for url in ["https://gw.test/far/mcp", "https://gw.test/far"] {
        let headers = of(url, &[]);
        assert_eq!(headers["X-Authorization"], format!("Bearer {INGRESS}"));
        assert_eq!(headers.get("Authorization"), None, "{url}");
    }
    for url in ["https://far.test/mcp/other", "https://far.test/", "https://far.test:444/mcp"] {
        assert_eq!(of(url, &[]), json!({}), "{url}");
    }
}

/// A server's name in a file cannot lead its clients out of the gateway's path.
#[test]
fn a_name_leads_nowhere_else() {
    for path in ["/../evil", "/..", "/x/../../evil", "/%2e%2e/evil", "/..%2fevil", "/..;/evil"] {
        let mut user = user();
        user.env("REGISTRY_URL", "https://gw.test/registry");
        let file = json!({"server_name": "x", "path": path, "proxy_pass_url": "http://127.0.0.1:1", "auth_type": "none"});
        user.file("servers/notes.json", &file.to_string());
        let shown = user.run(&["config", "render", "--client", "vscode"]);
        assert!(shown.code != Some(0) || !shown.stdout.contains("evil"), "{path}: {shown:?}");
        assert!(!shown.stdout.contains("https://gw.test/mcp"), "{path}: {shown:?}");
    }
}
