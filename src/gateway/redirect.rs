//! Redirects of servers: where they lead, and which are followed.
//! It leaves sending again to `send`, and checks to `health`.
//!
//! A 307 or 308 to another place on the same server is followed with method and body (RFC 9110 sections 15.4.8 and 15.4.9).
//! Any other redirect ends the request: it would change the method, or take the request where nobody decided that it may go.

use hyper::header::{HeaderMap, LOCATION};
use hyper::{StatusCode, Uri};

use super::servers::endpoints::UpstreamEndpoint;
use crate::text::clean;

/// How many redirects of one request are followed.
pub(super) const HOPS: usize = 5;
/// As much of an address as is shown.
pub(super) const SHOWN: usize = 200;

/// Whether a status is one of a redirect; 304 is an answer.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}

/// Where on the server a redirect leads that answers a request for `asked`.
///
/// # Errors
/// Where else, as it may be shown, if it is not to be followed.
pub(super) fn place_of(
    endpoint: &UpstreamEndpoint,
    asked: &Uri,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Uri, String> {
    let location = headers.get(LOCATION).map(|location| String::from_utf8_lossy(location.as_bytes()));
    let Some(location) = location else { return Err("no address".into()) };
    let place = endpoint.follow(asked, &location).map_err(|elsewhere| clean(&elsewhere, SHOWN))?;
    match status {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => Ok(place),
        _ => Err(display_location(endpoint, &place)),
    }
}

/// A place on the server as it may be shown: without its query, which may be a key.
pub(super) fn display_location(endpoint: &UpstreamEndpoint, place: &Uri) -> String {
    let origin = endpoint.url.origin().ascii_serialization();
    clean(&format!("{origin}{}", place.path()), SHOWN)
}
