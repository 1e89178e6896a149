//! What one caller may use of the gateway: memory for buffered data, requests and streams in flight. Several tokens
//! of one subject are one caller; what one may not have others still get. Not here: idle connections (see `crowds`);
//! request rates (see `tokens`).
#![cfg(test)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use super::serve::{Served, Site};
use crate::support::lab::{self, ALLOWED, Answer, Lab, answer, list, own_server, request, until};
use crate::support::upstream::{Listening, Upstream, begin, event, push, say};
use crate::support::wire::TEST_TIMEOUT;

const JSON: &str = "200 OK\r\ncontent-type: application/json";
const MIB: usize = 1 << 20;

/// A server that answers when it is told to.
struct Gated {
    upstream: Upstream,
    open: Arc<AtomicBool>,
}

impl Gated {
    /// It begins an answer of `length` bytes with as many of `list`, and then waits.
    fn start() -> Self {
        let open = Arc::new(AtomicBool::new(false));
        let gate = open.clone();
        let upstream = Upstream::start(move |seen, stream| {
            if seen.is("GET ") {
                begin(stream, "200 OK\r\ncontent-type: text/event-stream");
                push(stream, &event(&json!({"jsonrpc": "2.0", "method": "notifications/first"})));
            }
            until("the end", || gate.load(Ordering::Relaxed));
            if !seen.is("GET ") {
                say(stream, JSON, &seen.body);
            }
        });
        Self { upstream, open }
    }

    fn lab(&self, change: impl FnOnce(&mut mcpauth::gateway::settings::Limits)) -> Lab {
        Lab::with(|settings, dir| {
            change(&mut settings.limits);
            own_server(dir, "delta", &self.upstream.base, "streamable-http");
        })
    }

    fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn begun(lab: &Lab, token: &str, body: &str) -> TcpStream {
    let mut stream = lab.connect();
    let headers = [("X-Authorization", &*bearer(token))];
    stream.write_all(&request("POST", "/delta/mcp", &headers, body.as_bytes())).unwrap();
    stream
}

/// 429, for this reason, and when to come again.
#[track_caller]
fn refused(answer: Answer, reason: &str) {
    let answer = answer.status(429);
    assert_eq!(answer.json()["error"]["data"]["reason"], reason);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[test]
fn requests_under_way_are_counted_by_caller_whatever_the_token() {
    let server = Gated::start();
    let lab = server.lab(|limits| limits.max_in_flight_per_caller = Some(2));
    let tokens = [lab.token("worker"), lab.token("worker"), lab.token("worker")];
    assert_ne!(tokens[0], tokens[1]);
    let mut under_way: Vec<TcpStream> = Vec::new();
    for (n, token) in tokens.iter().take(2).enumerate() {
        under_way.push(begun(&lab, token, ALLOWED));
        until("the call", || server.upstream.seen().len() == n + 1);
    }
    for token in &tokens {
        refused(lab.call(token, "delta", "echo"), "caller_busy");
        refused(lab.call(token, "alpha", "echo"), "caller_busy");
    }
    // A stream is none, and another caller is another.
    let mut stream = Listening::open(&lab, &tokens[0], "/delta/mcp", &[]);
    stream.hear("notifications/first");
    lab.call(&lab.token("root"), "alpha", "echo").status(200);
    server.open();
    for mut stream in under_way {
        answer(&mut stream).status(200);
    }
    until("it is over", || lab.call(&tokens[0], "alpha", "echo").status == 200);
}

#[test]
fn streams_are_counted_apart_and_end_with_their_connection() {
    let server = Gated::start();
    let lab = server.lab(|limits| limits.max_streams_per_caller = Some(1));
    let (one, two) = (lab.token("worker"), lab.token("worker"));
    let mut stream = Listening::open(&lab, &one, "/delta/mcp", &[]);
    stream.hear("notifications/first");
    let listen = json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {}});
    for token in [&one, &two] {
        let again = request("GET", "/delta/mcp", &[("X-Authorization", &bearer(token))], b"");
        refused(lab.raw(&again), "caller_busy");
    }
    let root = lab.token("root");
    let mut other = Listening::open(&lab, &root, "/delta/mcp", &[]);
    other.hear("notifications/first");
    refused(lab.ask(&root, "/delta/mcp", &listen), "caller_busy");
    lab.call(&two, "alpha", "echo").status(200);
    drop(stream);
    until("room for another", || {
        let mut again = Listening::open(&lab, &two, "/delta/mcp", &[]);
        again.hear("\n").contains("200 OK")
    });
}

/// Sends all of a body but its end.
fn unfinished(served: &Served, token: &str, size: usize, chunked: bool) -> TcpStream {
    let mut stream = TcpStream::connect(served.address).unwrap();
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    let framing =
        if chunked { "Transfer-Encoding: chunked".into() } else { format!("Content-Length: {size}") };
    let head = format!(
        "POST /delta/mcp HTTP/1.1\r\nHost: localhost\r\nX-Authorization: Bearer {token}\r\n\
         Content-Type: application/json\r\n{framing}\r\n\r\n"
    );
    // The gateway may answer, and close, before all of it is written.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| match chunked {
        true => (0..63).try_for_each(|_| {
            stream.write_all(format!("{:x}\r\n{}\r\n", size / 64, " ".repeat(size / 64)).as_bytes())
        }),
        false => stream.write_all(&b" ".repeat(size - 1)),
    });
    stream
}

/// What the gateway had in memory at most, in bytes (proc(5), `VmHWM`).
#[cfg(target_os = "linux")]
fn peak(served: &Served) -> usize {
    let id = served.running.as_ref().unwrap().id();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn unfinished_bodies_of_one_caller_take_a_share_of_memory_and_no_more() {
    let site = Site::new("");
    for chunked in [false, true] {
        let served = site.serve(&[]);
        let tokens = [(); 3].map(|()| lab::token(&site.idp, "worker"));
        let tokens = tokens.iter().cycle();
        let mut all: Vec<TcpStream> =
            tokens.take(150).map(|token| unfinished(&served, token, 4 * MIB, chunked)).collect();
        let peak = peak(&served);
        assert!(peak < 256 * MIB, "{peak}");
        // Nobody else is affected, and the caller only waits for their own requests.
        let padding = format!("{ALLOWED}{}", " ".repeat(MIB));
        assert_eq!(site.ask_as("root", served.address, &padding).status(200).text(), padding);
        let mut refusals = 0;
        for stream in &mut all {
            stream.set_nonblocking(true).unwrap();
            let mut text = [0; 4096];
            let read = stream.read(&mut text).unwrap_or_default();
            let text = String::from_utf8_lossy(&text[..read]);
            if text.starts_with("HTTP/1.1 429 ") {
                assert!(text.contains("retry-after: 1\r\n") && text.contains("\"caller_memory\""), "{text}");
                refusals += 1;
            }
        }
        assert!(refusals > 0, "some of them are told");
        drop(all);
        until("the memory is given back", || site.ask(served.address, &padding).status == 200);
        served.end("TERM").code(0);
    }
}

#[test]
fn memory_is_shared_by_callers_and_nobody_has_all_of_it() {
    let server = Gated::start();
    let lab = server.lab(|limits| {
        (limits.max_request_bytes, limits.max_response_bytes) = (400_000, 400_000);
        (limits.max_buffered_bytes_per_caller, limits.max_buffered_bytes) = (500_000, 800_000);
    });
    let large = format!("{ALLOWED}{}", " ".repeat(300_000));
    let (worker, again, root) = (lab.token("worker"), lab.token("worker"), lab.token("root"));
    let first = begun(&lab, &worker, &large);
    until("the call", || server.upstream.seen().len() == 1);
    for token in [&worker, &again] {
        let headers = [("X-Authorization", &*bearer(token))];
        refused(lab.post("/alpha/mcp", &headers, large.as_bytes()), "caller_memory");
        lab.post("/alpha/mcp", &headers, ALLOWED.as_bytes()).status(200);
    }
    let second = begun(&lab, &root, &large);
    until("the other call", || server.upstream.seen().len() == 2);
    // A rejected request reserves nothing.
    for _ in 0..20 {
        lab.post("/alpha/mcp", &[("X-Authorization", "Bearer x")], large.as_bytes()).status(401);
        lab.post("/alpha/mcp", &[], large.as_bytes()).status(401);
    }
    let reader = lab.token("reader");
    let headers = [("X-Authorization", &*bearer(&reader))];
    let answer = lab.post("/alpha/mcp", &headers, large.as_bytes()).status(503);
    assert_eq!(
        (answer.header("retry-after"), &answer.json()["error"]["data"]["reason"]),
        (Some("1"), &json!("busy"))
    );
    server.open();
    drop((first, second));
    until("the memory is given back", || {
        lab.post("/alpha/mcp", &[("X-Authorization", &bearer(&again))], large.as_bytes()).status == 200
    });
}

/// An answer that is read whole takes as much as a body, as JSON and as an event.
#[test]
fn lists_under_way_take_memory_too() {
    for (kind, prefix) in [("application/json", ""), ("text/event-stream", "data: ")] {
        let open = Arc::new(AtomicBool::new(false));
        let gate = open.clone();
        let upstream = Upstream::start(move |seen, stream| {
            let padding = " ".repeat(300_000);
            let id = &seen.message()["id"];
            let text = format!(
                "{prefix}{padding}{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"tools\":[]}}}}\n\n"
            );
            begin(stream, &format!("200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}", text.len()));
            let (most, rest) = text.as_bytes().split_at(290_000);
            push(stream, most);
            until("the end", || gate.load(Ordering::Relaxed));
            push(stream, rest);
        });
        let lab = Lab::with(|settings, dir| {
            (settings.limits.max_request_bytes, settings.limits.max_response_bytes) = (400_000, 400_000);
            (settings.limits.max_buffered_bytes_per_caller, settings.limits.max_buffered_bytes) =
                (600_000, 2_000_000);
            own_server(dir, "delta", &upstream.base, "streamable-http");
        });
        let (worker, again) = (lab.token("worker"), lab.token("worker"));
        let body = list().to_string();
        // Once it has arrived there is no room for the caller's own body of this size.
        let large = format!("{ALLOWED}{}", " ".repeat(390_000));
        let ask =
            |token: &str| lab.post("/alpha/mcp", &[("X-Authorization", &bearer(token))], large.as_bytes());
        // A body that comes before it has arrived takes its room instead: then it is started again.
        let begin = |n: usize| {
            let list = begun(&lab, &worker, &body);
            until("the list", || upstream.seen().len() == n);
            (0..20).for_each(|_| drop(lab.call(&again, "alpha", "echo").status(200)));
            (ask(&again).status == 429).then_some(list)
        };
        let mut first = (1..100).find_map(begin).unwrap();
        refused(ask(&worker), "caller_memory");
        lab.post("/alpha/mcp", &[("X-Authorization", &bearer(&lab.token("root")))], large.as_bytes())
            .status(200);
        open.store(true, Ordering::Relaxed);
        assert!(answer(&mut first).status(200).text().contains("\"tools\":[]"));
        until("the memory is given back", || ask(&again).status == 200);
    }
}

/// A connection that has sent this and reads nothing of the answer.
#[cfg(target_os = "linux")]
fn deaf(served: &Served, bytes: &[u8]) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&served.address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.write_all(bytes).unwrap();
    stream
}

/// Answers that their caller does not read: each of them waits at the server, not here.
#[cfg(target_os = "linux")]
#[test]
fn answers_that_nobody_takes_take_a_share_of_memory_and_no_more() {
    const MANY: usize = 150;
    for kind in ["application/json", "text/event-stream"] {
        let upstream = Upstream::start(move |_, stream| {
            begin(stream, &format!("200 OK\r\ncontent-type: {kind}"));
            let part = event(&json!({"jsonrpc": "2.0", "method": "m", "params": "x".repeat(50_000)}));
            // More than all buffers on the way have room for.
            for _ in 0..400 {
                push(stream, &part);
            }
        });
        let site = Site::before(upstream, crate::support::User::new(), "");
        let served = site.serve(&[]);
        let token = lab::token(&site.idp, "worker");
        let bytes =
            request("POST", "/delta/mcp", &[("X-Authorization", &*bearer(&token))], ALLOWED.as_bytes());
        let all: Vec<TcpStream> = (0..MANY).map(|_| deaf(&served, &bytes)).collect();
        until("all of them", || site.upstream.seen().len() == MANY);
        site.ask_as("root", served.address, ALLOWED);
        let peak = peak(&served);
        assert!(peak < 96 * MIB, "{kind} {peak}");
        drop(all);
        served.end("KILL");
    }
}

/// A large list, which is read whole, counts until its caller has taken it, beyond what the system holds for the
/// connection: as an event, and where it comes in place of another answer.
#[cfg(target_os = "linux")]
#[test]
fn large_lists_that_nobody_takes_take_a_share_of_memory_and_no_more() {
    const MANY: usize = 10;
    let list = list().to_string();
    for (asked, kind, prefix) in [
        (&*list, "text/event-stream", "data: "),
        (ALLOWED, "application/json", ""),
        (ALLOWED, "text/event-stream", "data: "),
    ] {
        let tool = json!({"name": "echo", "description": "d".repeat(4000)}).to_string();
        let tools = vec![&*tool; 3500].join(",");
        let given: Arc<AtomicUsize> = Arc::default();
        let count = given.clone();
        let upstream = Upstream::start(move |seen, stream| {
            let id = &seen.message()["id"];
            let head = format!("{prefix}{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"tools\":[");
            let length = head.len() + tools.len() + 5;
            begin(stream, &format!("200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}"));
            [head.as_bytes(), tools.as_bytes(), b"]}}\n\n".as_slice()]
                .iter()
                .for_each(|part| push(stream, part));
            count.fetch_add(1, Ordering::Relaxed);
        });
        let site = Site::before(upstream, crate::support::User::new(), "");
        let served = site.serve(&[]);
        let token = lab::token(&site.idp, "worker");
        let bytes = request("POST", "/delta/mcp", &[("X-Authorization", &*bearer(&token))], asked.as_bytes());
        // One after the other: there is no room for three of them at once.
        let next = |n| {
            let stream = deaf(&served, &bytes);
            until("it is read, or refused", || given.load(Ordering::Relaxed) == n);
            stream
        };
        let all: Vec<TcpStream> = (1..=MANY).map(next).collect();
        site.ask_as("root", served.address, asked);
        let peak = peak(&served);
        assert!(peak < 144 * MIB, "{asked} {kind} {peak}");
        drop(all);
        served.end("KILL");
    }
}
