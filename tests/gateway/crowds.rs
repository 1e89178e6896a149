//! More connections than there is room for: whoever asks for nothing leaves, and nobody else notices. With few descriptors
//! and many connections, in a process of its own where the system's limit is what is tried.
//! It leaves what one caller may take to `shares`.
#![cfg(test)]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::serve::Site;
use crate::support::User;
use crate::support::lab::{ALLOWED, Lab, answer, own_server, request, until};
use crate::support::upstream::{Listening, Upstream, begin, event, gone, push, say};
use crate::support::wire::{PATIENCE, get};

const JSON: &str = "200 OK\r\ncontent-type: application/json";
/// The beginnings of a connection that never asks for anything.
const SILENCES: [&[u8]; 5] = [
    b"",
    b"P",
    b"POST /delta/mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    b"\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
];

fn silent(address: SocketAddr, beginning: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(beginning).unwrap();
    stream
}

#[test]
fn silent_connections_lock_nobody_out_where_descriptors_are_few() {
    let site = Site::new("");
    for limit in [96, 160] {
        let served = site.serve_after(&format!("ulimit -n {limit}"));
        for beginning in SILENCES {
            let silent: Vec<_> = (0..2 * limit).map(|_| silent(served.address, beginning)).collect();
            let before = site.upstream.seen().len();
            for _ in 0..3 {
                assert_eq!(site.ask(served.address, ALLOWED).status(200).text(), ALLOWED);
            }
            assert_eq!(
                site.upstream.seen().len(),
                before + 3,
                "each on a connection of its own to the server"
            );
            drop(silent);
        }
        let said = served.end("TERM").code(0).stderr;
        assert!(!said.contains("Too many open files"), "{said}");
    }
}

#[test]
fn the_limit_in_force_is_raised_to_the_highest_there_may_be() {
    let site = Site::new("admin: 127.0.0.1:0\n");
    let served = site.serve_after("ulimit -Hn 2000 && ulimit -Sn 64");
    let silent: Vec<_> = (0..300).map(|_| silent(served.address, b"")).collect();
    site.ask(served.address, ALLOWED).status(200);
    let metrics = served.metrics();
    until("all of them", || {
        let text = get(&metrics).body;
        let line = text.lines().find_map(|line| line.strip_prefix("mcpauth_connections "));
        line.unwrap().parse::<usize>().unwrap() >= silent.len()
    });
}

#[test]
fn the_idlest_leave_and_whoever_is_served_stays() {
    let open = Arc::new(AtomicBool::new(false));
    let gate = open.clone();
    let server = Upstream::start(move |seen, stream| {
        if seen.is("GET ") {
            begin(stream, "200 OK\r\ncontent-type: text/event-stream");
            push(stream, &event(&serde_json::json!({"jsonrpc": "2.0", "method": "notifications/first"})));
        }
        until("the end", || gate.load(Ordering::Relaxed));
        match seen.is("GET ") {
            true => {
                push(stream, &event(&serde_json::json!({"jsonrpc": "2.0", "method": "notifications/last"})))
            }
            false => say(stream, JSON, &seen.body),
        }
    });
    let lab = Lab::with(|settings, dir| {
        // One takes them in the order in which they come.
        (settings.limits.max_connections, settings.workers) = (Some(12), Some(1));
        own_server(dir, "delta", &server.base, "streamable-http");
    });
    let token = lab.token("root");
    let bearer = format!("Bearer {token}");
    let mut stream = Listening::open(&lab, &token, "/delta/mcp", &[]);
    stream.hear("notifications/first");
    let mut asked = lab.connect();
    asked
        .write_all(&request("POST", "/delta/mcp", &[("X-Authorization", &bearer)], ALLOWED.as_bytes()))
        .unwrap();
    until("the call", || server.seen().len() == 2);
    let address = lab.gateway.address();
    let mut all: Vec<_> =
        SILENCES.iter().cycle().take(60).map(|beginning| silent(address, beginning)).collect();
    for _ in 0..3 {
        lab.call(&token, "alpha", "echo").status(200);
    }
    assert!(all.drain(..30).all(|mut stream| gone(&mut stream)), "the first of them have been closed");
    open.store(true, Ordering::Relaxed);
    assert_eq!(answer(&mut asked).status(200).text(), ALLOWED);
    stream.hear("notifications/last");
}

#[test]
fn callers_between_requests_stay_longer_than_strangers() {
    let lab = Lab::with(|settings, _| {
        (settings.limits.max_connections, settings.workers) = (Some(8), Some(1));
    });
    let bearer = format!("Bearer {}", lab.token("worker"));
    let headers = [("X-Authorization", bearer.as_str()), ("Connection", "keep-alive")];
    let bytes = request("POST", "/alpha/mcp", &headers, ALLOWED.as_bytes());
    let mut caller = Listening::send(&lab, &bytes);
    caller.hear("content");
    let address = lab.gateway.address();
    let all: Vec<_> = SILENCES.iter().cycle().take(50).map(|beginning| silent(address, beginning)).collect();
    lab.call(&lab.token("root"), "beta", "echo").status(200);
    caller
        .stream
        .write_all(&request("POST", "/alpha/mcp", &[("X-Authorization", &bearer)], ALLOWED.as_bytes()))
        .unwrap();
    assert_eq!(caller.end().matches("HTTP/1.1 200").count(), 2, "on the same connection");
    drop(all);
}

#[test]
fn where_everybody_is_served_the_next_one_has_to_wait() {
    let open = Arc::new(AtomicBool::new(false));
    let gate = open.clone();
    let server = Upstream::start(move |seen, stream| {
        until("the end", || gate.load(Ordering::Relaxed));
        say(stream, JSON, &seen.body);
    });
    let lab = Lab::with(|settings, dir| {
        (settings.limits.max_connections, settings.limits.max_in_flight_per_caller) = (Some(4), Some(100));
        own_server(dir, "delta", &server.base, "streamable-http");
    });
    let bearer = format!("Bearer {}", lab.token("worker"));
    let bytes = request("POST", "/delta/mcp", &[("X-Authorization", &bearer)], ALLOWED.as_bytes());
    let mut served: Vec<TcpStream> = Vec::new();
    for n in 1..=4 {
        let mut stream = lab.connect();
        stream.write_all(&bytes).unwrap();
        until("the call", || server.seen().len() == n);
        served.push(stream);
    }
    assert!(gone(&mut lab.connect()), "there is no room, and nobody idle");
    open.store(true, Ordering::Relaxed);
    for mut stream in served {
        assert_eq!(answer(&mut stream).status(200).text(), ALLOWED);
    }
    lab.call(&lab.token("worker"), "alpha", "echo").status(200);
}

#[test]
fn nobody_is_silent_for_ever() {
    let lab = Lab::with(|settings, _| settings.limits.read_timeout = 1);
    let address = lab.gateway.address();
    let all: Vec<_> = SILENCES.iter().map(|beginning| silent(address, beginning)).collect();
    for (mut stream, beginning) in all.into_iter().zip(SILENCES) {
        assert!(gone(&mut stream), "{:?}", String::from_utf8_lossy(beginning));
    }
}

#[test]
fn check_says_when_the_connections_do_not_fit() {
    let user = User::new();
    user.file("scopes.yml", "read:\n  - {server: a, methods: [ping]}\n");
    user.file("servers/a.json", r#"{"path": "/a", "proxy_pass_url": "http://h"}"#);
    let issuer = "issuers: [{issuer: 'https://idp.example.com', audience: [mcp]}]\n";
    let check = |limits: &str| {
        user.file("gateway.yaml", &format!("{issuer}workers: 2\n{limits}"));
        crate::support::ended(user.shell("ulimit -n 1024; mcpauth gateway check").spawn().unwrap())
    };
    for limits in ["", "limits: {max_connections: 472}\n"] {
        check(limits).code(0);
    }
    for wanted in [473, 1024, 10_000] {
        let said = check(&format!("limits: {{max_connections: {wanted}}}\n")).code(7).stdout;
        let expected = format!("remark: limits.max_connections: {wanted} connections are more than fit");
        assert!(said.starts_with(&expected) && said.contains("set 472 or less"), "{said}");
    }
}
