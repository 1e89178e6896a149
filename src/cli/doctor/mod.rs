//! `mcpauth doctor`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// Say what is wrong, and how to mend it
#[derive(Args, Debug)]
pub(super) struct DoctorArgs {}

pub(super) fn run(_args: &DoctorArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
