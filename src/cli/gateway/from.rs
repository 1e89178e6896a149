//! Where the gateway's settings are, as typed. Not here: reading them (see `prepare`).

use std::path::PathBuf;

use clap::Args;

/// Where the gateway's settings are.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct From {
    /// The gateway's settings [default: ./gateway.yaml, else the environment]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}
