//! The one door by which answers leave: the same headers on all of them, whatever made them. Pages may load this
//! origin's style sheet and images and send forms to it; nothing else, and no script.

use axum::Extension;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use url::form_urlencoded;

use crate::gateway::refusal::Rejection;

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What is on every answer. `Cache-Control` is not changed where a page has said something else.
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Puts the headers on.
pub(super) async fn leave(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether programs ask at an address, who are answered in JSON.
pub(super) fn is_data(path: &str) -> bool {
    ["/api/", "/v0.1/"].iter().any(|place| path.starts_with(place))
}

/// A page of HTML.
pub(super) fn html(status: StatusCode, text: String) -> Response {
    (status, Html(text)).into_response()
}

/// JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => {
            (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response()
        }
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"),
    }
}

/// What a program asked for.
pub(super) fn ok(value: &impl Serialize) -> Response {
    json(StatusCode::OK, value)
}

/// What went wrong, as the registry tells a program.
pub(super) fn no(status: StatusCode, what: &str) -> Response {
    json(status, &json!({"detail": what}))
}

/// Sends a browser to a path of this origin, after a form for example.
pub(super) fn see_other(path: &str) -> Response {
    let Ok(location) = HeaderValue::try_from(path) else {
        return problem(StatusCode::BAD_REQUEST, "this leads nowhere");
    };
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

/// What went wrong: a short text, to be rendered as a page or as data.
#[derive(Clone)]
pub(super) struct Trouble(pub(super) String);

/// A short text about what went wrong.
pub(super) fn problem(status: StatusCode, text: &str) -> Response {
    (status, Extension(Trouble(text.to_owned())), format!("{text}\n")).into_response()
}

/// What a program is told when its token is not accepted, or it has none (RFC 6750 section 3).
pub(super) fn refused(refusal: &Rejection) -> Response {
    let mut response = no(refusal.status(), refusal.reason());
    response.extensions_mut().insert(Trouble(format!(
        "the token that came with this request is not accepted: {}",
        refusal.reason()
    )));
    response
}

/// Sends a person to sign in, and then back to where they wanted to go.
pub(super) fn sign_in_first(parts: &Parts) -> Response {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return problem(StatusCode::UNAUTHORIZED, "your session is over; sign in again");
    }
    let back = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", back).finish();
    see_other(&format!("/login?{query}"))
}

pub(super) async fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "there is no such page")
}
