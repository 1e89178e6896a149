//! The device authorization endpoint and the page where the user enters the code (RFC 8628). `store` keeps the codes
//! and `token` redeems them; the pages are in `pages`.

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::authorize::challenge;
use super::client::{self, GrantType};
use super::error_response::{ErrorResponse, answered};
use super::request::{Param, TokenParams, UNREADABLE};
use super::store::{Decision, Device};
use super::token::authenticated;
use super::{IdpEvent, IdpIssuer, IdpState};
use crate::demo::{keys, pages};

/// The letters of a user code: no vowels, to avoid words (section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const CODE_LENGTH: usize = 8;

/// What the page sends.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct DeviceAnswer {
    user_code: Param,
    decision: Param,
}

/// `POST`: two codes for a device (sections 3.1 and 3.2).
pub(super) async fn authorize(
    State(idp): State<Arc<IdpState>>,
    IdpIssuer(issuer): IdpIssuer,
    headers: HeaderMap,
    body: Result<Form<TokenParams>, FormRejection>,
) -> Response {
    let request = body.map(|Form(request)| request).map_err(|_| UNREADABLE);
    answered(request.and_then(|request| codes(&idp, &issuer, &headers, &request)))
}

/// `GET`: where the user enters the code.
pub(super) async fn page(query: Result<Query<DeviceAnswer>, QueryRejection>) -> Response {
    let answer = query.map(|Query(answer)| answer).unwrap_or_default();
    pages::device(answer.user_code.get().unwrap_or_default())
}

/// `POST`: the user's answer.
pub(super) async fn answer(
    State(idp): State<Arc<IdpState>>,
    form: Result<Form<DeviceAnswer>, FormRejection>,
) -> Response {
    let Ok(Form(answer)) = form else { return pages::error_page("The form cannot be read.") };
    let decision = if answer.decision.get() == Some("allow") { Decision::Allow } else { Decision::Deny };
    let code = answer.user_code.get().unwrap_or_default().trim().to_ascii_uppercase();
    if idp.ledger().answer_device(&code, decision, idp.now()) {
        pages::device_done()
    } else {
        pages::error_page("No device shows this code, or it has been answered.")
    }
}

fn codes(
    idp: &IdpState,
    issuer: &str,
    headers: &HeaderMap,
    request: &TokenParams,
) -> Result<Value, ErrorResponse> {
    let client = authenticated(idp, &client::claimed(headers, request)?)?;
    client.may(GrantType::DeviceCode)?;
    let sent = (request.code_challenge.get(), request.code_challenge_method.get());
    let challenge = match sent {
        (None, None) => None,
        (value, method) => Some(challenge(value, method)?),
    };
    let approval = idp.approval(issuer, client, request.scope.get(), request.audience())?;
    let (device_code, user_code) = (keys::random()?, user_code()?);
    let (interval, lifetime) = (idp.options.device_interval, idp.options.device_code_lifetime.as_secs());
    let uri = format!("{}/device", idp.base);
    let body = json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": uri,
        "verification_uri_complete": format!("{uri}?user_code={user_code}"),
        "expires_in": lifetime,
        "interval": interval.as_secs_f64(),
    });
    let device = Device {
        approval,
        user_code,
        challenge,
        interval,
        until: idp.now() + lifetime,
        answer: idp.options.auto_approve.then_some(Decision::Allow),
        polled: None,
    };
    let mut ledger = idp.ledger();
    ledger.note(IdpEvent::Device { client_id: client.id.clone() });
    ledger.add_device(device_code, device);
    Ok(body)
}

fn user_code() -> Result<String, ErrorResponse> {
    let random = keys::random()?;
    let letter = |byte: u8| LETTERS.get(usize::from(byte) % LETTERS.len()).map(|letter| char::from(*letter));
    let mut code: String = random.bytes().take(CODE_LENGTH).filter_map(letter).collect();
    code.insert(CODE_LENGTH / 2, '-');
    Ok(code)
}
