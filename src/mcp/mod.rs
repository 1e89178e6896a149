//! MCP on the wire, as data: versions, header names, methods, JSON-RPC messages, event streams, and the headers that mirror
//! a message. The gateway, the bridge, the clients and the login all read and write by this folder, so that a new revision
//! of MCP is an edit here. It knows no network, no file and no clock, and leaves what is said when to `session`.

mod head;
pub mod jsonrpc;
pub mod methods;
pub mod mirror;
pub mod sse;

pub use self::head::{Head, is_same};
use hyper::header::HeaderName;
use serde_json::{Map, Value, json};

/// The first protocol version in which every request says its version itself and repeats itself in headers, and there are
/// no sessions.
pub const MODERN: &str = "2026-07-28";
/// The versions before it, which begin with a handshake, newest first.
pub const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// What the server calls a session (2025-11-25, "Session Management").
pub const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// The version that was agreed on, or that the message is written in (the same, "Protocol Version Header").
pub const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The event after which a stream is resumed (the same, "Resumability and Redelivery").
pub const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
/// The message's method (2026-07-28, "Request headers").
pub const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// What the message names (the same).
pub const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The media type of a message.
pub const JSON: &str = "application/json";
/// What a client that sends a message accepts in return ("Sending Messages to the Server").
pub const ACCEPTED: &str = "application/json, text/event-stream";

/// Whether a message of this version stands for itself, from 2026-07-28 on. Versions are dates, and what is no date sorts
/// after them: it gets the stricter rules.
pub fn is_modern(version: &str) -> bool {
    version >= MODERN
}

/// Who we are, as servers are told.
pub fn client_info() -> Value {
    json!({"name": "mcpauth", "version": env!("CARGO_PKG_VERSION")})
}

/// The parameters of our `initialize`, in the newest version that has one.
pub fn initialize_params() -> Map<String, Value> {
    let [newest, ..] = LEGACY;
    Map::from_iter([
        ("protocolVersion".to_owned(), json!(newest)),
        ("capabilities".to_owned(), json!({})),
        ("clientInfo".to_owned(), client_info()),
    ])
}

/// Says in a request's `_meta` who asks and what the client can do, as each request of 2026-07-28 does.
pub fn add_client_meta(params: &mut Map<String, Value>) {
    let meta = params.entry("_meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert("io.modelcontextprotocol/protocolVersion".into(), MODERN.into());
        meta.insert("io.modelcontextprotocol/clientCapabilities".into(), json!({}));
        meta.insert("io.modelcontextprotocol/clientInfo".into(), client_info());
    }
}
