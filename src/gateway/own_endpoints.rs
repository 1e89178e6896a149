//! The gateway's own addresses: probes, and the documents that say where tokens for a server come from (RFC 9728).
//! It leaves everything under a server's name to the line, and metrics to `admin`.

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::http::request;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::body::Body;
use super::pages;
use super::refusal::Rejection;
use super::servers::route::Resource;
use super::state::{NotReady, SharedState, Snapshot, Upstream};
use crate::oauth::RESOURCE_METADATA;

/// Whether a request is answered all the same: load balancers ask for probes by address, and any page may read what is
/// public.
pub(super) fn is_public(head: &request::Parts, refusal: &Rejection) -> bool {
    let path = head.uri.path();
    let read = matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
    is_probe(path) || matches!(refusal, Rejection::Origin) && read && path.starts_with(RESOURCE_METADATA)
}

fn is_probe(path: &str) -> bool {
    path == "/healthz" || path == "/readyz"
}

/// Where a resource's document is.
pub(super) fn metadata_url(public_url: &str, server: &str, resource: Resource) -> String {
    format!("{public_url}{RESOURCE_METADATA}{}", resource.path(server))
}

/// An answer of the gateway's own, if the request is for one of its addresses.
pub(super) fn answer(
    shared: &SharedState,
    moment: &Snapshot,
    head: &request::Parts,
) -> Option<Response<Body>> {
    let path = head.uri.path();
    let public = path.starts_with(RESOURCE_METADATA);
    match head.method {
        Method::GET | Method::HEAD if is_probe(path) || public => {}
        Method::OPTIONS if public => return question(head),
        _ => return None,
    }
    Some(match path {
        "/healthz" => probe(&Ok(())),
        "/readyz" => probe(&shared.readiness()),
        _ => match metadata(shared, moment, path.get(RESOURCE_METADATA.len()..).unwrap_or_default()) {
            Some(document) => json_answer(StatusCode::OK, &document),
            None => json_answer(StatusCode::NOT_FOUND, &json!({"error": "not_found"})),
        },
    })
}

/// A page's question whether it may read what is public: some send a header with it that has them ask.
fn question(head: &request::Parts) -> Option<Response<Body>> {
    let mut response = pages::preflight(&head.headers).ok()?;
    pages::show_all(response.headers_mut());
    Some(response)
}

fn probe(ready: &Result<(), NotReady>) -> Response<Body> {
    let (status, text) = describe_readiness(ready);
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// The status and text of a probe.
pub(super) fn describe_readiness(ready: &Result<(), NotReady>) -> (StatusCode, String) {
    match ready {
        Ok(()) => (StatusCode::OK, "ok\n".into()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
    }
}

/// The document for a resource's path; of the gateway as a whole where it has one server alone.
fn metadata(shared: &SharedState, moment: &Snapshot, path: &str) -> Option<Value> {
    let state = &moment.state;
    if path.is_empty() || path == "/" {
        let mut all = state.upstreams.values().filter(|upstream| !upstream.is_built_in());
        let (only, none) = (all.next()?, all.next());
        return none.is_none().then(|| document(shared, only, Resource::MCP));
    }
    let found = state.routes.find(path).ok()?;
    let upstream = state.upstreams.get(found.route.server.name.as_str())?;
    Some(document(shared, upstream, found.resource()))
}

/// RFC 9728 section 2. Issuers are written byte for byte as their tokens name them: clients compare.
fn document(shared: &SharedState, upstream: &Upstream, resource: Resource) -> Value {
    let issuers: Vec<&str> = shared.issuers.iter().map(|issuer| issuer.name()).collect();
    let scopes: Vec<&str> =
        upstream.scopes.iter().map(|scope| &**scope).filter(|scope| shared.is_granted(scope)).collect();
    let mut document = json!({
        "resource": format!("{}{}", shared.public_url, resource.path(upstream.name())),
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
