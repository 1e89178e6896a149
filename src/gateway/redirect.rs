//! Redirects of servers: where they lead, and which requests need a copy of their headers for one. Not here: sending
//! (see `send`); checks (see `health`).
//!
//! A 307 or 308 to another path on the same server is followed with method and body (RFC 9110 sections 15.4.8 and
//! 15.4.9). Any other redirect ends the request: it would change the method, or take the request to a place that was
//! not authorized.

use std::sync::atomic::{AtomicU16, Ordering};

use hyper::header::{HeaderMap, LOCATION};
use hyper::{Method, StatusCode, Uri};

use super::servers::endpoints::UpstreamEndpoint;
use super::servers::route::EndpointKind;
use crate::text::clean;

/// How many redirects are followed per request.
pub(super) const HOPS: usize = 5;
/// The longest part of an address that is shown.
pub(super) const MAX_SHOWN_CHARS: usize = 200;

/// The endpoints that a server has answered without a redirect. Headers are copied only for the others, so that an
/// ordinary request costs no copy. If a server starts to redirect later, one request is refused.
#[derive(Debug, Default)]
pub(super) struct Straight(AtomicU16);

/// One endpoint of a server and a method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way(u16);

/// Whether followed redirects are reported.
const SAID: u16 = 1 << 15;

impl Way {
    pub(super) fn new(asked: EndpointKind<'_>, method: &Method) -> Self {
        let place = match asked {
            EndpointKind::Base => 0,
            EndpointKind::Mcp => 3,
            EndpointKind::Sse => 6,
            EndpointKind::SseMessages(_) => 9,
        };
        let method = match *method {
            Method::POST => 0,
            Method::GET => 1,
            _ => 2,
        };
        Self(1 << (place + method))
    }
}

impl Straight {
    pub(super) fn is(&self, way: Way) -> bool {
        self.0.load(Ordering::Relaxed) & way.0 != 0
    }

    pub(super) fn note(&self, way: Way) {
        if !self.is(way) {
            self.0.fetch_or(way.0, Ordering::Relaxed);
        }
    }

    /// It redirects after all.
    pub(super) fn forget(&self) {
        self.0.fetch_and(SAID, Ordering::Relaxed);
    }

    /// Whether to report now that its redirects are followed: once.
    pub(super) fn says(&self) -> bool {
        self.0.fetch_or(SAID, Ordering::Relaxed) & SAID == 0
    }
}

/// Whether a status is a redirect; 304 is an answer.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
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

/// A place on the server in printable form: without its query, which may contain a key.
pub(super) fn display_location(endpoint: &UpstreamEndpoint, place: &Uri) -> String {
    let origin = endpoint.url.origin().ascii_serialization();
    clean(&format!("{origin}{}", place.path()), MAX_SHOWN_CHARS)
}
