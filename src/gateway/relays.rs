//! What the gateway has to do with other servers for the callers of its own one: sessions with servers until
//! 2025-11-25, which are kept for as long as the caller's own with the gateway, and calls under way, which can be
//! cancelled. Not here: making calls (see `relay`); the sessions of our own clients (see `crate::session`), whose
//! requests know no caller, permit, limit or audit.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hashbrown::HashMap;
use http_body_util::Full;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, Request};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::pool::{Pool, Timeouts};
use super::redirect;
use super::servers::endpoints::UpstreamEndpoint;
use crate::policy::Principal;

/// Sessions and calls of all callers.
#[derive(Default)]
pub(super) struct Relays {
    /// By server within the caller's session.
    sessions: Mutex<HashMap<(SessionOwner, String), KeptSession>>,
    /// By the id of the caller's request, as it was written.
    calls: Mutex<HashMap<(SessionOwner, String), Arc<Notify>>>,
}

/// A session, and when it was used last.
type KeptSession = (Arc<UpstreamSession>, Instant);

/// A session of a caller's with the gateway's own server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionOwner {
    issuer: String,
    subject: String,
    session: String,
}

/// A session with another server.
pub(super) struct UpstreamSession {
    /// Its name, if the server has names for sessions.
    pub(super) name: Option<HeaderValue>,
    /// The version that was agreed on.
    pub(super) version: HeaderValue,
    pub(super) link: CourtesyLink,
}

/// How something is said to a server without anybody waiting for an answer.
pub(super) struct CourtesyLink {
    pub(super) pool: Arc<Pool>,
    pub(super) endpoint: UpstreamEndpoint,
    /// Those of every message, the session's name and the credential among them.
    pub(super) headers: HeaderMap,
}

/// A call in progress. Dropping it ends it; if its response was incomplete, and the caller could not cancel it, its server is
/// told.
pub(super) struct CallGuard {
    relays: Arc<Relays>,
    key: Option<(SessionOwner, String)>,
    /// Of the request, as it was written; the server knows it by the same.
    id: String,
    cancelled: Arc<Notify>,
    /// The session it goes on in, and whether that is for this call alone.
    session: Option<(Arc<UpstreamSession>, bool)>,
    is_over: bool,
}

/// How many sessions are kept, and for how long one that nobody uses.
const MAX_SESSIONS: usize = 4096;
const IDLE: Duration = Duration::from_secs(3600);
/// How long what nobody waits for may take.
const COURTESY: Timeouts = Timeouts { connect: Duration::from_secs(5), answer: Duration::from_secs(5) };

impl SessionOwner {
    pub(super) fn new(principal: &Principal, session: &str) -> Self {
        let (issuer, subject) = (principal.issuer.clone(), principal.subject.clone());
        Self { issuer, subject, session: session.to_owned() }
    }
}

impl Relays {
    /// The session with a server that there is.
    pub(super) fn session(&self, owner: &SessionOwner, server: &str) -> Option<Arc<UpstreamSession>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let (session, used) = sessions.get_mut(&(owner.clone(), server.to_owned()))?;
        *used = Instant::now();
        Some(session.clone())
    }

    pub(super) fn keep(&self, owner: &SessionOwner, server: &str, session: Arc<UpstreamSession>) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, (_, used)| used.elapsed() < IDLE);
            if sessions.len() >= MAX_SESSIONS {
                sessions.clear();
            }
        }
        sessions.insert((owner.clone(), server.to_owned()), (session, Instant::now()));
    }

    /// The server knows the session no more.
    pub(super) fn forget(&self, owner: &SessionOwner, server: &str) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.remove(&(owner.clone(), server.to_owned()));
    }

    /// The caller's session is over, and so are all that were for it.
    pub(super) fn end(&self, owner: &SessionOwner) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|(whose, _), (session, _)| {
            let stays = whose != owner;
            if !stays {
                session.end();
            }
            stays
        });
    }

    /// A call that is under way from here on. One without an owner is cancelled by breaking it off alone.
    pub(super) fn begin(self: &Arc<Self>, owner: Option<&SessionOwner>, id: &str) -> CallGuard {
        let (cancelled, key) = (Arc::<Notify>::default(), owner.map(|owner| (owner.clone(), id.to_owned())));
        if let Some(key) = &key {
            self.calls.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), cancelled.clone());
        }
        CallGuard { relays: self.clone(), key, id: id.to_owned(), cancelled, session: None, is_over: false }
    }

    /// Cancels a call, if it is under way.
    pub(super) fn cancel(&self, owner: &SessionOwner, id: &str) {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(call) = calls.get(&(owner.clone(), id.to_owned())) {
            call.notify_one();
        }
    }
}

impl CallGuard {
    /// The call goes on in this session, which is for it alone or not.
    pub(super) fn goes_on_in(&mut self, session: Arc<UpstreamSession>, alone: bool) {
        self.session = Some((session, alone));
    }

    /// When the caller has cancelled it.
    pub(super) fn cancelled(&self) -> impl Future<Output = ()> + Send + use<> {
        let cancelled = self.cancelled.clone();
        async move { cancelled.notified().await }
    }

    /// The answer was had.
    pub(super) fn is_answered(&mut self) {
        self.is_over = true;
    }

    /// Tells the server that nobody waits any more.
    pub(super) fn cancel(&mut self) {
        if !std::mem::replace(&mut self.is_over, true)
            && let Some((session, _)) = &self.session
        {
            let text = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{}}}}}"#,
                self.id
            );
            session.link.tell(Method::POST, text.into());
        }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        match &self.key {
            Some(key) => drop(self.relays.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(key)),
            // 2026-07-28: to break off is to cancel.
            None => self.cancel(),
        }
        if let Some((session, true)) = &self.session {
            session.end();
        }
    }
}

impl UpstreamSession {
    /// Says that the session is over, if it has a name.
    pub(super) fn end(&self) {
        if self.name.is_some() {
            self.link.tell(Method::DELETE, Bytes::new());
        }
    }
}

impl CourtesyLink {
    fn tell(&self, method: Method, body: Bytes) {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.endpoint.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let (pool, endpoint) = (self.pool.clone(), self.endpoint.clone());
        // Without a runtime the gateway is at its end, and so are its sessions.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                drop(redirect::ask(&pool, &endpoint, request, COURTESY).await);
            });
        }
    }
}
