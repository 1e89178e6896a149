//! What is done with a token once it exists: revoking it, and one small protected resource for the demo.
//! Issuing is `token`'s.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error_response::ErrorResponse;
use super::request::TokenParams;
use super::store::TokenHolder;
use super::token::authenticated;
use super::{IdpEvent, IdpIssuer, IdpState, client};

/// Token revocation (RFC 7009 section 2). An unknown token is as good as a revoked one.
pub(super) async fn revoke(
    State(idp): State<Arc<IdpState>>,
    IdpIssuer(issuer): IdpIssuer,
    headers: HeaderMap,
    body: Result<Form<TokenParams>, FormRejection>,
) -> Result<StatusCode, ErrorResponse> {
    let Form(request) = body.map_err(|_| ErrorResponse::InvalidRequest("the body cannot be read"))?;
    let client = authenticated(&idp, &client::claimed(&headers, &request)?)?;
    let token = request.token.get().ok_or(ErrorResponse::InvalidRequest("token required"))?;
    if end(&idp, TokenHolder { issuer: &issuer, client_id: &client.id }, token) {
        idp.ledger().note(IdpEvent::Revoked { client_id: client.id.clone(), token: token.to_owned() });
    }
    Ok(StatusCode::OK)
}

/// The places an account can reach, as providers with several sites per login list them.
pub(super) async fn sites(State(idp): State<Arc<IdpState>>, headers: HeaderMap) -> Response {
    let Some(token) = bearer(&headers) else { return challenge("Bearer") };
    if live(&idp, token).is_none() {
        return challenge(r#"Bearer error="invalid_token""#);
    }
    let sites = json!([
        {"id": "cloud-1", "name": "demo", "url": "https://demo.example.test"},
        {"id": "cloud-2", "name": "demo-two", "url": "https://demo-two.example.test"},
    ]);
    ([(header::CONTENT_TYPE, "application/json")], sites.to_string()).into_response()
}

fn end(idp: &IdpState, holder: TokenHolder<'_>, token: &str) -> bool {
    let Some(claims) = live(idp, token) else { return idp.ledger().revoke_refresh_token(holder, token) };
    let ours =
        text(&claims, "client_id") == Some(holder.client_id) && text(&claims, "iss") == Some(holder.issuer);
    match text(&claims, "jti").filter(|_| ours) {
        Some(jti) => idp.ledger().revoke_access_token(jti),
        None => return false,
    }
    true
}

/// The claims of an access token of this server that has neither expired nor been revoked.
fn live(idp: &IdpState, token: &str) -> Option<Value> {
    let claims = idp.key.open(token)?;
    let unexpired = claims.get("exp")?.as_u64()? > idp.now();
    let known = !idp.ledger().is_revoked(text(&claims, "jti")?);
    (unexpired && known).then_some(claims)
}

fn text<'a>(claims: &'a Value, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// RFC 6750 section 3.
fn challenge(value: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, value)]).into_response()
}
