//! `mcpauth token`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// Print a fresh access token, and nothing else
#[derive(Args, Debug)]
pub(super) struct TokenArgs {}

pub(super) fn run(_args: &TokenArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
