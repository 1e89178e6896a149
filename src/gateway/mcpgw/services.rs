//! `list_services`, `healthcheck`, `get_server_details`: the servers that a caller may see: those for which the policy has an
//! entry for the caller, and those that its `UI-Scopes` let the caller list.

use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::request::{OwnRequest, ToolResult};
use crate::gateway::authn::object::members;
use crate::gateway::services::{ServiceView, path, status};
use crate::gateway::state::Upstream;
use crate::policy::UiAction;
use crate::sys::clock;

/// The message for every path that is not there, or is not for this caller.
pub(super) const NO_SERVICE: &str =
    "there is no server of this path that you may do this to; see list_services";

pub(super) fn list(asked: &OwnRequest<'_>) -> Map<String, Value> {
    let rows: Vec<Value> =
        asked.view().visible().into_iter().map(|upstream| row(asked, upstream).into()).collect();
    let count = rows.len();
    Map::from_iter([("services".to_owned(), json!(rows)), ("total_count".to_owned(), json!(count))])
}

pub(super) fn health(asked: &OwnRequest<'_>) -> Map<String, Value> {
    asked
        .view()
        .visible()
        .into_iter()
        .map(|upstream| (path(upstream), asked.view().health(upstream)))
        .collect()
}

pub(super) fn details(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let given = arguments.text("service_path").unwrap_or_default();
    let upstream = asked.view().named(given, |upstream| asked.view().sees(upstream)).ok_or(NO_SERVICE)?;
    let (server, mut shown) = (&upstream.route.server, Vec::new());
    asked.view().each_tool(upstream, &asked.shared.catalogue.tools(), |tool, listed_at| {
        shown.push(json!({
            "name": tool.name,
            "parsed_description": {"main": tool.description},
            "schema": tool.schema,
            "may_call": asked.view().may_call(upstream.name(), &tool.name),
            "last_listed_iso": listed_at.map(clock::rfc3339),
        }));
    });
    let headers: Vec<&str> = server.headers.iter().map(|(name, _)| name.as_str()).collect();
    let mut object = row(asked, upstream);
    object.extend(members(json!({
        "server_name": server.title,
        "url": format!("{}/{}/mcp", asked.shared.public_url, upstream.name()),
        "supported_transports": server.transports.iter().map(|transport| transport.name()).collect::<Vec<_>>(),
        "auth_type": server.auth_type.name(),
        "auth_provider": server.profile.auth_provider,
        "license": server.profile.license,
        "header_names": headers,
        "health": asked.view().health(upstream),
        "tool_list": shown,
    })));
    // A server's own address is only shown to those who may change its file.
    if asked.view().manages(upstream, UiAction::Modify) {
        object.insert("proxy_pass_url".into(), server.address().into());
    }
    Ok(object)
}

fn row(asked: &OwnRequest<'_>, upstream: &Upstream) -> Map<String, Value> {
    let (server, (shown, callable)) = (&upstream.route.server, asked.view().tool_counts(upstream));
    members(json!({
        "display_name": server.title,
        "path": path(upstream),
        "description": server.profile.description,
        "is_enabled": server.enabled,
        "status": status(upstream),
        "tags": server.profile.tags,
        "num_tools": shown,
        "tools_you_may_call": callable,
    }))
}

impl<'a> OwnRequest<'a> {
    /// The servers as this caller sees them.
    pub(super) fn view(&self) -> ServiceView<'a> {
        ServiceView { shared: self.shared, state: &self.moment.state, grants: &self.caller.grants }
    }
}
