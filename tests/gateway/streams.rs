//! Sessions and streams: a session belongs only to its caller, and so does an old server's announced address; streams
//! are filtered, kept alive, and ended with the client or its rights; and the limits on all of them. Not here: single
//! answers (see `answers`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Value, json};

use crate::support::lab::{ALLOWED, Lab, Worker, answer, call, list, own_server, request};
use crate::support::mint::{Key, Mint};
use crate::support::upstream::{Listening, Seen, Upstream, begin, event, gone, push, say};
use crate::support::wire::TEST_TIMEOUT;

const EVENTS: &str = "200 OK\r\ncontent-type: text/event-stream";
const JSON: &str = "200 OK\r\ncontent-type: application/json";

fn tools(id: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {"tools": [{"name": "hidden"}, {"name": "echo"}]}})
}

fn marker() -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "marker"}})
}

/// The same but for its first character.
fn flipped(tag: &str) -> String {
    let (first, rest) = tag.split_at(1);
    format!("{}{rest}", if first == "A" { "B" } else { "A" })
}

/// A server that names its session `up-1` in every answer.
fn with_sessions() -> Upstream {
    Upstream::answering(
        "200 OK\r\ncontent-type: application/json\r\nmcp-session-id: up-1",
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
    )
}

/// A server that opens a stream for everything, and tells when the other side closes it.
fn opening(first: &'static [u8]) -> (Upstream, Receiver<()>) {
    let (sender, closed) = channel();
    let sender = Mutex::new(sender);
    let upstream = Upstream::start(move |_, stream| {
        begin(stream, EVENTS);
        push(stream, first);
        if gone(stream) {
            let _ = sender.lock().unwrap().send(());
        }
    });
    (upstream, closed)
}

/// A server of 2024-11-05: announces `endpoint` on its stream, and answers there what is posted to it.
fn old_server(endpoint: &'static str) -> Upstream {
    let open: Mutex<Option<TcpStream>> = Mutex::default();
    Upstream::start(move |seen, stream| {
        if seen.is("GET /sse ") {
            begin(stream, EVENTS);
            push(stream, format!("event: endpoint\ndata: {endpoint}\n\n").as_bytes());
            push(stream, &event(&marker()));
            *open.lock().unwrap() = stream.try_clone().ok();
            gone(stream);
            return;
        }
        if let Some(open) = &mut *open.lock().unwrap() {
            push(open, &event(&tools(&seen.message()["id"])));
        }
        say(stream, "202 Accepted", b"");
    })
}

#[test]
fn a_session_is_its_callers_and_its_servers() {
    let upstream = with_sessions();
    let lab = Lab::with(|_, dir| {
        own_server(dir, "delta", &upstream.base, "streamable-http");
        own_server(dir, "omega", &upstream.base, "streamable-http");
    });
    let (worker, root) = (lab.token("worker"), lab.token("root"));
    let answer = lab.call(&worker, "delta", "echo").status(200);
    let session = answer.header("mcp-session-id").unwrap().to_owned();
    assert!(!session.contains("up-1"));
    assert!(session.bytes().all(|b| (0x21..=0x7e).contains(&b)), "{session}");
    let (id, tag) = session.split_once('.').unwrap();
    let (tampered, other) = (format!("{id}.{}", flipped(tag)), format!("dXAtMg.{tag}"));
    let of_root = lab.call(&root, "delta", "echo").status(200).header("mcp-session-id").unwrap().to_owned();
    assert_ne!(of_root, session);
    let before = upstream.seen().len();
    for (token, server, session) in [
        (&root, "delta", &*session),
        (&worker, "delta", &*of_root),
        (&worker, "omega", &*session),
        (&worker, "delta", &*tampered),
        (&worker, "delta", &*other),
        (&worker, "delta", "up-1"),
        (&worker, "delta", id),
        (&worker, "delta", ""),
        (&worker, "delta", &*format!("{session}.x")),
    ] {
        let bearer = format!("Bearer {token}");
        let headers = [("X-Authorization", bearer.as_str()), ("Mcp-Session-Id", session)];
        let path = format!("/{server}/mcp");
        for (method, body) in
            [("POST", list().to_string()), ("GET", String::new()), ("DELETE", String::new())]
        {
            let answer = lab.raw(&request(method, &path, &headers, body.as_bytes())).status(404);
            assert_eq!(answer.json()["error"]["data"]["reason"], "session", "{method} {server} {session}");
        }
    }
    let bearer = format!("Bearer {worker}");
    let twice =
        [("X-Authorization", bearer.as_str()), ("Mcp-Session-Id", &session), ("Mcp-Session-Id", &session)];
    lab.post("/delta/mcp", &twice, ALLOWED.as_bytes()).status(404);
    assert_eq!(upstream.seen().len(), before, "nothing of it arrived");
    for method in ["POST", "DELETE"] {
        lab.raw(&request(
            method,
            "/delta/mcp",
            &twice[..2],
            if method == "POST" { ALLOWED } else { "" }.as_bytes(),
        ))
        .status(200);
        assert_eq!(upstream.seen().last().and_then(|seen| seen.header("mcp-session-id")), Some("up-1"));
    }
}

#[test]
fn a_session_outlives_its_token_but_not_its_callers_rights() {
    let upstream = with_sessions();
    let lab = Lab::before(&upstream, "streamable-http");
    let session =
        lab.call(&lab.token("worker"), "delta", "echo").header("mcp-session-id").unwrap().to_owned();
    let ask = |tool: &str| {
        let bearer = format!("Bearer {}", lab.token("worker"));
        let headers = [("X-Authorization", bearer.as_str()), ("Mcp-Session-Id", &session)];
        lab.post("/delta/mcp", &headers, call(tool).to_string().as_bytes()).status
    };
    assert_eq!((ask("echo"), ask("delete_all")), (200, 403));
    let bare = lab.post("/delta/mcp", &[("Mcp-Session-Id", &session)], ALLOWED.as_bytes());
    assert_eq!(bare.status, 401, "a session is not a credential");
}

#[test]
fn an_old_servers_address_is_the_gateways_and_its_callers() {
    let upstream = old_server("/message?sessionId=up-7");
    let lab = Lab::before(&upstream, "sse");
    let (worker, root) = (lab.token("worker"), lab.token("root"));
    let mut stream = Listening::open(&lab, &worker, "/delta/sse", &[]);
    let heard = stream.hear("marker");
    let announced = heard.split("data: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    assert!(announced.starts_with("messages/") && !heard.contains("up-7"), "{heard}");
    let path = format!("/delta/{announced}");
    let before = upstream.seen().len();
    let (start, tag) = path.rsplit_once('.').unwrap();
    for (token, path, status) in [
        (&root, &*path, 404),
        (&worker, "/delta/messages/x.y", 404),
        (&worker, "/delta/messages", 404),
        (&worker, &*format!("{start}.{}", flipped(tag)), 404),
        (&worker, &*path.replace("/delta/", "/alpha/"), 404),
        (&worker, &*format!("{path}/../mcp"), 400),
    ] {
        assert_eq!(lab.ask(token, path, &list()).status, status, "{path}");
    }
    lab.post(&path, &[], list().to_string().as_bytes()).status(401);
    lab.ask(&worker, &path, &call("delete_all")).status(403);
    assert_eq!((upstream.seen().len(), lab.arrived()), (before, 0));
    lab.ask(&worker, &format!("{path}?sessionId=other&access_token=x"), &list()).status(202);
    assert!(upstream.seen().last().unwrap().is("POST /message?sessionId=up-7 HTTP/1.1"));
    let heard = stream.hear("\"echo\"");
    assert!(!heard.contains("hidden"), "{heard}");
}

/// Relative, because a proxy in front of the gateway may have put something before its paths.
#[test]
fn an_announced_address_is_relative_to_what_was_asked_for() {
    let upstream = old_server("/message?sessionId=up-7");
    let lab = Lab::with(|_, dir| {
        std::fs::write(dir.join("scopes.yml"), "root: [{server: '*', methods: ['*'], tools: ['*']}]\n")
            .unwrap();
        own_server(dir, "delta", &upstream.base, "sse");
        let file = json!({"path": "/team/old", "proxy_pass_url": format!("{}/sse", upstream.base)});
        std::fs::write(dir.join("servers/team.json"), file.to_string()).unwrap();
    });
    let root = lab.token("root");
    for asked in [
        "/delta/sse",
        "/delta/sse/",
        "/delta",
        "/delta/",
        "/delta/mcp",
        "/delta/mcp/",
        "/team/old",
        "/team/old/",
        "/team/old/sse",
        "/team/old/sse/",
    ] {
        let heard = Listening::open(&lab, &root, asked, &[]).hear("marker");
        let announced = heard.split("data: ").nth(1).unwrap().lines().next().unwrap();
        let outside = url::Url::parse(&format!("https://host.test/some/prefix{asked}")).unwrap();
        let found = outside.join(announced).unwrap();
        let path = found.as_str().strip_prefix("https://host.test/some/prefix").unwrap();
        lab.ask(&root, path, &call("echo")).status(202);
        assert!(upstream.seen().last().unwrap().is("POST /message?sessionId=up-7 "), "{asked} {announced}");
    }
}

/// The names of this machine are one; nothing is sent anywhere but where the file says.
#[test]
fn an_old_server_on_this_machine_may_call_it_by_any_of_its_names() {
    for host in [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "0.0.0.0",
        "LOCALHOST",
        "app.localhost",
        "localhost.",
        "127.0.0.2",
        "[::ffff:127.0.0.1]",
        "2130706433",
    ] {
        let port = std::sync::Arc::new(Mutex::new(String::new()));
        let told = port.clone();
        let upstream = Upstream::start(move |seen, stream| {
            if seen.is("GET /sse ") {
                begin(stream, EVENTS);
                let port = told.lock().unwrap().clone();
                push(stream, format!("event: endpoint\ndata: http://{host}:{port}/m?s=1\n\n").as_bytes());
                push(stream, &event(&marker()));
                gone(stream);
                return;
            }
            say(stream, "202 Accepted", b"");
        });
        *port.lock().unwrap() = upstream.base.rsplit(':').next().unwrap().to_owned();
        let lab = Lab::before(&upstream, "sse");
        let worker = lab.token("worker");
        let heard = Listening::open(&lab, &worker, "/delta/sse", &[]).hear("marker");
        let announced = heard.split("data: ").nth(1).unwrap().lines().next().unwrap();
        lab.ask(&worker, &format!("/delta/{announced}"), &call("echo")).status(202);
        assert!(upstream.seen().last().unwrap().is("POST /m?s=1 HTTP/1.1"), "{host}");
    }
}

/// Older servers acknowledge a message in their own words; the list comes on the stream.
#[test]
fn whatever_an_old_server_says_to_a_message_is_that_it_has_it() {
    for (head, body) in [
        ("200 OK\r\ncontent-type: text/plain", "ok"),
        ("200 OK", "Accepted"),
        ("200 OK\r\ncontent-type: application/json", "\"ok\""),
        ("200 OK\r\ncontent-type: application/json", "true"),
        ("200 OK\r\ncontent-type: text/html", "<p>thanks"),
        ("200 OK\r\ncontent-type: text/plain; charset=utf-16", "ok"),
        ("201 Created", "ok"),
        ("202 Accepted\r\ncontent-type: text/plain", "Accepted"),
        ("204 No Content", ""),
        ("200 OK\r\ncontent-type: application/json", "null"),
        ("200 OK\r\ncontent-type: application/json", ""),
        ("200 OK\r\ncontent-type: application/json", "Accepted"),
        ("200 OK\r\ncontent-type: text/plain", "\u{feff}ok"),
        ("202 Accepted\r\ncontent-type: application/json\r\ncontent-encoding: gzip", "x"),
        ("200 OK", r#"[{"jsonrpc":"2.0","id":"l","result":{"tools":[{"name":"hidden"}]}}]"#),
    ] {
        let open: Mutex<Option<TcpStream>> = Mutex::default();
        let upstream = Upstream::start(move |seen, stream| {
            if seen.is("GET /sse ") {
                begin(stream, EVENTS);
                push(stream, b"event: endpoint\ndata: /message\n\n");
                // Before the marker: a client that hears that may send a message at once.
                *open.lock().unwrap() = stream.try_clone().ok();
                push(stream, &event(&marker()));
                gone(stream);
                return;
            }
            if let Some(open) = &mut *open.lock().unwrap() {
                push(open, &event(&tools(&seen.message()["id"])));
            }
            say(stream, head, body.as_bytes());
        });
        let lab = Lab::before(&upstream, "sse");
        let worker = lab.token("worker");
        let mut stream = Listening::open(&lab, &worker, "/delta/sse", &[]);
        let heard = stream.hear("marker");
        let announced = heard.split("data: ").nth(1).unwrap().lines().next().unwrap().to_owned();
        let answer = lab.ask(&worker, &format!("/delta/{announced}"), &list());
        assert!((200..300).contains(&answer.status), "{head} {body}: {answer:?}");
        assert_eq!(answer.text(), "", "{head} {body}");
        let heard = stream.hear("\"echo\"");
        assert!(!heard.contains("hidden"), "{heard}");
    }
    // A newer server that sends no more than that has not answered.
    let upstream = Upstream::answering("200 OK\r\ncontent-type: text/plain", "ok");
    let lab = Lab::before(&upstream, "streamable-http");
    let answer = lab.ask(&lab.token("worker"), "/delta/mcp", &list()).status(502);
    assert_eq!(answer.json()["error"]["data"]["reason"], "unreadable_list");
}

#[test]
fn an_old_servers_address_elsewhere_is_dropped() {
    for endpoint in [
        "http://evil.test/message",
        "http://u:s3cret@evil.test/message?key=s3cret",
        "http://[",
        "//evil.test/message",
        "https://127.0.0.1/message",
        "http://127.0.0.1:1/message",
        "http://localhost:1/message",
        "http://localhost/message",
        "\\\\evil.test\\message",
        "javascript:alert(1)",
        "data:text/plain,x",
    ] {
        let lab = Lab::before(&old_server(endpoint), "sse");
        let heard = Listening::open(&lab, &lab.token("worker"), "/delta/sse", &[]).hear("marker");
        assert!(!heard.contains("endpoint") && !heard.contains("messages/"), "{endpoint}: {heard}");
        // The client waits for nothing, so it must be logged.
        let said = lab.kept.events();
        let said: Vec<_> =
            said.iter().filter(|line| line.starts_with("upstream: delta: announces ")).collect();
        assert!(said.len() == 1 && said[0].contains(" (request "), "{endpoint}: {said:?}");
        assert!(!said[0].contains("s3cret") && said[0].contains("correct its proxy_pass_url"), "{said:?}");
    }
}

#[test]
fn lists_on_a_resumed_stream_are_filtered_too() {
    let upstream = Upstream::start(|_, stream| {
        begin(stream, EVENTS);
        let first = [b"id: 41\n".to_vec(), event(&tools(&json!(1)))].concat();
        let batch = event(&json!([tools(&json!(2))]));
        let lines = [first, batch, b"data: hidden\n\n".to_vec(), event(&marker())];
        lines.iter().for_each(|bytes| push(stream, bytes));
        gone(stream);
    });
    let lab = Lab::before(&upstream, "streamable-http");
    let last = [("Last-Event-ID", "40")];
    let heard = Listening::open(&lab, &lab.token("worker"), "/delta/mcp", &last).hear("marker");
    assert!(heard.contains("id: 41\n") && heard.contains("echo") && !heard.contains("hidden"), "{heard}");
    assert_eq!(upstream.seen()[0].header("last-event-id"), Some("40"));
}

#[test]
fn a_client_that_leaves_is_missed_by_the_server() {
    let started = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo"}});
    let started = started.to_string();
    for (method, body, first) in [
        ("GET", "", "data: {\"jsonrpc\":\"2.0\",\"method\":\"m\"}\n\n"),
        ("POST", &*started, "data: {\"jsonrpc\":\"2.0\",\"method\":\"m\"}\n\n"),
    ] {
        let (upstream, closed) = opening(first.as_bytes());
        let lab = Lab::with(|settings, dir| {
            settings.limits.keep_alive_interval = 0;
            own_server(dir, "delta", &upstream.base, "streamable-http");
        });
        let bearer = format!("Bearer {}", lab.token("worker"));
        let bytes = request(method, "/delta/mcp", &[("X-Authorization", &bearer)], body.as_bytes());
        let mut stream = Listening::send(&lab, &bytes);
        stream.hear("\"m\"");
        drop(stream);
        assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()), "{method}");
    }
}

#[test]
fn a_client_that_leaves_before_the_answer_is_missed_too() {
    let (told, asked) = channel();
    let (sender, closed) = channel();
    let ends = Mutex::new((told, sender));
    let upstream = Upstream::start(move |_, stream| {
        let _ = ends.lock().unwrap().0.send(());
        if gone(stream) {
            let _ = ends.lock().unwrap().1.send(());
        }
    });
    let lab = Lab::before(&upstream, "streamable-http");
    let bearer = format!("Bearer {}", lab.token("worker"));
    let stream = Listening::send(
        &lab,
        &request("POST", "/delta/mcp", &[("X-Authorization", &bearer)], ALLOWED.as_bytes()),
    );
    asked.recv_timeout(TEST_TIMEOUT).unwrap();
    drop(stream);
    assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()));
}

/// The order says it: the server misses the caller while a call that began later is still under way.
#[test]
fn a_client_that_leaves_is_missed_while_others_go_on() {
    let (told, asked) = channel();
    let (sender, closed) = channel();
    let (release, held) = channel::<()>();
    let (ends, held) = (Mutex::new((told, sender)), Mutex::new(held));
    let upstream = Upstream::start(move |seen: &Seen, stream| {
        let _ = ends.lock().unwrap().0.send(());
        if seen.message()["params"]["arguments"].is_object() {
            held.lock().unwrap().recv_timeout(TEST_TIMEOUT).unwrap();
            say(stream, JSON, &seen.body);
        } else if gone(stream) {
            let _ = ends.lock().unwrap().1.send(());
        }
    });
    let lab = Lab::before(&upstream, "streamable-http");
    let bearer = format!("Bearer {}", lab.token("worker"));
    let send = |body: &str| {
        let bytes = request("POST", "/delta/mcp", &[("X-Authorization", &bearer)], body.as_bytes());
        let stream = Listening::send(&lab, &bytes);
        asked.recv_timeout(TEST_TIMEOUT).unwrap();
        stream
    };
    drop(send(ALLOWED));
    let mut later = send(&call("echo").to_string());
    assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()));
    assert_eq!(later.so_far(), "");
    release.send(()).unwrap();
    assert_eq!(answer(&mut later.stream).status(200).text(), call("echo").to_string());
}

#[test]
fn a_quiet_stream_is_kept_alive_by_comments_between_events() {
    let (upstream, _closed) = opening(b"data: {\"jsonrpc\":\"2.0\",\"method\":\"m\"}\n\n");
    let lab = Lab::with(|settings, dir| {
        settings.limits.keep_alive_interval = 1;
        own_server(dir, "delta", &upstream.base, "streamable-http");
    });
    let heard = Listening::open(&lab, &lab.token("worker"), "/delta/mcp", &[]).hear("\n:\n\n");
    assert_eq!(heard.matches("data: ").count(), 1, "{heard}");
    // Inside an event there is no room for a comment: a small one is held until it is complete, a large one is
    // already being sent.
    let large = format!("data: {{\"jsonrpc\":\"2.0\",\"a\":\"{}", "x".repeat(100_000));
    let (upstream, _closed) = opening(large.leak().as_bytes());
    let lab = Lab::with(|settings, dir| {
        settings.limits.keep_alive_interval = 1;
        own_server(dir, "delta", &upstream.base, "streamable-http");
    });
    let bearer = format!("Bearer {}", lab.token("worker"));
    let bytes = request("POST", "/delta/mcp", &[("X-Authorization", &bearer)], ALLOWED.as_bytes());
    let mut stream = Listening::send(&lab, &bytes);
    stream.hear("2.0");
    let filtered = Listening::open(&lab, &lab.token("worker"), "/delta/mcp", &[]).hear(":\n\n");
    assert!(!filtered.contains("2.0"), "nothing of an event before all of it: {filtered}");
    let passed = stream.so_far();
    assert!(!passed.contains(":\n\n"), "{passed}");
}

#[test]
fn a_stream_ends_with_its_callers_token() {
    let (upstream, closed) = opening(b"data: {\"jsonrpc\":\"2.0\",\"method\":\"m\"}\n\n");
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    let lab = Lab::with(|settings, dir| {
        settings.limits.keep_alive_interval = 1;
        settings.issuers.push(mint.settings());
        own_server(dir, "delta", &upstream.base, "streamable-http");
    });
    let soon = mcpauth::sys::clock::now() + 3;
    let token = key.sign(json!({}), &mint.claims(json!({"exp": soon})));
    let mut stream = Listening::open(&lab, &token, "/delta/mcp", &[]);
    stream.hear("\"m\"");
    stream.end();
    assert!(mcpauth::sys::clock::now() >= soon);
    assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()), "the server's end closes too");
}

#[test]
fn a_stream_ends_with_its_callers_rights() {
    let (upstream, closed) = opening(b"data: {\"jsonrpc\":\"2.0\",\"method\":\"m\"}\n\n");
    let lab = Lab::with(|settings, dir| {
        settings.limits.keep_alive_interval = 1;
        own_server(dir, "delta", &upstream.base, "streamable-http");
    });
    let mut stream = Listening::open(&lab, &lab.token("worker"), "/delta/mcp", &[]);
    stream.hear("\"m\"");
    lab.reload("scopes.yml", "worker:\n- server: alpha\n  methods: [ping]\n", "are in force");
    stream.end();
    assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()));
}

#[test]
fn who_asks_too_often_is_told_how_long_to_wait() {
    let worker = Worker::of(Lab::with(|settings, _| settings.limits.requests_per_minute_per_caller = 2));
    let statuses = [0; 3].map(|_| worker.post(&[], ALLOWED.as_bytes()));
    assert_eq!(statuses.each_ref().map(|answer| answer.status), [200, 200, 429]);
    let wait: u64 = statuses[2].header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(statuses[2].json()["error"]["code"], 429);
    worker.lab.call(&worker.lab.token("worker"), "alpha", "echo").status(429);
    worker.lab.call(&worker.lab.token("root"), "alpha", "echo").status(200);
    assert_eq!(worker.lab.arrived(), 3);
}

#[test]
fn a_tool_may_be_called_so_often_and_no_more() {
    let lab = Lab::with(|settings, _| settings.limits.calls_per_minute_per_tool = 1);
    let root = lab.token("root");
    for (server, tool, status) in [
        ("alpha", "echo", 200),
        ("alpha", "echo", 429),
        ("alpha", "secret", 200),
        ("beta", "echo", 200),
        ("beta", "echo", 429),
    ] {
        assert_eq!(lab.call(&root, server, tool).status, status, "{server} {tool}");
    }
    lab.ask(&root, "/alpha/mcp", &list()).status(200);
    assert_eq!(lab.arrived(), 4);
}

#[test]
fn no_more_is_under_way_than_may_be() {
    let (upstream, _closed) = opening(b"data: {\"jsonrpc\":\"2.0\",\"method\":\"m\"}\n\n");
    let lab = Lab::with(|settings, dir| {
        settings.limits.max_in_flight = 1;
        own_server(dir, "delta", &upstream.base, "streamable-http");
    });
    let token = lab.token("worker");
    let mut stream = Listening::open(&lab, &token, "/delta/mcp", &[]);
    stream.hear("\"m\"");
    let busy = lab.call(&token, "alpha", "echo").status(503);
    assert_eq!(
        (busy.header("retry-after"), busy.json()["error"]["data"]["reason"].as_str()),
        (Some("1"), Some("busy"))
    );
    assert_eq!(lab.arrived(), 0);
    drop(stream);
    crate::support::lab::until("room", || lab.call(&token, "alpha", "echo").status == 200);
}

#[test]
fn what_is_too_long_or_too_slow_is_cut_off() {
    let worker = Worker::of(Lab::with(|settings, _| settings.limits.read_timeout = 1));
    let long = "x".repeat(70 << 10);
    worker.post(&[("X-Long", &long)], ALLOWED.as_bytes()).status(431);
    let many: Vec<(String, &str)> = (0..200).map(|n| (format!("X-Many-{n}"), "1")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    worker.post(&many, ALLOWED.as_bytes()).status(431);
    // Half a body, and then nothing.
    let bytes = request("POST", "/alpha/mcp", &[("X-Authorization", &worker.bearer)], ALLOWED.as_bytes());
    let mut stream = worker.lab.connect();
    stream.write_all(&bytes[..bytes.len() - 5]).unwrap();
    answer(&mut stream).status(408);
    // Half a head.
    let silent = Listening::send(&worker.lab, b"POST /alpha/mcp HTTP/1.1\r\nHost: loc").end();
    assert!(silent.is_empty() || silent.starts_with("HTTP/1.1 408"), "{silent}");
    assert_eq!(worker.lab.arrived(), 0);
}

#[test]
fn what_is_under_way_is_answered_before_the_gateway_ends() {
    let (asked, answer_now): (Sender<()>, Receiver<()>) = channel();
    let (told, arrived) = channel();
    let ends = Mutex::new((told, answer_now));
    let upstream = Upstream::start(move |seen: &Seen, stream| {
        let ends = ends.lock().unwrap();
        ends.0.send(()).unwrap();
        ends.1.recv_timeout(TEST_TIMEOUT).unwrap();
        say(stream, JSON, &seen.body);
    });
    let lab = Lab::before(&upstream, "streamable-http");
    let bearer = format!("Bearer {}", lab.token("worker"));
    let bytes = request("POST", "/delta/mcp", &[("X-Authorization", &bearer)], ALLOWED.as_bytes());
    let mut stream = lab.connect();
    stream.write_all(&bytes).unwrap();
    arrived.recv_timeout(TEST_TIMEOUT).unwrap();
    let address = lab.gateway.address();
    let (kept, gateway) = (lab.kept.clone(), lab.gateway);
    let drained = std::thread::spawn(move || gateway.drain());
    crate::support::lab::until("no new connection", || TcpStream::connect(address).is_err());
    asked.send(()).unwrap();
    assert_eq!(answer(&mut stream).status(200).text(), ALLOWED);
    drained.join().unwrap();
    assert_eq!(kept.lines().last().unwrap()["verdict"], "allowed");
}

/// What the server did not finish must not look complete, however soon it broke off; what arrived passes.
#[test]
fn a_stream_that_the_server_breaks_off_does_not_look_complete() {
    for ended in [true, false] {
        let upstream = Upstream::start(move |_, stream| {
            let bytes = event(&marker());
            let end = if ended { "0\r\n\r\n" } else { "" };
            let head =
                format!("HTTP/1.1 {EVENTS}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n", bytes.len());
            let all = [head.as_bytes(), &bytes, b"\r\n", end.as_bytes()].concat();
            stream.write_all(&all).unwrap();
        });
        let lab = Lab::before(&upstream, "streamable-http");
        let bearer = format!("Bearer {}", lab.token("worker"));
        let headers = [("X-Authorization", bearer.as_str()), ("Connection", "close")];
        for message in [ALLOWED.to_owned(), list().to_string()] {
            let sent = request("POST", "/delta/mcp", &headers, message.as_bytes());
            let heard = Listening::send(&lab, &sent).end();
            assert!(heard.contains("marker"), "{ended}: {heard}");
            let whole = heard.to_lowercase().contains("content-length") || heard.ends_with("0\r\n\r\n");
            assert_eq!(whole, ended, "{heard}");
        }
    }
}
