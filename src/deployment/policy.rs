//! The policy of the gateway that is set up here, or another one that is named, and the text of files that are named. It leaves
//! what a policy means to `policy`.

use std::path::{Path, PathBuf};

use super::prepare;
use crate::config::Config;
use crate::error::Error;
use crate::gateway::settings;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::sys::regular_file;

/// The policy at `path`, or without one the gateway's, whose settings may be `named`.
///
/// # Errors
/// If it cannot be read, or is none.
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

/// The names of the servers that there are files of; `None` where they cannot be read.
pub(crate) fn server_names(named: Option<&Path>, config: &Config) -> Option<Vec<String>> {
    let settings = prepare::without_issuers(named, config).ok()?;
    let (servers, problems) = prepare::reachable_servers(named, &settings, config);
    let names = servers.into_iter().map(|server| server.name).collect();
    (!problems.iter().any(Problem::is_error)).then_some(names)
}

/// A file that was named, as text.
pub(crate) fn text_of(path: &Path, hint: &str) -> Result<String, Error> {
    let unreadable = |e: std::io::Error| {
        let message = format!("{}: {e}", path.display());
        Error::Usage { message, hint: hint.into() }
    };
    regular_file::read_text(path, settings::MAX_SETTINGS_FILE).map_err(unreadable)
}
