//! The last step of the line: forwards a permitted message to its server unchanged, and returns the answer unchanged,
//! except for lists, which are filtered, and sessions, which are bound to their caller. Not here: headers (see
//! `headers`); connections (see `pool`); event streams (see `events`).

use std::borrow::Cow;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::body::Body as _;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::response;
use hyper::{Method, Response, StatusCode};

use super::authorized_request::{AuthorizedRequest, LegacySession};
use super::body::Body;
use super::buffering::{BegunBody, BufferedBody, come, hold, joined, soon};
use super::callers::Callers;
use super::catalogue::ListListener;
use super::content::{Coded, Content};
use super::events::{Events, Inflow, ReadMode};
use super::headers;
use super::pool::UpstreamBody;
use super::refusal::Rejection;
use super::request_body::{BodyReadError, gather};
use super::request_log::RequestLog;
use super::send::UpstreamSender;
use super::servers::endpoints::Transport;
use super::session::SealPurpose;
use super::settings::Visibility;
use super::state::SharedState;
use super::watch::{AnswerWatch, OwnedCall};
use super::wire::filter;
use super::wire::list_scan::{ListScan, may_tell};
use super::wire::sse;
use super::wire::sse::Boundary;
use crate::mcp::SESSION;
use crate::policy::Listed;
use crate::sys::clock;
use crate::sys::coding::{self, Decoded};
use crate::sys::mark::unmarked;

/// Why a session cannot be bound to its caller.
const NO_TEXT: &str = "its session id is not text";

/// One core's way to the servers and back.
pub(super) struct Forwarder {
    pub(super) shared: Arc<SharedState>,
    pub(super) callers: Arc<Callers>,
    pub(super) sender: UpstreamSender,
}

impl AuthorizedRequest<'_> {
    /// An answer that must be parsed here and cannot be: nothing of it is shown. A failure's status still passes,
    /// because clients act on it: 405 means that there is no stream, 404 that a session is over, and servers send
    /// both as plain text. So does an old server's acknowledgement of a message, in its own words.
    fn unread(&self, mut head: response::Parts) -> Result<Response<Body>, Rejection> {
        if head.status.is_success() {
            let is_old = self.endpoint.transport == Transport::Sse && *self.method == Method::POST;
            return if is_old { Ok(acknowledged(head)) } else { Err(Rejection::Unreadable) };
        }
        for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH] {
            head.headers.remove(name);
        }
        Ok(Response::from_parts(head, Body::full(Bytes::new())))
    }
}

impl Forwarder {
    /// Forwards the message and returns the server's answer.
    ///
    /// # Errors
    /// 502 and 504, or 404 for a session of another caller.
    pub(super) async fn forward(
        &self,
        passage: &mut AuthorizedRequest<'_>,
        headers: HeaderMap,
        record: &mut RequestLog<'_>,
    ) -> Result<Response<Body>, Rejection> {
        record.allowed(&passage.permit);
        let session = self.session(passage, &headers)?;
        let answer = self.sender.send(passage, session.as_ref(), headers, record).await?;
        self.answer(passage, session.as_ref(), answer).await
    }

    /// What the caller gets of the server's answer.
    ///
    /// # Errors
    /// 502 and 504.
    pub(super) async fn answer(
        &self,
        passage: &mut AuthorizedRequest<'_>,
        session: Option<&LegacySession>,
        answer: Response<UpstreamBody>,
    ) -> Result<Response<Body>, Rejection> {
        let (mut head, inflow) = answer.into_parts();
        // Its challenge names another authorization server: clients would log in at the wrong one.
        if head.status == StatusCode::UNAUTHORIZED {
            return Err(Rejection::Egress(passage.given()));
        }
        let Content { is_coded, is_foreign, is_stream } = Content::of(&head.headers);
        let is_coded = is_coded && !inflow.is_end_stream();
        let coded = if is_coded { Coded::of(&head.headers) } else { Coded::Plain };
        headers::filter_response_headers(&mut head.headers);
        // Servers with sessions may answer one message on another's stream.
        let mixed = session.is_some()
            || passage.endpoint.transport == Transport::Sse
            || head.headers.contains_key(SESSION);
        self.seal_session(passage, session, &mut head)?;
        let visibility = self.shared.settings.list_visibility;
        let is_read = passage.is_read(visibility);
        let looks = visibility == Visibility::Granted;
        let known = is_read || !is_foreign;
        let plain = matches!(coded, Coded::Plain) && known;
        if !plain && (is_read || (mixed && looks)) {
            return match coded {
                Coded::As(codings) if known && head.status.is_success() => {
                    for name in [CONTENT_ENCODING, CONTENT_LENGTH] {
                        head.headers.remove(name);
                    }
                    let body = coding::undo(inflow, &codings);
                    if is_stream {
                        return Ok(self.read(passage, head, VecDeque::new(), Inflow::Decoded(body), None));
                    }
                    Box::pin(self.decoded(passage, head, body, is_read)).await
                }
                _ => passage.unread(head),
            };
        }
        if is_stream {
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
        passage: &AuthorizedRequest<'_>,
        head: response::Parts,
        mut inflow: UpstreamBody,
        plain: bool,
    ) -> Response<Body> {
        let visibility = self.shared.settings.list_visibility;
        let mut held = VecDeque::new();
        if !plain {
            // A comment would break a decoder.
            let (inflow, watch) = (Inflow::Plain(inflow), self.watch(passage));
            let events = Events::new(held, inflow, ReadMode::Raw, Duration::ZERO, watch);
            return Response::from_parts(head, Body::watched(events));
        }
        // Most answers are one event that has already arrived: it needs no watch, and no filter if it contains no
        // list.
        let came = come(&mut inflow, &mut held).await;
        if !passage.is_read(visibility) && matches!(came, Ok(true)) && self.is_current(passage) {
            let whole = joined(std::mem::take(&mut held));
            if sse::is_whole(&whole) && (visibility != Visibility::Granted || !may_tell(&whole)) {
                return Response::from_parts(head, Body::full(whole));
            }
            held.push_back(whole);
        }
        self.read(passage, head, held, Inflow::Plain(inflow), came.err().map(io::Error::other))
    }

    /// An event stream whose events are read, of which this much has arrived.
    fn read(
        &self,
        passage: &AuthorizedRequest<'_>,
        mut head: response::Parts,
        held: VecDeque<Bytes>,
        inflow: Inflow,
        broken: Option<io::Error>,
    ) -> Response<Body> {
        let limits = &self.shared.settings.limits;
        let visibility = self.shared.settings.list_visibility;
        let watch = self.watch(passage);
        let reading = if passage.is_read(visibility) {
            let listener = self.listener(passage);
            ReadMode::strictly(&watch, passage.endpoint.transport, limits.max_response_bytes, listener)
        } else if visibility == Visibility::Granted {
            ReadMode::answers(&watch, limits.max_response_bytes)
        } else {
            ReadMode::Passed(Boundary::default())
        };
        // A comment would break an announced length.
        let fixed = head.headers.contains_key(CONTENT_LENGTH);
        let every = if fixed { 0 } else { limits.keep_alive_interval };
        if matches!(reading, ReadMode::Filtered(_)) {
            head.headers.remove(CONTENT_LENGTH);
        }
        let events = Events::new(held, inflow, reading, Duration::from_secs(every), watch).broken(broken);
        Response::from_parts(head, Body::watched(events))
    }

    /// Any other answer: unchanged, unless it contains a list after all.
    async fn looked(
        &self,
        passage: &mut AuthorizedRequest<'_>,
        head: response::Parts,
        mut inflow: UpstreamBody,
        looks: bool,
    ) -> Result<Response<Body>, Rejection> {
        if inflow.is_end_stream() {
            return Ok(Response::from_parts(head, Body::pass(inflow)));
        }
        let held = self.awaited(passage, hold(&mut inflow)).await?;
        let parts = match held.map_err(|_| Rejection::Broken("it is cut off"))? {
            BufferedBody::Whole(bytes) if looks => return self.shown(passage, head, bytes, filter::anything),
            BufferedBody::Whole(bytes) => return Ok(Response::from_parts(head, Body::full(bytes))),
            BufferedBody::Part(parts) => parts,
        };
        let mut look = ListScan::default();
        if looks && parts.iter().any(|part| look.tells(part)) {
            return match self.gather(passage, BegunBody { parts, inflow }).await? {
                Some(bytes) => self.shown(passage, head, bytes, filter::anything),
                None => passage.unread(head),
            };
        }
        let reading = if looks { ReadMode::Looked(look) } else { ReadMode::Raw };
        let inflow = Inflow::Plain(inflow);
        let events = Events::new(parts, inflow, reading, Duration::ZERO, self.watch(passage));
        Ok(Response::from_parts(head, Body::watched(events)))
    }

    /// An answer that has to be read and came in a coding that nobody asked for.
    async fn decoded(
        &self,
        passage: &mut AuthorizedRequest<'_>,
        head: response::Parts,
        body: Decoded,
        is_read: bool,
    ) -> Result<Response<Body>, Rejection> {
        if is_read {
            return self.filtered(passage, head, body).await;
        }
        match self.gather(passage, body).await? {
            Some(bytes) => self.shown(passage, head, bytes, filter::anything),
            None => passage.unread(head),
        }
    }

    /// The server's own id of the session that a request is for, if it was given to this caller.
    fn session(
        &self,
        passage: &AuthorizedRequest<'_>,
        headers: &HeaderMap,
    ) -> Result<Option<LegacySession>, Rejection> {
        let mut values = headers.get_all(SESSION).iter();
        let Some(given) = values.next() else { return Ok(None) };
        let text = given.to_str().ok().filter(|_| values.next().is_none());
        let (caller, server) = (&passage.caller.principal, passage.upstream.name());
        let own =
            text.and_then(|text| self.shared.session_key.unseal(SealPurpose::Session, text, caller, server));
        let own = own.and_then(|id| HeaderValue::try_from(id).ok()).ok_or(Rejection::Session)?;
        Ok(Some(LegacySession { given: given.clone(), own }))
    }

    /// A legacy session has the server's id on the server's side, and the caller's own on the caller's.
    fn seal_session(
        &self,
        passage: &AuthorizedRequest<'_>,
        session: Option<&LegacySession>,
        head: &mut response::Parts,
    ) -> Result<(), Rejection> {
        let Some(named) = head.headers.get(SESSION) else { return Ok(()) };
        let sealed = match session {
            // Repeated, it stays what the client knows it by.
            Some(session) if session.own == *named => session.given.clone(),
            _ => {
                let id = named.to_str().map_err(|_| Rejection::Broken(NO_TEXT))?;
                let (caller, server) = (&passage.caller.principal, passage.upstream.name());
                let sealed = self.shared.session_key.seal(SealPurpose::Session, id, caller, server);
                let longest = self.shared.session_key.longest;
                sealed
                    .and_then(|text| HeaderValue::try_from(text).ok())
                    .ok_or(Rejection::LongSession(longest))?
            }
        };
        head.headers.insert(SESSION, sealed);
        Ok(())
    }

    /// A whole answer, in the caller's reservation; `None` if it is cut off or is too large.
    ///
    /// # Errors
    /// If there is no room in the reservation.
    async fn gather(
        &self,
        passage: &mut AuthorizedRequest<'_>,
        body: impl hyper::body::Body<Data = Bytes> + Unpin,
    ) -> Result<Option<Bytes>, Rejection> {
        let limits = &self.shared.settings.limits;
        let hold = passage.caller.account.hold(limits);
        match self.awaited(passage, gather(body, limits.max_response_bytes, hold)).await? {
            Ok(bytes) => Ok(Some(bytes)),
            Err(BodyReadError::Full(refusal)) => Err(refusal),
            Err(BodyReadError::Broken | BodyReadError::TooLarge) => Ok(None),
        }
    }

    /// The whole answer, parsed, without what the caller must not see.
    async fn filtered(
        &self,
        passage: &mut AuthorizedRequest<'_>,
        mut head: response::Parts,
        body: impl hyper::body::Body<Data = Bytes> + Unpin,
    ) -> Result<Response<Body>, Rejection> {
        let Some(bytes) = self.gather(passage, body).await? else { return passage.unread(head) };
        if head.status == StatusCode::ACCEPTED {
            return Ok(acknowledged(head));
        }
        if bytes.is_empty() {
            return Ok(Response::from_parts(head, Body::full(bytes)));
        }
        if let Some(listener) = self.listener(passage) {
            listener.hear(&bytes, || Some(bytes.clone()));
        }
        // What was parsed as JSON is answered as JSON, whatever type the server named.
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.shown(passage, head, bytes, filter::message)
    }

    /// What the caller may see of a whole answer, as decided by `read`.
    fn shown(
        &self,
        passage: &AuthorizedRequest<'_>,
        mut head: response::Parts,
        mut bytes: Bytes,
        read: for<'a> fn(&'a [u8], filter::VisibleFn<'_>) -> filter::FilteredBody<'a>,
    ) -> Result<Response<Body>, Rejection> {
        let views = passage.caller.grants.views(passage.upstream.name());
        let as_it_came = bytes.len();
        bytes.advance(as_it_came - unmarked(&bytes).len());
        let cut = match read(&bytes, &|listed, name| views.shows(listed, name)) {
            Ok(Cow::Borrowed(_)) => None,
            Ok(Cow::Owned(cut)) if !cut.is_empty() => Some(cut),
            Ok(Cow::Owned(_)) | Err(_) => return passage.unread(head),
        };
        let length = cut.as_ref().map_or(bytes.len(), Vec::len);
        if length != as_it_came && head.headers.contains_key(CONTENT_LENGTH) {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let Some(cut) = cut else { return Ok(Response::from_parts(head, Body::full(bytes))) };
        drop(bytes);
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut hold = passage.caller.account.hold(&self.shared.settings.limits);
        hold.grow(cut.len())?;
        Ok(Response::from_parts(head, Body::full(hold.keep(cut.into()))))
    }

    /// The result of a body, if the caller may still have it when it arrives; checked again then.
    ///
    /// # Errors
    /// As for a request that arrives then.
    pub(super) async fn awaited<F: Future>(
        &self,
        passage: &mut AuthorizedRequest<'_>,
        body: F,
    ) -> Result<F::Output, Rejection> {
        let mut body = pin!(body);
        let done = soon(body.as_mut()).await;
        let done = match done {
            Some(done) if self.is_current(passage) => return Ok(done),
            done => done,
        };
        // Boxed: most bodies arrive with their headers.
        let (done, caller, epoch) = Box::pin(self.watch(passage).over(done, body)).await?;
        (passage.caller, passage.epoch) = (caller, epoch);
        Ok(done)
    }

    /// Whether the caller is as it was last checked: nothing it was checked against has changed or expired.
    fn is_current(&self, passage: &AuthorizedRequest<'_>) -> bool {
        passage.epoch == self.shared.epoch() && clock::now() < passage.caller.cache_until()
    }

    /// The recorder of a server's tools, if this request lists them.
    fn listener(&self, passage: &AuthorizedRequest<'_>) -> Option<ListListener> {
        let lists = passage.wish.lists() == Some(Listed::Tool);
        lists.then(|| self.shared.catalogue.listener(&passage.upstream.route, &passage.body)).flatten()
    }

    fn watch(&self, passage: &AuthorizedRequest<'_>) -> AnswerWatch {
        let wanted = (passage.wish.calls().map(OwnedCall::keep).collect(), passage.is_relayed);
        let known = (&passage.caller, passage.epoch, passage.peer);
        let server = (passage.upstream, passage.base);
        AnswerWatch::new(&self.callers, known, &passage.credential, server, wanted, &passage.request_id)
    }
}

/// The old transport's acknowledgement of the message; the list comes on the stream and is filtered there.
fn acknowledged(mut head: response::Parts) -> Response<Body> {
    for name in [CONTENT_TYPE, CONTENT_ENCODING] {
        head.headers.remove(name);
    }
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    Response::from_parts(head, Body::full(Bytes::new()))
}
