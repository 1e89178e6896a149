//! MCP on the wire, as data: versions, header names, methods, JSON-RPC messages, event streams, and the headers that
//! mirror a message. The gateway, the bridge, the clients and the login all use this folder, so a new revision of MCP
//! is an edit here. It knows no network, no file and no clock. Not here: the order of messages (see `session`).

mod head;
pub mod jsonrpc;
pub mod methods;
pub mod mirror;
pub mod sse;

pub use self::head::{Head, is_same};
use hyper::header::HeaderName;
use serde_json::{Map, Value, json};

/// The first protocol version in which every request carries its version and repeats itself in headers, and there are
/// no sessions.
pub const MODERN: &str = "2026-07-28";
/// The versions before it, which begin with a handshake, newest first.
pub const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// The server's session id (2025-11-25, "Session Management").
pub const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// The negotiated version, or the one the message is written in (2025-11-25, "Protocol Version Header").
pub const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The event after which a stream is resumed (2025-11-25, "Resumability and Redelivery").
pub const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
/// The message's method (2026-07-28, "Request headers").
pub const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// What the message names (2026-07-28, "Request headers").
pub const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The media type of a message.
pub const JSON: &str = "application/json";
/// What a client that sends a message accepts in return ("Sending Messages to the Server").
pub const ACCEPTED: &str = "application/json, text/event-stream";

/// Whether messages of this version are self-contained, from 2026-07-28 on. Versions are dates, and anything that is
/// not a date sorts after them: it gets the stricter rules.
pub fn is_modern(version: &str) -> bool {
    version >= MODERN
}

/// Our name and version, for servers.
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

/// Adds the client's name and capabilities to a request's `_meta`, as each 2026-07-28 request needs.
pub fn add_client_meta(params: &mut Map<String, Value>) {
    let meta = params.entry("_meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert("io.modelcontextprotocol/protocolVersion".into(), MODERN.into());
        meta.insert("io.modelcontextprotocol/clientCapabilities".into(), json!({}));
        meta.insert("io.modelcontextprotocol/clientInfo".into(), client_info());
    }
}
