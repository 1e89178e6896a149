//! Calls another server's tool for a caller of the gateway's own server: the call is made in the words that the other
//! server speaks, and its answer comes back as it is, progress and errors with it. The line has decided by then, as
//! for a direct call. Not here: the sessions this takes (see `relays`); sending and answering (see `send` and
//! `forward`).
//!
//! Nothing of the caller's goes along that was meant for one server alone: no outside credential, and no header but the
//! protocol's own. Which server is called is in the arguments, which a model writes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::alarm::Alarm;
use super::authorized_request::{AuthorizedRequest, LegacySession};
use super::body::Body;
use super::callers::{Caller, TokenHeader};
use super::egress::CredentialRequest;
use super::forward::Forwarder;
use super::headers::filter_response_headers;
use super::mcpgw::ToolOrder;
use super::pool::UpstreamBody;
use super::refusal::Rejection;
use super::relays::{CallGuard, CourtesyLink, SessionOwner, UpstreamSession};
use super::request_body::{ParsedRequest, gather};
use super::request_log::RequestLog;
use super::send::onward;
use super::servers::endpoints::{Transport, UpstreamEndpoint};
use super::servers::route::PathBase;
use super::settings::EgressMode;
use super::state::{Snapshot, Upstream};
use super::wire::envelope::Envelope;
use super::wire::inner_call::InnerCall;
use crate::mcp::jsonrpc::{HEADER_MISMATCH, INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_CAPABILITY, parse};
use crate::mcp::mirror::ToolHeaders;
use crate::mcp::sse::{SseReader, is_stream};
use crate::mcp::{
    ACCEPTED, JSON, LAST_EVENT, LEGACY, METHOD, NAME, SESSION, VERSION, add_client_meta, initialize_params,
};
use crate::policy::{Call, Permit, decide};
use crate::tokens::TokenSource;

/// A call that the policy allows.
pub(super) struct RelayedCall<'a> {
    pub(super) order: &'a ToolOrder,
    pub(super) moment: &'a Snapshot,
    pub(super) caller: &'a Arc<Caller>,
    pub(super) credential: &'a TokenHeader,
    pub(super) upstream: &'a Arc<Upstream>,
    pub(super) endpoint: &'a UpstreamEndpoint,
    pub(super) permit: Permit,
    /// The caller's own headers, and message.
    pub(super) headers: HeaderMap,
    pub(super) body: &'a Bytes,
    pub(super) envelope: &'a Envelope<'a>,
    /// The identifier of the caller's request, for the log.
    pub(super) request_id: HeaderValue,
    /// For its exchanges, which come one after the other.
    pub(super) alarm: Alarm,
}

/// The most of an answer that is read to begin a session, in bytes.
const MAX_REPLY_BYTES: usize = 1 << 20;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

impl Forwarder {
    /// The other server's answer.
    ///
    /// # Errors
    /// As for a direct call; [`Rejection::NoServer`] never, and what cannot be called this way is a result that says so.
    pub(super) async fn relay(
        &self,
        call: &RelayedCall<'_>,
        record: &mut RequestLog<'_>,
    ) -> Result<Response<Body>, Rejection> {
        record.allowed(&call.permit);
        let inner = call.inner()?;
        let owner = call.order.session.as_ref().map(|name| SessionOwner::new(&call.caller.principal, name));
        let mut guard = self.shared.relays.begin(owner.as_ref(), call.envelope.id.unwrap_or("null"));
        let cancelled = guard.cancelled();
        let answer = async {
            if call.is_modern() && !call.upstream.is_older.load(Ordering::Relaxed) {
                match self.in_modern_words(call, &inner, record).await? {
                    Some(answer) => return Ok(answer),
                    None => call.upstream.is_older.store(true, Ordering::Relaxed),
                }
            }
            self.in_older_words(call, &inner, owner.as_ref(), &mut guard, record).await
        };
        let answer = tokio::select! {
            answer = answer => answer?,
            () = cancelled => {
                // A client that cancels waits for no answer.
                guard.cancel();
                return Ok(Body::response(StatusCode::ACCEPTED, ""));
            }
        };
        let cancelled = Box::pin(guard.cancelled());
        Ok(answer.map(|inner| Body::watched(RelayBody { inner, cancelled, guard, is_over: false })))
    }

    /// The call as a server of 2026-07-28 takes it; nothing if it turns out not to know such words.
    async fn in_modern_words(
        &self,
        call: &RelayedCall<'_>,
        inner: &InnerCall<'_>,
        record: &mut RequestLog<'_>,
    ) -> Result<Option<Response<Body>>, Rejection> {
        let mut ours = Map::new();
        add_client_meta(&mut ours);
        let meta = ours.get("_meta").and_then(Value::as_object);
        let text = inner.message(&call.order.tool, meta);
        let mut headers = call.bare_headers();
        if let Ok(message) = parse(&text) {
            headers.extend(self.tool_headers(call).headers(&message));
        }
        let sent = Bytes::from(text);
        let answer = self.exchange(call, sent.clone(), None, headers, record, call.permit.clone()).await?;
        if !matches!(answer.status().as_u16(), 400 | 404 | 405 | 406 | 415) {
            return self.answered(call, None, answer, sent).await.map(Some);
        }
        let (mut head, body) = answer.into_parts();
        let hold = call.caller.account.hold(&self.shared.settings.limits);
        let wish = ParsedRequest::Message(Envelope::read(&sent).map_err(Rejection::Malformed)?);
        let (permit, post, id) = (call.permit.clone(), Method::POST, call.request_id.clone());
        let mut passage = call.passage(permit, &wish, sent.clone(), &post, id);
        let said = self.awaited(&mut passage, gather(body, MAX_REPLY_BYTES, hold)).await?;
        let said = said.unwrap_or_default();
        if !is_modern_refusal(&said) {
            if let Some(name) = head.headers.remove(SESSION) {
                // Older servers open one for whatever comes without.
                let [newest, ..] = LEGACY;
                let version = HeaderValue::from_static(newest);
                let link = self.link(call, Some(&name), &version).await?;
                UpstreamSession { name: Some(name), version, link }.end();
            }
            return Ok(None);
        }
        filter_response_headers(&mut head.headers);
        Ok(Some(Response::from_parts(head, Body::full(said))))
    }

    /// The call as servers until 2025-11-25 take it: within a session, begun if there is none.
    async fn in_older_words(
        &self,
        call: &RelayedCall<'_>,
        inner: &InnerCall<'_>,
        owner: Option<&SessionOwner>,
        guard: &mut CallGuard,
        record: &mut RequestLog<'_>,
    ) -> Result<Response<Body>, Rejection> {
        let (server, sent) = (call.upstream.name(), Bytes::from(inner.message(&call.order.tool, None)));
        let mut known = owner.and_then(|owner| self.shared.relays.session(owner, server));
        loop {
            let was_known = known.is_some();
            let session = match known.take() {
                Some(session) => session,
                None => match self.handshake(call, record).await? {
                    Ok(session) => session,
                    // It knows no handshake, or cannot begin one: without it, in the newer words.
                    Err(refused) => {
                        return match self.in_modern_words(call, inner, record).await? {
                            Some(answer) => Ok(answer),
                            None => self.answered(call, None, refused, sent).await,
                        };
                    }
                },
            };
            guard.goes_on_in(session.clone(), owner.is_none());
            let mut headers = call.bare_headers();
            headers.insert(VERSION, session.version.clone());
            let within = session.name.clone().map(|own| LegacySession { given: own.clone(), own });
            let (asked, permit) = (sent.clone(), call.permit.clone());
            let answer = self.exchange(call, asked, within.as_ref(), headers, record, permit).await?;
            let Some(owner) = owner else { return self.answered(call, within.as_ref(), answer, sent).await };
            // A session that is gone (2025-11-25, "Session Management"): nothing was done.
            if answer.status() == StatusCode::NOT_FOUND && was_known && within.is_some() {
                self.shared.relays.forget(owner, server);
                continue;
            }
            self.shared.relays.keep(owner, server, session);
            return self.answered(call, within.as_ref(), answer, sent).await;
        }
    }

    /// Begins a session with the server; else what it said instead.
    async fn handshake(
        &self,
        call: &RelayedCall<'_>,
        record: &mut RequestLog<'_>,
    ) -> Result<Result<Arc<UpstreamSession>, Response<UpstreamBody>>, Rejection> {
        let text = json!({
            "jsonrpc": "2.0", "id": "mcpauth-initialize", "method": "initialize", "params": initialize_params(),
        });
        let permit = call.lifecycle("initialize")?;
        let sent = text.to_string().into();
        let answer = self.exchange(call, sent, None, call.bare_headers(), record, permit).await?;
        if !answer.status().is_success() {
            return Ok(Err(answer));
        }
        let name = answer.headers().get(SESSION).cloned();
        let within = Duration::from_secs(self.shared.settings.limits.response_timeout);
        let version = timeout(within, self.agreed(call, answer)).await.map_err(|_| Rejection::Late)??;
        let version =
            HeaderValue::try_from(version).map_err(|_| Rejection::Broken("its version is not text"))?;
        let link = self.link(call, name.as_ref(), &version).await?;
        let session = Arc::new(UpstreamSession { name, version: version.clone(), link });
        let mut headers = call.bare_headers();
        headers.insert(VERSION, version);
        let within = session.name.clone().map(|own| LegacySession { given: own.clone(), own });
        let permit = call.lifecycle("notifications/initialized")?;
        drop(self.exchange(call, INITIALIZED.into(), within.as_ref(), headers, record, permit).await?);
        Ok(Ok(session))
    }

    /// The version that the answer to `initialize` agrees to.
    async fn agreed(
        &self,
        call: &RelayedCall<'_>,
        answer: Response<UpstreamBody>,
    ) -> Result<String, Rejection> {
        let streams = is_stream(answer.headers());
        let hold = call.caller.account.hold(&self.shared.settings.limits);
        let bytes = gather(answer.into_body(), MAX_REPLY_BYTES, hold).await;
        let bytes = bytes.map_err(|_| Rejection::Broken("its handshake breaks off"))?;
        let version = |text: &str| {
            let message = parse(text).ok()?;
            message.pointer("/result/protocolVersion")?.as_str().map(str::to_owned)
        };
        let found = if streams {
            let events = SseReader::new(MAX_REPLY_BYTES).push(&bytes).unwrap_or_default();
            events.iter().find_map(|event| version(&event.data))
        } else {
            std::str::from_utf8(&bytes).ok().and_then(version)
        };
        found.ok_or(Rejection::Broken("its handshake agrees to nothing"))
    }

    /// What courtesies to the server are sent with.
    async fn link(
        &self,
        call: &RelayedCall<'_>,
        name: Option<&HeaderValue>,
        version: &HeaderValue,
    ) -> Result<CourtesyLink, Rejection> {
        let session = name.map(|own| LegacySession { given: own.clone(), own: own.clone() });
        let wish = ParsedRequest::Stream;
        let (post, permit) = (Method::POST, call.permit.clone());
        let passage = call.passage(permit, &wish, Bytes::new(), &post, call.request_id.clone());
        let mut headers = call.bare_headers();
        headers.insert(VERSION, version.clone());
        onward(&passage, session.as_ref(), &mut headers, HeaderValue::from_static("courtesy"));
        if let Some(stored) =
            call.upstream.stored.as_ref().filter(|_| call.upstream.route.egress == EgressMode::Stored)
        {
            let request = call.request_id.to_str().unwrap_or_default();
            let source = CredentialRequest { stored, vault: &self.shared.vault, request };
            source.current().await?.apply(&mut headers);
        }
        Ok(CourtesyLink { pool: self.sender.pool.clone(), endpoint: call.endpoint.clone(), headers })
    }

    async fn exchange(
        &self,
        call: &RelayedCall<'_>,
        body: Bytes,
        session: Option<&LegacySession>,
        headers: HeaderMap,
        record: &mut RequestLog<'_>,
        permit: Permit,
    ) -> Result<Response<UpstreamBody>, Rejection> {
        let wish = ParsedRequest::Message(Envelope::read(&body).map_err(Rejection::Malformed)?);
        let post = Method::POST;
        let passage = call.passage(permit, &wish, body.clone(), &post, record.request_header());
        self.sender.send(&passage, session, headers, record).await
    }

    /// The server's answer as the caller gets it. A session's name is between the gateway and the server.
    async fn answered(
        &self,
        call: &RelayedCall<'_>,
        session: Option<&LegacySession>,
        mut answer: Response<UpstreamBody>,
        body: Bytes,
    ) -> Result<Response<Body>, Rejection> {
        answer.headers_mut().remove(SESSION);
        let wish = ParsedRequest::Message(Envelope::read(&body).map_err(Rejection::Malformed)?);
        let post = Method::POST;
        let request_id = call.request_id.clone();
        let mut passage = call.passage(call.permit.clone(), &wish, body.clone(), &post, request_id);
        self.answer(&mut passage, session, answer).await
    }

    /// Which arguments of the tool are repeated in headers, as far as its server has listed it.
    fn tool_headers(&self, call: &RelayedCall<'_>) -> ToolHeaders {
        let tools = self.shared.catalogue.tools();
        let known = tools.known(call.upstream.name()).iter().find(|known| known.tool.name == call.order.tool);
        let listed = known.map(|known| json!({"name": known.tool.name, "inputSchema": known.tool.schema}));
        let mut headers = ToolHeaders::default();
        headers.learn(&mut json!({"tools": listed.into_iter().collect::<Vec<_>>()}));
        headers
    }
}

impl<'a> RelayedCall<'a> {
    /// Whether the caller speaks 2026-07-28.
    fn is_modern(&self) -> bool {
        self.envelope.protocol_version.is_some()
    }

    fn inner(&self) -> Result<InnerCall<'a>, Rejection> {
        InnerCall::read(self.body, self.envelope.id.unwrap_or("null")).map_err(Rejection::Malformed)
    }

    /// What a caller of any of a server's tools may do there.
    fn lifecycle(&self, method: &str) -> Result<Permit, Rejection> {
        let call = Call::Message { method, name: None };
        let denied = |denial| Rejection::Denied { denial, scope: None };
        decide(&self.caller.grants, self.upstream.name(), &call).map_err(denied)
    }

    /// The caller's headers without those that say something of the message, or of a session.
    fn bare_headers(&self) -> HeaderMap {
        let is_messages = |name: &HeaderName| {
            [VERSION, METHOD, NAME, SESSION, LAST_EVENT].contains(name)
                || name.as_str().starts_with("mcp-param-")
        };
        let kept = self.headers.iter().filter(|(name, _)| !is_messages(name));
        let mut headers: HeaderMap = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers
    }

    fn passage<'p>(
        &'p self,
        permit: Permit,
        wish: &'p ParsedRequest<'p>,
        body: Bytes,
        method: &'p Method,
        request_id: HeaderValue,
    ) -> AuthorizedRequest<'p> {
        AuthorizedRequest {
            permit,
            caller: self.caller.clone(),
            epoch: self.moment.epoch,
            peer: self.moment.peer,
            request_id,
            credential: self.credential.clone(),
            upstream: self.upstream,
            endpoint: self.endpoint,
            target: self.endpoint.uri.clone(),
            base: PathBase::Folder,
            method,
            wish,
            body,
            alarm: &self.alarm,
            is_relayed: true,
        }
    }
}

/// Whether a server that refused a message of 2026-07-28 knew what it refused ("Versioning", fallback).
fn is_modern_refusal(said: &[u8]) -> bool {
    let text = std::str::from_utf8(said).unwrap_or_default();
    let message = parse(text).unwrap_or_default();
    let code = message.pointer("/error/code").and_then(Value::as_i64);
    code.is_some_and(|code| {
        [HEADER_MISMATCH, MISSING_CAPABILITY, INVALID_PARAMS, METHOD_NOT_FOUND].contains(&code)
    })
}

/// Why a server cannot be called through the gateway's own, if it cannot.
pub(super) fn unfit(endpoint: &UpstreamEndpoint) -> Option<&'static str> {
    let is_old = endpoint.transport == Transport::Sse;
    is_old.then_some("this server supports only HTTP+SSE, which call_tool does not: call it directly")
}

/// An answer on its way, with what is to be done when it is over, or broken off.
struct RelayBody {
    inner: Body,
    cancelled: Pin<Box<dyn Future<Output = ()> + Send>>,
    guard: CallGuard,
    is_over: bool,
}

impl HttpBody for RelayBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        if this.cancelled.as_mut().poll(context).is_ready() {
            this.is_over = true;
            this.guard.cancel();
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut this.inner).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || this.inner.is_end_stream() {
            this.guard.is_answered();
        }
        polled
    }
}
