//! A caller's own tokens as data.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::response::Response;
use serde_json::{Value, json};

use crate::gateway::authn::object;
use crate::gateway::face::answer::{no, ok};
use crate::gateway::face::fields::FormFields;
use crate::gateway::face::page::tokens;
use crate::gateway::face::visitor::SignedIn;
use crate::gateway::refusal::Rejection;

const UNREADABLE: &str = "the ledger cannot be read";

pub(super) async fn list(SignedIn { face, visitor, .. }: SignedIn) -> Response {
    let Ok(own) = tokens::own(&face, &visitor).await else {
        return no(StatusCode::SERVICE_UNAVAILABLE, UNREADABLE);
    };
    let row = |own: &tokens::OwnToken| {
        let mut row = object::members(json!(own.entry));
        row.insert("revoked".into(), own.is_revoked.into());
        row.into()
    };
    ok(&json!({"tokens": own.iter().map(row).collect::<Vec<Value>>()}))
}

pub(super) async fn generate(SignedIn { face, visitor, .. }: SignedIn, body: Bytes) -> Response {
    let Some(question) = object::read(&body) else {
        return no(StatusCode::BAD_REQUEST, "send one JSON object without duplicate names");
    };
    match tokens::generated(&face, &visitor, question).await {
        Ok(answer) => ok(&answer),
        Err(refusal) => {
            let what = match &refusal {
                Rejection::NotVended(_, what) => what.clone(),
                other => other.reason().to_owned(),
            };
            let mut response = no(refusal.status(), &what);
            if let Rejection::VendedEnough(seconds) = refusal {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

pub(super) async fn revoke(SignedIn { face, visitor, .. }: SignedIn, asked: FormFields) -> Response {
    match tokens::revoke(&face, &visitor, asked.one("jti")).await {
        Ok(Some(new)) => ok(&json!({"jti": asked.one("jti"), "revoked": true, "was_revoked": !new})),
        Ok(None) => no(StatusCode::NOT_FOUND, "you have no token with this id"),
        Err(status) => no(status, "the token could not be revoked"),
    }
}
