//! Every error of the OAuth endpoints, with its code, status and headers. If an error is a redirect instead of a
//! response, `authorize` builds it from `code` and `description`.

use aws_lc_rs::error::Unspecified;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An error response of RFC 6749 (sections 4.1.2.1 and 5.2), RFC 8707 (section 2) or RFC 8628 (section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorResponse {
    InvalidRequest(&'static str),
    InvalidClient(&'static str),
    InvalidGrant(&'static str),
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    InvalidTarget,
    AccessDenied,
    AuthorizationPending,
    SlowDown,
    ExpiredToken,
    ServerError,
}

impl ErrorResponse {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient(_) => "invalid_client",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::ServerError => "server_error",
        }
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest(why) | Self::InvalidClient(why) | Self::InvalidGrant(why) => why,
            Self::UnauthorizedClient => "this client is not registered for this grant type",
            Self::UnsupportedGrantType => {
                "grant_type must be client_credentials, authorization_code, refresh_token or the device grant's"
            }
            Self::UnsupportedResponseType => "response_type must be code",
            Self::InvalidScope => "a requested scope is not registered for this client or was not granted",
            Self::InvalidTarget => "the audience differs from the one that was granted",
            Self::AccessDenied => "the request was denied",
            Self::AuthorizationPending => "the code has not been entered yet",
            Self::SlowDown => "polled sooner than the interval allows",
            Self::ExpiredToken => "the device code has expired",
            Self::ServerError => "no random bytes, or signing failed",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient(_) => StatusCode::UNAUTHORIZED,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// An answer in JSON, which no cache keeps (RFC 6749 section 5.1).
pub(super) fn answered(result: Result<Value, ErrorResponse>) -> Response {
    result.map_or_else(IntoResponse::into_response, |body| (NO_STORE, body.to_string()).into_response())
}

const NO_STORE: [(header::HeaderName, &str); 2] =
    [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];

impl From<Unspecified> for ErrorResponse {
    fn from(_: Unspecified) -> Self {
        Self::ServerError
    }
}

impl From<jsonwebtoken::errors::Error> for ErrorResponse {
    fn from(_: jsonwebtoken::errors::Error) -> Self {
        Self::ServerError
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let body = json!({"error": self.code(), "error_description": self.description()}).to_string();
        let mut response = (self.status(), NO_STORE, body).into_response();
        if matches!(self, Self::InvalidClient(_)) {
            let challenge = header::HeaderValue::from_static(r#"Basic realm="mcpauth demo""#);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
