//! The arguments of `mcpauth refresh`.

use clap::Args;

use crate::config::{read_buffer, read_interval};
use crate::refresh::{Epoch, Supervisor};

const EXAMPLES: &str = "Examples:
  mcpauth refresh                          until it is stopped (Ctrl-C, SIGTERM); SIGHUP rescans at once
  mcpauth refresh --once                   one pass, for cron; --force also renews what is not due
  mcpauth refresh --unit systemd > ~/.config/systemd/user/mcpauth-refresh.service
  mcpauth refresh --on-login-needed 'notify-send \"$MCPAUTH_CREDENTIAL\" \"$MCPAUTH_COMMAND\"'";

/// Keep tokens fresh, and the client configurations with them
///
/// Each credential is renewed on its own schedule: a fifth of its lifetime before it expires, at most an hour. It
/// never opens a browser: a credential that needs a login is reported once, with the command to run.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct RefreshArgs {
    /// Make one pass over everything due, then print a summary
    #[arg(long, conflicts_with = "unit")]
    pub(super) once: bool,
    /// With --once: renew everything, due or not
    #[arg(short, long, requires = "once")]
    pub(super) force: bool,
    /// How often to rescan the credential files, as in 300 or 5m [default: TOKEN_REFRESH_INTERVAL, else 5m]
    #[arg(long, value_name = "TIME", value_parser = read_interval)]
    pub(super) interval: Option<Epoch>,
    /// How long before its expiry to renew a token, at most a fifth of its lifetime, as in 3600 or 1h [default:
    /// TOKEN_EXPIRY_BUFFER, else 1h]
    #[arg(long, value_name = "TIME", value_parser = read_buffer)]
    pub(super) buffer: Option<Epoch>,
    /// Run this in your shell once whenever a login is needed, with MCPAUTH_CREDENTIAL and MCPAUTH_COMMAND in its
    /// environment
    #[arg(long, value_name = "CMD", conflicts_with = "once")]
    pub(super) on_login_needed: Option<String>,
    /// Write .oauth-tokens/*.json, but no other program's files
    #[arg(long)]
    pub(super) no_install: bool,
    /// Print a service file for this folder and these settings
    #[arg(long, value_enum, value_name = "KIND")]
    pub(super) unit: Option<Supervisor>,
}

impl RefreshArgs {
    /// The flags that make a service do the same.
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
