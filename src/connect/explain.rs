//! What to do about a server's no: the next command for each. It leaves the words for what happened to `client`, and what
//! concerns credentials to `servers`.

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
                "use https, or say that it is meant with --allow-http".into()
            }
            ClientError::Http(HttpError::Untrusted { .. }) => untrusted_hint(&self.advice().command("ping")),
            ClientError::Elsewhere { to, .. } => {
                format!("if that is the MCP server, run: mcpauth probe --url {}", word(to))
            }
            ClientError::Http(HttpError::Forbidden { .. })
            | ClientError::NotFound { .. }
            | ClientError::NotMcp { .. } => ADDRESS.into(),
            ClientError::Http(_) => "see that the server runs, and check --url or GATEWAY_URL".into(),
            ClientError::Unavailable { .. } | ClientError::Unfinished { .. } => "try again in a while".into(),
            ClientError::Rpc { .. } | ClientError::Tool(_) if tool.is_some() => {
                format!("see the tools and their arguments with: {} --json", self.advice().command("list"))
            }
            ClientError::Rpc { .. } | ClientError::Tool(_) => {
                format!("see what was said with: {} -vv", self.advice().command("probe"))
            }
            ClientError::Version(_) => "update mcpauth, or the server".into(),
            ClientError::Input => "call it from a client that can ask you".into(),
        }
    }
}
