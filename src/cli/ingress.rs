//! `mcpauth ingress`: only the token for the MCP gateway.

use std::path::PathBuf;

use clap::Args;

use crate::cli::flows::{self, FlowResults};
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::cli::report::RunReport;
use crate::config::{Config, CredentialPlan};
use crate::error::{Error, Exit};
use crate::given::secret_from;

/// Get the token that lets agents through the gateway (client credentials)
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  mcpauth ingress && jq -r .access_token .oauth-tokens/ingress.json")]
pub(super) struct IngressArgs {
    /// Get a new token even if the stored one is valid
    #[arg(short, long)]
    force: bool,
    /// Read the client secret from this file, or from stdin for -
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
}

pub(super) fn run(args: &IngressArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let mut settings = given.settings(out)?;
    if let Some(path) = &args.client_secret_file {
        let secret = secret_from(path)?;
        settings.flag("INGRESS_OAUTH_CLIENT_SECRET", secret.clone());
        settings.flag("KEYCLOAK_M2M_CLIENT_SECRET", secret);
    }
    let config = Config::resolve(settings)?;
    run_planned(&config, vec![config.ingress_plan()], None, args.force, out)
}

/// One verb's flows, without client configurations.
pub(super) fn run_planned(
    config: &Config,
    planned: Vec<CredentialPlan>,
    browser: Option<crate::sys::browser::Browser>,
    force: bool,
    out: &Out,
) -> Result<Exit, Error> {
    let vault = out.context().vault(config, browser)?;
    let known = FlowResults::default();
    let work = async {
        let rows = flows::run(&vault, planned, force, out, &known).await;
        Ok(RunReport::new(&[], rows, Vec::new()))
    };
    Ok(flows::until_signal(out, work, |exit| RunReport::interrupted(exit, &known))?.report(out))
}
