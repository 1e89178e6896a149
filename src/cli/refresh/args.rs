//! What is typed after `mcpauth refresh`.

use clap::{Args, ValueEnum};

use crate::config::{read_buffer, read_interval};
use crate::refresh::{Epoch, Supervisor};

const EXAMPLES: &str = "Examples:
  mcpauth refresh                          until it is told to stop (Ctrl-C, SIGTERM); SIGHUP looks again at once
  mcpauth refresh --once                   one pass, for cron; --force renews what is not due as well
  mcpauth refresh --unit systemd > ~/.config/systemd/user/mcpauth-refresh.service
  mcpauth refresh --on-login-needed 'notify-send \"$MCPAUTH_CREDENTIAL\" \"$MCPAUTH_COMMAND\"'";

/// Keep tokens fresh, and the client configurations with them
///
/// Each credential is renewed on its own time: a fifth of its life before its end, an hour before it at most. A browser
/// is never opened: a credential that needs a person is named once, with the command to type.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct RefreshArgs {
    /// One pass over everything that is due, then a summary
    #[arg(long, conflicts_with = "unit")]
    pub(super) once: bool,
    /// With --once: renew everything, due or not
    #[arg(short, long, requires = "once")]
    pub(super) force: bool,
    /// Time between two looks at the files, for what others did, as in 300 or 5m [default: TOKEN_REFRESH_INTERVAL, else 5m]
    #[arg(long, value_name = "TIME", value_parser = read_interval)]
    pub(super) interval: Option<Epoch>,
    /// Time before its end at which a token is renewed, a fifth of its life at most, as in 3600 or 1h
    /// [default: TOKEN_EXPIRY_BUFFER, else 1h]
    #[arg(long, value_name = "TIME", value_parser = read_buffer)]
    pub(super) buffer: Option<Epoch>,
    /// Run this by your shell when a person is needed, once each time; it finds MCPAUTH_CREDENTIAL and MCPAUTH_COMMAND
    /// in its environment
    #[arg(long, value_name = "CMD", conflicts_with = "once")]
    pub(super) on_login_needed: Option<String>,
    /// Write .oauth-tokens/*.json, but nothing into other programs' files
    #[arg(long)]
    pub(super) no_install: bool,
    /// Print a service file for this folder and these settings
    #[arg(long, value_enum, value_name = "KIND")]
    pub(super) unit: Option<ServiceManager>,
}

impl RefreshArgs {
    /// The flags that a service is started with to do the same.
    pub(super) fn flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        for (flag, number) in [("--interval", self.interval), ("--buffer", self.buffer)] {
            flags.extend(number.into_iter().flat_map(|number| [flag.to_owned(), number.to_string()]));
        }
        if let Some(hook) = &self.on_login_needed {
            flags.extend(["--on-login-needed".into(), hook.clone()]);
        }
        if self.no_install {
            flags.push("--no-install".into());
        }
        flags
    }
}

/// What is to start the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ServiceManager {
    /// A systemd user unit
    Systemd,
    /// A launchd agent
    Launchd,
}

impl From<ServiceManager> for Supervisor {
    fn from(kind: ServiceManager) -> Self {
        match kind {
            ServiceManager::Systemd => Self::Systemd,
            ServiceManager::Launchd => Self::Launchd,
        }
    }
}
