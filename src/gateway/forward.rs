//! The last step of the line: a permitted message goes on to its server, byte for byte, and the answer comes back as it is,
//! except for lists, which are filtered, and sessions, which are bound to their caller.
//! It leaves headers to `headers`, connections to `pool` and event streams to `events`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue,
};
use hyper::http::response;
use hyper::{Method, Request, Response, StatusCode, Uri};

use super::authn::{Caller, Credential, Via};
use super::body::Body;
use super::egress::Stored;
use super::events::{Events, Watch};
use super::headers::{self, Onward};
use super::intake::{Ungathered, Wish, gather};
use super::pool::{Failure, Inflow, Patience};
use super::record::Record;
use super::refusal::Refusal;
use super::servers::join::Transport;
use super::session::Bound;
use super::settings::{Egress, Visibility};
use super::state::Upstream;
use super::wire::filter;
use super::worker::Worker;
use crate::policy::Permit;

/// A message on its way, with the proof that it may go.
pub(super) struct Passage<'a> {
    /// Only `policy::decide` makes one.
    pub(super) permit: Permit,
    pub(super) caller: Arc<Caller>,
    pub(super) credential: Credential,
    pub(super) upstream: &'a Arc<Upstream>,
    /// Where on the server it goes.
    pub(super) target: Uri,
    pub(super) transport: Transport,
    pub(super) method: &'a Method,
    /// What it asks for.
    pub(super) wish: &'a Wish<'a>,
    pub(super) body: Bytes,
}

const MCP_SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

impl Passage<'_> {
    /// Whether the answer may hold a list: then it is read here.
    fn is_read(&self, visibility: Visibility) -> bool {
        let hidden = visibility == Visibility::Granted;
        // An old stream carries answers to any request, lists among them, and the address for messages.
        *self.method == Method::GET || (self.wish.lists().is_some() && hidden)
    }
}

impl Worker {
    /// Sends the message on and brings back what the server says.
    ///
    /// # Errors
    /// 502 and 504, or 404 for a session of another caller.
    pub(super) async fn forward(
        &self,
        passage: Passage<'_>,
        mut headers: HeaderMap,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        record.allowed(&passage.permit);
        self.onward(&passage, &mut headers, record.request_id())?;
        let stored = passage.upstream.stored.as_ref();
        if let Some(stored) = stored.filter(|_| passage.upstream.route.egress == Egress::Stored) {
            return Box::pin(self.with_stored(stored, passage, headers, record)).await;
        }
        let answer = self.send(&passage, headers, record).await?;
        self.answer(&passage, answer).await
    }

    /// The same with a credential that the gateway holds: refreshed and tried again where the server refuses it. Once,
    /// since a server that refuses a credential just got will refuse the next one too.
    async fn with_stored(
        &self,
        stored: &Arc<Stored>,
        passage: Passage<'_>,
        headers: HeaderMap,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        let credential = stored.current(&self.shared).await?;
        let mut with = headers.clone();
        credential.apply(&mut with);
        let mut answer = self.send(&passage, with, record).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let mut with = headers;
            stored.renewed(&self.shared, &credential).await?.apply(&mut with);
            answer = self.send(&passage, with, record).await?;
        }
        self.answer(&passage, answer).await
    }

    /// Makes a request's headers those that go on, all but the stored credential.
    fn onward(
        &self,
        passage: &Passage<'_>,
        headers: &mut HeaderMap,
        request_id: &str,
    ) -> Result<(), Refusal> {
        let Passage { caller, upstream, credential, .. } = passage;
        let onward = Onward {
            token: credential.token(),
            authorization: credential.via == Via::Own && upstream.route.egress == Egress::Passthrough,
            listed: upstream.headers.as_ref(),
            plain: passage.is_read(self.shared.settings.list_visibility),
        };
        onward.keep(headers);
        headers.insert(HOST, upstream.origin.header.clone());
        if onward.plain {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if let Ok(id) = HeaderValue::try_from(request_id) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        if let Some(session) = headers.get(MCP_SESSION_ID) {
            let sessions = headers.get_all(MCP_SESSION_ID).iter().count();
            let session = session.to_str().ok().filter(|_| sessions == 1);
            let opened = session
                .and_then(|text| self.shared.session_key.open(Bound::Session, text, caller, upstream.name()));
            let opened = opened.and_then(|id| HeaderValue::try_from(id).ok()).ok_or(Refusal::Session)?;
            headers.insert(MCP_SESSION_ID, opened);
        }
        for (name, value) in &upstream.route.server.headers {
            headers.insert(name.clone(), value.clone());
        }
        if upstream.route.identity_headers {
            identify(headers, passage);
        }
        Ok(())
    }

    async fn send(
        &self,
        passage: &Passage<'_>,
        headers: HeaderMap,
        record: &mut Record<'_>,
    ) -> Result<Response<Inflow>, Refusal> {
        let limits = &self.shared.settings.limits;
        let patience = Patience {
            connect: Duration::from_secs(limits.connect),
            answer: Duration::from_secs(limits.answer_within),
        };
        let mut request = Request::new(Full::new(passage.body.clone()));
        request.method_mut().clone_from(passage.method);
        *request.uri_mut() = passage.target.clone();
        *request.headers_mut() = headers;
        let sent = Instant::now();
        let result =
            self.pool.exchange(&passage.upstream.origin, request, patience, passage.wish.stays_open()).await;
        record.upstream(sent);
        result.map_err(|failure| {
            let name = passage.upstream.name();
            let (refusal, why) = match failure {
                Failure::Connect(error) => (Refusal::Unreachable, error.to_string()),
                Failure::Exchange(error) => (Refusal::Unreachable, error.to_string()),
                Failure::Switched => (Refusal::Unreachable, "it switches to another protocol".into()),
                Failure::Slow => (Refusal::Late, "no answer in time".into()),
            };
            let text = format!("{name}: {why} (request {})", record.request_id());
            self.shared.journal.warn("upstream", &text);
            refusal
        })
    }

    async fn answer(
        &self,
        passage: &Passage<'_>,
        answer: Response<Inflow>,
    ) -> Result<Response<Body>, Refusal> {
        let (mut head, inflow) = answer.into_parts();
        match head.status {
            // Its challenge is about another authorization server: clients would log in at the wrong one.
            StatusCode::UNAUTHORIZED => return Err(Refusal::Egress),
            StatusCode::NOT_MODIFIED => {}
            status if status.is_redirection() => return Err(Refusal::Redirect),
            _ => {}
        }
        headers::back(&mut head.headers);
        self.wrap_session(passage, &mut head)?;
        let is_read = passage.is_read(self.shared.settings.list_visibility);
        if is_read && is_encoded(&head.headers) {
            return unread(head);
        }
        if is_events(&head.headers) {
            let keep_alive = Duration::from_secs(self.shared.settings.limits.keep_alive);
            let events = if is_read || passage.wish.stays_open() {
                head.headers.remove(CONTENT_LENGTH);
                let filtered = is_read.then(|| self.shared.settings.limits.answer);
                Events::watched(inflow, keep_alive, self.watch(passage), filtered)
            } else {
                Events::passed(inflow, keep_alive)
            };
            return Ok(Response::from_parts(head, Body::events(events)));
        }
        if is_read {
            return Box::pin(self.filtered(passage, head, inflow)).await;
        }
        Ok(Response::from_parts(head, Body::pass(inflow)))
    }

    /// A legacy session's name is the server's towards the server, and the caller's own towards the caller.
    fn wrap_session(&self, passage: &Passage<'_>, head: &mut response::Parts) -> Result<(), Refusal> {
        let Some(session) = head.headers.get(MCP_SESSION_ID) else { return Ok(()) };
        let name = passage.upstream.name();
        let session = session.to_str().map_err(|_| Refusal::Unreachable)?;
        let wrapped = self.shared.session_key.wrap(Bound::Session, session, &passage.caller, name);
        let wrapped = HeaderValue::try_from(wrapped).map_err(|_| Refusal::Unreachable)?;
        head.headers.insert(MCP_SESSION_ID, wrapped);
        Ok(())
    }

    /// The whole answer, read and with what the caller may not see cut out.
    async fn filtered(
        &self,
        passage: &Passage<'_>,
        mut head: response::Parts,
        inflow: Inflow,
    ) -> Result<Response<Body>, Refusal> {
        let limit = self.shared.settings.limits.answer;
        let account = &passage.caller.account;
        let bytes = match gather(inflow, limit, account.hold(&self.shared.settings.limits)).await {
            Ok(bytes) => bytes,
            Err(Ungathered::Full(refusal)) => return Err(refusal),
            Err(Ungathered::Broken | Ungathered::TooLarge) => return unread(head),
        };
        if head.status == StatusCode::ACCEPTED {
            // The old transport's word that it has the message; the list comes on the stream and is filtered there.
            head.headers.remove(CONTENT_TYPE);
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            return Ok(Response::from_parts(head, Body::full(Bytes::new())));
        }
        if bytes.is_empty() {
            return Ok(Response::from_parts(head, Body::full(bytes)));
        }
        let (grants, server) = (&passage.caller.grants, passage.upstream.name());
        let cut = match filter::message(&bytes, &|listed, name| grants.shows(server, listed, name)) {
            Ok(std::borrow::Cow::Borrowed(_)) => None,
            Ok(std::borrow::Cow::Owned(cut)) => Some(cut),
            Err(_) => return unread(head),
        };
        let shown = match cut {
            None => bytes,
            Some(cut) => {
                drop(bytes);
                let mut hold = account.hold(&self.shared.settings.limits);
                hold.grow(cut.len())?;
                hold.keep(cut.into())
            }
        };
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(shown.len()));
        // What was read as JSON is answered as JSON, whatever the server called it.
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Response::from_parts(head, Body::full(shown)))
    }

    fn watch(&self, passage: &Passage<'_>) -> Watch {
        Watch::new(self.shared.clone(), passage.caller.clone(), passage.upstream.clone(), passage.transport)
    }
}

/// An answer that should be read here and cannot be: nothing of it is shown. A failure's status still passes, because
/// clients act on it: 405 says that there is no stream, 404 that a session is over, and servers say both in plain text.
fn unread(mut head: response::Parts) -> Result<Response<Body>, Refusal> {
    if head.status.is_success() {
        return Err(Refusal::Unreadable);
    }
    for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH] {
        head.headers.remove(name);
    }
    Ok(Response::from_parts(head, Body::full(Bytes::new())))
}

/// The reference's headers, for servers that ask for them.
fn identify(headers: &mut HeaderMap, passage: &Passage<'_>) {
    let principal = &passage.caller.principal;
    let scopes = principal.scopes.join(" ");
    let user = principal.username.as_deref().unwrap_or(&principal.subject);
    let rows = [
        ("x-user", Some(user)),
        ("x-username", Some(user)),
        ("x-client-id", principal.client_id.as_deref()),
        ("x-scopes", Some(scopes.as_str())),
        ("x-auth-method", Some("bearer")),
        ("x-server-name", Some(passage.upstream.name())),
        ("x-tool-name", passage.wish.name()),
    ];
    for (name, value) in rows {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity")
}

fn is_events(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("text/event-stream")
}

/// A stored credential, ready to be put in.
impl super::egress::Ready {
    /// Puts it in, instead of whatever the caller sent.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, self.authorization.clone());
        for (name, value) in &self.more {
            headers.insert(name.clone(), value.clone());
        }
    }
}
