//! An issuer's settings, and their validation: above all, which audience its tokens must have. Not here: which addresses may be
//! asked (see `check`); tokens (see `authn`).

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::fetchable;
use crate::problem::Problem;
use crate::quantity::in_seconds;

/// The largest allowed clock difference, in seconds.
const MOST_LEEWAY: u32 = 60;

/// One authorization server whose tokens are accepted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// The issuer identifier, compared byte for byte with `iss`.
    pub issuer: String,
    /// Token profile: which claims carry client, audience and groups.
    #[serde(default)]
    pub kind: TokenProfile,
    /// The URL of its keys; found by discovery if absent.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// The audiences that are valid for every server; `aud` must contain one. A token whose `aud` is the address of
    /// one server, at the gateway or its own, is valid only for that server, whether it is listed here or not.
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
    /// Accept tokens with `nonce`, `at_hash` or `c_hash`, which mark ID tokens, from an issuer that puts them into
    /// its access tokens, as Dex does. Its ID tokens with an accepted audience are then accepted as well. Only for
    /// `oidc`.
    #[serde(default)]
    pub accept_id_tokens: bool,
    /// The scopes that callers can request from it, if not those in its metadata (`scopes_supported`). Of the
    /// policy's scopes only these are published to clients.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Claims with groups: names, or JSON pointers as in `/realm_access/roles`. If empty, the default of the kind.
    #[serde(default)]
    pub groups_claims: Vec<String>,
    /// The accepted clock difference, in seconds; at most 60.
    #[serde(default = "leeway", deserialize_with = "in_seconds")]
    #[schemars(range(max = 60), extend("type" = ["integer", "string"]))]
    pub leeway: u32,
    /// Ask the issuer about each token (RFC 7662) instead of verifying signatures: for opaque tokens.
    #[serde(default)]
    pub introspection: Option<Introspection>,
}

/// The token profile of an issuer.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum TokenProfile {
    /// Amazon Cognito user pools: `token_use`, `client_id`, no `aud`.
    Cognito,
    /// Keycloak: `typ: Bearer` in the payload, `azp`.
    Keycloak,
    /// RFC 9068, or any issuer whose tokens name their audience.
    #[default]
    Oidc,
    /// The gateway's own, which no file configures.
    #[serde(skip)]
    Vended,
}

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037). There is no symmetric one: a gateway has no signing
/// secrets.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the RFC")]
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
    /// All of them: every signature that can be verified.
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
    /// A file with its secret: owned by root or this user, readable only by it or by one group that it is in.
    pub client_secret: PathBuf,
    /// How long an answer is cached, in seconds; never past the token's own expiry.
    #[serde(default = "believed", deserialize_with = "in_seconds")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub cache: u32,
}

/// Why an issuer's settings are invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", self.key(), self.what())]
pub enum RulesError {
    /// An empty issuer, audience, client or groups claim; which key.
    EmptyText(&'static str),
    /// Cognito's access tokens name no audience, so only the clients tell ours from others.
    CognitoClients,
    /// Keycloak puts `account` into nearly every token.
    Account,
    /// Too large.
    Leeway,
    /// Nothing could ever be verified.
    NoAlgorithms,
}

impl RulesError {
    /// The key of the issuer's settings that it is about.
    pub fn key(self) -> &'static str {
        self.words().0
    }

    /// What is wrong with it.
    pub fn what(self) -> &'static str {
        self.words().1
    }

    /// The remedy.
    pub fn remedy(self) -> &'static str {
        self.words().2
    }

    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::EmptyText(key) => (key, "has an empty entry", "remove it"),
            Self::CognitoClients => (
                "clients",
                "is missing; a Cognito access token names only its client, so any app of the pool would be accepted",
                "list the app clients whose tokens are accepted: clients: [...]",
            ),
            Self::Account => (
                "audience",
                "has account, which Keycloak puts into everyone's tokens",
                "name the gateway's own audience, or list clients instead",
            ),
            Self::Leeway => ("leeway", "is more than a minute", "set 60 or less, and correct the clocks"),
            Self::NoAlgorithms => (
                "algorithms",
                "is empty, so no signature could be verified",
                "remove it, or name RS256 or another",
            ),
        }
    }
}

impl IssuerSettings {
    /// An issuer with default settings.
    pub fn new(issuer: String, kind: TokenProfile) -> Self {
        Self {
            issuer,
            kind,
            jwks_uri: None,
            audience: Vec::new(),
            clients: Vec::new(),
            algorithms: algorithms(),
            require_at_jwt: false,
            accept_id_tokens: false,
            scopes: None,
            groups_claims: Vec::new(),
            leeway: leeway(),
            introspection: None,
        }
    }

    /// What is wrong with it, at its place among all settings.
    pub(super) fn check(&self, at: &str, allow_http: bool, found: &mut Vec<Problem>) {
        let mut error = |key: &str, what: &str, remedy: &str| {
            found.push(Problem::error(format!("{at}.{key}"), what, remedy));
        };
        if let Err(what) = fetchable(&self.issuer, allow_http) {
            error("issuer", what, "write it exactly as in the tokens' iss, an https URL");
        } else if self.issuer.contains(['?', '#']) {
            error(
                "issuer",
                "has a query or fragment (RFC 8414 section 2)",
                "write it exactly as in the tokens' iss",
            );
        }
        for (key, url) in [
            ("jwks_uri", self.jwks_uri.as_deref()),
            ("introspection.endpoint", self.introspection.as_ref().and_then(|i| i.endpoint.as_deref())),
        ] {
            if let Some(Err(what)) = url.map(|url| fetchable(url, allow_http)) {
                error(key, what, "use an https URL");
            }
        }
        for fault in self.faults() {
            // An empty issuer is reported as not being a URL.
            if fault != RulesError::EmptyText("issuer") {
                error(fault.key(), fault.what(), fault.remedy());
            }
        }
        if self.accept_id_tokens && self.kind != TokenProfile::Oidc {
            error(
                "accept_id_tokens",
                "is only for kind oidc; this kind's tokens carry their type",
                "remove it",
            );
        }
        if self.introspection.as_ref().is_some_and(|i| i.client_id.is_empty()) {
            error("introspection.client_id", "is empty", "name the gateway's own client at the issuer");
        }
    }

    /// Why its tokens cannot be checked; then nothing may be served.
    pub fn faults(&self) -> Vec<RulesError> {
        let asks = self.introspection.is_some();
        let empty = |list: &Vec<String>| list.iter().any(String::is_empty);
        let faults = [
            self.audience_fault(),
            self.issuer.is_empty().then_some(RulesError::EmptyText("issuer")),
            empty(&self.audience).then_some(RulesError::EmptyText("audience")),
            empty(&self.clients).then_some(RulesError::EmptyText("clients")),
            empty(&self.groups_claims).then_some(RulesError::EmptyText("groups_claims")),
            (self.algorithms.is_empty() && !asks).then_some(RulesError::NoAlgorithms),
            (self.leeway > MOST_LEEWAY).then_some(RulesError::Leeway),
        ];
        faults.into_iter().flatten().collect()
    }

    /// Which audience its tokens have, if that would accept tokens meant for others. Without a setting, a token is
    /// valid for the one server whose address is its audience.
    pub fn audience_fault(&self) -> Option<RulesError> {
        match self.kind {
            TokenProfile::Cognito if self.clients.is_empty() => Some(RulesError::CognitoClients),
            TokenProfile::Keycloak if self.audience.iter().any(|name| name == "account") => {
                Some(RulesError::Account)
            }
            _ => None,
        }
    }
}

/// The default signature algorithms.
fn algorithms() -> Vec<Algorithm> {
    vec![Algorithm::RS256, Algorithm::ES256]
}

/// The default clock difference, in seconds.
fn leeway() -> u32 {
    30
}

fn believed() -> u32 {
    30
}
