//! `toggle_service`, `register_service`, `remove_service`, `refresh_service`: the registry's folder, changed by whom the policy's
//! `UI-Scopes` let do so. None of it gives anybody rights: who may use a server is the policy's alone.
//! Not here: writing (see `registry::edit`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};
use tracing::info;

use super::arguments::Arguments;
use super::request::OwnRequest;
use super::request::ToolResult;
use super::services::{NO_SERVICE, named};
use crate::gateway::ops::health;
use crate::gateway::pool::Pool;
use crate::gateway::servers::MCPGW;
use crate::gateway::services;
use crate::gateway::settings::EgressMode;
use crate::gateway::state::Upstream;
use crate::policy::UiAction;
use crate::registry::edit::{self, EditError};
use crate::sys::clock;
use crate::text::clean;

/// The longest name of a person or server in the log.
const SHOWN: usize = 200;

pub(super) async fn toggle(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let upstream = asked.managed(arguments, UiAction::Toggle)?;
    let (server, dir) = (&upstream.route.server, asked.shared.settings.servers.clone());
    let on = arguments.bool("enabled").unwrap_or(!server.enabled);
    let path = server.profile.path.clone();
    asked.edit(move || edit::switch(&dir, &path, on)).await?;
    asked.note(if on { "switched on" } else { "switched off" }, upstream.name());
    Ok(object(json!({
        "message": format!("{} is {}", upstream.name(), if on { "on" } else { "off" }),
        "service_path": services::path(upstream),
        "new_enabled_state": on,
        "status": if on { services::status(upstream) } else { "disabled" },
        "num_tools": asked.view().tools(upstream).0,
    })))
}

pub(super) async fn register(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let (path, title) =
        (arguments.text("path").unwrap_or_default(), arguments.text("server_name").unwrap_or_default());
    let name = path.trim_matches('/').to_owned();
    if !asked.caller.grants.manages(UiAction::Register, &name, title) {
        return Err(NO_SERVICE.into());
    }
    if name == MCPGW {
        return Err(format!("{MCPGW} is the gateway's own"));
    }
    // Whoever may add a server must not choose where a credential of the gateway's goes.
    let said = asked.shared.settings.upstreams.get(&name);
    if said.is_some_and(|said| said.egress == Some(EgressMode::Stored)) {
        return Err(
            "the gateway keeps a credential for a server of this path: its operator must add the file".into(),
        );
    }
    if arguments.value("headers").is_some_and(|headers| headers.to_string().contains('$')) {
        return Err("headers name a variable: the gateway's operator must add the file".into());
    }
    let members = members(arguments, &name);
    let dir = asked.shared.settings.servers.clone();
    let added = asked.edit(move || edit::add(&dir, members)).await?;
    asked.note("added", &added);
    Ok(object(json!({
        "message": "added, switched off; the policy says who may use it, and toggle_service switches it on",
        "service_path": format!("/{added}"),
        "is_enabled": false,
    })))
}

pub(super) async fn remove(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let upstream = asked.managed(arguments, UiAction::Modify)?;
    let (profile, dir) = (upstream.route.server.profile.clone(), asked.shared.settings.servers.clone());
    asked.edit(move || edit::remove(&dir, &profile)).await?;
    asked.note("removed", upstream.name());
    Ok(object(json!({"message": "removed", "service_path": services::path(upstream)})))
}

pub(super) async fn refresh(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let may = |upstream: &Upstream| asked.view().manages(upstream, UiAction::Health);
    let upstream = named(asked, arguments, may)?;
    let shared = asked.shared;
    if upstream.route.server.enabled {
        let pool = Arc::new(Pool::new(shared.trust.clone(), shared.crowd.clone()));
        let answers = health::answers(&pool, upstream).await;
        upstream.checked_at.store(clock::now(), Ordering::Relaxed);
        // One that fails once is not down yet: that is the regular check's to say.
        upstream.healthy.fetch_or(answers, Ordering::Relaxed);
    }
    shared.reload.notify_one();
    asked.note("checked", upstream.name());
    let mut state = object(asked.view().health(upstream));
    state.insert("service_path".into(), services::path(upstream).into());
    state.insert("message".into(), "checked".into());
    Ok(state)
}

/// What was said of a new server, as the registry writes it.
fn members(arguments: &Arguments<'_>, name: &str) -> Map<String, Value> {
    let or = |member: &str, otherwise: Value| {
        (member.to_owned(), arguments.value(member).cloned().unwrap_or(otherwise))
    };
    let mut members = Map::from_iter([
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
        members.extend(arguments.value(member).map(|value| (member.to_owned(), value.clone())));
    }
    members
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

impl<'a> OwnRequest<'a> {
    /// The server of a path whose file the caller may change.
    fn managed(&self, arguments: &Arguments<'_>, action: UiAction) -> Result<&'a Arc<Upstream>, String> {
        let upstream = named(self, arguments, |upstream| self.view().manages(upstream, action))?;
        if upstream.is_built_in() {
            return Err(format!("{MCPGW} is the gateway's own"));
        }
        Ok(upstream)
    }

    /// Changes the folder, on a thread that may wait for it, and has the files read again.
    async fn edit<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, EditError> + Send + 'static,
    ) -> Result<T, String> {
        let done = self.shared.vault.spawn_blocking(work).await;
        let done = done.map_err(|_| "the registry could not be changed".to_owned())?;
        self.shared.reload.notify_one();
        done.map_err(|error| error.to_string())
    }

    /// Who did what to which server, for the operator.
    fn note(&self, what: &str, server: &str) {
        let principal = &self.caller.principal;
        let who = principal.username.as_deref().unwrap_or(&principal.subject);
        info!(
            event = "registry",
            request = self.request_id,
            "{} {what} by {}",
            clean(server, SHOWN),
            clean(who, SHOWN)
        );
    }
}
