//! Which policy is meant, and the text of files that are named. It leaves what a policy means to `policy`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::gateway::from::From;
use crate::cli::gateway::prepare;
use crate::cli::gateway::vouch::Word;
use crate::config::Config;
use crate::error::Error;
use crate::gateway::settings;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::sys::regular_file;

/// Which policy is meant.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct PolicyFrom {
    #[command(flatten)]
    pub(super) from: From,
    /// This policy instead of the gateway's
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
}

impl PolicyFrom {
    pub(super) fn read(&self, config: &Config) -> Result<(PathBuf, Policy), Error> {
        let path = match &self.policy {
            Some(path) => path.clone(),
            None => prepare::without_issuers(&self.from, config)?.policy,
        };
        let policy = Policy::parse(&text_of(&path, "name the policy with --policy FILE")?).map_err(|e| {
            let message = format!("{}: {e}", path.display());
            Error::Usage { message, hint: "correct the policy, then run: mcpauth gateway check".into() }
        })?;
        Ok((path, policy))
    }

    /// The names of the servers that there are files of; `None` where they cannot be read.
    pub(super) fn servers(&self, config: &Config) -> Option<Vec<String>> {
        let settings = prepare::without_issuers(&self.from, config).ok()?;
        let word = Word::new(&self.from, prepare::file(&self.from, config).as_deref(), config);
        let mut problems = Vec::new();
        let servers = prepare::servers(&settings, &word, config, &mut problems);
        let names = servers.into_iter().map(|server| server.name).collect();
        (!problems.iter().any(Problem::is_error)).then_some(names)
    }
}

/// A file that was named, as text.
pub(super) fn text_of(path: &Path, hint: &str) -> Result<String, Error> {
    let unreadable = |e: std::io::Error| {
        let message = format!("{}: {e}", path.display());
        Error::Usage { message, hint: hint.into() }
    };
    regular_file::read_text(path, settings::MAX_SETTINGS_FILE).map_err(unreadable)
}
