//! `mcpauth refresh`: keeps every credential fresh, and the client configurations with them; as a service, or once.
//! It leaves when to `refresh`, each token to `vault` and each file to `render`.

mod args;
mod log;
mod once;
mod renew;
pub(super) mod service;
mod unit;

pub(super) use args::RefreshArgs;

use crate::cli::out::Out;
use crate::cli::refresh::args::RefreshIntervals;
use crate::config::{Config, ConfigError, Settings};
use crate::credential::CredentialKind;
use crate::error::{Error, Exit};

pub(super) fn run(args: &RefreshArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    let rules = RefreshIntervals::from_args(args, &settings)?;
    let config = Config::resolve(settings)?;
    match args.unit {
        Some(kind) => unit::print(kind, args, &config, out),
        None if config.plan(&CredentialKind::ALL, None).is_empty() => {
            Err(ConfigError::NothingConfigured.into())
        }
        None if args.once => once::run(args, rules, &config, out),
        None => service::run(args, rules, config, out),
    }
}
