//! Streamable HTTP (MCP 2025-03-26 and later) and the older HTTP+SSE: a request's answer as a row of messages, whether it
//! comes as one JSON body or as an event stream. It leaves sessions, versions and credentials to its callers' headers.

use std::collections::VecDeque;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::sse::{Event, Reader};
use crate::sys::http::{Http, HttpError, Incoming};
use crate::sys::place;

/// What the server calls a session (2025-11-25, "Session Management").
pub const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// The version that was agreed on (the same, "Protocol Version Header").
pub const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// After which event a stream is taken up again (the same, "Resumability and Redelivery").
pub const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
/// The largest message that is read, in bytes.
pub const LIMIT: usize = 64 << 20;

/// A server's address.
#[derive(Clone, Debug)]
pub struct Remote {
    http: Http,
    url: Url,
    within: Url,
}

/// What a server answers.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers: session, challenge, content type.
    pub headers: HeaderMap,
    incoming: Incoming,
    reader: Option<Reader>,
    ready: VecDeque<Event>,
    ended: bool,
}

impl Remote {
    /// The server at `url`.
    pub fn new(http: Http, url: Url) -> Self {
        let within = url.join("/").unwrap_or_else(|_| url.clone());
        Self { http, url, within }
    }

    /// The same, whose other addresses are below `within`.
    #[must_use]
    pub fn within(self, within: Url) -> Self {
        Self { within, ..self }
    }

    /// The same server at another address that it announced; `None` if that is not one of its own.
    pub fn at(&self, url: Url) -> Option<Self> {
        place::below(&self.within, &url)?;
        Some(Self { url, ..self.clone() })
    }

    /// Where it is.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Sends one message.
    ///
    /// # Errors
    /// As [`HttpError`] says; any HTTP status is an answer.
    pub async fn post(&self, mut headers: HeaderMap, message: Bytes) -> Result<Answer, HttpError> {
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.ask(Method::POST, headers, Some(message)).await
    }

    /// Opens the stream on which a server speaks of its own accord; for HTTP+SSE, the stream that answers everything.
    ///
    /// # Errors
    /// As [`HttpError`] says; any HTTP status is an answer (405: the server has no such stream).
    pub async fn listen(&self, mut headers: HeaderMap) -> Result<Answer, HttpError> {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        self.ask(Method::GET, headers, None).await
    }

    /// Ends the session that the headers name.
    ///
    /// # Errors
    /// As [`HttpError`] says; any HTTP status is an answer.
    pub async fn end_session(&self, headers: HeaderMap) -> Result<Answer, HttpError> {
        self.ask(Method::DELETE, headers, None).await
    }

    async fn ask(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, HttpError> {
        let incoming = self.http.open(method, &self.url, headers, body).await?;
        Ok(Answer::new(incoming))
    }
}

impl Answer {
    fn new(incoming: Incoming) -> Self {
        let (status, headers) = (incoming.status, incoming.headers.clone());
        let reader = is(&headers, "text/event-stream").then(|| Reader::new(LIMIT));
        Self { status, headers, incoming, reader, ready: VecDeque::new(), ended: false }
    }

    /// Whether the answer is an event stream.
    pub fn is_stream(&self) -> bool {
        self.reader.is_some()
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next message: an event of the stream, or the whole JSON body as one. `None` at the end, and for an empty body.
    ///
    /// # Errors
    /// [`HttpError::Lost`] when the connection breaks in the middle, [`HttpError::TooLarge`] for a message of more than
    /// [`LIMIT`] bytes.
    pub async fn next(&mut self) -> Result<Option<Event>, HttpError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            let Some(reader) = &mut self.reader else {
                self.ended = true;
                let body = self.incoming.rest(LIMIT).await?;
                let data = trimmed(text_of(body));
                return Ok((!data.is_empty()).then(|| Event { data, ..Event::default() }));
            };
            match self.incoming.chunk().await? {
                Some(chunk) => {
                    self.ready.extend(reader.push(&chunk).map_err(|_| HttpError::TooLarge {
                        host: String::from("the server"),
                        limit: LIMIT,
                    })?)
                }
                None => self.ended = true,
            }
        }
    }
}

/// Bytes as text, without a copy where they are text: a message may be large.
pub fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn trimmed(text: String) -> String {
    let part = text.trim();
    if part.len() == text.len() { text } else { part.to_owned() }
}

fn is(headers: &HeaderMap, media_type: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
}
