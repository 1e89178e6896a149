//! What an issuer's settings must say for its tokens to be judged by them: above all, whom the tokens are for. It leaves
//! addresses to `check`, and tokens to `authn`.

use super::{Algorithm, Issuer, Kind};

/// The most that clocks may differ, in seconds.
const MOST_LEEWAY: u32 = 60;

/// Why an issuer's settings make no rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", self.key(), self.what())]
pub enum RulesError {
    /// The issuer, an audience, a client or a groups claim of no characters; which key.
    EmptyText(&'static str),
    /// Cognito's access tokens name no audience, so the clients are all there is to tell ours from others.
    CognitoClients,
    /// Nothing tells this gateway's tokens from those for others.
    NoAudience(Kind),
    /// Keycloak puts `account` into nearly every token.
    Account,
    /// Too forgiving.
    Leeway,
    /// Nothing could ever be verified.
    NoAlgorithms,
}

impl RulesError {
    /// The issuer's key that it is about.
    pub fn key(self) -> &'static str {
        match self {
            Self::EmptyText(key) => key,
            Self::CognitoClients => "clients",
            Self::NoAudience(_) | Self::Account => "audience",
            Self::Leeway => "leeway",
            Self::NoAlgorithms => "algorithms",
        }
    }

    /// What is wrong with it.
    pub fn what(self) -> &'static str {
        match self {
            Self::EmptyText(_) => "has an empty entry",
            Self::CognitoClients => {
                "is missing; a Cognito access token names its client alone, so any app of the pool would be let in"
            }
            Self::NoAudience(Kind::Keycloak) => {
                "is missing, and so is clients; any client of the realm would be let in"
            }
            Self::NoAudience(_) => "is missing; tokens meant for other services would be let in",
            Self::Account => "has account, which Keycloak puts into tokens for anybody",
            Self::Leeway => "is more than a minute",
            Self::NoAlgorithms => "is empty, so no signature could be verified",
        }
    }

    /// What to do.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::EmptyText(_) => "remove it",
            Self::CognitoClients => "list the app clients whose tokens are accepted: clients: [...]",
            Self::NoAudience(Kind::Keycloak) => {
                "set audience: [...] to what an audience mapper writes, or clients: [...]"
            }
            Self::NoAudience(_) => "set audience: [...] to what the issuer writes into aud for the gateway",
            Self::Account => "name the gateway's own audience, or list clients instead",
            Self::Leeway => "set 60 or less, and correct the clocks",
            Self::NoAlgorithms => "leave it out, or name RS256 or another",
        }
    }
}

impl Issuer {
    /// An issuer of which nothing more is said.
    pub fn new(issuer: String, kind: Kind) -> Self {
        Self {
            issuer,
            kind,
            jwks_uri: None,
            audience: Vec::new(),
            clients: Vec::new(),
            algorithms: algorithms(),
            require_at_jwt: false,
            accept_id_tokens: false,
            groups_claims: Vec::new(),
            leeway: leeway(),
            introspection: None,
        }
    }

    /// Why its tokens cannot be judged; nothing of it is to be served then.
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

    /// Without a rule on whom a token is for, any token of the issuer's would open the gateway.
    pub fn audience_fault(&self) -> Option<RulesError> {
        let (audience, clients) = (!self.audience.is_empty(), !self.clients.is_empty());
        match self.kind {
            Kind::Cognito if !clients => Some(RulesError::CognitoClients),
            Kind::Keycloak if self.audience.iter().any(|name| name == "account") => Some(RulesError::Account),
            Kind::Keycloak if !audience && !clients => Some(RulesError::NoAudience(self.kind)),
            // Whoever is asked about a token (RFC 7662) may answer with the client alone.
            Kind::Oidc if !(audience || clients && self.introspection.is_some()) => {
                Some(RulesError::NoAudience(self.kind))
            }
            _ => None,
        }
    }
}

/// The signature algorithms that are accepted if nothing is said.
pub(super) fn algorithms() -> Vec<Algorithm> {
    vec![Algorithm::RS256, Algorithm::ES256]
}

/// How far clocks may differ if nothing is said, in seconds.
pub(super) fn leeway() -> u32 {
    30
}
