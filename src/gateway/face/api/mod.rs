//! The same as data, for programs: the registry's own addresses below `/api`, with its names of fields, and the official
//! registry's below `/v0.1` (see `official`). Anyone who may not is told so in JSON, without a redirect.

pub(super) mod official;
mod servers;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::FaceState;
use super::answer::ok;
use super::visitor::{SignedIn, Visitor, VisitorProof};
use crate::gateway::providers::FaceProvider;
use crate::policy::UiAction;

/// Everything below `/api`.
pub(super) fn routes() -> Router<Arc<FaceState>> {
    Router::new()
        .route("/api/auth/me", get(me))
        .route("/api/auth/providers", get(providers))
        .route("/api/servers", get(servers::list))
        .route("/api/server_details/{*path}", get(servers::details))
        .route("/api/tools/{*path}", get(servers::tools))
        .route("/api/toggle/{*path}", post(servers::toggle))
        .route("/api/register", post(servers::register))
        .route("/api/edit/{*path}", post(servers::edit))
        .route("/api/refresh/{*path}", post(servers::refresh))
        .route("/api/health/ws/health_status", get(servers::health))
        .route("/api/tokens", get(tokens::list))
        .route("/api/tokens/generate", post(tokens::generate))
        .route("/api/tokens/revoke", post(tokens::revoke))
}

async fn me(SignedIn { visitor, .. }: SignedIn) -> Response {
    let (known, unknown, _) = visitor.groups();
    let groups: Vec<&str> = known.into_iter().chain(unknown).collect();
    let (method, provider) = match &visitor.by {
        VisitorProof::Session(session) => ("oauth2", session.provider.as_str()),
        VisitorProof::Token(_) => ("bearer", visitor.principal.issuer.as_str()),
    };
    ok(&json!({
        "username": visitor.name(),
        "auth_method": method,
        "provider": provider,
        "scopes": scopes(&visitor),
        "groups": groups,
        "can_modify_servers": !visitor.grants.permissions(UiAction::Modify).is_empty(),
        "is_admin": visitor.is_admin(),
    }))
}

/// Where people can sign in, for any client: the sign-in page says the same.
async fn providers(State(face): State<Arc<FaceState>>) -> Response {
    let one =
        |(provider, _): &(FaceProvider, _)| json!({"name": provider.name, "display_name": provider.title});
    ok(&json!({"providers": face.providers.iter().map(one).collect::<Vec<Value>>()}))
}

/// The visitor's scopes of both kinds, each once.
fn scopes(visitor: &Visitor) -> Vec<&str> {
    let mut all: Vec<&str> = visitor.grants.scopes().collect();
    for name in visitor.grants.permission_scopes() {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}
