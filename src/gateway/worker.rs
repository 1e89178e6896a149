//! One core's share of the gateway, and the line every request takes through it: route, authenticate, read, decide, forward.
//! It leaves each step to the module of its name, and listening to `listen`.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::request;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Response, Uri};
use tracing::{Instrument, debug_span, warn};

use super::accounts::Turn;
use super::body::{Body, UnderWay};
use super::callers::{Caller, Callers};
use super::forward::Forwarder;
use super::intake::{self, Wish};
use super::observe::ledger::Ledger;
use super::own;
use super::pages;
use super::passage::Passage;
use super::pool::Pool;
use super::proxies;
use super::record::{Books, Record, RequestId, X_REQUEST_ID};
use super::refusal::{About, Refusal};
use super::send::Sender;
use super::servers::join::Endpoint;
use super::servers::route::{Asked, Match, NoRoute};
use super::session::Bound;
use super::state::{Moment, Shared, Upstream};
use crate::policy::{Call, Denial, Permit, decide};

/// One core's share.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    callers: Arc<Callers>,
    pub(super) forwarder: Forwarder,
    books: Books,
    /// Requests so far, to name the next one.
    number: AtomicU64,
    run: u64,
}

/// Where a message goes.
struct Route<'m> {
    upstream: &'m Arc<Upstream>,
    found: Match<'m>,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, ledger: Ledger, run: u64) -> Self {
        let callers = Arc::new(Callers::new(shared.clone()));
        let pool = Arc::new(Pool::new(shared.trust.clone(), shared.crowd.clone()));
        let sender = Sender { shared: shared.clone(), pool };
        let forwarder = Forwarder { shared: shared.clone(), callers: callers.clone(), sender };
        let books = Books { ledger, tally: shared.metrics.tally(), audit: shared.audit.clone() };
        Self { shared, callers, forwarder, books, number: AtomicU64::new(0), run }
    }

    /// Answers a request, whatever it is.
    pub(super) async fn handle(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let trusted = &self.shared.settings.trusted_proxies;
        let moment = self.shared.moment(proxies::client(peer, request.headers(), trusted));
        let request_id = RequestId::new(self.run, self.number.fetch_add(1, Ordering::Relaxed));
        let mut record = Record::begin(&self.books, &moment, request_id);
        // Below the level of what is said by default, so that an ordinary request pays nothing for it.
        let span = debug_span!("request", request = record.request_id());
        let (head, body) = request.into_parts();
        let page = self.shared.hosts.check(&head.uri, &head.headers);
        let allowed_page = page.as_ref().ok().copied().flatten().cloned();
        let line = match page {
            Err(refusal) if !own::is_anybodys(&head, &refusal) => Err(refusal),
            // Moving the line's memory into a span would cost each request a copy of it.
            _ if span.is_disabled() => self.counted(&moment, head, body, &mut record).await,
            _ => Box::pin(self.counted(&moment, head, body, &mut record)).instrument(span).await,
        };
        let mut response = line.unwrap_or_else(|refusal| self.refuse(&refusal, &mut record));
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

    /// Takes down a connection that ended because what came was no HTTP request: it was refused, if not by the line.
    pub(super) fn ended(&self, error: &hyper::Error, peer: IpAddr) {
        if error.is_parse() {
            let request_id = RequestId::new(self.run, self.number.fetch_add(1, Ordering::Relaxed));
            let status = if error.is_parse_too_large() { 431 } else { 400 };
            Record::begin(&self.books, &self.shared.moment(peer), request_id).unreadable(status);
        }
    }

    /// The line, for as many requests at once as there may be.
    async fn counted(
        &self,
        moment: &Moment,
        head: request::Parts,
        body: Incoming,
        record: &mut Record<'_>,
    ) -> Result<Response<Body>, Refusal> {
        if let Some(answer) = own::answer(&self.shared, moment, &head) {
            record.silent();
            return Ok(answer);
        }
        record.promised()?;
        let most = self.shared.settings.limits.in_flight;
        let under_way = UnderWay::begin(&self.shared.under_way, most).ok_or(Refusal::Busy)?;
        let (response, turn) = self.line(moment, head, body, record).await?;
        Ok(response.map(|body| body.counted(under_way, turn)))
    }

    /// The line.
    async fn line(
        &self,
        moment: &Moment,
        head: request::Parts,
        body: Incoming,
        record: &mut Record<'_>,
    ) -> Result<(Response<Body>, Option<Turn>), Refusal> {
        let request::Parts { method, uri, headers, .. } = head;
        if method == Method::OPTIONS {
            return Ok((pages::preflight(&headers)?, None));
        }
        record.http = http_method(&method)?;
        let route = self.route(moment, uri.path(), record)?; //                        404, 503
        let authenticated = self.callers.authenticate(moment, &headers, record.request_id());
        let (caller, credential) = authenticated.await?; //                            401, 400
        record.caller = Some(caller.clone());
        caller.enters(route.upstream.name())?; //                                      401
        let mut turn = self.turn(&caller, method == Method::GET)?; //                   429
        self.pace(moment, &caller, None)?; //                                          429
        let limits = &self.shared.settings.limits;
        let hold = caller.account.hold(limits);
        let body = intake::body(&method, &headers, body, limits, hold).await?; //      413, 415, 408, 429
        let wish = Wish::read(&method, &headers, &body, record)?; //                   400
        let permit = self.decide(moment, &caller, &route, &wish, record)?; //          403, 429
        if wish.stays_open() && method != Method::GET {
            turn = self.turn(&caller, true)?; //                                       429
        }
        let (endpoint, target) = self.target(&route, &method, &caller)?; //            404
        let (upstream, method, wish, body) = (route.upstream, &method, &wish, body.clone());
        let (epoch, peer) = (moment.epoch, moment.peer);
        let base = route.found.base();
        let request_id = record.request_header();
        let mut passage = Passage {
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
        };
        let reply = self.forwarder.forward(&mut passage, headers, record).await?; //        502, 504
        Ok((reply, Some(turn)))
    }

    /// One more request of the caller's under way, or one more stream.
    fn turn(&self, caller: &Caller, stream: bool) -> Result<Turn, Refusal> {
        let most = if stream { self.shared.most_streams } else { self.shared.most_requests };
        caller.account.begin(stream, most)
    }

    fn route<'m>(
        &self,
        moment: &'m Moment,
        path: &'m str,
        record: &mut Record<'_>,
    ) -> Result<Route<'m>, Refusal> {
        let found = moment.state.routes.find(path).map_err(|none| match none {
            NoRoute::Malformed => Refusal::Path,
            NoRoute::Unknown => Refusal::NoServer,
            NoRoute::Off => Refusal::Down("of this name".into()),
        })?;
        let name = found.route.server.name.as_str();
        let upstream = moment.state.upstreams.get(name).ok_or(Refusal::NoServer)?;
        (record.upstream, record.resource) = (Some(upstream.clone()), found.resource());
        if !upstream.healthy.load(Ordering::Relaxed) {
            return Err(Refusal::Down(name.into()));
        }
        Ok(Route { upstream, found })
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

    fn decide(
        &self,
        moment: &Moment,
        caller: &Caller,
        route: &Route<'_>,
        wish: &Wish<'_>,
        record: &mut Record<'_>,
    ) -> Result<Permit, Refusal> {
        let (server, call) = (route.upstream.name(), wish.call());
        record.shadow(server, wish.calls());
        let allow = |call: &Call<'_>| {
            decide(&caller.grants, server, call).map_err(|denial| {
                // Whoever may not use the server learns nothing of what it has.
                if denial == Denial::Method && wish.is_unknown() {
                    return Refusal::NoMethod;
                }
                let helping = moment.state.policy.helping_scopes(&caller.grants, server, call);
                let scope = helping.into_iter().find(|scope| caller.may_ask_for(&self.shared, scope));
                Refusal::Denied { denial, scope }
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
        route: &Route<'m>,
        method: &Method,
        caller: &Caller,
    ) -> Result<(&'m Endpoint, Uri), Refusal> {
        let endpoints = &route.upstream.route.server.endpoints;
        let endpoint = match route.found.asked {
            Asked::Base => &endpoints.base,
            Asked::Mcp => &endpoints.mcp,
            Asked::Sse => &endpoints.sse,
            Asked::Announced(sealed) => {
                let (key, server) = (&self.shared.session_key, route.upstream.name());
                let opened = key.open(Bound::Endpoint, sealed, &caller.principal, server);
                let opened = opened.filter(|_| method == Method::POST).ok_or(Refusal::Session)?;
                // Its query is in there too; the one the client sends says nothing.
                let target = PathAndQuery::try_from(opened).map_err(|_| Refusal::Session)?;
                return Ok((&endpoints.sse, target.into()));
            }
        };
        Ok((endpoint, endpoint.uri.clone()))
    }

    fn refuse(&self, refusal: &Refusal, record: &mut Record<'_>) -> Response<Body> {
        record.refused(refusal);
        if let Some((fault, upstream)) = refusal.fault().zip(record.upstream.as_ref()) {
            warn!(event = "upstream", request = record.request_id(), "{}: {fault}", upstream.name());
        }
        let metadata = record
            .upstream
            .as_ref()
            .map(|upstream| own::metadata_url(&self.shared.public_url, upstream.name(), record.resource));
        let first = |upstream: &Arc<Upstream>| upstream.first.told(|scope| self.shared.is_granted(scope));
        // Only a caller without a good token is told of it, and looking for it takes a moment.
        let scope = record.upstream.as_ref().filter(|_| refusal.lets_in()).and_then(first);
        let scope = scope.as_ref();
        let about = About { id: record.id.as_ref(), resource_metadata: metadata.as_deref(), scope };
        refusal.response(&about).map(Body::full)
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
