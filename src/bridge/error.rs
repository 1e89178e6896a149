//! The errors that the bridge answers itself: why there is no answer from the server, as one JSON-RPC error with the
//! next command. Not here: which command that is (see [`CredentialSource`]).

use std::sync::Arc;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::mcp::jsonrpc;
use crate::session::remote::MAX_MESSAGE_BYTES;
use crate::session::{self, CredentialSource, CredentialUnavailable, PersonLogin};
use crate::sys::http::HttpError;

/// Why the bridge has no answer from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BridgeError {
    /// No credentials for the request.
    NoAccess(CredentialUnavailable),
    /// No HTTP answer.
    Unreachable(String),
    /// An HTTP answer with this status that is not an MCP message, and what to do about it.
    Status(u16, String),
    /// An address that gets no credentials: where it is, and why.
    Elsewhere(String),
    /// The stream ended before the answer came.
    Broken,
    /// The answer is larger than the bridge reads.
    TooLarge,
}

impl BridgeError {
    /// Why a session has no answer.
    pub(super) fn from_session(failure: session::RemoteError, access: &dyn CredentialSource) -> Self {
        match failure {
            session::RemoteError::NoAccess(no) => Self::NoAccess(no),
            session::RemoteError::Http(HttpError::TooLarge { .. }) => Self::TooLarge,
            session::RemoteError::Http(error @ HttpError::Redirect { status, .. }) => {
                Self::Elsewhere(format!("{error}; {}", access.advice(status, &HeaderMap::new())))
            }
            session::RemoteError::Http(error) => {
                let remedy = error.remedy().map(|remedy| format!("; {remedy}")).unwrap_or_default();
                Self::Unreachable(format!("{error}{remedy}"))
            }
            session::RemoteError::Refused(answer) => Self::refused(answer.status, &answer.headers, access),
            session::RemoteError::Elsewhere => {
                Self::Elsewhere("the server announced an endpoint at another origin".into())
            }
            session::RemoteError::Broken => Self::Broken,
            session::RemoteError::NoStream => Self::Elsewhere(
                "the server has no stream for HTTP+SSE, and --transport allows nothing else".into(),
            ),
        }
    }

    /// The error for an answer with this status that has no message, or none that a client can read.
    pub(super) fn refused(status: u16, headers: &HeaderMap, access: &dyn CredentialSource) -> Self {
        Self::Status(status, access.advice(status, headers))
    }

    /// The login that would mend it.
    pub(super) fn login(&self, access: &dyn CredentialSource) -> Option<Arc<dyn PersonLogin>> {
        match self {
            Self::NoAccess(no) if no.needs_person => access.login(false),
            Self::Status(401, _) => access.login(true),
            _ => None,
        }
    }

    /// The same where a login was offered and ended like this.
    pub(super) fn after_login(self, cause: &str) -> Self {
        match self {
            Self::NoAccess(no) => {
                Self::NoAccess(CredentialUnavailable { message: format!("{}; {cause}", no.message), ..no })
            }
            Self::Status(status, advice) => Self::Status(status, format!("{cause}; {advice}")),
            other => other,
        }
    }

    /// The answer to the request `id`.
    pub fn answer(&self, id: &Value) -> String {
        let (code, message) = self.code_and_message();
        jsonrpc::error(id, code, &message)
    }

    /// Code and message. The codes are the bridge's own, outside JSON-RPC's reserved range.
    pub(super) fn code_and_message(&self) -> (i64, String) {
        match self {
            Self::NoAccess(no) => (4011, format!("{}; {}", no.message, no.hint)),
            Self::Unreachable(cause) => (5021, cause.clone()),
            Self::Status(401, advice) => {
                (4012, format!("the server rejected the credential, even after a refresh; {advice}"))
            }
            Self::Status(403, advice) => {
                (4031, format!("forbidden: this credential lacks permission; {advice}"))
            }
            Self::Status(status, advice) => {
                (5022, format!("the server answered with HTTP {status} without a message; {advice}"))
            }
            Self::Elsewhere(cause) => (5022, cause.clone()),
            Self::Broken => (5023, "the server ended the stream before it answered; try again".into()),
            Self::TooLarge => (
                5024,
                format!(
                    "the server's answer is larger than the bridge reads ({} MiB)",
                    MAX_MESSAGE_BYTES >> 20
                ),
            ),
        }
    }
}
