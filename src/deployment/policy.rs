//! The policy of the gateway configured here, or another one that is named, and reading named files. Not here: what a
//! policy means (see `policy`).

use std::path::{Path, PathBuf};

use super::prepare;
use crate::config::Config;
use crate::error::Error;
use crate::gateway::servers::{MCPGW, MCPGW_TITLE};
use crate::gateway::settings;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::registry::RegisteredServer;
use crate::sys::regular_file;

/// The policy at `path`; without a path that of the gateway, whose settings may be `named`.
///
/// # Errors
/// If it cannot be read, or is not a policy.
pub(crate) fn policy_of(
    path: Option<&Path>,
    named: Option<&Path>,
    config: &Config,
) -> Result<(PathBuf, Policy), Error> {
    let path = match path {
        Some(path) => path.to_owned(),
        None => prepare::without_issuers(named, config)?.policy,
    };
    let policy = Policy::parse(&text_of(&path, "name the policy with --policy FILE")?).map_err(|e| {
        let message = format!("{}: {e}", path.display());
        Error::Usage { message, hint: "correct the policy, then run: mcpauth gateway check".into() }
    })?;
    Ok((path, policy))
}

/// The names of the servers that have files; `None` if they cannot be read.
pub(crate) fn server_names(named: Option<&Path>, config: &Config) -> Option<Vec<String>> {
    let settings = prepare::without_issuers(named, config).ok()?;
    let (servers, problems) = prepare::reachable_servers(named, &settings, config);
    let names = servers.into_iter().map(|server| server.name).collect();
    (!problems.iter().any(Problem::is_error)).then_some(names)
}

/// The gateway's own MCP server, where the gateway configured in this folder answers for it and its policy gives it to anybody.
pub(crate) fn own_server(config: &Config) -> Option<RegisteredServer> {
    let settings = prepare::is_here(config).then(|| prepare::without_issuers(None, config))?.ok()?;
    let (_, policy) = policy_of(Some(&settings.policy), None, config).ok()?;
    let is_given = policy.servers().contains(MCPGW) || policy.is_about_every_server();
    let is_there = is_given && settings.mcpgw.is_built_in(false);
    is_there.then(|| RegisteredServer::named(MCPGW, MCPGW_TITLE))
}

/// A file named on the command line, as text.
pub(crate) fn text_of(path: &Path, hint: &str) -> Result<String, Error> {
    let unreadable = |e: std::io::Error| {
        let message = format!("{}: {e}", path.display());
        Error::Usage { message, hint: hint.into() }
    };
    regular_file::read_text(path, settings::MAX_SETTINGS_FILE).map_err(unreadable)
}
