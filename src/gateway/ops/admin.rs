//! Metrics and probes on an address of their own, for whoever operates the gateway: a web page that got there by DNS
//! rebinding is not one of them. It leaves what is counted to `metrics`, and whose names are ours to `host`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::gateway::own_endpoints;
use crate::gateway::state::SharedState;

/// OpenMetrics 1.0 section 4.1.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const WRONG_HOST: &str = "metrics are not for that host name; add it to hosts\n";

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<SharedState>) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(shared.clone(), for_us))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(shared);
    // It ends with the listener, which ends with the process.
    let _ = axum::serve(listener, router).await;
}

/// Lets through what was sent to a name of ours. Probes are asked by any name, as where clients are.
async fn for_us(State(shared): State<Arc<SharedState>>, request: Request, next: Next) -> Response {
    let known =
        shared.admin_hosts.as_ref().is_none_or(|hosts| hosts.check(request.uri(), request.headers()).is_ok());
    if known {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, WRONG_HOST).into_response()
    }
}

async fn metrics(State(shared): State<Arc<SharedState>>) -> impl IntoResponse {
    let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    shared.metrics.under_way.set(gauge(shared.under_way.load(Ordering::Relaxed)));
    shared.metrics.connections.set(gauge(shared.connections.load(Ordering::Relaxed)));
    ([(CONTENT_TYPE, TEXT)], shared.metrics.text())
}

async fn ready(State(shared): State<Arc<SharedState>>) -> impl IntoResponse {
    own_endpoints::describe_readiness(&shared.readiness())
}
