//! Requests written byte for byte, as no HTTP library would write them, to a server on loopback. Not here: every
//! other request of the program (see `sys::http`).

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request; `Host`, `Content-Length` and `Connection: close` are added.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// Sent unchanged: nothing in it is resolved or encoded.
    pub(crate) target: &'a str,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    pub(crate) body: &'a [u8],
}

/// The response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    body: Vec<u8>,
}

/// Everything here is on this machine, so a server that takes longer is broken.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

impl Request<'_> {
    /// Sends it to `host:port` on its own connection.
    ///
    /// # Errors
    /// An I/O error, also if the answer is not HTTP.
    pub(crate) async fn send(&self, authority: &str) -> io::Result<Answer> {
        let exchange = async {
            let mut stream = TcpStream::connect(authority).await?;
            // A server may answer and close before all of it is written.
            let _ = stream.write_all(&self.bytes(authority)).await;
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await?;
            Answer::read(&bytes).ok_or_else(|| io::Error::other("not an HTTP answer"))
        };
        tokio::time::timeout(RESPONSE_TIMEOUT, exchange).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    fn bytes(&self, authority: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {authority}\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n\r\n", self.body.len()));
        [head.as_bytes(), self.body].concat()
    }
}

impl Answer {
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
        let (head, body) = (bytes.get(..end)?, bytes.get(end + 4..)?);
        let head = String::from_utf8_lossy(head).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, head, body: body.to_vec() })
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.into_iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Its JSON; null if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A string in its JSON, by pointer (RFC 6901); empty if it is missing.
    pub(crate) fn text(&self, pointer: &str) -> String {
        self.json().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_meant() {
        let request =
            Request { method: "GET", target: "/a/../b", headers: vec![("X-Body", "{}")], body: b"x" };
        let expected = "GET /a/../b HTTP/1.1\r\nHost: h:1\r\nX-Body: {}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx";
        assert_eq!(String::from_utf8(request.bytes("h:1")).unwrap(), expected);
    }

    #[test]
    fn an_answer_is_its_status_headers_and_body() {
        let answer =
            Answer::read(b"HTTP/1.1 403 Forbidden\r\nA: b\r\nC:d \r\n\r\n{\"e\":{\"f\":\"g\"}}").unwrap();
        assert_eq!((answer.status, answer.header("c"), answer.header("x")), (403, Some("d"), None));
        assert_eq!(answer.text("/e/f"), "g");
        assert!(Answer::read(b"HTTP/1.1 200 OK\r\n").is_none());
        assert!(Answer::read(b"nonsense\r\n\r\n").is_none());
    }
}
