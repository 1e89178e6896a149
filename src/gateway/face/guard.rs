//! What every request is held to before its page: it is for this host, so that no name that leads here by DNS
//! rebinding is served; it arrives in time; and if it may change something, it comes from these pages, or from a program
//! with a token (the CSRF rule of Go 1.25's `CrossOriginProtection`, which needs nothing in forms).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HOST, HeaderMap, HeaderValue, ORIGIN, SET_COOKIE,
};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::timeout;

use super::peer::Peer;
use super::site::FaceSite;
use super::visitor::{Asking, Visitor, VisitorProof};
use super::{FaceState, answer, cookie};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lets a request in, with who asks among its extensions; renews the session's cookie.
pub(super) async fn admit(State(face): State<Arc<FaceState>>, mut request: Request, next: Next) -> Response {
    if !is_ours(&face.site, &request) {
        let at = format!("these pages are at {}", face.site.url);
        return answer::problem(StatusCode::MISDIRECTED_REQUEST, &at);
    }
    let peer = Peer::of(&request, &face.shared);
    let id = face.name_request();
    let asking = Visitor::of(&face, request.headers(), (peer, id.as_str())).await;
    // A request with a rejected token is refused, and not treated as anonymous.
    let by_token = match &asking {
        Ok(visitor) => visitor.as_ref().is_some_and(|one| matches!(one.by, VisitorProof::Token(_))),
        Err(_) => true,
    };
    if !request.method().is_safe() && !is_same_site(&face.site, request.headers(), by_token) {
        return answer::problem(StatusCode::FORBIDDEN, "this request does not come from these pages");
    }
    let renewed = renewed(&face, &asking);
    request.extensions_mut().insert(asking.clone());
    let Ok(mut response) = timeout(PATIENCE, next.run(request)).await else {
        return answer::problem(StatusCode::GATEWAY_TIMEOUT, "this takes too long; try again");
    };
    // For the frame of a page about what went wrong.
    response.extensions_mut().insert(asking);
    if let Some(cookie) = renewed.filter(|_| is_personal(response.headers())) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Whether an answer may renew the session's cookie: a cache keeps nothing of it, no page of another site reads it, and
/// it says nothing of cookies itself, as the end of a session does.
fn is_personal(headers: &HeaderMap) -> bool {
    [SET_COOKIE, CACHE_CONTROL, ACCESS_CONTROL_ALLOW_ORIGIN].iter().all(|name| !headers.contains_key(name))
}

/// Whether a request is for this origin's host, by `Host` and by an absolute target (RFC 9112 section 3.2.2).
fn is_ours(site: &FaceSite, request: &Request) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let absolute = request.uri().authority().is_none_or(|authority| site.is_at(authority.as_str()));
    host.is_some_and(|host| site.is_at(host)) && hosts.next().is_none() && absolute
}

/// Whether a request that may change something comes from these pages. Browsers send one of both headers; a client that
/// shows a token and sends neither is a program.
fn is_same_site(site: &FaceSite, headers: &HeaderMap, by_token: bool) -> bool {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
        (values.next(), values.next().is_some())
    };
    match (one("sec-fetch-site"), one(ORIGIN.as_str())) {
        ((_, true), _) | (_, (_, true)) => false,
        ((Some(from), _), _) => matches!(from, b"same-origin" | b"none"),
        ((None, _), (Some(origin), _)) => origin == site.origin.as_bytes(),
        ((None, _), (None, _)) => by_token,
    }
}

/// The cookie of a session that was last used a while ago.
fn renewed(face: &FaceState, asking: &Asking) -> Option<HeaderValue> {
    let Ok(Some(visitor)) = asking else { return None };
    let VisitorProof::Session(session) = &visitor.by else { return None };
    let session = session.renewed(visitor.moment.now)?;
    let (_, end) = session.ends();
    let value = session.seal(&face.shared.session_key.face)?;
    cookie::set(&face.site.cookie, &value, end - visitor.moment.now, face.site.is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_cache_keeps_a_cookie_that_is_renewed() {
        assert!(is_personal(answer::html(StatusCode::OK, String::new()).headers()));
        assert!(!is_personal(crate::gateway::face::html::style().await.headers()));
        let mut headers = HeaderMap::new();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        assert!(!is_personal(&headers));
    }
}
