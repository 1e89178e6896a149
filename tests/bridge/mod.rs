//! The bridge over stdio and over loopback HTTP, as its clients see it. Not here: third-party clients (see `real`).
#![cfg(test)]

mod field;
#[cfg(target_os = "linux")]
mod large;
mod listen;
mod login;
mod mended;
pub(crate) mod remote;
mod rotating;
mod stdio;
mod transports;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::support::User;
use crate::support::upstream::{Seen, Upstream, begin, push, say};
use crate::support::wire::TEST_TIMEOUT;

/// A running `mcpauth bridge SERVER` and the client's ends of its pipes.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
}

impl Client {
    /// In front of a server of the test's, without credentials.
    fn before(upstream: &Upstream) -> Self {
        Self::of(&User::new(), &format!("{}/mcp", upstream.base))
    }

    fn of(user: &User, server: &str) -> Self {
        Self::with(user, &["bridge", server])
    }

    fn with(user: &User, words: &[&str]) -> Self {
        let mut child = user.command(words).stdin(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| {
                sender.send(serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}")))
            })
        });
        Self { input: child.stdin.take(), child, lines }
    }

    fn say(&mut self, message: &Value) {
        self.line(&message.to_string());
    }

    fn line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next message.
    #[track_caller]
    fn hear(&self) -> Value {
        self.lines.recv_timeout(TEST_TIMEOUT).expect("the bridge says nothing")
    }

    /// Sends a request, and returns the next message.
    #[track_caller]
    fn ask(&mut self, message: &Value) -> Value {
        self.say(message);
        self.hear()
    }

    /// The handshake up to 2025-11-25.
    #[track_caller]
    fn initialize(&mut self) -> Value {
        let answer = self.ask(&initialize());
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        answer
    }

    /// Closes its input, and returns its last output, its exit code and its stderr.
    #[track_caller]
    fn end(mut self) -> (Vec<Value>, Option<i32>, String) {
        drop(self.input.take());
        let rest: Vec<Value> = self.lines.iter().collect();
        let output = self.child.wait_with_output().unwrap();
        (rest, output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

pub(crate) fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}})
}

/// A call of a tool, as up to 2025-11-25.
fn call(id: u32) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "echo", "arguments": {"n": id}}})
}

/// The same as from 2026-07-28 on.
fn modern(id: u32) -> Value {
    let mut message = call(id);
    message["params"]["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    message
}

fn result(id: &Value, text: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": text}]}})
}

/// The default behaviour of every server in these tests: a session, and no stream of its own.
fn usual(seen: &Seen, stream: &mut std::net::TcpStream) {
    let message = seen.message();
    match (seen.is("POST"), message["method"].as_str()) {
        (true, Some("initialize")) => {
            let result = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}});
            let body = json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
            let head = "200 OK\r\ncontent-type: application/json\r\nmcp-session-id: one";
            say(stream, head, body.as_bytes());
        }
        (true, _) if message["id"].is_null() || message["method"].is_null() => {
            say(stream, "202 Accepted", b"")
        }
        (true, _) => json_answer(stream, &result(&message["id"], "usual")),
        _ => say(stream, "405 No", b""),
    }
}

fn json_answer(stream: &mut std::net::TcpStream, body: &Value) {
    say(stream, "200 OK\r\ncontent-type: application/json", body.to_string().as_bytes());
}

/// Begins an event stream.
fn events(stream: &mut std::net::TcpStream) {
    begin(stream, "200 OK\r\ncontent-type: text/event-stream");
}

fn event(stream: &mut std::net::TcpStream, id: &str, data: &Value) {
    push(stream, format!("id: {id}\ndata: {data}\n\n").as_bytes());
}
