//! Metrics and probes on an address of their own, for whoever operates the gateway. It leaves what is counted to `metrics`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::gateway::state::Shared;

/// OpenMetrics 1.0 section 4.1.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(shared);
    // It ends with the listener, which ends with the process.
    let _ = axum::serve(listener, router).await;
}

async fn metrics(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    shared.metrics.under_way.set(gauge(shared.under_way.load(Ordering::Relaxed)));
    shared.metrics.connections.set(gauge(shared.connections.load(Ordering::Relaxed)));
    ([(CONTENT_TYPE, TEXT)], shared.metrics.text())
}

async fn ready(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    if shared.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
