//! What a person gets for themselves: keys, secrets of local servers, and the store that is there from every folder.
#![cfg(test)]

mod keys;
mod local;
mod sets;
mod stores;

use serde_json::{Value, json};

use crate::support::upstream::{Seen, Upstream, say};

pub(crate) const KEY: &str = "sk-live-0123456789abcdef";

/// An MCP server (until 2025-11-25) that wants `KEY` in `header`, as `format` has it.
pub(crate) fn server(header: &'static str, format: &'static str) -> Upstream {
    Upstream::start(move |seen, stream| {
        let (head, body) = answer(seen, header, format);
        say(stream, head, body.to_string().as_bytes());
    })
}

fn answer(seen: &Seen, header: &str, format: &str) -> (&'static str, Value) {
    const JSON: &str = "200 OK\r\ncontent-type: application/json";
    if seen.header(header) != Some(&format.replace("{}", KEY)) {
        return ("401 Unauthorized\r\ncontent-type: application/json", Value::Null);
    }
    let message = seen.message();
    let id = message["id"].clone();
    let result = |value: Value| (JSON, json!({"jsonrpc": "2.0", "id": id, "result": value}));
    match message["method"].as_str().unwrap_or_default() {
        "initialize" => result(json!({
            "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "keyed", "version": "1"},
        })),
        "tools/list" => result(json!({"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]})),
        "ping" => result(json!({})),
        method if method.starts_with("notifications/") => ("202 Accepted", Value::Null),
        _ => (
            "404 Not Found\r\ncontent-type: application/json",
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no such method"}}),
        ),
    }
}
