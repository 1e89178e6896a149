//! The advice after a server has rejected its credentials, for the bridge and the verbs. Not here: describing what
//! happened (see `client` and `bridge`).

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use url::Url;

use super::{ServerRef, Servers};
use crate::config::{login_command, name_of};
use crate::error::REJECTED_AGAIN;
use crate::oauth::{CALLER_REVOKED, Challenge, NOT_YET};
use crate::text::{clean, word};

/// The usual address of a server.
pub(crate) const ADDRESS: &str =
    "check the address: a server is usually at /mcp, and behind the gateway at /SERVER/mcp";

/// Where the credentials for a server came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialOrigin {
    /// The store.
    Stored,
    /// `MCP_AUTH_TOKEN`, instead of the store.
    Given,
    /// None, because the address is not the gateway's.
    Elsewhere,
    /// None, because that was requested.
    Refused,
}

/// One server, and what it was sent.
pub(crate) struct Advice<'a> {
    pub(crate) servers: &'a Servers,
    pub(crate) which: &'a ServerRef,
    pub(crate) source: CredentialOrigin,
}

/// What a server asks for with a refusal.
fn challenge(headers: &HeaderMap) -> Challenge {
    let values = headers.get_all(WWW_AUTHENTICATE).iter().map(|value| value.as_bytes());
    Challenge::read(values).unwrap_or_default()
}

impl<'a> Advice<'a> {
    /// For a server that gets what is stored for it.
    pub(crate) fn stored(servers: &'a Servers, which: &'a ServerRef) -> Self {
        Self { servers, which, source: servers.source_for(which) }
    }

    /// Whether another token may do where one is refused with these headers: one of the same login has the same scopes.
    pub(crate) fn may_renew(&self, headers: &HeaderMap) -> bool {
        !challenge(headers).is_about_scope() || self.servers.login_of(self.which).is_none()
    }

    /// The advice for an error answer with this status and these headers.
    pub(crate) fn on_status(&self, status: u16, headers: &HeaderMap) -> String {
        let challenge = challenge(headers);
        match status {
            401 => self.unauthorized(&challenge),
            403 => self.forbidden(&challenge, None),
            404 => format!("{ADDRESS}; see whether one is there with: {}", self.command("ping")),
            408 | 429 | 500.. => format!("try again later, first with: {}", self.command("ping")),
            _ => format!("see the exchange with: {} -vv", self.command("probe")),
        }
    }

    /// The advice for a 401.
    pub(crate) fn unauthorized(&self, challenge: &Challenge) -> String {
        if challenge.description.as_deref() == Some(CALLER_REVOKED) {
            return "ask the gateway's operator to remove this client from the revocation list".into();
        }
        if challenge.description.as_deref() == Some(NOT_YET) {
            return "a clock is wrong: mcpauth doctor compares this machine's with the issuer's; if they agree, tell the \
                    server's operator"
                .into();
        }
        // Some servers send a 401 for a missing scope, where RFC 6750 section 3.1 has a 403.
        let is_about_scope = challenge.is_about_scope() && self.source == CredentialOrigin::Stored;
        let login = self.servers.login_of(self.which).filter(|login| is_about_scope && login.is_kept);
        if let Some(login) = login {
            return login.forbidden(challenge);
        }
        let next = match (self.which, self.source) {
            (_, CredentialOrigin::Refused) => "leave out --no-auth".into(),
            (_, CredentialOrigin::Given) => {
                "put a valid token into MCP_AUTH_TOKEN, or unset it to use the stored one".into()
            }
            (ServerRef::ByUrl(url), CredentialOrigin::Elsewhere) => format!(
                "run: {}; or, if it is your gateway, set REGISTRY_URL or send the gateway's token with --auth",
                login_command(url, &name_of(url))
            ),
            // Its token looks valid here: only a new login can replace it.
            (which, CredentialOrigin::Stored | CredentialOrigin::Elsewhere)
                if self.servers.is_logged_in(which) =>
            {
                format!("run: {} --force", self.servers.command_for(which))
            }
            (_, CredentialOrigin::Stored | CredentialOrigin::Elsewhere) if self.is_behind_gateway() => {
                format!("run: {} --force", self.servers.identity_command())
            }
            // A server that publishes metadata can be logged in to.
            (ServerRef::ByUrl(url), CredentialOrigin::Stored) if challenge.resource_metadata.is_some() => {
                format!("run: {}", login_command(url, &name_of(url)))
            }
            (which, CredentialOrigin::Stored | CredentialOrigin::Elsewhere) => {
                format!("run: {}", self.servers.command_for(which))
            }
        };
        let scope = challenge.scope.as_ref();
        let scope = scope.map(|scope| format!("; it asks for the scope {scope}")).unwrap_or_default();
        let described = challenge
            .resource_metadata
            .as_ref()
            .map(|url| format!("; it describes itself at {url}"))
            .unwrap_or_default();
        let is_login = self.source != CredentialOrigin::Given && next.ends_with(" --force");
        let later = if is_login { REJECTED_AGAIN } else { "" };
        format!("{next}{scope}{described}{later}")
    }

    /// The advice for a 403.
    pub(crate) fn forbidden(&self, challenge: &Challenge, tool: Option<&str>) -> String {
        if let Some(login) = self.servers.login_of(self.which) {
            return login.forbidden(challenge);
        }
        let server = self.server_name();
        if let Some(scope) = &challenge.scope {
            let what = tool.map_or_else(|| "this".into(), |tool| format!("the tool {}", quoted(tool)));
            let place = server.map(|server| format!(" on {}", quoted(&server))).unwrap_or_default();
            // The gateway decides by its own token, and names the narrowest sufficient scope.
            let command = self.servers.identity_command();
            return format!(
                "ask the gateway's operator to allow {what}{place}; or have the scope {scope} granted to the client, then \
                 get a token with it: {command} --force"
            );
        }
        let what =
            tool.map_or_else(|| "--method tools/list".into(), |tool| format!("--tool {}", quoted(tool)));
        let server = server.unwrap_or_else(|| "SERVER".into());
        format!(
            "ask the gateway's operator, or see which rule decides: mcpauth gateway explain {} {what} --groups YOUR,GROUPS",
            quoted(&server)
        )
    }

    /// A verb for the same server.
    pub(crate) fn command(&self, verb: &str) -> String {
        match self.which {
            ServerRef::ByName(name) => format!("mcpauth {verb} {}", quoted(name)),
            ServerRef::ByUrl(url) => format!("mcpauth {verb} {}", word(&place(url))),
        }
    }

    fn is_behind_gateway(&self) -> bool {
        match self.which {
            ServerRef::ByName(_) => true,
            ServerRef::ByUrl(url) => self.servers.below_gateway(url).is_some(),
        }
    }

    /// The server's name in the gateway's policy: the path's first segment.
    fn server_name(&self) -> Option<String> {
        match self.which {
            ServerRef::ByName(name) => Some(name.clone()),
            ServerRef::ByUrl(url) => url
                .path_segments()?
                .next()
                .filter(|name| !matches!(*name, "" | "mcp" | "sse"))
                .map(str::to_owned),
        }
    }
}

/// An address without its query, in which some servers expect a secret.
pub(crate) fn place(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// A word for a shell, cut where it gets too long to read.
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
