//! One request to an MCP server, with current credentials, and its answer as a sequence of events, from one JSON body
//! or an event stream, or why there is none.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use url::Url;

use super::access::{CredentialSource, CredentialUnavailable, UpstreamAuth};
use crate::mcp::sse::{self, SseEvent, SseReader};
use crate::mcp::{ACCEPTED, JSON};
use crate::sys::http::{Http, HttpError, Incoming};
use crate::tokens::retry;

/// The largest message that is read, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// A request without the headers for credentials.
#[derive(Clone, Debug)]
pub struct RemoteRequest {
    /// The HTTP method.
    pub method: Method,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Option<Bytes>,
}

/// What a server answers.
#[derive(Debug)]
pub struct ServerAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers: session, challenge, content type.
    pub headers: HeaderMap,
    incoming: Incoming,
    reader: Option<SseReader>,
    ready: VecDeque<SseEvent>,
    ended: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum RemoteError {
    /// No credentials.
    NoAccess(CredentialUnavailable),
    /// No HTTP answer, or only a part of it.
    Http(HttpError),
    /// The handshake for a new session was refused.
    Refused(Box<ServerAnswer>),
    /// The server announced an address at another origin.
    Elsewhere,
    /// The stream ended before the answer came.
    Broken,
    /// There is no stream of the older transport, and no other transport may be used.
    NoStream,
}

impl RemoteRequest {
    /// Sends one message.
    pub fn post(mut headers: HeaderMap, message: Bytes) -> Self {
        headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        Self { method: Method::POST, headers, body: Some(message) }
    }

    /// Opens the stream for the server's own messages; for HTTP+SSE, the stream for all answers.
    pub fn listen(mut headers: HeaderMap) -> Self {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        Self { method: Method::GET, headers, body: None }
    }

    /// Ends the session that the headers name.
    pub fn end_session(headers: HeaderMap) -> Self {
        Self { method: Method::DELETE, headers, body: None }
    }

    /// Sends it to an address of the server's, with current credentials, and once more with others if those are
    /// rejected.
    ///
    /// # Errors
    /// [`RemoteError`]; any HTTP status but a redirect is an answer. [`RemoteError::Elsewhere`] if `at` has no
    /// address.
    pub async fn send(
        &self,
        http: &Http,
        access: &dyn CredentialSource,
        at: impl Fn(&UpstreamAuth) -> Option<Url>,
    ) -> Result<(Arc<UpstreamAuth>, Incoming), RemoteError> {
        let mut turn = retry::Once::begin(access).await?;
        loop {
            let given = turn.token().clone();
            let url = at(&given).ok_or(RemoteError::Elsewhere)?;
            let mut headers = self.headers.clone();
            headers.extend(given.headers.clone());
            let place = (&url, &given.within);
            let incoming = http.open(self.method.clone(), place, headers, self.body.clone()).await?;
            let is_final = incoming.status != 401 || !access.may_renew(&incoming.headers);
            if is_final || !turn.again().await? {
                return Ok((given, incoming));
            }
        }
    }
}

impl ServerAnswer {
    /// An answer whose body is still arriving.
    pub fn new(mut incoming: Incoming) -> Self {
        let (status, headers) = (incoming.status, std::mem::take(&mut incoming.headers));
        let reader = sse::is_stream(&headers).then(|| SseReader::new(MAX_MESSAGE_BYTES));
        Self { status, headers, incoming, reader, ready: VecDeque::new(), ended: false }
    }

    /// Whether the status is a success.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the answer is an event stream.
    pub fn is_stream(&self) -> bool {
        self.reader.is_some()
    }

    /// Its URL.
    pub fn url(&self) -> &Url {
        &self.incoming.url
    }

    /// The next event of the stream, or the whole body as one. `None` at the end, and for an empty body.
    ///
    /// # Errors
    /// [`HttpError::Lost`] when the connection breaks in the middle, [`HttpError::TooLarge`] for a message of more than
    /// [`MAX_MESSAGE_BYTES`] bytes.
    pub async fn next(&mut self) -> Result<Option<SseEvent>, HttpError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(SseEvent { data: trimmed(event.data), ..event }));
            }
            if self.ended {
                return Ok(None);
            }
            let Some(reader) = &mut self.reader else {
                self.ended = true;
                let data = trimmed(text_of(self.incoming.rest(MAX_MESSAGE_BYTES).await?));
                return Ok((!data.is_empty()).then(|| SseEvent { data, ..SseEvent::default() }));
            };
            match self.incoming.chunk().await? {
                Some(chunk) => {
                    let too_large =
                        |_| HttpError::TooLarge { host: "the server".into(), limit: MAX_MESSAGE_BYTES };
                    self.ready.extend(reader.push(&chunk).map_err(too_large)?);
                }
                None => self.ended = true,
            }
        }
    }
}

impl From<CredentialUnavailable> for RemoteError {
    fn from(no: CredentialUnavailable) -> Self {
        Self::NoAccess(no)
    }
}

impl From<HttpError> for RemoteError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

/// Bytes as text, without a copy if they are valid: a message may be large.
pub fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The text without surrounding white space and byte order mark.
fn trimmed(text: String) -> String {
    let part = text.trim().trim_start_matches('\u{feff}').trim_start();
    if part.len() == text.len() { text } else { part.to_owned() }
}
