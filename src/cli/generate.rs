//! `mcpauth generate`: every configured flow concurrently, then the client configurations, then a summary. Not here:
//! each flow (see `vault`); each file (see `render`).

use clap::Args;

use crate::cli::args::BrowserArgs;
use crate::cli::flows::{self, FlowResults};
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::cli::report::{ConfigRow, RunReport, Skipped};
use crate::clients;
use crate::config::{Config, ConfigError, CredentialPlan};
use crate::credential::{CredentialKind, SERVER_URL};
use crate::error::{Error, Exit};
use crate::sys::browser::Browser;

/// Get every configured credential, then write the client configurations
///
/// Flows run in parallel. A flow that is not configured is skipped; one that is partly configured is reported with
/// what is missing. Valid tokens are reused, expired ones refreshed.
#[derive(Args, Debug, Default)]
#[command(after_help = "Examples:\n  mcpauth generate                     everything configured\n  \
                        mcpauth generate --ingress-only      only the gateway's token\n  \
                        mcpauth generate --provider NAME     egress for one provider\n  \
                        mcpauth generate --json | jq '.results[] | select(.status == \"failed\")'")]
pub(super) struct GenerateArgs {
    /// All flows (the default)
    #[arg(long, group = "which")]
    all: bool,
    /// Only the token for the MCP gateway
    #[arg(long, group = "which")]
    ingress_only: bool,
    /// Only the tokens of outside services
    #[arg(long, group = "which")]
    egress_only: bool,
    /// Only the Bedrock AgentCore tokens
    #[arg(long, group = "which")]
    agentcore_only: bool,
    /// Only the Keycloak agents' tokens
    #[arg(long, group = "which")]
    keycloak_only: bool,
    /// Ingress and egress
    #[arg(long, group = "which")]
    both: bool,
    /// Egress for this provider only [default: EGRESS_PROVIDER_NAME, else all]
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Get new tokens even if the stored ones are valid
    #[arg(short, long)]
    force: bool,
    /// Write .oauth-tokens/*.json, but no other program's files
    #[arg(long)]
    no_install: bool,
    #[command(flatten)]
    browser: BrowserArgs,
}

pub(super) fn run(args: &GenerateArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = given.config(out)?;
    let browser = flows::browser(&args.browser, &config);
    let known = FlowResults::default();
    let work = generate(&config, args, browser, out, &known);
    let done = flows::until_signal(out, work, |exit| RunReport::interrupted(exit, &known))?;
    Ok(done.report(out))
}

/// The main job.
pub(super) async fn generate(
    config: &Config,
    args: &GenerateArgs,
    browser: Option<Browser>,
    out: &Out,
    known: &FlowResults,
) -> Result<RunReport, Error> {
    // A provider that does not exist is a typing error, not one without sets.
    if let Some(name) = &args.provider {
        config.raw_provider(name)?;
    }
    let kinds = args.kinds();
    let mut planned = config.plan(&kinds, config.wanted_provider(args.provider.as_deref()));
    // What a person got for themselves is not the project's: it must not keep a project from its tokens.
    planned.retain(CredentialPlan::is_of_project);
    if planned.is_empty() {
        return Err(match kinds[..] {
            [kind] => ConfigError::NotConfigured(kind.name()),
            _ => ConfigError::NothingConfigured,
        }
        .into());
    }
    let without_gateway = config.registry_url.is_none() && planned.iter().any(is_for_gateway);
    let vault = out.context().vault(config, browser)?;
    let rows = flows::run(&vault, planned, args.force, out, known).await;
    // The tokens exist in any case, and their rows must not be lost with the configurations.
    let configs = clients::write_all(config, &vault.store, !args.no_install, out)
        .unwrap_or_else(|error| vec![ConfigRow::none(config, error)]);
    let mut done = RunReport::new(&kinds, rows, configs);
    if without_gateway {
        done.skip(Skipped::configurations());
    }
    Ok(done)
}

/// Whether a flow's token is sent to the gateway; servers logged in to by address are elsewhere.
fn is_for_gateway(flow: &CredentialPlan) -> bool {
    !flow.credential.as_ref().is_ok_and(|credential| credential.facts.contains_key(SERVER_URL))
}

impl GenerateArgs {
    fn kinds(&self) -> Vec<CredentialKind> {
        match self {
            Self { ingress_only: true, .. } => vec![CredentialKind::Ingress],
            Self { egress_only: true, .. } => vec![CredentialKind::Egress],
            Self { agentcore_only: true, .. } => vec![CredentialKind::AgentCore],
            Self { keycloak_only: true, .. } => vec![CredentialKind::Agent],
            Self { both: true, .. } => vec![CredentialKind::Ingress, CredentialKind::Egress],
            _ => CredentialKind::ALL.to_vec(),
        }
    }
}
