//! The only access to the network: https, or http on loopback, with deadlines, a size limit, and redirects followed
//! only within one server. Its errors name the host and never a query or a body. Not here: what is requested and what
//! an answer means (see `flow`).

mod error;
mod outward;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, Request, Response};
use url::Url;

pub use self::error::HttpError;
use self::error::{failure, lost};
use self::outward::{Outward, connecting};
pub use self::outward::{PROXIES, proxy_for};
pub use crate::sys::address::is_loopback;
use crate::sys::address::{self, is_forbidden_host};
use crate::sys::clock;
use crate::sys::coding::{self, Flow};
use crate::sys::exchange::Exchange;
use crate::sys::mark::drop_mark;
use crate::sys::place::announced;
use crate::sys::trust::Trust;

/// The largest answer that is read, in bytes.
const MAX_RESPONSE_BYTES: usize = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest address that is shown, in characters.
const LONGEST_ADDRESS: usize = 300;
/// How many redirects in a row are followed.
const MOST_REDIRECTS: usize = 5;
/// A year: the library has no "none" for a single request.
const NO_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// A handle on the network; cheap to clone. Its clients are built on first use: reading the certificate store takes
/// longer than a whole loopback token request.
#[derive(Clone, Debug, Default)]
pub struct Http(Arc<HttpInner>);

#[derive(Debug, Default)]
struct HttpInner {
    allow_plain: bool,
    trust: Trust,
    loopback: OnceLock<Client>,
    loopback_tls: OnceLock<Client>,
    outside: OnceLock<Client>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct HttpReply {
    /// The HTTP status.
    pub status: u16,
    /// How long the server asks us to wait, if it does (RFC 9110 section 10.2.3, in seconds).
    pub retry_after: Option<Duration>,
    /// The server's time, if sent (RFC 9110 section 6.6.1), in seconds since 1970.
    pub date: Option<i64>,
    /// The body, decoded and without a byte order mark.
    pub body: Vec<u8>,
}

/// An answer whose body is still arriving, without a time limit.
#[derive(Debug)]
pub struct Incoming {
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers.
    pub headers: HeaderMap,
    /// Its URL, after redirects.
    pub url: Url,
    host: String,
    body: Flow,
}

impl Http {
    /// A handle; `allow_plain` allows plain http to other machines.
    pub fn new(allow_plain: bool) -> Self {
        Self(Arc::new(HttpInner { allow_plain, ..HttpInner::default() }))
    }

    /// The same, with these trusted authorities.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self(Arc::new(HttpInner { allow_plain: self.0.allow_plain, trust, ..HttpInner::default() }))
    }

    /// The trusted authorities.
    pub fn trust(&self) -> &Trust {
        &self.0.trust
    }

    /// Sends a POST with a ready body.
    ///
    /// # Errors
    /// As [`HttpError`] says; any HTTP status but a redirect is an answer, not an error.
    pub async fn post(&self, url: &Url, headers: HeaderMap, body: String) -> Result<HttpReply, HttpError> {
        let mut request = Request::new(Method::POST, url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        self.send(request).await
    }

    /// Sends a GET.
    ///
    /// # Errors
    /// As [`HttpError`] says; any HTTP status but a redirect is an answer, not an error.
    pub async fn get(&self, url: &Url, headers: HeaderMap) -> Result<HttpReply, HttpError> {
        let mut request = Request::new(Method::GET, url.clone());
        *request.headers_mut() = headers;
        self.send(request).await
    }

    /// Sends a request to an MCP server and returns once the answer's headers are there. It has no deadline: a tool
    /// may work for an hour before it sends anything, and an event stream never ends. The caller drops it. No content
    /// coding is requested, because servers hold events back until there is enough to compress; one that is used
    /// anyway is decoded. A 307 or 308 is followed to addresses of the server below `within`, and nowhere else.
    ///
    /// # Errors
    /// As [`HttpError`] says; any HTTP status but a redirect is an answer, not an error.
    pub async fn open(
        &self,
        method: Method,
        (url, within): (&Url, &Url),
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Incoming, HttpError> {
        let mut request = Request::new(method, url.clone());
        *request.headers_mut() = headers;
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        *request.body_mut() = body.map(Into::into);
        *request.timeout_mut() = Some(NO_TIMEOUT);
        Ok(Incoming::of(self.execute(request, within).await?))
    }

    /// Sends a GET like a browser, but follows no redirect: that is the answer.
    ///
    /// # Errors
    /// As [`HttpError`] says; any HTTP status is an answer, not an error.
    pub async fn look(&self, url: &Url) -> Result<Incoming, HttpError> {
        Ok(Incoming::of(self.exchange(Request::new(Method::GET, url.clone())).await?))
    }

    /// Follows redirects from `url` like a browser, for at most ten hops. Only for `demo`: it stays on loopback.
    pub async fn follow(&self, mut url: Url) {
        for _ in 0..10 {
            if !is_loopback(&url) {
                return;
            }
            let Ok(response) = self.exchange(Request::new(Method::GET, url.clone())).await else { return };
            let next = response
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok())
                .and_then(|to| url.join(to).ok());
            match next {
                Some(next) => url = next,
                None => return,
            }
        }
    }

    async fn send(&self, request: Request) -> Result<HttpReply, HttpError> {
        let host = host(request.url());
        let origin = request.url().join("/").unwrap_or_else(|_| request.url().clone());
        let response = self.execute(request, &origin).await?;
        let status = response.status().as_u16();
        let date = response.headers().get(DATE).and_then(|value| clock::http_date(value.to_str().ok()?));
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = match body(Flow::of(response), &host).await {
            // A failure's status tells enough, whatever became of the words.
            Err(_) if status >= 400 => Vec::new(),
            body => body?,
        };
        Ok(HttpReply { status, retry_after, date, body })
    }

    /// Sends a request, and once more to a redirect that keeps method and body (RFC 9110 sections 15.4.8 and 15.4.9)
    /// and stays on the server, below `within`: that server has seen the request already.
    async fn execute(&self, mut request: Request, within: &Url) -> Result<Response, HttpError> {
        let mut hops = 0..MOST_REDIRECTS;
        loop {
            let (url, again) = (request.url().clone(), request.try_clone());
            let response = self.exchange(request).await?;
            let status = response.status().as_u16();
            let to =
                response.headers().get(LOCATION).filter(|_| (300..400).contains(&status) && status != 304);
            let Some(to) = to else { return Ok(response) };
            let to = String::from_utf8_lossy(to.as_bytes());
            let next = announced(&url, &to, within).filter(|_| matches!(status, 307 | 308));
            match (next, again, hops.next()) {
                (Some(next), Some(again), Some(_)) => {
                    request = again;
                    *request.url_mut() = next;
                }
                _ => {
                    return Err(HttpError::Redirect {
                        host: host(&url),
                        status,
                        to: display_location(&url, &to),
                    });
                }
            }
        }
    }

    /// Sends one request, and logs it for `-v`.
    async fn exchange(&self, request: Request) -> Result<Response, HttpError> {
        let (host, client) = (host(request.url()), self.client(request.url())?);
        let told = Exchange::begin(&request);
        let target = request.url().clone();
        let sent = connecting(&target, client.execute(request)).await;
        if let Some(told) = told {
            told.end(&sent);
        }
        sent.map_err(|error| failure(&host, &error))
    }

    /// The client for `url`: loopback never uses a proxy, and plain http never loads certificates.
    fn client(&self, url: &Url) -> Result<&Client, HttpError> {
        let loopback = is_loopback(url);
        if url.scheme() != "https" && !loopback && !self.0.allow_plain {
            return Err(HttpError::Plain { host: host(url) });
        }
        // A literal address is not resolved.
        if url.host().is_some_and(|host| is_forbidden_host(&host)) {
            return Err(HttpError::Forbidden { host: host(url) });
        }
        let secure = url.scheme() == "https";
        let slot = match (loopback, secure) {
            (true, true) => &self.0.loopback_tls,
            (true, false) => &self.0.loopback,
            (false, _) => &self.0.outside,
        };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let builder = if loopback { builder().no_proxy() } else { builder() };
        let builder = if loopback && !secure { builder.tls_certs_only([]) } else { self.trusted(builder) };
        let client = builder.build().map_err(|e| failure(&host(url), &e))?;
        Ok(slot.get_or_init(|| client))
    }

    fn trusted(&self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        builder.tls_certs_merge(self.0.trust.extra().iter().filter_map(|der| Certificate::from_der(der).ok()))
    }
}

impl Incoming {
    fn of(response: Response) -> Self {
        let (status, mut headers) = (response.status().as_u16(), response.headers().clone());
        let (url, body) = (response.url().clone(), Flow::of(response));
        if body.is_decoded() {
            // They are of the body as it came.
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
        }
        Self { status, headers, host: host(&url), url, body }
    }

    /// The next part of the body; `None` at its end.
    ///
    /// # Errors
    /// [`HttpError::Lost`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        self.body.chunk().await.map_err(|e| lost(&self.host, &e))
    }

    /// The rest of the body, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// [`HttpError::Lost`], [`HttpError::TooLarge`].
    pub async fn rest(&mut self, limit: usize) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > limit {
                return Err(HttpError::TooLarge { host: self.host.clone(), limit });
            }
        }
        Ok(body)
    }
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        // `execute` follows them.
        .redirect(Policy::none())
        .dns_resolver(Outward)
        .default_headers(HeaderMap::from_iter([(
            ACCEPT_ENCODING,
            HeaderValue::from_static(coding::ACCEPTED),
        )]))
        .user_agent(concat!("mcpauth/", env!("CARGO_PKG_VERSION")))
}

/// A redirect's target in printable form.
fn display_location(asked: &Url, to: &str) -> String {
    let to = match asked.join(to) {
        Ok(to) => address::shown(&to),
        Err(_) => address::shown_path(to.split(['?', '#']).next().unwrap_or_default()),
    };
    to.chars().take(LONGEST_ADDRESS).collect()
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

async fn body(mut flow: Flow, host: &str) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = flow.chunk().await.map_err(|e| lost(host, &e))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_RESPONSE_BYTES {
            return Err(HttpError::TooLarge { host: host.into(), limit: MAX_RESPONSE_BYTES });
        }
    }
    drop_mark(&mut body);
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_counts_as_loopback() {
        for (url, expected) in [
            ("http://127.0.0.1:8080/", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:9/", true),
            ("http://localhost/", true),
            ("http://idp.localhost/", true),
            ("http://localhost./", true),
            ("http://LOCALHOST/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://[::ffff:10.0.0.1]/", false),
            ("http://localhost.evil.test/", false),
            ("http://127.0.0.1.evil.test/", false),
            ("http://10.0.0.1/", false),
            ("http://0.0.0.0/", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[tokio::test]
    async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
        let url = Url::parse("http://idp.test/token").unwrap();
        let refused =
            Http::new(false).post(&url, HeaderMap::new(), "client_secret=x".into()).await.unwrap_err();
        assert_eq!(refused.to_string(), "idp.test would be sent secrets over plain http");
    }

    #[tokio::test]
    async fn metadata_addresses_are_never_asked() {
        for url in
            ["https://169.254.169.254/latest", "https://[fe80::1]/", "https://metadata.cloud.internal/"]
        {
            let refused =
                Http::new(false).get(&Url::parse(url).unwrap(), HeaderMap::new()).await.unwrap_err();
            assert!(matches!(refused, HttpError::Forbidden { .. }), "{url}: {refused}");
        }
    }

    #[tokio::test]
    async fn a_refused_connection_names_the_host_and_not_the_query() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = Url::parse(&format!("http://{free}/token?secret=hunter2")).unwrap();
        let error = Http::new(false).get(&url, HeaderMap::new()).await.unwrap_err();
        assert!(error.unsent());
        let text = format!("{error} {error:?}");
        assert!(text.contains(&free.to_string()) && !text.contains("hunter2"), "{text}");
    }
}
