//! What a server says instead of an answer, told apart by what there is to do about it. It leaves the advice to the callers.

use thiserror::Error;

use crate::mcp::jsonrpc::RpcError;
use crate::oauth::Challenge;
use crate::sys::http::HttpError;

/// Why there is no result. Everything in it that came from the server is cut, and without what we sent it.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No HTTP answer.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// HTTP 401: no token, or not this one.
    #[error("{}", .0.told("does not let us in"))]
    Unauthorized(Box<AuthRefusal>),
    /// HTTP 403: the token is good, but not for this.
    #[error("{}", .0.told("refuses this"))]
    Forbidden(Box<AuthRefusal>),
    /// HTTP 404: nothing is at this address, or no longer this session.
    #[error("there is no MCP server at this address of {host} (HTTP 404{})", and(.said.as_deref()))]
    NotFound {
        /// The host.
        host: String,
        /// The answer's own words.
        said: Option<String>,
    },
    /// HTTP 408, 429 or 5xx.
    #[error("{host} cannot answer now (HTTP {status}{})", and(.said.as_deref()))]
    Unavailable {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The answer's own words.
        said: Option<String>,
    },
    /// JSON-RPC 2.0 section 5.1.
    #[error("the server answered with an error: {error}")]
    Rpc {
        /// The HTTP status it came with.
        status: u16,
        /// The error.
        error: RpcError,
    },
    /// A tool ran and failed, by its own words.
    #[error("the tool failed{}", if .0.is_empty() { String::new() } else { format!(": {}", .0) })]
    Tool(String),
    /// An answer that is none of MCP.
    #[error("what {host} answered is not MCP: {why}")]
    NotMcp {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it, in our words.
        why: String,
    },
    /// A redirect that is not followed.
    #[error("what {host} answered is not MCP: HTTP {status}, which sends us elsewhere, to {to}")]
    Elsewhere {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The target, without its query.
        to: String,
    },
    /// The stream ended before the answer came.
    #[error("{host} ended its answer before the result came")]
    Unfinished {
        /// The host.
        host: String,
    },
    /// No version in common.
    #[error("the server speaks no protocol version that mcpauth speaks (it offers: {0})")]
    Version(String),
    /// MCP 2026-07-28 `input_required`: the tool asks a person something.
    #[error("the tool asks for more input, which this client cannot give")]
    Input,
}

/// HTTP 401 or 403.
#[derive(Clone, Debug, Default)]
pub struct AuthRefusal {
    /// Who says so.
    pub host: String,
    /// What it demands.
    pub challenge: Option<Challenge>,
    /// What it says about it in its body.
    pub error: Option<RpcError>,
}

impl AuthRefusal {
    /// The scopes that would do, if it says so.
    pub fn scope(&self) -> Option<&str> {
        self.challenge.as_ref()?.scope.as_deref()
    }

    /// Why, by mcpauth's own gateway: one word.
    pub fn reason(&self) -> Option<&str> {
        self.error.as_ref()?.data.get("reason")?.as_str()
    }

    fn told(&self, what: &str) -> String {
        let challenge = self.challenge.as_ref();
        let said = self.error.as_ref().map(|error| error.message.as_str()).filter(|said| !said.is_empty());
        let described = challenge.and_then(|challenge| challenge.description.as_deref());
        let mut told = format!("{} {what}", self.host);
        if let Some(why) = said.or(described) {
            told = format!("{told}: {why}");
        }
        if let Some(error) = challenge.and_then(|challenge| challenge.error.as_deref()) {
            told = format!("{told} ({error})");
        }
        told
    }
}

fn and(said: Option<&str>) -> String {
    said.filter(|said| !said.is_empty()).map(|said| format!(": {said}")).unwrap_or_default()
}
