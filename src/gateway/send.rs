//! Sends a permitted message to its server: with the headers that may pass, with the credential that the gateway
//! stores for it, and following the server's own redirects. Not here: which headers pass (see `headers`); connections
//! (see `pool`); the answer (see `forward`).

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use memchr::memmem;
use tracing::{info, warn};

use super::authn::opaque::{self, TokenOwner};
use super::authorized_request::{AuthorizedRequest, LegacySession};
use super::callers::CredentialHeader;
use super::egress::{CredentialRequest, StoredCredential};
use super::headers::Onward;
use super::pool::{ExchangeError, Pool, SentHeaders, Timeouts, UpstreamBody};
use super::redirect::{HOPS, display_location, is_redirect, place_of};
use super::refusal::Rejection;
use super::request_log::{RequestLog, X_REQUEST_ID};
use super::settings::EgressMode;
use super::state::SharedState;
use crate::mcp::SESSION;
use crate::sys::trust;
use crate::tokens::retry;

/// One core's way to the servers.
pub(super) struct UpstreamSender {
    pub(super) shared: Arc<SharedState>,
    pub(super) pool: Arc<Pool>,
}

impl UpstreamSender {
    /// The server's answer.
    ///
    /// # Errors
    /// 502 and 504.
    pub(super) async fn send(
        &self,
        passage: &AuthorizedRequest<'_>,
        session: Option<&LegacySession>,
        mut headers: HeaderMap,
        record: &mut RequestLog<'_>,
    ) -> Result<Response<UpstreamBody>, Rejection> {
        onward(passage, session, &mut headers, record.request_header());
        if let Some(own) = self.shared.vending() {
            without_own(&mut headers, &own.issuer);
        }
        let upstream = passage.upstream;
        match &upstream.stored {
            Some(stored) if upstream.route.egress == EgressMode::Stored => {
                Box::pin(self.with_stored(stored, passage, headers, record)).await
            }
            _ => self.follow(passage, headers, record).await,
        }
    }

    /// Sends it with a stored credential, and with another one if the server rejects that.
    async fn with_stored(
        &self,
        stored: &Arc<StoredCredential>,
        passage: &AuthorizedRequest<'_>,
        headers: HeaderMap,
        record: &mut RequestLog<'_>,
    ) -> Result<Response<UpstreamBody>, Rejection> {
        let source = CredentialRequest { stored, vault: &self.shared.vault };
        let mut turn = retry::Once::begin(&source).await?;
        loop {
            let mut with = headers.clone();
            turn.token().apply(&mut with);
            let answer = self.follow(passage, with, record).await?;
            if answer.status() != StatusCode::UNAUTHORIZED || !turn.again().await? {
                return Ok(answer);
            }
        }
    }

    /// The server's answer, after its redirects.
    async fn follow(
        &self,
        passage: &AuthorizedRequest<'_>,
        headers: HeaderMap,
        record: &mut RequestLog<'_>,
    ) -> Result<Response<UpstreamBody>, Rejection> {
        let answer = self.exchange(passage, passage.target.clone(), headers, record).await?;
        if is_redirect(answer.status()) {
            return Box::pin(self.redirected(passage, answer, record)).await;
        }
        Ok(answer)
    }

    /// One exchange with the server, at this place on it.
    async fn exchange(
        &self,
        passage: &AuthorizedRequest<'_>,
        target: Uri,
        headers: HeaderMap,
        record: &mut RequestLog<'_>,
    ) -> Result<Response<UpstreamBody>, Rejection> {
        let limits = &self.shared.settings.limits;
        let patience = Timeouts {
            connect: Duration::from_secs(limits.connect_timeout),
            answer: Duration::from_secs(limits.response_timeout),
        };
        let mut request = Request::new(Full::new(passage.body.clone()));
        request.method_mut().clone_from(passage.method);
        *request.uri_mut() = target;
        *request.headers_mut() = headers;
        let sent = Instant::now();
        let origin = &passage.endpoint.origin;
        let stream = passage.wish.stays_open();
        let result = self.pool.exchange(origin, request, (patience, passage.alarm), stream).await;
        record.upstream(sent);
        result.map_err(|failure| {
            let name = passage.upstream.name();
            let (refusal, why) = match failure {
                ExchangeError::Connect(error) => match trust::remedy(&error) {
                    Some(remedy) => (Rejection::Certificate, format!("{error}; {remedy}")),
                    None => (Rejection::Unreachable, error.to_string()),
                },
                ExchangeError::Exchange(error) => (Rejection::Unreachable, error.to_string()),
                ExchangeError::Switched => (Rejection::Unreachable, "it switches to another protocol".into()),
                ExchangeError::Slow => (Rejection::Late, "no answer in time".into()),
            };
            warn!(event = "upstream", request = record.request_id(), "{name}: {why}");
            refusal
        })
    }

    /// The answer at a redirect's target, if it may be followed.
    async fn redirected(
        &self,
        passage: &AuthorizedRequest<'_>,
        mut answer: Response<UpstreamBody>,
        record: &mut RequestLog<'_>,
    ) -> Result<Response<UpstreamBody>, Rejection> {
        let endpoint = passage.endpoint;
        let (mut asked, mut hops) = (passage.target.clone(), 0..HOPS);
        while is_redirect(answer.status()) {
            let found = place_of(endpoint, &asked, answer.status(), answer.headers());
            let (place, headers) = match (found, answer.extensions_mut().remove()) {
                (Ok(place), Some(SentHeaders(headers))) if hops.next().is_some() => (place, headers),
                // Too many hops.
                (Ok(place), _) => return Err(Rejection::Redirect(display_location(endpoint, &place).into())),
                (Err(elsewhere), _) => return Err(Rejection::Redirect(elsewhere.into())),
            };
            asked = place;
            answer = self.exchange(passage, asked.clone(), headers, record).await?;
        }
        if !passage.upstream.redirects.swap(true, Ordering::Relaxed) {
            let (name, to) = (passage.upstream.name(), display_location(endpoint, &asked));
            info!(
                event = "upstream",
                "{name}: redirects to {to}, as will every request; put that address into its file"
            );
        }
        Ok(answer)
    }
}

/// The headers in addition to the protocol's own that pass with a relayed call.
static NONE: LazyLock<HashSet<HeaderName>> = LazyLock::new(HashSet::new);

/// Reduces a request's headers to those that pass, without the stored credential.
pub(super) fn onward(
    passage: &AuthorizedRequest<'_>,
    session: Option<&LegacySession>,
    headers: &mut HeaderMap,
    request_id: HeaderValue,
) {
    let AuthorizedRequest { upstream, credential, .. } = passage;
    let credentials = !passage.is_relayed && upstream.route.egress == EgressMode::Passthrough;
    let onward = Onward {
        token: credential.token_bytes(),
        authorization: credentials && credential.via == CredentialHeader::XAuthorization,
        credentials,
        listed: if passage.is_relayed { Some(&NONE) } else { upstream.headers.as_ref() },
    };
    onward.filter_request_headers(headers);
    headers.insert(HOST, passage.endpoint.origin.header.clone());
    // Any answer may contain what has to be checked.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(X_REQUEST_ID, request_id);
    if let Some(session) = session {
        headers.insert(SESSION, session.own.clone());
    }
    for (name, value) in &upstream.route.server.headers {
        headers.insert(name.clone(), value.clone());
    }
    if upstream.route.identity_headers {
        identify(headers, passage);
    }
}

/// Takes out headers with a token of the gateway's own, whether it is the one that let the caller in or another: they are for
/// the gateway alone.
fn without_own(headers: &mut HeaderMap, issuer: &str) {
    let is_own = |word: &str| matches!(opaque::whose(word), TokenOwner::Named(named) if named == issuer);
    let is_between = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
    let holds_one = |value: &HeaderValue| {
        // A JWT's header is an object, which begins so in base64url; what cannot be read as text is read as far as it can.
        memmem::find(value.as_bytes(), b"eyJ").is_some()
            && String::from_utf8_lossy(value.as_bytes()).split(is_between).any(is_own)
    };
    let gone: Vec<HeaderName> =
        headers.iter().filter(|(_, value)| holds_one(value)).map(|(name, _)| name.clone()).collect();
    for name in gone {
        headers.remove(name);
    }
}

/// The registry's headers, for servers that require them.
fn identify(headers: &mut HeaderMap, passage: &AuthorizedRequest<'_>) {
    let principal = &passage.caller.principal;
    let scopes = principal.scopes.join(" ");
    let user = principal.username.as_deref().unwrap_or(&principal.subject);
    let rows = [
        ("x-user", Some(user)),
        ("x-username", Some(user)),
        ("x-client-id", principal.client_id.as_deref()),
        ("x-scopes", Some(scopes.as_str())),
        ("x-auth-method", Some("bearer")),
        ("x-server-name", Some(passage.upstream.name())),
        ("x-tool-name", passage.wish.name()),
    ];
    for (name, value) in rows {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
