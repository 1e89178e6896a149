//! A connection to a server: a request, the messages that come before its answer, and the meaning of errors. Not
//! here: which requests there are, and in which order (see `client`); the session (see `session`).

use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, mpsc};
use url::Url;

use super::error::{AuthRefusal, ClientError};
use crate::mcp::jsonrpc::{METHOD_NOT_FOUND, Message, Received, RpcError};
use crate::mcp::mirror::RejectedTool;
use crate::mcp::{add_client_meta, is_same};
use crate::oauth::Challenge;
use crate::secret::Secret;
use crate::session::{
    BoxFuture, CredentialSource, CredentialUnavailable, NotificationSink, RemoteError, Reply, Session,
    UpstreamAuth,
};
use crate::sys::http::{Http, HttpError};
use crate::text::clean;

/// Reports progress, in printable text: level 1 for what a user may want to know, 2 for every message.
pub type TraceFn = Arc<dyn Fn(u8, &str) + Send + Sync>;

/// The protocol era of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2026-07-28: every request is self-contained.
    Modern,
    /// Until 2025-11-25: a handshake first, and perhaps a session.
    Legacy,
}

/// How many unsolicited messages may wait.
const WAITING: usize = 64;

/// The conversation.
pub(super) struct Connection {
    pub(super) era: Era,
    pub(super) session: Session,
    /// Tools of the last list that clients must not use.
    pub(super) refused: Vec<RejectedTool>,
    /// Messages that came unasked, on the stream of HTTP+SSE.
    aside: Mutex<mpsc::Receiver<String>>,
    host: String,
    /// Secrets that must not appear in anything printed: a server may repeat what it was sent.
    secrets: Vec<Secret>,
    heard: TraceFn,
    last_id: u64,
}

/// The same headers for every request: other headers need another connection.
struct FixedHeaders(Arc<UpstreamAuth>);

struct Aside(mpsc::Sender<String>, TraceFn);

impl Connection {
    pub(super) fn new(http: Http, given: UpstreamAuth, heard: TraceFn) -> Self {
        let sensitive = given.headers.values().filter(|value| value.is_sensitive());
        let secrets = sensitive.filter_map(|value| value.to_str().ok()).map(|text| {
            let (_, token) = text.split_once(' ').unwrap_or(("", text));
            Secret::new(token)
        });
        let (secrets, host) = (secrets.collect(), host_of(&given.url));
        let (sender, aside) = mpsc::channel(WAITING);
        let session = Session::new(
            http,
            Arc::new(FixedHeaders(Arc::new(given))),
            Arc::new(Aside(sender, heard.clone())),
        );
        let (era, refused, aside) = (Era::Modern, Vec::new(), Mutex::new(aside));
        Self { era, session, refused, aside, host, secrets, heard, last_id: 0 }
    }

    /// Sends a request and waits for its result.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        mut params: Map<String, Value>,
    ) -> Result<Value, ClientError> {
        self.last_id += 1;
        if self.era == Era::Modern {
            add_client_meta(&mut params);
        }
        let message = Message::request(self.last_id, method, &params);
        let mut reply = self.send(&message, method).await?;
        let status = reply.status;
        let answer = self.until_answer(&mut reply, &message).await?;
        drop(reply);
        let mut result = answer.map_err(|error| ClientError::Rpc { status, error })?;
        self.refused = self.session.learn(&message, &mut result);
        self.complete(status, result)
    }

    /// Sends a notification.
    pub(super) async fn tell(&self, method: &str) -> Result<(), ClientError> {
        self.send(&Message::notification(method), method).await.map(drop)
    }

    /// Reports to the listener.
    pub(super) fn note(&self, level: u8, text: &str) {
        (self.heard)(level, text);
    }

    pub(super) fn not_mcp(&self, status: u16, why: impl Into<String>) -> ClientError {
        ClientError::NotMcp { host: self.host.clone(), status, why: why.into() }
    }

    async fn send(&self, message: &Message, method: &str) -> Result<Reply<'_>, ClientError> {
        (self.heard)(2, &format!("-> {method}"));
        let mut reply = match self.session.post(message).await {
            Ok(reply) => reply,
            Err(failure) => return Err(self.failed(failure).await),
        };
        (self.heard)(2, &format!("<- HTTP {}", reply.status));
        if reply.is_good() {
            return Ok(reply);
        }
        // A body that cannot be read has no message.
        let body = reply.next().await.ok().flatten();
        Err(self.refused(reply.status, &reply.headers, body))
    }

    /// Reads messages until one answers our request.
    async fn until_answer(
        &self,
        reply: &mut Reply<'_>,
        request: &Message,
    ) -> Result<Result<Value, RpcError>, ClientError> {
        let (status, kind) = (reply.status, content_type(&reply.headers));
        let (is_stream, mut aside) = (reply.is_stream(), self.aside.lock().await);
        loop {
            let next = reply.next();
            tokio::pin!(next);
            let next = loop {
                tokio::select! {
                    biased;
                    Some(text) = aside.recv() => {
                        if let Some(answer) = self.read(text, request).await.ok().flatten() {
                            return Ok(answer);
                        }
                    }
                    next = &mut next => break next,
                }
            };
            let text = match next {
                Ok(Some(text)) => text,
                Ok(None) if is_stream => return Err(self.unfinished()),
                Ok(None) => return Err(self.not_mcp(status, "the answer is empty")),
                Err(failure) => return Err(self.failed(failure).await),
            };
            let kind = if is_stream { "an event" } else { &kind };
            match self.read(text, request).await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(()) => return Err(self.not_mcp(status, format!("{kind} without a JSON-RPC message"))),
            }
        }
    }

    /// Takes the messages of a text; the answer to our request, if it is among them. An error if there are none.
    async fn read(&self, text: String, request: &Message) -> Result<Option<Result<Value, RpcError>>, ()> {
        for message in Received::read(&self.scrub(text)).ok_or(())? {
            match message {
                // An error without an id is about the request it came back for.
                Received::Answer(to, result)
                    if to.is_null() || request.request_id().is_some_and(|id| is_same(&to, id)) =>
                {
                    return Ok(Some(result));
                }
                Received::Answer(..) => {}
                Received::Request(id, method) => self.decline(&id, &method).await,
                Received::Notification(method, params) => self.notified(&method, &params),
            }
        }
        Ok(None)
    }

    /// Answers a request from the server. In the modern era there are none, and answers are forbidden.
    async fn decline(&self, id: &Value, method: &str) {
        (self.heard)(1, &format!("the server asks for {}", clean(method, 80)));
        if self.era == Era::Legacy {
            // If it gets lost, the server will say so in its result.
            let _ = self.session.post(&Message::reply(id, method)).await;
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

    async fn failed(&self, failure: RemoteError) -> ClientError {
        match failure {
            RemoteError::Http(HttpError::Redirect { host, status, to }) => {
                ClientError::Elsewhere { host, status, to }
            }
            RemoteError::Http(error) => error.into(),
            RemoteError::Refused(mut answer) => {
                let body = answer.next().await.ok().flatten().map(|event| event.data);
                self.refused(answer.status, &answer.headers, body)
            }
            RemoteError::Elsewhere => self.not_mcp(200, "its endpoint is at another origin"),
            RemoteError::Broken | RemoteError::NoStream => self.unfinished(),
            RemoteError::NoAccess(no) => {
                HttpError::Lost { host: self.host.clone(), cause: no.message }.into()
            }
        }
    }

    fn unfinished(&self) -> ClientError {
        ClientError::Unfinished { host: self.host.clone() }
    }

    /// The meaning of an HTTP error status.
    fn refused(&self, status: u16, headers: &HeaderMap, body: Option<String>) -> ClientError {
        let host = self.host.clone();
        let body = body.and_then(|body| Received::read(&self.scrub(body)));
        let error = body.unwrap_or_default().into_iter().find_map(|message| match message {
            Received::Answer(_, Err(error)) => Some(error),
            _ => None,
        });
        let said = error.as_ref().map(|error| error.message.clone());
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
        let challenges: Vec<String> =
            challenges.map(|value| self.scrub(String::from_utf8_lossy(value.as_bytes()).into())).collect();
        let challenge = Challenge::read(&challenges);
        match (status, error) {
            (401, error) => ClientError::Unauthorized(Box::new(AuthRefusal { host, challenge, error })),
            (403, error) => ClientError::Forbidden(Box::new(AuthRefusal { host, challenge, error })),
            (404, Some(error)) if error.code == METHOD_NOT_FOUND => ClientError::Rpc { status, error },
            (404, _) => ClientError::NotFound { host, said },
            (408 | 429 | 500.., _) => ClientError::Unavailable { host, status, said },
            (_, Some(error)) => ClientError::Rpc { status, error },
            _ => self.not_mcp(status, format!("HTTP {status} with {}", content_type(headers))),
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

impl CredentialSource for FixedHeaders {
    fn fresh(&self) -> BoxFuture<'_, Result<Arc<UpstreamAuth>, CredentialUnavailable>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn renew_refused<'a>(
        &'a self,
        _: &'a UpstreamAuth,
    ) -> BoxFuture<'a, Result<Option<Arc<UpstreamAuth>>, CredentialUnavailable>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn advice(&self, _: u16, _: &HeaderMap) -> String {
        String::new()
    }
}

impl NotificationSink for Aside {
    fn hear(&self, text: String) -> BoxFuture<'_, bool> {
        Box::pin(async { self.0.send(text).await.is_ok() })
    }

    fn note(&self, text: &str) {
        (self.1)(1, text);
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

/// The server's host, as errors name it.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the server");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn content_type(headers: &HeaderMap) -> String {
    let found = headers.get(CONTENT_TYPE).and_then(|value: &HeaderValue| value.to_str().ok());
    let found = found.map(|text| clean(text, 60)).filter(|text| !text.is_empty());
    found.unwrap_or_else(|| "an answer without a content type".into())
}
