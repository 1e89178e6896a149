//! The remote server as one client sees it: its session, its version, and a request with the headers of the moment. What
//! can be mended without the client is: other credentials after a 401, a new session after its end, the older transport
//! where there is no other. It leaves reading answers to [`stdio`](super::stdio).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::sync::futures::Notified;
use tokio::sync::{Mutex as Turn, Notify};

use super::ask::{AGAIN, ask};
use super::legacy_sse::Channel;
use super::message::{Failure, Message, answers};
use super::pipes::Output;
use super::{Access, Given};
use crate::mcp::mirror::{Refused, Repeated};
use crate::mcp::{Answer, LAST_EVENT, Remote, SESSION, VERSION, parse};
use crate::sys::http::{Http, HttpError};

/// How long the end of a session may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// One client's server.
pub struct Upstream {
    http: Http,
    access: Arc<dyn Access>,
    lines: Output,
    state: Mutex<State>,
    /// Several requests that find their session gone open one new one.
    reopening: Turn<()>,
    /// Woken by each new session.
    reopened: Notify,
}

/// What the server and the client agreed on.
#[derive(Default)]
struct State {
    session: Option<HeaderValue>,
    version: Option<HeaderValue>,
    /// The client's own words, for a new session.
    initialize: Option<Message>,
    initialized: Option<Message>,
    repeated: Repeated,
    channel: Option<Arc<Channel>>,
    /// Grows with every session.
    era: u64,
}

/// Where the answer to a message comes.
pub(super) enum Reply {
    /// In the answer to the request that carried it.
    Here(Box<Answer>),
    /// On the stream of the older transport.
    OnChannel,
}

impl Upstream {
    /// The server behind `access`; what it says on the older transport goes to `lines`.
    pub(super) fn new(http: Http, access: Arc<dyn Access>, lines: Output) -> Self {
        let (state, reopening, reopened) = (Mutex::default(), Turn::default(), Notify::new());
        Self { http, access, lines, state, reopening, reopened }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`Failure`] for what no further attempt mends.
    pub(super) async fn post(&self, message: &Message) -> Result<Reply, Failure> {
        if message.method() == Some("initialize") {
            return self.initialize(message).await;
        }
        if message.method() == Some("notifications/initialized") {
            self.state().initialized = Some(message.clone());
        }
        let era = self.state().era;
        let reply = self.send(message).await?;
        if message.method() == Some("notifications/initialized") {
            self.reopened.notify_waiters();
        }
        match reply {
            // A session that is gone is answered with 404 (2025-11-25, Session Management); so is a server that is.
            Reply::Here(answer) if answer.status == 404 && self.has_session() && !message.is_modern() => {
                self.reopen(era).await?;
                self.send(message).await
            }
            reply => Ok(reply),
        }
    }

    /// Opens the stream on which the server speaks of its own accord, from `after` on if that is known.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) async fn listen(&self, after: Option<&str>) -> Result<Answer, Failure> {
        let after = after.and_then(|id| HeaderValue::from_str(id).ok());
        self.ask(|given, mut headers| {
            headers.extend(self.agreed());
            headers.extend(after.clone().map(|id| (LAST_EVENT, id)));
            async move { self.remote(&given).listen(headers).await }
        })
        .await
    }

    /// Which session this is, and the next one's beginning.
    pub(super) fn session(&self) -> (u64, Notified<'_>) {
        let next = self.reopened.notified();
        (self.state().era, next)
    }

    /// Ends the session, if there is one. That nobody answers is not worth a word.
    pub(super) async fn close(&self) {
        let headers = self.agreed();
        if headers.contains_key(&SESSION) {
            let work = self.ask(|given, mut all| {
                all.extend(headers.clone());
                async move { self.remote(&given).end_session(all).await }
            });
            let _ = tokio::time::timeout(GOODBYE, work).await;
        }
    }

    /// Whether there is something for [`learn`](Self::learn) in the answer to a request.
    pub(super) fn learns_from(&self, request: &Message) -> bool {
        match request.method() {
            Some("tools/list") => request.is_modern(),
            method => method == Some("initialize"),
        }
    }

    /// Takes note of what an answer agrees to, and takes the tools out of it that no client may offer.
    pub(super) fn learn(&self, request: &Message, answer: &mut Value) -> Vec<Refused> {
        let Some(result) = answer.get_mut("result") else { return Vec::new() };
        match request.method() {
            Some("tools/list") if request.is_modern() => return self.state().repeated.learn(result),
            Some("initialize") => {
                let version = result.get("protocolVersion").and_then(Value::as_str);
                self.state().version = version.and_then(|version| HeaderValue::from_str(version).ok());
            }
            _ => {}
        }
        Vec::new()
    }

    /// Whether the client began with `initialize`, as up to 2025-11-25.
    pub(super) fn is_legacy(&self) -> bool {
        self.state().initialize.is_some()
    }

    /// Whether everything the server says comes on one stream that is open already.
    pub(super) fn has_channel(&self) -> bool {
        self.state().channel.is_some()
    }

    async fn initialize(&self, message: &Message) -> Result<Reply, Failure> {
        {
            let mut state = self.state();
            let (repeated, era) = (std::mem::take(&mut state.repeated), state.era + 1);
            *state = State { initialize: Some(message.clone()), repeated, era, ..State::default() };
        }
        let reply = self.send(message).await?;
        match reply {
            Reply::Here(answer) if matches!(answer.status, 400 | 404 | 405) => {
                match self.connect_channel().await {
                    Some(channel) => channel.post(message).await.map(|()| Reply::OnChannel),
                    None => Ok(Reply::Here(answer)),
                }
            }
            Reply::Here(answer) => {
                self.state().session = answer.headers.get(&SESSION).cloned();
                Ok(Reply::Here(answer))
            }
            Reply::OnChannel => Ok(Reply::OnChannel),
        }
    }

    async fn send(&self, message: &Message) -> Result<Reply, Failure> {
        let channel = self.state().channel.clone();
        if let Some(channel) = channel {
            if channel.is_open() {
                return channel.post(message).await.map(|()| Reply::OnChannel);
            }
            let era = self.state().era;
            self.reopen(era).await?;
            let channel = self.state().channel.clone().ok_or(Failure::Broken)?;
            return channel.post(message).await.map(|()| Reply::OnChannel);
        }
        let (mut mirrored, modern) = (self.state().repeated.headers(&message.value), message.is_modern());
        if !modern && message.method() != Some("initialize") {
            mirrored.extend(self.agreed());
        }
        let answer = self.ask(|given, mut headers| {
            headers.extend(mirrored.clone());
            async move { self.remote(&given).post(headers, message.text.clone()).await }
        });
        Ok(Reply::Here(Box::new(answer.await?)))
    }

    pub(super) async fn ask<F>(&self, request: impl Fn(Arc<Given>, HeaderMap) -> F) -> Result<Answer, Failure>
    where
        F: Future<Output = Result<Answer, HttpError>>,
    {
        ask(&*self.access, request).await
    }

    /// A new session in place of the one of `era`, with the client's own `initialize`.
    async fn reopen(&self, era: u64) -> Result<(), Failure> {
        let _turn = self.reopening.lock().await;
        let (initialize, initialized, is_channel) = {
            let state = self.state();
            if state.era != era {
                return Ok(());
            }
            (state.initialize.clone(), state.initialized.clone(), state.channel.is_some())
        };
        let initialize = initialize.ok_or(Failure::Broken)?.under(AGAIN);
        if is_channel {
            let channel = self.connect_channel().await.ok_or(Failure::Broken)?;
            channel.initialize_again(&initialize).await?;
        } else {
            self.initialize_again(&initialize).await?;
        }
        self.state().era += 1;
        if let Some(initialized) = initialized {
            Box::pin(self.send(&initialized)).await?;
        }
        self.reopened.notify_waiters();
        Ok(())
    }

    async fn initialize_again(&self, initialize: &Message) -> Result<(), Failure> {
        let mut answer =
            self.ask(|given, headers| async move {
                self.remote(&given).post(headers, initialize.text.clone()).await
            })
            .await?;
        let session = answer.headers.get(&SESSION).cloned();
        while let Some(event) = answer.next().await? {
            let Ok(mut value) = parse(&event.data) else { continue };
            if answers(&value, &AGAIN.into()) && value.get("result").is_some() {
                self.state().session = session;
                self.learn(initialize, &mut value);
                return Ok(());
            }
        }
        Err(Failure::Status(answer.status))
    }

    async fn connect_channel(&self) -> Option<Arc<Channel>> {
        let channel = Channel::connect(&self.http, &self.access, self.lines.clone()).await?;
        let channel = Arc::new(channel);
        self.state().channel = Some(channel.clone());
        Some(channel)
    }

    /// Session and version as headers.
    fn agreed(&self) -> HeaderMap {
        let state = self.state();
        let session = state.session.clone().map(|session| (SESSION, session));
        let version = state.version.clone().map(|version| (VERSION, version));
        session.into_iter().chain(version).collect()
    }

    pub(super) fn has_session(&self) -> bool {
        self.state().session.is_some()
    }

    pub(super) fn remote(&self, given: &Given) -> Remote {
        Remote::new(self.http.clone(), given.url.clone())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
