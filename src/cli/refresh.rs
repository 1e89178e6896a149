//! `mcpauth refresh`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// Keep tokens fresh, and the client configurations with them
#[derive(Args, Debug)]
pub(super) struct RefreshArgs {}

pub(super) fn run(_args: &RefreshArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
