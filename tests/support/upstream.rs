//! A server that a test plays to the byte, and a client that reads a stream while it is open.
#![cfg(test)]

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::lab::{Lab, request};
use crate::support::wire::TEST_TIMEOUT;

/// A server that answers each request, on a connection and a thread of its own, with whatever its script writes.
pub(crate) struct Upstream {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The request line and the headers, as they came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A server that opens a session for whatever comes without one, as the Python SDK does up to 1.x
/// (python-sdk, `StreamableHTTPSessionManager`), and knows which are open.
pub(crate) struct Eager {
    pub(crate) upstream: Upstream,
    open: Arc<Mutex<Vec<String>>>,
    opened: Arc<Mutex<usize>>,
}

/// A client's open stream, and what it has brought so far.
pub(crate) struct Listening {
    pub(crate) stream: TcpStream,
    heard: Vec<u8>,
}

impl Upstream {
    pub(crate) fn start(script: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (script, seen) = (Arc::new(script), Arc::new(Mutex::new(Vec::new())));
        let log = seen.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (script, log) = (script.clone(), log.clone());
                std::thread::spawn(move || {
                    let Ok(one) = read(&mut stream) else { return };
                    log.lock().unwrap().push(one.clone());
                    script(&one, &mut stream);
                });
            }
        });
        Self { base, seen }
    }

    /// One that gives the same answer to everything.
    pub(crate) fn answering(head: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::start(move |_, stream| say(stream, head, &body))
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Eager {
    pub(crate) fn start() -> Self {
        let (open, opened) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (sessions, count) = (open.clone(), opened.clone());
        let upstream = Upstream::start(move |seen, stream| {
            let named = seen.header("mcp-session-id").map(str::to_owned);
            let known = named.as_ref().is_some_and(|name| sessions.lock().unwrap().contains(name));
            match (known, seen.is("DELETE")) {
                (true, true) => {
                    sessions.lock().unwrap().retain(|open| Some(open) != named.as_ref());
                    say(stream, "200 OK", b"");
                }
                (false, false) if named.is_none() && !seen.is("GET") => {
                    let name = {
                        let mut count = count.lock().unwrap();
                        *count += 1;
                        format!("s{count}")
                    };
                    sessions.lock().unwrap().push(name.clone());
                    Self::begin(&name, seen, stream);
                }
                (true, false) => Self::answer(seen, stream),
                _ => say(stream, "404 Not Found", b""),
            }
        });
        Self { upstream, open, opened }
    }

    fn begin(session: &str, seen: &Seen, stream: &mut TcpStream) {
        let message = seen.message();
        let (status, member, value) = match message["method"].as_str() {
            Some("initialize") => (
                "200 OK",
                "result",
                json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "old", "version": "1"}}),
            ),
            _ => (
                "400 Bad Request",
                "error",
                json!({"code": -32600, "message": "Bad Request: Missing session ID"}),
            ),
        };
        let head = format!("{status}\r\ncontent-type: application/json\r\nmcp-session-id: {session}");
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], member: value});
        say(stream, &head, answer.to_string().as_bytes());
    }

    fn answer(seen: &Seen, stream: &mut TcpStream) {
        let message = seen.message();
        let result = match message["method"].as_str() {
            Some("tools/list") => {
                json!({"tools": [null, {"name": "echo", "inputSchema": {"type": "object"}}]})
            }
            Some("tools/call") => json!({"content": [{"type": "text", "text": "hello"}]}),
            Some("ping") => json!({}),
            _ => return say(stream, "202 Accepted", b""),
        };
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
        say(stream, "200 OK\r\ncontent-type: application/json", answer.to_string().as_bytes());
    }

    /// How many sessions there were, and are.
    pub(crate) fn sessions(&self) -> (usize, usize) {
        (*self.opened.lock().unwrap(), self.open.lock().unwrap().len())
    }
}

impl Seen {
    /// Whether it is a request like `GET /mcp`.
    pub(crate) fn is(&self, line: &str) -> bool {
        self.head.starts_with(line)
    }

    /// A header's value, if it came.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = |line: &'_ str| line.split_once(':').is_some_and(|(n, _)| n.eq_ignore_ascii_case(name));
        self.head.lines().find(|line| header(line)).and_then(|line| Some(line.split_once(':')?.1.trim()))
    }

    pub(crate) fn message(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Listening {
    /// Sends a GET for an event stream.
    pub(crate) fn open(lab: &Lab, token: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        let bearer = format!("Bearer {token}");
        let headers = [headers, &[("X-Authorization", &bearer), ("Accept", "text/event-stream")]].concat();
        Self::send(lab, &request("GET", path, &headers, b""))
    }

    /// Sends any request.
    pub(crate) fn send(lab: &Lab, bytes: &[u8]) -> Self {
        let mut stream = lab.connect();
        stream.write_all(bytes).unwrap();
        Self { stream, heard: Vec::new() }
    }

    /// Everything so far, once this is among it.
    #[track_caller]
    pub(crate) fn hear(&mut self, what: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&self.heard).into_owned();
            if text.contains(what) {
                return text;
            }
            let read = self.stream.read(&mut buffer).unwrap_or_default();
            assert!(read > 0, "the stream ends without {what:?}: {text}");
            self.heard.extend_from_slice(&buffer[..read]);
        }
    }

    /// Everything that has arrived.
    pub(crate) fn so_far(&mut self) -> String {
        self.stream.set_nonblocking(true).unwrap();
        // Without an end it stops where it would have to wait.
        let _ = self.stream.read_to_end(&mut self.heard);
        self.stream.set_nonblocking(false).unwrap();
        String::from_utf8_lossy(&self.heard).into_owned()
    }

    /// Everything, once the gateway has ended it.
    #[track_caller]
    pub(crate) fn end(mut self) -> String {
        assert!(ends(&mut self.stream, &mut self.heard), "it does not end");
        String::from_utf8_lossy(&self.heard).into_owned()
    }
}

/// Writes a whole answer; `head` is its status and further headers, a line each.
pub(crate) fn say(stream: &mut TcpStream, head: &str, body: &[u8]) {
    begin(stream, &format!("{head}\r\ncontent-length: {}", body.len()));
    push(stream, body);
}

/// Writes the head of an answer that ends with its connection.
pub(crate) fn begin(stream: &mut TcpStream, head: &str) {
    push(stream, format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes());
}

/// Writes more of it. A client that has left does not hear it.
pub(crate) fn push(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

/// An event with this data.
pub(crate) fn event(data: &Value) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

/// Waits until the other side closes; whether it does.
pub(crate) fn gone(stream: &mut TcpStream) -> bool {
    ends(stream, &mut Vec::new())
}

/// A reset is an end as well; too long a silence is not.
fn ends(stream: &mut TcpStream, heard: &mut Vec<u8>) -> bool {
    let silence = |error: &Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    !stream.read_to_end(heard).is_err_and(|error| silence(&error))
}

fn read(stream: &mut TcpStream) -> std::io::Result<Seen> {
    stream.set_read_timeout(Some(TEST_TIMEOUT))?;
    let mut reader = BufReader::new(&mut *stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    let mut one = Seen { head, body: Vec::new() };
    let length = one.header("content-length").map_or(0, |length| length.parse().unwrap());
    one.body = vec![0; length];
    reader.read_exact(&mut one.body)?;
    Ok(one)
}
