//! One core's share of the gateway, and the line every request takes through it: route, authenticate, read, decide,
//! forward. Not here: each step (see the module with its name); listening (see `listen`).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, HeaderValue};
use hyper::http::request;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Response, Uri};
use tracing::{Instrument, debug_span, warn};

use super::accounts::RequestSlot;
use super::alarm::Alarm;
use super::authn::token_cache::LastToken;
use super::authorized_request::AuthorizedRequest;
use super::body::{Body, InFlightGuard};
use super::boxes::Boxes;
use super::callers::{Caller, Callers};
use super::forward::Forwarder;
use super::mcpgw::{self, Outcome, OwnRequest, ToolOrder};
use super::observe::audit_buffer::AuditBuffer;
use super::own_endpoints;
use super::pages;
use super::pool::Pool;
use super::proxies;
use super::refusal::{Rejection, ResponseContext};
use super::relay::{self, RelayedCall};
use super::request_body::{self, ParsedRequest};
use super::request_log::{RequestId, RequestLog, RequestLogSinks, X_REQUEST_ID};
use super::send::UpstreamSender;
use super::servers::endpoints::UpstreamEndpoint;
use super::servers::route::{EndpointKind, RouteError, RouteMatch};
use super::session::SealPurpose;
use super::state::{LatestFiles, SharedState, Snapshot, Upstream};
use super::vending::{self, VendingEndpoint};
use super::wire::envelope::Envelope;
use crate::policy::{Call, Denial, Permit, decide};

/// One core's share.
pub(super) struct Worker {
    pub(super) shared: Arc<SharedState>,
    callers: Arc<Callers>,
    pub(super) forwarder: Forwarder,
    books: RequestLogSinks,
    latest: LatestFiles,
    pub(super) boxes: Arc<Boxes>,
    /// The number of requests so far, to name the next one.
    number: AtomicU64,
    run: u64,
}

/// One client's connection, as far as its requests need it.
pub(super) struct Guest {
    pub(super) worker: Arc<Worker>,
    /// Whose it is.
    pub(super) peer: IpAddr,
    /// For what may take only so long on it.
    pub(super) alarm: Arc<Alarm>,
    pub(super) last: LastToken,
}

/// Where a message goes.
struct RouteTarget<'m> {
    upstream: &'m Arc<Upstream>,
    found: RouteMatch<'m>,
}

impl Worker {
    pub(super) fn new(shared: Arc<SharedState>, ledger: AuditBuffer, run: u64) -> Self {
        let callers = Arc::new(Callers::new(shared.clone()));
        let pool = Arc::new(Pool::new(shared.trust.clone(), shared.crowd.clone()));
        let sender = UpstreamSender { shared: shared.clone(), pool };
        let forwarder = Forwarder { shared: shared.clone(), callers: callers.clone(), sender };
        let books = RequestLogSinks { ledger, tally: shared.metrics.tally(), audit: shared.audit.clone() };
        let (latest, boxes, number) = (LatestFiles::default(), Arc::default(), AtomicU64::new(0));
        Self { shared, callers, forwarder, books, latest, boxes, number, run }
    }

    /// Answers any request.
    pub(super) async fn handle(
        &self,
        head: &mut request::Parts,
        body: Incoming,
        guest: &Guest,
    ) -> Response<Body> {
        let trusted = &self.shared.settings.trusted_proxies;
        let peer = proxies::client(guest.peer, &head.headers, trusted);
        self.remove_prefix(head);
        let moment = self.shared.moment_of(peer, &self.latest);
        let request_id = RequestId::new(self.run, self.number.fetch_add(1, Ordering::Relaxed));
        let mut record = RequestLog::begin(&self.books, &moment, request_id);
        // Below the default log level, so that an ordinary request pays nothing for it.
        let span = debug_span!("request", request = record.request_id());
        let page = self.shared.hosts.check(&head.uri, &head.headers).map(|page| page.cloned());
        let (allowed_page, refusal) = page.map_or_else(|no| (None, Some(no)), |page| (page, None));
        let line = match refusal.filter(|refusal| !own_endpoints::is_public(head, refusal)) {
            Some(refusal) => Err(refusal),
            // Moving the line's future into a span would cost each request a copy of it.
            None if span.is_disabled() => self.counted(&moment, head, body, guest, &mut record).await,
            None => {
                let line = self.counted(&moment, head, body, guest, &mut record);
                Box::pin(line).instrument(span).await
            }
        };
        let mut response = line.unwrap_or_else(|refusal| self.refuse(&refusal, &head.headers, &mut record));
        record.answered(response.status().as_u16());
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID, record.request_header());
        if self.shared.is_leaving() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(origin) = allowed_page {
            pages::show(headers, origin);
        }
        response
    }

    /// Makes a request's path the one below the public address, whether or not a proxy has done so.
    fn remove_prefix(&self, head: &mut request::Parts) {
        let Some(below) = self.shared.without_prefix(head.uri.path()) else { return };
        let below = head.uri.query().map_or_else(|| below.to_owned(), |query| format!("{below}?{query}"));
        let mut parts = std::mem::take(&mut head.uri).into_parts();
        parts.path_and_query = PathAndQuery::try_from(below).ok();
        head.uri = Uri::from_parts(parts).unwrap_or_default();
    }

    /// Records a connection that ended because it did not send an HTTP request: a refusal outside the line.
    pub(super) fn ended(&self, error: &hyper::Error, peer: IpAddr) {
        if error.is_parse() {
            let request_id = RequestId::new(self.run, self.number.fetch_add(1, Ordering::Relaxed));
            let status = if error.is_parse_too_large() { 431 } else { 400 };
            RequestLog::begin(&self.books, &self.shared.moment(peer), request_id).unreadable(status);
        }
    }

    /// The line, within the limit on concurrent requests.
    async fn counted<'w>(
        &self,
        moment: &'w Snapshot,
        head: &mut request::Parts,
        body: Incoming,
        guest: &Guest,
        record: &mut RequestLog<'w>,
    ) -> Result<Response<Body>, Rejection> {
        if let Some(answer) = own_endpoints::answer(&self.shared, moment, head)? {
            record.silent();
            return Ok(answer);
        }
        record.promised()?;
        let most = self.shared.settings.limits.max_in_flight;
        let under_way = InFlightGuard::begin(&self.shared.under_way, most).ok_or(Rejection::Busy)?;
        if let Some(endpoint) = VendingEndpoint::at(&self.shared, head.uri.path()) {
            let answer = Box::pin(endpoint.answer(&self.callers, moment, head, body, record)).await;
            let answer = answer.unwrap_or_else(|refusal| vending::refused(&refusal, record));
            return Ok(answer.map(|body| body.counted(under_way, None)));
        }
        let (response, turn) = self.line(moment, head, body, guest, record).await?;
        Ok(response.map(|body| body.counted(under_way, turn)))
    }

    /// The line.
    async fn line<'w>(
        &self,
        moment: &'w Snapshot,
        head: &mut request::Parts,
        body: Incoming,
        guest: &Guest,
        record: &mut RequestLog<'w>,
    ) -> Result<(Response<Body>, Option<RequestSlot>), Rejection> {
        let request::Parts { method, uri, headers, .. } = head;
        let method = &*method;
        if method == Method::OPTIONS {
            return Ok((pages::preflight(headers)?, None));
        }
        record.http = http_method(method)?;
        let route = self.route(moment, uri.path(), record)?; //                        404, 503
        let authenticated = self.callers.authenticate(moment, headers, &guest.last, record.request_id());
        let (caller, credential) = authenticated.await?; //                            401, 400
        record.caller = Some(caller.clone());
        caller.enters(route.upstream.name())?; //                                      401
        caller.is_used(moment.now, &self.shared);
        let mut turn = self.turn(&caller, method == Method::GET)?; //                   429
        self.pace(moment, &caller, None)?; //                                          429
        let limits = &self.shared.settings.limits;
        let hold = caller.account.hold(limits);
        let body = request_body::body(method, headers, body, limits, hold).await?; //      413, 415, 408, 429
        let wish = ParsedRequest::read(method, headers, &body, record)?; //                   400
        let permit = self.decide(moment, &caller, &route, &wish, record)?; //          403, 429
        if wish.stays_open() && method != Method::GET {
            turn = self.turn(&caller, true)?; //                                       429
        }
        if route.upstream.is_built_in() {
            let request_id = record.request_id().to_owned();
            record.allowed(&permit);
            let asked = OwnRequest {
                shared: &self.shared,
                moment,
                caller: &caller,
                credential: &credential,
                wish: &wish,
                headers,
                body: &body,
                request_id: &request_id,
                audit: &self.books.ledger,
            };
            // Boxed, so that requests to other servers need no room for it.
            return Ok((Box::pin(self.own(moment, &asked, record)).await?, Some(turn)));
        }
        let (endpoint, target) = self.target(&route, method, &caller)?; //            404
        let (upstream, wish, body) = (route.upstream, &wish, body.clone());
        let (epoch, peer) = (moment.epoch, moment.peer);
        let base = route.found.base();
        let request_id = record.request_header();
        let mut passage = AuthorizedRequest {
            permit,
            caller,
            epoch,
            peer,
            request_id,
            credential,
            upstream,
            endpoint,
            target,
            base,
            method,
            wish,
            body,
            alarm: &guest.alarm,
            is_relayed: false,
        };
        let reply = self.forwarder.forward(&mut passage, std::mem::take(headers), record).await?; //        502, 504
        Ok((reply, Some(turn)))
    }

    /// What the gateway's own server answers.
    async fn own<'w>(
        &self,
        moment: &'w Snapshot,
        asked: &OwnRequest<'_>,
        record: &mut RequestLog<'w>,
    ) -> Result<Response<Body>, Rejection> {
        match (mcpgw::answer(asked).await?, asked.wish) {
            (Outcome::Response(response), _) => Ok(response),
            (Outcome::Call(order), ParsedRequest::Message(envelope)) => {
                self.relayed(moment, asked, (&order, envelope), record).await
            }
            (Outcome::Call(_), _) => Err(Rejection::NoServer),
        }
    }

    /// Another server's tool, called through the gateway's own: from here on it is written down, decided and limited as a
    /// direct call.
    async fn relayed<'w>(
        &self,
        moment: &'w Snapshot,
        asked: &OwnRequest<'_>,
        (order, envelope): (&ToolOrder, &Envelope<'_>),
        record: &mut RequestLog<'w>,
    ) -> Result<Response<Body>, Rejection> {
        let caller = asked.caller;
        record.is_relayed = true;
        record.upstream = moment.state.upstreams.get(&order.server).map(AsRef::as_ref);
        record.name = Some(Bytes::copy_from_slice(order.tool.as_bytes()));
        let call = Call::Message { method: "tools/call", name: Some(&order.tool) };
        record.shadow(&order.server, std::iter::once(call));
        let permit = decide(&caller.grants, &order.server, &call)
            .map_err(|denial| self.denied(moment, caller, &order.server, &call, denial))?;
        let upstream = moment.state.upstreams.get(&order.server).ok_or(Rejection::NoServer)?;
        let down = || Rejection::Down(order.server.as_str().into());
        let is_up = upstream.route.server.enabled && upstream.healthy.load(Ordering::Relaxed);
        let endpoints = upstream.route.server.endpoints().filter(|_| is_up).ok_or_else(down)?;
        self.pace(moment, caller, Some((&order.server, &order.tool)))?;
        let (endpoint, credential) = (&endpoints.mcp, asked.credential);
        if let Some(why) = relay::unfit(endpoint) {
            record.allowed(&permit);
            return Ok(mcpgw::refuse(envelope, why));
        }
        let (headers, body) = (asked.headers.clone(), asked.body);
        let call = RelayedCall {
            order,
            moment,
            caller,
            credential,
            upstream,
            endpoint,
            permit,
            headers,
            body,
            envelope,
            alarm: Alarm::default(),
            request_id: record.request_header(),
        };
        Box::pin(self.forwarder.relay(&call, record)).await
    }

    /// The policy's no, with the scope that would help.
    fn denied(
        &self,
        moment: &Snapshot,
        caller: &Caller,
        server: &str,
        call: &Call<'_>,
        denial: Denial,
    ) -> Rejection {
        let helping = moment.state.policy.helping_scopes(&caller.grants, server, call);
        let scope = helping.into_iter().find(|scope| caller.may_ask_for(&self.shared, scope));
        Rejection::Denied { denial, scope }
    }

    /// Counts one more request of the caller's in flight, or one more stream.
    fn turn(&self, caller: &Caller, stream: bool) -> Result<RequestSlot, Rejection> {
        let most = if stream { self.shared.most_streams } else { self.shared.most_requests };
        caller.account.begin(stream, most)
    }

    fn route<'w: 'm, 'm>(
        &self,
        moment: &'w Snapshot,
        path: &'m str,
        record: &mut RequestLog<'w>,
    ) -> Result<RouteTarget<'m>, Rejection> {
        let found = moment.state.routes.find(path).map_err(|none| match none {
            RouteError::Malformed => Rejection::Path,
            RouteError::Unknown => Rejection::NoServer,
            RouteError::Off => Rejection::Down("of this name".into()),
        })?;
        let name = found.route.server.name.as_str();
        let upstream = moment.state.upstreams.get(name).ok_or(Rejection::NoServer)?;
        (record.upstream, record.resource) = (Some(&**upstream), found.resource());
        if !upstream.healthy.load(Ordering::Relaxed) {
            return Err(Rejection::Down(name.into()));
        }
        Ok(RouteTarget { upstream, found })
    }

    /// Limits per caller, and per tool of a caller.
    fn pace(&self, moment: &Snapshot, caller: &Caller, tool: Option<(&str, &str)>) -> Result<(), Rejection> {
        let now = || moment.began.duration_since(self.shared.started).as_nanos() as u64;
        let who = &caller.principal;
        let taken = match (tool, &self.shared.per_caller, &self.shared.per_tool) {
            (None, Some(rate), _) => rate.take(&[&who.issuer, &who.subject], now()),
            (Some((server, tool)), _, Some(rate)) => {
                rate.take(&[&who.issuer, &who.subject, server, tool], now())
            }
            _ => Ok(()),
        };
        taken.map_err(Rejection::TooMany)
    }

    fn decide(
        &self,
        moment: &Snapshot,
        caller: &Caller,
        route: &RouteTarget<'_>,
        wish: &ParsedRequest<'_>,
        record: &mut RequestLog<'_>,
    ) -> Result<Permit, Rejection> {
        let (server, call) = (route.upstream.name(), wish.call());
        record.shadow(server, wish.calls());
        let allow = |call: &Call<'_>| {
            decide(&caller.grants, server, call).map_err(|denial| {
                // A caller who may not use the server learns nothing about it.
                if denial == Denial::Method && wish.is_unknown() {
                    return Rejection::NoMethod;
                }
                self.denied(moment, caller, server, call, denial)
            })
        };
        let permit = allow(&call)?;
        for call in wish.calls().skip(1) {
            allow(&call)?;
        }
        if let Call::Message { method: "tools/call", name: Some(tool) } = call {
            self.pace(moment, caller, Some((server, tool)))?;
        }
        Ok(permit)
    }

    /// Where on the server it goes. An announced address was made by this gateway for this caller, or leads nowhere.
    fn target<'m>(
        &self,
        route: &RouteTarget<'m>,
        method: &Method,
        caller: &Caller,
    ) -> Result<(&'m UpstreamEndpoint, Uri), Rejection> {
        let endpoints = route.upstream.route.server.endpoints().ok_or(Rejection::NoServer)?;
        let endpoint = match route.found.asked {
            EndpointKind::Base => &endpoints.base,
            EndpointKind::Mcp => &endpoints.mcp,
            EndpointKind::Sse => &endpoints.sse,
            EndpointKind::SseMessages(sealed) => {
                let (key, server) = (&self.shared.session_key, route.upstream.name());
                let opened = key.unseal(SealPurpose::Endpoint, sealed, &caller.principal, server);
                let opened = opened.filter(|_| method == Method::POST).ok_or(Rejection::Session)?;
                // The sealed address has its own query; the client's is ignored.
                let target = PathAndQuery::try_from(opened).map_err(|_| Rejection::Session)?;
                return Ok((&endpoints.sse, target.into()));
            }
        };
        Ok((endpoint, endpoint.uri.clone()))
    }

    fn refuse(
        &self,
        refusal: &Rejection,
        headers: &HeaderMap,
        record: &mut RequestLog<'_>,
    ) -> Response<Body> {
        record.refused(refusal);
        if let Some(upstream) = record.upstream
            && let Some(fault) = refusal.fault(|| upstream.stored.as_ref().map(|stored| stored.rejected()))
        {
            warn!(event = "upstream", request = record.request_id(), "{}: {fault}", upstream.name());
        }
        let metadata = record.upstream.map(|upstream| {
            let at = own_endpoints::address(&self.shared, headers);
            own_endpoints::metadata_url(&at, upstream.name(), record.resource)
        });
        let first = |upstream: &Upstream| upstream.first.told(|scope| self.shared.is_granted(scope));
        // Only a caller without a valid token needs it, and finding it takes a moment.
        let scope = record.upstream.filter(|_| refusal.lets_in()).and_then(first);
        let scope = scope.as_ref();
        let about = ResponseContext { id: record.id.as_ref(), resource_metadata: metadata.as_deref(), scope };
        refusal.response(&about).map(Body::full)
    }
}

fn http_method(method: &Method) -> Result<&'static str, Rejection> {
    match *method {
        Method::POST => Ok("POST"),
        Method::GET => Ok("GET"),
        Method::DELETE => Ok("DELETE"),
        _ => Err(Rejection::HttpMethod(pages::METHODS)),
    }
}
