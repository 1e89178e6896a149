//! `gateway.yaml` as values. Not here: validation (see `check`); the published schema (see `schema`); the environment
//! (see `cli`).

mod changes;
mod check;
mod face;
mod issuer;
mod limits;
mod mcpgw;
mod network;
mod renamed;
pub mod schema;
mod search;
mod vending;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::changes::RawSettings;
pub use self::face::{Face, OfficialApi};
pub use self::issuer::{Algorithm, Introspection, IssuerSettings, RulesError, TokenProfile};
pub use self::limits::Limits;
pub(super) use self::limits::most;
pub use self::mcpgw::{Mcpgw, ServeMcpgw};
pub use self::network::Network;
pub use self::search::{Embeddings, Search};
pub use self::vending::Vending;
use crate::quantity::{an_address, in_seconds, maybe_an_address};
use crate::sys::regular_file;

/// The largest `gateway.yaml` and policy, in bytes: a policy for 1,000 servers with 50 tools each has 3 MiB.
pub const MAX_SETTINGS_FILE: u64 = 64 << 20;

/// Everything in `gateway.yaml`. Paths are relative to the file's own folder.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GatewaySettings {
    /// Where clients connect.
    #[serde(deserialize_with = "an_address")]
    pub listen: SocketAddr,
    /// Where `/metrics` is served, with `/healthz` and `/readyz`; nowhere if absent.
    #[serde(deserialize_with = "maybe_an_address")]
    pub admin: Option<SocketAddr>,
    /// The address that clients type, as in `https://gateway.example.com`, with the path that it is at if a proxy gives it one,
    /// as in `https://example.com/mcp`; `http://` and `listen` if absent.
    pub public_url: Option<String>,
    /// Further host names that clients may use (`Host`), in addition to those of `public_url` and `listen`.
    pub hosts: Vec<String>,
    /// Web origins that may call (`Origin`), as in `https://app.example.com`, and those of programs with pages of their own,
    /// as in `tauri://localhost`, or `vscode-webview://*` where the program makes up the host; none by default.
    pub origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` or `Forwarded` (RFC 7239) is trusted, as addresses or networks (`10.0.0.0/8`): the
    /// audit and the limits per address then use the forwarded address. None by default.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<Network>,
    /// The authorization servers whose tokens are accepted. At least one.
    pub issuers: Vec<IssuerSettings>,
    /// The access policy, in the format of the registry's `scopes.yml`.
    pub policy: PathBuf,
    /// A second policy that decides nothing; what it would deny is recorded.
    pub shadow: Option<PathBuf>,
    /// What `tools/list` and the other lists show.
    pub list_visibility: Visibility,
    /// The folder of the registry's server files (`*.json`, `server_state.json`).
    pub servers: PathBuf,
    /// The environment variables that servers' files may use in their headers (`$NAME`); none by default. Never
    /// mcpauth's own secrets, even if they are named here.
    pub header_variables: Vec<String>,
    /// Settings that a server's file cannot have, by the server's name (its path without slashes).
    pub upstreams: BTreeMap<String, UpstreamSettings>,
    /// The gateway's own MCP server at `/mcpgw/mcp`: `builtin` for the gateway itself, `forward` for the server of the registry's
    /// `mcpgw.json`, or a table. If absent, the server that `mcpgw.json` has an address for, else the gateway itself.
    pub mcpgw: Mcpgw,
    /// How its `intelligent_tool_finder` searches: by words, and by meaning if there is a model.
    pub search: Search,
    /// A file of at least 32 random bytes or characters (line ends after text do not count), owned by root or this
    /// user and readable only by it or by one group that it is in, that binds legacy sessions to their callers;
    /// gateways behind one address share it. Without it a random key is made at each start.
    pub session_key: Option<PathBuf>,
    /// A file of `jti`, `sub`, `client_id` or `sid` values to reject, one per line (`jti: VALUE`). With `vending` it is `revoked`
    /// next to the ledger if absent, with `face` next to its `providers`. A session of the pages is `sid: VALUE`.
    pub revocation_list: Option<PathBuf>,
    /// Lets callers have tokens of the gateway's own, narrower than theirs (`mcpauth gateway token`); not if absent.
    pub vending: Option<Vending>,
    /// Pages for people: who may use what, and why; none if absent.
    pub face: Option<Face>,
    /// Certificate and key; without them the gateway serves plain http.
    pub tls: Option<Tls>,
    /// Limits for one request, one caller and all together.
    pub limits: Limits,
    /// How servers are monitored.
    pub health: Health,
    /// Where audit lines go: a file's path, `-` for stdout, or `off`.
    pub audit: String,
    /// What happens to a request whose audit line cannot be written, for example on a full disk.
    pub audit_failure: AuditFailure,
    /// Threads that serve requests; one per core if absent.
    pub workers: Option<usize>,
    /// Allow plain http to issuers on other machines.
    pub allow_http: bool,
    /// The file with these settings, if there is one: it is watched for changes.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// Why there are no settings.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{path}: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        cause: String,
    },
    /// The file contains an invalid setting.
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

impl GatewaySettings {
    /// The settings in a file, with its paths made relative to its own folder.
    ///
    /// # Errors
    /// [`SettingsError`]; unknown and repeated keys are errors too, because a misspelt limit would be no limit.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text =
            regular_file::read_text(path, MAX_SETTINGS_FILE).map_err(|error| unreadable(path, &error))?;
        let mut settings = Self::parse(&text).map_err(|e| malformed(path, &e))?;
        settings.file = Some(path.into());
        let folder = path.parent().unwrap_or(Path::new(""));
        for (_, path) in settings.paths() {
            *path = folder.join(&*path);
        }
        if !matches!(settings.audit.as_str(), "-" | "off" | "") {
            settings.audit = folder.join(&settings.audit).to_string_lossy().into_owned();
        }
        Ok(settings)
    }

    /// The address that clients type, without a trailing slash.
    pub fn address(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let own = || format!("{scheme}://{}", self.listen);
        self.public_url.as_ref().map_or_else(own, |url| url.trim_end_matches('/').to_owned())
    }

    /// Where revoked tokens are listed, if anywhere.
    pub fn revocations(&self) -> Option<PathBuf> {
        let ledger = self.vending.as_ref().map(|vending| &vending.ledger);
        let sibling = ledger.or(self.face.as_ref().map(|face| &face.providers));
        self.revocation_list.clone().or_else(|| Some(sibling?.with_file_name("revoked")))
    }

    /// An empty file is equal to `{}`.
    fn parse(text: &str) -> Result<Self, serde_saphyr::Error> {
        Ok(serde_saphyr::from_str::<Option<Self>>(text)?.unwrap_or_default())
    }

    /// Every path in them by its key, except the audit file's, which may be a keyword.
    pub(crate) fn paths(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        let mut paths = vec![("policy", &mut self.policy), ("servers", &mut self.servers)];
        paths.extend(self.shadow.iter_mut().map(|path| ("shadow", path)));
        paths.extend(self.session_key.iter_mut().map(|path| ("session_key", path)));
        paths.extend(self.revocation_list.iter_mut().map(|path| ("revocation_list", path)));
        let vending = self.vending.iter_mut();
        paths.extend(
            vending.flat_map(|one| [("vending.key", &mut one.key), ("vending.ledger", &mut one.ledger)]),
        );
        let embeddings = self.search.embeddings.iter_mut();
        paths.extend(embeddings.flat_map(|one| {
            let key_file = one.key_file.as_mut().map(|path| ("search.embeddings.key_file", path));
            std::iter::once(("search.embeddings.vectors", &mut one.vectors)).chain(key_file)
        }));
        paths.extend(self.face.iter_mut().map(|face| ("face.providers", &mut face.providers)));
        let tls = self.tls.iter_mut();
        paths.extend(
            tls.flat_map(|tls| [("tls.certificate", &mut tls.certificate), ("tls.key", &mut tls.key)]),
        );
        let introspections = self.issuers.iter_mut().filter_map(|issuer| issuer.introspection.as_mut());
        paths.extend(introspections.map(|one| ("introspection.client_secret", &mut one.client_secret)));
        paths
    }
}

fn unreadable(path: &Path, error: &io::Error) -> SettingsError {
    SettingsError::Unreadable { path: path.into(), cause: error.to_string() }
}

fn malformed(path: &Path, error: &serde_saphyr::Error) -> SettingsError {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    // The first line says what is wrong; the position is shown before it, and the parser's advice about its own
    // options is useless to people.
    let message = error.without_snippet().to_string();
    let reason = message.lines().next().unwrap_or_default();
    let reason = reason.rsplit_once(" at line ").map_or(reason, |(reason, _)| reason);
    let reason = reason.split_once(", set DuplicateKeyPolicy").map_or(reason, |(reason, _)| reason);
    let reason = renamed::explain(reason).unwrap_or_else(|| reason.to_owned());
    SettingsError::Malformed { path: path.into(), line, column, reason }
}

/// What happens to a request whose audit line cannot be written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum AuditFailure {
    /// It is refused (503) until lines can be written again.
    #[default]
    Refuse,
    /// It continues; the line is lost once too many wait, and counted.
    Continue,
}

/// What a list shows.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// What the caller may call, and what is named next to the list's own method.
    #[default]
    Granted,
    /// Everything, to callers that may list.
    All,
}

/// Settings for one server, in addition to its file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamSettings {
    /// Where its egress credential comes from; by its `auth_type` if absent.
    pub egress: Option<EgressMode>,
    /// The egress credential of `stored`: the server name of its set; by default this server's own name.
    pub credential: Option<String>,
    /// The only request headers that pass, in addition to MCP's own, content headers and tracing. If absent, all pass, but those like
    /// `X-User-Id` and `X-Auth-Token` only to a server that takes the caller's own credentials.
    pub headers: Option<Vec<String>>,
    /// Send `X-User`, `X-Scopes` and the other identity headers.
    pub identity_headers: bool,
}

/// Where a server's egress credential comes from.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum EgressMode {
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
    /// The key: of root or this user, readable by it alone or by one group that it is in.
    pub key: PathBuf,
}

/// How servers are monitored. A check grants nothing: requests to an unhealthy server get 503, and requests to a
/// healthy one still need everything.
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

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin: None,
            public_url: None,
            hosts: Vec::new(),
            origins: Vec::new(),
            trusted_proxies: Vec::new(),
            issuers: Vec::new(),
            policy: "scopes.yml".into(),
            shadow: None,
            list_visibility: Visibility::default(),
            servers: "servers".into(),
            header_variables: Vec::new(),
            upstreams: BTreeMap::new(),
            mcpgw: Mcpgw::default(),
            search: Search::default(),
            session_key: None,
            revocation_list: None,
            vending: None,
            face: None,
            tls: None,
            limits: Limits::default(),
            health: Health::default(),
            audit: "-".into(),
            audit_failure: AuditFailure::default(),
            workers: None,
            allow_http: false,
            file: None,
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self { interval: 30, failures: 3 }
    }
}

/// Whether a header can use such a variable.
pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(is_name)
}

pub(crate) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests;
