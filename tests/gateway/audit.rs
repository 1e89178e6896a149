//! The audit: one line a decision, of whichever kind, with the rule or the reason, and of nothing else. It leaves where the
//! lines go to `serve`.
#![cfg(test)]

use std::sync::Mutex;
use std::sync::mpsc::channel;

use mcpauth::gateway::settings::{Introspection, IssuerSettings};
use mcpauth::sys::private_file;
use serde_json::{Value, json};

use crate::support::lab::{ALLOWED, Lab, REFUSED, own_server, request, until};
use crate::support::mint::Mint;
use crate::support::upstream::{Listening, Seen, Upstream, say};
use crate::support::wire::{PATIENCE, free_port, get};

const JSON: &str = "200 OK\r\ncontent-type: application/json";

/// These members of a line.
fn of(line: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| line[*name].clone()).collect()
}

/// With one worker, whose lines are in the order of its decisions.
fn in_order(base: &str) -> Lab {
    Lab::with(|settings, dir| {
        settings.workers = Some(1);
        own_server(dir, "delta", base, "streamable-http");
        own_server(dir, "omega", &format!("http://127.0.0.1:{}", free_port()), "streamable-http");
    })
}

#[test]
fn each_decision_is_one_line_that_says_why() {
    let upstream = Upstream::start(|seen: &Seen, stream| say(stream, JSON, &seen.body));
    let lab = in_order(&upstream.base);
    let (worker, root) = (lab.token("worker"), lab.token("root"));
    let list = r#"{"jsonrpc":"2.0","id":"s3cret-id","method":"tools/list","params":{"cursor":"s3cret"}}"#;
    let cases = [
        (
            "POST",
            "/delta/mcp?s3cret",
            &*worker,
            ALLOWED,
            json!([200, "allowed", "worker[3]", null, "tools/call", "echo"]),
        ),
        (
            "POST",
            "/delta/mcp",
            &worker,
            REFUSED,
            json!([403, "refused", null, "name_not_allowed", "tools/call", "delete_all"]),
        ),
        (
            "POST",
            "/beta/mcp",
            &worker,
            ALLOWED,
            json!([403, "refused", null, "server_not_allowed", "tools/call", "echo"]),
        ),
        ("POST", "/delta/mcp", &root, list, json!([200, "allowed", "root[1]", null, "tools/list", null])),
        ("GET", "/alpha/mcp", &root, "", json!([405, "allowed", "root[1]", null, null, null])),
        ("DELETE", "/beta/mcp", &worker, "", json!([403, "refused", null, "server_not_allowed", null, null])),
        (
            "POST",
            "/omega/mcp",
            &root,
            ALLOWED,
            json!([502, "refused", "root[1]", "unreachable", "tools/call", "echo"]),
        ),
        ("POST", "/nobody/mcp", &root, ALLOWED, json!([404, "refused", null, "no_server", null, null])),
        ("POST", "/delta/mcp", "s3cret", ALLOWED, json!([401, "refused", null, "malformed", null, null])),
        (
            "POST",
            "/delta/mcp",
            &worker,
            r#"{"s3cret""#,
            json!([400, "refused", null, "malformed", null, null]),
        ),
        ("PUT", "/delta/mcp", &worker, ALLOWED, json!([405, "refused", null, "http_method", null, null])),
    ];
    for (method, path, token, body, _) in &cases {
        let bearer = format!("Bearer {token}");
        let headers = [("X-Authorization", &*bearer), ("Cookie", "s3cret"), ("Mcp-Param-A", "s3cret")];
        lab.raw(&request(method, path, &headers, body.as_bytes()));
    }
    let kept = lab.kept.clone();
    drop(lab);
    let written = kept.audit_text();
    let lines = kept.lines();
    assert_eq!(lines.len(), cases.len(), "{written}");
    for (line, (method, path, .., expected)) in lines.iter().zip(&cases) {
        let found = of(line, &["status", "verdict", "rule", "reason", "method", "name"]);
        assert_eq!(&json!(found), expected, "{method} {path}");
    }
    let parts = worker.split('.').chain(root.split('.')).skip(1);
    for never in parts.chain(["s3cret", "Bearer"]) {
        assert!(!written.contains(never), "{never} in {written}");
    }
}

#[test]
fn a_caller_who_left_is_written_down_with_what_was_decided() {
    let (told, asked) = channel();
    let (sender, missed) = channel();
    let ends = Mutex::new((told, sender));
    let upstream = Upstream::start(move |_, stream| {
        ends.lock().unwrap().0.send(()).unwrap();
        if crate::support::upstream::gone(stream) {
            let _ = ends.lock().unwrap().1.send(());
        }
    });
    let lab = in_order(&upstream.base);
    let bearer = format!("Bearer {}", lab.token("worker"));
    let bytes = request("POST", "/delta/mcp", &[("X-Authorization", &bearer)], ALLOWED.as_bytes());
    let client = Listening::send(&lab, &bytes);
    asked.recv_timeout(PATIENCE).unwrap();
    drop(client);
    assert_eq!(missed.recv_timeout(PATIENCE), Ok(()));
    until("a line", || lab.kept.lines().len() == 1);
    let found = of(&lab.kept.lines()[0], &["status", "verdict", "rule", "reason", "server", "name"]);
    assert_eq!(json!(found), json!([499, "allowed", "worker[3]", null, "delta", "echo"]));
}

#[test]
fn a_caller_who_left_before_the_decision_was_allowed_nothing() {
    let (told, asked) = channel();
    let (release, held) = channel::<()>();
    let ends = Mutex::new((told, held));
    let mint = Mint::with(&[], move |_| {
        let ends = ends.lock().unwrap();
        ends.0.send(()).unwrap();
        let _ = ends.1.recv_timeout(PATIENCE);
        (200, r#"{"active": false}"#.into())
    });
    let lab = Lab::with(|settings, dir| {
        let client_secret = dir.join("secret");
        private_file::write(&client_secret, "s3cret").unwrap();
        let endpoint = Some(format!("{}/introspect", mint.issuer()));
        let introspection = Introspection { endpoint, client_id: "gateway".into(), client_secret, cache: 30 };
        settings.issuers = vec![IssuerSettings { introspection: Some(introspection), ..mint.settings() }];
    });
    let headers = [("X-Authorization", "Bearer opaque")];
    let client = Listening::send(&lab, &request("POST", "/alpha/mcp", &headers, ALLOWED.as_bytes()));
    asked.recv_timeout(PATIENCE).unwrap();
    drop(client);
    until("a line", || lab.kept.lines().len() == 1);
    release.send(()).unwrap();
    let found = of(&lab.kept.lines()[0], &["status", "verdict", "rule", "reason", "server"]);
    assert_eq!(json!(found), json!([499, "refused", null, "gone", "alpha"]));
    assert_eq!(lab.arrived(), 0);
}

#[test]
fn what_decides_nothing_is_not_written_down() {
    let lab = Lab::with(|settings, _| (settings.health.interval, settings.health.failures) = (1, 1));
    until("a check", || lab.arrived() > 0);
    let base = lab.gateway.public_url();
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/.well-known/oauth-protected-resource/alpha/mcp", 200),
        ("/.well-known/oauth-protected-resource/nobody", 404),
    ] {
        until(path, || get(&format!("{base}{path}")).status == status);
    }
    let kept = lab.kept.clone();
    drop(lab);
    assert_eq!(kept.audit_text(), "");
}

/// Whatever ends a request, and wherever: what is answered is written down.
#[test]
fn what_is_refused_before_anybody_is_known_has_its_line_too() {
    let lab = Lab::with(|settings, _| {
        settings.workers = Some(1);
        settings.origins = vec!["https://app.test".into()];
        settings.limits.read_timeout = 1;
    });
    let worker = format!("Bearer {}", lab.token("worker"));
    let own = ("X-Authorization", worker.as_str());
    let preflight = [("Origin", "https://app.test"), ("Access-Control-Request-Method", "POST")];
    let one = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        request(method, path, headers, body.as_bytes())
    };
    let bytes: [(Vec<u8>, Value); 15] = [
        (one("OPTIONS", "/alpha/mcp", &preflight, ""), json!([204, "answered", null])),
        (one("OPTIONS", "/alpha/mcp", &[], ""), json!([405, "refused", "http_method"])),
        (
            one("OPTIONS", "/alpha/mcp", &[("Origin", "https://evil.test")], ""),
            json!([403, "refused", "origin"]),
        ),
        (one("POST", "/alpha/mcp", &[("Host", "evil.test")], ALLOWED), json!([421, "refused", "host"])),
        (one("POST", "/alpha/mcp", &[], ALLOWED), json!([401, "refused", "no_token"])),
        (one("POST", "/alpha/mcp", &[own, own], ALLOWED), json!([400, "refused", "credentials"])),
        (
            one("POST", "/alpha/mcp", &[("X-Authorization", "Bearer \u{e9}")], ALLOWED),
            json!([400, "refused", "credentials"]),
        ),
        (one("POST", "/alpha/%2e%2e/beta/mcp", &[own], ALLOWED), json!([400, "refused", "path"])),
        (
            one("POST", "/alpha/mcp", &[own, ("Content-Type", "text/plain")], ALLOWED),
            json!([415, "refused", "media_type"]),
        ),
        (
            one("POST", "/alpha/mcp", &[own, ("Content-Length", "99999999")], ""),
            json!([413, "refused", "too_large"]),
        ),
        (
            one("POST", "/alpha/mcp", &[own, ("Content-Length", "99")], "{"),
            json!([408, "refused", "request_timeout"]),
        ),
        (
            b"POST /alpha/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
                .into(),
            json!([400, "refused", "unreadable"]),
        ),
        (
            b"POST /alpha/mcp HTTP/1.1\r\nHost : localhost\r\n\r\n".into(),
            json!([400, "refused", "unreadable"]),
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00".into(), json!([400, "refused", "unreadable"])),
        (
            [b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", "x".repeat(70_000).as_bytes(), b"\r\n\r\n"]
                .concat(),
            json!([431, "refused", "unreadable"]),
        ),
    ];
    for (bytes, expected) in &bytes {
        let answer = lab.raw(bytes);
        assert_eq!(json!(answer.status), expected[0], "{expected}: {}", answer.text());
    }
    let kept = lab.kept.clone();
    drop(lab);
    let lines = kept.lines();
    assert_eq!(lines.len(), bytes.len(), "{}", kept.audit_text());
    for (line, (_, expected)) in lines.iter().zip(&bytes) {
        assert_eq!(&json!(of(line, &["status", "verdict", "reason"])), expected, "{line}");
    }
}

/// What does not simply show, as it is: C0, DEL, C1, zero-width, bidirectional, line separators, tags.
const ODD: &str = "a\u{1}\u{8}\u{1b}[2J\u{7f}\u{80}\u{85}\u{9b}31m\u{ad}\u{61c}\u{200b}\u{200e}\u{202e}\u{2028}\u{2029}\u{2066}\u{feff}\u{e0041}z";

#[test]
fn others_names_are_written_whole_and_show_plainly() {
    let key = crate::support::mint::Key::new("k");
    let mint = Mint::of(&[&key]);
    let lab = Lab::with(|settings, _| {
        settings.issuers = vec![mint.settings()];
        settings.workers = Some(1);
    });
    let claims = json!({"sub": ODD, "client_id": ODD, "username": ODD, "scope": "root"});
    let token = key.sign(json!({}), &mint.claims(claims));
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": ODD}});
    let escaped: String = message
        .to_string()
        .chars()
        .flat_map(|c| match c {
            ' '..='~' => vec![c],
            c => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .flat_map(|unit| format!("\\u{unit:04x}").chars().collect::<Vec<_>>())
                .collect(),
        })
        .collect();
    let method = json!({"jsonrpc": "2.0", "id": 1, "method": ODD});
    for body in [message.to_string(), escaped, method.to_string()] {
        let bearer = format!("Bearer {token}");
        lab.post("/alpha/mcp", &[("X-Authorization", &bearer)], body.as_bytes());
    }
    let kept = lab.kept.clone();
    drop(lab);
    let (text, lines) = (kept.audit_text(), kept.lines());
    assert!(text.chars().all(|c| c == '\n' || mcpauth::text::is_plain(c)), "{text:?}");
    assert!(lines.len() == 3 && text.matches('\n').count() == 3, "{text}");
    assert!(lines.iter().all(|line| line["subject"] == ODD && line["client"] == ODD), "{text}");
    assert_eq!(
        (&lines[0]["name"], &lines[1]["name"], &lines[2]["method"]),
        (&json!(ODD), &json!(ODD), &json!(ODD))
    );
}

#[test]
fn others_words_are_no_commands_to_whoever_reads_the_log() {
    let mint = Mint::with(&[], |_| (404, String::new()));
    *mint.keys.lock().unwrap() = Err(500);
    let lab = Lab::with(|settings, dir| {
        let mut issuer = mint.settings();
        issuer.issuer.push_str(ODD);
        settings.issuers = vec![issuer];
        own_server(dir, "odd", "http://127.0.0.1:1", "streamable-http");
        settings.health.interval = 1;
        settings.health.failures = 1;
    });
    until("events", || lab.kept.events().len() > 1);
    lab.reload("scopes.yml", &format!("worker: [{ODD}"), "stays in force");
    for event in lab.kept.events() {
        assert!(mcpauth::text::is_all_plain(&event), "{event:?}");
    }
}
