//! What a credential is: its name, whose it is, and everything needed to get it. Plain values without behaviour.
//! It leaves making them to `config`, keeping them to `store` and getting them to `vault`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::oauth::{Epoch, OAuthClient};
use crate::provider::{BodyFormat, Provider};

/// The fact that says for which MCP server a token was got by its address alone: it goes there and nowhere else.
pub const SERVER_URL: &str = "server_url";

/// How the registry's scripts' files of AgentCore gateways begin.
const AGENTCORE: &str = "bedrock-agentcore";
/// What the registry's scripts call an AgentCore gateway without a name.
const UNNAMED_GATEWAY: &str = "sre-gateway";

/// The four kinds, by the user's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialKind {
    /// Lets an agent through the gateway (client credentials).
    Ingress,
    /// Lets an MCP server act for the user at an outside service (authorization code).
    Egress,
    /// Lets an agent into a Bedrock AgentCore gateway (client credentials).
    AgentCore,
    /// One Keycloak service account an agent (client credentials).
    Agent,
}

impl CredentialKind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Ingress, Self::Egress, Self::AgentCore, Self::Agent];

    /// As JSON output and summaries say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
            Self::AgentCore => "agentcore",
            Self::Agent => "keycloak",
        }
    }
}

/// Names one credential in one tokens directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialId {
    /// Its kind.
    pub kind: CredentialKind,
    /// The provider's, gateway's or agent's name; for ingress the identity provider's.
    pub name: String,
    /// The MCP server it is for, where several share a provider.
    pub server: Option<String>,
}

impl CredentialId {
    /// The token file's name, as the registry's scripts name it.
    pub fn file_name(&self) -> String {
        let server = self.server.as_deref().map(|server| format!("-{server}")).unwrap_or_default();
        match self.kind {
            CredentialKind::Ingress => "ingress.json".into(),
            CredentialKind::Egress => format!("{}{server}-egress.json", self.name),
            CredentialKind::AgentCore => format!("{AGENTCORE}{}-egress.json", server.to_lowercase()),
            CredentialKind::Agent => format!("{}-token.json", self.name),
        }
    }

    /// The credential that a token file is of, by the file's name and its `provider` member (empty where that is not
    /// known: then a server's name is not told from its provider's). `None` for what is no token file.
    ///
    /// [`file_name`](Self::file_name) leads back to the same file: a lock on it is a lock on this file.
    pub fn parse(file_name: &str, provider: &str) -> Option<Self> {
        let id = |kind, name: &str, server: Option<&str>| Self {
            kind,
            name: name.into(),
            server: server.map(str::to_owned),
        };
        if file_name == "ingress.json" {
            return Some(id(
                CredentialKind::Ingress,
                provider.strip_suffix("_m2m").unwrap_or("unknown"),
                None,
            ));
        }
        if let Some(name) = file_name.strip_suffix("-token.json") {
            return Some(id(CredentialKind::Agent, name, None));
        }
        let stem = file_name.strip_suffix("-egress.json")?;
        let after = |start: &str| stem.strip_prefix(start).and_then(|rest| rest.strip_prefix('-'));
        let gateway = match after(AGENTCORE) {
            None if stem == AGENTCORE => Some(id(CredentialKind::AgentCore, "agentcore", None)),
            server => server.map(|server| id(CredentialKind::AgentCore, "agentcore", Some(server))),
        };
        let server = after(provider).filter(|_| !provider.is_empty());
        let outside = server.map(|server| id(CredentialKind::Egress, provider, Some(server)));
        let mut likely = gateway.into_iter().chain(outside);
        let found = likely.find(|id| id.file_name() == file_name);
        Some(found.unwrap_or_else(|| id(CredentialKind::Egress, stem, None)))
    }

    /// Whether its token may say who we are: the ingress token, or that of an agent by the registry's scripts' name.
    pub fn is_identity(&self) -> bool {
        match self.kind {
            CredentialKind::Ingress => true,
            CredentialKind::Agent => self.name.starts_with("agent-"),
            CredentialKind::Egress | CredentialKind::AgentCore => false,
        }
    }

    /// The server it is for: by its own name, else by the provider's.
    pub fn server_name(&self) -> &str {
        match (&self.server, self.kind) {
            (Some(server), _) => server,
            (None, CredentialKind::AgentCore) => UNNAMED_GATEWAY,
            (None, _) => &self.name,
        }
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.server) {
            (CredentialKind::AgentCore, Some(server)) => write!(f, "agentcore {server}"),
            (CredentialKind::AgentCore, None) => f.write_str("agentcore"),
            (kind, Some(server)) if *server != self.name => {
                write!(f, "{} {} for {server}", kind.name(), self.name)
            }
            (kind, _) => write!(f, "{} {}", kind.name(), self.name),
        }
    }
}

/// Where a value came from. All but the last are the user's own word; a file that was only found in the folder we stand in
/// may be somebody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    #[default]
    Flag,
    /// The process environment.
    Environment,
    /// A line of a file that was named.
    Named(PathBuf, usize),
    /// A line of the user's own file of settings.
    Own(PathBuf, usize),
    /// A file with a secret that the user keeps: a token, a private key, an agent's account.
    Kept(PathBuf),
    /// A line of a file that was found in this folder.
    Found(PathBuf, usize),
}

impl Origin {
    /// Whether it is not known to be the user's word.
    pub fn is_found(&self) -> bool {
        matches!(self, Self::Found(..))
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Flag | Self::Environment => None,
            Self::Named(path, _) | Self::Own(path, _) | Self::Found(path, _) | Self::Kept(path) => Some(path),
        }
    }

    /// As a token file remembers it: a file without its line.
    pub fn word(&self) -> String {
        match self.file() {
            Some(path) => path.to_string_lossy().into_owned(),
            None => self.to_string(),
        }
    }

    /// Whose word that is, in a word.
    pub fn trust(&self) -> &'static str {
        if self.is_found() { "found" } else { "yours" }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("environment"),
            Self::Named(path, line) | Self::Own(path, line) | Self::Found(path, line) if *line > 0 => {
                write!(f, "{}:{line}", path.display())
            }
            Self::Named(path, _) | Self::Own(path, _) | Self::Found(path, _) | Self::Kept(path) => {
                write!(f, "{}", path.display())
            }
        }
    }
}

/// A setting, a file or a token by its name, and where it came from. Never its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedValue {
    /// What messages call it: a variable's name, a file's.
    pub name: String,
    /// Where it came from.
    pub origin: Origin,
}

impl NamedValue {
    /// Something of this name and origin.
    pub fn new(name: impl Into<String>, origin: Origin) -> Self {
        Self { name: name.into(), origin }
    }
}

/// Everything needed to get one credential.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its name.
    pub id: CredentialId,
    /// Who we are to its authorization server.
    pub client: OAuthClient,
    /// Whose word the client's secret is; of a client without one, the client's id.
    pub owner: NamedValue,
    /// Whose tokens these are: a token of another issuer is never reused for it.
    pub issuer: String,
    /// How to get it.
    pub how: GrantConfig,
    /// The `provider` member of its file.
    pub provider_field: String,
    /// What else the registry's scripts' file has for this kind.
    pub facts: Map<String, Value>,
    /// The command that gets just this one.
    pub command: String,
}

/// The way to a token.
#[derive(Clone, Debug)]
pub enum GrantConfig {
    /// RFC 6749 section 4.4: without a person.
    ClientCredentials(ClientCredentialsConfig),
    /// RFC 6749 section 4.1: with one.
    AuthorizationCode(Box<AuthorizationCodeConfig>),
}

/// What a client credentials request needs.
#[derive(Clone, Debug)]
pub struct ClientCredentialsConfig {
    /// Where to ask.
    pub endpoint: TokenEndpoint,
    /// Empty for whatever the client is allowed.
    pub scopes: Vec<String>,
    /// An `audience` parameter, as some servers want one.
    pub audience: Option<String>,
    /// A `resource` parameter (RFC 8707): the MCP server that the token is for.
    pub resource: Option<String>,
    /// How the body is written.
    pub format: BodyFormat,
    /// The lifetime in seconds of a token whose reply names none.
    pub default_lifetime: Option<Epoch>,
}

/// What an authorization code flow needs.
#[derive(Clone, Debug)]
pub struct AuthorizationCodeConfig {
    /// The provider, its variables filled in.
    pub provider: Provider,
    /// As registered, to the letter: a parsed and printed URL may differ by a slash or a port.
    pub redirect_uri: String,
    /// Whether mcpauth registered the client itself (RFC 7591), and can do so again.
    pub registered: bool,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The site to choose where a grant covers several: its id, name or URL.
    pub site: Option<String>,
}

/// Where a token endpoint is.
#[derive(Clone, Debug)]
pub enum TokenEndpoint {
    /// Here.
    Known(Url),
    /// Where the issuer's metadata says (RFC 8414).
    Discover {
        /// Who to ask.
        issuer: String,
        /// Where it is if the issuer answers without naming one.
        otherwise: Option<Url>,
    },
}

/// One of several sites (tenants, workspaces) behind a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// What an API call names it by.
    pub id: String,
    /// What a person calls it.
    #[serde(default, deserialize_with = "read_text")]
    pub name: String,
    /// Where it is.
    #[serde(default, deserialize_with = "read_text")]
    pub url: String,
}

/// A text that is only shown: whatever else stands there, null included, is none.
fn read_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Value::deserialize(from)?.as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_site_needs_its_id_alone() {
        for odd in [
            r#"{"id":"1"}"#,
            r#"{"id":"1","name":null,"url":null}"#,
            r#"{"id":"1","name":7,"url":{},"x":null}"#,
        ] {
            let site: Site = serde_json::from_str(odd).unwrap();
            assert_eq!((site.id.as_str(), site.name.as_str(), site.url.as_str()), ("1", "", ""), "{odd}");
        }
        for bad in [r#"{"name":"n"}"#, r#"{"id":null}"#, r#"{"id":7}"#] {
            assert!(serde_json::from_str::<Site>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_are_named_as_the_reference_names_them() {
        let cases = [
            (CredentialKind::Ingress, "cognito", None, "ingress.json"),
            (CredentialKind::Egress, "acme", None, "acme-egress.json"),
            (CredentialKind::Egress, "acme", Some("acme-mail"), "acme-acme-mail-egress.json"),
            (CredentialKind::AgentCore, "agentcore", None, "bedrock-agentcore-egress.json"),
            (
                CredentialKind::AgentCore,
                "agentcore",
                Some("SRE-Gateway"),
                "bedrock-agentcore-sre-gateway-egress.json",
            ),
            (CredentialKind::Agent, "agent-a", None, "agent-a-token.json"),
        ];
        for (kind, name, server, expected) in cases {
            let id = CredentialId { kind, name: name.into(), server: server.map(Into::into) };
            assert_eq!(id.file_name(), expected);
        }
    }

    #[test]
    fn a_file_says_whose_it_is() {
        let cases = [
            ("ingress.json", "cognito_m2m", "ingress cognito", "cognito"),
            ("ingress.json", "", "ingress unknown", "unknown"),
            ("agent-one-token.json", "keycloak", "keycloak agent-one", "agent-one"),
            ("acme-egress.json", "acme", "egress acme", "acme"),
            ("acme-mail-egress.json", "acme", "egress acme for mail", "mail"),
            ("acme-mail-egress.json", "", "egress acme-mail", "acme-mail"),
            ("bedrock-agentcore-egress.json", "bedrock-agentcore", "agentcore", "sre-gateway"),
            ("bedrock-agentcore-sre-egress.json", "bedrock-agentcore", "agentcore sre", "sre"),
            ("bedrock-agentcore-sre-egress.json", "", "agentcore sre", "sre"),
            (
                "bedrock-agentcore-SRE-egress.json",
                "bedrock-agentcore",
                "egress bedrock-agentcore for SRE",
                "SRE",
            ),
        ];
        for (file, provider, name, server) in cases {
            let id = CredentialId::parse(file, provider).unwrap();
            assert_eq!((id.to_string().as_str(), id.server_name()), (name, server), "{file}");
        }
    }

    #[test]
    fn other_files_are_no_ones() {
        for file in ["mcp.json", "ingress.json.tmp", "my-ingress.json", "acme-egress", "egress.json", ""] {
            assert_eq!(CredentialId::parse(file, "acme"), None, "{file}");
        }
    }

    proptest! {
        #[test]
        fn a_name_leads_back_to_its_file(stem in "[A-Za-z0-9_.-]{0,20}", provider in "[a-z-]{0,10}", end in "(-egress|-token)") {
            let file = format!("{provider}{stem}{end}.json");
            prop_assert_eq!(CredentialId::parse(&file, &provider).unwrap().file_name(), file);
        }
    }
}
