//! `mcpauth egress`: log in to outside services.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::BrowserArgs;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::cli::{flows, ingress};
use crate::config::{Config, ConfigError, CredentialPlan};
use crate::credential::{Credential, CredentialKind};
use crate::error::{Error, Exit};
use crate::given::secret_from;
use crate::text::clean;

/// Log in to outside services (authorization code with PKCE) and store their tokens
///
/// Without a selection, every egress set. A valid token is reused, and an expired one refreshed if the provider allows
/// it; the browser opens only if neither works.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth egress SERVER\n  mcpauth egress --provider NAME --site my-team\n  \
                        mcpauth egress --config-set 2 --no-browser   over SSH: paste the answer"
)]
pub(super) struct EgressArgs {
    /// Only the set for this MCP server; or the sets of this provider, where no server has the name
    #[arg(value_name = "SERVER", conflicts_with_all = ["provider", "config_set", "server_name"])]
    name: Option<String>,
    /// Only the sets of this provider
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Only the set with this number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100), conflicts_with = "provider")]
    config_set: Option<u8>,
    /// The MCP server the token is for; sets the file's name
    #[arg(long, visible_alias = "mcp-server-name", value_name = "NAME")]
    server_name: Option<String>,
    /// The site to use if one login covers several: name, URL or id
    #[arg(long, value_name = "SITE")]
    site: Option<String>,
    /// Log in again even if the stored token is valid
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
    // A provider that does not exist is a typing error, not one without sets.
    if let Some(name) = &args.provider {
        config.raw_provider(name)?;
    }
    if let Some(n) = args.config_set.map(usize::from).filter(|n| !config.has_egress_set(*n)) {
        return Err(config.no_egress_set(format!("egress set {n}"), Some(n)).into());
    }
    let mut planned = plan(args, &config);
    if args.server_name.is_some() {
        // A server that was logged in to by its address has its name already.
        planned.retain(|flow| !flow.credential.as_ref().is_ok_and(Credential::is_registered));
    }
    if let (Some(server), [_]) = (&args.server_name, &planned[..]) {
        let n = planned.first().and_then(|flow| set_of(&flow.credential)).unwrap_or(suffix);
        config.set(format!("EGRESS_MCP_SERVER_NAME{n}"), server.as_str());
        planned = plan(args, &config);
    } else if args.server_name.is_some() {
        let hint = "choose one with --config-set N or --provider NAME".into();
        return Err(Error::Usage {
            message: "--server-name is for one set, but several are selected".into(),
            hint,
        });
    }
    if planned.is_empty() {
        let wanted =
            args.name.as_deref().or(config.wanted_provider(args.provider.as_deref())).unwrap_or_default();
        return Err(config.no_egress_set(format!("egress set for {}", clean(wanted, 100)), None).into());
    }
    ingress::run_planned(&config, planned, flows::browser(&args.browser, &config), args.force, out)
}

fn plan(args: &EgressArgs, config: &Config) -> Vec<CredentialPlan> {
    match (args.config_set, &args.name) {
        (Some(n), _) => vec![config.egress_set(n.into())],
        (None, Some(name)) => named(config.plan(&[CredentialKind::Egress], None), name),
        (None, None) => {
            let mut planned =
                config.plan(&[CredentialKind::Egress], config.wanted_provider(args.provider.as_deref()));
            planned.retain(CredentialPlan::is_of_project);
            planned
        }
    }
}

/// The flows for the server of this name, else those of the provider of this name.
fn named(planned: Vec<CredentialPlan>, name: &str) -> Vec<CredentialPlan> {
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    let of_server = |flow: &CredentialPlan| {
        flow.credential.as_ref().is_ok_and(|one| one.id.server.as_deref().is_some_and(is))
    };
    let of_provider = |flow: &CredentialPlan| flow.credential.as_ref().is_ok_and(|one| is(&one.id.name));
    let (of_server, others): (Vec<_>, Vec<_>) = planned.into_iter().partition(of_server);
    if of_server.is_empty() { others.into_iter().filter(of_provider).collect() } else { of_server }
}

/// The suffix with a set's number, from its own command.
fn set_of(credential: &Result<crate::credential::Credential, ConfigError>) -> Option<String> {
    let number = credential.as_ref().ok()?.command.rsplit(' ').next()?.parse::<u8>().ok()?;
    Some(format!("_{number}"))
}
