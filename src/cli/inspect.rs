//! `mcpauth inspect`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// Decode a token, and verify it with its issuer's keys
#[derive(Args, Debug)]
pub(super) struct InspectArgs {}

pub(super) fn run(_args: &InspectArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
