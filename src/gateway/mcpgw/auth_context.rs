//! `debug_auth_context`: who a caller is to the gateway, and why. Everything in it is a name or a claim that the policy reads,
//! and never a part of a token, a cookie or another header's value.

use hyper::header::HeaderName;
use serde_json::{Map, Value, json};

use super::request::OwnRequest;
use crate::gateway::authn::object::members;
use crate::gateway::callers::CredentialHeader;
use crate::gateway::servers::MCPGW;
use crate::gateway::services;
use crate::mcp::SESSION;
use crate::policy::UiAction;
use crate::sys::clock;

pub(super) fn describe(asked: &OwnRequest<'_>) -> Map<String, Value> {
    let (principal, policy) = (&asked.caller.principal, &asked.moment.state.policy);
    let (known, unknown): (Vec<&String>, Vec<&String>) =
        principal.groups.iter().partition(|group| policy.knows_group(group));
    let (known_scopes, unknown_scopes): (Vec<&String>, Vec<&String>) =
        principal.scopes.iter().partition(|scope| policy.knows_scope(scope));
    let overview = policy.overview(principal, None);
    let permissions = UiAction::ALL.into_iter().map(|action| {
        let services: Vec<&str> = asked.caller.grants.permissions(action).into_iter().collect();
        (action.name().to_owned(), json!(services))
    });
    members(json!({
        "subject": principal.subject,
        "issuer": principal.issuer,
        "username": principal.username,
        "client_id": principal.client_id,
        "token": token(asked),
        "groups": {"known": known, "unknown": unknown},
        "scopes": {
            "held": asked.caller.grants.scopes().collect::<Vec<_>>(),
            "known": known_scopes,
            "unknown": unknown_scopes,
        },
        "rules": overview.entries,
        "why": overview.notes,
        "ui_permissions": permissions.collect::<Map<_, _>>(),
        "servers": servers(asked),
        "extracted_auth_context": extracted(asked),
    }))
}

fn token(asked: &OwnRequest<'_>) -> Value {
    let is_jwt = asked.credential.token().split('.').count() == 3;
    let limits = asked.caller.principal.vended.as_ref().map(|vended| {
        json!({
            "id": vended.token_id,
            "agent": vended.agent,
            "scopes": vended.scopes,
            "authorization_details": vended.details,
        })
    });
    json!({
        "kind": if is_jwt { "JWT" } else { "opaque" },
        "header": header(asked).as_str(),
        "expires_in": asked.caller.ends_at(asked.shared).saturating_sub(clock::now()).max(0),
        "only_for_servers": asked.caller.principal.servers,
        "vended": limits,
    })
}

/// The registry's members that apply here.
fn extracted(asked: &OwnRequest<'_>) -> Value {
    let mut names: Vec<&str> = asked.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let agent = asked.headers.contains_key("user-agent");
    json!({
        "request_id": asked.request_id,
        "client_id": asked.caller.principal.client_id,
        "session_available": asked.headers.contains_key(SESSION),
        "auth_headers": [header(asked).as_str()],
        "headers_present": names,
        "http_info": {
            "method": "POST",
            "url": format!("{}/{MCPGW}/mcp", asked.shared.public_url),
            "client_host": asked.moment.peer.to_canonical().to_string(),
            "user_agent_sent": agent,
        },
    })
}

/// The header that contained the token.
fn header(asked: &OwnRequest<'_>) -> HeaderName {
    match asked.credential.via {
        CredentialHeader::XAuthorization => crate::gateway::callers::X_AUTHORIZATION,
        CredentialHeader::Authorization => hyper::header::AUTHORIZATION,
    }
}

/// What the caller can reach, and the number of tools.
fn servers(asked: &OwnRequest<'_>) -> Vec<Value> {
    let reached =
        asked.view().visible().into_iter().filter(|upstream| asked.caller.grants.reaches(upstream.name()));
    let row = |upstream: &std::sync::Arc<crate::gateway::state::Upstream>| {
        let (known, callable) = asked.view().tool_counts(upstream);
        json!({"path": services::path(upstream), "num_tools": known, "tools_you_may_call": callable})
    };
    reached.map(row).collect()
}
