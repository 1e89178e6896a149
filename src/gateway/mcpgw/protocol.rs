//! JSON-RPC of the gateway's own server, in both protocol eras. Not here: what the responses contain (see its
//! siblings).

use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::gateway::authn::object::members;
use crate::gateway::body::Body;
use crate::gateway::servers::{MCPGW, MCPGW_TITLE};
use crate::gateway::wire::envelope::Envelope;
use crate::mcp::jsonrpc::{INVALID_PARAMS, UNSUPPORTED_VERSION};
use crate::mcp::{LEGACY, MODERN, VERSION, is_modern};

/// Where a result says whose it is (2026-07-28).
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// Which program answers, in either era.
pub(super) fn server_info() -> Value {
    json!({"name": MCPGW, "title": MCPGW_TITLE, "version": env!("CARGO_PKG_VERSION")})
}

/// The protocol era of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProtocolEra {
    /// 2026-07-28: every request is self-contained.
    Modern,
    /// Until 2025-11-25.
    Legacy,
}

/// A request without a version, or with an unsupported one.
pub(super) struct BadRequest {
    code: i64,
    message: &'static str,
    data: Option<Value>,
}

/// The response to one request.
pub(super) struct RpcReply<'a> {
    /// As in the request.
    id: &'a str,
    pub(super) era: ProtocolEra,
}

impl ProtocolEra {
    /// By its header and its `_meta`, which agree if both are present.
    pub(super) fn of(
        headers: &HeaderMap,
        envelope: &Envelope<'_>,
        params: &Map<String, Value>,
    ) -> Result<Self, BadRequest> {
        let header = headers.get(VERSION).map(|value| value.to_str().unwrap_or_default().trim());
        let said = envelope.protocol_version.as_deref();
        if said.is_none() && !header.is_some_and(is_modern) {
            let known = header.is_none_or(|header| LEGACY.contains(&header));
            return if known {
                Ok(Self::Legacy)
            } else {
                Err(BadRequest::version(header.unwrap_or_default()))
            };
        }
        let lacks = |message| BadRequest { code: INVALID_PARAMS, message, data: None };
        let said = said.ok_or_else(|| lacks("_meta lacks io.modelcontextprotocol/protocolVersion"))?;
        if said != MODERN {
            return Err(BadRequest::version(said));
        }
        let capabilities =
            params.get("_meta").and_then(|meta| meta.get("io.modelcontextprotocol/clientCapabilities"));
        // A notification gets no response, so there is nothing to negotiate.
        if envelope.is_request() && !capabilities.is_some_and(Value::is_object) {
            return Err(lacks("_meta lacks io.modelcontextprotocol/clientCapabilities"));
        }
        Ok(Self::Modern)
    }
}

impl BadRequest {
    fn version(requested: &str) -> Self {
        let supported = [&[MODERN][..], &LEGACY].concat();
        let data = json!({"supported": supported, "requested": requested});
        Self { code: UNSUPPORTED_VERSION, message: "Unsupported protocol version", data: Some(data) }
    }
}

impl<'a> RpcReply<'a> {
    pub(super) fn to(envelope: &Envelope<'a>, era: ProtocolEra) -> Self {
        Self { id: envelope.id.unwrap_or("null"), era }
    }

    pub(super) fn result(&self, mut result: Map<String, Value>) -> Response<Body> {
        if self.era == ProtocolEra::Modern {
            result.insert("resultType".into(), "complete".into());
            result.insert("_meta".into(), json!({SERVER_INFO: server_info()}));
        }
        self.message(StatusCode::OK, "result", &Value::Object(result))
    }

    /// The same for what clients may cache: not for long, because rights change at any time.
    pub(super) fn cached(&self, mut result: Map<String, Value>, scope: &str) -> Response<Body> {
        if self.era == ProtocolEra::Modern {
            result.extend([("ttlMs".to_owned(), json!(0)), ("cacheScope".to_owned(), json!(scope))]);
        }
        self.result(result)
    }

    pub(super) fn error(
        &self,
        status: StatusCode,
        code: i64,
        message: &str,
        data: Option<&Value>,
    ) -> Response<Body> {
        let mut error = members(json!({"code": code, "message": message}));
        error.extend(data.map(|data| ("data".to_owned(), data.clone())));
        self.message(status, "error", &error.into())
    }

    pub(super) fn refused(&self, bad: &BadRequest) -> Response<Body> {
        self.error(StatusCode::BAD_REQUEST, bad.code, bad.message, bad.data.as_ref())
    }

    fn message(&self, status: StatusCode, member: &str, value: &Value) -> Response<Body> {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{},"{member}":{value}}}"#, self.id);
        Body::json(status, text)
    }
}
