//! `mcpauth login`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// Log in to an MCP server by its address alone
#[derive(Args, Debug)]
pub(super) struct LoginArgs {}

pub(super) fn run(_args: &LoginArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
