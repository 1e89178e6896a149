//! A conversation with a server: what goes along with every message, and how a request's answer is waited for, on whichever
//! transport. It leaves which requests there are, and in which order, to `client`.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};

use super::error::{ClientError, Refusal, RpcError};
use super::message::{self, METHOD_NOT_FOUND, Message};
use super::mirror::{self, MODERN};
use super::remote::{Answer, LAST_EVENT, Remote, SESSION, VERSION};
use super::sse::Event;
use crate::oauth::Challenge;
use crate::secret::Secret;
use crate::sys::http::HttpError;
use crate::text::clean;

/// What happens on the way, in words that are fit to print: 1 for what a user may want to know, 2 for every message.
pub type Heard = Box<dyn Fn(u8, &str)>;

/// How a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2026-07-28: every request stands for itself.
    Modern,
    /// Until 2025-11-25: a handshake first, and perhaps a session.
    Legacy,
}

/// The versions of the second kind that we speak, newest first.
pub(super) const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// How long to wait before a stream is taken up again, unless the server says how long.
const RETRY: Duration = Duration::from_secs(1);
/// A session's end is a courtesy.
const FAREWELL: Duration = Duration::from_secs(2);

/// The conversation.
pub(super) struct Talk {
    pub(super) remote: Remote,
    pub(super) era: Era,
    /// Legacy: what the handshake agreed on.
    pub(super) version: Option<&'static str>,
    /// Legacy: what the server calls this session.
    pub(super) session: Option<HeaderValue>,
    /// HTTP+SSE: where every answer comes.
    pub(super) stream: Option<Answer>,
    headers: HeaderMap,
    /// What must not come back in anything that is said or printed: a server may repeat what it was sent.
    secrets: Vec<Secret>,
    heard: Heard,
    last_id: u64,
}

/// How far a stream has come.
#[derive(Default)]
struct Place {
    last: Option<HeaderValue>,
    pause: Option<Duration>,
}

impl Talk {
    pub(super) fn new(remote: Remote, headers: HeaderMap, heard: Heard) -> Self {
        let sensitive = headers.values().filter(|value| value.is_sensitive());
        let secrets = sensitive.filter_map(|value| value.to_str().ok()).map(|text| {
            let (_, token) = text.split_once(' ').unwrap_or(("", text));
            Secret::new(token)
        });
        let secrets = secrets.collect();
        Self {
            remote,
            era: Era::Modern,
            version: None,
            session: None,
            stream: None,
            headers,
            secrets,
            heard,
            last_id: 0,
        }
    }

    /// Sends a request and waits for its result.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        mut params: Map<String, Value>,
        mirrored: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Value, ClientError> {
        self.last_id += 1;
        let id = self.last_id;
        let mut headers = self.usual_headers();
        if self.era == Era::Modern {
            headers.extend(mirror::standard(MODERN, method, &params));
            headers.extend(mirrored);
            about_us(&mut params);
        }
        (self.heard)(2, &format!("-> {method}"));
        let body = message::request(id, method, &params).into();
        let (status, answer) = match self.stream.take() {
            Some(mut stream) => {
                let answer = self.ask_beside(&mut stream, headers, body, id).await;
                self.stream = Some(stream);
                answer?
            }
            None => self.ask_directly(method == "initialize", headers, body, id).await?,
        };
        match answer {
            Ok(result) => self.complete(status, result),
            Err(error) => Err(ClientError::Rpc { status, error }),
        }
    }

    /// Sends a notification.
    pub(super) async fn tell(&self, method: &str) -> Result<(), ClientError> {
        (self.heard)(2, &format!("-> {method}"));
        let body = message::notification(method).into();
        self.deliver(self.usual_headers(), body).await.map(drop)
    }

    /// Ends what the server may have kept for us.
    pub(super) async fn close(&mut self) {
        if self.session.is_some() {
            let end = self.remote.end_session(self.usual_headers());
            // Nobody depends on it: a server forgets sessions by itself, and many refuse this with 405.
            let _ = tokio::time::timeout(FAREWELL, end).await;
        }
        (self.session, self.stream) = (None, None);
    }

    /// HTTP+SSE: opens the stream, and learns from it where messages go.
    pub(super) async fn open_stream(&mut self) -> Result<(), ClientError> {
        let mut stream = self.remote.listen(self.usual_headers()).await?;
        if !is_good(&stream) || !stream.is_stream() {
            return Err(self.refused(stream).await);
        }
        while let Some(event) = stream.next().await? {
            if event.name != "endpoint" {
                continue;
            }
            let here = self.remote.url();
            let there = here.join(&event.data).ok().and_then(|url| self.remote.at(url));
            // Our credentials are for this server: it must not have them sent elsewhere.
            self.remote =
                there.ok_or_else(|| self.not_mcp(stream.status, "its endpoint is at another origin"))?;
            self.stream = Some(stream);
            return Ok(());
        }
        Err(self.unfinished())
    }

    /// A note for whoever listens.
    pub(super) fn note(&self, level: u8, text: &str) {
        (self.heard)(level, text);
    }

    /// Who is spoken to, as errors call it.
    pub(super) fn host(&self) -> String {
        let url = self.remote.url();
        let host = url.host_str().unwrap_or("the server");
        url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    pub(super) fn not_mcp(&self, status: u16, why: impl Into<String>) -> ClientError {
        ClientError::NotMcp { host: self.host(), status, why: why.into() }
    }

    fn unfinished(&self) -> ClientError {
        ClientError::Unfinished { host: self.host() }
    }

    fn usual_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        let version = if self.era == Era::Modern { Some(MODERN) } else { self.version };
        headers.extend(version.map(|version| (VERSION, HeaderValue::from_static(version))));
        headers.extend(self.session.clone().map(|session| (SESSION, session)));
        headers
    }

    /// Streamable HTTP: the answer to the POST holds the result, or leads to it.
    async fn ask_directly(
        &mut self,
        handshake: bool,
        headers: HeaderMap,
        body: Bytes,
        id: u64,
    ) -> Result<(u16, Result<Value, RpcError>), ClientError> {
        let mut answer = self.deliver(headers, body).await?;
        let status = answer.status;
        if handshake {
            self.session = answer.headers.get(SESSION).cloned();
        }
        let mut place = Place::default();
        loop {
            let before = place.last.clone();
            let heard = self.until_answer(&mut answer, id, &mut place).await;
            // Each time the stream must have brought something: one that stands still is not taken up again.
            let resumable = self.era == Era::Legacy && place.last.is_some() && place.last != before;
            answer = match heard {
                Ok(Some(result)) => return Ok((status, result)),
                Ok(None) | Err(ClientError::Http(HttpError::Lost { .. })) if resumable => {
                    self.resume(&place).await?
                }
                Ok(None) if answer.is_stream() => return Err(self.unfinished()),
                Ok(None) => return Err(self.not_mcp(status, "there is nothing in the answer")),
                Err(error) => return Err(error),
            };
        }
    }

    /// HTTP+SSE: the result comes on the stream, perhaps before the POST itself has been answered.
    async fn ask_beside(
        &self,
        stream: &mut Answer,
        headers: HeaderMap,
        body: Bytes,
        id: u64,
    ) -> Result<(u16, Result<Value, RpcError>), ClientError> {
        let mut place = Place::default();
        let (sent, heard) =
            tokio::try_join!(self.deliver(headers, body), self.until_answer(stream, id, &mut place))?;
        Ok((sent.status, heard.ok_or_else(|| self.unfinished())?))
    }

    async fn deliver(&self, headers: HeaderMap, body: Bytes) -> Result<Answer, ClientError> {
        let answer = self.remote.post(headers, body).await?;
        (self.heard)(2, &format!("<- HTTP {}", answer.status));
        if is_good(&answer) { Ok(answer) } else { Err(self.refused(answer).await) }
    }

    /// Takes a broken stream up again where it ended (2025-11-25, "Resumability and Redelivery").
    async fn resume(&self, place: &Place) -> Result<Answer, ClientError> {
        (self.heard)(1, "the stream ended early; taking it up again");
        tokio::time::sleep(place.pause.unwrap_or(RETRY)).await;
        let mut headers = self.usual_headers();
        headers.extend(place.last.clone().map(|last| (LAST_EVENT, last)));
        let answer = self.remote.listen(headers).await?;
        if is_good(&answer) && answer.is_stream() { Ok(answer) } else { Err(self.unfinished()) }
    }

    /// Reads messages until one answers our request; `None` if they end before.
    async fn until_answer(
        &self,
        from: &mut Answer,
        id: u64,
        place: &mut Place,
    ) -> Result<Option<Result<Value, RpcError>>, ClientError> {
        while let Some(event) = from.next().await? {
            place.move_to(&event);
            if !event.is_message() {
                continue;
            }
            let Some(messages) = message::read(&self.scrub(event.data)) else {
                let kind = if from.is_stream() { "an event".into() } else { content_type(from) };
                return Err(self.not_mcp(from.status, format!("{kind} that holds no JSON-RPC message")));
            };
            for message in messages {
                match message {
                    // An error without an id is about a request that the server could not read.
                    Message::Answer(to, result) if to == id || (to.is_null() && result.is_err()) => {
                        return Ok(Some(result));
                    }
                    Message::Answer(..) => {}
                    Message::Request(id, method) => self.decline(&id, &method).await,
                    Message::Notification(method, params) => self.notified(&method, &params),
                }
            }
        }
        Ok(None)
    }

    /// Answers a server's own request. In the modern era there are none, and answers are forbidden.
    async fn decline(&self, id: &Value, method: &str) {
        (self.heard)(1, &format!("the server asks for {}", clean(method, 80)));
        if self.era == Era::Legacy {
            // If it does not get there, the server will say so in its result.
            let _ = self.remote.post(self.usual_headers(), message::reply(id, method).into()).await;
        }
    }

    fn notified(&self, method: &str, params: &Value) {
        let text = |name: &str| params.get(name).and_then(Value::as_str).map(|text| clean(text, 200));
        let number = |name: &str| params.get(name).filter(|value| value.is_number()).map(Value::to_string);
        match method {
            "notifications/progress" => {
                let done = number("progress").unwrap_or_else(|| "?".into());
                let total = number("total").map(|total| format!(" of {total}")).unwrap_or_default();
                let said = text("message").map(|said| format!(": {said}")).unwrap_or_default();
                (self.heard)(1, &format!("progress {done}{total}{said}"));
            }
            "notifications/message" => {
                let said = params.get("data").map(|data| clean(&data.to_string(), 200)).unwrap_or_default();
                (self.heard)(1, &format!("the server logs: {said}"));
            }
            _ => (self.heard)(2, &format!("<- {}", clean(method, 80))),
        }
    }

    /// What an HTTP status means that is no success.
    async fn refused(&self, mut answer: Answer) -> ClientError {
        let (host, status) = (self.host(), answer.status);
        // A body that cannot be read says nothing.
        let body = answer.next().await.ok().flatten().map(|event| self.scrub(event.data));
        let messages = body.and_then(|body| message::read(&body)).unwrap_or_default();
        let error = messages.into_iter().find_map(|message| match message {
            Message::Answer(_, Err(error)) => Some(error),
            _ => None,
        });
        let said = error.as_ref().map(|error| error.message.clone());
        let challenges = answer.headers.get_all(WWW_AUTHENTICATE).iter();
        let challenges: Vec<String> =
            challenges.map(|value| self.scrub(String::from_utf8_lossy(value.as_bytes()).into())).collect();
        let challenge = Challenge::read(&challenges);
        match (status, error) {
            (401, error) => ClientError::Unauthorized(Box::new(Refusal { host, challenge, error })),
            (403, error) => ClientError::Forbidden(Box::new(Refusal { host, challenge, error })),
            (404, Some(error)) if error.code == METHOD_NOT_FOUND => ClientError::Rpc { status, error },
            (404, _) => ClientError::NotFound { host, said },
            (408 | 429 | 500.., _) => ClientError::Unavailable { host, status, said },
            (_, Some(error)) => ClientError::Rpc { status, error },
            (300..=399, _) => self.not_mcp(status, format!("HTTP {status}, which sends us elsewhere")),
            _ => self.not_mcp(status, format!("HTTP {status} with {}", content_type(&answer))),
        }
    }

    fn complete(&self, status: u16, result: Value) -> Result<Value, ClientError> {
        let kind = result.get("resultType").filter(|_| self.era == Era::Modern);
        match kind.map(|kind| kind.as_str().unwrap_or_default()) {
            None | Some("complete") => Ok(result),
            Some("input_required") => Err(ClientError::Input),
            Some(_) => Err(self.not_mcp(status, "a result of an unknown type")),
        }
    }

    fn scrub(&self, text: String) -> String {
        self.secrets.iter().fold(text, |text, secret| secret.scrub(text))
    }
}

impl Place {
    fn move_to(&mut self, event: &Event) {
        if let Some(id) = &event.id {
            self.last = HeaderValue::try_from(id.as_str()).ok().filter(|id| !id.is_empty());
        }
        self.pause = event.pause().or(self.pause);
    }
}

impl Era {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Legacy => "legacy",
        }
    }
}

/// 2026-07-28: each request says who asks and what the client can do.
fn about_us(params: &mut Map<String, Value>) {
    let meta = params.entry("_meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert("io.modelcontextprotocol/protocolVersion".into(), MODERN.into());
        meta.insert("io.modelcontextprotocol/clientCapabilities".into(), json!({}));
        meta.insert("io.modelcontextprotocol/clientInfo".into(), client_info());
    }
}

/// Who we are.
pub(super) fn client_info() -> Value {
    json!({"name": "mcpauth", "version": env!("CARGO_PKG_VERSION")})
}

fn is_good(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

fn content_type(answer: &Answer) -> String {
    let found = answer.header(CONTENT_TYPE.as_str()).map(|text| clean(text, 60));
    found.filter(|text| !text.is_empty()).unwrap_or_else(|| "an answer without a content type".into())
}
