//! The tools of the gateway's own server, a row each: their descriptions, arguments and results. Not
//! here: what they do (see `tools` and its siblings).

use serde_json::{Value, json};

use super::arguments::{Argument, ArgumentKind, schema};
use crate::gateway::servers::CALL_TOOL;

/// A tool.
pub(super) struct OwnTool {
    pub(super) which: Which,
    pub(super) name: &'static str,
    title: &'static str,
    about: &'static str,
    pub(super) arguments: &'static [Argument],
    effect: Effect,
    /// The schema of its result.
    output: fn() -> Value,
}

/// Which tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    DebugAuthContext,
    ToolFinder,
    ListServices,
    Healthcheck,
    ServerDetails,
    Toggle,
    Register,
    Remove,
    Refresh,
    CallTool,
}

/// Its effects, as told to clients (`annotations`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    Writes,
    Destroys,
    /// Those of another server's tool.
    Anything,
}

const PATH: Argument =
    argument("service_path", ArgumentKind::Text, "The server's path, as in /currenttime", true);

/// All of them.
pub(super) const TOOLS: [OwnTool; 10] = [
    OwnTool {
        which: Which::DebugAuthContext,
        name: "debug_auth_context",
        title: "Who am I here",
        about: "Reports who you are to this gateway and why: issuer, subject, groups and scopes known and unknown to its policy, what each \
                gives, and which header names arrived. Shows no token and no header's value.",
        arguments: &[],
        effect: Effect::Reads,
        output: || object(&["subject", "issuer", "groups", "scopes"]),
    },
    OwnTool {
        which: Which::ToolFinder,
        name: "intelligent_tool_finder",
        title: "Find a tool",
        about: "Finds the tools behind this gateway that you may use, by what you want to do. Put it as verb, object and product, in \
                English: \"create Jira issue\". Each result says how well it fits (score, 0 to 1), which words matched and how to call it.",
        arguments: &[
            argument("natural_language_query", ArgumentKind::Text, "What you want to do", false),
            argument("query", ArgumentKind::Text, "The same, under its newer name", false),
            argument(
                "tags",
                ArgumentKind::Texts,
                "Only tools of servers that have all of these tags; alone, all of them",
                false,
            ),
            argument(
                "top_n_tools",
                ArgumentKind::Number(1, 50),
                "Maximum number of tools; 1 if absent",
                false,
            ),
            argument("top_n", ArgumentKind::Number(1, 50), "The same, under its newer name", false),
            argument(
                "top_k_services",
                ArgumentKind::Number(1, 1000),
                "No effect: all servers are searched",
                false,
            ),
        ],
        effect: Effect::Reads,
        output: || {
            json!({
                "type": "object",
                "properties": {
                    "query": {"type": "string"},
                    "results": {"type": "array", "items": object(&["tool_name", "service_path", "may_call"])},
                    "total_results": {"type": "integer"},
                    "ranking": {"type": "string"},
                    "notes": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["results", "total_results", "ranking"],
            })
        },
    },
    OwnTool {
        which: Which::ListServices,
        name: "list_services",
        title: "List the servers",
        about: "Lists the MCP servers behind this gateway that you may see, with their state and how many of their tools you may call.",
        arguments: &[],
        effect: Effect::Reads,
        output: || {
            json!({
                "type": "object",
                "properties": {
                    "services": {"type": "array", "items": object(&["display_name", "path", "is_enabled", "status"])},
                    "total_count": {"type": "integer"},
                },
                "required": ["services", "total_count"],
            })
        },
    },
    OwnTool {
        which: Which::Healthcheck,
        name: "healthcheck",
        title: "State of the servers",
        about: "Reports, by path, whether each server that you may see answered its last health check.",
        arguments: &[],
        effect: Effect::Reads,
        output: || json!({"type": "object", "additionalProperties": object(&["status", "num_tools"])}),
    },
    OwnTool {
        which: Which::ServerDetails,
        name: "get_server_details",
        title: "One server",
        about: "Describes one server that you may see: what it is for, how it is spoken to, and its tools that you may see.",
        arguments: &[PATH],
        effect: Effect::Reads,
        output: || object(&["server_name", "path", "is_enabled", "tool_list"]),
    },
    OwnTool {
        which: Which::Toggle,
        name: "toggle_service",
        title: "Switch a server on or off",
        about: "Switches a server on or off for everybody. Needs toggle_service in the policy's UI-Scopes.",
        arguments: &[PATH, argument("enabled", ArgumentKind::Bool, "On or off; toggles if absent", false)],
        effect: Effect::Writes,
        output: || object(&["service_path", "new_enabled_state"]),
    },
    OwnTool {
        which: Which::Register,
        name: "register_service",
        title: "Add a server",
        about: "Adds a server to the registry, disabled. Only callers whom the policy allows can use it. Needs register_service in the \
                policy's UI-Scopes.",
        arguments: &[
            argument("server_name", ArgumentKind::Text, "What people call it", true),
            argument("path", ArgumentKind::Text, "Its path at this gateway, as in /currenttime", true),
            argument(
                "proxy_pass_url",
                ArgumentKind::Text,
                "Where it is, as in http://currenttime-server:8000/",
                true,
            ),
            argument("description", ArgumentKind::Text, "What it is for", false),
            argument("tags", ArgumentKind::Texts, "Its tags", false),
            argument("num_tools", ArgumentKind::Number(0, 1_000_000), "How many tools it has", false),
            argument("num_stars", ArgumentKind::Number(0, 1_000_000_000), "Its stars", false),
            argument("is_python", ArgumentKind::Bool, "Whether it is written in Python", false),
            argument("license", ArgumentKind::Text, "Its license", false),
            argument("auth_provider", ArgumentKind::Text, "The provider of its credentials", false),
            argument("auth_type", ArgumentKind::Text, "none, oauth or api_key", false),
            argument("supported_transports", ArgumentKind::Texts, "streamable-http, sse", false),
            argument(
                "headers",
                ArgumentKind::Objects,
                "Headers that every request to it gets; without variables",
                false,
            ),
            argument("tool_list", ArgumentKind::Objects, "Its tools: name, description, inputSchema", false),
        ],
        effect: Effect::Writes,
        output: || object(&["service_path", "is_enabled"]),
    },
    OwnTool {
        which: Which::Remove,
        name: "remove_service",
        title: "Remove a server",
        about: "Removes a server's file from the registry. Needs modify_service in the policy's UI-Scopes.",
        arguments: &[PATH],
        effect: Effect::Destroys,
        output: || object(&["service_path"]),
    },
    OwnTool {
        which: Which::Refresh,
        name: "refresh_service",
        title: "Check a server now",
        about: "Checks now whether a server answers. Needs health_check_service in the policy's UI-Scopes.",
        arguments: &[PATH],
        effect: Effect::Writes,
        output: || object(&["service_path", "status", "num_tools"]),
    },
    OwnTool {
        which: Which::CallTool,
        name: CALL_TOOL,
        title: "Call another server's tool",
        about: "Calls a tool that intelligent_tool_finder found: server and tool as in its result, arguments as in its tool_schema. The \
                result is that tool's own. You may call through it what you may call directly.",
        arguments: &[
            argument("server", ArgumentKind::Text, "The server, as in currenttime", true),
            argument("tool", ArgumentKind::Text, "The tool's name", true),
            argument("arguments", ArgumentKind::Object, "The tool's own arguments", false),
        ],
        effect: Effect::Anything,
        // The result is another tool's.
        output: || Value::Null,
    },
];

const fn argument(name: &'static str, kind: ArgumentKind, about: &'static str, required: bool) -> Argument {
    Argument { name, kind, about, required }
}

/// An object that has at least these members.
fn object(members: &[&str]) -> Value {
    json!({"type": "object", "required": members})
}

/// The tool with this name.
pub(super) fn find(name: &str) -> Option<&'static OwnTool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

impl OwnTool {
    /// As in `tools/list`.
    pub(super) fn described(&self) -> Value {
        let reads = self.effect == Effect::Reads;
        let mut tool = json!({
            "name": self.name,
            "title": self.title,
            "description": self.about,
            "inputSchema": schema(self.arguments),
            "annotations": {
                "title": self.title,
                "readOnlyHint": reads,
                "destructiveHint": matches!(self.effect, Effect::Destroys | Effect::Anything),
                "idempotentHint": reads,
                "openWorldHint": self.effect == Effect::Anything,
            },
        });
        let output = (self.output)();
        if let Some(object) = tool.as_object_mut().filter(|_| output.is_object()) {
            object.insert("outputSchema".into(), output);
        }
        tool
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_described_whole() {
        for (at, tool) in TOOLS.iter().enumerate() {
            let described = tool.described();
            assert_eq!(described["inputSchema"]["type"], "object", "{}", tool.name);
            assert!(tool.about.len() > 40 && !described["annotations"]["readOnlyHint"].is_null());
            assert_eq!(
                described["outputSchema"]["type"] == "object",
                tool.which != Which::CallTool,
                "{}",
                tool.name
            );
            assert_eq!(tool.which as usize, at);
            assert!(TOOLS.iter().filter(|other| other.name == tool.name).count() == 1);
        }
    }
}
