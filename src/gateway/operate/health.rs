//! Watches the servers: one that does not answer several times in a row is 503 until it does. A check carries no credential
//! and opens nothing: whatever a healthy server is asked still takes the whole line.
//! It leaves which servers there are to `state`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use hashbrown::HashMap;
use http_body_util::Full;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request};
use tracing::{info, warn};

use crate::gateway::pool::{Patience, Pool};
use crate::gateway::servers::join::Transport;
use crate::gateway::state::{Shared, Upstream};

/// A message that any MCP server answers somehow, and that does nothing anywhere.
const PING: &[u8] = br#"{"jsonrpc":"2.0","id":"mcpauth-health","method":"ping"}"#;
const PATIENCE: Patience = Patience { connect: Duration::from_secs(5), answer: Duration::from_secs(10) };

/// Checks every server for as long as the gateway runs.
pub(crate) async fn watch(shared: Arc<Shared>) {
    let interval = Duration::from_secs(shared.settings.health.interval);
    if interval.is_zero() {
        return;
    }
    let pool = Arc::new(Pool::new(shared.trust.clone(), shared.crowd.clone()));
    let mut failures: HashMap<String, u32> = HashMap::new();
    loop {
        let state = shared.state();
        failures.retain(|name, _| state.upstreams.contains_key(name));
        let checks = state.upstreams.values().filter(|upstream| upstream.route.server.enabled);
        let checked = join_all(checks.map(|upstream| {
            let pool = pool.clone();
            async move { (upstream, answers(&pool, upstream).await) }
        }));
        for (upstream, good) in checked.await {
            let name = upstream.name();
            shared.metrics.health(name, good);
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

/// Whether the server says anything but a server error: a 401 or a 400 comes from one that is there.
async fn answers(pool: &Arc<Pool>, upstream: &Upstream) -> bool {
    let endpoint = &upstream.route.server.endpoints.base;
    let stream = endpoint.transport == Transport::Sse;
    let mut request = Request::new(Full::new(if stream { Bytes::new() } else { Bytes::from_static(PING) }));
    *request.method_mut() = if stream { Method::GET } else { Method::POST };
    *request.uri_mut() = endpoint.uri.clone();
    let headers = request.headers_mut();
    headers.insert(HOST, upstream.origin.header.clone());
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match pool.exchange(&upstream.origin, request, PATIENCE, true).await {
        // The connection closes with its answer: a stream would stay open for nothing.
        Ok(response) => response.status().as_u16() < 500,
        Err(_) => false,
    }
}
