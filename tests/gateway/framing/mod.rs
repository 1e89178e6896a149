//! HTTP framing (RFC 9112) as attackers write it: more than a hundred messages, byte for byte, each with a second request
//! behind it on the same connection. Whatever the gateway makes of them, a server gets whole allowed calls or nothing, and
//! what comes after is answered properly or not at all.
//! It leaves what is in a message to `attacks`, and headers that must not pass to `leaks`.
#![cfg(test)]

mod cases;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use mcpauth::demo::mcp::ReceivedRequest;

use self::cases::First::{Either, Passes, Refused};
use self::cases::{Case, body, cases};
use crate::support::lab::{Lab, Worker, call};
use crate::support::upstream::{Upstream, push};

/// The status of each answer on a connection, and whether the last one was whole.
fn statuses(mut bytes: &[u8]) -> (Vec<u16>, bool) {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return (found, false);
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let Some(status) = head.strip_prefix("http/1.").and_then(|rest| rest.get(2..5)?.parse().ok()) else {
            return (found, false);
        };
        bytes = &bytes[end + 4..];
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let length = match length {
            Some(length) => length,
            None if head.contains("transfer-encoding: chunked") => {
                let Some(end) = bytes.windows(5).position(|window| window == b"0\r\n\r\n") else {
                    return (found, false);
                };
                end + 5
            }
            None => 0,
        };
        if bytes.len() < length {
            return (found, false);
        }
        bytes = &bytes[length..];
        if status != 100 {
            found.push(status);
        }
    }
    (found, true)
}

fn say(lab: &Lab, bytes: &[u8]) -> Vec<u8> {
    let mut stream: TcpStream = lab.connect();
    // The gateway may answer, and close, before all of it is written; a reset after the answer is an end too.
    let _ = stream.write_all(bytes);
    let (mut heard, mut buffer) = (Vec::new(), [0; 8192]);
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        heard.extend_from_slice(&buffer[..read]);
    }
    heard
}

/// What arrived, by its case: nothing but whole allowed calls, framed anew.
fn arrived(lab: &Lab, cases: &[Case]) -> HashMap<(usize, &'static str), usize> {
    let mut found = HashMap::new();
    assert_eq!(lab.arrived(), lab.alpha.arrived().len(), "at another server");
    for ReceivedRequest { target, headers, body: got } in lab.alpha.arrived() {
        let text = String::from_utf8(got).unwrap();
        let known = (0..cases.len())
            .flat_map(|at| [(at, "first"), (at, "second")])
            .find(|(at, which)| body(*at, which, "echo") == text);
        let known = known.unwrap_or_else(|| panic!("{target} {headers}{text}"));
        let name = &cases[known.0].name;
        assert_eq!(target, "POST /mcp", "{name}");
        assert!(headers.contains(&format!("content-length: {}\n", text.len())), "{name}: {headers}");
        for header in [
            "transfer-encoding",
            "upgrade",
            "http2-settings",
            "expect",
            "proxy-connection",
            "x-authorization",
            "trailer",
        ] {
            assert!(!headers.contains(&format!("{header}:")), "{name}: {headers}");
        }
        *found.entry(known).or_default() += 1;
    }
    found
}

#[test]
fn a_server_gets_whole_allowed_calls_or_nothing() {
    // What is cut short is waited for; not as long as usual.
    let worker = Worker::of(Lab::with(|settings, _| settings.limits.read_timeout = 2));
    let cases = cases(&worker.token);
    assert!(cases.len() >= 100, "{}", cases.len());
    let lab = &worker.lab;
    let heard: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let each = cases.chunks(cases.len().div_ceil(24)).map(|some| {
            scope.spawn(move || some.iter().map(|case| say(lab, &case.bytes)).collect::<Vec<_>>())
        });
        let each: Vec<_> = each.collect();
        each.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let arrived = arrived(lab, &cases);
    let mut wrong = Vec::new();
    for (at, (case, heard)) in cases.iter().zip(&heard).enumerate() {
        let (statuses, whole) = statuses(heard);
        let count = |which| arrived.get(&(at, which)).copied().unwrap_or_default();
        let (first, second) = (count("first"), count("second"));
        let answered = statuses.iter().filter(|status| **status == 200).count();
        let fine = match case.first {
            Passes => first == 1 && statuses.first() == Some(&200),
            Refused => first == 0 && statuses.first().is_none_or(|status| (400..500).contains(status)),
            Either => true,
        };
        let ours =
            statuses.iter().all(|status| *status == 200 || *status == 204 || (400..500).contains(status));
        // Every call that arrived was answered, none twice, and nothing else was.
        if !(fine
            && ours
            && whole
            && first <= 1
            && second <= 1
            && answered == first + second
            && statuses.len() <= 3)
        {
            let text = String::from_utf8_lossy(heard);
            wrong.push(format!(
                "{}: {:?}, {first} and {second} arrived: {statuses:?} {text}",
                case.name, case.first
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    // It still answers, and nothing was anybody's fault but the clients'.
    worker.post(&[], call("echo").to_string().as_bytes()).status(200);
}

/// A server that changes the protocol would speak through the gateway unread; interim answers are for the connection alone.
#[test]
fn a_server_that_switches_protocols_is_none() {
    let after = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    for (head, status) in [
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 502),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", 502),
        (
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n",
            502,
        ),
        ("HTTP/1.1 100 Continue\r\n\r\n", 200),
        ("HTTP/1.1 102 Processing\r\n\r\n", 200),
        ("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n", 200),
    ] {
        let upstream = Upstream::start(move |_, stream| {
            push(stream, head.as_bytes());
            push(stream, after.as_bytes());
        });
        let lab = Lab::before(&upstream, "streamable-http");
        let bearer = format!("Bearer {}", lab.token("root"));
        let headers = [
            ("X-Authorization", bearer.as_str()),
            ("Connection", "close, Upgrade"),
            ("Upgrade", "websocket"),
        ];
        for (method, body) in [("POST", call("echo").to_string()), ("GET", String::new())] {
            let answer =
                lab.raw(&crate::support::lab::request(method, "/delta/mcp", &headers, body.as_bytes()));
            assert_eq!(answer.status, status, "{method} {head:?}");
            for name in ["upgrade", "link"] {
                assert_eq!(answer.header(name), None, "{head:?}");
            }
        }
        for seen in upstream.seen() {
            assert_eq!((seen.header("upgrade"), seen.header("connection")), (None, None), "{}", seen.head);
        }
    }
}
