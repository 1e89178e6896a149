//! `mcpauth bridge`: an MCP server for local clients in front of a remote one, over stdio or loopback HTTP.
//! It leaves the protocol to `bridge` and the credentials to `servers`.

mod local;

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

pub(super) use local::{Local, SECRET_HEADER};

/// Stand before a remote MCP server, with fresh credentials on every request
#[derive(Args, Debug)]
pub(super) struct BridgeArgs {}

pub(super) fn run(_args: &BridgeArgs, settings: Settings, _out: &Out) -> Result<Exit, Error> {
    let config = crate::config::Config::resolve(settings)?;
    Local::of(&config)?;
    Ok(Exit::Other)
}
