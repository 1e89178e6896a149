//! `mcpauth agentcore`: tokens for Bedrock AgentCore gateways.

use clap::Args;

use crate::cli::ingress;
use crate::cli::out::Out;
use crate::config::{Config, ConfigError, Settings};
use crate::credential::Kind;
use crate::error::{Error, Exit};

/// Get tokens for Amazon Bedrock AgentCore gateways (client credentials)
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth agentcore\n  mcpauth agentcore --gateway-name sre-gateway --force"
)]
pub(super) struct AgentcoreArgs {
    /// Every configured gateway (the default)
    #[arg(long, group = "which")]
    all: bool,
    /// The gateway of this name, in any case
    #[arg(long, value_name = "NAME", group = "which")]
    gateway_name: Option<String>,
    /// Gateway N of the numbered variables
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100), group = "which")]
    gateway_index: Option<u8>,
    /// The audience, for servers that take JSON (Auth0)
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// Get new tokens even if there are good ones
    #[arg(short, long)]
    force: bool,
}

pub(super) fn run(args: &AgentcoreArgs, mut settings: Settings, out: &Out) -> Result<Exit, Error> {
    if let Some(audience) = &args.audience {
        settings.flag("AGENTCORE_AUDIENCE", audience);
    }
    let config = Config::resolve(settings)?;
    let mut planned = match args.gateway_index {
        Some(n) => vec![config.agentcore_gateway(n.into())],
        None => config.plan(&[Kind::AgentCore], None),
    };
    if planned.is_empty() {
        return Err(ConfigError::NotConfigured("agentcore").into());
    }
    if let Some(name) = &args.gateway_name {
        let wanted = format!("agentcore {name}");
        let known: Vec<String> = planned.iter().map(|flow| flow.name.clone()).collect();
        planned.retain(|flow| flow.name.eq_ignore_ascii_case(&wanted));
        if planned.is_empty() {
            let message = format!("there is no AgentCore gateway {:?}", crate::text::clean(name, 100));
            return Err(Error::Usage { message, hint: format!("there are: {}", known.join(", ")) });
        }
    }
    ingress::run_planned(&config, planned, None, args.force, out)
}
