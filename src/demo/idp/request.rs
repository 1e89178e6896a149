//! The parameters of a request to the token endpoint, and how they are read: from a form, or a JSON object in its place.

use axum::http::{HeaderMap, header};
use serde::Deserialize;

use super::error_response::ErrorResponse;

/// A parameter; one without a value counts as omitted (RFC 6749 section 3.1).
#[derive(Default, Deserialize)]
pub(super) struct Param(String);

/// The parameters of every grant, and of revocation; a repeated one is refused while reading (section 3.2).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenParams {
    pub(super) grant_type: Param,
    pub(super) client_id: Param,
    pub(super) client_secret: Param,
    pub(super) scope: Param,
    pub(super) audience: Param,
    pub(super) resource: Param,
    pub(super) code: Param,
    pub(super) code_challenge: Param,
    pub(super) code_challenge_method: Param,
    pub(super) device_code: Param,
    pub(super) redirect_uri: Param,
    pub(super) code_verifier: Param,
    pub(super) refresh_token: Param,
    pub(super) token: Param,
}

pub(super) const UNREADABLE: ErrorResponse =
    ErrorResponse::InvalidRequest("the body cannot be read, or repeats a parameter");

impl Param {
    pub(super) fn get(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn require(&self, refusal: &'static str) -> Result<&str, ErrorResponse> {
        self.get().ok_or(ErrorResponse::InvalidRequest(refusal))
    }
}

impl TokenParams {
    pub(super) fn audience(&self) -> Option<&str> {
        self.audience.get().or(self.resource.get())
    }
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The first byte is looked at because a derived struct would be read from an array, too.
pub(super) fn read_json(bytes: &[u8]) -> Result<TokenParams, ErrorResponse> {
    let object = bytes.trim_ascii_start().starts_with(b"{");
    serde_json::from_slice(bytes).ok().filter(|_| object).ok_or(UNREADABLE)
}
