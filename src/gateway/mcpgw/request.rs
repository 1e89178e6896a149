//! A request to the gateway's own server, with everything that its tools read. Not here: the tools (see its
//! siblings).

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderMap;
use serde_json::{Map, Value};

use crate::gateway::callers::{Caller, TokenHeader};
use crate::gateway::observe::audit_buffer::AuditBuffer;
use crate::gateway::refusal::Rejection;
use crate::gateway::request_body::ParsedRequest;
use crate::gateway::servers::MCPGW;
use crate::gateway::session::SealPurpose;
use crate::gateway::state::{SharedState, Snapshot};
use crate::mcp::SESSION;

/// A tool's result: an object, or the reason for the caller to read.
pub(super) type ToolResult = Result<Map<String, Value>, String>;

/// A request that the policy allows.
pub(in crate::gateway) struct OwnRequest<'a> {
    pub(in crate::gateway) shared: &'a Arc<SharedState>,
    pub(in crate::gateway) moment: &'a Snapshot,
    pub(in crate::gateway) caller: &'a Arc<Caller>,
    pub(in crate::gateway) credential: &'a TokenHeader,
    pub(in crate::gateway) wish: &'a ParsedRequest<'a>,
    pub(in crate::gateway) headers: &'a HeaderMap,
    pub(in crate::gateway) body: &'a Bytes,
    pub(in crate::gateway) request_id: &'a str,
    /// Where changes are recorded.
    pub(in crate::gateway) audit: &'a AuditBuffer,
}

impl OwnRequest<'_> {
    /// The request's session, by its own name, if it has one.
    pub(super) fn session(&self) -> Result<Option<String>, Rejection> {
        let mut values = self.headers.get_all(SESSION).iter();
        let Some(given) = values.next() else { return Ok(None) };
        let text = given.to_str().ok().filter(|_| values.next().is_none()).ok_or(Rejection::Session)?;
        let (key, caller) = (&self.shared.session_key, &self.caller.principal);
        let name = key.unseal(SealPurpose::Session, text, caller, MCPGW);
        name.filter(|name| !self.shared.own_sessions.is_over(name)).map(Some).ok_or(Rejection::Session)
    }
}
