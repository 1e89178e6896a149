//! `mcpauth agentcore`: tokens for Bedrock AgentCore gateways.

use clap::Args;

use crate::cli::given::Given;
use crate::cli::ingress;
use crate::cli::out::Out;
use crate::config::Config;
use crate::credential::CredentialKind;
use crate::error::{Error, Exit};
use crate::text::clean;

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
    /// The gateway with this number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100), group = "which")]
    gateway_index: Option<u8>,
    /// The audience, for servers that take JSON (Auth0)
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// Get new tokens even if the stored ones are valid
    #[arg(short, long)]
    force: bool,
}

pub(super) fn run(args: &AgentcoreArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let mut settings = given.settings(out)?;
    if let Some(audience) = &args.audience {
        settings.flag("AGENTCORE_AUDIENCE", audience.as_str());
    }
    let config = Config::resolve(settings)?;
    let mut planned = config.plan(&[CredentialKind::AgentCore], None);
    if let Some(name) = &args.gateway_name {
        planned.retain(|flow| flow.name.eq_ignore_ascii_case(&format!("agentcore {name}")));
    }
    if let Some(n) = args.gateway_index.map(usize::from) {
        let is_there = planned.iter().any(|flow| flow.set == Some(n));
        // A single gateway's file is its own.
        planned = if is_there { vec![config.agentcore_gateway(n)] } else { Vec::new() };
    }
    if planned.is_empty() {
        let name = args.gateway_name.as_ref().map(|name| format!("{:?}", clean(name, 100)));
        let which = name.or_else(|| args.gateway_index.map(|n| n.to_string())).unwrap_or_default();
        let n = args.gateway_index.map(usize::from);
        return Err(config.no_agentcore_gateway(format!("AgentCore gateway {which}"), n).into());
    }
    ingress::run_planned(&config, planned, None, args.force, out)
}
