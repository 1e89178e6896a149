//! `mcpauth man`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// Print the manual pages
#[derive(Args, Debug)]
pub(super) struct ManArgs {}

pub(super) fn run(_args: &ManArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
