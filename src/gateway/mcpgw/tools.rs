//! Calls of the gateway's own tools: which there are for a caller, what a call comes to, and how that is said. Not
//! here: what each tool does (see its siblings).

use hyper::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::protocol::RpcReply;
use super::request::{OwnRequest, ToolResult};
use super::table::{OwnTool, TOOLS, Which, find};
use super::{auth_context, finder, manage, services};
use crate::gateway::body::Body;
use crate::gateway::refusal::Rejection;
use crate::gateway::servers::MCPGW;
use crate::gateway::settings::{GatewaySettings, Visibility};
use crate::mcp::jsonrpc::INVALID_PARAMS;
use crate::policy::Listed;
use crate::registry::ListedTool;

/// What a request to the gateway's own server comes to.
pub(in crate::gateway) enum Outcome {
    /// An answer.
    Response(Response<Body>),
    /// Another server's tool is to be called: its answer is the answer.
    Call(ToolOrder),
}

/// Another server's tool that is to be called.
pub(in crate::gateway) struct ToolOrder {
    /// The server, by its path without outer slashes.
    pub(in crate::gateway) server: String,
    pub(in crate::gateway) tool: String,
    /// The session with the gateway's own server that the call belongs to.
    pub(in crate::gateway) session: Option<String>,
}

/// The tools that a caller sees, as `tools/list` has them.
pub(super) fn listed(asked: &OwnRequest<'_>) -> Vec<Value> {
    let all = asked.shared.settings.list_visibility == Visibility::All;
    let shown = |tool: &&OwnTool| {
        asked.offers(tool) && (all || asked.caller.grants.shows(MCPGW, Listed::Tool, tool.name))
    };
    TOOLS.iter().filter(shown).map(OwnTool::described).collect()
}

/// The gateway's own tools, as those of other servers are known.
pub(in crate::gateway) fn own_tools(settings: &GatewaySettings) -> Vec<ListedTool> {
    let offered = TOOLS.iter().filter(|tool| settings.mcpgw.call_tool || tool.which != Which::CallTool);
    offered.filter_map(|tool| ListedTool::read(&tool.described())).collect()
}

/// Calls one.
///
/// # Errors
/// As [`super::answer`].
pub(super) async fn call(
    asked: &OwnRequest<'_>,
    reply: &RpcReply<'_>,
    params: &Map<String, Value>,
    session: Option<&str>,
) -> Result<Outcome, Rejection> {
    let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
    let none = Map::new();
    let arguments = match params.get("arguments") {
        None | Some(Value::Null) => Some(&none),
        Some(arguments) => arguments.as_object(),
    };
    let Some((tool, arguments)) = find(name).filter(|tool| asked.offers(tool)).zip(arguments) else {
        let message = "there is no such tool, or its arguments are no object";
        return Ok(Outcome::Response(reply.error(StatusCode::OK, INVALID_PARAMS, message, None)));
    };
    let given = match Arguments::read(arguments, tool.arguments) {
        Ok(read) if tool.which == Which::CallTool => match order(asked, &read, session) {
            Ok(order) => return Ok(Outcome::Call(order)),
            Err(why) => Err(why),
        },
        Ok(read) => run(asked, tool.which, &read).await,
        Err(why) => Err(why),
    };
    Ok(Outcome::Response(reply.result(content(given))))
}

async fn run(asked: &OwnRequest<'_>, which: Which, arguments: &Arguments<'_>) -> ToolResult {
    match which {
        Which::DebugAuthContext => Ok(auth_context::describe(asked)),
        Which::ToolFinder => finder::find(asked, arguments).await,
        Which::ListServices => Ok(services::list(asked)),
        Which::Healthcheck => Ok(services::health(asked)),
        Which::ServerDetails => services::details(asked, arguments),
        Which::Toggle => manage::toggle(asked, arguments).await,
        Which::Register => manage::register(asked, arguments).await,
        Which::Remove => manage::remove(asked, arguments).await,
        Which::Refresh => manage::refresh(asked, arguments).await,
        // It is no tool of the gateway's own that answers.
        Which::CallTool => Err("it cannot be called here".into()),
    }
}

fn order(
    asked: &OwnRequest<'_>,
    arguments: &Arguments<'_>,
    session: Option<&str>,
) -> Result<ToolOrder, String> {
    let server = arguments.text("server").unwrap_or_default().trim_matches('/').to_owned();
    let tool = arguments.text("tool").unwrap_or_default().to_owned();
    if server == MCPGW {
        return Err(format!("call the tools of {MCPGW} directly"));
    }
    // A caller without rights on a server gets the policy's refusal, whether the server exists or not.
    let is_there = asked.moment.state.upstreams.contains_key(&server);
    if !is_there && asked.caller.grants.reaches(&server) {
        return Err("there is no server of this name here; find one with list_services".into());
    }
    Ok(ToolOrder { server, tool, session: session.map(str::to_owned) })
}

/// A result as `tools/call` has it: the object, and the same as text for clients that read no other.
pub(super) fn content(given: ToolResult) -> Map<String, Value> {
    let (text, object) = match given {
        Ok(object) => (Value::Object(object.clone()).to_string(), Some(object)),
        Err(why) => (why, None),
    };
    let mut result = Map::from_iter([("content".to_owned(), json!([{"type": "text", "text": text}]))]);
    match object {
        Some(object) => result.insert("structuredContent".into(), Value::Object(object)),
        None => result.insert("isError".into(), true.into()),
    };
    result
}

impl OwnRequest<'_> {
    /// Whether a tool is there at all.
    fn offers(&self, tool: &OwnTool) -> bool {
        tool.which != Which::CallTool || self.shared.settings.mcpgw.call_tool
    }
}
