//! The only reader of what issuers and servers publish: an issuer's metadata (RFC 8414, OpenID Connect Discovery
//! 1.0), a protected resource's (RFC 9728) and an issuer's keys (RFC 7517). Not here: where a document may be and
//! what it must contain (see `oauth`).

use std::fmt;
use std::time::Duration;

use reqwest::header::HeaderMap;
use thiserror::Error;
use tokio::time::timeout;
use url::Url;

use crate::oauth::{
    Challenge, IssuerMetadata, MetadataError, ResourceError, ResourceMetadata, is_unavailable,
    resource_places, well_known,
};
use crate::sys::address::web_url;
use crate::sys::http::{Http, HttpError, HttpReply, is_loopback};
use crate::sys::mark::is_wide;
use crate::text::clean;

/// The timeout for one of several locations. All of them together take no longer than one request may.
const LOCATION_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest key set that is read, in bytes.
pub const MAX_KEY_SET: usize = 256 << 10;

/// Sends the requests: [`Http`], or a wrapper that adds a deadline or inspects the answers.
pub trait Fetch: Sync {
    /// Sends a GET.
    ///
    /// # Errors
    /// As [`HttpError`] says; any HTTP status is an answer, not an error.
    fn fetch(&self, url: &Url) -> impl Future<Output = Result<HttpReply, HttpError>> + Send;
}

/// Why one location gave no usable document.
#[derive(Debug, Error)]
pub enum FetchFailure<E> {
    /// No HTTP answer.
    #[error("{0}")]
    Http(HttpError),
    /// An answer that is not a document.
    #[error("HTTP {0}")]
    Status(u16),
    /// A document in another encoding.
    #[error("a document in UTF-16; JSON is UTF-8 (RFC 8259 section 8.1)")]
    Encoding,
    /// A document of another kind, or one that must not be used.
    #[error("{0}")]
    Document(E),
}

/// No location gave a usable document.
#[derive(Debug)]
pub struct MetadataNotFound<E> {
    /// Whose metadata it is: the issuer's, or the server's by its address.
    pub name: String,
    /// Every location that was tried, in order, and why it gave nothing usable. Empty if the name is not an http or
    /// https URL. Queries are left out: some servers have a key in their address.
    pub tried: Vec<(Url, FetchFailure<E>)>,
}

/// Why there are no keys.
#[derive(Debug, Error)]
pub enum KeySetError {
    /// A remote document must not make us send requests to our own machine.
    #[error(transparent)]
    Inward(#[from] LoopbackTarget),
    /// No usable answer.
    #[error("{place}: {cause}")]
    Place {
        /// The keys' URL, without the query.
        place: Url,
        /// What is wrong.
        cause: FetchFailure<KeySetTooLarge>,
    },
}

/// More than [`MAX_KEY_SET`] bytes.
#[derive(Debug, Error)]
#[error("the key set is larger than {MAX_KEY_SET} bytes")]
pub struct KeySetTooLarge;

/// A remote party that points to this machine.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{from} points to {to}, an address of this machine")]
pub struct LoopbackTarget {
    /// Its host.
    pub from: String,
    /// The target.
    pub to: String,
}

/// Why a server has no usable metadata.
#[derive(Debug, Error)]
pub enum ResourceMetadataError {
    /// It says that its metadata is on this machine. No request was made.
    #[error(transparent)]
    Inward(#[from] LoopbackTarget),
    /// There is none at any location.
    #[error(transparent)]
    NotFound(#[from] MetadataNotFound<ResourceError>),
}

impl Fetch for Http {
    fn fetch(&self, url: &Url) -> impl Future<Output = Result<HttpReply, HttpError>> + Send {
        self.get(url, HeaderMap::new())
    }
}

/// An issuer's metadata: from the first of its well-known locations with a document that is its own (RFC 8414 section
/// 3.3) and names a token endpoint; otherwise the first that is its own.
///
/// # Errors
/// [`MetadataNotFound`], after the last location.
pub async fn find_issuer(
    http: &impl Fetch,
    issuer: &str,
) -> Result<IssuerMetadata, MetadataNotFound<MetadataError>> {
    find_as(http, issuer, IssuerMetadata::read).await
}

/// The same for an issuer that a server lists, which may be spelled as [`IssuerMetadata::read_either`] allows.
///
/// # Errors
/// [`MetadataNotFound`], after the last location.
pub async fn find_listed_issuer(
    http: &impl Fetch,
    issuer: &str,
) -> Result<IssuerMetadata, MetadataNotFound<MetadataError>> {
    find_as(http, issuer, IssuerMetadata::read_either).await
}

async fn find_as(
    http: &impl Fetch,
    issuer: &str,
    read: impl Fn(&[u8], &str) -> Result<IssuerMetadata, MetadataError>,
) -> Result<IssuerMetadata, MetadataNotFound<MetadataError>> {
    let read = |body: &[u8]| match read(body, issuer)? {
        found if found.token_endpoint.is_some() => Ok(found),
        silent => Err(MetadataError::Silent(Box::new(silent))),
    };
    match search(http, issuer, issuer_places(issuer), read).await {
        Ok((_, found)) => Ok(found),
        Err(missing) => missing.into_silent(),
    }
}

/// The metadata of the issuer at a server's own `origin`, as in MCP 2025-03-26; `None` if none is published there.
/// Nothing names that issuer, so it may call itself by its origin with or without a slash: both lead here.
///
/// # Errors
/// [`MetadataNotFound`], if there is a document that must not be used, or the result is unknown for now.
pub async fn find_own_issuer(
    http: &impl Fetch,
    origin: &str,
) -> Result<Option<IssuerMetadata>, MetadataNotFound<MetadataError>> {
    let read = |body: &[u8]| IssuerMetadata::read_either(body, origin);
    let unreadable = |error: &MetadataError| matches!(error, MetadataError::Unreadable(_));
    match search(http, origin, issuer_places(origin), read).await {
        Ok((_, metadata)) => Ok(Some(metadata)),
        Err(missing) if missing.is_nowhere(unreadable) => Ok(None),
        Err(missing) => Err(missing),
    }
}

/// Where an issuer publishes its keys: from the first of its well-known documents that says so. `jwks_uri` is
/// optional in RFC 8414 section 2 and required in OpenID Connect Discovery, so one document may lack what the other
/// has.
///
/// # Errors
/// [`MetadataNotFound`], after the last location.
pub async fn find_jwks_uri(http: &impl Fetch, issuer: &str) -> Result<Url, MetadataNotFound<MetadataError>> {
    let read = |body: &[u8]| {
        let named = IssuerMetadata::read(body, issuer)?.jwks_uri;
        named.ok_or(MetadataError::Missing("jwks_uri"))
    };
    search(http, issuer, issuer_places(issuer), read).await.map(|(_, url)| url)
}

/// The metadata of the protected resource at `server`: at the URL in its challenge, then at its well-known locations.
pub async fn find_resource(
    http: &impl Fetch,
    server: &Url,
    challenge: &Challenge,
) -> Result<ResourceMetadata, ResourceMetadataError> {
    let places = resource_places(server, challenge);
    places.iter().try_for_each(|place| stay_outside(server.as_str(), place))?;
    let found = search(http, server.as_str(), places, |body| ResourceMetadata::read(body, server)).await;
    Ok(found.map(|(_, metadata)| metadata)?)
}

/// The first of `places` whose document `read` accepts, and its location.
///
/// An unusable answer does not end the search. An unreachable host is not tried again.
///
/// # Errors
/// [`MetadataNotFound`], after the last location.
pub async fn search<T, E>(
    http: &impl Fetch,
    name: &str,
    places: Vec<Url>,
    read: impl Fn(&[u8]) -> Result<T, E>,
) -> Result<(Url, T), MetadataNotFound<E>> {
    let (mut tried, mut unreachable) = (Vec::new(), Vec::new());
    for place in places {
        if unreachable.contains(&place.origin()) {
            continue;
        }
        let asked = timeout(LOCATION_TIMEOUT, fetch_document(http, &place, &read)).await;
        match asked.unwrap_or_else(|_| Err(FetchFailure::late(&place))) {
            Ok(found) => return Ok((place, found)),
            Err(cause) => {
                if matches!(&cause, FetchFailure::Http(error) if error.unsent()) {
                    unreachable.push(place.origin());
                }
                tried.push((without_query(place), cause));
            }
        }
    }
    Err(MetadataNotFound { name: name.into(), tried })
}

/// The key set at `url`, unchanged. `told_by` is the issuer whose metadata names the address; an address that a
/// person configured may be anywhere.
pub async fn fetch_keys(http: &impl Fetch, url: &Url, told_by: Option<&str>) -> Result<Vec<u8>, KeySetError> {
    if let Some(issuer) = told_by {
        stay_outside(issuer, url)?;
    }
    let small = |body: &[u8]| if body.len() > MAX_KEY_SET { Err(KeySetTooLarge) } else { Ok(body.to_vec()) };
    let found = fetch_document(http, url, small).await;
    found.map_err(|cause| KeySetError::Place { place: without_query(url.clone()), cause })
}

/// Rejects an address on this machine that a remote server or issuer names: local services may trust any client that connects
/// from here. [`Http`] itself rejects link-local and metadata addresses, no matter who names them.
pub fn stay_outside(from: &str, to: &Url) -> Result<(), LoopbackTarget> {
    let from = Url::parse(from).ok();
    if !is_loopback(to) || from.as_ref().is_some_and(is_loopback) {
        return Ok(());
    }
    let host = from.as_ref().and_then(Url::host_str).unwrap_or_default();
    Err(LoopbackTarget { from: host.into(), to: clean(to.as_str(), 200) })
}

fn issuer_places(issuer: &str) -> Vec<Url> {
    if web_url(issuer).is_ok() { well_known(issuer) } else { Vec::new() }
}

async fn fetch_document<T, E>(
    http: &impl Fetch,
    place: &Url,
    read: impl Fn(&[u8]) -> Result<T, E>,
) -> Result<T, FetchFailure<E>> {
    let reply = http.fetch(place).await.map_err(FetchFailure::Http)?;
    // RFC 8414 section 3.2 and RFC 9728 section 3.2 only allow 200; the document is checked with any status.
    if !(200..300).contains(&reply.status) {
        return Err(FetchFailure::Status(reply.status));
    }
    if is_wide(&reply.body) {
        return Err(FetchFailure::Encoding);
    }
    read(&reply.body).map_err(FetchFailure::Document)
}

fn without_query(mut place: Url) -> Url {
    place.set_query(None);
    place
}

impl<E> FetchFailure<E> {
    fn late(place: &Url) -> Self {
        let host = place.host_str().unwrap_or_default().into();
        Self::Http(HttpError::Lost {
            host,
            cause: format!("nothing within {} s", LOCATION_TIMEOUT.as_secs()),
        })
    }

    /// Whether it may go away without a change: the network's fault, or a server that cannot answer now.
    fn is_network(&self) -> bool {
        match self {
            Self::Http(error) => error.is_transient(),
            Self::Status(status) => is_unavailable(*status),
            Self::Encoding | Self::Document(_) => false,
        }
    }
}

impl MetadataNotFound<MetadataError> {
    /// The first document that is the issuer's own, although it names no token endpoint.
    fn into_silent(self) -> Result<IssuerMetadata, Self> {
        let is_silent = |(_, cause): &(Url, FetchFailure<_>)| {
            matches!(cause, FetchFailure::Document(MetadataError::Silent(_)))
        };
        match self.tried.iter().position(is_silent).and_then(|at| self.tried.get(at)) {
            Some((_, FetchFailure::Document(MetadataError::Silent(found)))) => Ok((**found).clone()),
            _ => Err(self),
        }
    }
}

impl<E> MetadataNotFound<E> {
    /// Whether it may go away without a change: the network or a server that cannot answer now was the cause at some
    /// location, and no other has a document.
    pub fn is_network(&self) -> bool {
        self.refused().is_none() && self.tried.iter().any(|(_, cause)| cause.is_network())
    }

    /// Whether all locations were tried, and none has a document.
    pub fn is_absent(&self) -> bool {
        self.is_nowhere(|_| false)
    }

    /// The same, also if a location has something that is not such a document: some hosts have a page for every
    /// address.
    pub fn is_nowhere(&self, is_none: impl Fn(&E) -> bool) -> bool {
        let absent = |cause: &FetchFailure<E>| match cause {
            FetchFailure::Http(error) => matches!(error, HttpError::Redirect { .. }),
            FetchFailure::Status(_) => !cause.is_network(),
            FetchFailure::Encoding => false,
            FetchFailure::Document(error) => is_none(error),
        };
        !self.tried.is_empty() && self.tried.iter().all(|(_, cause)| absent(cause))
    }

    /// The last document that was found and must not be used.
    pub fn refused(&self) -> Option<(&Url, &E)> {
        self.tried.iter().rev().find_map(|(place, cause)| match cause {
            FetchFailure::Document(error) => Some((place, error)),
            _ => None,
        })
    }

    /// The network's own error, if it is the only cause.
    ///
    /// # Errors
    /// This error otherwise.
    pub fn into_http(mut self) -> Result<HttpError, Self> {
        match (self.tried.pop(), self.tried.is_empty()) {
            (Some((_, FetchFailure::Http(error))), true) => Ok(error),
            (last, _) => {
                self.tried.extend(last);
                Err(self)
            }
        }
    }
}

/// Every location with its cause; consecutive equal causes are shown once.
impl<E: fmt::Display> fmt::Display for MetadataNotFound<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said: Vec<(String, String)> =
            self.tried.iter().map(|(place, cause)| (place.to_string(), cause.to_string())).collect();
        if said.is_empty() {
            return f.write_str("not a web address");
        }
        for (n, same) in said.chunk_by(|(_, one), (_, next)| one == next).enumerate() {
            let places: Vec<&str> = same.iter().map(|(place, _)| place.as_str()).collect();
            let cause = same.first().map_or("", |(_, cause)| cause.as_str());
            write!(f, "{}{}: {cause}", if n > 0 { "; " } else { "" }, places.join(", "))?;
        }
        Ok(())
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for MetadataNotFound<E> {}

#[cfg(test)]
mod tests;
