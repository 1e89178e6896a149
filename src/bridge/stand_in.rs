//! What the bridge answers in a server's place while nobody is logged in to it: a client that can ask a person gets a
//! session before the server does, because nothing may be asked before the handshake is over (MCP 2025-11-25,
//! "Lifecycle"). Not here: asking (see `client`).

use serde_json::{Value, json};

use crate::mcp::jsonrpc::Message;
use crate::mcp::{LEGACY, client_info};

/// The lists of a server, each with the capability that it belongs to and its member.
const LISTS: [(&str, &str, &str); 4] = [
    ("tools/list", "tools", "tools"),
    ("prompts/list", "prompts", "prompts"),
    ("resources/list", "resources", "resources"),
    ("resources/templates/list", "resources", "resourceTemplates"),
];
/// The capabilities that may turn out to be there.
const CAPABILITIES: [&str; 3] = ["tools", "prompts", "resources"];

/// Whether the sender of this `initialize`, or of this request from 2026-07-28 on, opens addresses for a person.
pub(super) fn opens_addresses(message: &Message) -> bool {
    let place = if message.is_modern() {
        "/params/_meta/io.modelcontextprotocol~1clientCapabilities/elicitation/url"
    } else {
        "/params/capabilities/elicitation/url"
    };
    message.value.pointer(place).is_some_and(Value::is_object)
}

/// The answer to `initialize`: the version that was asked for if there is one, and everything a server may have.
pub(super) fn initialized(message: &Message, id: &Value) -> String {
    let [newest, ..] = LEGACY;
    let asked = message.value.pointer("/params/protocolVersion").and_then(Value::as_str);
    let version = asked.filter(|asked| LEGACY.contains(asked)).unwrap_or(newest);
    let changes = json!({"listChanged": true});
    let capabilities: serde_json::Map<String, Value> =
        CAPABILITIES.iter().map(|name| ((*name).to_owned(), changes.clone())).collect();
    let result = json!({
        "protocolVersion": version,
        "capabilities": capabilities,
        "serverInfo": client_info(),
        "instructions": "The first request asks you to log in to the server.",
    });
    json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
}

/// The answer to a `ping`, which is about the connection to us.
pub(super) fn pong(id: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "result": {}}).to_string()
}

/// The empty answer to a list that a server with these capabilities does not have.
pub(super) fn empty_list(message: &Message, id: &Value, capabilities: &Value) -> Option<String> {
    let (_, _, member) = LISTS.iter().find(|(method, capability, _)| {
        message.method() == Some(method) && capabilities.get(capability).is_none_or(Value::is_null)
    })?;
    Some(json!({"jsonrpc": "2.0", "id": id, "result": {*member: []}}).to_string())
}

/// What the client is told once the server's own lists are there.
pub(super) fn changes() -> impl Iterator<Item = String> {
    CAPABILITIES.iter().map(|name| {
        json!({"jsonrpc": "2.0", "method": format!("notifications/{name}/list_changed")}).to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(value: Value) -> Message {
        Message::from(value)
    }

    #[test]
    fn only_a_client_that_says_so_opens_addresses() {
        let legacy = |capabilities: Value| {
            let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities});
            message(json!({"id": 1, "method": "initialize", "params": params}))
        };
        let modern = |capabilities: Value| {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": capabilities,
            });
            message(json!({"id": 1, "method": "tools/call", "params": {"name": "x", "_meta": meta}}))
        };
        for (capabilities, expected) in [
            (json!({"elicitation": {"url": {}}}), true),
            (json!({"elicitation": {"form": {}, "url": {}}}), true),
            (json!({"elicitation": {}}), false),
            (json!({"elicitation": {"form": {}}}), false),
            (json!({"elicitation": {"url": null}}), false),
            (json!({"elicitation": {"url": true}}), false),
            (json!({"url": {}}), false),
            (json!({}), false),
        ] {
            assert_eq!(opens_addresses(&legacy(capabilities.clone())), expected, "{capabilities}");
            assert_eq!(opens_addresses(&modern(capabilities.clone())), expected, "{capabilities}");
        }
    }

    #[test]
    fn a_list_is_empty_only_where_the_server_has_none() {
        let list = |method: &str| message(json!({"id": 1, "method": method}));
        let has = json!({"tools": {}, "prompts": null});
        let empty = |method| empty_list(&list(method), &json!(1), &has);
        assert_eq!(empty("tools/list"), None);
        assert_eq!(empty("tools/call"), None);
        for (method, member) in [
            ("prompts/list", "prompts"),
            ("resources/list", "resources"),
            ("resources/templates/list", "resourceTemplates"),
        ] {
            let text = empty(method).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["result"], json!({member: []}));
        }
    }
}
