//! A session with an MCP server, for two users: the bridge passes its client's messages on, the client sends its own.
//! Both post a message and read the answer; the session recovers from: a rejected token, a session that is gone
//! (repeats the handshake), a stream that breaks (resumed with `Last-Event-ID`), a server that only supports
//! HTTP+SSE. Not here: credentials (see [`CredentialSource`]).

mod access;
mod channel;
mod link;
pub mod remote;
mod reply;

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::sync::{Mutex as Turn, Notify};

pub use self::access::{
    BoxFuture, CredentialSource, CredentialUnavailable, NotificationSink, PersonLogin, UpstreamAuth,
};
use self::channel::{AnswerSource, Channel, Connected};
pub use self::link::TransportOrder;
use self::link::{Link, SessionState};
pub use self::remote::RemoteError;
use self::remote::RemoteRequest;
pub use self::reply::Reply;
use self::reply::{PAUSES, StreamCursor};
use crate::mcp::jsonrpc::{Message, parse};
use crate::mcp::mirror::RejectedTool;
use crate::mcp::{Head, SESSION};
use crate::sys::http::{Http, HttpError};

/// The id of a repeated `initialize`; its answer is not for the client.
const REPEATED_INITIALIZE_ID: &str = "mcpauth-initialize-again";
/// How long ending a session may take: it is a courtesy.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long a server may take to begin a session again.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// One server, and what was negotiated.
pub struct Session {
    link: Link,
    /// Several requests that find their session gone open one new one.
    reopening: Turn<()>,
    /// Woken by each new session.
    reopened: Notify,
}

impl Session {
    /// With the server behind `access`; what belongs to no request goes to `aside`.
    pub fn new(http: Http, access: Arc<dyn CredentialSource>, aside: Arc<dyn NotificationSink>) -> Self {
        let link = Link::new(http, access, aside);
        Self { link, reopening: Turn::default(), reopened: Notify::new() }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`RemoteError`] if no further attempt helps.
    pub async fn post(&self, message: &Message) -> Result<Reply<'_>, RemoteError> {
        if message.method() == Some("initialize") {
            return self.initialize(message).await;
        }
        let begins = message.method() == Some("notifications/initialized");
        if begins {
            self.state().initialized = Some(message.clone());
        }
        self.open().await?;
        let era = self.state().era;
        if self.state().channel.as_ref().is_some_and(|channel| !channel.is_open()) {
            self.reopen(era).await?;
        }
        let reply = self.send(message).await?;
        if begins {
            self.reopened.notify_waiters();
        }
        // A session that is gone is answered with 404 (2025-11-25, Session Management); so is a missing server.
        if reply.status == 404 && self.link.has_session() && !message.is_modern() {
            self.reopen(era).await?;
            return self.send(message).await;
        }
        Ok(reply)
    }

    /// Uses these transports from the next handshake on.
    pub fn prefer(&self, transport: TransportOrder) {
        self.state().transport = transport;
    }

    /// Puts the handshake off until the next request: the client was answered in the server's place.
    pub fn open_later(&self) {
        self.state().unopened = true;
    }

    /// Whether the server has not been asked yet, see [`open_later`](Self::open_later).
    pub fn is_unopened(&self) -> bool {
        self.state().unopened
    }

    /// Takes a notification that must wait for the handshake; only the one that belongs to it is kept.
    pub fn keep_for_later(&self, notification: &Message) {
        if notification.method() == Some("notifications/initialized") {
            self.state().initialized = Some(notification.clone());
        }
    }

    /// Does the handshake if it was put off.
    ///
    /// # Errors
    /// [`RemoteError`]; the next attempt may succeed.
    pub async fn open(&self) -> Result<(), RemoteError> {
        let unopened = {
            let state = self.state();
            state.unopened.then_some(state.era)
        };
        match unopened {
            Some(era) => self.reopen(era).await,
            None => Ok(()),
        }
    }

    /// What the server said it can do, once it was asked.
    pub fn capabilities(&self) -> Option<Value> {
        self.state().capabilities.clone()
    }

    /// The client's own `initialize`.
    pub fn initialize_message(&self) -> Option<Message> {
        self.state().initialize.clone()
    }

    /// Passes on the server's own messages, while it has any.
    pub async fn listen(&self) {
        loop {
            let opened = self.reopened.notified();
            if !self.is_unopened() {
                break;
            }
            opened.await;
        }
        if self.has_channel() {
            return;
        }
        let (mut pause, mut place, mut era) = (PAUSES.0, StreamCursor::default(), 0);
        loop {
            let next_session = self.reopened.notified();
            let now = self.state().era;
            if std::mem::replace(&mut era, now) != now {
                // Another session's events.
                place = StreamCursor::default();
            }
            match self.link.open_stream(place.last.clone()).await {
                Ok(mut stream) if stream.is_stream() => {
                    // A stream that ends without a message is reopened less and less often.
                    let mut next = pause * 2;
                    while let Ok(Some(event)) = stream.next().await {
                        next = event.pause().unwrap_or(PAUSES.0);
                        place.move_to(&event);
                        if event.is_message() && !self.link.aside.hear(event.data).await {
                            return;
                        }
                    }
                    pause = next.min(PAUSES.1);
                }
                // It has forgotten the session; the next request begins another.
                Ok(answer) if answer.status == 404 && self.link.has_session() => {
                    next_session.await;
                    continue;
                }
                // 405: the server sends no messages of its own. Any other error is as final.
                Ok(answer) if (400..500).contains(&answer.status) && answer.status != 429 => return,
                Err(RemoteError::Http(HttpError::Redirect { .. })) => return,
                Ok(_) | Err(_) => pause = (pause * 2).min(PAUSES.1),
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Ends the session, if there is one. Errors are ignored: servers drop sessions anyway, and many refuse this with
    /// 405.
    pub async fn close(&self) {
        let headers = self.link.agreed();
        if headers.contains_key(&SESSION) {
            self.end(headers).await;
        }
        self.state().channel = None;
    }

    async fn end(&self, headers: HeaderMap) {
        let request = RemoteRequest::end_session(headers);
        let _ = tokio::time::timeout(GOODBYE, self.link.ask(&request)).await;
    }

    /// Whether the answer to a request has something for [`learn`](Self::learn).
    pub fn learns_from(&self, request: &Message) -> bool {
        match request.method() {
            Some("tools/list") => request.is_modern(),
            method => method == Some("initialize"),
        }
    }

    /// Records what a result negotiates, and removes tools that no client may offer.
    pub fn learn(&self, request: &Message, result: &mut Value) -> Vec<RejectedTool> {
        match request.method() {
            Some("tools/list") if request.is_modern() => return self.state().tools.learn(result),
            Some("initialize") => {
                let version = result.get("protocolVersion").and_then(Value::as_str);
                let version = version.and_then(|version| HeaderValue::from_str(version).ok());
                let capabilities = result.get("capabilities").cloned();
                let mut state = self.state();
                (state.version, state.capabilities) = (version, capabilities);
            }
            _ => {}
        }
        Vec::new()
    }

    /// Whether it began with `initialize`, as up to 2025-11-25.
    pub fn is_legacy(&self) -> bool {
        self.state().initialize.is_some()
    }

    /// Whether all the server's messages come on one stream that is already open, as in HTTP+SSE.
    pub fn has_channel(&self) -> bool {
        self.state().channel.is_some()
    }

    async fn initialize(&self, message: &Message) -> Result<Reply<'_>, RemoteError> {
        {
            let mut state = self.state();
            let (tools, era, transport) = (std::mem::take(&mut state.tools), state.era + 1, state.transport);
            let initialize = Some(message.clone());
            *state = SessionState { initialize, tools, era, transport, ..SessionState::default() };
        }
        self.begin(message).await
    }

    /// Sends the `initialize` of a server's first session.
    async fn begin(&self, message: &Message) -> Result<Reply<'_>, RemoteError> {
        let transport = self.state().transport;
        if matches!(transport, TransportOrder::SseFirst | TransportOrder::SseOnly) && !self.has_channel() {
            match self.connect().await? {
                Connected::Refused(answer) => {
                    return Ok(Reply::new(&self.link, message, AnswerSource::Here(answer)));
                }
                Connected::Open | Connected::Nothing => {}
            }
        }
        let reply = self.send(message).await?;
        if !has_no_handshake(&reply) || transport != TransportOrder::HttpFirst {
            self.state().session = reply.headers.get(&SESSION).cloned();
            return Ok(reply);
        }
        self.link.aside.note(&format!("no handshake (HTTP {}); trying HTTP+SSE", reply.status));
        match self.connect().await? {
            Connected::Open => self.send(message).await,
            Connected::Refused(answer) => Ok(Reply::new(&self.link, message, AnswerSource::Here(answer))),
            // The first refusal is more meaningful than the lack of the older transport.
            Connected::Nothing => Ok(reply),
        }
    }

    /// Opens the stream of the older transport.
    async fn connect(&self) -> Result<Connected, RemoteError> {
        let (connected, channel) =
            Channel::connect(&self.link.http, &self.link.access, &self.link.aside).await?;
        if let Some(channel) = channel {
            self.state().channel = Some(Arc::new(channel));
        }
        Ok(connected)
    }

    /// Sends a message in the current session.
    async fn send(&self, message: &Message) -> Result<Reply<'_>, RemoteError> {
        let channel = self.state().channel.clone();
        if let Some(channel) = channel {
            let from = channel.post(&self.link.http, message).await?;
            return Ok(Reply::new(&self.link, message, from));
        }
        if self.state().transport == TransportOrder::SseOnly {
            return Err(RemoteError::NoStream);
        }
        let mut headers = self.state().tools.headers(&message.value);
        if !message.is_modern() && message.method() != Some("initialize") {
            headers.extend(self.link.agreed());
        }
        let answer = self.link.ask(&RemoteRequest::post(headers, message.text.clone())).await?;
        if let Some(session) = answer.headers.get(&SESSION).filter(|_| message.is_modern()) {
            // A server of 2026-07-28 has none; older ones open one for whatever comes without.
            self.end(HeaderMap::from_iter([(SESSION, session.clone())])).await;
        }
        Ok(Reply::new(&self.link, message, AnswerSource::Here(Box::new(answer))))
    }

    /// A new session to replace the one of `era`, with the client's own `initialize`.
    async fn reopen(&self, era: u64) -> Result<(), RemoteError> {
        let _turn = self.reopening.lock().await;
        let (initialize, initialized, is_channel, is_first) = {
            let state = self.state();
            if state.era != era {
                return Ok(());
            }
            (state.initialize.clone(), state.initialized.clone(), state.channel.is_some(), state.unopened)
        };
        if !is_first {
            self.link.aside.note("the session has ended; starting another");
        }
        let initialize = initialize.ok_or(RemoteError::Broken)?.under(REPEATED_INITIALIZE_ID);
        if is_channel && !matches!(self.connect().await?, Connected::Open) {
            return Err(RemoteError::Broken);
        }
        let again = tokio::time::timeout(HANDSHAKE, self.initialize_again(&initialize, is_first));
        again.await.map_err(|_| RemoteError::Broken)??;
        {
            let mut state = self.state();
            (state.era, state.unopened) = (state.era + 1, false);
        }
        if let Some(initialized) = initialized {
            self.send(&initialized).await?;
        }
        self.reopened.notify_waiters();
        Ok(())
    }

    async fn initialize_again(&self, initialize: &Message, is_first: bool) -> Result<(), RemoteError> {
        let mut reply = if is_first { self.begin(initialize).await? } else { self.send(initialize).await? };
        let session = reply.headers.get(&SESSION).cloned();
        while let Some(text) = reply.next().await? {
            let is_answer =
                Head::read(&text).is_some_and(|head| head.answers(&REPEATED_INITIALIZE_ID.into()));
            let Ok(mut value) = parse(&text) else { continue };
            if let Some(result) = value.get_mut("result").filter(|_| is_answer) {
                self.state().session = session;
                self.learn(initialize, result);
                return Ok(());
            }
        }
        Err(reply.into_answer().map_or(RemoteError::Broken, RemoteError::Refused))
    }

    fn state(&self) -> MutexGuard<'_, SessionState> {
        self.link.state()
    }
}

/// Whether a server may support only the older transport, by its answer to `initialize`: a 4xx (2025-03-26, "Backwards
/// Compatibility") that does not mean something else, or a success without a message.
fn has_no_handshake(reply: &Reply<'_>) -> bool {
    let is_empty = || reply.headers.get(CONTENT_LENGTH).is_some_and(|length| length == "0");
    match reply.status {
        200 => is_empty(),
        202 | 204 | 501 => true,
        401 | 402 | 403 | 407 | 408 | 425 | 429 => false,
        status => (400..500).contains(&status),
    }
}
