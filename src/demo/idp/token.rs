//! The token endpoint: reads a request, authenticates the client, and issues what its grant allows. `store` knows
//! which codes and refresh tokens are still valid.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequest, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::client::{self, GrantType, IdpClient, narrow};
use super::error_response::{ErrorResponse, answered};
use super::request::{TokenParams, UNREADABLE, is_json, read_json};
use super::store::{Approval, GrantId, Redemption, TokenHolder};
use super::{Expires, IdpEvent, IdpIssuer, IdpState};
use crate::demo::keys;

/// The tokens that a grant yields.
struct Issued {
    approval: Approval,
    refresh_token: Option<String>,
}

/// A client's request to one of the issuers.
struct TokenExchange<'a> {
    idp: &'a IdpState,
    issuer: &'a str,
    client: &'a IdpClient,
    request: &'a TokenParams,
}

/// The endpoint as the RFC has it: a form.
pub(super) async fn form(
    State(idp): State<Arc<IdpState>>,
    IdpIssuer(issuer): IdpIssuer,
    headers: HeaderMap,
    body: Result<Form<TokenParams>, FormRejection>,
) -> Response {
    respond(&idp, &issuer, &headers, body.map(|Form(request)| request).map_err(|_| UNREADABLE))
}

/// The same with a JSON object, which some servers accept.
pub(super) async fn form_or_json(
    State(idp): State<Arc<IdpState>>,
    IdpIssuer(issuer): IdpIssuer,
    headers: HeaderMap,
    request: axum::extract::Request,
) -> Response {
    let body = if is_json(&headers) {
        let bytes = Bytes::from_request(request, &()).await.map_err(|_| UNREADABLE);
        bytes.and_then(|bytes| read_json(&bytes))
    } else {
        Form::from_request(request, &()).await.map(|Form(request)| request).map_err(|_| UNREADABLE)
    };
    respond(&idp, &issuer, &headers, body)
}

/// Every readable request is logged, whatever its result.
fn respond(
    idp: &IdpState,
    issuer: &str,
    headers: &HeaderMap,
    request: Result<TokenParams, ErrorResponse>,
) -> Response {
    answered(request.and_then(|request| {
        let claimed = client::claimed(headers, &request);
        let auth = claimed.as_ref().map_or("", |claimed| claimed.auth);
        let client_id = claimed.as_ref().map_or_else(|_| String::new(), |claimed| claimed.client_id.clone());
        let result = claimed
            .and_then(|claimed| authenticated(idp, &claimed))
            .and_then(|client| TokenExchange { idp, issuer, client, request: &request }.grant())
            .and_then(|issued| write(idp, issued));
        idp.ledger().note(IdpEvent::Token {
            grant: request.grant_type.get().unwrap_or_default().to_owned(),
            client_id,
            refresh_token: request.refresh_token.get().map(str::to_owned),
            ok: result.is_ok(),
            auth,
        });
        result
    }))
}

/// An unknown client and a wrong secret get the same answer.
pub(super) fn authenticated<'a>(
    idp: &'a IdpState,
    claimed: &client::Claimed,
) -> Result<&'a IdpClient, ErrorResponse> {
    let client = idp.client(&claimed.client_id);
    let client = client.ok_or(ErrorResponse::InvalidClient("client authentication failed"))?;
    client.authenticate(claimed).map(|()| client)
}

impl TokenExchange<'_> {
    fn grant(&self) -> Result<Issued, ErrorResponse> {
        match self.request.grant_type.require("grant_type required")? {
            "client_credentials" => self.client_credentials(),
            "authorization_code" => self.authorization_code(),
            "refresh_token" => self.refresh(),
            "urn:ietf:params:oauth:grant-type:device_code" => self.device_code(),
            _ => Err(ErrorResponse::UnsupportedGrantType),
        }
    }

    fn holder(&self) -> TokenHolder<'_> {
        TokenHolder { issuer: self.issuer, client_id: &self.client.id }
    }

    /// RFC 6749 section 4.4: only for confidential clients, and without a refresh token.
    fn client_credentials(&self) -> Result<Issued, ErrorResponse> {
        let Self { idp, issuer, client, request } = self;
        client.may(GrantType::ClientCredentials)?;
        if client.is_public() {
            return Err(ErrorResponse::UnauthorizedClient);
        }
        let approval = idp.approval(issuer, client, request.scope.get(), request.audience())?;
        Ok(Issued { approval: Approval { subject: client.id.clone(), ..approval }, refresh_token: None })
    }

    /// RFC 6749 section 4.1.3 with RFC 7636 section 4.6.
    fn authorization_code(&self) -> Result<Issued, ErrorResponse> {
        let Self { idp, request, .. } = self;
        self.client.may(GrantType::AuthorizationCode)?;
        let redemption = Redemption {
            code: request.code.require("code required")?,
            redirect_uri: request.redirect_uri.get(),
            challenge: request.code_verifier.get().map(keys::s256),
        };
        let (grant, mut approval) = idp.ledger().redeem(self.holder(), &redemption, idp.now())?;
        approval.audience = target(approval.audience, request.audience())?;
        self.first(approval, grant)
    }

    /// RFC 8628 section 3.4.
    fn device_code(&self) -> Result<Issued, ErrorResponse> {
        let Self { idp, request, .. } = self;
        self.client.may(GrantType::DeviceCode)?;
        let code = request.device_code.require("device_code required")?;
        let challenge = request.code_verifier.get().map(keys::s256);
        let polled = idp.ledger().poll(self.holder(), code, challenge.as_deref(), idp.now());
        let (grant, approval) = polled?;
        self.first(approval, grant)
    }

    /// The first tokens of a grant.
    fn first(&self, approval: Approval, grant: GrantId) -> Result<Issued, ErrorResponse> {
        let asked = approval.scope.split(' ').any(|scope| scope == "offline_access");
        let may_refresh = self.client.may(GrantType::RefreshToken).is_ok();
        let refresh_token =
            (may_refresh && (asked || self.idp.options.always_refresh)).then(keys::random).transpose()?;
        if let Some(token) = &refresh_token {
            self.idp.ledger().add_refresh_token(token.clone(), grant);
        }
        Ok(Issued { approval, refresh_token })
    }

    /// RFC 6749 section 6. A refused request does not use up the token; one lock covers look-up and use.
    fn refresh(&self) -> Result<Issued, ErrorResponse> {
        let request = self.request;
        self.client.may(GrantType::RefreshToken)?;
        let old = request.refresh_token.require("refresh_token required")?;
        let new = keys::random()?;
        let mut ledger = self.idp.ledger();
        let (grant, mut approval) = ledger.refreshable(self.holder(), old)?;
        if let Some(asked) = request.scope.get() {
            let granted: Vec<String> = approval.scope.split(' ').map(str::to_owned).collect();
            approval.scope = narrow(asked, &granted)?;
        }
        approval.audience = target(approval.audience, request.audience())?;
        ledger.rotate(old, new.clone(), grant);
        Ok(Issued { approval, refresh_token: Some(new) })
    }
}

/// A token request may repeat the granted audience, not replace it (RFC 8707 section 2.2).
fn target(granted: Option<String>, asked: Option<&str>) -> Result<Option<String>, ErrorResponse> {
    match (granted, asked) {
        (Some(granted), Some(asked)) if granted != asked => Err(ErrorResponse::InvalidTarget),
        (granted, asked) => Ok(granted.or(asked.map(str::to_owned))),
    }
}

/// The response of RFC 6749 section 5.1.
fn write(idp: &IdpState, issued: Issued) -> Result<Value, ErrorResponse> {
    let lifetime = idp.options.access_token_lifetime.as_secs();
    let token = idp.key.sign(&claims(idp, &issued.approval, lifetime)?)?;
    let mut body = json!({"access_token": token, "token_type": "Bearer", "scope": issued.approval.scope});
    let expires = match idp.options.expires_in {
        Expires::Number => json!(lifetime),
        Expires::Text => json!(lifetime.to_string()),
        Expires::Omitted => Value::Null,
    };
    set(&mut body, "expires_in", expires);
    set(&mut body, "refresh_token", json!(issued.refresh_token));
    set(&mut body, "id_token", json!(id_token(idp, &issued.approval)?));
    Ok(body)
}

/// Who the person is, if the client asked for that (OpenID Connect Core sections 2 and 3.1.3.3).
fn id_token(idp: &IdpState, approval: &Approval) -> Result<Option<String>, ErrorResponse> {
    if !approval.scope.split(' ').any(|scope| scope == "openid") {
        return Ok(None);
    }
    let now = idp.now();
    let mut claims = json!({
        "iss": approval.issuer,
        "sub": approval.subject,
        "aud": approval.client_id,
        "name": approval.subject,
        "groups": idp.options.groups,
        "iat": now,
        "exp": now + 300,
    });
    set(&mut claims, "nonce", json!(approval.nonce));
    Ok(Some(idp.key.sign_id_token(&claims)?))
}

/// RFC 9068 section 2.2, and the token's type for verifiers that look for it in the payload.
fn claims(idp: &IdpState, approval: &Approval, lifetime: u64) -> Result<Value, ErrorResponse> {
    let now = idp.now();
    let mut claims = json!({
        "iss": approval.issuer,
        "sub": approval.subject,
        "client_id": approval.client_id,
        "scope": approval.scope,
        "iat": now,
        "exp": now + lifetime,
        "jti": keys::random()?,
        "token_use": "access",
    });
    set(&mut claims, "aud", json!(approval.audience));
    Ok(claims)
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let (Value::Object(map), false) = (object, value.is_null()) {
        map.insert(key.to_owned(), value);
    }
}
