//! What the server publishes about itself: metadata and keys.
//! Nothing is decided here; each line describes what the other files do.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{IdpIssuer, IdpState};

/// Authorization server metadata (RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3).
pub(super) async fn metadata(State(idp): State<Arc<IdpState>>, IdpIssuer(issuer): IdpIssuer) -> Response {
    let [authorize, token, keys, revoke, device] = if issuer == idp.base {
        ["authorize", "token", "jwks", "revoke", "device_authorization"]
            .map(|path| format!("{issuer}/{path}"))
    } else {
        ["auth", "token", "certs", "revoke", "auth/device"]
            .map(|path| format!("{issuer}/protocol/openid-connect/{path}"))
    };
    let methods = ["client_secret_basic", "client_secret_post", "none"];
    answer(&json!({
        "issuer": issuer,
        "authorization_endpoint": authorize,
        "token_endpoint": token,
        "jwks_uri": keys,
        "revocation_endpoint": revoke,
        "device_authorization_endpoint": device,
        "scopes_supported": scopes(&idp),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "client_credentials", "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "authorization_response_iss_parameter_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

/// The JWK set (RFC 7517 section 5).
pub(super) async fn jwks(State(idp): State<Arc<IdpState>>, _: IdpIssuer) -> Response {
    answer(&idp.key.jwks())
}

fn scopes(idp: &IdpState) -> Vec<&str> {
    let mut all: Vec<&str> =
        idp.options.clients.iter().flat_map(|client| client.scopes()).map(String::as_str).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn answer(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
