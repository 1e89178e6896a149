//! Redirects of servers: where they lead, and the gateway's own requests sent there. Not here: sending callers' messages
//! (see `send`).
//!
//! A 307 or 308 to another path on the same server is followed with method and body (RFC 9110 sections 15.4.8 and
//! 15.4.9). Any other redirect ends the request: it would change the method, or take the request to a place that was
//! not authorized.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderMap, LOCATION};
use hyper::{Request, Response, StatusCode, Uri};

use super::alarm::Alarm;
use super::pool::{ExchangeError, Pool, SentHeaders, Timeouts, UpstreamBody};
use super::servers::endpoints::UpstreamEndpoint;
use crate::sys::address::shown_path;
use crate::text::clean;

/// How many redirects are followed per request.
pub(super) const HOPS: usize = 5;
/// The longest part of an address that is shown.
pub(super) const MAX_SHOWN_CHARS: usize = 200;

/// Whether a status is a redirect; 304 is an answer.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}

/// Sends a request of the gateway's own, on a connection of its own, and follows the server's redirects: the answer, and
/// where it came from.
///
/// # Errors
/// If there is no answer.
pub(super) async fn ask(
    pool: &Pool,
    endpoint: &UpstreamEndpoint,
    request: Request<Full<Bytes>>,
    patience: Timeouts,
) -> Result<(Response<UpstreamBody>, Uri), ExchangeError> {
    let (head, body) = request.into_parts();
    let (mut place, mut headers) = (head.uri, head.headers);
    let mut hops = 0..HOPS;
    loop {
        let mut request = Request::new(body.clone());
        request.method_mut().clone_from(&head.method);
        request.uri_mut().clone_from(&place);
        *request.headers_mut() = headers;
        let alarm = Alarm::default();
        let mut answer = pool.exchange(&endpoint.origin, request, (patience, &alarm), true).await?;
        let sent = answer.extensions_mut().remove::<SentHeaders>();
        let next = is_redirect(answer.status())
            .then(|| place_of(endpoint, &place, answer.status(), answer.headers()).ok())
            .flatten();
        match (next, sent, hops.next()) {
            (Some(next), Some(SentHeaders(sent)), Some(_)) => (place, headers) = (next, sent),
            _ => return Ok((answer, place)),
        }
    }
}

/// Where on the server a redirect leads that answers a request for `asked`.
///
/// # Errors
/// Where it leads instead, in printable form, if it is not to be followed.
pub(super) fn place_of(
    endpoint: &UpstreamEndpoint,
    asked: &Uri,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Uri, String> {
    let location = headers.get(LOCATION).map(|location| String::from_utf8_lossy(location.as_bytes()));
    let Some(location) = location else { return Err("no address".into()) };
    let place = endpoint.follow(asked, &location).map_err(|elsewhere| clean(&elsewhere, MAX_SHOWN_CHARS))?;
    match status {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => Ok(place),
        _ => Err(display_location(endpoint, &place)),
    }
}

/// A place on the server in printable form, without the keys that an operator's address may contain.
pub(super) fn display_location(endpoint: &UpstreamEndpoint, place: &Uri) -> String {
    let origin = endpoint.url.origin().ascii_serialization();
    clean(&format!("{origin}{}", shown_path(place.path())), MAX_SHOWN_CHARS)
}
