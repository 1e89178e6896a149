//! Authenticates callers: finds the one credential of a request, has it verified or introspected, and caches the
//! result by the token's hash until the token expires or anything it was checked against changes. Not here:
//! signatures and claims (see `authn`); permissions (see `policy`).

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use memchr::memchr3;
use tracing::warn;

use super::accounts::Account;
use super::authn::introspection::{AuthFailure, PresentedToken, VerifiedToken};
use super::authn::issuers::{IssuerFault, IssuerState};
use super::authn::jwt::{Claims, Token, TokenError};
use super::authn::keys::KeySet;
use super::authn::opaque::{self, TokenOwner};
use super::authn::token_cache::{Hash, LastToken, TokenCache, hash};
use super::refusal::Rejection;
use super::state::{LoadedFiles, SharedState, Snapshot};
use crate::policy::{Grants, Principal};

/// An authenticated caller, with all its grants.
pub(super) struct Caller {
    pub(super) principal: Principal,
    /// Seconds since 1970; the token is expired from here on.
    pub(super) expires_at: i64,
    /// Until when this is used without asking again: an introspected issuer may revoke the token before it expires.
    believed_until: i64,
    pub(super) grants: Grants,
    /// The same by the shadow policy.
    pub(super) shadow: Option<Grants>,
    /// What the caller has in flight, with all its tokens together.
    pub(super) account: Arc<Account>,
    /// The index of its issuer among those configured.
    issuer: usize,
    /// The minute in which this core last said that a vended token is in use, in seconds since 1970.
    used_at: AtomicI64,
}

/// The callers that one core knows.
pub(super) struct Callers {
    pub(super) shared: Arc<SharedState>,
    /// Cached results, and the epoch under which they were found.
    tokens: Mutex<TokenCache<(Arc<Caller>, u64)>>,
}

/// The header that carried the token: it is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialHeader {
    /// `X-Authorization`, which leaves `Authorization` free for the server's own credential.
    XAuthorization,
    /// `Authorization`, for clients that have no other.
    Authorization,
}

/// The header that carried the token.
#[derive(Clone)]
pub(super) struct TokenHeader {
    pub(super) via: CredentialHeader,
    value: HeaderValue,
    /// Where the token begins in it.
    at: usize,
}

pub(super) const X_AUTHORIZATION: HeaderName = HeaderName::from_static("x-authorization");
const X_USER_POOL_ID: HeaderName = HeaderName::from_static("x-user-pool-id");
const X_CLIENT_ID: HeaderName = HeaderName::from_static("x-client-id");
const X_REGION: HeaderName = HeaderName::from_static("x-region");

impl Caller {
    /// Whether the caller's token is valid for this server.
    ///
    /// # Errors
    /// 401, with where tokens for it are issued.
    pub(super) fn enters(&self, server: &str) -> Result<(), Rejection> {
        if self.grants.opens(server) { Ok(()) } else { Err(Rejection::Token(TokenError::Audience)) }
    }

    /// Notes in the ledger that a vended token is in use, once a minute.
    pub(super) fn is_used(&self, now: i64, shared: &SharedState) {
        const MINUTE: i64 = 60;
        let Some((vended, ledger)) = self.principal.vended.as_ref().zip(shared.ledger.as_ref()) else {
            return;
        };
        let minute = now - now.rem_euclid(MINUTE);
        if self.used_at.swap(minute, Ordering::Relaxed) < minute {
            ledger.used(&vended.token_id, minute);
        }
    }

    /// When its issuer says that the token ends, in seconds since 1970: no clock is given any leeway.
    pub(super) fn ends_at(&self, shared: &SharedState) -> i64 {
        let leeway = self.issuer(shared).map_or(0, |issuer| issuer.rules.leeway());
        self.expires_at.saturating_sub(leeway)
    }

    /// The issuer of the token.
    pub(super) fn issuer<'s>(&self, shared: &'s SharedState) -> Option<&'s Arc<IssuerState>> {
        shared.issuers.get(self.issuer)
    }

    /// Whether the caller can request a scope from the token's issuer.
    pub(super) fn may_ask_for(&self, shared: &SharedState, scope: &str) -> bool {
        self.issuer(shared).is_some_and(|issuer| issuer.grants(scope))
    }

    /// Seconds since 1970, until when the token is accepted without another check; never past its expiry.
    pub(super) fn cache_until(&self) -> i64 {
        self.believed_until.min(self.expires_at)
    }
}

impl TokenHeader {
    /// The one credential of a request. `X-Authorization` takes precedence if present: the other header never
    /// replaces an invalid one.
    ///
    /// # Errors
    /// [`Rejection::NoToken`], [`Rejection::Credentials`], [`Rejection::Token`].
    fn from_headers(headers: &HeaderMap) -> Result<Self, Rejection> {
        let own = single_header(headers, &X_AUTHORIZATION)?;
        let standard = single_header(headers, &AUTHORIZATION)?;
        let (value, via) = match (own, standard) {
            (Some(value), _) => (value, CredentialHeader::XAuthorization),
            (None, Some(value)) => (value, CredentialHeader::Authorization),
            (None, None) => return Err(Rejection::NoToken),
        };
        let text = readable(value).ok_or(Rejection::Credentials("a credential header cannot be read"))?;
        let token = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start_matches(' '),
            // Basic and the like in `Authorization` are for the server, and not our token.
            _ if via == CredentialHeader::Authorization => return Err(Rejection::NoToken),
            _ => return Err(Rejection::Token(TokenError::Malformed)),
        };
        // RFC 6750 section 2.1 (b64token): one word.
        if token.is_empty() || memchr3(b' ', b'\t', b',', token.as_bytes()).is_some() {
            return Err(Rejection::Token(TokenError::Malformed));
        }
        Ok(Self { via, at: text.len() - token.len(), value: value.clone() })
    }

    /// The token itself.
    pub(super) fn token(&self) -> &str {
        std::str::from_utf8(self.token_bytes()).unwrap_or_default()
    }

    pub(super) fn token_bytes(&self) -> &[u8] {
        self.value.as_bytes().get(self.at..).unwrap_or_default()
    }
}

/// What a header says, if it is visible ASCII, spaces and tabs. [`HeaderValue::to_str`] looks at one byte after the other,
/// and a token has hundreds.
fn readable(value: &HeaderValue) -> Option<&str> {
    let is_good = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    let bytes = value.as_bytes();
    let all_good = bytes.iter().fold(true, |all, byte| all & is_good(byte));
    std::str::from_utf8(bytes).ok().filter(|_| all_good)
}

/// A header's value, if it occurs once. With two, programs may disagree on which one counts.
fn single_header<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Rejection> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Rejection::Credentials("a credential header occurs more than once"));
    }
    Ok(Some(value))
}

impl Callers {
    /// No callers yet.
    pub(super) fn new(shared: Arc<SharedState>) -> Self {
        let tokens = Mutex::new(TokenCache::new(shared.settings.limits.token_cache_size));
        Self { shared, tokens }
    }

    /// The caller whose token the request carries, on a connection that brought this one last; the log names the request
    /// by its identifier.
    ///
    /// # Errors
    /// 401, 400, or 503 if its issuer cannot be asked.
    pub(super) async fn authenticate(
        &self,
        moment: &Snapshot,
        headers: &HeaderMap,
        last: &LastToken,
        request: &str,
    ) -> Result<(Arc<Caller>, TokenHeader), Rejection> {
        let credential = TokenHeader::from_headers(headers)?;
        let token = credential.token();
        let caller = self.hashed(moment, (token, last.hash(token)), request).await?;
        self.claimed(&caller, headers)?;
        Ok((caller, credential))
    }

    /// The caller of this token, cached or newly authenticated.
    ///
    /// # Errors
    /// As [`Callers::authenticate`].
    pub(super) async fn caller(
        &self,
        moment: &Snapshot,
        token: &str,
        request: &str,
    ) -> Result<Arc<Caller>, Rejection> {
        self.hashed(moment, (token, hash(token)), request).await
    }

    async fn hashed(
        &self,
        moment: &Snapshot,
        (token, hash): (&str, Hash),
        request: &str,
    ) -> Result<Arc<Caller>, Rejection> {
        match self.remembered(moment, &hash) {
            Some(caller) => Ok(caller),
            // Boxed: a new token may need a large future, and most tokens are not new.
            None => Box::pin(self.verify_uncached(moment, (token, hash), request)).await,
        }
    }

    fn remembered(&self, moment: &Snapshot, hash: &Hash) -> Option<Arc<Caller>> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let (caller, epoch) = tokens.get(hash)?;
        (epoch == moment.epoch && moment.now < caller.believed_until).then_some(caller)
    }

    async fn verify_uncached(
        &self,
        moment: &Snapshot,
        (token, hash): (&str, Hash),
        request: &str,
    ) -> Result<Arc<Caller>, Rejection> {
        let (issuer, parsed) = match Token::read(token) {
            Ok(parsed) => (self.issuer(|issuer| Some(issuer.name()) == parsed.issuer()), Ok(parsed)),
            Err(reject) => (self.issuer_to_ask(token), Err(reject)),
        };
        let Some((index, issuer)) = issuer else {
            return Err(Rejection::Token(parsed.err().unwrap_or(TokenError::Issuer)));
        };
        let judged = if issuer.introspects() {
            let servers = &|audience: &str| self.shared.servers_of(&moment.state, audience);
            let (now, peer) = (moment.now, moment.peer);
            let question = PresentedToken { issuer, token, hash, now, peer, servers, request };
            self.shared.asking.ask(&question).await?
        } else {
            let parsed = parsed.map_err(Rejection::Token)?;
            let servers = |audience: &str| self.shared.servers_of(&moment.state, audience);
            self.verify(issuer, (parsed, token), moment.now, &servers, request).await?
        };
        let VerifiedToken { principal, expires_at, believed_until } = judged;
        // What its owner can no longer use here, a token derived from it cannot use either.
        let is_known = |issuer: &Arc<IssuerState>| issuer.name() == principal.issuer;
        if principal.vended.is_some() && !self.shared.others().any(is_known) {
            return Err(Rejection::Token(TokenError::Issuer));
        }
        if let Some(reject) = moment.state.revoked.reject(&principal) {
            return Err(Rejection::Token(reject));
        }
        let LoadedFiles { policy, shadow, .. } = &**moment.state;
        let grants = policy.grants(&principal);
        let shadow = shadow.as_ref().map(|shadow| shadow.grants(&principal));
        let account = self.shared.accounts.of(&principal);
        let caller = Arc::new(Caller {
            principal,
            expires_at,
            believed_until,
            grants,
            shadow,
            account,
            issuer: index,
            used_at: AtomicI64::new(0),
        });
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.put(hash, (caller.clone(), moment.epoch));
        Ok(caller)
    }

    /// Verifies a token, whose text is `text`, with its issuer's keys.
    async fn verify(
        &self,
        issuer: &IssuerState,
        (token, text): (Token<'_>, &str),
        now: i64,
        servers: &(dyn Fn(&str) -> Vec<String> + Sync),
        request: &str,
    ) -> Result<VerifiedToken, Rejection> {
        let claims = proven(issuer, token, || Token::read(text)).await?;
        let (principal, expires_at) = issuer.rules.accept(claims, now, &servers).map_err(|reject| {
            let said = match reject {
                TokenError::IdToken(member) => issuer.refused_id_token(member, now),
                _ => None,
            };
            said.iter().for_each(|said| warn!(event = "token", request, "{said}"));
            Rejection::Token(reject)
        })?;
        Ok(VerifiedToken { principal, expires_at, believed_until: expires_at })
    }

    /// An opaque token does not name its issuer: at most one issuer may be asked about it. For a JWT, only the issuer
    /// it names.
    fn issuer_to_ask(&self, token: &str) -> Option<(usize, &Arc<IssuerState>)> {
        match opaque::whose(token) {
            TokenOwner::Nobodys => None,
            TokenOwner::Unsaid => self.issuer(IssuerState::introspects),
            TokenOwner::Named(name) => self.issuer(|issuer| issuer.introspects() && issuer.name() == name),
        }
    }

    fn issuer(&self, wanted: impl Fn(&IssuerState) -> bool) -> Option<(usize, &Arc<IssuerState>)> {
        self.shared.issuers.iter().enumerate().find(|(_, issuer)| wanted(issuer))
    }

    /// The identity headers that the client sends in addition to its token are checked, and trusted for nothing.
    fn claimed(&self, caller: &Caller, headers: &HeaderMap) -> Result<(), Rejection> {
        let text = |name| {
            single_header(headers, name).map(|value| value.map(|value| value.to_str().unwrap_or_default()))
        };
        let (pool, client, region) = (text(&X_USER_POOL_ID)?, text(&X_CLIENT_ID)?, text(&X_REGION)?);
        if pool.is_none() && client.is_none() && region.is_none() {
            return Ok(());
        }
        let Some(issuer) = self.shared.issuers.get(caller.issuer) else { return Ok(()) };
        issuer.rules.agrees(&caller.principal, pool, client, region).map_err(Rejection::Token)
    }
}

/// The claims of a token signed by a key of its issuer. Without keys that is unknown; with other keys it may be
/// valid: its key is new, under a new name or an old one.
fn prove(keys: &KeySet, token: Token<'_>) -> Result<Claims, TokenError> {
    let key = keys.find(token.key_id(), token.algorithm()).map_err(|_| TokenError::Key)?;
    token.verify(key)
}

/// Verifies a token with its issuer's keys, which are fetched again if none of them matches; then `again` parses it again.
pub(super) async fn proven<'t>(
    issuer: &IssuerState,
    token: Token<'t>,
    again: impl Fn() -> Result<Token<'t>, TokenError>,
) -> Result<Claims, Rejection> {
    let known = issuer.keys();
    let before = known.as_deref().map(|keys| prove(keys, token));
    if let Some(Ok(claims)) = before {
        return Ok(claims);
    }
    let keys = issuer.refetch_for_unknown_kid(known.clone()).await;
    let keys = keys.ok_or_else(|| Rejection::IssuerDown(issuer.fault()))?;
    match (known, before) {
        (Some(known), Some(Err(reject))) if Arc::ptr_eq(&known, &keys) => Err(Rejection::Token(reject)),
        _ => again().and_then(|token| prove(&keys, token)).map_err(Rejection::Token),
    }
}

impl From<AuthFailure> for Rejection {
    fn from(no: AuthFailure) -> Self {
        match no {
            AuthFailure::Bad(reject) => Self::Token(reject),
            AuthFailure::Down => Self::IssuerDown(IssuerFault::Silent),
            AuthFailure::Address(seconds) => Self::Guessing(seconds),
            AuthFailure::All(seconds) => Self::IssuerBusy(seconds),
        }
    }
}
