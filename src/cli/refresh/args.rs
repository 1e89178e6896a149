//! What is typed after `mcpauth refresh`, and the numbers it comes to.

use clap::{Args, ValueEnum};

use crate::cli::out::Out;
use crate::clients;
use crate::clients::ConfigRow;
use crate::config::{Config, ConfigError, Settings};
use crate::error::Error;
use crate::quantity::seconds_within;
use crate::refresh::Epoch;
use crate::store::Store;

/// The longest interval and buffer, in seconds.
const DAY: u64 = 86_400;
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
    #[arg(long, value_name = "TIME", value_parser = interval)]
    pub(super) interval: Option<Epoch>,
    /// Time before its end at which a token is renewed, a fifth of its life at most, as in 3600 or 1h
    /// [default: TOKEN_EXPIRY_BUFFER, else 1h]
    #[arg(long, value_name = "TIME", value_parser = buffer)]
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

/// The two numbers of a run, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct RefreshIntervals {
    pub(super) buffer: Epoch,
    pub(super) interval: Epoch,
}

impl RefreshIntervals {
    pub(super) fn from_args(args: &RefreshArgs, settings: &Settings) -> Result<Self, ConfigError> {
        let seconds =
            |flag: Option<Epoch>, variable: &str, read: fn(&str) -> Result<Epoch, String>, default| {
                let Some(text) = settings.get(variable).filter(|_| flag.is_none()) else {
                    return Ok(flag.unwrap_or(default));
                };
                read(text).map_err(|reason| ConfigError::Invalid { variable: variable.into(), reason })
            };
        Ok(Self {
            buffer: seconds(args.buffer, "TOKEN_EXPIRY_BUFFER", buffer, 3_600)?,
            interval: seconds(args.interval, "TOKEN_REFRESH_INTERVAL", interval, 300)?,
        })
    }
}

fn interval(text: &str) -> Result<Epoch, String> {
    within(text, 1)
}

fn buffer(text: &str) -> Result<Epoch, String> {
    within(text, 0)
}

/// A time of no more than a day.
fn within(text: &str, least: u64) -> Result<Epoch, String> {
    let seconds = seconds_within(text, least..=DAY)?;
    Epoch::try_from(seconds).map_err(|error| error.to_string())
}

/// Our own configurations among the tokens and, unless that is not wanted, the clients' files that hold tokens.
pub(super) fn rewrite(
    config: &Config,
    store: &Store,
    install: bool,
    out: &Out,
) -> Result<Vec<ConfigRow>, Error> {
    if install {
        clients::reinstall(config, store, out)
    } else {
        clients::write_all(config, store, false, out)
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
