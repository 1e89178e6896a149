//! Who is calling: finds the one credential a request carries, has it verified or asked about, and remembers the answer by
//! the token's hash until the token ends or anything it was judged by changes.
//! It leaves signatures and claims to `authn` and what a caller may do to `policy`.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use memchr::memchr3;
use tracing::warn;

use super::accounts::Account;
use super::authn::introspection::{AuthFailure, PresentedToken, VerifiedToken};
use super::authn::issuers::IssuerState;
use super::authn::jwt::{Claims, Token, TokenError};
use super::authn::keys::KeySet;
use super::authn::opaque::{self, TokenOwner};
use super::authn::token_cache::{Hash, TokenCache};
use super::refusal::Rejection;
use super::state::{LoadedFiles, SharedState, Snapshot};
use crate::policy::{Grants, Principal};

/// A caller whose token was good, with all that the policy has for them.
pub(super) struct Caller {
    pub(super) principal: Principal,
    /// Seconds since 1970; the token is of no use from here on.
    pub(super) expires_at: i64,
    /// Until when this is believed without another look: an issuer that was asked may change its mind before the end.
    believed_until: i64,
    pub(super) grants: Grants,
    /// The same by the policy that only watches.
    pub(super) shadow: Option<Grants>,
    /// What the caller has under way, with all tokens together.
    pub(super) account: Arc<Account>,
    /// The place of its issuer among those configured.
    issuer: usize,
}

/// Who is calling, as far as one core knows.
pub(super) struct Callers {
    pub(super) shared: Arc<SharedState>,
    /// What is known of tokens, and under which epoch it was found out.
    tokens: Mutex<TokenCache<(Arc<Caller>, u64)>>,
}

/// Which header carried the token: it goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialHeader {
    /// `X-Authorization`, so that `Authorization` is free for the server's own credential.
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
    /// Whether the caller's token is for this server.
    ///
    /// # Errors
    /// 401, which says where tokens for it are from.
    pub(super) fn enters(&self, server: &str) -> Result<(), Rejection> {
        if self.grants.opens(server) { Ok(()) } else { Err(Rejection::Token(TokenError::Audience)) }
    }

    /// Who issued the token.
    pub(super) fn issuer<'s>(&self, shared: &'s SharedState) -> Option<&'s Arc<IssuerState>> {
        shared.issuers.get(self.issuer)
    }

    /// Whether the caller can ask for a scope where the token is from.
    pub(super) fn may_ask_for(&self, shared: &SharedState, scope: &str) -> bool {
        self.issuer(shared).is_some_and(|issuer| issuer.grants(scope))
    }

    /// Seconds since 1970, until when the token is taken for good without another look; never past its end.
    pub(super) fn cache_until(&self) -> i64 {
        self.believed_until.min(self.expires_at)
    }
}

impl TokenHeader {
    /// The one credential of a request. `X-Authorization` counts alone where it is there: one that does not do is never
    /// made up for by the other.
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
        let text =
            value.to_str().map_err(|_| Rejection::Credentials("a credential header cannot be read"))?;
        let token = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start_matches(' '),
            // Basic and the like in `Authorization` are the server's matter, and no token of ours.
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
        self.value.to_str().ok().and_then(|text| text.get(self.at..)).unwrap_or_default()
    }
}

/// A header's value, if it occurs once. Twice, it would be anyone's guess which of them the next program takes.
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
    /// Nobody is known yet.
    pub(super) fn new(shared: Arc<SharedState>) -> Self {
        let tokens = Mutex::new(TokenCache::new(shared.settings.limits.token_cache_size));
        Self { shared, tokens }
    }

    /// The caller whose token the request carries; the log names the request by its identifier.
    ///
    /// # Errors
    /// 401, 400, or 503 if its issuer cannot be asked.
    pub(super) async fn authenticate(
        &self,
        moment: &Snapshot,
        headers: &HeaderMap,
        request: &str,
    ) -> Result<(Arc<Caller>, TokenHeader), Rejection> {
        let credential = TokenHeader::from_headers(headers)?;
        let caller = self.caller(moment, credential.token(), request).await?;
        self.claimed(&caller, headers)?;
        Ok((caller, credential))
    }

    /// The caller whose token this is, remembered or found out.
    ///
    /// # Errors
    /// As [`Callers::authenticate`].
    pub(super) async fn caller(
        &self,
        moment: &Snapshot,
        token: &str,
        request: &str,
    ) -> Result<Arc<Caller>, Rejection> {
        let hash = hash(token);
        match self.remembered(moment, &hash) {
            Some(caller) => Ok(caller),
            // Boxed: what a new token may take is large, and most tokens are not new.
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
        if let Some(reject) = moment.state.revoked.reject(&principal) {
            return Err(Rejection::Token(reject));
        }
        let LoadedFiles { policy, shadow, .. } = &*moment.state;
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
        let claims = proven(issuer, token, text).await?;
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

    /// An opaque token says nothing about whose it is: one issuer at most may be asked about it. Of what looks like a JWT
    /// none, but the one it names.
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

    /// What the client says of itself beside its token is checked and trusted for nothing (product section 7.2).
    fn claimed(&self, caller: &Caller, headers: &HeaderMap) -> Result<(), Rejection> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let (pool, client, region) = (text(X_USER_POOL_ID), text(X_CLIENT_ID), text(X_REGION));
        if pool.is_none() && client.is_none() && region.is_none() {
            return Ok(());
        }
        let Some(issuer) = self.shared.issuers.get(caller.issuer) else { return Ok(()) };
        issuer.rules.agrees(&caller.principal, pool, client, region).map_err(Rejection::Token)
    }
}

/// The claims of a token that a key of its issuer's signed. Without keys it is not known; with other keys than these it may
/// be: its key is new, under a new name or an old one.
fn prove(keys: &KeySet, token: Token<'_>) -> Result<Claims, TokenError> {
    let key = keys.find(token.key_id(), token.algorithm()).map_err(|_| TokenError::Key)?;
    token.verify(key)
}

/// Proves a token by its issuer's keys, which are fetched anew if none of them does.
async fn proven(issuer: &IssuerState, token: Token<'_>, text: &str) -> Result<Claims, Rejection> {
    let known = issuer.keys();
    let before = known.as_deref().map(|keys| prove(keys, token));
    if let Some(Ok(claims)) = before {
        return Ok(claims);
    }
    let keys = issuer.refetch_for_unknown_kid(known.clone()).await.ok_or(Rejection::IssuerDown)?;
    match (known, before) {
        (Some(known), Some(Err(reject))) if Arc::ptr_eq(&known, &keys) => Err(Rejection::Token(reject)),
        _ => Token::read(text).and_then(|token| prove(&keys, token)).map_err(Rejection::Token),
    }
}

fn hash(token: &str) -> Hash {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

impl From<AuthFailure> for Rejection {
    fn from(no: AuthFailure) -> Self {
        match no {
            AuthFailure::Bad(reject) => Self::Token(reject),
            AuthFailure::Down => Self::IssuerDown,
            AuthFailure::Address(seconds) => Self::Guessing(seconds),
            AuthFailure::All(seconds) => Self::IssuerBusy(seconds),
        }
    }
}
