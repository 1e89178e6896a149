//! A session with an MCP server, for whoever speaks: the bridge passes on what its client says, the client has words of its
//! own. Both post a message and read what comes back; what can be mended in between is: a refused token, a session that is
//! gone (the handshake again, with the same words), a stream that breaks (resumed by `Last-Event-ID`), a server that speaks
//! HTTP+SSE alone. It leaves what messages say to its callers and where credentials come from to [`CredentialSource`].

mod access;
mod channel;
mod link;
pub mod remote;
mod reply;

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use reqwest::header::HeaderValue;
use serde_json::Value;
use tokio::sync::{Mutex as Turn, Notify};

pub use self::access::{BoxFuture, CredentialSource, CredentialUnavailable, NotificationSink, UpstreamAuth};
use self::channel::{AnswerSource, Channel, Connected};
use self::link::{Link, SessionState};
pub use self::remote::RemoteError;
use self::remote::RemoteRequest;
pub use self::reply::Reply;
use self::reply::{PAUSES, StreamCursor};
use crate::mcp::jsonrpc::{Message, parse};
use crate::mcp::mirror::RejectedTool;
use crate::mcp::{Head, SESSION};
use crate::sys::http::{Http, HttpError};

/// The id under which an `initialize` is said again; its answer is not for the client.
const AGAIN: &str = "mcpauth-initialize-again";
/// How long the end of a session may take: it is a courtesy.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long a server may take to begin a session again.
const HANDSHAKE: Duration = Duration::from_secs(60);

/// One server, and what was agreed on with it.
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
    /// [`RemoteError`] for what no further attempt mends.
    pub async fn post(&self, message: &Message) -> Result<Reply<'_>, RemoteError> {
        if message.method() == Some("initialize") {
            return self.initialize(message).await;
        }
        let begins = message.method() == Some("notifications/initialized");
        if begins {
            self.state().initialized = Some(message.clone());
        }
        let era = self.state().era;
        if self.state().channel.as_ref().is_some_and(|channel| !channel.is_open()) {
            self.reopen(era).await?;
        }
        let reply = self.send(message).await?;
        if begins {
            self.reopened.notify_waiters();
        }
        // A session that is gone is answered with 404 (2025-11-25, Session Management); so is a server that is.
        if reply.status == 404 && self.link.has_session() && !message.is_modern() {
            self.reopen(era).await?;
            return self.send(message).await;
        }
        Ok(reply)
    }

    /// Passes on what the server says of its own accord, for as long as it has something to say.
    pub async fn listen(&self) {
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
                    // One that ends without a word is asked less and less often.
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
                // 405: the server has nothing to say of its own accord. Any other no is as final.
                Ok(answer) if (400..500).contains(&answer.status) && answer.status != 429 => return,
                Err(RemoteError::Http(HttpError::Redirect { .. })) => return,
                Ok(_) | Err(_) => pause = (pause * 2).min(PAUSES.1),
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Ends the session, if there is one. That nobody answers is not worth a word: servers forget sessions by themselves, and
    /// many refuse this with 405.
    pub async fn close(&self) {
        let headers = self.link.agreed();
        if headers.contains_key(&SESSION) {
            let request = RemoteRequest::end_session(headers);
            let _ = tokio::time::timeout(GOODBYE, self.link.ask(&request)).await;
        }
        self.state().channel = None;
    }

    /// Whether there is something for [`learn`](Self::learn) in the answer to a request.
    pub fn learns_from(&self, request: &Message) -> bool {
        match request.method() {
            Some("tools/list") => request.is_modern(),
            method => method == Some("initialize"),
        }
    }

    /// Takes note of what a result agrees to, and takes the tools out of it that no client may offer.
    pub fn learn(&self, request: &Message, result: &mut Value) -> Vec<RejectedTool> {
        match request.method() {
            Some("tools/list") if request.is_modern() => return self.state().tools.learn(result),
            Some("initialize") => {
                let version = result.get("protocolVersion").and_then(Value::as_str);
                self.state().version = version.and_then(|version| HeaderValue::from_str(version).ok());
            }
            _ => {}
        }
        Vec::new()
    }

    /// Whether it began with `initialize`, as up to 2025-11-25.
    pub fn is_legacy(&self) -> bool {
        self.state().initialize.is_some()
    }

    /// Whether everything the server says comes on one stream that is open already, as in HTTP+SSE.
    pub fn has_channel(&self) -> bool {
        self.state().channel.is_some()
    }

    async fn initialize(&self, message: &Message) -> Result<Reply<'_>, RemoteError> {
        {
            let mut state = self.state();
            let (tools, era) = (std::mem::take(&mut state.tools), state.era + 1);
            *state =
                SessionState { initialize: Some(message.clone()), tools, era, ..SessionState::default() };
        }
        let reply = self.send(message).await?;
        // 2025-11-25, "Backwards Compatibility": a server that knows the older transport alone says so with one of these.
        if !matches!(reply.status, 400 | 404 | 405) {
            self.state().session = reply.headers.get(&SESSION).cloned();
            return Ok(reply);
        }
        self.link.aside.note(&format!("no handshake (HTTP {}); trying HTTP+SSE", reply.status));
        match self.connect().await? {
            Connected::Open => self.send(message).await,
            Connected::Refused(answer) => Ok(Reply::new(&self.link, message, AnswerSource::Here(answer))),
            // That the older transport is not there either says less than the first refusal.
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

    /// Sends a message within the session there is.
    async fn send(&self, message: &Message) -> Result<Reply<'_>, RemoteError> {
        let channel = self.state().channel.clone();
        if let Some(channel) = channel {
            let from = channel.post(&self.link.http, message).await?;
            return Ok(Reply::new(&self.link, message, from));
        }
        let mut headers = self.state().tools.headers(&message.value);
        if !message.is_modern() && message.method() != Some("initialize") {
            headers.extend(self.link.agreed());
        }
        let answer = self.link.ask(&RemoteRequest::post(headers, message.text.clone())).await?;
        Ok(Reply::new(&self.link, message, AnswerSource::Here(Box::new(answer))))
    }

    /// A new session in place of the one of `era`, with the speaker's own `initialize`.
    async fn reopen(&self, era: u64) -> Result<(), RemoteError> {
        let _turn = self.reopening.lock().await;
        let (initialize, initialized, is_channel) = {
            let state = self.state();
            if state.era != era {
                return Ok(());
            }
            (state.initialize.clone(), state.initialized.clone(), state.channel.is_some())
        };
        self.link.aside.note("the session has ended; beginning another");
        let initialize = initialize.ok_or(RemoteError::Broken)?.under(AGAIN);
        if is_channel && !matches!(self.connect().await?, Connected::Open) {
            return Err(RemoteError::Broken);
        }
        let again = tokio::time::timeout(HANDSHAKE, self.initialize_again(&initialize));
        again.await.map_err(|_| RemoteError::Broken)??;
        self.state().era += 1;
        if let Some(initialized) = initialized {
            self.send(&initialized).await?;
        }
        self.reopened.notify_waiters();
        Ok(())
    }

    async fn initialize_again(&self, initialize: &Message) -> Result<(), RemoteError> {
        let mut reply = self.send(initialize).await?;
        let session = reply.headers.get(&SESSION).cloned();
        while let Some(text) = reply.next().await? {
            let is_answer = Head::read(&text).is_some_and(|head| head.answers(&AGAIN.into()));
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
