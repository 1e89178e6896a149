//! `bridge --listen`: who may ask, what is forwarded and what comes back.

use serde_json::json;

use super::{call, events, result, usual};
use crate::support::User;
use crate::support::lab::{Answer, exchange, request};
use crate::support::upstream::{Upstream, push, say};
use crate::support::wire::Running;

type Headers = &'static [(&'static str, &'static str)];

/// A running bridge and its secret.
pub(super) struct Bridge {
    running: Running,
    pub(super) address: std::net::SocketAddr,
    pub(super) secret: String,
    _user: User,
}

impl Bridge {
    pub(super) fn start(user: User) -> Self {
        let mut running = Running::start(user.command(&["bridge", "--listen", "127.0.0.1:0"]));
        let line = running.line(|line| line.contains("ready"));
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        let secret = std::fs::read_to_string(user.project().join(".oauth-tokens/.bridge-secret")).unwrap();
        Self { running, address, secret, _user: user }
    }

    pub(super) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let host = self.address.to_string();
        let usual = [("Host", host.as_str()), ("X-Mcpauth-Bridge", self.secret.as_str())];
        let given = |name: &str| headers.iter().any(|(other, _)| *other == name);
        let usual = usual.iter().filter(|(name, _)| !given(name));
        let all: Vec<(&str, &str)> =
            usual.chain(headers).copied().filter(|(_, value)| *value != "-").collect();
        exchange(self.address, &request(method, path, &all, body))
    }

    pub(super) fn end(self) {
        self.running.signal("TERM");
        self.running.end().code(143);
    }
}

/// A user with one server, `alpha`, at this gateway.
pub(super) fn user(gateway: &str) -> User {
    let mut user = User::new();
    user.env("REGISTRY_URL", gateway);
    let file =
        json!({"server_name": "a", "path": "/alpha", "proxy_pass_url": "http://x", "auth_type": "none"});
    user.file("servers/alpha.json", &file.to_string());
    let now = mcpauth::sys::clock::now();
    let token = json!({"provider": "oidc_m2m", "access_token": "INGRESS", "expires_at": now + 3600, "client_id": "c"});
    user.file(".oauth-tokens/ingress.json", &token.to_string());
    user
}

#[test]
fn only_a_program_with_the_secret_is_answered() {
    let server = Upstream::start(usual);
    let bridge = Bridge::start(user(&server.base));
    let message = call(1).to_string();
    let cases: [(&str, Headers, u16); 10] = [
        ("/alpha/mcp", &[], 200),
        ("/alpha", &[], 200),
        ("/ALPHA/mcp", &[], 200),
        ("/alpha/mcp", &[("X-Mcpauth-Bridge", "-")], 403),
        ("/alpha/mcp", &[("X-Mcpauth-Bridge", "wrong")], 403),
        ("/alpha/mcp", &[("Host", "evil.test")], 403),
        ("/alpha/mcp", &[("Origin", "https://evil.test")], 403),
        ("/alpha/mcp", &[("Origin", "null")], 403),
        ("/beta/mcp", &[], 404),
        ("/alpha/other", &[], 404),
    ];
    for (path, headers, status) in cases {
        let before = server.seen().len();
        let answer = bridge.send("POST", path, headers, message.as_bytes());
        assert_eq!(answer.status, status, "{path} {headers:?}: {}", answer.text());
        assert_eq!(server.seen().len() - before, usize::from(status == 200), "{path} {headers:?}");
        assert!(!answer.text().contains(&bridge.secret));
    }
    assert_eq!(bridge.send("PUT", "/alpha/mcp", &[], b"").status, 405);
    bridge.end();
}

/// What web pages, names that resolve to this machine, and paths that lead elsewhere can try.
#[test]
fn no_request_gets_around_the_checks_or_off_the_gateway() {
    let (server, elsewhere) = (Upstream::start(usual), Upstream::start(usual));
    let bridge = Bridge::start(user(&server.base));
    let (port, secret) = (bridge.address.port(), bridge.secret.clone());
    let raw = |text: String| exchange(bridge.address, text.as_bytes()).status;
    let key = format!("X-Mcpauth-Bridge: {secret}\r\nConnection: close");
    let host = format!("Host: 127.0.0.1:{port}");
    let cases = [
        (
            format!(
                "OPTIONS /alpha/mcp HTTP/1.1\r\n{host}\r\nOrigin: https://evil.test\r\nConnection: close\r\n\r\n"
            ),
            403,
        ),
        (format!("OPTIONS /alpha/mcp HTTP/1.1\r\n{host}\r\n{key}\r\n\r\n"), 405),
        (format!("GET /alpha/mcp HTTP/1.0\r\n{key}\r\n\r\n"), 403),
        (format!("GET /alpha/mcp HTTP/1.1\r\nHost: localhost.:{port}\r\n{key}\r\n\r\n"), 403),
        (format!("GET /alpha/mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n{key}\r\n\r\n"), 403),
        (format!("GET /alpha/mcp HTTP/1.1\r\nHost: 127.0.0.1.evil.test:{port}\r\n{key}\r\n\r\n"), 403),
        (format!("GET /alpha/%2e%2e/beta HTTP/1.1\r\n{host}\r\n{key}\r\n\r\n"), 404),
        (format!("GET /%2e%2e/mcp HTTP/1.1\r\n{host}\r\n{key}\r\n\r\n"), 404),
    ];
    for (text, status) in cases {
        assert_eq!(raw(text.clone()), status, "{}", text.replace(&secret, "-"));
    }
    assert!(server.seen().is_empty());
    let other = elsewhere.base.strip_prefix("http:").unwrap();
    for path in [
        format!("/alpha/~{other}/x"),
        format!("/alpha/~/{other}/x"),
        format!("/alpha/~/http:{other}/x"),
        format!("/alpha/~/\\\\{}/x", other.trim_start_matches('/')),
        format!("/alpha/~/%2f%2f{}/x", other.trim_start_matches('/')),
        format!("/alpha/~/@{}/x", other.trim_start_matches('/')),
    ] {
        bridge.send("POST", &path, &[], call(1).to_string().as_bytes());
    }
    let absolute = format!(
        "POST {}/alpha/mcp HTTP/1.1\r\n{host}\r\n{key}\r\nContent-Length: 2\r\n\r\n{{}}",
        elsewhere.base
    );
    raw(absolute);
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
    bridge.end();
}

#[test]
fn credentials_are_the_bridges_and_everything_of_mcp_is_the_clients() {
    let server = Upstream::start(|seen, stream| {
        let head = "200 OK\r\ncontent-type: application/json\r\nmcp-session-id: s2\r\nwww-authenticate: Bearer\r\nset-cookie: a=b";
        say(stream, head, result(&seen.message()["id"], "ok").to_string().as_bytes());
    });
    let bridge = Bridge::start(user(&server.base));
    let headers = [
        ("Authorization", "Bearer theirs"),
        ("X-Authorization", "Bearer theirs"),
        ("Cookie", "a=b"),
        ("Mcp-Session-Id", "s1"),
        ("Mcp-Method", "tools/call"),
    ];
    let answer = bridge.send("POST", "/alpha/mcp", &headers, call(1).to_string().as_bytes()).status(200);
    assert_eq!(answer.json(), result(&json!(1), "ok"));
    assert_eq!(answer.header("mcp-session-id"), Some("s2"));
    assert_eq!((answer.header("www-authenticate"), answer.header("set-cookie")), (None, None));
    let seen = &server.seen()[0];
    assert!(seen.is("POST /alpha/mcp"), "{}", seen.head);
    assert_eq!(seen.header("x-authorization"), Some("Bearer INGRESS"));
    assert_eq!((seen.header("mcp-session-id"), seen.header("mcp-method")), (Some("s1"), Some("tools/call")));
    assert!(!seen.head.contains("theirs") && !seen.head.contains(&bridge.secret), "{}", seen.head);
    assert_eq!((seen.header("authorization"), seen.header("cookie")), (None, None));
    bridge.end();
}

#[test]
fn the_older_transports_address_leads_through_the_bridge() {
    let server = Upstream::start(|seen, stream| {
        if seen.is("GET /alpha/sse") {
            events(stream);
            push(stream, b"event: endpoint\ndata: /alpha/messages?s=1\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"n\"}\n\n");
        } else {
            say(stream, "202 Accepted", b"");
        }
    });
    let bridge = Bridge::start(user(&server.base));
    let stream = bridge.send("GET", "/alpha/sse", &[("Accept", "text/event-stream")], b"").status(200);
    let text = stream.text();
    let message = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"n\"}\n\n";
    assert_eq!(text, format!("event: endpoint\ndata: /alpha/~/alpha/messages?s=1\n\n{message}"));
    bridge.send("POST", "/alpha/~/alpha/messages?s=1", &[], call(1).to_string().as_bytes()).status(202);
    let posted = server.seen().pop().unwrap();
    assert!(posted.is("POST /alpha/messages?s=1 "), "{}", posted.head);
    assert_eq!(posted.header("x-authorization"), Some("Bearer INGRESS"));
    bridge.end();
}

#[test]
fn a_failure_is_an_error_without_a_challenge() {
    for gateway in [crate::support::nobody(), crate::support::answering(401, "")] {
        let bridge = Bridge::start(user(&gateway));
        let answer = bridge.send("POST", "/alpha/mcp", &[], call(1).to_string().as_bytes()).status(502);
        assert!(answer.header("www-authenticate").is_none() && answer.json()["error"]["message"].is_string());
        bridge.end();
    }
}

#[test]
fn it_listens_on_loopback_alone_and_says_so() {
    let ran = User::new().run(&["bridge", "--listen", "0.0.0.0:0"]).code(2);
    assert!(ran.stderr.contains("expected an address on loopback"), "{}", ran.stderr);
}
