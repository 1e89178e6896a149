//! Monitors the servers: one that fails to answer several times in a row gets 503 until it answers. A check carries
//! no credential and grants nothing: every request to a healthy server still takes the whole line. No session stays
//! open. Not here: which servers there are (see `state`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use hashbrown::HashMap;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Uri};
use serde_json::Value;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::gateway::pool::{Pool, Timeouts, UpstreamBody};
use crate::gateway::redirect;
use crate::gateway::servers::endpoints::{Transport, UpstreamEndpoint};
use crate::gateway::servers::route::Routes;
use crate::gateway::state::{SharedState, Upstream};
use crate::mcp::SESSION;
use crate::sys::trust::Trust;

/// A message that any MCP server answers somehow, and that has no effect.
const PING: &[u8] = br#"{"jsonrpc":"2.0","id":"mcpauth-health","method":"ping"}"#;
/// How much of an answer is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 10;
const CHECK_TIMEOUTS: Timeouts =
    Timeouts { connect: Duration::from_secs(5), answer: Duration::from_secs(10) };

/// Checks every server while the gateway runs.
pub(crate) async fn watch(shared: Arc<SharedState>) {
    let interval = Duration::from_secs(shared.settings.health.interval);
    if interval.is_zero() {
        return;
    }
    let pool = Arc::new(Pool::new(shared.trust.clone(), shared.crowd.clone()));
    let mut failures: HashMap<String, u32> = HashMap::new();
    loop {
        let state = shared.state();
        failures.retain(|name, _| state.upstreams.contains_key(name));
        let checks = state
            .upstreams
            .values()
            .filter(|upstream| upstream.route.server.enabled && !upstream.is_built_in());
        let checked = join_all(checks.map(|upstream| {
            let pool = pool.clone();
            async move { (upstream, answers(&pool, upstream).await) }
        }));
        for (upstream, good) in checked.await {
            let name = upstream.name();
            shared.metrics.health(name, good);
            upstream.note(good);
            let failed = failures.entry_ref(name).or_insert(0);
            *failed = if good { 0 } else { failed.saturating_add(1) };
            let healthy = *failed < shared.settings.health.failures;
            if upstream.healthy.swap(healthy, Ordering::Relaxed) != healthy {
                if healthy {
                    info!(event = "health", "{name} answers again");
                } else {
                    warn!(event = "health", "{name} does not answer");
                }
            }
        }
        tokio::time::sleep(interval).await;
    }
}

/// Checks every enabled server once, as the gateway does while it runs: which of them answer, in the routes' order.
pub async fn check(routes: &Routes, trust: &Trust) -> Vec<bool> {
    let pool = Arc::new(Pool::new(trust.clone(), Arc::default()));
    let checks = routes.all().iter().map(|route| {
        let (pool, upstream) = (pool.clone(), Upstream::alone(route));
        async move { upstream.route.server.enabled && answers(&pool, &upstream).await }
    });
    join_all(checks).await
}

/// Whether the server answers without a server error: a 401 or a 400 shows that it is there, and so does a JSON-RPC
/// answer with any status.
pub(crate) async fn answers(pool: &Arc<Pool>, upstream: &Upstream) -> bool {
    // The gateway itself is there.
    let Some(endpoints) = upstream.route.server.endpoints() else { return true };
    let endpoint = &endpoints.base;
    let stream = endpoint.transport == Transport::Sse;
    let (method, body) =
        if stream { (Method::GET, Bytes::new()) } else { (Method::POST, Bytes::from_static(PING)) };
    let request = request(endpoint, &method, &endpoint.uri, body, None);
    let Ok((answer, place)) = redirect::ask(pool, endpoint, request, CHECK_TIMEOUTS).await else {
        return false;
    };
    let (head, inflow) = answer.into_parts();
    if let Some(session) = head.headers.get(SESSION) {
        leave(pool, endpoint, &place, session.clone()).await;
    }
    // The connection closes with its answer: a stream would stay open needlessly.
    head.status.as_u16() < 500 || speaks(inflow).await
}

/// Ends a session that the check opened, as older servers open one for any client without one.
async fn leave(pool: &Arc<Pool>, endpoint: &UpstreamEndpoint, place: &Uri, session: HeaderValue) {
    let request = request(endpoint, &Method::DELETE, place, Bytes::new(), Some(session));
    // Servers without sessions reject this, and a server that is gone has no session.
    drop(redirect::ask(pool, endpoint, request, CHECK_TIMEOUTS).await);
}

fn request(
    endpoint: &UpstreamEndpoint,
    method: &Method,
    place: &Uri,
    body: Bytes,
    session: Option<HeaderValue>,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method.clone();
    *request.uri_mut() = place.clone();
    let headers = request.headers_mut();
    headers.insert(HOST, endpoint.origin.header.clone());
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(session) = session {
        headers.insert(SESSION, session);
    }
    request
}

/// Whether a body is an answer in JSON-RPC, plain or as an event.
async fn speaks(inflow: UpstreamBody) -> bool {
    let whole = timeout(CHECK_TIMEOUTS.answer, Limited::new(inflow, MAX_ANSWER_BYTES).collect()).await;
    let Ok(Ok(whole)) = whole else { return false };
    let bytes = whole.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    let is_answer = |text: &str| {
        let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
        let says = |member| value.get(member).is_some_and(Value::is_object);
        value.get("jsonrpc").is_some_and(|version| version == "2.0") && (says("result") || says("error"))
    };
    is_answer(&text) || text.lines().filter_map(|line| line.strip_prefix("data:")).any(is_answer)
}
