//! `mcpauth env`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// Print fresh credentials as shell variables
#[derive(Args, Debug)]
pub(super) struct EnvArgs {}

pub(super) fn run(_args: &EnvArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
