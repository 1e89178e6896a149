//! The gateway as an issuer of its own tokens: for callers with a token of one of its issuers, narrower, short-lived and
//! revocable. Not here: reading the request (see `asked`); whether it is allowed (see `judge`); recording it (see
//! `token_ledger`); what a token says (see `authn`).

mod asked;
mod judge;

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use hyper::http::request;
use hyper::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};
use tracing::{info, warn};

use self::asked::{Asked, ExchangeRequest, LONGEST, invalid};
use self::judge::{Named, judge};
use super::authn::object;
use super::authn::token_cache::LastToken;
use super::authn::vended::{Actor, Owner, SigningKeys, VendedClaims};
use super::body::Body;
use super::callers::{Caller, Callers};
use super::own_endpoints::TOKEN_ENDPOINT;
use super::refusal::Rejection;
use super::request_body;
use super::request_log::RequestLog;
use super::settings::Vending;
use super::state::{SharedState, Snapshot};
use super::token_ledger::{LedgerEntry, LedgerError};
use crate::oauth::ACCESS_TOKEN_TYPE;
use crate::policy::{Grants, Principal};
use crate::secret::Secret;

/// The endpoints that issue tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VendingEndpoint {
    /// The token endpoint (RFC 8693).
    Exchange,
    /// The registry's.
    Registry,
}

/// The subject of a token, and how they authenticated.
pub(super) struct VendingSource<'a> {
    pub(super) owner: &'a Principal,
    pub(super) grants: &'a Grants,
    /// When their own credential expires, in seconds since 1970.
    pub(super) ends_at: i64,
}

/// An issued token.
struct VendedToken {
    token: Secret,
    claims: VendedClaims,
}

/// The largest request, in bytes: a token, and the limits of the new one.
const LARGEST: usize = 64 << 10;
/// The lifetime of a token if the request names none, in seconds.
const USUAL: i64 = 3600;

impl VendingEndpoint {
    /// The one at this path, if the gateway issues tokens.
    pub(super) fn at(shared: &SharedState, path: &str) -> Option<Self> {
        shared.vending()?;
        match path {
            TOKEN_ENDPOINT => Some(Self::Exchange),
            "/api/tokens/generate" => Some(Self::Registry),
            _ => None,
        }
    }

    /// The response to a request.
    ///
    /// # Errors
    /// As the token endpoint reports them: see [`refused`].
    pub(super) async fn answer(
        self,
        callers: &Callers,
        moment: &Snapshot,
        head: &request::Parts,
        body: Incoming,
        record: &mut RequestLog<'_>,
    ) -> Result<Response<Body>, Rejection> {
        let request::Parts { method, headers, .. } = head;
        let only_post = || Rejection::HttpMethod("POST");
        match *method {
            Method::POST => {}
            Method::OPTIONS => return super::pages::preflight(headers).map_err(|_| only_post()),
            _ => return Err(only_post()),
        }
        record.http = "POST";
        let (asked, caller) = match self {
            Self::Exchange => exchange(callers, (moment, record.request_id()), headers, body).await?,
            Self::Registry => registry(callers, (moment, record.request_id()), headers, body).await?,
        };
        record.caller = Some(caller.clone());
        let source = VendingSource {
            owner: &caller.principal,
            grants: &caller.grants,
            ends_at: caller.ends_at(&callers.shared),
        };
        let vended = vend(&callers.shared, moment, &source, &asked).await?;
        record.vended = Some(vended.claims.jti.as_str().into());
        Ok(match self {
            Self::Exchange => answered(&vended.exchanged()),
            Self::Registry => answered(&vended.generated(&source, &asked)),
        })
    }
}

/// Records a refusal, and responds as in RFC 6749 section 5.2.
pub(super) fn refused(refusal: &Rejection, record: &mut RequestLog<'_>) -> Response<Body> {
    record.refused(refusal);
    refusal.oauth_response().map(Body::full)
}

/// The form, and the owner of its subject token.
async fn exchange(
    callers: &Callers,
    (moment, request): (&Snapshot, &str),
    headers: &HeaderMap,
    body: Incoming,
) -> Result<(Asked, Arc<Caller>), Rejection> {
    // The caller is known only from the body: until it is read, its memory counts for the address.
    let stranger = Principal { subject: moment.peer.to_string(), ..Principal::default() };
    let form = read(callers, &stranger, headers, "application/x-www-form-urlencoded", body).await;
    let form = form.map_err(|refusal| match refusal {
        Rejection::MediaType => invalid("send application/x-www-form-urlencoded, not encoded"),
        other => other,
    })?;
    let ExchangeRequest { subject_token, asked } = ExchangeRequest::read(&form)?;
    // RFC 8693 section 2.2.2: an invalid subject token is an invalid request.
    let caller = callers.caller(moment, &subject_token, request).await.map_err(|refusal| match refusal {
        Rejection::Token(reject) => invalid(format!("subject_token: {}", reject.description())),
        other => other,
    })?;
    Ok((asked, caller))
}

/// The JSON, and the owner of the token sent with it.
async fn registry(
    callers: &Callers,
    (moment, request): (&Snapshot, &str),
    headers: &HeaderMap,
    body: Incoming,
) -> Result<(Asked, Arc<Caller>), Rejection> {
    let (caller, _) = callers.authenticate(moment, headers, &LastToken::default(), request).await?;
    let text = read(callers, &caller.principal, headers, "application/json", body).await?;
    let members =
        object::read(&text).ok_or_else(|| invalid("send one JSON object without duplicate names"))?;
    Ok((Asked::read(members)?, caller))
}

async fn read(
    callers: &Callers,
    whose: &Principal,
    headers: &HeaderMap,
    kind: &str,
    body: Incoming,
) -> Result<bytes::Bytes, Rejection> {
    let limits = &callers.shared.settings.limits;
    let hold = callers.shared.accounts.of(whose).hold(limits);
    request_body::whole(headers, kind, body, (LARGEST, limits.read_timeout), hold).await
}

/// Issues a token for a request in the registry's JSON, if the caller is allowed it; returns the registry's response.
///
/// # Errors
/// An invalid request, or one that is not allowed.
pub(super) async fn generate(
    shared: &SharedState,
    moment: &Snapshot,
    source: &VendingSource<'_>,
    question: Map<String, Value>,
) -> Result<Value, Rejection> {
    let asked = Asked::read(question)?;
    Ok(vend(shared, moment, source, &asked).await?.generated(source, &asked))
}

/// Issues a token for its owner, if they are allowed it; it is in the ledger before it is sent.
async fn vend(
    shared: &SharedState,
    moment: &Snapshot,
    source: &VendingSource<'_>,
    asked: &Asked,
) -> Result<VendedToken, Rejection> {
    let owner = source.owner;
    if owner.vended.is_some() {
        return Err(invalid("a vended token cannot be exchanged; send the token it was derived from"));
    }
    let (Some(ledger), Some(keys), Some(settings)) = (&shared.ledger, &moment.state.keys, shared.vending())
    else {
        return Err(Rejection::Ledger);
    };
    let named = judge(shared, &moment.state, owner, source.grants, asked)?;
    let expires_at = end(settings, moment.now, source.ends_at, asked.seconds)?;
    let about = moment.state.policy.claims();
    let claims =
        claims(settings, owner, named, asked, (moment.now, expires_at), |name| about.contains(name))?;
    let token = sign(keys, &claims)?;
    ledger.enter(entry(&claims, asked)).await.map_err(|error| match error {
        LedgerError::TooMany(seconds) => Rejection::VendedEnough(seconds),
        LedgerError::File(error) => {
            warn!(event = "vending", "{error}; {}", error.hint());
            Rejection::Ledger
        }
    })?;
    info!(event = "vending", "a token was vended: {}", claims.jti);
    Ok(VendedToken { token, claims })
}

fn sign(keys: &SigningKeys, claims: &VendedClaims) -> Result<Secret, Rejection> {
    keys.sign(claims).ok_or(Rejection::Ledger)
}

/// When it expires: as requested, but not after the token it is derived from, unless the settings allow that.
fn end(settings: &Vending, now: i64, source: i64, asked: Option<i64>) -> Result<i64, Rejection> {
    let wanted = now + asked.unwrap_or(USUAL).min(LONGEST);
    let end = if settings.beyond_source { wanted } else { wanted.min(source) };
    if end > now { Ok(end) } else { Err(invalid("the subject token expires now; send a new one")) }
}

fn claims(
    settings: &Vending,
    owner: &Principal,
    named: Named,
    asked: &Asked,
    (now, end): (i64, i64),
    about: impl Fn(&str) -> bool,
) -> Result<VendedClaims, Rejection> {
    let mut id = [0; 16];
    SystemRandom::new().fill(&mut id).map_err(|_| Rejection::Ledger)?;
    let kept = |name: &str| name == "jti" || about(name);
    let claims = owner.claims.iter().filter(|(name, _)| kept(name));
    Ok(VendedClaims {
        iss: settings.issuer.clone(),
        aud: named.audience,
        sub: owner.subject.clone(),
        client_id: owner.client_id.clone().unwrap_or_else(|| owner.subject.clone()),
        // Hexadecimal: it is typed after `revoke`, where a leading hyphen would begin a flag.
        jti: format!("{:032x}", u128::from_be_bytes(id)),
        iat: now,
        exp: end,
        scope: named.scopes.join(" "),
        act: asked.agent.clone().map(|sub| Actor { sub }),
        authorization_details: named.details,
        owner: Owner {
            iss: owner.issuer.clone(),
            username: owner.username.clone(),
            groups: owner.groups.clone(),
            scopes: owner.scopes.clone(),
            servers: owner.servers.clone(),
            claims: claims.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>(),
        },
    })
}

fn entry(claims: &VendedClaims, asked: &Asked) -> LedgerEntry {
    LedgerEntry {
        jti: claims.jti.clone(),
        owner: claims.sub.clone(),
        issuer: claims.owner.iss.clone(),
        user: claims.owner.username.clone(),
        agent: asked.agent.clone(),
        description: asked.description.clone(),
        scope: claims.scope.clone(),
        authorization_details: claims.authorization_details.clone(),
        audience: claims.aud.clone(),
        issued_at: claims.iat,
        expires_at: claims.exp,
        used_at: None,
    }
}

impl VendedToken {
    /// RFC 8693 section 2.2.1.
    fn exchanged(&self) -> Value {
        let Self { token, claims } = self;
        let mut answer = object::members(json!({
            "access_token": token.expose(),
            "issued_token_type": ACCESS_TOKEN_TYPE,
            "token_type": "Bearer",
            "expires_in": claims.exp - claims.iat,
            "scope": claims.scope,
        }));
        let details = claims.authorization_details.as_ref();
        answer.extend(details.map(|details| ("authorization_details".to_owned(), json!(details))));
        answer.into()
    }

    /// In the registry's form.
    fn generated(&self, source: &VendingSource<'_>, asked: &Asked) -> Value {
        let Self { token, claims } = self;
        let tokens = json!({
            "access_token": token.expose(),
            "refresh_token": null,
            "expires_in": claims.exp - claims.iat,
            "refresh_expires_in": 0,
            "token_type": "Bearer",
            "scope": claims.scope,
        });
        let mut data = object::members(tokens.clone());
        data.insert("issued_at".into(), claims.iat.into());
        data.insert("description".into(), json!(asked.description));
        data.insert("jti".into(), claims.jti.as_str().into());
        json!({
            "success": true,
            "tokens": tokens,
            "keycloak_url": null,
            "realm": null,
            "client_id": "user-generated",
            "token_data": data,
            "user_scopes": source.grants.scopes().collect::<Vec<_>>(),
            "requested_scopes": claims.scope.split(' ').collect::<Vec<_>>(),
        })
    }
}

/// RFC 6749 section 5.1: a response with a token must not be cached.
fn answered(value: &Value) -> Response<Body> {
    let mut response = Body::json(StatusCode::OK, value.to_string());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
