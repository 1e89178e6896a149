//! The first page.

use axum::http::StatusCode;
use axum::response::Response;

use super::answer;
use super::visitor::SignedIn;

pub(super) async fn home(SignedIn(visitor): SignedIn) -> Response {
    let admin = if visitor.is_admin() { " (administrator)" } else { "" };
    answer::html(StatusCode::OK, format!("<!doctype html><title>mcpauth</title><p>signed in{admin}</p>"))
}
