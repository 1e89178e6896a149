//! The next command after each kind of refusal by a server. Not here: describing what happened (see `client`); advice
//! about credentials (see `servers`).

use super::target::Target;
use crate::client::ClientError;
use crate::error::untrusted_hint;
use crate::servers::ADDRESS;
use crate::sys::http::HttpError;
use crate::text::word;

impl Target {
    pub(crate) fn hint(&self, error: &ClientError, tool: Option<&str>) -> String {
        match error {
            ClientError::Unauthorized(refusal) => {
                self.advice().unauthorized(&refusal.challenge.clone().unwrap_or_default())
            }
            ClientError::Forbidden(refusal) => {
                self.advice().forbidden(&refusal.challenge.clone().unwrap_or_default(), tool)
            }
            ClientError::Http(HttpError::Plain { .. }) => {
                "use https, or allow plain http with --allow-http".into()
            }
            ClientError::Http(HttpError::Untrusted { .. }) => untrusted_hint(&self.advice().command("ping")),
            ClientError::Elsewhere { to, .. } => {
                format!("if that is the MCP server, run: mcpauth probe {}", word(to))
            }
            ClientError::Http(HttpError::Forbidden { .. })
            | ClientError::NotFound { .. }
            | ClientError::NotMcp { .. } => ADDRESS.into(),
            ClientError::Http(_) if self.is_default => {
                "no server was named, and this is the default of the registry's scripts; name yours: mcpauth list SERVER, \
                 or set GATEWAY_URL"
                    .into()
            }
            ClientError::Http(_) => "check that the server is running, and check its address".into(),
            ClientError::Unavailable { .. } | ClientError::Unfinished { .. } => "try again later".into(),
            ClientError::Rpc { .. } | ClientError::Tool(_) if tool.is_some() => {
                format!("see the tools and their arguments with: {} --json", self.advice().command("list"))
            }
            ClientError::Rpc { .. } | ClientError::Tool(_) => {
                format!("see the exchange with: {} -vv", self.advice().command("probe"))
            }
            ClientError::Version(_) => "update mcpauth, or the server".into(),
            ClientError::Input => "call it from a client that can ask you".into(),
        }
    }
}
