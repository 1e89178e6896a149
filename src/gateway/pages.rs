//! What web pages may send and see (Fetch, CORS protocol). Not here: which origins may call (see `host`).

use hyper::Response;
use hyper::StatusCode;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HeaderMap,
    HeaderName, HeaderValue, ORIGIN, VARY,
};

use super::body::Body;
use super::headers::may_come_from_a_page;
use super::refusal::Rejection;

/// The headers that a page may send if it does not list any.
const USUAL: &str = "authorization, x-authorization, content-type, accept, last-event-id, mcp-session-id, \
                     mcp-protocol-version, mcp-method, mcp-name";
/// The methods of MCP's transports.
pub(super) const METHODS: &str = "POST, GET, DELETE";
/// The response headers that a page sees in addition to the default ones.
const SEEN: &str = "mcp-session-id, www-authenticate, x-request-id, retry-after";

/// Private Network Access: a public page asks for a server in its user's own network.
const REQUEST_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// A preflight: a page may send any header except those that carry identity or origin in the gateway's terms. Its
/// origin has been checked.
///
/// # Errors
/// [`Rejection::HttpMethod`] if it is not a preflight.
pub(super) fn preflight(headers: &HeaderMap) -> Result<Response<Body>, Rejection> {
    if !headers.contains_key(ORIGIN) {
        return Err(Rejection::HttpMethod(METHODS));
    }
    let mut response = Body::response(StatusCode::NO_CONTENT, "");
    let asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS);
    let names = asked.iter().filter_map(|names| names.to_str().ok()).flat_map(|names| names.split(','));
    let allowed: Vec<&str> = names.map(str::trim).filter(|name| may_come_from_a_page(name)).collect();
    let allowed = HeaderValue::try_from(allowed.join(", ")).ok().filter(|allowed| !allowed.is_empty());
    let wants_inside = headers.get(REQUEST_PRIVATE).is_some_and(|asked| asked == "true");
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.unwrap_or(HeaderValue::from_static(USUAL)));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.append(VARY, HeaderValue::from_static("access-control-request-headers"));
    if wants_inside {
        headers.insert(ALLOW_PRIVATE, HeaderValue::from_static("true"));
    }
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
