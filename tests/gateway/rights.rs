//! Long answers end when the token or rights of their caller end, at once and not with the next comment; and
//! keep-alive comments go only where they belong. Not here: the content of streams (see `streams` and `lists`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};

use mcpauth::gateway::settings::{Introspection, IssuerSettings};
use serde_json::json;

use crate::support::lab::{ALLOWED, Lab, own_server, request, until};
use crate::support::mint::{Key, Mint};
use crate::support::upstream::{Listening, Seen, Upstream, begin, event, gone, push, say};
use crate::support::wire::TEST_TIMEOUT;

const EVENTS: &str = "200 OK\r\ncontent-type: text/event-stream";

/// A server that begins an answer and never ends it; tells when the other side leaves.
fn endless(head: &'static str, first: Vec<u8>) -> (Upstream, Receiver<()>) {
    let (sender, closed) = channel();
    let sender = Mutex::new(sender);
    let upstream = Upstream::start(move |_, stream| {
        begin(stream, head);
        push(stream, &first);
        if gone(stream) {
            let _ = sender.lock().unwrap().send(());
        }
    });
    (upstream, closed)
}

fn first() -> Vec<u8> {
    event(&json!({"jsonrpc": "2.0", "method": "m"}))
}

/// Comments are an hour apart: what ends here ends without help.
fn lab(upstream: &Upstream) -> Lab {
    Lab::with(|settings, dir| {
        settings.limits.keep_alive_interval = 3600;
        settings.revocation_list = Some(dir.join("revoked"));
        std::fs::write(dir.join("revoked"), "").unwrap();
        own_server(dir, "delta", &upstream.base, "streamable-http");
    })
}

fn open(lab: &Lab, token: &str, method: &str, body: &str) -> Listening {
    let bearer = format!("Bearer {token}");
    Listening::send(lab, &request(method, "/delta/mcp", &[("X-Authorization", &bearer)], body.as_bytes()))
}

/// Revokes a right.
type Ending<'a> = &'a dyn Fn(&Lab);

/// Every answer, and every way in which a right ends.
#[test]
fn every_stream_ends_with_the_right_to_it() {
    let listen =
        json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {}}).to_string();
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let read =
        json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "file:///open"}});
    let read = read.to_string();
    let all = [("POST", ALLOWED), ("POST", &listen), ("POST", &list), ("POST", &read), ("GET", "")];
    let off = |lab: &Lab| lab.reload("servers/server_state.json", r#"{"/delta": false}"#, "are in force");
    let other_server = |lab: &Lab| {
        lab.reload("scopes.yml", "worker: [{server: alpha, methods: [ping]}]\n", "are in force");
    };
    let nothing = |lab: &Lab| lab.reload("scopes.yml", "reader: [{server: alpha}]\n", "are in force");
    let revoked = |lab: &Lab| lab.reload("revoked", "client_id: worker\n", "are in force");
    let gone = |lab: &Lab| {
        std::fs::remove_file(lab.path("servers/delta.json")).unwrap();
        lab.reload("revoked", "# nobody\n", "are in force");
    };
    let ways: [(&str, Ending<'_>); 5] = [
        ("off", &off),
        ("other server", &other_server),
        ("nothing", &nothing),
        ("revoked", &revoked),
        ("server gone", &gone),
    ];
    for (way, end) in ways {
        let (upstream, closed) = endless(EVENTS, first());
        let lab = lab(&upstream);
        let token = lab.token("worker");
        let mut streams: Vec<Listening> =
            all.iter().map(|(method, body)| open(&lab, &token, method, body)).collect();
        streams.iter_mut().for_each(|stream| drop(stream.hear("\"m\"")));
        end(&lab);
        for stream in streams {
            stream.end();
            assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()), "{way}");
        }
    }
}

/// On which every answer comes.
#[test]
fn an_old_servers_stream_ends_with_the_right_to_it() {
    let ways: [Ending<'_>; 3] = [
        &|lab| lab.reload("servers/server_state.json", r#"{"/omega": false}"#, "are in force"),
        &|lab| lab.reload("scopes.yml", "worker: [{server: delta, methods: ['*']}]\n", "are in force"),
        &|lab| lab.reload("revoked", "client_id: worker\n", "are in force"),
    ];
    for end in ways {
        let (upstream, closed) = endless(EVENTS, first());
        let lab = Lab::with(|settings, dir| {
            settings.limits.keep_alive_interval = 3600;
            settings.revocation_list = Some(dir.join("revoked"));
            std::fs::write(dir.join("revoked"), "").unwrap();
            own_server(dir, "omega", &upstream.base, "sse");
        });
        let mut stream = Listening::open(&lab, &lab.token("worker"), "/omega/sse", &[("Last-Event-ID", "3")]);
        stream.hear("\"m\"");
        end(&lab);
        stream.end();
        assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()));
    }
}

/// The right to a call is for exactly that call.
#[test]
fn a_calls_stream_ends_with_the_right_to_its_tool_and_no_other_does() {
    let (upstream, closed) = endless(EVENTS, first());
    let lab = lab(&upstream);
    let token = lab.token("worker");
    let mut call = open(&lab, &token, "POST", ALLOWED);
    let mut stream = open(&lab, &token, "GET", "");
    call.hear("\"m\"");
    stream.hear("\"m\"");
    let policy = "worker: [{server: delta, methods: [tools/list, tools/call], tools: [other]}]\n";
    lab.reload("scopes.yml", policy, "are in force");
    call.end();
    assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()));
    // Changes that revoke nothing end nothing.
    lab.reload("revoked", "client_id: nobody\n", "are in force");
    lab.call(&token, "delta", "echo").status(403);
    assert!(!stream.so_far().contains("\r\n0\r\n"));
    assert!(closed.try_recv().is_err());
}

#[test]
fn a_busy_stream_ends_too() {
    /// More than can be sent while a file is read again.
    const MANY: usize = 50_000;
    let (sender, sent) = channel();
    let sender = Mutex::new(sender);
    let upstream = Upstream::start(move |_, stream| {
        begin(stream, EVENTS);
        let event = event(&json!({"jsonrpc": "2.0", "method": "m", "params": {"data": "x".repeat(10_000)}}));
        let sent = (0..MANY).take_while(|_| stream.write_all(&event).is_ok()).count();
        let _ = sender.lock().unwrap().send(sent);
    });
    let lab = lab(&upstream);
    let mut stream = open(&lab, &lab.token("worker"), "POST", ALLOWED);
    stream.hear("\"m\"");
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut buffer = vec![0; 1 << 16];
            while stream.stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
        });
        lab.reload("scopes.yml", "reader: [{server: alpha}]\n", "are in force");
        reading.join().unwrap();
    });
    assert!(sent.recv_timeout(TEST_TIMEOUT).unwrap() < MANY, "it was sent to its end");
}

/// A long body that is not a stream is cut, and does not look complete.
#[test]
fn a_large_body_under_way_is_cut_off() {
    for head in [
        "200 OK\r\ncontent-type: application/json",
        "200 OK\r\ncontent-type: text/plain\r\ncontent-length: 999999",
    ] {
        let (upstream, closed) = endless(head, [b"{\"x\":\"".to_vec(), vec![b'x'; 200_000]].concat());
        let lab = lab(&upstream);
        let mut stream = open(&lab, &lab.token("worker"), "POST", ALLOWED);
        stream.hear("xxx");
        lab.reload("scopes.yml", "reader: [{server: alpha}]\n", "are in force");
        let heard = stream.end();
        assert!(!heard.ends_with("0\r\n\r\n"), "it looks complete");
        assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()));
    }
}

/// A body that is buffered for a check as a whole is not delivered after the right to it has ended, however small it
/// is, and whether it was a list or not.
#[test]
fn a_small_body_under_way_ends_too() {
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    for head in [
        "200 OK\r\ncontent-type: application/json",
        "200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999",
        "500 Oops\r\ncontent-type: text/plain",
    ] {
        for body in [ALLOWED, &list] {
            let (upstream, closed) = endless(head, b"{\"x\":\"secret".to_vec());
            let lab = lab(&upstream);
            let stream = open(&lab, &lab.token("worker"), "POST", body);
            until("the server has it", || !upstream.seen().is_empty());
            lab.reload("scopes.yml", "reader: [{server: alpha}]\n", "are in force");
            let heard = stream.end();
            assert!(heard.contains("HTTP/1.1 403") && !heard.contains("secret"), "{head}: {heard}");
            assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()));
        }
    }
}

/// What arrives after the right has ended is not delivered, although it was requested before.
#[test]
fn an_answer_that_comes_too_late_is_nobodys() {
    let listed = br#"{"jsonrpc":"2.0","id":7,"result":{"content":"secret","tools":[{"name":"echo"}]}}"#;
    let plain = br#"{"jsonrpc":"2.0","id":7,"result":{"content":"secret"}}"#;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    for head in ["200 OK\r\ncontent-type: application/json", EVENTS] {
        for (body, text) in [(ALLOWED, &listed[..]), (&list, &listed[..]), (ALLOWED, &plain[..])] {
            let (release, released) = channel::<()>();
            let released = Mutex::new(released);
            let upstream = Upstream::start(move |_, stream| {
                released.lock().unwrap().recv_timeout(TEST_TIMEOUT).unwrap();
                let framed = if head == EVENTS { [b"data: ", text, b"\n\n"].concat() } else { text.to_vec() };
                say(stream, head, &framed);
            });
            let lab = lab(&upstream);
            let stream = open(&lab, &lab.token("worker"), "POST", body);
            until("the server has it", || !upstream.seen().is_empty());
            lab.reload("revoked", "client_id: worker\n", "are in force");
            release.send(()).unwrap();
            let heard = stream.end();
            assert!(!heard.contains("echo") && !heard.contains("secret"), "{head}: {heard}");
        }
    }
}

#[test]
fn a_stream_ends_with_its_token_although_no_comment_is_due() {
    for call in [("GET", ""), ("POST", ALLOWED)] {
        let (upstream, closed) = endless(EVENTS, first());
        let key = Key::new("k");
        let mint = Mint::of(&[&key]);
        let lab = Lab::with(|settings, dir| {
            settings.limits.keep_alive_interval = 3600;
            settings.issuers.push(mint.settings());
            own_server(dir, "delta", &upstream.base, "streamable-http");
        });
        let soon = mcpauth::sys::clock::now() + 3;
        let token = key.sign(json!({}), &mint.claims(json!({"exp": soon})));
        let mut stream = open(&lab, &token, call.0, call.1);
        stream.hear("\"m\"");
        stream.end();
        assert!(mcpauth::sys::clock::now() >= soon);
        assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()));
    }
}

/// An introspected issuer is asked again when its answer expires, and not before.
#[test]
fn a_stream_ends_when_the_issuer_no_longer_vouches_for_its_token() {
    for call in [("GET", ""), ("POST", ALLOWED)] {
        let (upstream, closed) = endless(EVENTS, first());
        let active = Arc::new(AtomicBool::new(true));
        let (asked, claims) = (active.clone(), Arc::new(Mutex::new(json!({}))));
        let script = claims.clone();
        let mint = Mint::with(&[], move |_| {
            let mut reply = script.lock().unwrap().clone();
            reply["active"] = json!(asked.load(Ordering::Relaxed));
            (200, reply.to_string())
        });
        *claims.lock().unwrap() = mint.claims(json!({}));
        let lab = Lab::with(|settings, dir| {
            settings.limits.keep_alive_interval = 3600;
            let client_secret = dir.join("secret");
            mcpauth::sys::private_file::write(&client_secret, "s").unwrap();
            let endpoint = Some(format!("{}/introspect", mint.issuer()));
            let introspection =
                Introspection { endpoint, client_id: "gateway".into(), client_secret, cache: 1 };
            settings.issuers = vec![IssuerSettings { introspection: Some(introspection), ..mint.settings() }];
            own_server(dir, "delta", &upstream.base, "streamable-http");
        });
        let mut stream = open(&lab, "opaque", call.0, call.1);
        stream.hear("\"m\"");
        let before = mint.server.asked().len();
        until("another question", || mint.server.asked().len() > before + 1);
        assert!(!stream.so_far().contains("\r\n0\r\n"), "it goes on while the issuer says yes");
        active.store(false, Ordering::Relaxed);
        stream.end();
        assert_eq!(closed.recv_timeout(TEST_TIMEOUT), Ok(()));
    }
}

/// A comment is not part of an announced length, and nothing that a decoder expects.
#[test]
fn no_comment_goes_into_a_stream_of_fixed_length_or_with_a_coding() {
    let body = [first(), first()].concat();
    let fixed = format!("{EVENTS}\r\ncontent-length: {}", body.len());
    let coded = format!("{EVENTS}\r\ncontent-encoding: gzip");
    let both = format!("{fixed}\r\ncontent-encoding: br");
    for head in [fixed, coded, both] {
        let (release, released) = channel::<()>();
        let released = Mutex::new(released);
        let (begun, whole) = (head.clone(), body.clone());
        let upstream = Upstream::start(move |seen: &Seen, stream: &mut TcpStream| {
            if seen.is("GET") {
                begin(stream, EVENTS);
                gone(stream);
                return;
            }
            begin(stream, &begun);
            let (start, rest) = whole.split_at(whole.len() / 2);
            push(stream, start);
            released.lock().unwrap().recv_timeout(TEST_TIMEOUT).unwrap();
            push(stream, rest);
        });
        let lab = Lab::with(|settings, dir| {
            settings.limits.keep_alive_interval = 1;
            own_server(dir, "delta", &upstream.base, "streamable-http");
        });
        let token = lab.token("worker");
        let mut answer = open(&lab, &token, "POST", ALLOWED);
        answer.hear("\"m\"");
        // Another stream's comments tell that the time for one has passed.
        let clock = || drop(open(&lab, &token, "GET", "").hear(":\n\n"));
        clock();
        clock();
        release.send(()).unwrap();
        let heard = answer.end();
        assert_eq!((heard.contains(":\n\n"), heard.matches("\"m\"").count()), (false, 2), "{head}: {heard}");
        // What was announced is what was sent, or nothing was announced.
        if let Some((announced, came)) = heard.split_once("\r\n\r\n")
            && announced.contains("content-length")
        {
            assert_eq!(came.as_bytes(), body, "{head}");
        }
    }
}
