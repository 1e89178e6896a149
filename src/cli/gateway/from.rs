//! Where the gateway's settings and policy are, as typed. Not here: reading them (see `deployment`).

use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::Config;
use crate::deployment;
use crate::error::Error;
use crate::policy::Policy;

/// Where the gateway's settings are.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct From {
    /// The gateway's settings [default: ./gateway.yaml, else the environment]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Which policy to use.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct PolicyFrom {
    #[command(flatten)]
    from: From,
    /// This policy instead of the gateway's
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl From {
    pub(super) fn named(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

impl PolicyFrom {
    /// The gateway's settings file, if one is named.
    pub(super) fn named(&self) -> Option<&Path> {
        self.from.named()
    }

    pub(super) fn read(&self, config: &Config) -> Result<(PathBuf, Policy), Error> {
        deployment::policy_of(self.policy.as_deref(), self.named(), config)
    }
    /// What tells whether a server with a name exists: it has a file, or an entry of this policy names it.
    pub(super) fn servers<'p>(&self, config: &Config, policy: &'p Policy) -> impl Fn(&str) -> bool + 'p {
        let servers = deployment::server_names(self.named(), config);
        move |name| match &servers {
            _ if policy.servers().contains(name) => true,
            Some(servers) => servers.iter().any(|server| server == name),
            // Without the server files it is not known which servers an entry for all of them covers.
            None => policy.is_about_every_server(),
        }
    }
}
