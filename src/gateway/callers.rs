//! Who is calling: finds the one credential a request carries, has it verified or asked about, and remembers the answer by
//! the token's hash until the token ends or anything it was judged by changes.
//! It leaves signatures and claims to `authn` and what a caller may do to `policy`.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use memchr::memchr3;
use tracing::warn;

use super::accounts::Account;
use super::authn::asking::{Judged, No, Question};
use super::authn::issuers::Issuer;
use super::authn::jwt::{Claims, Reject, Token};
use super::authn::keys::KeySet;
use super::authn::opaque::{self, Whose};
use super::authn::tokens::{Hash, Remembered};
use super::refusal::Refusal;
use super::state::{Moment, Shared, State};
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
    pub(super) shared: Arc<Shared>,
    /// What is known of tokens, and under which epoch it was found out.
    tokens: Mutex<Remembered<(Arc<Caller>, u64)>>,
}

/// Which header carried the token: it goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    /// `X-Authorization`, so that `Authorization` is free for the server's own credential.
    Own,
    /// `Authorization`, for clients that have no other.
    Standard,
}

/// The header that carried the token.
#[derive(Clone)]
pub(super) struct Credential {
    pub(super) via: Via,
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
    pub(super) fn enters(&self, server: &str) -> Result<(), Refusal> {
        if self.grants.opens(server) { Ok(()) } else { Err(Refusal::Token(Reject::Audience)) }
    }

    /// Who issued the token.
    pub(super) fn issuer<'s>(&self, shared: &'s Shared) -> Option<&'s Arc<Issuer>> {
        shared.issuers.get(self.issuer)
    }

    /// Whether the caller can ask for a scope where the token is from.
    pub(super) fn may_ask_for(&self, shared: &Shared, scope: &str) -> bool {
        self.issuer(shared).is_some_and(|issuer| issuer.grants(scope))
    }

    /// Seconds since 1970, until when the token is taken for good without another look; never past its end.
    pub(super) fn believed_until(&self) -> i64 {
        self.believed_until.min(self.expires_at)
    }
}

impl Credential {
    /// The one credential of a request. `X-Authorization` counts alone where it is there: one that does not do is never
    /// made up for by the other.
    ///
    /// # Errors
    /// [`Refusal::NoToken`], [`Refusal::Credentials`], [`Refusal::Token`].
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let own = one(headers, &X_AUTHORIZATION)?;
        let standard = one(headers, &AUTHORIZATION)?;
        let (value, via) = match (own, standard) {
            (Some(value), _) => (value, Via::Own),
            (None, Some(value)) => (value, Via::Standard),
            (None, None) => return Err(Refusal::NoToken),
        };
        let text = value.to_str().map_err(|_| Refusal::Credentials("a credential header cannot be read"))?;
        let token = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start_matches(' '),
            // Basic and the like in `Authorization` are the server's matter, and no token of ours.
            _ if via == Via::Standard => return Err(Refusal::NoToken),
            _ => return Err(Refusal::Token(Reject::Malformed)),
        };
        // RFC 6750 section 2.1 (b64token): one word.
        if token.is_empty() || memchr3(b' ', b'\t', b',', token.as_bytes()).is_some() {
            return Err(Refusal::Token(Reject::Malformed));
        }
        Ok(Self { via, at: text.len() - token.len(), value: value.clone() })
    }

    /// The token itself.
    pub(super) fn token(&self) -> &str {
        self.value.to_str().ok().and_then(|text| text.get(self.at..)).unwrap_or_default()
    }
}

/// A header's value, if it occurs once. Twice, it would be anyone's guess which of them the next program takes.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::Credentials("a credential header occurs more than once"));
    }
    Ok(Some(value))
}

impl Callers {
    /// Nobody is known yet.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let tokens = Mutex::new(Remembered::new(shared.settings.limits.tokens));
        Self { shared, tokens }
    }

    /// The caller whose token the request carries; the log names the request by its identifier.
    ///
    /// # Errors
    /// 401, 400, or 503 if its issuer cannot be asked.
    pub(super) async fn authenticate(
        &self,
        moment: &Moment,
        headers: &HeaderMap,
        request: &str,
    ) -> Result<(Arc<Caller>, Credential), Refusal> {
        let credential = Credential::of(headers)?;
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
        moment: &Moment,
        token: &str,
        request: &str,
    ) -> Result<Arc<Caller>, Refusal> {
        let hash = hash(token);
        match self.remembered(moment, &hash) {
            Some(caller) => Ok(caller),
            // Boxed: what a new token may take is large, and most tokens are not new.
            None => Box::pin(self.find_out(moment, (token, hash), request)).await,
        }
    }

    fn remembered(&self, moment: &Moment, hash: &Hash) -> Option<Arc<Caller>> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let (caller, epoch) = tokens.get(hash)?;
        (epoch == moment.epoch && moment.now < caller.believed_until).then_some(caller)
    }

    async fn find_out(
        &self,
        moment: &Moment,
        (token, hash): (&str, Hash),
        request: &str,
    ) -> Result<Arc<Caller>, Refusal> {
        let (issuer, parsed) = match Token::read(token) {
            Ok(parsed) => (self.issuer(|issuer| Some(issuer.name()) == parsed.issuer()), Ok(parsed)),
            Err(reject) => (self.issuer_to_ask(token), Err(reject)),
        };
        let Some((index, issuer)) = issuer else {
            return Err(Refusal::Token(parsed.err().unwrap_or(Reject::Issuer)));
        };
        let judged = if issuer.introspects() {
            let servers = &|audience: &str| self.shared.servers_of(&moment.state, audience);
            let (now, peer) = (moment.now, moment.peer);
            let question = Question { issuer, token, hash, now, peer, servers, request };
            self.shared.asking.ask(&question).await?
        } else {
            let parsed = parsed.map_err(Refusal::Token)?;
            let servers = |audience: &str| self.shared.servers_of(&moment.state, audience);
            self.verify(issuer, (parsed, token), moment.now, &servers, request).await?
        };
        let Judged { principal, expires_at, believed_until } = judged;
        if let Some(reject) = moment.state.revoked.reject(&principal) {
            return Err(Refusal::Token(reject));
        }
        let State { policy, shadow, .. } = &*moment.state;
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
        issuer: &Issuer,
        (token, text): (Token<'_>, &str),
        now: i64,
        servers: &(dyn Fn(&str) -> Vec<String> + Sync),
        request: &str,
    ) -> Result<Judged, Refusal> {
        let claims = proven(issuer, token, text).await?;
        let (principal, expires_at) = issuer.rules.accept(claims, now, &servers).map_err(|reject| {
            let said = match reject {
                Reject::IdToken(member) => issuer.refused_id_token(member, now),
                _ => None,
            };
            said.iter().for_each(|said| warn!(event = "token", request, "{said}"));
            Refusal::Token(reject)
        })?;
        Ok(Judged { principal, expires_at, believed_until: expires_at })
    }

    /// An opaque token says nothing about whose it is: one issuer at most may be asked about it. Of what looks like a JWT
    /// none, but the one it names.
    fn issuer_to_ask(&self, token: &str) -> Option<(usize, &Arc<Issuer>)> {
        match opaque::whose(token) {
            Whose::Nobodys => None,
            Whose::Unsaid => self.issuer(Issuer::introspects),
            Whose::Named(name) => self.issuer(|issuer| issuer.introspects() && issuer.name() == name),
        }
    }

    fn issuer(&self, wanted: impl Fn(&Issuer) -> bool) -> Option<(usize, &Arc<Issuer>)> {
        self.shared.issuers.iter().enumerate().find(|(_, issuer)| wanted(issuer))
    }

    /// What the client says of itself beside its token is checked and trusted for nothing (product section 7.2).
    fn claimed(&self, caller: &Caller, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let (pool, client, region) = (text(X_USER_POOL_ID), text(X_CLIENT_ID), text(X_REGION));
        if pool.is_none() && client.is_none() && region.is_none() {
            return Ok(());
        }
        let Some(issuer) = self.shared.issuers.get(caller.issuer) else { return Ok(()) };
        issuer.rules.agrees(&caller.principal, pool, client, region).map_err(Refusal::Token)
    }
}

/// The claims of a token that a key of its issuer's signed. Without keys it is not known; with other keys than these it may
/// be: its key is new, under a new name or an old one.
fn prove(keys: &KeySet, token: Token<'_>) -> Result<Claims, Reject> {
    let key = keys.find(token.key_id(), token.algorithm()).map_err(|_| Reject::Key)?;
    token.verify(key)
}

/// Proves a token by its issuer's keys, which are fetched anew if none of them does.
async fn proven(issuer: &Issuer, token: Token<'_>, text: &str) -> Result<Claims, Refusal> {
    let known = issuer.keys();
    let before = known.as_deref().map(|keys| prove(keys, token));
    if let Some(Ok(claims)) = before {
        return Ok(claims);
    }
    let keys = issuer.look_again(known.clone()).await.ok_or(Refusal::IssuerDown)?;
    match (known, before) {
        (Some(known), Some(Err(reject))) if Arc::ptr_eq(&known, &keys) => Err(Refusal::Token(reject)),
        _ => Token::read(text).and_then(|token| prove(&keys, token)).map_err(Refusal::Token),
    }
}

fn hash(token: &str) -> Hash {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

impl From<No> for Refusal {
    fn from(no: No) -> Self {
        match no {
            No::Bad(reject) => Self::Token(reject),
            No::Down => Self::IssuerDown,
            No::Address(seconds) => Self::Guessing(seconds),
            No::All(seconds) => Self::IssuerBusy(seconds),
        }
    }
}
