//! One core's share of the gateway, and the line every request takes through it: route, authenticate, read, decide, forward.
//! It leaves each step to the module of its name, and listening to `listen`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue, VARY,
};
use hyper::http::request;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Response, StatusCode, Uri};

use super::authn::{Caller, Known, Via, presented};
use super::body::{Body, UnderWay};
use super::envelope::{Envelope, Malformed};
use super::forward::Passage;
use super::join::Transport;
use super::ledger::Ledger;
use super::metrics::Tally;
use super::own;
use super::pool::Pool;
use super::record::{Record, RequestId};
use super::refusal::{About, Refusal};
use super::route::{Asked, NoRoute};
use super::session::Bound;
use super::state::{Moment, Shared, Upstream};
use super::tokens::Remembered;
use crate::policy::{Call, Permit, decide};

/// One core's share.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    /// What is known of tokens, and under which epoch it was found out.
    pub(super) tokens: Mutex<Remembered<(Known, u64)>>,
    pub(super) pool: Arc<Pool>,
    pub(super) ledger: Ledger,
    pub(super) tally: Tally,
    /// Requests so far, to name the next one.
    number: AtomicU64,
    run: u64,
}

/// Where a message goes.
struct Route<'m> {
    upstream: &'m Arc<Upstream>,
    asked: Asked<'m>,
}

/// What a request wants, read from its body, or from its method where it has none.
enum Wish<'b> {
    Message(Envelope<'b>),
    Stream,
    EndSession,
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What a web page may send and see (Fetch, CORS protocol).
const PAGE_HEADERS: &str = "authorization, x-authorization, content-type, accept, last-event-id, mcp-session-id, \
                            mcp-protocol-version, mcp-method, mcp-name";
const PAGE_SEES: &str = "mcp-session-id, www-authenticate, x-request-id";

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, ledger: Ledger, run: u64) -> Self {
        let tokens = Mutex::new(Remembered::new(shared.settings.limits.tokens));
        let (pool, tally) = (Arc::default(), shared.metrics.tally());
        Self { shared, tokens, pool, ledger, tally, number: AtomicU64::new(0), run }
    }

    /// Answers a request, whatever it is.
    pub(super) async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let moment = self.shared.moment();
        let request_id = RequestId::new(self.run, self.number.fetch_add(1, Ordering::Relaxed));
        let mut record = Record::begin(self, &moment, request_id);
        let (head, body) = request.into_parts();
        let page = self.shared.hosts.check(&head.uri, &head.headers);
        let allowed_page = page.as_ref().ok().copied().flatten().cloned();
        let line = match page {
            Err(refusal) if !own::is_probe(head.uri.path()) => Err(refusal),
            _ => self.counted(&moment, &head, body, &mut record).await,
        };
        let mut response = line.unwrap_or_else(|refusal| self.refuse(&refusal, &mut record));
        record.answered(response.status().as_u16());
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::try_from(record.request_id()) {
            headers.insert(X_REQUEST_ID, id);
        }
        if let Some(origin) = allowed_page {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(PAGE_SEES));
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        response
    }

    /// The line, for as many requests at once as there may be.
    async fn counted(
        &self,
        moment: &Moment,
        head: &request::Parts,
        body: Incoming,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        if let Some(answer) = own::answer(&self.shared, moment, head) {
            record.silent();
            return Ok(answer);
        }
        let most = self.shared.settings.limits.in_flight;
        let under_way = UnderWay::begin(&self.shared.under_way, most).ok_or(Refusal::Busy)?;
        let response = self.line(moment, head, body, record).await?;
        Ok(response.map(|body| body.counted(under_way)))
    }

    /// The line.
    async fn line(
        &self,
        moment: &Moment,
        head: &request::Parts,
        body: Incoming,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        if head.method == Method::OPTIONS {
            return preflight(head);
        }
        record.http = http_method(&head.method)?;
        let route = self.route(moment, head, record)?; //                              404, 503
        let (caller, via) = self.authenticate(moment, &head.headers).await?; //        401, 400
        record.caller = Some(caller.clone());
        self.pace(moment, &caller, None)?; //                                          429
        let body = self.read(head, body).await?; //                                    413, 415, 408
        let wish = Wish::read(&head.method, &head.headers, &body, record)?; //         400
        let permit = self.decide(moment, &caller, &route, &wish, record)?; //          403, 429
        self.pass(head, route, &caller, via, &wish, &body, permit, record).await //    502, 504, or the reply
    }

    fn route<'m>(
        &self,
        moment: &'m Moment,
        head: &'m request::Parts,
        record: &mut Record<'_>,
    ) -> Result<Route<'m>, Refusal> {
        let found = moment.state.routes.find(head.uri.path()).map_err(|none| match none {
            NoRoute::Malformed => Refusal::Path,
            NoRoute::Unknown => Refusal::NoServer,
            NoRoute::Off => Refusal::Down("of this name".into()),
        })?;
        let name = found.route.server.name.as_str();
        let upstream = moment.state.upstreams.get(name).ok_or(Refusal::NoServer)?;
        record.upstream = Some(upstream.clone());
        if !upstream.healthy.load(Ordering::Relaxed) {
            return Err(Refusal::Down(name.into()));
        }
        Ok(Route { upstream, asked: found.asked })
    }

    /// Limits per caller, and per tool of a caller.
    fn pace(&self, moment: &Moment, caller: &Caller, tool: Option<(&str, &str)>) -> Result<(), Refusal> {
        let now = || moment.began.duration_since(self.shared.started).as_nanos() as u64;
        let who = &caller.principal;
        let taken = match (tool, &self.shared.per_caller, &self.shared.per_tool) {
            (None, Some(rate), _) => rate.take(&[&who.issuer, &who.subject], now()),
            (Some((server, tool)), _, Some(rate)) => {
                rate.take(&[&who.issuer, &who.subject, server, tool], now())
            }
            _ => Ok(()),
        };
        taken.map_err(Refusal::TooMany)
    }

    /// The whole body, if it is one that may come.
    async fn read(&self, head: &request::Parts, body: Incoming) -> Result<Bytes, Refusal> {
        let limits = &self.shared.settings.limits;
        if head.method != Method::POST {
            // Nothing of it would be forwarded, so that nothing of it may hide.
            return if body.is_end_stream() { Ok(Bytes::new()) } else { Err(Refusal::MediaType) };
        }
        media_type(&head.headers)?;
        if body.size_hint().lower() > limits.body as u64 {
            return Err(Refusal::TooLarge(limits.body));
        }
        let whole = Limited::new(body, limits.body).collect();
        match tokio::time::timeout(Duration::from_secs(limits.read), whole).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge(limits.body)),
            Ok(Err(_)) => Err(Refusal::Malformed(Malformed::Shape("the body's end cannot be found"))),
            Err(_) => Err(Refusal::Slow),
        }
    }

    fn decide(
        &self,
        moment: &Moment,
        caller: &Caller,
        route: &Route<'_>,
        wish: &Wish<'_>,
        record: &mut Record<'_>,
    ) -> Result<Permit, Refusal> {
        let (server, call) = (route.upstream.name(), wish.call());
        record.shadow(server, &call);
        let permit = decide(&caller.grants, server, &call).map_err(|denial| {
            // A caller who has groups gets rights by them: another scope would not help.
            let by_scope = caller.principal.groups.is_empty();
            let helping = || moment.state.policy.helping_scope(&caller.grants, server, &call);
            Refusal::Denied { denial, scope: by_scope.then(helping).flatten() }
        })?;
        if let Call::Message { method: "tools/call", name: Some(tool) } = call {
            self.pace(moment, caller, Some((server, tool)))?;
        }
        Ok(permit)
    }

    #[expect(clippy::too_many_arguments, reason = "the end of the line has all that its steps found out")]
    async fn pass(
        &self,
        head: &request::Parts,
        route: Route<'_>,
        caller: &Arc<Caller>,
        via: Via,
        wish: &Wish<'_>,
        body: &Bytes,
        permit: Permit,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        let (target, transport) = self.target(&route, head, caller)?;
        let (lists, tool) = match wish {
            Wish::Message(envelope) => (envelope.lists(), envelope.name.as_deref()),
            Wish::Stream | Wish::EndSession => (None, None),
        };
        let passage = Passage {
            permit,
            caller,
            via,
            token: presented(&head.headers)?.token,
            upstream: route.upstream,
            target,
            transport,
            method: head.method.clone(),
            headers: &head.headers,
            body: body.clone(),
            lists,
            stays_open: wish.stays_open(),
            tool,
        };
        self.forward(passage, record).await
    }

    /// Where on the server it goes. An announced address was made by this gateway for this caller, or leads nowhere.
    fn target(
        &self,
        route: &Route<'_>,
        head: &request::Parts,
        caller: &Caller,
    ) -> Result<(Uri, Transport), Refusal> {
        let endpoints = &route.upstream.route.server.endpoints;
        let endpoint = match route.asked {
            Asked::Base => &endpoints.base,
            Asked::Mcp => &endpoints.mcp,
            Asked::Sse => &endpoints.sse,
            Asked::Announced(sealed) => {
                let opened =
                    self.shared.session_key.open(Bound::Endpoint, sealed, caller, route.upstream.name());
                let opened = opened.filter(|_| head.method == Method::POST).ok_or(Refusal::Session)?;
                // Its query is in there too; the one the client sends says nothing.
                let target = PathAndQuery::try_from(opened).map_err(|_| Refusal::Session)?;
                return Ok((target.into(), Transport::Sse));
            }
        };
        Ok((endpoint.uri.clone(), endpoint.transport))
    }

    fn refuse(&self, refusal: &Refusal, record: &mut Record<'_>) -> Response<Body> {
        record.refused(refusal);
        let metadata = record
            .upstream
            .as_ref()
            .map(|upstream| own::metadata_url(&self.shared.public_url, upstream.name()));
        let scopes = record.upstream.as_ref().map_or(&[][..], |upstream| &upstream.scopes);
        refusal.response(&About { id: record.id.as_ref(), resource_metadata: metadata.as_deref(), scopes })
    }
}

impl<'b> Wish<'b> {
    fn read(
        method: &Method,
        headers: &HeaderMap,
        body: &'b Bytes,
        record: &mut Record<'_>,
    ) -> Result<Self, Refusal> {
        if method == Method::GET {
            return Ok(Self::Stream);
        }
        if method == Method::DELETE {
            return Ok(Self::EndSession);
        }
        let envelope = Envelope::read(body).map_err(Refusal::Malformed)?;
        record.id = envelope.id.map(|id| body.slice_ref(id.as_bytes()));
        let kept = |text: &std::borrow::Cow<'b, str>| match text {
            std::borrow::Cow::Borrowed(text) => body.slice_ref(text.as_bytes()),
            std::borrow::Cow::Owned(text) => Bytes::copy_from_slice(text.as_bytes()),
        };
        record.method = envelope.method.as_ref().map(kept);
        record.name = envelope.name.as_ref().map(kept);
        envelope.agree(headers).map_err(Refusal::Mismatch)?;
        Ok(Self::Message(envelope))
    }

    fn call(&self) -> Call<'_> {
        match self {
            Self::Message(envelope) => envelope.call(),
            Self::Stream => Call::Stream,
            Self::EndSession => Call::EndSession,
        }
    }

    /// Whether the answer is a stream that nobody waits for the end of.
    fn stays_open(&self) -> bool {
        match self {
            Self::Message(envelope) => envelope.method.as_deref() == Some("subscriptions/listen"),
            Self::Stream => true,
            Self::EndSession => false,
        }
    }
}

fn http_method(method: &Method) -> Result<&'static str, Refusal> {
    match *method {
        Method::POST => Ok("POST"),
        Method::GET => Ok("GET"),
        Method::DELETE => Ok("DELETE"),
        _ => Err(Refusal::HttpMethod),
    }
}

/// `application/json` and nothing else: a server that guesses would read another message than we did.
fn media_type(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Refusal::MediaType);
    }
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let kind = kinds.next().and_then(|kind| kind.to_str().ok()).ok_or(Refusal::MediaType)?;
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let charset = parameters.trim().to_ascii_lowercase();
    let known = ["", "charset=utf-8", "charset=\"utf-8\""].contains(&charset.as_str());
    let json = kind.trim().eq_ignore_ascii_case("application/json");
    if json && known && kinds.next().is_none() { Ok(()) } else { Err(Refusal::MediaType) }
}

/// A web page asks whether it may ask (Fetch, CORS preflight); its origin has been looked at.
fn preflight(head: &request::Parts) -> Result<Response<Body>, Refusal> {
    if !head.headers.contains_key(hyper::header::ORIGIN) {
        return Err(Refusal::HttpMethod);
    }
    let mut response = Response::new(Body::full(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, GET, DELETE"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(PAGE_HEADERS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Ok(response)
}
