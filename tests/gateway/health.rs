//! Servers that stop answering and recover, and what callers see of that. Not here: disabled servers (see `leaks`).
#![cfg(test)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::support::lab::{ALLOWED, Lab, POLICY, own_server, until};
use crate::support::upstream::{Seen, Upstream, say};

const JSON: &str = "200 OK\r\ncontent-type: application/json";
/// What the server does instead of answering with a status: it closes the connection.
const SILENCE: u16 = 0;

/// A server that answers health checks as scripted, and everything else normally.
struct Patient {
    upstream: Upstream,
    plan: Arc<Mutex<Plan>>,
}

/// The statuses of the next checks, the last of which stays; and how many checks are over.
struct Plan {
    next: VecDeque<u16>,
    over: usize,
}

impl Plan {
    fn take(&mut self) -> u16 {
        let last = self.next.len() == 1;
        if last { self.next[0] } else { self.next.pop_front().unwrap() }
    }
}

impl Patient {
    fn start() -> Self {
        let plan = Arc::new(Mutex::new(Plan { next: [200].into(), over: 0 }));
        let script = plan.clone();
        let upstream = Upstream::start(move |seen: &Seen, stream| {
            if !is_check(seen) {
                return say(stream, JSON, &seen.body);
            }
            let status = script.lock().unwrap().take();
            if status != SILENCE {
                say(stream, &format!("{status} Any"), b"");
            }
            script.lock().unwrap().over += 1;
        });
        Self { upstream, plan }
    }

    fn calls(&self) -> usize {
        self.upstream.seen().iter().filter(|seen| !is_check(seen)).count()
    }

    /// Answers the next checks so, and further ones like the last.
    fn answers(&self, statuses: &[u16]) {
        self.plan.lock().unwrap().next = statuses.iter().copied().collect();
    }

    /// The same, and waits until it has been checked so often.
    fn has_answered(&self, statuses: &[u16]) {
        let enough = self.plan.lock().unwrap().over + statuses.len();
        self.answers(statuses);
        until("more checks", || self.plan.lock().unwrap().over >= enough);
    }

    /// A gateway before it that counts it as down after so many failures.
    fn lab(&self, failures: u32) -> Lab {
        Lab::with(|settings, dir| {
            (settings.health.interval, settings.health.failures) = (1, failures);
            own_server(dir, "delta", &self.upstream.base, "streamable-http");
        })
    }
}

fn is_check(seen: &Seen) -> bool {
    seen.message()["method"] == "ping"
}

/// How often the gateway has said this of the server.
fn said(lab: &Lab, what: &str) -> usize {
    let event = format!("health: delta {what}");
    lab.kept.events().iter().filter(|said| **said == event).count()
}

#[test]
fn a_server_that_does_not_answer_is_503_until_it_does() {
    let server = Patient::start();
    let lab = server.lab(1);
    let token = lab.token("worker");
    let call = || lab.call(&token, "delta", "echo");
    call().status(200);
    for (nth, down) in [SILENCE, 500].into_iter().enumerate() {
        server.answers(&[down]);
        until("unhealthy", || said(&lab, "does not answer") == nth + 1);
        let calls = server.calls();
        let answer = call().status(503);
        assert_eq!(answer.json()["error"]["data"]["reason"], "server_down", "{down}");
        // Reloading does not reset it: nobody has seen the server answer.
        lab.reload("scopes.yml", POLICY, "are in force");
        call().status(503);
        assert_eq!((server.calls(), said(&lab, "answers again")), (calls, nth));
        server.answers(&[200]);
        until("healthy", || said(&lab, "answers again") == nth + 1);
        assert_eq!(call().status(200).text(), crate::support::lab::call("echo").to_string());
    }
}

#[test]
fn a_server_that_asks_for_a_credential_is_there() {
    let server = Patient::start();
    let lab = server.lab(1);
    server.has_answered(&[401, 400, 403, 404, 200, 200]);
    assert_eq!(said(&lab, "does not answer"), 0);
    lab.call(&lab.token("worker"), "delta", "echo").status(200);
    for check in server.upstream.seen().iter().filter(|seen| is_check(seen)) {
        let given = ["authorization", "x-authorization", "cookie"].map(|name| check.header(name));
        assert_eq!(given, [None; 3], "{}", check.head);
    }
}

#[test]
fn one_failure_is_none_where_several_are_needed() {
    let server = Patient::start();
    let lab = server.lab(2);
    // The last two show that the earlier ones have been counted.
    server.has_answered(&[SILENCE, 200, SILENCE, 200, 200]);
    assert_eq!(said(&lab, "does not answer"), 0);
    server.answers(&[SILENCE]);
    until("unhealthy", || said(&lab, "does not answer") == 1);
    let bearer = format!("Bearer {}", lab.token("worker"));
    lab.post("/delta/mcp", &[("X-Authorization", &bearer)], ALLOWED.as_bytes()).status(503);
}

/// A check shows whether a server is there. Its answer grants nothing, and nothing else is requested.
#[test]
fn a_check_opens_nothing() {
    let checks = Arc::new(Mutex::new(0));
    let counted = checks.clone();
    let server = Upstream::start(move |seen, stream| {
        let tools = r#"{"jsonrpc":"2.0","id":"mcpauth-health","result":{"tools":[{"name":"delete_all"}]}}"#;
        say(stream, &format!("{JSON}\r\nmcp-session-id: up-1"), tools.as_bytes());
        *counted.lock().unwrap() += usize::from(is_check(seen));
    });
    let lab = Lab::with(|settings, dir| {
        settings.health.interval = 1;
        own_server(dir, "delta", &server.base, "streamable-http");
    });
    until("checks", || *checks.lock().unwrap() > 1);
    for (caller, tool) in [("stranger", "echo"), ("reader", "echo"), ("worker", "delete_all")] {
        lab.call(&lab.token(caller), "delta", tool).status(403);
    }
    lab.call("mcpauth-health", "delta", "echo").status(401);
    for seen in server.seen() {
        let opens = is_check(&seen) && seen.header("mcp-session-id").is_none();
        let ends = seen.is("DELETE /mcp ") && seen.header("mcp-session-id") == Some("up-1");
        assert!(opens || ends, "{seen:?}");
    }
}

/// Older servers open a session for any client without one, and keep it until it is ended.
#[test]
fn a_check_leaves_no_session_behind() {
    for head in [
        "200 OK\r\ncontent-type: application/json",
        "400 Bad Request\r\ncontent-type: application/json",
        "200 OK\r\ncontent-type: text/event-stream",
        "500 Oops\r\ncontent-type: text/plain",
    ] {
        let open = Arc::new(Mutex::new((0, Vec::new())));
        let sessions = open.clone();
        let server = Upstream::start(move |seen, stream| {
            let (count, open) = &mut *sessions.lock().unwrap();
            if seen.is("DELETE") {
                let ended = seen.header("mcp-session-id").unwrap().to_owned();
                open.retain(|session| *session != ended);
                return say(stream, "200 OK", b"");
            }
            *count += 1;
            open.push(format!("session-{count}"));
            say(stream, &format!("{head}\r\nmcp-session-id: session-{count}"), b"data: {}\n\n");
        });
        let lab = Lab::with(|settings, dir| {
            settings.health.interval = 1;
            own_server(dir, "delta", &server.base, "streamable-http");
        });
        until("two checks", || open.lock().unwrap().0 > 1);
        until("no session", || open.lock().unwrap().1.is_empty());
        drop(lab);
    }
}

/// A JSON-RPC answer with any status shows that a server is there; so does one at a redirect's target.
#[test]
fn an_answer_in_json_rpc_is_a_sign_of_life() {
    let error = r#"{"jsonrpc":"2.0","id":"mcpauth-health","error":{"code":-32600,"message":"no"}}"#;
    let nothing = r#"{"error":"internal"}"#;
    for (head, body, alive) in [
        ("500 Oops\r\ncontent-type: application/json", error.to_owned(), true),
        ("503 Busy\r\ncontent-type: text/plain", error.to_owned(), true),
        ("500 Oops\r\ncontent-type: text/event-stream", format!("event: message\ndata: {error}\n\n"), true),
        ("500 Oops\r\ncontent-type: application/json", format!("\u{feff}{error}\r\n"), true),
        ("500 Oops", error.replace(r#""mcpauth-health""#, "null"), true),
        (
            "500 Oops\r\ncontent-type: text/event-stream",
            format!(": hi\r\nid: 1\r\ndata:{error}\r\n\r\n"),
            true,
        ),
        ("500 Oops\r\ncontent-type: application/json", error.replace("2.0", "1.0"), false),
        ("500 Oops\r\ncontent-type: application/json", nothing.to_owned(), false),
        ("500 Oops\r\ncontent-type: application/json", format!("[{error}"), false),
        ("502 Bad Gateway\r\ncontent-type: text/html", "<h1>Bad Gateway</h1>".to_owned(), false),
        ("500 Oops", String::new(), false),
        ("307 Temporary Redirect\r\nlocation: /mcp/", String::new(), true),
        ("308 Permanent Redirect\r\nlocation: mcp/", String::new(), true),
        ("307 Temporary Redirect\r\nlocation: /broken", String::new(), false),
    ] {
        let checks = Arc::new(Mutex::new(0));
        let counted = checks.clone();
        let server = Upstream::start(move |seen, stream| {
            if seen.is("POST /mcp/ ") {
                say(stream, JSON, &seen.body);
            } else if seen.is("POST /broken ") {
                say(stream, "500 Oops", b"");
            } else {
                say(stream, head, body.as_bytes());
            }
            *counted.lock().unwrap() += 1;
        });
        let lab = Lab::with(|settings, dir| {
            (settings.health.interval, settings.health.failures) = (1, 1);
            own_server(dir, "delta", &server.base, "streamable-http");
        });
        until("checks", || *checks.lock().unwrap() > 3);
        assert_eq!(said(&lab, "does not answer") > 0, !alive, "{head}");
        assert!(server.seen().iter().all(|seen| is_check(seen) && seen.is("POST")), "method and body stay");
    }
}
