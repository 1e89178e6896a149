//! The gateway's issuer where no `gateway.yaml` names one: the identity provider that the ingress settings are about, with
//! a rule on whom its tokens are for. It leaves checking it to the gateway.

use crate::config::{Config, ConfigError};
use crate::gateway::settings::{IssuerSettings, RulesError, TokenProfile};

/// The issuer of the ingress settings.
///
/// # Errors
/// [`ConfigError`] naming the variable, also where nothing would say whom tokens are for.
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
        // The tokens of these settings are for machines, and name no server.
        (None, TokenProfile::Keycloak) if unsaid => "KEYCLOAK_M2M_CLIENT_ID",
        (None, TokenProfile::Oidc) if issuer.audience.is_empty() => "MCPAUTH_GATEWAY_AUDIENCE",
        // Any other fault is among the settings' problems.
        _ => return Ok(issuer),
    };
    let what = format!("the gateway's rule on whom tokens of {} are for", config.auth_provider());
    Err(ConfigError::Missing { what, variables: vec![missing.into()] })
}
