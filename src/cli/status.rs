//! `mcpauth status`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// What is kept, until when it is good, and what to type
#[derive(Args, Debug)]
pub(super) struct StatusArgs {}

pub(super) fn run(_args: &StatusArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
