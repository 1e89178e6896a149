//! `list_services`, `healthcheck`, `get_server_details`: the servers that a caller may see, which are those that the policy has an
//! entry about for them, and those that its `UI-Scopes` let them list.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::request::OwnRequest;
use super::request::ToolResult;
use crate::gateway::catalogue::KnownTool;
use crate::gateway::settings::Visibility;
use crate::gateway::state::Upstream;
use crate::policy::{Call, Listed, UiAction, decide};
use crate::sys::clock;

/// What is said of every path that leads to nothing the caller may see, or do this to.
pub(super) const NO_SERVICE: &str =
    "there is no server of this path that you may do this to; see list_services";

/// The servers that a caller may see, by name.
pub(super) fn visible<'a>(asked: &OwnRequest<'a>) -> Vec<&'a Arc<Upstream>> {
    let sees = |upstream: &&Arc<Upstream>| asked.sees(upstream);
    let mut all: Vec<_> = asked.moment.state.upstreams.values().filter(sees).collect();
    all.sort_by(|one, other| one.name().cmp(other.name()));
    all
}

/// The server of a path, if the caller may do something to it.
pub(super) fn named<'a>(
    asked: &OwnRequest<'a>,
    arguments: &Arguments<'_>,
    may: impl Fn(&Upstream) -> bool,
) -> Result<&'a Arc<Upstream>, String> {
    let given = arguments.text("service_path").unwrap_or_default();
    let is = |upstream: &&Arc<Upstream>| {
        upstream.name() == given.trim_matches('/') || upstream.route.server.title == given
    };
    let found = asked.moment.state.upstreams.get(given.trim_matches('/')).filter(|upstream| may(upstream));
    let by_title = || asked.moment.state.upstreams.values().find(|upstream| is(upstream) && may(upstream));
    found.or_else(by_title).ok_or_else(|| NO_SERVICE.to_owned())
}

pub(super) fn list(asked: &OwnRequest<'_>) -> Map<String, Value> {
    let rows: Vec<Value> = visible(asked).into_iter().map(|upstream| row(asked, upstream)).collect();
    let count = rows.len();
    Map::from_iter([("services".to_owned(), json!(rows)), ("total_count".to_owned(), json!(count))])
}

pub(super) fn health(asked: &OwnRequest<'_>) -> Map<String, Value> {
    visible(asked).into_iter().map(|upstream| (path(upstream), state(asked, upstream))).collect()
}

pub(super) fn details(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let upstream = named(asked, arguments, |upstream| asked.sees(upstream))?;
    let (server, tools) = (&upstream.route.server, asked.shared.catalogue.tools());
    let shown = tools.known(upstream.name()).iter().filter(|known| asked.shows(known));
    let shown: Vec<Value> = shown
        .map(|KnownTool { tool, listed_at, .. }| {
            json!({
                "name": tool.name,
                "parsed_description": {"main": tool.description},
                "schema": tool.schema,
                "may_call": asked.may_call(upstream.name(), &tool.name),
                "last_listed_iso": listed_at.map(clock::rfc3339),
            })
        })
        .collect();
    let headers: Vec<&str> = server.headers.iter().map(|(name, _)| name.as_str()).collect();
    let mut object = row(asked, upstream);
    let more = json!({
        "server_name": server.title,
        "url": format!("{}/{}/mcp", asked.shared.public_url, upstream.name()),
        "supported_transports": server.transports.iter().map(|transport| transport.name()).collect::<Vec<_>>(),
        "auth_type": server.auth_type.name(),
        "auth_provider": server.profile.auth_provider,
        "license": server.profile.license,
        "header_names": headers,
        "health": state(asked, upstream),
        "tool_list": shown,
    });
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
        // A server's own address is only shown to those who may change its file.
        if asked.caller.grants.manages(UiAction::Modify, upstream.name(), &server.title) {
            object.insert("proxy_pass_url".into(), server.address().into());
        }
    }
    Ok(object.as_object().cloned().unwrap_or_default())
}

/// How a server's path is written.
pub(super) fn path(upstream: &Upstream) -> String {
    format!("/{}", upstream.name())
}

/// How many of a server's tools the caller sees, and how many they may call.
pub(super) fn tools(asked: &OwnRequest<'_>, upstream: &Upstream) -> (usize, usize) {
    let tools = asked.shared.catalogue.tools();
    let shown: Vec<&KnownTool> =
        tools.known(upstream.name()).iter().filter(|known| asked.shows(known)).collect();
    let callable = shown.iter().filter(|known| asked.may_call(&known.server, &known.tool.name)).count();
    (shown.len(), callable)
}

fn row(asked: &OwnRequest<'_>, upstream: &Upstream) -> Value {
    let (server, (shown, callable)) = (&upstream.route.server, tools(asked, upstream));
    json!({
        "display_name": server.title,
        "path": path(upstream),
        "description": server.profile.description,
        "is_enabled": server.enabled,
        "status": status(upstream),
        "tags": server.profile.tags,
        "num_tools": shown,
        "tools_you_may_call": callable,
    })
}

/// What is known of whether it answers.
pub(super) fn state(asked: &OwnRequest<'_>, upstream: &Upstream) -> Value {
    let checked = upstream.checked_at.load(Ordering::Relaxed);
    let checked = (checked > 0).then(|| clock::rfc3339(checked));
    json!({"status": status(upstream), "last_checked_iso": checked, "num_tools": tools(asked, upstream).0})
}

/// In the registry's words.
pub(super) fn status(upstream: &Upstream) -> &'static str {
    let was_checked = upstream.is_built_in() || upstream.checked_at.load(Ordering::Relaxed) > 0;
    match (upstream.route.server.enabled, upstream.healthy.load(Ordering::Relaxed)) {
        (false, _) => "disabled",
        (true, false) => "unhealthy: endpoint check failed",
        (true, true) if was_checked => "healthy",
        (true, true) => "unknown",
    }
}

impl OwnRequest<'_> {
    /// Whether the caller may see that a server is there.
    pub(super) fn sees(&self, upstream: &Upstream) -> bool {
        let (grants, server) = (&self.caller.grants, &upstream.route.server);
        grants.reaches(&server.name) || grants.manages(UiAction::List, &server.name, &server.title)
    }

    /// Whether the caller may see a tool: as in its server's own list.
    pub(super) fn shows(&self, known: &KnownTool) -> bool {
        self.caller.grants.shows(&known.server, Listed::Tool, &known.tool.name)
            || self.lists_all(&known.server)
    }

    /// Whether the caller sees all that a server has, whatever they may call of it.
    pub(super) fn lists_all(&self, server: &str) -> bool {
        let list = Call::Message { method: Listed::Tool.list_method(), name: None };
        self.shared.settings.list_visibility == Visibility::All
            && decide(&self.caller.grants, server, &list).is_ok()
    }

    /// Whether the caller may call a tool.
    pub(super) fn may_call(&self, server: &str, tool: &str) -> bool {
        let call = Call::Message { method: Listed::Tool.use_method(), name: Some(tool) };
        decide(&self.caller.grants, server, &call).is_ok()
    }
}
