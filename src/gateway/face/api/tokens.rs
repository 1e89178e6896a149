//! A caller's own tokens as data.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::response::Response;
use serde_json::{Value, json};

use super::reply::{ok, problem};
use crate::gateway::authn::object;
use crate::gateway::face::FaceState;
use crate::gateway::face::fields::FormFields;
use crate::gateway::face::page::tokens;
use crate::gateway::face::visitor::ApiCaller;
use crate::gateway::refusal::Rejection;

const UNREADABLE: &str = "the ledger cannot be read";

pub(super) async fn list(State(face): State<Arc<FaceState>>, ApiCaller(visitor): ApiCaller) -> Response {
    let Ok(own) = tokens::own(&face, &visitor).await else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, UNREADABLE);
    };
    let row = |own: &tokens::OwnToken| {
        let mut row = json!(own.entry);
        if let Some(row) = row.as_object_mut() {
            row.insert("revoked".into(), own.is_revoked.into());
        }
        row
    };
    ok(&json!({"tokens": own.iter().map(row).collect::<Vec<Value>>()}))
}

pub(super) async fn generate(
    State(face): State<Arc<FaceState>>,
    ApiCaller(visitor): ApiCaller,
    body: Bytes,
) -> Response {
    let Some(question) = object::read(&body) else {
        return problem(StatusCode::BAD_REQUEST, "send one JSON object without duplicate names");
    };
    match tokens::generated(&face, &visitor, question).await {
        Ok(answer) => ok(&answer),
        Err(refusal) => {
            let what = match &refusal {
                Rejection::NotVended(_, what) => what.clone(),
                other => other.reason().to_owned(),
            };
            let mut response = problem(refusal.status(), &what);
            if let Rejection::VendedEnough(seconds) = refusal {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

pub(super) async fn revoke(
    State(face): State<Arc<FaceState>>,
    ApiCaller(visitor): ApiCaller,
    asked: FormFields,
) -> Response {
    match tokens::revoke(&face, &visitor, asked.one("jti")).await {
        Ok(Some(new)) => ok(&json!({"jti": asked.one("jti"), "revoked": true, "was_revoked": !new})),
        Ok(None) => problem(StatusCode::NOT_FOUND, "you have no token with this id"),
        Err(status) => problem(status, "the token could not be revoked"),
    }
}
