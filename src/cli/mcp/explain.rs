//! What to do about a server's no: the next command for each. It leaves the words for what happened to `mcp`.

use super::target::{Source, Target, place};
use crate::config::{login_command, name_of};
use crate::mcp::{ClientError, Refusal};
use crate::servers::{LoginOf, Which};
use crate::sys::http::HttpError;
use crate::text::{clean, word};

const ADDRESS: &str = "check the address: a server is usually at /mcp, and behind the gateway at /SERVER/mcp";

impl Target {
    pub(super) fn hint(&self, error: &ClientError, tool: Option<&str>) -> String {
        match error {
            ClientError::Unauthorized(refusal) => self.unauthorized(refusal),
            ClientError::Forbidden(refusal) => self.forbidden(refusal, tool),
            ClientError::Http(HttpError::Plain { .. }) => {
                "use https, or say that it is meant with --allow-http".into()
            }
            ClientError::Http(HttpError::Forbidden { .. })
            | ClientError::NotFound { .. }
            | ClientError::NotMcp { .. } => ADDRESS.into(),
            ClientError::Http(_) => "see that the server runs, and check --url or GATEWAY_URL".into(),
            ClientError::Unavailable { .. } | ClientError::Unfinished { .. } => "try again in a while".into(),
            ClientError::Rpc { .. } | ClientError::Tool(_) if tool.is_some() => {
                format!("see the tools and their arguments with: {} --json", self.command("list"))
            }
            ClientError::Rpc { .. } | ClientError::Tool(_) => {
                format!("see what was said with: {} -vv", self.command("basic"))
            }
            ClientError::Version(_) => "update mcpauth, or the server".into(),
            ClientError::Input => "call it from a client that can ask you".into(),
        }
    }

    fn unauthorized(&self, refusal: &Refusal) -> String {
        let challenge = refusal.challenge.clone().unwrap_or_default();
        let next = match (&self.which, self.source) {
            (_, Source::Refused) => "leave out --no-auth".into(),
            _ if self.is_given() => {
                "put a good token into MCP_AUTH_TOKEN, or unset it to use the stored one".into()
            }
            (Which::Url(url), Source::Elsewhere) if challenge.resource_metadata.is_some() => format!(
                "run: {}; or, if it is your gateway, set REGISTRY_URL or send the gateway's token with --auth",
                login_command(url, &name_of(url))
            ),
            (_, Source::Elsewhere | Source::Given) => {
                "send the gateway's token along with --auth (get it with: mcpauth generate), or set REGISTRY_URL if this is \
                 your gateway"
                    .into()
            }
            // Its token looks good from here: only a new login brings another one.
            (which, Source::Stored) if self.servers.is_logged_in(which) => {
                format!("run: {} --force", self.servers.command_for(which))
            }
            (_, Source::Stored) if self.is_behind_gateway() => {
                format!("run: {} --force", self.servers.identity_command())
            }
            // Whoever describes itself can be logged in to by that.
            (Which::Url(url), Source::Stored) if challenge.resource_metadata.is_some() => {
                format!("run: {}", login_command(url, &name_of(url)))
            }
            (which, Source::Stored) => format!("run: {}", self.servers.command_for(which)),
        };
        let scope =
            challenge.scope.map(|scope| format!("; it asks for the scope {scope}")).unwrap_or_default();
        let described = challenge
            .resource_metadata
            .map(|url| format!("; it describes itself at {url}"))
            .unwrap_or_default();
        format!("{next}{scope}{described}")
    }

    fn forbidden(&self, refusal: &Refusal, tool: Option<&str>) -> String {
        if let Some(login) = self.servers.login_of(&self.which) {
            return explain_login(&login, refusal);
        }
        if let Some(scope) = refusal.scope() {
            // The gateway decides by the token that is for itself.
            let command = self.servers.identity_command();
            return format!(
                "let the client have the scope {scope}, then get a token with it: {command} --force"
            );
        }
        let what =
            tool.map_or_else(|| "--method tools/list".into(), |tool| format!("--tool {}", quoted(tool)));
        let server = self.server_name().unwrap_or_else(|| "SERVER".into());
        format!(
            "ask who keeps the gateway's policy, or see which rule decides: mcpauth gateway explain --server {} {what} --groups YOUR,GROUPS",
            quoted(&server)
        )
    }

    /// A verb for the same server.
    fn command(&self, verb: &str) -> String {
        match &self.which {
            Which::Name(name) => format!("mcpauth {verb} --server {}", quoted(name)),
            Which::Url(url) => format!("mcpauth {verb} --url {}", place(url)),
        }
    }

    fn is_behind_gateway(&self) -> bool {
        match &self.which {
            Which::Name(_) => true,
            Which::Url(url) => self.servers.below_gateway(url).is_some(),
        }
    }

    /// The server's name as the gateway's policy has it: the path's first segment.
    fn server_name(&self) -> Option<String> {
        match &self.which {
            Which::Name(name) => Some(name.clone()),
            Which::Url(url) => url
                .path_segments()?
                .next()
                .filter(|name| !matches!(*name, "" | "mcp" | "sse"))
                .map(str::to_owned),
        }
    }
}

/// A server that was logged in to refuses a token that is good: it wants scopes that the token lacks (RFC 6750 section 3.1), or
/// something that no login brings. What was asked for before is asked for again, because a new token takes the place of
/// the old one.
fn explain_login(login: &LoginOf<'_>, refusal: &Refusal) -> String {
    let challenge = refusal.challenge.clone().unwrap_or_default();
    let wanted: Vec<&str> = challenge.scopes().collect();
    let lacks = |have: &[String]| -> Vec<&str> {
        wanted.iter().copied().filter(|scope| !have.iter().any(|known| known == scope)).collect()
    };
    let (unasked, ungranted) = (lacks(login.asked), lacks(&login.granted));
    if !unasked.is_empty() {
        let asked = login.asked.iter().map(String::as_str);
        let all: Vec<String> = asked.chain(unasked.iter().copied()).map(word).collect();
        let (names, command) = (unasked.join(" "), login.command);
        return format!("it wants the scope {names} too; run: {command} --scope {}", all.join(" --scope "));
    }
    if !ungranted.is_empty() && !login.granted.is_empty() {
        let names = ungranted.join(" ");
        return format!(
            "the login asked for the scope {names} and was not given it; ask who runs the issuer"
        );
    }
    match wanted.as_slice() {
        [] => "the token is good, but not for this; ask who runs the server".into(),
        _ => format!("the token has the scope {} already; ask who runs the server", wanted.join(" ")),
    }
}

/// A word for a shell, cut where nobody would read on.
fn quoted(text: &str) -> String {
    word(&clean(text, 100))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_printed_command_can_be_pasted() {
        for (word, expected) in [
            ("echo", "echo"),
            ("a b", "'a b'"),
            ("it's; rm", "'it'\\''s; rm'"),
            ("", "''"),
            ("a\u{1b}b", "'a b'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
