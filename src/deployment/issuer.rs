//! The gateway's issuer if there is no `gateway.yaml`: the identity provider of the ingress settings, with an
//! audience rule for its tokens. Not here: checking it (see the gateway).

use crate::config::{Config, ConfigError};
use crate::gateway::settings::{IssuerSettings, RulesError, TokenProfile};

/// The issuer of the ingress settings.
///
/// # Errors
/// [`ConfigError`] naming the variable, also if nothing says which audience the tokens have.
pub(super) fn from_settings(config: &Config) -> Result<IssuerSettings, ConfigError> {
    let kind = match config.auth_provider() {
        "keycloak" => TokenProfile::Keycloak,
        "oidc" => TokenProfile::Oidc,
        _ => TokenProfile::Cognito,
    };
    let (issuer, clients, audience) =
        (config.ingress_issuer()?, config.gateway_clients(), config.gateway_audience());
    let issuer = IssuerSettings { audience, clients, ..IssuerSettings::new(issuer, kind) };
    let unsaid = issuer.audience.is_empty() && issuer.clients.is_empty();
    let missing = match (issuer.audience_fault(), kind) {
        (Some(RulesError::CognitoClients), _) => "INGRESS_OAUTH_CLIENT_ID",
        // With these settings the tokens are for machines and name no server.
        (None, TokenProfile::Keycloak) if unsaid => "KEYCLOAK_M2M_CLIENT_ID",
        (None, TokenProfile::Oidc) if issuer.audience.is_empty() => "MCPAUTH_GATEWAY_AUDIENCE",
        // Any other fault is among the settings' problems.
        _ => return Ok(issuer),
    };
    let what = format!("the gateway's audience rule for tokens of {}", config.auth_provider());
    Err(ConfigError::Missing { what, variables: vec![missing.into()] })
}
