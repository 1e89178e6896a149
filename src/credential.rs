//! What a credential is: its name, its issuer and client, and everything needed to get it. Plain values without
//! behaviour. Not here: making them (see `config`); storing them (see `store`); getting their tokens (see `vault`).

mod key;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use url::Url;

pub use self::key::{
    KEY_FORMAT, KEY_HEADER, KEY_WARNING, KeyConfig, SecretCommand, USUAL_FORMAT, USUAL_HEADER, USUAL_TTL,
};
use crate::oauth::{Epoch, OAuthClient};
use crate::provider::{BodyFormat, Provider};

/// The token file's member that names the MCP server a token was obtained for by its address: it is sent there and
/// nowhere else.
pub const SERVER_URL: &str = "server_url";

/// Used in place of a provider's name for servers that are known by their address.
pub const BY_ADDRESS: &str = "mcp";

/// The prefix of the registry's scripts' files for AgentCore gateways.
const AGENTCORE: &str = "bedrock-agentcore";
/// The name that the registry's scripts give an AgentCore gateway without a name.
const UNNAMED_GATEWAY: &str = "sre-gateway";

/// The four kinds, in the user's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialKind {
    /// Lets an agent through the gateway (client credentials).
    Ingress,
    /// Lets an MCP server act for the user at an outside service (authorization code).
    Egress,
    /// Lets an agent into a Bedrock AgentCore gateway (client credentials).
    AgentCore,
    /// One Keycloak service account per agent (client credentials).
    Agent,
}

impl CredentialKind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Ingress, Self::Egress, Self::AgentCore, Self::Agent];

    /// Its name in JSON output and summaries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
            Self::AgentCore => "agentcore",
            Self::Agent => "keycloak",
        }
    }
}

/// Which store a credential is kept in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreScope {
    /// The project's: what its settings describe.
    #[default]
    Project,
    /// The user's own, which is the same in every folder: what a person got for themselves.
    User,
}

/// Names one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialId {
    /// Its kind.
    pub kind: CredentialKind,
    /// The provider's, gateway's or agent's name; for ingress the identity provider's.
    pub name: String,
    /// The MCP server it is for, if several share a provider.
    pub server: Option<String>,
    /// Where it is kept.
    pub scope: StoreScope,
}

impl CredentialId {
    /// One of the project's.
    pub fn new(kind: CredentialKind, name: &str, server: Option<&str>) -> Self {
        let scope = StoreScope::Project;
        Self { kind, name: name.into(), server: server.map(str::to_owned), scope }
    }

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

    /// The credential of a token file, by the file's name and its `provider` member (empty if that is not known: then
    /// a server's name cannot be told from its provider's). `None` if it is not a token file.
    ///
    /// [`file_name`](Self::file_name) leads back to the same file: a lock on one is a lock on the other.
    pub fn parse(file_name: &str, provider: &str) -> Option<Self> {
        let id = Self::new;
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

    /// The same in this store.
    #[must_use]
    pub fn in_scope(self, scope: StoreScope) -> Self {
        Self { scope, ..self }
    }

    /// Whether both are kept in the same file.
    pub fn is_same_file(&self, other: &Self) -> bool {
        self.scope == other.scope && self.file_name() == other.file_name()
    }

    /// Whether its token may identify us: the ingress token, or an agent's by the registry's scripts' name.
    pub fn is_identity(&self) -> bool {
        match self.kind {
            CredentialKind::Ingress => true,
            CredentialKind::Agent => self.name.starts_with("agent-"),
            CredentialKind::Egress | CredentialKind::AgentCore => false,
        }
    }

    /// The server it is for: its own name, else the provider's.
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

/// Where a value came from. All but the last are the user's own choice; a file found in the working directory may be
/// someone else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    #[default]
    Flag,
    /// The process environment.
    Environment,
    /// A line of a named file.
    Named(PathBuf, usize),
    /// A line of the user's own file of settings.
    Own(PathBuf, usize),
    /// A file with a secret that the user stores: a token, a private key, an agent's account.
    Kept(PathBuf),
    /// A line of a file that was found in this folder.
    Found(PathBuf, usize),
}

impl Origin {
    /// Whether it may not be the user's choice.
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

    /// As a token file records it: a file without its line.
    pub fn word(&self) -> String {
        match self.file() {
            Some(path) => path.to_string_lossy().into_owned(),
            None => self.to_string(),
        }
    }

    /// Its name in one word.
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

/// The name and origin of a setting, a file or a token. Never its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedValue {
    /// Its name in messages: a variable or a file.
    pub name: String,
    /// Where it came from.
    pub origin: Origin,
}

impl NamedValue {
    /// Something with this name and origin.
    pub fn new(name: impl Into<String>, origin: Origin) -> Self {
        Self { name: name.into(), origin }
    }
}

/// Everything needed to get one credential.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its name.
    pub id: CredentialId,
    /// Our client at its authorization server.
    pub client: OAuthClient,
    /// The origin of the client's secret; for a client without one, of its id.
    pub owner: NamedValue,
    /// The issuer of its tokens: a token from another issuer is never reused for it.
    pub issuer: String,
    /// How to get it.
    pub how: GrantConfig,
    /// The `provider` member of its file.
    pub provider_field: String,
    /// Further members that the registry's scripts' file has for this kind.
    pub facts: Map<String, Value>,
    /// The command that gets only this one.
    pub command: String,
}

impl Credential {
    /// Whether it is a login at a server that names its own issuer.
    pub fn is_by_address(&self) -> bool {
        self.is_registered() && self.key().is_none()
    }

    /// Whether it is a login or a key for a server that is known by its address, and not of any provider.
    pub fn is_registered(&self) -> bool {
        self.id.kind == CredentialKind::Egress && self.id.name == BY_ADDRESS
    }

    /// How its server takes it, if it is a key.
    pub fn key(&self) -> Option<&KeyConfig> {
        match &self.how {
            GrantConfig::Key(key) => Some(key),
            GrantConfig::ClientCredentials(_) | GrantConfig::AuthorizationCode(_) => None,
        }
    }
}

/// The grant.
#[derive(Clone, Debug)]
pub enum GrantConfig {
    /// RFC 6749 section 4.4: without a user.
    ClientCredentials(ClientCredentialsConfig),
    /// RFC 6749 section 4.1: with a login.
    AuthorizationCode(Box<AuthorizationCodeConfig>),
    /// None: a key or personal token that the user entered. It is never renewed.
    Key(KeyConfig),
}

/// What a client credentials request needs.
#[derive(Clone, Debug)]
pub struct ClientCredentialsConfig {
    /// The token endpoint.
    pub endpoint: TokenEndpoint,
    /// Empty for everything the client may have.
    pub scopes: Vec<String>,
    /// An `audience` parameter, as some servers require.
    pub audience: Option<String>,
    /// A `resource` parameter (RFC 8707): the MCP server that the token is for.
    pub resource: Option<String>,
    /// The body's format.
    pub format: BodyFormat,
    /// The lifetime in seconds of a token whose reply has none.
    pub default_lifetime: Option<Epoch>,
}

/// What an authorization code flow needs.
#[derive(Clone, Debug)]
pub struct AuthorizationCodeConfig {
    /// The provider, its variables filled in.
    pub provider: Provider,
    /// As registered, unchanged: a parsed and printed URL may differ by a slash or a port.
    pub redirect_uri: String,
    /// Whether mcpauth registered the client itself (RFC 7591), and can do it again.
    pub registered: bool,
    /// The requested scopes.
    pub scopes: Vec<String>,
    /// The site to use if a grant covers several: its id, name or URL.
    pub site: Option<String>,
}

/// Where a token endpoint is.
#[derive(Clone, Debug)]
pub enum TokenEndpoint {
    /// At this URL.
    Known(Url),
    /// In the issuer's metadata (RFC 8414).
    Discover {
        /// The issuer.
        issuer: String,
        /// The endpoint if the issuer's metadata names none.
        otherwise: Option<Url>,
    },
}

/// One of several sites (tenants, workspaces) that a grant covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its id in API calls.
    pub id: String,
    /// Its name for people.
    #[serde(default, deserialize_with = "read_text")]
    pub name: String,
    /// Its URL.
    #[serde(default, deserialize_with = "read_text")]
    pub url: String,
}

/// A text that is only shown: anything that is not a string, including null, is ignored.
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
            let id = CredentialId::new(kind, name, server);
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
