//! Signing in at an identity provider (OpenID Connect Core section 3.1, RFC 6749 section 4.1 with PKCE): a person leaves
//! with a sealed cookie that says what must come back, and comes back to a session. Every sign-in makes another session.
//! Not here: what a provider may say of a person (see `person`).

mod person;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use tracing::{info, warn};

use self::person::{IdTokenRules, has_groups, has_groups_elsewhere, person};
use super::endpoints::ProviderEndpoints;
use super::fields::FormFields;
use super::return_to::local;
use super::session::{FaceSession, LONGEST, MAX_COOKIE, is_under_way};
use super::{FaceState, answer, cookie, notice};
use crate::gateway::authn::jwt::Token;
use crate::gateway::callers::proven;
use crate::gateway::providers::FaceProvider;
use crate::gateway::session::SealingKey;
use crate::oauth::{
    AuthorizationRequest, AuthorizationResponse, Grant, PendingAuthorization, ReplyShape, TokenRequest,
    TokenSet, WireRequest, read_member, read_reply,
};
use crate::policy::Principal;
use crate::secret::Secret;
use crate::sys::clock;
use crate::text::clean;

/// What the cookie remembers while a person is away at a provider.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct AwaySession {
    provider: String,
    state: String,
    verifier: String,
    nonce: String,
    return_to: String,
    /// Seconds since 1970.
    began: i64,
}

/// What that cookie's seal is bound to: it never opens as a session, nor a session as this.
const BOUND: &[u8] = b"sign-in";
/// How long a person may be away, in seconds.
const AWAY: i64 = 600;
/// The longest error of a provider's that is logged, in characters.
const SHOWN: usize = 200;

/// Where people choose a provider.
pub(super) async fn choose(State(face): State<Arc<FaceState>>, query: RawQuery) -> Response {
    notice::sign_in(&face, StatusCode::OK, &back(query), None)
}

/// Sends a person to a provider. It is a link and not a form: browsers hold the redirect after a form to `form-action`.
pub(super) async fn leave(
    State(face): State<Arc<FaceState>>,
    Path(name): Path<String>,
    query: RawQuery,
) -> Response {
    let back = back(query);
    let Some(found) = face.provider(&name) else { return answer::not_found().await };
    match endpoints(&face, found).await {
        Ok(endpoints) => start(&face, &found.0, endpoints, &back).unwrap_or_else(|| {
            answer::problem(StatusCode::INTERNAL_SERVER_ERROR, "there are no random numbers")
        }),
        Err(refused) => notice::sign_in(&face, refused.status, &back, Some(&refused.said)),
    }
}

/// Where the address says that a person wants to go.
fn back(RawQuery(query): RawQuery) -> String {
    local(FormFields::parse(query.unwrap_or_default().as_bytes()).one("return_to")).to_owned()
}

/// What is known of a provider, on the way there and on the way back: that may be another gateway's, or this one's after
/// a restart.
async fn endpoints<'f>(
    face: &FaceState,
    (provider, known): &'f (FaceProvider, OnceCell<ProviderEndpoints>),
) -> Result<&'f ProviderEndpoints, SignInRefusal> {
    known.get_or_try_init(|| provider.find((&face.http, &face.shared))).await.map_err(|why| {
        warn!(event = "sign-in", "{}: {}", provider.name, clean(&why, SHOWN));
        let said = format!("{} cannot be asked now. Try again in a while.", provider.title);
        refuse(StatusCode::BAD_GATEWAY, said)
    })
}

fn start(face: &FaceState, provider: &FaceProvider, at: &ProviderEndpoints, back: &str) -> Option<Response> {
    let redirect_uri = face.redirect_uri(provider);
    let nonce = random()?;
    let extra = BTreeMap::from([("nonce".to_owned(), nonce.clone())]);
    let request = AuthorizationRequest {
        endpoint: &at.auth,
        client_id: &provider.client.id,
        redirect_uri: &redirect_uri,
        scope: Some(("scope", provider.scopes.join(" "))),
        extra: &extra,
        issuer: Some(&at.issuer),
        pkce: true,
        iss_required: at.iss_required,
    };
    let (url, pending) = request.begin();
    let (state, verifier) = pending.kept();
    let away = AwaySession {
        provider: provider.name.clone(),
        state: state.expose().to_owned(),
        verifier: verifier?.expose().to_owned(),
        nonce,
        return_to: back.to_owned(),
        began: clock::now(),
    };
    let sealed = face.shared.session_key.face.seal(BOUND, &serde_json::to_vec(&away).ok()?)?;
    let cookie = cookie::set(&face.site.sign_in_cookie, &sealed, AWAY, face.site.is_plain)?;
    let location = HeaderValue::try_from(url.as_str()).ok()?;
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    response.headers_mut().append(SET_COOKIE, cookie);
    Some(response)
}

/// A person who comes back.
pub(super) async fn arrive(
    State(face): State<Arc<FaceState>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let arrived = arrived(&face, &name, query.as_deref().unwrap_or_default(), &headers).await;
    let mut response = arrived.unwrap_or_else(|refused| {
        let (status, back) = (refused.status, refused.return_to.as_deref().unwrap_or("/"));
        notice::sign_in(&face, status, back, Some(&refused.said))
    });
    // It can be used once, whatever the outcome.
    let spent = cookie::clear(&face.site.sign_in_cookie, face.site.is_plain);
    response.headers_mut().extend(spent.map(|cookie| (SET_COOKIE, cookie)));
    response
}

/// Why somebody is not signed in.
struct SignInRefusal {
    status: StatusCode,
    said: String,
    return_to: Option<String>,
}

fn refuse(status: StatusCode, said: impl Into<String>) -> SignInRefusal {
    SignInRefusal { status, said: said.into(), return_to: None }
}

async fn arrived(
    face: &FaceState,
    name: &str,
    query: &str,
    headers: &HeaderMap,
) -> Result<Response, SignInRefusal> {
    let stale = || {
        refuse(
            StatusCode::BAD_REQUEST,
            "This sign-in was not begun in this browser, or took too long. Sign in again.",
        )
    };
    let now = clock::now();
    let away = away(face, headers, now).filter(|away| away.provider == name).ok_or_else(stale)?;
    let found = face.provider(name).ok_or_else(stale)?;
    let (provider, at) = (&found.0, endpoints(face, found).await?);
    let code = code(&away, at, query, provider)
        .map_err(|refused| SignInRefusal { return_to: Some(away.return_to.clone()), ..refused })?;
    // A code and its state can be used once, here too.
    if face.ended.is_over(&away.state) {
        return Err(stale());
    }
    face.ended.end(away.state.clone());
    let who = who(face, provider, at, &away, &code, now).await.map_err(|why| {
        warn!(event = "sign-in", "{name}: {}", clean(&why, SHOWN));
        refuse(
            StatusCode::BAD_GATEWAY,
            format!("{} did not say who you are in a way that can be trusted.", provider.title),
        )
    })?;
    begin(face, provider, who, &away.return_to, now)
}

/// What was remembered while the person was away.
fn away(face: &FaceState, headers: &HeaderMap, now: i64) -> Option<AwaySession> {
    AwaySession::open(&face.shared.session_key.face, cookie::one(headers, &face.site.sign_in_cookie)?, now)
}

impl AwaySession {
    /// Of a cookie, unless it took too long.
    fn open(key: &SealingKey, text: &str, now: i64) -> Option<Self> {
        let away: Self = serde_json::from_slice(&key.unseal(BOUND, text)?).ok()?;
        is_under_way(away.began, AWAY, now).then_some(away)
    }
}

/// The code that came back, if it is the answer to what was asked.
fn code(
    away: &AwaySession,
    at: &ProviderEndpoints,
    query: &str,
    provider: &FaceProvider,
) -> Result<Secret, SignInRefusal> {
    let (state, verifier) = (Secret::new(away.state.clone()), Secret::new(away.verifier.clone()));
    let pending = PendingAuthorization::resume(state, verifier, &at.issuer, at.iss_required);
    match pending.guarding(provider.client.auth.secret()).judge(query) {
        AuthorizationResponse::Code(code) => Ok(code),
        AuthorizationResponse::Denied { error, .. } => {
            info!(event = "sign-in", "{}: {error}", provider.name);
            let said = match error.as_str() {
                "access_denied" => format!("You were not signed in: {} or you declined.", provider.title),
                _ => format!("{} could not sign you in ({error}).", provider.title),
            };
            Err(refuse(StatusCode::FORBIDDEN, said))
        }
        AuthorizationResponse::WrongIssuer => {
            warn!(event = "sign-in", "{}: the answer is of another issuer (RFC 9207)", provider.name);
            Err(refuse(
                StatusCode::BAD_REQUEST,
                "The answer did not come from where you were sent. Sign in again.",
            ))
        }
        AuthorizationResponse::Stray => {
            Err(refuse(StatusCode::BAD_REQUEST, "This is not the answer to your sign-in. Sign in again."))
        }
    }
}

/// The person, by what the provider says for a code.
async fn who(
    face: &FaceState,
    provider: &FaceProvider,
    at: &ProviderEndpoints,
    away: &AwaySession,
    code: &Secret,
    now: i64,
) -> Result<Principal, String> {
    let (tokens, id_token) = exchange(face, provider, at, away, code, now).await?;
    let Some(keys) = &at.keys else {
        let claims = user_info(face, at, &tokens).await?.ok_or("it has no user_info_url")?;
        return person(provider, &at.issuer, claims, false).map_err(|why| format!("what it says {why}"));
    };
    let id_token = id_token.ok_or("it sent no ID token")?;
    let token = Token::given(id_token.expose()).map_err(|error| format!("ID token: {}", error.reason()))?;
    let claims = proven(keys, token, || Token::given(id_token.expose())).await;
    let claims = claims.map_err(|refusal| format!("ID token: {}", refusal.reason()))?;
    let rules = IdTokenRules { issuer: &at.issuer, client_id: &provider.client.id, nonce: &away.nonce, now };
    rules.check(claims.typ(), claims.members()).map_err(|why| format!("the ID token {why}"))?;
    let mut claims = claims.into_members();
    if !has_groups(provider, &claims) {
        // Some providers say groups only there (OpenID Connect Core section 5.3.2: of the same subject).
        let more = user_info(face, at, &tokens).await.ok().flatten();
        let more = more.filter(|more| more.get("sub").is_some_and(|sub| Some(sub) == claims.get("sub")));
        for (name, value) in more.into_iter().flatten() {
            claims.entry(name).or_insert(value);
        }
    }
    person(provider, &at.issuer, claims, true).map_err(|why| format!("the ID token {why}"))
}

/// The tokens for a code, the ID token apart.
async fn exchange(
    face: &FaceState,
    provider: &FaceProvider,
    at: &ProviderEndpoints,
    away: &AwaySession,
    code: &Secret,
    now: i64,
) -> Result<(TokenSet, Option<Secret>), String> {
    let (verifier, redirect_uri) = (Secret::new(away.verifier.clone()), face.redirect_uri(provider));
    let grant = Grant::AuthorizationCode { code, verifier: Some(&verifier), redirect_uri: &redirect_uri };
    let request = TokenRequest { grant, client: &provider.client, extra: &[], json: false };
    let written = request.write(at.token.as_str(), now).ok_or("the request cannot be written")?;
    let WireRequest { headers, body, secrets } = written;
    let reply = face.http.post(&at.token, headers, body.expose().to_owned()).await;
    let reply = reply.map_err(|error| error.to_string())?;
    let tokens = read_reply(reply.status, &reply.body, &ReplyShape::default(), &secrets, now);
    let tokens = tokens.map_err(|error| error.to_string())?;
    // As much of the reply as is needed is readable.
    let id_token = read_member(&reply.body, &["id_token"]).ok().flatten();
    Ok((tokens, id_token.as_ref().and_then(Value::as_str).map(Secret::new)))
}

/// The provider's user info for an access token; nothing where it has no such endpoint.
async fn user_info(
    face: &FaceState,
    at: &ProviderEndpoints,
    tokens: &TokenSet,
) -> Result<Option<Map<String, Value>>, String> {
    let Some(url) = &at.user_info else { return Ok(None) };
    let mut headers = HeaderMap::new();
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", tokens.access_token.expose()))
        .map_err(|_| "its access token cannot be sent")?;
    bearer.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, bearer);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    // Some providers answer nobody without a name.
    headers.insert(header::USER_AGENT, HeaderValue::from_static("mcpauth"));
    let reply = face.http.get(url, headers).await.map_err(|error| error.to_string())?;
    if reply.status != 200 {
        return Err(format!("user_info_url answered {}", reply.status));
    }
    serde_json::from_slice(&reply.body)
        .map(Some)
        .map_err(|_| "user_info_url did not return a JSON object".into())
}

/// Begins a session, and sends the person to where they wanted to go.
fn begin(
    face: &FaceState,
    provider: &FaceProvider,
    who: Principal,
    back: &str,
    now: i64,
) -> Result<Response, SignInRefusal> {
    let state = face.shared.state();
    let failed = || refuse(StatusCode::INTERNAL_SERVER_ERROR, "The session cannot be made. Try again.");
    if state.revoked.reject(&who).is_some() {
        return Err(refuse(StatusCode::FORBIDDEN, "Your access to this gateway was revoked."));
    }
    let has_groups_elsewhere = has_groups_elsewhere(provider, &who.claims);
    let session = FaceSession::begin(&provider.name, who, &state.policy, now).ok_or_else(failed)?;
    let session = FaceSession { has_groups_elsewhere, ..session };
    let sealed = session.seal(&face.shared.session_key.face).ok_or_else(failed)?;
    let cookie = cookie::set(&face.site.cookie, &sealed, LONGEST, face.site.is_plain).ok_or_else(failed)?;
    if cookie.len() > MAX_COOKIE {
        let said = format!(
            "You are in {} groups that this gateway's policy knows, which is more than a cookie holds ({} of {MAX_COOKIE} \
             bytes). Ask the operator of the gateway to map fewer groups.",
            session.groups.len(),
            cookie.len()
        );
        return Err(refuse(StatusCode::FORBIDDEN, said));
    }
    let (subject, sid) = (clean(&session.subject, SHOWN), &session.sid);
    info!(event = "sign-in", "{subject} signed in at {}, session {sid}", provider.name);
    let mut response = answer::see_other(local(back));
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

fn random() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::gateway::session::SessionKey;

    #[test]
    fn a_sign_in_takes_ten_minutes_at_most_and_may_have_begun_where_the_clock_is_ahead() {
        let key = SessionKey::new(&[7; 32]).unwrap().face;
        let began = 1_000_000;
        let away = json!({"provider": "p", "state": "s", "verifier": "v", "nonce": "n", "return_to": "/", "began": began});
        let sealed = key.seal(BOUND, away.to_string().as_bytes()).unwrap();
        for (after, is_open) in
            [(0, true), (AWAY - 1, true), (AWAY, false), (-5, true), (-60, true), (-61, false)]
        {
            assert_eq!(AwaySession::open(&key, &sealed, began + after).is_some(), is_open, "{after}");
        }
        let other = SessionKey::new(&[8; 32]).unwrap().face;
        assert!(AwaySession::open(&other, &sealed, began).is_none());
    }
}
