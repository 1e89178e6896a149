//! Sessions over HTTP that the bridge keeps itself, for clients up to 2025-11-25 that can ask a person: only so can a
//! request wait for a login, and the client's session begin before the server's. Any other session is the client's and
//! the server's own. Not here: how a message is handled (see `client`); who may ask (see `listen`).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use futures_util::stream;
use oauth2::CsrfToken;
use tokio::task::{AbortHandle, JoinSet};

use super::FailureReporter;
use super::client::ClientSide;
use super::offer::LoginDesk;
use super::pipes::{ClientOutput, ReadyLines};
use super::stand_in::opens_addresses;
use crate::mcp::jsonrpc::Message;
use crate::mcp::{Head, JSON, SESSION};
use crate::session::CredentialSource;
use crate::sys::http::Http;

/// How many sessions are kept; the one that was used least recently makes room.
const SESSIONS: usize = 256;
/// What our session ids begin with; random bytes follow.
const OURS: &str = "mcpauth-";
const RANDOM_BYTES: u32 = 24;

/// All of them.
#[derive(Default)]
pub(super) struct HeldSessions(Mutex<VecDeque<Arc<HeldSession>>>);

/// One client's.
pub(super) struct HeldSession {
    id: String,
    /// The server's name.
    server: String,
    client: ClientSide,
    /// What belongs to no request, until the client opens a stream for it.
    aside: Mutex<Option<ReadyLines>>,
    tasks: Mutex<JoinSet<()>>,
    listening: Mutex<Option<AbortHandle>>,
}

/// What a held session is made of.
pub(super) struct HeldParts {
    pub(super) http: Http,
    pub(super) access: Arc<dyn CredentialSource>,
    pub(super) report: FailureReporter,
    pub(super) desk: LoginDesk,
}

/// Whether a message begins a session that the bridge keeps: only where a login is missing now. Otherwise the session is the
/// server's own, which the client knows how to take up again.
pub(super) async fn is_beginning(message: &Message, access: &dyn CredentialSource) -> bool {
    message.method() == Some("initialize")
        && message.request_id().is_some()
        && opens_addresses(message)
        && access.login(false).is_some()
        && access.fresh().await.is_err()
}

/// Whether a session id is one of ours.
pub(super) fn is_ours(headers: &HeaderMap) -> bool {
    headers.get(SESSION).is_some_and(|id| id.as_bytes().starts_with(OURS.as_bytes()))
}

impl HeldSessions {
    /// The session that a request of a server's names.
    pub(super) fn find(&self, headers: &HeaderMap, server: &str) -> Option<Arc<HeldSession>> {
        let id = headers.get(SESSION)?.to_str().ok()?;
        let mut all = self.lock();
        let at = all.iter().position(|one| one.id == id && one.server == server)?;
        let found = all.remove(at)?;
        all.push_back(found.clone());
        Some(found)
    }

    /// Begins one.
    pub(super) async fn begin(&self, server: String, parts: HeldParts, message: &Message) -> Response<Body> {
        let (lines, ready) = ClientOutput::new();
        let client = ClientSide::new(parts.http, parts.access, lines, parts.report, parts.desk);
        let session = Arc::new(HeldSession {
            id: format!("{OURS}{}", CsrfToken::new_random_len(RANDOM_BYTES).secret()),
            server,
            client,
            aside: Mutex::new(Some(ready)),
            tasks: Mutex::default(),
            listening: Mutex::default(),
        });
        let (answer, mut ready) = ClientOutput::new();
        session.client.to(answer).request(message).await;
        let text = ready.recv().await.map(|(text, _)| text).unwrap_or_default();
        let is_begun = !Head::read(&text).is_none_or(|head| head.is_error());
        let mut response = Response::new(Body::from(text));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        if !is_begun {
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            return response;
        }
        if let Ok(id) = HeaderValue::try_from(&session.id) {
            headers.insert(SESSION, id);
        }
        let mut all = self.lock();
        if all.len() >= SESSIONS {
            all.pop_front();
        }
        all.push_back(session);
        response
    }

    /// Answers a request in a session.
    pub(super) async fn pass(
        &self,
        session: &HeldSession,
        method: &Method,
        message: Option<Message>,
    ) -> Response<Body> {
        match (method, message) {
            (&Method::POST, Some(message)) => session.post(message).await,
            (&Method::GET, _) => session.listen(),
            (&Method::DELETE, _) => {
                self.lock().retain(|other| other.id != session.id);
                session.client.session.close().await;
                empty(StatusCode::OK)
            }
            _ => empty(StatusCode::BAD_REQUEST),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<HeldSession>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeldSession {
    async fn post(&self, message: Message) -> Response<Body> {
        if message.request_id().is_some() {
            let (lines, ready) = ClientOutput::new();
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            while tasks.try_join_next().is_some() {}
            self.client.to(lines).start(&mut tasks, message);
            return events(ready);
        }
        self.client.in_order(&message).await;
        if message.method() == Some("notifications/initialized") && !self.client.session.has_channel() {
            let session = self.client.session.clone();
            let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
            listening
                .get_or_insert_with(|| tokio::spawn(async move { session.listen().await }).abort_handle());
        }
        empty(StatusCode::ACCEPTED)
    }

    /// The stream for what belongs to no request; there is one.
    fn listen(&self) -> Response<Body> {
        match self.aside.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(ready) => events(ready),
            None => empty(StatusCode::CONFLICT),
        }
    }
}

impl Drop for HeldSession {
    fn drop(&mut self) {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.iter().for_each(AbortHandle::abort);
        self.client.abort(true);
    }
}

/// Lines for the client as an event stream; each is a message.
fn events(ready: ReadyLines) -> Response<Body> {
    let body = stream::unfold(ready, |mut ready| async move {
        let (text, _permit) = ready.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(format!("data: {text}\n\n")), ready))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
