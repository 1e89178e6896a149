//! `mcpauth logout`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// Forget credentials, and revoke them where the provider can
#[derive(Args, Debug)]
pub(super) struct LogoutArgs {}

pub(super) fn run(_args: &LogoutArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
