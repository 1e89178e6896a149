//! `mcpauth exec`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// Run a command with a server's fresh credentials in its environment
#[derive(Args, Debug)]
pub(super) struct ExecArgs {}

pub(super) fn run(_args: &ExecArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
