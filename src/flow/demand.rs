//! What an MCP server demands of whoever comes without a token: its challenge. It leaves what follows from that to
//! `by_address`.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use url::Url;

use crate::flow::FlowError;
use crate::oauth::{Challenge, ReplyError};
use crate::sys::http::{Http, HttpError, Incoming};

/// How long the server may take to ask for a token.
const PATIENCE: Duration = Duration::from_secs(30);
/// The revision whose requests stand for themselves.
const MODERN: &str = "2026-07-28";

/// The status that a server answers with to a request without a token, and what it demands.
///
/// Many servers let everybody begin, and ask for a token only when something is wanted of them: so the list of tools is
/// asked for first, as the newest revision does it, and the handshake of the older ones only if that brings no challenge.
///
/// # Errors
/// As [`FlowError`] says.
pub(super) async fn demand(http: &Http, server: &Url) -> Result<(u16, Challenge), FlowError> {
    match ask(http, server, list_headers(), list_of_tools()).await {
        Ok(answer) if answer.status == 401 => return Ok((401, challenge(&answer))),
        Err(error) if error.unsent() => return Err(error.into()),
        _ => {}
    }
    let answer = ask(http, server, both_kinds(), handshake()).await?;
    unavailable(server, answer.status)?;
    Ok((answer.status, challenge(&answer)))
}

async fn ask(http: &Http, server: &Url, headers: HeaderMap, message: Value) -> Result<Incoming, HttpError> {
    let asked = http.open(Method::POST, server, headers, Some(message.to_string().into()));
    let host = || server.host_str().unwrap_or_default().to_owned();
    let late = |_| HttpError::Lost { host: host(), cause: "the deadline passed".into() };
    tokio::time::timeout(PATIENCE, asked).await.map_err(late)?
}

fn challenge(answer: &Incoming) -> Challenge {
    let values = answer.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    Challenge::read(values).unwrap_or_default()
}

fn handshake() -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": about_us()},
    })
}

fn list_of_tools() -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/list",
        "params": {"_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": about_us(),
        }},
    })
}

fn about_us() -> Value {
    json!({"name": "mcpauth", "version": env!("CARGO_PKG_VERSION")})
}

fn list_headers() -> HeaderMap {
    let mut headers = both_kinds();
    headers.insert("mcp-protocol-version", HeaderValue::from_static(MODERN));
    headers.insert("mcp-method", HeaderValue::from_static("tools/list"));
    headers
}

fn both_kinds() -> HeaderMap {
    json_headers("application/json, text/event-stream")
}

/// A JSON body, and an answer of these types.
pub(super) fn json_headers(accept: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

/// Refuses an answer of a server that cannot answer now.
///
/// # Errors
/// [`FlowError::Reply`].
pub(super) fn unavailable(url: &Url, status: u16) -> Result<(), FlowError> {
    if status == 429 || status >= 500 {
        let host = url.host_str().unwrap_or_default().into();
        return Err(FlowError::Reply { host, reply: ReplyError::Unavailable { status } });
    }
    Ok(())
}
