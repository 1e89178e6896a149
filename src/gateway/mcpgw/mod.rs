//! The gateway's own MCP server, `mcpgw`: shows who the caller is, finds tools, shows and manages the registry's
//! servers. Requests to it take the same path as to any server behind the gateway, so that the policy, the limits
//! and the audit are the same. It answers from what the gateway already knows, and never acts with more rights
//! than the caller's. Not here: calling another server's tool (see `worker`).

mod arguments;
mod auth_context;
mod finder;
mod manage;
mod protocol;
mod request;
mod services;
mod table;
mod tools;

use hyper::header::{ALLOW, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value, json};

pub(super) use self::finder::{LONGEST_QUERY, ToolMatch, find_tools};
use self::protocol::{ProtocolEra, RpcReply, server_info};
pub(super) use self::request::OwnRequest;
pub(super) use self::tools::{Outcome, ToolOrder, own_tools};
use super::authn::object::members;
use super::body::Body;
use super::own_sessions::OwnSessions;
use super::refusal::Rejection;
use super::relays::SessionOwner;
use super::request_body::ParsedRequest;
use super::servers::MCPGW;
use super::session::SealPurpose;
use super::wire::envelope::Envelope;
use crate::mcp::jsonrpc::{INVALID_PARAMS, METHOD_NOT_FOUND};
use crate::mcp::{LEGACY, MODERN, SESSION, jsonrpc};

/// The gateway's own response, or the other server's tool to call instead.
///
/// # Errors
/// 404 for a session of another caller, or one that is over.
pub(super) async fn answer(asked: &OwnRequest<'_>) -> Result<Outcome, Rejection> {
    match asked.wish {
        // It sends no messages of its own (2025-11-25, "Listening for Messages from the Server").
        ParsedRequest::Stream => Ok(Outcome::Response(not_allowed())),
        ParsedRequest::EndSession => {
            let session = asked.session()?.ok_or(Rejection::Session)?;
            asked.shared.relays.end(&SessionOwner::new(&asked.caller.principal, &session));
            asked.shared.own_sessions.end(session);
            Ok(Outcome::Response(Body::response(StatusCode::OK, "")))
        }
        ParsedRequest::Message(envelope) => message(asked, envelope).await,
    }
}

async fn message(asked: &OwnRequest<'_>, envelope: &Envelope<'_>) -> Result<Outcome, Rejection> {
    let text = std::str::from_utf8(asked.body).unwrap_or_default();
    let Ok(value) = jsonrpc::parse(text) else {
        let reply = RpcReply::to(envelope, ProtocolEra::Legacy);
        return Ok(Outcome::Response(reply.error(
            StatusCode::OK,
            INVALID_PARAMS,
            "more than is read at once",
            None,
        )));
    };
    let none = Map::new();
    let params = value.get("params").and_then(Value::as_object).unwrap_or(&none);
    let era = match ProtocolEra::of(asked.headers, envelope, params) {
        Ok(era) => era,
        Err(refused) => {
            return Ok(Outcome::Response(RpcReply::to(envelope, ProtocolEra::Modern).refused(&refused)));
        }
    };
    let session = if era == ProtocolEra::Legacy { asked.session()? } else { None };
    if !envelope.is_request() {
        if let (Some(session), Some(id)) = (&session, cancelled(envelope, params)) {
            asked.shared.relays.cancel(&SessionOwner::new(&asked.caller.principal, session), &id);
        }
        return Ok(Outcome::Response(Body::response(StatusCode::ACCEPTED, "")));
    }
    let reply = RpcReply::to(envelope, era);
    let method = envelope.method.as_deref().unwrap_or_default();
    let response = match (method, era) {
        ("initialize", ProtocolEra::Legacy) => asked.begin(&reply, params)?,
        ("ping", ProtocolEra::Legacy) => reply.result(Map::new()),
        ("server/discover", ProtocolEra::Modern) => reply.cached(discovered(), "public"),
        ("tools/list", _) if params.get("cursor").is_some_and(|cursor| !cursor.is_null()) => {
            reply.error(StatusCode::OK, INVALID_PARAMS, "there are no further pages", None)
        }
        ("tools/list", _) => {
            let tools = tools::listed(asked);
            reply.cached(Map::from_iter([("tools".to_owned(), Value::Array(tools))]), "private")
        }
        ("tools/call", _) => return tools::call(asked, &reply, params, session.as_deref()).await,
        _ => {
            let status = if era == ProtocolEra::Modern { StatusCode::NOT_FOUND } else { StatusCode::OK };
            reply.error(status, METHOD_NOT_FOUND, "Method not found", None)
        }
    };
    Ok(Outcome::Response(response))
}

/// The result of a call that cannot be made.
pub(super) fn refuse(envelope: &Envelope<'_>, why: &str) -> Response<Body> {
    let era = if envelope.protocol_version.is_some() { ProtocolEra::Modern } else { ProtocolEra::Legacy };
    RpcReply::to(envelope, era).result(tools::content(Err(why.to_owned())))
}

impl OwnRequest<'_> {
    /// The handshake until 2025-11-25.
    fn begin(&self, reply: &RpcReply<'_>, params: &Map<String, Value>) -> Result<Response<Body>, Rejection> {
        let asked = params.get("protocolVersion").and_then(Value::as_str);
        let [newest, ..] = LEGACY;
        let version = LEGACY.into_iter().find(|version| Some(*version) == asked).unwrap_or(newest);
        let mut result = about();
        result.insert("protocolVersion".into(), version.into());
        let mut response = reply.result(result);
        let sealed = OwnSessions::name().and_then(|name| {
            let (key, caller) = (&self.shared.session_key, &self.caller.principal);
            HeaderValue::try_from(key.seal(SealPurpose::Session, &name, caller, MCPGW)?).ok()
        });
        response
            .headers_mut()
            .insert(SESSION, sealed.ok_or(Rejection::LongSession(self.shared.session_key.longest))?);
        Ok(response)
    }
}

/// The description of the server, the same in both eras.
fn about() -> Map<String, Value> {
    members(json!({
        "capabilities": {"tools": {}},
        "serverInfo": server_info(),
        "instructions": "Finds the tools behind this gateway that you may use: call intelligent_tool_finder with what you want to do, \
                         as verb, object and product, in English.",
    }))
}

fn discovered() -> Map<String, Value> {
    let mut result = about();
    result.insert("supportedVersions".into(), [&[MODERN][..], &LEGACY].concat().into());
    result
}

/// The request that a notification cancels, by its id as JSON.
fn cancelled(envelope: &Envelope<'_>, params: &Map<String, Value>) -> Option<String> {
    let cancels = envelope.method.as_deref() == Some("notifications/cancelled");
    params.get("requestId").filter(|_| cancels).map(Value::to_string)
}

fn not_allowed() -> Response<Body> {
    let mut response = Body::response(StatusCode::METHOD_NOT_ALLOWED, "");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, DELETE"));
    response
}
