//! Large answers, and endless ones: memory stays within a small multiple of the largest message. Measured from
//! outside, by the process's peak.
#![cfg(test)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::User;
use crate::support::upstream::{Seen, Upstream, begin, push, say};

/// Many small parts: as values they take forty times the memory of their text.
const LARGE: usize = 24 << 20;
/// More than any message may have.
const TOO_LARGE: usize = (64 << 20) + (1 << 20);

const JSON: &str = "200 OK\r\ncontent-type: application/json";
const EVENTS: &str = "200 OK\r\ncontent-type: text/event-stream";

/// A bridge, and its client's ends of the pipes; the test does not parse the lines either.
struct Bridge {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Bridge {
    fn before(server: &Upstream) -> Self {
        let url = format!("{}/mcp", server.base);
        let mut child = User::new().command(&["bridge", &url]).stdin(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.input, "{message}").unwrap();
    }

    fn hear(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        self.output.read_until(b'\n', &mut line).unwrap();
        line
    }

    /// The most memory it ever had, in bytes.
    fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
    }

    #[track_caller]
    fn stays_within(&self, bytes: usize) {
        let peak = self.peak();
        assert!(peak < bytes, "{} MiB, of {} allowed", peak >> 20, bytes >> 20);
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn call() -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "x", "arguments": {}}})
}

fn large(id: &Value) -> Vec<u8> {
    let part = r#"{"a":1,"b":[]},"#;
    let mut text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[");
    text.push_str(&part.repeat(LARGE / part.len()));
    text.push_str("{}]}}");
    text.into_bytes()
}

fn event(data: &[u8]) -> Vec<u8> {
    [b"data: ", data, b"\n\n"].concat()
}

#[test]
fn one_large_answer_costs_a_few_times_its_size() {
    let ways: [fn(&Seen, &mut TcpStream); 2] = [
        |seen, stream| say(stream, JSON, &large(&seen.message()["id"])),
        |seen, stream| {
            begin(stream, EVENTS);
            push(stream, &event(&large(&seen.message()["id"])));
        },
    ];
    for way in ways {
        let mut bridge = Bridge::before(&Upstream::start(way));
        bridge.say(&call());
        let line = bridge.hear();
        assert!(line.len() > LARGE && line.ends_with(b"{}]}}\n"), "{} bytes", line.len());
        bridge.stays_within(4 * LARGE + (48 << 20));
    }
}

#[test]
fn many_events_cost_no_more_than_one() {
    const EACH: usize = 1 << 20;
    let server = Upstream::start(|seen, stream| {
        begin(stream, EVENTS);
        let note =
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"x": "y".repeat(EACH)}});
        let note = event(note.to_string().as_bytes());
        for _ in 0..100 {
            push(stream, &note);
        }
        let answer = json!({"jsonrpc": "2.0", "id": seen.message()["id"], "result": {}});
        push(stream, &event(answer.to_string().as_bytes()));
    });
    let mut bridge = Bridge::before(&server);
    bridge.say(&call());
    for _ in 0..100 {
        assert!(bridge.hear().len() > EACH);
    }
    assert!(bridge.hear().starts_with(br#"{"jsonrpc":"2.0","id":7"#));
    // Those that wait for the client count.
    bridge.stays_within(100 << 20);
}

#[test]
fn what_never_ends_is_one_error_with_the_requests_id() {
    let endless = |stream: &mut TcpStream| {
        let part = vec![b'x'; 1 << 20];
        for _ in 0..TOO_LARGE >> 20 {
            if stream.write_all(&part).is_err() {
                return;
            }
        }
    };
    let ways: [(&str, &[u8]); 5] = [
        (JSON, b"\""),
        (EVENTS, b"data: "),
        (EVENTS, b": "),
        (EVENTS, b"id: 1\n\nevent: "),
        (EVENTS, b"data: {}\n\ndata: "),
    ];
    for (head, start) in ways {
        let server = Upstream::start(move |_, stream| {
            let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
            if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(start)).is_ok() {
                endless(stream);
            }
        });
        let mut bridge = Bridge::before(&server);
        bridge.say(&call());
        let answer = loop {
            let line: Value = serde_json::from_slice(&bridge.hear()).unwrap();
            if line["id"] == 7 {
                break line;
            }
        };
        assert_eq!(answer["error"]["code"], 5024, "{answer}");
        bridge.stays_within(3 * TOO_LARGE);
    }
}

#[test]
fn a_line_without_end_from_the_client_is_refused_and_forgotten() {
    let server = Upstream::start(|seen, stream| {
        let answer = json!({"jsonrpc": "2.0", "id": seen.message()["id"], "result": {}});
        say(stream, JSON, answer.to_string().as_bytes());
    });
    let mut bridge = Bridge::before(&server);
    let part = "x".repeat(1 << 20);
    write!(bridge.input, "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"").unwrap();
    for _ in 0..2 * (TOO_LARGE >> 20) {
        bridge.input.write_all(part.as_bytes()).unwrap();
    }
    writeln!(bridge.input, "\"}}").unwrap();
    let refused: Value = serde_json::from_slice(&bridge.hear()).unwrap();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&Value::Null, &json!(-32600)));
    let many = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"x\",\"params\":{{\"a\":[{}0]}}}}",
        "0,".repeat(2 << 20)
    );
    writeln!(bridge.input, "{many}").unwrap();
    let refused: Value = serde_json::from_slice(&bridge.hear()).unwrap();
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    bridge.say(&call());
    assert!(bridge.hear().starts_with(br#"{"jsonrpc":"2.0","id":7"#));
    bridge.stays_within(3 * TOO_LARGE);
}

/// The test client reads an answer into values: one with very many parts is refused.
#[test]
fn the_test_client_refuses_what_it_cannot_hold() {
    let server = Upstream::start(|seen, stream| {
        if seen.message()["method"] == "tools/call" {
            return say(stream, JSON, &large(&seen.message()["id"]));
        }
        let result = json!({"supportedVersions": ["2026-07-28"], "tools": []});
        let answer = json!({"jsonrpc": "2.0", "id": seen.message()["id"], "result": result});
        say(stream, JSON, answer.to_string().as_bytes());
    });
    let url = format!("{}/mcp", server.base);
    let mut child = User::new().command(&["call", "x", "--url", &url]).stdin(Stdio::null()).spawn().unwrap();
    // It is read while it ends: its message comes last.
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_ne!(child.wait().unwrap().code(), Some(0));
    assert!(said.contains("error:"), "{said}");
}
