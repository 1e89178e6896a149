//! Answers as the registry gives them.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use crate::gateway::face::answer;

/// A problem as the registry says it.
pub(super) fn problem(status: StatusCode, what: &str) -> Response {
    answer::json(status, &json!({"detail": what}))
}

/// What was asked for.
pub(super) fn ok(value: &impl Serialize) -> Response {
    answer::json(StatusCode::OK, value)
}
