//! The authorization endpoint: checks a request, asks the user, sends the browser back. `store` keeps the codes and
//! `token` redeems them; the pages are in `pages`.

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use url::Url;

use super::client::{GrantType, IdpClient};
use super::error_response::ErrorResponse;
use super::request::Param;
use super::store::{Approval, Back, PendingConsent};
use super::{IdpEvent, IdpIssuer, IdpState};
use crate::demo::{keys, pages};

/// The parameters of RFC 6749 section 4.1.1 and RFC 7636 section 4.3; a repeated one is rejected while parsing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AuthorizationParams {
    response_type: Param,
    client_id: Param,
    redirect_uri: Param,
    scope: Param,
    state: Param,
    code_challenge: Param,
    code_challenge_method: Param,
    audience: Param,
    resource: Param,
    nonce: Param,
}

/// What the consent page sends. The ticket is the only link to the request, and another site cannot guess it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ConsentAnswer {
    ticket: Param,
    decision: Param,
    user: Param,
}

/// `GET`: the consent page, or an immediate redirect.
pub(super) async fn ask(
    State(idp): State<Arc<IdpState>>,
    IdpIssuer(issuer): IdpIssuer,
    query: Result<Query<AuthorizationParams>, QueryRejection>,
) -> Response {
    let Ok(Query(request)) = query else {
        return pages::error_page("The parameters cannot be read, or one of them was sent twice.");
    };
    let (client, back) = match way_back(&idp, issuer, &request) {
        Ok(found) => found,
        Err(reason) => return pages::error_page(reason),
    };
    match check(&idp, client, &back, &request) {
        Err(refusal) => back.refuse(refusal),
        Ok((approval, challenge)) => proceed(&idp, PendingConsent { approval, back, challenge }),
    }
}

/// `POST`: the user's answer.
pub(super) async fn answer(
    State(idp): State<Arc<IdpState>>,
    _: IdpIssuer,
    form: Result<Form<ConsentAnswer>, FormRejection>,
) -> Response {
    let Ok(Form(answer)) = form else { return pages::error_page("The form cannot be read.") };
    let taken = answer.ticket.get().and_then(|ticket| idp.ledger().take_ticket(ticket, idp.now()));
    let Some(mut pending) = taken else {
        return pages::error_page("This page was answered before or is too old. Start the login again.");
    };
    if answer.decision.get() != Some("allow") {
        idp.ledger().note(IdpEvent::Denied { client_id: pending.approval.client_id });
        return pending.back.refuse(ErrorResponse::AccessDenied);
    }
    if let Some(user) = answer.user.get().map(str::trim).filter(|user| !user.is_empty()) {
        pending.approval.subject = user.to_owned();
    }
    allow(&idp, pending)
}

/// Until client and redirect URI are known to belong together, nothing may be sent to it (RFC 6749 section 3.1.2.4).
fn way_back<'a>(
    idp: &'a IdpState,
    issuer: String,
    request: &AuthorizationParams,
) -> Result<(&'a IdpClient, Back), &'static str> {
    let client = request.client_id.get().and_then(|id| idp.client(id)).ok_or("The client is not known.")?;
    let registered = request.redirect_uri.get().filter(|uri| client.redirects_to(uri));
    let uri = registered.ok_or("The redirect URI is not registered for this client.")?;
    let url = Url::parse(uri).map_err(|_| "The redirect URI is not a URL.")?;
    let state = request.state.get().map(str::to_owned);
    Ok((client, Back { redirect_uri: uri.to_owned(), url, state, issuer }))
}

/// Errors that are returned by redirect (RFC 6749 section 4.1.2.1).
fn check(
    idp: &IdpState,
    client: &IdpClient,
    back: &Back,
    request: &AuthorizationParams,
) -> Result<(Approval, String), ErrorResponse> {
    if request.response_type.get() != Some("code") {
        return Err(ErrorResponse::UnsupportedResponseType);
    }
    client.may(GrantType::AuthorizationCode)?;
    let method = request.code_challenge_method.get();
    let challenge = challenge(request.code_challenge.get(), method)?;
    let audience = request.audience.get().or(request.resource.get());
    let approval = idp.approval(&back.issuer, client, request.scope.get(), audience)?;
    Ok((Approval { nonce: request.nonce.get().map(str::to_owned), ..approval }, challenge))
}

/// Only S256 (RFC 7636 section 4.4.1, RFC 9700 section 2.1.1).
pub(super) fn challenge(challenge: Option<&str>, method: Option<&str>) -> Result<String, ErrorResponse> {
    let challenge = challenge.ok_or(ErrorResponse::InvalidRequest("code_challenge required"))?;
    if method != Some("S256") {
        return Err(ErrorResponse::InvalidRequest("code_challenge_method must be S256"));
    }
    let digest = challenge.len() == 43
        && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    digest
        .then(|| challenge.to_owned())
        .ok_or(ErrorResponse::InvalidRequest("code_challenge is not 43 characters of base64url"))
}

fn proceed(idp: &IdpState, pending: PendingConsent) -> Response {
    if idp.options.auto_approve {
        return allow(idp, pending);
    }
    let Ok(ticket) = keys::random() else { return pending.back.refuse(ErrorResponse::ServerError) };
    let page = pages::consent(&pages::Consent {
        ticket: &ticket,
        client_id: &pending.approval.client_id,
        scope: &pending.approval.scope,
        audience: pending.approval.audience.as_deref(),
        redirect_uri: &pending.back.redirect_uri,
        user: &pending.approval.subject,
    });
    idp.ledger().add_ticket(ticket, pending, idp.now());
    page
}

fn allow(idp: &IdpState, pending: PendingConsent) -> Response {
    let Ok(code) = keys::random() else { return pending.back.refuse(ErrorResponse::ServerError) };
    let response = pending.back.redirect(&[("code", &code)]);
    let mut ledger = idp.ledger();
    ledger.note(IdpEvent::Authorized { client_id: pending.approval.client_id.clone() });
    ledger.add_code(code, pending, idp.now());
    response
}

impl Back {
    fn refuse(&self, refusal: ErrorResponse) -> Response {
        self.redirect(&[("error", refusal.code()), ("error_description", refusal.description())])
    }

    /// With `state` as sent, and `iss` against mix-up (RFC 9207 section 2).
    fn redirect(&self, parameters: &[(&str, &str)]) -> Response {
        let mut url = self.url.clone();
        let state = self.state.as_deref().map(|state| ("state", state));
        url.query_pairs_mut().extend_pairs(parameters).extend_pairs(state).append_pair("iss", &self.issuer);
        ([(header::CACHE_CONTROL, "no-store")], Redirect::to(url.as_str())).into_response()
    }
}
