//! What a credential is: its name, its issuer and client, and everything needed to get it. Plain values without
//! behaviour. Not here: making them (see `config`); storing them (see `store`); getting their tokens (see `vault`).

mod key;
mod origin;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use url::Url;

pub use self::key::{
    KEY_FORMAT, KEY_HEADER, KEY_WARNING, KeyConfig, SecretCommand, USUAL_FORMAT, USUAL_HEADER, USUAL_TTL,
};
pub use self::origin::{NamedValue, Origin};
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

/// Which store a credential is in.
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

    /// Whether both are stored in the same file.
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
    /// Empty for everything that the client is allowed.
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
mod tests;
