//! A session with an MCP server, for whoever speaks: the bridge passes on what its client says, the client has words of its
//! own. Both post a message and read what comes back; what can be mended in between is: a refused token, a session that is
//! gone (the handshake again, with the same words), a stream that breaks (resumed by `Last-Event-ID`), a server that speaks
//! HTTP+SSE alone. It leaves what messages say to its callers and where credentials come from to [`Access`].

mod channel;
pub mod remote;
mod reply;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::sync::{Mutex as Turn, Notify};
use url::Url;

use self::channel::{Channel, Connected};
use self::remote::{Answer, Request};
pub use self::reply::Reply;
use self::reply::{Place, Source};
use crate::mcp::jsonrpc::{Message, parse};
use crate::mcp::mirror::{Refused, ToolHeaders};
use crate::mcp::{Head, LAST_EVENT, SESSION, VERSION};
use crate::sys::http::{Http, HttpError};
use crate::tokens::{Bearers, TokenSource};

/// The id under which an `initialize` is said again; its answer is not for the client.
const AGAIN: &str = "mcpauth-initialize-again";
/// How long the end of a session may take: it is a courtesy.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long a server may take to begin a session again.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// The first and the longest pause before a stream is opened again; a server's own `retry` counts instead of the first.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A server's address and the headers it wants, at one moment.
#[derive(Clone, Debug)]
pub struct Given {
    /// The server's address.
    pub url: Url,
    /// What it wants to see; values are marked sensitive.
    pub headers: HeaderMap,
    /// Where those headers may go besides: to addresses below this one that the server announces.
    pub within: Url,
    /// The tokens in those headers.
    pub bearers: Bearers,
}

/// Why there are no headers, and what to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAccess {
    /// The cause; no secret in it.
    pub message: String,
    /// The remedy.
    pub hint: String,
}

/// Something under way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who hands out a server's headers: a [`TokenSource`] of any kind. Asked for every request; requests that ask at once share
/// one renewal.
pub trait Access: Send + Sync + 'static {
    /// Headers whose tokens are good for a while.
    fn fresh(&self) -> Pending<'_, Result<Arc<Given>, NoAccess>>;
    /// Other headers than these, which the server would not take; `None` if there are no others for now.
    fn renewed<'a>(&'a self, refused: &'a Given) -> Pending<'a, Result<Option<Arc<Given>>, NoAccess>>;
    /// What to type after an answer with this status and these headers that is no success.
    fn advice(&self, status: u16, headers: &HeaderMap) -> String;
}

impl TokenSource for dyn Access + '_ {
    type Token = Given;
    type No = NoAccess;

    async fn current(&self) -> Result<Arc<Given>, NoAccess> {
        self.fresh().await
    }

    async fn replace(&self, refused: &Given) -> Result<Option<Arc<Given>>, NoAccess> {
        self.renewed(refused).await
    }
}

/// Who hears what belongs to no request.
pub trait Hears: Send + Sync + 'static {
    /// Takes a message; `false` if nobody listens any more.
    fn hear(&self, text: String) -> Pending<'_, bool>;
    /// Takes a remark on what has been mended.
    fn note(&self, _text: &str) {}
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// No credentials to ask with.
    NoAccess(NoAccess),
    /// No HTTP answer, or a part of it.
    Http(HttpError),
    /// The handshake that was to begin a new session was refused.
    Refused(Box<Answer>),
    /// The server announced an address that is not its own.
    Elsewhere,
    /// The stream ended before the answer came.
    Broken,
}

/// One server, and what was agreed on with it.
pub struct Session {
    http: Http,
    access: Arc<dyn Access>,
    aside: Arc<dyn Hears>,
    state: Mutex<State>,
    /// Several requests that find their session gone open one new one.
    reopening: Turn<()>,
    /// Woken by each new session.
    reopened: Notify,
}

#[derive(Default)]
struct State {
    session: Option<HeaderValue>,
    version: Option<HeaderValue>,
    /// The speaker's own words, for a new session.
    initialize: Option<Message>,
    initialized: Option<Message>,
    tools: ToolHeaders,
    channel: Option<Arc<Channel>>,
    /// Grows with every session.
    era: u64,
}

impl Session {
    /// With the server behind `access`; what belongs to no request goes to `aside`.
    pub fn new(http: Http, access: Arc<dyn Access>, aside: Arc<dyn Hears>) -> Self {
        let (state, reopening, reopened) = (Mutex::default(), Turn::default(), Notify::new());
        Self { http, access, aside, state, reopening, reopened }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`Failure`] for what no further attempt mends.
    pub async fn post(&self, message: &Message) -> Result<Reply<'_>, Failure> {
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
        if reply.status == 404 && self.has_session() && !message.is_modern() {
            self.reopen(era).await?;
            return self.send(message).await;
        }
        Ok(reply)
    }

    /// Passes on what the server says of its own accord, for as long as it has something to say.
    pub async fn listen(&self) {
        let (mut pause, mut place, mut era) = (PAUSES.0, Place::default(), 0);
        loop {
            let next_session = self.reopened.notified();
            let now = self.state().era;
            if std::mem::replace(&mut era, now) != now {
                // Another session's events.
                place = Place::default();
            }
            match self.open_stream(&place).await {
                Ok(mut stream) if stream.is_stream() => {
                    // One that ends without a word is asked less and less often.
                    let mut next = pause * 2;
                    while let Ok(Some(event)) = stream.next().await {
                        next = event.pause().unwrap_or(PAUSES.0);
                        place.move_to(&event);
                        if event.is_message() && !self.aside.hear(event.data).await {
                            return;
                        }
                    }
                    pause = next.min(PAUSES.1);
                }
                // It has forgotten the session; the next request begins another.
                Ok(answer) if answer.status == 404 && self.has_session() => {
                    next_session.await;
                    continue;
                }
                // 405: the server has nothing to say of its own accord. Any other no is as final.
                Ok(answer) if (400..500).contains(&answer.status) && answer.status != 429 => return,
                Err(Failure::Http(HttpError::Redirect { .. })) => return,
                Ok(_) | Err(_) => pause = (pause * 2).min(PAUSES.1),
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Ends the session, if there is one. That nobody answers is not worth a word: servers forget sessions by themselves, and
    /// many refuse this with 405.
    pub async fn close(&self) {
        let headers = self.agreed();
        if headers.contains_key(&SESSION) {
            let request = Request::end_session(headers);
            let _ = tokio::time::timeout(GOODBYE, self.ask(&request)).await;
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
    pub fn learn(&self, request: &Message, result: &mut Value) -> Vec<Refused> {
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

    async fn initialize(&self, message: &Message) -> Result<Reply<'_>, Failure> {
        {
            let mut state = self.state();
            let (tools, era) = (std::mem::take(&mut state.tools), state.era + 1);
            *state = State { initialize: Some(message.clone()), tools, era, ..State::default() };
        }
        let reply = self.send(message).await?;
        // 2025-11-25, "Backwards Compatibility": a server that knows the older transport alone says so with one of these.
        if !matches!(reply.status, 400 | 404 | 405) {
            self.state().session = reply.headers.get(&SESSION).cloned();
            return Ok(reply);
        }
        self.aside.note(&format!("no handshake (HTTP {}); trying HTTP+SSE", reply.status));
        match self.connect().await? {
            Connected::Open => self.send(message).await,
            Connected::Refused(answer) => Ok(Reply::new(self, message, Source::Here(answer))),
            // That the older transport is not there either says less than the first refusal.
            Connected::Nothing => Ok(reply),
        }
    }

    /// Opens the stream of the older transport.
    async fn connect(&self) -> Result<Connected, Failure> {
        let (connected, channel) = Channel::connect(&self.http, &self.access, &self.aside).await?;
        if let Some(channel) = channel {
            self.state().channel = Some(Arc::new(channel));
        }
        Ok(connected)
    }

    /// Sends a message within the session there is.
    async fn send(&self, message: &Message) -> Result<Reply<'_>, Failure> {
        let channel = self.state().channel.clone();
        if let Some(channel) = channel {
            let from = channel.post(&self.http, message).await?;
            return Ok(Reply::new(self, message, from));
        }
        let mut headers = self.state().tools.headers(&message.value);
        if !message.is_modern() && message.method() != Some("initialize") {
            headers.extend(self.agreed());
        }
        let answer = self.ask(&Request::post(headers, message.text.clone())).await?;
        Ok(Reply::new(self, message, Source::Here(Box::new(answer))))
    }

    async fn open_stream(&self, place: &Place) -> Result<Answer, Failure> {
        let mut headers = self.agreed();
        headers.extend(place.last.clone().map(|last| (LAST_EVENT, last)));
        self.ask(&Request::listen(headers)).await
    }

    async fn ask(&self, request: &Request) -> Result<Answer, Failure> {
        let (_, incoming) = request.send(&self.http, &*self.access, |given| Some(given.url.clone())).await?;
        Ok(Answer::new(incoming))
    }

    /// A new session in place of the one of `era`, with the speaker's own `initialize`.
    async fn reopen(&self, era: u64) -> Result<(), Failure> {
        let _turn = self.reopening.lock().await;
        let (initialize, initialized, is_channel) = {
            let state = self.state();
            if state.era != era {
                return Ok(());
            }
            (state.initialize.clone(), state.initialized.clone(), state.channel.is_some())
        };
        self.aside.note("the session has ended; beginning another");
        let initialize = initialize.ok_or(Failure::Broken)?.under(AGAIN);
        if is_channel && !matches!(self.connect().await?, Connected::Open) {
            return Err(Failure::Broken);
        }
        let again = tokio::time::timeout(HANDSHAKE, self.initialize_again(&initialize));
        again.await.map_err(|_| Failure::Broken)??;
        self.state().era += 1;
        if let Some(initialized) = initialized {
            self.send(&initialized).await?;
        }
        self.reopened.notify_waiters();
        Ok(())
    }

    async fn initialize_again(&self, initialize: &Message) -> Result<(), Failure> {
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
        Err(reply.into_answer().map_or(Failure::Broken, Failure::Refused))
    }

    /// Session and version as headers.
    fn agreed(&self) -> HeaderMap {
        let state = self.state();
        let session = state.session.clone().map(|session| (SESSION, session));
        let version = state.version.clone().map(|version| (VERSION, version));
        session.into_iter().chain(version).collect()
    }

    fn has_session(&self) -> bool {
        self.state().session.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<NoAccess> for Failure {
    fn from(no: NoAccess) -> Self {
        Self::NoAccess(no)
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}
