//! `mcpauth egress`: log in to outside services.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::BrowserArgs;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::cli::{flows, ingress};
use crate::config::{Config, ConfigError};
use crate::credential::{CredentialKind, SERVER_URL};
use crate::error::{Error, Exit};
use crate::given::secret_from;
use crate::text::clean;

/// Log in to outside services (authorization code with PKCE) and keep their tokens
///
/// Without a choice, every egress set. A token that is still good is reused, an expired one refreshed if the provider
/// allows it; only then the browser opens.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth egress --provider NAME --site my-team\n  \
                        mcpauth egress --config-set 2 --no-browser     over SSH: open the address yourself, paste the answer")]
pub(super) struct EgressArgs {
    /// Only the sets of this provider
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Only set N of the numbered variables
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100), conflicts_with = "provider")]
    config_set: Option<u8>,
    /// The MCP server the token is for; names the file
    #[arg(long, visible_alias = "mcp-server-name", value_name = "NAME")]
    server_name: Option<String>,
    /// The site to use where one login covers several: name, URL or id
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// Log in again even if there is a good token
    #[arg(short, long)]
    force: bool,
    /// Read the client secret from this file, or from stdin for -
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    #[command(flatten)]
    browser: BrowserArgs,
}

pub(super) fn run(args: &EgressArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let mut settings = given.settings(out)?;
    let suffix = args.config_set.map(|n| format!("_{n}")).unwrap_or_default();
    if let Some(path) = &args.client_secret_file {
        settings.flag(format!("EGRESS_OAUTH_CLIENT_SECRET{suffix}"), secret_from(path)?);
    }
    if let Some(site) = &args.site {
        settings.flag(format!("EGRESS_SITE{suffix}"), site.as_str());
    }
    let mut config = Config::resolve(settings)?;
    // A provider that does not exist is a mistyped one, not one without sets.
    if let Some(name) = &args.provider {
        config.raw_provider(name)?;
    }
    if let Some(n) = args.config_set.map(usize::from).filter(|n| !config.has_egress_set(*n)) {
        return Err(config.no_egress_set(format!("egress set {n}"), Some(n)).into());
    }
    let mut planned = plan(args, &config);
    if args.server_name.is_some() {
        // What somebody logged in to by its address has its name already.
        planned.retain(|flow| !flow.credential.as_ref().is_ok_and(|one| one.facts.contains_key(SERVER_URL)));
    }
    if let (Some(server), [_]) = (&args.server_name, &planned[..]) {
        let n = planned.first().and_then(|flow| set_of(&flow.credential)).unwrap_or(suffix);
        config.set(format!("EGRESS_MCP_SERVER_NAME{n}"), server.as_str());
        planned = plan(args, &config);
    } else if args.server_name.is_some() {
        let hint = "choose one with --config-set N or --provider NAME".into();
        return Err(Error::Usage {
            message: "--server-name names one set, and several are meant".into(),
            hint,
        });
    }
    if planned.is_empty() {
        let wanted = config.wanted_provider(args.provider.as_deref()).unwrap_or_default();
        return Err(config.no_egress_set(format!("egress set for {}", clean(wanted, 100)), None).into());
    }
    ingress::run_planned(&config, planned, flows::browser(&args.browser, &config), args.force, out)
}

fn plan(args: &EgressArgs, config: &Config) -> Vec<crate::config::CredentialPlan> {
    match args.config_set {
        Some(n) => vec![config.egress_set(n.into())],
        None => config.plan(&[CredentialKind::Egress], config.wanted_provider(args.provider.as_deref())),
    }
}

/// The number at the end of a set's own command, with its underscore.
fn set_of(credential: &Result<crate::credential::Credential, ConfigError>) -> Option<String> {
    let number = credential.as_ref().ok()?.command.rsplit(' ').next()?.parse::<u8>().ok()?;
    Some(format!("_{number}"))
}
