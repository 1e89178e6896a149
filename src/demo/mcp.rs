//! Sample MCP servers for `mcpauth demo` and the tests: a few tools each, both protocol eras, and a record of every
//! request that reached them, to prove that a request never arrived. They check no credentials.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::server::{self, ServerThread};
use crate::mcp::jsonrpc::{INVALID_PARAMS, METHOD_NOT_FOUND};
use crate::mcp::{LEGACY, MODERN};

/// A tool.
#[derive(Clone, Copy, Debug)]
pub struct SampleTool {
    /// Its name.
    pub name: &'static str,
    /// Its description, in one sentence.
    pub about: &'static str,
    /// Its answer for given arguments.
    pub run: fn(&Value) -> String,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    /// The method and target, `POST /mcp`.
    pub target: String,
    /// The headers, one per line, names in lower case.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A running server; it stops when this is dropped.
pub struct Sample {
    shared: Arc<SampleState>,
    _thread: ServerThread,
}

struct SampleState {
    base: String,
    name: &'static str,
    tools: Vec<SampleTool>,
    arrived: Mutex<Vec<ReceivedRequest>>,
}

impl Sample {
    /// Serves `tools` on a free port of 127.0.0.1, on its own thread.
    pub fn start(name: &'static str, tools: &[SampleTool]) -> io::Result<Self> {
        let (listener, base) = server::bind()?;
        let shared = Arc::new(SampleState { base, name, tools: tools.to_vec(), arrived: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        Ok(Self { shared, _thread: ServerThread::start(name, listener, router)? })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn base(&self) -> &str {
        &self.shared.base
    }

    /// Every request that arrived so far, in order.
    pub fn arrived(&self) -> Vec<ReceivedRequest> {
        self.shared.arrived().clone()
    }
}

impl SampleState {
    fn arrived(&self) -> MutexGuard<'_, Vec<ReceivedRequest>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn result(&self, method: &str, params: &Value) -> Result<Value, (i64, String)> {
        let server = json!({"name": self.name, "version": env!("CARGO_PKG_VERSION")});
        let versions = [&[MODERN][..], &LEGACY].concat();
        match method {
            "initialize" => {
                let asked = params.get("protocolVersion").and_then(Value::as_str);
                let [newest, ..] = LEGACY;
                let version = LEGACY.into_iter().find(|version| Some(*version) == asked).unwrap_or(newest);
                Ok(json!({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}))
            }
            "server/discover" => Ok(json!({
                "resultType": "complete", "supportedVersions": versions, "capabilities": {"tools": {}},
                "serverInfo": server, "ttlMs": 0, "cacheScope": "public",
            })),
            "ping" => Ok(json!({})),
            "tools/list" => {
                let tools: Vec<Value> = self.tools.iter().map(SampleTool::described).collect();
                Ok(json!({"resultType": "complete", "tools": tools, "ttlMs": 60_000, "cacheScope": "public"}))
            }
            "tools/call" => {
                let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
                let tool = self.tools.iter().find(|tool| tool.name == name);
                let tool = tool.ok_or_else(|| (INVALID_PARAMS, format!("Unknown tool: {name}")))?;
                let text = (tool.run)(params.get("arguments").unwrap_or(&Value::Null));
                Ok(json!({"resultType": "complete", "content": [{"type": "text", "text": text}]}))
            }
            _ => Err((METHOD_NOT_FOUND, "Method not found".into())),
        }
    }
}

impl SampleTool {
    fn described(&self) -> Value {
        json!({"name": self.name, "description": self.about, "inputSchema": {"type": "object"}})
    }
}

async fn answer(
    State(shared): State<Arc<SampleState>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    let arrived =
        ReceivedRequest { target: format!("{method} {uri}"), headers: lines.collect(), body: body.to_vec() };
    shared.arrived().push(arrived);
    if method != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(id) = message.get("id").filter(|_| message.get("method").is_some()) else {
        return StatusCode::ACCEPTED.into_response();
    };
    let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
    let reply = match shared.result(method, message.get("params").unwrap_or(&Value::Null)) {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err((code, text)) => json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": text}}),
    };
    ([(CONTENT_TYPE, "application/json")], reply.to_string()).into_response()
}
