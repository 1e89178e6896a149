//! The registry's servers as data, and what may be changed of them. Where a server is, only those are told who may change
//! that.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use crate::gateway::authn::object::members;
use crate::gateway::catalogue::KnownTools;
use crate::gateway::changes::ChangeError;
use crate::gateway::face::FaceState;
use crate::gateway::face::answer::{self, no, ok};
use crate::gateway::face::fields::FormFields;
use crate::gateway::face::page::{edit, servers};
use crate::gateway::face::visitor::{ChosenServer, NO_SERVER, SignedIn, Visitor};
use crate::gateway::services::{ServiceView, checked_at, path, status};
use crate::gateway::state::Upstream;
use crate::policy::UiAction;
use crate::registry::{ListedTool, PROXY_PASS_URL};
use crate::sys::clock;

/// A server as its file describes it, with what the visitor may see of its tools.
#[derive(Serialize)]
struct ServerData<'t> {
    #[serde(flatten)]
    file: Map<String, Value>,
    tool_list: Vec<ToolData<'t>>,
}

/// The tools of one server, or of all.
#[derive(Serialize)]
struct ToolsData<'t> {
    service_path: String,
    tools: Vec<ToolData<'t>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached: Option<bool>,
}

/// A tool, written where it is: there may be tens of thousands.
struct ToolData<'t> {
    may_call: bool,
    tool: &'t ListedTool,
    /// Its server, among those of others.
    service_path: Option<String>,
}

/// The word for every server.
const ALL: &str = "all";

pub(super) async fn list(SignedIn { face, visitor, asked }: SignedIn) -> Response {
    let view = visitor.view(&face);
    let found = servers::listed(&visitor, view, asked.one("query"));
    let rows: Vec<Value> = found.into_iter().map(|upstream| row(&visitor, view, upstream).into()).collect();
    ok(&json!({"servers": rows}))
}

pub(super) async fn details(SignedIn { face, visitor, .. }: SignedIn, Path(name): Path<String>) -> Response {
    let (view, known) = (visitor.view(&face), face.shared.catalogue.tools());
    let described = |upstream| ServerData::new(&visitor, view, upstream, &known);
    if name == ALL {
        let seen = view.all(|upstream| visitor.lists(upstream));
        let all = seen.into_iter().map(|upstream| (path(upstream), described(upstream)));
        return ok(&all.collect::<BTreeMap<_, _>>());
    }
    match visitor.chosen(view, &name) {
        Some(upstream) => ok(&described(upstream)),
        None => no(StatusCode::NOT_FOUND, NO_SERVER),
    }
}

pub(super) async fn tools(SignedIn { face, visitor, .. }: SignedIn, Path(name): Path<String>) -> Response {
    let (view, known) = (visitor.view(&face), face.shared.catalogue.tools());
    if name == ALL {
        let seen = view.all(|upstream| visitor.lists(upstream));
        let named =
            |upstream: &Arc<Upstream>| (path(upstream), json!({"display_name": upstream.route.server.title}));
        let servers = Some(seen.iter().map(|upstream| named(upstream)).collect());
        let tools = seen.iter().flat_map(|upstream| {
            let one = |tool| ToolData { service_path: Some(path(upstream)), ..tool };
            tool_list(view, upstream, &known).into_iter().map(one)
        });
        let tools = tools.collect();
        return ok(&ToolsData { service_path: ALL.into(), tools, servers, cached: None });
    }
    match visitor.chosen(view, &name) {
        Some(upstream) => ok(&ToolsData {
            service_path: path(upstream),
            tools: tool_list(view, upstream, &known),
            servers: None,
            cached: Some(true),
        }),
        None => no(StatusCode::NOT_FOUND, NO_SERVER),
    }
}

pub(super) async fn health(SignedIn { face, visitor, .. }: SignedIn) -> Response {
    let view = visitor.view(&face);
    let seen = view.all(|upstream| visitor.lists(upstream));
    let all: Map<String, Value> =
        seen.into_iter().map(|upstream| (path(upstream), view.health(upstream))).collect();
    ok(&all)
}

pub(super) async fn toggle(
    ChosenServer { face, visitor, upstream, .. }: ChosenServer,
    asked: FormFields,
) -> Response {
    // A form has the field if the box is ticked.
    let on = matches!(asked.one("enabled"), "on" | "true" | "1");
    if let Err(error) = visitor.editor(&face).switch(&upstream, on).await {
        return refused(&error);
    }
    let mut answer = after(&visitor, &face, &upstream);
    answer
        .insert("message".into(), format!("{} is {}", upstream.name(), if on { "on" } else { "off" }).into());
    answer.insert("new_enabled_state".into(), on.into());
    ok(&answer)
}

pub(super) async fn refresh(ChosenServer { face, visitor, upstream, .. }: ChosenServer) -> Response {
    if let Err(error) = visitor.editor(&face).refresh(&upstream).await {
        return refused(&error);
    }
    let mut answer = after(&visitor, &face, &upstream);
    answer.insert("message".into(), "checked".into());
    ok(&answer)
}

pub(super) async fn register(SignedIn { face, visitor, .. }: SignedIn, asked: FormFields) -> Response {
    let service = edit::new_members(&asked);
    match visitor.editor(&face).add(service.clone()).await {
        Ok(name) => {
            let message = format!("/{name} is registered, switched off; the policy says who may use it");
            answer::json(StatusCode::CREATED, &json!({"message": message, "service": service}))
        }
        Err(error) => answer::json(edit::status(&error), &json!({"error": error.to_string()})),
    }
}

pub(super) async fn edit(chosen: ChosenServer, asked: FormFields) -> Response {
    match edit::saved(&chosen, &asked).await {
        Ok(changed) => {
            let message = if changed.is_empty() { "nothing is different" } else { "saved" };
            ok(&json!({"message": message, "service_path": path(&chosen.upstream), "changed": changed}))
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &ChangeError) -> Response {
    no(edit::status(error), &error.to_string())
}

/// A server after a change, as it is in force now.
fn after(visitor: &Visitor, face: &FaceState, upstream: &Upstream) -> Map<String, Value> {
    let now = face.shared.state();
    let upstream = now.upstreams.get(upstream.name()).map_or(upstream, AsRef::as_ref);
    members(json!({
        "service_path": path(upstream),
        "status": status(upstream),
        "last_checked_iso": checked_at(upstream).map(clock::rfc3339),
        "num_tools": visitor.view(face).tool_counts(upstream).0,
    }))
}

/// A server in the registry's list.
fn row(visitor: &Visitor, view: ServiceView<'_>, upstream: &Upstream) -> Map<String, Value> {
    let (server, profile) = (&upstream.route.server, &upstream.route.server.profile);
    let mut row = members(json!({
        "display_name": server.title,
        "path": path(upstream),
        "description": profile.description,
        "is_enabled": server.enabled,
        "tags": profile.tags,
        "num_tools": view.tool_counts(upstream).0,
        "num_stars": profile.stars,
        "is_python": profile.is_python,
        "license": profile.license.as_deref().unwrap_or("N/A"),
        "health_status": status(upstream),
        "last_checked_iso": checked_at(upstream).map(clock::rfc3339),
    }));
    if visitor.may(UiAction::Modify, upstream) {
        row.insert(PROXY_PASS_URL.into(), server.address().into());
    }
    row
}

impl<'t> ServerData<'t> {
    fn new(visitor: &Visitor, view: ServiceView<'t>, upstream: &'t Upstream, known: &'t KnownTools) -> Self {
        let server = &upstream.route.server;
        let mut file = row(visitor, view, upstream);
        file.extend(members(json!({
            "server_name": server.title,
            "supported_transports": server.transports.iter().map(|transport| transport.name()).collect::<Vec<_>>(),
            "auth_type": server.auth_type.name(),
            "auth_provider": server.profile.auth_provider,
            "url": format!("{}/{}/mcp", view.shared.public_url, server.name),
        })));
        Self { file, tool_list: tool_list(view, upstream, known) }
    }
}

fn tool_list<'t>(view: ServiceView<'t>, upstream: &'t Upstream, known: &'t KnownTools) -> Vec<ToolData<'t>> {
    let one = |tool: &'t ListedTool| ToolData {
        may_call: view.may_call(upstream.name(), &tool.name),
        tool,
        service_path: None,
    };
    view.tools(upstream, known).into_iter().map(one).collect()
}

impl Serialize for ToolData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("may_call", &self.may_call)?;
        map.serialize_entry("name", &self.tool.name)?;
        let about =
            [("main", Some(&self.tool.description)), ("args", None), ("returns", None), ("raises", None)];
        map.serialize_entry("parsed_description", &BTreeMap::from(about))?;
        map.serialize_entry("schema", &self.tool.schema)?;
        if let Some(path) = &self.service_path {
            map.serialize_entry("service_path", path)?;
        }
        map.end()
    }
}
