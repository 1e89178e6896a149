//! `gateway.yaml` as values. It leaves what of it cannot be meant to `check`, the published schema to `schema`, and the
//! environment to `cli`.

mod check;
mod issuer;
mod limits;
pub mod schema;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::issuer::RulesError;
use self::issuer::{algorithms, leeway};
pub use self::limits::Limits;
use crate::quantity::{an_address, in_seconds, maybe_an_address};
use crate::sys::regular_file;

/// The largest `gateway.yaml` and policy, in bytes: a policy of 1,000 servers with 50 tools each has 3 MiB.
pub const MOST: u64 = 64 << 20;

/// Everything `gateway.yaml` can say. Paths are relative to the file's own folder.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where clients connect.
    #[serde(deserialize_with = "an_address")]
    pub listen: SocketAddr,
    /// Where `/metrics` is served, with `/healthz` and `/readyz`; nowhere if absent.
    #[serde(deserialize_with = "maybe_an_address")]
    pub admin: Option<SocketAddr>,
    /// The address clients type, as in `https://gateway.example.com`; `http://` and `listen` if absent.
    pub public_url: Option<String>,
    /// Further host names clients may use (`Host`), beside those of `public_url` and `listen`.
    pub hosts: Vec<String>,
    /// Web origins that may call (`Origin`), as in `https://app.example.com`; none by default.
    pub origins: Vec<String>,
    /// Whose tokens are accepted. At least one.
    pub issuers: Vec<Issuer>,
    /// The access policy, in the form of the reference's `scopes.yml`.
    pub policy: PathBuf,
    /// A second policy that decides nothing: what it would have refused is recorded.
    pub shadow: Option<PathBuf>,
    /// What `tools/list` and the other lists show.
    pub list_visibility: Visibility,
    /// The folder of the registry's server files (`*.json`, `server_state.json`).
    pub servers: PathBuf,
    /// The variables of the environment that servers' files may name in their headers (`$NAME`); none by default. None of
    /// mcpauth's own secrets, even if it is named here.
    pub header_variables: Vec<String>,
    /// What a server's file cannot say, by the server's name (its path without slashes).
    pub upstreams: BTreeMap<String, Upstream>,
    /// A file of at least 32 random bytes or characters (line ends after text do not count), 0600, that binds legacy
    /// sessions to their callers; gateways behind one address share it. Without it a random key is made at each start.
    pub session_key: Option<PathBuf>,
    /// A file of `jti`, `sub` or `client_id` values that are refused, one a line (`jti: VALUE`).
    pub revoked: Option<PathBuf>,
    /// Certificate and key; without them the gateway speaks plain http.
    pub tls: Option<Tls>,
    /// Limits on what one request, one caller and all together may use.
    pub limits: Limits,
    /// How servers are watched.
    pub health: Health,
    /// Where a line for each decision goes: a file's path, `-` for stdout, or `off`.
    pub audit: String,
    /// What becomes of a request whose line cannot be written: on a full disk, say.
    pub audit_failure: AuditFailure,
    /// Threads that serve requests; one a core if absent.
    pub workers: Option<usize>,
    /// Plain http to issuers on other machines is meant.
    pub allow_http: bool,
}

/// Why there are no settings.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{path}: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: String,
    },
    /// The file says something that settings cannot say.
    #[error("{path}:{line}:{column}: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// What is wrong.
        reason: String,
    },
}

impl Settings {
    /// The settings of a file, its paths made relative to its own folder.
    ///
    /// # Errors
    /// [`SettingsError`]; unknown and repeated keys are errors too, because a misspelt limit would be no limit.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = regular_file::read_text(path, MOST)
            .map_err(|e| SettingsError::Unreadable { path: path.into(), cause: e.to_string() })?;
        let mut settings = Self::parse(&text).map_err(|e| malformed(path, &e))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for path in settings.paths() {
            *path = folder.join(&*path);
        }
        if !matches!(settings.audit.as_str(), "-" | "off" | "") {
            settings.audit = folder.join(&settings.audit).to_string_lossy().into_owned();
        }
        Ok(settings)
    }

    /// The address clients type, without a slash at its end.
    pub fn address(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let own = || format!("{scheme}://{}", self.listen);
        self.public_url.as_ref().map_or_else(own, |url| url.trim_end_matches('/').to_owned())
    }

    /// An empty file is one that says nothing, as `{}`.
    fn parse(text: &str) -> Result<Self, serde_saphyr::Error> {
        Ok(serde_saphyr::from_str::<Option<Self>>(text)?.unwrap_or_default())
    }

    /// Every path in them but the audit file's, which may be a word.
    fn paths(&mut self) -> Vec<&mut PathBuf> {
        let mut paths = vec![&mut self.policy, &mut self.servers];
        paths.extend([&mut self.shadow, &mut self.session_key, &mut self.revoked].into_iter().flatten());
        paths.extend(self.tls.iter_mut().flat_map(|tls| [&mut tls.certificate, &mut tls.key]));
        let introspections = self.issuers.iter_mut().filter_map(|issuer| issuer.introspection.as_mut());
        paths.extend(introspections.map(|introspection| &mut introspection.client_secret));
        paths
    }
}

fn malformed(path: &Path, error: &serde_saphyr::Error) -> SettingsError {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    // The first line says what is wrong; the place is said before it, and what the reader's own options could do about
    // repeated keys is nothing for people.
    let message = error.without_snippet().to_string();
    let reason = message.lines().next().unwrap_or_default();
    let reason = reason.rsplit_once(" at line ").map_or(reason, |(reason, _)| reason);
    let reason =
        reason.split_once(", set DuplicateKeyPolicy").map_or(reason, |(reason, _)| reason).to_owned();
    SettingsError::Malformed { path: path.into(), line, column, reason }
}

/// One authorization server whose tokens are accepted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The issuer identifier, compared byte for byte with `iss`.
    pub issuer: String,
    /// Whose habits its tokens have.
    #[serde(default)]
    pub kind: Kind,
    /// Where its keys are; found by discovery if absent.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// What `aud` must name (one of these).
    #[serde(default)]
    pub audience: Vec<String>,
    /// The clients whose tokens are accepted: `client_id` for Cognito, `azp` for Keycloak tokens that name no audience.
    #[serde(default)]
    pub clients: Vec<String>,
    /// The signature algorithms accepted.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// Require the header `typ: at+jwt` (RFC 9068).
    #[serde(default)]
    pub require_at_jwt: bool,
    /// Claims that hold groups: names, or JSON pointers as in `/realm_access/roles`. By the kind if empty.
    #[serde(default)]
    pub groups_claims: Vec<String>,
    /// How far clocks may differ, in seconds; 60 at most.
    #[serde(default = "leeway", deserialize_with = "in_seconds")]
    #[schemars(range(max = 60), extend("type" = ["integer", "string"]))]
    pub leeway: u32,
    /// Ask the issuer about each token (RFC 7662) instead of verifying signatures: for opaque tokens.
    #[serde(default)]
    pub introspection: Option<Introspection>,
}

/// Whose habits an issuer's tokens have.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Amazon Cognito user pools: `token_use`, `client_id`, no `aud`.
    Cognito,
    /// Keycloak: `typ: Bearer` in the payload, `azp`.
    Keycloak,
    /// RFC 9068, or whatever names its audience.
    #[default]
    Oidc,
}

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037). There is no symmetric one: a gateway holds no signing secrets.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl Algorithm {
    /// All of them: every signature there is a verification for.
    pub const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];
}

/// RFC 7662.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Introspection {
    /// The endpoint; found by discovery if absent.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The gateway's own client at the issuer.
    pub client_id: String,
    /// A file with its secret, 0600.
    pub client_secret: PathBuf,
    /// How long an answer is believed, in seconds; never past the token's own end.
    #[serde(default = "believed", deserialize_with = "in_seconds")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub cache: u32,
}

/// What becomes of a request whose audit line cannot be written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum AuditFailure {
    /// It is refused (503) until lines can be written again.
    #[default]
    Refuse,
    /// It goes on; the line is lost once too many wait, and counted.
    Continue,
}

/// What a list shows.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// What the caller may call, and what is named beside the list's own method.
    #[default]
    Granted,
    /// Everything, to whoever may list.
    All,
}

/// What is said of one server here, beside its file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    /// Where its outside credential comes from; by its `auth_type` if absent.
    pub egress: Option<Egress>,
    /// The egress credential of `stored`: the server name of its set; this server's own name if absent.
    pub credential: Option<String>,
    /// The only request headers that pass, beside MCP's own, content headers and tracing; all if absent.
    pub headers: Option<Vec<String>>,
    /// Send `X-User`, `X-Scopes` and the other identity headers.
    pub identity_headers: bool,
}

/// Where a server's outside credential comes from.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Egress {
    /// The caller's `Authorization` header passes.
    Passthrough,
    /// From the gateway's own store.
    Stored,
    /// None: the header is removed.
    None,
}

/// A certificate chain and its key, PEM, read again when they change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain.
    pub certificate: PathBuf,
    /// The key, 0600.
    pub key: PathBuf,
}

/// How servers are watched. A check opens nothing: an unhealthy server is 503, a healthy one still asks for everything.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// Seconds between checks; 0 for none.
    #[serde(deserialize_with = "in_seconds")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub interval: u64,
    /// Failures in a row after which a server counts as unhealthy.
    pub failures: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin: None,
            public_url: None,
            hosts: Vec::new(),
            origins: Vec::new(),
            issuers: Vec::new(),
            policy: "scopes.yml".into(),
            shadow: None,
            list_visibility: Visibility::default(),
            servers: "servers".into(),
            header_variables: Vec::new(),
            upstreams: BTreeMap::new(),
            session_key: None,
            revoked: None,
            tls: None,
            limits: Limits::default(),
            health: Health::default(),
            audit: "-".into(),
            audit_failure: AuditFailure::default(),
            workers: None,
            allow_http: false,
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self { interval: 30, failures: 3 }
    }
}

fn believed() -> u32 {
    30
}

#[cfg(test)]
mod tests;
