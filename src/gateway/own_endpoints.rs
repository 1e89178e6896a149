//! The gateway's own addresses: probes, protected-resource metadata (RFC 9728), and what it publishes as an issuer
//! (RFC 8414, RFC 7517). Not here: metrics (see `admin`).

use std::borrow::Cow;

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::http::request;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::body::Body;
use super::pages;
use super::refusal::Rejection;
use super::servers::origin::is_same;
use super::servers::route::Resource;
use super::state::{SharedState, Snapshot, Upstream};
use crate::oauth::{RESOURCE_METADATA, TOKEN_EXCHANGE, well_known};
use crate::sys::http::is_loopback;

/// Where the gateway's own keys and its metadata as an issuer are, and where it exchanges tokens.
const KEYS: &str = "/.well-known/jwks.json";
const ISSUER_METADATA: &str = "/.well-known/oauth-authorization-server";
pub(super) const TOKEN_ENDPOINT: &str = "/oauth2/token";
/// The methods of what is only read.
const READ: &str = "GET, HEAD";

/// Whether a request is answered whatever its host: load balancers probe by address, and any page may read what is
/// public.
pub(super) fn is_public(head: &request::Parts, refusal: &Rejection) -> bool {
    let path = head.uri.path();
    let read = matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
    is_probe(path) || matches!(refusal, Rejection::Origin) && read && is_document(path)
}

/// Where documents are that anybody may read.
fn is_document(path: &str) -> bool {
    path.starts_with(RESOURCE_METADATA) || path.starts_with(ISSUER_METADATA) || path == KEYS
}

fn is_probe(path: &str) -> bool {
    path == "/healthz" || path == "/readyz"
}

/// The address that a caller knows this gateway by. Clients compare it (RFC 9728 section 3.3), so a gateway on this
/// machine has the name that it was asked by, of those that mean this machine.
pub(super) fn address<'s>(shared: &'s SharedState, headers: &HeaderMap) -> Cow<'s, str> {
    let asked = || {
        let own = shared.public.as_ref().filter(|own| is_loopback(own))?;
        let host = headers.get(HOST)?.to_str().ok()?;
        let asked = Url::parse(&format!("{}://{host}", own.scheme())).ok()?;
        let other = asked.host() != own.host() && is_same(own, &asked);
        other.then(|| asked.origin().ascii_serialization() + shared.prefix())
    };
    asked().map_or(Cow::Borrowed(shared.public_url.as_str()), Cow::Owned)
}

/// Where a resource's metadata is.
pub(super) fn metadata_url(public_url: &str, server: &str, resource: Resource) -> String {
    format!("{public_url}{RESOURCE_METADATA}{}", resource.path(server))
}

/// The gateway's own answer, if the request is for one of its addresses.
///
/// # Errors
/// [`Rejection::HttpMethod`]: all of them are only read.
pub(super) fn answer(
    shared: &SharedState,
    moment: &Snapshot,
    head: &request::Parts,
) -> Result<Option<Response<Body>>, Rejection> {
    let path = head.uri.path();
    let is_issuers =
        |path: &str| shared.vending().is_some_and(|own| path == KEYS || is_metadata(&own.issuer, path));
    let public = is_document(path) && (path.starts_with(RESOURCE_METADATA) || is_issuers(path));
    if !public && !is_probe(path) {
        return Ok(None);
    }
    match head.method {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS if public => return question(head).map(Some),
        _ => return Err(Rejection::HttpMethod(READ)),
    }
    Ok(Some(match path {
        "/healthz" => probe(&Ok(())),
        "/readyz" => probe(&shared.readiness()),
        KEYS => json_answer(
            StatusCode::OK,
            moment.state.keys.as_ref().map_or(&json!({"keys": []}), |keys| &keys.published),
        ),
        _ if !path.starts_with(RESOURCE_METADATA) => json_answer(StatusCode::OK, &issuer(shared)),
        _ => {
            let (at, path) = (address(shared, &head.headers), path.get(RESOURCE_METADATA.len()..));
            match metadata(shared, moment, &at, path.unwrap_or_default()) {
                Some(document) => json_answer(StatusCode::OK, &document),
                None => json_answer(StatusCode::NOT_FOUND, &json!({"error": "not_found"})),
            }
        }
    }))
}

/// A preflight for public data: some pages send a header that causes one.
fn question(head: &request::Parts) -> Result<Response<Body>, Rejection> {
    let mut response = pages::preflight(&head.headers).map_err(|_| Rejection::HttpMethod(READ))?;
    pages::show_all(response.headers_mut());
    Ok(response)
}

fn probe(ready: &Result<(), String>) -> Response<Body> {
    let (status, text) = describe_readiness(ready);
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// The status and text of a probe.
pub(super) fn describe_readiness(ready: &Result<(), String>) -> (StatusCode, String) {
    match ready {
        Ok(()) => (StatusCode::OK, "ok\n".into()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    }
}

/// The metadata for a resource's path; of the whole gateway if it has only one server. A public address has its path before
/// that (RFC 9728 section 3.1), for clients that make the place themselves.
fn metadata(shared: &SharedState, moment: &Snapshot, at: &str, path: &str) -> Option<Value> {
    let state = &moment.state;
    let path = shared.without_prefix(path).unwrap_or(path);
    if path.is_empty() || path == "/" {
        let mut all = state.upstreams.values().filter(|upstream| !upstream.is_built_in());
        let (only, none) = (all.next()?, all.next());
        return none.is_none().then(|| document(shared, at, only, Resource::MCP));
    }
    let found = state.routes.find(path).ok()?;
    let upstream = state.upstreams.get(found.route.server.name.as_str())?;
    Some(document(shared, at, upstream, found.resource()))
}

/// Whether the metadata of an issuer is at this path (RFC 8414 section 3.1).
fn is_metadata(issuer: &str, path: &str) -> bool {
    well_known(issuer).first().is_some_and(|place| place.path() == path)
}

/// RFC 8414 section 2: what there is of an authorization server. It has no login, and issues a token only in exchange for another.
fn issuer(shared: &SharedState) -> Value {
    let issuer = shared.vending().map(|own| own.issuer.as_str()).unwrap_or_default();
    let at = |path: &str| {
        let path = format!("{}{path}", shared.prefix());
        Url::parse(issuer).and_then(|url| url.join(&path)).map(String::from).unwrap_or_default()
    };
    json!({
        "issuer": issuer,
        "token_endpoint": at(TOKEN_ENDPOINT),
        "jwks_uri": at(KEYS),
        "response_types_supported": [],
        "grant_types_supported": [TOKEN_EXCHANGE],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_details_types_supported": ["mcp"],
    })
}

/// RFC 9728 section 2. Issuers are written byte for byte as in their tokens: clients compare them.
fn document(shared: &SharedState, at: &str, upstream: &Upstream, resource: Resource) -> Value {
    let issuers: Vec<&str> = shared.others().map(|issuer| issuer.name()).collect();
    let scopes: Vec<&str> =
        upstream.scopes.iter().map(|scope| &**scope).filter(|scope| shared.is_granted(scope)).collect();
    let mut document = json!({
        "resource": format!("{at}{}", resource.path(upstream.name())),
        "authorization_servers": issuers,
        "bearer_methods_supported": ["header"],
        "resource_name": upstream.route.server.title,
    });
    if let (Some(members), false) = (document.as_object_mut(), scopes.is_empty()) {
        members.insert("scopes_supported".into(), scopes.into());
    }
    document
}

fn json_answer(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::full(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    // Public by design: browser clients read it before they have a token (RFC 9728 section 3.1).
    pages::show_all(headers);
    response
}
