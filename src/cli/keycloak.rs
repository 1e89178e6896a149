//! `mcpauth keycloak`: tokens for Keycloak service accounts, one per agent.

use clap::Args;

use crate::cli::given::Given;
use crate::cli::ingress;
use crate::cli::out::Out;
use crate::config::{Config, ConfigError};
use crate::credential::CredentialKind;
use crate::error::{Error, Exit};

/// Get tokens for Keycloak agents, from agent-NAME.json in the tokens directory
///
/// Writes agent-NAME-token.json and agent-NAME.env (export lines for a shell), both readable only by you.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  mcpauth keycloak --agent-name agent-reader && . .oauth-tokens/agent-reader.env"
)]
pub(super) struct KeycloakArgs {
    /// The agent: its file's name without .json
    #[arg(long, value_name = "NAME", conflicts_with = "all_agents")]
    agent_name: Option<String>,
    /// Every agent with a file (the default)
    #[arg(long)]
    all_agents: bool,
    /// Keycloak's address, for files that name none
    #[arg(long, value_name = "URL")]
    keycloak_url: Option<String>,
    /// The realm, for files that name none
    #[arg(long, value_name = "REALM")]
    realm: Option<String>,
    /// Get new tokens even if the stored ones are valid
    #[arg(short, long)]
    force: bool,
}

pub(super) fn run(args: &KeycloakArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let mut settings = given.settings(out)?;
    for (name, value) in [("KEYCLOAK_ADMIN_URL", &args.keycloak_url), ("KEYCLOAK_REALM", &args.realm)] {
        if let Some(value) = value {
            settings.flag(name, value.as_str());
        }
    }
    let config = Config::resolve(settings)?;
    let planned = match &args.agent_name {
        Some(name) => vec![config.agent(name)],
        None => config.plan(&[CredentialKind::Agent], None),
    };
    if planned.is_empty() {
        return Err(ConfigError::NotConfigured("keycloak").into());
    }
    ingress::run_planned(&config, planned, None, args.force, out)
}
