//! What web pages may send and see (Fetch, CORS protocol). It leaves whose pages may call to `host`.

use hyper::Response;
use hyper::StatusCode;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};

use super::body::Body;
use super::headers::may_come_from_a_page;
use super::refusal::Rejection;

/// What a page may send that does not say what it will send.
const USUAL: &str = "authorization, x-authorization, content-type, accept, last-event-id, mcp-session-id, \
                     mcp-protocol-version, mcp-method, mcp-name";
/// What it sees of an answer beside what every page sees.
const SEEN: &str = "mcp-session-id, www-authenticate, x-request-id, retry-after";

/// A page asks whether it may ask: it may send whatever it likes but what says who it is or where from in the gateway's
/// words. Its origin has been looked at.
///
/// # Errors
/// [`Rejection::HttpMethod`] for what is no such question.
pub(super) fn preflight(headers: &HeaderMap) -> Result<Response<Body>, Rejection> {
    if !headers.contains_key(ORIGIN) {
        return Err(Rejection::HttpMethod);
    }
    let mut response = Response::new(Body::full(""));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS);
    let names = asked.iter().filter_map(|names| names.to_str().ok()).flat_map(|names| names.split(','));
    let allowed: Vec<&str> = names.map(str::trim).filter(|name| may_come_from_a_page(name)).collect();
    let allowed = HeaderValue::try_from(allowed.join(", ")).ok().filter(|allowed| !allowed.is_empty());
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, GET, DELETE"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.unwrap_or(HeaderValue::from_static(USUAL)));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.append(VARY, HeaderValue::from_static("access-control-request-headers"));
    Ok(response)
}

/// Lets the pages of an origin see an answer.
pub(super) fn show(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SEEN));
    headers.append(VARY, HeaderValue::from_static("origin"));
}

/// Lets every page see it.
pub(super) fn show_all(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}
