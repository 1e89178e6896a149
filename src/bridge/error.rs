//! The errors that a bridge answers with itself: why there is no answer of the server's, as one JSON-RPC error with what to
//! type next. It leaves which command that is to [`CredentialSource`].

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::mcp::jsonrpc;
use crate::session::remote::LIMIT;
use crate::session::{self, CredentialSource, CredentialUnavailable};
use crate::sys::http::HttpError;

/// Why the bridge cannot give a server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BridgeError {
    /// No credentials to ask with.
    NoAccess(CredentialUnavailable),
    /// No answer.
    Unreachable(String),
    /// An answer with this status that is no MCP message, and what to do about it.
    Status(u16, String),
    /// An address that gets nothing: where it is, and why.
    Elsewhere(String),
    /// The stream ended before the answer came.
    Broken,
    /// The answer is larger than is read.
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
            session::RemoteError::Http(error) => Self::Unreachable(error.to_string()),
            session::RemoteError::Refused(answer) => Self::refused(answer.status, &answer.headers, access),
            session::RemoteError::Elsewhere => {
                Self::Elsewhere("the server announced an address that is not its own".into())
            }
            session::RemoteError::Broken => Self::Broken,
        }
    }

    /// An answer with this status that holds no message, or one that no client can read.
    pub(super) fn refused(status: u16, headers: &HeaderMap, access: &dyn CredentialSource) -> Self {
        Self::Status(status, access.advice(status, headers))
    }

    /// The answer to the request `id`.
    pub fn answer(&self, id: &Value) -> String {
        let (code, message) = self.code_and_message();
        jsonrpc::error(id, code, &message)
    }

    /// Code and words. The codes are the bridge's own, outside JSON-RPC's reserved range.
    pub(super) fn code_and_message(&self) -> (i64, String) {
        match self {
            Self::NoAccess(no) => (4011, format!("{}; {}", no.message, no.hint)),
            Self::Unreachable(cause) => (5021, cause.clone()),
            Self::Status(401, advice) => {
                (4012, format!("the server refuses the credentials, new ones too; {advice}"))
            }
            Self::Status(403, advice) => {
                (4031, format!("the server forbids this to these credentials; {advice}"))
            }
            Self::Status(status, advice) => {
                (5022, format!("the server answered with HTTP {status} and no message; {advice}"))
            }
            Self::Elsewhere(cause) => (5022, cause.clone()),
            Self::Broken => (5023, "the server ended the stream before it answered; ask again".into()),
            Self::TooLarge => {
                (5024, format!("the server's answer is larger than the bridge reads ({} MiB)", LIMIT >> 20))
            }
        }
    }
}
