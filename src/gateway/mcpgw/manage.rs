//! `toggle_service`, `register_service`, `remove_service`, `refresh_service`. Not here: who may change what (see
//! `changes`).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::request::{OwnRequest, ToolResult};
use super::services::NO_SERVICE;
use crate::gateway::authn::object::members;
use crate::gateway::changes::{ChangeError, RegistryEditor};
use crate::gateway::services;
use crate::gateway::state::Upstream;
use crate::policy::UiAction;

pub(super) async fn toggle(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let upstream = asked.managed(arguments, UiAction::Toggle)?;
    let on = arguments.bool("enabled").unwrap_or(!upstream.route.server.enabled);
    asked.editor().switch(upstream, on).await.map_err(said)?;
    Ok(members(json!({
        "message": format!("{} is {}", upstream.name(), if on { "on" } else { "off" }),
        "service_path": services::path(upstream),
        "new_enabled_state": on,
        "status": if on { services::status(upstream) } else { "disabled" },
        "num_tools": asked.view().tool_counts(upstream).0,
    })))
}

pub(super) async fn register(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let name = arguments.text("path").unwrap_or_default().trim_matches('/').to_owned();
    let added = asked.editor().add(described(arguments, &name)).await.map_err(said)?;
    Ok(members(json!({
        "message": "added, disabled; the policy says who may use it, and toggle_service enables it",
        "service_path": format!("/{added}"),
        "is_enabled": false,
    })))
}

pub(super) async fn remove(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let upstream = asked.managed(arguments, UiAction::Modify)?;
    asked.editor().remove(upstream).await.map_err(said)?;
    Ok(members(json!({"message": "removed", "service_path": services::path(upstream)})))
}

pub(super) async fn refresh(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let upstream = asked.managed(arguments, UiAction::Health)?;
    asked.editor().refresh(upstream).await.map_err(said)?;
    let mut state = members(asked.view().health(upstream));
    state.insert("service_path".into(), services::path(upstream).into());
    state.insert("message".into(), "checked".into());
    Ok(state)
}

/// Why not, for the caller.
fn said(error: ChangeError) -> String {
    match error {
        ChangeError::Unknown | ChangeError::Forbidden(_) => NO_SERVICE.to_owned(),
        other => other.to_string(),
    }
}

/// The description of a new server, as the registry writes it.
fn described(arguments: &Arguments<'_>, name: &str) -> Map<String, Value> {
    let or = |member: &str, otherwise: Value| {
        (member.to_owned(), arguments.value(member).cloned().unwrap_or(otherwise))
    };
    let mut described = Map::from_iter([
        or("server_name", json!(name)),
        or("description", json!("")),
        ("path".to_owned(), json!(format!("/{name}"))),
        or("proxy_pass_url", Value::Null),
        or("supported_transports", json!(["streamable-http"])),
        or("auth_type", json!("none")),
        or("tags", json!([])),
        or("num_tools", json!(0)),
        or("num_stars", json!(0)),
        or("is_python", json!(false)),
        or("license", json!("N/A")),
        or("tool_list", json!([])),
    ]);
    for member in ["auth_provider", "headers"] {
        described.extend(arguments.value(member).map(|value| (member.to_owned(), value.clone())));
    }
    described
}

impl<'a> OwnRequest<'a> {
    /// The registry, with this caller's rights.
    fn editor(&self) -> RegistryEditor<'a> {
        RegistryEditor {
            view: self.view(),
            who: &self.caller.principal,
            from: (self.moment.peer, self.request_id),
            audit: self.audit,
        }
    }

    /// The server at a path, if the caller may do this to it.
    fn managed(&self, arguments: &Arguments<'_>, action: UiAction) -> Result<&'a Arc<Upstream>, String> {
        self.editor().target(arguments.text("service_path").unwrap_or_default(), action).map_err(said)
    }
}
