//! The last step of the line: a permitted message goes on to its server, byte for byte, and the answer comes back as it is,
//! except for lists, which are filtered, and sessions, which are bound to their caller.
//! It leaves headers to `headers`, connections to `pool` and event streams to `events`.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body as _;
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue, TRANSFER_ENCODING,
};
use hyper::http::response;
use hyper::{Method, Request, Response, StatusCode, Uri};

use super::body::Body;
use super::callers::{Caller, Callers, Credential, Via};
use super::egress::{Asking, Stored};
use super::events::{Events, Reading};
use super::headers::{self, Onward};
use super::hold::{Held, come, hold, joined, soon};
use super::intake::{Ungathered, Wish, gather};
use super::pool::{Failure, Inflow, Patience, Pool};
use super::record::{Record, X_REQUEST_ID};
use super::refusal::Refusal;
use super::servers::join::Transport;
use super::session::Bound;
use super::settings::{Egress, Visibility};
use super::state::{Shared, Upstream};
use super::watch::{Wanted, Watch};
use super::wire::filter;
use super::wire::look::{Look, may_tell};
use super::wire::sse;
use super::wire::sse::Boundary;
use crate::policy::Permit;
use crate::sys::clock;
use crate::tokens::retry;

/// One core's way to the servers.
pub(super) struct Forwarder {
    pub(super) shared: Arc<Shared>,
    pub(super) callers: Arc<Callers>,
    pub(super) pool: Arc<Pool>,
}

/// A message on its way, with the proof that it may go.
pub(super) struct Passage<'a> {
    /// Only `policy::decide` makes one.
    pub(super) permit: Permit,
    pub(super) caller: Arc<Caller>,
    /// Under which epoch the caller was found good, and from where they asked.
    pub(super) epoch: u64,
    pub(super) peer: IpAddr,
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

/// A legacy session that a request is for.
struct Session {
    /// As the client knows it.
    given: HeaderValue,
    /// As the server does.
    own: HeaderValue,
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

impl Forwarder {
    /// Sends the message on and brings back what the server says.
    ///
    /// # Errors
    /// 502 and 504, or 404 for a session of another caller.
    pub(super) async fn forward(
        &self,
        passage: &mut Passage<'_>,
        mut headers: HeaderMap,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        record.allowed(&passage.permit);
        let session = self.session(passage, &headers)?;
        self.onward(passage, session.as_ref(), &mut headers, record.request_header());
        let upstream = passage.upstream;
        let answer = match &upstream.stored {
            Some(stored) if upstream.route.egress == Egress::Stored => {
                Box::pin(self.with_stored(stored, passage, headers, record)).await?
            }
            _ => self.send(passage, headers, record).await?,
        };
        self.answer(passage, session.as_ref(), answer).await
    }

    /// Sends it with a credential that the gateway holds, and with another one where the server refuses that.
    async fn with_stored(
        &self,
        stored: &Arc<Stored>,
        passage: &Passage<'_>,
        headers: HeaderMap,
        record: &mut Record<'_>,
    ) -> Result<Response<Inflow>, Refusal> {
        let source = Asking { stored, vault: &self.shared.vault, journal: &*self.shared.journal };
        let mut turn = retry::Once::begin(&source).await?;
        loop {
            let mut with = headers.clone();
            turn.token().apply(&mut with);
            let answer = self.send(passage, with, record).await?;
            if answer.status() != StatusCode::UNAUTHORIZED || !turn.again().await? {
                return Ok(answer);
            }
        }
    }

    /// Makes a request's headers those that go on, all but the stored credential.
    fn onward(
        &self,
        passage: &Passage<'_>,
        session: Option<&Session>,
        headers: &mut HeaderMap,
        request_id: HeaderValue,
    ) {
        let Passage { upstream, credential, .. } = passage;
        let onward = Onward {
            token: credential.token(),
            authorization: credential.via == Via::Own && upstream.route.egress == Egress::Passthrough,
            listed: upstream.headers.as_ref(),
        };
        onward.keep(headers);
        headers.insert(HOST, upstream.origin.header.clone());
        // Any answer may hold what has to be looked at.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(X_REQUEST_ID, request_id);
        if let Some(session) = session {
            headers.insert(MCP_SESSION_ID, session.own.clone());
        }
        for (name, value) in &upstream.route.server.headers {
            headers.insert(name.clone(), value.clone());
        }
        if upstream.route.identity_headers {
            identify(headers, passage);
        }
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
        passage: &mut Passage<'_>,
        session: Option<&Session>,
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
        let coded = is_coded(&head.headers);
        headers::back(&mut head.headers);
        // Servers with sessions may answer one message on the stream of another.
        let mixed = session.is_some()
            || passage.transport == Transport::Sse
            || head.headers.contains_key(MCP_SESSION_ID);
        self.seal_session(passage, session, &mut head)?;
        let visibility = self.shared.settings.list_visibility;
        let is_read = passage.is_read(visibility);
        let looks = visibility == Visibility::Granted;
        let plain = !coded && (is_read || !is_foreign(&head.headers));
        if !plain && (is_read || (mixed && looks)) {
            return unread(head);
        }
        if is_events(&head.headers) {
            return Ok(self.events(passage, head, inflow, plain).await);
        }
        if is_read {
            return Box::pin(self.filtered(passage, head, inflow)).await;
        }
        self.looked(passage, head, inflow, plain && looks).await
    }

    /// An event stream, ended with the caller's rights.
    async fn events(
        &self,
        passage: &Passage<'_>,
        mut head: response::Parts,
        mut inflow: Inflow,
        plain: bool,
    ) -> Response<Body> {
        let limits = &self.shared.settings.limits;
        let visibility = self.shared.settings.list_visibility;
        let is_read = passage.is_read(visibility);
        let mut held = VecDeque::new();
        // Most answers are one event that is there already: it needs no watch, and no filter if it tells nothing.
        let came = if plain { come(&mut inflow, &mut held).await } else { Ok(false) };
        if !is_read && matches!(came, Ok(true)) {
            let whole = joined(std::mem::take(&mut held), Bytes::new());
            if sse::is_whole(&whole) && (visibility != Visibility::Granted || !may_tell(&whole)) {
                return Response::from_parts(head, Body::full(whole));
            }
            held.push_back(whole);
        }
        let watch = self.watch(passage);
        let reading = if !plain {
            Reading::Raw
        } else if is_read {
            Reading::strictly(&watch, passage.transport, limits.answer)
        } else if visibility == Visibility::Granted {
            Reading::answers(&watch, limits.answer)
        } else {
            Reading::Passed(Boundary::default())
        };
        // A comment is no part of a length that was announced, nor of what a decoder expects.
        let fixed = head.headers.contains_key(CONTENT_LENGTH) || !plain;
        let every = if fixed { 0 } else { limits.keep_alive };
        if matches!(reading, Reading::Filtered(_)) {
            head.headers.remove(CONTENT_LENGTH);
        }
        let events = Events::new(held, inflow, reading, Duration::from_secs(every), watch).broken(came.err());
        Response::from_parts(head, Body::watched(events))
    }

    /// Any other answer: as it came, unless it holds a list all the same.
    async fn looked(
        &self,
        passage: &mut Passage<'_>,
        head: response::Parts,
        mut inflow: Inflow,
        looks: bool,
    ) -> Result<Response<Body>, Refusal> {
        if inflow.is_end_stream() {
            return Ok(Response::from_parts(head, Body::pass(inflow)));
        }
        let held = self.awaited(passage, hold(&mut inflow)).await?;
        let parts = match held.map_err(|_| Refusal::Unreachable)? {
            Held::Whole(bytes) if looks => return self.shown(passage, head, bytes, filter::anything),
            Held::Whole(bytes) => return Ok(Response::from_parts(head, Body::full(bytes))),
            Held::Part(parts) => parts,
        };
        let mut look = Look::default();
        if looks && parts.iter().any(|part| look.tells(part)) {
            return match self.gather(passage, inflow).await? {
                Some(rest) => self.shown(passage, head, joined(parts, rest), filter::anything),
                None => unread(head),
            };
        }
        let reading = if looks { Reading::Looked(look) } else { Reading::Raw };
        let events = Events::new(parts, inflow, reading, Duration::ZERO, self.watch(passage));
        Ok(Response::from_parts(head, Body::watched(events)))
    }

    /// The server's own name of the session that a request is for, if it was given to this caller.
    fn session(&self, passage: &Passage<'_>, headers: &HeaderMap) -> Result<Option<Session>, Refusal> {
        let mut values = headers.get_all(MCP_SESSION_ID).iter();
        let Some(given) = values.next() else { return Ok(None) };
        let text = given.to_str().ok().filter(|_| values.next().is_none());
        let (caller, server) = (&passage.caller.principal, passage.upstream.name());
        let own = text.and_then(|text| self.shared.session_key.open(Bound::Session, text, caller, server));
        let own = own.and_then(|id| HeaderValue::try_from(id).ok()).ok_or(Refusal::Session)?;
        Ok(Some(Session { given: given.clone(), own }))
    }

    /// A legacy session's name is the server's towards the server, and the caller's own towards the caller.
    fn seal_session(
        &self,
        passage: &Passage<'_>,
        session: Option<&Session>,
        head: &mut response::Parts,
    ) -> Result<(), Refusal> {
        let Some(named) = head.headers.get(MCP_SESSION_ID) else { return Ok(()) };
        let sealed = match session {
            // Said again, it stays what the client knows it by.
            Some(session) if session.own == *named => session.given.clone(),
            _ => {
                let id = named.to_str().map_err(|_| Refusal::Unreachable)?;
                let (caller, server) = (&passage.caller.principal, passage.upstream.name());
                let sealed = self.shared.session_key.seal(Bound::Session, id, caller, server);
                sealed.and_then(|text| HeaderValue::try_from(text).ok()).ok_or(Refusal::Unreachable)?
            }
        };
        head.headers.insert(MCP_SESSION_ID, sealed);
        Ok(())
    }

    /// All that is left of an answer, in memory that the caller has; `None` if it breaks off or is too large.
    ///
    /// # Errors
    /// If there is no such memory.
    async fn gather(&self, passage: &mut Passage<'_>, inflow: Inflow) -> Result<Option<Bytes>, Refusal> {
        let limits = &self.shared.settings.limits;
        let hold = passage.caller.account.hold(limits);
        match self.awaited(passage, gather(inflow, limits.answer, hold)).await? {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Ungathered::Full(refusal)) => Err(refusal),
            Err(Ungathered::Broken | Ungathered::TooLarge) => Ok(None),
        }
    }

    /// The whole answer, read and with what the caller may not see cut out.
    async fn filtered(
        &self,
        passage: &mut Passage<'_>,
        mut head: response::Parts,
        inflow: Inflow,
    ) -> Result<Response<Body>, Refusal> {
        let Some(bytes) = self.gather(passage, inflow).await? else { return unread(head) };
        if head.status == StatusCode::ACCEPTED {
            // The old transport's word that it has the message; the list comes on the stream and is filtered there.
            head.headers.remove(CONTENT_TYPE);
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            return Ok(Response::from_parts(head, Body::full(Bytes::new())));
        }
        if bytes.is_empty() {
            return Ok(Response::from_parts(head, Body::full(bytes)));
        }
        // What was read as JSON is answered as JSON, whatever the server called it.
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.shown(passage, head, bytes, filter::message)
    }

    /// What of a whole answer the caller may see, as `read` finds it.
    fn shown(
        &self,
        passage: &Passage<'_>,
        mut head: response::Parts,
        bytes: Bytes,
        read: for<'a> fn(&'a [u8], filter::Shows<'_>) -> filter::Shown<'a>,
    ) -> Result<Response<Body>, Refusal> {
        let (grants, server) = (&passage.caller.grants, passage.upstream.name());
        let cut = match read(&bytes, &|listed, name| grants.shows(server, listed, name)) {
            Ok(Cow::Borrowed(_)) => None,
            Ok(Cow::Owned(cut)) if !cut.is_empty() => Some(cut),
            Ok(Cow::Owned(_)) | Err(_) => return unread(head),
        };
        let shown = match cut {
            None => bytes,
            Some(cut) => {
                drop(bytes);
                head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let mut hold = passage.caller.account.hold(&self.shared.settings.limits);
                hold.grow(cut.len())?;
                hold.keep(cut.into())
            }
        };
        if head.headers.contains_key(CONTENT_LENGTH) {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(shown.len()));
        }
        Ok(Response::from_parts(head, Body::full(shown)))
    }

    /// What comes of a body, if the caller may still have it when it comes; as they are known then.
    ///
    /// # Errors
    /// As for a request that came then.
    async fn awaited<F: Future>(&self, passage: &mut Passage<'_>, body: F) -> Result<F::Output, Refusal> {
        let mut body = pin!(body);
        let done = soon(body.as_mut()).await;
        let is_current =
            passage.epoch == self.shared.epoch() && clock::now() < passage.caller.believed_until();
        let done = match done {
            Some(done) if is_current => return Ok(done),
            done => done,
        };
        // Boxed: most bodies come with their head.
        let (done, caller, epoch) = Box::pin(self.watch(passage).over(done, body)).await?;
        (passage.caller, passage.epoch) = (caller, epoch);
        Ok(done)
    }

    fn watch(&self, passage: &Passage<'_>) -> Watch {
        let wanted = passage.wish.calls().map(Wanted::keep).collect();
        let known = (&passage.caller, passage.epoch, passage.peer);
        Watch::new(&self.callers, known, &passage.credential, passage.upstream, wanted)
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

/// Whether the body has a coding, so that it cannot be read here.
fn is_coded(headers: &HeaderMap) -> bool {
    let only = |name, word: &[u8]| {
        headers.get_all(name).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(word))
    };
    !(only(CONTENT_ENCODING, b"identity") && only(TRANSFER_ENCODING, b"chunked"))
}

/// Whether the body may be in characters that cannot be searched. JSON and event streams are UTF-8 whatever this says, but
/// there are clients that believe it.
fn is_foreign(headers: &HeaderMap) -> bool {
    const NAME: &[u8] = b"charset";
    const KNOWN: [&[u8]; 5] = [b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1", b"windows-1252"];
    let is = |text: &[u8], word: &[u8]| {
        text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let known = |named: &[u8]| {
        let start = named.iter().position(|byte| !matches!(byte, b'=' | b' ' | b'"')).unwrap_or(named.len());
        KNOWN.iter().any(|known| is(named.get(start..).unwrap_or_default(), known))
    };
    // Every one counts: of two, it is the reader's guess which one is meant.
    let foreign = |kind: &HeaderValue| {
        let kind = kind.as_bytes();
        let mut names = kind.windows(NAME.len()).enumerate().filter(|(_, window)| is(window, NAME));
        names.any(|(at, _)| !known(kind.get(at + NAME.len()..).unwrap_or_default()))
    };
    headers.get_all(CONTENT_TYPE).iter().any(foreign)
}

fn is_events(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("text/event-stream")
}
