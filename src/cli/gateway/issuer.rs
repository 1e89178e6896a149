//! The gateway's issuer where no `gateway.yaml` names one: the identity provider that the ingress settings are about, with
//! a rule on whom its tokens are for. It leaves checking it to the gateway.

use crate::config::{Config, ConfigError};
use crate::gateway::settings::{IssuerSettings, RulesError, TokenProfile};

/// The issuer of the ingress settings.
///
/// # Errors
/// [`ConfigError`] naming the variable, also where nothing would say whom tokens are for.
pub(super) fn from_settings(config: &Config) -> Result<IssuerSettings, ConfigError> {
    let (kind, own_clients): (_, &[&str]) = match config.auth_provider() {
        "keycloak" => (TokenProfile::Keycloak, &["KEYCLOAK_M2M_CLIENT_ID", "KEYCLOAK_CLIENT_ID"]),
        "oidc" => (TokenProfile::Oidc, &[]),
        _ => (TokenProfile::Cognito, &["INGRESS_OAUTH_CLIENT_ID"]),
    };
    let issuer = config.ingress_issuer()?;
    let set =
        |names: &[&str]| names.iter().filter_map(|name| config.settings.get(name)).flat_map(words).collect();
    let mut clients: Vec<String> = set(own_clients);
    clients.extend(set(&["MCPAUTH_GATEWAY_CLIENTS"]));
    clients.dedup();
    let audience: Vec<String> = set(&[audience_variable(config)]);
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

/// What the ingress client asks for is, for oidc, what its tokens will name.
fn audience_variable(config: &Config) -> &'static str {
    let own = config.settings.get("MCPAUTH_GATEWAY_AUDIENCE").is_some();
    if own || config.auth_provider() != "oidc" {
        "MCPAUTH_GATEWAY_AUDIENCE"
    } else {
        "INGRESS_OAUTH_AUDIENCE"
    }
}

/// Words separated by blanks or commas.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split([' ', ',', '\t']).filter(|word| !word.is_empty()).map(str::to_owned)
}
