//! Web pages, and programs with pages of their own: which may call, what they may send, and what anyone may read. Not
//! here: the content of the documents (see `resources`).
#![cfg(test)]

use crate::support::lab::{ALLOWED, Answer, Lab, Worker, request};

const APP: &str = "https://app.test";

fn lab() -> Lab {
    Lab::with(|settings, _| {
        settings.origins = [
            APP,
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "tauri://localhost",
            "vscode-webview://0f1e2d3c",
            "app://obsidian.md",
        ]
        .map(str::to_owned)
        .into();
    })
}

fn preflight(lab: &Lab, path: &str, origin: &str, headers: &[&str]) -> Answer {
    let mut asks = vec![("Origin", origin), ("Access-Control-Request-Method", "POST")];
    asks.extend(headers.iter().map(|names| ("Access-Control-Request-Headers", *names)));
    lab.raw(&request("OPTIONS", path, &asks, b""))
}

fn allowed(answer: &Answer) -> Vec<&str> {
    answer.header("access-control-allow-headers").unwrap_or_default().split(", ").collect()
}

#[test]
fn a_page_that_may_call_may_send_what_it_asks_for() {
    let lab = lab();
    for (asked, expected) in [
        (&["mcp-param-region"][..], &["mcp-param-region"][..]),
        (&["mcp-param-Anything-Else,traceparent"], &["mcp-param-Anything-Else", "traceparent"]),
        (&["x-client-id,x-user-pool-id,x-region"], &["x-client-id", "x-user-pool-id", "x-region"]),
        (
            &[
                "authorization, content-type , mcp-protocol-version,mcp-method,mcp-name,x-demo-cloud-id,baggage",
            ],
            &[
                "authorization",
                "content-type",
                "mcp-protocol-version",
                "mcp-method",
                "mcp-name",
                "x-demo-cloud-id",
                "baggage",
            ],
        ),
        (&["traceparent", "tracestate"], &["traceparent", "tracestate"]),
        // Headers that carry identity or origin, or belong to the connection.
        (&["x-user,x-forwarded-for,traceparent,host,cookie,x_client_id"], &["traceparent"]),
    ] {
        let answer = preflight(&lab, "/alpha/mcp", APP, asked).status(204);
        assert_eq!(allowed(&answer), expected, "{asked:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
        assert_eq!(answer.header("access-control-allow-methods"), Some("POST, GET, DELETE"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert!(answer.head.matches("vary: ").count() == 2, "{}", answer.head);
    }
    for none in [&[][..], &[""], &["x-user"]] {
        let answer = preflight(&lab, "/alpha/mcp", APP, none).status(204);
        assert!(allowed(&answer).contains(&"x-authorization"), "{none:?}");
        assert!(!allowed(&answer).contains(&"x-user"), "{none:?}");
    }
    // What it may ask it may send.
    let worker = Worker::of(lab);
    let headers =
        [("Origin", APP), ("Mcp-Param-Region", "eu"), ("traceparent", "00-1"), ("X-Client-Id", "worker")];
    worker.post(&headers, ALLOWED.as_bytes()).status(200);
    let arrived = &worker.lab.alpha.arrived()[0].headers;
    assert!(
        arrived.contains("mcp-param-region: eu\n") && arrived.contains("traceparent: 00-1\n"),
        "{arrived}"
    );
}

#[test]
fn programs_with_pages_of_their_own_can_be_listed() {
    let worker = Worker::of(lab());
    for (origin, may) in [
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop", true),
        ("tauri://localhost", true),
        ("vscode-webview://0f1e2d3c", true),
        ("app://obsidian.md", true),
        ("chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba", false),
        ("tauri://localhost.evil.test", false),
        ("tauri://other", false),
        ("https://localhost.evil.test", false),
        ("vscode-webview://0f1e2d3c4", false),
        ("file://", false),
        ("null", false),
    ] {
        let answer = worker.post(&[("Origin", origin)], ALLOWED.as_bytes());
        let shown = answer.header("access-control-allow-origin");
        assert_eq!((answer.status, shown), if may { (200, Some(origin)) } else { (403, None) }, "{origin}");
        let asked = preflight(&worker.lab, "/alpha/mcp", origin, &["traceparent"]).status;
        assert_eq!(asked, if may { 204 } else { 403 }, "{origin}");
    }
}

#[test]
fn any_page_may_read_what_is_public_and_nothing_else() {
    let lab = lab();
    let document = "/.well-known/oauth-protected-resource/alpha/mcp";
    for origin in ["https://inspector.test", "null", "chrome-extension://x", "http://evil.test", APP] {
        for (method, path, status) in [
            ("GET", document, 200),
            ("HEAD", document, 200),
            ("GET", "/.well-known/oauth-protected-resource/nobody", 404),
            ("OPTIONS", document, 204),
            ("POST", document, if origin == APP { 405 } else { 403 }),
            ("GET", "/alpha/mcp", if origin == APP { 401 } else { 403 }),
            ("POST", "/alpha/mcp", if origin == APP { 401 } else { 403 }),
            ("OPTIONS", "/alpha/mcp", if origin == APP { 204 } else { 403 }),
        ] {
            let asks = [("Origin", origin), ("MCP-Protocol-Version", "2026-07-28")];
            let answer = lab.raw(&request(method, path, &asks, b"")).status(status);
            let shown = answer.header("access-control-allow-origin");
            let expected = match (origin == APP, path.starts_with("/.well-known/") && status != 403) {
                (true, _) => Some(APP),
                (false, true) => Some("*"),
                (false, false) => None,
            };
            assert_eq!(shown, expected, "{origin} {method} {path}");
        }
        // The SDK's own header has a page ask first.
        let answer = preflight(&lab, document, origin, &["mcp-protocol-version"]).status(204);
        assert_eq!(allowed(&answer), ["mcp-protocol-version"], "{origin}");
    }
    // Another host's name is another matter: a page could have its own name lead here.
    let asks = [("Host", "evil.test"), ("Origin", "http://evil.test")];
    lab.raw(&request("GET", document, &asks, b"")).status(421);
    assert_eq!(lab.arrived(), 0);
}

/// Private Network Access: an outside page reaches a gateway in its user's network only where it is listed, or what is public.
#[test]
fn a_listed_page_may_reach_a_private_network_and_no_other() {
    let lab = lab();
    let asked = |path: &str, origin: &str, wish: &str| {
        let asks = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Private-Network", wish),
        ];
        let answer = lab.raw(&request("OPTIONS", path, &asks, b""));
        answer.header("access-control-allow-private-network").map(str::to_owned)
    };
    let document = "/.well-known/oauth-protected-resource/alpha/mcp";
    for path in ["/alpha/mcp", "/beta", document] {
        for origin in [APP, "tauri://localhost", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"] {
            assert_eq!(asked(path, origin, "true").as_deref(), Some("true"), "{path} {origin}");
            assert_eq!(asked(path, origin, "false"), None, "{path} {origin}");
        }
        for origin in ["https://evil.test", "null", "tauri://evil"] {
            let expected = (path == document).then_some("true");
            assert_eq!(asked(path, origin, "true").as_deref(), expected, "{path} {origin}");
        }
    }
}
